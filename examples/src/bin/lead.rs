//! A node that leads a writer role: it is granted an epoch, writes under it, and steps down.

use std::sync::Arc;
use std::time::Duration;

use dnsplan::RandomNonces;
use dnsplan::enactor::Nonces;
use dnsplan::leadership::object_store::{Place, Write};
use dnsplan::leadership::{
    Beliefs, Candidate, Coordinator, HandoffId, Holder, Incarnation, Leadership, Node, Scope, WriteId,
};
use object_store::memory::InMemory;

/// How often it is looked who leads.
const LOOK: Duration = Duration::from_millis(100);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (scope, store, ids) = (Scope::new("orders")?, Arc::new(InMemory::new()), RandomNonces);
    let place = Place::new(store, "cells/7", scope.clone());
    place.install().await?;
    let me = Holder { node: Node::new("a")?, incarnation: Incarnation::new(ids.next().get() as u64) };

    // Every node that could lead does this. The record in the store says who leads, whoever has written it.
    let mut coordinator = Coordinator::new(place.register(), place.resource(), me.node.actor().clone());
    let lead = loop {
        let candidates = [Candidate { holder: me.clone(), applied: place.resource().applied().await? }];
        let beliefs = Beliefs::new(HandoffId::new(ids.next().get()), &candidates);
        let turn = coordinator.turn(&beliefs, ids.next()).await?;
        match turn.seen.map(|seen| Leadership::take_up(&seen, scope.clone(), me.clone(), place.resource())) {
            Some(Ok(lead)) => break lead,
            _ => tokio::time::sleep(LOOK).await,
        }
    };

    // The store compares the epoch in the write itself: once somebody else leads, the answer is `Fenced`.
    let segment = Write::new(|manifest| [manifest, b"segment-1\n"].concat());
    let written = lead.permit()?.write(WriteId::new(ids.next().get()), segment).await?;
    println!("under epoch {}: {written:?}", lead.token().epoch());

    // No write begins any more, and none is under way: whoever coordinates next may hand the role on.
    lead.stop();
    lead.drained().await;
    Ok(())
}
