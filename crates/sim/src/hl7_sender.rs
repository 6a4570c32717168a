//! An MLLP client as a hospital's interface engine is one: one message in flight, then its own answer, then the next.
//!
//! It keeps the bytes of a message for every attempt, takes only the answer that names the message, and never goes on
//! using a connection that may still deliver a late one. It does not decide what a negative answer means for the
//! feed; the caller does. Framing is `bedside_hl7::frame`'s.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use bedside_fact::clock::Clock;
use bedside_hl7::frame::{self, Decoder, Limits};
use bedside_hl7::message;

use crate::rng::Rng;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may take unless told otherwise.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// An acknowledgement is small; a peer that sends more than this in one frame sends something else.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// Sends HL7 v2 messages to one peer.
#[derive(Debug)]
pub struct Sender {
    peer: SocketAddr,
    answer_timeout: Duration,
    /// None after a fault: the next message opens another one.
    connection: Option<Connection>,
}

/// The acknowledgement of a message.
#[derive(Clone, PartialEq, Eq)]
pub struct AckSeen {
    /// MSA-1: `AA`, `AE`, `AR`, `CA`, `CE` or `CR`.
    pub code: String,
    /// MSA-2, which equals the control id of the message sent.
    pub control_id: String,
    /// The acknowledgement as it came, without its frame.
    pub raw: Vec<u8>,
    /// How many frames came before it that answered something else, and were dropped.
    pub strays: u32,
}

/// Why a message has no acknowledgement.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// What was to be sent has no MSH-10, so that no answer could be matched.
    #[error("the message to send has no control id")]
    NoControlId,
    /// No connection within the time allowed.
    #[error("could not connect")]
    Connect(#[source] io::Error),
    /// The connection broke while the message was written.
    #[error("the connection broke while sending")]
    Write(#[source] io::Error),
    /// The connection broke while waiting for the answer.
    #[error("the connection broke while waiting for the answer")]
    Read(#[source] io::Error),
    /// The peer closed before it had answered. Whether it has the message is unknown.
    #[error("the peer closed the connection after {bytes} bytes, before a whole answer")]
    Closed {
        /// What had come since the message was sent.
        bytes: u64,
    },
    /// Nothing came in time. Whether the peer has the message is unknown.
    #[error("no answer came within {seconds} s")]
    NoAnswer {
        /// How long was waited.
        seconds: u64,
    },
    /// Something came, but no whole frame that answers this message.
    #[error("{bytes} bytes came within {seconds} s, but no framed answer to this message")]
    Unanswered {
        /// What had come since the message was sent.
        bytes: u64,
        /// How long was waited.
        seconds: u64,
    },
    /// The framing is broken beyond use; the stable code of the reason.
    #[error("the answer's frame is unusable: {0}")]
    Frame(&'static str),
}

/// When to try again.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// The first wait; each later one is twice as long.
    pub first: SignedDuration,
    /// The longest wait.
    pub longest: SignedDuration,
    /// How many attempts in all; none means no end.
    pub attempts: Option<u32>,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    decoder: Decoder,
}

impl Sender {
    /// Connects to a peer.
    ///
    /// # Errors
    /// [`SendError::Connect`] when the peer does not take the connection.
    pub async fn connect(peer: SocketAddr) -> Result<Self, SendError> {
        let connection = Connection::open(peer).await?;
        Ok(Self {
            peer,
            answer_timeout: ANSWER_TIMEOUT,
            connection: Some(connection),
        })
    }

    /// A sender that connects when it has something to send.
    #[must_use]
    pub fn new(peer: SocketAddr) -> Self {
        Self {
            peer,
            answer_timeout: ANSWER_TIMEOUT,
            connection: None,
        }
    }

    /// Waits so long for an answer.
    #[must_use]
    pub fn with_answer_timeout(mut self, answer_timeout: Duration) -> Self {
        self.answer_timeout = answer_timeout;
        self
    }

    /// Sends one message (HL7 text without a frame) and waits for its own acknowledgement.
    ///
    /// After an error the connection is given up and the next call opens another one. Dropping the future gives it
    /// up too.
    ///
    /// # Errors
    /// Every [`SendError`]. A negative acknowledgement is no error: see [`AckSeen::is_positive`].
    pub async fn send(&mut self, message: &[u8]) -> Result<AckSeen, SendError> {
        let control_id = message::parse(message, &message::Options::default())
            .ok()
            .and_then(|parsed| parsed.control_id())
            .ok_or(SendError::NoControlId)?;
        let mut connection = match self.connection.take() {
            Some(connection) if connection.is_quiet() => connection,
            Some(_) | None => Connection::open(self.peer).await?,
        };
        let answer = connection
            .exchange(&frame::encode(message), &control_id, self.answer_timeout)
            .await?;
        self.connection = Some(connection);
        Ok(answer)
    }

    /// Sends one message until it is acknowledged, the same bytes each time, with growing waits on the given clock.
    ///
    /// Faults and `CE` (could not be stored) are tried again; any other answer is returned, since the same
    /// bytes would get the same answer.
    ///
    /// # Errors
    /// The last attempt's error when the attempts are used up, and at once when the message has no control id.
    pub async fn send_retrying(
        &mut self,
        message: &[u8],
        clock: &dyn Clock,
        retry: &Retry,
    ) -> Result<AckSeen, SendError> {
        // The jitter keeps many senders from returning at one moment; it need not be a secret.
        let seed = message
            .iter()
            .fold(u64::from(self.peer.port()), |mixed, byte| {
                mixed.rotate_left(5) ^ u64::from(*byte)
            });
        let mut jitter = Rng::new(seed);
        let mut pause = retry.first;
        let mut attempt: u32 = 0;
        loop {
            attempt = attempt.saturating_add(1);
            let is_last = retry.attempts.is_some_and(|most| attempt >= most);
            match self.send(message).await {
                Ok(answer) if answer.code != "CE" || is_last => return Ok(answer),
                Ok(_) => tracing::warn!(
                    attempt,
                    "the peer could not store the message; it will be sent again"
                ),
                Err(error) if is_last || matches!(error, SendError::NoControlId) => {
                    return Err(error);
                }
                Err(error) => {
                    tracing::warn!(attempt, %error, "the message is unanswered; it will be sent again")
                }
            }
            let share = i32::try_from(jitter.between(80, 120)).unwrap_or(100);
            let wait = pause.saturating_mul(share) / 100;
            let due = clock
                .now()
                .checked_add(wait)
                .unwrap_or_else(|_| clock.now());
            clock.wait_until(due).await;
            pause = pause.saturating_mul(2).min(retry.longest);
        }
    }
}

impl AckSeen {
    /// Whether the peer has taken responsibility for the message.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        matches!(self.code.as_str(), "AA" | "CA")
    }
}

impl fmt::Debug for AckSeen {
    /// The text of an acknowledgement may quote the message, so only its length is printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckSeen")
            .field("code", &self.code)
            .field("raw_len", &self.raw.len())
            .field("strays", &self.strays)
            .finish_non_exhaustive()
    }
}

impl Default for Retry {
    /// One second, doubling to a minute, without end.
    fn default() -> Self {
        Self {
            first: SignedDuration::from_secs(1),
            longest: SignedDuration::from_secs(60),
            attempts: None,
        }
    }
}

impl Connection {
    async fn open(peer: SocketAddr) -> Result<Self, SendError> {
        let late = |_| SendError::Connect(io::Error::from(io::ErrorKind::TimedOut));
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(peer))
            .await
            .map_err(late)?
            .map_err(SendError::Connect)?;
        // Every frame is one write and waits for its answer; holding it back would only add delay.
        stream.set_nodelay(true).map_err(SendError::Connect)?;
        let limits = Limits {
            max_frame: LARGEST_ANSWER,
            ..Limits::default()
        };
        Ok(Self {
            stream,
            decoder: Decoder::new(limits),
        })
    }

    /// Whether nothing has come since the last answer. A pending end of stream means that the peer is gone; pending
    /// bytes are an answer too late, which must not be taken for the next message's.
    fn is_quiet(&self) -> bool {
        let mut byte = [0_u8; 1];
        matches!(self.stream.try_read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    async fn exchange(
        &mut self,
        frame: &[u8],
        control_id: &str,
        limit: Duration,
    ) -> Result<AckSeen, SendError> {
        let mut bytes: u64 = 0;
        let answered = timeout(limit, async {
            self.stream
                .write_all(frame)
                .await
                .map_err(SendError::Write)?;
            self.answer(control_id, &mut bytes).await
        })
        .await;
        let seconds = limit.as_secs();
        match answered {
            Ok(answer) => answer,
            Err(_) if bytes == 0 => Err(SendError::NoAnswer { seconds }),
            Err(_) => Err(SendError::Unanswered { bytes, seconds }),
        }
    }

    async fn answer(&mut self, control_id: &str, bytes: &mut u64) -> Result<AckSeen, SendError> {
        let mut buffer = [0_u8; 4096];
        let mut strays: u32 = 0;
        loop {
            while let Some(frame) = self.decoder.next_frame() {
                let raw = frame.map_err(|error| SendError::Frame(error.reason()))?;
                match read_answer(&raw) {
                    Some((code, answered)) if answered == control_id => {
                        return Ok(AckSeen {
                            code,
                            control_id: answered,
                            raw,
                            strays,
                        });
                    }
                    Some(_) | None => {
                        strays = strays.saturating_add(1);
                        tracing::warn!(
                            "dropped a frame that does not answer the message in flight"
                        );
                    }
                }
            }
            let count = self
                .stream
                .read(&mut buffer)
                .await
                .map_err(SendError::Read)?;
            if count == 0 {
                return Err(SendError::Closed { bytes: *bytes });
            }
            *bytes = bytes.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            self.decoder.push(buffer.get(..count).unwrap_or_default());
        }
    }
}

/// MSA-1 and MSA-2 of an acknowledgement; none when it is no acknowledgement.
fn read_answer(raw: &[u8]) -> Option<(String, String)> {
    let parsed = message::parse(raw, &message::Options::default()).ok()?;
    let msa = parsed.segment("MSA")?;
    Some((msa.field(1).text()?, msa.field(2).text()?))
}

#[cfg(test)]
mod tests {
    use bedside_fact::clock::VirtualClock;
    use tokio::net::TcpListener;

    use super::*;

    const MESSAGE: &[u8] = b"MSH|^~\\&|ADT|HERE|BEDSIDE|HERE|20261122083000-0600||ADT^A01^ADT_A01|MSG7|P|2.5.1\rPID|1||1\r";

    fn ack(control_id: &str, code: &str) -> Vec<u8> {
        frame::encode(format!("MSH|^~\\&|BEDSIDE|HERE|ADT|HERE|20261122083001-0600||ACK^A01^ACK|R1|P|2.5.1\rMSA|{code}|{control_id}\r").as_bytes())
    }

    async fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// Reads one frame and gives back its content.
    async fn receive(stream: &mut TcpStream) -> Vec<u8> {
        let mut decoder = Decoder::new(Limits::default());
        let mut buffer = [0_u8; 64];
        loop {
            if let Some(frame) = decoder.next_frame() {
                return frame.unwrap();
            }
            let count = stream.read(&mut buffer).await.unwrap();
            assert!(count > 0, "the sender closed inside a frame");
            decoder.push(&buffer[..count]);
        }
    }

    /// Moves a clock to whatever is waited for next, as the driver of a simulation does.
    async fn drive(clock: &VirtualClock) {
        loop {
            if let Some(due) = clock.next_due() {
                clock.advance_to(due);
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn an_answer_in_pieces_is_put_together() {
        let (listener, address) = listener().await;
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert_eq!(receive(&mut stream).await, MESSAGE);
            for piece in ack("MSG7", "AA").chunks(3) {
                stream.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            stream
        };
        let client = async {
            Sender::connect(address)
                .await
                .unwrap()
                .send(MESSAGE)
                .await
                .unwrap()
        };
        let (_stream, answer) = tokio::join!(server, client);
        assert_eq!(
            (
                answer.code.as_str(),
                answer.control_id.as_str(),
                answer.strays
            ),
            ("AA", "MSG7", 0)
        );
        assert!(answer.is_positive());
    }

    #[tokio::test]
    async fn an_answer_to_another_message_is_dropped_and_the_right_one_taken() {
        let (listener, address) = listener().await;
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            receive(&mut stream).await;
            let mut answers = ack("MSG6", "AA");
            answers.extend(ack("MSG7", "AE"));
            stream.write_all(&answers).await.unwrap();
            stream
        };
        let client = async {
            Sender::connect(address)
                .await
                .unwrap()
                .send(MESSAGE)
                .await
                .unwrap()
        };
        let (_stream, answer) = tokio::join!(server, client);
        assert_eq!((answer.code.as_str(), answer.strays), ("AE", 1));
        assert!(!answer.is_positive());
    }

    #[tokio::test]
    async fn a_connection_closed_inside_the_answer_is_opened_again_and_the_same_bytes_are_sent() {
        let (listener, address) = listener().await;
        let clock = VirtualClock::new("2026-11-22T14:30:00Z".parse().unwrap());
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let first = receive(&mut stream).await;
            stream.write_all(&ack("MSG7", "AA")[..20]).await.unwrap();
            drop(stream);
            let (mut stream, _) = listener.accept().await.unwrap();
            let second = receive(&mut stream).await;
            stream.write_all(&ack("MSG7", "CE")).await.unwrap();
            let third = receive(&mut stream).await;
            stream.write_all(&ack("MSG7", "AA")).await.unwrap();
            (first, second, third, stream)
        };
        let client = async {
            let mut sender = Sender::new(address);
            sender
                .send_retrying(MESSAGE, &clock, &Retry::default())
                .await
                .unwrap()
        };
        let both = async { tokio::join!(server, client) };
        let ((first, second, third, _stream), answer) = tokio::select! {
            done = both => done,
            () = drive(&clock) => unreachable!("the driver never ends"),
        };
        assert_eq!(first, MESSAGE);
        assert_eq!(first, second);
        assert_eq!(second, third);
        assert_eq!(answer.code, "AA");
        let waited = clock
            .now()
            .duration_since("2026-11-22T14:30:00Z".parse().unwrap());
        assert!(
            (2400..=3600).contains(&waited.as_millis()),
            "1 s and 2 s with jitter, not {waited}"
        );
    }

    #[tokio::test]
    async fn silence_noise_and_a_refused_connection_are_told_apart() {
        let (listener, address) = listener().await;
        let server = async {
            let (mut silent, _) = listener.accept().await.unwrap();
            receive(&mut silent).await;
            let (mut noisy, _) = listener.accept().await.unwrap();
            receive(&mut noisy).await;
            noisy.write_all(b"MSH|no frame").await.unwrap();
            (silent, noisy)
        };
        let client = async {
            let mut sender = Sender::connect(address)
                .await
                .unwrap()
                .with_answer_timeout(Duration::from_millis(200));
            (
                sender.send(MESSAGE).await.unwrap_err(),
                sender.send(MESSAGE).await.unwrap_err(),
            )
        };
        let (_streams, (silence, noise)) = tokio::join!(server, client);
        assert!(matches!(silence, SendError::NoAnswer { .. }), "{silence}");
        assert!(
            matches!(noise, SendError::Unanswered { bytes: 12, .. }),
            "{noise}"
        );
        drop(listener);
        let refused = Sender::new(address).send(MESSAGE).await.unwrap_err();
        assert!(matches!(refused, SendError::Connect(_)), "{refused}");
    }

    #[tokio::test]
    async fn attempts_end_when_they_are_used_up() {
        let (listener, address) = listener().await;
        drop(listener);
        let clock = VirtualClock::new("2026-11-22T14:30:00Z".parse().unwrap());
        let retry = Retry {
            attempts: Some(3),
            ..Retry::default()
        };
        let mut sender = Sender::new(address);
        let failed = tokio::select! {
            done = sender.send_retrying(MESSAGE, &clock, &retry) => done.unwrap_err(),
            () = drive(&clock) => unreachable!("the driver never ends"),
        };
        assert!(matches!(failed, SendError::Connect(_)), "{failed}");
        let unnamed = sender.send(b"MSH|^~\\&|ADT").await.unwrap_err();
        assert!(matches!(unnamed, SendError::NoControlId), "{unnamed}");
    }
}
