//! The loop: looks, and waits until there is something to look at. What a look is, is in `pass`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bedside_core::ctx::OpCtx;
use bedside_core::error::Kind;
use bedside_core::facts::Catalogue;
use bedside_fact::clock::Timestamp;
use bedside_store::lease::Held;
use bedside_store::{CaseCommit, Error, Store};
use bedside_workflow::{Definition, Groups};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::write::Routes;
use crate::drive::Drive;

/// Pause after a failure that time may mend.
const PAUSE: SignedDuration = SignedDuration::from_millis(500);

/// A sweep looks at everything that is due even when nobody was woken, and tries again what failed.
pub(super) const SWEEP: SignedDuration = SignedDuration::from_secs(60);

/// What the engine runs on.
pub struct Options {
    /// What is true.
    pub store: Store,
    /// The workflows that run.
    pub definitions: Vec<Arc<Definition>>,
    /// The code lists that they name.
    pub groups: Arc<Groups>,
    /// The facts of this site.
    pub catalogue: Arc<Catalogue>,
    /// The site's zone.
    pub zone: TimeZone,
    /// Where writes can go.
    pub routes: Routes,
    /// This process, as the holder of leases.
    pub owner: String,
    /// Who says when to look.
    pub drive: Drive,
}

/// Where the engine stands; for whoever drives a virtual clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// It waits, having looked at everything up to [`Pace::seq`] and at every timer that was due.
    pub idle: bool,
    /// The position of the store at which it last looked.
    pub seq: i64,
    /// When something is next due.
    pub next_due: Option<Timestamp>,
}

/// A handle to the workflows. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(super) shared: Arc<Shared>,
    publish: watch::Sender<Pace>,
    pace: watch::Receiver<Pace>,
}

pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) ctx: OpCtx,
    pub(super) definitions: Vec<Arc<Definition>>,
    pub(super) groups: Arc<Groups>,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) zone: TimeZone,
    pub(super) routes: Routes,
    pub(super) owner: String,
    pub(super) drive: Drive,
    /// The lease on evaluation, while it is ours.
    pub(super) leased: Mutex<Option<Leased>>,
    /// When cases were last told what they had not heard of their writes.
    pub(super) told_at: Mutex<Option<Timestamp>>,
    /// How often a case was written.
    pub(super) mark: AtomicU64,
    pub(super) shutdown: CancellationToken,
}

/// A lease that is ours.
#[derive(Clone)]
pub(super) struct Leased {
    pub(super) held: Held,
    /// Until when it is ours without asking again.
    pub(super) until: Timestamp,
}

impl Engine {
    /// Makes the engine and the future that runs it until `shutdown`. Before this returns the engine has noted where it begins, so
    /// that all that is received from now on is looked at, and nothing that was there before a workflow was switched on.
    ///
    /// # Errors
    /// The store could not be read or written.
    pub async fn start(
        options: Options,
        shutdown: CancellationToken,
    ) -> Result<(Self, impl Future<Output = ()> + Send), Error> {
        let store = options.store;
        let ctx = OpCtx::service(
            store.tenant().clone(),
            "workflow",
            Arc::clone(store.clock()),
        );
        let shared = Arc::new(Shared {
            store,
            ctx,
            definitions: options.definitions,
            groups: options.groups,
            catalogue: options.catalogue,
            zone: options.zone,
            routes: options.routes,
            owner: options.owner,
            drive: options.drive,
            leased: Mutex::default(),
            told_at: Mutex::default(),
            mark: AtomicU64::new(0),
            shutdown,
        });
        shared.begin().await?;
        let (publish, pace) = watch::channel(Pace::default());
        let all = Arc::clone(&shared);
        let told = publish.clone();
        let fatal = shared.store.fatal();
        let running = async move {
            tokio::select! {
                biased;
                error = fatal => tracing::error!(code = error.code(), "the workflows stopped: {error}"),
                () = all.run(told) => {}
            }
            // Whoever looks next need not wait until a lease of nobody's is over.
            all.resign().await;
        };
        Ok((
            Self {
                shared,
                publish,
                pace,
            },
            running,
        ))
    }

    /// The workflows that run.
    #[must_use]
    pub fn definitions(&self) -> &[Arc<Definition>] {
        &self.shared.definitions
    }

    /// A number that grows with each change of a case.
    #[must_use]
    pub fn mark(&self) -> u64 {
        self.shared.mark.load(Ordering::Relaxed)
    }

    /// When something is next due.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.pace.borrow().next_due
    }

    /// Waits until everything that is in the store now was looked at and no timer is due; looks itself when it is told when to.
    pub async fn settled(&self) {
        if self.shared.drive.is_told() {
            self.shared.look(&self.publish).await;
            return;
        }
        let mut pace = self.pace.clone();
        let store = &self.shared.store;
        let quiet = |pace: &Pace| {
            pace.idle
                && pace.seq >= *store.changes().borrow()
                && pace.next_due.is_none_or(|due| due > store.clock().now())
        };
        // When the engine has ended nothing will be looked at any more.
        let _ = pace.wait_for(quiet).await;
    }
}

impl Shared {
    /// Commits cases, and lets worklists know.
    pub(super) async fn commit(&self, ctx: &OpCtx, commit: CaseCommit) -> Result<(), Error> {
        self.store.commit_cases(ctx, commit).await?;
        self.mark.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn run(&self, publish: watch::Sender<Pace>) {
        let clock = Arc::clone(self.store.clock());
        let mut changes = self.store.changes();
        tokio::select! {
            () = self.drive.released() => {}
            () = self.shutdown.cancelled() => {}
        }
        while !self.shutdown.is_cancelled() {
            publish.send_modify(|pace| pace.idle = false);
            // Read before looking: what is committed while we look is looked at again.
            let head = *changes.borrow_and_update();
            let next_due = match self.pass().await {
                Ok(next_due) => next_due,
                Err(error) => {
                    self.say(&error);
                    let due = clock.now().saturating_add(PAUSE).unwrap_or(Timestamp::MAX);
                    tokio::select! {
                        () = clock.wait_until(due) => {}
                        () = self.shutdown.cancelled() => {}
                    }
                    continue;
                }
            };
            publish.send_modify(|pace| {
                *pace = Pace {
                    idle: true,
                    seq: head,
                    next_due,
                };
            });
            let sweep = clock.now().saturating_add(SWEEP).unwrap_or(Timestamp::MAX);
            let due = next_due.map_or(sweep, |due| due.min(sweep));
            tokio::select! {
                changed = changes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = clock.wait_until(due) => {}
                () = self.shutdown.cancelled() => {}
            }
        }
    }

    /// Looks until a look changes nothing any more, or can't be done.
    async fn look(&self, publish: &watch::Sender<Pace>) {
        loop {
            let seq = *self.store.changes().borrow();
            match self.pass().await {
                Ok(next_due) => {
                    publish.send_replace(Pace {
                        idle: true,
                        seq,
                        next_due,
                    });
                    let due = next_due.is_some_and(|due| due <= self.store.clock().now());
                    if *self.store.changes().borrow() == seq && !due {
                        return;
                    }
                }
                Err(error) => {
                    self.say(&error);
                    return;
                }
            }
        }
    }

    fn say(&self, error: &Error) {
        match error.kind() {
            Kind::Conflict => tracing::debug!(code = error.code(), "another node looks: {error}"),
            Kind::Busy => tracing::debug!(code = error.code(), "the workflows wait: {error}"),
            Kind::Invalid | Kind::Denied | Kind::Broken => {
                tracing::error!(
                    code = error.code(),
                    "the workflows could not go on: {error}"
                );
            }
        }
    }
}
