//! Who works and who waits for what, so that somebody who moves a virtual clock knows when to move it, and to when.

use std::collections::BTreeMap;
use std::sync::Arc;

use bedside_fact::clock::{SharedClock, Timestamp};
use tokio::sync::watch;

/// The state of all that a connection does. Cheap to clone.
#[derive(Clone)]
pub(super) struct Pulse {
    state: Arc<watch::Sender<State>>,
    clock: SharedClock,
}

#[derive(Default)]
struct State {
    busy: usize,
    called: bool,
    waits: BTreeMap<u64, Timestamp>,
    next: u64,
}

impl State {
    fn is_settled(&self, now: Timestamp) -> bool {
        self.busy == 0 && !self.called && self.waits.values().all(|due| *due > now)
    }
}

/// Held by whoever works.
pub(super) struct Busy(Pulse);

impl Pulse {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self {
            state: Arc::new(watch::Sender::new(State::default())),
            clock,
        }
    }

    /// Somebody works, until the value is dropped.
    pub(super) fn busy(&self) -> Busy {
        self.state.send_modify(|state| state.busy += 1);
        Busy(self.clone())
    }

    /// Somebody who sleeps is about to be woken: it counts as work from now on.
    pub(super) fn call(&self) {
        self.state.send_modify(|state| state.called = true);
    }

    /// It woke.
    pub(super) fn heard(&self) {
        self.state.send_modify(|state| state.called = false);
    }

    /// Resolves when nobody works and nobody waits for what is due.
    pub(super) async fn settled(&self) {
        let mut state = self.state.subscribe();
        // The sender is ours, so it is never gone.
        let _ = state
            .wait_for(|state| state.is_settled(self.clock.now()))
            .await;
    }

    /// Whether it is so now.
    pub(super) fn is_settled(&self) -> bool {
        self.state.borrow().is_settled(self.clock.now())
    }

    /// What goes on, for whoever waited too long.
    pub(super) fn words(&self) -> String {
        let now = self.clock.now();
        let state = self.state.borrow();
        let due = state.waits.values().filter(|due| **due <= now).count();
        format!(
            "{} at work, {due} due, called: {}",
            state.busy, state.called
        )
    }

    /// The earliest instant that somebody waits for.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.state.borrow().waits.values().min().copied()
    }
}

impl Busy {
    /// Waits until `due`, which is no work.
    pub(super) async fn wait_until(&self, due: Timestamp) {
        self.aside(Some(due), self.0.clock.wait_until(due)).await;
    }

    /// Runs what is no work: it ends at `due`, or when somebody else is ready.
    pub(super) async fn aside<T>(
        &self,
        due: Option<Timestamp>,
        idle: impl Future<Output = T>,
    ) -> T {
        let mut key = 0;
        self.0.state.send_modify(|state| {
            state.next += 1;
            key = state.next;
            state.busy = state.busy.saturating_sub(1);
            state.waits.extend(due.map(|due| (key, due)));
        });
        let _back = Back(&self.0, key);
        idle.await
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0
            .state
            .send_modify(|state| state.busy = state.busy.saturating_sub(1));
    }
}

/// Ends a wait, also one that was given up.
struct Back<'a>(&'a Pulse, u64);

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.0.state.send_modify(|state| {
            state.busy += 1;
            state.waits.remove(&self.1);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use bedside_fact::clock::VirtualClock;

    use super::*;

    /// Polls `future` once.
    async fn ready<F: Future + Unpin>(future: &mut F) -> bool {
        poll_fn(|context| Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_ready()))
            .await
    }

    #[tokio::test]
    async fn who_waits_for_later_is_settled_and_who_is_due_is_not() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let clock = VirtualClock::new(at(100));
        let pulse = Pulse::new(Arc::new(clock.clone()));
        pulse.settled().await;
        let busy = pulse.busy();
        let mut wait = pin!(busy.wait_until(at(160)));
        assert!(!ready(&mut pin!(pulse.settled())).await);
        assert!(!ready(&mut wait).await);
        assert_eq!(pulse.next_due(), Some(at(160)));
        pulse.settled().await;
        clock.advance_to(at(160));
        assert!(
            !ready(&mut pin!(pulse.settled())).await,
            "it is due and has not run yet"
        );
        assert!(ready(&mut wait).await);
        assert!(!ready(&mut pin!(pulse.settled())).await, "it works now");
    }
}
