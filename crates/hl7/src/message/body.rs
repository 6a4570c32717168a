//! [`Message`]: the received bytes and the index over them.

use std::fmt;
use std::ops::Range;

use super::charset::Charset;
use super::delimiters::Delimiters;
use super::lines::{Id, Line};
use super::problem::{Problem, Problems};
use super::scan::Scan;
use super::structure;
use super::view::Segment;

/// One parsed message. It owns its bytes; views borrow from it.
#[derive(Clone)]
pub struct Message {
    pub(crate) raw: Vec<u8>,
    /// The bytes with `ADD` segments joined to the field they continue; only where the message has any.
    pub(crate) joined: Option<Vec<u8>>,
    pub(crate) delimiters: Delimiters,
    pub(crate) charset: Charset,
    pub(crate) problems: Problems,
    pub(crate) spans: Vec<Span>,
    /// Where each field begins, for all segments one after the other. 32 bits, because a message of separators alone has
    /// as many of these as it has bytes; the parser refuses messages beyond them.
    pub(crate) starts: Vec<u32>,
}

/// A segment's place in the text and in the list of field starts.
#[derive(Clone)]
pub(crate) struct Span {
    pub(crate) id: Id,
    pub(crate) text: Range<usize>,
    pub(crate) fields: Range<usize>,
}

impl Message {
    /// What was unusual and accepted.
    pub fn problems(&self) -> &[Problem] {
        self.problems.list()
    }

    /// The delimiters the header declares.
    pub fn delimiters(&self) -> Delimiters {
        self.delimiters
    }

    /// All segments in the order of the message, unknown ones and Z segments too.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        self.spans
            .iter()
            .enumerate()
            .map(|(index, span)| Segment::new(self, span, index))
    }

    /// The first segment of this name.
    pub fn segment(&self, id: &str) -> Option<Segment<'_>> {
        self.segments().find(|segment| segment.id() == id)
    }

    /// All segments of this name, in order.
    pub fn all<'a>(&'a self, id: &'a str) -> impl Iterator<Item = Segment<'a>> {
        self.segments().filter(move |segment| segment.id() == id)
    }

    /// MSH-10.
    pub fn control_id(&self) -> Option<String> {
        self.header(10)
    }

    /// MSH-9.1, the message code such as `ADT`; empty when absent.
    pub fn code(&self) -> String {
        self.type_part(1)
    }

    /// MSH-9.2, the trigger event such as `A01`; empty when absent.
    pub fn trigger(&self) -> String {
        self.type_part(2)
    }

    /// The message structure such as `ADT_A01`: derived from code and trigger, and MSH-9.3 only where they say nothing.
    pub fn structure(&self) -> String {
        structure::derive(&self.code(), &self.trigger(), &self.type_part(3))
    }

    /// MSH-12.1; empty when absent.
    pub fn version(&self) -> String {
        self.segments()
            .next()
            .and_then(|msh| msh.field(12).component(1).text())
            .unwrap_or_default()
    }

    /// The character set the text is read in, by its WHATWG name.
    pub fn charset(&self) -> &'static str {
        self.charset.name()
    }

    /// The bytes as they came.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    pub(crate) fn text(&self) -> &[u8] {
        self.joined.as_deref().unwrap_or(&self.raw)
    }

    fn header(&self, field: usize) -> Option<String> {
        self.segments()
            .next()
            .and_then(|msh| msh.field(field).text())
    }

    fn type_part(&self, component: usize) -> String {
        let text = self
            .segments()
            .next()
            .and_then(|msh| msh.field(9).component(component).text());
        text.map(|text| text.trim().to_owned()).unwrap_or_default()
    }

    /// Builds the index of segments and fields.
    pub(crate) fn index(&mut self, lines: Vec<Line>) {
        let (spans, starts) = {
            let text = self.text();
            let mut spans = Vec::with_capacity(lines.len());
            let mut starts = Vec::new();
            for line in lines {
                let first = starts.len();
                field_starts(text, &line, self.delimiters, self.charset.scan, &mut starts);
                spans.push(Span {
                    id: line.id,
                    text: line.range,
                    fields: first..starts.len(),
                });
            }
            (spans, starts)
        };
        self.spans = spans;
        self.starts = starts;
    }
}

fn field_starts(
    text: &[u8],
    line: &Line,
    delimiters: Delimiters,
    scan: Scan,
    starts: &mut Vec<u32>,
) {
    let bytes = text.get(..line.range.end).unwrap_or_default();
    let mut at = line.range.start;
    while let Some(found) = scan.find(
        bytes,
        at,
        delimiters.field,
        delimiters.field,
        delimiters.escape,
    ) {
        at = found + 1;
        // The parser refuses messages longer than 32 bits can count.
        starts.push(u32::try_from(at).unwrap_or(u32::MAX));
    }
}

// Field values are patient data: only counts are shown.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("bytes", &self.raw.len())
            .field("segments", &self.spans.len())
            .field("problems", &self.problems.list().len())
            .finish_non_exhaustive()
    }
}
