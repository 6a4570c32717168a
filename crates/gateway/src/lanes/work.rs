//! The work on one input: read it, decide, commit. Says how it ended, never what was in it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use bedside_core::error::Kind;
use bedside_core::record::{Ending, Outcome};
use bedside_core::source::Source;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{Seq, SourceId, SystemId};

use super::handle::Shared;
use crate::normalise;

/// Attempts at an input whose record changed under it, before others get their turn.
const CONFLICTS: u32 = 16;

/// How the work on an input ended.
pub(super) enum End {
    /// Applied, or nothing to do.
    Done,
    /// Applied, and numbers were merged by it.
    Merged,
    /// Set aside.
    Parked,
    /// The store can't take it at the moment.
    Again,
    /// It failed for a reason of its own; the reason as it is kept when the input is parked.
    Failed(String),
}

pub(super) async fn work(shared: Arc<Shared>, seq: Seq) -> End {
    for _ in 0..CONFLICTS {
        match attempt(&shared, seq).await {
            Ok(end) => {
                shared.refused.store(false, Ordering::Relaxed);
                return end;
            }
            Err(bedside_store::Error::Conflict) => {}
            Err(error) => return failed(&shared, seq, &error).await,
        }
    }
    End::Again
}

/// Parks an input that fails each time, so that it holds up nobody but its own patient (promise P4).
pub(super) async fn give_up(shared: Arc<Shared>, seq: Seq, reason: String) -> End {
    tracing::error!(
        seq = seq.0,
        reason,
        "an input is parked: it fails each time"
    );
    // A parked outcome changes no record, so nothing asks for its source.
    let outcome = Outcome {
        seq,
        source: SourceId::new(""),
        system: SystemId::new(""),
        ending: Ending::Parked(reason),
        writes: Vec::new(),
        aliases: Vec::new(),
        merges: Vec::new(),
        completeness: Vec::new(),
        patients: Vec::new(),
        mapping: "none",
        issues: Vec::new(),
        evidence: Vec::new(),
        incidents: Vec::new(),
    };
    match shared.store.commit(&shared.ctx, outcome).await {
        Ok(committed) if committed.changed => End::Parked,
        Ok(_) => End::Done,
        Err(error) => failed(&shared, seq, &error).await,
    }
}

/// After a pause it is tried again; whether that is without end depends on whose fault it is.
async fn failed(shared: &Shared, seq: Seq, error: &bedside_store::Error) -> End {
    match error.kind() {
        Kind::Busy => {
            if !shared.refused.swap(true, Ordering::Relaxed) {
                tracing::error!(
                    code = error.code(),
                    "inputs can't be finished, they stay waiting: {error}"
                );
            }
            shared.pause().await;
            End::Again
        }
        Kind::Invalid | Kind::Denied | Kind::Conflict | Kind::Broken => {
            tracing::warn!(
                code = error.code(),
                seq = seq.0,
                "an input could not be finished: {error}"
            );
            shared.pause().await;
            End::Failed(format!("could not be applied ({})", error.code()))
        }
    }
}

async fn attempt(shared: &Shared, seq: Seq) -> Result<End, bedside_store::Error> {
    let input = shared.store.input(&shared.ctx, seq).await?;
    let (source, since) = source(shared, &input.source).await?;
    let outcome = normalise::outcome(
        &shared.store,
        &shared.ctx,
        &input,
        &normalise::Origin {
            source: &source,
            since,
            rules: &shared.rules,
        },
    )
    .await?;
    let end = match (&outcome.ending, outcome.merges.as_slice()) {
        (Ending::Parked(_), _) => End::Parked,
        (Ending::Applied | Ending::Noop(_), []) => End::Done,
        (Ending::Applied | Ending::Noop(_), [_, ..]) => End::Merged,
    };
    let versions = u64::try_from(outcome.writes.len()).unwrap_or(u64::MAX);
    let committed = shared.store.commit(&shared.ctx, outcome).await?;
    if committed.changed {
        shared.counts.add(&input.source, seq, versions);
    }
    Ok(end)
}

/// A source never changes while the program runs, so it is read once, with the time since which it is connected.
async fn source(
    shared: &Shared,
    id: &SourceId,
) -> Result<(Source, Timestamp), bedside_store::Error> {
    let known = shared
        .sources
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(id)
        .cloned();
    if let Some(known) = known {
        return Ok(known);
    }
    let source = shared.store.source(&shared.ctx, id).await?;
    let since = shared.store.source_since(&shared.ctx, id).await?;
    shared
        .sources
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(id.clone(), (source.clone(), since));
    Ok((source, since))
}
