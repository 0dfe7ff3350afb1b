//! Writers, each of which sends one row after the other to whoever leads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dnsplan_leadership::{Leadership, NotSent, WriteId, Written};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Error;
use super::form::Resource;

/// Who leads now; `None` ends the writers.
pub(crate) type Leader = Option<Arc<Leadership<Resource>>>;

/// What the writers have seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Rows that were answered as applied, by epoch.
    pub(crate) applied: BTreeMap<u64, i64>,
    /// Writes that were sent and did not happen.
    pub(crate) aborted: u64,
    /// From the last answer under one epoch to the first under a later one, of one writer.
    pub(crate) pauses: Vec<Duration>,
    /// Why writes failed that were not fenced, the first of them.
    pub(crate) error: Option<String>,
}

/// How many rows were applied under the epochs so far.
#[derive(Debug, Default)]
pub(crate) struct Progress(AtomicU64);

impl Progress {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub(crate) struct Writers {
    tasks: JoinSet<Result<Seen, Error>>,
    pub(crate) progress: Arc<Progress>,
}

impl Writers {
    pub(crate) fn start(count: u64, leader: &watch::Receiver<Leader>) -> Self {
        let (mut tasks, progress) = (JoinSet::new(), Arc::<Progress>::default());
        for writer in 0..count {
            tasks.spawn(write(writer, leader.clone(), Arc::clone(&progress)));
        }
        Self { tasks, progress }
    }

    /// What all of them have seen. They end when nobody leads.
    pub(crate) async fn end(mut self) -> Result<Seen, Error> {
        let mut all = Seen::default();
        while let Some(one) = self.tasks.join_next().await {
            let one = one??;
            for (epoch, rows) in one.applied {
                *all.applied.entry(epoch).or_default() += rows;
            }
            all.aborted += one.aborted;
            all.pauses.extend(one.pauses);
            all.error = all.error.or(one.error);
        }
        Ok(all)
    }
}

async fn write(
    writer: u64,
    mut leader: watch::Receiver<Leader>,
    progress: Arc<Progress>,
) -> Result<Seen, Error> {
    let (mut seen, mut number) = (Seen::default(), 0);
    let mut last: Option<(u64, Instant)> = None;
    loop {
        let Some(now) = leader.borrow_and_update().clone() else { return Ok(seen) };
        number += 1;
        let (id, epoch) = (WriteId::new(u128::from(writer) << 64 | number), now.token().epoch().get());
        match now.write(id, ()).await {
            Ok(Written::Applied(_)) => {
                let answered = Instant::now();
                let before = last.replace((epoch, answered)).filter(|(before, _)| *before < epoch);
                seen.pauses.extend(before.map(|(_, when)| answered - when));
                *seen.applied.entry(epoch).or_default() += 1;
                progress.0.fetch_add(1, Ordering::Relaxed);
            }
            Ok(Written::Fenced(_)) => seen.aborted += 1,
            Ok(Written::Unknown(id)) => return Err(format!("the reply to write {id} was lost").into()),
            Err(NotSent::Stopped(_) | NotSent::Full(_)) => leader.changed().await?,
            Err(NotSent::Resource(error)) => {
                seen.aborted += 1;
                seen.error.get_or_insert_with(|| error.to_string());
            }
        }
    }
}
