//! FHIR R4 resources, each vendor's way.
//!
//! The three EHRs say the same things in three shapes: their ids, their code systems, their times, what they leave out.
//! `dialect` holds what differs everywhere; the other files write one kind of resource each. Written from the vendor
//! catalogue and the standard, not from the gateway's reader.

mod clinical;
mod demographics;
mod dialect;
mod directory;
mod measured;
mod stay;

pub(crate) use clinical::{Prescription, Problem, allergies, prescription, problem};
pub(crate) use demographics::patient;
pub(crate) use dialect::{EPIC_ARC, Kind, id, named, version};
pub(crate) use directory::{group, location, medication, organization, practitioner, roster};
pub(crate) use measured::{Measure, Pressure, blood_pressure, observation};
pub(crate) use stay::{Stay, encounter};
