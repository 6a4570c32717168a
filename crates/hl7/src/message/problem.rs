//! Why bytes are no message ([`Reject`]), and what was odd about one that is ([`Problem`]).
//!
//! Neither ever carries a field value: they end up in logs, acknowledgements and the quarantine list.

use thiserror::Error;

/// Why bytes are no message at all.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text} (at byte {position})")]
pub struct Reject {
    code: &'static str,
    text: &'static str,
    position: usize,
}

impl Reject {
    pub(crate) fn new(code: &'static str, text: &'static str, position: usize) -> Self {
        Reject {
            code,
            text,
            position,
        }
    }

    /// A stable code: `empty`, `no_header`, `not_mllp_safe`, `delimiters_not_distinct`, …
    ///
    /// In strict mode it is the kind of the first problem.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The byte of the input where it was noticed.
    pub fn position(&self) -> usize {
        self.position
    }
}

/// Something unusual that was accepted. Recorded beside the message, never a reason to lose it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The stable name of the kind, such as `segment-terminator`.
    pub kind: &'static str,
    /// The position of the segment in the message, from 0.
    pub segment: usize,
    /// The field number, or 0 for the segment as a whole.
    pub field: usize,
    /// One sentence for people, without field values.
    pub text: String,
}

/// Collects problems with a bound, so that a hostile message cannot turn each of its bytes into one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Problems {
    list: Vec<Problem>,
    more: bool,
}

impl Problems {
    const MAX: usize = 200;

    pub(crate) fn add(&mut self, kind: &'static str, segment: usize, field: usize, text: &str) {
        if self.list.len() < Self::MAX {
            self.list.push(Problem {
                kind,
                segment,
                field,
                text: text.to_owned(),
            });
        } else if !self.more {
            self.more = true;
            let text = "further problems of this message are not listed".to_owned();
            self.list.push(Problem {
                kind: "more-problems",
                segment,
                field: 0,
                text,
            });
        }
    }

    /// Adds a problem that is said once for the whole message.
    pub(crate) fn once(&mut self, kind: &'static str, segment: usize, text: &str) {
        if !self.list.iter().any(|known| known.kind == kind) {
            self.add(kind, segment, 0, text);
        }
    }

    pub(crate) fn first(&self) -> Option<&Problem> {
        self.list.first()
    }

    pub(crate) fn list(&self) -> &[Problem] {
        &self.list
    }
}
