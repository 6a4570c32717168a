//! A strict JSON pull parser (RFC 8259) that never recurses and never copies.
//!
//! It reports tokens as byte ranges of the text, so that callers can cut and replace without printing anything
//! again. It checks the whole grammar, but not duplicate names: see [`super::scan`] for that.

use std::ops::Range;

use super::scan::{ScanError, ScanErrorKind};

/// One token of the text, with where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// `{` at this offset.
    ObjectStart(usize),
    /// `}` at this offset.
    ObjectEnd(usize),
    /// `[` at this offset.
    ArrayStart(usize),
    /// `]` at this offset.
    ArrayEnd(usize),
    /// A member's name: the range includes both quotes.
    Name(Range<usize>),
    /// A string value: the range includes both quotes.
    String(Range<usize>),
    /// A number, `true`, `false` or `null`.
    Scalar(Range<usize>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// A value; in an array that was just opened, `]` will do as well.
    Value,
    FirstElementOrEnd,
    FirstNameOrEnd,
    Name,
    CommaOrEnd,
    EndOfText,
}

/// The parser: call [`Events::next_event`] until it says `None`.
#[derive(Debug)]
pub struct Events<'a> {
    text: &'a str,
    at: usize,
    /// One byte for each open container: `{` or `[`. Bounded by `max_depth`.
    open: Vec<u8>,
    max_depth: usize,
    expect: Expect,
}

impl<'a> Events<'a> {
    /// Starts at the beginning of `text`; containers nested deeper than `max_depth` are an error.
    pub fn new(text: &'a str, max_depth: usize) -> Events<'a> {
        Events {
            text,
            at: 0,
            open: Vec::new(),
            max_depth,
            expect: Expect::Value,
        }
    }

    /// How many containers are open after the last event.
    pub fn depth(&self) -> usize {
        self.open.len()
    }

    /// The next token, or `None` after the one value of the text.
    pub fn next_event(&mut self) -> Result<Option<Event>, ScanError> {
        loop {
            self.skip_whitespace();
            let Some(byte) = self.peek() else {
                return match self.expect {
                    Expect::EndOfText => Ok(None),
                    Expect::Value if self.open.is_empty() => Err(self.error(ScanErrorKind::Empty)),
                    Expect::Value
                    | Expect::FirstElementOrEnd
                    | Expect::FirstNameOrEnd
                    | Expect::Name
                    | Expect::CommaOrEnd => Err(self.error(ScanErrorKind::Truncated)),
                };
            };
            match self.expect {
                Expect::EndOfText => return Err(self.error(ScanErrorKind::TrailingBytes)),
                Expect::Value => return self.value(byte).map(Some),
                Expect::FirstElementOrEnd if byte == b']' => return self.close(byte).map(Some),
                Expect::FirstElementOrEnd => return self.value(byte).map(Some),
                Expect::FirstNameOrEnd if byte == b'}' => return self.close(byte).map(Some),
                Expect::FirstNameOrEnd | Expect::Name => return self.name(byte).map(Some),
                Expect::CommaOrEnd if byte == b',' => {
                    self.at += 1;
                    self.expect = match self.open.last() {
                        Some(b'{') => Expect::Name,
                        Some(_) | None => Expect::Value,
                    };
                }
                Expect::CommaOrEnd => return self.close(byte).map(Some),
            }
        }
    }

    fn value(&mut self, byte: u8) -> Result<Event, ScanError> {
        let start = self.at;
        match byte {
            b'{' | b'[' => {
                if self.open.len() >= self.max_depth {
                    return Err(self.error(ScanErrorKind::TooDeep));
                }
                self.open.push(byte);
                self.at += 1;
                if byte == b'{' {
                    self.expect = Expect::FirstNameOrEnd;
                    Ok(Event::ObjectStart(start))
                } else {
                    self.expect = Expect::FirstElementOrEnd;
                    Ok(Event::ArrayStart(start))
                }
            }
            b'"' => {
                self.string()?;
                self.after_value();
                Ok(Event::String(start..self.at))
            }
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            b'-' | b'0'..=b'9' => {
                self.number()?;
                self.after_value();
                Ok(Event::Scalar(start..self.at))
            }
            _ => Err(self.unexpected(byte)),
        }
    }

    fn name(&mut self, byte: u8) -> Result<Event, ScanError> {
        if byte != b'"' {
            return Err(self.unexpected(byte));
        }
        let start = self.at;
        self.string()?;
        let name = start..self.at;
        self.skip_whitespace();
        match self.peek() {
            Some(b':') => self.at += 1,
            Some(other) => return Err(self.unexpected(other)),
            None => return Err(self.error(ScanErrorKind::Truncated)),
        }
        self.expect = Expect::Value;
        Ok(Event::Name(name))
    }

    fn close(&mut self, byte: u8) -> Result<Event, ScanError> {
        let at = self.at;
        let event = match (self.open.last(), byte) {
            (Some(b'{'), b'}') => Event::ObjectEnd(at),
            (Some(b'['), b']') => Event::ArrayEnd(at),
            _ => return Err(self.unexpected(byte)),
        };
        self.open.pop();
        self.at += 1;
        self.after_value();
        Ok(event)
    }

    fn after_value(&mut self) {
        self.expect = if self.open.is_empty() {
            Expect::EndOfText
        } else {
            Expect::CommaOrEnd
        };
    }

    fn literal(&mut self, word: &str) -> Result<Event, ScanError> {
        let start = self.at;
        for expected in word.bytes() {
            match self.peek() {
                Some(byte) if byte == expected => self.at += 1,
                Some(byte) => return Err(self.unexpected(byte)),
                None => return Err(self.error(ScanErrorKind::Truncated)),
            }
        }
        self.after_value();
        Ok(Event::Scalar(start..self.at))
    }

    fn number(&mut self) -> Result<(), ScanError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        // RFC 8259 §6: no leading zeros, and at least one digit in each part.
        if self.peek() == Some(b'0') {
            self.at += 1;
            if let Some(byte @ b'0'..=b'9') = self.peek() {
                return Err(self.unexpected(byte));
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), ScanError> {
        match self.peek() {
            Some(b'0'..=b'9') => {}
            Some(byte) => return Err(self.unexpected(byte)),
            None => return Err(self.error(ScanErrorKind::Truncated)),
        }
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        Ok(())
    }

    /// Passes over a string whose opening quote is next.
    fn string(&mut self) -> Result<(), ScanError> {
        self.at += 1;
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            let Some(step) = rest
                .iter()
                .position(|&b| b == b'"' || b == b'\\' || b < 0x20)
            else {
                self.at += rest.len();
                return Err(self.error(ScanErrorKind::Truncated));
            };
            self.at += step;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) | None => return Err(self.error(ScanErrorKind::ControlCharacter)),
            }
        }
    }

    fn escape(&mut self) -> Result<(), ScanError> {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                self.at += 1;
                match self.hex4()? {
                    // FHIR R4 datatypes, `string`: no characters below U+0020 but tab, CR and LF. NUL is refused, because
                    // stores and foreign systems cut text there; the others do no harm and are kept.
                    0 => Err(ScanError::new(ScanErrorKind::NulCharacter, start)),
                    0xD800..=0xDBFF => {
                        for expected in [b'\\', b'u'] {
                            match self.peek() {
                                Some(byte) if byte == expected => self.at += 1,
                                Some(_) => {
                                    return Err(ScanError::new(
                                        ScanErrorKind::LoneSurrogate,
                                        start,
                                    ));
                                }
                                None => return Err(self.error(ScanErrorKind::Truncated)),
                            }
                        }
                        match self.hex4()? {
                            0xDC00..=0xDFFF => Ok(()),
                            _ => Err(ScanError::new(ScanErrorKind::LoneSurrogate, start)),
                        }
                    }
                    0xDC00..=0xDFFF => Err(ScanError::new(ScanErrorKind::LoneSurrogate, start)),
                    _ => Ok(()),
                }
            }
            Some(byte) => Err(self.unexpected(byte)),
            None => Err(self.error(ScanErrorKind::Truncated)),
        }
    }

    fn hex4(&mut self) -> Result<u32, ScanError> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(byte) = self.peek() else {
                return Err(self.error(ScanErrorKind::Truncated));
            };
            let Some(digit) = char::from(byte).to_digit(16) else {
                return Err(self.unexpected(byte));
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn unexpected(&self, byte: u8) -> ScanError {
        let kind = match byte {
            0 => ScanErrorKind::NulCharacter,
            0x01..0x20 => ScanErrorKind::ControlCharacter,
            _ => ScanErrorKind::NotJson,
        };
        self.error(kind)
    }

    fn error(&self, kind: ScanErrorKind) -> ScanError {
        ScanError::new(kind, self.at)
    }
}
