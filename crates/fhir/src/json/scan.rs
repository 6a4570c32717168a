//! The pre-scan: what foreign JSON must pass before any parser sees it.
//!
//! It never recurses, so nesting can't exhaust the stack, and it takes linear time, so a long text can't stall a
//! worker. It refuses what two parsers would read differently: duplicate members, lone surrogates, NUL characters.
//! It builds nothing: see [`super::parse`] for a value.

use std::borrow::Cow;
use std::collections::HashSet;

use super::event::{Event, Events};
use super::value::unescape;

/// How much is admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanLimits {
    /// The longest text, in bytes.
    pub max_bytes: usize,
    /// The most containers open at one time.
    pub max_depth: usize,
}

impl Default for ScanLimits {
    fn default() -> ScanLimits {
        ScanLimits {
            max_bytes: 64 << 20,
            max_depth: 100,
        }
    }
}

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScanErrorKind {
    /// Nothing but white space.
    Empty,
    /// Longer than [`ScanLimits::max_bytes`].
    TooLarge,
    /// Not UTF-8.
    NotUtf8,
    /// Begins with a byte order mark, which RFC 8259 §8.1 forbids.
    ByteOrderMark,
    /// Against the grammar.
    NotJson,
    /// Ends inside the value.
    Truncated,
    /// Something follows the value.
    TrailingBytes,
    /// More containers open than [`ScanLimits::max_depth`].
    TooDeep,
    /// Two members of one object have the same name.
    DuplicateMember,
    /// A member's name that the JSON library reserves for itself.
    ReservedMember,
    /// Half of a surrogate pair.
    LoneSurrogate,
    /// U+0000, raw or escaped.
    NulCharacter,
    /// A raw character below U+0020 where none may stand.
    ControlCharacter,
}

/// A refused text: what was wrong, and where. It never holds any of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} at byte {offset}", self.code())]
pub struct ScanError {
    kind: ScanErrorKind,
    offset: usize,
}

impl ScanError {
    pub(crate) fn new(kind: ScanErrorKind, offset: usize) -> ScanError {
        ScanError { kind, offset }
    }

    /// What was wrong.
    pub fn kind(&self) -> ScanErrorKind {
        self.kind
    }

    /// What was wrong, as a stable word for reports.
    pub fn code(&self) -> &'static str {
        match self.kind {
            ScanErrorKind::Empty => "empty",
            ScanErrorKind::TooLarge => "too_large",
            ScanErrorKind::NotUtf8 => "not_utf8",
            ScanErrorKind::ByteOrderMark => "byte_order_mark",
            ScanErrorKind::NotJson => "not_json",
            ScanErrorKind::Truncated => "truncated",
            ScanErrorKind::TrailingBytes => "trailing_bytes",
            ScanErrorKind::TooDeep => "too_deep",
            ScanErrorKind::DuplicateMember => "duplicate_member",
            ScanErrorKind::ReservedMember => "reserved_member",
            ScanErrorKind::LoneSurrogate => "lone_surrogate",
            ScanErrorKind::NulCharacter => "nul_character",
            ScanErrorKind::ControlCharacter => "control_character",
        }
    }

    /// The byte at which it was found.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

/// Refuses anything but one well-formed, unambiguous JSON value within the limits.
pub fn scan(bytes: &[u8], limits: &ScanLimits) -> Result<(), ScanError> {
    if bytes.len() > limits.max_bytes {
        return Err(ScanError::new(ScanErrorKind::TooLarge, limits.max_bytes));
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(ScanError::new(ScanErrorKind::ByteOrderMark, 0));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| ScanError::new(ScanErrorKind::NotUtf8, error.valid_up_to()))?;
    let mut events = Events::new(text, limits.max_depth);
    let mut names = Names::default();
    while let Some(event) = events.next_event()? {
        match event {
            Event::ObjectStart(_) => names.open(),
            Event::ObjectEnd(_) => names.close(),
            Event::Name(range) => {
                let at = range.start;
                let quoted = text.get(range).unwrap_or_default();
                names
                    .add(unescape(quoted))
                    .map_err(|kind| ScanError::new(kind, at))?;
            }
            Event::ArrayStart(_) | Event::ArrayEnd(_) | Event::String(_) | Event::Scalar(_) => {}
        }
    }
    Ok(())
}

/// Objects with more members than this keep a hash set; smaller ones compare name by name, which is faster.
const FEW: usize = 16;

/// `serde_json` passes numbers and raw text through maps with these names when `arbitrary_precision` and `raw_value`
/// are on. A client that sent one as a member could turn a string into a number, or have text parsed unscanned.
const RESERVED: [&str; 2] = [
    "$serde_json::private::Number",
    "$serde_json::private::RawValue",
];

/// The names seen so far in each open object.
#[derive(Default)]
struct Names<'a> {
    seen: Vec<Cow<'a, str>>,
    objects: Vec<OpenObject<'a>>,
}

struct OpenObject<'a> {
    /// Where this object's names begin in `seen`.
    start: usize,
    many: Option<HashSet<Cow<'a, str>>>,
}

impl<'a> Names<'a> {
    fn open(&mut self) {
        self.objects.push(OpenObject {
            start: self.seen.len(),
            many: None,
        });
    }

    fn close(&mut self) {
        if let Some(object) = self.objects.pop() {
            self.seen.truncate(object.start);
        }
    }

    fn add(&mut self, name: Cow<'a, str>) -> Result<(), ScanErrorKind> {
        if name.starts_with('$') && RESERVED.contains(&name.as_ref()) {
            return Err(ScanErrorKind::ReservedMember);
        }
        let Some(object) = self.objects.last_mut() else {
            return Ok(());
        };
        if let Some(many) = &mut object.many {
            return if many.insert(name) {
                Ok(())
            } else {
                Err(ScanErrorKind::DuplicateMember)
            };
        }
        let few = self.seen.get(object.start..).unwrap_or_default();
        if few.contains(&name) {
            return Err(ScanErrorKind::DuplicateMember);
        }
        self.seen.push(name);
        if self.seen.len() - object.start > FEW {
            object.many = Some(self.seen.drain(object.start..).collect());
        }
        Ok(())
    }
}
