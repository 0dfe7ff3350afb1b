//! The text of a leadership record, format 1: one readable line of ASCII, for registers that hold text.
//!
//! ```text
//! dnsplan-lead1 epoch=0 phase=open attempt=NONCE by=coordinator
//! dnsplan-lead1 epoch=1 holder=a.1 phase=freezing handoff=ID/b attempt=NONCE by=coordinator
//! dnsplan-lead1 epoch=2 holder=b.1 from=a.1 origin=ID/b phase=sealed handoff=ID/a position=5 attempt=NONCE by=coordinator
//! ```
//!
//! `holder` and `from` are a node and which life of it, `handoff` and `origin` a hand-off's id and its successor. `frozen=7`
//! stands before the attempt where an operator has frozen the record.
//!
//! 1. One record has one text, and a text that differs in any way is no record.
//! 2. What can be derived is not written: the digest is the holder, a receipt is of the record's own epoch and holder,
//!    everything in the fence's record follows from the epoch. So no text can contradict it.
//! 3. What no sequence of steps leads to is no record: a vacant one that is sealed, an epoch without a holder, one after
//!    the first that came from nowhere.
//! 4. The first word tells formats apart, for good. Who finds a later one **stands by**: it is a record, and in force. A
//!    register answers it as an error, and never as [`Observed::Unreadable`](dnsplan_fence::Observed::Unreadable), which
//!    may be replaced.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use dnsplan_fence::{Actor, Digest, FreezeId, Generation, Nonce, Part, Progress, Record};

use crate::{Epoch, HandoffId, Holder, Incarnation, Intent, Node, Origin, Phase, Position, Receipt, Term};

/// What every format's first word begins with; its number follows.
const NAME: &str = "dnsplan-lead";
const FORMAT: &str = "1";

/// Why a text is not a record that can be read here.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Malformed {
    /// A newer program wrote it. It is in force: nothing may be put in its place.
    #[error(
        "leadership record of format {0}, and this program reads format {FORMAT}: stand by, and upgrade this program"
    )]
    LaterFormat(Box<str>),
    /// It is no record of any format: scribble, or one that was edited by hand.
    #[error("{0:?} is no leadership record: find out who wrote it before anything is put in its place")]
    NotARecord(Box<str>),
}

/// The text of a record, or of [`Genesis::record`](dnsplan_fence::Genesis::record).
///
/// # Panics
/// Where the record is none that [`Observed::genesis`](dnsplan_fence::Observed::genesis) with [`Term::vacant`],
/// [`Seen::permit`](crate::Seen::permit) and an operator's freeze lead to: it could not be read back.
#[must_use]
pub fn write(record: &Record<Term>) -> String {
    let text = render(record);
    assert_eq!(parse(&text).as_ref(), Some(record), "invariant: the record came from this crate's steps");
    text
}

/// A record from its text.
///
/// # Errors
/// [`Malformed`] where it is not exactly the text of a record of this format.
pub fn read(text: &str) -> Result<Record<Term>, Malformed> {
    if let Some(later) = later_format(text) {
        return Err(Malformed::LaterFormat(later.into()));
    }
    parse(text).filter(|record| render(record) == text).ok_or_else(|| Malformed::NotARecord(text.into()))
}

/// The number of a format after this one. Whatever follows it is that format's own affair.
fn later_format(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(NAME)?;
    let digits = rest.find(|next: char| !next.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    let is_later = !digits.is_empty() && !digits.starts_with('0') && digits != FORMAT;
    is_later.then_some(digits)
}

fn render(record: &Record<Term>) -> String {
    let mut text = format!("{NAME}{FORMAT} epoch={}", record.generation);
    render_rest(&mut text, record).expect("invariant: writing to a String does not fail");
    text
}

fn render_rest(text: &mut String, record: &Record<Term>) -> fmt::Result {
    let term = &record.payload;
    if let Some(holder) = &term.holder {
        write!(text, " holder={holder}")?;
    }
    if let Some(Origin { handoff: Intent { id, successor }, from }) = &term.origin {
        write!(text, " from={from} origin={id}/{successor}")?;
    }
    match &term.phase {
        Phase::Open => write!(text, " phase=open")?,
        Phase::Freezing(Intent { id, successor }) => {
            write!(text, " phase=freezing handoff={id}/{successor}")?
        }
        Phase::Sealed(Intent { id, successor }, receipt) => {
            write!(text, " phase=sealed handoff={id}/{successor} position={}", receipt.position())?;
        }
    }
    if let Some(freeze) = record.freeze {
        write!(text, " frozen={freeze}")?;
    }
    write!(text, " attempt={} by={}", record.attempt, record.by)
}

/// The record that a text speaks of, if what it says could be so.
fn parse(text: &str) -> Option<Record<Term>> {
    let mut words = text.split(' ');
    (words.next()?.strip_prefix(NAME)? == FORMAT).then_some(())?;
    let fields: Vec<(&str, &str)> = words.map(|word| word.split_once('=')).collect::<Option<_>>()?;
    let get = |key: &str| fields.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
    let generation = get("epoch").and_then(number).map(Generation::new)?;
    let holder = optional(get("holder"), holder)?;
    let digest = holder.as_ref().map_or(Digest::ZERO, Holder::digest);
    let origin = match (get("from"), get("origin")) {
        (None, None) => None,
        (from, origin) => Some(Origin { from: self::holder(from?)?, handoff: intent(origin?)? }),
    };
    let handoff = optional(get("handoff"), intent)?;
    let position = optional(get("position"), number)?.map(Position::new);
    let phase = match (get("phase")?, Epoch::at(generation), handoff, position) {
        ("open", _, None, None) => Phase::Open,
        ("freezing", Some(_), Some(intent), None) => Phase::Freezing(intent),
        ("sealed", Some(epoch), Some(intent), Some(position)) => {
            Phase::Sealed(intent, Receipt::recorded(epoch, digest, position))
        }
        _ => return None,
    };
    let term = Term { holder, phase, origin };
    is_reachable(generation, &term).then_some(())?;
    Some(Record {
        generation,
        digest,
        base: generation,
        floor: Generation::ZERO,
        // Every grant is one part, and the record that grants nothing was never begun.
        flip: if generation.is_zero() { Progress::NONE } else { Progress::new(1, Part::ONLY.of())? },
        stage: None,
        freeze: optional(get("frozen"), number)?.map(FreezeId::new),
        attempt: Nonce::new(bits(get("attempt")?)?),
        by: Actor::new(get("by")?).ok()?,
        payload: term,
    })
}

/// Whether an epoch can have such a term: the first comes from nowhere, every later one out of a hand-off.
const fn is_reachable(generation: Generation, term: &Term) -> bool {
    let (is_held, is_handed_over) = (term.holder.is_some(), term.origin.is_some());
    match generation.get() {
        0 => !is_held && !is_handed_over,
        1 => is_held && !is_handed_over,
        _ => is_held && is_handed_over,
    }
}

/// `None` where the word is there and not valid.
fn optional<T>(word: Option<&str>, parse: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    match word {
        None => Some(None),
        Some(text) => parse(text).map(Some),
    }
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn bits(text: &str) -> Option<u128> {
    u128::from_str_radix(text, 16).ok()
}

fn holder(text: &str) -> Option<Holder> {
    let (node, incarnation) = text.split_once('.')?;
    Some(Holder { node: Node::new(node).ok()?, incarnation: Incarnation::new(number(incarnation)?) })
}

fn intent(text: &str) -> Option<Intent> {
    let (id, successor) = text.split_once('/')?;
    Some(Intent { id: HandoffId::new(bits(id)?), successor: Node::new(successor).ok()? })
}
