//! The rate limiter, by our own clock.

use std::num::NonZeroU32;

use bedside_fact::clock::{SharedClock, Timestamp};
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

/// Our clock, as the limiter reads it.
#[derive(Clone)]
pub(super) struct OurClock(SharedClock);

impl Clock for OurClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(u64::try_from(self.0.now().as_nanosecond()).unwrap_or_default())
    }
}

/// How many requests go out.
pub(super) struct Limit(RateLimiter<NotKeyed, InMemoryState, OurClock, NoOpMiddleware<Nanos>>);

impl Limit {
    pub(super) fn new(per_minute: u32, burst: u32, clock: SharedClock) -> Self {
        let count = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(count(per_minute)).allow_burst(count(burst));
        Self(RateLimiter::direct_with_clock(quota, OurClock(clock)))
    }

    /// Takes one; when there is none, says when there will be.
    pub(super) fn take(&self) -> Result<(), Timestamp> {
        self.0.check().map_err(|not_until| {
            let nanos = not_until.earliest_possible().as_u64();
            Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or(Timestamp::MAX)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bedside_fact::clock::VirtualClock;

    use super::*;

    #[test]
    fn after_a_burst_the_rate_holds_by_our_clock() {
        let clock = VirtualClock::new("2026-03-01T08:00:00Z".parse().unwrap());
        let limit = Limit::new(60, 3, Arc::new(clock.clone()));
        for _ in 0..3 {
            assert_eq!(limit.take(), Ok(()));
        }
        let due: Timestamp = "2026-03-01T08:00:01Z".parse().unwrap();
        assert_eq!(limit.take(), Err(due));
        clock.advance_to(due);
        assert_eq!(limit.take(), Ok(()));
        assert!(limit.take().is_err());
    }
}
