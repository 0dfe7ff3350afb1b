//! Shrinking: of a schedule that breaks something, the smallest part that still breaks the same.
//!
//! Everything that took part has a key, and what the seed says of a key does not depend on the other keys. So leaving keys out is all there
//! is to it: first halves, then quarters, down to single ones (delta debugging; Zeller and Hildebrandt 2002).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::Library;
use crate::random::{Options, Played, play};
use crate::schedule::Key;
use crate::trace::Invariant;

/// The smallest schedule that was found.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// What to play to see it.
    pub options: Options,
    /// The run, with its timeline.
    pub played: Played,
    /// How many runs it took.
    pub tries: u64,
}

/// Shrinks a schedule to a minimal one that breaks the same invariant; `None` where it breaks nothing.
#[must_use]
pub fn shrink(library: &Arc<Library>, options: &Options) -> Option<Shrunk> {
    let whole = play(library, options, false);
    let wanted = whole.outcome.breaches.first()?.invariant;
    let mut search = Search { library, options, wanted, tries: 1 };
    let mut keep = whole.keys;
    let mut parts = 2;
    while !keep.is_empty() {
        match search.smaller(&keep, parts) {
            Some(smaller) => {
                keep = smaller;
                parts = 2.max(parts - 1);
            }
            None if parts >= keep.len() => break,
            None => parts = (parts * 2).min(keep.len()),
        }
    }
    let tries = search.tries;
    let options = Options { keep: Some(keep), ..options.clone() };
    let played = play(library, &options, true);
    Some(Shrunk { options, played, tries })
}

struct Search<'a> {
    library: &'a Arc<Library>,
    options: &'a Options,
    wanted: Invariant,
    tries: u64,
}

impl Search<'_> {
    /// The first complement of one of so many parts that still breaks the same. What never came up is left out, too.
    fn smaller(&mut self, keep: &BTreeSet<Key>, parts: usize) -> Option<BTreeSet<Key>> {
        let all: Vec<Key> = keep.iter().copied().collect();
        let size = all.len().div_ceil(parts);
        all.chunks(size).find_map(|left_out| {
            let rest: BTreeSet<Key> = keep.iter().copied().filter(|key| !left_out.contains(key)).collect();
            let options = Options { keep: Some(rest), ..self.options.clone() };
            self.tries += 1;
            let played = play(self.library, &options, false);
            let breaks = played.outcome.breaches.iter().any(|breach| breach.invariant == self.wanted);
            breaks.then_some(played.keys)
        })
    }
}
