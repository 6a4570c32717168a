//! Other people's JSON: admitted by a pre-scan, kept as text, parsed without losing a digit.
//!
//! [`scan`] is the door that every foreign byte passes before any parser sees it; [`event`] is the pull parser that
//! the door, the splicer and the stream reader share. Nothing here knows what a FHIR resource is.

pub mod event;
mod minify;
mod scan;
mod value;

pub use minify::minify;
pub use scan::{ScanError, ScanErrorKind, ScanLimits, scan};
pub use value::{Value, members, parse, unescape};
