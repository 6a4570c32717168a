//! MLLP framing (HL7 v2 transport, MLLP release 1): `VT content FS CR` over a byte stream.
//!
//! A protocol value without I/O: bytes go in with [`Decoder::push`], frames come out of [`Decoder::next_frame`]. Each
//! byte is looked at once however the stream is cut into reads. Deadlines, sockets and what to do about a broken frame
//! belong to the caller. The content of a frame is read by [`crate::message`], or first by [`crate::batch`] when several
//! messages may share a frame.

use std::collections::VecDeque;
use std::fmt;

const VT: u8 = 0x0B;
const FS: u8 = 0x1C;
const CR: u8 = 0x0D;
const LF: u8 = 0x0A;

/// Bounds on what one connection may make us hold or skip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest content of one frame, in bytes.
    pub max_frame: usize,
    /// How many bytes outside frames are skipped, since the last frame, before the stream is called noise.
    pub max_noise: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_frame: 16 << 20,
            max_noise: 64 << 10,
        }
    }
}

/// A piece of the stream that is no complete frame. None of them may be answered positively.
#[derive(Clone, PartialEq, Eq)]
pub enum FrameError {
    /// The stream ended inside a frame: what had arrived of it.
    Partial(Vec<u8>),
    /// A new frame began at a segment start while this one was still open.
    Abandoned(Vec<u8>),
    /// The content passed the limit; the rest of the frame is skipped.
    TooLarge {
        /// The limit that was passed.
        limit: usize,
        /// The first `limit` bytes of the content.
        kept: Vec<u8>,
    },
    /// More bytes outside frames than the limit allows; the caller closes the connection.
    Noise {
        /// The limit that was passed.
        limit: usize,
    },
}

impl FrameError {
    /// The content that did arrive, for the quarantine.
    pub fn bytes(&self) -> &[u8] {
        match self {
            FrameError::Partial(kept)
            | FrameError::Abandoned(kept)
            | FrameError::TooLarge { kept, .. } => kept,
            FrameError::Noise { .. } => &[],
        }
    }

    /// A stable code for logs and the quarantine.
    pub fn reason(&self) -> &'static str {
        match self {
            FrameError::Partial(_) => "partial_frame",
            FrameError::Abandoned(_) => "abandoned_frame",
            FrameError::TooLarge { .. } => "frame_too_large",
            FrameError::Noise { .. } => "no_start_byte",
        }
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Partial(kept) => write!(
                f,
                "the stream ended inside a frame after {} bytes",
                kept.len()
            ),
            FrameError::Abandoned(kept) => write!(
                f,
                "a new frame began after {} bytes of an unfinished one",
                kept.len()
            ),
            FrameError::TooLarge { limit, .. } => {
                write!(f, "the frame is larger than {limit} bytes")
            }
            FrameError::Noise { limit } => {
                write!(f, "more than {limit} bytes arrived outside any frame")
            }
        }
    }
}

// The content is patient data: only its length is shown.
impl fmt::Debug for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "FrameError({}, {} bytes)",
            self.reason(),
            self.bytes().len()
        )
    }
}

impl std::error::Error for FrameError {}

/// Turns a byte stream into frames. It keeps its state between reads, so a read is never taken for a message.
pub struct Decoder {
    limits: Limits,
    state: State,
    content: Vec<u8>,
    ready: VecDeque<Result<Vec<u8>, FrameError>>,
    noise: usize,
    skipped: u64,
    empty: u64,
    unterminated: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between frames.
    Outside,
    /// Inside a frame.
    Inside,
    /// Inside a frame, directly after an FS that may end it.
    AfterFs,
    /// Inside a frame that passed the limit; the flag tells that the last byte was an FS.
    Overflow { after_fs: bool },
}

impl Decoder {
    /// A decoder at the start of a connection.
    pub fn new(limits: Limits) -> Self {
        Decoder {
            limits,
            state: State::Outside,
            content: Vec::new(),
            ready: VecDeque::new(),
            noise: 0,
            skipped: 0,
            empty: 0,
            unterminated: 0,
        }
    }

    /// Takes what one read returned.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Outside => self.outside(bytes),
                State::Inside => self.inside(bytes),
                State::AfterFs => self.after_fs(bytes),
                State::Overflow { after_fs } => self.overflow(bytes, after_fs),
            };
        }
    }

    /// The next complete frame (the content between VT and FS CR), or the next broken one, in the order of the stream.
    pub fn next_frame(&mut self) -> Option<Result<Vec<u8>, FrameError>> {
        self.ready.pop_front()
    }

    /// The stream has ended. An FS as the very last byte ends its frame, so call [`Decoder::next_frame`] once more.
    pub fn finish(&mut self) -> Option<FrameError> {
        let state = std::mem::replace(&mut self.state, State::Outside);
        match state {
            State::Outside | State::Overflow { .. } => None,
            State::AfterFs => {
                self.unterminated += 1;
                self.complete();
                None
            }
            State::Inside => Some(FrameError::Partial(std::mem::take(&mut self.content))),
        }
    }

    /// How many bytes outside frames, and beyond the limit of an oversized one, were skipped so far.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// How many frames without content were dropped. They carry nothing to store or to answer.
    pub fn empty_frames(&self) -> u64 {
        self.empty
    }

    /// How many frames ended with FS but without the CR that belongs after it.
    pub fn unterminated(&self) -> u64 {
        self.unterminated
    }

    /// Whether a frame is open: a deadline between bytes applies only then.
    pub fn is_open(&self) -> bool {
        self.state != State::Outside
    }

    fn outside<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let start = memchr::memchr(VT, bytes);
        let noise = start.unwrap_or(bytes.len());
        let before = self.noise;
        self.noise = before.saturating_add(noise);
        self.skipped += count(noise);
        if before <= self.limits.max_noise && self.noise > self.limits.max_noise {
            self.ready.push_back(Err(FrameError::Noise {
                limit: self.limits.max_noise,
            }));
        }
        match start {
            Some(at) => {
                self.open();
                rest(bytes, at + 1)
            }
            None => &[],
        }
    }

    fn inside<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let stop = memchr::memchr2(FS, VT, bytes);
        let run = bytes.get(..stop.unwrap_or(bytes.len())).unwrap_or_default();
        if !self.keep(run) {
            return rest(bytes, run.len());
        }
        let Some(at) = stop else { return &[] };
        if bytes.get(at) == Some(&FS) {
            self.state = State::AfterFs;
        } else if self.content.is_empty() {
            // VT VT: the first one framed nothing.
            self.skipped += 1;
        } else if matches!(self.content.last(), Some(&(CR | LF))) {
            let open = std::mem::take(&mut self.content);
            self.ready.push_back(Err(FrameError::Abandoned(open)));
            self.open();
        } else {
            // Within a segment a VT is data.
            self.keep(&[VT]);
        }
        rest(bytes, at + 1)
    }

    fn after_fs<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        match bytes.first() {
            Some(&CR) => {
                self.complete();
                rest(bytes, 1)
            }
            Some(&VT) => {
                self.unterminated += 1;
                self.complete();
                self.open();
                rest(bytes, 1)
            }
            _ => {
                // FS before any other byte is data; that byte is looked at again in its own right.
                self.state = State::Inside;
                self.keep(&[FS]);
                bytes
            }
        }
    }

    fn overflow<'b>(&mut self, bytes: &'b [u8], after_fs: bool) -> &'b [u8] {
        if after_fs {
            match bytes.first() {
                Some(&CR) => {
                    self.state = State::Outside;
                    self.noise = 0;
                    return rest(bytes, 1);
                }
                Some(&VT) => {
                    self.open();
                    return rest(bytes, 1);
                }
                _ => {}
            }
        }
        let stop = memchr::memchr(FS, bytes);
        let run = stop.map_or(bytes.len(), |at| at + 1);
        self.skipped += count(run);
        self.state = State::Overflow {
            after_fs: stop.is_some(),
        };
        rest(bytes, run)
    }

    fn open(&mut self) {
        self.content = Vec::new();
        self.state = State::Inside;
        self.noise = 0;
    }

    fn complete(&mut self) {
        self.state = State::Outside;
        let content = std::mem::take(&mut self.content);
        if content.is_empty() {
            self.empty += 1;
        } else {
            self.ready.push_back(Ok(content));
        }
    }

    /// Adds content; false when the limit is passed, after which the rest of the frame is skipped.
    fn keep(&mut self, run: &[u8]) -> bool {
        let room = self.limits.max_frame.saturating_sub(self.content.len());
        if run.len() <= room {
            self.content.extend_from_slice(run);
            return true;
        }
        self.content
            .extend_from_slice(run.get(..room).unwrap_or_default());
        self.skipped += count(run.len() - room);
        let kept = std::mem::take(&mut self.content);
        self.ready.push_back(Err(FrameError::TooLarge {
            limit: self.limits.max_frame,
            kept,
        }));
        self.state = State::Overflow { after_fs: false };
        false
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("state", &self.state)
            .field("held", &self.content.len())
            .field("ready", &self.ready.len())
            .field("skipped", &self.skipped)
            .finish_non_exhaustive()
    }
}

/// Frames content for sending. It is written with one call, so that a peer sees no half frames of ours.
pub fn encode(content: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(content.len() + 3);
    frame.push(VT);
    frame.extend_from_slice(content);
    frame.extend_from_slice(&[FS, CR]);
    frame
}

fn rest(bytes: &[u8], from: usize) -> &[u8] {
    bytes.get(from..).unwrap_or_default()
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One letter for each frame or error, with the content.
    fn check(stream: &[u8], expected: &[(&str, &[u8])]) -> Decoder {
        let mut decoder = Decoder::new(Limits {
            max_frame: 20,
            max_noise: 8,
        });
        decoder.push(stream);
        let end = decoder.finish();
        let mut got: Vec<(&str, Vec<u8>)> = std::iter::from_fn(|| decoder.next_frame())
            .map(|next| match next {
                Ok(frame) => ("frame", frame),
                Err(error) => (error.reason(), error.bytes().to_vec()),
            })
            .collect();
        got.extend(end.map(|error| (error.reason(), error.bytes().to_vec())));
        let expected: Vec<(&str, Vec<u8>)> = expected
            .iter()
            .map(|(kind, bytes)| (*kind, bytes.to_vec()))
            .collect();
        assert_eq!(got, expected, "{}", stream.escape_ascii());
        decoder
    }

    #[test]
    fn frames_end_with_fs_cr_and_leniently_with_fs_alone() {
        check(
            b"\x0bone\x1c\r\x0btwo\x1c\r",
            &[("frame", b"one"), ("frame", b"two")],
        );
        let decoder = check(
            b"\x0bone\x1c\x0btwo\x1c",
            &[("frame", b"one"), ("frame", b"two")],
        );
        assert_eq!(decoder.unterminated(), 2);
        check(b"\x0ba\x1cb\x1c\x1c\r", &[("frame", b"a\x1cb\x1c")]);
        check(b"\x0ba\x0bb\x1c\r", &[("frame", b"a\x0bb")]);
    }

    #[test]
    fn an_open_frame_is_never_taken_for_a_whole_one() {
        check(
            b"\x0bone\r\x0btwo\x1c\r",
            &[("abandoned_frame", b"one\r"), ("frame", b"two")],
        );
        check(b"\x0bone", &[("partial_frame", b"one")]);
    }

    #[test]
    fn bytes_outside_frames_are_counted_and_bounded() {
        let decoder = check(b"\r\n\0\x0bone\x1c\r\n\x0b\x1c\r", &[("frame", b"one")]);
        assert_eq!((decoder.skipped(), decoder.empty_frames()), (4, 1));
        check(
            b"GET / HTTP/1.1\x0bone\x1c\r",
            &[("no_start_byte", b""), ("frame", b"one")],
        );
    }

    #[test]
    fn an_oversized_frame_is_reported_once_and_the_next_one_is_read() {
        let stream = [&b"\x0b"[..], &[b'x'; 50], b"\x1c\r\x0btwo\x1c\r"].concat();
        check(
            &stream,
            &[("frame_too_large", &[b'x'; 20]), ("frame", b"two")],
        );
    }

    #[test]
    fn an_error_shows_no_content() {
        let error = FrameError::Partial(b"PID|1||secret".to_vec());
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}
