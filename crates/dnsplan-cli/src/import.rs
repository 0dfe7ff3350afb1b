//! `import`: what a DNS provider has, as a spec.
//!
//! 1. What gets into the spec is planned from it at once, and must come out exactly as it is at the provider.
//! 2. What does not is listed in comments with the reason, and stays as it is.

mod check;
mod endpoint;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use dnsplan::plan::Import;
use dnsplan::plan::{OwnerName, RRset, RRsetKey, RecordType, Records};
use dnsplan::{rfc2136, route53};
use serde_json::json;

use self::check::{plans_to, unsound};
use self::endpoint::{Called, Endpoint, Pools};
use self::write::{Head, Source, Written};
use crate::args;
use crate::command::settings;
use crate::failure::{Code, Failure};
use crate::render;

/// Writes what a provider has as a spec.
pub(crate) async fn import(common: &args::Common, args: args::Import) -> Result<Code, Failure> {
    match args.from {
        args::ImportFrom::Route53(args) => import_route53(common, &args).await,
        args::ImportFrom::Axfr(args) => import_axfr(common, &args).await,
    }
}

async fn import_route53(common: &args::Common, args: &args::ImportRoute53) -> Result<Code, Failure> {
    let client = route53::client(args.endpoint_url.as_deref()).await;
    let import = route53::import(client, args.zone_id.as_str()).await?;
    let (id, zone) = (&args.zone_id, &import.zone);
    if let Some(wanted) = common.zone.as_ref().filter(|wanted| *wanted != zone) {
        return Err(Failure::error(format!(
            "hosted zone {id} is {zone}, and --zone says {wanted}: leave --zone out"
        )));
    }
    let source = Source { text: format!("hosted zone {id} of Route 53"), owner: "Route 53" };
    write_spec(common, &import, &source, args.output.as_deref())
}

async fn import_axfr(common: &args::Common, args: &args::ImportAxfr) -> Result<Code, Failure> {
    let Some(zone) = &common.zone else {
        return Err(Failure::error("name the zone to be transferred with --zone"));
    };
    let import = rfc2136::import::axfr(settings(args.server, zone.clone(), &args.signing)?).await?;
    let source = Source { text: format!("the name server {}", args.server), owner: "the server" };
    write_spec(common, &import, &source, args.output.as_deref())
}

fn write_spec(
    common: &args::Common,
    import: &Import,
    source: &Source,
    output: Option<&Path>,
) -> Result<Code, Failure> {
    let draft = Draft::of(import)?;
    let text = draft.text(import, source);
    if let Some(path) = output {
        save(path, &text)?;
    }
    let (taken, left) = (draft.taken(), draft.left_out.len());
    let summary = format!("{}: {taken} RRsets in the spec, {left} left out", import.zone);
    if common.format == args::Format::Json {
        let left_out: Vec<_> = draft.left_out.iter().map(Left::json).collect();
        let zone = &import.zone;
        render::print_json(&json!({
            "schema": "dnsplan.import/1",
            "zone": zone,
            "rrset_count": taken,
            "left_out": left_out,
            "spec": text,
        }));
    } else if let Some(path) = output {
        outln!("{summary}; written to {}.", path.display());
    } else {
        out!("{text}");
        errln!("{summary}.");
    }
    Ok(Code::Done)
}

/// What a person may have edited is not written over.
fn save(path: &Path, text: &str) -> Result<(), Failure> {
    let written = std::fs::File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let path = path.display();
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => Failure::error(format!(
                "{path} is there already; name another file with -o, or move that one away"
            )),
            _ => Failure::error(format!("cannot write {path}: {error}; name another file with -o")),
        }
    })
}

/// What is left out of the spec.
#[derive(Clone)]
struct Left {
    owner: OwnerName,
    record_type: String,
    reason: String,
    /// How a spec could have something much like it.
    proposal: Option<String>,
}

impl Left {
    fn json(&self) -> serde_json::Value {
        let Self { owner, record_type, reason, .. } = self;
        json!({ "owner": owner, "type": record_type, "reason": reason })
    }
}

/// The spec as it comes to be.
struct Draft {
    head: Head,
    pools: Pools,
    endpoints: BTreeMap<OwnerName, Endpoint>,
    records: BTreeMap<RRsetKey, (RRset, String)>,
    left_out: Vec<Left>,
}

impl Draft {
    fn of(import: &Import) -> Result<Self, Failure> {
        let head = Head::of(import)?;
        let mut draft = Self {
            head,
            pools: Pools::default(),
            endpoints: BTreeMap::new(),
            records: BTreeMap::new(),
            left_out: Vec::new(),
        };
        let mut chosen: BTreeMap<&OwnerName, Vec<&RRset>> = BTreeMap::new();
        for (key, rrset) in &import.rrsets {
            let is_address = matches!(key.record_type, RecordType::A | RecordType::AAAA);
            match rrset.records() {
                Records::Simple(_) => draft.record(key, rrset),
                Records::Weighted(_) | Records::Multivalue(_) if is_address => {
                    chosen.entry(&key.owner).or_default().push(rrset);
                }
                Records::Weighted(_) | Records::Multivalue(_) => {
                    let reason = "a spec has weighted and multivalue answers for addresses only";
                    draft.leave_out(&key.owner, &[rrset], reason, None);
                }
            }
        }
        for (owner, rrsets) in chosen {
            draft.endpoint(owner, &rrsets);
        }
        draft.drop_unsound(import)?;
        let foreign = import.left_out.iter().cloned();
        draft.left_out.extend(foreign.map(|left| Left {
            owner: left.owner,
            record_type: left.record_type,
            reason: left.reason,
            proposal: None,
        }));
        draft
            .left_out
            .sort_by(|one, two| (&one.owner, &one.record_type).cmp(&(&two.owner, &two.record_type)));
        Ok(draft)
    }

    /// The RRsets that the spec says.
    fn taken(&self) -> usize {
        self.records.len() + self.endpoints.values().map(|endpoint| endpoint.rrsets.len()).sum::<usize>()
    }

    fn record(&mut self, key: &RRsetKey, rrset: &RRset) {
        let text = write::record(&self.head, key, rrset);
        match plans_to(&self.head, &text, &[(key, rrset)]) {
            Ok(()) => {
                self.records.insert(key.clone(), (rrset.clone(), text));
            }
            Err(reason) => self.leave_out(&key.owner, &[rrset], &reason, None),
        }
    }

    /// Weighted and multivalue answers are a spec's where they are addresses, and called as its members are.
    fn endpoint(&mut self, owner: &OwnerName, rrsets: &[&RRset]) {
        match self.fitted(owner, rrsets) {
            Ok((endpoint, pools)) => {
                self.pools = pools;
                self.endpoints.insert(owner.clone(), endpoint);
            }
            Err(reason) => {
                let proposal = self.proposal(owner, rrsets);
                self.leave_out(owner, rrsets, &reason, proposal);
            }
        }
    }

    /// The endpoint, and all pools with those that it takes: where neither it nor another one would become another answer.
    fn fitted(&self, owner: &OwnerName, rrsets: &[&RRset]) -> Result<(Endpoint, Pools), String> {
        let (endpoint, own) = Endpoint::of(owner, rrsets, Called::AsItIs)?;
        self.check_endpoints(&own, &[&endpoint])?;
        let pools = self.pools.joined(own)?;
        let shares = |other: &&Endpoint| other.shares_a_pool(&endpoint);
        let mut all: Vec<&Endpoint> = self.endpoints.values().filter(shares).collect();
        all.push(&endpoint);
        self.check_endpoints(&pools, &all).map_err(|_| {
            "it shares a pool with another name, and the two have other members of it".to_owned()
        })?;
        Ok((endpoint, pools))
    }

    fn check_endpoints(&self, pools: &Pools, endpoints: &[&Endpoint]) -> Result<(), String> {
        let keyed: Vec<(RRsetKey, &RRset)> = endpoints.iter().flat_map(|endpoint| endpoint.keyed()).collect();
        let wanted: Vec<(&RRsetKey, &RRset)> = keyed.iter().map(|(key, rrset)| (key, *rrset)).collect();
        plans_to(&self.head, &write::endpoints(&self.head, pools, endpoints), &wanted)
    }

    /// Something much like it, under names of its own.
    fn proposal(&self, owner: &OwnerName, rrsets: &[&RRset]) -> Option<String> {
        let (endpoint, pools) = Endpoint::of(owner, rrsets, Called::Anew(&self.head.zone)).ok()?;
        if pools.is_known_to(&self.pools) {
            return None;
        }
        let text = write::endpoints(&self.head, &pools, &[&endpoint]);
        plans_to(&self.head, &text, &[]).ok()?;
        Some(text)
    }

    fn leave_out(&mut self, owner: &OwnerName, rrsets: &[&RRset], reason: &str, proposal: Option<String>) {
        let mut proposal = proposal;
        for rrset in rrsets {
            self.left_out.push(Left {
                owner: owner.clone(),
                record_type: rrset.record_type().to_string(),
                reason: reason.to_owned(),
                proposal: proposal.take(),
            });
        }
    }

    /// What the linter does not let into a plan.
    fn drop_unsound(&mut self, import: &Import) -> Result<(), Failure> {
        loop {
            let findings = unsound(&self.head, &self.body())?;
            let mut is_changed = false;
            for (owner, reason) in findings {
                let keys: BTreeSet<RRsetKey> =
                    self.records.keys().filter(|key| key.owner == owner).cloned().collect();
                for key in keys {
                    if let Some((rrset, _)) = self.records.remove(&key) {
                        self.leave_out(&owner, &[&rrset], &reason, None);
                        is_changed = true;
                    }
                }
                if let Some(endpoint) = self.endpoints.remove(&owner) {
                    let rrsets: Vec<&RRset> = endpoint.rrsets.iter().collect();
                    self.leave_out(&owner, &rrsets, &reason, None);
                    is_changed = true;
                }
            }
            if !is_changed {
                return self.check(import);
            }
        }
    }

    /// The whole once more: every RRset of it comes out as it went in.
    fn check(&self, import: &Import) -> Result<(), Failure> {
        let endpoints = self.endpoints.values().flat_map(Endpoint::keyed);
        let keys: Vec<RRsetKey> = self.records.keys().cloned().chain(endpoints.map(|(key, _)| key)).collect();
        let keyed: Vec<(&RRsetKey, &RRset)> =
            keys.iter().filter_map(|key| import.rrsets.get_key_value(key)).collect();
        plans_to(&self.head, &self.body(), &keyed).map_err(|reason| {
            Failure::error(format!("the zone cannot be written as a spec: {reason}; please report this"))
        })
    }

    fn body(&self) -> String {
        let endpoints: Vec<&Endpoint> = self.endpoints.values().collect();
        let mut body = write::endpoints(&self.head, &self.pools.used_by(&endpoints), &endpoints);
        self.records.values().for_each(|(_, text)| body.push_str(text));
        body
    }

    fn text(&self, import: &Import, source: &Source) -> String {
        let written = Written { source, is_managed: import.is_managed, left_out: &self.left_out };
        write::document(&self.head, &self.body(), &written)
    }
}

#[cfg(test)]
mod tests;
