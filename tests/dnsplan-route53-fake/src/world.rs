//! The state of the fake, and what each call does with it. Nothing here knows of HTTP.

use std::collections::{BTreeMap, BTreeSet};

use crate::batch::{self, Rules, bare_id, canonical};
use crate::change::{Change, Limits};
use crate::edge::{Edges, Propagation};
use crate::fault::Faults;
use crate::log::{Counters, Outcome, Received};
use crate::name::Name;
use crate::random::Random;
use crate::record::{Key, RecordSet};
use crate::refusal::Refusal;
use crate::zone::{Edit, Zone};

/// The content of a zone at one time, to rewind it to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot(pub(crate) Zone);

/// One page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) sets: Vec<RecordSet>,
    pub(crate) size: usize,
    /// The first record set of the next page.
    pub(crate) next: Option<Key>,
}

/// Where a listing starts. All empty is at the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) name: Option<String>,
    pub(crate) record_type: Option<String>,
    pub(crate) identifier: Option<String>,
    pub(crate) max_items: Option<usize>,
}

/// A second delivery that is due once the log has grown to a length.
#[derive(Debug)]
struct Due {
    length: usize,
    number: usize,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) limits: Limits,
    pub(crate) propagation: Propagation,
    pub(crate) random: Random,
    pub(crate) faults: Faults,
    pub(crate) counters: Counters,
    pub(crate) edges: Edges,
    pub(crate) health_checks: BTreeSet<String>,
    pub(crate) unfenced: bool,
    zones: BTreeMap<String, Zone>,
    /// The ids of accepted changes.
    changes: BTreeSet<String>,
    log: Vec<Received>,
    due: Vec<Due>,
    /// Batches so far, edits by hand and rewinds among them.
    batches: u64,
    requests: u64,
}

impl World {
    pub(crate) fn new(seed: u64, limits: Limits, edges: usize, propagation: Propagation) -> Self {
        Self {
            limits,
            propagation,
            random: Random::seeded(seed),
            faults: Faults::default(),
            counters: Counters::default(),
            edges: Edges::new(edges),
            health_checks: BTreeSet::new(),
            unfenced: false,
            zones: BTreeMap::new(),
            changes: BTreeSet::new(),
            log: Vec::new(),
            due: Vec::new(),
            batches: 0,
            requests: 0,
        }
    }

    pub(crate) fn create_zone(&mut self, name: Name) -> String {
        let id = format!("Z0FAKE{:08}", self.zones.len() + 1);
        let zone = Zone::new(id.clone(), name);
        self.edges.serve(&zone);
        self.zones.insert(id.clone(), zone);
        id
    }

    pub(crate) fn zone(&self, id: &str) -> Result<&Zone, Refusal> {
        let id = bare_id(id);
        self.zones.get(id).ok_or_else(|| Refusal::NoSuchHostedZone(id.to_owned()))
    }

    fn zone_mut(&mut self, id: &str) -> Result<&mut Zone, Refusal> {
        let id = bare_id(id);
        self.zones.get_mut(id).ok_or_else(|| Refusal::NoSuchHostedZone(id.to_owned()))
    }

    pub(crate) fn zones(&self) -> impl Iterator<Item = &Zone> {
        self.zones.values()
    }

    pub(crate) fn log(&self) -> &[Received] {
        &self.log
    }

    /// A number for the next request id.
    pub(crate) fn next_request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// Decides a change request, with the second deliveries that it makes due, and returns its number in the log.
    pub(crate) fn change(
        &mut self,
        zone_id: &str,
        changes: Vec<Change>,
        duplicate_after: Option<usize>,
    ) -> usize {
        let outcome = self.decide(zone_id, &changes);
        if matches!(outcome, Outcome::Accepted(_)) {
            self.counters.accepted(&changes);
        }
        self.record(zone_id, changes, outcome, duplicate_after)
    }

    /// Enters a change request that was not decided: it was refused for another reason, or lost.
    pub(crate) fn record(
        &mut self,
        zone_id: &str,
        changes: Vec<Change>,
        outcome: Outcome,
        duplicate_after: Option<usize>,
    ) -> usize {
        let number = self.log.len();
        let zone_id = bare_id(zone_id).to_owned();
        self.log.push(Received { number, zone_id, changes, outcome, duplicate_of: None });
        let due =
            self.due.extract_if(.., |due| due.length <= number).map(|due| due.number).collect::<Vec<_>>();
        self.due.extend(duplicate_after.map(|after| Due { length: number + after, number }));
        for number in due {
            self.deliver_again(number);
        }
        number
    }

    /// Delivers a request of the log once more. `None` where there is none of that number.
    pub(crate) fn deliver_again(&mut self, number: usize) -> Option<Outcome> {
        let Received { zone_id, changes, .. } = self.log.get(number)?.clone();
        let outcome = self.decide(&zone_id, &changes);
        let entry = Received {
            number: self.log.len(),
            zone_id,
            changes,
            outcome: outcome.clone(),
            duplicate_of: Some(number),
        };
        self.log.push(entry);
        Some(outcome)
    }

    fn decide(&mut self, zone_id: &str, changes: &[Change]) -> Outcome {
        match self.apply(zone_id, changes) {
            Ok(edits) => {
                let id = self.publish(zone_id, edits);
                self.changes.insert(id.clone());
                Outcome::Accepted(id)
            }
            Err(refusal) => Outcome::Refused(refusal),
        }
    }

    fn apply(&mut self, zone_id: &str, changes: &[Change]) -> Result<Vec<Edit>, Refusal> {
        let id = bare_id(zone_id);
        let zone = self.zones.get_mut(id).ok_or_else(|| Refusal::NoSuchHostedZone(id.to_owned()))?;
        let fence = Name::parse(&format!("_dnsplan.{}", zone.name)).ok().filter(|_| self.unfenced);
        let unfenced = fence.map(|name| (name, "TXT"));
        let rules = Rules { limits: &self.limits, health_checks: &self.health_checks, unfenced };
        batch::apply(zone, changes, &rules)
    }

    /// Sends what has changed on its way to the edges, and returns the id of the change.
    fn publish(&mut self, zone_id: &str, edits: Vec<Edit>) -> String {
        self.batches += 1;
        let change_id = format!("C0FAKE{:08}", self.batches);
        self.edges.send(self.batches, change_id.clone(), bare_id(zone_id).to_owned(), edits);
        if self.propagation == Propagation::Immediate {
            self.edges.deliver_all();
        }
        change_id
    }

    /// Whether a change has reached every edge.
    pub(crate) fn is_in_sync(&self, change_id: &str) -> Result<bool, Refusal> {
        let id = bare_id(change_id);
        if self.changes.contains(id) {
            Ok(!self.edges.is_pending(id))
        } else {
            Err(Refusal::NoSuchChange(id.to_owned()))
        }
    }

    pub(crate) fn list(&self, zone_id: &str, start: &Start) -> Result<Page, Refusal> {
        let zone = self.zone(zone_id)?;
        let invalid = |text: &str| Refusal::InvalidInput(text.to_owned());
        let Start { name, record_type, identifier, max_items } = start;
        if record_type.is_some() && name.is_none() || identifier.is_some() && record_type.is_none() {
            return Err(invalid(
                "Invalid request: a start type needs a start name, a start identifier both of them",
            ));
        }
        if *max_items == Some(0) {
            return Err(invalid("Invalid request: maxitems must be at least 1"));
        }
        let name =
            Name::parse(name.as_deref().unwrap_or(".")).map_err(|error| invalid(&error.to_string()))?;
        let set_identifier = identifier.clone().unwrap_or_default();
        let start = Key { name, record_type: record_type.clone().unwrap_or_default(), set_identifier };
        let size = max_items.unwrap_or(self.limits.page).min(self.limits.page);
        let mut rest = zone.from(&start);
        let sets = rest.by_ref().take(size).map(|(_, set)| set.clone()).collect();
        Ok(Page { sets, size, next: rest.next().map(|(key, _)| key.clone()) })
    }

    /// Puts a record set as it is, past all rules but that of names.
    pub(crate) fn put(&mut self, zone_id: &str, set: &RecordSet) -> Result<(), String> {
        let set = canonical(set)?;
        let key = Key::of(Name::parse(&set.name).map_err(|error| error.to_string())?, &set);
        let zone = self.zone_mut(zone_id).map_err(|refusal| refusal.to_string())?;
        zone.set(key.clone(), Some(set.clone()));
        self.publish(zone_id, vec![(key, Some(set))]);
        Ok(())
    }

    /// Removes record sets, past all rules, and returns them.
    pub(crate) fn remove(
        &mut self,
        zone_id: &str,
        doomed: impl Fn(&Key) -> bool,
    ) -> Result<Vec<RecordSet>, Refusal> {
        let zone = self.zone_mut(zone_id)?;
        let keys: Vec<Key> = zone.all().map(|(key, _)| key).filter(|key| doomed(key)).cloned().collect();
        let removed = keys.iter().filter_map(|key| zone.set(key.clone(), None)).collect();
        self.publish(zone_id, keys.into_iter().map(|key| (key, None)).collect());
        Ok(removed)
    }

    /// Sets a zone back to what it was. The edges get to know it like any other batch.
    pub(crate) fn rewind(&mut self, Snapshot(then): &Snapshot) -> Result<(), Refusal> {
        let zone = self.zone_mut(&then.id)?;
        let edits = zone.difference(then);
        zone.clone_from(then);
        self.publish(&then.id, edits);
        Ok(())
    }

    /// Lets one edge have one batch, both chosen at random. False where nothing is on its way.
    pub(crate) fn propagate_one(&mut self) -> bool {
        let ways = self.edges.ways();
        ways > 0 && self.edges.deliver_way(self.random.below(ways))
    }
}
