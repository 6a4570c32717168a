//! FHIR R4 JSON without losing a field.
//!
//! The client's text is the record: [`json`] admits it, [`splice`] puts our identity and our references into it
//! by byte range, [`search`] finds, [`stream`] takes large files apart, and [`resource`] reads the members that we act on. The client's half of the
//! protocol is here too, without a socket: [`smart`] (tokens), [`page`] (one answer) and [`poll`] (one search to its end).
//! Nothing here does I/O of its own, knows the time, or decides what a value means: that is `core`'s work.
#![deny(clippy::indexing_slicing)]

pub mod datetime;
pub mod json;
pub mod outcome;
pub mod page;
pub mod poll;
pub mod resource;
pub mod search;
pub mod smart;
pub mod splice;
pub mod stream;
