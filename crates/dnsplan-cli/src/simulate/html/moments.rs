//! The moments that matter: where a write for an older plan was refused, and where an invariant broke.
//!
//! They are numbered, drawn as lines through every chart, named on top of the swim lanes, and told in full below them.

use dnsplan_sim::{Breach, Outcome, Refusal};
use maud::{Markup, html};

use super::axis::Axis;
use super::lanes::TOP;
use super::words::{count, cut, px, time};

/// At most so many are drawn; breaches first, there are never more than invariants.
const MOST: usize = 12;
const ROW: f64 = 21.0;
/// The width of a character of a flag in the widest of the usual fonts.
const CHARACTER: f64 = 7.7;

/// A moment that matters.
pub(super) struct Moment<'a> {
    number: usize,
    pub(super) at_ms: u64,
    what: What<'a>,
}

enum What<'a> {
    /// With its index in [`Outcome::refusals`].
    Refused(usize, &'a Refusal),
    Broke(&'a Breach),
}

impl Moment<'_> {
    const fn class(&self) -> &'static str {
        match self.what {
            What::Refused(..) => "refusal",
            What::Broke(_) => "breach",
        }
    }

    fn link(&self) -> String {
        match self.what {
            What::Refused(index, _) => format!("#refusal-{index}"),
            What::Broke(breach) => format!("#broken-{}", breach.invariant.key()),
        }
    }

    /// In a few words.
    fn flag(&self) -> String {
        let text = match self.what {
            What::Refused(_, Refusal { actor, offered, live, .. }) => {
                format!("{} refused: offers {offered}, {live} is live", cut(actor, 20))
            }
            What::Broke(breach) => format!("BROKEN: {}", breach.invariant.failure()),
        };
        format!("{}  {text}", self.number)
    }
}

/// The moments of a run in order, and how many refusals are left out.
pub(super) fn of(outcome: &Outcome) -> (Vec<Moment<'_>>, usize) {
    let broke = outcome.breaches.iter().map(|breach| (breach.at_ms, breach.step, What::Broke(breach)));
    let stale = outcome.refusals.iter().enumerate().filter(|(_, refusal)| refusal.is_stale());
    let left_out = (outcome.breaches.len() + stale.clone().count()).saturating_sub(MOST);
    let refused = stale.map(|(index, refusal)| (refusal.at_ms, refusal.step, What::Refused(index, refusal)));
    let mut all: Vec<_> = broke.chain(refused).take(MOST).collect();
    all.sort_by_key(|(at_ms, step, _)| (*at_ms, *step));
    let number = |(index, (at_ms, _, what))| Moment { number: index + 1, at_ms, what };
    (all.into_iter().enumerate().map(number).collect(), left_out)
}

/// A moment's name: where it is written.
struct Flag {
    row: usize,
    x: f64,
    width: f64,
}

/// Finds each a row in which it lies on no other. One that would leave the chart is written to the left of its moment.
fn flags_of(moments: &[Moment<'_>], axis: &Axis) -> Vec<Flag> {
    let mut flags: Vec<Flag> = Vec::new();
    for moment in moments {
        let (at, width) = (axis.x(moment.at_ms), 14.0 + CHARACTER * moment.flag().chars().count() as f64);
        let x = if at + width > axis.width { (at - width).max(0.0) } else { at };
        let is_free = |row: usize| {
            flags
                .iter()
                .all(|flag| flag.row != row || flag.x + flag.width + 8.0 <= x || x + width + 8.0 <= flag.x)
        };
        let row = (0..).find(|row| is_free(*row)).expect("invariant: a row that is not in use yet is free");
        flags.push(Flag { row, x, width });
    }
    flags
}

/// The height of all names.
pub(super) fn height(moments: &[Moment<'_>], axis: &Axis) -> f64 {
    flags_of(moments, axis).iter().map(|flag| (flag.row + 1) as f64 * ROW + 6.0).fold(0.0, f64::max)
}

/// A line through everything down to `bottom` for each.
pub(super) fn lines(moments: &[Moment<'_>], axis: &Axis, bottom: f64) -> Markup {
    html! {
        @for moment in moments {
            @let x = px(axis.x(moment.at_ms));
            path class={ "moment " (moment.class()) } d={ "M" (x) " " (px(TOP)) "V" (px(bottom)) } {}
        }
    }
}

/// The names, each at the top of its line.
pub(super) fn flags(moments: &[Moment<'_>], axis: &Axis) -> Markup {
    html! {
        @for (moment, Flag { row, x, width }) in moments.iter().zip(flags_of(moments, axis)) {
            @let y = TOP + row as f64 * ROW + 2.0;
            a class={ "flag " (moment.class()) } href=(moment.link()) aria-label=(moment.flag()) {
                rect x=(px(x)) y=(px(y)) width=(px(width)) height=(px(ROW - 3.0)) rx="3" {}
                text x=(px(x + 7.0)) y=(px(y + 13.0)) { (moment.flag()) }
            }
        }
    }
}

/// Every moment in full.
pub(super) fn list(moments: &[Moment<'_>], left_out: usize) -> Markup {
    html! {
        @if !moments.is_empty() {
            ol class="moments" {
                @for moment in moments {
                    li class=(moment.class()) {
                        span class="when" { (time(moment.at_ms)) } " "
                        @match moment.what {
                            What::Refused(_, refusal) => {
                                strong { (refusal.actor) " was refused." }
                                " It offered generation " (refusal.offered)
                                " (" (refusal.action) "): " (refusal.why) "."
                            }
                            What::Broke(breach) => {
                                strong { "BROKEN: " (breach.invariant.failure()) "." } " " (breach.text) "."
                            }
                        }
                    }
                }
            }
        }
        @if left_out > 0 {
            p class="note" {
                (count(left_out, "more refusal has", "more refusals have"))
                " no line of its own; the lanes and the table below have them."
            }
        }
    }
}
