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
use bedside_hl7::frame::{self, Decoder, FrameError, Limits};
use bedside_hl7::message::Message;
use bedside_hl7::batch;
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

/// Makes our own MSH-10 unique within the process; the start time in it makes it unique across restarts.
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
    header: Option<AckError>,
}

impl Session {
    pub(super) async fn run(self, mut stream: TcpStream, shutdown: CancellationToken) {
        let mut decoder = Decoder::new(Limits { max_frame: self.max_frame, ..Limits::default() });
        let mut buffer = vec![0; READ];
        let mut open = false;
        loop {
            let due = self.ctx.now().saturating_add(FRAME_PAUSE).unwrap_or(self.ctx.now());
            let read = tokio::select! {
                read = stream.read(&mut buffer) => read,
                () = self.ctx.clock.wait_until(due), if open => {
                    tracing::warn!(source = %self.source.id, "a connection was closed: it paused too long inside a frame");
                    break;
                }
                () = shutdown.cancelled() => break,
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
                        close |= matches!(error, FrameError::Noise { .. } | FrameError::TooLarge { .. });
                        arrivals.extend(self.broken(&error));
                    }
                }
            }
            open = decoder.is_open();
            if !self.answer(&mut stream, arrivals).await || close {
                return;
            }
        }
        let mut arrivals: Vec<Arrival> = decoder.finish().and_then(|error| self.broken(&error)).into_iter().collect();
        // A file separator as the last byte ends its frame.
        while let Some(Ok(content)) = decoder.next_frame() {
            self.arrive(&content, &mut arrivals);
        }
        self.answer(&mut stream, arrivals).await;
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
        }
        Arrival { input, message, bytes, answerable: true, header }
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
                unit: UnitKey::Message { control: String::new() },
                lanes: Vec::new(),
                reject: Some(reason.to_owned()),
                ack: None,
            },
            message: None,
            bytes: bytes.to_vec(),
            answerable,
            header: None,
        }
    }

    /// What could not be framed is kept and parked, never answered: the sender sends it again.
    fn broken(&self, error: &FrameError) -> Option<Arrival> {
        self.traffic.error();
        tracing::warn!(source = %self.source.id, reason = error.reason(), "a frame could not be read");
        if error.bytes().is_empty() {
            return None;
        }
        let answerable = matches!(error, FrameError::TooLarge { .. });
        Some(self.unreadable(error.bytes(), error.reason(), answerable))
    }

    /// Makes them durable, then answers. `false` when the connection must close.
    async fn answer(&self, stream: &mut TcpStream, mut arrivals: Vec<Arrival>) -> bool {
        if arrivals.is_empty() {
            return true;
        }
        for arrival in &mut arrivals {
            let outcome = if arrival.input.reject.is_some() { ack::Outcome::Rejected } else { ack::Outcome::Stored };
            arrival.input.ack = match (&arrival.message, arrival.answerable) {
                (Some(message), _) => ack::decide(ack::mode(message), outcome).map(|code| code.as_str().to_owned()),
                (None, true) => Some(Code::AR.as_str().to_owned()),
                (None, false) => None,
            };
        }
        let inputs: Vec<NewInput> = arrivals.iter().map(|arrival| arrival.input.clone()).collect();
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
        self.traffic.seen(self.ctx.now(), u64::try_from(arrivals.len()).unwrap_or(u64::MAX));
        // A peer that closed its side has no use for the answer; what is stored stays stored.
        out.is_empty() || stream.write_all(&out).await.is_ok()
    }

    fn reply(&self, arrival: &Arrival, admitted: Option<&Admitted>) -> Option<Vec<u8>> {
        let now = self.hl7_now();
        let control_id = format!("BED{}{}", self.ctx.now().as_millisecond(), ANSWERS.fetch_add(1, Ordering::Relaxed));
        let rejected = arrival.input.reject.as_deref();
        let outcome = match (admitted, rejected) {
            (None, _) => ack::Outcome::StoreFailed,
            (Some(_), Some(_)) => ack::Outcome::Rejected,
            (Some(_), None) => ack::Outcome::Stored,
        };
        let (text, error) = match outcome {
            ack::Outcome::StoreFailed => (
                Some("could not be stored, send it again"),
                Some(AckError::new(207, "the message could not be stored; send it again later")),
            ),
            ack::Outcome::Rejected => (
                Some("could not be read; it is kept in quarantine"),
                Some(arrival.header.clone().unwrap_or_else(|| {
                    AckError::new(100, "the message could not be read; it is kept in quarantine")
                })),
            ),
            ack::Outcome::Stored | ack::Outcome::ApplicationError => (None, None),
        };
        let reply = |code| Reply { code, text, error: error.clone(), now: &now, control_id: &control_id };
        match &arrival.message {
            Some(message) => {
                let code = ack::decide(ack::mode(message), outcome)?;
                Some(ack::build(message, &reply(code)))
            }
            None if arrival.answerable => {
                let code = if admitted.is_some() { Code::AR } else { Code::AE };
                ack::build_for_unreadable(&arrival.bytes, &reply(code))
            }
            None => None,
        }
    }

    fn hl7_now(&self) -> String {
        let zone = jiff::tz::TimeZone::get(&self.source.zone).unwrap_or(jiff::tz::TimeZone::UTC);
        self.ctx.now().to_zoned(zone).strftime("%Y%m%d%H%M%S%z").to_string()
    }
}
