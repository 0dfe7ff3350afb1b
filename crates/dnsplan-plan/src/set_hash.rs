//! A hash of a set of elements that changes in proportion to the change: LtHash (Bellare and Micciancio 1997; Lewi et
//! al. 2019) with 1,024 lanes of 16 bits over blake3's extendable output.
//!
//! 1. The hash of a set does not depend on the order in which its elements came and went.
//! 2. Adding or removing an element costs one blake3 of it and 1,024 additions, whatever the size of the set.
//!
//! Rejected: a Merkle tree (it would have to be threaded through the persistent map, or kept as a second tree beside it,
//! for a property, proofs of membership, that nobody here asks for); a 256-bit sum or XOR of hashes (collisions can be
//! computed by generalised birthday).

use dnsplan_fence::Digest;

const LANES: usize = 1024;

/// The state: 2 KiB.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SetHash(Box<[u16; LANES]>);

impl SetHash {
    pub(crate) fn empty() -> Self {
        Self(Box::new([0; LANES]))
    }

    pub(crate) fn add(&mut self, element: &[u8]) {
        self.fold(element, u16::wrapping_add);
    }

    pub(crate) fn remove(&mut self, element: &[u8]) {
        self.fold(element, u16::wrapping_sub);
    }

    fn fold(&mut self, element: &[u8], combine: fn(u16, u16) -> u16) {
        let mut expanded = [0; 2 * LANES];
        blake3::Hasher::new().update(element).finalize_xof().fill(&mut expanded);
        for (lane, pair) in self.0.iter_mut().zip(expanded.as_chunks::<2>().0) {
            *lane = combine(*lane, u16::from_le_bytes(*pair));
        }
    }

    /// The digest of the set, in the context of `domain`.
    pub(crate) fn digest(&self, domain: &[u8]) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("dnsplan zone content v1");
        hasher.update(&(domain.len() as u64).to_le_bytes()).update(domain);
        for lane in self.0.iter() {
            hasher.update(&lane.to_le_bytes());
        }
        Digest::new(*hasher.finalize().as_bytes())
    }
}

impl std::fmt::Debug for SetHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SetHash({})", self.digest(b"").short())
    }
}
