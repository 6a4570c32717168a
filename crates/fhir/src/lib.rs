//! FHIR R4 JSON without losing a field.
//!
//! The client's text is the record: [`json`] admits it, [`splice`] puts our identity and our references into it
//! by byte range, [`stream`] takes large files apart, and [`resource`] reads the members that we act on.
//! Nothing here does I/O of its own, knows the time, or decides what a value means: that is `core`'s work.
#![deny(clippy::indexing_slicing)]

pub mod datetime;
pub mod json;
pub mod outcome;
pub mod resource;
pub mod splice;
pub mod stream;
