//! The gate, in every interleaving of its writers and of who closes, opens and waits.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use dnsplan_fence::Generation;
use loom::sync::Notify;

use crate::race::{DRAINED, FIRST, NOT_DRAINED, Race, Reports, note, three_writers, writers_and_freezer};
use crate::{Met, exhaust};

const SECOND: Generation = Generation::new(2);

/// Wakes a thread of the model.
pub(crate) struct Bell(Notify);

impl Bell {
    pub(crate) fn new() -> Self {
        Self(Notify::new())
    }

    /// Sleeps until it is woken; for ever is a deadlock, which loom reports.
    pub(crate) fn wait(&self) {
        self.0.wait();
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

fn wait(race: &Race) {
    let bell = Arc::new(Bell::new());
    let waker = Waker::from(Arc::clone(&bell));
    while race.gate.poll_drained(FIRST, &mut Context::from_waker(&waker)) == Poll::Pending {
        bell.wait();
    }
}

#[test]
fn g9_two_writers_and_a_freezer() {
    static MET: Met = Met::nothing();
    exhaust("two_writers_and_a_freezer", &MET, || writers_and_freezer(2, |reports| note(&MET, reports)));
    MET.must_have(&[DRAINED, DRAINED + 1, DRAINED + 2, NOT_DRAINED]);
}

/// Whoever waits is woken: in no execution does it sleep for ever.
#[test]
fn g9_a_drain_is_waited_for_and_never_missed() {
    static MET: Met = Met::nothing();
    exhaust("a_drain_is_waited_for", &MET, || {
        let race = Race::new(2, |reports| {
            assert!(reports.at_the_drain.is_some(), "it never ended");
            note(&MET, reports);
        });
        (0..2).for_each(|writer| race.spawn(move |race| race.write(writer, FIRST)));
        race.gate.close(FIRST);
        wait(&race);
        race.look();
    });
    MET.must_have(&[DRAINED, DRAINED + 1, DRAINED + 2]);
}

/// Somebody else closes the gate than waits for it.
#[test]
fn g9_a_close_by_somebody_else_is_not_missed() {
    static MET: Met = Met::nothing();
    exhaust("a_close_by_somebody_else", &MET, || {
        let race = Race::new(1, |reports| note(&MET, reports));
        race.spawn(|race| race.write(0, FIRST));
        race.spawn(|race| race.gate.close(FIRST));
        wait(&race);
        race.look();
    });
    MET.must_have(&[DRAINED, DRAINED + 1]);
}

/// The gate opens for the second generation once the first has drained. A writer of the first that comes late, and a close
/// that comes late, change nothing; a writer of the second finds whole what those of the first have written.
#[test]
fn g9_a_later_generation_lets_nobody_of_an_earlier_one_in() {
    const SECOND_ENTERED: u32 = 4;
    static MET: Met = Met::nothing();
    exhaust("a_later_generation", &MET, || {
        let race = Race::new(1, |reports| note(&MET, reports));
        race.spawn(|race| race.write(0, FIRST));
        race.spawn(|race| {
            let entered = race.gate.enter(SECOND);
            MET.note(SECOND_ENTERED, entered.is_ok());
            if entered.is_ok() {
                race.look();
            }
        });
        race.gate.close(FIRST);
        if race.gate.open(SECOND).is_ok() {
            race.gate.close(FIRST);
            assert!(race.gate.is_open(SECOND), "closed by what came late");
        }
    });
    MET.must_have(&[DRAINED, DRAINED + 1, NOT_DRAINED, SECOND_ENTERED]);
}

#[test]
fn g9_three_writers_and_a_freezer_seldom_interrupted() {
    three_writers(Some(3));
}
