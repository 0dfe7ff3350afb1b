//! Ports for servers that want one port for UDP and TCP.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

/// How many ports are tried before the machine counts as full.
const TRIES: u32 = 100;

/// A loopback address whose port was free for UDP and TCP a moment ago. Somebody else may take it before a server does: start the
/// server again on another one then.
///
/// # Errors
/// The machine's, where no port is free.
pub fn free_address() -> io::Result<SocketAddr> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..TRIES {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        match UdpSocket::bind(address) {
            Ok(_) => return Ok(address),
            Err(error) => last = error,
        }
    }
    Err(last)
}
