//! The wall clock, and the demo's clock that can be played.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bedside_fact::clock::{Clock, Timestamp, VirtualClock, Wait};
use jiff::SignedDuration;

/// The instant without what is finer than the store keeps: a due time that was stored must not lie after the instant it was made from.
pub(crate) fn whole_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// The machine's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the wall clock enters the program"
    )]
    fn now(&self) -> Timestamp {
        whole_micros(Timestamp::now())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is where waiting on the wall clock is done"
    )]
    fn wait_until(&self, due: Timestamp) -> Wait<'_> {
        let wait = Duration::try_from(due.duration_since(self.now())).unwrap_or_default();
        Box::pin(tokio::time::sleep(wait))
    }
}

/// A clock for the demo: first it is played by hand, then it runs by itself, faster than the wall clock.
#[derive(Clone)]
pub(crate) struct DemoClock {
    played: VirtualClock,
    running: Arc<Mutex<Option<Running>>>,
}

#[derive(Clone, Copy)]
struct Running {
    from: Timestamp,
    started: Instant,
    speed: u32,
}

impl DemoClock {
    pub(crate) fn new(start: Timestamp) -> Self {
        Self {
            played: VirtualClock::new(start),
            running: Arc::default(),
        }
    }

    /// Moves it by hand.
    pub(crate) fn advance_to(&self, to: Timestamp) {
        self.played.advance_to(to);
    }

    /// Lets it run, `speed` times as fast as the wall clock. What waits is woken to wait anew.
    pub(crate) fn run(&self, speed: u32) {
        let running = Running {
            from: self.played.now(),
            started: Instant::now(),
            speed,
        };
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
    }

    /// While it runs: carries the played clock along for those who wait on it.
    #[expect(
        clippy::disallowed_methods,
        reason = "the demo's clock is driven by the wall clock here and nowhere else"
    )]
    pub(crate) async fn drive(&self) {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.played.advance_to(self.now());
        }
    }
}

impl Clock for DemoClock {
    fn now(&self) -> Timestamp {
        let running = *self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match running {
            None => self.played.now(),
            Some(running) => {
                let passed = running.started.elapsed().saturating_mul(running.speed);
                let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::ZERO);
                whole_micros(running.from.saturating_add(passed).unwrap_or(running.from))
            }
        }
    }

    fn wait_until(&self, due: Timestamp) -> Wait<'_> {
        self.played.wait_until(due)
    }
}
