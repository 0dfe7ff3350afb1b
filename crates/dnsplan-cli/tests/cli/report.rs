//! `simulate --report`: the page, opened in a browser.

use std::fs;
use std::process::{Command, Stdio};

use crate::harness::{Cell, Daemon};

/// The phone: 360 CSS pixels wide.
const PHONE: usize = 360;

/// What became of a page in the browser.
struct Opened {
    /// The document, after its scripts ran.
    dom: String,
    /// What its scripts, or the browser about it, wrote to the console.
    console: Vec<String>,
}

/// Opens a file of the cell in Chromium, without a window, a network or a past.
fn open(cell: &Cell, name: &str) -> Opened {
    let path = std::env::var_os("PATH").unwrap_or_default();
    assert!(
        std::env::split_paths(&path).any(|dir| dir.join("chromium").is_file()),
        "there is no `chromium`: `cargo xtask test` installs it"
    );
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.args(["--disable-crash-reporter", "--hide-scrollbars", "--enable-logging=stderr"]);
    command.args(["--window-size=1280,800", "--virtual-time-budget=5000", "--dump-dom"]);
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    command.arg(format!("file://{}", cell.path(name).display()));
    command.env("HOME", profile.path()).stdin(Stdio::null());
    let run = Daemon::of(command, Stdio::piped()).finish().expect(0);
    assert!(run.out.contains("</html>"), "the browser shows nothing: {run:#?}");
    let console = run.err.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
    Opened { dom: run.out, console }
}

/// A cell with `out.html`, the report of a run that ends with this exit code.
fn report(switches: &[&str], code: i32) -> Cell {
    let cell = Cell::new();
    let args = ["simulate", "--delayed-enactor", "--seed", "7", "--report", "out.html"];
    cell.run(&[&args, switches].concat()).expect(code);
    cell
}

fn read(cell: &Cell, name: &str) -> String {
    fs::read_to_string(cell.path(name)).unwrap()
}

/// Saves a copy of the report with something added at its end.
fn save_with(cell: &Cell, name: &str, added: &str) {
    let page = read(cell, "out.html");
    assert!(page.contains("</body>"));
    cell.save(name, &page.replace("</body>", &format!("{added}</body>")));
}

/// The values of an attribute.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    page.split(start.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// What stands between two marks.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let rest = page.split_once(from).unwrap_or_else(|| panic!("no {from:?} in\n{page}")).1;
    rest.split_once(to).unwrap_or_else(|| panic!("no {to:?} after {from:?}")).0
}

/// How wide the window is, and how wide the page, on a phone. The browser has no window that narrow, but frames.
fn on_a_phone(cell: &Cell, added: &str) -> (usize, usize) {
    let tell = "<script>addEventListener('load', () => \
                parent.postMessage(innerWidth + ' ' + document.documentElement.scrollWidth, '*'))</script>";
    save_with(cell, "phone.html", &format!("{added}{tell}"));
    let frame = format!(
        "<!DOCTYPE html><title>none</title><script>onmessage = (event) => {{ document.title = event.data }}</script>\
         <iframe src=\"phone.html\" style=\"border: 0; width: {PHONE}px; height: 800px\"></iframe>"
    );
    cell.save("frame.html", &frame);
    let told = open(cell, "frame.html").dom;
    let mut numbers = between(&told, "<title>", "</title>").split(' ').map(|number| number.parse::<usize>());
    let mut number = || numbers.next().unwrap_or_else(|| panic!("two numbers in\n{told}")).unwrap();
    (number(), number())
}

#[test]
fn the_report_shows_who_was_refused() {
    let cell = report(&[], 0);
    let Opened { dom, console } = open(&cell, "out.html");
    assert_eq!(console, [""; 0], "nothing to complain about");
    assert!(between(&dom, "<p class=\"verdict", "</p>").contains("never empty, never backwards"));
    for lane in ["enactor-1", "enactor-2", "enactor-3", "planner-1"] {
        let lane = between(&dom, &format!("aria-label=\"{lane}\">"), "</g>");
        assert!(lane.contains("<use class=\"mark "), "nobody does nothing: {lane}");
    }
    let flags: Vec<&str> = dom.split("<a class=\"flag refusal\"").skip(1).collect();
    let is_late = |flag: &&str| between(flag, "", "</a>").contains("enactor-1 refused: offers 146, ");
    assert!(flags.iter().any(is_late), "{flags:#?}");
    assert!(dom.contains("<use class=\"mark refused\""));
    // The script ran: the filter is there, and counts what it shows.
    let filter = between(&dom, "<form id=\"filter\"", "</form>");
    assert!(!filter.split('>').next().unwrap_or_default().contains("hidden"), "{filter}");
    assert!(between(filter, "id=\"filter-count\"", "</p>").contains(" entries"), "{filter}");
}

#[test]
fn the_report_of_a_broken_run_says_what_broke() {
    let cell = report(&["--without", "apply-fence"], 5);
    let Opened { dom, console } = open(&cell, "out.html");
    assert_eq!(console, [""; 0], "nothing to complain about");
    let verdict = between(&dom, "<p class=\"verdict", "</p>");
    assert!(verdict.contains("BROKEN: "), "{verdict}");
    assert!(dom.contains("<code>apply-fence</code>"), "what was switched off is said");
    assert!(dom.contains("<a class=\"flag breach\"") && dom.contains("BROKEN: DNS went backwards"));
    assert!(!dom.contains("never empty, never backwards"));
}

/// What a script finds out in a copy of the report.
fn told(cell: &Cell, script: &str) -> String {
    save_with(cell, "asked.html", &format!("<script>document.title = (() => {{ {script} }})()</script>"));
    let Opened { dom, console } = open(cell, "asked.html");
    assert_eq!(console, [""; 0], "nothing to complain about");
    between(&dom, "<title>", "</title>").to_owned()
}

#[test]
fn marks_are_reached_with_the_keyboard_and_say_what_they_are() {
    let cell = report(&[], 0);
    let told = told(
        &cell,
        "const stops = (lane) => lane.querySelectorAll('.item[tabindex=\"0\"]').length;
         const lanes = [...document.querySelectorAll('.plot g[role=group]')];
         const lane = lanes.find((lane) => lane.querySelectorAll('.item').length > 2);
         const [first, second] = lane.querySelectorAll('.item');
         first.focus();
         first.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
         const tip = document.querySelector('.tip');
         return [
           lanes.every((lane) => stops(lane) <= 1),
           document.activeElement === second,
           !tip.hidden && tip.textContent === second.getAttribute('aria-label'),
         ].join()",
    );
    assert_eq!(told, "true,true,true", "one stop a lane; arrows go on; the tooltip follows");
}

#[test]
fn the_timeline_is_filtered_by_actor_and_a_link_brings_a_row_back() {
    let cell = report(&[], 0);
    let told = told(
        &cell,
        "const rows = [...document.querySelectorAll('#timeline-rows tr')];
         const seen = (actor) => rows.filter((row) => row.dataset.actor === actor && !row.hidden).length;
         const all = rows.filter((row) => !row.hidden).length;
         const [row] = rows.filter((row) => row.classList.contains('detail'));
         const [before, wasHidden] = [seen('0'), row.hidden];
         document.querySelector('[name=actor][value=\"0\"]').click();
         const after = rows.filter((row) => !row.hidden).length;
         const [none, count] = [seen('0'), document.getElementById('filter-count').textContent];
         location.hash = row.id;
         dispatchEvent(new Event('hashchange'));
         return [
           before > 0 && none === 0 && after === all - before,
           count === `${after} of ${rows.length} entries`,
           wasHidden && !row.hidden && seen('0') >= before,
         ].join()",
    );
    assert_eq!(told, "true,true,true", "its rows go, the count follows; the link shows all again");
}

#[test]
fn the_report_needs_no_network() {
    let cell = report(&[], 0);
    let page = read(&cell, "out.html");
    let addresses = [values(&page, "src"), values(&page, "href")].concat();
    assert!(addresses.len() > 20, "marks lead somewhere");
    for address in addresses {
        assert!(address.starts_with('#') || address.starts_with("data:"), "{address}");
    }
    // And if it asked for something after all, that would be refused, and be heard.
    save_with(&cell, "asks.html", "<script>fetch('data:,').catch(() => {})</script>");
    let console = open(&cell, "asks.html").console;
    assert!(console.iter().any(|line| line.contains("Content Security Policy")), "{console:#?}");
}

#[test]
fn every_link_of_the_report_leads_somewhere() {
    for (switches, code) in [(&[][..], 0), (&["--without", "apply-fence"][..], 5)] {
        let cell = report(switches, code);
        let page = read(&cell, "out.html");
        let ids = values(&page, "id");
        for link in values(&page, "href").into_iter().filter_map(|link| link.strip_prefix('#')) {
            assert!(ids.contains(&link), "#{link}");
        }
        let mut once = ids.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), ids.len(), "an id is there once");
    }
}

#[test]
fn the_report_fits_a_phone() {
    for (switches, code) in [(&[][..], 0), (&["--without", "apply-fence"][..], 5)] {
        let cell = report(switches, code);
        let (window, page) = on_a_phone(&cell, "");
        assert!(window == PHONE && page <= window, "{page} pixels of page in {window}");
    }
    let cell = report(&[], 0);
    let (window, page) = on_a_phone(&cell, "<div style=\"width: 500px\">wide</div>");
    assert!(page > window, "too wide a page would be seen: {page} in {window}");
}
