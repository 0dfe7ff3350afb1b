//! `[pool.NAME]`: load balancers that serve alike.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use super::fields::{Fields, Value, entries, wrong_type};
use super::problems::{At, Problems};
use super::units::{check_id, label, share};
use crate::intent::{LoadBalancer, Pool, Share};

/// The largest weight of a member.
const MAX_WEIGHT: u32 = 255;
/// The largest capacity, in whatever unit a pool uses.
const MAX_CAPACITY: u32 = 1_000_000;

pub(super) fn read(value: Option<Value<'_, '_>>, problems: &mut Problems<'_>) -> BTreeMap<String, Pool> {
    let mut pools = BTreeMap::new();
    for (name, place, value) in entries("pool", value, problems) {
        label("a pool", name, place, problems);
        if let Some(fields) = Fields::of(format!("pool {name:?}"), value, problems) {
            pools.insert(name.to_owned(), pool(name, fields, problems));
        }
    }
    pools
}

fn pool(name: &str, mut fields: Fields<'_, '_>, problems: &mut Problems<'_>) -> Pool {
    let min_healthy = fields.optional("min_healthy");
    let min_healthy = min_healthy.and_then(|value| share("`min_healthy`", value, problems));
    let members = fields.required("members", "[{ id = \"lb-1\", ipv4 = \"192.0.2.1\" }]", problems);
    let mut reader =
        Members { pool: name, places: BTreeMap::new(), sized: Vec::new(), read: BTreeMap::new() };
    if let Some(value) = members {
        match value.get_ref().as_array() {
            Some(items) => items.iter().for_each(|item| reader.member(item, problems)),
            None => wrong_type(
                "`members`",
                value,
                "a list such as [{ id = \"lb-1\", ipv4 = \"192.0.2.1\" }]",
                problems,
            ),
        }
    }
    reader.check_capacities(problems);
    fields.finish(problems);
    let half = Share::from_fraction(0.5).expect("invariant: a half is a share");
    Pool { min_healthy: min_healthy.unwrap_or(half), members: reader.read }
}

/// The members of one pool as they are read.
struct Members<'p> {
    pool: &'p str,
    /// Where ids and addresses were first seen.
    places: BTreeMap<String, At>,
    /// Each member's place, and whether it has a capacity.
    sized: Vec<(At, bool)>,
    read: BTreeMap<String, LoadBalancer>,
}

impl Members<'_> {
    fn member(&mut self, value: Value<'_, '_>, problems: &mut Problems<'_>) {
        let Some(mut fields) = Fields::of(format!("a member of pool {:?}", self.pool), value, problems)
        else {
            return;
        };
        let id = fields.required_text("id", "\"lb-1\"", problems);
        let ipv4 = self.address(&mut fields, "ipv4", "192.0.2.1", problems);
        let ipv6 = self.address(&mut fields, "ipv6", "2001:db8::1", problems);
        let has_address = fields.optional("ipv4").or_else(|| fields.optional("ipv6")).is_some();
        let weight = fields.number("weight", 0..=MAX_WEIGHT, problems).unwrap_or(1);
        let capacity = fields.number("capacity", 1..=MAX_CAPACITY, problems);
        let is_healthy = fields.flag("healthy", problems).unwrap_or(true);
        let health_check = fields.text("health_check", problems);
        let health_check =
            health_check.filter(|(text, at)| check_id(text, *at, problems)).map(|(text, _)| text.to_owned());
        let place = fields.at();
        fields.finish(problems);
        if !has_address {
            problems.add(place, "this member has no address", "add `ipv4 = \"192.0.2.1\"`, `ipv6`, or both");
        }
        self.sized.push((place, capacity.is_some()));
        let Some((id, id_at)) = id else { return };
        if label("a member", id, id_at, problems) {
            self.once("member", id, id_at, problems);
        }
        let capacity = capacity.unwrap_or(1);
        let member = LoadBalancer { ipv4, ipv6, weight, capacity, is_healthy, health_check };
        self.read.insert(id.to_owned(), member);
    }

    fn address<A: FromStr + Display>(
        &mut self,
        fields: &mut Fields<'_, '_>,
        key: &'static str,
        example: &str,
        problems: &mut Problems<'_>,
    ) -> Option<A> {
        let (text, place) = fields.text(key, problems)?;
        match text.parse::<A>() {
            Ok(address) => {
                self.once("address", &address.to_string(), place, problems);
                Some(address)
            }
            Err(_) => {
                let remedy = format!("write an address such as \"{example}\"");
                problems.add(place, format!("{text:?} is no {key} address"), remedy);
                None
            }
        }
    }

    fn once(&mut self, what: &str, name: &str, place: At, problems: &mut Problems<'_>) {
        if let Some(first) = self.places.insert(name.to_owned(), place) {
            let message = format!(
                "pool {:?} already has the {what} {name}, in line {}",
                self.pool,
                problems.line(first)
            );
            problems.add(place, message, format!("remove one of the two, or give each its own {what}"));
        }
    }

    /// A member without capacity beside one of capacity 100 would get a hundredth of its traffic by an oversight.
    fn check_capacities(&self, problems: &mut Problems<'_>) {
        let is_mixed = self.sized.iter().any(|(_, sized)| *sized);
        for (place, _) in self.sized.iter().filter(|(_, sized)| is_mixed && !sized) {
            let message =
                format!("this member has no `capacity`, while others of pool {:?} have one", self.pool);
            problems.add(*place, message, "give every member of the pool a capacity, or none");
        }
    }
}
