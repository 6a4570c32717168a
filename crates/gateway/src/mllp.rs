//! HL7 v2 over MLLP: a [`listener`] accepts, a `session` reads frames, has them made durable and answers.

pub mod listener;
mod session;

pub use listener::{Listener, ListenerOptions, Traffic};
