//! All connections of a program: started together, each a task of its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bedside_fact::clock::Timestamp;
use bedside_store::Store;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::breaker::BreakerState;
use super::check::{Check, check};
use super::client::Client;
use super::key::SigningKey;
use super::options::ConnectionOptions;
use super::poller::{Control, Parts, Poller};
use super::status::{State, Status};
use super::unit::Shared;
use super::wire::Wire;
use crate::error::Error;
use crate::lanes::Lanes;

/// A handle to all connections. Cheap to clone.
#[derive(Clone)]
pub struct Connections {
    all: Arc<Vec<Connection>>,
}

struct Connection {
    vendor: String,
    wire: Arc<Wire>,
    control: Arc<Control>,
}

impl Connections {
    /// Checks the settings of every connection, then starts all of them. None runs when one is wrong. The sources have to be known to the
    /// store.
    ///
    /// # Errors
    /// [`Error::Connection`].
    #[expect(clippy::needless_pass_by_value, reason = "they live on in the tasks")]
    pub fn start(
        store: Store,
        lanes: Lanes,
        key: Arc<SigningKey>,
        options: Vec<ConnectionOptions>,
        shutdown: CancellationToken,
        tracker: &TaskTracker,
    ) -> Result<Self, Error> {
        let ready = Self::ready(&store, &key, &options)?;
        for (one, options) in ready.all.iter().zip(options) {
            let (wire, control) = (Arc::clone(&one.wire), Arc::clone(&one.control));
            let busy = wire.pulse.busy();
            let poller = Poller::new(Parts {
                store: store.clone(),
                lanes: lanes.clone(),
                shared: Arc::new(Shared {
                    wire,
                    source: options.source,
                    ids: store.public_ids(),
                }),
                control,
                shutdown: shutdown.clone(),
                paces: options.pace,
                roster: options.roster,
            });
            tracker.spawn(poller.run(busy));
        }
        Ok(ready)
    }

    /// Connections that ask nothing by themselves: for a command that checks, reads or writes once.
    ///
    /// # Errors
    /// [`Error::Connection`].
    pub fn ready(
        store: &Store,
        key: &Arc<SigningKey>,
        options: &[ConnectionOptions],
    ) -> Result<Self, Error> {
        let mut all = Vec::new();
        for options in options {
            let wire = Wire::new(options, Arc::clone(key), Arc::clone(store.clock()))?;
            all.push(Connection {
                vendor: options.source.vendor.clone(),
                wire: Arc::new(wire),
                control: Arc::new(Control::default()),
            });
        }
        Ok(Self { all: Arc::new(all) })
    }

    /// How each is doing.
    #[must_use]
    pub fn status(&self) -> Vec<Status> {
        self.all.iter().map(Connection::status).collect()
    }

    /// A client of the connection of that name.
    #[must_use]
    pub fn client(&self, name: &str) -> Option<Client> {
        self.named(name)
            .map(|one| Client::new(Arc::clone(&one.wire)))
    }

    /// Asks nothing more until it is resumed. What runs is finished. `false` when there is no such connection.
    pub fn pause(&self, name: &str) -> bool {
        self.command(name, |control| {
            control.paused.store(true, Ordering::Relaxed)
        })
    }

    /// Goes on. `false` when there is no such connection.
    pub fn resume(&self, name: &str) -> bool {
        self.command(name, |control| {
            control.paused.store(false, Ordering::Relaxed)
        })
    }

    /// Asks everything again as if for the first time. `false` when there is no such connection.
    pub fn resync(&self, name: &str) -> bool {
        self.command(name, |control| {
            control.resync.store(true, Ordering::Relaxed)
        })
    }

    /// Resolves when nothing is due at the clock's present instant and nothing runs.
    pub async fn settled(&self) {
        loop {
            for one in self.all.iter() {
                one.wire.pulse.settled().await;
            }
            // While one was waited for another may have begun.
            if self.all.iter().all(|one| one.wire.pulse.is_settled()) {
                return;
            }
        }
    }

    /// The connections that are not settled, and what they do.
    #[must_use]
    pub fn unsettled(&self) -> Vec<String> {
        self.all
            .iter()
            .filter(|one| !one.wire.pulse.is_settled())
            .map(|one| format!("{} ({})", one.wire.name, one.wire.pulse.words()))
            .collect()
    }

    /// The earliest instant at which one of them does something by itself.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.all
            .iter()
            .filter_map(|one| one.wire.pulse.next_due())
            .min()
    }

    /// Tries whether the connection of that name can be used; none when there is no such connection.
    pub async fn check(&self, name: &str) -> Option<Check> {
        let wire = &self.named(name)?.wire;
        let busy = wire.pulse.busy();
        Some(check(wire, &busy).await)
    }

    fn named(&self, name: &str) -> Option<&Connection> {
        self.all.iter().find(|one| one.wire.name == name)
    }

    fn command(&self, name: &str, what: impl FnOnce(&Control)) -> bool {
        let Some(one) = self.named(name) else {
            return false;
        };
        what(&one.control);
        one.wire.pulse.call();
        one.control.wake.notify_one();
        true
    }
}

impl Connection {
    fn status(&self) -> Status {
        let breaker = self.wire.breaker();
        let figures = self.wire.figures().clone();
        let control = &self.control;
        let failed_last = match (figures.last_failure, figures.last_success) {
            (Some((failed, _)), Some(answered)) => failed > answered,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let state = if control.paused.load(Ordering::Relaxed) {
            State::Paused
        } else if breaker != BreakerState::Closed || (failed_last && figures.last_success.is_none())
        {
            State::Down
        } else if failed_last || control.troubled.load(Ordering::Relaxed) {
            State::Degraded
        } else {
            State::Up
        };
        Status {
            name: self.wire.name.clone(),
            vendor: self.vendor.clone(),
            origin: self.wire.base.origin(),
            state,
            breaker,
            rate_per_minute: self.wire.rate(),
            requests: figures.requests,
            last_success: figures.last_success,
            last_failure: figures.last_failure,
            next_due: self.wire.pulse.next_due(),
            patients: control.patients.load(Ordering::Relaxed),
            crawled_once: control.crawled.load(Ordering::Relaxed),
        }
    }
}
