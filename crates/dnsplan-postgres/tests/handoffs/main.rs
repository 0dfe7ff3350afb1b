//! Hand-offs under load at a real server. `cargo xtask handoff-postgres` does the same for longer, and prints what it takes.

#![expect(clippy::unwrap_used, reason = "test code, helpers outside test functions too")]

mod load;

use dnsplan_postgres_server::Server;
use load::{Form, HEADER, LEAKING, Plan, SHIPPED};

/// How many hand-offs a form that is to leak gets until it does.
const BOUND: u64 = 500;

/// Runs it, and holds it to what the command is held to.
async fn run(form: Form, drains: bool, handoffs: u64) {
    // fsync as in production: it is what makes commits wait, and so overlap.
    let server = Server::start(&[]).unwrap_or_else(|error| panic!("{error}"));
    let until_leak = (!form.is_shipped()).then_some(BOUND);
    let plan = Plan { form, drains, handoffs, until_leak, writers: 8 };
    let report = load::run(server.address(), plan).await.unwrap();
    assert!(report.rows > 0 && report.handoffs >= handoffs, "{report:?}");
    assert_eq!(report.faults(None), [""; 0], "{HEADER:?}: {:?}", report.cells());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g9_drained_hand_offs_under_load_leave_no_late_row_and_abort_no_write() {
    let [read_committed, ..] = SHIPPED;
    run(read_committed, true, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g9_writers_that_hear_of_nothing_are_fenced_at_every_level_and_leave_no_late_row() {
    for form in SHIPPED {
        run(form, false, 50).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_forms_that_are_in_use_elsewhere_leak_under_the_same_load() {
    for form in LEAKING {
        run(form, false, 10).await;
    }
}
