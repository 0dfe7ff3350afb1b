//! `planner` and `enactor`: the parts of `up` as separate daemons, and what all of them share.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dnsplan::enactor::{Config, Event};
use dnsplan::fence::Generation;
use dnsplan::leadership::Epoch;
use dnsplan::plan::{PlanStore, Revision, TargetId};
use dnsplan::{Engine, EngineConfig, EngineError, ZoneObserver};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args;
use crate::command::up::Voice;
use crate::failure::{Code, Failure};
use crate::seat::{Seat, Standing};
use crate::session::Session;
use crate::spec::{News, Watcher};

const LOOK: Duration = Duration::from_millis(100);

/// Watches the spec and appends plans, until it is told to stop.
pub(crate) async fn planner(session: Session, args: args::Planner) -> Result<Code, Failure> {
    let (mut seat, mut stop) = (Seat::new(&session, &args), Stop::new()?);
    let mut planning: Option<Planning> = None;
    let (mut told, mut trouble) = (None, Voice::default());
    loop {
        let standing = match seat.look().await {
            Ok(standing) => {
                trouble = Voice::default();
                Some(standing)
            }
            Err(failure) => {
                trouble.say(&session, vec![News::Trouble(failure)]).await;
                None
            }
        };
        match (standing, &mut planning) {
            (None, _) => {}
            (Some(Standing::Leads(lead)), Some(planning)) if planning.epoch == lead.token().epoch() => {
                planning.look().await;
            }
            // What was planned under an earlier epoch is refused: whoever leads again begins anew.
            (Some(Standing::Leads(lead)), _) => {
                let epoch = lead.token().epoch();
                let mut begun = Planning::new(session.led_by(lead), epoch, &args.spec);
                begun.start().await;
                let (spec, data) = (args.spec.display(), session.data.display());
                outln!("ready: planning from {spec} into {data} as {}, epoch {epoch}", seat.node());
                (planning, told) = (Some(begun), None);
            }
            (Some(Standing::Follows(holder)), _) => {
                if planning.take().is_some() {
                    outln!("deposed: this planner leads no more, and plans nothing");
                }
                if let Some(holder) = holder.filter(|holder| told.as_ref() != Some(holder)) {
                    outln!("ready: standing by, while {} plans", holder.node);
                    told = Some(holder);
                }
            }
        }
        tokio::select! {
            () = stop.asked() => break,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    seat.leave().await;
    errln!("stopped");
    Ok(Code::Done)
}

/// A spec that is watched, and planned from.
struct Planning {
    session: Session,
    /// The epoch that its plans are appended under.
    epoch: Epoch,
    watcher: Watcher,
    voice: Voice,
}

impl Planning {
    fn new(session: Session, epoch: Epoch, spec: &Path) -> Self {
        Self { session, epoch, watcher: Watcher::new(spec), voice: Voice::default() }
    }

    async fn start(&mut self) {
        self.voice.say(&self.session, self.watcher.start(&self.session).await).await;
    }

    async fn look(&mut self) {
        self.voice.say(&self.session, self.watcher.look(&self.session).await).await;
    }
}

/// Answers from the store's newest plans, until it is told to stop. Zones that turn up later are served, too.
pub(crate) async fn enactor(session: Session, serve: &args::Serve) -> Result<Code, Failure> {
    let config = engine_config(serve)?;
    let _lock = lock_target(&session, &config.target)?;
    let zones = session.store.zones().await?;
    let mut engine = Engine::run(session.store.clone(), config, zones).await?;
    let mut stop = Stop::new()?;
    tokio::select! {
        () = settle(&session, &engine) => outln!("{}", ready_line(&engine)),
        () = stop.asked() => {}
    }
    let mut newcomers = Newcomers::default();
    loop {
        tokio::select! {
            () = stop.asked() => break,
            failed = engine.wait() => return failed.map(|()| Code::Done).map_err(Into::into),
            () = tokio::time::sleep(LOOK) => newcomers.serve(&session, &mut engine).await?,
        }
    }
    engine.stop().await?;
    errln!("stopped");
    Ok(Code::Done)
}

/// Zones that turn up in the store while it is served.
#[derive(Default)]
pub(crate) struct Newcomers {
    seen: Option<Revision>,
}

impl Newcomers {
    /// Serves those that are not served yet. A store that is busy or away is asked again at the next look; what is live
    /// stays live.
    pub(crate) async fn serve(&mut self, session: &Session, engine: &mut Engine) -> Result<(), Failure> {
        let Ok(revision) = session.store.revision().await else { return Ok(()) };
        if self.seen == Some(revision) {
            return Ok(());
        }
        let Ok(zones) = session.store.zones().await else { return Ok(()) };
        for zone in zones {
            match engine.serve(&zone).await {
                Ok(()) => {}
                Err(EngineError::Store(_)) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        self.seen = Some(revision);
        Ok(())
    }
}

/// How to serve, and whom to tell of what enactors do.
pub(crate) fn engine_config(serve: &args::Serve) -> Result<EngineConfig, Failure> {
    let mut config = EngineConfig::new(serve.dns);
    if let Some(target) = &serve.target {
        config.target = TargetId::new(target.clone());
    }
    config.enactors = serve.enactors;
    config.config = Config { poll: Duration::from_millis(100), ..Config::default() };
    config.observer = observer();
    config.transfers = serve.transfer.settings()?;
    Ok(config)
}

/// Logs what enactors do.
pub(crate) fn observer() -> ZoneObserver {
    Arc::new(|zone, who, event| match event {
        // A write that another enactor made first is how this is meant to work.
        Event::Lost { .. } | Event::Fenced(_) | Event::Wrote { .. } | Event::Settled(_) => {
            tracing::debug!(%zone, enactor = %who, "{event}");
        }
        Event::TargetAhead { .. }
        | Event::Rewound { .. }
        | Event::Rejected(_)
        | Event::TooManyRejected(_)
        | Event::ProtectedRejected { .. }
        | Event::Quarantined { .. }
        | Event::Guarded { .. }
        | Event::StoreTrouble(_)
        | Event::Failed(_) => {
            tracing::warn!(%zone, enactor = %who, "{event}");
        }
        _ => tracing::info!(%zone, enactor = %who, "{event}"),
    })
}

/// One process at a time serves under one name: its fence record is in the store's file under that name.
pub(crate) fn lock_target(session: &Session, target: &TargetId) -> Result<File, Failure> {
    let name: String =
        target.as_str().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let path = session.data.join(format!("{name}.lock"));
    let cannot = |error: &std::io::Error| Failure::error(format!("cannot lock {}: {error}", path.display()));
    let file = File::create(&path).map_err(|error| cannot(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::error(format!(
            "another process serves as {target} on this store; stop it, or choose another address with --dns or another \
             name with --target"
        ))),
        Err(TryLockError::Error(error)) => Err(cannot(&error)),
    }
}

/// Returns once every zone that has a plan is answered from one; at once where a freeze is in force.
pub(crate) async fn settle(session: &Session, engine: &Engine) {
    loop {
        let is_frozen = session.store.frozen().await.is_ok_and(|freeze| freeze.is_some());
        let mut waiting = false;
        for (zone, live) in engine.live_zones() {
            let head = session.store.head(zone).await.ok().flatten();
            let wanted = head.map_or(Generation::ZERO, |head| head.generation());
            waiting |= live.unwrap_or(Generation::ZERO) < wanted;
        }
        if !waiting || is_frozen {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The one line that says it is ready to answer, where, and for which zones.
pub(crate) fn ready_line(engine: &Engine) -> String {
    let zones: Vec<String> = engine
        .live_zones()
        .map(|(zone, live)| match live {
            Some(generation) => format!("{zone} (generation {generation})"),
            None => format!("{zone} (no plan yet)"),
        })
        .collect();
    let zones = if zones.is_empty() { "no zone yet".to_owned() } else { zones.join(", ") };
    format!("ready: answering on {} (UDP and TCP) for {zones}", engine.local_addr())
}

/// The signals that ask for a graceful stop.
pub(crate) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    pub(crate) fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::error(format!("cannot listen for signals: {error}")))
        };
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Returns when a signal has come.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
