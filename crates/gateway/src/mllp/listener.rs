//! Accepts MLLP connections for one source. Plain MLLP stays on loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use bedside_core::ctx::OpCtx;
use bedside_core::source::Source;
use bedside_fact::clock::Timestamp;
use bedside_store::Store;
use jiff::SignedDuration;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::session;
use crate::error::Error;

/// Connections of one listener at once; one more is closed at once and logged.
const MAX_CONNECTIONS: usize = 512;

/// Connections that the system keeps for us until we accept them.
const BACKLOG: u32 = 1_024;

/// Pause after a connection could not be accepted.
const PAUSE: SignedDuration = SignedDuration::from_millis(100);

/// What a listener is told.
#[derive(Clone)]
pub struct ListenerOptions {
    /// Whose messages these are: the port gives the source, MSH-3 and MSH-4 prove nothing.
    pub source: Source,
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// The longest frame that is taken, in bytes.
    pub max_frame: usize,
}

/// Figures of one listener, for the live page and the metrics.
#[derive(Default)]
pub struct Traffic {
    /// Open connections.
    pub connections: AtomicUsize,
    /// Messages that were taken in, or refused with an answer.
    pub messages: AtomicU64,
    /// Frames that could not be read, and messages that could not be stored.
    pub errors: AtomicU64,
    last_micros: AtomicI64,
}

impl Traffic {
    /// When the last message came.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        match self.last_micros.load(Ordering::Relaxed) {
            0 => None,
            micros => Timestamp::from_microsecond(micros).ok(),
        }
    }

    pub(super) fn seen(&self, at: Timestamp, messages: u64) {
        self.messages.fetch_add(messages, Ordering::Relaxed);
        self.last_micros
            .store(at.as_microsecond(), Ordering::Relaxed);
    }

    pub(super) fn error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }
}

/// A bound listener.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    options: ListenerOptions,
    traffic: Arc<Traffic>,
}

impl Listener {
    /// Binds.
    ///
    /// # Errors
    /// The address is taken, or is not loopback.
    pub async fn bind(options: ListenerOptions) -> Result<Self, Error> {
        let wanted = options.address;
        if !wanted.ip().is_loopback() {
            return Err(Error::PlainOffLoopback { address: wanted });
        }
        let failed = |why| Error::Listen {
            address: wanted,
            why,
        };
        let socket = listen(wanted).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self {
            socket,
            address,
            options,
            traffic: Arc::default(),
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its source.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.options.source
    }

    /// Its figures.
    #[must_use]
    pub fn traffic(&self) -> Arc<Traffic> {
        Arc::clone(&self.traffic)
    }

    /// Accepts until `shutdown`, then waits for the sessions: each finishes the answer it owes.
    pub async fn run(self, store: Store, ctx: OpCtx, shutdown: CancellationToken) {
        let sessions = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                () = shutdown.cancelled() => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors and the like: the next accept may work.
                    tracing::warn!(source = %self.options.source.id, "a connection could not be accepted: {}", error.kind());
                    let due = ctx
                        .now()
                        .saturating_add(PAUSE)
                        .unwrap_or_else(|_| ctx.now());
                    tokio::select! {
                        () = ctx.clock.wait_until(due) => continue,
                        () = shutdown.cancelled() => break,
                    }
                }
            };
            if sessions.len() >= MAX_CONNECTIONS {
                tracing::warn!(source = %self.options.source.id, limit = MAX_CONNECTIONS, "a connection was refused: too many are open");
                self.traffic.error();
                continue;
            }
            let session = session::Session {
                store: store.clone(),
                ctx: ctx.clone(),
                source: self.options.source.clone(),
                traffic: Arc::clone(&self.traffic),
                max_frame: self.options.max_frame,
            };
            let shutdown = shutdown.clone();
            let open = Open::new(&self.traffic);
            sessions.spawn(async move {
                session.run(stream, shutdown).await;
                drop(open);
            });
        }
        drop(self.socket);
        sessions.close();
        sessions.wait().await;
    }
}

/// Accepted sockets inherit the keep-alive, which finds peers that are gone while their link is quiet (field notes §4).
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.set_keepalive(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Counts a connection for as long as it is open, however it ends.
struct Open(Arc<Traffic>);

impl Open {
    fn new(traffic: &Arc<Traffic>) -> Self {
        traffic.connections.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(traffic))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
