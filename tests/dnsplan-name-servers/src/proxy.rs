//! A TCP proxy in front of a server that loses, delays, holds and robs updates, and keeps a log of them. Queries and transfers pass.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hickory_proto::op::{Message, OpCode, ResponseCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a server may take to reply to an update.
const REPLY: Duration = Duration::from_secs(5);

/// What becomes of one update.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The connection breaks before the server has it.
    CutBefore,
    /// The connection breaks after the server has it, and before its reply arrives.
    CutAfter,
    /// The server has it so much later.
    Delay(Duration),
    /// The server has it once it is let go.
    Hold,
}

/// An update that came by. Moments count everything that is sent to the server and every reply, on all connections: what has its reply
/// before another is sent was done before it.
#[derive(Clone, Debug)]
pub struct Passed {
    /// As it came, with its prerequisites and signature.
    pub message: Vec<u8>,
    /// The moment before the server was sent it, if it was.
    pub sent: Option<u64>,
    /// The moment when the server's reply was there, and what it says.
    pub reply: Option<(u64, ResponseCode)>,
    /// Whether nothing more becomes of it.
    pub is_over: bool,
}

/// Draws a number below 100.
type Draw = Box<dyn FnMut() -> usize + Send>;

/// Which updates suffer what.
#[derive(Default)]
struct Rules {
    /// For the next updates, in order.
    next: Vec<Option<Fault>>,
    /// Out of a hundred each.
    at_random: Option<(Vec<(usize, Fault)>, Draw)>,
}

struct Shared {
    server: SocketAddr,
    rules: Mutex<Rules>,
    log: Mutex<Vec<Passed>>,
    /// Whether updates lose their prerequisites.
    robs: AtomicBool,
    held: AtomicUsize,
    let_go: Semaphore,
    moments: AtomicU64,
    requests: AtomicU64,
}

/// A proxy. It ends when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts one on loopback, on the runtime that this is called on.
    ///
    /// # Errors
    /// The machine's, where no port is free.
    pub async fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            server,
            rules: Mutex::default(),
            log: Mutex::default(),
            robs: AtomicBool::new(false),
            held: AtomicUsize::new(0),
            let_go: Semaphore::new(0),
            moments: AtomicU64::new(0),
            requests: AtomicU64::new(0),
        });
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                // A client that is gone before it is accepted is no reason to end.
                loop {
                    if let Ok((client, _)) = listener.accept().await {
                        tokio::spawn(serve(client, Arc::clone(&shared)));
                    }
                }
            }
        });
        Ok(Self { address, shared, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next updates suffer this, in order.
    pub fn next(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.shared.rules().next.extend(faults);
    }

    /// So many of a hundred updates each suffer this, where `draw` gives numbers below 100.
    pub fn at_random(&self, faults: Vec<(usize, Fault)>, draw: impl FnMut() -> usize + Send + 'static) {
        self.shared.rules().at_random = Some((faults, Box::new(draw)));
    }

    /// From now on all updates lose their prerequisites. They must not be signed.
    pub fn rob(&self) {
        self.shared.robs.store(true, Ordering::Relaxed);
    }

    /// How many updates were held so far.
    #[must_use]
    pub fn held(&self) -> usize {
        self.shared.held.load(Ordering::Relaxed)
    }

    /// Lets one go that is held.
    pub fn release(&self) {
        self.shared.let_go.add_permits(1);
    }

    /// How many messages of any kind clients have sent so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// The updates so far, in the order in which they came.
    #[must_use]
    pub fn log(&self) -> Vec<Passed> {
        self.shared.log().clone()
    }

    /// Sends the server every update of the log once more, as it came, and gives its replies. They are not in the log.
    ///
    /// # Errors
    /// The connection's.
    pub async fn deliver_again(&self) -> io::Result<Vec<ResponseCode>> {
        let (mut from_server, mut to_server) = TcpStream::connect(self.shared.server).await?.into_split();
        let mut replies = Vec::new();
        for Passed { message, .. } in self.log() {
            send(&mut to_server, &message).await?;
            let reply = timeout(REPLY, receive(&mut from_server)).await??;
            replies.push(response_code(&reply));
        }
        Ok(replies)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().expect("invariant: whatever draws numbers does not panic")
    }

    fn log(&self) -> MutexGuard<'_, Vec<Passed>> {
        self.log.lock().expect("invariant: nothing panics while it is locked")
    }

    fn moment(&self) -> u64 {
        self.moments.fetch_add(1, Ordering::SeqCst)
    }

    fn fault(&self) -> Option<Fault> {
        let mut rules = self.rules();
        if !rules.next.is_empty() {
            return rules.next.remove(0);
        }
        let (faults, draw) = rules.at_random.as_mut()?;
        let mut drawn = draw();
        for (share, fault) in faults {
            if drawn < *share {
                return Some(*fault);
            }
            drawn -= *share;
        }
        None
    }

    /// Puts an update into the log, and gives its number there.
    fn note(&self, message: &[u8]) -> usize {
        let mut log = self.log();
        log.push(Passed { message: message.to_vec(), sent: None, reply: None, is_over: false });
        log.len() - 1
    }
}

/// A client's way to the server.
struct Way {
    shared: Arc<Shared>,
    to_server: OwnedWriteHalf,
    /// The replies to updates.
    replies: mpsc::UnboundedReceiver<(u64, ResponseCode)>,
    /// The next reply is kept from the client.
    is_cut: Arc<AtomicBool>,
}

/// Ends with an error where the connection breaks, by whomever.
async fn serve(client: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    let server = TcpStream::connect(shared.server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (sender, replies) = mpsc::unbounded_channel();
    let is_cut = Arc::new(AtomicBool::new(false));
    let pumping =
        tokio::spawn(pump(from_server, to_client, Arc::clone(&is_cut), Arc::clone(&shared), sender));
    let mut way = Way { shared, to_server, replies, is_cut };
    let ended = way.follow(&mut from_client).await;
    pumping.abort();
    ended
}

impl Way {
    async fn follow(&mut self, from_client: &mut OwnedReadHalf) -> io::Result<()> {
        loop {
            let message = receive(from_client).await?;
            self.shared.requests.fetch_add(1, Ordering::Relaxed);
            if is_update(&message) {
                self.update(message).await?;
            } else {
                send(&mut self.to_server, &message).await?;
            }
        }
    }

    async fn update(&mut self, message: Vec<u8>) -> io::Result<()> {
        let number = self.shared.note(&message);
        let ended = self.pass(number, message).await;
        self.shared.log()[number].is_over = true;
        ended
    }

    /// The server has it for certain, and its reply is in the log, whether or not the client is there to wait for it.
    async fn pass(&mut self, number: usize, message: Vec<u8>) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let fault = shared.fault();
        match fault {
            Some(Fault::CutBefore) => return Err(io::ErrorKind::ConnectionReset.into()),
            Some(Fault::CutAfter) => self.is_cut.store(true, Ordering::SeqCst),
            Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
            Some(Fault::Hold) => {
                shared.held.fetch_add(1, Ordering::Relaxed);
                shared.let_go.acquire().await.map_err(io::Error::other)?.forget();
            }
            None => {}
        }
        let is_robbed = shared.robs.load(Ordering::Relaxed);
        let message = if is_robbed { without_prerequisites(&message)? } else { message };
        shared.log()[number].sent = Some(shared.moment());
        send(&mut self.to_server, &message).await?;
        let reply = timeout(REPLY, self.replies.recv()).await?;
        shared.log()[number].reply = reply;
        match fault {
            Some(Fault::CutAfter) => Err(io::ErrorKind::ConnectionReset.into()),
            _ => Ok(()),
        }
    }
}

/// Passes replies on, also where nobody is there any more to have them.
async fn pump(
    mut from_server: OwnedReadHalf,
    mut to_client: OwnedWriteHalf,
    is_cut: Arc<AtomicBool>,
    shared: Arc<Shared>,
    replies: mpsc::UnboundedSender<(u64, ResponseCode)>,
) {
    while let Ok(message) = receive(&mut from_server).await {
        if is_update(&message) {
            let reply = (shared.moment(), response_code(&message));
            if replies.send(reply).is_err() || is_cut.load(Ordering::SeqCst) {
                return;
            }
        }
        // A client that was killed has no use for it.
        drop(send(&mut to_client, &message).await);
    }
}

/// The next message of a connection.
async fn receive(from: &mut OwnedReadHalf) -> io::Result<Vec<u8>> {
    let length = from.read_u16().await?;
    let mut message = vec![0; length.into()];
    from.read_exact(&mut message).await?;
    // Whoever sends less than a header is no DNS software.
    if message.len() < 12 { Err(io::ErrorKind::InvalidData.into()) } else { Ok(message) }
}

async fn send(to: &mut OwnedWriteHalf, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend(message);
    to.write_all(&framed).await
}

/// Source: RFC 1035 section 4.1.1, as are the bytes below.
fn is_update(message: &[u8]) -> bool {
    OpCode::from_u8((message[2] >> 3) & 0xf) == OpCode::Update
}

fn response_code(message: &[u8]) -> ResponseCode {
    ResponseCode::from_low(message[3] & 0xf)
}

fn without_prerequisites(message: &[u8]) -> io::Result<Vec<u8>> {
    let mut message = Message::from_vec(message).map_err(io::Error::other)?;
    message.answers.clear();
    message.to_vec().map_err(io::Error::other)
}
