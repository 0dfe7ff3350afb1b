//! Answering a question from one snapshot, without a socket (RFC 1034 section 4.3.2, RFC 4592, RFC 2308).
//!
//! 1. An answer is made from one [`Served`], so from one generation.
//! 2. Whole RRsets only, but for weighted ones, of which every answer holds one member, and multivalue ones, of which it
//!    holds up to eight candidates. Here nobody checks health, so every member and candidate counts as healthy.
//! 3. Nothing walks the zone: the cost grows with the labels of the name and the records of the answer.
//!
//! Rejected: following a CNAME into another zone that the same process serves. It would take a second snapshot, and the
//! two could be of different times; the resolver asks again instead.

use dnsplan_plan::{Candidate, Node, OwnerName, RData, RRset, RecordType, Records, target};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, Record};

use crate::choose::{Chooser, choose, draw};
use crate::find::{Found, find};
use crate::served::Served;

#[cfg(test)]
mod tests;

/// How many CNAMEs are followed within a zone before the resolver has to ask again.
const LONGEST_CHAIN: usize = 16;

/// The content of a response.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The response code.
    pub code: ResponseCode,
    /// Whether the zone is authoritative for the name asked: false for a referral.
    pub authoritative: bool,
    /// The answer section.
    pub answers: Vec<Record>,
    /// The authority section: the SOA of a negative answer, or the name servers of a referral.
    pub authorities: Vec<Record>,
    /// Glue: addresses without which a referral is of no use (RFC 9471).
    pub glue: Vec<Record>,
    /// Addresses that only save another question. They are left out where they do not fit.
    pub extras: Vec<Record>,
}

impl Answer {
    /// An answer without records.
    pub(crate) const fn bare(code: ResponseCode) -> Self {
        Self {
            code,
            authoritative: false,
            answers: Vec::new(),
            authorities: Vec::new(),
            glue: Vec::new(),
            extras: Vec::new(),
        }
    }
}

impl Served {
    /// The answer to a question of class IN. A name outside the zone is refused.
    ///
    /// ANY is answered with the first RRset of the name, by type (RFC 8482 section 4.1). Questions for transfers and
    /// other meta types are the caller's affair.
    #[must_use]
    pub fn lookup(&self, qname: &Name, qtype: RecordType, chooser: &dyn Chooser) -> Answer {
        let name = OwnerName::new(qname);
        if name.is_in(self.zone().origin()) {
            self.answer(qname, name, qtype, chooser)
        } else {
            Answer::bare(ResponseCode::Refused)
        }
    }

    /// The same for a question that is known to be the zone's: `name` is `qname` without its spelling.
    pub(crate) fn answer(
        &self,
        qname: &Name,
        name: OwnerName,
        qtype: RecordType,
        chooser: &dyn Chooser,
    ) -> Answer {
        let answer = Answer { authoritative: true, ..Answer::bare(ResponseCode::NoError) };
        let mut lookup = Lookup { served: self, qtype, chooser, answer };
        lookup.follow(qname, name);
        lookup.answer
    }
}

struct Lookup<'a> {
    served: &'a Served,
    qtype: RecordType,
    chooser: &'a dyn Chooser,
    answer: Answer,
}

impl Lookup<'_> {
    /// Answers for a name, and for the names that its CNAMEs lead to. Owner names keep the spelling of the question.
    fn follow(&mut self, qname: &Name, name: OwnerName) {
        let (mut owner, mut name, mut seen) = (qname.clone(), name, Vec::new());
        let zone = self.served.zone();
        while seen.len() <= LONGEST_CHAIN {
            match find(zone, &name, self.qtype) {
                Found::Node(node) => match self.node(&owner, node) {
                    Some(next) => {
                        seen.push(std::mem::replace(&mut name, OwnerName::new(&next)));
                        owner = next;
                    }
                    None => return,
                },
                Found::Empty => return self.deny(ResponseCode::NoError),
                Found::Missing => return self.deny(ResponseCode::NXDomain),
                Found::Cut(cut, servers) => return self.refer(&cut, servers),
            }
            if !name.is_in(zone.origin()) || seen.contains(&name) {
                return;
            }
        }
    }

    /// Answers from a node, and says where its CNAME leads.
    fn node(&mut self, owner: &Name, node: &Node) -> Option<Name> {
        let asked = match self.qtype {
            RecordType::ANY => node.rrsets().next(),
            qtype => node.get(qtype),
        };
        if let Some(rrset) = asked {
            let records = self.records(owner, rrset);
            if self.qtype != RecordType::ANY {
                self.answer.extras = self.addresses(&records);
            }
            self.answer.answers.extend(records);
            return None;
        }
        let Some(alias) = node.get(RecordType::CNAME) else {
            self.deny(ResponseCode::NoError);
            return None;
        };
        let record = self.records(owner, alias).into_iter().next()?;
        let next = match &record.data {
            RData::CNAME(next) => Some(next.0.clone()),
            _ => None,
        };
        self.answer.answers.push(record);
        next
    }

    /// NXDOMAIN or NODATA, with the SOA that says how long it may be remembered.
    fn deny(&mut self, code: ResponseCode) {
        self.answer.code = code;
        self.answer.authorities.extend(self.served.proof().cloned());
    }

    /// Points to the name servers of a zone cut. After a CNAME of ours the answer stays authoritative for the name asked.
    fn refer(&mut self, cut: &OwnerName, servers: &RRset) {
        self.answer.authoritative = !self.answer.answers.is_empty();
        self.answer.authorities = self.records(&cut.to_name(), servers);
        self.answer.glue = self.addresses(&self.answer.authorities);
    }

    /// The addresses of the hosts that `records` (of one RRset) name, as far as the zone has them.
    fn addresses(&self, records: &[Record]) -> Vec<Record> {
        let mut found = Vec::new();
        let mut hosts = Vec::new();
        for record in records {
            let names_hosts = matches!(record.data, RData::NS(_) | RData::MX(_) | RData::SRV(_));
            let Some(host) = target(&record.data).filter(|_| names_hosts) else { continue };
            if hosts.contains(&host) {
                continue;
            }
            if let Some(node) = self.served.zone().node(&host) {
                let name = host.to_name();
                for rrset in [RecordType::A, RecordType::AAAA].into_iter().filter_map(|kind| node.get(kind)) {
                    found.extend(self.records(&name, rrset));
                }
            }
            hosts.push(host);
        }
        found
    }

    /// An RRset as records: all of them, the one that is chosen by weight, or the candidates that are drawn.
    fn records(&self, owner: &Name, rrset: &RRset) -> Vec<Record> {
        if rrset.record_type() == RecordType::SOA && OwnerName::new(owner) == *self.served.zone().origin() {
            let mut soa = self.served.soa().cloned();
            soa.iter_mut().for_each(|record| record.name = owner.clone());
            return soa.into_iter().collect();
        }
        let ttl = rrset.ttl().seconds();
        let record = |data: &RData| Record::from_rdata(owner.clone(), ttl, data.clone());
        match rrset.records() {
            Records::Simple(records) => records.iter().map(record).collect(),
            Records::Weighted(members) => {
                choose(members, self.chooser).map(|member| record(&member.data)).into_iter().collect()
            }
            Records::Multivalue(candidates) => {
                distinct(draw(candidates, self.chooser)).into_iter().map(record).collect()
            }
        }
    }
}

/// The data of candidates, each once: two candidates may have the same, a record comes once (RFC 2181 section 5).
fn distinct<'a>(drawn: impl Iterator<Item = &'a Candidate>) -> Vec<&'a RData> {
    drawn.fold(Vec::with_capacity(Candidate::MAX_ANSWERS), |mut found, candidate| {
        if !found.contains(&&candidate.data) {
            found.push(&candidate.data);
        }
        found
    })
}
