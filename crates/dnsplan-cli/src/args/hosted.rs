//! What can be said about a hosted zone of Route 53, and what does not go together with it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, ValueEnum};
use dnsplan::enactor::Layout;
use dnsplan::plan::TargetId;

use super::{Cli, Command};

/// Under which the help has what is about hosted zones.
const HEADING: &str = "Hosted zones of Route 53";

/// What every name of a hosted zone begins with.
const PREFIX: &str = "route53:";

/// The id of a hosted zone, such as `Z0123456789ABCDEFGHIJ`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ZoneId(String);

impl ZoneId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Its name in the store.
    pub(crate) fn target(&self) -> TargetId {
        TargetId::new(format!("{PREFIX}{self}"))
    }
}

impl fmt::Display for ZoneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ZoneId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let id = text.trim_start_matches('/').trim_start_matches("hostedzone/");
        if (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(Self(id.to_owned()));
        }
        Err("a hosted zone's id is up to 32 letters and digits; `aws route53 list-hosted-zones` shows it"
            .to_owned())
    }
}

/// What an enactor works on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    /// A DNS server in this process, under a name of its own.
    Server(String),
    /// A hosted zone of Route 53.
    Route53(ZoneId),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix(PREFIX) {
            Some(id) => id.parse().map(Self::Route53),
            None if text.is_empty() => Err("give it a name, or leave it out".to_owned()),
            None => Ok(Self::Server(text.to_owned())),
        }
    }
}

/// The name of a server; not one of a hosted zone.
pub(super) fn server(text: &str) -> Result<String, String> {
    match text.parse()? {
        Target::Server(name) => Ok(name),
        Target::Route53(id) => Err(format!(
            "this command answers DNS itself; run `dnsplan enactor --target {PREFIX}{id}` beside it"
        )),
    }
}

/// A hosted zone; not a server.
pub(super) fn hosted_zone(text: &str) -> Result<ZoneId, String> {
    match text.parse()? {
        Target::Route53(id) => Ok(id),
        Target::Server(_) => Err(format!("name a hosted zone of Route 53: {PREFIX}ZONEID")),
    }
}

/// How to work on a hosted zone.
#[derive(Clone, Debug, Args)]
pub(crate) struct Hosted {
    /// How plans are put into the hosted zone [default: in-place]
    #[arg(long, value_enum, value_name = "LAYOUT", requires = "target", help_heading = HEADING)]
    pub(crate) layout: Option<HostedLayout>,
    /// Another server in place of Route 53, such as one for tests
    #[arg(long, value_name = "URL", value_parser = url, requires = "target", help_heading = HEADING)]
    pub(crate) endpoint_url: Option<String>,
}

impl Hosted {
    pub(crate) fn layout(&self) -> Layout {
        match self.layout {
            Some(HostedLayout::Tree) => Layout::Tree,
            Some(HostedLayout::InPlace) | None => Layout::InPlace,
        }
    }

    /// The same in the words of the command line.
    pub(crate) const fn layout_text(&self) -> &'static str {
        match self.layout {
            Some(HostedLayout::Tree) => "tree",
            Some(HostedLayout::InPlace) | None => "in place",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HostedLayout {
    /// RRsets at their own names; a plan that takes several change batches is put in place name by name
    InPlace,
    /// Every plan complete below `_dnsplan`, before aliases are pointed at it
    Tree,
}

/// How an enactor paces itself at a hosted zone.
#[derive(Debug, Args)]
pub(crate) struct HostedPace {
    /// How often to look for a newer plan, in seconds [default: 5]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, requires = "target", help_heading = HEADING)]
    pub(crate) poll: Option<Duration>,
    /// How often to list it whole and restore what others changed, in seconds [default: 3600]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, requires = "target", help_heading = HEADING)]
    pub(crate) audit_every: Option<Duration>,
    /// When to begin anew what another enactor left half-done, in seconds [default: 180]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, requires = "target", help_heading = HEADING)]
    pub(crate) takeover: Option<Duration>,
}

/// The address of a server.
pub(super) fn url(text: &str) -> Result<String, String> {
    let has_host = ["http://", "https://"]
        .iter()
        .any(|scheme| text.strip_prefix(scheme).is_some_and(|host| !host.is_empty()));
    if has_host { Ok(text.to_owned()) } else { Err("write http:// or https:// and a host".to_owned()) }
}

/// Ten milliseconds to a month, in seconds, with or without a fraction.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.01..=2_592_000.0).contains(seconds));
    seconds
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "write a number of seconds from 0.01 to 2592000".to_owned())
}

impl Cli {
    /// What does not go together, where that hangs on what the target is.
    pub(crate) fn check(self) -> Result<Self, clap::Error> {
        let Command::Enactor(enactor) = &self.command else { return Ok(self) };
        let (pace, hosted) = (&enactor.pace, &enactor.hosted);
        let of_server = [("--dns", enactor.dns.is_some()), ("--enactors", enactor.enactors.is_some())];
        let of_hosted = [
            ("--layout", hosted.layout.is_some()),
            ("--endpoint-url", hosted.endpoint_url.is_some()),
            ("--poll", pace.poll.is_some()),
            ("--audit-every", pace.audit_every.is_some()),
            ("--takeover", pace.takeover.is_some()),
        ];
        let given =
            |options: &[(&'static str, bool)]| options.iter().find(|option| option.1).map(|option| option.0);
        let message = match &enactor.target {
            Some(Target::Route53(_)) => given(&of_server).map(|option| {
                format!("{option} is for a DNS server in this process, and --target names a hosted zone of Route 53: leave one out")
            }),
            _ => given(&of_hosted).map(|option| {
                format!("{option} is for a hosted zone of Route 53: name it with --target {PREFIX}ZONEID")
            }),
        };
        match message {
            None => Ok(self),
            Some(message) => {
                let mut command = Self::command();
                command.build();
                let enactor =
                    command.find_subcommand_mut("enactor").expect("invariant: there is such a command");
                Err(enactor.error(ErrorKind::ArgumentConflict, message))
            }
        }
    }
}
