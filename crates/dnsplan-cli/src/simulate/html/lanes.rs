//! The swim lanes: who did what and when, with the moments that matter drawn through all of them.
//!
//! A lane has as many rows as it needs for marks that would otherwise lie on each other, up to [`MOST_ROWS`], and below
//! them a track of small dots for the details.

use std::collections::BTreeSet;

use dnsplan_sim::{Entry, Outcome, Refusal};
use maud::{Markup, html};

use super::axis::Axis;
use super::marks::{self, Mark};
use super::moments::{self, Moment};
use super::shown::{Refused, Shown};
use super::words::{cut, number, px, time};

/// The column with the names, to the left of every chart.
pub(super) const GUTTER: f64 = 112.0;
/// The height of the time labels on top of every chart.
pub(super) const TOP: f64 = 26.0;
const ROW: f64 = 20.0;
const LANE_PAD: f64 = 8.0;
const TRACK: f64 = 10.0;
const MOST_ROWS: usize = 7;
const MARK: f64 = 16.0;
/// The width of a character of a label in the widest of the usual fonts.
const CHARACTER: f64 = 6.6;

/// Something to draw in a lane.
struct Item {
    x: f64,
    mark: Mark,
    row: usize,
    label: Option<String>,
    link: String,
    title: String,
}

struct Lane<'a> {
    name: &'a str,
    items: Vec<Item>,
    dots: Vec<f64>,
    y: f64,
    height: f64,
}

/// The chart and its legend.
pub(super) fn chart(outcome: &Outcome, axis: &Axis, shown: &Shown, moments: &[Moment<'_>]) -> Markup {
    let head = TOP + moments::height(moments, axis);
    let mut lanes: Vec<Lane<'_>> =
        outcome.lanes.iter().map(|name| lane(outcome, axis, shown, name)).collect();
    let mut y = head;
    for lane in &mut lanes {
        lane.y = y;
        y += lane.height;
    }
    let marks: BTreeSet<Mark> =
        lanes.iter().flat_map(|lane| lane.items.iter().map(|item| item.mark)).collect();
    html! {
        (frame("Swim lanes", "group", y + 6.0, axis, gutter(&lanes), html! {
            title { "Swim lanes: what each actor did, over virtual time" }
            desc {
                "One lane for each of " (outcome.lanes.join(", "))
                ". The timeline at the end of the page says the same."
            }
            (bands(&lanes, axis.width))
            (scale(axis, y))
            (moments::lines(moments, axis, y))
            @for (index, lane) in lanes.iter().enumerate() { (draw(lane, index % 2 == 0)) }
            (moments::flags(moments, axis))
        }))
        (marks::legend(marks, lanes.iter().any(|lane| !lane.dots.is_empty())))
    }
}

/// A chart in a container of its own that scrolls where the page is narrow: names to the left, which stay; the plot.
///
/// `role`: `img`, or `group` where there are links inside, which an image would hide from screen readers.
pub(super) fn frame(
    name: &str,
    role: &str,
    height: f64,
    axis: &Axis,
    gutter: Markup,
    plot: Markup,
) -> Markup {
    let view = |width: f64| format!("0 0 {} {}", px(width), px(height));
    let size = |width: f64| format!("flex-grow:{};width:{}px", px(width), px(width));
    html! {
        div class="scroll" tabindex="0" role="region" aria-label={ (name) ", scrollable" } {
            div class="chart" style={ "width:" (px(GUTTER + axis.width)) "px" } {
                svg class="gutter" viewBox=(view(GUTTER)) style=(size(GUTTER)) aria-hidden="true" { (gutter) }
                svg class="plot" viewBox=(view(axis.width)) style=(size(axis.width)) role=(role) { (plot) }
            }
        }
    }
}

/// Time labels, grid lines and the breaks for idle stretches, down to `bottom`.
pub(super) fn scale(axis: &Axis, bottom: f64) -> Markup {
    html! {
        @for tick in axis.ticks() {
            @let x = px(axis.x(tick));
            path class="grid" d={ "M" (x) " " (px(TOP - 6.0)) "V" (px(bottom)) } {}
            text class="tick" x=(x) y=(px(TOP - 11.0)) text-anchor="middle" { (super::words::tick(tick)) }
        }
        @for idle in axis.idle() {
            @let (x, width, height) = (px(idle.x + 6.0), px(idle.width - 12.0), px(bottom - TOP + 6.0));
            rect class="idle" x=(x) y=(px(TOP - 6.0)) width=(width) height=(height) {}
            text class="tick" x=(px(idle.x + idle.width / 2.0)) y=(px(TOP - 11.0)) text-anchor="middle" {
                title { "nothing happens for " (time(idle.length_ms)) }
                "\u{2026}" (number(idle.length_ms / 1000)) " s\u{2026}"
            }
        }
    }
}

fn gutter(lanes: &[Lane<'_>]) -> Markup {
    html! {
        (bands(lanes, GUTTER))
        @for lane in lanes {
            text class="name" x="10" y=(px(lane.y + lane.height / 2.0 + 4.0)) {
                title { (lane.name) }
                (cut(lane.name, 15))
            }
        }
    }
}

/// The grounds of the lanes, every other one darker.
fn bands(lanes: &[Lane<'_>], width: f64) -> Markup {
    html! {
        @for (index, lane) in lanes.iter().enumerate() {
            @let class = if index % 2 == 0 { "lane even" } else { "lane" };
            rect class=(class) x="0" y=(px(lane.y)) width=(px(width)) height=(px(lane.height)) {}
        }
    }
}

fn lane<'a>(outcome: &'a Outcome, axis: &Axis, shown: &Shown, name: &'a str) -> Lane<'a> {
    let of = |actor: &str| actor == name;
    let mut items: Vec<Item> = Vec::new();
    let mut dots = Vec::new();
    for (index, entry) in outcome.entries.iter().enumerate().filter(|(_, entry)| of(&entry.actor)) {
        let x = axis.x(entry.at_ms);
        if entry.is_detail || !shown.has(index) {
            dots.push(x);
        } else {
            items.push(of_entry(index, entry, x));
        }
    }
    for refused in [Refused::stale(outcome), Refused::races(outcome)] {
        let own = refused.shown.into_iter().filter(|(_, refusal)| of(&refusal.actor));
        items.extend(own.map(|(index, refusal)| of_refusal(index, refusal, axis.x(refusal.at_ms))));
    }
    items.sort_by(|one, two| one.x.total_cmp(&two.x));
    let rows = place(&mut items, axis.width);
    Lane { name, items, dots, y: 0.0, height: 2.0 * LANE_PAD + rows as f64 * ROW + TRACK }
}

fn of_entry(index: usize, entry: &Entry, x: f64) -> Item {
    let mark = Mark::of(entry.kind);
    let generation = entry.generation.map(|generation| generation.to_string());
    let label = match (mark.is_loud(), generation) {
        (true, Some(generation)) => Some(format!("{} {generation}", entry.kind)),
        (true, None) => Some(entry.kind.to_owned()),
        (false, generation) => generation,
    };
    let title = format!("{}, {}: {}", time(entry.at_ms), entry.actor, entry.text);
    Item { x, mark, row: 0, label, link: format!("#entry-{index}"), title }
}

fn of_refusal(index: usize, refusal: &Refusal, x: f64) -> Item {
    let Refusal { at_ms, actor, action, offered, why, .. } = refusal;
    let mark = if refusal.is_stale() { Mark::Refused } else { Mark::Race };
    let title = format!("{}, {actor} is refused: generation {offered}, {action}: {why}", time(*at_ms));
    Item { x, mark, row: 0, label: None, link: format!("#refusal-{index}"), title }
}

/// Gives each item its row, and takes away labels that there is no room for. Returns how many rows there are.
fn place(items: &mut [Item], width: f64) -> usize {
    let length = |label: &Option<String>| {
        label.as_ref().map_or(0.0, |label| 4.0 + CHARACTER * label.chars().count() as f64)
    };
    let mut ends: Vec<f64> = Vec::new();
    for item in items.iter_mut() {
        let (from, word) = (item.x - MARK / 2.0, if item.mark.is_loud() { length(&item.label) } else { 0.0 });
        item.row = ends.iter().position(|end| *end <= from).unwrap_or_else(|| {
            if ends.len() < MOST_ROWS {
                ends.push(0.0);
                return ends.len() - 1;
            }
            (0..MOST_ROWS).min_by(|one, two| ends[*one].total_cmp(&ends[*two])).unwrap_or_default()
        });
        ends[item.row] = ends[item.row].max(from) + MARK + word;
    }
    let mut free_until = vec![width; ends.len()];
    for item in items.iter_mut().rev() {
        if item.x + MARK / 2.0 + length(&item.label) > free_until[item.row] {
            item.label = None;
        }
        free_until[item.row] = item.x - MARK / 2.0;
    }
    ends.len().max(1)
}

fn draw(lane: &Lane<'_>, is_even: bool) -> Markup {
    let y = |row: usize| lane.y + LANE_PAD + (row as f64 + 0.5) * ROW;
    let mut xs: Vec<String> = lane.dots.iter().map(|x| px(*x)).collect();
    xs.dedup();
    let track = px(lane.y + lane.height - LANE_PAD);
    let dots: String = xs.iter().map(|x| format!("M{x} {track}h0")).collect();
    html! {
        g role="group" class=[is_even.then_some("even-lane")] aria-label=(lane.name) {
            @if !dots.is_empty() { path class="dots" d=(dots) {} }
            @for item in &lane.items {
                a class="item" href=(item.link) aria-label=(item.title) {
                    title { (item.title) }
                    use class=(item.mark.class()) href=(item.mark.href()) x=(px(item.x)) y=(px(y(item.row))) {}
                    @if let Some(label) = &item.label {
                        text x=(px(item.x + MARK / 2.0 + 2.0)) y=(px(y(item.row) + 4.0)) { (label) }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(xs: &[f64], mark: Mark) -> Vec<Item> {
        let item = |x: &f64| Item {
            x: *x,
            mark,
            row: 9,
            label: Some("146".to_owned()),
            link: String::new(),
            title: String::new(),
        };
        xs.iter().map(item).collect()
    }

    fn placed(xs: &[f64], mark: Mark) -> (usize, Vec<(usize, bool)>) {
        let mut items = items(xs, mark);
        let rows = place(&mut items, 1000.0);
        (rows, items.iter().map(|item| (item.row, item.label.is_some())).collect())
    }

    #[test]
    fn marks_with_room_share_a_row_and_keep_their_labels() {
        assert_eq!(placed(&[10.0, 60.0], Mark::Wrote), (1, vec![(0, true), (0, true)]));
    }

    #[test]
    fn a_calm_mark_gives_up_its_label_and_a_loud_one_takes_another_row() {
        assert_eq!(placed(&[10.0, 30.0], Mark::Wrote), (1, vec![(0, false), (0, true)]));
        assert_eq!(placed(&[10.0, 30.0], Mark::Trouble), (2, vec![(0, true), (1, true)]));
    }

    #[test]
    fn marks_on_each_other_take_rows_until_there_are_no_more() {
        let (rows, items) = placed(&[10.0; 9], Mark::Wrote);
        assert_eq!(rows, MOST_ROWS);
        assert_eq!(items.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 0, 1]);
    }

    #[test]
    fn no_label_leaves_the_chart() {
        assert_eq!(placed(&[985.0], Mark::Trouble), (1, vec![(0, false)]));
    }
}
