//! Parsed values, and small readings of text that was scanned already.
//!
//! A [`Value`] keeps member order and number text, but not escapes: it is for reading, never for storing.

use std::borrow::Cow;
use std::ops::Range;

use super::event::{Event, Events};
use super::scan::{ScanError, ScanErrorKind, ScanLimits, scan};

/// A parsed value. Built with `preserve_order` and `arbitrary_precision`, which a test guards.
pub type Value = serde_json::Value;

/// Scans, then parses.
pub fn parse(bytes: &[u8], limits: &ScanLimits) -> Result<Value, ScanError> {
    scan(bytes, limits)?;
    serde_json::from_slice(bytes).map_err(|_| {
        // After the scan only `serde_json`'s own limit of 128 levels is left to fail, where the caller allowed more.
        ScanError::new(ScanErrorKind::TooDeep, 0)
    })
}

/// The content of a quoted string of scanned text, without copying where it has no escapes.
pub fn unescape(quoted: &str) -> Cow<'_, str> {
    let inner = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(quoted);
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    match serde_json::from_str::<String>(quoted) {
        Ok(text) => Cow::Owned(text),
        Err(_) => Cow::Borrowed(inner),
    }
}

/// The members of the object that `text` is, each with the byte range of its value. Nothing below is built.
///
/// The text must have been scanned; what is not an object has no members.
pub fn members(text: &str) -> Vec<(Cow<'_, str>, Range<usize>)> {
    let mut found = Vec::new();
    let mut events = Events::new(text, usize::MAX);
    let mut name = None;
    let mut start = 0;
    while let Ok(Some(event)) = events.next_event() {
        let depth = events.depth();
        let value = match event {
            Event::Name(range) if depth == 1 => {
                name = Some(unescape(text.get(range).unwrap_or_default()));
                continue;
            }
            Event::ObjectStart(at) | Event::ArrayStart(at) if depth == 2 => {
                start = at;
                continue;
            }
            Event::ObjectEnd(at) | Event::ArrayEnd(at) if depth == 1 => start..at + 1,
            Event::String(range) | Event::Scalar(range) if depth == 1 => range,
            Event::Name(_)
            | Event::ObjectStart(_)
            | Event::ArrayStart(_)
            | Event::ObjectEnd(_)
            | Event::ArrayEnd(_)
            | Event::String(_)
            | Event::Scalar(_) => continue,
        };
        // Elements of a top-level array have no name and are passed over.
        if let Some(name) = name.take() {
            found.push((name, value));
        }
    }
    found
}
