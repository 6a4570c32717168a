//! The store: the only door to the data. Cheap to clone; every method takes the operation context.
//!
//! This file holds what all doors share; the doors themselves are in the modules named after what they open. How it is put together is
//! in `open`.

use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bedside_core::access::{Action, Denial, authorise};
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_core::record::PublicIds;
use bedside_fact::clock::SharedClock;
use bedside_fact::id::TenantId;
use tokio::sync::watch;

use crate::audit::AuditState;
use crate::audit::tree::{Builder, Follower};
use crate::backend::Tx;
use crate::db::Db;
use crate::dedupe::Window;
use crate::error::Error;
use crate::lease::LaneFence;
use crate::seal::Sealer;
use crate::writer::Fatal;

/// Which database.
#[derive(Clone)]
pub enum BackendOptions {
    /// Files in a directory of their own.
    Sqlite {
        /// The data directory; made when it is missing.
        dir: PathBuf,
    },
    /// A server.
    Postgres {
        /// `postgres://user@host/database`.
        url: String,
        /// A directory for what stays on this machine.
        dir: PathBuf,
    },
}

/// A URL may hold a password, so it is not shown.
impl fmt::Debug for BackendOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { dir } => f.debug_struct("Sqlite").field("dir", dir).finish(),
            Self::Postgres { dir, .. } => f
                .debug_struct("Postgres")
                .field("dir", dir)
                .finish_non_exhaustive(),
        }
    }
}

impl BackendOptions {
    pub(crate) fn dir(&self) -> &Path {
        match self {
            Self::Sqlite { dir } | Self::Postgres { dir, .. } => dir,
        }
    }
}

/// How to open a store.
#[derive(Clone)]
pub struct Options {
    /// Which database.
    pub backend: BackendOptions,
    /// The key file; made when the store is empty.
    pub key_file: PathBuf,
    /// Where signed checkpoints go: outside the data directory.
    pub checkpoints: PathBuf,
    /// Where audit entries go while the log can't be written.
    pub spool: PathBuf,
    /// The clock.
    pub clock: SharedClock,
    /// Whose data.
    pub tenant: TenantId,
    /// The origin line of checkpoints.
    pub origin: String,
    /// When a session is over.
    pub sessions: SessionLimits,
}

/// When a session is over (45 CFR 164.312(a)(2)(iii)). In the store's own time: a simulation whose clock runs faster scales them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without a request for so long, in seconds.
    pub idle: i64,
    /// However busy, after so long, in seconds.
    pub longest: i64,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            idle: 30 * 60,
            longest: 12 * 60 * 60,
        }
    }
}

impl Options {
    /// The default layout: SQLite in `data`, and beside it `<data>.key`, `<data>.checkpoints/` and `<data>.spool/`.
    #[must_use]
    pub fn beside(data: &Path, clock: SharedClock) -> Self {
        let beside = |extension: &str| {
            // `data` may end in a slash, which must not put the key into the directory.
            let mut name = data.components().as_path().as_os_str().to_owned();
            name.push(extension);
            PathBuf::from(name)
        };
        Self {
            backend: BackendOptions::Sqlite {
                dir: data.to_owned(),
            },
            key_file: beside(".key"),
            checkpoints: beside(".checkpoints"),
            spool: beside(".spool"),
            clock,
            tenant: TenantId::default_tenant(),
            origin: String::from("bedside/default"),
            sessions: SessionLimits::default(),
        }
    }
}

/// What is true. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) tenant: TenantId,
    pub(crate) clock: SharedClock,
    pub(crate) data: Db,
    pub(crate) keys: Db,
    pub(crate) sealer: Sealer,
    pub(crate) fatal: Fatal,
    pub(crate) changes: watch::Sender<i64>,
    pub(crate) window: Arc<Window>,
    pub(crate) audit: Arc<AuditState>,
    pub(crate) builder: Arc<Builder>,
    pub(crate) follower: Mutex<Option<Follower>>,
    pub(crate) lane_fence: LaneFence,
    pub(crate) engine_fence: LaneFence,
    pub(crate) sessions: SessionLimits,
    pub(crate) lock: Mutex<Option<Arc<dyn Send + Sync>>>,
}

impl Store {
    /// Finishes what waits, brings the audit tree up to date and writes a checkpoint. Later calls are refused.
    ///
    /// # Errors
    /// What the database or the directory of checkpoints said.
    pub async fn close(&self) -> Result<(), Error> {
        let inner = Arc::clone(&self.inner);
        inner.data.writer.stop().await;
        inner.keys.writer.stop().await;
        tokio::task::spawn_blocking(move || {
            let follower = inner
                .follower
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(mut follower) = follower {
                follower.stop();
            }
            let passed = inner.builder.pass().map(|_| ());
            // Last, so that nobody opens the store while its tree still grows.
            drop(
                inner
                    .lock
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take(),
            );
            passed
        })
        .await
        .map_err(|_| Error::Unavailable)?
    }

    /// Resolves when durability can't be promised any more: the process must stop.
    pub fn fatal(&self) -> impl Future<Output = Error> + Send + use<> {
        let mut fatal = self.inner.fatal.subscribe();
        async move {
            let met = fatal
                .wait_for(Option::is_some)
                .await
                .ok()
                .and_then(|error| error.clone());
            match met {
                Some(error) => error,
                // The store is gone, so nothing fatal can happen to it any more.
                None => std::future::pending().await,
            }
        }
    }

    /// Whose data.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.inner.tenant
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.inner.clock
    }

    /// The last committed position: for live pages and schedulers.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<i64> {
        self.inner.changes.subscribe()
    }

    /// Makes public ids of sources' own ids.
    #[must_use]
    pub fn public_ids(&self) -> Arc<dyn PublicIds + Send + Sync> {
        self.inner.sealer.ids()
    }

    /// May the actor? A denial is in the log, durably, before it is told.
    pub(crate) async fn guard(&self, ctx: &OpCtx, action: Action) -> Result<(), Error> {
        let allowed = if ctx.tenant == *self.tenant() {
            authorise(ctx, action)
        } else {
            Err(Denial::NotGranted)
        };
        let Err(denial) = allowed else {
            return Ok(());
        };
        self.audit(
            ctx,
            Entry::new(ctx, action.as_str(), AuditOutcome::Denied).detail(denial.rule()),
        )
        .await?;
        Err(Error::Denied(denial))
    }

    /// Runs `work` in a transaction; durable when this returns.
    pub(crate) async fn write<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnMut(&mut dyn Tx) -> Result<T, Error> + Send + 'static,
    {
        self.inner.data.writer.write(work).await
    }

    /// As [`Store::write`], and wakes live pages, engines and senders: something that they show or wait for has changed, without a
    /// position of its own.
    pub(crate) async fn write_and_wake<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnMut(&mut dyn Tx) -> Result<T, Error> + Send + 'static,
    {
        let done = self.write(work).await?;
        self.inner.changes.send_modify(|_| ());
        Ok(done)
    }

    /// Runs `work` on a consistent snapshot.
    pub(crate) async fn read<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&mut dyn Tx) -> Result<T, Error> + Send + 'static,
    {
        if let Some(error) = self.inner.fatal.borrow().clone() {
            return Err(error);
        }
        self.inner.data.read(work).await
    }

    /// The position of the tenant moved to `seq`.
    pub(crate) fn moved_to(changes: &watch::Sender<i64>, seq: i64) {
        changes.send_if_modified(|last| {
            let later = seq > *last;
            *last = seq.max(*last);
            later
        });
    }

    pub(crate) fn sealer(&self) -> &Sealer {
        &self.inner.sealer
    }

    pub(crate) fn audit_state(&self) -> Arc<AuditState> {
        Arc::clone(&self.inner.audit)
    }

    /// The lease that commits stand on; checked with [`crate::lease::check_lane_fence`] inside them.
    pub(crate) fn lane_fence(&self) -> &LaneFence {
        &self.inner.lane_fence
    }

    /// The lease that an engine's commits stand on.
    pub(crate) fn engine_fence(&self) -> &LaneFence {
        &self.inner.engine_fence
    }

    pub(crate) fn audit_builder(&self) -> Arc<Builder> {
        Arc::clone(&self.inner.builder)
    }
}
