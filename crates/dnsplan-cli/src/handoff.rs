//! `handoff` and `steward`: a writer role is handed over between PostgreSQL servers, and its endpoint follows it as a plan.

mod endpoint;
mod file;
mod install;
mod metrics;
mod register;
mod run;
mod show;
mod step;
mod watch;

use dnsplan::RandomNonces;
use dnsplan::enactor::Nonces;
use dnsplan::fence::{Actor, Nonce};
use dnsplan::leadership::postgres::PostgresRegister;
use dnsplan::leadership::postgres::servers::{Member, Servers, Steward, Stopped};

use crate::args;
use crate::failure::{Code, Failure};
use crate::session::Session;
use endpoint::Writer;
use file::{File, Place};
use register::{AnyRegister, RegisterError};

/// The steward of the command line.
type Stewarding = Steward<AnyRegister, Writer, fn() -> Nonce>;

/// What ends a tick of it early.
type Ended = Stopped<RegisterError, Failure>;

/// Does what was asked for.
pub(crate) async fn handoff(common: &args::Common, args: &args::Handoff) -> Result<Code, Failure> {
    let file = File::read(&args.file)?;
    if args.deed.install {
        return install::install(common, &file).await;
    }
    if let Some(to) = &args.deed.to {
        file.entry(to)?;
    }
    let session = Session::create(common)?;
    let mut steward = steward(&session, &file)?;
    match &args.deed.to {
        Some(to) => run::to(&session, &mut steward, to, args).await,
        None if args.deed.resume => run::resume(&session, &mut steward, args).await,
        None => show::show(&session, &steward).await,
    }
}

/// Finishes what others leave, and says when something is wrong, until it is told to stop.
pub(crate) async fn steward_daemon(common: &args::Common, args: &args::Steward) -> Result<Code, Failure> {
    let file = File::read(&args.file)?;
    let session = Session::create(common)?;
    let stewards = [steward(&session, &file)?, steward(&session, &file)?];
    watch::watch(&session, stewards, &file, args).await
}

fn steward(session: &Session, file: &File) -> Result<Stewarding, Failure> {
    let members =
        file.nodes.iter().map(|entry| Member::new(entry.node.clone(), entry.postgres.pool())).collect();
    let register = match &file.place {
        Place::Postgres(postgres) => {
            AnyRegister::Postgres(PostgresRegister::new(postgres.pool(), file.role.clone()))
        }
        Place::Store => AnyRegister::Store(session.store.role(file.role.clone())),
    };
    let endpoint = Writer::new(file, session.store.clone(), session.author.clone())?;
    let servers = Servers::new(file.role.clone(), members);
    let by = Actor::new(&format!("pid-{}", std::process::id())).expect("invariant: it is a name");
    Ok(Steward::new(register, servers, endpoint, by, file.limits, || RandomNonces.next()))
}

/// What keeps a steward from going on, for people.
fn trouble(ended: &Ended) -> Failure {
    match ended {
        Stopped::Endpoint(failure) => failure.clone(),
        other => Failure { may_pass: true, ..Failure::error(other.to_string()) },
    }
}
