//! `dnsplan`: plan, publish, enact, operate and simulate fenced DNS plans. See `dnsplan --help` and docs/cli.md.

#[macro_use]
mod output;

mod args;
mod command;
mod failure;
mod handoff;
mod import;
mod preview;
mod render;
mod seat;
mod session;
mod simulate;
mod spec;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::args::{Cli, Colour, Format};
use crate::failure::Code;

fn main() -> ExitCode {
    let cli = match Cli::try_parse().and_then(Cli::check) {
        Ok(cli) => cli,
        Err(error) => {
            // Where even that cannot be printed, the exit code still says it.
            output::note(error.print());
            return output::finish(if error.use_stderr() { Code::Usage } else { Code::Done }).into();
        }
    };
    colours(cli.common.color);
    logs();
    let is_json = cli.common.format == Format::Json;
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            errln!("error: cannot start: {error}");
            return Code::Error.into();
        }
    };
    let code = match runtime.block_on(command::run(cli)) {
        Ok(code) => code,
        Err(failure) => {
            if is_json {
                let error = serde_json::json!({ "error": failure.message, "exit_code": failure.code as u8 });
                outln!("{error}");
            }
            errln!("{}error{}: {}", render::RED.render(), render::RED.render_reset(), failure.message);
            failure.code
        }
    };
    output::finish(code).into()
}

fn colours(colour: Colour) {
    match colour {
        Colour::Auto => {}
        Colour::Always => anstream::ColorChoice::Always.write_global(),
        Colour::Never => anstream::ColorChoice::Never.write_global(),
    }
}

/// Logs go to standard error; `RUST_LOG` filters them as usual.
fn logs() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,hickory_server=warn,hickory_net=warn,aws_config=error"));
    let colours = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .with_target(false)
        // A log that cannot be written would be told on standard error by a macro that panics where that is the same full disk.
        .log_internal_errors(false)
        .init();
}
