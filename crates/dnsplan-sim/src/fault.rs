//! Faults: what may become of a call, and what may happen to the world.

use crate::schedule::Dice;

/// What becomes of one call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CallFault {
    /// Nothing special.
    None,
    /// The caller waits for the reply for so long.
    Stall(u64),
    /// It never arrives, and the caller gives up waiting.
    LoseRequest,
    /// It takes effect, and the caller never hears of it.
    LoseReply,
    /// The caller gives up waiting; it arrives after so long.
    Late(u64),
    /// It arrives, and once more after so long.
    Twice(u64),
    /// It is refused at once: too many requests.
    Throttle,
    /// The caller crashes, before the call is sent or (where `sent`) after, and begins again after so long.
    Crash { sent: bool, downtime: u64 },
}

impl CallFault {
    /// In words, for the timeline.
    pub(crate) fn text(self) -> String {
        match self {
            Self::None => "goes through".to_owned(),
            Self::Stall(millis) => format!("is answered only after {}", span(millis)),
            Self::LoseRequest => "gets lost on its way".to_owned(),
            Self::LoseReply => "takes effect, and the reply gets lost".to_owned(),
            Self::Late(millis) => format!("is on its way for {}", span(millis)),
            Self::Twice(millis) => format!("arrives, and once more {} later", span(millis)),
            Self::Throttle => "is refused: too many requests".to_owned(),
            Self::Crash { sent: true, downtime } => {
                format!("is sent, and the sender crashes for {}", span(downtime))
            }
            Self::Crash { sent: false, downtime } => {
                format!("is not sent: the sender crashes for {}", span(downtime))
            }
        }
    }
}

/// Milliseconds as seconds.
pub(crate) fn span(millis: u64) -> String {
    format!("{}.{:03} s", millis / 1000, millis % 1000)
}

/// What happens to the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Incident {
    /// The target is put back to where it was so many milliseconds before.
    RewindTarget { by: u64 },
    /// The store is put back to where it was so many milliseconds before.
    RewindStore { by: u64 },
    /// Somebody deletes the fence record.
    DeleteFence,
    /// Somebody overwrites the fence record.
    CorruptFence,
    /// Somebody deletes what we put at an owner name.
    Damage { owner: u64 },
    /// Somebody else's records turn up at an owner name; they go again after so long.
    Foreign { owner: u64, millis: u64 },
    /// An actor cannot reach the store (or the target) for so long.
    Partition { actor: u32, from_store: bool, millis: u64 },
    /// An actor's clock jumps.
    ClockJump { actor: u32, forward: bool },
    /// Health checks change their minds about some members.
    Flap { members: u64 },
    /// A health source cannot be asked for so long.
    Unknown { millis: u64 },
    /// Somebody freezes everything for so long.
    Freeze { millis: u64 },
    /// Old plans are forgotten.
    Prune,
    /// A plan with old content is published.
    Rollback,
}

/// How much goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mix {
    /// Nothing.
    None,
    /// One call in twenty, and up to three incidents.
    #[default]
    Normal,
    /// One call in five, and up to ten incidents.
    Heavy,
}

impl Mix {
    /// How many incidents there are.
    pub(crate) const fn incidents(self, dice: &mut Dice) -> u32 {
        match self {
            Self::None => 0,
            Self::Normal => dice.below(4) as u32,
            Self::Heavy => 2 + dice.below(9) as u32,
        }
    }

    pub(crate) fn call(self, dice: &mut Dice, is_write: bool) -> CallFault {
        let fails = match self {
            Self::None => false,
            Self::Normal => dice.chance(1, if is_write { 12 } else { 60 }),
            Self::Heavy => dice.chance(1, if is_write { 4 } else { 15 }),
        };
        if !fails {
            return CallFault::None;
        }
        // Short, long, and longer than several generations take.
        let bound = *dice.pick(&[200, 2_000, 9_000]);
        let millis = 1 + dice.below(bound);
        match dice.below(if is_write { 9 } else { 5 }) {
            0 => CallFault::Stall(millis),
            1 => CallFault::Throttle,
            2 => CallFault::Crash { sent: dice.chance(2, 3), downtime: 1 + millis / 4 },
            3 => CallFault::LoseRequest,
            4 | 5 => CallFault::LoseReply,
            6 => CallFault::Twice(millis),
            _ => CallFault::Late(millis),
        }
    }

    pub(crate) fn incident(self, dice: &mut Dice, actors: u32, span: u64) -> Incident {
        let actor = dice.below(u64::from(actors)) as u32;
        let millis = 100 + dice.below(span / 3);
        match dice.below(15) {
            0 | 1 => Incident::RewindTarget { by: 1 + dice.below(span) },
            2 => Incident::RewindStore { by: 1 + dice.below(span / 2) },
            3 => Incident::DeleteFence,
            4 => Incident::CorruptFence,
            5 => Incident::Damage { owner: dice.below(8) },
            6 => Incident::Foreign { owner: dice.below(8), millis },
            7 => Incident::Partition { actor, from_store: true, millis },
            8 => Incident::Partition { actor, from_store: false, millis },
            9 => Incident::ClockJump { actor, forward: dice.chance(1, 2) },
            10 => Incident::Flap { members: dice.below(8) },
            11 => Incident::Unknown { millis },
            12 => Incident::Freeze { millis },
            13 => Incident::Prune,
            _ => Incident::Rollback,
        }
    }
}
