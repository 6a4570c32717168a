//! Where segments begin and end: terminators, blank lines, wrapped text, leading bytes (HL7 v2 §2.5.2, and what comes
//! instead).

use std::ops::Range;

use super::problem::Problems;
use super::segments;

/// One segment as found: where it is and the name it starts with.
pub(crate) struct Line {
    pub(crate) range: Range<usize>,
    pub(crate) id: Id,
}

/// A segment's name in upper case, at most three characters, without an allocation for each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id {
    bytes: [u8; 3],
    length: usize,
}

impl Id {
    fn new(name: &[u8]) -> Id {
        let mut bytes = [0; 3];
        for (to, from) in bytes.iter_mut().zip(name) {
            *to = from.to_ascii_uppercase();
        }
        Id {
            bytes,
            length: name.len().min(3),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        self.bytes
            .get(..self.length)
            .and_then(|name| std::str::from_utf8(name).ok())
            .unwrap_or_default()
    }
}

/// CR or LF.
pub(crate) fn is_terminator(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// How many bytes of byte order mark, white space and framing stand before the first segment.
pub(crate) fn strip_lead(bytes: &[u8]) -> usize {
    let mark = if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) {
        3
    } else {
        0
    };
    let tail = bytes.get(mark..).unwrap_or_default();
    mark + tail.iter().take_while(|&&byte| byte <= b' ').count()
}

/// Splits the body of a message, which starts at the header segment, into segments. `base` is where the body begins.
///
/// One rule for the whole message: where any CR occurs, CR ends segments and a lone LF does so only before the start of a
/// segment; without any CR, LF does.
pub(crate) fn split(bytes: &[u8], base: usize, field: u8, problems: &mut Problems) -> Vec<Line> {
    let body = bytes.get(base..).unwrap_or_default();
    let end = base + body.len() - body.iter().rev().take_while(|&&byte| byte <= b' ').count();
    let with_cr = memchr::memchr(b'\r', body).is_some();
    let mut lines: Vec<Line> = Vec::new();
    let mut at = base;
    // White space is trimmed from the end, but a tab or a space there may be the value of a last field.
    let stop = bytes
        .get(end..)
        .and_then(|tail| memchr::memchr2(b'\r', b'\n', tail))
        .map_or(bytes.len(), |n| end + n);
    let stop = bytes
        .get(end..stop)
        .and_then(|tail| memchr::memchr(0x1C, tail))
        .map_or(stop, |n| end + n);
    while at < stop {
        let next = line_end(bytes, at, stop, with_cr, field, problems, lines.len());
        add(&mut lines, bytes, at..next, next == stop, field, problems);
        at = next + 1;
        if bytes.get(next) == Some(&b'\r') && bytes.get(at) == Some(&b'\n') {
            let text = "segments end with CR LF instead of CR";
            problems.once("segment-terminator", lines.len().saturating_sub(1), text);
            at += 1;
        }
    }
    if !with_cr && stop < bytes.len() && lines.len() == 1 {
        problems.once(
            "segment-terminator",
            0,
            "segments end with LF instead of CR",
        );
    }
    lines
}

fn line_end(
    bytes: &[u8],
    at: usize,
    stop: usize,
    with_cr: bool,
    field: u8,
    problems: &mut Problems,
    index: usize,
) -> usize {
    let mut from = at;
    while let Some(found) = bytes
        .get(from..stop)
        .and_then(|tail| memchr::memchr2(b'\r', b'\n', tail))
    {
        let here = from + found;
        if bytes.get(here) == Some(&b'\r') {
            return here;
        }
        let tail = bytes.get(here + 1..stop).unwrap_or_default();
        if !with_cr || starts_segment(tail, field) {
            problems.once(
                "segment-terminator",
                index,
                "segments end with LF instead of CR",
            );
            return here;
        }
        from = here + 1;
    }
    stop
}

/// Three characters that form a segment id, then the field separator.
fn starts_segment(bytes: &[u8], field: u8) -> bool {
    match bytes {
        [a, b, c, separator, ..] => {
            *separator == field
                && a.is_ascii_uppercase()
                && [b, c]
                    .iter()
                    .all(|x| x.is_ascii_uppercase() || x.is_ascii_digit())
        }
        _ => false,
    }
}

fn add(
    lines: &mut Vec<Line>,
    bytes: &[u8],
    range: Range<usize>,
    last: bool,
    field: u8,
    problems: &mut Problems,
) {
    let index = lines.len();
    let line = bytes.get(range.clone()).unwrap_or_default();
    let indent = line
        .iter()
        .take_while(|&&byte| matches!(byte, b' ' | b'\t'))
        .count();
    if indent == line.len() {
        problems.once(
            "blank-segment",
            index,
            "a line without content stands between segments",
        );
        return;
    }
    let trimmed = line.get(indent..).unwrap_or_default();
    match name_of(trimmed, last, field) {
        Some(Name { length, odd }) => {
            if indent > 0 {
                problems.once(
                    "leading-whitespace",
                    index,
                    "white space stands before a segment's name",
                );
            }
            match odd {
                Odd::No => {}
                Odd::Case => problems.add(
                    "segment-case",
                    index,
                    0,
                    "the segment's name is not in upper case",
                ),
                Odd::Cut => problems.add(
                    "truncated-segment",
                    index,
                    0,
                    "the segment ends within or directly after its name",
                ),
            }
            let id = Id::new(trimmed.get(..length).unwrap_or_default());
            lines.push(Line {
                range: range.start + indent..range.end,
                id,
            });
        }
        None => match lines.last_mut() {
            Some(before) => {
                // Wrapped text: part of the segment before, joined by the line break that stands between them.
                before.range.end = range.end;
                problems.add(
                    "continuation-line",
                    index - 1,
                    0,
                    "a line without a segment name continues the segment before it",
                );
            }
            None => problems.once(
                "continuation-line",
                0,
                "a line without a segment name stands first",
            ),
        },
    }
}

struct Name {
    length: usize,
    odd: Odd,
}

enum Odd {
    No,
    Case,
    Cut,
}

/// The segment name a line starts with, or `None` for wrapped text.
fn name_of(line: &[u8], last: bool, field: u8) -> Option<Name> {
    if starts_segment(line, field) {
        return Some(Name {
            length: 3,
            odd: Odd::No,
        });
    }
    let name = line.get(..3);
    let known = name.is_some_and(|name| segments::is_known(Id::new(name).as_str()));
    match line.get(3) {
        Some(&separator) if separator == field && known => Some(Name {
            length: 3,
            odd: Odd::Case,
        }),
        None if known => Some(Name {
            length: 3,
            odd: Odd::Cut,
        }),
        // The message was cut in the middle of a name.
        None if last
            && line.len() < 3
            && line.iter().all(u8::is_ascii_uppercase)
            && segments::is_prefix(line) =>
        {
            Some(Name {
                length: line.len(),
                odd: Odd::Cut,
            })
        }
        _ => None,
    }
}
