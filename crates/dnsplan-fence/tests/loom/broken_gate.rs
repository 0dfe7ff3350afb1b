//! What the gate is not. Each must fail, by the assertion that names the damage.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::sync::Mutex;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::gate::Bell;
use crate::{Met, exhaust};

/// Broken: whether it is closed and how many are inside are two words.
#[derive(Default)]
struct TwoWords {
    is_closed: AtomicBool,
    inside: AtomicUsize,
    has_written: AtomicBool,
}

impl TwoWords {
    fn write(&self) {
        if self.is_closed.load(Ordering::SeqCst) {
            return;
        }
        self.inside.fetch_add(1, Ordering::SeqCst);
        self.has_written.store(true, Ordering::SeqCst);
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
#[should_panic(expected = "a write came after the drain")]
fn a_gate_of_two_words_must_fail() {
    static MET: Met = Met::nothing();
    exhaust("a_gate_of_two_words", &MET, || {
        let gate = Arc::new(TwoWords::default());
        let writer = Arc::clone(&gate);
        let writer = loom::thread::spawn(move || writer.write());
        gate.is_closed.store(true, Ordering::SeqCst);
        let is_drained = gate.inside.load(Ordering::SeqCst) == 0;
        let at_the_drain = gate.has_written.load(Ordering::SeqCst);
        writer.join().expect("no panic");
        let in_the_end = gate.has_written.load(Ordering::SeqCst);
        assert!(!is_drained || at_the_drain == in_the_end, "a write came after the drain");
    });
}

/// Broken: who waits leaves its waker after the only look.
struct OneLook {
    inside: AtomicUsize,
    waiting: Mutex<Option<Waker>>,
}

impl OneLook {
    fn leave(&self) {
        if self.inside.fetch_sub(1, Ordering::AcqRel) == 1 {
            let waiting = self.waiting.lock().expect("unpoisoned").take();
            waiting.into_iter().for_each(Waker::wake);
        }
    }

    fn poll(&self, context: &Context<'_>) -> Poll<()> {
        if self.inside.load(Ordering::Acquire) == 0 {
            return Poll::Ready(());
        }
        *self.waiting.lock().expect("unpoisoned") = Some(context.waker().clone());
        Poll::Pending
    }
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_wait_that_looks_once_must_fail() {
    static MET: Met = Met::nothing();
    exhaust("a_wait_that_looks_once", &MET, || {
        let gate = Arc::new(OneLook { inside: AtomicUsize::new(1), waiting: Mutex::new(None) });
        let writer = Arc::clone(&gate);
        loom::thread::spawn(move || writer.leave());
        let bell = Arc::new(Bell::new());
        let waker = Waker::from(Arc::clone(&bell));
        while gate.poll(&Context::from_waker(&waker)) == Poll::Pending {
            bell.wait();
        }
    });
}
