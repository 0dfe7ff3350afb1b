//! What can be said about a zone that is served elsewhere: a hosted zone of Route 53, or one at a name server; and what does not go
//! together with it.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, ValueEnum};
use dnsplan::enactor::Layout;
use dnsplan::plan::TargetId;
use dnsplan::route53::{Pace, Rate};

use super::primary::{self, AtPrimary, Primary};
use super::{Apply, Cli, Command, Enactor};

/// Under which the help has what is about hosted zones.
const HEADING: &str = "Hosted zones of Route 53";

/// Under which it has what is about both kinds of zones elsewhere.
const ELSEWHERE: &str = "Zones that are served elsewhere";

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

/// A zone that is served elsewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Remote {
    /// A hosted zone of Route 53.
    Route53(ZoneId),
    /// At a name server that takes updates.
    Rfc2136(Primary),
}

impl Remote {
    fn parse(text: &str) -> Option<Result<Self, String>> {
        if let Some(id) = text.strip_prefix(PREFIX) {
            return Some(id.parse().map(Self::Route53));
        }
        let address = text.strip_prefix(primary::PREFIX)?;
        Some(address.parse().map(Self::Rfc2136))
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Route53(id) => write!(f, "{PREFIX}{id}"),
            Self::Rfc2136(primary) => write!(f, "{}{primary}", primary::PREFIX),
        }
    }
}

impl FromStr for Remote {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let other = || {
            let primary = primary::PREFIX;
            Err(format!(
                "name a hosted zone of Route 53 ({PREFIX}ZONEID) or a name server ({primary}ADDR:PORT)"
            ))
        };
        Self::parse(text).unwrap_or_else(other)
    }
}

/// What an enactor works on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    /// A DNS server in this process, under a name of its own.
    Server(String),
    /// A zone that is served elsewhere.
    Remote(Remote),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Remote::parse(text) {
            Some(remote) => remote.map(Self::Remote),
            None if text.is_empty() => Err("give it a name, or leave it out".to_owned()),
            None => Ok(Self::Server(text.to_owned())),
        }
    }
}

/// The name of a server; not one of a zone elsewhere.
pub(super) fn server(text: &str) -> Result<String, String> {
    match text.parse()? {
        Target::Server(name) => Ok(name),
        Target::Remote(remote) => {
            Err(format!("this command answers DNS itself; run `dnsplan enactor --target {remote}` beside it"))
        }
    }
}

/// A hosted zone; nothing else.
pub(super) fn hosted_zone(text: &str) -> Result<ZoneId, String> {
    match text.parse()? {
        Target::Remote(Remote::Route53(id)) => Ok(id),
        Target::Remote(Remote::Rfc2136(_)) | Target::Server(_) => {
            Err(format!("name a hosted zone of Route 53: {PREFIX}ZONEID"))
        }
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
    /// How many calls to make a second; five times as many at once [default: 5]
    #[arg(long, value_name = "N", value_parser = rate, requires = "target", help_heading = HEADING)]
    pub(crate) requests_per_second: Option<NonZeroU32>,
    /// How many records to change a second; five times as many at once [default: 200]
    #[arg(long, value_name = "N", value_parser = rate, requires = "target", help_heading = HEADING)]
    pub(crate) changes_per_second: Option<NonZeroU32>,
}

impl Hosted {
    pub(crate) fn pace(&self) -> Pace {
        let usual = Pace::default();
        Pace {
            requests: self.requests_per_second.map_or(usual.requests, Rate::steady),
            changes: self.changes_per_second.map_or(usual.changes, Rate::steady),
        }
    }

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

/// How an enactor paces itself at a zone that is served elsewhere.
#[derive(Debug, Args)]
pub(crate) struct HostedPace {
    /// How often to look for a newer plan, in seconds [default: 5 at Route 53, 1 at a name server]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, requires = "target", help_heading = ELSEWHERE)]
    pub(crate) poll: Option<Duration>,
    /// How often to look at all of it and restore what others changed, in seconds [default: 3600]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, requires = "target", help_heading = ELSEWHERE)]
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

fn rate(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| "write a number from 1 up; Route 53 says which an account has".to_owned())
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
        let (name, message) = match &self.command {
            Command::Enactor(enactor) => ("enactor", enactor.conflict()),
            Command::Apply(apply) => ("apply", apply.conflict()),
            Command::Simulate(simulate) => ("simulate", simulate.conflict()),
            _ => return Ok(self),
        };
        let Some(message) = message else { return Ok(self) };
        let mut command = Self::command();
        command.build();
        let command = command.find_subcommand_mut(name).expect("invariant: there is such a command");
        Err(command.error(ErrorKind::ArgumentConflict, message))
    }
}

/// An option, and whether it was given.
type Given = (&'static str, bool);

fn given(options: &[Given]) -> Option<&'static str> {
    options.iter().find(|option| option.1).map(|option| option.0)
}

impl Hosted {
    const fn given(&self) -> [Given; 4] {
        [
            ("--layout", self.layout.is_some()),
            ("--endpoint-url", self.endpoint_url.is_some()),
            ("--requests-per-second", self.requests_per_second.is_some()),
            ("--changes-per-second", self.changes_per_second.is_some()),
        ]
    }
}

impl AtPrimary {
    const fn given(&self) -> [Given; 2] {
        [("--key-file", self.signing.key_file.is_some()), ("--weights", self.weights.is_some())]
    }
}

/// What is said of a kind of target that this one is not of.
fn misplaced(remote: Option<&Remote>, of_route53: &[Given], of_primary: &[Given]) -> Option<String> {
    let route53 = given(of_route53).filter(|_| !matches!(remote, Some(Remote::Route53(_)))).map(|option| {
        format!("{option} is for a hosted zone of Route 53: name it with --target {PREFIX}ZONEID")
    });
    let primary = given(of_primary).filter(|_| !matches!(remote, Some(Remote::Rfc2136(_)))).map(|option| {
        format!(
            "{option} is for a zone at a name server: name that with --target {}ADDR:PORT",
            primary::PREFIX
        )
    });
    route53.or(primary)
}

impl Apply {
    fn conflict(&self) -> Option<String> {
        misplaced(self.target.as_ref(), &self.hosted.given(), &self.primary.given())
    }
}

impl Enactor {
    fn conflict(&self) -> Option<String> {
        let remote = match &self.target {
            Some(Target::Remote(remote)) => Some(remote),
            Some(Target::Server(_)) | None => None,
        };
        let pace = &self.pace;
        let of_server = [("--dns", self.dns.is_some()), ("--enactors", self.enactors.is_some())];
        let of_server = [&of_server[..], &self.transfer.given()].concat();
        let of_remote = [("--poll", pace.poll.is_some()), ("--audit-every", pace.audit_every.is_some())];
        let [layout, url, requests, changes] = self.hosted.given();
        let of_route53 = [layout, url, requests, changes, ("--takeover", pace.takeover.is_some())];
        let here = || {
            given(&of_server).filter(|_| remote.is_some()).map(|option| {
            format!("{option} is for a DNS server in this process, and --target names a zone that is served elsewhere: leave one out")
        })
        };
        let elsewhere = || {
            given(&of_remote).filter(|_| remote.is_none()).map(|option| {
            let primary = primary::PREFIX;
            format!("{option} is for a zone that is served elsewhere: name it with --target {PREFIX}ZONEID or --target {primary}ADDR:PORT")
        })
        };
        here().or_else(|| misplaced(remote, &of_route53, &self.primary.given())).or_else(elsewhere)
    }
}
