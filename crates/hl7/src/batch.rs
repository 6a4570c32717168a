//! Messages in a file or a frame: FHS/BHS/BTS/FTS around them or not (HL7 v2 §2.10.3), one after the other, or copied out of
//! an MLLP stream with the framing bytes left in.
//!
//! [`split`] is for bytes in memory. [`Splitter`] is for a stream of any length and holds one message at a time. Neither
//! looks into the messages: each goes through [`crate::message::parse`] by itself, so one bad message spoils no other.

mod envelope;
mod find;
mod splitter;

use std::ops::Range;

use crate::message::Problem;

use envelope::Envelope;
use find::{Kind, boundaries, trimmed};

pub use splitter::{Fault, SplitError, Splitter};

/// The messages of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Where each message is, in order, without the line ends and framing bytes around it.
    pub messages: Vec<Range<usize>>,
    /// Where text lies that belongs to no message and no envelope.
    pub outside: Vec<Range<usize>>,
    /// How many batches (BHS) there are.
    pub batches: usize,
    /// Counts that do not agree, trailers that are missing, text outside messages.
    pub problems: Vec<Problem>,
    /// The sum of the message counts that the BTS segments declare, when any does.
    pub declared: Option<u64>,
}

/// Separates the messages of a frame or a file that is in memory.
pub fn split(bytes: &[u8]) -> Split {
    let mut envelope = Envelope::default();
    let mut messages = Vec::new();
    let mut outside = Vec::new();
    for part in boundaries(bytes) {
        let range = trimmed(bytes, part.range);
        if range.is_empty() {
            continue;
        }
        match part.kind {
            Kind::Message => {
                envelope.message();
                messages.push(range);
            }
            Kind::Envelope => envelope.segment(bytes.get(range).unwrap_or_default()),
            Kind::Outside => {
                envelope.outside();
                outside.push(range);
            }
        }
    }
    envelope.finish();
    Split {
        messages,
        outside,
        batches: envelope.batches,
        problems: envelope.problems,
        declared: envelope.declared,
    }
}

#[cfg(test)]
mod tests;
