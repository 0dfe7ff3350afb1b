//! What happened elsewhere at the points that are played here: Aurora in October 2025 (Hightouch's report, with the provider's explanation)
//! first of all.

use std::collections::BTreeSet;

use super::outcome::{Invariant, Weak};

/// The demotion does not arrive.
pub(super) const SIGNAL: &str =
    "Aurora, October 2025: \"internal signaling issue in the demotion process of the old writer\"";
/// Both are promoted.
pub(super) const BOTH: &str =
    "Aurora, October 2025: the failover promoted a reader, and both instances briefly processed writes";
/// The storage ends both.
pub(super) const CRASHED: &str =
    "Aurora, October 2025: the storage layer rejected the concurrent writes, and both instances crashed";
/// It is undone.
pub(super) const REVERSED: &str =
    "Aurora, October 2025: the failover reversed itself; the writer was the same as before it";

/// What a switch that is off mirrors.
const fn of(weak: Weak) -> Option<&'static str> {
    match weak {
        Weak::Seal => Some(BOTH),
        Weak::Drain => None,
        Weak::ForwardRollback => Some(
            "KubeBlocks, 2026: a switchover timed out, and rolling it back made the old primary writable while the promotion went on",
        ),
        Weak::ReceiptEpoch => Some(
            "Kafka (KIP-890): what was late from one transaction joined the next, because nothing in it named which one it was of",
        ),
        Weak::CatchUp => Some(
            "KubeBlocks, 2026: a switchover was reported as done before the nodes had converged, and their histories went apart",
        ),
        Weak::Incarnation => Some(
            "CockroachDB, 2016: a node used a lease again after its restart, and broke the promise of its earlier life",
        ),
    }
}

/// What shows that this rule is switched off.
const fn own(weak: Weak) -> &'static [Invariant] {
    match weak {
        Weak::Seal => &[Invariant::Monotone, Invariant::SealHolds],
        Weak::Drain => &[],
        Weak::ForwardRollback => &[Invariant::SealHolds, Invariant::Completes],
        Weak::ReceiptEpoch => &[Invariant::SealHolds],
        Weak::CatchUp => &[Invariant::NothingLost],
        Weak::Incarnation => &[Invariant::OneWriter],
    }
}

/// The fact that a breach mirrors.
pub(super) fn mirrored(invariant: Invariant, without: &BTreeSet<Weak>) -> Option<&'static str> {
    without.iter().find(|weak| own(**weak).contains(&invariant)).and_then(|weak| of(*weak))
}
