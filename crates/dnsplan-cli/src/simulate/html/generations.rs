//! Generations over time: the store's newest, what the record says is live, and what each endpoint is answered from.
//!
//! Lines that are at the same generation run side by side, a few pixels apart, so that none hides another.

use std::collections::BTreeMap;

use dnsplan_sim::{Outcome, Sample};
use maud::{Markup, html};

use super::axis::{Axis, round_step};
use super::lanes::{GUTTER, TOP, frame, scale};
use super::moments::{self, Moment};
use super::words::{count, cut, number, px, short, time};

const HEIGHT: f64 = 260.0;
const BOTTOM_PAD: f64 = 20.0;
/// Between lines at the same generation.
const APART: f64 = 3.0;
/// Endpoints with a line of their own; each has a dash pattern of its own, and there are no more of these.
const MOST_ENDPOINTS: usize = 4;
/// The width of a label of a step back.
const LABEL: f64 = 420.0;
/// Steps back that are named in the chart.
const MOST_NAMED: usize = 12;

/// A line of the chart.
struct Line {
    name: String,
    class: String,
    /// (milliseconds, generation) wherever it changes; `None` is a gap.
    points: Vec<(u64, Option<u64>)>,
}

impl Line {
    fn new(name: String, class: String, samples: &[Sample], of: impl Fn(&Sample) -> Option<u64>) -> Self {
        let mut points: Vec<(u64, Option<u64>)> =
            samples.iter().map(|sample| (sample.at_ms, of(sample).filter(|number| *number > 0))).collect();
        points.dedup_by_key(|(_, number)| *number);
        Self { name, class, points }
    }

    /// Where it steps back: when, from and to. A gap in between makes it no less a step back.
    fn steps_back(&self) -> Vec<(u64, u64, u64)> {
        let known = self.points.iter().filter_map(|(at_ms, number)| Some((*at_ms, (*number)?)));
        let pairs = known.clone().zip(known.skip(1));
        pairs.filter(|((_, from), (_, to))| to < from).map(|((_, from), (at, to))| (at, from, to)).collect()
    }
}

/// The vertical scale.
struct Scale {
    low: u64,
    high: u64,
}

impl Scale {
    fn of(lines: &[Line]) -> Self {
        let numbers = || lines.iter().flat_map(|line| line.points.iter().filter_map(|(_, number)| *number));
        let (low, high) = (numbers().min().unwrap_or(0), numbers().max().unwrap_or(1));
        if low == high {
            Self { low: low.saturating_sub(1), high: high.saturating_add(1) }
        } else {
            Self { low, high }
        }
    }

    fn y(&self, number: u64) -> f64 {
        let room = HEIGHT - TOP - BOTTOM_PAD - 14.0;
        HEIGHT - BOTTOM_PAD - room * (number - self.low) as f64 / (self.high - self.low) as f64
    }

    fn ticks(&self) -> impl Iterator<Item = u64> + use<> {
        let step = round_step((self.high - self.low) as f64 / 6.0);
        let (first, high) = (self.low.div_ceil(step) * step, self.high);
        (0..).map(move |index| first + index * step).take_while(move |number| *number <= high)
    }
}

fn lines(outcome: &Outcome) -> Vec<Line> {
    let samples = &outcome.samples;
    let mut lines = vec![
        Line::new("newest in the store".to_owned(), "head".to_owned(), samples, |sample| {
            Some(sample.head.get())
        }),
        Line::new("live, by the record".to_owned(), "live".to_owned(), samples, |sample| {
            sample.live.map(|live| live.get())
        }),
    ];
    let mut endpoints: Vec<(usize, Line)> = Vec::new();
    for (index, endpoint) in outcome.endpoints.iter().enumerate() {
        let answer = |sample: &Sample| sample.answers.get(index).copied().flatten().map(|live| live.get());
        endpoints
            .push((index, Line::new(short(endpoint, outcome).to_owned(), String::new(), samples, answer)));
    }
    // Where not all can be drawn, those that step back are.
    endpoints.sort_by_key(|(index, line)| (line.steps_back().is_empty(), *index));
    endpoints.truncate(MOST_ENDPOINTS);
    endpoints.sort_by_key(|(index, _)| *index);
    for (place, (_, line)) in endpoints.into_iter().enumerate() {
        lines.push(Line {
            class: format!("answer a{place}"),
            name: format!("answered: {}", line.name),
            ..line
        });
    }
    lines
}

/// The chart and its legend.
pub(super) fn chart(outcome: &Outcome, axis: &Axis, moments: &[Moment<'_>]) -> Markup {
    let lines = lines(outcome);
    let scale_y = Scale::of(&lines);
    let offset = |index: usize| (index as f64 - (lines.len() - 1) as f64 / 2.0) * APART;
    let bottom = HEIGHT - BOTTOM_PAD + 12.0;
    let plot = html! {
        title { "Generations over virtual time" }
        desc { (summary(&lines)) }
        rect class="lane even" x="0" y=(px(TOP)) width=(px(axis.width)) height=(px(bottom - TOP)) {}
        @for number in scale_y.ticks() {
            path class="grid" d={ "M0 " (px(scale_y.y(number))) "H" (px(axis.width)) } {}
        }
        (scale(axis, bottom))
        (moments::lines(moments, axis, bottom))
        @for (index, line) in lines.iter().enumerate() {
            @let steps = path(line, axis, &scale_y, outcome.elapsed_ms, offset(index));
            path class={ "line " (line.class) } d=(steps) {}
        }
        (backwards(&lines, axis, &scale_y, offset))
    };
    let left_out = outcome.endpoints.len().saturating_sub(MOST_ENDPOINTS);
    html! {
        (frame("Generations", "img", HEIGHT, axis, gutter(&scale_y), plot))
        (legend(&lines))
        @if left_out > 0 {
            p class="note" { (count(left_out, "more endpoint has", "more endpoints have")) " no line here." }
        }
    }
}

fn summary(lines: &[Line]) -> String {
    let back: Vec<String> = lines
        .iter()
        .flat_map(|line| line.steps_back().into_iter().map(move |step| (line, step)))
        .take(MOST_NAMED)
        .map(|(line, (at, from, to))| format!("{} goes back from {from} to {to} at {}", line.name, time(at)))
        .collect();
    let verdict = if back.is_empty() { "No line ever goes back".to_owned() } else { back.join("; ") };
    format!(
        "A step line each for {}. {verdict}.",
        lines.iter().map(|line| line.name.as_str()).collect::<Vec<_>>().join(", ")
    )
}

fn gutter(scale: &Scale) -> Markup {
    html! {
        @let height = px(HEIGHT - BOTTOM_PAD + 12.0 - TOP);
        rect class="lane even" x="0" y=(px(TOP)) width=(px(GUTTER)) height=(height) {}
        @for generation in scale.ticks() {
            @let y = px(scale.y(generation) + 4.0);
            text class="tick" x=(px(GUTTER - 8.0)) y=(y) text-anchor="end" { (number(generation)) }
        }
        text class="tick" x="10" y=(px(TOP - 11.0)) { "generation" }
    }
}

/// Steps: flat until the next point, gaps left open.
fn path(line: &Line, axis: &Axis, scale: &Scale, end_ms: u64, offset: f64) -> String {
    let mut path = String::new();
    let mut is_open = false;
    for (at_ms, number) in &line.points {
        let x = px(axis.x(*at_ms));
        if is_open {
            path.push_str(&format!("H{x}"));
        }
        if let Some(number) = number {
            let y = px(scale.y(*number) + offset);
            path.push_str(&if is_open { format!("V{y}") } else { format!("M{x} {y}") });
        }
        is_open = number.is_some();
    }
    if is_open {
        path.push_str(&format!("H{}", px(axis.x(end_ms))));
    }
    path
}

/// Every step back, in red and with an arrow head; the first ones are named.
fn backwards(lines: &[Line], axis: &Axis, scale: &Scale, offset: impl Fn(usize) -> f64) -> Markup {
    let mut drops = String::new();
    // What steps back at the same time has one label.
    let mut labels: BTreeMap<(u64, u64, u64), Vec<&str>> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        for (at_ms, from, to) in line.steps_back() {
            let [top, low] = [from, to].map(|number| px(scale.y(number) + offset(index)));
            drops.push_str(&format!("M{} {top}V{low}m-5-7l5 7l5-7", px(axis.x(at_ms))));
            labels.entry((at_ms, from, to)).or_default().push(&line.name);
        }
    }
    let mut taken: Vec<(f64, f64)> = Vec::new();
    html! {
        @if !drops.is_empty() { path class="back" d=(drops) {} }
        @for ((at_ms, from, to), names) in labels.iter().take(MOST_NAMED) {
            @let x = axis.x(*at_ms);
            @let y = free(&mut taken, x, scale.y(*to) - 18.0);
            @let is_left = x > LABEL;
            @let (x, anchor) = if is_left { (x - 10.0, "end") } else { (x + 10.0, "start") };
            text class="back" x=(px(x)) y=(px(y)) text-anchor=(anchor) {
                "back from " (from) " to " (to) ": " (cut(&names.join("; "), 48))
            }
        }
    }
}

/// The nearest height at or above `y` where a label beside `x` lies on no other.
fn free(taken: &mut Vec<(f64, f64)>, x: f64, mut y: f64) -> f64 {
    let lies_on =
        |y: f64| move |other: &(f64, f64)| (other.0 - x).abs() < LABEL && (other.1 - y).abs() < 15.0;
    while y > TOP + 15.0 && taken.iter().any(lies_on(y)) {
        y -= 15.0;
    }
    taken.push((x, y));
    y
}

fn legend(lines: &[Line]) -> Markup {
    html! {
        ul class="legend" {
            @for line in lines {
                li {
                    svg class="sample" width="34" height="12" viewBox="0 0 34 12" aria-hidden="true" {
                        path class={ "line " (line.class) } d="M0 6H34" {}
                    }
                    (line.name)
                }
            }
            li class="note" { "at the same generation they run side by side, in this order" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: &[(u64, Option<u64>)]) -> Line {
        Line { name: "api".to_owned(), class: String::new(), points: points.to_vec() }
    }

    #[test]
    fn a_step_back_is_found_across_a_gap() {
        let line = line(&[(0, Some(5)), (10, Some(7)), (20, None), (30, Some(6)), (40, Some(8))]);
        assert_eq!(line.steps_back(), [(30, 7, 6)]);
    }

    #[test]
    fn a_line_is_flat_between_points_and_open_where_there_is_no_answer() {
        let (axis, scale) = (Axis::new((0..=100).collect(), 132.0), Scale { low: 1, high: 2 });
        let (low, high) = (px(scale.y(1)), px(scale.y(2)));
        let drawn =
            path(&line(&[(0, Some(1)), (10, Some(2)), (50, None), (60, Some(2))]), &axis, &scale, 100, 0.0);
        assert_eq!(drawn, format!("M16 {low}H26V{high}H66M76 {high}H116"));
    }

    #[test]
    fn one_generation_alone_and_none_at_all_have_a_scale() {
        for points in [&[(0, Some(7))][..], &[]] {
            let scale = Scale::of(&[line(points)]);
            assert!(scale.low < scale.high && scale.ticks().count() > 1);
        }
    }
}
