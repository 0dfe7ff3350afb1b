//! Shrinking: of a schedule that breaks something, the smallest part that still breaks the same.
//!
//! Everything that took part has a key, and what the seed says of a key does not depend on the other keys. So leaving keys out is all there
//! is to it: first halves, then quarters, down to single ones (delta debugging; Zeller and Hildebrandt 2002).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::Library;
use crate::random::{Options, Played, play};
use crate::schedule::Key;

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
    let of = |keep: BTreeSet<Key>| Options { keep: Some(keep), ..options.clone() };
    let (keep, tries) = smallest(whole.keys, |keep| {
        let played = play(library, &of(keep), false);
        played.outcome.breach(wanted).is_some().then_some(played.keys)
    });
    let options = of(keep);
    let played = play(library, &options, true);
    Some(Shrunk { options, played, tries })
}

/// The smallest part of `keep` that still breaks the same, and how many runs it took. `breaks` plays a part: where it does, these are the
/// keys that came up.
pub(crate) fn smallest(
    mut keep: BTreeSet<Key>,
    mut breaks: impl FnMut(BTreeSet<Key>) -> Option<BTreeSet<Key>>,
) -> (BTreeSet<Key>, u64) {
    let (mut parts, mut tries) = (2, 1);
    while !keep.is_empty() {
        // The first complement of one of so many parts. What never came up is left out, too.
        let all: Vec<Key> = keep.iter().copied().collect();
        let smaller = all.chunks(all.len().div_ceil(parts)).find_map(|left_out| {
            tries += 1;
            breaks(keep.iter().copied().filter(|key| !left_out.contains(key)).collect())
        });
        match smaller {
            Some(smaller) => {
                keep = smaller;
                parts = 2.max(parts - 1);
            }
            None if parts >= keep.len() => break,
            None => parts = (parts * 2).min(keep.len()),
        }
    }
    (keep, tries)
}
