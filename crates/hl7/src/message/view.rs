//! Views into a message: [`Segment`], [`Field`], [`Rep`], [`Value`]. Each is a pair of references, split and decoded only
//! when asked. Numbers count from 1, as the standard does; what is beyond the end is absent, never an error.

use std::fmt;

use super::body::{Message, Span};
use super::escape;
use super::scan::Pieces;

/// Whether something was sent (HL7 v2 §2.5.3): the difference between "nothing said" and "remove it".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Nothing was said; leave what is known as it is.
    Absent,
    /// `""` was sent: the value is to be removed.
    Null,
    /// A value was sent.
    Value,
}

/// One segment.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    message: &'a Message,
    span: &'a Span,
    index: usize,
}

impl<'a> Segment<'a> {
    pub(crate) fn new(message: &'a Message, span: &'a Span, index: usize) -> Self {
        Segment {
            message,
            span,
            index,
        }
    }

    /// The name in upper case.
    pub fn id(&self) -> &'a str {
        self.span.id.as_str()
    }

    /// The position in the message, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The bytes of the segment without its terminator.
    pub fn raw(&self) -> &'a [u8] {
        self.message
            .text()
            .get(self.span.text.clone())
            .unwrap_or_default()
    }

    /// How many fields were sent.
    pub fn field_count(&self) -> usize {
        // The header's first separator is itself a field.
        self.span.fields.len() + usize::from(self.is_header() && !self.span.fields.is_empty())
    }

    /// Field `n`. MSH-1 is the field separator and MSH-2 the encoding characters.
    pub fn field(&self, n: usize) -> Field<'a> {
        let literal = self.is_header() && n <= 2;
        let bytes = match (self.is_header(), n) {
            (_, 0) => None,
            (true, 1) => self.raw().get(3..4),
            (true, n) => self.nth(n - 2),
            (false, n) => self.nth(n - 1),
        };
        Field {
            message: self.message,
            bytes: bytes.unwrap_or_default(),
            literal,
        }
    }

    fn is_header(&self) -> bool {
        matches!(self.id(), "MSH" | "FHS" | "BHS")
    }

    fn nth(&self, n: usize) -> Option<&'a [u8]> {
        let starts = self.message.starts.get(self.span.fields.clone())?;
        let start = *starts.get(n)? as usize;
        let end = starts
            .get(n + 1)
            .map_or(self.span.text.end, |next| *next as usize - 1);
        self.message.text().get(start..end)
    }
}

/// One field.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    message: &'a Message,
    bytes: &'a [u8],
    /// MSH-1 and MSH-2 are neither split nor decoded.
    literal: bool,
}

impl<'a> Field<'a> {
    /// Whether the field was sent.
    pub fn presence(&self) -> Presence {
        presence(self.message, self.bytes, self.literal)
    }

    /// The repetitions, empty ones between separators included; none for an absent field.
    pub fn reps(&self) -> impl Iterator<Item = Rep<'a>> {
        let delimiter = if self.literal {
            None
        } else {
            self.message.delimiters.repetition
        };
        let (message, literal) = (self.message, self.literal);
        let bytes = Some(self.bytes).filter(|bytes| !bytes.is_empty());
        bytes
            .into_iter()
            .flat_map(move |bytes| pieces(message, bytes, delimiter))
            .map(move |bytes| Rep {
                message,
                bytes,
                literal,
            })
    }

    /// Repetition `n`, from 1.
    pub fn rep(&self, n: usize) -> Rep<'a> {
        let absent = Rep {
            message: self.message,
            bytes: &[],
            literal: self.literal,
        };
        n.checked_sub(1)
            .and_then(|n| self.reps().nth(n))
            .unwrap_or(absent)
    }

    /// Component `n` of the first repetition.
    pub fn component(&self, n: usize) -> Value<'a> {
        self.rep(1).component(n)
    }

    /// The first repetition as a primitive: unescaped delimiters inside it are part of the text.
    pub fn text(&self) -> Option<String> {
        self.rep(1).text()
    }

    /// As [`Field::text`], with formatting turned into line breaks.
    pub fn plain(&self) -> Option<String> {
        self.rep(1).plain()
    }

    /// The bytes as sent.
    pub fn raw(&self) -> &'a [u8] {
        self.bytes
    }
}

/// One repetition of a field.
#[derive(Clone, Copy)]
pub struct Rep<'a> {
    message: &'a Message,
    bytes: &'a [u8],
    literal: bool,
}

impl<'a> Rep<'a> {
    /// Component `n`, from 1.
    pub fn component(&self, n: usize) -> Value<'a> {
        let delimiter = if self.literal {
            None
        } else {
            self.message.delimiters.component
        };
        let bytes = n
            .checked_sub(1)
            .and_then(|n| pieces(self.message, self.bytes, delimiter).nth(n));
        Value {
            message: self.message,
            bytes: bytes.unwrap_or_default(),
            literal: self.literal,
        }
    }

    /// How many components were sent; 0 for an absent repetition.
    pub fn component_count(&self) -> usize {
        if self.bytes.is_empty() || self.literal {
            return usize::from(!self.bytes.is_empty());
        }
        pieces(self.message, self.bytes, self.message.delimiters.component).count()
    }

    /// The whole repetition as a primitive: for ST, TX, FT, NM and the like an unescaped `^` or `&` is text.
    pub fn text(&self) -> Option<String> {
        whole(self.message, self.bytes, self.literal, escape::Form::Text)
    }

    /// As [`Rep::text`], with formatting turned into line breaks.
    pub fn plain(&self) -> Option<String> {
        whole(self.message, self.bytes, self.literal, escape::Form::Plain)
    }

    /// Whether the repetition was sent.
    pub fn presence(&self) -> Presence {
        presence(self.message, self.bytes, self.literal)
    }

    /// The bytes as sent.
    pub fn raw(&self) -> &'a [u8] {
        self.bytes
    }
}

/// One component.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    message: &'a Message,
    bytes: &'a [u8],
    literal: bool,
}

impl<'a> Value<'a> {
    /// Whether the component was sent.
    pub fn presence(&self) -> Presence {
        presence(self.message, self.bytes, self.literal)
    }

    /// The decoded text; the first subcomponent where there are several. `None` when absent or null.
    pub fn text(&self) -> Option<String> {
        self.sub(1)
    }

    /// The decoded text of subcomponent `n`, from 1.
    pub fn sub(&self, n: usize) -> Option<String> {
        self.sub_raw(n)
            .and_then(|bytes| whole(self.message, bytes, self.literal, escape::Form::Text))
    }

    /// As [`Value::text`], with `\.br\` and its relatives turned into line breaks and highlighting removed.
    pub fn plain(&self) -> Option<String> {
        self.sub_raw(1)
            .and_then(|bytes| whole(self.message, bytes, self.literal, escape::Form::Plain))
    }

    /// The bytes as sent.
    pub fn raw(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn sub_raw(&self, n: usize) -> Option<&'a [u8]> {
        let delimiter = if self.literal {
            None
        } else {
            self.message.delimiters.subcomponent
        };
        pieces(self.message, self.bytes, delimiter).nth(n.checked_sub(1)?)
    }

    pub(crate) fn escape_byte(&self) -> Option<u8> {
        self.message.delimiters.escape
    }
}

fn pieces<'a>(message: &'a Message, bytes: &'a [u8], delimiter: Option<u8>) -> Pieces<'a> {
    Pieces::new(
        bytes,
        delimiter,
        message.charset.scan,
        message.delimiters.escape,
    )
}

/// Delimiters with nothing between them say nothing.
fn presence(message: &Message, bytes: &[u8], literal: bool) -> Presence {
    let delimiters = message.delimiters;
    let is_delimiter = |byte: u8| {
        [
            delimiters.component,
            delimiters.repetition,
            delimiters.subcomponent,
        ]
        .contains(&Some(byte))
    };
    if bytes == b"\"\"" {
        Presence::Null
    } else if bytes.is_empty() || (!literal && bytes.iter().all(|&byte| is_delimiter(byte))) {
        Presence::Absent
    } else {
        Presence::Value
    }
}

fn whole(message: &Message, bytes: &[u8], literal: bool, form: escape::Form) -> Option<String> {
    match presence(message, bytes, literal) {
        Presence::Absent | Presence::Null => None,
        Presence::Value if literal => Some(message.charset.decode(bytes)),
        Presence::Value => Some(escape::decode(
            bytes,
            &message.delimiters,
            message.charset,
            form,
        )),
    }
}

// Values are patient data and are not shown.
impl fmt::Debug for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Segment({}, {} fields)", self.id(), self.field_count())
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({} bytes)", self.bytes.len())
    }
}

impl fmt::Debug for Rep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rep({} bytes)", self.bytes.len())
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({} bytes)", self.bytes.len())
    }
}
