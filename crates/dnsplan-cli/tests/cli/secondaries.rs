//! A fleet of secondaries that follows `dnsplan up`: the real binary, a real NSD, `dig` as the client.

use dnsplan_name_servers::ports::free_address;
use dnsplan_name_servers::{Follower, Following, Key, Secondary};

use crate::harness::{Cell, dig};
use crate::spec::{spec, wait_answer};

#[test]
fn secondaries_are_told_of_each_plan_and_transfer_it() {
    let cell = Cell::new();
    cell.save("spec.toml", &spec(1));
    cell.save("fleet.key", "hmac-sha256:dnsplan-test:bm90IGEgc2VjcmV0LCBidXQgYXMgbG9uZyBhcyBvbmU=");
    let address = free_address().unwrap();
    let notify = address.to_string();
    let key = ["--transfer-key-file", "fleet.key", "--notify", &notify];
    let pace =
        ["--transfer-slots", "2", "--transfer-wait", "5", "--transfer-stall", "5", "--transfer-slowest", "0"];
    let transfer = [&["--allow-transfer", "127.0.0.1"], &key[..], &pace].concat();
    let up = cell.daemon(&[&["up", "spec.toml", "--dns", "127.0.0.1:0"], &transfer[..]].concat());
    let key = Key::sample("hmac-sha256");
    let following = Following { zone: "example.org.", primary: up.addr(), key: Some(&key), source: None };
    let nsd = Secondary::start(Follower::Nsd, address, following).unwrap();
    wait_answer(nsd.address(), 1);
    for mark in 2..5 {
        cell.save("spec.toml", &spec(mark));
        wait_answer(nsd.address(), mark);
    }
    // Whoever has no key is refused, over TCP and UDP.
    let stranger = dig(up.addr(), &["+tcp", "example.org", "AXFR"]);
    assert!(stranger.text.contains("Transfer failed"), "{}", stranger.text);
}

#[test]
fn settings_for_nobody_are_refused() {
    let cell = Cell::new();
    cell.save("spec.toml", &spec(1));
    let up = |rest: &[&str]| cell.run(&[&["up", "spec.toml", "--dns", "127.0.0.1:0"], rest].concat());
    up(&["--notify", "127.0.0.1:5301"]).expect(1).says(&["nobody may transfer", "--allow-transfer"]);
    up(&["--allow-transfer", "everybody"]).expect(64).says(&["192.0.2.0/24"]);
    up(&["--notify", "ns.example:53"]).expect(64).says(&["address of the secondary", "192.0.2.54:5353"]);
    up(&["--transfer-slots", "4"]).expect(1).says(&["nobody may transfer"]);
    up(&["--allow-transfer", "::1", "--transfer-slots", "0"]).expect(64).says(&["--transfer-slots"]);
    up(&["--allow-transfer", "::1", "--transfer-stall", "0"]).expect(64).says(&["--transfer-stall"]);
    up(&["--transfer-key-file", "no.key"]).expect(1).says(&["no.key", "--transfer-key-file"]);
    let beside = cell.run(&["enactor", "--target", "route53:Z1", "--notify", "127.0.0.1:5301"]);
    beside.expect(64).says(&["--notify"]);
    let beside = cell.run(&["enactor", "--target", "route53:Z1", "--transfer-slots", "2"]);
    beside.expect(64).says(&["--transfer-slots"]);
}
