//! Runs what the queue says may run, and tells it how that ended.
//!
//! Woken by every commit and by [`Lanes::reload`]; a lost wake-up costs nothing, since each round reads the waiting inputs
//! from the store again. A crash loses nothing either: an input is waiting until its outcome is committed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::sync::atomic::{AtomicU64, Ordering};

use bedside_core::ctx::OpCtx;
use bedside_core::error::Kind;
use bedside_core::record::Ending;
use bedside_core::source::Source;
use bedside_fact::id::{Seq, SourceId};
use bedside_store::Store;
use jiff::SignedDuration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::queue::Queue;
use crate::normalise;

/// Inputs worked on at once. More than this does not help: they all meet in one group commit.
const PARALLEL: usize = 64;

/// Inputs known at once. A longer backlog stays in the store and is read as this one shrinks.
const WINDOW: usize = 20_000;

/// Waiting inputs read in one go.
const PAGE: u32 = 2_000;

/// Attempts at an input whose record changed under it, before it goes to the back.
const CONFLICTS: u32 = 16;

/// Pause after a failure that time may mend.
const PAUSE: SignedDuration = SignedDuration::from_millis(500);

/// How full the lanes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Inputs that run or wait for their turn.
    pub open: usize,
    /// Inputs that run.
    pub running: usize,
    /// Lanes closed behind a parked input.
    pub closed: usize,
    /// Everything up to this position has been looked at.
    pub seen: i64,
}

/// A handle to the lanes. Cheap to clone.
#[derive(Clone)]
pub struct Lanes {
    shared: Arc<Shared>,
    depth: watch::Receiver<Depth>,
}

struct Shared {
    store: Store,
    ctx: OpCtx,
    reload: Notify,
    versions: AtomicU64,
    sources: Mutex<HashMap<SourceId, Source>>,
}

impl Lanes {
    /// Makes the lanes and the future that runs them until `shutdown`; what runs then is finished first.
    pub fn start(store: Store, ctx: OpCtx, shutdown: CancellationToken) -> (Self, impl Future<Output = ()> + Send) {
        let (publish, depth) = watch::channel(Depth::default());
        let shared = Arc::new(Shared { store, ctx, reload: Notify::new(), versions: AtomicU64::new(0), sources: Mutex::default() });
        let run = run(Arc::clone(&shared), publish, shutdown);
        (Self { shared, depth }, run)
    }

    /// Reads the waiting inputs anew: parked ones were replayed or discarded.
    pub fn reload(&self) {
        self.shared.reload.notify_one();
    }

    /// How full they are now.
    #[must_use]
    pub fn depth(&self) -> Depth {
        *self.depth.borrow()
    }

    /// Versions written since the start.
    #[must_use]
    pub fn versions_written(&self) -> u64 {
        self.shared.versions.load(Ordering::Relaxed)
    }

    /// Waits until fewer than `limit` inputs are open, so that a reader of files does not run ahead of the lanes.
    pub async fn below(&self, limit: usize) {
        let mut depth = self.depth.clone();
        // As in `drained`: an error means that the lanes have stopped.
        let _ = depth.wait_for(|depth| depth.open < limit).await;
    }

    /// Waits until everything that was durable at the call has ended or is held. Parked lanes count as drained
    /// (design D19).
    pub async fn drained(&self) {
        let target = *self.shared.store.changes().borrow();
        let mut depth = self.depth.clone();
        // The sender lives as long as the lanes run; when they stop there is nothing more to wait for.
        let _ = depth.wait_for(|depth| depth.open == 0 && depth.seen >= target).await;
    }
}

async fn run(shared: Arc<Shared>, publish: watch::Sender<Depth>, shutdown: CancellationToken) {
    let mut changes = shared.store.changes();
    let mut queue = Queue::default();
    let mut tasks: JoinSet<(Seq, End)> = JoinSet::new();
    let mut seen = Seq(0);
    loop {
        let upto = *changes.borrow_and_update();
        let more = pull(&shared, &mut queue, &mut seen, upto).await;
        while tasks.len() < PARALLEL && !shutdown.is_cancelled() {
            let Some(seq) = queue.next() else { break };
            let shared = Arc::clone(&shared);
            tasks.spawn(async move { (seq, work(&shared, seq).await) });
        }
        publish.send_replace(Depth {
            open: queue.open(),
            running: queue.running(),
            closed: queue.closed_lanes(),
            seen: seen.0,
        });
        if shutdown.is_cancelled() && tasks.is_empty() {
            return;
        }
        if more && tasks.len() < PARALLEL && !shutdown.is_cancelled() {
            continue;
        }
        tokio::select! {
            Some(ended) = tasks.join_next() => {
                end(&shared, &mut queue, ended).await;
                while let Some(ended) = tasks.try_join_next() {
                    end(&shared, &mut queue, ended).await;
                }
            }
            changed = changes.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = shared.reload.notified() => {
                queue.clear_waiting();
                seen = Seq(0);
            }
            () = shutdown.cancelled(), if !shutdown.is_cancelled() => {}
        }
    }
}

/// Reads waiting inputs into the queue. Says whether there may be more.
async fn pull(shared: &Shared, queue: &mut Queue, seen: &mut Seq, upto: i64) -> bool {
    if seen.0 >= upto || queue.open() >= WINDOW {
        return false;
    }
    let page = match shared.store.waiting(&shared.ctx, *seen, PAGE).await {
        Ok(page) => page,
        Err(error) => {
            tracing::error!(code = error.code(), "waiting inputs could not be read: {error}");
            pause(shared).await;
            return true;
        }
    };
    let full = u32::try_from(page.len()) == Ok(PAGE);
    let mut held = Vec::new();
    for waiting in page {
        *seen = waiting.seq;
        held.extend(queue.add(waiting));
    }
    if !full {
        *seen = Seq(upto.max(seen.0));
    }
    hold(shared, &held).await;
    full
}

async fn hold(shared: &Shared, held: &[(Seq, Seq)]) {
    if held.is_empty() {
        return;
    }
    if let Err(error) = shared.store.hold(&shared.ctx, held).await {
        // They are held in the queue all the same, and marked at the next start.
        tracing::error!(code = error.code(), count = held.len(), "held inputs could not be marked: {error}");
    }
}

async fn end(shared: &Shared, queue: &mut Queue, ended: Result<(Seq, End), tokio::task::JoinError>) {
    match ended {
        Ok((seq, End::Done)) => queue.done(seq),
        Ok((seq, End::Parked)) => {
            let held = queue.parked(seq);
            hold(shared, &held).await;
        }
        Ok((seq, End::Again)) => queue.again(seq),
        Err(error) => {
            // A panic is a defect; the input stays waiting and is taken up at the next start.
            tracing::error!("a lane stopped unexpectedly: {}", if error.is_panic() { "panic" } else { "cancelled" });
        }
    }
}

enum End {
    Done,
    Parked,
    Again,
}

async fn work(shared: &Shared, seq: Seq) -> End {
    for _ in 0..CONFLICTS {
        match attempt(shared, seq).await {
            Ok((ending, versions)) => {
                shared.versions.fetch_add(versions, Ordering::Relaxed);
                return match ending {
                    Ending::Applied | Ending::Noop(_) => End::Done,
                    Ending::Parked(_) => End::Parked,
                };
            }
            Err(error) if error.kind() == Kind::Conflict => {}
            Err(error) => {
                tracing::warn!(code = error.code(), seq = seq.0, "an input could not be finished, it stays waiting: {error}");
                pause(shared).await;
                return End::Again;
            }
        }
    }
    End::Again
}

async fn attempt(shared: &Shared, seq: Seq) -> Result<(Ending, u64), bedside_store::Error> {
    let input = shared.store.input(&shared.ctx, seq).await?;
    let source = source(shared, &input.source).await?;
    let outcome = normalise::outcome(&shared.store, &shared.ctx, &input, &source).await?;
    let ending = outcome.ending.clone();
    let versions = u64::try_from(outcome.writes.len()).unwrap_or(u64::MAX);
    let committed = shared.store.commit(&shared.ctx, outcome).await?;
    Ok((ending, if committed.changed { versions } else { 0 }))
}

/// A source never changes while the program runs, so it is read once.
async fn source(shared: &Shared, id: &SourceId) -> Result<Source, bedside_store::Error> {
    let known = shared.sources.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
    if let Some(source) = known {
        return Ok(source);
    }
    let source = shared.store.source(&shared.ctx, id).await?;
    shared.sources.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), source.clone());
    Ok(source)
}

async fn pause(shared: &Shared) {
    let due = shared.ctx.now().saturating_add(PAUSE).unwrap_or(shared.ctx.now());
    shared.ctx.clock.wait_until(due).await;
}
