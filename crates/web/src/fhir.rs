//! `/fhir`: FHIR R4 for the customer's programs, with the scopes that [`crate::auth`] gave them.
//!
//! A handler asks who is calling, reads what is asked, and lets the store answer with an operation context that carries the grant; what
//! may be seen is decided there, before anything is looked up (design D16). Every answer that is not a resource is an
//! `OperationOutcome`. How a search is understood is in `bedside_fhir::search`, how it is answered in `bedside_store`; start at `door`.

mod api;
mod attempt;
pub(crate) mod base;
mod batch;
mod bounds;
mod bundle;
mod capability;
mod create;
mod door;
mod elements;
mod failure;
mod format;
mod observation;
mod read;
mod search;
mod smart;

pub use api::{Api, Fetch, Intake, Taken};
pub(crate) use door::routes;
