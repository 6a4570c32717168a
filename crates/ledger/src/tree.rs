//! Merkle trees as in RFC 6962 §2 and RFC 9162 §2: hashes, inclusion and consistency proofs.
//!
//! A *complete node* (level, index) covers the leaves `index << level` up to `(index + 1) << level`; it never changes once it exists,
//! so the store writes each one once. Everything else (the ragged right edge) is computed when needed. The proofs here read complete
//! nodes through a closure; the verifying functions need nothing but their arguments.

use aws_lc_rs::digest;

use crate::Error;

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// Reads the complete node at (level, index); level 0 holds the leaf hashes.
pub type Get<'a> = &'a mut dyn FnMut(u8, u64) -> Option<Hash>;

/// The hash of a leaf's bytes: `SHA-256(0x00 || leaf)`.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    sha256(&[&[0], leaf])
}

/// The hash of an interior node: `SHA-256(0x01 || left || right)`.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// The root of a tree without leaves: the hash of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// A complete interior node that an append brought into being.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Height above the leaves, 1 or more.
    pub level: u8,
    /// Position within the level.
    pub index: u64,
    /// The node's hash.
    pub hash: Hash,
}

/// The least that must be kept to go on appending: the roots of the perfect subtrees, largest (leftmost) first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The frontier of an empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up a stored frontier.
    ///
    /// # Errors
    ///
    /// [`Error::Frontier`] when the number of peaks is not the number of set bits in `size`.
    pub fn from_parts(size: u64, peaks: Vec<Hash>) -> Result<Self, Error> {
        // The very last size is refused as well, so that an append never overflows.
        if size != u64::MAX && usize::try_from(size.count_ones()) == Ok(peaks.len()) {
            Ok(Self { size, peaks })
        } else {
            Err(Error::Frontier {
                size,
                peaks: peaks.len(),
            })
        }
    }

    /// Leaves appended so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the perfect subtrees, largest first.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// The tree's root.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.peaks
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or_else(empty_root)
    }

    /// Appends and returns the complete interior nodes that came into being, lowest first.
    pub fn append(&mut self, leaf_hash: Hash) -> Vec<Node> {
        let mut created = Vec::new();
        let mut hash = leaf_hash;
        let mut level = 0_u8;
        let mut index = self.size;
        // Each trailing one bit of the old size is a perfect subtree of the same height that the new one closes.
        while index & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
            level += 1;
            index >>= 1;
            created.push(Node { level, index, hash });
        }
        self.peaks.push(hash);
        self.size += 1;
        created
    }
}

/// The root of the tree's first `size` leaves, from stored nodes, in O(log n).
///
/// # Errors
///
/// [`Error::MissingNode`] when a needed node is not stored.
pub fn root_at(size: u64, get: Get<'_>) -> Result<Hash, Error> {
    range_hash(0, size, get)
}

/// The audit path of leaf `index` in the tree of `size` leaves (RFC 6962 §2.1.1), lowest first.
///
/// # Errors
///
/// [`Error::OutOfRange`] or [`Error::MissingNode`].
pub fn inclusion_proof(index: u64, size: u64, get: Get<'_>) -> Result<Vec<Hash>, Error> {
    if index >= size {
        return Err(Error::OutOfRange {
            position: index,
            size,
        });
    }
    let (mut low, mut high) = (0, size);
    let mut proof = Vec::new();
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            proof.push(range_hash(middle, high, get)?);
            high = middle;
        } else {
            proof.push(range_hash(low, middle, get)?);
            low = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// Whether `proof` shows that `leaf` is at `index` in the tree of `size` leaves with this root (RFC 9162 §2.1.3.2).
#[must_use]
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for step in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(step, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, step);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// The proof that the tree of `old` leaves is a prefix of the tree of `new` leaves (RFC 6962 §2.1.2). Empty when `old` is 0 or `new`.
///
/// # Errors
///
/// [`Error::OutOfRange`] when `old` is larger than `new`, [`Error::MissingNode`] when a needed node is not stored.
pub fn consistency_proof(old: u64, new: u64, get: Get<'_>) -> Result<Vec<Hash>, Error> {
    if old > new {
        return Err(Error::OutOfRange {
            position: old,
            size: new,
        });
    }
    let mut proof = Vec::new();
    if old == 0 || old == new {
        return Ok(proof);
    }
    let (mut low, mut high) = (0, new);
    // While nothing left of `low` was skipped, the old root itself is the verifier's starting point and is left out.
    while high != old {
        let middle = low + split(high - low);
        if old <= middle {
            proof.push(range_hash(middle, high, get)?);
            high = middle;
        } else {
            proof.push(range_hash(low, middle, get)?);
            low = middle;
        }
    }
    if low != 0 {
        proof.push(range_hash(low, high, get)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Whether `proof` shows that the tree with `new_root` extends the tree with `old_root` (RFC 9162 §2.1.4.2).
///
/// Every log extends the empty one, so `old` 0 needs an empty proof and the empty root, and nothing is said about `new_root`.
#[must_use]
pub fn verify_consistency(
    old: u64,
    new: u64,
    old_root: &Hash,
    new_root: &Hash,
    proof: &[Hash],
) -> bool {
    if old > new {
        return false;
    }
    if old == new {
        return proof.is_empty() && old_root == new_root && (old != 0 || *old_root == empty_root());
    }
    if old == 0 {
        return proof.is_empty() && *old_root == empty_root();
    }
    let (first, rest) = if old.is_power_of_two() {
        (old_root, proof)
    } else {
        match proof.split_first() {
            Some(parts) => parts,
            None => return false,
        }
    };
    if rest.is_empty() {
        return false;
    }
    let ones = (old - 1).trailing_ones();
    let (mut node, mut last) = ((old - 1) >> ones, (new - 1) >> ones);
    let (mut old_hash, mut new_hash) = (*first, *first);
    for step in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(step, &old_hash);
            new_hash = node_hash(step, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, step);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

/// The hash over leaves `low..high`, a range that RFC 6962's recursion reaches: `low` is a multiple of the range's first split.
fn range_hash(low: u64, high: u64, get: Get<'_>) -> Result<Hash, Error> {
    // The range is a row of perfect subtrees of falling height; the hash folds them from the right, as `Frontier::root` does.
    let mut peaks = Vec::new();
    let mut at = low;
    while at < high {
        let rest = high - at;
        let height = rest.ilog2();
        let level = u8::try_from(height).map_err(|_| Error::OutOfRange {
            position: high,
            size: high,
        })?;
        let index = at >> height;
        peaks.push(get(level, index).ok_or(Error::MissingNode { level, index })?);
        at += 1 << height;
    }
    Ok(peaks
        .into_iter()
        .rev()
        .reduce(|right, left| node_hash(&left, &right))
        .unwrap_or_else(empty_root))
}

/// The largest power of two below `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
