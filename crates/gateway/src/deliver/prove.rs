//! Proving a write route at this site: a test patient gets a note, it is read back, compared, and found by the search that a write without an
//! answer relies on; only then is the route on (promise P8).

use std::sync::Arc;

use bedside_core::ctx::OpCtx;
use bedside_fact::clock::Timestamp;
use bedside_store::{Error, Store};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::compare::differences;
use super::find;
use super::sender::Outlet;
use crate::connection::Written;
use crate::workflow::KEY_SYSTEM;

/// The pause after the first search that did not show the note; each further one is as long as all before.
const FIRST_LOOK: SignedDuration = SignedDuration::from_secs(1);

/// Why a route could not be proven. None carries patient data.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The store said no.
    #[error(transparent)]
    Store(#[from] Error),
    /// The EHR refused the write.
    #[error("the EHR refused the test note ({0}); ask its vendor whether this client may write it")]
    Refused(u16),
    /// It was not sent.
    #[error("the test note was not sent: {0}")]
    NotSent(String),
    /// No answer, or none that says what became of it.
    #[error(
        "the EHR did not say whether it took the test note; look for it there before you try again"
    )]
    Unanswered,
    /// It could not be read back.
    #[error(
        "the EHR took the test note and does not give it back; without that no write can be confirmed"
    )]
    NotReadable,
    /// The search that the profile names does not show it.
    #[error(
        "the EHR took the test note, and no search by {0} showed it within {1} s; without `find_by` in this site's profile \
         an unanswered note is left to a person instead of being sent twice"
    )]
    NotFound(String, i64),
    /// The record knows more of that patient than a test patient has.
    #[error(
        "this patient has results in the record, so it is no test patient; nothing was written"
    )]
    Treated,
    /// Something else came back.
    #[error("the EHR holds something else than was written: {0}")]
    Differs(String),
}

/// Writes a note to the record of `test_patient` (the EHR's own id of a patient that nobody treats), reads it back, compares, finds
/// it by search where the profile says that it can be, and notes the route as proven by `ctx`.
///
/// # Errors
/// See [`ProveError`]; then the route stays off.
pub async fn prove(
    store: &Store,
    ctx: &OpCtx,
    outlet: &Outlet,
    test_patient: &str,
    now: Timestamp,
) -> Result<String, ProveError> {
    refuse_a_patient_who_is_treated(store, outlet, test_patient).await?;
    let key = format!("proof/{}/{}", outlet.route, now.as_microsecond());
    let body = note(test_patient, &key, now);
    let text = body.to_string();
    let id = match outlet.client.create("Communication", &text).await {
        Written::Created { id: Some(id) } => id,
        Written::Created { id: None } | Written::Unanswered => return Err(ProveError::Unanswered),
        Written::Refused { status, .. } => return Err(ProveError::Refused(status)),
        Written::NotSent { why } => return Err(ProveError::NotSent(why)),
    };
    let held = outlet
        .client
        .read("Communication", &id)
        .await
        .map_err(|_| ProveError::NotReadable)?;
    let client = &outlet.client;
    let differences = differences(&body, &held, &|reference| client.own_reference(reference));
    if !differences.is_empty() {
        return Err(ProveError::Differs(differences.join(", ")));
    }
    let basis = if outlet.find_by.is_empty() {
        String::from("test patient, read back and compared")
    } else {
        let seconds = found_after(outlet, &body, &key).await?;
        format!("test patient, read back, compared, and found by search after {seconds} s")
    };
    store
        .prove_route(ctx, &outlet.route, &outlet.source, &basis, &key)
        .await?;
    Ok(id)
}

/// A number typed wrong must not put a note into somebody's chart: a patient of whom the record holds anything but the person is treated.
async fn refuse_a_patient_who_is_treated(
    store: &Store,
    outlet: &Outlet,
    test_patient: &str,
) -> Result<(), ProveError> {
    let ctx = OpCtx::service(store.tenant().clone(), "prove", Arc::clone(store.clock()));
    let id = store
        .public_ids()
        .public_id(&outlet.source, "Patient", test_patient);
    match store.facts_of(&ctx, &id).await {
        Ok(record)
            if record
                .resources
                .iter()
                .any(|one| one.resource_type == "Observation") =>
        {
            Err(ProveError::Treated)
        }
        Ok(_) | Err(Error::NotFound(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// After how many seconds the search showed the note, within the time that the profile gives it.
async fn found_after(outlet: &Outlet, body: &Value, key: &str) -> Result<i64, ProveError> {
    let by = outlet.find_by.join(", ");
    let longest = outlet.visible_after.as_secs();
    let query = find::query(&outlet.find_by, body)
        .ok_or_else(|| ProveError::NotFound(by.clone(), longest))?;
    let clock = outlet.client.clock();
    let begun = clock.now();
    loop {
        let found = outlet.client.search("Communication", &query).await;
        let waited = clock.now().duration_since(begun);
        if found.is_ok_and(|found| find::ours(&found.entries, key).len() == 1) {
            return Ok(waited.as_secs());
        }
        if waited >= outlet.visible_after {
            return Err(ProveError::NotFound(by, longest));
        }
        let next = clock.now().saturating_add(waited.max(FIRST_LOOK));
        clock.wait_until(next.unwrap_or(Timestamp::MAX)).await;
    }
}

fn note(patient: &str, key: &str, now: Timestamp) -> Value {
    json!({
        "resourceType": "Communication",
        "identifier": [{ "system": KEY_SYSTEM, "value": key }],
        "status": "completed",
        "subject": { "reference": format!("Patient/{patient}") },
        "sent": now.to_string(),
        "payload": [{ "contentString": "Bedside proves that it can write here. This is a test patient; nothing is to be done." }],
    })
}
