//! The text of a fence record, format version 1: what a TXT record, a file or a table row holds.
//!
//! `dnsplan1 g=42 d=DIGEST b=41 f=40 p=2/2 n=NONCE by=enactor-1`, and where there is something to say `s=43/DIGEST/1/3`
//! (stage), `z=7` (freeze), `e=DIGEST` and `q=OWNER` (quarantine), and `i=OWNER` (what a chain under way inherited of it), and
//! `w=42` (what it began on, where that is not the base). It names no host and no secret: a TXT record is public.
//!
//! One record has one text, and a text that differs in any way is no record: a fence that was edited by hand is treated as
//! unreadable, never half-believed.
//!
//! A record of a later format is told apart: it is in force, and its reader stands by (but for the in-process server, whose record
//! speaks of a process that is gone). Whatever it says, it is one text in UTF-8 (in DNS, one TXT record), begins with the format's
//! number (`dnsplan2`) and ends with ` c=` and the first 16 hexadecimal digits of the BLAKE3 of all that is before, so that no
//! accident to a record of ours passes for one: that would be a damage which nothing but a person heals.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use dnsplan_fence::{Actor, Digest, FreezeId, Generation, Nonce, Observed, Progress, Record, Stage};

use dnsplan_plan::OwnerName;

use crate::{FenceRecord, Quarantine, TargetError};

/// The start of every format's text; the number of the format follows.
const NAME: &str = "dnsplan";

/// The format that is read and written here.
const FORMAT: u64 = 1;

/// How many hexadecimal digits a later format's check has.
const CHECK: usize = 16;

/// A newer program wrote the record. It is in force: nothing may be put in its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the fence record is of format {0}, and this program reads format {FORMAT}")]
pub struct LaterFormat(Box<str>);

/// Why a text is not a record that can be read here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It is another program's to read.
    #[error(transparent)]
    LaterFormat(#[from] LaterFormat),
    /// It is no record of any format: scribble, or one that was edited by hand.
    #[error("{0:?} is no fence record")]
    NotARecord(Box<str>),
}

impl From<LaterFormat> for TargetError {
    fn from(later: LaterFormat) -> Self {
        Self::Misconfigured(format!("{later}: nothing is changed until this program is upgraded"))
    }
}

/// The text of a record.
#[must_use]
pub fn encode(record: &FenceRecord) -> String {
    let mut text = format!(
        "{NAME}{FORMAT} g={} d={} b={} f={} p={}/{}",
        record.generation,
        record.digest,
        record.base,
        record.floor,
        record.flip.done(),
        record.flip.of()
    );
    write_rest(&mut text, record).expect("invariant: writing to a String does not fail");
    text
}

fn write_rest(text: &mut String, record: &FenceRecord) -> fmt::Result {
    if let Some(stage) = &record.stage {
        let Stage { generation, digest, progress } = stage;
        write!(text, " s={generation}/{digest}/{}/{}", progress.done(), progress.of())?;
    }
    if let Some(freeze) = record.freeze {
        write!(text, " z={freeze}")?;
    }
    write!(text, " n={} by={}", record.attempt, record.by)?;
    if !record.payload.owners.is_empty() {
        write!(text, " e={}", record.payload.effective)?;
        record.payload.owners.iter().try_for_each(|owner| write!(text, " q={}", owner_text(owner)))?;
    }
    record.payload.inherited.iter().try_for_each(|owner| write!(text, " i={}", owner_text(owner)))?;
    if !record.payload.whole.is_zero() {
        write!(text, " w={}", record.payload.whole)?;
    }
    Ok(())
}

/// A record from its text.
///
/// # Errors
/// [`Malformed`] where it is not exactly the text of a record of this format.
pub fn decode(text: &str) -> Result<FenceRecord, Malformed> {
    if let Some(later) = later_format(text) {
        return Err(later.into());
    }
    let record = parse(text).filter(|record| encode(record) == text && is_sound(record));
    record.ok_or_else(|| Malformed::NotARecord(text.into()))
}

/// What a target sees that holds nothing but these bytes in its record's place.
///
/// # Errors
/// [`LaterFormat`]: what is there is in force, and no observation to go by.
pub fn observe(bytes: &[u8]) -> Result<Observed<Quarantine>, LaterFormat> {
    match str::from_utf8(bytes).map(decode) {
        Ok(Ok(record)) => Ok(Observed::Record(record)),
        Ok(Err(Malformed::LaterFormat(later))) => Err(later),
        Ok(Err(Malformed::NotARecord(_))) | Err(_) => Ok(Observed::Unreadable(bytes.into())),
    }
}

/// Whether it is of a format after this one. Between the number and the check stands that format's own affair.
fn later_format(text: &str) -> Option<LaterFormat> {
    let (body, check) = text.rsplit_once(" c=")?;
    let rest = body.strip_prefix(NAME)?;
    let digits = rest.find(|next: char| !next.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    let is_number = !digits.is_empty() && !digits.starts_with('0');
    // A number too long to be read is later than any.
    let is_later = is_number && digits.parse().map_or(true, |number: u64| number > FORMAT);
    (is_later && blake3::hash(body.as_bytes()).to_hex()[..CHECK] == *check)
        .then(|| LaterFormat(digits.into()))
}

/// What every record that was written under a permit keeps to.
fn is_sound(record: &FenceRecord) -> bool {
    let staged = record
        .stage
        .is_none_or(|stage| stage.generation > record.generation && stage.generation >= record.floor);
    record.base <= record.generation && record.payload.whole <= record.generation && staged
}

fn parse(text: &str) -> Option<FenceRecord> {
    let mut words = text.split(' ');
    words.next().filter(|word| word.strip_prefix(NAME) == Some(&FORMAT.to_string()))?;
    let fields: Vec<(&str, &str)> = words.map(|word| word.split_once('=')).collect::<Option<_>>()?;
    let get = |key: &str| fields.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
    let owners = |key: &str| -> Option<BTreeSet<_>> {
        fields.iter().filter(|(name, _)| *name == key).map(|(_, text)| owner(text)).collect()
    };
    Some(Record {
        generation: generation(get("g")?)?,
        digest: get("d")?.parse().ok()?,
        base: generation(get("b")?)?,
        floor: generation(get("f")?)?,
        flip: progress(get("p")?)?,
        stage: optional(get("s"), stage)?,
        freeze: optional(get("z"), |text| number(text).map(FreezeId::new))?,
        attempt: Nonce::new(u128::from_str_radix(get("n")?, 16).ok()?),
        by: Actor::new(get("by")?).ok()?,
        payload: Quarantine {
            owners: owners("q")?,
            inherited: owners("i")?,
            whole: optional(get("w"), generation)?.unwrap_or(Generation::ZERO),
            effective: optional(get("e"), |text| text.parse().ok())?.unwrap_or(Digest::ZERO),
        },
    })
}

/// `None` where the field is there and not valid.
fn optional<T>(field: Option<&str>, parse: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    match field {
        None => Some(None),
        Some(text) => parse(text).map(Some),
    }
}

/// How much text a record takes for these owner names.
pub(crate) fn owners_len<'o>(owners: impl IntoIterator<Item = &'o OwnerName>) -> usize {
    owners.into_iter().map(|owner| " q=".len() + owner_text(owner).len()).sum()
}

/// A name as people write it, where that can be read back; else its wire form in hexadecimal, which has no dot.
fn owner_text(owner: &OwnerName) -> String {
    let text = owner.to_string();
    let is_plain = !text.contains(' ') && text.parse().as_ref() == Ok(owner);
    if is_plain {
        text
    } else {
        owner.to_wire().iter().fold("0x".to_owned(), |hex, byte| format!("{hex}{byte:02x}"))
    }
}

fn owner(text: &str) -> Option<OwnerName> {
    let Some(digits) = text.strip_prefix("0x").filter(|digits| !digits.contains('.')) else {
        return text.parse().ok();
    };
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    OwnerName::from_wire(&pairs.map(byte).collect::<Option<Vec<u8>>>()?)
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn generation(text: &str) -> Option<Generation> {
    number(text).map(Generation::new)
}

fn progress(text: &str) -> Option<Progress> {
    let (done, of) = text.split_once('/')?;
    Progress::new(number(done)?, number(of)?)
}

fn stage(text: &str) -> Option<Stage> {
    let (number, rest) = text.split_once('/')?;
    let (digest, rest) = rest.split_once('/')?;
    Some(Stage { generation: generation(number)?, digest: digest.parse().ok()?, progress: progress(rest)? })
}
