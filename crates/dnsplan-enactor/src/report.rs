//! Reports: what the store is told about the target. Nothing waits for them.

use dnsplan_fence::{Generation, Move};
use dnsplan_plan::{Plan, PlanStore, TargetReport, TargetStatus};

use crate::act::set_aside;
use crate::view::View;
use crate::{Arrival, Clock, EnactError, Enactor, Event, FenceRecord, Nonces, Target};

impl<S: PlanStore, T: Target, C: Clock, N: Nonces> Enactor<S, T, C, N> {
    pub(crate) async fn tell_progress(&mut self, view: &View, plan: &Plan, action: Move) {
        let state = match action {
            Move::Stage(part) => {
                format!("staging {}, part {} of {}", plan.generation(), part.index() + 1, part.of())
            }
            Move::Flip(part) | Move::Apply(part) if part.of() > 1 => {
                format!("putting {} in place, part {} of {}", plan.generation(), part.index() + 1, part.of())
            }
            _ => return,
        };
        // The write has changed what the look saw.
        let live = match action {
            Move::Flip(_) | Move::Apply(_) => plan.generation(),
            _ => view.seen.record().map_or(Generation::ZERO, |record| record.generation),
        };
        self.tell_of(view, live, state, None).await;
    }

    /// Reports what is new about the target; what was said already is not said again.
    pub(crate) async fn tell(&mut self, view: &View, state: String, note: Option<String>) {
        let live = view.seen.record().map_or(Generation::ZERO, |record| record.generation);
        self.tell_of(view, live, state, note).await;
    }

    async fn tell_of(&mut self, view: &View, live: Generation, state: String, note: Option<String>) {
        let record = view.seen.record();
        let of = |field: fn(&FenceRecord) -> Generation| record.map_or(Generation::ZERO, field);
        let told = (state.clone(), [live, of(|r| r.base), of(|r| r.floor)]);
        if self.memory.told.as_ref() == Some(&told) {
            return;
        }
        let report = TargetReport {
            live,
            base: of(|r| r.base),
            floor: of(|r| r.floor),
            highest: of(FenceRecord::highest).max(view.found).max(live),
            state,
            note,
            freeze: record.and_then(|record| record.freeze),
            by: self.me.to_string(),
            at: self.clock.now(),
        };
        let reported = self.store.report(self.target.zone(), self.target.id(), report).await;
        self.memory.told = reported.is_ok().then_some(told);
        self.lenient(reported);
    }

    /// A store that was put back does not know any more what it was told: it is told again. Without that, nobody could lift a
    /// freeze that only the record remembers.
    pub(crate) fn check_told(&mut self, record: Option<&FenceRecord>, known: Option<&TargetStatus>) {
        let is_known = known.is_some_and(|status| {
            let report = &status.report;
            let numbers = record.map(|record| [record.generation, record.base, record.floor]);
            let said = record.map(|record| record.freeze);
            numbers.is_none_or(|numbers| numbers == [report.live, report.base, report.floor])
                && said.is_none_or(|freeze| freeze == report.freeze)
        });
        if !is_known {
            self.memory.told = None;
        }
    }

    /// Leaves word of a pass that failed: to whoever listens, and with the store, where it can take it.
    pub(crate) async fn tell_trouble(&mut self, error: &EnactError) {
        self.memory.told = None;
        if self.memory.failure.as_ref() == Some(error) {
            return;
        }
        self.emit(&Event::Failed(error.clone()));
        self.memory.failure = Some(error.clone());
        let known = self.store.targets(self.target.zone()).await;
        let known = self.lenient(known).into_iter().find(|status| status.target == *self.target.id());
        if let Some(status) = known {
            let state = error.to_string();
            let (by, at) = (self.me.to_string(), self.clock.now());
            let report = TargetReport { state, by, at, ..status.report };
            let reported = self.store.report(self.target.zone(), self.target.id(), report).await;
            self.lenient(reported);
        }
    }
}

pub(crate) fn live_state(view: &View, generation: Generation, arrival: Arrival) -> String {
    let live = match set_aside(view, generation).len() {
        0 => "live".to_owned(),
        aside => format!("live, {aside} owner names set aside"),
    };
    match arrival {
        Arrival::Everywhere => live,
        Arrival::Underway => format!("{live}, on its way to the edges"),
        Arrival::Unconfirmed => format!("{live}, but not known to have reached all edges"),
    }
}
