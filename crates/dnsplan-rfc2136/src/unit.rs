//! One owner name of a write: what it wants, what is known to be ours there, and so what the update says of it.
//!
//! 1. An RRset that a plan has put there is deleted and put anew in the same message: what it was needs no guess.
//! 2. An RRset that no plan has put there is created only where there is none: that it is not there is a prerequisite.
//! 3. A server ignores a CNAME that is added beside other data, and other data beside a CNAME (RFC 2136 section 3.4.2.2), and says
//!    that all went well. So it is a prerequisite that there is no CNAME, or that there is nothing else.
//! 4. In a zone that Knot signs, the signatures of what was deleted just before count as other data, and a CNAME that is added then
//!    is ignored: the name would be left with nothing. So a CNAME that takes the place of a CNAME is added without a deletion, which
//!    replaces it; and in a signed zone a CNAME does not take the place of other records.
//! 5. Deletions come before additions, and only RRsets that are ours are deleted.

use std::collections::BTreeSet;

use dnsplan_plan::{OwnerName, RecordType};

use crate::content::{Node, Set};
use crate::message::{Rr, Update};
use crate::wanted::is_signing;

/// One owner name, changed as a unit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Unit {
    pub(crate) owner: OwnerName,
    pub(crate) wanted: Node,
    /// The types that a plan has there, as far as is known: those of the plan at the base, and what this target itself has put there.
    pub(crate) ours: BTreeSet<RecordType>,
    /// What plans may have put there, and what is ours to the letter only: what others have there is their own.
    pub(crate) hints: Vec<Node>,
    /// What was looked up.
    pub(crate) looked: Option<Looked>,
}

/// What was found at an owner name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Looked {
    there: BTreeSet<RecordType>,
    /// Those that give way.
    replaced: BTreeSet<RecordType>,
}

impl Unit {
    /// Whether it has to be looked up what is there: only its values say whose it is; or a CNAME takes the place of other records, and
    /// nothing short of a list of all types says that there are no more.
    pub(crate) fn is_blind(&self) -> bool {
        let others = self.ours.iter().any(|record_type| *record_type != RecordType::CNAME);
        let is_replaced = self.wanted.contains_key(&RecordType::CNAME) && others;
        let mut hinted = self.hints.iter().flat_map(Node::keys);
        let is_hinted = hinted.any(|record_type| !self.ours.contains(record_type));
        self.looked.is_none() && (is_replaced || is_hinted)
    }

    /// Whether a server may ignore part of what is wanted, and say that all went well: no prerequisite says that nothing else has come
    /// to a name that turns into a CNAME.
    pub(crate) fn may_be_ignored(&self) -> bool {
        let known = self.looked.as_ref().map_or(&self.ours, |looked| &looked.there);
        let others = known.iter().any(|record_type| *record_type != RecordType::CNAME);
        self.wanted.contains_key(&RecordType::CNAME) && others
    }

    /// Takes in what is there. Where `is_settled`, what no plan has put there is somebody else's; else what the plan names is taken
    /// over, unless another tool says that it owns it (`claimed`). In a zone that `is_signed`, nothing turns into a CNAME.
    ///
    /// # Errors
    /// Whose place it wants.
    pub(crate) fn look(
        &mut self,
        there: Option<&Node>,
        is_settled: bool,
        is_signed: bool,
        claimed: Option<String>,
    ) -> Result<(), String> {
        let nothing = Node::new();
        let there = there.unwrap_or(&nothing);
        let mut replaced = BTreeSet::new();
        for (record_type, set) in there.iter().filter(|(record_type, _)| !is_signing(**record_type)) {
            let is_same = self.wanted.get(record_type) == Some(set);
            let is_in_the_way = self.is_in_the_way(*record_type);
            let is_hinted = self.hints.iter().any(|hint| hint.get(record_type) == Some(set));
            let is_ours = self.ours.contains(record_type) || is_hinted;
            // What cannot be beside ours has come in its place, and gives way; what can be has come beside it, and is others' own.
            let is_beside = match *record_type {
                RecordType::CNAME => self.ours.is_empty(),
                _ => !self.ours.contains(&RecordType::CNAME),
            };
            let is_taken_over = if self.wanted.contains_key(record_type) {
                !is_settled
            } else {
                is_in_the_way && !(is_settled && is_beside)
            };
            let is_wanted = self.wanted.contains_key(record_type) || is_in_the_way;
            match &claimed {
                Some(tool) if is_wanted && !is_same => {
                    return Err(format!("{} {record_type} is somebody else's: {tool}", self.owner));
                }
                _ if is_ours && claimed.is_none() || is_same || is_taken_over => {
                    replaced.insert(*record_type);
                }
                _ if is_wanted => {
                    let owner = &self.owner;
                    return Err(format!(
                        "{owner} {record_type} is somebody else's: no plan has put it there"
                    ));
                }
                _ => {}
            }
        }
        let turns = replaced.iter().any(|record_type| *record_type != RecordType::CNAME);
        if turns && is_signed && self.wanted.contains_key(&RecordType::CNAME) {
            return Err(format!(
                "{} would turn into a CNAME, and in a signed zone servers such as Knot leave out a CNAME that comes in the place of \
                 other records: take the name out with one plan, and put the CNAME there with the next",
                self.owner
            ));
        }
        let there = there.keys().copied().filter(|record_type| !is_signing(*record_type)).collect();
        self.looked = Some(Looked { there, replaced });
        Ok(())
    }

    /// Whether a type cannot be beside what is wanted.
    fn is_in_the_way(&self, record_type: RecordType) -> bool {
        let is_cname = |record_type: &RecordType| *record_type == RecordType::CNAME;
        let wants_cname = self.wanted.keys().any(is_cname);
        !self.wanted.is_empty() && wants_cname != is_cname(&record_type)
    }

    /// The types that are deleted: ours, and where it was looked up, there.
    pub(crate) fn replaced(&self) -> &BTreeSet<RecordType> {
        self.looked.as_ref().map_or(&self.ours, |looked| &looked.replaced)
    }

    /// Adds what is to be done here to an update.
    pub(crate) fn put(&self, update: &mut Update) {
        let owner = || self.owner.clone();
        self.put_prerequisites(&mut update.prerequisites);
        for record_type in self.replaced().iter().filter(|record_type| !self.is_overwritten(**record_type)) {
            update.changes.push(Rr::delete(owner(), *record_type));
        }
        for (record_type, Set { ttl, data }) in &self.wanted {
            let add = |data: &Vec<u8>| Rr::add(owner(), *record_type, ttl.unwrap_or_default(), data.clone());
            update.changes.extend(data.iter().map(add));
        }
    }

    /// Whether what is wanted goes over a type without its being deleted first: a CNAME takes the place of a CNAME by itself.
    fn is_overwritten(&self, record_type: RecordType) -> bool {
        record_type == RecordType::CNAME && self.wanted.contains_key(&RecordType::CNAME)
    }

    fn put_prerequisites(&self, prerequisites: &mut Vec<Rr>) {
        let owner = || self.owner.clone();
        if self.wanted.is_empty() {
            return;
        }
        if self.wanted.contains_key(&RecordType::CNAME) {
            let known = self.looked.as_ref().map_or(&self.ours, |looked| &looked.there);
            let known: Vec<RecordType> = known.iter().copied().collect();
            match known[..] {
                [] => prerequisites.push(Rr::name_is_free(owner())),
                // Where it is, nothing else is.
                [RecordType::CNAME] => prerequisites.push(Rr::must_be(owner(), RecordType::CNAME)),
                _ => {}
            }
            return;
        }
        let absent = std::iter::once(RecordType::CNAME).chain(self.wanted.keys().copied());
        let absent = absent.filter(|record_type| !self.replaced().contains(record_type));
        prerequisites.extend(absent.map(|record_type| Rr::must_not_be(owner(), record_type)));
    }
}

#[cfg(test)]
mod tests;
