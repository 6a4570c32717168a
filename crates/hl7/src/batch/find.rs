//! Where messages and envelope segments begin.

use std::ops::Range;

/// What a stretch of bytes is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// MSH up to the next header.
    Message,
    /// One FHS, BHS, BTS or FTS segment.
    Envelope,
    /// Anything before the first header and after an envelope segment.
    Outside,
}

/// A stretch of bytes of one kind.
pub(crate) struct Part {
    pub(crate) kind: Kind,
    pub(crate) range: Range<usize>,
}

/// How far a search got.
pub(crate) enum Next {
    /// A new part begins here.
    Begins(usize, Kind),
    /// Nothing before this place; searching may resume at it when there are more bytes.
    NotBefore(usize),
}

/// A line start is at most this long before its kind is known: framing bytes, a byte order mark, a name, a separator.
const LOOKAHEAD: usize = 16;

/// The parts of some bytes that are all there.
pub(crate) fn boundaries(bytes: &[u8]) -> impl Iterator<Item = Part> {
    let mut start = 0;
    let mut kind = Kind::Outside;
    let mut at_start = true;
    let mut done = false;
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        let (part, next) = match next(bytes, start, start, kind, at_start, true) {
            Next::Begins(at, next) => (
                Part {
                    kind,
                    range: start..at,
                },
                Some((at, next)),
            ),
            Next::NotBefore(_) => (
                Part {
                    kind,
                    range: start..bytes.len(),
                },
                None,
            ),
        };
        match next {
            Some((at, next)) => {
                start = at;
                kind = next;
                at_start = false;
            }
            None => done = true,
        }
        Some(part)
    })
}

/// Finds the next part after the one of `kind` that begins at `start`, looking from `from`. `fresh` tells that the line at
/// `start` has not been looked at yet; `complete` that no more bytes will follow.
pub(crate) fn next(
    bytes: &[u8],
    start: usize,
    from: usize,
    kind: Kind,
    fresh: bool,
    complete: bool,
) -> Next {
    let mut at = from;
    if fresh && from == start {
        match line(bytes, start, complete) {
            Line::Header(kind) => return Next::Begins(start, kind),
            Line::Unknown => return Next::NotBefore(start),
            Line::Other => {}
        }
    }
    while let Some(found) = bytes
        .get(at..)
        .and_then(|tail| memchr::memchr3(b'\r', b'\n', 0x0B, tail))
    {
        let end = at + found;
        // A VT stands before the line it frames; a terminator stands after its own.
        let begin = if bytes.get(end) == Some(&0x0B) {
            end
        } else {
            end + 1
        };
        if begin > start {
            match line(bytes, begin, complete) {
                Line::Header(next) => return Next::Begins(begin, next),
                Line::Unknown => return Next::NotBefore(end),
                Line::Other if kind == Kind::Envelope && end > start => {
                    return Next::Begins(begin, Kind::Outside);
                }
                Line::Other => {}
            }
        }
        at = end + 1;
    }
    Next::NotBefore(bytes.len())
}

enum Line {
    Header(Kind),
    Other,
    /// More bytes are needed to tell.
    Unknown,
}

fn line(bytes: &[u8], at: usize, complete: bool) -> Line {
    let tail = bytes.get(at..).unwrap_or_default();
    let window = tail.get(..LOOKAHEAD).unwrap_or(tail);
    if window.len() < LOOKAHEAD && !complete {
        return Line::Unknown;
    }
    let window = window.get(lead(window)..).unwrap_or_default();
    let named = |name: &[u8]| {
        window
            .get(..3)
            .is_some_and(|id| id.eq_ignore_ascii_case(name))
    };
    let separated = window
        .get(3)
        .is_some_and(|&byte| byte.is_ascii_punctuation());
    let bare = window.get(3).is_none_or(|&byte| byte <= b' ');
    if named(b"MSH") && separated {
        Line::Header(Kind::Message)
    } else if ([b"FHS", b"BHS"].iter().any(|&name| named(name)) && separated)
        || ([b"BTS", b"FTS"].iter().any(|&name| named(name)) && (separated || bare))
    {
        Line::Header(Kind::Envelope)
    } else {
        Line::Other
    }
}

/// Framing bytes, blanks and a byte order mark before a segment's name.
fn lead(bytes: &[u8]) -> usize {
    let skipped = |bytes: &[u8]| {
        bytes
            .iter()
            .take_while(|byte| matches!(**byte, 0x0B | 0x1C | b' ' | b'\t' | 0))
            .count()
    };
    let first = skipped(bytes);
    let tail = bytes.get(first..).unwrap_or_default();
    if tail.starts_with(&[0xEF, 0xBB, 0xBF]) {
        let tail = tail.get(3..).unwrap_or_default();
        return first + 3 + skipped(tail);
    }
    first
}

/// The range without framing bytes and blank lines around it. A byte order mark and blanks inside stay.
pub(crate) fn trimmed(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let part = bytes.get(range.clone()).unwrap_or_default();
    let is_edge = |byte: &u8| matches!(*byte, 0x0B | 0x1C | b'\r' | b'\n' | 0);
    let blank = |byte: &u8| is_edge(byte) || matches!(*byte, b' ' | b'\t');
    if part.iter().all(blank) {
        return range.start..range.start;
    }
    let before = part.iter().take_while(|byte| is_edge(byte)).count();
    let after = part.iter().rev().take_while(|byte| is_edge(byte)).count();
    range.start + before..range.end - after
}
