//! A target of one's own: a zone in a file that some other program reads. The first line is the fence record, the rest the
//! content, and the two change together: under a lock, in a new file that is renamed over the old one.
//!
//! A target has three things to do: compare the *whole* record in the write itself, write the record and what the rider
//! says in one atomic step, and say honestly what became of it. The suite at the end of this file holds it to that.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dnsplan::enactor::{
    Audit, Basis, Clock as _, Enactor, Layout, Nonces as _, Outline, Quarantine, Rider, Target, TargetError,
    codec,
};
use dnsplan::fence::{Actor, Genesis, Move, Observed, Offer as _, Permit, Register, Swap};
use dnsplan::plan::{Delta, MemoryStore, OwnerName, Plan, TargetId, Zone};
use dnsplan::planner::{Context, Health, Intent};
use dnsplan::{RandomNonces, SystemClock, publish};
use dnsplan_examples::spec;

/// A zone in a file.
struct FileTarget {
    id: TargetId,
    zone: OwnerName,
    path: PathBuf,
}

/// What the file says: the text of the record, empty where there is none, and the encoded content.
#[derive(Default)]
struct State {
    fence: Vec<u8>,
    content: Vec<u8>,
}

impl State {
    /// The content. What cannot be read is no content: the audit finds it missing, and it is repaired.
    fn zone(&self, origin: &OwnerName) -> Zone {
        let mut zone = Zone::empty(origin.clone());
        if let Ok(delta) = Delta::decode(&self.content) {
            // A delta for another zone changes nothing.
            let _ = delta.apply(&mut zone);
        }
        zone
    }
}

impl FileTarget {
    fn new(zone: OwnerName, path: PathBuf) -> Self {
        Self { id: TargetId::new(format!("file:{}", path.display())), zone, path }
    }

    /// Keeps other writers out, those of other processes too, until it is dropped.
    fn lock(&self) -> io::Result<File> {
        let file = File::create(self.path.with_extension("lock"))?;
        file.lock()?;
        Ok(file)
    }

    fn read(&self) -> io::Result<State> {
        let mut fence = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::default()),
            bytes => bytes?,
        };
        let newline = fence.iter().position(|byte| *byte == b'\n').unwrap_or(fence.len());
        let content = fence.split_off(fence.len().min(newline + 1));
        fence.truncate(newline);
        Ok(State { fence, content })
    }

    /// All or nothing. An error says that nothing was written; where only the directory's sync fails, nobody knows.
    fn write(&self, state: &State) -> io::Result<Swap<Quarantine>> {
        let fresh = self.path.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(&state.fence)?;
        file.write_all(b"\n")?;
        file.write_all(&state.content)?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        let directory = self.path.parent().filter(|parent| *parent != Path::new(""));
        let synced = File::open(directory.unwrap_or_else(|| Path::new(".")))
            .and_then(|directory| directory.sync_all());
        Ok(synced.map_or(Swap::Unknown, |()| Swap::Won))
    }

    /// The content that a write leaves. A rider that does not fit its permit is refused.
    fn content_after(
        &self,
        permit: &Permit<Quarantine>,
        rider: &Rider,
        before: Vec<u8>,
    ) -> Result<Vec<u8>, TargetError> {
        let plan = match (permit.action(), rider) {
            (Move::RaiseFloor(_) | Move::Freeze(_), Rider::Nothing) => return Ok(before),
            (Move::Apply(part), Rider::Part { plan, set_aside, .. })
                if part.of() == 1 && set_aside.is_empty() =>
            {
                plan
            }
            (Move::Repair, Rider::Repair { plan, .. }) => plan,
            (action, _) => return Err(misfit(format!("the rider does not fit {action:?}"))),
        };
        let granted = (permit.next().generation, permit.next().digest);
        if granted != (plan.generation(), plan.digest()) || *plan.zone().origin() != self.zone {
            return Err(misfit(format!("the permit does not grant {} here", plan.generation())));
        }
        Ok(Delta::checkpoint(plan.zone()).encode())
    }
}

fn unavailable(error: io::Error) -> TargetError {
    TargetError::Unavailable(error.to_string())
}

fn misfit(what: String) -> TargetError {
    TargetError::Misconfigured(what)
}

// The file system is quick enough here to be called from async code; a slow one belongs on a blocking pool.
impl Register for FileTarget {
    type Payload = Quarantine;
    type Rider = Rider;
    type Error = TargetError;

    async fn load(&self) -> Result<Observed<Quarantine>, TargetError> {
        let State { fence, .. } = self.read().map_err(unavailable)?;
        if fence.is_empty() {
            return Ok(Observed::Absent);
        }
        // A newer program's record is in force: that is an error, its plan stays, and a person is told.
        Ok(codec::observe(&fence)?)
    }

    async fn create(&self, genesis: Genesis<Quarantine>) -> Result<Swap<Quarantine>, TargetError> {
        let _lock = self.lock().map_err(unavailable)?;
        let State { fence, content } = self.read().map_err(unavailable)?;
        if fence != genesis.replaces().unwrap_or_default() {
            return Ok(Swap::Lost(None));
        }
        let fence = codec::encode(genesis.record()).into_bytes();
        self.write(&State { fence, content }).map_err(unavailable)
    }

    async fn swap(&self, permit: Permit<Quarantine>, rider: Rider) -> Result<Swap<Quarantine>, TargetError> {
        let _lock = self.lock().map_err(unavailable)?;
        let State { fence, content } = self.read().map_err(unavailable)?;
        // One record has one text: comparing the texts compares the whole record.
        if fence != codec::encode(permit.expected()).as_bytes() {
            return Ok(Swap::Lost(codec::decode(&String::from_utf8_lossy(&fence)).ok()));
        }
        let content = self.content_after(&permit, &rider, content)?;
        let fence = codec::encode(permit.next()).into_bytes();
        self.write(&State { fence, content }).map_err(unavailable)
    }
}

impl Target for FileTarget {
    fn id(&self) -> &TargetId {
        &self.id
    }

    fn zone(&self) -> &OwnerName {
        &self.zone
    }

    fn layout(&self) -> Layout {
        Layout::Whole
    }

    fn outline(&self, _: &Plan, _: &Basis) -> Outline {
        Outline { stage: 0, place: 1 }
    }

    fn repair_limit(&self) -> usize {
        usize::MAX
    }

    async fn audit(&self, plan: &Plan, set_aside: &BTreeSet<OwnerName>) -> Result<Audit, TargetError> {
        let state = self.read().map_err(unavailable)?;
        let differing = state.zone(&self.zone).diff(plan.zone()).nodes.into_iter().map(|change| change.owner);
        Ok(Audit {
            differing: differing.filter(|owner| !set_aside.contains(owner)).collect(),
            ..Audit::default()
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let target = FileTarget::new("example.".parse()?, directory.path().join("example.zone"));
    let (store, target) = (Arc::new(MemoryStore::new()), Arc::new(target));
    let mut enactor = Enactor::new(
        Arc::clone(&store),
        Arc::clone(&target),
        Arc::new(SystemClock),
        Arc::new(RandomNonces),
        Actor::new("enactor-1")?,
    );
    for hosts in [&[11, 12][..], &[11, 12, 13]] {
        let intent = Intent::parse(&spec(hosts))?;
        for zone in intent.zones() {
            let context = Context::new("example", SystemClock.now(), "an example");
            publish(&*store, zone, &Health::from_spec(), &context, RandomNonces.next()).await?;
        }
        let rest = enactor.pass().await?;
        let state = target.read()?;
        let rrsets = state.zone(target.zone()).rrset_count();
        println!("{rest:?}: {rrsets} RRsets under {}", String::from_utf8(state.fence)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use dnsplan::plan::Node;
    use dnsplan_enactor::conformance::{self, Harness, Tamper, block_on};
    use tempfile::TempDir;

    use super::*;

    /// Each target gets a directory of its own; all of them go when the suite is done.
    #[derive(Default)]
    struct Files(std::sync::Mutex<Vec<TempDir>>);

    impl Harness for Files {
        type Target = FileTarget;

        async fn make(&self, zone: &OwnerName) -> Arc<FileTarget> {
            // The suite makes thousands of writes, each with its fsyncs: on a memory disk, where there is one.
            let memory = Some("/dev/shm").filter(|path| Path::new(path).is_dir());
            let directory = memory.map_or_else(TempDir::new, TempDir::new_in).unwrap();
            let target = FileTarget::new(zone.clone(), directory.path().join("zone"));
            self.0.lock().unwrap().push(directory);
            Arc::new(target)
        }

        async fn answer(&self, target: &FileTarget, owner: &OwnerName) -> Option<Arc<Node>> {
            target.read().unwrap().zone(target.zone()).node(owner).cloned()
        }

        async fn tamper(&self, target: &FileTarget, tamper: Tamper) -> bool {
            let mut state = target.read().unwrap();
            match tamper {
                Tamper::DeleteFence => state.fence.clear(),
                Tamper::WriteFence(text) => state.fence = text.into(),
                Tamper::Damage(owner) => {
                    let mut zone = state.zone(target.zone());
                    zone.clear(&owner);
                    state.content = Delta::checkpoint(&zone).encode();
                }
                // The whole file is ours: there is no room for other people's records.
                Tamper::Foreign(..) => return false,
            }
            target.write(&state).unwrap() == Swap::Won
        }
    }

    #[test]
    fn the_target_conforms() {
        let passed = block_on(conformance::all(&Files::default()));
        assert!(passed.contains(&"stale_enactor_is_refused"), "{passed:?}");
    }
}
