//! The file that says what is handed over: a role, its register, its servers, its endpoint.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dnsplan::leadership::postgres::Conninfo;
use dnsplan::leadership::postgres::servers::Limits;
use dnsplan::leadership::{Node, Scope};
use dnsplan::plan::OwnerName;
use serde::Deserialize;
use toml::Spanned;

use crate::failure::Failure;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    role: Spanned<String>,
    register: RawRegister,
    #[serde(default)]
    tables: Vec<String>,
    node: Vec<RawNode>,
    endpoint: RawEndpoint,
    #[serde(default)]
    limits: RawLimits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRegister {
    #[serde(default)]
    postgres: Option<Spanned<String>>,
    #[serde(default)]
    store: Option<Spanned<bool>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNode {
    name: Spanned<String>,
    postgres: Spanned<String>,
    address: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEndpoint {
    name: Spanned<String>,
    spec: PathBuf,
    #[serde(default)]
    server: Option<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawLimits {
    lag_bytes: Option<u64>,
    catch_up_seconds: Option<u64>,
    abandoned_seconds: Option<u64>,
    answer_seconds: Option<u64>,
}

/// Where the record is.
pub(crate) enum Place {
    /// In a PostgreSQL database of its own.
    Postgres(Conninfo),
    /// In the plan store.
    Store,
}

/// A server.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) node: Node,
    /// How whoever hands over reaches it.
    pub(crate) postgres: Conninfo,
    /// Where clients reach it: what the endpoint's name answers while it leads.
    pub(crate) address: IpAddr,
}

/// A role that moves between servers, and how clients find its writer.
pub(crate) struct File {
    pub(crate) role: Scope,
    pub(crate) place: Place,
    pub(crate) tables: Vec<String>,
    pub(crate) nodes: Vec<Entry>,
    pub(crate) name: OwnerName,
    /// The spec of the endpoint's zone, with `{writer}` where the address goes; relative to the file.
    pub(crate) spec: PathBuf,
    /// Who is asked for the name; otherwise as this machine resolves names.
    pub(crate) server: Option<SocketAddr>,
    pub(crate) limits: Limits,
}

/// The text of a file, for messages that name a line of it.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn wrong(&self, at: Option<Range<usize>>, what: impl std::fmt::Display) -> Failure {
        let path = self.path.display();
        let line = at.map_or(0, |at| self.text[..at.start.min(self.text.len())].matches('\n').count() + 1);
        let place = if line == 0 { String::new() } else { format!(":{line}") };
        Failure::error(format!("{path}{place}: {what}"))
    }

    fn read<T, E: std::fmt::Display>(
        &self,
        value: &Spanned<String>,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Failure> {
        read(value.get_ref())
            .map_err(|error| self.wrong(Some(value.span()), format!("{:?}: {error}", value.get_ref())))
    }
}

impl File {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::unreadable(path, &error))?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let source = Source { path, text };
        let raw: Raw = toml::from_str(text).map_err(|error| {
            source.wrong(error.span(), format!("{}; docs/handoff.md lists what there is", error.message()))
        })?;
        let role = source.read(&raw.role, Scope::new)?;
        if role.as_str() == "planner" {
            return Err(source
                .wrong(Some(raw.role.span()), "the role `planner` is the planners'; choose another name"));
        }
        let place = place(&source, &raw.register)?;
        let nodes = nodes(&source, &raw.node)?;
        let name = source.read(&raw.endpoint.name, |name| name.parse::<OwnerName>())?;
        let socket = |text: &str| {
            crate::args::name_server(text).ok_or("write an address, with its port where that is not 53")
        };
        let server = raw.endpoint.server.as_ref().map(|server| source.read(server, socket)).transpose()?;
        let spec = path.parent().unwrap_or_else(|| Path::new("")).join(&raw.endpoint.spec);
        let limits = limits(&raw.limits);
        if limits.catch_up <= limits.abandoned {
            let what = "`catch_up_seconds` has to be above `abandoned_seconds`: whoever finishes a hand-off that was left needs time";
            return Err(source.wrong(None, what));
        }
        Ok(Self { role, place, tables: raw.tables, nodes, name, spec, server, limits })
    }

    /// One of the nodes.
    pub(crate) fn entry(&self, node: &Node) -> Result<&Entry, Failure> {
        self.nodes.iter().find(|entry| entry.node == *node).ok_or_else(|| {
            let names: Vec<String> = self.nodes.iter().map(|entry| entry.node.to_string()).collect();
            Failure::error(format!("there is no node {node}; the file has {}", names.join(", ")))
        })
    }
}

fn place(source: &Source<'_>, raw: &RawRegister) -> Result<Place, Failure> {
    match (&raw.postgres, &raw.store) {
        (Some(postgres), None) => source.read(postgres, str::parse).map(Place::Postgres),
        (None, Some(store)) if *store.get_ref() => Ok(Place::Store),
        (None, Some(store)) => {
            Err(source.wrong(Some(store.span()), "write `store = true`, or `postgres = \"...\"`"))
        }
        (Some(postgres), Some(_)) => {
            Err(source.wrong(Some(postgres.span()), "there is one register: `postgres` or `store`, not both"))
        }
        (None, None) => Err(source.wrong(
            None,
            "[register] needs `postgres = \"host=...\"` (no server of the role's own), or `store = true`",
        )),
    }
}

fn nodes(source: &Source<'_>, raw: &[RawNode]) -> Result<Vec<Entry>, Failure> {
    let (mut names, mut addresses, mut nodes) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for one in raw {
        let node = source.read(&one.name, Node::new)?;
        let address = source.read(&one.address, str::parse::<IpAddr>)?;
        if !names.insert(node.clone()) {
            return Err(source.wrong(Some(one.name.span()), format!("there are two nodes {node}")));
        }
        if !addresses.insert(address) {
            return Err(
                source.wrong(Some(one.address.span()), format!("two nodes have the address {address}"))
            );
        }
        nodes.push(Entry { node, postgres: source.read(&one.postgres, str::parse)?, address });
    }
    if nodes.len() < 2 {
        return Err(source.wrong(None, "a role is handed over between two [[node]]s at least"));
    }
    Ok(nodes)
}

fn limits(raw: &RawLimits) -> Limits {
    let usual = Limits::default();
    let seconds = |given: Option<u64>, usual| given.map_or(usual, Duration::from_secs);
    Limits {
        lag: raw.lag_bytes.unwrap_or(usual.lag),
        catch_up: seconds(raw.catch_up_seconds, usual.catch_up),
        abandoned: seconds(raw.abandoned_seconds, usual.abandoned),
        answer: seconds(raw.answer_seconds, usual.answer),
    }
}
