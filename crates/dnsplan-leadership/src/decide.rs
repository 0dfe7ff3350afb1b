//! What a coordinator does next: from what it observed to the one next step. Pure and total; the first row that matches
//! wins. Every node may run it at any time, several at once, and none of them remembers anything.
//!
//! | the record | and | step |
//! |---|---|---|
//! | absent or unreadable | | [`Step::Bootstrap`] |
//! | grants nothing | no candidate | [`Wait::Candidate`] |
//! | grants nothing | | grant to the first candidate |
//! | `Open` | a demand names this epoch, and its successor leads already, or is no candidate | [`Step::NotQualified`] |
//! | `Open` | a demand names this epoch | freeze |
//! | `Open` | the holder is reported gone, no other candidate | [`Wait::Candidate`] |
//! | `Open` | the holder is reported gone | freeze, for the first other candidate |
//! | `Open` | its canary was not read back through the public endpoint yet | [`Step::Canary`] |
//! | `Open` | the endpoint was not published for this epoch yet | [`Step::Publish`] |
//! | `Open` | | [`Step::Settled`] |
//! | `Freezing`, `Sealed` | somebody else's hand-off, and not abandoned | [`Wait::HandOff`] |
//! | `Freezing` | a receipt names this epoch | record the seal |
//! | `Freezing` | the holder is not gone, and has neither drained nor run out of time | [`Wait::Drain`] |
//! | `Freezing` | | [`Step::Seal`] |
//! | `Sealed` | the successor has everything | grant to it |
//! | `Sealed` | the successor has not, and there is time | [`Wait::CatchUp`] |
//! | `Sealed` | the node that led before has everything | grant back to it: rolled back |
//! | `Sealed` | any candidate has everything | grant to the first that has |
//! | `Sealed` | | [`Wait::CatchUp`] |
//!
//! A demand or a receipt *names* an epoch where it is of the record's very term: of its epoch and its holder.
//!
//! Failure reports and time-outs choose *when* a row is tried and *who* is granted the next epoch. None of them makes a
//! write legal: the record and the receipt do.

use crate::{
    Candidate, Demand, Epoch, HandoffId, Holder, Node, Outcome, Phase, Position, Receipt, Seen, Write,
};

/// Everything a decision is made from.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The record; `None` where there is no readable one.
    pub seen: Option<&'a Seen>,
    /// A hand-off that was asked for. Out of date, it counts for nothing.
    pub demand: Option<&'a Demand>,
    /// The id that a hand-off gets which the failure of its holder begins.
    pub failover: HandoffId,
    /// Who the failure detector takes for gone. A report of another life than the record's counts for nothing.
    pub gone: Option<&'a Holder>,
    /// The hand-off under way has not moved for so long, on the clock of who asks, that anybody may finish it.
    pub is_abandoned: bool,
    /// The holder has nothing in flight any more, or has had its time.
    pub is_drained: bool,
    /// What the resource answered to an order, if anything. Of another epoch, it counts for nothing.
    pub receipt: Option<Receipt>,
    /// The successor has had its time to catch up.
    pub is_overdue: bool,
    /// The nodes that can be reached and could lead, the preferred ones first.
    pub candidates: &'a [Candidate],
    /// The newest epoch whose canary was read back through the public endpoint.
    pub proven: Option<Epoch>,
    /// The newest epoch that the endpoint was published for.
    pub published: Option<Epoch>,
}

/// The one next thing to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Create a record that grants nothing, and look again.
    Bootstrap,
    /// Make this conditional write, and look again whatever comes of it.
    Write(Write),
    /// Have the resource refuse this epoch: this is the demotion. [`Seen::order`] has the order.
    Seal(Epoch),
    /// Write a canary under this epoch and read it back through the public endpoint.
    Canary(Epoch),
    /// Publish the endpoint with a generation derived from this epoch.
    Publish(Epoch),
    /// Nothing is left to do, and this is what the last hand-off came to.
    Settled {
        /// The epoch in force.
        epoch: Epoch,
        /// The hand-off that led to it; `None` for the first epoch.
        handoff: Option<(HandoffId, Outcome)>,
    },
    /// The demand's successor leads already, cannot be reached, or is not fit: nothing was begun.
    NotQualified(Node),
    /// Nothing can be done before something happens.
    Wait(Wait),
}

/// What a coordinator waits for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wait {
    /// A node that can be reached.
    Candidate,
    /// Somebody else's hand-off.
    HandOff(HandoffId),
    /// The holder's last writes.
    Drain,
    /// A node that has everything up to here.
    CatchUp(Position),
}

/// Decides; see the module for the table.
#[must_use]
pub fn decide(situation: &Situation<'_>) -> Step {
    let Some(seen) = situation.seen else { return Step::Bootstrap };
    let (Some(epoch), Some(holder)) = (seen.epoch(), seen.term().holder()) else {
        let first = situation.candidates.first();
        return first.map_or(Step::Wait(Wait::Candidate), |first| Step::Write(Write::Grant(first.clone())));
    };
    let intent = match seen.term().phase() {
        Phase::Open => return open(situation, seen, epoch, holder),
        Phase::Freezing(intent) | Phase::Sealed(intent, _) => intent,
    };
    let demanded = situation.demand.map(Demand::id);
    let is_mine = demanded == Some(intent.id()) || situation.failover == intent.id();
    if !is_mine && !situation.is_abandoned {
        return Step::Wait(Wait::HandOff(intent.id()));
    }
    match seen.term().phase() {
        Phase::Sealed(_, receipt) => sealed(situation, intent.successor(), holder, receipt.position()),
        Phase::Open | Phase::Freezing(_) => freezing(situation, seen, epoch, holder),
    }
}

fn open(situation: &Situation<'_>, seen: &Seen, epoch: Epoch, holder: &Holder) -> Step {
    if let Some(demand) = situation.demand.filter(|demand| seen.is_about(demand)) {
        let is_it = |one: &Candidate| one.holder.node == *demand.successor() && one.holder != *holder;
        let is_fit = situation.candidates.iter().any(is_it);
        return if is_fit {
            Step::Write(Write::Freeze(demand.clone()))
        } else {
            Step::NotQualified(demand.successor().clone())
        };
    }
    if situation.gone == Some(holder) {
        let other = situation.candidates.iter().find(|one| one.holder != *holder);
        let demand = other.and_then(|other| seen.demand(other.holder.node.clone(), situation.failover));
        return demand.map_or(Step::Wait(Wait::Candidate), |demand| Step::Write(Write::Freeze(demand)));
    }
    if situation.proven < Some(epoch) {
        return Step::Canary(epoch);
    }
    if situation.published < Some(epoch) {
        return Step::Publish(epoch);
    }
    let origin = seen.term().origin().map(|origin| origin.handoff().id());
    Step::Settled { epoch, handoff: origin.zip(seen.term().outcome()) }
}

fn freezing(situation: &Situation<'_>, seen: &Seen, epoch: Epoch, holder: &Holder) -> Step {
    match situation.receipt.filter(|receipt| seen.is_about(receipt)) {
        Some(receipt) => Step::Write(Write::Record(receipt)),
        None if situation.is_drained || situation.gone == Some(holder) => Step::Seal(epoch),
        None => Step::Wait(Wait::Drain),
    }
}

fn sealed(situation: &Situation<'_>, successor: &Node, before: &Holder, position: Position) -> Step {
    let mut ready = situation.candidates.iter().filter(|one| one.applied >= position);
    let find = |node: &Node| ready.clone().find(|one| one.holder.node == *node);
    let chosen = match find(successor) {
        None if situation.is_overdue => find(&before.node).or_else(|| ready.next()),
        chosen => chosen,
    };
    chosen.map_or(Step::Wait(Wait::CatchUp(position)), |chosen| Step::Write(Write::Grant(chosen.clone())))
}
