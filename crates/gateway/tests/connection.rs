//! Connections against a scripted server: what a real one does in a bad hour, and what must still hold.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may take the shortcuts that tests may take"
)]

#[path = "connection/bad_input.rs"]
mod bad_input;
#[path = "connection/crawl.rs"]
mod crawl;
#[path = "connection/support.rs"]
mod support;
#[path = "connection/tokens.rs"]
mod tokens;
#[path = "connection/write.rs"]
mod write;
