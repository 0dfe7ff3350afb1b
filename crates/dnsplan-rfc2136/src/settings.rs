//! How to work on a zone.

use std::net::SocketAddr;
use std::time::Duration;

use dnsplan_plan::OwnerName;
use dnsplan_tsig::TsigKey;

/// What becomes of a weighted RRset at a server that has no weights.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Weights {
    /// It is refused, by name; the rest of the plan goes on.
    #[default]
    Refuse,
    /// Its members above weight 0 become one RRset (all of them, where all are 0): each client is given all, and most take them in
    /// turn. Of the weights only "none" and "some" is left. A weighted CNAME, of which a name can have only one, becomes the heaviest
    /// member's, and of two that weigh the same the one whose id comes first.
    Spread,
}

/// A zone at its primary server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The primary server. It is an address: an enactor resolves no name that it may manage.
    pub server: SocketAddr,
    /// The zone.
    pub zone: OwnerName,
    /// What signs every request and reply. Without one, the server must go by addresses, and whoever is in between can do as they like.
    pub key: Option<TsigKey>,
    /// What becomes of weighted RRsets.
    pub weights: Weights,
    /// How long the server may take to accept a connection, and for each reply.
    pub timeout: Duration,
    /// The largest message, in bytes; about 4,500 of them are kept for the fence and the signature. A smaller one keeps the server free
    /// for queries in between. All enactors of a zone must have the same: it decides how a plan is cut into parts.
    pub message_limit: u16,
}

impl Settings {
    /// A zone at its primary server without a key: weighted RRsets are refused, 5 seconds for each reply, messages as large as they can
    /// be.
    #[must_use]
    pub const fn new(server: SocketAddr, zone: OwnerName) -> Self {
        Self {
            server,
            zone,
            key: None,
            weights: Weights::Refuse,
            timeout: Duration::from_secs(5),
            message_limit: u16::MAX,
        }
    }

    /// The same with a key.
    #[must_use]
    pub fn with_key(mut self, key: TsigKey) -> Self {
        self.key = Some(key);
        self
    }
}
