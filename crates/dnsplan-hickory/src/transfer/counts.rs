//! What became of the requests for transfers, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often what happened since the server was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransferCounts {
    /// Whole zones that were sent, or begun to be.
    pub full: u64,
    /// Differences that were sent, or begun to be.
    pub incremental: u64,
    /// Clients that were told the newest serial alone: they have it, or a datagram does not hold the difference.
    pub serial_only: u64,
    /// Requests for transfers that were refused: by address or for want of a key, for a zone that is not here, or as
    /// malformed.
    pub refused: u64,
    /// Requests for transfers whose turn did not come in time. They were answered SERVFAIL.
    pub turned_away: u64,
    /// Requests of any kind whose signature was wrong: an unknown key, another secret, another time, or cut short.
    pub wrongly_signed: u64,
    /// Transfers, of those begun, that ended early: the client went or took too little for too long, or a record
    /// fits no message.
    pub broken: u64,
    /// NOTIFY messages sent, again or for the first time.
    pub notified: u64,
    /// NOTIFY messages that a secondary acknowledged.
    pub acknowledged: u64,
}

/// The counters behind it.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) full: Counter,
    pub(crate) incremental: Counter,
    pub(crate) serial_only: Counter,
    pub(crate) refused: Counter,
    pub(crate) turned_away: Counter,
    pub(crate) wrongly_signed: Counter,
    pub(crate) broken: Counter,
    pub(crate) notified: Counter,
    pub(crate) acknowledged: Counter,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn read(&self) -> TransferCounts {
        TransferCounts {
            full: self.full.get(),
            incremental: self.incremental.get(),
            serial_only: self.serial_only.get(),
            refused: self.refused.get(),
            turned_away: self.turned_away.get(),
            wrongly_signed: self.wrongly_signed.get(),
            broken: self.broken.get(),
            notified: self.notified.get(),
            acknowledged: self.acknowledged.get(),
        }
    }
}
