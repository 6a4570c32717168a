//! What an application tried and did not get, in the audit log: refused before the record was asked, or left out of an answer.
//!
//! Which words stand there is for whoever refuses to say. Here the patients that were named become those that are known: what a client
//! wrote in the place of an id may be a name or a number of somebody, and is not repeated.

use std::collections::BTreeSet;

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;

use super::{for_each, patients_meant};
use crate::error::Error;
use crate::sequence;
use crate::store::Store;

/// Patients named in one attempt that are looked for; a search may not name more either.
const NAMED: usize = 200;

/// Something that was asked for and not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What was tried.
    pub action: Action,
    /// Refused by a rule, or failed.
    pub outcome: AuditOutcome,
    /// What stood where an id of a patient belongs.
    pub patients: Vec<String>,
    /// The reason, the method, the type and the names of parameters; no values.
    pub detail: String,
}

impl Store {
    /// Enters attempts in the log, all of them or none: one entry for each known patient that was named, else one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the log can't be written, or what the database said.
    pub async fn fhir_attempts(&self, ctx: &OpCtx, attempts: Vec<Attempt>) -> Result<(), Error> {
        let tenant = self.tenant().clone();
        let named: Vec<Vec<String>> = attempts
            .iter()
            .map(|attempt| attempt.patients.iter().take(NAMED).cloned().collect())
            .collect();
        let known: Vec<BTreeSet<String>> = if named.iter().all(Vec::is_empty) {
            vec![BTreeSet::new(); named.len()]
        } else {
            self.read(move |tx| {
                let seq = sequence::last(tx, &tenant)?;
                let mut known = Vec::with_capacity(named.len());
                for ids in &named {
                    let mut patients = BTreeSet::new();
                    for id in ids {
                        patients.extend(patients_meant(tx, &tenant, id, seq)?);
                    }
                    known.push(patients);
                }
                Ok(known)
            })
            .await?
        };
        let entries = attempts
            .into_iter()
            .zip(&known)
            .flat_map(|(attempt, patients)| {
                let entry = Entry::new(ctx, attempt.action.as_str(), attempt.outcome)
                    .detail(attempt.detail);
                for_each(&entry, patients)
            })
            .collect();
        self.audit_all(ctx, entries).await
    }
}
