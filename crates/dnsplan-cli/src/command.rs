//! The commands.

mod daemon;
mod freeze;
mod hosted;
mod look;
mod publish;
mod rollback;
mod status;
mod up;

use clap::CommandFactory;

pub(crate) use daemon::Stop;
pub(crate) use hosted::settings;

use crate::args::{Cli, Command, Target};
use crate::failure::{Code, Failure};
use crate::handoff;
use crate::import;
use crate::session::Session;
use crate::simulate;
use crate::spec::Spec;

/// Runs one command.
pub(crate) async fn run(cli: Cli) -> Result<Code, Failure> {
    let common = &cli.common;
    match cli.command {
        Command::Up(args) => up::up(Session::create(common)?, args).await,
        Command::Planner(args) => daemon::planner(Session::create(common)?, args).await,
        Command::Enactor(args) => match &args.target {
            Some(Target::Remote(remote)) => hosted::enact(&Session::create(common)?, remote, &args).await,
            Some(Target::Server(_)) | None => daemon::enactor(Session::create(common)?, &args.serve()).await,
        },
        Command::Plan(args) => match &args.target {
            Some(id) => hosted::change_batches(common, id, &args).await,
            None => publish::plan(common, &args).await,
        },
        Command::Publish(args) => publish::publish(&Session::create(common)?, &args).await,
        Command::Apply(args) => match &args.target {
            Some(remote) => hosted::apply(&Session::create(common)?, remote, &args).await,
            None => publish::apply(&Session::create(common)?, &args).await,
        },
        Command::Status => status::status(&Session::open(common)?).await,
        Command::History(args) => look::history(&Session::open(common)?, &args).await,
        Command::Show(args) => look::show(&Session::open(common)?, &args).await,
        Command::Diff(args) => look::diff(&Session::open(common)?, &args).await,
        Command::Rollback(args) => rollback::rollback(&Session::open(common)?, &args).await,
        Command::Freeze(args) => freeze::freeze(&Session::create(common)?, &args).await,
        Command::Unfreeze => freeze::unfreeze(&Session::open(common)?).await,
        Command::Reap(args) => rollback::reap(&Session::open(common)?, &args).await,
        Command::Validate(args) => {
            let spec = Spec::read(&args.spec)?;
            publish::validate(&spec, common)
        }
        Command::Import(args) => import::import(common, args).await,
        Command::Handoff(args) => handoff::handoff(common, &args).await,
        Command::Steward(args) => handoff::steward_daemon(common, &args).await,
        Command::Simulate(args) => simulate::run(&args, common.format),
        Command::Completions(args) => {
            // clap_complete panics where its writer fails.
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "dnsplan", &mut script);
            out!("{}", String::from_utf8_lossy(&script));
            Ok(Code::Done)
        }
    }
}
