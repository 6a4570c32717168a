//! HL7 v2: framing, messages, acknowledgements, batches and the small values inside fields.
//!
//! Everything here is a function of bytes: no I/O, no clock, no runtime, no global state. Receiving is tolerant (a
//! value and a list of problems), building is strict. What a message *means* is not decided here; the converter in
//! `core` reads these views and decides.
//!
//! Start with [`message::parse`]; a socket needs [`frame::Decoder`] before it and [`ack::build`] after it; a file needs
//! [`batch::Splitter`].
#![deny(clippy::indexing_slicing)]

pub mod ack;
pub mod batch;
pub mod encapsulated;
pub mod frame;
pub mod message;
pub mod number;
pub mod time;
