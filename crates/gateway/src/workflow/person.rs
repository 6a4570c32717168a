//! One person: the facts that each workflow needs, what follows from them, and when time alone may change it.

use std::collections::{BTreeMap, BTreeSet};

use bedside_core::facts::{bind, is_value_of, situation};
use bedside_core::record::PersonRecord;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::ResourceId;
use bedside_fact::known::{Fact, Need, Situation};
use bedside_store::{CaseFilter, CaseRow, Error};
use bedside_workflow::case::Case;
use bedside_workflow::{Definition, Evaluation, Inputs, evaluate};
use jiff::SignedDuration;
use serde_json::Value;

use super::engine::{SWEEP, Shared};

/// A step is tried again when somebody else stepped meanwhile.
const ATTEMPTS: usize = 5;

/// A person as one workflow sees them.
pub(super) struct Seen<'a> {
    pub(super) definition: &'a Definition,
    pub(super) record: &'a PersonRecord,
    pub(super) inputs: &'a Inputs,
    pub(super) evaluation: &'a Evaluation,
    pub(super) now: Timestamp,
}

impl Shared {
    /// Looks at the person of `patient` for every workflow, because `what` of it changed; none when anything may be different. Notes in
    /// `done` whom it has looked at.
    pub(super) async fn look_at(
        &self,
        patient: &ResourceId,
        what: Option<&[(String, ResourceId)]>,
        done: &mut BTreeSet<ResourceId>,
    ) -> Result<(), Error> {
        if let Some(what) = what
            && !self.has_open(patient).await?
            && !self.concerns(what).await?
        {
            return Ok(());
        }
        let record = match self.store.facts_of(&self.ctx, patient).await {
            Ok(record) => record,
            // An organisation's compartment, or a patient that nothing but a parked message names.
            Err(Error::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut again: Option<Timestamp> = None;
        let mut failed = None;
        for definition in &self.definitions {
            // What one workflow can't do with this person is no reason for another not to.
            match self.decide(definition, &record).await {
                Ok(due) => again = again.into_iter().chain(due).min(),
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        for (one, due) in record
            .patients
            .iter()
            .zip(std::iter::once(again).chain(std::iter::repeat(None)))
        {
            self.store.look_again(&self.ctx, one, due).await?;
        }
        done.extend(record.patients.iter().cloned());
        Ok(())
    }

    async fn has_open(&self, patient: &ResourceId) -> Result<bool, Error> {
        let filter = CaseFilter {
            open: Some(true),
            patients: vec![patient.clone()],
            limit: 1,
            ..CaseFilter::default()
        };
        Ok(!self.store.cases(&self.ctx, &filter).await?.is_empty())
    }

    /// Whether any of the changed resources can start a workflow: a result that it begins with, or anything but a result that it asks for.
    /// A list that was corrected may make dangerous what was not.
    async fn concerns(&self, what: &[(String, ResourceId)]) -> Result<bool, Error> {
        let circumstances = Situation::default();
        let asked: BTreeSet<&str> = self
            .definitions
            .iter()
            .flat_map(|definition| definition.needs(&circumstances))
            .filter_map(|(_, need)| self.catalogue.get(&need.fact))
            .flat_map(|fact| fact.asked_for().0)
            .chain(["Patient", "Encounter"])
            .filter(|of_type| *of_type != "Observation")
            .collect();
        if what
            .iter()
            .any(|(of_type, _)| asked.contains(of_type.as_str()))
        {
            return Ok(true);
        }
        let results: Vec<(String, ResourceId)> = what
            .iter()
            .filter(|(of_type, _)| of_type == "Observation")
            .cloned()
            .collect();
        let bodies = self.store.resource_bodies(&self.ctx, &results).await?;
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

    /// Evaluates one workflow for one person and commits what follows. Yields when time alone may change it.
    async fn decide(
        &self,
        definition: &Definition,
        record: &PersonRecord,
    ) -> Result<Option<Timestamp>, Error> {
        let now = self.store.clock().now();
        let situation = situation(record, now, &self.zone);
        let needs = definition.needs(&situation);
        let facts: BTreeMap<_, _> = needs
            .iter()
            .map(|(name, need)| {
                let fact = bind(record, &self.catalogue, need, now, &self.zone);
                (name.clone(), fact)
            })
            .collect();
        let inputs = Inputs { facts, situation };
        let evaluation = evaluate(definition, &inputs, &self.groups, now, &self.zone);
        let seen = Seen {
            definition,
            record,
            inputs: &inputs,
            evaluation: &evaluation,
            now,
        };
        for attempt in 0..ATTEMPTS {
            match self.follow(&seen, attempt).await {
                Ok(followed) => {
                    let soon = (!followed.settled)
                        .then(|| now.saturating_add(SWEEP).ok())
                        .flatten();
                    let differs = differs_at(&needs, &inputs.facts, followed.open, now);
                    return Ok(differs.into_iter().chain(soon).min());
                }
                Err(Error::Conflict) => {}
                Err(error) => return Err(error),
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

/// The next instant at which the same facts may read differently: a time that lies ahead has come; with an item open, also the newest value
/// or the last answer has grown too old.
fn differs_at(
    needs: &[(String, Need)],
    facts: &BTreeMap<String, Fact>,
    open: bool,
    now: Timestamp,
) -> Option<Timestamp> {
    let mut next: Option<Timestamp> = None;
    for (name, need) in needs {
        let Some(fact) = facts.get(name) else {
            continue;
        };
        let ahead = fact.data.iter().filter_map(|datum| datum.taken_at);
        let too_old = |at: Timestamp| {
            // The first second of being too old.
            let seconds = need.max_age.filter(|_| open)?.saturating_add(1);
            at.saturating_add(SignedDuration::from_secs(seconds)).ok()
        };
        let newest = fact
            .data
            .first()
            .map(|datum| datum.taken_at.unwrap_or(datum.received_at));
        let ages = newest.into_iter().chain(fact.as_of).filter_map(too_old);
        next = ahead.chain(ages).filter(|at| *at > now).chain(next).min();
    }
    next
}

/// The case in a row.
pub(super) fn read(row: &CaseRow) -> Result<Case, Error> {
    serde_json::from_slice(&row.body)
        .map_err(|_| Error::Corrupt(String::from("a case can't be read")))
}
