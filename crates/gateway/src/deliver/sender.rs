//! One sender a route: takes what is due, has it sent or looked for (`attempt`), and tells the case how that ended.

use std::pin::Pin;
use std::sync::Arc;

use bedside_core::ctx::OpCtx;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::SourceId;
use bedside_store::{Error, OutboxItem, Store};
use jiff::SignedDuration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::attempt::{Absent, Attempt, Outcome};
use super::stranded;
use crate::connection::Client;
use crate::drive::Drive;
use crate::workflow::Engine;

/// How long an item may be in hand, in seconds: longer than any request may take.
pub(super) const CLAIM: i64 = 120;

/// Where the store could not be read, a look again.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// Where nobody was woken, a look all the same.
const SWEEP: SignedDuration = SignedDuration::from_secs(60);

/// One route and how it is spoken to.
#[derive(Clone)]
pub struct Outlet {
    /// Its name: `oracle/Communication`.
    pub route: String,
    /// The connection.
    pub client: Client,
    /// The source, for incidents.
    pub source: SourceId,
    /// The parameters with which what was written is found again; without any only a person can settle an unanswered write.
    pub find_by: Vec<String>,
    /// So long after a write left, the other side may still take it and come to show it.
    pub visible_after: SignedDuration,
}

/// What the senders run on.
pub struct Options {
    /// What is true.
    pub store: Store,
    /// The routes.
    pub outlets: Vec<Outlet>,
    /// Who hears how a write ended.
    pub engine: Engine,
    /// This process, as the holder of claims.
    pub owner: String,
    /// Who says when to look.
    pub drive: Drive,
}

/// What runs until the shutdown.
pub type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A handle to all senders. Cheap to clone.
#[derive(Clone)]
pub struct Deliveries {
    store: Store,
    drive: Drive,
    senders: Arc<Vec<(Sender, watch::Sender<Pace>)>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    idle: bool,
    seq: i64,
    next_due: Option<Timestamp>,
}

impl Deliveries {
    /// Makes the senders and the futures that run them until `shutdown`. A request that is under way then is finished first.
    #[must_use]
    pub async fn start(options: Options, shutdown: &CancellationToken) -> (Self, Vec<Running>) {
        let (mut senders, mut running) = (Vec::new(), Vec::new());
        stranded::tell(&options).await;
        for outlet in options.outlets {
            let publish = watch::Sender::new(Pace::default());
            let store = options.store.clone();
            let sender = Sender {
                ctx: OpCtx::service(store.tenant().clone(), "outbox", Arc::clone(store.clock())),
                store,
                outlet,
                engine: options.engine.clone(),
                owner: options.owner.clone(),
                drive: options.drive.clone(),
                shutdown: shutdown.clone(),
                absent: Arc::default(),
            };
            senders.push((sender.clone(), publish.clone()));
            let run: Running = Box::pin(async move { sender.run(publish).await });
            running.push(run);
        }
        let handle = Self {
            store: options.store,
            drive: options.drive,
            senders: Arc::new(senders),
        };
        (handle, running)
    }

    /// Waits until nothing is due on any route.
    pub async fn settled(&self) {
        for (sender, publish) in self.senders.iter() {
            if self.drive.is_told() {
                sender.look(publish).await;
                continue;
            }
            let mut pace = publish.subscribe();
            let quiet = |pace: &Pace| {
                pace.idle
                    && pace.seq >= *self.store.changes().borrow()
                    && pace
                        .next_due
                        .is_none_or(|due| due > self.store.clock().now())
            };
            // A sender that has ended sends nothing any more.
            let _ = pace.wait_for(quiet).await;
        }
    }

    /// When the next attempt or check is due on any route.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.senders
            .iter()
            .filter_map(|(_, pace)| pace.borrow().next_due)
            .min()
    }
}

#[derive(Clone)]
struct Sender {
    store: Store,
    ctx: OpCtx,
    outlet: Outlet,
    engine: Engine,
    owner: String,
    drive: Drive,
    shutdown: CancellationToken,
    /// What a search did not show.
    absent: Arc<Absent>,
}

impl Sender {
    /// Looks until nothing is due any more, or it can't be read.
    async fn look(&self, publish: &watch::Sender<Pace>) {
        let seq = *self.store.changes().borrow();
        match self.pass().await {
            Ok(next_due) => {
                publish.send_replace(Pace {
                    idle: true,
                    seq,
                    next_due,
                });
            }
            Err(error) => {
                tracing::warn!(code = error.code(), route = %self.outlet.route, "the outbox could not be read: {error}")
            }
        }
    }

    async fn run(self, publish: watch::Sender<Pace>) {
        let clock = Arc::clone(self.store.clock());
        let mut changes = self.store.changes();
        tokio::select! {
            () = self.drive.released() => {}
            () = self.shutdown.cancelled() => {}
        }
        while !self.shutdown.is_cancelled() {
            publish.send_modify(|pace| pace.idle = false);
            let head = *changes.borrow_and_update();
            let next_due = match self.pass().await {
                Ok(next_due) => next_due,
                Err(error) => {
                    tracing::warn!(code = error.code(), route = %self.outlet.route, "the outbox could not be read: {error}");
                    clock.now().saturating_add(PAUSE).ok()
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

    /// One look at the route: yields when the next attempt is due. Items are taken one by one, so that none waits in hand while another
    /// is under way.
    async fn pass(&self) -> Result<Option<Timestamp>, Error> {
        let (store, ctx) = (&self.store, &self.ctx);
        let (route, owner) = (&self.outlet.route, &self.owner);
        while !self.shutdown.is_cancelled() && self.outlet.client.rests_until().is_none() {
            let due = store.outbox_claim(ctx, route, owner, 1, CLAIM).await?;
            let unknown = store
                .outbox_claim_unknown(ctx, route, owner, 1, CLAIM)
                .await?;
            if due.is_empty() && unknown.is_empty() {
                break;
            }
            let attempt = Attempt {
                store,
                ctx,
                outlet: &self.outlet,
                engine: &self.engine,
                absent: &self.absent,
            };
            for item in due {
                match attempt.send(item).await {
                    Ok((item, outcome)) => self.settle(&item, outcome).await?,
                    // Somebody else holds it now: it is theirs to send.
                    Err(Error::Conflict) => {}
                    Err(error) => return Err(error),
                }
            }
            for item in unknown {
                let outcome = attempt.find(&item).await;
                self.settle(&item, outcome).await?;
            }
        }
        let next = store.outbox_next(ctx, Some(route)).await?;
        // While the server is left alone nothing is taken in hand.
        Ok(match (next, self.outlet.client.rests_until()) {
            (Some(next), Some(until)) => Some(next.max(until)),
            (next, _) => next,
        })
    }

    async fn settle(&self, item: &OutboxItem, outcome: Outcome) -> Result<(), Error> {
        // The case has heard it already when nothing new is said.
        let news = item.reason.as_deref() != Some(outcome.words.as_str());
        let settled = self
            .store
            .outbox_settle(&self.ctx, item, outcome.settlement)
            .await;
        match settled {
            Ok(()) => {}
            // Another claim has taken it over, and its word counts.
            Err(Error::Conflict) => return Ok(()),
            Err(error) => return Err(error),
        }
        if let Some(case) = item.case.as_ref().filter(|_| news) {
            self.engine
                .written(case, &item.key, outcome.state, &outcome.words)
                .await;
        }
        Ok(())
    }
}
