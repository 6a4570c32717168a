//! What a foreign message says in FHIR terms.
//!
//! A mapper is a pure function of one message: it yields drafts, the numbers that mean a patient, and merges. It reads no
//! record; what a draft changes is decided in [`crate::record`]. Start with [`hl7::map`] or [`fhir::map`].

pub mod fhir;
pub mod hl7;
mod mapped;
pub(crate) mod types;

pub use mapped::{MapCtx, MapEnding, Mapped};
