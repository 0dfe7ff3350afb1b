//! Rehearsals: the very same writes on a copy of the zone, to see the change batches without sending any.
//!
//! The copy refuses what Route 53 refuses because of what is there: record sets that are not as they were thought to be, that exist
//! already or cannot be beside one another, and aliases of nothing. What Route 53 refuses because of what a value says is not known here.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use dnsplan_enactor::TargetError;
use dnsplan_plan::{OwnerName, RecordType};
use serde_json::Value as Json;

use crate::api::{ChangeId, Cursor, Sent};
use crate::name::to_api;
use crate::record::{Body, Change, RecordSet, Routing, SetKey, to_json};
use crate::target::Route53Target;
use crate::value::type_text;

/// A copy of a hosted zone that takes change batches in place of Route 53.
pub(crate) struct Rehearsal(Mutex<Stage>);

type Sets = BTreeMap<SetKey, RecordSet>;

struct Stage {
    zone_id: Box<str>,
    sets: Sets,
    /// The batches that the copy took, in order.
    taken: Vec<Vec<Change>>,
}

impl Rehearsal {
    fn new(zone_id: &str, listed: impl IntoIterator<Item = RecordSet>) -> Self {
        let sets = listed.into_iter().map(|set| (set.key(), set)).collect();
        Self(Mutex::new(Stage { zone_id: zone_id.into(), sets, taken: Vec::new() }))
    }

    /// As a page of a listing is, in canonical order of names.
    pub(crate) fn page(&self, from: Option<&Cursor>, limit: i32) -> (Vec<RecordSet>, Option<Cursor>) {
        let stage = self.stage();
        let mut sets = match from.and_then(Cursor::key) {
            Some(key) => stage.sets.range(key..),
            None => stage.sets.range(..),
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let page: Vec<RecordSet> = sets.by_ref().take(limit).map(|(_, set)| set.clone()).collect();
        (page, sets.next().map(|(key, _)| Cursor::of(key)))
    }

    /// As sending a batch is: all of it is done, or nothing.
    pub(crate) fn change(&self, changes: &[Change]) -> Sent {
        let mut stage = self.stage();
        let mut sets = stage.sets.clone();
        let problems: Vec<String> =
            changes.iter().filter_map(|change| apply(&mut sets, &stage.zone_id, change).err()).collect();
        if !problems.is_empty() {
            return Sent::Refused(format!("[{}]", problems.join(", ")));
        }
        stage.sets = sets;
        stage.taken.push(changes.to_vec());
        Sent::Applied(ChangeId::default())
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().expect("invariant: nothing panics while it is locked")
    }
}

/// Does one change, or says what Route 53 would say.
fn apply(sets: &mut Sets, zone_id: &str, change: &Change) -> Result<(), String> {
    let set = change.record_set();
    let key = set.key();
    let named =
        format!("resource record set [name='{}', type='{}']", to_api(&set.name), type_text(set.record_type));
    match (change, sets.get(&key)) {
        (Change::Delete(_), None) => return Err(format!("Tried to delete {named} but it was not found")),
        (Change::Delete(_), Some(there)) if there != set => {
            return Err(format!(
                "Tried to delete {named} but the values provided do not match the current values"
            ));
        }
        (Change::Create(_), Some(_)) => return Err(format!("Tried to create {named} but it already exists")),
        (Change::Delete(_), Some(_)) => {
            sets.remove(&key);
            return Ok(());
        }
        (Change::Create(_), None) | (Change::Upsert(_), _) => {}
    }
    if let Some(other) = beside(sets, &set.name).find(|other| clashes(set, other)) {
        let kind = type_text(other.record_type);
        return Err(format!("Tried to create {named} but it conflicts with the {kind} that already exists"));
    }
    if let Some(alias) = set.target().filter(|alias| *alias.zone_id == *zone_id)
        && !beside(sets, &alias.target).any(|target| target.record_type == set.record_type)
    {
        let (target, kind) = (to_api(&alias.target), type_text(set.record_type));
        return Err(format!(
            "Tried to create an alias that targets {target}, type {kind} in zone {zone_id}, but that target was not found"
        ));
    }
    sets.insert(key, set.clone());
    Ok(())
}

fn beside<'s>(sets: &'s Sets, name: &OwnerName) -> impl Iterator<Item = &'s RecordSet> {
    let first = SetKey { name: name.clone(), record_type: RecordType::ZERO, id: None };
    let name = name.clone();
    sets.range(first..).map(|(_, set)| set).take_while(move |set| set.name == name)
}

/// Whether one of them cannot be beside the other: a CNAME beside another type, one way of answering beside another, weighted ones
/// of two TTLs.
fn clashes(set: &RecordSet, other: &RecordSet) -> bool {
    if set.key() == other.key() {
        return false;
    }
    if set.record_type != other.record_type {
        return set.record_type == RecordType::CNAME || other.record_type == RecordType::CNAME;
    }
    let routing =
        |set: &RecordSet| set.identity.as_ref().map(|identity| std::mem::discriminant(&identity.routing));
    let ttl = |set: &RecordSet| match &set.body {
        Body::Values { ttl, .. } => Some(*ttl),
        Body::Alias(_) | Body::Other(_) => None,
    };
    let weighted =
        set.identity.as_ref().is_some_and(|identity| matches!(identity.routing, Routing::Weight(_)));
    let ttls = ttl(set).zip(ttl(other));
    routing(set) != routing(other) || weighted && ttls.is_some_and(|(one, two)| one != two)
}

impl Route53Target {
    /// The hosted zone as it is now, as a copy: from here on this target writes to the copy, and to Route 53 nothing. What it would
    /// have sent is in [`Route53Target::rehearsed`].
    ///
    /// # Errors
    /// [`TargetError`] where the zone cannot be listed.
    pub async fn into_rehearsal(mut self) -> Result<Self, TargetError> {
        let listed = self.api.list(None, |_| true).await?;
        self.api.rehearsal = Some(Rehearsal::new(self.api.zone_id(), listed));
        Ok(self)
    }

    /// The change batches of a rehearsal, in order, each as `aws route53 change-resource-record-sets --change-batch` takes it. None
    /// where this is no rehearsal.
    #[must_use]
    pub fn rehearsed(&self) -> Vec<Json> {
        let Some(rehearsal) = &self.api.rehearsal else { return Vec::new() };
        rehearsal.stage().taken.iter().map(|changes| document(changes)).collect()
    }
}

/// What is sent has no comment.
fn document(changes: &[Change]) -> Json {
    let mut document = to_json("", changes);
    if let Some(fields) = document.as_object_mut() {
        fields.remove("Comment");
    }
    document
}

#[cfg(test)]
mod tests;
