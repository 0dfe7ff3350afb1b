//! DNS over TCP (RFC 7766): connections, one task each, and the transfers that are sent on them.
//!
//! 1. Requests of a connection are answered in their order. A response is written as fast as the client takes it, and no
//!    more than one of its messages is in memory.
//! 2. A connection without a request for a while is closed, earlier where connections are scarce ([`Limits`]), and so is one
//!    whose client takes nothing: of a transfer as [`Pace`] says, of another response for [`STALLED`].
//! 3. No client has more than its share of the connections. What it does ends its own connections at most.

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
    Chain, Content, Desk, How, Messages, Pace, Seal, TooLarge, TooSlow, Verdict, is_transfer,
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
}

impl Default for Limits {
    fn default() -> Self {
        Self { most: 512, each: 64, idle: Duration::from_secs(10), brief: Duration::from_secs(1) }
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

    /// The next request; `None` where the client has closed its side, or leaves its connection idle for too long.
    async fn next_request(&self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
        let begun = Instant::now();
        let mut request = pin!(receive(stream));
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
    while let Some(bytes) = places.next_request(&mut stream).await? {
        let Ok(header) = Header::read(&mut BinDecoder::new(&bytes)) else { continue };
        if header.message_type == MessageType::Response {
            continue;
        }
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

/// Answers a request for a transfer.
async fn transfer(stream: &mut TcpStream, request: &Request, handler: &Handler) -> Result<(), Ended> {
    let chain = match handler.verdict(request) {
        Verdict::Unsigned => None,
        Verdict::Signed(chain) => Some(chain),
        Verdict::Wrong(code, seal) => return refuse(stream, request, code, seal).await,
    };
    let Some(desk) = handler.desk() else { return Ok(()) };
    let how = How { is_signed: chain.is_some(), is_in_one: false };
    match handler.transfer(request, how).await {
        Err(code) => refuse(stream, request, code, chain.map(Seal::Chain)).await,
        Ok(content) => {
            let _slot = match &content {
                Content::Serial(_) => None,
                Content::Full(_) | Content::Difference(..) => match desk.slot(request.src().ip()).await {
                    None => {
                        let seal = chain.map(Seal::Chain);
                        return refuse(stream, request, ResponseCode::ServFail, seal).await;
                    }
                    slot => slot,
                },
            };
            desk.counter(&content).add();
            let sent = stream_out(stream, request, desk, &content, chain).await;
            if let Err(error) = &sent {
                desk.counters.broken.add();
                tracing::warn!(client = %request.src(), %error, "a transfer ended early");
            }
            sent
        }
    }
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
