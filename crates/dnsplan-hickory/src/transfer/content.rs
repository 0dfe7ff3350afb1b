//! What a secondary is given of a zone: the same records for the same plan, whoever sends them and whenever.
//!
//! A secondary knows no weights and draws no candidates: it answers with all records of an RRset. So it is given
//! 1. all records of a simple RRset,
//! 2. of a weighted one the members of positive weight, or all where every weight is 0,
//! 3. of a multivalue one all candidates,
//! 4. and of a type that an owner name may have only one record of, the member of the greatest weight (of several, the one
//!    whose id comes first). Each record once (RFC 2181 section 5).

use std::collections::HashSet;

use dnsplan_plan::{Member, OwnerName, RData, RRset, RecordType, Records, Zone};
use hickory_proto::rr::Record;

/// RFC 6672 section 2.4.
const DNAME: RecordType = RecordType::Unknown(39);

/// The data of the records that stand for `rrset` at a secondary; at least one.
pub(crate) fn transferred(rrset: &RRset) -> Vec<&RData> {
    match rrset.records() {
        Records::Simple(records) => records.iter().collect(),
        Records::Multivalue(candidates) => distinct(candidates.iter().map(|candidate| &candidate.data)),
        Records::Weighted(members) => {
            // The first of the greatest weight: of equal ones `max_by_key` takes the last.
            let heaviest = members.iter().rev().max_by_key(|member| member.weight);
            if matches!(rrset.record_type(), RecordType::CNAME | DNAME) {
                return heaviest.map(|member| &member.data).into_iter().collect();
            }
            let is_drained = heaviest.is_none_or(|member| member.weight == 0);
            let answers = |member: &&Member| is_drained || member.weight > 0;
            distinct(members.iter().filter(answers).map(|member| &member.data))
        }
    }
}

fn distinct<'a>(data: impl Iterator<Item = &'a RData>) -> Vec<&'a RData> {
    let mut seen = HashSet::new();
    data.filter(|data| seen.insert(*data)).collect()
}

/// All records of a zone but the SOA of its apex, in canonical order of owner names.
pub(crate) fn records(zone: &Zone) -> impl Iterator<Item = Record> + Send {
    zone.nodes().flat_map(|(owner, node)| {
        let name = owner.to_name();
        node.rrsets().filter(|rrset| !is_soa(zone.origin(), owner, rrset.record_type())).flat_map(
            move |rrset| {
                let (name, ttl) = (name.clone(), rrset.ttl().seconds());
                let record = move |data: &RData| Record::from_rdata(name.clone(), ttl, data.clone());
                transferred(rrset).into_iter().map(record)
            },
        )
    })
}

/// Whether it is the apex SOA, which frames a transfer and is not in it.
pub(crate) fn is_soa(origin: &OwnerName, owner: &OwnerName, record_type: RecordType) -> bool {
    record_type == RecordType::SOA && owner == origin
}

#[cfg(test)]
mod tests {
    use super::*;
    use dnsplan_plan::{Candidate, Ttl, rdata};

    fn data(kind: &str, text: &str) -> RData {
        rdata(kind, text, &"example.".parse().unwrap()).unwrap()
    }

    fn weighted(kind: &str, members: &[(&str, u8, &str)]) -> Vec<String> {
        let members = members.iter().map(|(id, weight, text)| Member {
            id: (*id).into(),
            weight: *weight,
            health_check: None,
            data: data(kind, text),
        });
        shown(&RRset::weighted(Ttl::new(5).unwrap(), members).unwrap())
    }

    fn shown(rrset: &RRset) -> Vec<String> {
        transferred(rrset).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn weighted_members_are_those_that_answer_each_record_once() {
        let members =
            [("a", 1, "192.0.2.1"), ("b", 0, "192.0.2.2"), ("c", 9, "192.0.2.3"), ("d", 2, "192.0.2.1")];
        assert_eq!(weighted("A", &members), ["192.0.2.1", "192.0.2.3"]);
        assert_eq!(
            weighted("A", &[("a", 0, "192.0.2.1"), ("b", 0, "192.0.2.2")]),
            ["192.0.2.1", "192.0.2.2"]
        );
    }

    #[test]
    fn of_a_weighted_cname_there_is_the_heaviest() {
        assert_eq!(weighted("CNAME", &[("a", 1, "x"), ("b", 7, "y"), ("c", 7, "z")]), ["y.example."]);
        assert_eq!(weighted("CNAME", &[("a", 0, "x"), ("b", 0, "y")]), ["x.example."]);
    }

    #[test]
    fn of_candidates_there_are_all_and_of_equal_ones_one() {
        let candidates = (0..12_u8).map(|number| Candidate {
            id: format!("{number:02}").into(),
            health_check: None,
            data: data("A", &format!("192.0.2.{}", number / 2)),
        });
        let rrset = RRset::multivalue(Ttl::new(5).unwrap(), candidates).unwrap();
        let expected: Vec<String> = (0..6).map(|last| format!("192.0.2.{last}")).collect();
        assert_eq!(shown(&rrset), expected);
    }
}
