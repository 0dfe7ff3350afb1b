//! The text of a fence record, format version 1: what a TXT record, a file or a table row holds.
//!
//! `dnsplan1 g=42 d=DIGEST b=41 f=40 p=2/2 n=NONCE by=enactor-1`, and where there is something to say `s=43/DIGEST/1/3`
//! (stage), `z=7` (freeze), `e=DIGEST` and `q=OWNER` (quarantine), and `i=OWNER` (what a chain under way inherited of it), and
//! `w=42` (what it began on, where that is not the base). It names no host and no secret: a TXT record is public.
//!
//! One record has one text, and a text that differs in any way is no record: a fence that was edited by hand is treated as
//! unreadable, never half-believed.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use dnsplan_fence::{Actor, Digest, FreezeId, Generation, Nonce, Progress, Record, Stage};

use dnsplan_plan::OwnerName;

use crate::{FenceRecord, Quarantine};

const MAGIC: &str = "dnsplan1";

/// A text is no fence record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no fence record of format 1")]
pub struct InvalidFence(String);

/// The text of a record.
#[must_use]
pub fn encode(record: &FenceRecord) -> String {
    let mut text = format!(
        "{MAGIC} g={} d={} b={} f={} p={}/{}",
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
/// [`InvalidFence`] where it is not exactly the text of a record.
pub fn decode(text: &str) -> Result<FenceRecord, InvalidFence> {
    let invalid = || InvalidFence(text.to_owned());
    let record = parse(text).ok_or_else(invalid)?;
    if encode(&record) == text && is_sound(&record) { Ok(record) } else { Err(invalid()) }
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
    (words.next()? == MAGIC).then_some(())?;
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
