//! States, and the three words that they are packed into.
//!
//! 1. A record is interned without its nonce. That two records of the same content are not the same record is kept by a
//!    bit in each view: whether it is the record that is in the register now.
//! 2. Every swap in flight expects the record that is there now. One that expects another can never win any more, and is
//!    dropped: a nonce does not come back.
//! 3. Two swaps in flight that leave the same record count as one, and a write in flight is known by who sent it under
//!    which epoch.

/// An interned record.
pub(crate) type RecordId = u16;
/// An interned receipt; 0 is none.
pub(crate) type ReceiptId = u8;
/// As many words as hold a state.
pub(crate) type Key = [u64; 3];

/// What a node takes itself for, as in `Stance`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(crate) struct Packed {
    /// 0 follows, 1 leads, 2 drains, 3 stopped.
    pub(crate) kind: u8,
    pub(crate) epoch: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Server {
    pub(crate) is_up: bool,
    pub(crate) incarnation: u8,
    pub(crate) stance: Packed,
    /// How many accepted writes it has.
    pub(crate) applied: u8,
}

/// A data write: in flight, or accepted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Data {
    pub(crate) epoch: u8,
    pub(crate) node: u8,
    pub(crate) incarnation: u8,
    /// R2 left out: the resource has checked it, and will write it.
    pub(crate) is_checked: bool,
}

/// A coordinator: the record that it has seen last, and the receipt that it has in its hands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct View {
    pub(crate) record: RecordId,
    /// Whether that very record is in the register now.
    pub(crate) is_current: bool,
    pub(crate) receipt: ReceiptId,
}

/// Everything there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct State {
    pub(crate) register: RecordId,
    /// The records that swaps in flight would leave, sorted.
    pub(crate) swaps: Few<RecordId, 2>,
    pub(crate) views: [View; 3],
    pub(crate) servers: [Server; 2],
    /// What the resource holds: the lowest epoch it accepts, and the accepted writes in order.
    pub(crate) floor: u8,
    pub(crate) log: Few<Data, 5>,
    /// The data writes in flight, sorted.
    pub(crate) flight: Few<Data, 5>,
    /// The highest epoch that was sealed at the resource, or that a record has called sealed. For the judge alone.
    pub(crate) sealed: u8,
    pub(crate) writes: u8,
    pub(crate) doubles: u8,
    pub(crate) crashes: u8,
    pub(crate) handoffs: u8,
    pub(crate) losses: u8,
}

/// At most `N` of something, without an allocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Few<T, const N: usize> {
    len: u8,
    items: [T; N],
}

impl<T: Copy + Default, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        Self { len: 0, items: [T::default(); N] }
    }
}

impl<T: Copy + Ord, const N: usize> PartialEq for Few<T, N> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<T: Copy + Ord, const N: usize> Eq for Few<T, N> {}

impl<T: Copy + Ord, const N: usize> Few<T, N> {
    pub(crate) fn len(&self) -> u8 {
        self.len
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        &self.items[..usize::from(self.len)]
    }

    pub(crate) fn push(&mut self, item: T) {
        self.items[usize::from(self.len)] = item;
        self.len += 1;
    }

    pub(crate) fn insert(&mut self, item: T) {
        self.push(item);
        self.items[..usize::from(self.len)].sort_unstable();
    }

    pub(crate) fn remove(&mut self, index: usize) {
        let last = usize::from(self.len) - 1;
        self.items.copy_within(index + 1..=last, index);
        self.len -= 1;
    }
}

/// Puts numbers of known widths into a word, and takes them out again in the same order.
struct Bits {
    word: u64,
    at: u32,
}

impl Bits {
    fn put(&mut self, value: impl Into<u64>, width: u32) {
        let value = value.into();
        assert!(value >> width == 0 && self.at + width <= 64, "{value} does not fit its {width} bits");
        self.word |= value << self.at;
        self.at += width;
    }

    fn take<T: TryFrom<u64>>(&mut self, width: u32) -> T {
        let value = self.word & ((1 << width) - 1);
        self.word >>= width;
        T::try_from(value).ok().expect("it was masked to its width")
    }
}

impl State {
    /// Packed.
    pub(crate) fn key(&self) -> Key {
        let mut words = [0, 1, 2].map(|_| Bits { word: 0, at: 0 });
        let [first, second, third] = &mut words;
        first.put(self.register, 12);
        for (value, width) in [
            (self.floor, 4),
            (self.sealed, 4),
            (self.log.len, 3),
            (self.flight.len, 3),
            (self.swaps.len, 2),
            (self.writes, 3),
            (self.doubles, 2),
            (self.crashes, 2),
            (self.handoffs, 2),
            (self.losses, 1),
        ] {
            first.put(value, width);
        }
        for server in &self.servers {
            first.put(server.is_up, 1);
            first.put(server.incarnation, 2);
            first.put(server.stance.kind, 2);
            first.put(server.stance.epoch, 4);
            first.put(server.applied, 3);
        }
        for data in self.log.as_slice().iter().chain(self.flight.as_slice()) {
            second.put(data.epoch, 4);
            second.put(data.node, 1);
            second.put(data.incarnation, 2);
            second.put(data.is_checked, 1);
        }
        second.at = 40;
        self.swaps.as_slice().iter().for_each(|next| second.put(*next, 12));
        for view in &self.views {
            third.put(view.record, 12);
            third.put(view.is_current, 1);
            third.put(view.receipt, 8);
        }
        words.map(|bits| bits.word)
    }

    /// Unpacked.
    pub(crate) fn from_key(key: &Key) -> Self {
        let [mut first, mut second, mut third] = key.map(|word| Bits { word, at: 0 });
        let mut state = Self { register: first.take(12), ..Self::default() };
        state.floor = first.take(4);
        state.sealed = first.take(4);
        let (log, flight, swaps): (u8, u8, u8) = (first.take(3), first.take(3), first.take(2));
        state.writes = first.take(3);
        state.doubles = first.take(2);
        state.crashes = first.take(2);
        state.handoffs = first.take(2);
        state.losses = first.take(1);
        for server in &mut state.servers {
            server.is_up = first.take::<u8>(1) == 1;
            server.incarnation = first.take(2);
            server.stance = Packed { kind: first.take(2), epoch: first.take(4) };
            server.applied = first.take(3);
        }
        let mut data = || Data {
            epoch: second.take(4),
            node: second.take(1),
            incarnation: second.take(2),
            is_checked: second.take::<u8>(1) == 1,
        };
        (0..log).for_each(|_| state.log.push(data()));
        (0..flight).for_each(|_| state.flight.push(data()));
        let mut rest = Bits { word: key[1] >> 40, at: 0 };
        (0..swaps).for_each(|_| state.swaps.push(rest.take(12)));
        for view in &mut state.views {
            *view =
                View { record: third.take(12), is_current: third.take::<u8>(1) == 1, receipt: third.take(8) };
        }
        state
    }
}
