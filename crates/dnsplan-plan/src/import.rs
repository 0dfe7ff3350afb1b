//! What a target has that no plan put there, as far as a plan could say it.

use std::collections::BTreeMap;

use crate::{OwnerName, RRset, RRsetKey};

/// What a zone holds at a target. Enacted there, `rrsets` change nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Import {
    /// Its name.
    pub zone: OwnerName,
    /// The name servers at its apex. Where they and the SOA are the target's own, no plan changes them there.
    pub name_servers: Vec<OwnerName>,
    /// Whether a fence record is there: some plan is in place already, or part of one.
    pub is_managed: bool,
    /// What a plan can say.
    pub rrsets: BTreeMap<RRsetKey, RRset>,
    /// What it cannot, or should not, in canonical order of names.
    pub left_out: Vec<LeftOut>,
}

/// Records of one name and type that are no plan's.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LeftOut {
    /// Their name.
    pub owner: OwnerName,
    /// Their type, as the target writes it.
    pub record_type: String,
    /// Why they are left out.
    pub reason: String,
}
