//! Zone transfer to secondaries: AXFR (RFC 5936) and IXFR (RFC 1995), for those who may, from one version of the zone.
//!
//! 1. A transfer is made from one version from its first message to its last, whatever becomes live meanwhile.
//! 2. It runs in its connection's own task, message by message: the client's window decides how fast, other tasks run
//!    between two messages, and only one message of all transfers is packed at a time.
//! 3. Whoever may not transfer is refused before anything about the zone is looked up.
//! 4. A difference is sent only where the client's version is still kept and the difference is smaller than the zone.
//! 5. No client keeps the others from their turn: each has a share of the transfers that are sent at once, a slow one is given
//!    up, and so is waiting for a turn. A difference is not looked for before its turn.

mod answer;
mod config;
mod content;
mod counts;
mod difference;
mod history;
mod messages;
mod pace;
mod tsig;

pub use config::{Transfers, TransfersError};
pub use counts::TransferCounts;

pub(crate) use answer::{Content, Desk, How, Wanted, is_transfer};
pub(crate) use history::{History, Version};
pub(crate) use messages::{Messages, TooLarge};
pub(crate) use pace::{Pace, TooSlow};
pub(crate) use tsig::{Chain, Seal, Verdict, now, verify};
