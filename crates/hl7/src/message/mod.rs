//! One HL7 v2 message: bytes in, an ordered list of segments and a list of problems out (HL7 v2 chapter 2).
//!
//! The bytes are kept as they came and everything else is an index into them: a field is split and decoded when it is
//! asked for. Groups, data types and meaning are not decided here. [`parse`] is the way in, [`Message`] and the views
//! ([`Segment`], [`Field`], [`Rep`], [`Value`]) are what comes out, [`get`] reads one path. Several messages in one file or
//! frame are separated first by [`crate::batch`].

mod body;
mod charset;
mod delimiters;
mod escape;
mod lines;
mod parse;
mod path;
mod problem;
mod review;
mod scan;
mod segments;
mod structure;
mod view;

pub use body::Message;
pub use delimiters::Delimiters;
pub use parse::{Options, parse};
pub use path::get;
pub use problem::{Problem, Reject};
pub use view::{Field, Presence, Rep, Segment, Value};

pub(crate) use charset::Charset;
pub(crate) use escape::escape;
pub(crate) use lines::{is_terminator, strip_lead};

#[cfg(test)]
mod tests;
