//! Many runs, on all cores.
//!
//! Seeds are handed out in order. Once one breaks, no higher one is handed out, and those below it are still played: what
//! is counted and reported are the seeds up to the lowest one that breaks, whoever was quicker.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// So many seeds are handed out at a time: some milliseconds of work.
const CHUNK: u64 = 16;

/// What was played.
pub(super) struct Runs<I> {
    /// The first seed.
    pub(super) first: u64,
    /// How many were asked for.
    pub(super) asked: u64,
    /// What the runs up to the lowest seed that broke come to.
    pub(super) tally: Tally<I>,
    /// The lowest seed that broke.
    pub(super) failed: Option<u64>,
    pub(super) threads: usize,
    pub(super) wall: Duration,
}

impl<I> Runs<I> {
    /// Schedules a second.
    pub(super) fn per_second(&self) -> f64 {
        self.tally.runs as f64 / self.seconds()
    }

    /// Virtual seconds a second.
    pub(super) fn speed(&self) -> f64 {
        self.tally.virtual_ms as f64 / 1_000.0 / self.seconds()
    }

    fn seconds(&self) -> f64 {
        self.wall.as_secs_f64().max(1e-9)
    }
}

/// What one run comes to. `I` are the invariants that it was judged by.
#[derive(Clone, Debug)]
pub(super) struct Sum<I> {
    pub(super) steps: u64,
    pub(super) looks: u64,
    pub(super) refused: u64,
    pub(super) virtual_ms: u64,
    /// Those that broke.
    pub(super) broken: Vec<I>,
    pub(super) holds: bool,
}

/// What runs come to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Tally<I> {
    pub(super) runs: u64,
    pub(super) steps: u64,
    pub(super) looks: u64,
    pub(super) refused: u64,
    pub(super) virtual_ms: u64,
    /// How many runs broke which invariant.
    pub(super) broken: BTreeMap<I, u64>,
}

impl<I: Ord> Tally<I> {
    const NONE: Self =
        Self { runs: 0, steps: 0, looks: 0, refused: 0, virtual_ms: 0, broken: BTreeMap::new() };

    fn add(&mut self, sum: Sum<I>) {
        self.runs += 1;
        self.steps += sum.steps;
        self.looks += sum.looks;
        self.refused += sum.refused;
        self.virtual_ms += sum.virtual_ms;
        for invariant in sum.broken {
            *self.broken.entry(invariant).or_default() += 1;
        }
    }

    fn merge(&mut self, other: Self) {
        self.runs += other.runs;
        self.steps += other.steps;
        self.looks += other.looks;
        self.refused += other.refused;
        self.virtual_ms += other.virtual_ms;
        for (invariant, runs) in other.broken {
            *self.broken.entry(invariant).or_default() += runs;
        }
    }
}

/// Plays `asked` seeds from `first` on.
pub(super) fn play<I: Ord + Send>(
    first: u64,
    asked: u64,
    threads: usize,
    play: impl Fn(u64) -> Sum<I> + Sync,
) -> Runs<I> {
    let started = Instant::now();
    let hands = Hands {
        first,
        asked,
        next: AtomicU64::new(0),
        lowest: AtomicU64::new(u64::MAX),
        bar: bar(asked),
        play,
    };
    let chunks: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| hands.work())).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    hands.bar.finish_and_clear();
    let lowest = hands.lowest.into_inner();
    let mut tally = Tally::NONE;
    chunks.into_iter().filter(|(start, _)| *start <= lowest).for_each(|(_, chunk)| tally.merge(chunk));
    let failed = (lowest < u64::MAX).then(|| first + lowest);
    Runs { first, asked, tally, failed, threads, wall: started.elapsed() }
}

/// Shows itself on standard error, where that is a terminal.
fn bar(runs: u64) -> ProgressBar {
    let template = "{bar:40} {human_pos} of {human_len} runs, {eta} to go";
    let style = ProgressStyle::with_template(template).expect("invariant: a valid template");
    ProgressBar::new(runs).with_style(style)
}

/// The seeds, by their distance from the first.
struct Hands<P> {
    first: u64,
    asked: u64,
    /// The first that nobody has.
    next: AtomicU64,
    /// The lowest that broke.
    lowest: AtomicU64,
    bar: ProgressBar,
    play: P,
}

impl<P> Hands<P> {
    /// What the chunks come to that this thread has played, each by its first seed.
    fn work<I: Ord>(&self) -> Vec<(u64, Tally<I>)>
    where
        P: Fn(u64) -> Sum<I>,
    {
        let mut chunks = Vec::new();
        loop {
            let start = self.next.fetch_add(CHUNK, Ordering::Relaxed);
            if start >= self.asked || start > self.lowest.load(Ordering::Relaxed) {
                return chunks;
            }
            chunks.push((start, self.chunk(start)));
            self.bar.inc(CHUNK.min(self.asked - start));
        }
    }

    fn chunk<I: Ord>(&self, start: u64) -> Tally<I>
    where
        P: Fn(u64) -> Sum<I>,
    {
        let mut tally = Tally::NONE;
        for index in start..self.asked.min(start + CHUNK) {
            if index > self.lowest.load(Ordering::Relaxed) {
                break;
            }
            let sum = {
                let _named = Named(self.first + index);
                (self.play)(self.first + index)
            };
            if !sum.holds {
                self.lowest.fetch_min(index, Ordering::Relaxed);
            }
            tally.add(sum);
        }
        tally
    }
}

/// Says which seed it was that panicked: the panic itself does not know.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if thread::panicking() {
            errln!("that was seed {}", self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use dnsplan_sim::Invariant;

    use super::*;

    const FIRST: u64 = 1_000;

    /// Runs of which those with these distances from the first seed break, once `meet` lets them.
    fn runs(threads: usize, broken: &[u64], meet: impl Fn() + Sync) -> Runs<Invariant> {
        play(FIRST, 500, threads, |seed| {
            let mut sum =
                Sum { steps: 2, looks: 1, refused: 3, virtual_ms: 9, broken: Vec::new(), holds: true };
            if broken.contains(&(seed - FIRST)) {
                let invariant = if seed % 2 == 0 { Invariant::Whole } else { Invariant::NeverEmpty };
                sum = Sum { broken: vec![invariant], holds: false, ..sum };
                meet();
            }
            sum
        })
    }

    #[test]
    fn all_are_played_where_none_breaks() {
        for threads in [1, 2, 7] {
            let runs = runs(threads, &[], || {});
            assert_eq!((runs.tally.runs, runs.tally.refused, runs.failed), (500, 1_500, None));
            assert!(runs.tally.steps > 500 && runs.tally.broken.is_empty());
        }
    }

    #[test]
    fn the_lowest_that_breaks_is_reported_whoever_was_quicker() {
        let alone = runs(1, &[37], || {});
        assert_eq!((alone.failed, alone.tally.runs), (Some(FIRST + 37), 38));
        for threads in [2, 3, 8] {
            // Neither is done before the other has begun.
            let both = Barrier::new(2);
            let meet = || {
                both.wait();
            };
            let runs = runs(threads, &[37, 90], meet);
            assert_eq!(runs.failed, alone.failed, "{threads} threads");
            assert_eq!(runs.tally, alone.tally, "{threads} threads: what came after it is not counted");
        }
    }

    #[test]
    fn no_more_seeds_are_handed_out_than_it_takes() {
        let played = AtomicU64::new(0);
        let all: Vec<u64> = (20..500).collect();
        let count = || {
            played.fetch_add(1, Ordering::Relaxed);
        };
        let runs = runs(1, &all, count);
        assert_eq!((runs.failed, played.into_inner()), (Some(FIRST + 20), 1));
    }
}
