//! The FHIR API as applications use it: requests without a socket, against a real store.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests may take the shortcuts that tests may take"
)]

mod access;
mod attempts;
mod contained;
mod create;
mod fixture;
mod key;
mod read;
mod search;
mod support;
mod token;
