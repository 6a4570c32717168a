//! HL7 v2 into FHIR R4: ADT A01, A02, A03, A04, A08, A11, A13, A40 and ORU R01.
//!
//! The mapping follows the HL7 v2-to-FHIR implementation guide (`hl7.fhir.uv.v2mappings` 1.0.0); where the guide is silent
//! (empty against `""`, cancels, merges, identity) the rule stands with the code that keeps it. Only the message is read:
//! what an overlay changes is decided in [`crate::record`]. Start in `event`, which knows what each trigger means; every other
//! file maps one segment.

mod allergy;
mod code;
mod condition;
mod encounter;
mod event;
mod identifier;
mod json;
mod merge;
mod observation;
mod patient;
mod person;
mod reader;
mod report;
mod result;
mod unit;
mod value;

pub use event::{VERSION, identifiers, map};
pub use identifier::{lanes, primary_identifier};
