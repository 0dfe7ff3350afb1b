//! Record sets, and changes to them, as Route 53's API knows them.
//!
//! What others put into a zone can be shown, compared and left alone, but it can never be made here: nothing of ours
//! has a routing or a body that is [`Routing::Other`] or [`Body::Other`].

use dnsplan_plan::{OwnerName, RecordType};
use serde_json::{Value as Json, json};

use crate::name::to_api;
use crate::value::{Value, type_text};

/// How one of several record sets of one name and type is chosen.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Routing {
    /// By weight.
    Weight(u8),
    /// Several of them answer.
    Multivalue,
    /// In another way, shown as text: somebody else's.
    Other(Box<str>),
}

/// What tells record sets of one name and type apart.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Identity {
    /// The set identifier.
    pub(crate) id: Box<str>,
    pub(crate) routing: Routing,
}

/// An alias of another record set in the same zone, or of a resource.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Alias {
    pub(crate) target: OwnerName,
    /// The hosted zone that the target is in.
    pub(crate) zone_id: Box<str>,
    pub(crate) evaluate_target_health: bool,
}

/// What a record set answers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Body {
    /// Records.
    Values {
        /// Seconds.
        ttl: u32,
        /// In order.
        values: Vec<Value>,
    },
    /// What another name answers.
    Alias(Alias),
    /// Something else, shown as text: somebody else's.
    Other(Box<str>),
}

/// A record set.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct RecordSet {
    pub(crate) name: OwnerName,
    /// [`RecordType::ZERO`] where it is none of Route 53's types of today; then the body says which.
    pub(crate) record_type: RecordType,
    pub(crate) identity: Option<Identity>,
    pub(crate) body: Body,
    pub(crate) health_check: Option<Box<str>>,
}

/// Names a record set: Route 53 holds one under each.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct SetKey {
    pub(crate) name: OwnerName,
    pub(crate) record_type: RecordType,
    pub(crate) id: Option<Box<str>>,
}

impl RecordSet {
    /// A record set of its own, with values.
    pub(crate) fn simple(name: OwnerName, record_type: RecordType, ttl: u32, mut values: Vec<Value>) -> Self {
        values.sort();
        Self { name, record_type, identity: None, body: Body::Values { ttl, values }, health_check: None }
    }

    /// A record set of its own that is an alias.
    pub(crate) const fn alias(name: OwnerName, record_type: RecordType, alias: Alias) -> Self {
        Self { name, record_type, identity: None, body: Body::Alias(alias), health_check: None }
    }

    /// The same as one of several.
    pub(crate) fn identified(mut self, id: &str, routing: Routing) -> Self {
        self.identity = Some(Identity { id: id.into(), routing });
        self
    }

    /// What names it.
    pub(crate) fn key(&self) -> SetKey {
        let id = self.identity.as_ref().map(|identity| identity.id.clone());
        SetKey { name: self.name.clone(), record_type: self.record_type, id }
    }

    /// Whether it can be one of ours at all.
    pub(crate) const fn is_known(&self) -> bool {
        let is_routed_as_ours = match &self.identity {
            Some(identity) => !matches!(identity.routing, Routing::Other(_)),
            None => true,
        };
        is_routed_as_ours && !matches!(self.body, Body::Other(_))
    }

    /// Its values; none where it is no record set with values.
    pub(crate) fn values(&self) -> &[Value] {
        match &self.body {
            Body::Values { values, .. } => values,
            Body::Alias(_) | Body::Other(_) => &[],
        }
    }

    /// What it is an alias of.
    pub(crate) const fn target(&self) -> Option<&Alias> {
        match &self.body {
            Body::Alias(alias) => Some(alias),
            Body::Values { .. } | Body::Other(_) => None,
        }
    }

    fn json(&self) -> Json {
        let mut json = json!({ "Name": to_api(&self.name), "Type": type_text(self.record_type) });
        if let Some(Identity { id, routing }) = &self.identity {
            json["SetIdentifier"] = json!(id);
            match routing {
                Routing::Weight(weight) => json["Weight"] = json!(weight),
                Routing::Multivalue => json["MultiValueAnswer"] = json!(true),
                Routing::Other(_) => {}
            }
        }
        match &self.body {
            Body::Values { ttl, values } => {
                json["TTL"] = json!(ttl);
                json["ResourceRecords"] =
                    values.iter().map(|value| json!({ "Value": value.text() })).collect();
            }
            Body::Alias(alias) => {
                json["AliasTarget"] = json!({
                    "HostedZoneId": alias.zone_id,
                    "DNSName": to_api(&alias.target),
                    "EvaluateTargetHealth": alias.evaluate_target_health,
                });
            }
            Body::Other(_) => {}
        }
        if let Some(health_check) = &self.health_check {
            json["HealthCheckId"] = json!(health_check);
        }
        json
    }
}

/// One change of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// Puts a record set where there is none; else the batch fails.
    Create(RecordSet),
    /// Takes away exactly this record set; where it is another one, the batch fails.
    Delete(RecordSet),
    /// Puts a record set, whatever is there.
    Upsert(RecordSet),
}

impl Change {
    /// The record set that it puts or takes away.
    pub(crate) const fn record_set(&self) -> &RecordSet {
        match self {
            Self::Create(set) | Self::Delete(set) | Self::Upsert(set) => set,
        }
    }

    /// As the API names it.
    pub(crate) const fn action(&self) -> &'static str {
        match self {
            Self::Create(_) => "CREATE",
            Self::Delete(_) => "DELETE",
            Self::Upsert(_) => "UPSERT",
        }
    }
}

/// A batch, as `aws route53 change-resource-record-sets --change-batch` takes it.
pub(crate) fn to_json(comment: &str, changes: &[Change]) -> Json {
    let change = |change: &Change| json!({ "Action": change.action(), "ResourceRecordSet": change.record_set().json() });
    json!({ "Comment": comment, "Changes": changes.iter().map(change).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests;
