//! Telling cases how their writes ended.

use std::collections::BTreeMap;

use bedside_store::{CaseCommit, Error, Untold};
use bedside_workflow::case::{Input, Step, WriteState, step};

use super::commit::write;
use super::engine::{Engine, Shared};
use super::orphan;
use super::person::read;

/// Somebody else may step in between so many times.
const ATTEMPTS: usize = 5;

/// As many items are told at once.
const BATCH: usize = 200;

impl Engine {
    /// Tells a case how a write of its ended. A case that is closed hears it too: its page shows it. What can't be told now is told at the
    /// next sweep.
    pub async fn written(&self, case: &str, key: &str, state: WriteState, words: &str) {
        let input = Input::Written {
            key: key.to_owned(),
            state,
            words: words.to_owned(),
        };
        if let Err(error) = self.shared.tell_case(case, &[input]).await {
            tracing::warn!(
                code = error.code(),
                "a case did not hear of its write yet: {error}"
            );
        }
    }

    /// Tells cases how their writes ended, where they have not heard of it: after a person settled one, for instance.
    ///
    /// # Errors
    /// The store could not be read or written.
    pub async fn reconcile(&self) -> Result<(), Error> {
        self.shared.reconcile().await
    }
}

impl Shared {
    /// Tells each case what it has not heard of its writes. What one case can't be told keeps no other from hearing.
    pub(super) async fn reconcile(&self) -> Result<(), Error> {
        let (mut after, mut failed) = (0, None);
        loop {
            let untold = self.store.untold(&self.ctx, after, BATCH).await?;
            let Some(last) = untold.last() else {
                break;
            };
            after = last.id;
            let mut of_case: BTreeMap<&str, Vec<&Untold>> = BTreeMap::new();
            for item in &untold {
                of_case.entry(&item.case).or_default().push(item);
            }
            for (case, items) in of_case {
                if let Err(error) = self.catch_up(case, &items).await {
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn catch_up(&self, case: &str, items: &[&Untold]) -> Result<(), Error> {
        let row = match self.store.case(&self.ctx, case).await {
            Ok(row) => Some(row),
            // Shredded: nobody is left to hear it.
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        if let Some(row) = row {
            let known = read(&row)?.writes;
            let inputs: Vec<Input> = items
                .iter()
                .filter_map(|item| {
                    let (state, words) = ended(item)?;
                    let heard = known
                        .iter()
                        .any(|write| write.key == item.key && write.state == state);
                    (!heard).then(|| Input::Written {
                        key: item.key.clone(),
                        state,
                        words,
                    })
                })
                .collect();
            self.tell_case(case, &inputs).await?;
        }
        for item in items {
            self.store.told(&self.ctx, item).await?;
        }
        Ok(())
    }

    /// Steps a case through these inputs, one upon the other, in one commit.
    async fn tell_case(&self, id: &str, inputs: &[Input]) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let row = self.store.case(&self.ctx, id).await?;
            let case = read(&row)?;
            let now = self.store.clock().now();
            let mut whole = Step {
                timers: Vec::new(),
                case,
                events: Vec::new(),
                effects: Vec::new(),
                changed: false,
            };
            for input in inputs {
                let next = match self.definition(&whole.case.workflow) {
                    Some(definition) => step(definition, &whole.case, input, now).ok(),
                    None => orphan::written(&whole.case, input, now),
                };
                if let Some(next) = next.filter(|next| next.changed) {
                    whole.case = next.case;
                    whole.timers = next.timers;
                    whole.events.extend(next.events);
                    whole.changed = true;
                }
            }
            if !whole.changed {
                return Ok(());
            }
            let commit = CaseCommit {
                cases: vec![write(row.version, &whole, None)?],
                ..CaseCommit::default()
            };
            match self.commit(&self.ctx, commit).await {
                Err(Error::Conflict) => {}
                other => return other,
            }
        }
        Err(Error::Conflict)
    }
}

/// How an item of the outbox stands, for its case.
fn ended(item: &Untold) -> Option<(WriteState, String)> {
    let or = |words: &str| item.reason.clone().unwrap_or_else(|| words.to_owned());
    let blocked = item
        .reason
        .as_ref()
        .is_some_and(|reason| reason.starts_with("not written to the EHR"));
    match item.state.as_str() {
        "done" => Some((
            WriteState::Confirmed,
            String::from("confirmed: read back from the EHR and compared"),
        )),
        "refused" if blocked => Some((WriteState::Blocked, or(""))),
        "refused" => Some((WriteState::Refused, or("the EHR refused it"))),
        "unknown" => Some((
            WriteState::Unknown,
            String::from("nobody knows whether the EHR has it"),
        )),
        _ => None,
    }
}
