//! Reads files and folders of HL7 v2 and FHIR into the journal, unit by unit (design D19).
//!
//! A unit is one HL7 v2 message or one resource. Content is recognised by its bytes, not by the name of the file. Files
//! are streamed: memory does not grow with them. Nothing has an outward effect.

mod file;
mod run;
mod walk;

pub use run::{Failure, Ingest, Progress, Tally};
