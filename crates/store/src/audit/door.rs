//! How entries get into the log from outside a transaction, and what happens while they can't.
//!
//! The rule of promise P9: no entry, no data. Clinicians' reads go on through the second sink, everything else is refused.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::{OpCtx, Role};
use bedside_fact::clock::{SharedClock, Timestamp};
use bedside_fact::id::TenantId;

use super::checkpoint::Folder;
use super::{append_in, append_late};
use crate::Store;
use crate::backend::Backend;
use crate::error::Error;
use crate::seal::Sealer;
use crate::spool::Spool;

/// How long a caller waits for its entry before the log counts as not writable. With what follows, a refusal takes under a second.
const PATIENCE: Duration = Duration::from_millis(700);

/// Whether the log can be written, for the alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHealth {
    /// The last attempt to write an entry succeeded.
    pub writable: bool,
    /// Entries in the second sink that wait to be taken over.
    pub spooled: u64,
    /// Since when it is not writable.
    pub since: Option<Timestamp>,
}

/// What the callers of the log and its thread share.
pub(crate) struct AuditState {
    /// The second sink.
    pub(crate) spool: Spool,
    /// Where checkpoints go.
    pub(crate) folder: Folder,
    since: Mutex<Option<Timestamp>>,
}

impl AuditState {
    /// The state of a log that is believed to be writable.
    pub(crate) fn new(spool: Spool, folder: Folder) -> Self {
        Self {
            spool,
            folder,
            since: Mutex::new(None),
        }
    }

    fn health(&self) -> AuditHealth {
        let since = *self.lock();
        AuditHealth {
            writable: since.is_none(),
            spooled: self.spool.waiting(),
            since,
        }
    }

    fn failed(&self, now: Timestamp, error: &Error) {
        let mut since = self.lock();
        if since.is_none() {
            tracing::error!(
                code = error.code(),
                "the audit log can't be written: {error}"
            );
            *since = Some(now);
        }
    }

    fn recovered(&self) {
        if self.lock().take().is_some() {
            tracing::info!("the audit log can be written again");
        }
    }

    /// Takes over what the second sink holds, and finds out whether the log can be written again.
    pub(super) fn drain(
        &self,
        backend: &dyn Backend,
        sealer: &Sealer,
        tenant: &TenantId,
        clock: &SharedClock,
    ) -> Result<(), Error> {
        let since = *self.lock();
        if let Some(since) = since {
            // Also the probe: while it fails, the second sink is left alone.
            let entry = own(
                tenant,
                clock,
                "audit.resumed",
                AuditOutcome::Success,
                format!("not writable since {since}"),
            );
            backend.write(&mut |tx| {
                append_in(
                    tx,
                    sealer,
                    tenant,
                    std::slice::from_ref(&entry),
                    clock.now(),
                )
            })?;
        }
        self.spool.drain(&mut |batch| {
            backend.write(&mut |tx| {
                for late in &batch.entries {
                    let mut entry = late.entry.clone();
                    entry.late_from = Some(format!("spool/{}", batch.file));
                    entry.happened_at = Some(late.at.to_string());
                    append_late(tx, sealer, tenant, &late.id, &entry, clock.now())?;
                }
                if let Some(position) = batch.damaged {
                    let detail = format!("spool/{}: record {position} does not open", batch.file);
                    let entry = own(tenant, clock, "audit.spool", AuditOutcome::Failure, detail);
                    append_in(
                        tx,
                        sealer,
                        tenant,
                        std::slice::from_ref(&entry),
                        clock.now(),
                    )?;
                }
                Ok(())
            })
        })?;
        if since.is_some() {
            self.recovered();
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Timestamp>> {
        // A panic elsewhere can't leave it half changed: each change is one assignment.
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Enters `entry` in the log: it is durable when this returns, so what it speaks of may leave.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it can't be written within a second. A clinician's search or read is not refused then: its entry
    /// goes to the second sink, and [`Store::audit_health`] raises the alarm.
    pub async fn audit(&self, ctx: &OpCtx, entry: Entry) -> Result<(), Error> {
        self.audit_all(ctx, vec![entry]).await
    }

    /// As [`Store::audit`], for several entries that become durable together: one per patient of a search.
    ///
    /// # Errors
    /// As [`Store::audit`].
    pub async fn audit_all(&self, ctx: &OpCtx, entries: Vec<Entry>) -> Result<(), Error> {
        if entries.is_empty() {
            return Ok(());
        }
        let state = self.audit_state();
        let now = self.clock().now();
        let may_go_on = ctx.role == Role::Clinician && entries.iter().all(is_clinical_read);
        if may_go_on && !state.health().writable {
            return self.spool(entries, now).await;
        }
        let sealer = self.sealer().clone();
        let tenant = self.tenant().clone();
        let kept = entries.clone();
        // When the time runs out while the disk is at it, the entry may become durable after all and stand in the log twice, the second
        // time as late: twice is better than not at all.
        let written = tokio::time::timeout(
            PATIENCE,
            self.write(move |tx| append_in(tx, &sealer, &tenant, &entries, now)),
        )
        .await
        .unwrap_or(Err(Error::Unavailable));
        match written {
            Ok(()) => {
                // What the second sink holds is taken over by the log's thread, which also ends the alarm then.
                if state.spool.waiting() == 0 {
                    state.recovered();
                }
                Ok(())
            }
            Err(error) if is_outage(&error) => {
                state.failed(now, &error);
                if may_go_on {
                    self.spool(kept, now).await
                } else {
                    Err(Error::Unavailable)
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the log can be written, for the alarm on every screen.
    #[must_use]
    pub fn audit_health(&self) -> AuditHealth {
        self.audit_state().health()
    }

    /// Brings the tree up to date and yields the newest signed checkpoint.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database or the directory of checkpoints said.
    pub async fn checkpoint(&self, ctx: &OpCtx) -> Result<String, Error> {
        self.guard(ctx, Action::ReadAudit).await?;
        self.audit(
            ctx,
            Entry::new(ctx, "audit.checkpoint", AuditOutcome::Success),
        )
        .await?;
        let builder = self.audit_builder();
        let note = tokio::task::spawn_blocking(move || builder.pass())
            .await
            .map_err(|_| Error::Unavailable)??;
        note.ok_or(Error::NotFound("checkpoint"))
    }

    /// Notes that somebody looked at a listing without clinical content; Bedside's own parts do so all the time and are not noted. Who
    /// mends an outage must see what waits, so while the log can't be written the entry goes to the second sink.
    pub(crate) async fn looked(&self, ctx: &OpCtx, at: &str) -> Result<(), Error> {
        if ctx.role == Role::Service {
            return Ok(());
        }
        let entry =
            Entry::new(ctx, Action::ReadOperations.as_str(), AuditOutcome::Success).detail(at);
        match self.audit_all(ctx, vec![entry.clone()]).await {
            Err(error) if is_outage(&error) => self.spool(vec![entry], ctx.now()).await,
            result => result,
        }
    }

    async fn spool(&self, entries: Vec<Entry>, now: Timestamp) -> Result<(), Error> {
        let state = self.audit_state();
        tokio::task::spawn_blocking(move || state.spool.append(&entries, now))
            .await
            .map_err(|_| Error::Unavailable)?
            .map_err(|error| {
                tracing::error!(
                    code = error.code(),
                    "the second sink of the audit log can't be written either: {error}"
                );
                Error::Unavailable
            })
    }
}

/// An entry of the log about itself.
fn own(
    tenant: &TenantId,
    clock: &SharedClock,
    action: &str,
    outcome: AuditOutcome,
    detail: String,
) -> Entry {
    let ctx = OpCtx::service(tenant.clone(), "audit", clock.clone());
    Entry::new(&ctx, action, outcome).detail(detail)
}

fn is_clinical_read(entry: &Entry) -> bool {
    [
        Action::FindPatients,
        Action::ReadChart,
        Action::ReadWorklist,
    ]
    .iter()
    .any(|action| action.as_str() == entry.action)
}

/// Whether an error means that the log can't be written at the moment. A failed sync is more than that: the process stops.
const fn is_outage(error: &Error) -> bool {
    match error {
        Error::Unreachable(_)
        | Error::Full
        | Error::Unavailable
        | Error::File { .. }
        | Error::Database(_)
        | Error::Conflict => true,
        Error::Locked { .. }
        | Error::KeyFile { .. }
        | Error::KeyMissing { .. }
        | Error::KeyWrong { .. }
        | Error::Schema(_)
        | Error::Sync
        | Error::NotFound(_)
        | Error::Denied(_)
        | Error::Invalid(_)
        | Error::SignIn
        | Error::LockedOut { .. }
        | Error::Corrupt(_) => false,
    }
}
