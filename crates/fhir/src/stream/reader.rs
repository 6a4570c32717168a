//! The reader: a stream of JSON text in, units with their exact bytes out.
//!
//! It looks at the outline of a Bundle only: member names, `resourceType`, `type`, and where entries end. A Bundle's own
//! metadata is passed over unread; each unit is pre-scanned before it is handed out. What is broken comes out as an
//! error with its bytes, and reading goes on with the next entry or line.

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::ops::Range;

use super::capture::{End, Kept, Lines, Next, Source};
use super::unit::{Limits, Shape, StreamError, Unit};
use crate::json::{ScanLimits, members, scan, unescape};

/// Takes a stream apart; iterate over it. An empty stream, or one of white space only, yields nothing.
#[derive(Debug)]
pub struct Reader<R: BufRead> {
    source: Source<R>,
    limits: Limits,
    state: State,
    object: Object,
    next_position: u64,
    seen_object: bool,
    ready: VecDeque<Result<Unit, StreamError>>,
    bundle_type: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between top-level objects. The flag says that an object ended on this line.
    Between {
        after_object: bool,
    },
    /// Between the members of a top-level object.
    Members {
        last: Last,
    },
    /// In `entry`.
    Entries {
        last: Last,
    },
    Ended,
}

/// What came last in a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Opener,
    Comma,
    Item,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `resourceType` was not seen yet.
    Unknown,
    Bundle,
    Resource,
}

/// The top-level object being read.
#[derive(Debug)]
struct Object {
    kind: Kind,
    start: u64,
    /// Its bytes, unless it is a Bundle.
    kept: Kept,
    /// Elements of an `entry` that came before `resourceType`: where in `kept`, and where in the stream.
    candidates: Vec<(Range<usize>, u64)>,
    bundle_type: Option<String>,
    names: Vec<Vec<u8>>,
    /// The first thing wrong with a Bundle outside its entries.
    fault: Option<(&'static str, u64)>,
}

impl Object {
    fn begin(start: u64, limit: usize) -> Object {
        Object {
            kind: Kind::Unknown,
            start,
            kept: Kept::up_to(limit),
            candidates: Vec::new(),
            bundle_type: None,
            names: Vec::new(),
            fault: None,
        }
    }
}

impl<R: BufRead> Reader<R> {
    /// Starts reading. The stream must be decompressed already.
    pub fn new(reader: R, limits: Limits) -> Reader<R> {
        Reader {
            source: Source::new(reader),
            limits,
            state: State::Between {
                after_object: false,
            },
            object: Object::begin(0, 0),
            next_position: 0,
            seen_object: false,
            ready: VecDeque::new(),
            bundle_type: None,
        }
    }

    /// `Bundle.type` of the last Bundle; `type` may follow the entries, so ask after the iteration.
    pub fn bundle_type(&self) -> Option<&str> {
        self.bundle_type.as_deref()
    }

    fn step(&mut self) -> io::Result<()> {
        match self.state {
            State::Between { after_object } => self.between(after_object),
            State::Members { last } => self.member(last),
            State::Entries { last } => self.element(last),
            State::Ended => Ok(()),
        }
    }

    fn between(&mut self, mut after_object: bool) -> io::Result<()> {
        if self.source.offset == 0 {
            self.object = Object::begin(0, self.limits.max_unit);
            self.source.byte_order_mark(&mut self.object.kept)?;
            match self.object.kept.bytes.len() {
                0 | 3 => {}
                _ => return self.garbage(false),
            }
        }
        loop {
            match self.source.peek()? {
                None => {
                    self.state = State::Ended;
                    return Ok(());
                }
                Some(b'\n') => {
                    after_object = false;
                    self.source.drop_byte();
                }
                Some(b' ' | b'\t' | b'\r') => self.source.drop_byte(),
                Some(b'{') => {
                    if self.seen_object && self.source.lines == Lines::Undecided {
                        self.source.lines = Lines::Break;
                    }
                    self.seen_object = true;
                    self.object = Object::begin(self.source.offset, self.limits.max_unit);
                    self.source.take(b'{', &mut self.object.kept);
                    self.state = State::Members { last: Last::Opener };
                    return Ok(());
                }
                Some(_) => {
                    self.object = Object::begin(self.source.offset, self.limits.max_unit);
                    return self.garbage(after_object);
                }
            }
        }
    }

    /// Something that is no object stands at the top level: in NDJSON it ends with its line, else before the next line
    /// that begins with an object.
    fn garbage(&mut self, after_object: bool) -> io::Result<()> {
        let kept = &mut self.object.kept;
        let mut goes_on = self.source.rest_of_line(kept)?;
        while goes_on
            && self.source.lines != Lines::Break
            && !matches!(self.source.peek()?, None | Some(b'{'))
        {
            self.source.take_line_end(kept);
            goes_on = self.source.rest_of_line(kept)?;
        }
        let code = if after_object {
            "trailing_bytes"
        } else {
            "not_json"
        };
        let bytes = std::mem::take(kept).bytes;
        self.fail(code, self.object.start, self.object.start, bytes, false);
        self.state = State::Between {
            after_object: false,
        };
        Ok(())
    }

    fn member(&mut self, last: Last) -> io::Result<()> {
        match self.source.space(false, &mut self.object.kept)? {
            Next::Stream => self.cut_off(true),
            Next::Line => self.cut_off(false),
            Next::Byte(b'"') => {
                if last == Last::Item {
                    self.fault("bundle_syntax");
                }
                return self.named_member();
            }
            Next::Byte(byte @ b'}') => {
                if last == Last::Comma {
                    self.fault("bundle_syntax");
                }
                self.source.take(byte, &mut self.object.kept);
                return self.object_done();
            }
            Next::Byte(byte @ b',') => {
                if last != Last::Item {
                    self.fault("bundle_syntax");
                }
                self.source.take(byte, &mut self.object.kept);
                self.state = State::Members { last: Last::Comma };
            }
            // The object's own end is missing, and the next object begins here.
            Next::Byte(b'{') if last != Last::Opener && self.source.at_margin() => {
                self.cut_off(false)
            }
            // Something that belongs nowhere: taken whole, so that its brackets don't end the object.
            Next::Byte(b'{' | b'[') => {
                self.fault("bundle_syntax");
                let end = self.source.value(false, &mut self.object.kept)?;
                return self.member_ended(end);
            }
            Next::Byte(byte) => {
                self.fault("bundle_syntax");
                self.source.take(byte, &mut self.object.kept);
            }
        }
        Ok(())
    }

    fn named_member(&mut self) -> io::Result<()> {
        let name = match self.source.short_string(&mut self.object.kept)? {
            Ok(quoted) => quoted,
            Err(end) => return self.member_ended(end),
        };
        match self.source.space(false, &mut self.object.kept)? {
            Next::Stream => return self.member_ended(End::Stream),
            Next::Line => return self.member_ended(End::Line),
            Next::Byte(byte @ b':') => self.source.take(byte, &mut self.object.kept),
            Next::Byte(_) => {
                self.fault("bundle_syntax");
                return self.member_ended(End::Whole);
            }
        }
        let name = unquote(name);
        let value = match self.source.space(true, &mut self.object.kept)? {
            Next::Stream => return self.member_ended(End::Stream),
            Next::Line => return self.member_ended(End::Line),
            Next::Byte(byte) => byte,
        };
        if self.object.names.contains(&name) {
            self.fault("duplicate_member");
        } else if self.object.names.len() < 64 {
            self.object.names.push(name.clone());
        }
        match (name.as_slice(), value) {
            (b"entry", b'[') if self.object.kind != Kind::Resource => {
                self.source.take(value, &mut self.object.kept);
                self.state = State::Entries { last: Last::Opener };
                Ok(())
            }
            (b"resourceType" | b"type", b'"') => {
                match self.source.short_string(&mut self.object.kept)? {
                    Ok(quoted) => {
                        let text = unquote(quoted);
                        if name == b"type" {
                            self.object.bundle_type = String::from_utf8(text).ok();
                        } else if self.object.kind == Kind::Unknown {
                            self.becomes(if text == b"Bundle" {
                                Kind::Bundle
                            } else {
                                Kind::Resource
                            });
                        }
                        self.member_ended(End::Whole)
                    }
                    Err(end) => self.member_ended(end),
                }
            }
            _ => {
                let end = self.source.value(false, &mut self.object.kept)?;
                self.member_ended(end)
            }
        }
    }

    fn member_ended(&mut self, end: End) -> io::Result<()> {
        match end {
            End::Whole => self.state = State::Members { last: Last::Item },
            End::Closer | End::Brace => {
                self.fault("bundle_syntax");
                self.state = State::Members { last: Last::Item };
            }
            End::Line => self.cut_off(false),
            End::Stream => self.cut_off(true),
        }
        Ok(())
    }

    fn element(&mut self, last: Last) -> io::Result<()> {
        let byte = match self.source.space(true, &mut self.object.kept)? {
            Next::Stream => {
                self.cut_off(true);
                return Ok(());
            }
            Next::Line => {
                self.cut_off(false);
                return Ok(());
            }
            Next::Byte(byte) => byte,
        };
        let in_place = match byte {
            b']' => last != Last::Comma,
            b',' => last == Last::Item,
            b'}' | b':' => false,
            _ => last != Last::Item,
        };
        if !in_place {
            self.fault("bundle_syntax");
        }
        match byte {
            b']' => {
                self.source.take(byte, &mut self.object.kept);
                self.state = State::Members { last: Last::Item };
            }
            // The array's own end is missing.
            b'}' => self.state = State::Members { last: Last::Item },
            b',' | b':' => {
                self.source.take(byte, &mut self.object.kept);
                self.state = State::Entries { last: Last::Comma };
            }
            _ => {
                self.state = State::Entries { last: Last::Item };
                if self.object.kind == Kind::Bundle {
                    return self.entry();
                }
                let offset = self.source.offset;
                let from = self.object.kept.bytes.len();
                match self.source.value(true, &mut self.object.kept)? {
                    End::Whole | End::Closer => self.candidate(from, offset),
                    // A comma was taken, and the element's own end is missing.
                    End::Brace => {
                        self.candidate(from, offset);
                        self.state = State::Entries { last: Last::Comma };
                    }
                    End::Line => self.cut_off(false),
                    End::Stream => self.cut_off(true),
                }
            }
        }
        Ok(())
    }

    /// An element of a Bundle's `entry`.
    fn entry(&mut self) -> io::Result<()> {
        let offset = self.source.offset;
        let mut kept = Kept::up_to(self.limits.max_unit);
        let end = match self.source.value(true, &mut kept) {
            Ok(end) => end,
            Err(error) => {
                self.object.kept = kept;
                self.object.start = offset;
                return Err(error);
            }
        };
        self.settle(kept, offset, Shape::BundleEntry, end == End::Stream);
        match end {
            End::Whole | End::Closer => {}
            // A comma was taken with the broken entry.
            End::Brace => self.state = State::Entries { last: Last::Comma },
            End::Line => self.leave_bundle(State::Between {
                after_object: false,
            }),
            End::Stream => self.leave_bundle(State::Ended),
        }
        Ok(())
    }

    /// An element of an `entry` that came before `resourceType`. `List.entry` is the only other one in R4, and its
    /// members differ from those of `Bundle.entry`; an element that doesn't tell waits for one that does.
    fn candidate(&mut self, from: usize, offset: u64) {
        if self.object.kind != Kind::Unknown || self.object.kept.over {
            return;
        }
        let range = from..self.object.kept.bytes.len();
        let text = self
            .object
            .kept
            .bytes
            .get(range.clone())
            .unwrap_or_default();
        let members = members(std::str::from_utf8(text).unwrap_or_default());
        let has = |names: &[&str]| {
            members
                .iter()
                .any(|(name, _)| names.contains(&name.as_ref()))
        };
        let of_bundle = has(&["resource", "fullUrl", "request", "response", "search"]);
        let of_list = has(&["item", "flag", "deleted", "date"]);
        self.object.candidates.push((range, offset));
        if of_bundle {
            self.becomes(Kind::Bundle);
        } else if of_list {
            self.becomes(Kind::Resource);
        }
    }

    fn becomes(&mut self, kind: Kind) {
        self.object.kind = kind;
        let candidates = std::mem::take(&mut self.object.candidates);
        if kind != Kind::Bundle {
            return;
        }
        let kept = std::mem::replace(&mut self.object.kept, Kept::up_to(0));
        for (range, offset) in candidates {
            let mut element = Kept::up_to(self.limits.max_unit);
            element.bytes = kept.bytes.get(range).unwrap_or_default().to_vec();
            self.settle(element, offset, Shape::BundleEntry, false);
        }
        if kept.over {
            self.fault("too_large");
        }
    }

    /// The object's own `}` was taken.
    fn object_done(&mut self) -> io::Result<()> {
        self.state = State::Between { after_object: true };
        if self.object.kind == Kind::Bundle {
            self.leave_bundle(self.state);
            return Ok(());
        }
        if self.source.lines == Lines::Undecided && self.more_follows()? {
            self.source.lines = Lines::Break;
        }
        let shape = match self.source.lines {
            Lines::Break => Shape::NdjsonLine,
            Lines::Undecided | Lines::Pass => Shape::Resource,
        };
        let kept = std::mem::take(&mut self.object.kept);
        self.settle(kept, self.object.start, shape, false);
        Ok(())
    }

    fn more_follows(&mut self) -> io::Result<bool> {
        loop {
            match self.source.peek()? {
                None => return Ok(false),
                Some(b'\n') => {
                    self.state = State::Between {
                        after_object: false,
                    };
                    self.source.drop_byte();
                }
                Some(b' ' | b'\t' | b'\r') => self.source.drop_byte(),
                Some(_) => return Ok(true),
            }
        }
    }

    /// The object ended before its `}`: with its line, before another object, or with the stream.
    fn cut_off(&mut self, with_stream: bool) {
        let state = if with_stream {
            State::Ended
        } else {
            State::Between {
                after_object: false,
            }
        };
        if self.object.kind == Kind::Bundle {
            self.fault("truncated");
            self.leave_bundle(state);
        } else {
            let kept = std::mem::take(&mut self.object.kept);
            self.settle(kept, self.object.start, Shape::NdjsonLine, with_stream);
            self.state = state;
        }
    }

    fn leave_bundle(&mut self, state: State) {
        self.state = state;
        self.bundle_type = self.object.bundle_type.take();
        if let Some((code, at)) = self.object.fault.take() {
            self.fail(
                code,
                self.object.start,
                at,
                Vec::new(),
                state == State::Ended,
            );
        }
    }

    /// Remembers the first thing wrong with a Bundle outside its entries; the pre-scan finds what is wrong elsewhere.
    fn fault(&mut self, code: &'static str) {
        let at = self.source.offset;
        self.object.fault.get_or_insert((code, at));
    }

    /// A unit is complete: pre-scan it and hand it out.
    fn settle(&mut self, kept: Kept, offset: u64, shape: Shape, ended: bool) {
        if kept.over {
            let at = offset.saturating_add(u64::try_from(self.limits.max_unit).unwrap_or(u64::MAX));
            return self.fail("too_large", offset, at, kept.bytes, ended);
        }
        let limits = ScanLimits {
            max_bytes: self.limits.max_unit,
            ..ScanLimits::default()
        };
        match scan(&kept.bytes, &limits) {
            Err(error) => {
                let at = offset.saturating_add(u64::try_from(error.offset()).unwrap_or(u64::MAX));
                self.fail(error.code(), offset, at, kept.bytes, ended);
            }
            Ok(()) if kept.bytes.first() != Some(&b'{') => {
                self.fail("entry_not_object", offset, offset, kept.bytes, ended);
            }
            Ok(()) => {
                let position = self.take_position();
                self.ready.push_back(Ok(Unit {
                    position,
                    offset,
                    bytes: kept.bytes,
                    shape,
                }));
            }
        }
    }

    fn fail(&mut self, code: &'static str, offset: u64, at: u64, bytes_kept: Vec<u8>, ended: bool) {
        let position = self.take_position();
        self.ready.push_back(Err(StreamError {
            offset,
            position,
            code,
            at,
            bytes_kept,
            ended,
        }));
    }

    fn take_position(&mut self) -> u64 {
        let position = self.next_position;
        self.next_position += 1;
        position
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Unit, StreamError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(unit) = self.ready.pop_front() {
                return Some(unit);
            }
            if self.state == State::Ended {
                return None;
            }
            if self.step().is_err() {
                self.state = State::Ended;
                let kept = std::mem::take(&mut self.object.kept);
                let at = self.source.offset;
                let start = if kept.bytes.is_empty() {
                    at
                } else {
                    self.object.start
                };
                if self.object.kind == Kind::Bundle {
                    self.bundle_type = self.object.bundle_type.take();
                }
                self.fail("io", start, at, kept.bytes, true);
            }
        }
    }
}

fn unquote(quoted: Vec<u8>) -> Vec<u8> {
    match String::from_utf8(quoted) {
        Ok(text) => unescape(&text).into_owned().into_bytes(),
        Err(error) => error.into_bytes(),
    }
}
