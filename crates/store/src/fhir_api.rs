//! Reading, searching and creating resources for the customer's programs (design D6, D7, D11, D16).
//!
//! Each door asks the planner what the application may touch before anything is looked up, and the answer goes into the query; then the
//! audit entries are written, one for each patient touched; then the answer leaves. A search reads one position of the record, and its
//! later pages read the same one. Bodies are handed out as they are stored: nothing is printed anew.

mod attempt;
mod candidates;
mod create;
mod cursor;
mod gaps;
mod person;
mod read;
mod search;

use bedside_core::access::{Action, Operation, Predicate, plan};
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_fact::id::TenantId;

use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::person::members;
use crate::store::Store;

pub use attempt::Attempt;
pub use cursor::Cursor;
pub use gaps::Gap;
pub use read::{FhirRead, FhirResource};
pub use search::{FhirFound, FhirSearch, Searched};

impl Store {
    /// What the application may touch, or the refusal, which is in the log before it is told. `patients` are those that it named, `with`
    /// the names of its parameters.
    async fn planned(
        &self,
        ctx: &OpCtx,
        action: Action,
        (resource_type, operation): (&str, Operation),
        patients: &[String],
        with: &str,
    ) -> Result<Predicate, Error> {
        self.guard(ctx, action).await?;
        let denial = match plan(ctx, resource_type, operation) {
            Ok(predicate) => return Ok(predicate),
            Err(denial) => denial,
        };
        let attempt = Attempt {
            action,
            outcome: AuditOutcome::Denied,
            patients: patients.to_vec(),
            detail: format!("{} {operation:?} {resource_type}{with}", denial.rule()),
        };
        self.fhir_attempts(ctx, vec![attempt]).await?;
        Err(Error::Denied(denial))
    }

    /// One entry for each patient touched; one without a patient when nobody was.
    async fn touched(
        &self,
        ctx: &OpCtx,
        action: Action,
        patients: impl IntoIterator<Item = &String>,
        detail: String,
    ) -> Result<(), Error> {
        let entry = Entry::new(ctx, action.as_str(), AuditOutcome::Success).detail(detail);
        self.audit_all(ctx, for_each(&entry, patients)).await
    }
}

/// The entry once for each patient; once without when there is none.
fn for_each<'a>(entry: &Entry, patients: impl IntoIterator<Item = &'a String>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = patients
        .into_iter()
        .map(|patient| entry.clone().patient(patient))
        .collect();
    if entries.is_empty() {
        entries.push(entry.clone());
    }
    entries
}

/// Whether a text can be an id (FHIR R4 §2.24.0.1). Nothing else is looked up.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

/// The source patients that an id means at a position: itself, or those of the person.
fn patients_meant(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    id: &str,
    seq: i64,
) -> Result<Vec<String>, Error> {
    if !is_id(id) {
        return Ok(Vec::new());
    }
    let own = tx.query(
        "SELECT id FROM patient WHERE tenant = $1 AND id = $2 AND since_seq <= $3",
        &[Val::Text(tenant.as_str()), Val::Text(id), Val::Int(seq)],
    )?;
    if !own.is_empty() {
        return Ok(vec![id.to_owned()]);
    }
    match members(tx, tenant, id, seq) {
        Ok((_, patients)) => Ok(patients),
        Err(Error::NotFound(_)) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
