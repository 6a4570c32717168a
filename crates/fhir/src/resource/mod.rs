//! Thin accessors for the members that we act on.
//!
//! They read a parsed value and never fail: a member of the wrong type is as good as absent. They do not validate,
//! and they are no model of FHIR: what they don't name stays in the text and is never lost.

pub mod allergy_intolerance;
pub mod condition;
pub mod diagnostic_report;
pub mod encounter;
mod envelope;
pub mod medication_request;
pub mod medication_statement;
pub mod observation;
pub mod patient;
pub mod provenance;
mod read;
mod types;

pub use envelope::Resource;
pub use types::{
    Address, CodeableConcept, Coding, ContactPoint, HumanName, Identifier, Period, Quantity,
    Reference, address, codeable_concept, coding, contact_point, human_name, identifier,
    identifiers, period, quantity, reference,
};
