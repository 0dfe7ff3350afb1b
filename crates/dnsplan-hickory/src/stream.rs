//! DNS over TCP (RFC 7766): connections, one task each, and the transfers that are sent on them.
//!
//! 1. Requests of a connection are answered in their order. A response is written as fast as the client takes it, and no
//!    more than one of its messages is in memory.
//! 2. A connection without a complete request for a while is closed, earlier where connections are scarce ([`Limits`]), and so
//!    is one whose client takes nothing: of a transfer as [`Pace`] says, of another response for [`STALLED`].
//! 3. No client has more than its share of the connections, and where they are scarce, none keeps one for long, whatever it
//!    asks. What it does ends its own connections at most.
//! 4. What is no DNS message ends its connection. Nothing is computed for a client that has gone.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Header, MessageType, Metadata, ResponseCode};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};
use hickory_server::net::xfer::Protocol;
use hickory_server::server::Request;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::handler::Handler;
use crate::lookup::Answer;
use crate::respond::{Response, bare};
use crate::shares::Shares;
use crate::transfer::{
    Chain, Content, Desk, How, Messages, Pace, Seal, TooLarge, TooSlow, Verdict, Wanted, is_transfer,
};

#[cfg(test)]
mod tests;

/// A client that has not taken a response after this long is given up, unless the response is a transfer.
const STALLED: Duration = Duration::from_secs(30);
/// How long accepting rests after the system refused it, for want of file descriptors for example.
const REST: Duration = Duration::from_millis(50);

/// How many connections there may be, and how long they may be idle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at once; more wait to be accepted.
    most: usize,
    /// Connections of one client at once; more are closed as soon as they are accepted.
    each: usize,
    /// A connection without a request for this long is closed (RFC 7766 section 6.2.3).
    idle: Duration,
    /// The same where no more than a fourth of the connections are left; the section lets a server under load close idle ones
    /// at once.
    brief: Duration,
    /// There, and then, a connection that is older than this is closed between two requests, so that no client stays in the
    /// others' way by asking all the time.
    age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let (idle, brief, age) = (Duration::from_secs(10), Duration::from_secs(1), Duration::from_secs(10));
        Self { most: 512, each: 64, idle, brief, age }
    }
}

/// The places for connections.
struct Places {
    limits: Limits,
    free: Arc<Semaphore>,
    shares: Arc<Shares>,
}

impl Places {
    fn new(limits: Limits) -> Self {
        Self { limits, free: Arc::new(Semaphore::new(limits.most)), shares: Shares::new(limits.each) }
    }

    /// Whether idle connections are in the way of others.
    fn are_scarce(&self) -> bool {
        self.free.available_permits() <= self.limits.most / 4
    }

    /// The next request on a connection of this age; `None` where the connection is to be closed: the client has closed its
    /// side, sends what is no DNS message, has no request for too long, or has had its time where others wait for theirs.
    async fn next_request(
        &self,
        stream: &mut (impl AsyncRead + Unpin),
        age: Duration,
    ) -> io::Result<Option<(Header, Vec<u8>)>> {
        if age >= self.limits.age && self.are_scarce() {
            return Ok(None);
        }
        let begun = Instant::now();
        let mut request = pin!(request(stream));
        loop {
            match timeout(self.limits.brief, &mut request).await {
                Ok(request) => return request,
                Err(_) if begun.elapsed() >= self.limits.idle || self.are_scarce() => return Ok(None),
                Err(_) => {}
            }
        }
    }
}

/// Why a connection ended early.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("the client went: {0}")]
    Gone(#[from] io::Error),
    #[error("the client closed its side before its transfer began")]
    Left,
    #[error("the client has not taken a response after {} s", STALLED.as_secs())]
    Stalled,
    #[error(transparent)]
    TooSlow(#[from] TooSlow),
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// Serves connections until it is dropped.
pub(crate) async fn listen(listener: TcpListener, handler: Handler, limits: Limits) {
    let places = Arc::new(Places::new(limits));
    let mut connections = JoinSet::new();
    loop {
        let place = Arc::clone(&places.free).acquire_owned().await;
        let place = place.expect("invariant: nobody closes the semaphore");
        match listener.accept().await {
            Ok((stream, client)) => {
                let Some(share) = places.shares.of(client.ip()).take() else {
                    tracing::debug!(%client, most = limits.each, "a client has too many connections, this one is closed");
                    continue;
                };
                let (handler, places) = (handler.clone(), Arc::clone(&places));
                connections.spawn(async move {
                    let _held = (place, share);
                    if let Err(error) = converse(stream, client, &handler, &places).await {
                        tracing::debug!(%client, %error, "a connection ended early");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(REST).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(
    mut stream: TcpStream,
    client: SocketAddr,
    handler: &Handler,
    places: &Places,
) -> Result<(), Ended> {
    stream.set_nodelay(true)?;
    let opened = Instant::now();
    while let Some((header, bytes)) = places.next_request(&mut stream, opened.elapsed()).await? {
        let Ok(request) = Request::from_bytes(bytes, client, Protocol::Tcp) else {
            send(&mut stream, &bare(&header.metadata, ResponseCode::FormErr)).await?;
            continue;
        };
        if handler.desk().is_some() && is_transfer(&request) {
            transfer(&mut stream, &request, handler).await?;
        } else {
            send(&mut stream, &handler.respond(&request).await.encode(&request)).await?;
        }
    }
    Ok(())
}

/// The next request. Responses are passed over. `None` where the client has closed its side, or sends what is shorter than a
/// header.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<(Header, Vec<u8>)>> {
    while let Some(bytes) = receive(stream).await? {
        let Ok(header) = Header::read(&mut BinDecoder::new(&bytes)) else { return Ok(None) };
        if header.message_type != MessageType::Response {
            return Ok(Some((header, bytes)));
        }
    }
    Ok(None)
}

/// The next message; `None` where the client has closed its side.
async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let length = match stream.read_u16().await {
        Ok(length) => length,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = vec![0; length.into()];
    stream.read_exact(&mut bytes).await?;
    Ok(Some(bytes))
}

/// A message as it goes over TCP.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).expect("invariant: messages are packed into 65,535 bytes");
    [&length.to_be_bytes(), message].concat()
}

async fn send(stream: &mut TcpStream, message: &[u8]) -> Result<(), Ended> {
    timeout(STALLED, stream.write_all(&framed(message))).await.map_err(|_| Ended::Stalled)??;
    Ok(())
}

/// Sends a message of a transfer, as long as the client keeps pace.
async fn send_at(
    stream: &mut (impl AsyncWrite + Unpin),
    message: &[u8],
    pace: &mut Pace,
) -> Result<(), Ended> {
    let framed = framed(message);
    let mut rest = &framed[..];
    while !rest.is_empty() {
        let begun = Instant::now();
        let taken = timeout(pace.left(), stream.write(rest)).await.map_err(|_| pace.too_slow())??;
        if taken == 0 {
            return Err(io::Error::from(io::ErrorKind::WriteZero).into());
        }
        pace.took(taken, begun.elapsed())?;
        rest = &rest[taken..];
    }
    Ok(())
}

/// Ends once the client has closed its side, unless it has sent more before that.
async fn left(stream: &TcpStream) {
    if matches!(stream.peek(&mut [0]).await, Ok(1..)) {
        std::future::pending().await
    }
}

/// The outcome of `work`, as long as there is a client that waits for it.
async fn while_there<T>(stream: &TcpStream, work: impl Future<Output = T>) -> Result<T, Ended> {
    tokio::select! {
        biased;
        outcome = work => Ok(outcome),
        () = left(stream) => Err(Ended::Left),
    }
}

/// Answers a request for a transfer.
async fn transfer(stream: &mut TcpStream, request: &Request, handler: &Handler) -> Result<(), Ended> {
    let chain = match handler.verdict(request) {
        Verdict::Unsigned => None,
        Verdict::Signed(chain) => Some(chain),
        Verdict::Wrong(code, seal) => return refuse(stream, request, code, seal).await,
    };
    let Some(desk) = handler.desk() else { return Ok(()) };
    let how = How { is_signed: chain.is_some(), is_in_one: false };
    let wanted = match handler.transfer(request, how) {
        Err(code) => return refuse(stream, request, code, chain.map(Seal::Chain)).await,
        Ok(wanted) => wanted,
    };
    // First the turn, and then the work: what one client asks for waits behind its own, and not before others.
    let _slot = match &wanted {
        Wanted::Serial(_) => None,
        Wanted::Full(_) | Wanted::Since(..) => {
            match while_there(stream, desk.slot(request.src().ip())).await? {
                None => {
                    let seal = chain.map(Seal::Chain);
                    return refuse(stream, request, ResponseCode::ServFail, seal).await;
                }
                slot => slot,
            }
        }
    };
    let content = while_there(stream, desk.content(wanted, false)).await?;
    desk.counter(&content).add();
    let sent = stream_out(stream, request, desk, &content, chain).await;
    if let Err(error) = &sent {
        desk.counters.broken.add();
        tracing::warn!(client = %request.src(), %error, "a transfer ended early");
    }
    sent
}

async fn refuse(
    stream: &mut TcpStream,
    request: &Request,
    code: ResponseCode,
    seal: Option<Seal>,
) -> Result<(), Ended> {
    send(stream, &Response::new(request, Answer::bare(code), seal).encode(request)).await
}

async fn stream_out(
    stream: &mut TcpStream,
    request: &Request,
    desk: &Desk,
    content: &Content,
    chain: Option<Chain>,
) -> Result<(), Ended> {
    let mut metadata = Metadata::response_from_request(&request.metadata);
    metadata.authoritative = true;
    metadata.checking_disabled = false;
    let question = request.queries.as_bytes();
    let mut messages = Messages::new(metadata, question, Response::opt(request), chain, content.records());
    let config = desk.config();
    let mut pace = Pace::new(config.stall, config.slowest);
    while let Some(message) = desk.pack(|| messages.next()).await {
        send_at(stream, &message?, &mut pace).await?;
        // Others have their turn, even where the client takes everything at once.
        tokio::task::yield_now().await;
    }
    Ok(())
}
