//! Which entries of a long run are shown one by one.
//!
//! A browser bears some ten thousand nodes well, and a run can have many thousands of entries. Those that are kept are
//! the ones nearest to where it matters: refusals of older plans and breaches. What is left out is counted.

use std::collections::BTreeSet;

use dnsplan_sim::{Entry, Outcome, Refusal};

/// At most so many entries that are not details have a row and a mark.
const MOST_KEY: usize = 800;
/// At most so many details have a row.
const MOST_DETAILS: usize = 400;

/// At most so many refusals of either sort have a row and a mark: the first ones.
const MOST_REFUSALS: usize = 200;

/// Refusals of one sort, each with its index in [`Outcome::refusals`].
pub(super) struct Refused<'a> {
    pub(super) shown: Vec<(usize, &'a Refusal)>,
    pub(super) left_out: usize,
}

impl<'a> Refused<'a> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.shown.len() + self.left_out
    }

    /// Writes for an older plan than what was live.
    pub(super) fn stale(outcome: &'a Outcome) -> Self {
        Self::of(outcome, Refusal::is_stale)
    }

    /// Writes that lost a race for the same work.
    pub(super) fn races(outcome: &'a Outcome) -> Self {
        Self::of(outcome, |refusal| !refusal.is_stale())
    }

    fn of(outcome: &'a Outcome, is_wanted: impl Fn(&Refusal) -> bool) -> Self {
        let mut shown: Vec<_> =
            outcome.refusals.iter().enumerate().filter(|(_, refusal)| is_wanted(refusal)).collect();
        let left_out = shown.len().saturating_sub(MOST_REFUSALS);
        shown.truncate(MOST_REFUSALS);
        Self { shown, left_out }
    }
}

/// The entries that are shown, by their index in [`Outcome::entries`].
pub(super) struct Shown {
    indices: BTreeSet<usize>,
    /// How many entries that are no details are left out, and how many details.
    pub(super) left_out: (usize, usize),
}

impl Shown {
    pub(super) fn of(outcome: &Outcome) -> Self {
        let moments = moments(outcome);
        let (details, key): (Vec<usize>, Vec<usize>) =
            (0..outcome.entries.len()).partition(|index| outcome.entries[*index].is_detail);
        let left_out = (key.len().saturating_sub(MOST_KEY), details.len().saturating_sub(MOST_DETAILS));
        let kept =
            [nearest(outcome, key, &moments, MOST_KEY), nearest(outcome, details, &moments, MOST_DETAILS)];
        Self { indices: kept.into_iter().flatten().collect(), left_out }
    }

    pub(super) fn has(&self, index: usize) -> bool {
        self.indices.contains(&index)
    }

    /// What is shown, in order.
    pub(super) fn entries<'a>(&'a self, outcome: &'a Outcome) -> impl Iterator<Item = (usize, &'a Entry)> {
        self.indices.iter().map(|index| (*index, &outcome.entries[*index]))
    }
}

/// Where it matters, as steps in order; the end of a run in which nothing of the kind happened.
fn moments(outcome: &Outcome) -> Vec<u64> {
    let refused = outcome.refusals.iter().filter(|refusal| refusal.is_stale()).map(|refusal| refusal.step);
    let mut moments: Vec<u64> = refused.chain(outcome.breaches.iter().map(|breach| breach.step)).collect();
    if moments.is_empty() {
        moments.push(outcome.steps);
    }
    moments.sort_unstable();
    moments
}

/// The `most` of `indices` that are nearest to one of `moments`, the earlier first where two are as near.
fn nearest(outcome: &Outcome, mut indices: Vec<usize>, moments: &[u64], most: usize) -> Vec<usize> {
    if indices.len() > most {
        indices.sort_by_cached_key(|index| {
            let step = outcome.entries[*index].step;
            let after = moments.partition_point(|moment| *moment < step);
            let around = moments[after.saturating_sub(1)..].iter().take(2);
            around.map(|moment| moment.abs_diff(step)).min()
        });
        indices.truncate(most);
    }
    indices
}
