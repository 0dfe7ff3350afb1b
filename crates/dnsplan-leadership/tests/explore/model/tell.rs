//! Steps in words.

use dnsplan_leadership::Phase;

use super::kernel::{Kernel, NAMES};
use super::state::{Data, RecordId, State};
use super::steps::Step;

impl Kernel {
    /// A step, and where it led.
    pub(crate) fn tell(&self, step: Step, after: &State) -> String {
        let life = |at: usize| self.life(at, after.servers[at].incarnation);
        let data = |data: Data| {
            format!(
                "the write of {} under epoch {}",
                self.life(data.node.into(), data.incarnation),
                data.epoch
            )
        };
        match step {
            Step::Load(_) => format!("a coordinator loads [{}]", self.record(after.register)),
            Step::Forget(_) => "a coordinator crashes and starts again".to_owned(),
            Step::Send(record) => format!("a coordinator sends a swap to [{}]", self.record(record)),
            Step::Seal(view) => {
                let (seen, epoch) = (self.record(view.record), self.generation(view.record));
                let (position, floor) = (after.log.len(), after.floor);
                format!(
                    "a coordinator that saw [{seen}] has epoch {epoch} sealed, at {position} => floor {floor}"
                )
            }
            Step::Land(record) => format!("the swap to [{}] takes effect", self.record(record)),
            Step::LoseSwap(record) => format!("the swap to [{}] is lost", self.record(record)),
            Step::Look(at) => {
                let stance = after.servers[at].stance;
                let does = ["follows", "leads", "drains", "stops"][usize::from(stance.kind)];
                format!("{} looks at the record => {does} (epoch {})", life(at), stance.epoch)
            }
            Step::Write(at) => {
                format!("{} sends a write under epoch {}", life(at), after.servers[at].stance.epoch)
            }
            Step::Accept(one) => {
                format!("{} is accepted => floor {}, {} accepted", data(one), after.floor, after.log.len())
            }
            Step::Refuse(one) => format!("{} is refused, and it hears of it", data(one)),
            Step::Check(one) => format!("{} is checked, to be written later", data(one)),
            Step::LoseWrite(one) => format!("{} is lost", data(one)),
            Step::Double(one) => format!("{} is in the network twice", data(one)),
            Step::Copy(at) => {
                format!("{} has {} of the accepted writes", life(at), after.servers[at].applied)
            }
            Step::Crash(at) => format!("{} crashes", NAMES[at]),
            Step::Start(at) => format!("{} starts as {}", NAMES[at], life(at)),
            Step::Empty => format!("the register is emptied => floor {}", after.floor),
        }
    }

    fn record(&self, id: RecordId) -> String {
        let seen = self.seen(id);
        let Some(holder) = seen.term().holder() else { return "nothing granted".to_owned() };
        let generation = seen.record().generation;
        match seen.term().phase() {
            Phase::Open => format!("{generation} {holder} open"),
            Phase::Freezing(intent) => format!("{generation} {holder} freezing for {}", intent.successor()),
            Phase::Sealed(intent, receipt) => {
                let (epoch, position) = (receipt.epoch(), receipt.position());
                format!("{generation} {holder} sealed({epoch} at {position}) for {}", intent.successor())
            }
        }
    }
}
