//! The steps of a scenario.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// 30 days, in milliseconds.
const MONTH: u64 = 30 * 24 * 3_600_000;

/// A duration, such as `"40ms"` or `"2s"`, in virtual milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Millis(pub(crate) u64);

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed = match (text.strip_suffix("ms"), text.strip_suffix('s'), text.strip_suffix("min")) {
            (Some(millis), ..) => millis.parse().ok(),
            (None, Some(seconds), _) => {
                seconds.parse().ok().and_then(|seconds: u64| seconds.checked_mul(1_000))
            }
            (None, None, Some(minutes)) => {
                minutes.parse().ok().and_then(|minutes: u64| minutes.checked_mul(60_000))
            }
            (None, None, None) => None,
        };
        let wrong =
            || D::Error::custom(format!("{text:?} is no duration: write \"40ms\", \"2s\" or \"5min\""));
        let millis = parsed.ok_or_else(wrong)?;
        if millis > MONTH {
            return Err(D::Error::custom(format!("{text:?} is too long: a story lasts at most 30 days")));
        }
        Ok(Self(millis))
    }
}

/// The other end of a wire, as scenarios name it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum End {
    Store,
    Target,
}

const fn first() -> usize {
    1
}

const fn one() -> u32 {
    1
}

/// One thing that happens, or that is waited for.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Step {
    /// The planners publish so many plans, each that long after the one before; waits until the last is in the store.
    Publish {
        #[serde(default = "one")]
        count: u32,
        every: Option<Millis>,
    },
    /// Waits until somebody has said something, since the last step that did something.
    Wait { actor: Option<String>, kind: String, generation: Option<u64>, within: Option<Millis> },
    /// Waits until so many calls of an actor are held back.
    WaitHeld {
        actor: String,
        #[serde(default = "one")]
        calls: u32,
    },
    /// Waits until the newest plan is live everywhere, whole and clean.
    Settle,
    /// Lets time pass.
    Pass { time: Millis },
    /// The next call of that kind is held back: its sender gives up waiting, or waits with it.
    Hold {
        actor: String,
        call: String,
        generation: Option<u64>,
        part: Option<u32>,
        #[serde(default)]
        gives_up: bool,
    },
    /// An actor stalls at its next call, whatever it is.
    Pause { actor: String },
    /// Whatever of an actor is held back goes on.
    Release { actor: String },
    /// An actor crashes, and stays down.
    Stop { actor: String },
    /// It comes up again.
    Start { actor: String },
    /// An actor cannot reach the store, or its target.
    Cut { actor: String, from: End, time: Millis },
    /// The store, or the first target, refuses everything.
    Throttle { end: End, time: Millis },
    /// A backup of a target (the first, unless said otherwise) or of the store.
    Backup {
        end: End,
        #[serde(default = "first")]
        target: usize,
    },
    /// The backup is put back.
    Restore {
        end: End,
        #[serde(default = "first")]
        target: usize,
    },
    /// Somebody deletes the fence record.
    DeleteFence,
    /// Somebody overwrites the fence record.
    CorruptFence,
    /// Somebody deletes everything of an owner name.
    Damage { owner: String },
    /// Health checks say which members of a pool are down; `unknown` where they cannot be asked.
    Health {
        pool: String,
        #[serde(default)]
        down: Vec<String>,
        #[serde(default)]
        unknown: bool,
    },
    /// The clock of an actor jumps by an hour.
    ClockJump {
        actor: String,
        #[serde(default)]
        back: bool,
    },
    /// Somebody freezes everything.
    Freeze,
    /// Somebody lifts the freeze.
    Unfreeze,
    /// Plans older than the newest are forgotten.
    Prune,
    /// An operator publishes the content of an older generation again.
    RollBack { to: u64 },
    /// A line of the timeline.
    Say { actor: String, text: String },
    /// What happened in October where the newest line is.
    October { fact: String },
}

impl Step {
    /// Whether it does something: what is waited for counts from here on.
    pub(crate) const fn is_act(&self) -> bool {
        !matches!(
            self,
            Self::Wait { .. }
                | Self::WaitHeld { .. }
                | Self::Settle
                | Self::Pass { .. }
                | Self::Pause { .. }
                | Self::Say { .. }
                | Self::October { .. }
        )
    }
}
