//! Reading a hosted zone as what a plan could say of it.
//!
//! What is read is what a plan would put there, record set by record set: enacted in place, it changes nothing. Everything else is
//! left out with the reason, and stays as it is as long as no plan names it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_route53::Client;
use dnsplan_enactor::TargetError;
use dnsplan_plan::{
    Candidate, Import, LeftOut, Member, Node, OwnerName, RData, RRset, RRsetKey, RecordType, Ttl, target,
};

use crate::api::Api;
use crate::cost::Limits;
use crate::markers::claimed;
use crate::name::{Names, to_api};
use crate::pace::Pace;
use crate::record::{Body, RecordSet, Routing};
use crate::target::Route53Target;
use crate::value::type_text;
use crate::wanted::{Wanted, is_delegation};
use crate::zone_map::ZoneMap;

/// Reads the public hosted zone `zone_id`: one call, and one for every 300 record sets.
///
/// # Errors
/// [`TargetError`] says what is in the way, and what to do about it.
pub async fn import(client: Client, zone_id: &str) -> Result<Import, TargetError> {
    let zone = Route53Target::zone_name(client.clone(), zone_id).await?;
    let api = Api::new(client, zone_id, &Pace::default());
    let listed: ZoneMap = api.list(None, |_| true).await?.into_iter().collect();
    let Some(names) = Names::new(zone.clone()) else {
        let why = format!("the name of the zone {zone} is too long for a fence record below it");
        return Err(TargetError::Misconfigured(why));
    };
    let wanted = Wanted { names, zone_id: api.zone_id().into(), limits: Limits::default() };
    Ok(read(&wanted, &listed))
}

pub(crate) fn read(wanted: &Wanted, zone: &ZoneMap) -> Import {
    let names = &wanted.names;
    let mut import = Import {
        zone: names.zone().clone(),
        name_servers: name_servers(zone, names.zone()),
        is_managed: zone.at(names.fence()).next().is_some(),
        rrsets: BTreeMap::new(),
        left_out: Vec::new(),
    };
    let mut groups: BTreeMap<(&OwnerName, String), Vec<&RecordSet>> = BTreeMap::new();
    for set in zone.sets().filter(|set| !names.is_reserved(&set.name)) {
        if !wanted.is_route53s(&set.name, set.record_type) {
            groups.entry((&set.name, shown_type(set))).or_default().push(set);
        }
    }
    let delegated: BTreeSet<&OwnerName> =
        zone.sets().filter(|set| is_cut(set, names.zone())).map(|set| &set.name).collect();
    for ((owner, record_type), sets) in groups {
        let foreign = delegation(owner, names.zone(), &delegated)
            .or_else(|| claimed(zone, owner).map(|by| format!("another tool owns it: {by}")));
        let read = foreign.map_or_else(|| rrset(wanted, owner, &sets), Err);
        match read {
            Ok(rrset) => {
                import.rrsets.insert(RRsetKey::new(owner.clone(), rrset.record_type()), rrset);
            }
            Err(reason) => import.left_out.push(LeftOut { owner: owner.clone(), record_type, reason }),
        }
    }
    import
}

/// A type that is none of Route 53's of today is in the body.
fn shown_type(set: &RecordSet) -> String {
    match &set.body {
        Body::Other(what) if set.record_type == RecordType::ZERO => what.to_string(),
        _ => type_text(set.record_type),
    }
}

fn name_servers(zone: &ZoneMap, apex: &OwnerName) -> Vec<OwnerName> {
    let sets = zone.at(apex).filter(|set| set.record_type == RecordType::NS);
    let data = sets.flat_map(RecordSet::values).filter_map(|value| value.data(RecordType::NS));
    data.filter_map(|data| target(&data)).collect()
}

fn is_cut(set: &RecordSet, apex: &OwnerName) -> bool {
    is_delegation(set.record_type) && set.name != *apex
}

/// Whether a name is delegated, or below one that is.
fn delegation(owner: &OwnerName, apex: &OwnerName, delegated: &BTreeSet<&OwnerName>) -> Option<String> {
    let above = std::iter::successors(Some(owner.clone()), |name| Some(name.parent()));
    let mut above = above.take_while(|name| name != apex && !name.is_root());
    let cut = above.find(|name| delegated.contains(name))?;
    Some(format!("{cut} is delegated: what is there and below belongs to its own name servers"))
}

/// The RRset of all record sets of one name and type, if putting it there would change nothing.
fn rrset(wanted: &Wanted, owner: &OwnerName, sets: &[&RecordSet]) -> Result<RRset, String> {
    if let Some(reason) = sets.iter().find_map(|set| unlike_a_plan(wanted, set)) {
        return Err(reason);
    }
    let bodies = sets.iter().filter_map(|set| match &set.body {
        Body::Values { ttl, .. } => Some(*ttl),
        Body::Alias(_) | Body::Other(_) => None,
    });
    let ttls: BTreeSet<u32> = bodies.collect();
    let (Some(ttl), 1) = (ttls.first().copied().and_then(Ttl::new), ttls.len()) else {
        return Err("its record sets have different TTLs, and an RRset has one".to_owned());
    };
    let rrset = match &sets[0].identity {
        None => RRset::simple(ttl, data(sets[0])?),
        Some(identity) if matches!(identity.routing, Routing::Weight(_)) => {
            let members: Result<Vec<Member>, String> = sets.iter().map(|set| member(set)).collect();
            RRset::weighted(ttl, members?)
        }
        Some(_) => {
            let candidates: Result<Vec<Candidate>, String> = sets.iter().map(|set| candidate(set)).collect();
            RRset::multivalue(ttl, candidates?)
        }
    };
    let rrset = rrset.map_err(|error| error.to_string())?;
    let mut node = Node::new();
    node.insert(rrset.clone());
    let mut planned = wanted.in_place(owner, &node).map_err(|unfit| unfit.to_string())?;
    planned.sort_by_key(RecordSet::key);
    if planned.iter().ne(sets.iter().copied()) {
        return Err("a plan would write it in another way".to_owned());
    }
    Ok(rrset)
}

/// What a record set has that no plan's has.
fn unlike_a_plan(wanted: &Wanted, set: &RecordSet) -> Option<String> {
    match (&set.body, &set.identity) {
        (Body::Values { .. }, _) if matches!(set.record_type, RecordType::Unknown(_)) => {
            Some(format!("{} is no type that a plan has", type_text(set.record_type)))
        }
        (Body::Alias(alias), _) if wanted.names.is_reserved(&alias.target) => {
            Some("it is answered from a tree of dnsplan's: its plan is in the store".to_owned())
        }
        (Body::Alias(alias), _) => {
            let (target, zone) = (to_api(&alias.target), &alias.zone_id);
            Some(format!("an alias of {target} in hosted zone {zone}: a spec has no aliases"))
        }
        (Body::Other(what), _) => Some(format!("{what}: a spec has nothing like it")),
        (_, Some(identity)) => match &identity.routing {
            Routing::Other(routing) => {
                Some(format!("{routing} routing: a spec has simple, weighted and multivalue answers"))
            }
            Routing::Weight(_) | Routing::Multivalue => None,
        },
        (Body::Values { .. }, None) => None,
    }
}

fn data(set: &RecordSet) -> Result<Vec<RData>, String> {
    let read = |value: &crate::value::Value| {
        value.data(set.record_type).ok_or_else(|| format!("{} is no data that can be read", value.text()))
    };
    set.values().iter().map(read).collect()
}

fn one(set: &RecordSet) -> Result<(Box<str>, RData), String> {
    let id = set.identity.as_ref().map_or_else(Box::default, |identity| identity.id.clone());
    match <[RData; 1]>::try_from(data(set)?) {
        Ok([data]) => Ok((id, data)),
        Err(several) => Err(format!("{id:?} has {} values, and a member of an RRset has one", several.len())),
    }
}

fn member(set: &RecordSet) -> Result<Member, String> {
    let (id, data) = one(set)?;
    match set.identity.as_ref().map(|identity| &identity.routing) {
        Some(Routing::Weight(weight)) => {
            Ok(Member { id, weight: *weight, health_check: set.health_check.clone(), data })
        }
        _ => Err(format!("{id:?} is not weighted, and others are")),
    }
}

fn candidate(set: &RecordSet) -> Result<Candidate, String> {
    let (id, data) = one(set)?;
    Ok(Candidate { id, health_check: set.health_check.clone(), data })
}

#[cfg(test)]
mod tests;
