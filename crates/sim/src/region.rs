//! One region with three hospitals: who its people are, what each EHR holds of them, and what happens to them.
//!
//! [`Region`] is a pure value, as the ward is: the same options give the same bytes. The hospital with Epic is the
//! ward of `crate::ward`, whose HL7 v2 feed and FHIR side tell the same story; the two others have their own day.
//! Some people are known to several of them, most under one number of the region's exchange. Nothing here opens a
//! socket; whoever plays the region sends its messages and puts its resources into the EHRs' servers.
//!
//! The files: `event` (what comes out), `world` (the loop), `people` (who is known where), `hospital` (the ward's
//! events as Epic charts them), `clinic` and `day` (the two others), `history` (what was there before),
//! `drugs` and `illness` (tables), `shape` (FHIR resources, each vendor's way).

mod clinic;
mod day;
mod drugs;
mod event;
mod history;
mod hospital;
mod illness;
mod people;
mod shape;
#[cfg(test)]
mod tests;
mod world;

pub use event::{Change, Charted, Event, Options, REGIONAL_SYSTEM, What};
pub use world::Region;
