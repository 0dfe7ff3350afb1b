//! How the writer has moved, by one of its signs.

use super::{Alarm, Sign};
use crate::{Epoch, Node};

/// How the writer has moved under one epoch. Where its holder was not seen yet, what is seen is left over from before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Trail {
    sign: Sign,
    epoch: Option<Epoch>,
    holder: Option<Node>,
    away: Option<Node>,
    is_back: bool,
}

impl Trail {
    pub(super) const fn new(sign: Sign) -> Self {
        Self { sign, epoch: None, holder: None, away: None, is_back: false }
    }

    /// A new epoch begins another trail.
    pub(super) fn enter(&mut self, epoch: Option<Epoch>) {
        if epoch > self.epoch {
            *self = Self { epoch, ..Self::new(self.sign) };
        }
    }

    /// The writer is this node now, and the record names that one.
    pub(super) fn follow(&mut self, node: &Node, named: Option<&Node>) {
        match &self.holder {
            None if named.is_none_or(|named| named == node) => self.holder = Some(node.clone()),
            None => {}
            Some(holder) if holder == node => self.is_back |= self.away.is_some(),
            Some(_) if !self.is_back => self.away = Some(node.clone()),
            Some(_) => {}
        }
    }

    pub(super) fn reverted(&self) -> Option<Alarm> {
        let (holder, by_way_of) = (self.holder.clone()?, self.away.clone()?);
        self.is_back.then_some(Alarm::Reverted { sign: self.sign, holder, by_way_of })
    }
}
