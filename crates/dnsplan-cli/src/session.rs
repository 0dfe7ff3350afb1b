//! What the commands have in common: the store, the zone, the author, the clock.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dnsplan::enactor::Clock;
use dnsplan::fence::Generation;
use dnsplan::leadership::Leadership;
use dnsplan::plan::{OwnerName, Plan, PlanStore, Timestamp};
use dnsplan::store::{EmbeddedRole, EmbeddedStore};
use dnsplan::{RandomNonces, SystemClock};

use crate::args::{Common, Format};
use crate::failure::Failure;

/// The file of the store within its directory.
const STORE: &str = "plans.sqlite";

/// One invocation.
pub(crate) struct Session {
    pub(crate) store: Arc<EmbeddedStore>,
    pub(crate) author: String,
    pub(crate) format: Format,
    pub(crate) data: PathBuf,
    pub(crate) zone: Option<OwnerName>,
    /// Device and inode of the store's file.
    file: (u64, u64),
}

impl Session {
    /// Opens the store, and makes it where there is none.
    pub(crate) fn create(common: &Common) -> Result<Self, Failure> {
        std::fs::create_dir_all(&common.data).map_err(|error| {
            let path = common.data.display();
            Failure::error(format!(
                "cannot make the data directory {path}: {error}; choose another with --data"
            ))
        })?;
        Self::at(common)
    }

    /// Opens the store that is there.
    pub(crate) fn open(common: &Common) -> Result<Self, Failure> {
        let path = common.data.display();
        Self::find(common)?.ok_or_else(|| {
            Failure::error(format!(
                "there is no plan store in {path}; name its directory with --data, or make one with `dnsplan up SPEC` or \
                 `dnsplan publish SPEC`"
            ))
        })
    }

    /// Opens the store if there is one.
    pub(crate) fn find(common: &Common) -> Result<Option<Self>, Failure> {
        if common.data.join(STORE).exists() { Self::at(common).map(Some) } else { Ok(None) }
    }

    fn at(common: &Common) -> Result<Self, Failure> {
        let store = EmbeddedStore::open(common.data.join(STORE))
            .map_err(|error| Failure::error(error.to_string()))?;
        let (format, zone, data) = (common.format, common.zone.clone(), common.data.clone());
        let file = identity(&data.join(STORE))?;
        Ok(Self { store: Arc::new(store), author: author(common), format, data, zone, file })
    }

    /// The same, with appends that go through a leadership.
    pub(crate) fn led_by(&self, lead: Arc<Leadership<EmbeddedRole>>) -> Self {
        Self {
            store: Arc::new(self.store.led_by(lead)),
            author: self.author.clone(),
            format: self.format,
            data: self.data.clone(),
            zone: self.zone.clone(),
            file: self.file,
        }
    }

    /// Whether the store's file is still the one that was opened: a plan in a file that was deleted would be lost.
    pub(crate) fn is_still_there(&self) -> Result<(), Failure> {
        match identity(&self.data.join(STORE)) {
            Ok(file) if file == self.file => Ok(()),
            _ => Err(Failure::error(format!(
                "the plan store in {} was removed or replaced under this process; nothing more is planned: put it back, or \
                 stop this process and start it anew",
                self.data.display()
            ))),
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// The zones to work on: the one named, or all there are.
    pub(crate) async fn zones(&self) -> Result<Vec<OwnerName>, Failure> {
        let zones = self.store.zones().await?;
        match &self.zone {
            Some(zone) if zones.contains(zone) => Ok(vec![zone.clone()]),
            Some(zone) => {
                Err(Failure::error(format!("the store has no zone {zone}; it has {}", list(&zones))))
            }
            None => Ok(zones),
        }
    }

    /// The one zone to work on.
    pub(crate) async fn zone(&self) -> Result<OwnerName, Failure> {
        match &self.zones().await?[..] {
            [zone] => Ok(zone.clone()),
            [] => Err(Failure::error("the store has no plan yet; append one with `dnsplan publish SPEC`")),
            several => {
                Err(Failure::error(format!("name one zone with --zone; the store has {}", list(several))))
            }
        }
    }

    /// A plan that must be there.
    pub(crate) async fn plan(&self, zone: &OwnerName, generation: u64) -> Result<Arc<Plan>, Failure> {
        let found = self.store.get(zone, Generation::new(generation)).await?;
        found.ok_or_else(|| {
            Failure::error(format!(
                "{zone} has no plan {generation} (any more); `dnsplan history` lists what there is"
            ))
        })
    }

    /// The newest plan, which must be there.
    pub(crate) async fn head(&self, zone: &OwnerName) -> Result<Arc<Plan>, Failure> {
        let head = self.store.head(zone).await?;
        head.ok_or_else(|| {
            Failure::error(format!("{zone} has no plan yet; append one with `dnsplan publish SPEC`"))
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    pub(crate) const fn nonces(&self) -> RandomNonces {
        RandomNonces
    }
}

fn identity(path: &Path) -> Result<(u64, u64), Failure> {
    let file = std::fs::metadata(path).map_err(|error| Failure::unreadable(path, &error))?;
    Ok((file.dev(), file.ino()))
}

/// Who acts: as told, or the user, or at least this process.
pub(crate) fn author(common: &Common) -> String {
    let user = || std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok();
    let process = || format!("process {}", std::process::id());
    common.author.clone().or_else(user).unwrap_or_else(process)
}

fn list(zones: &[OwnerName]) -> String {
    if zones.is_empty() {
        return "none".to_owned();
    }
    zones.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
