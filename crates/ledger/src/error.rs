//! What can be wrong with a leaf, a tree or a checkpoint. The texts hold positions and counts, never an entry's content.

/// Why the ledger refused something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The number of peaks does not fit the size: a tree of `size` leaves has one peak per set bit.
    #[error("a tree of {size} leaves cannot have {peaks} peaks")]
    Frontier {
        /// Leaves claimed.
        size: u64,
        /// Peaks given.
        peaks: usize,
    },
    /// A leaf or size beyond the tree was asked for.
    #[error("position {position} is outside a tree of {size} leaves")]
    OutOfRange {
        /// What was asked for.
        position: u64,
        /// How far the tree goes.
        size: u64,
    },
    /// The stored nodes do not hold one that the proof needs.
    #[error("tree node missing at level {level}, index {index}")]
    MissingNode {
        /// Level of the node; leaves are level 0.
        level: u8,
        /// Index within the level.
        index: u64,
    },
    /// The leaf is larger than a 16-bit length can say.
    #[error("audit leaf too large: {bytes} bytes, at most 65535")]
    LeafTooLarge {
        /// Bytes it would take.
        bytes: usize,
    },
    /// The leaf's first byte names a format that this version does not know.
    #[error("audit leaf has unknown format version {0}")]
    LeafVersion(u8),
    /// The leaf's bytes are not what an encoder would have written.
    #[error("audit leaf malformed at byte {at}: {what}")]
    LeafMalformed {
        /// Offset of the first wrong byte.
        at: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// The signing or verifying key can't be used.
    #[error("checkpoint key is not a valid Ed25519 key")]
    Key,
    /// The note is not a checkpoint in the one form accepted.
    #[error("checkpoint malformed: {0}")]
    NoteMalformed(&'static str),
    /// The note is well formed but speaks for another log.
    #[error("checkpoint belongs to another log")]
    Origin,
    /// The signature does not match text and key.
    #[error("checkpoint signature does not verify")]
    Signature,
}
