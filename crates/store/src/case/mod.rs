//! Cases of workflows: what somebody must look at, who has it, when it is due.
//!
//! The store knows nothing of what a case means: its body is the workflow's own JSON, sealed with the patient's key. What it does know is
//! what must hold in one transaction: versions, at most one open case of a workflow for a person, timers, what is owed to the
//! outside, and how far the engine has read (`commit`). `row` holds the types, `read` the worklist, `timer` what an engine asks, `look` whom it
//! looks at although nothing changed, `told` which writes a case has not heard of.

mod commit;
mod look;
mod read;
mod row;
mod timer;
mod told;

pub use look::Trouble;
pub use row::{CaseCommit, CaseCounts, CaseEvent, CaseFilter, CaseRow, CaseWrite, OutboxPut};
pub use told::Untold;
