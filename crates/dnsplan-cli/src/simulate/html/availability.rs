//! When each endpoint had an answer: a bar each, and the time without one.

use dnsplan_sim::Outcome;
use maud::{Markup, html};

use super::axis::Axis;
use super::lanes::{TOP, frame, scale};
use super::moments::{self, Moment};
use super::words::{count, cut, number, px, short, time};

const BAR: f64 = 22.0;
const ROW: f64 = 34.0;
/// Endpoints with a bar; all have a row in the table.
const MOST_BARS: usize = 12;
/// Stretches drawn for an endpoint.
const MOST_STRETCHES: usize = 300;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// It has had no answer so far: nothing was ever taken away.
    NotYet,
    Answered,
    Empty,
}

impl State {
    const fn class(self) -> &'static str {
        match self {
            Self::NotYet => "not-yet",
            Self::Answered => "answered",
            Self::Empty => "empty",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::NotYet => "not live yet",
            Self::Answered => "answered",
            Self::Empty => "empty",
        }
    }
}

/// A stretch of time in one state, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stretch {
    state: State,
    from_ms: u64,
    to_ms: u64,
}

impl Stretch {
    const fn length(&self) -> u64 {
        self.to_ms - self.from_ms
    }
}

/// The stretches of an endpoint, from the first sample to the end of the run.
fn stretches(outcome: &Outcome, endpoint: usize) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let samples = &outcome.samples;
    let ends = samples.iter().skip(1).map(|sample| sample.at_ms).chain([outcome.elapsed_ms]);
    for (sample, to_ms) in samples.iter().zip(ends) {
        let has_answer = sample.answers.get(endpoint).is_some_and(Option::is_some);
        let state = match (has_answer, stretches.last()) {
            (true, _) => State::Answered,
            (false, None | Some(Stretch { state: State::NotYet, .. })) => State::NotYet,
            (false, Some(_)) => State::Empty,
        };
        let to_ms = to_ms.max(sample.at_ms);
        match stretches.last_mut() {
            Some(last) if last.state == state => last.to_ms = to_ms,
            _ => stretches.push(Stretch { state, from_ms: sample.at_ms, to_ms }),
        }
    }
    stretches
}

/// The bars and the table.
pub(super) fn chart(outcome: &Outcome, axis: &Axis, moments: &[Moment<'_>]) -> Markup {
    let all: Vec<Vec<Stretch>> =
        (0..outcome.endpoints.len()).map(|index| stretches(outcome, index)).collect();
    let bars = all.len().min(MOST_BARS);
    let height = TOP + bars as f64 * ROW + 6.0;
    let y = |index: usize| TOP + index as f64 * ROW + (ROW - BAR) / 2.0;
    let gutter = html! {
        @for (index, endpoint) in outcome.endpoints.iter().enumerate().take(MOST_BARS) {
            text class="name" x="10" y=(px(y(index) + BAR / 2.0 + 4.0)) {
                title { (endpoint) }
                (cut(short(endpoint, outcome), 15))
            }
        }
    };
    let plot = html! {
        title { "Availability of each endpoint over virtual time" }
        desc { "A bar for each endpoint, hatched where it had no answer. The table below has the totals." }
        (scale(axis, height - 6.0))
        @for (index, stretches) in all.iter().enumerate().take(MOST_BARS) {
            @for stretch in stretches.iter().take(MOST_STRETCHES) { (bar(stretch, axis, y(index))) }
        }
        (moments::lines(moments, axis, height - 6.0))
    };
    html! {
        (frame("Availability", "img", height, axis, gutter, plot))
        ul class="legend" {
            @for state in [State::Answered, State::Empty, State::NotYet] {
                li {
                    svg width="34" height="14" viewBox="0 0 34 14" aria-hidden="true" {
                        (swatch(state, 0.0, 1.0, 34.0, 12.0))
                    }
                    (state.name())
                }
            }
        }
        @if all.len() > MOST_BARS {
            p class="note" {
                (count(all.len() - MOST_BARS, "more endpoint has", "more endpoints have"))
                " no bar; the table has all."
            }
        }
        (table(outcome, &all))
    }
}

fn swatch(state: State, x: f64, y: f64, width: f64, height: f64) -> Markup {
    html! {
        rect class={ "bar " (state.class()) } x=(px(x)) y=(px(y)) width=(px(width)) height=(px(height)) {}
        @if state == State::Empty {
            rect x=(px(x)) y=(px(y)) width=(px(width)) height=(px(height)) fill="url(#hatch)" {}
        }
    }
}

fn bar(stretch: &Stretch, axis: &Axis, y: f64) -> Markup {
    let from = axis.x(stretch.from_ms);
    // However short it was, it can be seen.
    let width = (axis.x(stretch.to_ms) - from).max(if stretch.state == State::Empty { 3.0 } else { 0.0 });
    let label = format!("empty {} ms", number(stretch.length()));
    html! {
        (swatch(stretch.state, from, y, width, BAR))
        @if stretch.state == State::Empty && width > 7.0 * label.len() as f64 {
            text class="inside" x=(px(from + width / 2.0)) y=(px(y + BAR / 2.0 + 4.0)) text-anchor="middle" {
                (label)
            }
        }
    }
}

fn table(outcome: &Outcome, all: &[Vec<Stretch>]) -> Markup {
    let total = |stretches: &[Stretch], state: State| -> u64 {
        stretches.iter().filter(|stretch| stretch.state == state).map(Stretch::length).sum()
    };
    html! {
        div class="scroll" tabindex="0" role="region" aria-label="Availability in numbers, scrollable" {
            table {
                thead {
                    tr {
                        th scope="col" { "Endpoint" }
                        th scope="col" { "First answer" }
                        th scope="col" class="number" { "Answered" }
                        th scope="col" class="number" { "Empty" }
                        th scope="col" { "Empty from" }
                    }
                }
                tbody {
                    @for (endpoint, stretches) in outcome.endpoints.iter().zip(all) {
                        @let first = stretches.iter().find(|stretch| stretch.state == State::Answered);
                        @let empty = stretches.iter().find(|stretch| stretch.state == State::Empty);
                        tr class=[empty.map(|_| "bad")] {
                            th scope="row" { (endpoint) }
                            td { (first.map_or_else(|| "never".to_owned(), |stretch| time(stretch.from_ms))) }
                            td class="number" { (number(total(stretches, State::Answered))) " ms" }
                            td class="number" { strong { (number(total(stretches, State::Empty))) " ms" } }
                            td { (empty.map_or_else(|| "never".to_owned(), |stretch| time(stretch.from_ms))) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn what_was_never_there_is_not_empty_and_what_was_there_is() {
        let outcome = fixture::broken();
        let states: Vec<_> =
            stretches(&outcome, 0).iter().map(|it| (it.state, it.from_ms, it.to_ms)).collect();
        assert_eq!(
            states,
            [
                (State::NotYet, 0, 95),
                (State::Answered, 95, 1_297),
                (State::Empty, 1_297, 1_420),
                (State::Answered, 1_420, 1_480),
            ]
        );
        let html = chart(&outcome, &Axis::new(vec![1_480], 1000.0), &[]).into_string();
        assert!(html.contains("<strong>123 ms</strong>"), "{html}");
    }

    #[test]
    fn a_run_without_samples_has_no_stretches() {
        assert_eq!(stretches(&fixture::nothing(), 0), []);
    }
}
