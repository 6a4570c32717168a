//! One MLLP connection: bytes in, frames, messages made durable, answers out in the same order.
//!
//! All the messages that one read completes are made durable together, so that a peer that does not wait for its
//! answers gains from the group commit; then each is answered. Nothing is answered before it is durable (promise P1).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bedside_core::admit::{self, UnitFor};
use bedside_core::ctx::OpCtx;
use bedside_core::journal::{Admitted, InputKind, NewInput, UnitKey};
use bedside_core::source::Source;
use bedside_fact::phi::Phi;
use bedside_hl7::ack::{self, AckError, Code, Reply};
use bedside_hl7::batch;
use bedside_hl7::frame::{self, Decoder, FrameError, Limits};
use bedside_hl7::message::{self, Message};
use bedside_store::Store;
use jiff::SignedDuration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::listener::Traffic;

/// Bytes read at once.
const READ: usize = 64 * 1024;

/// The longest pause inside a frame (field notes §4).
const FRAME_PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// How long a peer may leave its answers unread.
const ANSWER_PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// The same while we stop: the whole process must be gone within 10 s.
const LAST_PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// Reads at the end, of what the peer sent and we will not take any more.
const LAST_READS: usize = 64;

/// The header that is answered when a frame has none.
const BARE_HEADER: &[u8] = b"MSH|^~\\&|||||||||P|2.5.1\r";

/// Makes our own MSH-10 unique within the process; the time in it makes it unique across restarts.
static ANSWERS: AtomicU64 = AtomicU64::new(0);

pub(super) struct Session {
    pub(super) store: Store,
    pub(super) ctx: OpCtx,
    pub(super) source: Source,
    pub(super) traffic: Arc<Traffic>,
    pub(super) max_frame: usize,
}

/// A message on its way: what will be stored, and what is needed to answer.
struct Arrival {
    input: NewInput,
    message: Option<Message>,
    bytes: Vec<u8>,
    answerable: bool,
    /// Only its beginning is stored.
    cut: bool,
    header: Option<AckError>,
}

impl Session {
    pub(super) async fn run(self, mut stream: TcpStream, shutdown: CancellationToken) {
        // Without it an answer could wait for more to send along. A socket that refuses is as good, only slower.
        let _ = stream.set_nodelay(true);
        self.converse(&mut stream, &shutdown).await;
        // A socket that is closed with unread bytes resets the connection, and the peer may lose answers that it has not read yet.
        let _ = stream.shutdown().await;
        let mut rest = vec![0; READ];
        for _ in 0..LAST_READS {
            if !matches!(stream.try_read(&mut rest), Ok(count) if count > 0) {
                break;
            }
        }
    }

    async fn converse(&self, stream: &mut TcpStream, shutdown: &CancellationToken) {
        let mut decoder = Decoder::new(Limits {
            max_frame: self.max_frame,
            ..Limits::default()
        });
        let mut buffer = vec![0; READ];
        let mut open = false;
        loop {
            let due = self
                .ctx
                .now()
                .saturating_add(FRAME_PAUSE)
                .unwrap_or_else(|_| self.ctx.now());
            let read = tokio::select! {
                read = stream.read(&mut buffer) => read,
                () = self.ctx.clock.wait_until(due), if open => {
                    tracing::warn!(source = %self.source.id, "a connection was closed: it paused too long inside a frame");
                    break;
                }
                () = shutdown.cancelled() => {
                    if open {
                        // It was cut off by us, not by its sender, who has no answer and sends it again.
                        tracing::info!(source = %self.source.id, "stopped inside a frame; its sender was not answered and sends it again");
                    }
                    return;
                }
            };
            let count = match read {
                Ok(0) | Err(_) => break,
                Ok(count) => count,
            };
            decoder.push(buffer.get(..count).unwrap_or_default());
            let mut arrivals = Vec::new();
            let mut close = false;
            while let Some(next) = decoder.next_frame() {
                match next {
                    Ok(content) => self.arrive(&content, &mut arrivals),
                    Err(error) => {
                        // The rest of a frame that is too large is skipped; whoever sends noise speaks another protocol.
                        close |= matches!(error, FrameError::Noise { .. });
                        arrivals.extend(self.broken(&error));
                    }
                }
            }
            open = decoder.is_open();
            if !self.answer(stream, shutdown, arrivals).await || close {
                return;
            }
        }
        let mut arrivals: Vec<Arrival> = decoder
            .finish()
            .and_then(|error| self.broken(&error))
            .into_iter()
            .collect();
        // A file separator as the last byte ends its frame.
        while let Some(Ok(content)) = decoder.next_frame() {
            self.arrive(&content, &mut arrivals);
        }
        self.answer(stream, shutdown, arrivals).await;
    }

    /// One frame may hold several messages (field notes, "Batches").
    fn arrive(&self, content: &[u8], arrivals: &mut Vec<Arrival>) {
        let split = batch::split(content);
        if split.messages.is_empty() {
            arrivals.push(self.message(content.to_vec()));
            return;
        }
        for range in split.messages {
            arrivals.push(self.message(content.get(range).unwrap_or_default().to_vec()));
        }
        for range in split.outside {
            let bytes = content.get(range).unwrap_or_default();
            arrivals.push(self.unreadable(bytes, "not_a_message", false));
        }
    }

    /// A message without type or control id can be kept but not be answered for: it is refused (field notes, problem 26).
    fn message(&self, bytes: Vec<u8>) -> Arrival {
        let (mut input, message) = admit::hl7(&bytes, &self.source, UnitFor::Feed);
        let header = message.as_ref().and_then(ack::header_error);
        if header.is_some() && input.reject.is_none() {
            input.reject = Some(String::from("header_incomplete"));
            // Its sender is told that it was not taken, so nothing waits for it.
            input.lanes.clear();
        }
        Arrival {
            input,
            message,
            bytes,
            answerable: true,
            cut: false,
            header,
        }
    }

    fn unreadable(&self, bytes: &[u8], reason: &str, answerable: bool) -> Arrival {
        Arrival {
            input: NewInput {
                source: self.source.id.clone(),
                system: self.source.system.clone(),
                kind: InputKind::Unrecognised,
                message_type: String::new(),
                control_id: String::new(),
                raw: Phi::new(bytes.to_vec()),
                context: Phi::default(),
                unit: UnitKey::Message {
                    control: String::new(),
                },
                lanes: Vec::new(),
                reject: Some(reason.to_owned()),
                ack: None,
            },
            message: None,
            bytes: bytes.to_vec(),
            answerable,
            cut: false,
            header: None,
        }
    }

    /// What could not be framed is kept and parked. Only a frame that is too large is answered; the others' senders send again.
    fn broken(&self, error: &FrameError) -> Option<Arrival> {
        self.traffic.error();
        tracing::warn!(source = %self.source.id, reason = error.reason(), "a frame could not be read");
        if error.bytes().is_empty() {
            return None;
        }
        let answerable = matches!(error, FrameError::TooLarge { .. });
        let mut arrival = self.unreadable(error.bytes(), error.reason(), answerable);
        if answerable {
            arrival.cut = true;
            // Its first segment tells how it wants to be answered.
            let header = error
                .bytes()
                .split(|byte| matches!(byte, b'\r' | b'\n'))
                .find(|line| !line.is_empty());
            arrival.message =
                header.and_then(|line| message::parse(line, &message::Options::default()).ok());
        }
        Some(arrival)
    }

    /// Makes them durable, then answers. `false` when the connection must close.
    async fn answer(
        &self,
        stream: &mut TcpStream,
        shutdown: &CancellationToken,
        mut arrivals: Vec<Arrival>,
    ) -> bool {
        if arrivals.is_empty() {
            return true;
        }
        for arrival in &mut arrivals {
            let outcome = if arrival.input.reject.is_some() {
                ack::Outcome::Rejected
            } else {
                ack::Outcome::Stored
            };
            arrival.input.ack = match (&arrival.message, arrival.answerable) {
                (Some(message), _) => {
                    ack::decide(ack::mode(message), outcome).map(|code| code.as_str().to_owned())
                }
                (None, true) => Some(Code::AR.as_str().to_owned()),
                (None, false) => None,
            };
        }
        let inputs: Vec<NewInput> = arrivals
            .iter()
            .map(|arrival| arrival.input.clone())
            .collect();
        let stored = self.store.append_many(&self.ctx, inputs).await;
        if let Err(error) = &stored {
            self.traffic.error();
            tracing::error!(source = %self.source.id, code = error.code(), "messages could not be stored, none is acknowledged: {error}");
        }
        let mut out = Vec::new();
        for (n, arrival) in arrivals.iter().enumerate() {
            let admitted = stored.as_ref().ok().and_then(|all| all.get(n));
            if let Some(answer) = self.reply(arrival, admitted) {
                out.extend_from_slice(&frame::encode(&answer));
            }
        }
        self.traffic.seen(
            self.ctx.now(),
            u64::try_from(arrivals.len()).unwrap_or(u64::MAX),
        );
        if out.is_empty() {
            return true;
        }
        tokio::select! {
            biased;
            // A peer that closed its side has no use for the answer; what is stored stays stored.
            written = stream.write_all(&out) => written.is_ok(),
            () = self.patience(shutdown) => {
                tracing::warn!(source = %self.source.id, "a connection was closed: its peer does not read the answers");
                false
            }
        }
    }

    async fn patience(&self, shutdown: &CancellationToken) {
        let due = |pause| {
            self.ctx
                .now()
                .saturating_add(pause)
                .unwrap_or_else(|_| self.ctx.now())
        };
        tokio::select! {
            () = self.ctx.clock.wait_until(due(ANSWER_PAUSE)) => return,
            () = shutdown.cancelled() => {}
        }
        self.ctx.clock.wait_until(due(LAST_PAUSE)).await;
    }

    fn reply(&self, arrival: &Arrival, admitted: Option<&Admitted>) -> Option<Vec<u8>> {
        let now = self.hl7_now();
        // Within the 20 characters of MSH-10 (HL7 v2.5.1 §2.14.9.10).
        let control_id = format!(
            "BED{:X}{:06X}",
            self.ctx.now().as_millisecond(),
            ANSWERS.fetch_add(1, Ordering::Relaxed) & 0xFF_FFFF
        );
        let rejected = arrival.input.reject.as_deref();
        let outcome = match (admitted, rejected) {
            (None, _) => ack::Outcome::StoreFailed,
            (Some(_), Some(_)) => ack::Outcome::Rejected,
            (Some(_), None) => ack::Outcome::Stored,
        };
        let (text, error) = match outcome {
            ack::Outcome::StoreFailed => (
                Some("could not be stored, send it again"),
                Some(AckError::new(
                    207,
                    "the message could not be stored; send it again later",
                )),
            ),
            ack::Outcome::Rejected if arrival.cut => (
                Some("too large; only its beginning is kept, in quarantine"),
                Some(AckError::new(
                    100,
                    "the message is longer than this connection takes; only its beginning is kept, in quarantine",
                )),
            ),
            ack::Outcome::Rejected => (
                Some("could not be read; it is kept in quarantine"),
                Some(arrival.header.clone().unwrap_or_else(|| {
                    AckError::new(
                        100,
                        "the message could not be read; it is kept in quarantine",
                    )
                })),
            ),
            ack::Outcome::Stored | ack::Outcome::ApplicationError => (None, None),
        };
        let reply = |code| Reply {
            code,
            text,
            error: error.clone(),
            now: &now,
            control_id: &control_id,
        };
        match &arrival.message {
            Some(message) => {
                let code = ack::decide(ack::mode(message), outcome)?;
                Some(ack::build(message, &reply(code)))
            }
            None if arrival.answerable => {
                let code = if admitted.is_some() {
                    Code::AR
                } else {
                    Code::AE
                };
                // Silence would make the sender repeat it for ever, so what has no header of its own is answered with a bare one.
                ack::build_for_unreadable(&arrival.bytes, &reply(code))
                    .or_else(|| ack::build_for_unreadable(BARE_HEADER, &reply(code)))
            }
            None => None,
        }
    }

    fn hl7_now(&self) -> String {
        let zone = jiff::tz::TimeZone::get(&self.source.zone).unwrap_or(jiff::tz::TimeZone::UTC);
        self.ctx
            .now()
            .to_zoned(zone)
            .strftime("%Y%m%d%H%M%S%z")
            .to_string()
    }
}
