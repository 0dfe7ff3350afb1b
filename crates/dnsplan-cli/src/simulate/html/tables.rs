//! The refusals and the timeline as tables: everything that the charts show, in words.

use dnsplan_sim::{Entry, Outcome};
use maud::{Markup, html};

use super::marks::Mark;
use super::shown::{Refused, Shown};
use super::words::{count, number, time};

const REFUSAL_COLUMNS: [&str; 8] = [
    "Time",
    "Step",
    "Whose write",
    "What it would have done",
    "For",
    "Made at",
    "Live",
    "Why it was refused",
];

/// Writes for an older plan first; lost races for the same work apart from them, they are everyday life.
pub(super) fn refusals(outcome: &Outcome) -> Markup {
    let (stale, races) = (Refused::stale(outcome), Refused::races(outcome));
    html! {
        @if stale.shown.is_empty() {
            p { "Nothing for an older plan was refused." }
        } @else {
            (refused("For an older plan than what was live: refused by the target in the write, or by the fence before one was sent", &stale))
        }
        @if !races.shown.is_empty() {
            details {
                summary { "And " (count(races.len(), "write", "writes")) " that lost a race for the same work" }
                p class="note" {
                    "Two enactors did the same thing at the same time, and the other one was first."
                }
                (refused("Lost races", &races))
            }
        }
    }
}

fn refused(caption: &str, refused: &Refused<'_>) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label={ (caption) ", scrollable" } {
            table class="refusals" {
                caption { (caption) }
                thead {
                    tr { @for column in REFUSAL_COLUMNS { th scope="col" { (column) } } }
                }
                tbody {
                    @for (index, refusal) in &refused.shown {
                        tr id={ "refusal-" (index) } {
                            td class="when" { (time(refusal.at_ms)) }
                            td class="when" { (number(refusal.step)) }
                            th scope="row" { (refusal.actor) }
                            td { (refusal.action) }
                            td class="when" { (refusal.offered) }
                            td class="when" { (refusal.expected) }
                            td { span class="when" { (refusal.live) } " by " (refusal.live_by) }
                            td { (refusal.why) }
                        }
                    }
                }
            }
        }
        @if refused.left_out > 0 {
            p class="note" {
                (count(refused.left_out, "more refusal is", "more refusals are"))
                " left out here; the JSON has them all."
            }
        }
    }
}

/// The whole timeline, with the controls of its filter, which the script shows.
pub(super) fn timeline(outcome: &Outcome, shown: &Shown) -> Markup {
    html! {
        (left_out(shown))
        form id="filter" class="filter" hidden {
            fieldset {
                legend { "Show" }
                @for (index, lane) in outcome.lanes.iter().enumerate() {
                    label { input type="checkbox" name="actor" value=(index) checked; " " (lane) }
                }
                label class="apart" { input type="checkbox" name="details"; " details" }
            }
            p id="filter-count" class="note" role="status" {}
        }
        // Rows turn into blocks where the page is narrow. The roles say that it is a table all the same.
        table class="timeline" role="table" {
            thead role="rowgroup" {
                tr role="row" {
                    @for column in ["Time", "Step", "Actor", "What"] {
                        th scope="col" role="columnheader" { (column) }
                    }
                }
            }
            tbody id="timeline-rows" role="rowgroup" {
                @for (index, entry) in shown.entries(outcome) { (row(outcome, index, entry)) }
            }
        }
        @if outcome.entries.is_empty() { p { "Nothing happened." } }
    }
}

fn left_out(shown: &Shown) -> Markup {
    let (key, details) = shown.left_out;
    html! {
        @if key + details > 0 {
            p class="note" {
                "A page with everything would be too much for a browser. "
                "Left out, as the farthest from any refusal or breach: "
                @if key > 0 { (count(key, "entry", "entries")) }
                @if key > 0 && details > 0 { " and " }
                @if details > 0 { (count(details, "detail", "details")) }
                ". The JSON has them all."
            }
        }
    }
}

fn row(outcome: &Outcome, index: usize, entry: &Entry) -> Markup {
    let lane = outcome.lanes.iter().position(|lane| *lane == entry.actor);
    let tone = match Mark::of(entry.kind) {
        Mark::Broken => Some("bad"),
        Mark::Told => Some("told"),
        Mark::Trouble | Mark::Resumed => Some("warn"),
        _ => None,
    };
    let class =
        [tone, entry.is_detail.then_some("detail")].into_iter().flatten().collect::<Vec<_>>().join(" ");
    html! {
        tr id={ "entry-" (index) } role="row" class=[(!class.is_empty()).then_some(class)] data-actor=[lane] {
            td class="when" role="cell" { (time(entry.at_ms)) }
            td class="when step" role="cell" { (number(entry.step)) }
            td class="actor" role="cell" { (entry.actor) }
            td class="what" role="cell" {
                (entry.text)
                @if let Some(october) = &entry.october {
                    p class="october" { span { "in October:" } " " (october) }
                }
            }
        }
    }
}
