//! The gateway on a real store and over real sockets. Time stands still unless a test moves it.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may take the shortcuts that tests may take"
)]

mod ingest;
mod lanes;
mod mllp;
mod support;
