//! What people do to an item: each is one step of its case, committed against the version that was read.

use bedside_core::ctx::OpCtx;
use bedside_store::{CaseCommit, CaseFilter, Error, OutboxFilter};
use bedside_workflow::case::{Input, Refusal, WriteState, step};

use super::engine::{Engine, Shared};
use super::person::read;

/// Somebody else may step in between so many times.
const ATTEMPTS: usize = 5;

/// As many of the latest cases are looked at for writes that they did not hear of.
const RECONCILE: usize = 1_000;

/// What an act did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acted {
    /// Whether the case is another one now.
    pub changed: bool,
    /// What was done, in words.
    pub words: String,
}

/// Why an act was not done. None carries patient data.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The store said no.
    #[error(transparent)]
    Store(#[from] Error),
    /// The item's state does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The item belongs to a workflow that does not run here any more.
    #[error("the workflow of this item does not run here any more; finish it in the EHR")]
    NoDefinition,
}

impl Engine {
    /// Does `input` to an item, as `ctx`. Cases change under a reader's eyes: the act is decided on the version that stands.
    ///
    /// # Errors
    /// See [`ActError`].
    pub async fn act(&self, ctx: &OpCtx, item: &str, input: Input) -> Result<Acted, ActError> {
        let shared = &self.shared;
        for _ in 0..ATTEMPTS {
            let row = shared.store.case(ctx, item).await?;
            let case = read(&row)?;
            let definition = shared
                .definition(&case.workflow)
                .ok_or(ActError::NoDefinition)?;
            let now = shared.store.clock().now();
            let next = step(definition, &case, &input, now)?;
            if !next.changed {
                return Ok(Acted {
                    changed: false,
                    words: String::from("nothing to change"),
                });
            }
            let words = next
                .events
                .last()
                .map(|event| event.words.clone())
                .unwrap_or_default();
            let mut commit = CaseCommit::default();
            shared
                .add(&mut commit, definition, row.version, next, None, now)
                .await?;
            match shared.commit(ctx, commit).await {
                Ok(()) => {
                    return Ok(Acted {
                        changed: true,
                        words,
                    });
                }
                Err(Error::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Conflict.into())
    }
}

impl Engine {
    /// Tells a case how a write of its ended. A case that is gone or closed hears it too: its page shows it. What can't be told now is told
    /// when the engine starts again.
    pub async fn written(&self, case: &str, key: &str, state: WriteState, words: &str) {
        let ctx = self.shared.ctx.clone();
        let input = Input::Written {
            key: key.to_owned(),
            state,
            words: words.to_owned(),
        };
        if let Err(error) = self.act(&ctx, case, input).await {
            tracing::warn!("a case did not hear of its write: {error}");
        }
    }
}

impl Shared {
    /// After a stop between a settled write and the case that hears of it: cases whose writes are still queued are told how they ended.
    pub(super) async fn reconcile(&self) -> Result<(), Error> {
        let filter = CaseFilter {
            limit: RECONCILE,
            ..CaseFilter::default()
        };
        for row in self.store.cases(&self.ctx, &filter).await? {
            let case = read(&row)?;
            let waits = case.writes.iter().any(|write| {
                matches!(write.state, WriteState::Queued | WriteState::Unknown)
            });
            let Some(definition) = self.definition(&case.workflow).filter(|_| waits) else {
                continue;
            };
            let filter = OutboxFilter {
                case: Some(case.id.clone()),
                limit: ATTEMPTS,
                ..OutboxFilter::default()
            };
            let mut commit = CaseCommit::default();
            let now = self.store.clock().now();
            for owed in self.store.outbox(&self.ctx, &filter).await? {
                let (state, words) = match owed.state.as_str() {
                    "done" => (WriteState::Confirmed, "confirmed: read back from the EHR and compared"),
                    "refused" => (WriteState::Refused, "the EHR refused it"),
                    "unknown" | "checking" => (WriteState::Unknown, "nobody knows whether the EHR has it"),
                    _ => continue,
                };
                let input = Input::Written { key: owed.key, state, words: words.to_owned() };
                self.step(&mut commit, definition, row.version, &case, &input, None, now).await?;
            }
            if !commit.cases.is_empty() {
                commit.cases.truncate(1);
                self.commit(&self.ctx, commit).await?;
            }
        }
        Ok(())
    }
}
