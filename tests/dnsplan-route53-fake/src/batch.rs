//! A change batch: all of it or nothing.
//!
//! 1. Every change is checked against the schema, and the batch against its limits; that comes before anything else.
//! 2. The changes are then tried one after the other on a working copy: each sees what the earlier ones left. One that is bad
//!    leaves a message and no effect, and the next is tried. The alias, CNAME, weight and TTL rules hold after *every* change,
//!    which is the strictest reading: what passes here in some order passes where only the end counts.
//! 3. A record set comes up once in a batch, or twice where the first is a DELETE and the second is not.
//! 4. At the end the apex must still have its SOA and name servers, and the zone be within its quota.
//! 5. One message or more, and the working copy is thrown away.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::{Action, Change, Cost, Limits};
use crate::name::Name;
use crate::record::{Alias, Key, RecordSet};
use crate::refusal::Refusal;
use crate::rules;
use crate::shape;
use crate::zone::{Edit, Zone};

#[cfg(test)]
mod tests;

/// What a batch is judged by, besides its zone.
pub(crate) struct Rules<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) health_checks: &'a BTreeSet<String>,
    /// The DELETE of a record set of this name and type always matches, and its CREATE overwrites: the fence taken away.
    pub(crate) unfenced: Option<(Name, &'static str)>,
}

/// Applies a batch, and returns what it changed in the end.
pub(crate) fn apply(zone: &mut Zone, changes: &[Change], rules: &Rules<'_>) -> Result<Vec<Edit>, Refusal> {
    if changes.is_empty() {
        return Err(Refusal::InvalidInput("Invalid request: Missing field 'Changes'".to_owned()));
    }
    changes.iter().try_for_each(shape::check)?;
    let mut checks = changes.iter().filter(|change| change.action != Action::Delete);
    let known = |id: &&String| rules.health_checks.contains(*id);
    if let Some(id) =
        checks.find_map(|change| change.record_set.health_check_id.as_ref().filter(|id| !known(id)))
    {
        return Err(Refusal::NoSuchHealthCheck(id.clone()));
    }
    let too_much = rules.limits.exceeded_by(Cost::of(changes));
    if !too_much.is_empty() {
        return Err(Refusal::InvalidChangeBatch(too_much));
    }
    let mut draft = Draft { zone, rules, before: BTreeMap::new(), seen: BTreeMap::new() };
    let mut messages: Vec<String> =
        changes.iter().filter_map(|change| draft.change(change).err()).flatten().collect();
    messages.extend(draft.whole());
    if messages.is_empty() {
        Ok(draft.edits())
    } else {
        draft.roll_back();
        Err(Refusal::InvalidChangeBatch(messages))
    }
}

/// The zone as a working copy: changed in place, with what it takes to undo it.
struct Draft<'a> {
    zone: &'a mut Zone,
    rules: &'a Rules<'a>,
    before: BTreeMap<Key, Option<RecordSet>>,
    seen: BTreeMap<Key, Vec<Action>>,
}

impl Draft<'_> {
    fn change(&mut self, change: &Change) -> Result<(), Vec<String>> {
        let set = canonical(&change.record_set).map_err(|message| vec![message])?;
        let name = Name::parse(&set.name).map_err(|error| vec![error.to_string()])?;
        if !name.is_within(&self.zone.name) {
            let message = format!("RRSet with DNS name {name} is not permitted in zone {}", self.zone.name);
            return Err(vec![message]);
        }
        let key = Key::of(name, &set);
        self.repeated(&key, change.action)?;
        match change.action {
            Action::Delete => self.delete(key, &set),
            Action::Create if self.zone.get(&key).is_some() && !self.is_unfenced(&key) => Err(vec![format!(
                "Tried to create resource record set {} but it already exists",
                shown(&key)
            )]),
            Action::Create | Action::Upsert => {
                rules::check(self.zone, &key, &set, self.rules.limits)?;
                self.write(key, Some(set));
                Ok(())
            }
        }
    }

    fn repeated(&mut self, key: &Key, action: Action) -> Result<(), Vec<String>> {
        let earlier = self.seen.entry(key.clone()).or_default();
        let fine = match earlier.as_slice() {
            [] => true,
            [Action::Delete] => action != Action::Delete,
            _ => false,
        };
        earlier.push(action);
        if fine {
            return Ok(());
        }
        let what = format!("{} {}", key.record_type, key.name);
        Err(vec![format!(
            "The request contains an invalid set of changes for a resource record set '{what}'"
        )])
    }

    fn delete(&mut self, key: Key, set: &RecordSet) -> Result<(), Vec<String>> {
        let matches = self.zone.get(&key).map(|current| set.matches(current));
        let why = match matches {
            Some(true) => None,
            _ if self.is_unfenced(&key) => None,
            Some(false) => Some("the values provided do not match the current values"),
            None => Some("it was not found"),
        };
        if let Some(why) = why {
            return Err(vec![format!("Tried to delete resource record set {} but {why}", shown(&key))]);
        }
        self.write(key, None);
        Ok(())
    }

    fn is_unfenced(&self, key: &Key) -> bool {
        let fence = self.rules.unfenced.as_ref();
        fence.is_some_and(|(name, record_type)| key.name == *name && key.record_type == *record_type)
    }

    fn write(&mut self, key: Key, set: Option<RecordSet>) {
        let before = self.zone.set(key.clone(), set);
        self.before.entry(key).or_insert(before);
    }

    /// What must hold of the zone as a whole once the batch is through.
    fn whole(&self) -> Vec<String> {
        let zone = &self.zone;
        let mut messages = Vec::new();
        if zone.group(&zone.name, "NS").next().is_none() {
            messages.push("A HostedZone must contain at least one NS record for the zone itself.".to_owned());
        }
        let touched_soa = self.before.keys().any(|key| key.record_type == "SOA");
        if touched_soa && zone.all().filter(|(key, _)| key.record_type == "SOA").count() != 1 {
            messages.push("A HostedZone must contain exactly one SOA record.".to_owned());
        }
        let before = zone.len() + self.count(false) - self.count(true);
        if zone.len() > self.rules.limits.record_sets_per_zone.max(before) {
            messages.push(format!("Exceeded limit MAX_RRSETS_BY_ZONE for zone: {}", zone.id));
        }
        messages
    }

    /// How many record sets are new, or gone.
    fn count(&self, new: bool) -> usize {
        let changed =
            self.before.iter().filter(|(key, before)| before.is_some() != self.zone.get(key).is_some());
        changed.filter(|(_, before)| before.is_none() == new).count()
    }

    fn edits(&self) -> Vec<Edit> {
        let now = |key: &Key| self.zone.get(key).cloned();
        self.before.keys().map(|key| (key.clone(), now(key))).collect()
    }

    fn roll_back(self) {
        for (key, set) in self.before {
            self.zone.set(key, set);
        }
    }
}

/// A record set with its names in canonical form and bare zone ids.
pub(crate) fn canonical(set: &RecordSet) -> Result<RecordSet, String> {
    let name = Name::parse(&set.name).map_err(|error| error.to_string())?;
    let alias = set.alias.as_ref().map(|alias| {
        let dns_name = Name::parse(&alias.dns_name).map_err(|error| error.to_string())?;
        let (zone_id, dns_name) = (bare_id(&alias.zone_id).to_owned(), dns_name.to_string());
        Ok::<_, String>(Alias { zone_id, dns_name, ..*alias })
    });
    Ok(RecordSet { name: name.to_string(), alias: alias.transpose()?, ..set.clone() })
}

/// An id without `/hostedzone/` or `/change/` before it.
pub(crate) fn bare_id(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

fn shown(key: &Key) -> String {
    let Key { name, record_type, set_identifier } = key;
    if set_identifier.is_empty() {
        format!("[name='{name}', type='{record_type}']")
    } else {
        format!("[name='{name}', type='{record_type}', set-identifier='{set_identifier}']")
    }
}
