//! Saving the spec while `up` runs.

use crate::harness::{Cell, udp, wait_for};
use crate::spec::{OTHER_ZONE, answer, serial, spec, two_zones, wait_answer, web};

#[test]
fn saving_the_spec_changes_the_answers() {
    let cell = Cell::new();
    let up = cell.up_with(&spec(1));
    let addr = up.addr();
    assert_eq!(answer(addr), [web(1)]);
    let saves: [fn(&Cell, &str, &str); 2] = [Cell::save, Cell::replace];
    for (mark, save) in (2..8).zip(saves.iter().cycle()) {
        save(&cell, "spec.toml", &spec(mark));
        wait_for("the new answer", || (answer(addr) == [web(mark)]).then_some(()));
        assert_eq!(serial(addr), u64::from(mark), "one save, one generation");
    }
}

/// A slip of the pen, and what has to be said about it.
struct Slip {
    text: String,
    /// The line that is wrong.
    line: usize,
    what: &'static str,
    help: &'static str,
}

fn slips() -> Vec<Slip> {
    let good = spec(1);
    let (line_of, end) =
        (|part: &str| 1 + good.lines().position(|line| line.contains(part)).unwrap(), good.lines().count());
    let more =
        |text: &str, line, what, help| Slip { text: format!("{good}{text}\n"), line: end + line, what, help };
    let instead =
        |was: &str, is, what, help| Slip { text: good.replace(was, is), line: line_of(was), what, help };
    let again = "\n[[record]]\nname = \"web\"\ntype = \"A\"\ndata = \"198.51.100.9\"";
    vec![
        more("ttl = [", 1, "syntax", "help: "),
        more("tll = 5", 1, "unknown key `tll`", "help: did you mean `ttl`?"),
        instead("198.51.100.1", "198.51.100.256", "is no A data", "help: "),
        instead(
            "name = \"web\"",
            "name = \"web.example.com.\"",
            "lies outside the zone example.org.",
            "help: ",
        ),
        more(again, 3, "duplicate", "help: remove one of the two"),
        instead("{ blue = 1 }", "{ bleu = 1 }", "bleu", "help: "),
    ]
}

#[test]
fn g5_a_broken_spec_is_reported_the_old_answers_stay_and_a_mended_one_goes_live() {
    let cell = Cell::new();
    let mut up = cell.up_with(&spec(1));
    let addr = up.addr();
    for (mark, Slip { text, line, what, help }) in (2..).zip(slips()) {
        let before = (answer(addr), serial(addr));
        up.hush();
        cell.save("spec.toml", &text);
        let told = up.wait_err(&format!("spec.toml:{line}:"));
        assert!(told.contains("error: ") && told.contains(what), "{told}");
        up.wait_err(help);
        up.wait_err("the old answers stay");
        assert_eq!((answer(addr), serial(addr)), before, "after {what}");
        up.assert_alive();
        cell.save("spec.toml", &spec(mark));
        wait_answer(addr, mark);
        assert_eq!(serial(addr), u64::from(mark));
    }
}

#[test]
fn the_same_trouble_is_told_once_for_each_edit() {
    let cell = Cell::new();
    let up = cell.up_with(&spec(1));
    let slip = |key: &str| format!("{}{key} = 5\n", spec(1));
    // The second time from another slip, the third time from a spec that is fine, and has been all along.
    for text in [slip("tll"), slip("tpye"), slip("tll"), spec(1), slip("tll")] {
        up.hush();
        cell.save("spec.toml", &text);
        match text.lines().last().unwrap() {
            slip if slip.ends_with("= 5") => {
                drop(up.wait_err(&format!("unknown key `{}`", &slip[..slip.len() - 4])))
            }
            _ => drop(up.wait_out("nothing to do")),
        }
    }
    cell.save("spec.toml", &spec(2));
    wait_answer(up.addr(), 2);
    assert_eq!(up.err().matches("unknown key").count(), 1, "{}", up.err());
}

#[test]
fn a_refusal_in_each_of_two_zones_is_told_once() {
    let cell = Cell::new();
    let up = cell.up_with(&two_zones(1));
    cell.ok(&["freeze", "--reason", "incident", "--author", "ada"]);
    cell.save("spec.toml", &two_zones(2).replace("203.0.113.80", "203.0.113.81"));
    up.wait_err("frozen by ada");
    cell.ok(&["unfreeze"]);
    wait_answer(up.addr(), 2);
    assert_eq!(up.err().matches("frozen by ada").count(), 1, "{}", up.err());
}

#[test]
fn a_spec_that_goes_away_takes_nothing_with_it() {
    let cell = Cell::new();
    let mut up = cell.up_with(&spec(1));
    std::fs::remove_file(cell.path("spec.toml")).unwrap();
    up.wait_err("cannot read spec.toml");
    assert_eq!(answer(up.addr()), [web(1)]);
    up.assert_alive();
    cell.save("spec.toml", &spec(2));
    wait_answer(up.addr(), 2);
}

#[test]
fn the_same_content_in_other_words_makes_no_plan() {
    let cell = Cell::new();
    let up = cell.up_with(&spec(1));
    cell.save("spec.toml", &format!("# a comment\n{}", spec(1)));
    // The edit after it shows that the one before was looked at and made nothing.
    cell.ok(&["plan", "spec.toml"]);
    cell.save("spec.toml", &spec(2));
    wait_answer(up.addr(), 2);
    assert_eq!(serial(up.addr()), 2);
}

#[test]
fn a_zone_that_is_added_while_it_runs_is_served() {
    let cell = Cell::new();
    let mut up = cell.up_with(&spec(1));
    let addr = up.addr();
    let www = || udp(addr, "www.example.net", "A");
    www().assert_status("REFUSED");
    cell.save("spec.toml", &two_zones(1));
    wait_for("the new zone", || (www().data("A") == ["203.0.113.80"]).then_some(()));
    assert_eq!(serial(addr), 1, "the zone that was there is left alone");
    // Taking it out of the spec again changes nothing that is live.
    cell.save("spec.toml", &spec(7));
    wait_answer(addr, 7);
    assert_eq!(www().data("A"), ["203.0.113.80"]);
    up.assert_alive();
}

#[test]
fn a_zone_that_somebody_else_publishes_is_served() {
    let cell = Cell::new();
    let up = cell.up_with(&spec(1));
    cell.save("other.toml", OTHER_ZONE);
    cell.ok(&["publish", "other.toml"]);
    let www = || udp(up.addr(), "www.example.net", "A").data("A");
    wait_for("the new zone", || (www() == ["203.0.113.80"]).then_some(()));
}
