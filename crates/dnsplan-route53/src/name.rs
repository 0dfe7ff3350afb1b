//! Names: the fence's, those of trees and what is staged in them, and the text that Route 53's API has for a name.
//!
//! 1. What is staged for an owner name is at `<owner relative to the zone>.<tree>`, where a tree is
//!    `g<generation>-<16 hex digits of the digest>._dnsplan.<zone>`: a person sees at once what belongs to which plan.
//! 2. Two owner names are never staged at one name: a label that looks like one of ours gets another underscore.

use std::str;

use dnsplan_enactor::TreeName;
use dnsplan_fence::{Digest, Generation};
use dnsplan_plan::OwnerName;

/// Everything of ours that is not at a plan's own owner names lies at or below this label in the zone.
const FENCE: &[u8] = b"_dnsplan";
/// Stands for `*`, which would answer for everything in the tree.
const WILDCARD: &[u8] = b"any";
/// How many bytes of a digest name a tree.
const ABBREVIATED: usize = 8;

/// RFC 1035 section 2.3.4.
const LABEL_MAX: usize = 63;

/// A name would be longer than DNS allows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{owner} is too long to be staged below {below}: shorten it, or put the zone in place without a tree"
)]
pub(crate) struct NameTooLong {
    owner: Box<OwnerName>,
    below: Box<OwnerName>,
}

/// What a name in a tree stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Staged {
    /// The tree, abbreviated.
    pub(crate) tree: TreeName,
    /// For which owner name it was staged.
    pub(crate) owner: OwnerName,
}

/// The names of one zone.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    zone: OwnerName,
    fence: OwnerName,
    /// How many labels the zone's name has.
    depth: usize,
}

impl Names {
    /// The names of `zone`; `None` where its name is too long to have a fence and trees.
    pub(crate) fn new(zone: OwnerName) -> Option<Self> {
        let fence = below(&[FENCE.to_vec()], &zone)?;
        let depth = labels(&zone).len();
        let names = Self { zone, fence, depth };
        let largest = TreeName { generation: Generation::new(u64::MAX), digest: Digest::ZERO };
        below(&[tree_label(&largest)], &names.fence)?;
        Some(names)
    }

    /// The zone's own name.
    pub(crate) const fn zone(&self) -> &OwnerName {
        &self.zone
    }

    /// Where the fence record is.
    pub(crate) const fn fence(&self) -> &OwnerName {
        &self.fence
    }

    /// Whether a name is the fence's, or in a tree.
    pub(crate) fn is_reserved(&self, name: &OwnerName) -> bool {
        name.is_in(&self.fence)
    }

    /// The name that everything in a tree lies at or below.
    pub(crate) fn tree_root(&self, tree: &TreeName) -> OwnerName {
        below(&[tree_label(tree)], &self.fence).expect("invariant: the longest tree name fits in this zone")
    }

    /// Where a tree has what `owner` owns.
    ///
    /// # Errors
    /// [`NameTooLong`] where that is no name any more.
    pub(crate) fn staged(&self, owner: &OwnerName, tree: &TreeName) -> Result<OwnerName, NameTooLong> {
        let mut staged = labels(owner);
        staged.truncate(staged.len().saturating_sub(self.depth));
        staged.iter_mut().for_each(hide);
        staged.push(tree_label(tree));
        below(&staged, &self.fence).ok_or_else(|| too_long(owner, self.tree_root(tree)))
    }

    /// Where a tree has one group, counted from 1, of the members of a weighted RRset of `owner`.
    ///
    /// # Errors
    /// [`NameTooLong`] where that is no name any more.
    pub(crate) fn group(
        &self,
        owner: &OwnerName,
        tree: &TreeName,
        index: usize,
    ) -> Result<OwnerName, NameTooLong> {
        let staged = self.staged(owner, tree)?;
        below(&[format!("_{index}").into_bytes()], &staged).ok_or_else(|| too_long(owner, staged))
    }

    /// What a name in a tree stands for; `None` where it is in no tree.
    pub(crate) fn parse_staged(&self, name: &OwnerName) -> Option<Staged> {
        if !name.is_in(&self.fence) {
            return None;
        }
        let mut relative = labels(name);
        relative.truncate(relative.len() - self.depth - 1);
        let tree = parse_tree(&relative.pop()?)?;
        let rest = match relative.split_first() {
            Some((first, rest)) if is_group(first) => rest,
            _ => &relative[..],
        };
        let shown: Vec<Vec<u8>> = rest.iter().map(|label| shown(label)).collect();
        Some(Staged { tree, owner: below(&shown, &self.zone)? })
    }
}

fn too_long(owner: &OwnerName, below: OwnerName) -> NameTooLong {
    NameTooLong { owner: Box::new(owner.clone()), below: Box::new(below) }
}

/// The tree with as much of its digest as its name shows.
pub(crate) fn abbreviate(tree: &TreeName) -> TreeName {
    let mut digest = [0; 32];
    digest[..ABBREVIATED].copy_from_slice(&tree.digest.as_bytes()[..ABBREVIATED]);
    TreeName { generation: tree.generation, digest: Digest::new(digest) }
}

fn tree_label(tree: &TreeName) -> Vec<u8> {
    let digest = tree.digest.to_string();
    format!("g{}-{}", tree.generation, &digest[..2 * ABBREVIATED]).into_bytes()
}

fn parse_tree(label: &[u8]) -> Option<TreeName> {
    let (generation, digits) = str::from_utf8(label).ok()?.strip_prefix('g')?.split_once('-')?;
    let generation = Generation::new(generation.parse().ok()?);
    let digest = format!("{digits:0<64}").parse().ok()?;
    let tree = TreeName { generation, digest };
    // One tree has one name: what is written in any other way is somebody else's.
    (tree_label(&tree) == label).then_some(tree)
}

/// Whether a label is ours in a tree: underscores, then `any` or a number.
fn is_special(label: &[u8]) -> bool {
    let underscores = label.iter().take_while(|byte| **byte == b'_').count();
    let rest = &label[underscores..];
    underscores > 0 && (rest == WILDCARD || is_number(rest))
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

fn is_group(label: &[u8]) -> bool {
    label.strip_prefix(b"_").is_some_and(is_number)
}

/// Makes a label what it is staged as.
fn hide(label: &mut Vec<u8>) {
    if label == b"*" {
        *label = [b"_", WILDCARD].concat();
    } else if is_special(label) {
        label.insert(0, b'_');
    }
}

/// The label that was staged as this one.
fn shown(label: &[u8]) -> Vec<u8> {
    match label.strip_prefix(b"_") {
        Some(rest) if rest == WILDCARD => b"*".to_vec(),
        Some(rest) if is_special(rest) => rest.to_vec(),
        _ => label.to_vec(),
    }
}

/// The labels of a name, without the root's.
fn labels(name: &OwnerName) -> Vec<Vec<u8>> {
    name.to_name().iter().map(<[u8]>::to_vec).collect()
}

fn below(labels: &[Vec<u8>], parent: &OwnerName) -> Option<OwnerName> {
    from_labels(labels, &parent.to_wire())
}

fn from_labels(labels: &[Vec<u8>], parent: &[u8]) -> Option<OwnerName> {
    let mut wire = Vec::new();
    for label in labels {
        if label.is_empty() || label.len() > LABEL_MAX {
            return None;
        }
        wire.push(label.len() as u8);
        wire.extend_from_slice(label);
    }
    wire.extend_from_slice(parent);
    OwnerName::from_wire(&wire)
}

/// A name as Route 53's API writes it: absolute, and all but letters, digits, `-` and `_` as octal escapes. Source:
/// Route 53 developer guide, "DNS domain name format".
pub(crate) fn to_api(name: &OwnerName) -> String {
    let mut text = String::new();
    for label in labels(name) {
        for byte in label {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
                text.push(byte.into());
            } else {
                text.push_str(&octal(byte));
            }
        }
        text.push('.');
    }
    if text.is_empty() { ".".to_owned() } else { text }
}

/// The name that a text of Route 53's API stands for. The last dot may be left out.
pub(crate) fn from_api(text: &str) -> Option<OwnerName> {
    let mut labels = vec![Vec::new()];
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let label = labels.last_mut()?;
        match byte {
            b'.' => labels.push(Vec::new()),
            b'\\' => {
                let (value, after) = unescaped(after)?;
                label.push(value.to_ascii_lowercase());
                rest = after;
            }
            _ => label.push(byte.to_ascii_lowercase()),
        }
    }
    if text == "." {
        labels.clear();
    } else if labels.len() > 1 && labels.last().is_some_and(Vec::is_empty) {
        labels.pop();
    }
    from_labels(&labels, &[0])
}

/// A byte as `\` and three octal digits.
pub(crate) fn octal(byte: u8) -> String {
    format!("\\{byte:03o}")
}

/// The byte that an escape stands for, and what follows: three octal digits, or any other character for itself.
pub(crate) fn unescaped(after_backslash: &[u8]) -> Option<(u8, &[u8])> {
    let (first, rest) = after_backslash.split_first()?;
    if !first.is_ascii_digit() {
        return Some((*first, rest));
    }
    let (digits, rest) = after_backslash.split_at_checked(3)?;
    let value = u8::from_str_radix(str::from_utf8(digits).ok()?, 8).ok()?;
    Some((value, rest))
}

#[cfg(test)]
mod tests;
