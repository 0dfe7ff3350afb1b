//! The steps of a hand-off, for people and for programs.

use std::time::Duration;

use dnsplan::leadership::postgres::servers::Progress;
use dnsplan::leadership::{Step as Decided, Write};
use serde_json::{Value, json};

/// A step that was taken. Whether it took effect, the next one tells.
pub(super) struct Step {
    name: &'static str,
    /// One line.
    pub(super) text: String,
    detail: Value,
}

impl Step {
    /// The step that a tick took, if it took one.
    pub(super) fn of(progress: &Progress) -> Option<Self> {
        let step = |name, text: String, detail| Some(Self { name, text, detail });
        match progress {
            Progress::Took(decided) => Self::decided(decided),
            Progress::Promoted(node) => step(
                "promote",
                format!("{node} has everything, and is promoted"),
                json!({ "node": node.to_string() }),
            ),
            Progress::Opened(epoch, holder) => step(
                "open",
                format!("epoch {epoch} is open at {}, and its canary is written", holder.node),
                json!({ "epoch": epoch.get(), "holder": holder.to_string() }),
            ),
            Progress::Published(epoch, holder) => step(
                "publish",
                format!("the endpoint's plan of generation {epoch} leads to {}", holder.node),
                json!({ "epoch": epoch.get(), "holder": holder.to_string() }),
            ),
            Progress::Waits(_) | Progress::Unfit(_) | Progress::Settled { .. } => None,
        }
    }

    fn decided(decided: &Decided) -> Option<Self> {
        let step = |name, text: String, detail| Some(Self { name, text, detail });
        match decided {
            Decided::Bootstrap => step("bootstrap", "making the record".to_owned(), json!({})),
            Decided::Write(Write::Freeze(demand)) => {
                let (epoch, successor, id) = (demand.ends(), demand.successor(), demand.id());
                let detail = json!({ "epoch": epoch.get(), "successor": successor.to_string(), "handoff": id.to_string() });
                step("freeze", format!("freezing epoch {epoch} for {successor} (hand-off {id})"), detail)
            }
            Decided::Seal(epoch) => {
                let text = format!("sealing epoch {epoch}: its holder is demoted");
                step("seal", text, json!({ "epoch": epoch.get() }))
            }
            Decided::Write(Write::Record(receipt)) => {
                let (epoch, position) = (receipt.epoch(), receipt.position());
                let detail = json!({ "epoch": epoch.get(), "position": position.get() });
                step("record", format!("epoch {epoch} is sealed, at position {position}"), detail)
            }
            Decided::Write(Write::Grant(candidate)) => {
                let holder = &candidate.holder;
                let text = format!("granting the next epoch to {holder}");
                step("grant", text, json!({ "holder": holder.to_string() }))
            }
            _ => None,
        }
    }

    /// With when it was taken, since the start.
    pub(super) fn json(self, after: Duration) -> Value {
        json!({ "step": self.name, "after_milliseconds": milliseconds(after), "detail": self.detail })
    }
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
