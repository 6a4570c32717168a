//! The clock that is handed to everything that asks what time it is or waits for a time.
//!
//! Time is a parameter. The wall clock lives in the binary; simulations and tests drive a [`VirtualClock`], and then a
//! day passes as fast as the work in it is done. A wait is a due time, never a duration, so it can be
//! stored and resumed.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// An instant, to the nanosecond, without a zone.
pub type Timestamp = jiff::Timestamp;

/// A wait that ends when its due time has come.
pub type Wait<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Tells the time and waits for a time.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Resolves when `due` has been reached, at once when it lies in the past.
    fn wait_until(&self, due: Timestamp) -> Wait<'_>;
}

/// A clock as it is passed around.
pub type SharedClock = Arc<dyn Clock>;

/// A clock that stands still until it is told to move.
///
/// Cloning gives another handle to the same clock.
#[derive(Clone)]
pub struct VirtualClock {
    state: Arc<Mutex<State>>,
}

struct State {
    now: Timestamp,
    waiting: Vec<(Timestamp, Waker)>,
}

impl VirtualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                now: start,
                waiting: Vec::new(),
            })),
        }
    }

    /// Moves the clock to `to` and wakes every wait that is due by then. A clock never goes back: an earlier `to` is
    /// ignored.
    pub fn advance_to(&self, to: Timestamp) {
        let due: Vec<Waker> = {
            let mut state = self.lock();
            if to > state.now {
                state.now = to;
            }
            let now = state.now;
            let (due, later) = std::mem::take(&mut state.waiting)
                .into_iter()
                .partition(|(at, _)| *at <= now);
            state.waiting = later;
            let due: Vec<(Timestamp, Waker)> = due;
            due.into_iter().map(|(_, waker)| waker).collect()
        };
        for waker in due {
            waker.wake();
        }
    }

    /// The earliest due time that somebody waits for.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.lock().waiting.iter().map(|(at, _)| *at).min()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere can't leave the state half changed: each change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn wait_until(&self, due: Timestamp) -> Wait<'_> {
        Box::pin(VirtualWait {
            clock: self.clone(),
            due,
        })
    }
}

struct VirtualWait {
    clock: VirtualClock,
    due: Timestamp,
}

impl Future for VirtualWait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.lock();
        if state.now >= self.due {
            return Poll::Ready(());
        }
        state.waiting.push((self.due, context.waker().clone()));
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Wake;

    use super::*;

    struct Flag(AtomicBool);

    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_wait_ends_when_the_clock_reaches_its_due_time_and_not_before() {
        let clock = VirtualClock::new(at(100));
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&flag));
        let mut context = Context::from_waker(&waker);
        let mut wait = clock.wait_until(at(160));
        assert!(wait.as_mut().poll(&mut context).is_pending());
        assert_eq!(clock.next_due(), Some(at(160)));

        clock.advance_to(at(159));
        assert!(!flag.0.load(Ordering::SeqCst));
        clock.advance_to(at(160));
        assert!(flag.0.load(Ordering::SeqCst));
        assert!(wait.as_mut().poll(&mut context).is_ready());
        assert_eq!(clock.next_due(), None);
    }

    #[test]
    fn a_clock_never_goes_back() {
        let clock = VirtualClock::new(at(100));
        clock.advance_to(at(50));
        assert_eq!(clock.now(), at(100));
    }
}
