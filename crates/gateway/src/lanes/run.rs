//! Runs what the queue says may run, and tells it how that ended.
//!
//! Woken by every commit and by [`super::Lanes::reload`]; a lost wake-up costs nothing, since each round reads the waiting
//! inputs from the store again. A crash loses nothing either: an input is waiting until its outcome is committed.

use std::collections::HashMap;
use std::sync::Arc;

use bedside_fact::id::Seq;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};

use super::handle::{Depth, Shared};
use super::queue::Queue;
use super::work::{self, End};

/// Inputs worked on at once. More than this does not help: they all meet in one group commit.
const PARALLEL: usize = 32;

/// Inputs known at once. A longer backlog stays in the store and is read as this one shrinks.
const WINDOW: usize = 20_000;

/// Waiting inputs read in one go.
const PAGE: u32 = 2_000;

/// Attempts at an input that fails for a reason of its own, before it is parked for a person.
const TRIES: u32 = 3;

/// The reason of an input whose work panicked each time.
const UNEXPECTED: &str = "stopped unexpectedly";

/// The state of the loop.
struct Run {
    shared: Arc<Shared>,
    queue: Queue,
    tasks: JoinSet<End>,
    /// Which input a task works on: a panic leaves nothing but the task's id.
    of_task: HashMap<Id, Seq>,
    failures: HashMap<Seq, (u32, String)>,
    seen: Seq,
}

pub(super) async fn run<W, F>(shared: Arc<Shared>, publish: watch::Sender<Depth>, work: W)
where
    W: Fn(Arc<Shared>, Seq) -> F + Send,
    F: Future<Output = End> + Send + 'static,
{
    let shutdown = shared.shutdown.clone();
    let mut changes = shared.store.changes();
    let mut reloads = shared.reloads.subscribe();
    let mut run = Run {
        shared,
        queue: Queue::default(),
        tasks: JoinSet::new(),
        of_task: HashMap::new(),
        failures: HashMap::new(),
        seen: Seq(0),
    };
    run.merged_before().await;
    let mut reloaded = 0;
    loop {
        let upto = *changes.borrow_and_update();
        let more = run.pull(upto).await;
        while run.tasks.len() < PARALLEL && !shutdown.is_cancelled() {
            let Some(seq) = run.queue.next() else { break };
            run.begin(seq, &work);
        }
        publish.send_replace(Depth {
            open: run.queue.open(),
            first_open: run.queue.first_open(),
            running: run.queue.running(),
            closed: run.queue.closed_lanes(),
            seen: run.seen.0,
            reloads: reloaded,
        });
        if shutdown.is_cancelled() && run.tasks.is_empty() {
            return;
        }
        if more && run.tasks.len() < PARALLEL && !shutdown.is_cancelled() {
            continue;
        }
        tokio::select! {
            Some(ended) = run.tasks.join_next_with_id() => {
                run.end(ended).await;
                while let Some(ended) = run.tasks.try_join_next_with_id() {
                    run.end(ended).await;
                }
            }
            changed = changes.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            changed = reloads.changed() => {
                if changed.is_err() {
                    return;
                }
                reloaded = *reloads.borrow_and_update();
                run.queue.clear_waiting();
                // A merge may have been undone: its lanes are two patients' again.
                run.merged_before().await;
                run.seen = Seq(0);
            }
            () = shutdown.cancelled(), if !shutdown.is_cancelled() => {}
        }
    }
}

impl Run {
    /// Merges that stand in the store: the numbers of one patient share their lanes.
    async fn merged_before(&mut self) {
        while !self.shared.shutdown.is_cancelled() {
            match self.shared.store.merged_lanes(&self.shared.ctx).await {
                Ok(patients) => {
                    for lanes in patients {
                        self.queue.join(Seq(0), &lanes);
                    }
                    return;
                }
                Err(error) => {
                    tracing::error!(
                        code = error.code(),
                        "merged numbers could not be read: {error}"
                    );
                    self.shared.pause().await;
                }
            }
        }
    }

    /// Reads waiting inputs into the queue. Says whether there may be more.
    async fn pull(&mut self, upto: i64) -> bool {
        if self.seen.0 >= upto || self.queue.open() >= WINDOW {
            return false;
        }
        let page = match self
            .shared
            .store
            .waiting(&self.shared.ctx, self.seen, PAGE)
            .await
        {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(
                    code = error.code(),
                    "waiting inputs could not be read: {error}"
                );
                self.shared.pause().await;
                return true;
            }
        };
        let full = u32::try_from(page.len()) == Ok(PAGE);
        let mut held = Vec::new();
        for waiting in page {
            self.seen = waiting.seq;
            held.extend(self.queue.add(waiting));
        }
        if !full {
            self.seen = Seq(upto.max(self.seen.0));
        }
        self.hold(&held).await;
        full
    }

    fn begin<W, F>(&mut self, seq: Seq, work: &W)
    where
        W: Fn(Arc<Shared>, Seq) -> F,
        F: Future<Output = End> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let task = match self.failures.get(&seq) {
            Some((tries, reason)) if *tries >= TRIES => {
                self.tasks.spawn(work::give_up(shared, seq, reason.clone()))
            }
            Some(_) | None => self.tasks.spawn(work(shared, seq)),
        };
        self.of_task.insert(task.id(), seq);
    }

    async fn end(&mut self, ended: Result<(Id, End), JoinError>) {
        let (task, end) = match ended {
            Ok((task, end)) => (task, end),
            Err(error) => {
                tracing::error!(
                    "the work on an input stopped unexpectedly: {}",
                    if error.is_panic() {
                        "panic"
                    } else {
                        "cancelled"
                    }
                );
                (error.id(), End::Failed(String::from(UNEXPECTED)))
            }
        };
        let Some(seq) = self.of_task.remove(&task) else {
            return;
        };
        match end {
            End::Again => self.queue.again(seq),
            End::Failed(reason) => {
                self.failures.entry(seq).or_insert_with(|| (0, reason)).0 += 1;
                self.queue.again(seq);
            }
            End::Done => {
                self.failures.remove(&seq);
                self.queue.done(seq);
            }
            End::Merged => {
                self.failures.remove(&seq);
                let held = self.queue.merged(seq);
                self.queue.done(seq);
                self.hold(&held).await;
            }
            End::Parked => {
                self.failures.remove(&seq);
                let held = self.queue.parked(seq);
                self.hold(&held).await;
            }
        }
    }

    async fn hold(&self, held: &[(Seq, Seq)]) {
        if held.is_empty() {
            return;
        }
        if let Err(error) = self.shared.store.hold(&self.shared.ctx, held).await {
            // They are held in the queue all the same, and marked at the next start.
            tracing::error!(
                code = error.code(),
                count = held.len(),
                "held inputs could not be marked: {error}"
            );
        }
    }
}
