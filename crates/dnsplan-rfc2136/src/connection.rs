//! One TCP connection to the server, one message at a time (RFC 7766).
//!
//! hickory-net has a client for this. It is not used because of what a fence needs and it does not have:
//! - Its multiplexer keeps eight replies for a request and drops the ninth where the reader is slower than the server: a zone
//!   transfer would have holes.
//! - It does not say whether a request that failed was sent. Here what was not sent has certainly not happened.
//! - It signs updates and transfers only, and so would believe anybody about the fence.
//! - A request has one deadline from beginning to end, which a large transfer cannot keep.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An open connection. Whoever gives up in the middle of an exchange drops it: what comes late is then read by nobody.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    patience: Duration,
}

impl Connection {
    pub(crate) async fn open(server: SocketAddr, patience: Duration) -> io::Result<Self> {
        let stream = within(patience, TcpStream::connect(server)).await?;
        // A message is one write: it waits for nothing that could be added to it.
        stream.set_nodelay(true)?;
        Ok(Self { stream, patience })
    }

    /// Whether the server has closed it, or has sent what nobody asked for.
    pub(crate) fn is_spent(&self) -> bool {
        let read = self.stream.try_read(&mut [0]);
        !matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends a message. Where this fails, the server may have it all the same.
    pub(crate) async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let length =
            u16::try_from(message.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend(message);
        within(self.patience, self.stream.write_all(&framed)).await
    }

    /// Receives the next message.
    pub(crate) async fn receive(&mut self) -> io::Result<Vec<u8>> {
        let stream = &mut self.stream;
        within(self.patience, async move {
            let length = stream.read_u16().await?;
            let mut message = vec![0; length.into()];
            stream.read_exact(&mut message).await?;
            Ok(message)
        })
        .await
    }
}

async fn within<T>(patience: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {patience:?}"));
    timeout(patience, work).await.map_err(late)?
}
