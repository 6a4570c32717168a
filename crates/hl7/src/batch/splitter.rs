//! [`Splitter`]: the same as [`super::split`] over a stream, with one message in memory at a time.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;

use crate::message::Problem;

use super::envelope::Envelope;
use super::find::{Kind, Next, next, trimmed};

/// How much of something unusable is kept for people to look at.
const KEPT: usize = 64 << 10;

/// A stretch of the stream that is no message. The rest of the stream goes on.
#[derive(Clone, PartialEq, Eq)]
pub struct SplitError {
    /// Where it begins in the stream.
    pub offset: u64,
    /// Its first bytes, for the quarantine.
    pub kept: Vec<u8>,
    /// What is wrong with it.
    pub fault: Fault,
}

/// Why a stretch of the stream is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A message passed the limit, in bytes.
    TooLarge(usize),
    /// The text belongs to no message and no envelope.
    Outside,
}

impl SplitError {
    /// A stable code for logs and the quarantine.
    pub fn reason(&self) -> &'static str {
        match self.fault {
            Fault::TooLarge(_) => "message_too_large",
            Fault::Outside => "not_a_message",
        }
    }
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset;
        match self.fault {
            Fault::TooLarge(limit) => {
                write!(
                    f,
                    "the message at byte {offset} is larger than {limit} bytes"
                )
            }
            Fault::Outside => write!(f, "the text at byte {offset} belongs to no message"),
        }
    }
}

// The content may be patient data: only its length is shown.
impl fmt::Debug for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SplitError({}, at {}, {} bytes)",
            self.reason(),
            self.offset,
            self.kept.len()
        )
    }
}

impl std::error::Error for SplitError {}

/// Takes a stream apart into messages.
pub struct Splitter {
    max_message: usize,
    held: Vec<u8>,
    /// The part that is open starts here in `held`.
    start: usize,
    /// The search goes on here in `held`.
    from: usize,
    /// Where `held` begins in the stream.
    base: u64,
    kind: Kind,
    fresh: bool,
    /// The open part passed the limit and has been reported; its bytes are dropped.
    oversized: bool,
    ready: VecDeque<Result<(u64, Vec<u8>), SplitError>>,
    envelope: Envelope,
}

impl Splitter {
    /// A splitter at the start of a stream. A message longer than `max_message` bytes is reported and skipped.
    pub fn new(max_message: usize) -> Self {
        Splitter {
            max_message,
            held: Vec::new(),
            start: 0,
            from: 0,
            base: 0,
            kind: Kind::Outside,
            fresh: true,
            oversized: false,
            ready: VecDeque::new(),
            envelope: Envelope::default(),
        }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        self.run(false);
        self.limit();
        self.held.drain(..self.start);
        self.base += to_u64(self.start);
        self.from -= self.start;
        self.start = 0;
    }

    /// The next message with its place in the stream, or a stretch that is none, in order.
    pub fn next_message(&mut self) -> Option<Result<(u64, Vec<u8>), SplitError>> {
        self.ready.pop_front()
    }

    /// The stream has ended; what is left becomes available from [`Splitter::next_message`].
    pub fn finish(&mut self) {
        self.run(true);
        self.limit();
        let end = self.held.len();
        self.close(end);
        self.held.clear();
        self.start = 0;
        self.from = 0;
        self.kind = Kind::Outside;
        self.envelope.finish();
    }

    /// What is unusual about the envelope segments so far; counts are compared when a trailer comes, or at the end.
    pub fn problems(&self) -> &[Problem] {
        &self.envelope.problems
    }

    /// How many batches began.
    pub fn batches(&self) -> usize {
        self.envelope.batches
    }

    /// The sum of the message counts declared so far.
    pub fn declared(&self) -> Option<u64> {
        self.envelope.declared
    }

    /// How many bytes wait for the rest of their message. Bounded by the limit and the size of one push.
    pub fn held_bytes(&self) -> usize {
        self.held.len()
    }

    fn run(&mut self, complete: bool) {
        loop {
            match next(
                &self.held, self.start, self.from, self.kind, self.fresh, complete,
            ) {
                Next::Begins(at, kind) => {
                    self.close(at);
                    self.start = at;
                    // The name just found must not be found again.
                    self.from = at;
                    self.kind = kind;
                    self.fresh = false;
                    self.oversized = false;
                }
                Next::NotBefore(at) => {
                    self.fresh = self.fresh && at == self.start;
                    self.from = at;
                    return;
                }
            }
        }
    }

    /// Hands out the open part, which ends at `end`.
    fn close(&mut self, end: usize) {
        if self.oversized {
            return;
        }
        let range: Range<usize> = trimmed(&self.held, self.start..end);
        let content = self.held.get(range.clone()).unwrap_or_default();
        if content.is_empty() {
            return;
        }
        let offset = self.base + to_u64(range.start);
        match self.kind {
            Kind::Message if content.len() > self.max_message => {
                self.envelope.message();
                self.ready.push_back(Err(unusable(
                    offset,
                    content,
                    Fault::TooLarge(self.max_message),
                )));
            }
            Kind::Message => {
                self.envelope.message();
                self.ready.push_back(Ok((offset, content.to_vec())));
            }
            Kind::Envelope => self.envelope.segment(content),
            Kind::Outside => {
                self.envelope.outside();
                self.ready
                    .push_back(Err(unusable(offset, content, Fault::Outside)));
            }
        }
    }

    /// Reports an open part that passed the limit, and drops what has been searched of one already reported.
    fn limit(&mut self) {
        if !self.oversized && self.from.saturating_sub(self.start) > self.max_message {
            let offset = self.base + to_u64(self.start);
            let content = self.held.get(self.start..).unwrap_or_default();
            let error = match self.kind {
                Kind::Message => {
                    self.envelope.message();
                    unusable(offset, content, Fault::TooLarge(self.max_message))
                }
                Kind::Envelope | Kind::Outside => {
                    self.envelope.outside();
                    unusable(offset, content, Fault::Outside)
                }
            };
            self.ready.push_back(Err(error));
            self.oversized = true;
        }
        if self.oversized {
            // One byte stays, so that what follows is not taken for the first line of the part.
            self.start = self.from.saturating_sub(1).max(self.start);
        }
    }
}

impl fmt::Debug for Splitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Splitter")
            .field("held", &self.held.len())
            .field("ready", &self.ready.len())
            .finish_non_exhaustive()
    }
}

fn unusable(offset: u64, content: &[u8], fault: Fault) -> SplitError {
    let kept = content.get(..KEPT).unwrap_or(content).to_vec();
    SplitError {
        offset,
        kept,
        fault,
    }
}

fn to_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
