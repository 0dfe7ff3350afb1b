//! Virtual time on the x axis: linear where something happens, with idle stretches cut short.
//!
//! 1. The axis only ever grows: a later moment is never drawn to the left of an earlier one.
//! 2. An idle stretch is a gap between neighbouring moments that is both far longer than usual (ten times the median)
//!    and a good part (more than an eighth) of all the time that is left once it and everything longer is cut out. It
//!    is drawn [`BREAK`] wide, marked as a break, and labelled with how long it really is.

/// How wide an idle stretch is drawn.
const BREAK: f64 = 44.0;
/// Space left and right of the first and the last moment.
pub(super) const PAD: f64 = 16.0;
/// Ticks are at least this far apart.
const TICK_SPACE: f64 = 84.0;

/// A stretch of time and where it is drawn.
struct Piece {
    from_ms: u64,
    to_ms: u64,
    x: f64,
    width: f64,
    is_idle: bool,
}

/// The x axis, shared by all charts.
pub(super) struct Axis {
    /// Without gaps, in order; never empty.
    pieces: Vec<Piece>,
    pub(super) width: f64,
}

/// An idle stretch, as drawn.
pub(super) struct Idle {
    pub(super) x: f64,
    pub(super) width: f64,
    pub(super) length_ms: u64,
}

impl Axis {
    /// An axis `width` wide, from 0 to the last of `moments`, which are in milliseconds and in any order.
    pub(super) fn new(mut moments: Vec<u64>, width: f64) -> Self {
        moments.push(0);
        moments.sort_unstable();
        moments.dedup();
        let end = *moments.last().expect("invariant: 0 is among them");
        let stretches = stretches(&idle(&moments), end);
        let breaks = stretches.iter().filter(|(_, _, is_idle)| *is_idle).count();
        let busy: u64 =
            stretches.iter().filter(|(_, _, is_idle)| !is_idle).map(|(from, to, _)| to - from).sum();
        let scale = (width - 2.0 * PAD - breaks as f64 * BREAK) / busy.max(1) as f64;
        let mut x = PAD;
        let mut pieces = Vec::new();
        for (from_ms, to_ms, is_idle) in stretches {
            let width = if is_idle { BREAK } else { (to_ms - from_ms) as f64 * scale };
            pieces.push(Piece { from_ms, to_ms, x, width, is_idle });
            x += width;
        }
        Self { pieces, width }
    }

    /// Where a moment is drawn. What lies after the end is drawn at the end.
    pub(super) fn x(&self, at_ms: u64) -> f64 {
        let index = self.pieces.partition_point(|piece| piece.to_ms < at_ms).min(self.pieces.len() - 1);
        let Piece { from_ms, to_ms, x, width, .. } = self.pieces[index];
        let into = at_ms.clamp(from_ms, to_ms) - from_ms;
        x + width * into as f64 / (to_ms - from_ms).max(1) as f64
    }

    /// The idle stretches, in order.
    pub(super) fn idle(&self) -> impl Iterator<Item = Idle> + '_ {
        let idle = self.pieces.iter().filter(|piece| piece.is_idle);
        idle.map(|piece| Idle { x: piece.x, width: piece.width, length_ms: piece.to_ms - piece.from_ms })
    }

    /// Round moments to label, in milliseconds: none within a break, none too close to the one before.
    pub(super) fn ticks(&self) -> Vec<u64> {
        let mut ticks: Vec<u64> = Vec::new();
        let mut free_from = 0.0;
        for piece in self.pieces.iter().filter(|piece| !piece.is_idle && piece.width > 0.0) {
            let step = round_step(TICK_SPACE * (piece.to_ms - piece.from_ms) as f64 / piece.width);
            let mut at = piece.from_ms.div_ceil(step) * step;
            while at <= piece.to_ms {
                if self.x(at) >= free_from {
                    free_from = self.x(at) + TICK_SPACE * 0.8;
                    ticks.push(at);
                }
                at += step;
            }
        }
        ticks
    }
}

/// The idle gaps between neighbours of a sorted list, as (from, to).
fn idle(moments: &[u64]) -> Vec<(u64, u64)> {
    let mut gaps: Vec<(u64, u64)> = moments.windows(2).map(|pair| (pair[0], pair[1])).collect();
    gaps.sort_by_key(|(from, to)| to - from);
    let Some(median) = gaps.get(gaps.len() / 2).map(|(from, to)| to - from) else { return Vec::new() };
    let mut left: u64 = gaps.iter().map(|(from, to)| to - from).sum();
    let mut idle = Vec::new();
    while let Some((from, to)) = gaps.pop() {
        let gap = to - from;
        left -= gap;
        if gap <= median.saturating_mul(10) || gap <= left / 8 {
            break;
        }
        idle.push((from, to));
    }
    idle.sort_unstable();
    idle
}

/// Everything from 0 to `end`, as (from, to, whether it is idle).
fn stretches(idle: &[(u64, u64)], end: u64) -> Vec<(u64, u64, bool)> {
    let mut stretches = Vec::new();
    let mut at = 0;
    for &(from, to) in idle {
        if from > at {
            stretches.push((at, from, false));
        }
        stretches.push((from, to, true));
        at = to;
    }
    if at < end || stretches.is_empty() {
        stretches.push((at, end, false));
    }
    stretches
}

/// The smallest of 1, 2, 5, 10, 20, 50 .. that is at least `least`.
pub(super) fn round_step(least: f64) -> u64 {
    let mut unit: u64 = 1;
    loop {
        for step in [unit, 2 * unit, 5 * unit] {
            if step as f64 >= least || step > u64::MAX / 20 {
                return step;
            }
        }
        unit *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_linear_where_nothing_is_idle() {
        let axis = Axis::new((0..=100).map(|at| at * 10).collect(), 1000.0 + 2.0 * PAD);
        assert_eq!((axis.x(0), axis.x(250), axis.x(1000)), (PAD, PAD + 250.0, PAD + 1000.0));
        assert_eq!(axis.idle().count(), 0);
        assert_eq!(axis.ticks(), (0..=10).map(|at| at * 100).collect::<Vec<_>>());
    }

    #[test]
    fn few_moments_far_apart_are_not_idle() {
        assert_eq!(Axis::new(vec![0, 60_000, 120_000], 1000.0).idle().count(), 0);
    }

    #[test]
    fn an_idle_stretch_is_cut_short_and_says_how_long_it_is() {
        let busy = |from: u64| (0..50).map(move |at| from + at * 20);
        let axis = Axis::new(busy(0).chain(busy(600_000)).collect(), 1000.0);
        let idle: Vec<Idle> = axis.idle().collect();
        assert_eq!(idle.len(), 1);
        assert_eq!((idle[0].length_ms, idle[0].width), (600_000 - 49 * 20, BREAK));
        let xs: Vec<f64> = (0..700).map(|at| axis.x(at * 1000)).collect();
        assert!(xs.is_sorted(), "it only ever grows");
        assert!(axis.ticks().iter().all(|tick| !(981..600_000).contains(tick)));
        assert!((axis.x(600_980) - (1000.0 - PAD)).abs() < 0.001);
    }

    #[test]
    fn nothing_at_all_has_an_axis_too() {
        let axis = Axis::new(Vec::new(), 100.0);
        assert_eq!((axis.x(0), axis.x(u64::MAX), axis.ticks()), (PAD, PAD, Vec::new()));
    }

    #[test]
    fn steps_are_round() {
        assert_eq!([0.0, 1.5, 3.0, 7.0, 51.0].map(round_step), [1, 2, 5, 10, 100]);
    }
}
