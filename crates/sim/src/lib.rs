//! Simulated hospitals: a ward whose patients, values and mistakes are made up but plausible, and the
//! client that sends its messages over a socket as an interface engine does.
//!
//! The crate imports the HL7 grammar (frames, and reading acknowledgements) and the clock, nothing else.
//! It writes its messages from the standard's text with its own small writer: a simulator that shared
//! our mapping could never contradict it. Start reading at [`ward::Ward::next_event`].

pub mod ehr;
pub mod hl7_sender;
pub mod region;
mod rng;
pub mod vendor;
pub mod ward;
