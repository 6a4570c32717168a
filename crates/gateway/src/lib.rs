//! What goes on between the wire and the record: listeners, lanes and the reading of files.
//!
//! Floor 3. Every path has four beats: *receive* (a socket or a file), *decide* (pure functions of `core`), *commit*
//! (one unit of work of `store`), *deliver* (the acknowledgement; later, the outbox). Only commit makes
//! something true, and nothing is acknowledged before it.
//!
//! * [`mllp`] takes HL7 v2 messages from sockets, makes them durable and answers.
//! * [`lanes`] keeps one queue per patient and system and runs what is ready.
//! * [`normalise`] turns one durable input into one outcome.
//! * [`ingest`] reads files and folders.
//! * [`connection`] asks EHRs by FHIR.
//! * [`workflow`] turns what changed into cases, and [`deliver`] sends what they owe.
//! * [`gateway`] starts and stops all of it.

pub mod connection;
pub mod deliver;
mod drive;
pub mod error;
pub mod gateway;
pub mod ingest;
pub mod lanes;
pub mod mllp;
pub mod normalise;
pub mod workflow;

pub use drive::Drive;
pub use error::Error;
pub use gateway::{Gateway, Handle, Options};
