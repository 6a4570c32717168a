//! What people do to an item: each is one step of its case, committed against the version that was read.

use bedside_core::ctx::OpCtx;
use bedside_store::{CaseCommit, Error};
use bedside_workflow::case::{Input, Refusal, step};

use super::commit::write;
use super::engine::Engine;
use super::orphan;
use super::person::read;

/// Somebody else may step in between so many times.
const ATTEMPTS: usize = 5;

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
    #[error(
        "the workflow of this item does not run here any more; it can be closed, and nothing else"
    )]
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
            let definition = shared.definition(&case.workflow);
            let now = shared.store.clock().now();
            let next = match definition {
                Some(definition) => step(definition, &case, &input, now)?,
                None => orphan::act(&case, &input, now).ok_or(ActError::NoDefinition)??,
            };
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
            match definition {
                Some(definition) => {
                    shared
                        .add(&mut commit, definition, row.version, next, None, now)
                        .await?;
                }
                None => commit.cases.push(write(row.version, &next, None)?),
            }
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
