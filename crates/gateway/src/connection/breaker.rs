//! The circuit breaker: a server that fails again and again is left alone for a while, and then asked once.

use bedside_fact::clock::Timestamp;
use jiff::SignedDuration;

/// Failures in a row that open it.
const THRESHOLD: u32 = 5;

/// The first rest; each further one is twice as long.
const FIRST_REST: SignedDuration = SignedDuration::from_secs(30);

/// The longest rest.
const LONGEST_REST: SignedDuration = SignedDuration::from_mins(10);

/// Whether requests go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// They do.
    Closed,
    /// None before this.
    Open {
        /// When one is tried.
        until: Timestamp,
    },
    /// One is out, and decides.
    HalfOpen,
}

/// A breaker. Time is a parameter.
#[derive(Debug)]
pub(super) struct Breaker {
    state: BreakerState,
    failures: u32,
    rests: u32,
}

impl Breaker {
    pub(super) const fn new() -> Self {
        Self {
            state: BreakerState::Closed,
            failures: 0,
            rests: 0,
        }
    }

    pub(super) const fn state(&self) -> BreakerState {
        self.state
    }

    /// Whether a request may go out now; when not, no sooner than what it yields.
    pub(super) fn may(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        match self.state {
            BreakerState::Closed => Ok(()),
            BreakerState::Open { until } if now < until => Err(until),
            BreakerState::Open { .. } => {
                self.state = BreakerState::HalfOpen;
                Ok(())
            }
            BreakerState::HalfOpen => Err(later(now, SignedDuration::from_secs(1))),
        }
    }

    /// The server answered, whatever it said.
    pub(super) const fn good(&mut self) {
        *self = Self::new();
    }

    /// The server failed, or did not answer. Yields whether the breaker opened because of that.
    pub(super) fn bad(&mut self, now: Timestamp) -> bool {
        self.failures = self.failures.saturating_add(1);
        let opens = match self.state {
            BreakerState::HalfOpen => true,
            BreakerState::Closed => self.failures >= THRESHOLD,
            // An answer to a request from before.
            BreakerState::Open { .. } => false,
        };
        if opens {
            let rest = FIRST_REST
                .saturating_mul(1 << self.rests.min(8))
                .min(LONGEST_REST);
            self.rests = self.rests.saturating_add(1);
            self.state = BreakerState::Open {
                until: later(now, rest),
            };
        }
        opens
    }

    /// What was out was never sent, so it says nothing of the server.
    pub(super) fn withdrawn(&mut self, now: Timestamp) {
        if self.state == BreakerState::HalfOpen {
            self.state = BreakerState::Open { until: now };
        }
    }
}

/// `wait` after `now`.
pub(super) fn later(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_one_good_answer_closes_it() {
        let mut breaker = Breaker::new();
        for _ in 0..4 {
            assert!(!breaker.bad(at(0)));
        }
        breaker.good();
        for _ in 0..4 {
            assert!(!breaker.bad(at(0)));
        }
        assert!(breaker.bad(at(0)));
        assert_eq!(breaker.may(at(29)), Err(at(30)));
        assert_eq!(breaker.may(at(30)), Ok(()));
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        assert_eq!(
            breaker.may(at(30)),
            Err(at(31)),
            "one is enough to find out"
        );
        breaker.good();
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn each_rest_is_twice_as_long_up_to_ten_minutes() {
        let mut breaker = Breaker::new();
        let mut now = 0;
        for _ in 0..5 {
            breaker.bad(at(now));
        }
        for rest in [30, 60, 120, 240, 480, 600, 600] {
            assert_eq!(
                breaker.state(),
                BreakerState::Open {
                    until: at(now + rest)
                }
            );
            now += rest;
            assert_eq!(breaker.may(at(now)), Ok(()));
            assert!(breaker.bad(at(now)));
        }
    }

    #[test]
    fn a_late_failure_does_not_lengthen_a_rest() {
        let mut breaker = Breaker::new();
        for _ in 0..5 {
            breaker.bad(at(0));
        }
        assert!(!breaker.bad(at(20)));
        assert_eq!(breaker.state(), BreakerState::Open { until: at(30) });
    }
}
