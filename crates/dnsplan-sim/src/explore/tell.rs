//! Steps in words.

use dnsplan_enactor::FenceRecord;
use dnsplan_fence::{Move, Part};

use super::kernel::{ABSENT, FenceId, FormId, Kernel, What};
use super::plans::PlanId;
use super::state::{Hold, State};
use super::steps::Step;

/// Tells of steps.
pub(super) struct Teller<'a>(pub(super) &'a mut Kernel);

impl Teller<'_> {
    /// A step, and where it led.
    pub(super) fn tell(&mut self, step: Step, before: &State, after: &State) -> String {
        let what = match step {
            Step::Publish => format!("plan {} is published", self.0.store(after.store).head()),
            Step::Send(hold, form) => {
                format!("an enactor{} sends {}", self.held(hold, before), self.form(form))
            }
            Step::Look(hold) => format!("an enactor{} looks again", self.held(hold, before)),
            Step::Arrive(form) => format!("{} arrives", self.form(form)),
            Step::Report(hold) => format!("an enactor{} reports what it saw", self.held(hold, before)),
            Step::Backup => "a backup of the target is taken".to_owned(),
            Step::Rewind => "the target is put back to the backup".to_owned(),
            Step::Delete => "the fence record is deleted by hand".to_owned(),
            Step::Corrupt => "the fence record is overwritten by hand".to_owned(),
            Step::Damage(damage) => {
                let owner = &self.0.plans.owners[usize::from(damage.endpoint)];
                let thing = if damage.is_pointer { "pointer" } else { "record" };
                format!("the {thing} that answers for {owner} is deleted by hand")
            }
            Step::RewindStore => {
                format!("the store is put back to plan {}", self.0.store(after.store).head())
            }
        };
        if before.now == after.now && !matches!(step, Step::Arrive(_) | Step::Rewind) {
            return what;
        }
        let answers = self
            .0
            .answers(after.now.contents)
            .map(|of| if of == 0 { "-".to_owned() } else { of.to_string() });
        format!("{what} => answers {}; {}", answers.join(" "), self.fence(after.now.fence))
    }

    fn held(&self, hold: Hold, state: &State) -> String {
        if hold == state.fresh() {
            return String::new();
        }
        let head = self.0.store(hold.since).head();
        format!(" that saw [{}] at head {head}", self.fence(state.fence_of(self.0, hold.label)))
    }

    fn fence(&self, fence: FenceId) -> String {
        match (fence, self.0.record(fence)) {
            (_, Some(record)) => describe(record),
            (ABSENT, None) => "no record".to_owned(),
            (_, None) => "no readable record".to_owned(),
        }
    }

    fn plan(&self, plan: PlanId) -> String {
        let plan = self.0.plans.get(plan);
        let is_second = self.0.plans.all.iter().position(|other| other == plan);
        let mark =
            if is_second.is_some_and(|at| at >= usize::from(self.0.config.generations)) { "'" } else { "" };
        format!("{}{mark}", plan.generation())
    }

    fn form(&self, id: FormId) -> String {
        let form = self.0.form(id);
        let part = |part: &Part| format!("part {} of {}", part.index() + 1, part.of());
        let what = match &form.what {
            What::Create => "a first record".to_owned(),
            What::CreateLive(plan) => format!("a first record with plan {}", self.plan(*plan)),
            What::Part(Move::Stage(at), plan, _) => {
                format!("stage {} of plan {}", part(at), self.plan(*plan))
            }
            What::Part(Move::Flip(at), plan, _) => format!("flip {} to plan {}", part(at), self.plan(*plan)),
            What::Part(Move::Apply(at), plan, _) => {
                format!("apply {} of plan {}", part(at), self.plan(*plan))
            }
            What::Part(other, ..) | What::Floor(other) => format!("{other:?}"),
            What::Repair(plan, owners) => {
                let owners: Vec<String> = owners.iter().map(ToString::to_string).collect();
                format!("repair of {} to plan {}", owners.join(", "), self.plan(*plan))
            }
            What::Reap(tree) => format!("reap of tree {}", tree.generation),
        };
        format!("<{what}>")
    }
}

fn describe(record: &FenceRecord) -> String {
    let FenceRecord { generation, base, floor, flip, stage, .. } = record;
    let staged = stage.map_or_else(String::new, |stage| {
        format!(", staged {} {}/{}", stage.generation, stage.progress.done(), stage.progress.of())
    });
    format!("record {generation}, base {base}, floor {floor}, moved {}/{}{staged}", flip.done(), flip.of())
}
