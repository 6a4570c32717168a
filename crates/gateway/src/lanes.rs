//! One queue per patient and system; a merge waits for both (promise P4).
//!
//! [`queue`] is the pure part: which input may run now, and what is held behind a parked one. [`worker`] asks it,
//! runs inputs side by side, and tells it how they ended.

mod queue;
#[cfg(test)]
mod queue_tests;
mod worker;

pub use worker::{Depth, Lanes};
