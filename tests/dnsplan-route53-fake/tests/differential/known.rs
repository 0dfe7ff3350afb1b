//! Where the fake and `ministack` 1.5.33 are known to differ. In all of these Route 53 refuses, the fake does as Route 53, and
//! `ministack` accepts.
//!
//! Not generated at all: names in two forms (case, escapes), because `ministack` takes them for two names, and alias targets in
//! other zones. Not compared: the SOA and name servers at the apex, which are other texts, and the texts of errors but for
//! DELETEs without identifiers.

use dnsplan_route53_fake::{Change, RecordSet};

use crate::batches::OWN_ZONE;

/// One difference.
pub(crate) struct Difference {
    pub(crate) name: &'static str,
    /// What `ministack` lacks.
    pub(crate) reason: &'static str,
    /// What is in the fake's text where it refuses for this reason.
    told_by: &'static [&'static str],
    /// A batch that shows it in a new zone.
    pub(crate) example: fn() -> Vec<Change>,
}

/// The difference that one message of the fake falls under.
pub(crate) fn of(message: &str) -> Option<&'static Difference> {
    ALL.iter().find(|difference| difference.told_by.iter().any(|piece| message.contains(piece)))
}

fn a(name: &str) -> RecordSet {
    RecordSet::new(name, "A").ttl(60).value("192.0.2.1")
}

fn creates<const N: usize>(sets: [RecordSet; N]) -> Vec<Change> {
    sets.map(Change::create).into()
}

/// All of them.
pub(crate) const ALL: &[Difference] = &[
    Difference {
        name: "schema",
        reason: "of a record set only the name and the type are required; no range, no length and no combination is checked",
        told_by: &["Invalid request: ", "Invalid XML ; "],
        example: || creates([a("x.a.test").ttl(-1)]),
    },
    Difference {
        name: "health check",
        reason: "a record set may name a health check that does not exist",
        told_by: &["A health check with id"],
        example: || creates([a("x.a.test").health_check("unknown")]),
    },
    Difference {
        name: "values",
        reason: "values are not looked at",
        told_by: &["Invalid Resource Record: ", "Duplicate Resource Record: "],
        example: || creates([RecordSet::new("x.a.test", "A").ttl(60).value("nowhere")]),
    },
    Difference {
        name: "alias target",
        reason: "an alias may point to what is not there",
        told_by: &["Tried to create an alias that targets"],
        example: || creates([RecordSet::new("x.a.test", "A").alias(OWN_ZONE, "y.a.test")]),
    },
    Difference {
        name: "CNAME",
        reason: "a CNAME may be beside other types, at the apex, and have several values",
        told_by: &["RRSet of type "],
        example: || creates([a("x.a.test"), RecordSet::new("x.a.test", "CNAME").ttl(60).value("y.a.test")]),
    },
    Difference {
        name: "groups",
        reason: "routing policies may be mixed under a name and type, and so may the TTLs of weights",
        told_by: &[
            "cannot be created as other RRSets exist",
            "cannot be created as a non-weighted set exists",
            "cannot be created because a non multivalue answer rrset exists",
            "cannot be created as weighted sets must contain the same TTL",
            "cannot be a multivalue answer rrset",
        ],
        example: || creates([a("x.a.test"), a("x.a.test").weighted("1", 1)]),
    },
    Difference {
        name: "names",
        reason: "a record set may lie outside its zone",
        told_by: &["is not permitted in zone"],
        example: || creates([a("b.test")]),
    },
    Difference {
        name: "apex",
        reason: "the SOA and the name servers of the zone may be deleted, and a second SOA created",
        told_by: &["A HostedZone must contain"],
        example: || creates([RecordSet::new("x.a.test", "SOA").ttl(60).value("a. b. 1 2 3 4 5")]),
    },
    Difference {
        name: "repetition",
        reason: "a record set may come up in a batch again and again, as long as each change is fine after the one before",
        told_by: &["The request contains an invalid set of changes"],
        example: || vec![Change::upsert(a("x.a.test")), Change::upsert(a("x.a.test"))],
    },
    Difference {
        name: "limits",
        reason: "batches, record sets, groups and zones may be of any size",
        told_by: &[
            "Number of records limit",
            "RDATA character limit",
            "Cannot have more than",
            "Exceeded limit",
        ],
        example: || (0..501).map(|number| Change::upsert(a(&format!("x{number}.a.test")))).collect(),
    },
];
