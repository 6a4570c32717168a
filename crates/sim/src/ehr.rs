//! Simulated EHRs: a SMART token server and a FHIR R4 server with the habits of one vendor, over plain HTTP on loopback.
//!
//! They are written from the vendor catalogue and share nothing with our own client but a clock: a simulator that
//! shared our understanding of FHIR could never contradict it. What is in the charts is somebody else's business: a
//! world hands resources to [`Ehr::put`], each with the time from which the EHR shows it. Bodies are served as given.
//!
//! Start reading at `instance` (the value), then `route` (what happens to one request), `search` and `token`. What
//! differs between the vendors stands in `habits` (tables) and `refusal` (how each says no).

mod answer;
mod assertion;
mod bundle;
mod capability;
mod chart;
mod create;
mod epic_numbers;
mod fault;
mod habits;
mod inbasket;
mod index;
mod instance;
mod keychain;
mod listener;
mod opaque;
mod options;
mod page;
mod params;
mod read;
mod refusal;
mod route;
mod rules;
mod scope;
mod search;
mod site;
mod span;
mod token;
mod xml;

pub use crate::vendor::Vendor;
pub use chart::Created;
pub use fault::{Fault, Faults, Matching};
pub use instance::Ehr;
pub use options::{Client, Keys, Options};
