//! From a step to what is stored: the case, its history and timers, and what it owes, all in one commit.

use bedside_core::record::PersonRecord;
use bedside_fact::clock::Timestamp;
use bedside_store::{CaseCommit, CaseEvent, CaseWrite, Error, OutboxPut};
use bedside_workflow::case::{Case, Effect, Input, Step, WriteState, step};
use bedside_workflow::{Definition, Evaluation, Inputs};
use serde::Serialize;

use super::engine::Shared;

impl Shared {
    /// Adds a step to what is committed: the case, its timers, and what it owes.
    pub(super) async fn add(
        &self,
        commit: &mut CaseCommit,
        definition: &Definition,
        version: i64,
        mut done: Step,
        snapshot: Option<Vec<u8>>,
        now: Timestamp,
    ) -> Result<(), Error> {
        for effect in std::mem::take(&mut done.effects) {
            match effect {
                Effect::WriteBack { key, about, .. } => {
                    let why = match self.owed(&done.case, &key, &about).await {
                        Ok(Ok(owed)) => {
                            commit.outbox.push(OutboxPut {
                                key,
                                route: owed.route,
                                due: now,
                                payload: owed.payload,
                                case: Some(done.case.id.clone()),
                            });
                            continue;
                        }
                        Ok(Err(why)) => why,
                        // Taking an item on comes first: what can't be prepared for the EHR keeps nobody from it.
                        Err(error) => {
                            tracing::warn!(
                                code = error.code(),
                                "a write could not be prepared: {error}"
                            );
                            String::from(
                                "not written to the EHR: it could not be prepared; tell the EHR by hand",
                            )
                        }
                    };
                    let blocked = Input::Written {
                        key,
                        state: WriteState::Blocked,
                        words: why,
                    };
                    if let Ok(next) = step(definition, &done.case, &blocked, now) {
                        done.case = next.case;
                        done.events.extend(next.events);
                    }
                }
                // Whom a rung tells is part of the case and on its page; a page or a message needs a channel of the site's.
                Effect::Notify { .. } => {}
            }
        }
        commit.cases.push(write(version, &done, snapshot)?);
        Ok(())
    }
}

/// A step as it is stored.
pub(super) fn write(
    version: i64,
    step: &Step,
    snapshot: Option<Vec<u8>>,
) -> Result<CaseWrite, Error> {
    let case: &Case = &step.case;
    let events = step
        .events
        .iter()
        .map(|event| {
            Ok(CaseEvent {
                at: event.at,
                kind: event.kind.clone(),
                actor: event.actor.clone(),
                body: json(event)?,
            })
        })
        .collect::<Result<_, Error>>()?;
    Ok(CaseWrite {
        id: case.id.clone(),
        expected: version,
        workflow: case.workflow.clone(),
        patient: case.patient.clone(),
        state: case.state.as_str().to_owned(),
        open: case.state.is_open(),
        level: case.level.clone(),
        holder: case.holder.clone().unwrap_or_default(),
        owned: case.owner.name.is_some() || case.holder.is_some(),
        due: case.next.as_ref().map(|next| next.at),
        opened_at: case.opened_at,
        body: json(case)?,
        events,
        timers: step
            .timers
            .iter()
            .map(|timer| (timer.name.clone(), timer.due))
            .collect(),
        snapshot,
    })
}

/// What a decision stood on, for whoever asks later.
pub(super) fn snapshot(
    record: &PersonRecord,
    inputs: &Inputs,
    evaluation: &Evaluation,
) -> Result<Vec<u8>, Error> {
    // The position and the members say which links it stood on (design D11).
    json(&serde_json::json!({
        "seq": record.seq, "person": record.person, "patients": record.patients,
        "facts": inputs.facts, "situation": inputs.situation, "evaluation": evaluation,
    }))
}

/// A case that can't be written whole is not written at all: an empty body would be unreadable for ever.
fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value)
        .map_err(|_| Error::Invalid(String::from("a case that can't be put into JSON")))
}
