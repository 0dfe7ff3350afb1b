//! `up`: planner, enactors and DNS server in one process.

use std::time::Duration;

use dnsplan::Engine;
use dnsplan::plan::PlanStore;

use crate::args;
use crate::command::daemon::{Newcomers, Stop, engine_config, lock_target, ready_line, settle};
use crate::command::publish::tell;
use crate::failure::{Code, Failure};
use crate::session::Session;
use crate::spec::{News, Watcher};

/// How often the spec is looked at. A change counts once it was seen twice.
const LOOK: Duration = Duration::from_millis(100);
/// How many plans a zone keeps.
const KEEP: usize = 1000;
/// After how many looks old plans are forgotten: about once an hour.
const REAP_EVERY: u32 = 36_000;

pub(crate) async fn up(session: Session, args: args::Up) -> Result<Code, Failure> {
    let config = engine_config(&args.serve)?;
    let _lock = lock_target(&session, &config.target)?;
    let mut watcher = Watcher::new(&args.spec);
    let (mut voice, mut stop) = (Voice::default(), Stop::new()?);
    // Listening comes first: a start that fails has planned nothing. What is in the store is served whatever the spec says.
    let stored = session.store.zones().await?;
    let mut engine = Engine::run(session.store.clone(), config, stored).await?;
    voice.say(&session, watcher.start(&session).await).await;
    if session.store.zones().await?.is_empty() {
        engine.stop().await?;
        let code = voice.told.last().map_or(Code::Error, |failure| failure.code);
        let message = "there is nothing to serve: the store has no plan, and the spec made none";
        return Err(Failure::new(code, message));
    }
    let mut newcomers = Newcomers::default();
    newcomers.serve(&session, &mut engine).await?;
    tokio::select! {
        () = settle(&session, &engine) => outln!("{}", ready_line(&engine)),
        () = stop.asked() => return finish(engine).await,
    }
    let mut looks = 0;
    loop {
        tokio::select! {
            () = stop.asked() => return finish(engine).await,
            failed = engine.wait() => return failed.map(|()| Code::Done).map_err(Into::into),
            () = tokio::time::sleep(LOOK) => {}
        }
        voice.say(&session, watcher.look(&session).await).await;
        newcomers.serve(&session, &mut engine).await?;
        looks += 1;
        if looks % REAP_EVERY == 0
            && let Err(failure) = tidy(&session, &engine).await
        {
            tracing::warn!("old plans were not forgotten: {failure}");
        }
    }
}

async fn tidy(session: &Session, engine: &Engine) -> Result<(), Failure> {
    if session.store.frozen().await?.is_none() {
        engine.prune(KEEP).await?;
    }
    Ok(())
}

async fn finish(engine: Engine) -> Result<Code, Failure> {
    engine.stop().await?;
    errln!("stopped");
    Ok(Code::Done)
}

/// Says what is new, and the same trouble only once for each edit.
#[derive(Default)]
pub(crate) struct Voice {
    told: Vec<Failure>,
}

impl Voice {
    pub(crate) async fn say(&mut self, session: &Session, news: Vec<News>) {
        let is_mended = matches!(&news[..], [News::Edited]) && !self.told.is_empty();
        for item in news {
            match item {
                News::Edited => self.told.clear(),
                News::Planned(published) => {
                    // What is said reads the store again; that it cannot be read now takes nothing back.
                    if let Err(failure) = tell(session, &published).await {
                        tracing::warn!("generation {} is planned; {failure}", published.plan.generation());
                    }
                }
                News::Trouble(failure) => self.complain(failure),
            }
        }
        if is_mended {
            outln!("nothing to do: what the spec asks for was planned before.");
        }
    }

    fn complain(&mut self, failure: Failure) {
        if !self.told.contains(&failure) {
            errln!("{}: {failure}", crate::render::styled(crate::render::RED, "error"));
            errln!("  the old answers stay");
            self.told.push(failure);
        }
    }
}
