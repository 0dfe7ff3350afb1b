//! Zones that are served elsewhere: `enactor` and `apply` with `--target route53:ZONEID` or `--target rfc2136:ADDR:PORT`, and `plan
//! --change-batches`.

mod apply;
mod enact;
mod primary;
mod rehearse;

use std::sync::Arc;

use dnsplan::enactor::{Layout, TargetError};
use dnsplan::plan::{OwnerName, TargetId};
use dnsplan::planner::ZoneIntent;
use dnsplan::route53::{Client, Pace, Route53Target, Settings, client};

use crate::args::{Hosted, ZoneId};
use crate::failure::Failure;
use crate::spec::Spec;

pub(crate) use apply::apply;
pub(crate) use enact::enact;
pub(crate) use primary::settings;
pub(crate) use rehearse::change_batches;

/// One zone that is served elsewhere, to be worked on.
struct Place<T> {
    target: Arc<T>,
    zone: OwnerName,
    id: TargetId,
    /// How plans are put there, in words.
    how: &'static str,
}

/// A hosted zone that is there.
struct HostedZone {
    client: Client,
    id: ZoneId,
    name: OwnerName,
    layout: Layout,
    pace: Pace,
}

impl HostedZone {
    /// Looks the hosted zone up. `wanted` is what the command line says its name is.
    async fn find(id: &ZoneId, hosted: &Hosted, wanted: Option<&OwnerName>) -> Result<Self, Failure> {
        let client = client(hosted.endpoint_url.as_deref()).await;
        let name = Route53Target::zone_name(client.clone(), id.as_str()).await?;
        if let Some(wanted) = wanted.filter(|wanted| **wanted != name) {
            return Err(Failure::error(format!(
                "hosted zone {id} is {name}, and --zone says {wanted}: leave --zone out, or name the hosted zone of {wanted}"
            )));
        }
        Ok(Self { client, id: id.clone(), name, layout: hosted.layout(), pace: hosted.pace() })
    }

    /// The same, to be worked on.
    async fn place(&self, hosted: &Hosted) -> Result<Place<Route53Target>, Failure> {
        let target = Arc::new(self.target().await?);
        Ok(Place { target, zone: self.name.clone(), id: self.id.target(), how: hosted.layout_text() })
    }

    /// The target that it is.
    async fn target(&self) -> Result<Route53Target, Failure> {
        let settings = Settings { layout: self.layout, pace: self.pace };
        let (client, id) = (self.client.clone(), self.id.target());
        Ok(Route53Target::open(client, self.id.as_str(), &self.name, id, &settings).await?)
    }

    /// What a spec says of it.
    fn intent<'s>(&self, spec: &'s Spec) -> Result<&'s ZoneIntent, Failure> {
        spec.intent.zone(&self.name).ok_or_else(|| {
            let has: Vec<String> = spec.intent.zones().map(|zone| zone.origin().to_string()).collect();
            Failure::error(format!(
                "hosted zone {} is {}, and the spec has {}: name the hosted zone of one of them, or add `[zone.\"{}\"]`",
                self.id,
                self.name,
                has.join(", "),
                self.name
            ))
        })
    }
}

impl From<TargetError> for Failure {
    fn from(error: TargetError) -> Self {
        let may_pass = matches!(error, TargetError::Unavailable(_) | TargetError::Pending(_));
        let message = match error {
            // It says all by itself.
            TargetError::Misconfigured(why) => why,
            other => other.to_string(),
        };
        Self { may_pass, ..Self::error(message) }
    }
}
