//! Resource record sets, as the API has them.

use crate::name::Name;

/// A resource record set: what one `ResourceRecordSet` element holds.
///
/// The fake stores names (the owner's and an alias target's) in the form of [`Name`], everything else as it was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordSet {
    /// Owner name, within the zone.
    pub name: String,
    /// Record type, as in `"TXT"`.
    pub record_type: String,
    /// What tells weighted or multivalue record sets of the same name and type apart.
    pub set_identifier: Option<String>,
    /// Makes it a weighted record set. From 0 to 255.
    pub weight: Option<i64>,
    /// Makes it a multivalue answer record set.
    pub multi_value_answer: bool,
    /// Time to live in seconds. An alias has none.
    pub ttl: Option<i64>,
    /// Values in presentation format. An alias has none.
    pub values: Vec<String>,
    /// Makes it an alias.
    pub alias: Option<Alias>,
    /// The health check that decides whether it is answered with.
    pub health_check_id: Option<String>,
}

/// Where an alias record set points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// Hosted zone of the target, without `/hostedzone/`.
    pub zone_id: String,
    /// Name of the target.
    pub dns_name: String,
    /// Whether the target's health counts.
    pub evaluate_target_health: bool,
}

impl RecordSet {
    /// A record set of one name and type with nothing in it yet.
    #[must_use]
    pub fn new(name: impl Into<String>, record_type: impl Into<String>) -> Self {
        Self { name: name.into(), record_type: record_type.into(), ..Self::default() }
    }

    /// With a TTL in seconds.
    #[must_use]
    pub fn ttl(mut self, seconds: i64) -> Self {
        self.ttl = Some(seconds);
        self
    }

    /// With one more value, in presentation format.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.values.push(value.into());
        self
    }

    /// As a weighted record set.
    #[must_use]
    pub fn weighted(mut self, set_identifier: impl Into<String>, weight: i64) -> Self {
        self.set_identifier = Some(set_identifier.into());
        self.weight = Some(weight);
        self
    }

    /// As a multivalue answer record set.
    #[must_use]
    pub fn multivalue(mut self, set_identifier: impl Into<String>) -> Self {
        self.set_identifier = Some(set_identifier.into());
        self.multi_value_answer = true;
        self
    }

    /// As an alias that does not evaluate its target's health.
    #[must_use]
    pub fn alias(mut self, zone_id: impl Into<String>, dns_name: impl Into<String>) -> Self {
        let (zone_id, dns_name) = (zone_id.into(), dns_name.into());
        self.alias = Some(Alias { zone_id, dns_name, evaluate_target_health: false });
        self
    }

    /// With a health check.
    #[must_use]
    pub fn health_check(mut self, id: impl Into<String>) -> Self {
        self.health_check_id = Some(id.into());
        self
    }

    /// Whether a DELETE that shows `self` speaks of `current`, which has the same key.
    ///
    /// Everything must be the same: values in any order but with the same text, TTL, weight, multivalue flag, health check,
    /// alias target and whether it evaluates the target's health. AWS documents "all the same values that you specified when
    /// you created it" without naming which; this is the strictest reading.
    pub(crate) fn matches(&self, current: &Self) -> bool {
        let sorted = |set: &Self| {
            let mut values = set.values.clone();
            values.sort_unstable();
            Self { values, ..set.clone() }
        };
        sorted(self) == sorted(current)
    }

    pub(crate) const fn routing(&self) -> Routing {
        match (self.weight, self.multi_value_answer) {
            (Some(_), _) => Routing::Weighted,
            (None, true) => Routing::Multivalue,
            (None, false) => Routing::Simple,
        }
    }
}

/// The routing policies that the fake knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Routing {
    Simple,
    Weighted,
    Multivalue,
}

/// What identifies a record set within its zone, in the order in which record sets are listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Owner name.
    pub name: Name,
    /// Record type.
    pub record_type: String,
    /// Set identifier, empty where there is none.
    pub set_identifier: String,
}

impl Key {
    pub(crate) fn of(name: Name, set: &RecordSet) -> Self {
        let set_identifier = set.set_identifier.clone().unwrap_or_default();
        Self { name, record_type: set.record_type.clone(), set_identifier }
    }

    /// The lowest key of a name and type.
    pub(crate) fn first(name: &Name, record_type: &str) -> Self {
        let record_type = record_type.to_owned();
        Self { name: name.clone(), record_type, set_identifier: String::new() }
    }
}
