//! The endpoint of a role: a name in a zone of its own, whose plans have the epochs as generations.
//!
//! 1. The plan of generation g says where the writer of epoch g is. Enactors put it in place under the fence, so that what an
//!    earlier epoch published cannot take its place, however late it comes.
//! 2. An epoch that nobody published leaves no gap: its generation leads to the same holder as the one that follows.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dnsplan::enactor::{Clock, Nonces};
use dnsplan::fence::{Generation, ParentGeneration};
use dnsplan::leadership::postgres::servers::{Endpoint, Look, Member};
use dnsplan::leadership::{Epoch, Holder, Node, Scope};
use dnsplan::plan::{AppendError, OwnerName, PlanStore};
use dnsplan::planner::{Context, Health, Intent, ZoneIntent, plan as make_plan};
use dnsplan::store::EmbeddedStore;
use dnsplan::{RandomNonces, SystemClock};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;

use crate::failure::Failure;
use crate::handoff::file::{Entry, File};

/// How long a name server may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// The endpoint's name, and what is needed to move it.
pub(crate) struct Writer {
    role: Scope,
    name: OwnerName,
    zone: OwnerName,
    path: PathBuf,
    /// The spec, with `{writer}` where the address goes.
    spec: String,
    entries: BTreeMap<Node, (Entry, Member)>,
    store: Arc<EmbeddedStore>,
    author: String,
    resolver: TokioResolver,
}

impl Writer {
    pub(crate) fn new(file: &File, store: Arc<EmbeddedStore>, author: String) -> Result<Self, Failure> {
        let spec =
            std::fs::read_to_string(&file.spec).map_err(|error| Failure::unreadable(&file.spec, &error))?;
        if !spec.contains("{writer}") {
            return Err(Failure::error(format!(
                "{}: nothing in it says where the writer is; write `data = \"{{writer}}\"` for {}",
                file.spec.display(),
                file.name
            )));
        }
        let at = |entry: &Entry| Member::new(entry.node.clone(), entry.postgres.at(entry.address).pool());
        let entries =
            file.nodes.iter().map(|entry| (entry.node.clone(), (entry.clone(), at(entry)))).collect();
        let mut writer = Self {
            role: file.role.clone(),
            name: file.name.clone(),
            zone: file.name.clone(),
            path: file.spec.clone(),
            spec,
            entries,
            store,
            author,
            resolver: resolver(file.server)?,
        };
        // Whoever leads, the spec has to be sound: that is found out before anything begins.
        for node in file.nodes.iter().map(|entry| &entry.node) {
            writer.zone = writer.intent(1, node)?.origin().clone();
        }
        Ok(writer)
    }

    /// The name that clients connect by.
    pub(crate) const fn name(&self) -> &OwnerName {
        &self.name
    }

    /// The zone whose generations are the epochs.
    pub(crate) const fn zone(&self) -> &OwnerName {
        &self.zone
    }

    /// What the zone holds while a node leads under an epoch. The epoch is in it, so that no two are alike.
    fn intent(&self, epoch: u64, node: &Node) -> Result<ZoneIntent, Failure> {
        let (entry, _) = self.entries.get(node).ok_or_else(|| {
            Failure::error(format!(
                "{node} leads, and is none of the nodes of the file; list it with the others"
            ))
        })?;
        let text = self.spec.replace("{writer}", &entry.address.to_string());
        let epoch = format!(
            "\n[[record]]\nname = \"_epoch.{}\"\ntype = \"TXT\"\ndata = \"role={} epoch={epoch} holder={node}\"\n",
            self.name, self.role
        );
        let path = self.path.display().to_string();
        let intent = Intent::parse(&(text + &epoch)).map_err(|errors| {
            Failure::error(format!("{path} is not valid, nothing was changed:\n{}", errors.render(&path)))
        })?;
        let mut zones = intent.zones();
        match (zones.next(), zones.next()) {
            (Some(zone), None) => Ok(zone.clone()),
            _ => Err(Failure::error(format!(
                "{path}: the endpoint has a zone of its own; leave the others to another file"
            ))),
        }
    }

    /// Appends the plans that are missing up to the epoch's.
    async fn append(&self, epoch: u64, node: &Node) -> Result<(), Failure> {
        loop {
            let head = self.store.head(&self.zone).await?;
            let generation = head.as_ref().map_or(Generation::ZERO, |head| head.generation());
            if generation.get() >= epoch {
                return Ok(());
            }
            let reason = format!("{} leads {} under epoch {epoch}", node, self.role);
            let context = Context::new(self.author.clone(), SystemClock.now(), reason);
            let intent = self.intent(generation.get() + 1, node)?;
            let planned = make_plan(&intent, &Health::from_spec(), head.as_deref(), &context)?;
            let parent = head.as_ref().map_or(ParentGeneration::NONE, ParentGeneration::of);
            match dnsplan::append(&*self.store, parent, planned.proposal, RandomNonces.next()).await {
                // Somebody else was first: look again at what is missing.
                Ok(_) | Err(AppendError::Stale { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Endpoint for Writer {
    type Error = Failure;

    async fn look(&self, node: &Node) -> Result<Option<Look>, Failure> {
        let Some((entry, member)) = self.entries.get(node) else { return Ok(None) };
        let look = member.look(&self.role).await;
        let at = |error| Failure::error(format!("{} at {}: {error}", entry.node, entry.address));
        look.map(Some).map_err(at)
    }

    async fn published(&self) -> Result<u64, Failure> {
        Ok(self.store.head(&self.zone).await?.map_or(0, |head| head.generation().get()))
    }

    async fn publish(&self, epoch: Epoch, holder: &Holder) -> Result<(), Failure> {
        self.append(epoch.get(), &holder.node).await
    }

    async fn resolved(&self) -> Result<Option<Node>, Failure> {
        // Whatever keeps the name from being answered, it leads nowhere.
        let Ok(found) = self.resolver.lookup_ip(self.name.to_string()).await else { return Ok(None) };
        let Some(address) = found.iter().next() else { return Ok(None) };
        Ok(self
            .entries
            .values()
            .find(|(entry, _)| entry.address == address)
            .map(|(entry, _)| entry.node.clone()))
    }
}

/// Asks one server, or whomever this machine asks; nothing is remembered.
fn resolver(server: Option<SocketAddr>) -> Result<TokioResolver, Failure> {
    let cannot = |error| {
        Failure::error(format!("cannot resolve names: {error}; name a server with `server` in [endpoint]"))
    };
    let mut builder = match server {
        None => TokioResolver::builder_tokio().map_err(cannot)?,
        Some(server) => {
            let ports = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                connection.port = server.port();
                connection
            });
            let server = NameServerConfig::new(server.ip(), true, ports.to_vec());
            let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
    };
    let options = builder.options_mut();
    (options.cache_size, options.attempts, options.timeout) = (0, 1, ANSWER);
    if server.is_some() {
        options.use_hosts_file = ResolveHosts::Never;
    }
    builder.build().map_err(cannot)
}
