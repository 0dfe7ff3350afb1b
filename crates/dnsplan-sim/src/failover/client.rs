//! Clients: they follow the endpoint with a lag, write, and take down what was acknowledged.

use std::sync::Arc;

use dnsplan_leadership::WriteId;

use super::node::{Answer, Request};
use super::world::{CLIENTS, World};
use crate::exec::Slot;
use crate::wire::{Op, Peer, Wire};

/// For how long each client goes by what it was last told of the endpoint, in milliseconds. The last one sits behind a resolver that
/// keeps answers for far too long.
const LAGS: [u64; 3] = [200, 600, 8_000];
/// How long a client waits for an answer, in milliseconds.
const PATIENCE: u64 = 1_000;
/// Between two writes of one client, in milliseconds.
const THINKS: u64 = 15;
/// Before it tries again, in milliseconds.
const RETRIES: u64 = 60;

/// Asks a node to write.
pub(super) async fn ask(world: &Arc<World>, actor: u32, index: usize, id: WriteId) -> Answer {
    let reply = Slot::new(&world.core);
    let request = Request { id, client: actor, reply: reply.clone() };
    let late = reply.clone();
    world.core.after(PATIENCE, Box::new(move || late.fill(Answer::Unknown, 0)));
    let there = Arc::clone(world);
    let op = Op { text: "a request".to_owned(), ..Op::write("request") };
    world
        .wire(actor, Peer::Node(index))
        .call(op, move || there.nodes[index].ask(request.clone()), |_| ())
        .await;
    reply.wait().await
}

/// Writes for ever: each write again and again until it is acknowledged, under the same id.
pub(super) async fn write_on(world: Arc<World>, actor: u32) {
    let lag = LAGS[(actor - CLIENTS.start) as usize];
    let wire = world.wire(actor, Peer::Endpoint);
    let (mut node, mut told) = (0, None);
    loop {
        wire.sleep(THINKS).await;
        let id = WriteId::new(world.number());
        loop {
            let now = world.core.now();
            if told.is_none_or(|told| now >= told + lag) {
                node = resolve(&world, &wire).await.unwrap_or(node);
                told = Some(now);
            }
            if let Answer::Done(position, _) = ask(&world, actor, node, id).await {
                let now = world.core.now();
                world.book().order.push((position, actor, now));
                world.core.touch();
                break;
            }
            wire.sleep(RETRIES).await;
        }
    }
}

async fn resolve(world: &Arc<World>, wire: &Wire) -> Option<usize> {
    let there = Arc::clone(world);
    wire.call(Op::read("resolve"), move || Some(there.endpoint().node), |_| None).await
}
