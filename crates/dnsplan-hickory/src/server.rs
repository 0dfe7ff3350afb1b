//! The sockets: UDP and TCP on one port.
//!
//! 1. TCP is bound first. It is exclusive, so a second server on the same port fails before it could share our UDP.
//! 2. One UDP socket per core: hickory serves a socket from one task, and the kernel spreads clients over them.
//! 3. TCP is served here and not by hickory, whose connections end 10 seconds after the last request, in the midst of a long
//!    transfer too, and whose queue of responses cannot be waited for.

use std::io;
use std::net::SocketAddr;

use hickory_server::Server;
use hickory_server::net::NetError;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

use crate::handler::Handler;
use crate::stream::Limits;
use crate::{notify, stream};

/// How many ports that the system picks for TCP are tried until UDP has the same one free.
const PORT_ATTEMPTS: usize = 16;
/// More sockets than this gain nothing that was ever measured.
const MOST_SOCKETS: usize = 64;

/// A running server. Dropping it stops it at once.
pub struct DnsServer {
    server: Server<Handler>,
    /// Connections, and messages to secondaries.
    tasks: JoinSet<()>,
    address: SocketAddr,
}

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be bound.
    #[error(
        "cannot listen on {address}: {cause}; choose another address or port, or stop what listens there"
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// A socket failed while it was served.
    #[error("a socket failed, restart the server: {0}")]
    Failed(#[source] NetError),
}

impl DnsServer {
    /// Listens on `address`, UDP and TCP, and answers through `handler`. For port 0 the system picks one port for both.
    ///
    /// # Errors
    /// [`ServerError::Bind`] where either cannot be bound.
    pub async fn bind(address: SocketAddr, handler: Handler) -> Result<Self, ServerError> {
        let sockets = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_SOCKETS);
        let bound = both(address, sockets).await;
        let (listener, udp) = bound.map_err(|cause| ServerError::Bind { address, cause })?;
        let address = listener.local_addr().map_err(|cause| ServerError::Bind { address, cause })?;
        let mut tasks = JoinSet::new();
        tasks.spawn(stream::listen(listener, handler.clone(), Limits::default()));
        tasks.spawn(notify::notify_all(handler.clone(), address.ip()));
        let mut server = Server::new(handler);
        udp.into_iter().for_each(|socket| server.register_socket(socket));
        Ok(Self { server, tasks, address })
    }

    /// The address that it listens on, with the port that the system picked.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it stops on its own, which it does only when a socket fails.
    ///
    /// # Errors
    /// [`ServerError::Failed`] says how.
    pub async fn wait(&mut self) -> Result<(), ServerError> {
        self.server.block_until_done().await.map_err(ServerError::Failed)
    }

    /// Stops listening, and returns once the sockets are closed.
    ///
    /// # Errors
    /// [`ServerError::Failed`] where a socket had failed before.
    pub async fn shutdown(mut self) -> Result<(), ServerError> {
        self.tasks.shutdown().await;
        self.server.shutdown_gracefully().await.map_err(ServerError::Failed)
    }
}

/// TCP and UDP on the same port.
async fn both(address: SocketAddr, sockets: usize) -> io::Result<(TcpListener, Vec<UdpSocket>)> {
    let mut attempts = if address.port() == 0 { PORT_ATTEMPTS } else { 1 };
    loop {
        let listener = TcpListener::bind(address).await?;
        attempts -= 1;
        match datagram_sockets(listener.local_addr()?, sockets) {
            Ok(udp) => return Ok((listener, udp)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempts > 0 => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(unix)]
fn datagram_sockets(address: SocketAddr, count: usize) -> io::Result<Vec<UdpSocket>> {
    (0..count).map(|_| datagram_socket(address, |socket| socket.set_reuse_port(true))).collect()
}

/// Only Unix spreads datagrams over the sockets of one port.
#[cfg(not(unix))]
fn datagram_sockets(address: SocketAddr, _: usize) -> io::Result<Vec<UdpSocket>> {
    Ok(vec![datagram_socket(address, |_| Ok(()))?])
}

fn datagram_socket(
    address: SocketAddr,
    prepare: impl FnOnce(&Socket) -> io::Result<()>,
) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    prepare(&socket)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}
