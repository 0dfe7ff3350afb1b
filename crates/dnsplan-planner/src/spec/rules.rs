//! `[guards]`, `[[override]]` and `[[retire]]`: what may go, and by whose word.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use dnsplan_plan::{AbsoluteGuard, Override, RRsetKey, RecordType, Ttl};

use super::fields::{Fields, Value, suggestion, tables};
use super::problems::{At, Problems};
use super::units::{seconds, share, time};
use super::zones::Zones;
use crate::guards::{OVERRIDABLE, TTL_BOUNDS};
use crate::intent::{Retirement, TtlBounds};
use crate::removal::RemovalLimits;

/// The guards' settings.
#[derive(Clone, Copy)]
pub(super) struct Guards {
    pub(super) removal: RemovalLimits,
    pub(super) ttls: TtlBounds,
}

pub(super) fn guards(value: Option<Value<'_, '_>>, problems: &mut Problems<'_>) -> Guards {
    let mut guards = Guards { removal: RemovalLimits::default(), ttls: TtlBounds::default() };
    let Some(mut fields) = value.and_then(|value| Fields::of("`guards`", value, problems)) else {
        return guards;
    };
    let removal = fields.optional("max_removal");
    if let Some(mut fields) = removal.and_then(|value| Fields::of("`max_removal`", value, problems)) {
        if let Some(given) = fields.optional("share").and_then(|value| share("`share`", value, problems)) {
            guards.removal.share = given;
        }
        if let Some(count) = fields.number("count", 0..=1_000_000, problems) {
            guards.removal.count = usize::try_from(count).unwrap_or(usize::MAX);
        }
        fields.finish(problems);
    }
    let ttls = fields.optional("ttl_bounds");
    if let Some(mut fields) = ttls.and_then(|value| Fields::of("`ttl_bounds`", value, problems)) {
        let mut bound = |key, default: Ttl| {
            fields
                .optional(key)
                .and_then(|value| seconds(&format!("`{key}`"), value, problems))
                .unwrap_or(default)
        };
        guards.ttls = TtlBounds { min: bound("min", guards.ttls.min), max: bound("max", guards.ttls.max) };
        if guards.ttls.min > guards.ttls.max {
            let message = format!("{TTL_BOUNDS}: min {} is above max {}", guards.ttls.min, guards.ttls.max);
            problems.add(fields.at(), message, "make min the smaller one");
        }
        fields.finish(problems);
    }
    fields.finish(problems);
    guards
}

pub(super) fn overrides(value: Option<Value<'_, '_>>, zones: &mut Zones, problems: &mut Problems<'_>) {
    let mut seen: BTreeMap<(String, Option<String>), At> = BTreeMap::new();
    for mut fields in tables("override", value, problems) {
        let guard = fields.required_text("guard", "\"max-removal\"", problems);
        let reason = required_reason(&mut fields, problems);
        let expires = fields.required("expires", "\"2026-12-01T00:00:00Z\"", problems);
        let expires = expires.and_then(|value| time("`expires`", value, problems));
        let zone = zones.named(&mut fields, problems);
        fields.finish(problems);
        let Some((guard, at)) = guard else { continue };
        if !check_guard(guard, at, problems) {
            continue;
        }
        let (Some(reason), Some(expires), Ok(zone)) = (reason, expires, zone) else { continue };
        if let Some(first) = seen.insert((guard.to_owned(), zone.as_ref().map(ToString::to_string)), at) {
            let message =
                format!("duplicate: {guard} is already overridden in line {}", problems.line(first));
            problems.add(at, message, "keep one of the two");
        }
        let lifted = Override { guard: guard.to_owned(), reason, expires };
        for draft in
            zones.drafts_mut().filter(|draft| zone.as_ref().is_none_or(|zone| *zone == draft.intent.origin))
        {
            draft.intent.overrides.push(lifted.clone());
            draft.intent.overrides.sort_by(|left, right| left.guard.cmp(&right.guard));
        }
    }
}

fn check_guard(guard: &str, at: At, problems: &mut Problems<'_>) -> bool {
    if guard == AbsoluteGuard::NeverEmpty.id() {
        let message = format!("the guard {guard} cannot be overridden");
        problems.add(at, message, "to take an endpoint away, retire it by name: [[retire]] name = \"...\"");
        return false;
    }
    let is_known = OVERRIDABLE.contains(&guard);
    if !is_known {
        problems.add(at, format!("there is no guard {guard:?}"), suggestion(guard, OVERRIDABLE));
    }
    is_known
}

pub(super) fn retirements(value: Option<Value<'_, '_>>, zones: &mut Zones, problems: &mut Problems<'_>) {
    for mut fields in tables("retire", value, problems) {
        let placed = zones.place(&mut fields, problems);
        let types = fields.texts("types", problems).unwrap_or_default();
        let reason = required_reason(&mut fields, problems);
        fields.finish(problems);
        let types = types.into_iter().filter_map(|(text, at)| {
            let found = RecordType::from_str(text).ok();
            if found.is_none() {
                problems.add(
                    at,
                    format!("{text:?} is no record type"),
                    "use types such as \"A\", \"AAAA\" or \"CNAME\"",
                );
            }
            found
        });
        let types: BTreeSet<RecordType> = types.collect();
        let (Some(placed), Some(reason)) = (placed, reason) else { continue };
        let draft = zones.draft_mut(&placed.zone);
        let retirement = Retirement { types, reason };
        let protections = draft.intent.protections();
        let first = RRsetKey::new(placed.owner.clone(), RecordType::from(0));
        let here = protections.range(first..).take_while(|(key, _)| key.owner == placed.owner);
        for (key, _) in here.filter(|(key, _)| retirement.covers(key.record_type)) {
            let line = draft.place(key).map_or(0, |at| problems.line(at));
            let message = format!("{key} is retired here and protected in line {line}");
            problems.add(placed.at, message, "remove the one or the other");
        }
        if draft.intent.retire.insert(placed.owner.clone(), retirement).is_some() {
            let message = format!("duplicate: {} is retired twice", placed.owner);
            problems.add(placed.at, message, "keep one, with all its types");
        }
    }
}

/// The reason, without which nothing is lifted or retired.
fn required_reason(fields: &mut Fields<'_, '_>, problems: &mut Problems<'_>) -> Option<String> {
    let (text, at) = fields.required_text("reason", "\"why this is meant\"", problems)?;
    if text.trim().is_empty() {
        problems.add(at, "the reason is empty", "say why this is meant; it is kept with the plan");
        return None;
    }
    Some(text.to_owned())
}
