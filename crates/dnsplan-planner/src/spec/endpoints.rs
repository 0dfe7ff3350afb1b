//! `[[endpoint]]`: a name that is answered from pools.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::{Fields, Value, at, number, suggestion, tables, wrong_type};
use super::problems::Problems;
use super::units::seconds;
use super::zones::Zones;
use crate::intent::{Endpoint, Family, Policy, Pool};

/// The largest weight of a pool: thousandths if one likes.
const MAX_POOL_WEIGHT: u32 = 1_000;

pub(super) fn read(value: Option<Value<'_, '_>>, zones: &mut Zones, problems: &mut Problems<'_>) {
    for fields in tables("endpoint", value, problems) {
        endpoint(fields, zones, problems);
    }
}

fn endpoint(mut fields: Fields<'_, '_>, zones: &mut Zones, problems: &mut Problems<'_>) {
    let placed = zones.place(&mut fields, problems);
    let known = zones.drafts_mut().next().map(|draft| std::sync::Arc::clone(&draft.intent.pools));
    let pools = fields.required("pools", "{ blue = 1 }", problems);
    let pools = pools.map(|value| pool_weights(value, &known.unwrap_or_default(), problems));
    let is_protected = fields.flag("protected", problems).unwrap_or(true);
    let families = families(&mut fields, problems);
    let policy = policy(&mut fields, problems);
    let at_least = fields.number("at_least", 1..=u16::MAX.into(), problems);
    let at_least = at_least.and_then(|number| u16::try_from(number).ok()).unwrap_or(1);
    let ttl = fields.optional("ttl").and_then(|value| seconds("`ttl`", value, problems));
    fields.finish(problems);
    let (Some(placed), Some(pools)) = (placed, pools) else { return };
    let draft = zones.draft_mut(&placed.zone);
    let ttl = ttl.unwrap_or(draft.ttl);
    let endpoint = Endpoint { is_protected, pools, families, policy, at_least, ttl };
    let keys: Vec<_> = endpoint.keys(&placed.owner).collect();
    // One claim after the other: each duplicate is named.
    let claimed: Vec<bool> = keys.iter().map(|key| draft.claim(key, placed.at, problems)).collect();
    if !claimed.contains(&false) {
        draft.intent.endpoints.insert(placed.owner, endpoint);
    }
}

fn pool_weights(
    value: Value<'_, '_>,
    known: &BTreeMap<String, Pool>,
    problems: &mut Problems<'_>,
) -> BTreeMap<String, u32> {
    let Some(table) = value.get_ref().as_table() else {
        wrong_type(
            "`pools`",
            value,
            "the pools with their weights, such as { blue = 60, green = 40 }",
            problems,
        );
        return BTreeMap::new();
    };
    if table.is_empty() {
        problems.add(
            at(value),
            "the endpoint has no pools",
            "name at least one, such as pools = { blue = 1 }",
        );
    }
    let mut weights = BTreeMap::new();
    for (key, value) in table.iter() {
        let name: &str = key.get_ref();
        if !known.contains_key(name) {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            let remedy = match names.is_empty() {
                true => format!("add `[pool.{name}]` with its members"),
                false => format!("{} Or add `[pool.{name}]`", suggestion(name, &names)),
            };
            problems.add(key.span().start, format!("there is no pool {name:?}"), remedy);
        }
        if let Some(weight) =
            number(&format!("the weight of pool {name:?}"), value, 0..=MAX_POOL_WEIGHT, problems)
        {
            weights.insert(name.to_owned(), weight);
        }
    }
    weights
}

fn families(fields: &mut Fields<'_, '_>, problems: &mut Problems<'_>) -> BTreeSet<Family> {
    let Some(texts) = fields.texts("families", problems) else { return BTreeSet::from([Family::V4]) };
    if texts.is_empty() {
        problems.add(fields.at(), "`families` is empty", "name \"ipv4\", \"ipv6\" or both");
    }
    let mut families = BTreeSet::new();
    for (text, at) in texts {
        match [Family::V4, Family::V6].into_iter().find(|family| family.key() == text) {
            Some(family) => {
                families.insert(family);
            }
            None => problems.add(at, format!("{text:?} is no address family"), "use \"ipv4\" or \"ipv6\""),
        }
    }
    families
}

fn policy(fields: &mut Fields<'_, '_>, problems: &mut Problems<'_>) -> Policy {
    match fields.text("policy", problems) {
        None | Some(("weighted", _)) => Policy::Weighted,
        Some(("multivalue", _)) => Policy::Multivalue,
        Some(("all", _)) => Policy::All,
        Some((other, at)) => {
            let remedy = "use \"weighted\", \"multivalue\" or \"all\"";
            problems.add(at, format!("there is no policy {other:?}"), remedy);
            Policy::Weighted
        }
    }
}
