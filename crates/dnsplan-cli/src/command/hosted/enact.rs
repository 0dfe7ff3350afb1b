//! `enactor --target TARGET`: a daemon that keeps a zone that is served elsewhere at the store's newest plan.

use std::time::Duration;

use dnsplan::enactor::{Config, EnactError, Nonces, Rest, Target, Wait};
use dnsplan::fence::Actor;
use dnsplan::store::EmbeddedStore;
use dnsplan::{SystemEnactor, enactor};

use super::{HostedZone, Place, primary};
use crate::args::{self, Remote};
use crate::command::daemon::{Stop, observer};
use crate::failure::{Code, Failure};
use crate::session::Session;

/// A change takes about a minute to reach all edges, and nobody waits for the seconds in between.
const POLL: Duration = Duration::from_secs(5);
/// A look at a name server is one query.
const POLL_PRIMARY: Duration = Duration::from_secs(1);
const AUDIT_EVERY: Duration = Duration::from_secs(3600);
/// Longer than changes take to reach all edges, so that whoever began a chain can end it.
const TAKEOVER: Duration = Duration::from_secs(180);
/// For how long a demand for another plan may go without an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Keeps the zone at the newest plan of its name, until it is told to stop.
pub(crate) async fn enact(session: &Session, remote: &Remote, args: &args::Enactor) -> Result<Code, Failure> {
    let (config, mut stop) = (config(remote, &args.pace), Stop::new()?);
    match remote {
        Remote::Route53(id) => {
            let find = async || {
                let zone = HostedZone::find(id, &args.hosted, session.zone.as_ref()).await?;
                zone.place(&args.hosted).await
            };
            enact_at(session, config, &mut stop, find).await
        }
        Remote::Rfc2136(primary) => {
            let zone = match &session.zone {
                Some(zone) => zone.clone(),
                None => session.zone().await?,
            };
            let find = async || primary::place(*primary, zone.clone(), &args.primary).await;
            enact_at(session, config, &mut stop, find).await
        }
    }
}

async fn enact_at<T: Target + 'static>(
    session: &Session,
    config: Config,
    stop: &mut Stop,
    find: impl AsyncFn() -> Result<Place<T>, Failure>,
) -> Result<Code, Failure> {
    let place = tokio::select! {
        place = again(find, config.poll) => place?,
        () = stop.asked() => return Ok(stopped()),
    };
    let me = name(session)?;
    let Place { target, zone, id, how } = &place;
    tracing::info!(%zone, enactor = %me, "at work on {id}");
    let mut enactor = enactor(&session.store, target, me, &observer()).with_config(config.clone());
    tokio::select! {
        state = settle(&mut enactor, config.poll) => {
            outln!("ready: enacting {zone} at {id} ({how}), {state}");
        }
        () = stop.asked() => return Ok(stopped()),
    }
    tokio::select! {
        () = enactor.run() => {}
        () = stop.asked() => {}
    }
    Ok(stopped())
}

fn stopped() -> Code {
    errln!("stopped");
    Code::Done
}

fn config(remote: &Remote, pace: &args::HostedPace) -> Config {
    let usual = match remote {
        Remote::Route53(_) => POLL,
        Remote::Rfc2136(_) => POLL_PRIMARY,
    };
    let poll = pace.poll.unwrap_or(usual);
    let rests = PATIENCE.div_duration_f64(poll).clamp(4.0, 600.0);
    Config {
        poll,
        audit_every: pace.audit_every.unwrap_or(AUDIT_EVERY),
        patience: rests as u32,
        takeover: pace.takeover.unwrap_or(TAKEOVER),
        ..Config::default()
    }
}

/// Finds the zone, again and again while it merely cannot be reached.
async fn again<T>(
    find: impl AsyncFn() -> Result<Place<T>, Failure>,
    poll: Duration,
) -> Result<Place<T>, Failure> {
    let mut told = None;
    loop {
        match find().await {
            Err(failure) if failure.may_pass => tell_once(&mut told, failure.message),
            outcome => return outcome,
        }
        tokio::time::sleep(poll).await;
    }
}

/// Several processes may be at work at once, on several machines: each has a name of its own that says nothing of where it runs,
/// since it goes into the fence record.
fn name(session: &Session) -> Result<Actor, Failure> {
    let random = session.nonces().next().get() & 0xff_ffff;
    Actor::new(&format!("enactor-{random:06x}")).map_err(|error| Failure::error(error.to_string()))
}

/// Returns once the newest plan is live, or there is nothing to enact for now, and says which.
async fn settle<T: Target>(enactor: &mut SystemEnactor<EmbeddedStore, T>, poll: Duration) -> String {
    loop {
        match enactor.turn().await {
            Ok(Rest::Live(generation)) => return format!("generation {generation} is live"),
            Ok(Rest::Waiting(Wait::NoPlan)) => return "no plan yet".to_owned(),
            Ok(Rest::Waiting(Wait::Frozen(id))) => return format!("frozen by freeze {id}"),
            Ok(Rest::Stale | Rest::Demanded(_)) | Err(_) => {}
        }
        tokio::time::sleep(poll).await;
    }
}

/// What keeps a pass from its end, in words.
pub(super) fn trouble(error: EnactError) -> String {
    match error {
        EnactError::Target(error) => Failure::from(error).message,
        EnactError::Store(error) => error.to_string(),
    }
}

/// The same trouble is told once.
fn tell_once(told: &mut Option<String>, message: String) {
    if told.as_ref() != Some(&message) {
        tracing::warn!("cannot go on for now: {message}");
        *told = Some(message);
    }
}
