//! One sender a route: claims what is due, sends it, reads it back, and settles what is unknown.

use std::sync::Arc;

use bedside_core::ctx::OpCtx;
use bedside_core::incident;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::SourceId;
use bedside_store::{Error, OutboxItem, Settlement, Store};
use bedside_workflow::case::WriteState;
use jiff::SignedDuration;
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::compare::differences;
use crate::connection::{Client, Written};
use crate::drive::Drive;
use crate::workflow::{Engine, KEY_SYSTEM};

/// Items that one sender takes at once.
const BATCH: usize = 20;

/// How long an item may be in hand, in seconds: longer than any request may take.
const CLAIM: i64 = 120;

/// A refusal that time may mend is tried again so many times, each pause twice the one before.
const TRIES: i64 = 8;

/// The first of these pauses.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(5);

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
    /// Whether what was written can be found again by our key; else only a person can settle an unanswered write.
    pub searchable: bool,
    /// How long the other side may take until what it took can be found.
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
    pub fn start(
        options: Options,
        shutdown: &CancellationToken,
    ) -> (Self, Vec<impl Future<Output = ()> + Send + use<>>) {
        let (mut senders, mut running) = (Vec::new(), Vec::new());
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
            };
            senders.push((sender.clone(), publish.clone()));
            running.push(async move { sender.run(publish).await });
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
            Err(error) => tracing::warn!(code = error.code(), route = %self.outlet.route, "the outbox could not be read: {error}"),
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
                    clock.now().saturating_add(FIRST_PAUSE).ok()
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

    /// One look at the route: yields when the next attempt is due.
    async fn pass(&self) -> Result<Option<Timestamp>, Error> {
        loop {
            let (route, owner) = (&self.outlet.route, &self.owner);
            let due = self
                .store
                .outbox_claim(&self.ctx, route, owner, BATCH, CLAIM)
                .await?;
            let unknown = self
                .store
                .outbox_claim_unknown(&self.ctx, route, owner, BATCH, CLAIM)
                .await?;
            if due.is_empty() && unknown.is_empty() {
                let now = self.store.clock().now();
                let next = self.store.outbox_next(&self.ctx).await?;
                // What is due already and was not given to us is another route's.
                return Ok(next.filter(|due| *due > now));
            }
            for item in due {
                let (settlement, state, words) = self.send(&item).await;
                self.settle(&item, settlement, state, &words).await?;
            }
            for item in unknown {
                let (settlement, state, words) = self.find(&item).await;
                self.settle(&item, settlement, state, &words).await?;
            }
        }
    }

    async fn settle(
        &self,
        item: &OutboxItem,
        settlement: Settlement,
        state: WriteState,
        words: &str,
    ) -> Result<(), Error> {
        self.store
            .outbox_settle(&self.ctx, item, settlement)
            .await?;
        if let Some(case) = &item.case {
            self.engine.written(case, &item.key, state, words).await;
        }
        Ok(())
    }

    async fn send(&self, item: &OutboxItem) -> (Settlement, WriteState, String) {
        let Some((resource_type, body)) = read(item) else {
            let words = String::from("what is to be written can't be read");
            return (Settlement::Refused(words.clone()), WriteState::Refused, words);
        };
        match self.outlet.client.create(&resource_type, &body).await {
            Written::Created { id: Some(id) } => self.read_back(item, &id).await,
            Written::Created { id: None } => self.unknown(
                "the EHR took it and did not say under which id",
                incident::Kind::WriteUnanswered,
            )
            .await,
            Written::Refused { status, retry: true } if item.attempt < TRIES => {
                let pause = FIRST_PAUSE.saturating_mul(1 << item.attempt.clamp(0, 10));
                let now = self.store.clock().now();
                let due = now.saturating_add(pause).unwrap_or(now);
                let words = format!("the EHR answered {status}; it is tried again");
                (Settlement::Again(due, words.clone()), WriteState::Queued, words)
            }
            Written::Refused { status, .. } => {
                self.note(incident::Kind::WriteRefused, &format!("{resource_type}: {status}"))
                    .await;
                let words = format!("the EHR refused it ({status})");
                (Settlement::Refused(words.clone()), WriteState::Refused, words)
            }
            Written::NotSent { why } => {
                let now = self.store.clock().now();
                let due = now.saturating_add(FIRST_PAUSE).unwrap_or(now);
                let words = format!("not sent yet: {why}");
                (Settlement::Again(due, words.clone()), WriteState::Queued, words)
            }
            Written::Unanswered => self.unknown(
                "the EHR did not answer, so nobody knows whether it has it",
                incident::Kind::WriteUnanswered,
            )
            .await,
        }
    }

    /// What was created is read again, and compared with what was sent.
    async fn read_back(&self, item: &OutboxItem, id: &str) -> (Settlement, WriteState, String) {
        let Some((resource_type, body)) = read(item) else {
            return self.unknown("what was written can't be read", incident::Kind::ReadBackDiffers).await;
        };
        match self.outlet.client.read(&resource_type, id).await {
            Ok(held) => self.compared(&resource_type, &body, &held, Some(id.to_owned())).await,
            Err(failure) => {
                let _ = failure;
                self.unknown("it was taken, and could not be read back", incident::Kind::WriteUnanswered).await
            }
        }
    }

    async fn compared(
        &self,
        resource_type: &str,
        body: &str,
        held: &Value,
        remote: Option<String>,
    ) -> (Settlement, WriteState, String) {
        let written: Value = serde_json::from_str(body).unwrap_or_default();
        let differences = differences(&written, held);
        if differences.is_empty() {
            let words = String::from("confirmed: read back from the EHR and compared");
            return (Settlement::Done { remote }, WriteState::Confirmed, words);
        }
        let what = differences.join(", ");
        self.note(incident::Kind::ReadBackDiffers, &format!("{resource_type}: {what}")).await;
        let words = format!("the EHR holds something else than was written ({what}); look at it there");
        (
            Settlement::Unknown { reason: words.clone(), check_at: None },
            WriteState::Unknown,
            words,
        )
    }

    /// An item of which nobody knows whether it was taken: looked for at the other side by our key.
    async fn find(&self, item: &OutboxItem) -> (Settlement, WriteState, String) {
        let Some((resource_type, body)) = read(item).filter(|_| self.outlet.searchable) else {
            let words = String::from("nobody knows whether the EHR has it, and it can't be searched; look there, then `bedside outbox resolve`");
            return (
                Settlement::Unknown { reason: words.clone(), check_at: None },
                WriteState::Unknown,
                words,
            );
        };
        let subject = serde_json::from_str::<Value>(&body)
            .ok()
            .and_then(|body| body.pointer("/subject/reference")?.as_str().map(str::to_owned))
            .unwrap_or_default();
        let patient = subject.strip_prefix("Patient/").unwrap_or(&subject).to_owned();
        match self.outlet.client.search(&resource_type, &[(String::from("patient"), patient)]).await {
            Ok(found) if found.is_whole() => {
                let ours = found.entries.iter().find(|entry| has_key(entry, &item.key));
                match ours {
                    Some(held) => {
                        let id = held.get("id").and_then(Value::as_str).map(str::to_owned);
                        self.compared(&resource_type, &body, held, id).await
                    }
                    None => {
                        let now = self.store.clock().now();
                        let words = String::from("the EHR was searched and does not have it; it is sent again");
                        (Settlement::Again(now, words.clone()), WriteState::Queued, words)
                    }
                }
            }
            Ok(_) | Err(_) => {
                let now = self.store.clock().now();
                let check_at = now.saturating_add(FIRST_PAUSE).ok();
                let words = String::from("nobody knows whether the EHR has it; it could not be searched just now");
                (Settlement::Unknown { reason: words.clone(), check_at }, WriteState::Unknown, words)
            }
        }
    }

    async fn unknown(&self, words: &str, kind: incident::Kind) -> (Settlement, WriteState, String) {
        self.note(kind, &self.outlet.route).await;
        let now = self.store.clock().now();
        let check_at = now
            .saturating_add(self.outlet.visible_after)
            .ok()
            .filter(|_| self.outlet.searchable);
        (
            Settlement::Unknown { reason: words.to_owned(), check_at },
            WriteState::Unknown,
            words.to_owned(),
        )
    }

    /// An incident is news beside the write; when it can't be noted the write goes on.
    async fn note(&self, kind: incident::Kind, detail: &str) {
        if let Err(error) = self.store.incident(&self.ctx, &self.outlet.source, kind, detail).await {
            tracing::warn!(code = error.code(), "an incident could not be noted: {error}");
        }
    }
}

fn read(item: &OutboxItem) -> Option<(String, String)> {
    let text = String::from_utf8(item.payload.clone()).ok()?;
    let body: Value = serde_json::from_str(&text).ok()?;
    Some((body.get("resourceType")?.as_str()?.to_owned(), text))
}

fn has_key(resource: &Value, key: &str) -> bool {
    let identifiers = resource.get("identifier").and_then(Value::as_array);
    identifiers.is_some_and(|identifiers| {
        identifiers.iter().any(|identifier| {
            identifier.get("system").and_then(Value::as_str) == Some(KEY_SYSTEM)
                && identifier.get("value").and_then(Value::as_str) == Some(key)
        })
    })
}
