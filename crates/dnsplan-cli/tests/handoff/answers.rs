//! What cannot be done is said clearly, and nothing is begun; and what goes wrong on the way ends in one of two ways.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::bed::{Bed, file};
use crate::harness::{Cell, number, wait_for, wait_within};
use crate::load::{Form, Load, judge};

/// Longer than a successor may take.
const LONG: Duration = Duration::from_secs(20);

#[test]
fn g9_a_role_goes_there_and_back_and_what_cannot_be_is_said() {
    let bed = Bed::new();
    let handoff = |args: &[&str]| bed.cell.run(&[&["handoff", "pair.toml"], args].concat());
    let status = handoff(&[]).expect(0).out;
    assert!(status.contains("nobody ever led"), "{status}");
    handoff(&["--resume"]).expect(1).says(&["nobody ever led"]);
    bed.until_follows("b");
    handoff(&["--to", "b"]).expect(4).says(&["b is a replica: the first epoch is for the primary"]);
    handoff(&["--to", "c"]).expect(1).says(&["there is no node c; the file has a, b"]);
    let first = handoff(&["--to", "a"]).expect(0).out;
    assert!(
        first.contains("orders: granted; a leads under epoch 1, and writer.db.example. leads to it"),
        "{first}"
    );
    handoff(&["--to", "a"]).expect(4).says(&["a leads already"]);

    let load = Load::start(&bed, 2);
    bed.until_follows("b");
    let there = handoff(&["--to", "b"]).expect(0).out;
    assert!(there.contains("promoted; b leads under epoch 2"), "{there}");
    let refused = handoff(&["--to", "a"]).expect(4).err;
    assert!(
        refused.contains("a takes writes itself, on timeline 1: make it a replica of the holder"),
        "{refused}"
    );
    let old = bed.refusal("a", "SELECT dnsplan_fence.enter('orders', 1)");
    assert!(old.starts_with("FE001 epoch 1 of orders is over"), "{old}");
    let old = bed.refusal("a", "SELECT dnsplan_fence.enter('orders', 2)");
    assert!(old.starts_with("FE004 orders is not written here under epoch 2"), "{old}");

    bed.settle();
    let back = bed.cell.json(&["handoff", "pair.toml", "--to", "a"]);
    assert_eq!((&back["outcome"], number(&back["epoch"])), (&"promoted".into(), 3), "{back}");
    // The generations of the endpoint's zone are the epochs.
    assert_eq!(bed.cell.head(), 3);
    judge(&bed, Form::Fenced, &load.end(&bed)).unwrap();
}

#[test]
fn g9_a_promotion_that_does_not_come_is_rolled_back_under_a_new_epoch() {
    let bed = Bed::led();
    let load = Load::start(&bed, 2);
    bed.until_follows("b");
    let command = bed.cell.start(&["handoff", "pair.toml", "--to", "b"]);
    command.wait_out("freezing");
    bed.node("b").stop();
    let ended = command.finish().expect(1);
    bed.node("b").go_on();
    assert!(ended.out.contains("orders: rolled back; a leads under epoch 2"), "{ended:?}");
    assert_eq!(bed.holder(), "a");
    bed.settle();
    // Nothing has to be mended before the next one.
    bed.cell.run(&["handoff", "pair.toml", "--to", "b"]).expect(0);
    judge(&bed, Form::Fenced, &load.end(&bed)).unwrap();
}

#[test]
fn g9_whoever_is_not_fit_keeps_a_hand_off_from_being_begun() {
    let bed = Bed::led();
    let to_b = |file: &str| bed.cell.run(&["handoff", file, "--to", "b"]);
    bed.until_follows("b");
    let at = ["a", "b", "register"].map(|name| bed.address(name));
    bed.cell.save("strict.toml", &file(&at, &bed.dns.addr().to_string(), "lag_bytes = 1\n"));
    bed.sql("b", "SELECT pg_wal_replay_pause()");
    bed.sql("a", "CREATE TABLE noise AS SELECT generate_series(1, 1000)");
    let lag = to_b("strict.toml").expect(4).err;
    assert!(
        lag.contains("not qualified, nothing was begun: b has ")
            && lag.contains(" bytes of the log to replay"),
        "{lag}"
    );
    bed.sql("b", "SELECT pg_wal_replay_resume()");

    bed.node("b").kill();
    to_b("pair.toml").expect(4).says(&["b does not answer"]);
    bed.node("b").start().unwrap();
    bed.until_follows("b");

    // Two at once: the first is stopped after it has frozen the epoch.
    let first = bed.cell.start(&["handoff", "pair.toml", "--to", "b"]);
    first.wait_out("freezing");
    first.signal("STOP");
    // It may have come to its end, where it was quick.
    let second = to_b("pair.toml");
    first.signal("CONT");
    let first = first.finish().expect(0);
    assert!(first.out.contains("b leads under epoch 2"), "{first:?}");
    assert!(second.code == Some(3) || second.code == Some(4), "{second:?}");
    assert!(second.err.contains("is under way") || second.err.contains("b leads already"), "{second:?}");

    // Sealed past the record: it says so, and a hand-off heals it.
    bed.settle();
    bed.sql("b", "SELECT dnsplan_fence.seal('orders', 2)");
    let status = bed.cell.ok(&["handoff", "pair.toml"]);
    assert!(
        status.contains("b refuses epoch 2, though the record grants it: somebody else has sealed it"),
        "{status}"
    );
    let healed = bed.cell.run(&["handoff", "pair.toml", "--to", "a"]).expect(0).out;
    assert!(healed.contains("promoted; a leads under epoch 3"), "{healed}");

    bed.node("register").kill();
    bed.cell.run(&["handoff", "pair.toml", "--to", "b"]).expect(1).says(&["the register"]);
}

#[test]
fn g9_whoever_is_promoted_by_hand_takes_no_writes_and_is_told_of_within_a_poll() {
    let bed = Bed::led();
    bed.until_follows("b");
    let metrics = dnsplan_name_servers::ports::free_address().unwrap();
    let steward =
        bed.cell.start(&["steward", "pair.toml", "--poll", "100", "--metrics", &metrics.to_string()]);
    steward.wait_out("ready: watching orders on 2 nodes");
    let says = |line: &str| wait_for(line, || scrape(metrics).lines().any(|said| said == line).then_some(()));
    says("dnsplan_role_epoch{role=\"orders\"} 1");
    says("dnsplan_role_holder{role=\"orders\",node=\"a\"} 1");
    says("dnsplan_role_advertised{role=\"orders\",node=\"a\"} 1");
    says("dnsplan_role_writer{role=\"orders\",node=\"b\"} 0");
    says("dnsplan_role_alarm{role=\"orders\",alarm=\"two-writers\"} 0");
    let load = Load::start(&bed, 2);
    bed.sql("b", "SELECT pg_promote()");
    steward.wait_out("alarm raised: two-writers: a and b claim to be the writer at once");
    says("dnsplan_role_alarm{role=\"orders\",alarm=\"two-writers\"} 1");
    says("dnsplan_role_writer{role=\"orders\",node=\"b\"} 1");
    says("dnsplan_role_open{role=\"orders\",node=\"b\"} 0");
    says("dnsplan_role_open{role=\"orders\",node=\"a\"} 1");
    for sql in ["SELECT dnsplan_fence.open_epoch('orders')", "SELECT dnsplan_fence.enter('orders', 1)"] {
        let refused = bed.refusal("b", sql);
        assert!(refused.starts_with("FE004 orders is not written here"), "{refused}");
    }
    says("dnsplan_role_refused_total{role=\"orders\",node=\"b\"} 1");
    let row = "INSERT INTO orders VALUES ('00000000-0000-0000-0000-0000000000ff', 9, 1)";
    let refused = bed.refusal("b", row);
    assert!(refused.starts_with("FE002 "), "{refused}");
    let status = bed.cell.ok(&["handoff", "pair.toml"]);
    assert!(status.contains("note: b is a primary, on timeline 2, and does not lead"), "{status}");
    bed.settle();
    wait_for("the alarm to be over", || steward.out().contains("alarm cleared: two-writers").then_some(()));
    judge(&bed, Form::Fenced, &load.end(&bed)).unwrap();
}

/// What Prometheus would be told; nothing where nobody answers yet.
fn scrape(at: SocketAddr) -> String {
    let Ok(mut stream) = TcpStream::connect(at) else { return String::new() };
    let mut said = String::new();
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    stream.read_to_string(&mut said).unwrap();
    said
}

#[test]
fn g9_a_writer_that_was_started_anew_is_opened_again_by_whoever_looks() {
    let bed = Bed::led();
    bed.node("a").kill();
    bed.node("a").start().unwrap();
    let status = bed.cell.ok(&["handoff", "pair.toml"]);
    assert!(status.contains("a leads, and accepts nothing: it was started anew"), "{status}");
    bed.cell.run(&["handoff", "pair.toml", "--resume"]).expect(0);
    let status = bed.cell.ok(&["handoff", "pair.toml"]);
    assert!(status.contains("takes writes under epoch 1"), "{status}");
}

#[test]
fn g9_a_hand_off_that_was_left_is_finished_by_another() {
    let bed = Bed::led();
    bed.until_follows("b");
    let mut first = bed.cell.start(&["handoff", "pair.toml", "--to", "b"]);
    first.wait_out("sealing");
    first.kill();
    let status = bed.status();
    if !status["state"].as_str().unwrap().contains("promoted") {
        bed.cell.run(&["handoff", "pair.toml", "--to", "b"]).expect(3).says(&["is under way", "--resume"]);
    }
    let resumed = bed.cell.run(&["handoff", "pair.toml", "--resume"]).expect(0).out;
    assert!(resumed.contains("promoted; b leads under epoch 2"), "{resumed}");
    wait_within(LONG, "the end", || (bed.settle()["leads_to"] == "b").then_some(()));
}

#[test]
fn g9_the_record_may_be_in_the_plan_store_and_nobody_else_publishes_the_endpoint() {
    let bed = Bed::new();
    let at = ["a", "b", "register"].map(|name| bed.address(name));
    let pair = file(&at, &bed.dns.addr().to_string(), "");
    let postgres = pair.lines().find(|line| line.contains("dbname=postgres")).unwrap();
    bed.cell.save("pair.toml", &pair.replacen(postgres, "store = true", 1));
    bed.until_follows("b");
    bed.cell.run(&["handoff", "pair.toml", "--to", "a"]).expect(0);
    bed.until_follows("b");
    let there = bed.cell.run(&["handoff", "pair.toml", "--to", "b"]).expect(0).out;
    assert!(there.contains("promoted; b leads under epoch 2"), "{there}");
    // Somebody publishes the endpoint's zone by hand.
    let spec = std::fs::read_to_string(bed.cell.path("writer.toml")).unwrap();
    bed.cell.save("hand.toml", &spec.replace("{writer}", "192.0.2.1"));
    bed.cell.ok(&["publish", "hand.toml"]);
    let refused = bed.cell.run(&["handoff", "pair.toml", "--to", "a"]).expect(1);
    refused.says(&[
        "db.example. is at generation 3 in the plan store, and the role is at epoch 2",
        "use a zone of its own",
    ]);
}

#[test]
fn a_file_that_is_wrong_is_told_by_its_line() {
    let (cell, at) =
        (Cell::new(), ["127.0.1.1:1", "127.0.1.2:1", "127.0.1.3:1"].map(|at| at.parse().unwrap()));
    cell.save("writer.toml", "[zone.\"db.example.\"]\nns = [\"ns1\"]\n");
    let good = file(&at, "127.0.0.1:53", "");
    for (from, to, parts) in [
        ("[limits]", "[limit]", &["pair.toml:23: unknown field `limit`", "docs/handoff.md"] as &[&str]),
        ("role = \"orders\"", "role = \"Orders!\"", &["pair.toml:2: \"Orders!\""]),
        ("name = \"b\"", "name = \"a\"", &["pair.toml:14: there are two nodes a"]),
        ("address = \"127.0.1.2\"", "address = \"nowhere\"", &["pair.toml:16: \"nowhere\""]),
        (
            "address = \"127.0.1.2\"",
            "address = \"127.0.1.1\"",
            &["pair.toml:16: two nodes have the address 127.0.1.1"],
        ),
        ("host=127.0.1.2", "host=127.0.1.2,127.0.1.9", &["pair.toml:15: ", "names 2 hosts; name one server"]),
        (
            "abandoned_seconds = 1",
            "abandoned_seconds = 9",
            &["`catch_up_seconds` has to be above `abandoned_seconds`"],
        ),
        ("[register]\npostgres", "[register]\nstore = false\n#", &["pair.toml:6: write `store = true`"]),
        (
            "tables",
            "tables",
            &["writer.toml: nothing in it says where the writer is; write `data = \"{writer}\"`"],
        ),
    ] {
        assert!(good.contains(from), "{from}");
        cell.save("pair.toml", &good.replacen(from, to, 1));
        cell.run(&["handoff", "pair.toml"]).expect(1).says(parts);
    }
    cell.save("pair.toml", &good);
    cell.save("writer.toml", "[zone.\"db.example.\"]\nns = [\"ns1\"]\n[[record]]\nname = \"writer\"\ntype = \"B\"\ndata = \"{writer}\"\n");
    cell.run(&["handoff", "pair.toml"]).expect(1).says(&["writer.toml:5:"]);
}
