//! The page as a whole: what must be in it, whatever the run.

use std::collections::BTreeSet;
use std::sync::Arc;

use dnsplan_sim::{Entry, Outcome};

use super::fixture::{broken, nothing, october};
use super::{STYLE, page};

/// More nodes make a browser slow.
const MOST_NODES: usize = 20_000;
/// WCAG 2.2, level AA, for text of any size.
const CONTRAST: f64 = 4.5;

/// The text of a page, without its tags, as a reader sees it.
fn text(page: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for c in page.chars() {
        match c {
            '<' => is_tag = true,
            '>' => is_tag = false,
            _ if !is_tag => text.push(c),
            _ => {}
        }
    }
    text.replace("&gt;", ">").replace("&lt;", "<").replace("&quot;", "\"").replace("&amp;", "&")
}

fn verdict(page: &str) -> &str {
    let from = page.find("<p class=\"verdict").expect("a verdict");
    &page[from..from + page[from..].find("</p>").expect("its end")]
}

#[test]
fn same_outcome_same_bytes() {
    assert_eq!(page(&october()), page(&october()));
    assert_ne!(page(&october()), page(&broken()));
}

#[test]
fn the_verdict_is_one_line() {
    assert!(verdict(&page(&october())).contains("never empty, never backwards"));
    let bad = page(&broken());
    assert!(verdict(&bad).contains("BROKEN: DNS went backwards at step 208, 1.166 s"));
    assert!(!bad.contains("never empty, never backwards"), "no good verdict on a broken run");
    assert!(verdict(&page(&nothing())).contains("no verdict"));
}

#[test]
fn every_lane_entry_refusal_and_fact_is_there() {
    for outcome in [october(), broken()] {
        let page = page(&outcome);
        let text = text(&page);
        for lane in &outcome.lanes {
            assert!(
                page.contains(&format!("<g role=\"group\" aria-label=\"{lane}\">"))
                    || page
                        .contains(&format!("<g role=\"group\" class=\"even-lane\" aria-label=\"{lane}\">")),
                "no lane {lane}"
            );
        }
        for (index, entry) in outcome.entries.iter().enumerate() {
            assert!(
                page.contains(&format!("<tr id=\"entry-{index}\"")) && text.contains(&entry.text),
                "{entry:?}"
            );
            let is_marked = page.contains(&format!("href=\"#entry-{index}\""));
            assert_eq!(is_marked, !entry.is_detail, "{entry:?}");
        }
        for (index, refusal) in outcome.refusals.iter().enumerate() {
            assert!(
                page.contains(&format!("<tr id=\"refusal-{index}\"")) && text.contains(&refusal.why),
                "{refusal:?}"
            );
            assert!(page.contains(&format!("href=\"#refusal-{index}\"")), "{refusal:?}");
        }
        for breach in &outcome.breaches {
            assert!(page.contains(&format!("id=\"broken-{}\"", breach.invariant.key())), "{breach:?}");
            let october = breach.october.unwrap_or_default();
            for part in [breach.invariant.failure(), &breach.text, october] {
                assert!(text.contains(part), "no {part:?}");
            }
        }
        for weak in &outcome.without {
            assert!(text.contains(weak.key()), "{weak}");
        }
        for part in [&outcome.title, &outcome.about, &outcome.zone, "Seed7"] {
            assert!(text.contains(part), "no {part:?}");
        }
    }
}

#[test]
fn the_moment_of_refusal_is_named_and_told() {
    let text = text(&page(&october()));
    assert!(text.contains("1  enactor-1 refused: offers 146, 160 is live"));
    let told =
        "enactor-1 was refused. It offered generation 146 (flip part 1 of 3): made for a record at 145";
    assert!(text.contains(told));
}

#[test]
fn every_text_is_escaped() {
    const EVIL: &str = "</script></style></title><script>alert(\"1\")</script> & ' onload=\"";
    let mut outcome = broken();
    let name: Arc<str> = EVIL.into();
    (outcome.title, outcome.about, outcome.zone) = (EVIL.to_owned(), EVIL.to_owned(), EVIL.to_owned());
    outcome.endpoints[0] = EVIL.to_owned();
    outcome.lanes[0] = Arc::clone(&name);
    outcome.entries[0] = Entry {
        actor: Arc::clone(&name),
        text: EVIL.to_owned(),
        october: Some(EVIL.to_owned()),
        ..outcome.entries[0].clone()
    };
    outcome.breaches[0].text = EVIL.to_owned();
    let mut refusal = october().refusals[0].clone();
    (refusal.actor, refusal.live_by, refusal.action, refusal.why) =
        (Arc::clone(&name), name, EVIL.to_owned(), EVIL.to_owned());
    outcome.refusals.push(refusal);
    let page = page(&outcome);
    assert_eq!(page.matches("<script>").count(), 1, "the page's own");
    assert_eq!(page.matches("</style>").count(), 1);
    assert_eq!(page.matches("</title>").count(), page.matches("<title>").count());
    assert!(!page.contains("onload=\"\"") && !page.contains("' onload=\""), "no text leaves its attribute");
    assert!(text(&page).contains("<script>alert(\"1\")</script> & '"));
}

#[test]
fn nothing_at_all_is_a_page_too() {
    let page = page(&nothing());
    assert!(page.contains("Nothing happened.") && page.contains("Nothing for an older plan was refused."));
    assert!(!page.contains("NaN") && !page.contains("inf"), "no length is beyond numbers");
}

#[test]
fn no_length_is_beyond_numbers() {
    for outcome in [october(), broken()] {
        let page = page(&outcome);
        assert!(!page.contains("NaN") && !page.contains("\"inf"));
    }
}

#[test]
fn nothing_is_fetched() {
    let page = page(&broken());
    for word in ["http:", "https:", "//cdn", "@import", "url(h", "src=", "@font-face"] {
        assert!(!page.contains(word), "{word:?}");
    }
    assert!(page.contains("default-src 'none'"));
}

/// A run of `key` entries and `details` details, all of enactor-2.
fn long(key: usize, details: usize) -> Outcome {
    let mut outcome = october();
    let template = outcome.entries[0].clone();
    let entry = |index: usize| {
        let step = index as u64;
        let text = format!("entry {index}");
        let actor = Arc::clone(&outcome.lanes[1]);
        Entry {
            step,
            at_ms: step * 3,
            actor,
            text,
            is_detail: index % (key + details) >= key,
            ..template.clone()
        }
    };
    outcome.entries = (0..key + details).map(entry).collect();
    outcome.refusals = outcome.refusals.iter().cycle().take(600).cloned().collect();
    outcome
}

#[test]
fn a_long_run_stays_bearable_and_says_what_is_left_out() {
    for (key, details) in [(5_000, 0), (300, 4_700), (2_500, 2_500)] {
        let page = page(&long(key, details));
        let nodes = page.matches('<').count() - page.matches("</").count();
        assert!(nodes < MOST_NODES, "{nodes} nodes");
        let text = text(&page);
        for (of, most, what) in [(key, 800, "entries"), (details, 400, "details")] {
            if of > most {
                let left_out = format!("{} {what}", super::words::number((of - most) as u64));
                assert!(text.contains(&left_out), "no {left_out:?}");
            }
        }
        assert!(text.contains("more refusals are left out here"));
    }
}

#[test]
fn every_link_leads_somewhere_however_long_the_run() {
    for outcome in [october(), broken(), nothing(), long(2_500, 2_500)] {
        let page = page(&outcome);
        let after = |start: &str| -> Vec<String> {
            let values = page.split(start).skip(1);
            values.map(|rest| rest.split('"').next().expect("a value").to_owned()).collect()
        };
        let ids: BTreeSet<String> = after(" id=\"").into_iter().collect();
        for link in after(" href=\"#") {
            assert!(ids.contains(&link), "#{link}");
        }
    }
}

#[test]
fn what_is_kept_of_a_long_run_is_around_the_refusals() {
    let page = page(&long(5_000, 0));
    // The refusals of older plans are at steps 207 and 215.
    assert!(page.contains("id=\"entry-207\"") && page.contains("id=\"entry-215\""));
    assert!(!page.contains("id=\"entry-4999\""));
}

/// The colours of a scheme, by name, as red, green and blue between 0 and 1.
fn colour(scheme: &str, name: &str) -> [f64; 3] {
    let start = format!("--{name}: #");
    let from = scheme.find(&start).unwrap_or_else(|| panic!("no {name} in the scheme")) + start.len();
    [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&scheme[from + at..from + at + 2], 16).unwrap()) / 255.0)
}

/// As WCAG defines it.
fn contrast(one: [f64; 3], two: [f64; 3]) -> f64 {
    let linear = |part: f64| if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) };
    let luminance = |[r, g, b]: [f64; 3]| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    let (one, two) = (luminance(one), luminance(two));
    (one.max(two) + 0.05) / (one.min(two) + 0.05)
}

#[test]
fn text_stands_out_from_its_ground_in_light_and_in_dark() {
    let (light, dark) = STYLE.split_once("prefers-color-scheme: dark").expect("two schemes");
    let everywhere = ["ground", "surface", "band", "warn-ground"];
    for (name, scheme) in [("light", light), ("dark", dark)] {
        let on_all = ["text", "muted", "bad", "warn"]
            .into_iter()
            .flat_map(|text| everywhere.map(|ground| (text, ground)));
        let others = [
            ("good", "good-ground"),
            ("bad", "bad-ground"),
            ("accent", "ground"),
            ("surface", "bad"),
            ("surface", "text"),
        ];
        for (text, ground) in on_all.chain(others) {
            let ratio = contrast(colour(scheme, text), colour(scheme, ground));
            assert!(ratio >= CONTRAST, "{name}: {text} on {ground} is {ratio:.2} to 1");
        }
    }
}
