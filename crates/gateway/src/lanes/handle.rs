//! The handle of the lanes: what callers ask and wait for. What goes on behind it is in [`super::run`].

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use bedside_core::ctx::OpCtx;
use bedside_core::source::Source;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{Seq, SourceId};
use bedside_store::Store;
use jiff::SignedDuration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::written::{self, Written};
use super::{run, work};
use crate::error::Error;
use crate::normalise::Rules;

/// Pause after a failure that time may mend.
const PAUSE: SignedDuration = SignedDuration::from_millis(500);

/// How full the lanes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Inputs that run or wait for their turn.
    pub open: usize,
    /// The first of these: all inputs before it have ended, or are held.
    pub first_open: Option<Seq>,
    /// Inputs that run.
    pub running: usize,
    /// Lanes closed behind a parked input.
    pub closed: usize,
    /// Everything up to this position has been looked at.
    pub seen: i64,
    /// How many of the calls of [`Lanes::reload`] have been heard.
    pub reloads: u64,
}

/// A handle to the lanes. Cheap to clone.
#[derive(Clone)]
pub struct Lanes {
    shared: Arc<Shared>,
    depth: watch::Receiver<Depth>,
}

/// What the handle, the loop and each piece of work have in common.
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) ctx: OpCtx,
    pub(super) rules: Rules,
    pub(super) reloads: watch::Sender<u64>,
    pub(super) shutdown: CancellationToken,
    pub(super) counts: written::Counts,
    pub(super) sources: Mutex<HashMap<SourceId, (Source, Timestamp)>>,
    /// The store refuses at the moment; said once in the log, not for each input.
    pub(super) refused: AtomicBool,
}

impl Lanes {
    /// Makes the lanes and the future that runs them until `shutdown`; what runs then is finished first. It ends at once when the
    /// store can't promise durability any more.
    pub fn start(
        store: Store,
        ctx: OpCtx,
        rules: Rules,
        shutdown: CancellationToken,
    ) -> (Self, impl Future<Output = ()> + Send) {
        Self::start_with(store, ctx, rules, shutdown, work::work)
    }

    pub(super) fn start_with<W, F>(
        store: Store,
        ctx: OpCtx,
        rules: Rules,
        shutdown: CancellationToken,
        work: W,
    ) -> (Self, impl Future<Output = ()> + Send)
    where
        W: Fn(Arc<Shared>, Seq) -> F + Send + Sync,
        F: Future<Output = work::End> + Send + 'static,
    {
        let (publish, depth) = watch::channel(Depth::default());
        let fatal = store.fatal();
        let shared = Arc::new(Shared {
            store,
            ctx,
            rules,
            reloads: watch::Sender::new(0),
            shutdown,
            counts: written::Counts::default(),
            sources: Mutex::default(),
            refused: AtomicBool::new(false),
        });
        let all = Arc::clone(&shared);
        let running = async move {
            tokio::select! {
                biased;
                error = fatal => tracing::error!(code = error.code(), "the lanes stopped: {error}"),
                () = run::run(all, publish, work) => {}
            }
        };
        (Self { shared, depth }, running)
    }

    /// Reads the waiting inputs anew: parked ones were replayed or discarded, or a merge was undone.
    pub fn reload(&self) {
        self.shared.reloads.send_modify(|count| *count += 1);
    }

    /// How full they are now.
    #[must_use]
    pub fn depth(&self) -> Depth {
        *self.depth.borrow()
    }

    /// Counts the versions that are written for inputs of `source`, from now on.
    #[must_use]
    pub fn written(&self, source: &SourceId) -> Arc<Written> {
        self.shared.counts.begin(source)
    }

    /// Waits until fewer than `limit` inputs are open, so that a reader of files does not run ahead of the lanes.
    pub async fn below(&self, limit: usize) {
        let mut depth = self.depth.clone();
        // The sender lives as long as the lanes run; when they stop there is nothing more to wait for.
        let _ = depth.wait_for(|depth| depth.open < limit).await;
    }

    /// Waits until everything that was durable at the call, and every [`Lanes::reload`] before it, has ended or is held, or until the
    /// lanes stop. Parked lanes count as drained (design D19).
    pub async fn drained(&self) {
        // Who has to know whether they stopped asks `settled`.
        let _ = self.settled().await;
    }

    /// As [`Lanes::drained`].
    ///
    /// # Errors
    /// [`Error::Stopping`] when the lanes stopped before that: then some inputs still wait in the store.
    pub async fn settled(&self) -> Result<(), Error> {
        let target = *self.shared.store.changes().borrow();
        self.settled_to(target).await
    }

    /// Waits until `inputs`, and what was received before the last of them, have ended or are held. What comes in meanwhile is not
    /// waited for, so it ends under any load.
    ///
    /// # Errors
    /// [`Error::Stopping`] when the lanes stopped before that.
    pub async fn settled_for(&self, inputs: &[Seq]) -> Result<(), Error> {
        match inputs.iter().max() {
            Some(last) => self.settled_to(last.0).await,
            None => Ok(()),
        }
    }

    async fn settled_to(&self, target: i64) -> Result<(), Error> {
        let reloads = *self.shared.reloads.borrow();
        let mut depth = self.depth.clone();
        depth
            .wait_for(|depth| {
                depth.seen >= target
                    && depth.reloads >= reloads
                    && depth.first_open.is_none_or(|first| first.0 > target)
            })
            .await
            .map(|_| ())
            .map_err(|_| Error::Stopping)
    }
}

impl Shared {
    /// A pause that ends early at shutdown.
    pub(super) async fn pause(&self) {
        let due = self
            .ctx
            .now()
            .saturating_add(PAUSE)
            .unwrap_or_else(|_| self.ctx.now());
        tokio::select! {
            () = self.ctx.clock.wait_until(due) => {}
            () = self.shutdown.cancelled() => {}
        }
    }
}
