//! Bytes taken from a stream value by value, by matching brackets outside strings.
//!
//! This finds where values end, in broken text too, and checks no grammar: the pre-scan does that for each unit.

use std::io::{self, BufRead, ErrorKind};

/// How deep bracket kinds are remembered; below that they are only counted.
const TRACKED_DEPTH: usize = 1 << 16;

/// How line ends count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// The first line has not ended yet.
    Undecided,
    /// NDJSON: a line end always ends the value.
    Break,
    /// White space, as in a document printed over many lines.
    Pass,
}

/// How a captured value ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Whole,
    /// Before a bracket that closes something around it; the bracket is next.
    Closer,
    /// Before a `{` where only a name may stand: a bracket is missing, and the next value is next.
    Brace,
    /// With its line, whose end was taken.
    Line,
    /// With the stream.
    Stream,
}

/// What stands after white space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Byte(u8),
    /// The line was over; its end was taken.
    Line,
    Stream,
}

/// Bytes kept up to a limit.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) bytes: Vec<u8>,
    limit: usize,
    /// More came than the limit allows.
    pub(super) over: bool,
    /// A copy of what comes next, for names and short strings.
    echo: Option<Vec<u8>>,
}

/// The longest name or type that is looked at.
const ECHO_LIMIT: usize = 256;

impl Kept {
    pub(super) fn up_to(limit: usize) -> Kept {
        Kept {
            limit,
            ..Kept::default()
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        if let Some(echo) = &mut self.echo {
            let room = ECHO_LIMIT.saturating_sub(echo.len());
            echo.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
        }
        let room = self.limit.saturating_sub(self.bytes.len());
        self.over |= bytes.len() > room;
        self.bytes
            .extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    }
}

/// A stream with its offset.
#[derive(Debug)]
pub(super) struct Source<R> {
    inner: R,
    pub(super) offset: u64,
    pub(super) lines: Lines,
    /// Where the last line inside a value began.
    line_start: Option<u64>,
}

impl<R: BufRead> Source<R> {
    pub(super) fn new(inner: R) -> Source<R> {
        Source {
            inner,
            offset: 0,
            lines: Lines::Undecided,
            line_start: None,
        }
    }

    pub(super) fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.buffer()?.first().copied())
    }

    /// Whether the next byte is the first of its line, inside a value.
    pub(super) fn at_margin(&self) -> bool {
        self.line_start == Some(self.offset)
    }

    /// Takes the byte that was peeked.
    pub(super) fn take(&mut self, byte: u8, kept: &mut Kept) {
        kept.add(&[byte]);
        self.advance(1);
    }

    /// Keeps a line end that was taken already.
    pub(super) fn take_line_end(&self, kept: &mut Kept) {
        kept.add(b"\n");
    }

    pub(super) fn drop_byte(&mut self) {
        self.advance(1);
    }

    /// Takes as much of a byte order mark as there is.
    pub(super) fn byte_order_mark(&mut self, kept: &mut Kept) -> io::Result<()> {
        for byte in *b"\xEF\xBB\xBF" {
            if self.peek()? != Some(byte) {
                break;
            }
            self.take(byte, kept);
        }
        Ok(())
    }

    /// Passes over white space inside a value. `value_due` says that a value may stand next, even on a new line.
    pub(super) fn space(&mut self, value_due: bool, kept: &mut Kept) -> io::Result<Next> {
        loop {
            match self.peek()? {
                None => return Ok(Next::Stream),
                Some(b'\n') => {
                    if self.line_ends(value_due, kept)? {
                        return Ok(Next::Line);
                    }
                }
                Some(byte @ (b' ' | b'\t' | b'\r')) => self.take(byte, kept),
                Some(byte) => return Ok(Next::Byte(byte)),
            }
        }
    }

    /// Takes the rest of the line; its end is not kept. Says whether the stream goes on.
    pub(super) fn rest_of_line(&mut self, kept: &mut Kept) -> io::Result<bool> {
        loop {
            let buffer = self.buffer()?;
            if buffer.is_empty() {
                return Ok(false);
            }
            let (length, ended) = match memchr::memchr(b'\n', buffer) {
                Some(at) => (at, true),
                None => (buffer.len(), false),
            };
            kept.add(buffer.get(..length).unwrap_or_default());
            self.advance(length + usize::from(ended));
            if ended {
                return Ok(true);
            }
        }
    }

    /// Takes a string whose opening quote is next, and returns a copy of it, quotes included, when it is short.
    pub(super) fn short_string(&mut self, kept: &mut Kept) -> io::Result<Result<Vec<u8>, End>> {
        kept.echo = Some(Vec::new());
        let end = self.string(kept);
        let echo = kept.echo.take().unwrap_or_default();
        Ok(match end? {
            None => Ok(echo),
            Some(end) => Err(end),
        })
    }

    /// Takes a value that begins with the next byte. With `stop_at_brace` a `{` in the place of a name ends it.
    pub(super) fn value(&mut self, stop_at_brace: bool, kept: &mut Kept) -> io::Result<End> {
        let mut open = Vec::new();
        let mut deeper = 0_u64;
        let mut scalar = false;
        let mut last = b':';
        loop {
            let Some(byte) = self.peek()? else {
                return Ok(if scalar && open.is_empty() {
                    End::Whole
                } else {
                    End::Stream
                });
            };
            let outside = open.is_empty();
            let ends_scalar = matches!(byte, b'{' | b'[' | b'"' | b' ' | b'\t' | b'\r' | b'\n');
            if outside && (matches!(byte, b'}' | b']' | b',' | b':') || scalar && ends_scalar) {
                return Ok(End::Whole);
            }
            match byte {
                b'"' => {
                    if let Some(end) = self.string(kept)? {
                        return Ok(end);
                    }
                    if outside {
                        return Ok(End::Whole);
                    }
                }
                b'{' | b'[' => {
                    let name_due = stop_at_brace && last == b',' && open.last() == Some(&b'{');
                    // At the left margin an object that nothing allows is the next line of NDJSON, or the next document.
                    let next_line = self.at_margin() && !matches!(last, b':' | b'[' | b',');
                    if byte == b'{' && (name_due || next_line) {
                        return Ok(End::Brace);
                    }
                    if open.len() < TRACKED_DEPTH {
                        open.push(byte);
                    } else {
                        deeper += 1;
                    }
                    self.take(byte, kept);
                }
                b'}' | b']' if deeper > 0 => {
                    deeper -= 1;
                    self.take(byte, kept);
                }
                b'}' | b']' => {
                    // A closer of the wrong kind closes what its own kind opened, so that one missing bracket does not
                    // take the rest of the file with it.
                    let opener = if byte == b'}' { b'{' } else { b'[' };
                    let Some(at) = open.iter().rposition(|&kind| kind == opener) else {
                        return Ok(End::Closer);
                    };
                    open.truncate(at);
                    self.take(byte, kept);
                    if open.is_empty() {
                        return Ok(End::Whole);
                    }
                }
                b'\n' => {
                    let value_due = match last {
                        b':' | b'[' => true,
                        b',' => open.last() == Some(&b'['),
                        _ => false,
                    };
                    if self.line_ends(value_due, kept)? {
                        return Ok(End::Line);
                    }
                }
                _ => {
                    scalar = scalar || outside;
                    self.take(byte, kept);
                }
            }
            if !byte.is_ascii_whitespace() {
                last = byte;
            }
        }
    }

    /// `None` when the string was closed.
    fn string(&mut self, kept: &mut Kept) -> io::Result<Option<End>> {
        self.take(b'"', kept);
        let mut escaped = false;
        loop {
            let buffer = self.buffer()?;
            let Some(&first) = buffer.first() else {
                return Ok(Some(End::Stream));
            };
            if escaped && first != b'\n' {
                escaped = false;
                self.take(first, kept);
                continue;
            }
            let run = memchr::memchr3(b'"', b'\\', b'\n', buffer).unwrap_or(buffer.len());
            if run > 0 {
                kept.add(buffer.get(..run).unwrap_or_default());
                self.advance(run);
                continue;
            }
            match first {
                b'"' => {
                    self.take(first, kept);
                    return Ok(None);
                }
                b'\\' => {
                    escaped = true;
                    self.take(first, kept);
                }
                _ => {
                    escaped = false;
                    // A raw line end is against the grammar, but some senders write narrative with it: in a document it is
                    // taken as part of the string, so that the entry's end is still found.
                    if self.line_ends(false, kept)? {
                        return Ok(Some(End::Line));
                    }
                }
            }
        }
    }

    /// The next byte is a line end inside a value: takes it, and says whether the value ends with it.
    fn line_ends(&mut self, value_due: bool, kept: &mut Kept) -> io::Result<bool> {
        self.advance(1);
        self.line_start = Some(self.offset);
        if self.lines == Lines::Undecided {
            // NDJSON whose first line is broken, or a document printed over many lines? A new object at the left margin, where
            // the text so far allows none, begins a new line of NDJSON.
            let broken = !value_due && self.peek()? == Some(b'{');
            self.lines = if broken { Lines::Break } else { Lines::Pass };
        }
        match self.lines {
            Lines::Break => Ok(true),
            Lines::Undecided | Lines::Pass => {
                kept.add(b"\n");
                Ok(false)
            }
        }
    }

    fn buffer(&mut self) -> io::Result<&[u8]> {
        loop {
            match self.inner.fill_buf() {
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.inner.fill_buf()
    }

    fn advance(&mut self, bytes: usize) {
        self.inner.consume(bytes);
        self.offset += u64::try_from(bytes).unwrap_or(u64::MAX);
    }
}
