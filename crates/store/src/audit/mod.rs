//! The audit log: who saw what, when and why, and proof that nobody altered it since (promise P9, design D8 and D15).
//!
//! An entry is durable before what it speaks of leaves the store. Receiving and applying write theirs inside their own
//! transaction with `append_in`; reads call [`Store::audit`](crate::Store::audit) first. A thread of its own (`tree`) hangs new
//! entries into the Merkle tree within a second and writes signed checkpoints outside the data directory (`checkpoint`).
//! `verify` recomputes all of it. While the log can't be written, clinicians' reads go through [`crate::spool`].
//!
//! It holds no clinical value, and it decides nothing about access: that is `bedside_core::access`.

mod append;
pub(crate) mod checkpoint;
mod door;
mod leaf;
mod search;
pub(crate) mod tree;
mod verify;

pub(crate) use append::{append_in, append_late};
pub use door::AuditHealth;
pub(crate) use door::AuditState;
pub use search::{AuditFilter, AuditRow};
pub use verify::Verification;
