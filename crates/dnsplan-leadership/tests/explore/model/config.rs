//! What is explored, and what must hold.

use std::fmt;

/// An invariant of the protocol.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Invariant {
    /// Accepted writes of one epoch come from one life of one node.
    OneWriter,
    /// Epochs of accepted writes never decrease.
    Monotone,
    /// Who is granted an epoch has every accepted write of every epoch before.
    NothingLost,
    /// Once an epoch is sealed, nothing of it is accepted.
    SealHolds,
    /// From every state one is reached where a live node leads, and the resource accepts its writes.
    Completes,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneWriter => "I1 one writer",
            Self::Monotone => "I2 monotone",
            Self::NothingLost => "I3 nothing lost",
            Self::SealHolds => "I4 seal holds",
            Self::Completes => "I5 completes",
        })
    }
}

/// All of them. I6 (only a won swap changes authority) has no state to be judged on: no other step touches the record.
pub(crate) const INVARIANTS: [Invariant; 5] = [
    Invariant::OneWriter,
    Invariant::Monotone,
    Invariant::NothingLost,
    Invariant::SealHolds,
    Invariant::Completes,
];

/// A rule that is left out, to see what it is for. Every one is a variation around the production code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rule {
    /// R1: the resource does not check; demotion is a message.
    Checks,
    /// R2: the resource checks first and writes later.
    ChecksInTheWrite,
    /// R3: a grant needs no seal: the first write of the new epoch is to fence the old one.
    SealBeforeGrant,
    /// R4: a grant does not ask whether the node has every accepted write.
    CatchUpBeforeGrant,
    /// R5: rolling back opens the same epoch again, in the record.
    RollBackForward,
    /// R5: rolling back opens the same epoch again, in the record and at the resource.
    SealIsForGood,
    /// R6: a node that starts again goes on with what it was granted.
    RestartIsAnotherHolder,
    /// R7: the register is emptied once, the resource's floor stays.
    RegisterIsKept,
    /// R7: register and floor are emptied once.
    FloorIsKept,
    /// R8: a receipt counts for whatever epoch is to be sealed.
    ReceiptNamesEpoch,
}

/// Every rule by its name, as the example takes it.
pub(crate) const RULES: [(&str, Rule); 10] = [
    ("R1", Rule::Checks),
    ("R2", Rule::ChecksInTheWrite),
    ("R3", Rule::SealBeforeGrant),
    ("R4", Rule::CatchUpBeforeGrant),
    ("R5a", Rule::RollBackForward),
    ("R5b", Rule::SealIsForGood),
    ("R6", Rule::RestartIsAnotherHolder),
    ("R7a", Rule::RegisterIsKept),
    ("R7b", Rule::FloorIsKept),
    ("R8", Rule::ReceiptNamesEpoch),
];

/// One exploration. All interleavings of everything it allows are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// Coordinators, each with a view of the record that may be any age; 1 to 3.
    pub(crate) coordinators: u8,
    /// Swaps that the network holds at a time; 1 to 2.
    pub(crate) swaps: u8,
    /// Data writes in all; at most 5.
    pub(crate) writes: u8,
    /// Data writes that the network delivers twice, in all; with the writes at most 5.
    pub(crate) doubles: u8,
    /// Crashes of nodes in all; at most 3.
    pub(crate) crashes: u8,
    /// Hand-offs of a holder that is alive, demanded or by a false alarm; at most 3. Those of a dead one are free.
    pub(crate) handoffs: u8,
    /// Whether a node ever hears of a freeze.
    pub(crate) hears: bool,
    /// Whether views that are out of date are taken for fresh ones. With every rule in force nothing is lost by that: what
    /// such a view leads to is a swap that loses, or a seal of what is sealed. A test compares what is reached.
    pub(crate) merges: bool,
    /// The rule that is left out.
    pub(crate) without: Option<Rule>,
    /// Only this invariant is judged; `None`: all.
    pub(crate) only: Option<Invariant>,
}

/// What every test run looks at.
pub(crate) const QUICK: Config = Config {
    coordinators: 2,
    swaps: 2,
    writes: 2,
    doubles: 0,
    crashes: 1,
    handoffs: 1,
    hears: true,
    merges: false,
    without: None,
    only: None,
};

/// The explorations that have a name.
pub(crate) const NAMED: [(&str, Config); 9] = [
    ("quick", QUICK),
    ("deaf", Config { hears: false, ..QUICK }),
    ("doubled-once", Config { writes: 1, doubles: 1, ..QUICK }),
    ("doubled", Config { doubles: 1, ..QUICK }),
    ("two-handoffs", Config { handoffs: 2, ..QUICK }),
    ("two-crashes", Config { crashes: 2, ..QUICK }),
    ("three-coordinators", Config { coordinators: 3, ..QUICK }),
    ("large", Config { handoffs: 2, writes: 3, ..QUICK }),
    ("merged", Config { handoffs: 3, crashes: 2, writes: 3, merges: true, ..QUICK }),
];

impl Config {
    pub(crate) fn is_without(&self, rule: Rule) -> bool {
        self.without == Some(rule)
    }

    pub(crate) fn judges(&self, invariant: Invariant) -> bool {
        self.only.is_none_or(|only| only == invariant)
    }
}
