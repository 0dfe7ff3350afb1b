//! States, their canonical form, and the four words they are packed into.
//!
//! 1. A record is an interned shape (everything but the nonce) and a label that stands for its nonce. Labels are
//!    renamed in a fixed order of discovery, since nonces matter only up to equality.
//! 2. A label is alive where its record is current, is the backup's, or would be left by a write in flight that expects
//!    one alive. A write or an observation of a record that is not alive can never match again, and is dropped.
//! 3. Two writes in flight that do the same on top of the same record count as one: whatever two of them can do, one of
//!    them delivered twice can do as well.
//! 4. Enactors are alike, so what they hold is sorted.

use super::kernel::{ContentsId, FenceId, FormId, StoreId};

/// Stands for the nonce of a record; those below [`FIRST`] stand for no record.
pub(super) type Label = u8;

/// There is no record.
pub(super) const NOTHING: Label = 0;
/// There is something that is no record.
pub(super) const GARBAGE: Label = 1;
/// Whatever is there: what a write expects that is not compared with the record.
pub(super) const ANYTHING: Label = 2;
/// The first that stands for a record.
const FIRST: Label = 3;
/// The label of a write that was just sent, until it gets its own.
pub(super) const FRESH: Label = 15;

/// As many words as hold a state.
pub(super) type Key = [u64; 4];

/// The target: what is there, and the fence record beside it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) contents: ContentsId,
    pub(super) fence: FenceId,
    pub(super) label: Label,
}

/// What is left of the backup.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Backup {
    /// None will ever be restored (any more).
    Never,
    /// It can still be taken.
    Open,
    /// It is there, to be restored.
    Taken(Place),
}

/// What an enactor has in its hands: a record that it loaded, and the store as it was then. It will read the head
/// later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Hold {
    pub(super) label: Label,
    pub(super) since: StoreId,
}

/// A write in the network.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Write {
    pub(super) form: FormId,
    pub(super) from: Label,
    pub(super) to: Label,
}

/// How much may still be done by hand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Budget {
    pub(super) deletions: u8,
    pub(super) corruptions: u8,
    pub(super) damages: u8,
    pub(super) store_rewinds: u8,
}

/// Everything there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct State {
    pub(super) now: Place,
    pub(super) backup: Backup,
    pub(super) store: StoreId,
    pub(super) budget: Budget,
    pub(super) holds: Few<Hold, 3>,
    pub(super) flight: Few<Write, 5>,
}

/// At most `N` of something, without an allocation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Few<T, const N: usize> {
    len: u8,
    items: [T; N],
}

impl<T: Copy + PartialEq, const N: usize> PartialEq for Few<T, N> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<T: Copy + PartialEq + Eq, const N: usize> Eq for Few<T, N> {}

impl<T: Copy, const N: usize> Few<T, N> {
    pub(super) const fn none(blank: T) -> Self {
        Self { len: 0, items: [blank; N] }
    }

    pub(super) fn as_slice(&self) -> &[T] {
        &self.items[..usize::from(self.len)]
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.items[..usize::from(self.len)]
    }

    pub(super) fn push(&mut self, item: T) {
        self.items[usize::from(self.len)] = item;
        self.len += 1;
    }

    pub(super) fn remove(&mut self, index: usize) {
        let last = usize::from(self.len) - 1;
        self.items.copy_within(index + 1..=last, index);
        self.len -= 1;
    }
}

impl State {
    /// What an enactor has in its hands that looks now.
    pub(super) const fn fresh(&self) -> Hold {
        Hold { label: self.now.label, since: self.store }
    }

    /// The same in canonical form.
    pub(super) fn canonical(mut self) -> Self {
        let mut names = Names { of: [None; 16], order: Few::none(0), next: FIRST };
        names.add(self.now.label);
        if let Backup::Taken(place) = self.backup {
            names.add(place.label);
        }
        let comes_back = [(NOTHING, self.budget.deletions), (GARBAGE, self.budget.corruptions)];
        comes_back.iter().filter(|(_, left)| *left > 0).for_each(|(label, _)| names.add(*label));
        names.add(ANYTHING);
        self.flight = in_order(&self.flight, &mut names);
        let rename = |label: Label| names.of[usize::from(label)];
        self.now.label = rename(self.now.label).unwrap_or(NOTHING);
        if let Backup::Taken(place) = &mut self.backup {
            place.label = rename(place.label).unwrap_or(NOTHING);
        }
        let fresh = self.fresh();
        for hold in self.holds.as_mut_slice() {
            // Whoever saw no record has nothing left to read: what it sends is in flight from then on.
            *hold = match rename(hold.label) {
                Some(label) if label >= FIRST => Hold { label, ..*hold },
                _ => fresh,
            };
        }
        self.holds.as_mut_slice().sort_unstable();
        self
    }

    /// Packed.
    pub(super) fn key(&self) -> Key {
        let (kind, backup) = match self.backup {
            Backup::Never => (0, None),
            Backup::Open => (1, None),
            Backup::Taken(place) => (2, Some(place)),
        };
        let place = |place: Place| u64::from(place.contents) | u64::from(place.fence) << 16;
        let budget = self.budget;
        let small = [
            (kind, 2),
            (self.now.label, 4),
            (backup.map_or(0, |place| place.label), 4),
            (self.store, 8),
            (budget.deletions, 2),
            (budget.corruptions, 2),
            (budget.damages, 2),
            (budget.store_rewinds, 1),
            (self.flight.len, 3),
        ];
        let holds = self.holds.as_slice().iter().flat_map(|hold| [(hold.label, 4), (hold.since, 8)]);
        let packed = small
            .into_iter()
            .chain(holds)
            .fold((0, 0), |(word, at), (value, bits)| (word | u64::from(value) << at, at + bits));
        let mut words = [place(self.now) | backup.map_or(0, place) << 32, packed.0, 0, 0];
        for (index, write) in self.flight.as_slice().iter().enumerate() {
            let bits = u64::from(write.form) | u64::from(write.from) << 16 | u64::from(write.to) << 20;
            words[2 + index / 2] |= bits << (index % 2 * 24);
        }
        words
    }

    /// Unpacked; `enactors` is how many there are.
    pub(super) fn from_key(key: &Key, enactors: u8) -> Self {
        let mut rest = key[1];
        let mut take = |bits: u32| {
            let value = rest & ((1 << bits) - 1);
            rest >>= bits;
            narrow::<u8>(value)
        };
        let (kind, label, backup_label, store) = (take(2), take(4), take(4), take(8));
        let (deletions, corruptions, damages) = (take(2), take(2), take(2));
        let budget = Budget { deletions, corruptions, damages, store_rewinds: take(1) };
        let writes = take(3);
        let place = |bits: u64, label| Place {
            contents: narrow(bits & 0xffff),
            fence: narrow(bits >> 16 & 0xffff),
            label,
        };
        let backup = match kind {
            0 => Backup::Never,
            1 => Backup::Open,
            _ => Backup::Taken(place(key[0] >> 32, backup_label)),
        };
        let mut holds = Few::none(Hold { label: NOTHING, since: 0 });
        (0..enactors).for_each(|_| holds.push(Hold { label: take(4), since: take(8) }));
        let mut flight = Few::none(Write::default());
        for index in 0..usize::from(writes) {
            let bits = key[2 + index / 2] >> (index % 2 * 24);
            let label = |shift: u32| narrow(bits >> shift & 0xf);
            flight.push(Write { form: narrow(bits & 0xffff), from: label(16), to: label(20) });
        }
        Self { now: place(key[0] & 0xffff_ffff, label), backup, store, budget, holds, flight }
    }
}

fn narrow<T: TryFrom<u64>>(value: u64) -> T {
    T::try_from(value).ok().expect("invariant: it was masked to its width")
}

/// Old labels and their new names.
struct Names {
    of: [Option<Label>; 16],
    /// The old ones, in the order in which they were named.
    order: Few<Label, 12>,
    next: Label,
}

impl Names {
    fn add(&mut self, label: Label) {
        if self.of[usize::from(label)].is_some() {
            return;
        }
        let name = if label < FIRST { label } else { self.next };
        self.next += u8::from(label >= FIRST);
        self.of[usize::from(label)] = Some(name);
        self.order.push(label);
    }
}

/// The writes that expect a record alive, renamed and in canonical order.
fn in_order(flight: &Few<Write, 5>, names: &mut Names) -> Few<Write, 5> {
    let mut ordered = Few::none(Write::default());
    let mut at = 0;
    while let Some(label) = names.order.as_slice().get(at).copied() {
        let mut siblings: Few<Write, 5> = Few::none(Write::default());
        flight.as_slice().iter().filter(|write| write.from == label).for_each(|write| siblings.push(*write));
        siblings.as_mut_slice().sort_unstable_by_key(|write| write.form);
        for write in siblings.as_slice() {
            names.add(write.to);
            let name = |label: Label| names.of[usize::from(label)].unwrap_or(NOTHING);
            ordered.push(Write { from: name(write.from), to: name(write.to), ..*write });
        }
        at += 1;
    }
    ordered
}
