//! One queue per patient and system; a merge waits for both (promise P4).
//!
//! `queue` is the pure part: which input may run now, and what is held behind a parked one. `run` asks it, runs
//! inputs side by side, and tells it how they ended; `work` is one input; `written` counts what came of it. `handle` is what
//! callers hold.

mod handle;
mod queue;
#[cfg(test)]
mod queue_tests;
mod run;
#[cfg(test)]
mod run_tests;
mod work;
mod written;

pub use handle::{Depth, Lanes};
pub use written::Written;
