//! One person: the facts that each workflow needs, what follows from them, and the step of the case.

use std::collections::{BTreeMap, BTreeSet};

use bedside_core::facts::{bind, is_value_of, situation};
use bedside_core::record::PersonRecord;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::ResourceId;
use bedside_store::{CaseCommit, CaseEvent, CaseFilter, CaseRow, CaseWrite, Error, OutboxPut};
use bedside_workflow::case::{Case, Effect, Input, Step, open, step};
use bedside_workflow::{Decision, Definition, Evaluation, Finding, Inputs, evaluate};
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::Value;

use super::engine::Shared;

/// A value that was true so long before its source was connected is history: it opens nothing (promise P8). What was taken shortly before may
/// have been reported after, and nobody has acted on it.
const HISTORY: SignedDuration = SignedDuration::from_hours(6);

/// As many cases of one person and workflow as are looked back at.
const LOOK_BACK: usize = 50;

/// A step is tried again when somebody else stepped meanwhile.
const ATTEMPTS: usize = 5;

impl Shared {
    /// Looks at the person of `patient` for every workflow, because `what` of it changed. Notes in `done` whom it has looked at.
    pub(super) async fn look_at(
        &self,
        patient: &ResourceId,
        what: &[(String, ResourceId)],
        done: &mut BTreeSet<ResourceId>,
    ) -> Result<(), Error> {
        let filter = CaseFilter {
            open: Some(true),
            patients: vec![patient.clone()],
            limit: LOOK_BACK,
            ..CaseFilter::default()
        };
        let open = !self.store.cases(&self.ctx, &filter).await?.is_empty();
        if !open && !self.concerns(what).await? {
            return Ok(());
        }
        let record = match self.store.facts_of(&self.ctx, patient).await {
            Ok(record) => record,
            // An organisation's compartment, or a patient that nothing but a parked message names.
            Err(Error::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        done.extend(record.patients.iter().cloned());
        for definition in &self.definitions {
            self.decide(definition, &record).await?;
        }
        Ok(())
    }

    /// Whether any of the changed resources can start a workflow. What is held has no resource yet, so it always can.
    async fn concerns(&self, what: &[(String, ResourceId)]) -> Result<bool, Error> {
        if what.is_empty() {
            return Ok(true);
        }
        let of_interest: Vec<(String, ResourceId)> = what
            .iter()
            .filter(|(of_type, _)| matches!(of_type.as_str(), "Observation" | "Patient"))
            .cloned()
            .collect();
        if of_interest.iter().any(|(of_type, _)| of_type == "Patient") {
            // Who the patient is may have changed, and with it whose results these are.
            return Ok(true);
        }
        let bodies = self.store.resource_bodies(&self.ctx, &of_interest).await?;
        Ok(bodies.iter().flatten().any(|body| {
            serde_json::from_str::<Value>(body).is_ok_and(|resource| {
                self.definitions.iter().any(|definition| {
                    definition
                        .trigger_facts()
                        .iter()
                        .any(|fact| is_value_of(&self.catalogue, fact, &resource).is_some())
                })
            })
        }))
    }

    /// Evaluates one workflow for one person and commits what follows.
    pub(super) async fn decide(&self, definition: &Definition, record: &PersonRecord) -> Result<(), Error> {
        let now = self.store.clock().now();
        let situation = situation(record, now, &self.zone);
        let facts: BTreeMap<_, _> = definition
            .needs(&situation)
            .into_iter()
            .map(|(name, need)| {
                let fact = bind(record, &self.catalogue, &need, now, &self.zone);
                (name, fact)
            })
            .collect();
        let inputs = Inputs { facts, situation };
        let evaluation = evaluate(definition, &inputs, &self.groups, now, &self.zone);
        for _ in 0..ATTEMPTS {
            match self.follow(definition, record, &inputs, &evaluation, now).await {
                Err(Error::Conflict) => {}
                other => return other,
            }
        }
        Err(Error::Conflict)
    }

    async fn follow(
        &self,
        definition: &Definition,
        record: &PersonRecord,
        inputs: &Inputs,
        evaluation: &Evaluation,
        now: Timestamp,
    ) -> Result<(), Error> {
        let filter = CaseFilter {
            workflow: Some(definition.name().to_owned()),
            patients: record.patients.clone(),
            limit: LOOK_BACK,
            ..CaseFilter::default()
        };
        let known = self.store.cases(&self.ctx, &filter).await?;
        let mut open_ones: Vec<(&CaseRow, Case)> = Vec::new();
        let mut closed: Vec<Case> = Vec::new();
        for row in &known {
            let case = read(row)?;
            if row.open {
                open_ones.push((row, case));
            } else {
                closed.push(case);
            }
        }
        open_ones.sort_by_key(|(row, case)| (case.opened_at, row.id.clone()));
        let mut commit = CaseCommit::default();
        if open_ones.is_empty() {
            if let Some(finding) = self.opens(evaluation, &closed, record).await? {
                let id = self.case_id(definition, record, finding);
                let step = open(definition, id, evaluation, &inputs.situation, now);
                self.add(&mut commit, definition, 0, step, Some(snapshot(record, inputs, evaluation)), now).await?;
            }
        } else {
            let mut rest = open_ones.into_iter();
            if let Some((row, case)) = rest.next() {
                let input = if inputs.situation.died == Some(true) {
                    Input::Died
                } else {
                    Input::Evaluated {
                        evaluation: Box::new(evaluation.clone()),
                        situation: inputs.situation.clone(),
                    }
                };
                self.step(&mut commit, definition, row.version, &case, &input, Some(snapshot(record, inputs, evaluation)), now)
                    .await?;
                // Two records became one person: one open case goes on, the others say which.
                let by = case.id.clone();
                for (row, case) in rest {
                    let input = Input::Superseded { by: by.clone() };
                    self.step(&mut commit, definition, row.version, &case, &input, None, now).await?;
                }
            }
        }
        if commit.cases.is_empty() {
            return Ok(());
        }
        self.commit(&self.ctx, commit).await
    }

    /// The finding that opens a case, when one does: it calls for action, nobody has closed a case on it, and it is no history.
    async fn opens<'e>(
        &self,
        evaluation: &'e Evaluation,
        closed: &[Case],
        record: &PersonRecord,
    ) -> Result<Option<&'e Finding>, Error> {
        let calls = match &evaluation.decision {
            Decision::Act(_) | Decision::Ask { .. } => true,
            Decision::Nothing | Decision::NotApplicable(_) => false,
        };
        let Some(finding) = evaluation.finding.as_ref().filter(|_| calls) else {
            return Ok(None);
        };
        // A result that was dealt with opens nothing again unless it says something else now.
        let dealt_with = closed.iter().any(|case| {
            std::iter::once(&case.finding)
                .chain(&case.earlier)
                .any(|earlier| earlier.is_same(finding))
        });
        if dealt_with {
            return Ok(None);
        }
        let mut connected: Option<Timestamp> = None;
        for stored in record.resources.iter().filter(|stored| {
            finding
                .resources
                .iter()
                .any(|resource| *resource == format!("{}/{}", stored.resource_type, stored.id))
        }) {
            let since = self.store.source_since(&self.ctx, &stored.source).await?;
            connected = Some(connected.map_or(since, |earlier| earlier.min(since)));
        }
        let history = connected.zip(finding.taken_at).is_some_and(|(since, taken)| {
            since
                .saturating_sub(HISTORY)
                .is_ok_and(|begin| taken < begin)
        });
        Ok((!history).then_some(finding))
    }

    /// The same person and finding always give the same id, so that two nodes can't open two.
    fn case_id(&self, definition: &Definition, record: &PersonRecord, finding: &Finding) -> String {
        let source = bedside_fact::id::SourceId::new("bedside");
        let of = format!("{}\u{1f}{}\u{1f}{}\u{1f}{}", definition.name(), record.person, finding.identity, finding.said);
        self.store.public_ids().public_id(&source, "Case", &of).as_str().to_owned()
    }

    #[expect(clippy::too_many_arguments, reason = "a step has this many sides, and each caller has all of them")]
    pub(super) async fn step(
        &self,
        commit: &mut CaseCommit,
        definition: &Definition,
        version: i64,
        case: &Case,
        input: &Input,
        snapshot: Option<Vec<u8>>,
        now: Timestamp,
    ) -> Result<(), Error> {
        // What can't follow from this state does not: a timer of a case that was closed meanwhile, for one.
        let Ok(step) = step(definition, case, input, now) else {
            return Ok(());
        };
        if step.changed {
            self.add(commit, definition, version, step, snapshot, now).await?;
        }
        Ok(())
    }

    /// Adds a step to what is committed: the case, its timers, and what it owes.
    pub(super) async fn add(
        &self,
        commit: &mut CaseCommit,
        definition: &Definition,
        version: i64,
        mut step: Step,
        snapshot: Option<Vec<u8>>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let effects = std::mem::take(&mut step.effects);
        for effect in effects {
            match effect {
                Effect::WriteBack { key, about, .. } => {
                    match self.owed(&step.case, &key, &about).await? {
                        Ok(owed) => commit.outbox.push(OutboxPut {
                            key,
                            route: owed.route,
                            due: now,
                            payload: owed.payload,
                            case: Some(step.case.id.clone()),
                        }),
                        Err(why) => {
                            let blocked = Input::Written {
                                key,
                                state: bedside_workflow::case::WriteState::Blocked,
                                words: why,
                            };
                            if let Ok(next) = bedside_workflow::case::step(definition, &step.case, &blocked, now) {
                                step.case = next.case;
                                step.events.extend(next.events);
                            }
                        }
                    }
                }
                // Whom a rung tells is part of the case and on its page; a page or a message needs a channel of the site's.
                Effect::Notify { .. } => {}
            }
        }
        let case = &step.case;
        commit.cases.push(CaseWrite {
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
            body: json(case),
            events: step
                .events
                .iter()
                .map(|event| CaseEvent {
                    at: event.at,
                    kind: event.kind.clone(),
                    actor: event.actor.clone(),
                    body: json(event),
                })
                .collect(),
            timers: step.timers.iter().map(|timer| (timer.name.clone(), timer.due)).collect(),
            snapshot,
        });
        Ok(())
    }

    /// A timer that is due.
    pub(super) async fn play_timer(&self, id: &str, timer: &str, _due: Timestamp) -> Result<(), Error> {
        let input = Input::Due { timer: timer.to_owned() };
        for _ in 0..ATTEMPTS {
            let row = self.store.case(&self.ctx, id).await?;
            let case = read(&row)?;
            let Some(definition) = self.definition(&case.workflow) else {
                return Ok(());
            };
            let now = self.store.clock().now();
            let mut commit = CaseCommit::default();
            let mut next = step(definition, &case, &input, now).unwrap_or_else(|_| Step {
                case: case.clone(),
                events: Vec::new(),
                effects: Vec::new(),
                timers: Vec::new(),
                changed: false,
            });
            if !next.changed {
                // The case has no use for it any more; written once more without it, it rings no more.
                next.timers.retain(|one| one.name != timer || one.due > now);
            }
            self.add(&mut commit, definition, row.version, next, None, now).await?;
            match self.commit(&self.ctx, commit).await {
                Err(Error::Conflict) => {}
                other => return other,
            }
        }
        Err(Error::Conflict)
    }

    pub(super) fn definition(&self, name: &str) -> Option<&Definition> {
        self.definitions
            .iter()
            .find(|definition| definition.name() == name)
            .map(AsRef::as_ref)
    }
}

/// The case in a row.
pub(super) fn read(row: &CaseRow) -> Result<Case, Error> {
    serde_json::from_slice(&row.body).map_err(|_| Error::Corrupt(String::from("a case can't be read")))
}

/// What a decision stood on, for whoever asks later.
fn snapshot(record: &PersonRecord, inputs: &Inputs, evaluation: &Evaluation) -> Vec<u8> {
    // The position and the members say which links it stood on (design D11).
    json(&serde_json::json!({
        "seq": record.seq, "person": record.person, "patients": record.patients,
        "facts": inputs.facts, "situation": inputs.situation, "evaluation": evaluation,
    }))
}

/// Our own types, whose members all have names: they can always be written.
pub(super) fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
