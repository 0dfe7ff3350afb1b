//! Writers, each of which sends one row after the other to whoever leads.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dnsplan_leadership::{Leadership, NotSent, WriteId, Written};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Error;
use super::form::Resource;

/// How long rows may take that have to come.
const PATIENCE: Duration = Duration::from_secs(60);

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

pub(crate) struct Writers {
    tasks: JoinSet<Result<Seen, Error>>,
    /// How many rows were answered as applied.
    progress: watch::Sender<u64>,
}

impl Writers {
    pub(crate) fn start(count: u64, leader: &watch::Receiver<Leader>) -> Self {
        let (mut tasks, progress) = (JoinSet::new(), watch::Sender::new(0));
        for writer in 0..count {
            tasks.spawn(write(writer, leader.clone(), progress.clone()));
        }
        Self { tasks, progress }
    }

    /// Returns when so many more rows were applied.
    pub(crate) async fn write_more(&self, rows: u64) -> Result<(), Error> {
        let mut progress = self.progress.subscribe();
        let goal = *progress.borrow() + rows;
        timeout(PATIENCE, progress.wait_for(|rows| *rows >= goal))
            .await
            .map_err(|_| "the writers have stopped")??;
        Ok(())
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
    progress: watch::Sender<u64>,
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
                progress.send_modify(|rows| *rows += 1);
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
