//! The store in memory keeps the contract.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use dnsplan_plan::{MemoryStore, conformance};

/// The store in memory never waits.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the store in memory waits for something"),
    }
}

#[test]
fn the_store_in_memory_conforms() {
    ready(conformance::all(async || MemoryStore::new()));
}
