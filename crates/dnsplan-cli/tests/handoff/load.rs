//! Clients that find the writer by its name, write a row after the other, and are never started anew.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dnsplan_name_servers::ask::ask;
use hickory_proto::rr::{Name, RData, RecordType};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::bed::{Bed, NAME, connect};

/// How long a client waits for an answer before it connects anew.
const PATIENCE: Duration = Duration::from_secs(1);

/// A write that was acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ack {
    pub(crate) id: u128,
    pub(crate) epoch: i64,
    pub(crate) at: SocketAddr,
    pub(crate) begun: Instant,
    pub(crate) done: Instant,
}

/// How clients write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// As the docs say: a guarded table, under the epoch that was open when the client connected.
    Fenced,
    /// As without any of this: a table that nothing guards.
    Plain,
}

/// Clients at work.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    counts: Vec<Arc<AtomicU64>>,
    clients: Vec<JoinHandle<Vec<Ack>>>,
}

/// How a client finds its server.
#[derive(Clone, Copy, Debug)]
enum Finds {
    /// By the endpoint's name.
    ByName(SocketAddr),
    /// It never asks: it goes to this one, whoever leads.
    Always(SocketAddr),
}

impl Load {
    pub(crate) fn start(bed: &Bed, clients: u32) -> Self {
        Self::with(bed, clients, Form::Fenced)
    }

    pub(crate) fn with(bed: &Bed, clients: u32, form: Form) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let counts: Vec<_> = (0..clients).map(|_| Arc::new(AtomicU64::new(0))).collect();
        let (dns, port) = (bed.dns.addr(), bed.address("a").port());
        let one = |number: u32, finds| {
            let count = counts.get(number as usize).map_or_else(Default::default, Arc::clone);
            bed.runtime().spawn(client(number, finds, port, form, Arc::clone(&stop), count))
        };
        let by_name = (0..clients).map(|number| one(number, Finds::ByName(dns)));
        // Beside them two that follow nobody: what keeps them from writing is the server alone.
        let stubborn = ["a", "b"].into_iter().zip(clients..);
        let stubborn = stubborn.filter(|_| form == Form::Fenced);
        let stubborn = stubborn.map(|(name, number)| one(number, Finds::Always(bed.address(name))));
        let clients = by_name.chain(stubborn).collect();
        Self { stop, counts, clients }
    }

    /// How many writes each client was told of.
    pub(crate) fn counts(&self) -> Vec<u64> {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }

    /// Ends them, and has what they were told.
    pub(crate) fn end(self, bed: &Bed) -> Vec<Ack> {
        self.stop.store(true, Ordering::Relaxed);
        bed.runtime().block_on(async {
            let mut all = Vec::new();
            for client in self.clients {
                all.extend(client.await.unwrap());
            }
            all
        })
    }
}

async fn client(
    number: u32,
    finds: Finds,
    port: u16,
    form: Form,
    stop: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
) -> Vec<Ack> {
    let (mut acks, mut next) = (Vec::new(), 0);
    while !stop.load(Ordering::Relaxed) {
        let at = match finds {
            Finds::Always(at) => Some(at),
            Finds::ByName(dns) => {
                let found = tokio::task::spawn_blocking(move || resolve(dns)).await.unwrap();
                found.map(|ip| SocketAddr::new(ip, port))
            }
        };
        match at {
            Some(at) => {
                let session = write(number, at, form, &stop, &count, &mut next, &mut acks);
                drop(session.await);
            }
            None => tokio::task::yield_now().await,
        }
        // As a client would that must not flood whoever refuses it.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    acks
}

/// Writes until something is in the way.
async fn write(
    number: u32,
    at: SocketAddr,
    form: Form,
    stop: &AtomicBool,
    count: &AtomicU64,
    next: &mut u64,
    acks: &mut Vec<Ack>,
) -> Result<(), Box<dyn std::error::Error>> {
    let client = timeout(PATIENCE, connect(at)).await??;
    let epoch: i64 =
        timeout(PATIENCE, client.query_one("SELECT dnsplan_fence.open_epoch('orders')", &[])).await??.get(0);
    while !stop.load(Ordering::Relaxed) {
        let id = (u128::from(number) << 64) | u128::from(*next);
        *next += 1;
        let begun = Instant::now();
        let sql = match form {
            Form::Fenced => format!(
                "BEGIN; SELECT dnsplan_fence.enter('orders', {epoch}); INSERT INTO orders VALUES ('{id:032x}', {number}, {epoch}); COMMIT"
            ),
            Form::Plain => format!("INSERT INTO plain VALUES ('{id:032x}', {number}, {epoch})"),
        };
        timeout(PATIENCE, client.batch_execute(&sql)).await??;
        acks.push(Ack { id, epoch, at, begun, done: Instant::now() });
        count.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

fn resolve(dns: SocketAddr) -> Option<std::net::IpAddr> {
    let answer = ask(dns, &NAME.parse::<Name>().unwrap(), RecordType::A)?;
    answer.answers.iter().find_map(|record| match &record.data {
        RData::A(address) => Some(address.0.into()),
        _ => None,
    })
}

/// What has to hold of everything that was acknowledged: it is there; one server took an epoch's writes; and no write of an epoch began
/// after one of a later epoch had been acknowledged.
pub(crate) fn judge(bed: &Bed, form: Form, acks: &[Ack]) -> Result<(), String> {
    let address = bed.address(&bed.holder());
    let table = if form == Form::Fenced { "orders" } else { "plain" };
    let rows = bed.runtime().block_on(async {
        connect(address)
            .await
            .unwrap()
            .query(&format!("SELECT id::text, epoch FROM {table}"), &[])
            .await
            .unwrap()
    });
    let number = |id: &str| u128::from_str_radix(&id.replace('-', ""), 16).unwrap();
    let rows: BTreeMap<u128, i64> = rows.iter().map(|row| (number(row.get(0)), row.get(1))).collect();
    let lost: Vec<&Ack> = acks.iter().filter(|ack| rows.get(&ack.id) != Some(&ack.epoch)).collect();
    if let Some(first) = lost.first() {
        return Err(format!(
            "{} of {} acknowledged writes are lost, such as {first:?}",
            lost.len(),
            acks.len()
        ));
    }
    let mut epochs: BTreeMap<i64, (SocketAddr, Instant, Instant)> = BTreeMap::new();
    for ack in acks {
        let (at, last_begun, first_done) = epochs.entry(ack.epoch).or_insert((ack.at, ack.begun, ack.done));
        if *at != ack.at {
            return Err(format!("{at} and {} took writes of epoch {}", ack.at, ack.epoch));
        }
        (*last_begun, *first_done) = ((*last_begun).max(ack.begun), (*first_done).min(ack.done));
    }
    let all: Vec<_> = epochs.iter().collect();
    for (index, (earlier, (_, last_begun, _))) in all.iter().enumerate() {
        if let Some((later, _)) =
            all[index + 1..].iter().find(|(_, (_, _, first_done))| last_begun > first_done)
        {
            return Err(format!("a write of epoch {earlier} began after one of epoch {later} was done"));
        }
    }
    Ok(())
}
