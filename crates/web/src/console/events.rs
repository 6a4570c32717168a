//! One stream of server-sent events for each open page: it says *that* items or sources changed, never what, so it holds no patient data.
//! The parts of the page then ask for what they show, through the guard and into the audit log like any reading.
//!
//! A stream ends after half an hour, as an idle session does, and the browser opens it again while somebody is there. A page without a
//! script, or beyond the number of places, is read again by hand or by its own timer.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

use crate::app::Console;
use crate::guard::Caller;

/// How often a stream looks whether something changed. What changes faster is told once.
const LOOK: Duration = Duration::from_secs(1);

/// A line in between, so that a connection that is gone is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long one stream goes on.
const LIFE: Duration = Duration::from_secs(30 * 60);

/// Streams of one session: somebody with more pages open than this sees changes on the others when they read them again.
const EACH: usize = 8;

/// The stream of somebody who is signed in.
pub(crate) async fn stream(State(console): State<Console>, caller: Caller) -> Response {
    let Some(seat) = Seat::take(&console, &caller) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let Ok(place) = console.listeners.clone().try_acquire_owned() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let now = Instant::now();
    let watch = Watch {
        seen: Mark::of(&console),
        console,
        spoke: now,
        ends: now + LIFE,
        greeted: false,
        _place: place,
        _seat: seat,
    };
    let body = Body::new(Ticks(Box::pin(watch.next())));
    ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// What a page would show differently.
#[derive(PartialEq, Eq)]
struct Mark {
    items: u64,
    sources: Vec<(String, String)>,
}

impl Mark {
    fn of(console: &Console) -> Self {
        let position = *console.store().changes().borrow();
        Self {
            items: console
                .app
                .desk
                .mark()
                .unwrap_or_else(|| position.unsigned_abs()),
            sources: console
                .app
                .connections
                .status()
                .into_iter()
                .map(|one| (one.name, one.state))
                .collect(),
        }
    }
}

struct Watch {
    console: Console,
    seen: Mark,
    spoke: Instant,
    ends: Instant,
    greeted: bool,
    _place: OwnedSemaphorePermit,
    _seat: Seat,
}

/// One of the streams that a session may have: nobody takes the places of all others.
struct Seat {
    session: Arc<str>,
    taken: Arc<Mutex<HashMap<Arc<str>, usize>>>,
}

impl Seat {
    fn take(console: &Console, caller: &Caller) -> Option<Self> {
        let taken = Arc::clone(&console.listening);
        let mut counts = taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(Arc::clone(&caller.token)).or_default();
        if *count >= EACH {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Self {
            session: Arc::clone(&caller.token),
            taken,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.session) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.session);
            }
        }
    }
}

type Next = Pin<Box<dyn Future<Output = Option<(Bytes, Watch)>> + Send>>;

impl Watch {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        if !self.greeted {
            self.greeted = true;
            return Some((Bytes::from_static(b"retry: 2000\n\n"), self));
        }
        loop {
            // The pace of a screen, and not a due time of the record's: it is the machine's time that is meant.
            if timeout(LOOK, self.console.closing.cancelled())
                .await
                .is_ok()
            {
                return None;
            }
            let now = Instant::now();
            if now >= self.ends {
                return None;
            }
            let mark = Mark::of(&self.console);
            let words = match (
                mark.items != self.seen.items,
                mark.sources != self.seen.sources,
            ) {
                (true, true) => "event: items\ndata: 1\n\nevent: sources\ndata: 1\n\n",
                (true, false) => "event: items\ndata: 1\n\n",
                (false, true) => "event: sources\ndata: 1\n\n",
                (false, false) if now - self.spoke >= HEARTBEAT => ":\n\n",
                (false, false) => continue,
            };
            self.seen = mark;
            self.spoke = now;
            return Some((Bytes::from_static(words.as_bytes()), self));
        }
    }
}

/// The body: one event after the other until there is none.
struct Ticks(Next);

impl hyper::body::Body for Ticks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => {
                // A future that has ended is not asked again.
                self.0 = Box::pin(std::future::ready(None));
                Poll::Ready(None)
            }
            Poll::Ready(Some((bytes, watch))) => {
                self.0 = Box::pin(watch.next());
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
        }
    }
}
