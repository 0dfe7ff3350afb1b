//! A TCP proxy in front of a server that loses, delays, holds and robs updates. Queries and transfers pass.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dnsplan_enactor::conformance::Schedule;
use hickory_proto::op::{Message, OpCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

/// What becomes of one update.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// The connection breaks before the server has it.
    CutBefore,
    /// The connection breaks after the server has it, and before its reply arrives.
    CutAfter,
    /// The server has it so much later.
    Delay(Duration),
    /// The server has it once it is let go.
    Hold,
}

/// Which updates suffer what.
#[derive(Default)]
struct Rules {
    /// For the next updates, in order.
    next: Vec<Option<Fault>>,
    /// Out of a hundred each, in the order that a seed determines.
    at_random: Option<(Schedule, Vec<(usize, Fault)>)>,
}

struct Shared {
    server: SocketAddr,
    rules: Mutex<Rules>,
    /// Whether updates lose their prerequisites. They must not be signed.
    robs: AtomicBool,
    held: AtomicUsize,
    let_go: Semaphore,
}

/// A proxy. It ends when it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server,
            rules: Mutex::default(),
            robs: AtomicBool::new(false),
            held: AtomicUsize::new(0),
            let_go: Semaphore::new(0),
        });
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                loop {
                    let (client, _) = listener.accept().await.unwrap();
                    tokio::spawn(serve(client, Arc::clone(&shared)));
                }
            }
        });
        Self { address, shared, accepting }
    }

    /// The next updates suffer this, in order.
    pub(crate) fn next(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.shared.rules.lock().unwrap().next.extend(faults);
    }

    /// So many of a hundred updates each suffer this.
    pub(crate) fn at_random(&self, seed: u64, faults: Vec<(usize, Fault)>) {
        self.shared.rules.lock().unwrap().at_random = Some((Schedule::new(seed), faults));
    }

    /// From now on all updates lose their prerequisites.
    pub(crate) fn rob(&self) {
        self.shared.robs.store(true, Ordering::Relaxed);
    }

    /// How many updates were held so far.
    pub(crate) fn held(&self) -> usize {
        self.shared.held.load(Ordering::Relaxed)
    }

    /// Lets one go that is held.
    pub(crate) fn release(&self) {
        self.shared.let_go.add_permits(1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn fault(&self) -> Option<Fault> {
        let mut rules = self.rules.lock().unwrap();
        if !rules.next.is_empty() {
            return rules.next.remove(0);
        }
        let (schedule, faults) = rules.at_random.as_mut()?;
        let mut drawn = schedule.below(100);
        for (share, fault) in faults {
            if drawn < *share {
                return Some(*fault);
            }
            drawn -= *share;
        }
        None
    }
}

/// What comes back from the server.
struct Back {
    /// The next thing that comes breaks the connection.
    is_cut: AtomicBool,
    /// Something came.
    came: Notify,
}

async fn serve(client: TcpStream, shared: Arc<Shared>) {
    let Ok(server) = TcpStream::connect(shared.server).await else { return };
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let back = Arc::new(Back { is_cut: AtomicBool::new(false), came: Notify::new() });
    let pumping = tokio::spawn(pump(from_server, to_client, Arc::clone(&back)));
    while let Some(message) = frame(&mut from_client).await {
        let is_update = OpCode::from_u8((message[2] >> 3) & 0xf) == OpCode::Update;
        let fault = if is_update { shared.fault() } else { None };
        match fault {
            Some(Fault::CutBefore) => break,
            Some(Fault::CutAfter) => back.is_cut.store(true, Ordering::Relaxed),
            Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
            Some(Fault::Hold) => {
                shared.held.fetch_add(1, Ordering::Relaxed);
                shared.let_go.acquire().await.unwrap().forget();
            }
            None => {}
        }
        let is_robbed = is_update && shared.robs.load(Ordering::Relaxed);
        let message = if is_robbed { without_prerequisites(&message) } else { message };
        if send(&mut to_server, &message).await.is_none() {
            break;
        }
        if fault.is_some() {
            // The server has it for certain, whether or not anybody waits for the reply.
            drop(tokio::time::timeout(Duration::from_secs(5), back.came.notified()).await);
        }
    }
    pumping.abort();
}

async fn pump(mut from_server: OwnedReadHalf, mut to_client: OwnedWriteHalf, back: Arc<Back>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
        back.came.notify_one();
        if back.is_cut.load(Ordering::Relaxed) {
            // Without this the client would wait for its timeout.
            drop(to_client.shutdown().await);
            return;
        }
        if to_client.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

async fn frame(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let length = from.read_u16().await.ok()?;
    let mut message = vec![0; length.into()];
    from.read_exact(&mut message).await.ok()?;
    Some(message)
}

async fn send(to: &mut OwnedWriteHalf, message: &[u8]) -> Option<()> {
    let mut framed = u16::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    framed.extend(message);
    to.write_all(&framed).await.ok()
}

fn without_prerequisites(message: &[u8]) -> Vec<u8> {
    let mut message = Message::from_vec(message).unwrap();
    message.answers.clear();
    message.to_vec().unwrap()
}
