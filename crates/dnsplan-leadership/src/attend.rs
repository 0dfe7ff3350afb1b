//! What a node makes of a record: whether it may write, under which epoch, or has to stop.
//!
//! | the record | and this node | stance |
//! |---|---|---|
//! | `Open`, held by this life of it | has not stopped at that epoch before | [`Stance::Leads`] |
//! | `Freezing`, held by this life of it | | [`Stance::Drains`] |
//! | anything else | leads, drains or has stopped at an epoch | [`Stance::Stopped`] at it |
//! | anything else | never led | [`Stance::Follows`] |
//!
//! A record that is older than what the node knows already (a reply that came late) changes nothing, and no stance leads
//! back to [`Stance::Leads`] at the same epoch. All of this is politeness: what keeps a deposed node from writing is the
//! resource, whether or not the node has heard of anything.

use crate::{Epoch, Holder, Phase, Seen};

/// What a node takes itself for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stance {
    /// It has never led in this life.
    #[default]
    Follows,
    /// It writes under this epoch.
    Leads(Epoch),
    /// It begins no new writes under this epoch, and waits for those in flight.
    Drains(Epoch),
    /// It will never write under this epoch again.
    Stopped(Epoch),
}

impl Stance {
    /// The epoch that it leads, drains or has stopped at.
    #[must_use]
    pub const fn epoch(self) -> Option<Epoch> {
        match self {
            Self::Follows => None,
            Self::Leads(epoch) | Self::Drains(epoch) | Self::Stopped(epoch) => Some(epoch),
        }
    }

    /// The stance after a write under `epoch` was refused by the resource.
    #[must_use]
    pub fn fenced(self, epoch: Epoch) -> Self {
        if self.epoch() == Some(epoch) { Self::Stopped(epoch) } else { self }
    }
}

/// The stance of `me` after it has seen a record; see the module for the table.
#[must_use]
pub fn attend(seen: &Seen, me: &Holder, stance: Stance) -> Stance {
    let Some(epoch) = seen.epoch().filter(|epoch| Some(*epoch) >= stance.epoch()) else { return stance };
    let is_new = Some(epoch) > stance.epoch();
    match seen.term().phase() {
        _ if seen.term().holder() != Some(me) => stance.epoch().map_or(Stance::Follows, Stance::Stopped),
        Phase::Open if is_new => Stance::Leads(epoch),
        Phase::Open => stance,
        Phase::Freezing(_) if is_new || stance == Stance::Leads(epoch) => Stance::Drains(epoch),
        Phase::Freezing(_) => stance,
        Phase::Sealed(..) => Stance::Stopped(epoch),
    }
}
