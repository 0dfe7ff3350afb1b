//! What `dig` gets.

use crate::harness::{Cell, Reply, dig, tcp, udp};
use crate::spec::{BASE, serial, spec};

const OPTIONS: [&[&str]; 3] = [&["+notcp"], &["+tcp"], &["+notcp", "+nocookie", "+noedns"]];

fn assert_answer(reply: &Reply, record_type: &str, data: &[&str]) {
    reply.assert_status("NOERROR");
    assert!(reply.flags.contains("aa"), "{}", reply.text);
    assert_eq!(reply.data(record_type), data, "{}", reply.text);
}

#[test]
fn the_ready_line_names_address_and_zone_and_dig_gets_the_records_of_the_spec() {
    let cell = Cell::new();
    let up = cell.up_with(&spec(1));
    let ready = up.wait_out("ready: ");
    let addr = up.addr();
    assert_eq!(ready, format!("ready: answering on {addr} (UDP and TCP) for example.org. (generation 1)"),);
    for options in OPTIONS {
        let ask = |name, record_type| dig(addr, &[options, &["-q", name, "-t", record_type]].concat());
        assert_answer(&ask("web.example.org", "A"), "A", &["198.51.100.1"]);
        assert_answer(&ask("wEb.EXAMPLE.oRg", "A"), "A", &["198.51.100.1"]);
        assert_answer(&ask("example.org", "TXT"), "TXT", &["\"v=spf1 -all\""]);
        assert_answer(&ask("example.org", "NS"), "NS", &["ns1.example.org."]);
        let soa = "ns1.example.org. hostmaster.example.org. 1 3600 600 604800 60";
        assert_answer(&ask("example.org", "SOA"), "SOA", &[soa]);
        let one = ask("api.example.org", "A");
        assert!(
            matches!(&one.data("A")[..], [one] if one == "192.0.2.11" || one == "192.0.2.12"),
            "{}",
            one.text
        );
        let one = ask("api.example.org", "AAAA");
        assert!(matches!(&one.data("AAAA")[..], [one] if one.starts_with("2001:db8::1")), "{}", one.text);
        let wild = ask("42.tenants.example.org", "A");
        assert_answer(&wild, "CNAME", &["api.example.org."]);
        assert_eq!(wild.data("A").len(), 1, "{}", wild.text);
    }
}

#[test]
fn what_is_not_there_is_denied_as_the_rfcs_say() {
    let cell = Cell::new();
    let up = cell.up_with(&spec(1));
    let addr = up.addr();
    for ask in [udp, tcp] {
        let missing = ask(addr, "nothing.example.org", "A");
        missing.assert_status("NXDOMAIN");
        // RFC 2308: the SOA says for how long that counts, here `soa.minimum` or its TTL, whichever is less.
        assert!(missing.authority[0].starts_with("example.org. 5 IN SOA "), "{}", missing.text);
        for nodata in [ask(addr, "web.example.org", "AAAA"), ask(addr, "tenants.example.org", "A")] {
            nodata.assert_status("NOERROR");
            assert_eq!(nodata.answer, Vec::<String>::new(), "{}", nodata.text);
            assert!(nodata.authority[0].contains(" SOA "), "{}", nodata.text);
        }
        ask(addr, "example.com", "A").assert_status("REFUSED");
        ask(addr, "org", "NS").assert_status("REFUSED");
    }
}

#[test]
fn weights_decide_how_often_an_address_is_the_answer() {
    let cell = Cell::new();
    let up = cell.up_with(&spec(1));
    let addr = up.addr();
    // One dig asks all of them, over one connection.
    let question = ["-q", "api.example.org", "-t", "A"];
    let mut args = vec!["+tcp", "+keepopen", "+short"];
    (0..400).for_each(|_| args.extend(question));
    let text = dig(addr, &args).text;
    let count = |address: &str| text.lines().filter(|line| *line == address).count();
    let (heavy, light) = (count("192.0.2.11"), count("192.0.2.12"));
    assert_eq!(heavy + light, 400, "{text}");
    // 3 to 1, so 300 are expected; the standard deviation is 8.7.
    assert!((240..=360).contains(&heavy), "{heavy} of 400");
}

#[test]
fn what_does_not_fit_a_datagram_is_truncated_and_whole_over_tcp() {
    let cell = Cell::new();
    let many: Vec<String> = (0..60).map(|n| format!("\"203.0.113.{n}\"")).collect();
    let record = format!("[[record]]\nname = \"many\"\ntype = \"A\"\ndata = [{}]\n", many.join(", "));
    let up = cell.up_with(&format!("{BASE}{record}"));
    let addr = up.addr();
    for options in [&["+bufsize=512"][..], &["+noedns"], &["+noedns", "+nocookie"]] {
        let options = [options, &["-q", "many.example.org", "-t", "A"]].concat();
        let cut = dig(addr, &[&["+notcp", "+ignore"], &options[..]].concat());
        assert!(cut.flags.contains("tc") && cut.answer.is_empty(), "{}", cut.text);
        let whole = dig(addr, &options);
        assert!(whole.text.contains("Truncated, retrying in TCP mode"), "{}", whole.text);
        assert!(!whole.flags.contains("tc"), "{}", whole.text);
        assert_eq!(whole.data("A").len(), 60, "{}", whole.text);
    }
    let fits = dig(addr, &["+notcp", "+ignore", "+bufsize=1232", "-q", "many.example.org", "-t", "A"]);
    assert_eq!((fits.data("A").len(), fits.flags.contains("tc")), (60, false), "{}", fits.text);
}

#[test]
fn odd_requests_get_the_answers_that_resolvers_expect() {
    let cell = Cell::new();
    let up = cell.up_with(&spec(1));
    let addr = up.addr();
    let ask = |args: &[&str]| dig(addr, args);
    // RFC 8482: one RRset is enough of an answer to ANY.
    for transport in ["+tcp", "+notcp"] {
        let any = ask(&[transport, "-q", "example.org", "-t", "ANY"]);
        any.assert_status("NOERROR");
        assert_eq!(any.answer.len(), 1, "{}", any.text);
    }
    for opcode in ["+opcode=notify", "+opcode=update", "+opcode=status"] {
        ask(&["+noidnin", opcode, "-q", "example.org", "-t", "SOA"]).assert_status("NOTIMP");
    }
    ask(&["-q", "version.bind", "-t", "TXT", "-c", "CH"]).assert_status("REFUSED");
    ask(&["+edns=1", "+noednsnegotiation", "-q", "example.org", "-t", "SOA"]).assert_status("BADVERS");
    ask(&["+dnssec", "-q", "web.example.org", "-t", "A"]).assert_status("NOERROR");
    let transfer = ask(&["+tcp", "-q", "example.org", "-t", "AXFR"]);
    assert!(transfer.text.contains("Transfer failed"), "{}", transfer.text);
    assert_eq!(serial(addr), 1);
}
