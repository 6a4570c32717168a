//! FHIR connections: asks EHRs what is new, as often as they bear, and writes what is owed to them.
//!
//! Each connection is one task, one HTTP client, one token and one breaker, so that a broken source delays no other. The protocol is
//! `bedside_fhir`'s and what a vendor's server is like is `core::profile`'s; here are sockets, waiting and the order of things:
//! ask, append to the journal, wait for the lanes, and only then move the cursor. What a resource means is the lanes' work.
//!
//! * [`Connections`] starts and shows them; `poller` is the loop, `unit` one patient's questions, `take` makes them durable.
//! * [`Client`] reads, searches and creates; `wire` is the only place that sends.

mod breaker;
mod check;
mod client;
mod error;
mod handle;
mod incidents;
mod key;
mod limit;
mod options;
mod poller;
mod pulse;
mod roster;
mod status;
mod take;
mod token;
mod unit;
mod wire;

pub use breaker::BreakerState;
pub use check::{Check, Finding};
pub use client::{Client, Failure, Found, Written};
pub use error::Error;
pub use handle::Connections;
pub use key::SigningKey;
pub use options::{ConnectionOptions, Pace, Roster};
pub use status::{State, Status};
