//! A TCP proxy in front of a server that cuts the connection over which a chosen message comes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What becomes of a connection over which a message with the chosen text comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It breaks before the server has the message. The server sees that, too.
    CutBefore,
    /// It breaks after the server has done what the message says, and before its reply arrives.
    CutAfter,
    /// The client sees it break; the server has neither the message nor the end of the connection, until [`Proxy::let_go`].
    HangBefore,
}

/// The next fault: the text that brings it, and what it is.
type Next = Arc<Mutex<Option<(String, Fault)>>>;

/// A proxy. It ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    next: Next,
    let_go: Arc<tokio::sync::Notify>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A proxy before a server.
    ///
    /// # Errors
    /// The machine's, where it has no port.
    pub async fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (next, let_go) = (Next::default(), Arc::new(tokio::sync::Notify::new()));
        let (faults, going) = (Arc::clone(&next), Arc::clone(&let_go));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server, Arc::clone(&faults), Arc::clone(&going)));
            }
        });
        Ok(Self { address, next, let_go, task })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What happens to the next message that has `text` in it. Once.
    pub fn next(&self, text: &str, fault: Fault) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some((text.to_owned(), fault));
    }

    /// Ends the connections that hang.
    pub fn let_go(&self) {
        self.let_go.notify_waiters();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection. An error on either side ends it, which is all that there is to do about it.
async fn pass(mut client: TcpStream, server: SocketAddr, next: Next, let_go: Arc<tokio::sync::Notify>) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    // A message of the tests fits one read.
    let (mut asked, mut answered) = ([0; 16 * 1024], [0; 16 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let fault = due(&next, &asked[..length]);
                match fault {
                    Some(Fault::CutBefore) => return,
                    Some(Fault::HangBefore) => {
                        let going = let_go.notified();
                        drop(client);
                        going.await;
                        return;
                    }
                    Some(Fault::CutAfter) | None => {}
                }
                if server.write_all(&asked[..length]).await.is_err() {
                    return;
                }
                if fault.is_some() {
                    // The reply is the proof that it was done.
                    drop(server.read(&mut answered).await);
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// The fault that a message brings, if it is the one.
fn due(next: &Next, message: &[u8]) -> Option<Fault> {
    let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
    let (text, fault) = next.as_ref()?;
    let has_it = message.windows(text.len()).any(|window| window == text.as_bytes());
    let fault = has_it.then_some(*fault)?;
    *next = None;
    Some(fault)
}
