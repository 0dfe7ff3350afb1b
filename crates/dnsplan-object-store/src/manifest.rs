//! The manifest: the floor and the ids of the last writes in its first line, and what is led after it.

use dnsplan_fence::Generation;
use dnsplan_leadership::{Floor, Position, WriteId};

const FORMAT: &str = "dnsplan-manifest1";

/// How many ids are kept, so that a write whose reply was lost can be looked up.
const KEPT: usize = 32;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Manifest {
    pub(crate) floor: Floor,
    /// How many writes were accepted.
    pub(crate) position: Position,
    /// The last ones, the newest first.
    pub(crate) ids: Vec<WriteId>,
    pub(crate) content: Vec<u8>,
}

impl Manifest {
    pub(crate) const fn empty() -> Self {
        Self { floor: Floor::NONE, position: Position::START, ids: Vec::new(), content: Vec::new() }
    }

    /// After one more write.
    pub(crate) fn accepting(self, floor: Floor, id: WriteId, content: Vec<u8>) -> Self {
        let ids = std::iter::once(id).chain(self.ids).take(KEPT).collect();
        Self { floor, position: Position::new(self.position.get() + 1), ids, content }
    }

    /// Where a write is, if it is among the last ones.
    pub(crate) fn find(&self, id: WriteId) -> Option<Position> {
        let behind = self.ids.iter().position(|kept| *kept == id)?;
        Some(Position::new(self.position.get() - behind as u64))
    }

    /// Whether every write that was ever accepted is among the last ones.
    pub(crate) fn is_complete(&self) -> bool {
        self.ids.len() as u64 == self.position.get()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let ids: Vec<String> = self.ids.iter().map(ToString::to_string).collect();
        let (floor, position, ids) = (self.floor.lowest(), self.position, ids.join(","));
        let mut body = format!("{FORMAT} floor={floor} position={position} ids={ids}\n").into_bytes();
        body.extend(&self.content);
        body
    }

    pub(crate) fn decode(body: &[u8]) -> Option<Self> {
        let end = body.iter().position(|byte| *byte == b'\n')?;
        let line = std::str::from_utf8(&body[..end]).ok()?;
        let rest = line.strip_prefix(FORMAT)?.strip_prefix(" floor=")?;
        let (floor, rest) = rest.split_once(" position=")?;
        let (position, ids) = rest.split_once(" ids=")?;
        let id = |text: &str| u128::from_str_radix(text, 16).ok().map(WriteId::new);
        let ids = ids.split(',').filter(|text| !text.is_empty()).map(id).collect::<Option<_>>()?;
        let manifest = Self {
            floor: Floor::recorded(Generation::new(floor.parse().ok()?)),
            position: Position::new(position.parse().ok()?),
            ids,
            content: body[end + 1..].to_vec(),
        };
        // Whatever could be said in two ways was not written here.
        (manifest.encode() == body && manifest.ids.len() as u64 <= manifest.position.get())
            .then_some(manifest)
    }
}

#[cfg(test)]
mod tests;
