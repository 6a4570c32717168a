//! One answer of a FHIR server, judged: what is in it, and what its trouble is when it is not what was asked for.
//!
//! Servers answer with pages of a web site, with half a body, with an `OperationOutcome` inside a search result that says the opposite
//! of what the status says. Which code means what differs by vendor and is data ([`Outcomes`]). Nothing here sends anything;
//! following one search from page to page is [`crate::poll`]'s work.

mod base;
mod outcomes;
mod read;

pub use base::{Base, BaseError};
pub use outcomes::{BodyRule, Meaning, Outcomes};
pub use read::{Content, Entry, Page, Reply, Trouble, judge, retry_after, word};
