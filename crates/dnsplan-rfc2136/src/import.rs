//! Reading a zone as what a plan could say of it.
//!
//! What is read is what a plan would put there, RRset by RRset: enacted, it changes nothing. Everything else is left out with the
//! reason, and stays as it is as long as no plan names it.

use std::collections::{BTreeMap, BTreeSet};

use dnsplan_enactor::TargetError;
use dnsplan_plan::{Import, LeftOut, OwnerName, RData, RRset, RRsetKey, RecordType, Ttl, rdata, target};

use crate::client::Client;
use crate::content::Content;
use crate::markers::Markers;
use crate::message::Received;
use crate::settings::Settings;
use crate::wanted::Wanted;

/// Transfers the zone of the settings from its server (AXFR, RFC 5936), and reads it.
///
/// # Errors
/// [`TargetError`] says what is in the way, and what to do about it.
pub async fn axfr(settings: Settings) -> Result<Import, TargetError> {
    let wanted = Wanted::new(&settings).map_err(TargetError::Misconfigured)?;
    let records = Client::new(settings).transfer().await?;
    Ok(read(&wanted, records))
}

pub(crate) fn read(wanted: &Wanted, records: Vec<Received>) -> Import {
    let content = Content::of(records.clone());
    let mut groups: BTreeMap<(OwnerName, RecordType), Vec<Received>> = BTreeMap::new();
    for record in records {
        groups.entry((record.owner.clone(), record.record_type)).or_default().push(record);
    }
    let markers = Markers::of(&content);
    let apex = &wanted.zone;
    let is_cut = |record_type| matches!(record_type, RecordType::NS | RecordType::DS);
    let delegated: BTreeSet<OwnerName> = groups
        .keys()
        .filter(|(owner, record_type)| owner != apex && is_cut(*record_type))
        .map(|(owner, _)| owner.clone())
        .collect();
    let mut import = Import {
        zone: apex.clone(),
        name_servers: name_servers(&groups, apex),
        is_managed: content.node(&wanted.fence).is_some(),
        rrsets: BTreeMap::new(),
        left_out: Vec::new(),
    };
    for ((owner, record_type), group) in groups {
        if wanted.is_reserved(&owner) || wanted.is_servers(&owner, record_type) {
            continue;
        }
        let foreign = delegation(&owner, apex, &delegated)
            .or_else(|| markers.claimed(&owner).map(|by| format!("another tool owns it: {by}")));
        match foreign.map_or_else(|| rrset(wanted, &content, &owner, record_type, &group), Err) {
            Ok(rrset) => {
                import.rrsets.insert(RRsetKey::new(owner, record_type), rrset);
            }
            Err(reason) => {
                import.left_out.push(LeftOut { owner, record_type: type_text(record_type), reason });
            }
        }
    }
    import
}

fn name_servers(
    groups: &BTreeMap<(OwnerName, RecordType), Vec<Received>>,
    apex: &OwnerName,
) -> Vec<OwnerName> {
    let group = groups.get(&(apex.clone(), RecordType::NS));
    let data = group.into_iter().flatten().filter_map(|record| record.data.as_ref().ok());
    data.filter_map(target).collect()
}

/// Whether a name is delegated, or below one that is.
fn delegation(owner: &OwnerName, apex: &OwnerName, delegated: &BTreeSet<OwnerName>) -> Option<String> {
    let above = std::iter::successors(Some(owner.clone()), |name| Some(name.parent()));
    let mut above = above.take_while(|name| name != apex && !name.is_root());
    let cut = above.find(|name| delegated.contains(name))?;
    Some(format!("{cut} is delegated: what is there and below belongs to its own name servers"))
}

/// The RRset of all records of one name and type, if putting it there would change nothing, and a spec can say it.
fn rrset(
    wanted: &Wanted,
    content: &Content,
    owner: &OwnerName,
    record_type: RecordType,
    group: &[Received],
) -> Result<RRset, String> {
    if matches!(record_type, RecordType::Unknown(_)) {
        return Err(format!("{} is no type that a plan has", type_text(record_type)));
    }
    let ttls: BTreeSet<u32> = group.iter().map(|record| record.ttl).collect();
    let (Some(ttl), 1) = (ttls.first().copied().and_then(Ttl::new), ttls.len()) else {
        return Err("its records have different TTLs, and an RRset has one".to_owned());
    };
    let data = group.iter().map(|record| match &record.data {
        Ok(data) if is_said(data, &wanted.zone) => Ok(data.clone()),
        Ok(data) => Err(format!("{data} cannot be written as a plan's record")),
        Err(_) => Err("it has data that cannot be read".to_owned()),
    });
    let data: Vec<RData> = data.collect::<Result<_, _>>()?;
    let rrset = RRset::simple(ttl, data).map_err(|error| error.to_string())?;
    let node = dnsplan_plan::Node::new().with(rrset.clone());
    let planned = wanted.node(owner, &node).map_err(|unfit| unfit.to_string())?;
    if planned.get(&record_type) != content.node(owner).and_then(|node| node.get(&record_type)) {
        return Err("a plan would write it in another way".to_owned());
    }
    Ok(rrset)
}

/// As in RFC 3597, where the type has no name here.
fn type_text(record_type: RecordType) -> String {
    match record_type {
        RecordType::Unknown(code) => format!("TYPE{code}"),
        known => known.to_string(),
    }
}

/// Whether the text of some data stands for it.
fn is_said(data: &RData, origin: &OwnerName) -> bool {
    let read = |text: &str| rdata(&data.record_type().to_string(), text, origin).ok();
    match data {
        // Shown without quotes, and so as a text that nobody could read back.
        RData::TXT(_) => true,
        data => read(&data.to_string()).as_ref() == Some(data),
    }
}

#[cfg(test)]
mod tests;
