//! Deltas: what a store keeps of a plan. From a parent they hold what changed; from nothing they are a checkpoint.

use crate::wire::{DecodeError, Reader, Writer};
use crate::{Diff, Node, OwnerName, RRsetKey, Zone};

const MAGIC: &[u8; 4] = b"dnsp";
const VERSION: u8 = 1;

/// The change from one zone to the next (or from the empty zone), with its canonical encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    origin: OwnerName,
    /// An empty node clears the owner name.
    nodes: Vec<(OwnerName, Node)>,
    /// 0 lifts the protection.
    protections: Vec<(RRsetKey, u16)>,
    retired: Vec<(RRsetKey, bool)>,
}

/// A delta does not fit the zone it is applied to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the delta is for zone {delta}, not for {zone}")]
pub struct WrongZone {
    delta: Box<OwnerName>,
    zone: Box<OwnerName>,
}

impl Delta {
    /// What one has to do to `before` to get `after`.
    #[must_use]
    pub fn between(before: &Zone, after: &Zone) -> Self {
        Self::of(after.origin(), before.diff(after))
    }

    /// The change that a diff says, in the zone `origin`.
    #[must_use]
    pub fn of(origin: &OwnerName, diff: Diff) -> Self {
        let node =
            |node: Option<std::sync::Arc<Node>>| node.map_or_else(Node::new, |node| Node::clone(&node));
        let retired = diff.retired.into_iter().map(|key| (key, true));
        Self {
            origin: origin.clone(),
            nodes: diff.nodes.into_iter().map(|change| (change.owner, node(change.after))).collect(),
            protections: diff.protections.into_iter().map(|c| (c.key, c.after.unwrap_or(0))).collect(),
            retired: retired.chain(diff.unretired.into_iter().map(|key| (key, false))).collect(),
        }
    }

    /// The whole of a zone.
    #[must_use]
    pub fn checkpoint(zone: &Zone) -> Self {
        Self::between(&Zone::empty(zone.origin().clone()), zone)
    }

    /// Changes `zone`.
    ///
    /// # Errors
    /// [`WrongZone`] where the delta is for another zone; nothing was changed then.
    pub fn apply(self, zone: &mut Zone) -> Result<(), WrongZone> {
        let is_elsewhere = |owner: &OwnerName| !owner.is_in(zone.origin());
        if self.origin != *zone.origin() || self.nodes.iter().any(|(owner, _)| is_elsewhere(owner)) {
            let zone = Box::new(zone.origin().clone());
            return Err(WrongZone { delta: Box::new(self.origin), zone });
        }
        for (owner, node) in self.nodes {
            zone.set(owner, node).expect("invariant: every owner name was just seen to lie in the zone");
        }
        for (key, is_retired) in self.retired {
            if is_retired {
                zone.retire(key);
            } else {
                zone.unretire(&key);
            }
        }
        for (key, at_least) in self.protections {
            match at_least {
                0 => zone.unprotect(&key),
                at_least => zone.protect(key, at_least),
            }
        }
        Ok(())
    }

    /// The owner names it changes, in canonical order.
    pub fn owners(&self) -> impl ExactSizeIterator<Item = &OwnerName> {
        self.nodes.iter().map(|(owner, _)| owner)
    }

    /// Its encoding, format version 1.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.raw(MAGIC);
        writer.u8(VERSION);
        writer.name(&self.origin);
        writer.count(self.nodes.len());
        for (owner, node) in &self.nodes {
            writer.name(owner);
            writer.node(node);
        }
        writer.count(self.protections.len());
        for (key, at_least) in &self.protections {
            writer.key(key);
            writer.u16(*at_least);
        }
        writer.count(self.retired.len());
        for (key, is_retired) in &self.retired {
            writer.key(key);
            writer.u8(u8::from(*is_retired));
        }
        writer.into_bytes()
    }

    /// A delta from its encoding.
    ///
    /// # Errors
    /// [`DecodeError`] says what is wrong with the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if reader.raw(MAGIC.len())? != MAGIC {
            return Err(DecodeError::Magic("dnsplan delta"));
        }
        match reader.u8()? {
            VERSION => {}
            other => return Err(DecodeError::Version(other)),
        }
        let origin = reader.name()?;
        let nodes = list(&mut reader, |reader| Ok((reader.name()?, reader.node()?)))?;
        let protections = list(&mut reader, |reader| Ok((reader.key()?, reader.u16()?)))?;
        let retired = list(&mut reader, |reader| Ok((reader.key()?, reader.u8()? != 0)))?;
        reader.finish()?;
        Ok(Self { origin, nodes, protections, retired })
    }
}

fn list<'a, T>(
    reader: &mut Reader<'a>,
    read: impl Fn(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let count = reader.u32()?;
    (0..count).map(|_| read(reader)).collect()
}
