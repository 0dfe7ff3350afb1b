//! Who may transfer the zones, and who is told of a new plan.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use dnsplan_tsig::TsigKey;
use ipnet::IpNet;

/// Who follows the zones of a server. Without this, every transfer is refused.
///
/// A client has to be in `allow` where that is not empty, and to sign with one of `keys` where that is not empty; where both
/// are given, both must hold.
#[derive(Clone, Debug)]
pub struct Transfers {
    /// The networks that may transfer. Empty: any address, with a key.
    pub allow: Vec<IpNet>,
    /// The keys that a transfer may be signed with. Empty: none is needed. NOTIFY messages are signed with the first; more
    /// than one is for the time in which a fleet changes its key.
    pub keys: Vec<TsigKey>,
    /// The secondaries that are told of every plan that becomes live.
    pub notify: Vec<SocketAddr>,
    /// How many earlier versions of a zone are kept, so that a secondary which has one of them is sent the difference
    /// (IXFR). Each costs the memory of what changed since.
    pub history: usize,
    /// How many transfers are sent at once; more wait for their turn. One client (an IPv4 address, an IPv6 network with a
    /// prefix of 56 bits) is sent a fourth of them at most, rounded up.
    pub at_once: usize,
    /// How long a transfer waits for its turn; then it is answered SERVFAIL, and the secondary asks again later.
    pub wait: Duration,
    /// How long a client may take nothing in the midst of a transfer; then the transfer ends.
    pub stall: Duration,
    /// How many bytes a second a client must take of a transfer. One that takes fewer is waited for as long as one that takes
    /// nothing, in all. 0: any number.
    pub slowest: u32,
}

impl Default for Transfers {
    /// Nobody, with the usual bounds.
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            keys: Vec::new(),
            notify: Vec::new(),
            history: 32,
            at_once: 8,
            wait: Duration::from_secs(60),
            stall: Duration::from_secs(30),
            slowest: 16_384,
        }
    }
}

/// Settings for transfers do not make sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransfersError {
    /// There is neither a network nor a key.
    #[error(
        "nobody may transfer: name the networks of the secondaries, or a key that they sign with, or leave the settings for \
         transfers out"
    )]
    Nobody,
    /// Two keys have the same name.
    #[error("two keys are called {0}: give each its own name, as secondaries pick a key by it")]
    DuplicateKey(String),
    /// Nobody can be reached there.
    #[error("{0} cannot be notified: write the address and port of a secondary")]
    Unreachable(SocketAddr),
    /// No transfer could ever be sent.
    #[error("no transfer is sent at once: allow one at least")]
    NoneAtOnce,
    /// Every transfer would end at once.
    #[error(
        "a client may not take nothing for any time at all, so every transfer would end: give `stall` some seconds"
    )]
    NoPatience,
}

impl Transfers {
    /// Whether they make sense.
    ///
    /// # Errors
    /// [`TransfersError`] says what does not.
    pub fn check(&self) -> Result<(), TransfersError> {
        if self.allow.is_empty() && self.keys.is_empty() {
            return Err(TransfersError::Nobody);
        }
        for (index, key) in self.keys.iter().enumerate() {
            let is_same = |other: &&TsigKey| other.name() == key.name();
            if let Some(twin) = self.keys.iter().take(index).find(is_same) {
                return Err(TransfersError::DuplicateKey(twin.name().to_string()));
            }
        }
        let is_nowhere = |address: &&SocketAddr| {
            address.port() == 0 || address.ip().is_unspecified() || address.ip().is_multicast()
        };
        if let Some(nowhere) = self.notify.iter().find(is_nowhere) {
            return Err(TransfersError::Unreachable(*nowhere));
        }
        if self.at_once == 0 {
            return Err(TransfersError::NoneAtOnce);
        }
        if self.stall.is_zero() {
            return Err(TransfersError::NoPatience);
        }
        Ok(())
    }

    /// How many transfers are sent to one client at once.
    pub(crate) const fn share(&self) -> usize {
        self.at_once.div_ceil(4)
    }

    /// Whether a client may transfer.
    pub(crate) fn permit(&self, client: IpAddr, is_signed: bool) -> bool {
        // A socket for both families sees IPv4 clients under mapped addresses.
        let client = client.to_canonical();
        let is_near = self.allow.is_empty() || self.allow.iter().any(|network| network.contains(&client));
        let is_known = self.keys.is_empty() || is_signed;
        is_near && is_known && !(self.allow.is_empty() && self.keys.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> TsigKey {
        format!("{name}:c2VjcmV0").parse().unwrap()
    }

    fn from(allow: &[&str], keys: &[&str]) -> Transfers {
        Transfers {
            allow: allow.iter().map(|text| text.parse().unwrap()).collect(),
            keys: keys.iter().map(|name| key(name)).collect(),
            ..Transfers::default()
        }
    }

    #[test]
    fn address_and_key_must_both_hold_where_both_are_given() {
        let (inside, outside) = ("192.0.2.7".parse().unwrap(), "198.51.100.7".parse().unwrap());
        let of = |transfers: &Transfers| {
            [(inside, true), (inside, false), (outside, true), (outside, false)]
                .map(|(client, is_signed)| transfers.permit(client, is_signed))
        };
        assert_eq!(of(&from(&["192.0.2.0/24"], &["k"])), [true, false, false, false]);
        assert_eq!(of(&from(&["192.0.2.0/24"], &[])), [true, true, false, false]);
        assert_eq!(of(&from(&[], &["k"])), [true, false, true, false]);
        assert_eq!(of(&Transfers::default()), [false; 4]);
    }

    #[test]
    fn a_mapped_address_is_the_one_it_stands_for() {
        let transfers = from(&["192.0.2.0/24"], &[]);
        assert!(transfers.permit("::ffff:192.0.2.7".parse().unwrap(), false));
        assert!(!transfers.permit("::ffff:198.51.100.7".parse().unwrap(), false));
    }

    #[test]
    fn settings_that_do_not_make_sense_are_refused() {
        assert_eq!(from(&["192.0.2.0/24"], &["a", "b"]).check(), Ok(()));
        assert_eq!(Transfers::default().check(), Err(TransfersError::Nobody));
        assert_eq!(from(&[], &["a", "A."]).check(), Err(TransfersError::DuplicateKey("a.".into())));
        for nowhere in ["192.0.2.1:0", "0.0.0.0:53", "[::]:53", "224.0.0.1:53"] {
            let nowhere = nowhere.parse().unwrap();
            let transfers = Transfers { notify: vec![nowhere], ..from(&[], &["a"]) };
            assert_eq!(transfers.check(), Err(TransfersError::Unreachable(nowhere)));
        }
        let transfers = Transfers { at_once: 0, ..from(&[], &["a"]) };
        assert_eq!(transfers.check(), Err(TransfersError::NoneAtOnce));
        let transfers = Transfers { stall: Duration::ZERO, ..from(&[], &["a"]) };
        assert_eq!(transfers.check(), Err(TransfersError::NoPatience));
    }
}
