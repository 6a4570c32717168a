//! Clinical workflows: what clinicians write, read and sign, and what follows from it for one patient.
//!
//! Floor 1: pure. The crate stands on `fact` alone: it never mentions a resource, a segment or a vendor, and knows no store, no socket and
//! no clock. `gateway` hands it facts and events and performs the effects that it yields.
//!
//! [`load`] turns a file into a [`Definition`], or into sentences that say what is wrong with it; [`evaluate`](fn@evaluate)
//! says what it means for one patient now; [`case`] is the life of the item that came of it.

pub mod case;
mod check;
pub mod definition;
pub mod evaluate;
pub mod evaluation;
pub mod groups;
pub mod problem;
pub mod read;
pub mod shipped;
#[cfg(test)]
mod testing;
pub mod vocabulary;

pub use definition::Definition;
pub use evaluate::evaluate;
pub use evaluation::{Decision, Evaluation, Finding, Inputs, Shown, ShownLine, TraceLine};
pub use groups::{Groups, groups};
pub use problem::Problem;
pub use read::{load, review};
pub use shipped::{CRITICAL_POTASSIUM, GROUPS};
pub use vocabulary::{FactKind, Vocabulary};
