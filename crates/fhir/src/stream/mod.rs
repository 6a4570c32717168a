//! Large files taken apart without holding them: Bundles, NDJSON and single resources.
//!
//! [`Reader`] yields units whose exact bytes are kept; [`entry()`] opens one. Memory is bounded by the largest unit.
//! Decompression and files are the caller's; what a resource means is nobody's business here.

mod capture;
mod entry;
mod reader;
mod sniff;
mod unit;

pub use entry::{Entry, EntryError, EntryKey, entry, entry_key};
pub use reader::Reader;
pub use sniff::{Sniff, sniff};
pub use unit::{Limits, Shape, StreamError, Unit};
