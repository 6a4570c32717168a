//! Workflows over the record: what changed becomes facts, facts become cases, and what a case owes goes into the outbox.
//!
//! [`Engine`] joins `core` (facts out of the record) with `workflow` (what follows from them); neither knows the other. It remembers how far
//! in the record's one sequence it has looked (design D8), so nothing is missed and nothing has to be announced: a wake-up that is lost
//! costs time, never an item. Looking at a patient twice changes nothing, because a case knows the finding that it stands on.
//!
//! * `engine` is the loop and the hand over to whoever waits; `pass` is one look: changes, due looks, due timers.
//! * `person` looks at one person: facts, evaluation. `follow` is what that does to cases, `commit` what is stored of it.
//! * `timer` plays timers, `told` tells cases how their writes ended, `act` is what people do to an item.
//! * `orphan` is what is left to do with an item whose workflow does not run here any more.
//! * `write` turns what a case wants written into what a route can send.

mod act;
mod commit;
mod engine;
mod follow;
mod orphan;
mod pass;
mod person;
mod timer;
mod told;
mod write;

pub use act::{ActError, Acted};
pub use engine::{Engine, Options, Pace};
pub use write::{KEY_SYSTEM, Route, Routes, communication};

pub(crate) use write::{Letter, Readiness};
