//! What is planned: specs that differ from number to number, so that every answer tells which plan it is from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use dnsplan_plan::{OwnerName, RRsetKey, Timestamp};
use dnsplan_planner::{Context, Health, Intent, MemberHealth, Note, PlanError, Planned, Reading, plan};

/// The spec of runs that bring none. `{hi}` and `{lo}` are the two bytes of the number, `{third}` is its remainder by 3.
pub(crate) const SPEC: &str = r#"
[zone."us-test-1.example."]
ns = ["ns1"]
ttl = 5
soa = { minimum = 5 }

[pool.blue]
min_healthy = 0.5
members = [
  { id = "moving", ipv4 = "10.1.{hi}.{lo}" },
  { id = "b2", ipv4 = "192.0.2.12" },
  { id = "b3", ipv4 = "192.0.2.13" },
  { id = "b4", ipv4 = "192.0.2.14" },
]

[[endpoint]]
name = "api"
policy = "all"
pools = { blue = 1 }

[[endpoint]]
name = "api-fips"
policy = "all"
pools = { blue = 1 }

[[record]]
name = "ns1"
type = "A"
data = "192.0.2.53"

[[record]]
name = "host-{third}"
type = "A"
data = "10.2.{hi}.{lo}"

[[record]]
name = "www"
type = "CNAME"
data = "api"
"#;

/// Specs by number, parsed once each.
#[derive(Default)]
pub struct Library {
    template: Option<String>,
    intents: Mutex<BTreeMap<u32, Arc<Intent>>>,
}

/// The spec of a scenario is not valid, or not for exactly one zone with a protected endpoint.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the scenario's spec is not valid:\n{0}")]
pub struct InvalidSpec(String);

impl Library {
    /// Specs from a template of one's own. `{n}`, `{hi}`, `{lo}` and `{third}` stand for the number of the plan, its two bytes, and
    /// its remainder by 3.
    ///
    /// # Errors
    /// [`InvalidSpec`] where the template makes no valid spec.
    pub fn new(template: &str) -> Result<Self, InvalidSpec> {
        let intent =
            Intent::parse(&fill(template, 1)).map_err(|errors| InvalidSpec(errors.render("spec")))?;
        if intent.zones().len() != 1 {
            return Err(InvalidSpec("it has several zones; a scenario is about one".to_owned()));
        }
        Ok(Self { template: Some(template.to_owned()), intents: Mutex::default() })
    }

    /// The intent of a number.
    pub(crate) fn intent(&self, number: u32) -> Result<Arc<Intent>, InvalidSpec> {
        let mut intents = self.intents.lock().expect("invariant: nothing panics while it is locked");
        if let Some(intent) = intents.get(&number) {
            return Ok(Arc::clone(intent));
        }
        let template = self.template.as_deref().unwrap_or(SPEC);
        let parsed = Intent::parse(&fill(template, number));
        let named = |errors: dnsplan_planner::SpecErrors| {
            InvalidSpec(errors.render(&format!("spec of number {number}")))
        };
        let intent = Arc::new(parsed.map_err(named)?);
        intents.insert(number, Arc::clone(&intent));
        Ok(intent)
    }

    /// The intent of the first number, which is checked when a library is made.
    fn first(&self) -> Arc<Intent> {
        self.intent(1).expect("invariant: a library's template is valid for number 1")
    }

    /// The zone.
    pub(crate) fn origin(&self) -> OwnerName {
        let intent = self.first();
        let zone = intent.zones().next().expect("invariant: a spec has a zone");
        zone.origin().clone()
    }

    /// The protected endpoints.
    pub(crate) fn endpoints(&self) -> Vec<RRsetKey> {
        let zone = self.planned(&Health::from_spec()).map(|planned| planned.proposal.zone);
        zone.map_or_else(|_| Vec::new(), |zone| zone.protected().map(|(key, _)| key.clone()).collect())
    }

    /// What a reading says of pools and members that the spec of the first number does not have.
    pub(crate) fn unasked(&self, reading: &Health) -> Option<Note> {
        let notes = self.planned(reading).map_or_else(|_| Vec::new(), |planned| planned.notes);
        notes.into_iter().find(|note| matches!(note, Note::Unasked { .. }))
    }

    fn planned(&self, health: &Health) -> Result<Planned, PlanError> {
        let intent = self.first();
        let zone = intent.zones().next().expect("invariant: a spec has a zone");
        let context = Context::new("library", Timestamp::from_millis(0), "");
        plan(zone, health, None, &context)
    }
}

fn fill(template: &str, number: u32) -> String {
    template
        .replace("{n}", &number.to_string())
        .replace("{hi}", &(number / 256 % 256).to_string())
        .replace("{lo}", &(number % 256).to_string())
        .replace("{third}", &(number % 3).to_string())
}

/// The health of one pool whose members with these ids are down.
pub(crate) fn health(pool: &str, down: &[String]) -> Health {
    let down = down.iter().map(|id| (id.clone(), MemberHealth::Unhealthy)).collect();
    Health::from_spec().with(pool, Reading::Known(down))
}

/// The health of one pool that cannot be asked.
pub(crate) fn unknown_health(pool: &str) -> Health {
    Health::from_spec().with(pool, Reading::Unknown)
}
