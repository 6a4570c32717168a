//! One look at everything: what the record learned, patients whose time has come, timers that are due, cases that did not hear of a write.
//!
//! What one patient's data or one case do to the engine stops nobody else's: a patient who can't be judged is noted and tried again, a timer
//! that can't be played rests, and each part has its turn whether or not another failed. Only what time mends by itself (a database that is
//! busy, a log that can't be written) ends the pass, since it would meet the next patient as well.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use bedside_core::error::Kind;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{ResourceId, Seq};
use bedside_store::lease::Held;
use bedside_store::{CaseCommit, CaseFilter, Error};
use jiff::SignedDuration;

use super::engine::{Leased, SWEEP, Shared};
use super::person::read;

/// Changed patients that are looked at between two moves of the cursor, and looks and timers that are taken at once.
const BATCH: usize = 200;

/// More changes than a moment of a simulated day has.
const ALL: usize = 1_000_000;

/// How long the lease on evaluation lasts without being renewed, in seconds.
const LEASE: i64 = 60;

/// The name of the cursor: one for all workflows, since a person is read once for all of them.
const CURSOR: &str = "engine";

impl Shared {
    /// Notes where the engine begins, and takes stock of what an earlier process left.
    pub(super) async fn begin(&self) -> Result<(), Error> {
        let store = &self.store;
        if store.workflow_cursor(&self.ctx, CURSOR).await?.is_none() {
            let head = Seq(*store.changes().borrow());
            self.move_to(head).await?;
        }
        if let Err(error) = self.take_stock().await {
            // What is open is looked at when its time comes; that it could not be counted stops nothing.
            tracing::error!(
                code = error.code(),
                "the open items could not be looked through: {error}"
            );
        }
        Ok(())
    }

    /// Open items of a workflow that does not run here are told loudly, since nobody is called for them. Those of one that reads differently
    /// now are looked at again.
    async fn take_stock(&self) -> Result<(), Error> {
        self.store.wake_timers(&self.ctx).await?;
        let filter = CaseFilter {
            open: Some(true),
            limit: usize::MAX,
            ..CaseFilter::default()
        };
        let mut left: BTreeMap<String, usize> = BTreeMap::new();
        let now = self.store.clock().now();
        for row in self.store.cases(&self.ctx, &filter).await? {
            match self.definition(&row.workflow) {
                Some(definition) => {
                    if read(&row).is_ok_and(|case| case.hash != definition.hash()) {
                        self.store
                            .look_again(&self.ctx, &row.patient, Some(now))
                            .await?;
                    }
                }
                None => *left.entry(row.workflow).or_default() += 1,
            }
        }
        for (workflow, items) in left {
            tracing::error!(
                workflow,
                items,
                "open items belong to a workflow that does not run here: nobody is called for them; configure it again, or close them on the worklist"
            );
        }
        Ok(())
    }

    /// Yields when something is next due.
    pub(super) async fn pass(&self) -> Result<Option<Timestamp>, Error> {
        let store = &self.store;
        if !self.leads().await? {
            // Another node looks. It is asked again when its lease may be over.
            return Ok(store
                .clock()
                .now()
                .saturating_add(SignedDuration::from_secs(LEASE))
                .ok());
        }
        let changed = self.changed().await;
        let looked = self.looks().await;
        let played = self.timers().await;
        self.tell().await;
        let done = changed.and(looked).and(played);
        if matches!(done, Err(Error::Conflict)) {
            // The lease may have gone to another node.
            *self.leased.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        done?;
        let (timer, look) = (
            store.next_timer(&self.ctx).await?,
            store.next_look(&self.ctx).await?,
        );
        Ok(timer.into_iter().chain(look).min())
    }

    /// Whether this node evaluates. Half of the lease's time is left before it is asked for again: each asking is a write.
    async fn leads(&self) -> Result<bool, Error> {
        let now = self.store.clock().now();
        let leased = self
            .leased
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if leased.is_some_and(|leased| now < leased.until) {
            return Ok(true);
        }
        let fence = self
            .store
            .lease(&self.ctx, "workflow", "engine", &self.owner, LEASE)
            .await?;
        let held = fence.map(|fence| Held {
            kind: String::from("workflow"),
            key: String::from("engine"),
            fence,
        });
        self.store.set_engine_fence(held.clone());
        let until = now
            .saturating_add(SignedDuration::from_secs(LEASE / 2))
            .unwrap_or(Timestamp::MAX);
        let leads = held.is_some();
        *self.leased.lock().unwrap_or_else(PoisonError::into_inner) =
            held.map(|held| Leased { held, until });
        Ok(leads)
    }

    /// Gives the lease back.
    pub(super) async fn resign(&self) {
        let leased = self
            .leased
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(leased) = leased
            && let Err(error) = self.store.release(&self.ctx, &leased.held).await
        {
            tracing::debug!(code = error.code(), "the lease was not given back: {error}");
        }
    }

    /// Looks at all changed patients.
    async fn changed(&self) -> Result<(), Error> {
        loop {
            let after = self
                .store
                .workflow_cursor(&self.ctx, CURSOR)
                .await?
                .unwrap_or_default();
            // Told when to look, it looks at everything at once: where one batch ends would depend on who was faster.
            let batch = if self.drive.is_told() { ALL } else { BATCH };
            let changes = self.store.changes_after(&self.ctx, after, batch).await?;
            let mut patients: BTreeMap<ResourceId, Changed> = BTreeMap::new();
            for changed in changes.patients {
                let entry = patients.entry(changed.patient).or_default();
                entry.whole |= changed.what.is_empty();
                entry.what.extend(changed.what);
            }
            let mut done = BTreeSet::new();
            for (patient, changed) in patients {
                if !done.contains(&patient) {
                    let what = (!changed.whole).then_some(changed.what.as_slice());
                    self.judge(&patient, what, &mut done).await?;
                }
            }
            if changes.through > after {
                self.move_to(changes.through).await?;
            }
            if !changes.more {
                return Ok(());
            }
        }
    }

    /// Looks at patients whose time has come although nothing changed.
    async fn looks(&self) -> Result<(), Error> {
        loop {
            let now = self.store.clock().now();
            let due = self.store.due_looks(&self.ctx, now, BATCH).await?;
            let more = due.len() == BATCH;
            let mut done = BTreeSet::new();
            for patient in due {
                if !done.contains(&patient)
                    && self.judge(&patient, None, &mut done).await?
                    && !done.contains(&patient)
                {
                    // There is nobody to be looked at any more.
                    self.store.look_again(&self.ctx, &patient, None).await?;
                }
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// Looks at one patient; `what` is none when anything may be different. `false`, and a trouble that is noted, when the patient can't
    /// be judged.
    async fn judge(
        &self,
        patient: &ResourceId,
        what: Option<&[(String, ResourceId)]>,
        done: &mut BTreeSet<ResourceId>,
    ) -> Result<bool, Error> {
        match self.look_at(patient, what, done).await {
            Ok(()) => Ok(true),
            Err(error) if is_lasting(&error) => {
                tracing::error!(
                    code = error.code(),
                    "a patient could not be judged and is tried again: {error}"
                );
                self.store
                    .look_failed(&self.ctx, patient, error.code(), self.next_sweep())
                    .await?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Plays all timers that are due.
    async fn timers(&self) -> Result<(), Error> {
        loop {
            let now = self.store.clock().now();
            let due = self.store.due_timers(&self.ctx, now, BATCH).await?;
            let more = due.len() == BATCH;
            for (case, timer, _) in due {
                match self.play_timer(&case, &timer).await {
                    Ok(()) => {}
                    Err(error) if is_lasting(&error) => {
                        tracing::error!(
                            code = error.code(),
                            case,
                            "a timer could not be played and is tried again: {error}"
                        );
                        self.store
                            .rest_timer(&self.ctx, &case, &timer, self.next_sweep())
                            .await?;
                    }
                    Err(error) => return Err(error),
                }
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// Once in a sweep, cases are told what they have not heard of their writes.
    async fn tell(&self) {
        let now = self.store.clock().now();
        let last = *self.told_at.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| now.duration_since(last) < SWEEP) {
            return;
        }
        if let Err(error) = self.reconcile().await {
            tracing::warn!(
                code = error.code(),
                "a case did not hear of its write yet: {error}"
            );
        }
        *self.told_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    fn next_sweep(&self) -> Timestamp {
        self.store
            .clock()
            .now()
            .saturating_add(SWEEP)
            .unwrap_or(Timestamp::MAX)
    }

    async fn move_to(&self, seq: Seq) -> Result<(), Error> {
        let commit = CaseCommit {
            cursor: Some((CURSOR.to_owned(), seq)),
            ..CaseCommit::default()
        };
        self.store.commit_cases(&self.ctx, commit).await
    }
}

/// What changed of a patient in one batch.
#[derive(Default)]
struct Changed {
    /// Anything may be different.
    whole: bool,
    what: Vec<(String, ResourceId)>,
}

/// Whether an error is one of what was looked at, which would come again at once and is not the next one's.
fn is_lasting(error: &Error) -> bool {
    match error.kind() {
        Kind::Busy => false,
        Kind::Conflict | Kind::Invalid | Kind::Denied | Kind::Broken => true,
    }
}
