//! The loop of one connection: hold the lease, know the roster, ask what is due, take it in, sleep until the next.
//!
//! The due times stand in the store, so a restart goes on where it was. One node polls a source at a time, and what it commits is checked
//! against the lease.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bedside_core::ctx::OpCtx;
use bedside_core::incident::Kind;
use bedside_core::profile::Pace;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::ResourceId;
use bedside_store::{Held, Poll, Store};
use jiff::SignedDuration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::breaker::{BreakerState, later};
use super::incidents::Incidents;
use super::options::{Pace as Paces, Roster};
use super::pulse::Busy;
use super::roster;
use super::unit::{Gathered, Memory, Shared, Unit, demographics_of, hash_of};
use crate::error::Error;
use crate::lanes::Lanes;

/// Seconds that a lease is held without being renewed.
const LEASE: i64 = 60;

/// Who holds the lease. One process works on a store; of several on one server the fence lets one commit.
const OWNER: &str = "bedside";

/// Polls of one round.
const ROUND: usize = 64;

/// The pause after the store refused.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// The pause when nothing at all is due.
const IDLE: SignedDuration = SignedDuration::from_mins(5);

/// After a refused question the roster is read anew, but not more often than this.
const ODD: SignedDuration = SignedDuration::from_mins(5);

/// What a handle can do to a poller, and what it shows of itself.
#[derive(Default)]
pub(super) struct Control {
    pub(super) paused: AtomicBool,
    pub(super) resync: AtomicBool,
    pub(super) wake: Notify,
    pub(super) patients: AtomicU64,
    pub(super) crawled: AtomicBool,
    pub(super) troubled: AtomicBool,
}

impl Control {
    pub(super) fn trouble(&self, is: bool) {
        self.troubled.store(is, Ordering::Relaxed);
    }
}

/// One connection's loop.
pub(super) struct Poller {
    pub(super) store: Store,
    pub(super) lanes: Lanes,
    pub(super) ctx: OpCtx,
    pub(super) shared: Arc<Shared>,
    pub(super) control: Arc<Control>,
    pub(super) shutdown: CancellationToken,
    pub(super) paces: Paces,
    pub(super) roster: Roster,
    pub(super) incidents: Incidents,
    pub(super) held: Option<Held>,
    state: State,
}

/// What it knows of its own.
#[derive(Default)]
struct State {
    renewed_at: Option<Timestamp>,
    /// Public id to the source's own, once the roster was read.
    members: Option<BTreeMap<ResourceId, String>>,
    roster_due: Option<Timestamp>,
    roster_failures: i64,
    roster_read: Option<Timestamp>,
}

/// What a poller is made of.
pub(super) struct Parts {
    pub(super) store: Store,
    pub(super) lanes: Lanes,
    pub(super) shared: Arc<Shared>,
    pub(super) control: Arc<Control>,
    pub(super) shutdown: CancellationToken,
    pub(super) paces: Paces,
    pub(super) roster: Roster,
}

impl Poller {
    pub(super) fn new(parts: Parts) -> Self {
        let store = parts.store;
        Self {
            ctx: OpCtx::service(
                store.tenant().clone(),
                "connection",
                Arc::clone(store.clock()),
            ),
            store,
            lanes: parts.lanes,
            shared: parts.shared,
            control: parts.control,
            shutdown: parts.shutdown,
            paces: parts.paces,
            roster: parts.roster,
            incidents: Incidents::new(),
            held: None,
            state: State::default(),
        }
    }

    /// Runs until shutdown. `busy` was taken before the task was, so that nobody thinks it idle before it began.
    pub(super) async fn run(mut self, busy: Busy) {
        let pulse = self.shared.wire.pulse.clone();
        while !self.shutdown.is_cancelled() {
            pulse.heard();
            let due = match self.pass(&busy).await {
                Ok(due) => due,
                Err(Error::Stopping) => break,
                Err(error) => {
                    // Somebody else may poll now, or the store refuses: the lease is asked for anew.
                    self.held = None;
                    tracing::warn!(
                        source = self.shared.wire.name,
                        code = error.code(),
                        "polling pauses: {error}"
                    );
                    Some(later(self.ctx.now(), PAUSE))
                }
            };
            let control = Arc::clone(&self.control);
            let clock = Arc::clone(&self.ctx.clock);
            let idle = async {
                let sleep = async {
                    match due {
                        Some(due) => clock.wait_until(due).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = sleep => {}
                    () = control.wake.notified() => {}
                    () = self.shutdown.cancelled() => {}
                }
            };
            busy.aside(due, idle).await;
        }
        if let Some(held) = &self.held
            && let Err(error) = self.store.release(&self.ctx, held).await
        {
            tracing::debug!(code = error.code(), "a lease was not given back: {error}");
        }
    }

    /// Asks everything that is due. Yields when to look again; none while it is paused.
    async fn pass(&mut self, busy: &Busy) -> Result<Option<Timestamp>, Error> {
        loop {
            if self.shutdown.is_cancelled() || self.control.paused.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let now = self.ctx.now();
            if !self.lease(now).await? {
                return Ok(Some(later(now, SignedDuration::from_secs(LEASE / 2))));
            }
            let resync = self.control.resync.swap(false, Ordering::Relaxed);
            let breaker = self.shared.wire.breaker();
            if let BreakerState::Open { until } = breaker
                && until > now
            {
                return Ok(Some(until));
            }
            if resync || self.state.roster_due.is_none_or(|due| due <= now) {
                self.read_roster(busy).await?;
            }
            if resync {
                self.begin_anew().await?;
            }
            let roster_due = self.state.roster_due.unwrap_or_else(|| later(now, PAUSE));
            let Some(members) = &self.state.members else {
                return Ok(Some(roster_due));
            };
            let source = &self.shared.source.id;
            let limit = match self.shared.wire.breaker() {
                BreakerState::Closed => ROUND,
                // One question finds out whether the server is back.
                BreakerState::Open { .. } | BreakerState::HalfOpen => 1,
            };
            let polls = self
                .store
                .polls_due(&self.ctx, source, self.ctx.now(), limit)
                .await?;
            if polls.is_empty() {
                self.control.crawled.store(true, Ordering::Relaxed);
                let next = self.store.next_poll(&self.ctx, source).await?;
                let next = next.unwrap_or_else(|| later(now, IDLE));
                return Ok(Some(next.min(roster_due)));
            }
            let (units, gone) = sort(polls, members);
            for poll in gone {
                self.leave(busy, &poll.key, &Memory::read(&poll.cursor).patient)
                    .await?;
            }
            let gathered = self.round(busy, units).await?;
            let odd = gathered
                .iter()
                .any(|one| one.wrong.iter().any(|(kind, _)| *kind == Kind::BadQuery));
            self.take(gathered).await?;
            if odd
                && self
                    .state
                    .roster_read
                    .is_none_or(|at| later(at, ODD) <= now)
            {
                // Some servers refuse questions about a record that went into another one (vendor catalogue EPIC-38): the roster tells.
                self.state.roster_due = Some(now);
            }
        }
    }

    /// Asks what is due of several patients at the same time.
    async fn round(&self, busy: &Busy, units: Vec<Unit>) -> Result<Vec<Gathered>, Error> {
        let pulse = &self.shared.wire.pulse;
        let most = usize::try_from(self.shared.wire.profile.limits.concurrency).unwrap_or(1);
        let mut waiting = VecDeque::from(units);
        let mut running = JoinSet::new();
        let mut gathered = Vec::new();
        loop {
            while running.len() < most
                && let Some(unit) = waiting.pop_front()
            {
                running.spawn(unit.run(Arc::clone(&self.shared), pulse.busy()));
            }
            if running.is_empty() {
                break;
            }
            let next = async {
                tokio::select! {
                    biased;
                    () = self.shutdown.cancelled() => Err(Error::Stopping),
                    done = running.join_next() => Ok(done),
                }
            };
            match busy.aside(None, next).await? {
                // Its own mark of being busy ends only now, when ours has begun again.
                Some(Ok((one, _busy))) => gathered.push(one),
                Some(Err(error)) => {
                    if let Ok(panic) = error.try_into_panic() {
                        std::panic::resume_unwind(panic);
                    }
                }
                None => {}
            }
        }
        // Answers come in any order; what is made of them does not depend on it.
        gathered.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(gathered)
    }

    /// Takes or keeps the lease. `false` while another node has it.
    async fn lease(&mut self, now: Timestamp) -> Result<bool, Error> {
        let fresh = self
            .state
            .renewed_at
            .is_some_and(|at| now.duration_since(at) < SignedDuration::from_secs(LEASE / 3));
        if let Some(held) = &self.held {
            if fresh || self.store.renew(&self.ctx, held, LEASE).await? {
                if !fresh {
                    self.state.renewed_at = Some(now);
                }
                return Ok(true);
            }
            self.held = None;
        }
        let key = self.shared.source.id.as_str();
        let fence = self
            .store
            .lease(&self.ctx, "poller", key, OWNER, LEASE)
            .await?;
        self.held = fence.map(|fence| Held {
            kind: String::from("poller"),
            key: key.to_owned(),
            fence,
        });
        self.state.renewed_at = Some(now);
        Ok(self.held.is_some())
    }

    /// Reads who is on the roster: new patients get their polls, those who left are looked at once more.
    async fn read_roster(&mut self, busy: &Busy) -> Result<(), Error> {
        let read = roster::members(&self.shared.wire, busy, &self.roster).await;
        let now = self.ctx.now();
        let place = String::from("roster|Group");
        let listed = match read {
            Ok(listed) => listed,
            Err(missed) => {
                let rest = self.shared.wire.rest(self.state.roster_failures);
                self.state.roster_failures += 1;
                self.state.roster_due = Some(later(now, rest.min(self.paces.roster)));
                let kind = missed.failure().kind;
                return self.tell(&[(kind, place)], &[]).await;
            }
        };
        self.state.roster_failures = 0;
        self.state.roster_read = Some(now);
        self.state.roster_due = Some(later(now, self.paces.roster));
        let source = &self.shared.source.id;
        let unusable = listed.unusable;
        let members: BTreeMap<ResourceId, String> = listed
            .patients
            .into_iter()
            .map(|id| (self.shared.ids.public_id(source, "Patient", &id), id))
            .collect();
        let before = self.state.members.take().unwrap_or_default();
        let polls: Vec<(String, Timestamp)> = members
            .keys()
            .filter(|patient| !before.contains_key(*patient))
            .flat_map(|patient| keys(patient).map(|key| (key, now)))
            .collect();
        self.store.ensure_polls(&self.ctx, source, &polls).await?;
        let left: Vec<(ResourceId, String)> = before
            .into_iter()
            .filter(|(patient, _)| !members.contains_key(patient))
            .collect();
        let count = u64::try_from(members.len()).unwrap_or(u64::MAX);
        self.control.patients.store(count, Ordering::Relaxed);
        self.state.members = Some(members);
        if unusable > 0 {
            tracing::warn!(
                source = source.as_str(),
                unusable,
                "members of the roster name no patient of this server"
            );
            self.tell(&[(Kind::ForeignSubject, place)], &[]).await?;
        } else {
            self.tell(&[], &[place]).await?;
        }
        for (patient, source_id) in left {
            for key in keys(&patient) {
                self.leave(busy, &key, &source_id).await?;
            }
        }
        Ok(())
    }

    /// Somebody is not on the roster any more: perhaps because two records became one, which the source says only when it is asked.
    async fn leave(&mut self, busy: &Busy, key: &str, source_id: &str) -> Result<(), Error> {
        if key.ends_with(Pace::Rest.as_str()) && !source_id.is_empty() {
            let (entries, _) = demographics_of(&self.shared, busy, source_id).await;
            let now = self.ctx.now();
            let prepared = entries
                .iter()
                .map(|entry| (0, self.shared.prepare(entry, now, hash_of(&entry.text))))
                .collect();
            self.append(prepared).await?;
        }
        self.incidents.forget(key);
        self.store
            .drop_polls(&self.ctx, &self.shared.source.id, &[key.to_owned()])
            .await?;
        Ok(())
    }

    /// Everything is asked again as if for the first time.
    async fn begin_anew(&self) -> Result<(), Error> {
        let Some(members) = &self.state.members else {
            return Ok(());
        };
        let source = &self.shared.source.id;
        let all: Vec<String> = members.keys().flat_map(keys).collect();
        self.store.drop_polls(&self.ctx, source, &all).await?;
        let now = self.ctx.now();
        let polls: Vec<(String, Timestamp)> = all.into_iter().map(|key| (key, now)).collect();
        self.store.ensure_polls(&self.ctx, source, &polls).await?;
        Ok(())
    }

    pub(super) const fn pace(&self, pace: Pace) -> SignedDuration {
        match pace {
            Pace::Labs => self.paces.labs,
            Pace::Rest => self.paces.rest,
        }
    }
}

/// The polls of one patient.
fn keys(patient: &ResourceId) -> [String; 2] {
    [Pace::Labs, Pace::Rest].map(|pace| format!("{}/{}", patient.as_str(), pace.as_str()))
}

/// Polls of patients who are on the roster, and of those who are not.
fn sort(polls: Vec<Poll>, members: &BTreeMap<ResourceId, String>) -> (Vec<Unit>, Vec<Poll>) {
    let by_key: HashMap<&str, (&ResourceId, &String)> = members
        .iter()
        .map(|(patient, id)| (patient.as_str(), (patient, id)))
        .collect();
    let (mut units, mut gone) = (Vec::new(), Vec::new());
    for poll in polls {
        let named = poll.key.rsplit_once('/').and_then(|(patient, pace)| {
            let (patient, source_id) = by_key.get(patient)?;
            let pace = [Pace::Labs, Pace::Rest]
                .into_iter()
                .find(|known| known.as_str() == pace)?;
            Some(((*patient).clone(), (*source_id).clone(), pace))
        });
        match named {
            Some((patient, source_id, pace)) => units.push(Unit {
                poll,
                patient,
                source_id,
                pace,
            }),
            None => gone.push(poll),
        }
    }
    (units, gone)
}
