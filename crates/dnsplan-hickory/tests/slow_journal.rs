//! A journal that hangs holds up writes, and no answers.

// Helpers are tests too, as clippy sees it.
#![cfg(test)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use dnsplan_enactor::FenceRecord;
use dnsplan_enactor::conformance::sample_zone;
use dnsplan_fence::{Move, Part, Register, Swap};
use dnsplan_hickory::{DnsServer, Handler, HickoryTarget, Journal, JournalError};
use dnsplan_plan::TargetId;
use hickory_proto::rr::RecordType;

use common::{PATIENCE, client, exchange, part, permit, plan, publish, question};

#[expect(dead_code, reason = "each test binary uses a part of it")]
mod common;

/// Says when a write has come to it, and lets it go on when told; once `hangs` is set.
struct Gate {
    hangs: Arc<AtomicBool>,
    arrived: Mutex<Sender<()>>,
    released: Mutex<Receiver<()>>,
}

impl Journal for Gate {
    fn persist(&self, _: &FenceRecord) -> Result<(), JournalError> {
        if self.hangs.load(Ordering::SeqCst) {
            self.arrived.lock().unwrap().send(()).map_err(JournalError::new)?;
            self.released.lock().unwrap().recv_timeout(PATIENCE).map_err(JournalError::new)?;
        }
        Ok(())
    }
}

#[test]
fn queries_are_answered_while_the_journal_hangs() {
    let hangs = Arc::new(AtomicBool::new(false));
    let ((arrived, arrivals), (release, released)) = (channel(), channel());
    let gate =
        Gate { hangs: Arc::clone(&hangs), arrived: Mutex::new(arrived), released: Mutex::new(released) };
    let target = HickoryTarget::new(TargetId::new("hickory"), "example.".parse().unwrap(), gate);
    publish(&target, &plan(1, sample_zone(1)));

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let handler = Handler::new([target.clone()]).unwrap();
    let server = runtime.block_on(DnsServer::bind("127.0.0.1:0".parse().unwrap(), handler)).unwrap();
    let socket = client(server.local_addr());
    let serial = || {
        let answer = exchange(&socket, &question("example.", RecordType::SOA));
        answer.answers.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let before = serial();
    assert_eq!(before.len(), 1);

    hangs.store(true, Ordering::SeqCst);
    let two = plan(2, sample_zone(2));
    // More writes than workers: if they waited on the workers, nobody would be left to answer.
    let swaps = [(); 3].map(|()| {
        let (target, rider) = (target.clone(), part(&two));
        let permit = permit(&target, &two, Move::Apply(Part::ONLY));
        runtime.spawn(async move { target.swap(permit, rider).await })
    });
    arrivals.recv_timeout(PATIENCE).expect("a write hangs in the journal");
    for _ in 0..10 {
        assert_eq!(serial(), before, "what is not durable is not answered yet");
    }
    assert!(swaps.iter().all(|swap| !swap.is_finished()), "all of this was meanwhile");

    hangs.store(false, Ordering::SeqCst);
    release.send(()).unwrap();
    let outcomes = swaps.map(|swap| runtime.block_on(swap).unwrap().unwrap());
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Swap::Won).count(), 1, "{outcomes:?}");
    assert_ne!(serial(), before);
    runtime.block_on(server.shutdown()).expect("no socket failed");
}
