//! What an edge answers with: aliases are followed within the zone, and every possible answer is listed.

use std::collections::BTreeSet;

use crate::name::Name;
use crate::record::{Key, RecordSet, Routing};
use crate::zone::Zone;

#[cfg(test)]
mod tests;

/// How many aliases are followed, one after the other.
const DEEPEST: usize = 16;

/// What a name server may answer a question with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Whether the name is there, be it by a wildcard or because there is something below it. Otherwise it is NXDOMAIN.
    pub name_exists: bool,
    /// The possible answers: one, or several where weights choose. None at all is NODATA, or NXDOMAIN.
    pub choices: Vec<Choice>,
}

/// One of the possible answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The values: of all candidates of a multivalue group (of which a real answer holds up to eight), of the CNAME where the
    /// name has one. Empty is NODATA: an alias whose target is missing.
    pub values: Vec<String>,
    /// The lowest TTL of the record sets the values come from.
    pub ttl: Option<i64>,
    /// The record sets that led here: the aliases first, those with the values last.
    pub from: Vec<Key>,
    /// How probable it is. All of them together make 1.
    pub probability: f64,
}

impl Answer {
    /// Whether some question gets no records.
    #[must_use]
    pub fn may_be_empty(&self) -> bool {
        self.choices.is_empty() || self.choices.iter().any(|choice| choice.values.is_empty())
    }

    /// The possible answers without where they come from, each in the order of its record set.
    #[must_use]
    pub fn values(&self) -> BTreeSet<Vec<String>> {
        self.choices.iter().map(|choice| choice.values.clone()).collect()
    }
}

/// Answers from one zone. Health is not looked at; a delegation is not followed, and neither is a CNAME.
pub(crate) fn resolve(zone: &Zone, name: &Name, record_type: &str) -> Answer {
    let Some(owner) = owner(zone, name) else { return Answer::default() };
    let mut choices = Vec::new();
    if zone.named(&owner).next().is_some() {
        let search = Search { zone, record_type };
        search.name(
            &owner,
            &Choice { values: vec![], ttl: None, from: vec![], probability: 1.0 },
            &mut choices,
        );
    }
    choices.retain(|choice| !choice.from.is_empty());
    Answer { name_exists: true, choices }
}

/// The name whose record sets answer for `name`: its own, or the wildcard's (RFC 4592). `None` is NXDOMAIN.
fn owner(zone: &Zone, name: &Name) -> Option<Name> {
    let exists = |name: &Name| {
        zone.from(&Key::first(name, "")).next().is_some_and(|(key, _)| key.name.is_within(name))
    };
    if exists(name) {
        return Some(name.clone());
    }
    let mut encloser = name.parent()?;
    while !exists(&encloser) {
        encloser = encloser.parent()?;
    }
    Some(encloser.wildcard()).filter(|wildcard| zone.named(wildcard).next().is_some())
}

struct Search<'a> {
    zone: &'a Zone,
    record_type: &'a str,
}

impl Search<'_> {
    /// Adds what the record sets of a name lead to. `so_far` has no values yet.
    fn name(&self, name: &Name, so_far: &Choice, choices: &mut Vec<Choice>) {
        let mut group: Vec<(&Key, &RecordSet)> = self.zone.group(name, self.record_type).collect();
        if group.is_empty() {
            group = self.zone.group(name, "CNAME").collect();
        }
        let Some((_, first)) = group.first() else {
            choices.push(so_far.clone());
            return;
        };
        match first.routing() {
            Routing::Simple => group.iter().for_each(|member| self.set(*member, so_far, choices)),
            Routing::Weighted => self.weighted(&group, so_far, choices),
            Routing::Multivalue => {
                let mut choice = so_far.clone();
                for (key, set) in group {
                    choice.add(key, set);
                }
                choices.push(choice);
            }
        }
    }

    fn weighted(&self, group: &[(&Key, &RecordSet)], so_far: &Choice, choices: &mut Vec<Choice>) {
        let weight = |set: &RecordSet| u32::try_from(set.weight.unwrap_or_default()).unwrap_or_default();
        let total: u32 = group.iter().map(|(_, set)| weight(set)).sum();
        for (key, set) in group {
            // Where all weights are 0, all are equal.
            let (own, all) = if total == 0 { (1, group.len()) } else { (weight(set), total as usize) };
            if own > 0 {
                let share = f64::from(own) / f64::from(u32::try_from(all).unwrap_or(u32::MAX));
                let so_far = Choice { probability: so_far.probability * share, ..so_far.clone() };
                self.set((*key, *set), &so_far, choices);
            }
        }
    }

    fn set(&self, (key, set): (&Key, &RecordSet), so_far: &Choice, choices: &mut Vec<Choice>) {
        let mut choice = so_far.clone();
        let is_loop = so_far.from.contains(key) || so_far.from.len() >= DEEPEST;
        choice.add(key, set);
        let target = set.alias.as_ref().and_then(|alias| Name::parse(&alias.dns_name).ok());
        match target {
            Some(target) if !is_loop => self.name(&target, &choice, choices),
            _ => choices.push(choice),
        }
    }
}

impl Choice {
    fn add(&mut self, key: &Key, set: &RecordSet) {
        self.from.push(key.clone());
        self.values.extend(set.values.iter().cloned());
        self.ttl = self.ttl.into_iter().chain(set.ttl).min();
    }
}
