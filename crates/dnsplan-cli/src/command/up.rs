//! `up`: planner, enactors and DNS server in one process.

use std::collections::BTreeSet;
use std::time::Duration;

use dnsplan::Engine;
use dnsplan::plan::{OwnerName, PlanStore};

use crate::args;
use crate::command::daemon::{Stop, engine_config, lock_target, ready_line, settle};
use crate::command::publish::tell;
use crate::failure::{Code, Failure};
use crate::session::Session;
use crate::spec::{News, Watcher};

/// How often the spec is looked at. A change counts once it was seen twice.
const LOOK: Duration = Duration::from_millis(200);
/// How many plans a zone keeps.
const KEEP: usize = 1000;
/// After how many looks old plans are forgotten: about once an hour.
const REAP_EVERY: u32 = 18_000;

pub(crate) async fn up(session: Session, args: args::Up) -> Result<Code, Failure> {
    let config = engine_config(&args.serve);
    let _lock = lock_target(&session, &config.target)?;
    let mut watcher = Watcher::new(&args.spec);
    let mut voice = Voice::default();
    voice.say(&session, watcher.start(&session).await).await?;
    // What is in the store is served whatever the spec says; without either there is nothing to do.
    let mut zones: BTreeSet<OwnerName> = session.store.zones().await?.into_iter().collect();
    if let Some(spec) = watcher.spec() {
        zones.extend(spec.intent.zones().map(|zone| zone.origin().clone()));
    }
    if session.store.zones().await?.is_empty() {
        return Err(voice.last.unwrap_or_else(|| Failure::error("there is nothing to serve yet")));
    }
    let mut engine = Engine::run(session.store.clone(), config, zones).await?;
    let mut stop = Stop::new()?;
    tokio::select! {
        () = settle(&session, &engine) => anstream::println!("{}", ready_line(&engine)),
        () = stop.asked() => return finish(engine).await,
    }
    let mut looks = 0;
    loop {
        tokio::select! {
            () = stop.asked() => return finish(engine).await,
            failed = engine.wait() => return failed.map(|()| Code::Done).map_err(Into::into),
            () = tokio::time::sleep(LOOK) => {}
        }
        let news = watcher.look(&session).await;
        for (zone, _) in news.iter().filter_map(News::planned) {
            engine.serve(zone).await?;
        }
        voice.say(&session, news).await?;
        looks += 1;
        if looks % REAP_EVERY == 0 && session.store.frozen().await?.is_none() {
            engine.prune(KEEP).await?;
        }
    }
}

async fn finish(engine: Engine) -> Result<Code, Failure> {
    engine.stop().await?;
    anstream::eprintln!("stopped");
    Ok(Code::Done)
}

/// Says what is new, and the same trouble only once.
#[derive(Default)]
pub(crate) struct Voice {
    last: Option<Failure>,
}

impl Voice {
    pub(crate) async fn say(&mut self, session: &Session, news: Vec<News>) -> Result<(), Failure> {
        for item in news {
            match item {
                News::Planned(_, published) => {
                    self.last = None;
                    tell(session, &published).await?;
                }
                News::Trouble(failure) => {
                    if self.last.as_ref() != Some(&failure) {
                        anstream::eprintln!(
                            "{}: {failure}",
                            crate::render::styled(crate::render::RED, "error")
                        );
                        anstream::eprintln!("  the old answers stay");
                    }
                    self.last = Some(failure);
                }
            }
        }
        Ok(())
    }
}
