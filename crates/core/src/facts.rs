//! Facts: the names that workflows speak of, bound to what sources send, each with one of six states (design §3, D9, D10, D12).
//!
//! A [`Catalogue`] is read from `facts.yaml`. [`bind`] answers a [`Need`](bedside_fact::known::Need) with a
//! [`Fact`](bedside_fact::known::Fact) out of the record: pure, so that the same record always gives the same answer, in whatever order it
//! came in. [`situation`] says where the patient is and who is responsible. [`is_value_of`] and [`doubts`] look at one resource, for
//! triggers and for the sources page.
//!
//! Nothing here decides what to do about a fact: workflows do that, and they know neither messages nor resources. What the page of a
//! patient shows is `chart`, by the same rules: `completeness` (what an empty answer means), `chart::join` (one result by two routes),
//! `ingredient` (one medicine by two names).

mod bind;
mod catalogue;
mod concept;
mod datum;
mod entry;
mod flag;
pub(crate) mod ingredient;
mod list;
mod quantity;
mod read;
pub(crate) mod sheet;
mod single;
mod situation;

pub use bind::bind;
pub use catalogue::{Binding, Catalogue, EmptyMeans, FactDef, Kind, Route, SHIPPED};
pub use single::{LabEvent, doubts, is_value_of};
pub use situation::{ROLES, situation};

pub(crate) use concept::codes;
pub(crate) use datum::measure;
pub(crate) use situation::is_deceased;

#[cfg(test)]
pub(crate) mod schema;
#[cfg(test)]
mod tests;
