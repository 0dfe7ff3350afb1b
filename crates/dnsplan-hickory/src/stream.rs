//! DNS over TCP (RFC 7766): connections, one task each, and the transfers that are sent on them.
//!
//! 1. Requests of a connection are answered in their order. A response is written as fast as the client takes it, and no
//!    more than one of its messages is in memory.
//! 2. A connection without a request for [`IDLE`] is closed, and so is one whose client takes nothing for [`STALLED`].
//! 3. What a client does ends its own connection at most.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Header, MessageType, Metadata, ResponseCode};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};
use hickory_server::net::xfer::Protocol;
use hickory_server::server::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::handler::Handler;
use crate::lookup::Answer;
use crate::respond::{Response, bare};
use crate::transfer::{Chain, Content, Desk, How, Messages, Seal, TooLarge, Verdict, is_transfer};

/// A connection without a request for this long is closed (RFC 7766 section 6.2.3).
const IDLE: Duration = Duration::from_secs(10);
/// A client that takes nothing for this long is given up.
const STALLED: Duration = Duration::from_secs(30);
/// Connections at once; more wait to be accepted.
const MOST_CONNECTIONS: usize = 512;
/// How long accepting rests after the system refused it, for want of file descriptors for example.
const REST: Duration = Duration::from_millis(50);

/// Why a connection ended early.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("the client went: {0}")]
    Gone(#[from] io::Error),
    #[error("the client took nothing for {} s", STALLED.as_secs())]
    Stalled,
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// Serves connections until it is dropped.
pub(crate) async fn listen(listener: TcpListener, handler: Handler) {
    let free = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let place = Arc::clone(&free).acquire_owned().await.expect("invariant: nobody closes the semaphore");
        match listener.accept().await {
            Ok((stream, client)) => {
                let handler = handler.clone();
                connections.spawn(async move {
                    let _place = place;
                    if let Err(error) = converse(stream, client, &handler).await {
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

async fn converse(mut stream: TcpStream, client: SocketAddr, handler: &Handler) -> Result<(), Ended> {
    stream.set_nodelay(true)?;
    while let Ok(bytes) = timeout(IDLE, receive(&mut stream)).await {
        let Some(bytes) = bytes? else { break };
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
async fn receive(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let length = match stream.read_u16().await {
        Ok(length) => length,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = vec![0; length.into()];
    stream.read_exact(&mut bytes).await?;
    Ok(Some(bytes))
}

async fn send(stream: &mut TcpStream, message: &[u8]) -> Result<(), Ended> {
    let length = u16::try_from(message.len()).expect("invariant: messages are packed into 65,535 bytes");
    let framed = [&length.to_be_bytes(), message].concat();
    timeout(STALLED, stream.write_all(&framed)).await.map_err(|_| Ended::Stalled)??;
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
                Content::Full(_) | Content::Difference(..) => Some(desk.slot().await),
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
    while let Some(message) = desk.pack(|| messages.next()).await {
        send(stream, &message?).await?;
        // Others have their turn, even where the client takes everything at once.
        tokio::task::yield_now().await;
    }
    Ok(())
}
