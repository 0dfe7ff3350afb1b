//! A run as a page: one file, for a browser, that needs nothing else.
//!
//! 1. Self-contained: styles and script are in the page, its own policy forbids every request, and it reads well from a
//!    disk, on paper, on a phone, in the dark, with a keyboard, and without the script.
//! 2. The same outcome gives the same bytes. Nothing depends on a clock or on the machine.
//! 3. Every text of the outcome is escaped by the template, which knows no other way to put one in.
//! 4. The page stays small enough for a browser however long the run: what is left out is counted and said.

mod availability;
mod axis;
#[cfg(test)]
mod fixture;
mod generations;
mod lanes;
mod marks;
mod moments;
mod shown;
mod tables;
#[cfg(test)]
mod tests;
mod words;

use std::sync::Arc;

use dnsplan_sim::{Breach, Outcome};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use axis::Axis;
use moments::Moment;
use shown::{Refused, Shown};
use words::{count, meaning, number, time};

const STYLE: &str = include_str!("html/report.css");
const SCRIPT: &str = include_str!("html/report.js");
/// Nothing is ever fetched, whatever a text holds.
const POLICY: &str =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// The charts are as wide as a page on a screen, and wider for long runs.
const NARROWEST: f64 = 1_036.0;
const WIDEST: f64 = 6_000.0;
/// Width for each entry that is drawn in the busiest lane.
const WIDTH_OF_ENTRY: f64 = 22.0;

/// The page.
pub(crate) fn page(outcome: &Outcome) -> String {
    let shown = Shown::of(outcome);
    let axis = axis(outcome, &shown);
    let (moments, left_out) = moments::of(outcome);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Without one, a browser asks the server for one.
                link rel="icon" href="data:,";
                title { (outcome.title) " \u{2013} " (verdict(outcome).0) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a class="skip" href="#timeline" { "Skip to the timeline" }
                header { (head(outcome)) }
                main { (charts(outcome, &axis, &shown, &moments, left_out)) }
                footer {
                    p {
                        "Written by " code { "dnsplan simulate" }
                        ". The same scenario, seed and switches give the same bytes."
                    }
                }
                (marks::symbols())
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn axis(outcome: &Outcome, shown: &Shown) -> Axis {
    let of_lane = |lane: &Arc<str>| {
        shown.entries(outcome).filter(|(_, entry)| !entry.is_detail && entry.actor == *lane).count()
    };
    let busiest = outcome.lanes.iter().map(of_lane).max().unwrap_or_default();
    let mut moments: Vec<u64> = outcome.entries.iter().map(|entry| entry.at_ms).collect();
    moments.extend(outcome.refusals.iter().map(|refusal| refusal.at_ms));
    moments.extend(outcome.samples.iter().map(|sample| sample.at_ms));
    moments.extend(outcome.breaches.iter().map(|breach| breach.at_ms));
    moments.push(outcome.elapsed_ms);
    Axis::new(moments, (WIDTH_OF_ENTRY * busiest as f64).clamp(NARROWEST, WIDEST))
}

/// In one line, and how it is coloured.
fn verdict(outcome: &Outcome) -> (String, &'static str) {
    match outcome.breaches.first() {
        Some(Breach { invariant, step, at_ms, .. }) => {
            (format!("BROKEN: {} at step {}, {}", invariant.failure(), number(*step), time(*at_ms)), "bad")
        }
        None if outcome.holds() => ("never empty, never backwards".to_owned(), "good"),
        None => ("no verdict: nothing was ever looked at".to_owned(), "none"),
    }
}

fn head(outcome: &Outcome) -> Markup {
    let (verdict, tone) = verdict(outcome);
    let sign = match tone {
        "good" => "M3 9.5L7 13.5L15 4.5",
        "bad" => "M4 4L14 14M14 4L4 14",
        _ => "M4 9H14",
    };
    html! {
        p class="kind" { "dnsplan simulation report" }
        h1 { (outcome.title) }
        p class={ "verdict " (tone) } {
            svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true" { path d=(sign) {} }
            span { (verdict) }
        }
        @if outcome.holds() {
            p class="note" {
                "Every invariant held each of the " (number(outcome.looks)) " times that everything was looked at."
            }
        }
        @if !outcome.about.is_empty() { p class="about" { (outcome.about) } }
        (facts(outcome))
        (breaches(outcome))
    }
}

fn facts(outcome: &Outcome) -> Markup {
    let (stale, races) = (Refused::stale(outcome).len(), Refused::races(outcome).len());
    html! {
        dl class="facts" {
            div class=[(!outcome.without.is_empty()).then_some("off")] {
                dt { "Switched off" }
                dd {
                    @if outcome.without.is_empty() { "nothing" }
                    @for weak in &outcome.without {
                        p { code { (weak.key()) } " " span class="note" { (meaning(*weak)) } }
                    }
                }
            }
            div {
                dt { "Refused" }
                dd {
                    (count(stale, "write", "writes")) " for an older plan"
                    p class="note" { (count(races, "lost race", "lost races")) " for the same work" }
                }
            }
            div { dt { "Seed" } dd { (outcome.seed) } }
            div {
                dt { "Steps" }
                dd { (number(outcome.steps)) p class="note" { (number(outcome.looks)) " looked at" } }
            }
            div { dt { "Virtual time" } dd { (time(outcome.elapsed_ms)) } }
            div {
                dt { "Zone" }
                dd {
                    (outcome.zone)
                    p class="note" { (count(outcome.endpoints.len(), "protected endpoint", "protected endpoints")) }
                }
            }
        }
    }
}

fn breaches(outcome: &Outcome) -> Markup {
    html! {
        @if !outcome.breaches.is_empty() {
            section class="breaches" aria-labelledby="broken" {
                h2 id="broken" { "What broke" }
                ol {
                    @for Breach { invariant, step, at_ms, text, october } in &outcome.breaches {
                        li id={ "broken-" (invariant.key()) } {
                            h3 { (invariant.failure()) }
                            p class="note" {
                                "invariant " code { (invariant.key()) }
                                ", at step " (number(*step)) ", " (time(*at_ms))
                            }
                            p { (text) }
                            @if let Some(october) = october {
                                p class="october" { span { "in October:" } " " (october) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn charts(outcome: &Outcome, axis: &Axis, shown: &Shown, moments: &[Moment<'_>], left_out: usize) -> Markup {
    html! {
        section aria-labelledby="lanes" {
            h2 id="lanes" { "Who did what" }
            p class="lead" {
                "Each mark leads to its line in the timeline. Numbered lines are the moments that matter."
            }
            (lanes::chart(outcome, axis, shown, moments))
            (moments::list(moments, left_out))
        }
        section aria-labelledby="generations" {
            h2 id="generations" { "Generations" }
            p class="lead" {
                "What is live follows the newest plan, and what clients are answered follows what is live. "
                "No line may ever go down."
            }
            (generations::chart(outcome, axis, moments))
        }
        section aria-labelledby="availability" {
            h2 id="availability" { "Availability" }
            p class="lead" { "Once an endpoint has had an answer, it must always have one." }
            (availability::chart(outcome, axis, moments))
        }
        section aria-labelledby="refusals" {
            h2 id="refusals" { "Refused" }
            p class="lead" { "Writes that the target turned down, in the write itself: nobody had to notice in time." }
            (tables::refusals(outcome))
        }
        section aria-labelledby="timeline" {
            h2 id="timeline" { "Timeline" }
            (tables::timeline(outcome, shown))
        }
    }
}
