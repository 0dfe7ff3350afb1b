//! What clients have to share: none of them has more than its part, and what it wants beyond that waits behind its own.
//!
//! A client is an IPv4 address or an IPv6 network whose prefix has 56 bits: a host has all addresses of its network to choose
//! from, and a subscriber is usually given 256 such networks (RFC 6177).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The part of an IPv6 address that says whose it is: its first 56 bits.
const NETWORK: u128 = u128::MAX << (128 - 56);

/// So many of something for each client, as long as there are clients.
#[derive(Debug)]
pub(crate) struct Shares {
    each: usize,
    clients: Mutex<BTreeMap<IpAddr, Client>>,
}

#[derive(Debug)]
struct Client {
    free: Arc<Semaphore>,
    /// How many [`Share`]s there are of it.
    shares: usize,
}

/// What one client may have. It is forgotten with the last that is of the same client.
#[derive(Debug)]
pub(crate) struct Share {
    all: Arc<Shares>,
    client: IpAddr,
    free: Arc<Semaphore>,
}

/// One that a client has.
#[derive(Debug)]
pub(crate) struct Held {
    _permit: OwnedSemaphorePermit,
    _share: Share,
}

/// What counts as one client.
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        address @ IpAddr::V4(_) => address,
    }
}

impl Shares {
    pub(crate) fn new(each: usize) -> Arc<Self> {
        Arc::new(Self { each: each.min(Semaphore::MAX_PERMITS), clients: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, Client>> {
        self.clients.lock().expect("invariant: nothing panics while the clients are locked")
    }

    /// The share of the client at `address`.
    pub(crate) fn of(self: &Arc<Self>, address: IpAddr) -> Share {
        let address = client(address);
        let mut clients = self.lock();
        let client = clients
            .entry(address)
            .or_insert_with(|| Client { free: Arc::new(Semaphore::new(self.each)), shares: 0 });
        client.shares += 1;
        Share { all: Arc::clone(self), client: address, free: Arc::clone(&client.free) }
    }
}

impl Share {
    /// One of it, unless the client has all that it may have.
    pub(crate) fn take(self) -> Option<Held> {
        let permit = Arc::clone(&self.free).try_acquire_owned().ok()?;
        Some(Held { _permit: permit, _share: self })
    }

    /// One of it, once the client has fewer than it may have.
    pub(crate) async fn wait(self) -> Held {
        let permit = Arc::clone(&self.free).acquire_owned().await;
        Held { _permit: permit.expect("invariant: nobody closes the semaphore"), _share: self }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entry) = self.all.lock().entry(self.client) {
            entry.get_mut().shares -= 1;
            if entry.get().shares == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_client_has_its_share_and_no_more() {
        let shares = Shares::new(2);
        let take = |text| shares.of(address(text)).take();
        let held = [take("192.0.2.1"), take("192.0.2.1")];
        assert!(held.iter().all(Option::is_some));
        assert!(take("192.0.2.1").is_none() && take("::ffff:192.0.2.1").is_none());
        assert!(take("192.0.2.2").is_some());
        drop(held);
        assert!(take("192.0.2.1").is_some());
    }

    #[test]
    fn the_addresses_of_an_ipv6_network_with_56_bits_are_one_client() {
        let shares = Shares::new(1);
        let _held = shares.of(address("2001:db8::1")).take().unwrap();
        assert!(shares.of(address("2001:db8::ffff:0:0:2")).take().is_none());
        assert!(shares.of(address("2001:db8:0:ff::1")).take().is_none());
        assert!(shares.of(address("2001:db8:0:100::1")).take().is_some());
    }

    #[test]
    fn a_client_is_forgotten_when_it_has_nothing_and_waits_for_nothing() {
        let shares = Shares::new(1);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let held = shares.of(address("192.0.2.1")).take().unwrap();
            let mut waiting = Box::pin(shares.of(address("192.0.2.1")).wait());
            tokio::select! {
                biased;
                _ = &mut waiting => panic!("there is only one"),
                () = std::future::ready(()) => (),
            }
            drop(held);
            let held = waiting.await;
            assert!(shares.of(address("192.0.2.1")).take().is_none(), "the one who waited has it");
            assert_eq!(shares.lock().len(), 1);
            drop(held);
            assert!(shares.lock().is_empty());
            // One that gave up waiting leaves nothing behind either.
            let held = shares.of(address("192.0.2.1")).take().unwrap();
            drop(shares.of(address("192.0.2.1")).wait());
            drop(held);
        });
        assert!(shares.lock().is_empty());
    }
}
