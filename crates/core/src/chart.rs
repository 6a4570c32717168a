//! What a clinician sees of a person: pure, from all that is known of them to a page with states, sources and ages.
//!
//! [`build`] makes a [`Chart`]; [`json`], [`summary`] and [`bundle`] put it out. Nothing here reads the store or the clock, and
//! nothing here decides what to do about a value: workflows do that.
//!
//! The rules that keep *unknown* from reading as *none* are in `section.rs` (what an empty list means), `absence.rs` (statements such
//! as "no known allergy") and `stale.rs` (how old a value may be).

pub(crate) mod absence;
mod allergies;
mod build;
mod bundle;
mod demographics;
mod encounters;
pub(crate) mod held;
mod item;
pub(crate) mod join;
mod listed;
mod medications;
mod problems;
mod results;
pub(crate) mod section;
pub(crate) mod seen;
mod stale;
mod summary;
pub(crate) mod value;
mod view;
mod who;

pub use build::{build, build_with};
pub use bundle::bundle;
pub use summary::summary;
pub use view::{
    Chart, Demographics, Facts, Ident, Item, Point, Section, SourceSeen, Withdrawn, json,
};
pub use who::who;

#[cfg(test)]
pub(crate) mod tests;
