//! Reads everything, waits until the lanes are drained, and counts how each unit ended.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bedside_core::ctx::OpCtx;
use bedside_core::journal::{Admitted, InputState, NewInput};
use bedside_core::source::Source;
use bedside_fact::id::Seq;
use bedside_store::{JournalFilter, Store};
use serde::Serialize;
use tokio::sync::mpsc;

use super::file::{FileError, Opened};
use super::walk;
use crate::error::Error;
use crate::lanes::Lanes;

/// Units made durable together.
const BATCH: usize = 256;

/// Batches read ahead of the store. When they are used up the reader waits, so that memory stays flat.
const AHEAD: usize = 2;

/// Units in the lanes before the reader waits for them to drain a little.
const BACKLOG: usize = 10_000;

/// Lines of the journal read in one go when counting.
const PAGE: u32 = 5_000;

/// The result: `received = accepted + duplicates + quarantined`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Tally {
    /// Files read.
    pub files: u64,
    /// Units found.
    pub received: u64,
    /// Units that changed the record, or had nothing to change.
    pub accepted: u64,
    /// Units that were known already.
    pub duplicates: u64,
    /// Units parked, or held behind a parked one.
    pub quarantined: u64,
    /// Versions of resources written for these units.
    pub resources: u64,
    /// How long it took.
    pub seconds: f64,
    /// Why units were quarantined, and how many for each reason.
    #[serde(skip)]
    pub reasons: BTreeMap<String, u64>,
    /// Files and folders that could not be read.
    #[serde(skip)]
    pub failures: Vec<Failure>,
}

/// A file or folder that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which.
    pub path: PathBuf,
    /// Why, in words.
    pub why: String,
}

/// Is told how far it is.
pub trait Progress: Send + Sync {
    /// `files` of `of` files were read, `units` units were made durable.
    fn at(&self, files: u64, of: u64, units: u64);
}

/// A run over files and folders.
pub struct Ingest {
    /// What is true.
    pub store: Store,
    /// The lanes that apply what is taken in.
    pub lanes: Lanes,
    /// Who does it.
    pub ctx: OpCtx,
    /// Whose data it is.
    pub source: Source,
    /// Bedside's own files and folders, the key among them: they are never taken in.
    pub own: Vec<PathBuf>,
}

enum Step {
    Batch(Vec<NewInput>),
    FileDone,
    Failed(Failure),
}

impl Ingest {
    /// Runs. A file that can't be read is listed and the rest goes on.
    ///
    /// # Errors
    /// The store can't take more.
    pub async fn run(
        &self,
        paths: Vec<PathBuf>,
        progress: Arc<dyn Progress>,
    ) -> Result<Tally, Error> {
        let started = std::time::Instant::now();
        let written = self.lanes.written(&self.source.id);
        let (steps, mut received) = mpsc::channel(AHEAD);
        let (source, own) = (self.source.clone(), self.own.clone());
        let total = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let count = Arc::clone(&total);
        let reader =
            tokio::task::spawn_blocking(move || read(&paths, &own, &source, &count, &steps));
        let mut tally = Tally::default();
        let mut taken: Vec<Seq> = Vec::new();
        while let Some(step) = received.recv().await {
            match step {
                Step::Batch(inputs) => {
                    tally.received += u64::try_from(inputs.len()).unwrap_or(u64::MAX);
                    for admitted in self.store.append_many(&self.ctx, inputs).await? {
                        match admitted {
                            Admitted::Taken(seq) => taken.push(seq),
                            Admitted::Again(_) => tally.duplicates += 1,
                        }
                    }
                    self.lanes.below(BACKLOG).await;
                }
                Step::FileDone => tally.files += 1,
                Step::Failed(failure) => tally.failures.push(failure),
            }
            progress.at(
                tally.files,
                total.load(std::sync::atomic::Ordering::Relaxed),
                tally.received,
            );
        }
        if reader.await.is_err() {
            return Err(Error::Stopping);
        }
        self.lanes.settled_for(&taken).await?;
        self.count(&taken, &mut tally).await?;
        tally.resources = written.of(&taken);
        tally.seconds = started.elapsed().as_secs_f64();
        Ok(tally)
    }

    async fn count(&self, taken: &[Seq], tally: &mut Tally) -> Result<(), Error> {
        let (Some(first), Some(last)) = (taken.first(), taken.last()) else {
            return Ok(());
        };
        let mut after = Seq(first.0 - 1);
        while after < *last {
            let filter = JournalFilter {
                source: Some(self.source.id.as_str().to_owned()),
                after: Some(after),
                limit: PAGE,
                ..JournalFilter::default()
            };
            let page = self.store.journal(&self.ctx, filter).await?;
            let Some(end) = page.last().map(|row| row.seq) else {
                break;
            };
            for row in page {
                if taken.binary_search(&row.seq).is_err() {
                    continue;
                }
                match row.state {
                    InputState::Applied => tally.accepted += 1,
                    InputState::Noop if row.reason == crate::normalise::DUPLICATE => {
                        tally.duplicates += 1
                    }
                    InputState::Noop => tally.accepted += 1,
                    // One that is still pending is held, and could not be marked so: it is in nobody's chart.
                    InputState::Parked | InputState::Held | InputState::Pending => {
                        tally.quarantined += 1;
                        let reason = if row.state == InputState::Held {
                            String::from("behind a parked one")
                        } else {
                            row.reason
                        };
                        *tally.reasons.entry(reason).or_default() += 1;
                    }
                }
            }
            after = end;
        }
        Ok(())
    }
}

/// Reads on a thread of its own, since files block.
fn read(
    paths: &[PathBuf],
    own: &[PathBuf],
    source: &Source,
    total: &std::sync::atomic::AtomicU64,
    steps: &mpsc::Sender<Step>,
) {
    let (files, failures) = walk::files(paths, own);
    total.store(
        u64::try_from(files.len()).unwrap_or(u64::MAX),
        std::sync::atomic::Ordering::Relaxed,
    );
    for (path, error) in failures {
        let failure = Failure {
            path,
            why: error.to_string(),
        };
        if steps.blocking_send(Step::Failed(failure)).is_err() {
            return;
        }
    }
    for path in files {
        let step = match read_file(&path, source, steps) {
            Ok(()) => Step::FileDone,
            Err(why) => Step::Failed(Failure { path, why }),
        };
        // The receiver is gone when the store failed; then there is nothing to read for.
        if steps.blocking_send(step).is_err() {
            return;
        }
    }
}

fn read_file(path: &Path, source: &Source, steps: &mpsc::Sender<Step>) -> Result<(), String> {
    let opened = Opened::open(path).map_err(|error| match error {
        FileError::Empty => String::from("the file is empty"),
        FileError::Read(error) => error.to_string(),
    })?;
    let mut batch = Vec::new();
    let mut size = 0;
    let send = |batch: &mut Vec<NewInput>| {
        steps
            .blocking_send(Step::Batch(std::mem::take(batch)))
            .map_err(|_| std::io::Error::other("the store stopped"))
    };
    let result = opened.each(path, source, |input| {
        size += input.raw.expose().len();
        batch.push(input);
        if batch.len() >= BATCH || size >= super::file::MAX_UNIT / 8 {
            size = 0;
            send(&mut batch)?;
        }
        Ok(())
    });
    // What was read before a fault is kept.
    if !batch.is_empty() {
        send(&mut batch).map_err(|error| error.to_string())?;
    }
    result.map_err(|error| error.to_string())
}
