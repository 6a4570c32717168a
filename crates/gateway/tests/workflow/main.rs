//! Workflows on a real store, with messages over real sockets, and on a clock that only the tests move.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may take the shortcuts that tests may take"
)]

mod closed;
mod linked;
mod support;
mod survives;
mod time;
