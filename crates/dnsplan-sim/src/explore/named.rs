//! Configurations by name, for the command line and for the tests.

use dnsplan_enactor::Layout;

use super::config::{Config, Deciding};

/// A configuration with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: &'static str,
    /// What it is about, in one line.
    pub about: &'static str,
    /// Whether it takes seconds to minutes, and up to gigabytes, rather than less than a second.
    pub is_long: bool,
    /// The configuration.
    pub config: Config,
}

/// All of them, the quickest first. Each of them holds.
#[must_use]
pub fn named() -> Vec<Named> {
    let three =
        Config { enactors: 3, generations: 3, in_flight: 2, creates_again: false, ..Config::default() };
    let short = |name, about, config| Named { name, about, is_long: false, config };
    let rewind = Config { rewind: true, ..three };
    let two = Config { enactors: 2, generations: 2, ..rewind };
    let mut all = vec![
        short("small", "three enactors, three plans, late and repeated writes, no fault by hand", three),
        short(
            "lost-fence",
            "the fence record deleted, and overwritten, by hand",
            Config { deletions: 1, corruptions: 1, ..three },
        ),
        short("damage", "rewind and damage, two plans", Config { damages: 1, ..two }),
        short(
            "in-place",
            "no tree: rewind, deleted record and damage, two plans",
            Config { layout: Layout::InPlace, deletions: 1, damages: 1, ..two },
        ),
        short(
            "whole",
            "all at once: rewind, deleted record and damage, two plans",
            Config { layout: Layout::Whole, deletions: 1, damages: 1, ..two },
        ),
        short(
            "adversary",
            "rewind, and anybody sends whatever the fence permits",
            Config { enactors: 1, in_flight: 1, deciding: Deciding::Adversary, ..rewind },
        ),
        short(
            "store",
            "the plan store put back to before its newest plan",
            Config { store_rewind: true, ..three },
        ),
        short(
            "guests",
            "rewind, with an owner name that comes and goes",
            Config { enactors: 2, comes_and_goes: true, ..rewind },
        ),
        short("rewind", "a backup of the whole target restored at any later time", rewind),
        short(
            "everything",
            "rewind, deleted record and damage together, two plans, one write in flight",
            Config { in_flight: 1, deletions: 1, damages: 1, ..two },
        ),
    ];
    all.extend(long(rewind));
    all
}

fn long(rewind: Config) -> Vec<Named> {
    let long = |name, about, config| Named { name, about, is_long: true, config };
    let adversary = Config { deciding: Deciding::Adversary, ..rewind };
    vec![
        long(
            "in-place-three",
            "no tree: rewind, deleted record and damage, three plans",
            Config { layout: Layout::InPlace, deletions: 1, damages: 1, ..rewind },
        ),
        long("rewind-deleted", "rewind and a deleted record together", Config { deletions: 1, ..rewind }),
        long("rewind-damaged", "rewind and damage together", Config { damages: 1, ..rewind }),
        long(
            "adversary-three",
            "three of those who send whatever the fence permits, and a rewind",
            adversary,
        ),
        long(
            "adversary-damaged",
            "two of those who send whatever the fence permits, rewind and damage",
            Config { enactors: 2, damages: 1, ..adversary },
        ),
        long(
            "store-rewind",
            "store and target both put back",
            Config { enactors: 2, in_flight: 1, store_rewind: true, ..rewind },
        ),
        long(
            "big",
            "everything by hand together: rewind, deleted and corrupt record, damage; three plans",
            Config { deletions: 1, corruptions: 1, damages: 1, ..rewind },
        ),
    ]
}
