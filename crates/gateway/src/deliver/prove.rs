//! Proving a write route at this site: a test patient gets a note, it is read back and compared, and only then is the route on (promise P8).

use bedside_core::ctx::OpCtx;
use bedside_fact::clock::Timestamp;
use bedside_store::{Error, Store};
use serde_json::{Value, json};

use super::compare::differences;
use super::sender::Outlet;
use crate::connection::Written;
use crate::workflow::KEY_SYSTEM;

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
    #[error("the EHR did not say whether it took the test note; look for it there before you try again")]
    Unanswered,
    /// It could not be read back.
    #[error("the EHR took the test note and does not give it back; without that no write can be confirmed")]
    NotReadable,
    /// Something else came back.
    #[error("the EHR holds something else than was written: {0}")]
    Differs(String),
}

/// Writes a note to the record of `test_patient` (the EHR's own id of a patient that nobody treats), reads it back, compares, and notes the
/// route as proven by `ctx`.
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
    let differences = differences(&body, &held);
    if !differences.is_empty() {
        return Err(ProveError::Differs(differences.join(", ")));
    }
    store
        .prove_route(ctx, &outlet.route, &outlet.source, "test patient, read back and compared", &key)
        .await?;
    Ok(id)
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
