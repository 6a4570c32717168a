//! What the reader yields: units with their exact bytes, and errors that keep theirs.
//!
//! Neither prints its bytes: they are a patient's. See [`super::Reader`] for how they are found.

/// How much is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest unit, in bytes.
    pub max_unit: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { max_unit: 64 << 20 }
    }
}

/// Where a unit came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A file that is one resource.
    Resource,
    /// An element of `Bundle.entry`.
    BundleEntry,
    /// A line of NDJSON that is a resource.
    NdjsonLine,
}

/// A unit that passed the pre-scan.
#[derive(Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its number in the stream, from 0; broken units count.
    pub position: u64,
    /// The offset of its first byte in the stream.
    pub offset: u64,
    /// Its exact bytes: one JSON object.
    pub bytes: Vec<u8>,
    /// Where it came from.
    pub shape: Shape,
}

impl Unit {
    /// The bytes as text, which they are after the pre-scan.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or_default()
    }
}

impl std::fmt::Debug for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Unit {
            position,
            offset,
            bytes,
            shape,
        } = self;
        write!(
            f,
            "Unit({shape:?} {position} at {offset}, {} bytes)",
            bytes.len()
        )
    }
}

/// A broken unit, or a broken stream.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} in unit {position} at byte {at}")]
pub struct StreamError {
    /// The offset of the broken unit's first byte.
    pub offset: u64,
    /// The unit's number in the stream, from 0.
    pub position: u64,
    /// What was wrong: a code of the pre-scan, or `entry_not_object`, `bundle_syntax`, `io`.
    pub code: &'static str,
    /// Where in the stream it was found.
    pub at: u64,
    /// The unit's bytes, as far as the limit goes.
    pub bytes_kept: Vec<u8>,
    /// No boundary was found after it: nothing more is read.
    pub ended: bool,
}

impl std::fmt::Debug for StreamError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "StreamError({self}, {} bytes kept, ended: {})",
            self.bytes_kept.len(),
            self.ended
        )
    }
}
