//! Zones at name servers that take updates (RFC 2136).

use std::sync::Arc;

use dnsplan::plan::OwnerName;
use dnsplan::rfc2136::{Rfc2136Target, Settings};

use super::Place;
use crate::args::{AtPrimary, Primary, Signing};
use crate::failure::Failure;

/// How to speak to the primary server of a zone.
pub(crate) fn settings(primary: Primary, zone: OwnerName, signing: &Signing) -> Result<Settings, Failure> {
    let mut settings = Settings::new(primary.0, zone);
    settings.key = signing.key()?;
    Ok(settings)
}

/// A zone at its primary server, to be worked on.
pub(super) async fn place(
    primary: Primary,
    zone: OwnerName,
    args: &AtPrimary,
) -> Result<Place<Rfc2136Target>, Failure> {
    let mut settings = settings(primary, zone.clone(), &args.signing)?;
    settings.weights = args.weights();
    let id = primary.target();
    let target = Arc::new(Rfc2136Target::connect(id.clone(), settings).await?);
    Ok(Place { target, zone, id, how: "in place" })
}
