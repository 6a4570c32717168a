//! A person as a Patient: what the sources say of the human, and links to each source's own record (design D11).
//!
//! The demographics are those of the record that was heard of last and did not go in a merge; identifiers are everybody's. It is made
//! when it is asked for and never stored, so that taking a link back leaves nothing behind.

use bedside_fact::id::TenantId;
use serde_json::{Map, Value, json};

use super::read::{COLUMNS, FhirResource};
use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::person::members;
use crate::seal::Sealer;
use crate::version;

/// The person of that id at a position; `None` when there is none of it.
pub(super) fn person(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    id: &str,
    seq: i64,
) -> Result<Option<FhirResource>, Error> {
    let (person, patients) = match members(tx, tenant, id, seq) {
        Ok(found) => found,
        Err(Error::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    if person != id {
        return Ok(None);
    }
    let mut records = Vec::new();
    for patient in &patients {
        let rows = tx.query_built(
            &format!(
                "SELECT {COLUMNS} FROM version WHERE tenant = $1 AND resource_type = 'Patient' AND id = $2 \
                 AND from_seq <= $3 AND (to_seq IS NULL OR to_seq > $3)"
            ),
            &[Val::Text(tenant.as_str()), Val::Text(patient), Val::Int(seq)],
        )?;
        for found in &rows {
            let stored = version::stored(sealer, found)?;
            let body: Value = serde_json::from_str(&stored.body).unwrap_or_default();
            records.push((stored.from_seq.0, stored.known_at, body));
        }
    }
    // Which link set it stands on changes it too, not only what the records say.
    let changed = tx.query(
        "SELECT max(from_seq) FROM member WHERE tenant = $1 AND person = $2 AND from_seq <= $3",
        &[Val::Text(tenant.as_str()), Val::Text(id), Val::Int(seq)],
    )?;
    let linked = changed
        .first()
        .map(|found| crate::row::int_or_null(found, 0))
        .transpose()?
        .flatten()
        .unwrap_or(0);
    let number = records
        .iter()
        .map(|(from, _, _)| *from)
        .max()
        .unwrap_or(0)
        .max(linked);
    let known_at = records
        .iter()
        .map(|(_, known, _)| *known)
        .max()
        .unwrap_or(0);
    let body = resource(id, number, known_at, &patients, &records);
    Ok(Some(FhirResource {
        resource_type: String::from("Patient"),
        id: id.to_owned(),
        version: number,
        known_at,
        body: body.to_string(),
        patients,
    }))
}

fn resource(
    id: &str,
    number: i64,
    known_at: i64,
    patients: &[String],
    records: &[(i64, i64, Value)],
) -> Value {
    let best = records
        .iter()
        .max_by_key(|(from, _, body)| (!is_replaced(body), *from))
        .map(|(_, _, body)| body);
    let mut made = Map::new();
    made.insert("resourceType".into(), json!("Patient"));
    made.insert("id".into(), json!(id));
    let updated = bedside_fact::clock::Timestamp::from_microsecond(known_at)
        .map_or_else(|_| String::new(), |at| at.to_string());
    made.insert(
        "meta".into(),
        json!({ "versionId": number.to_string(), "lastUpdated": updated }),
    );
    let mut identifiers: Vec<Value> = Vec::new();
    for (_, _, body) in records {
        let list = body.get("identifier").and_then(Value::as_array);
        for identifier in list.into_iter().flatten() {
            if !identifiers.contains(identifier) {
                identifiers.push(identifier.clone());
            }
        }
    }
    if !identifiers.is_empty() {
        made.insert("identifier".into(), Value::Array(identifiers));
    }
    let members = best.and_then(Value::as_object).into_iter().flatten();
    for (name, value) in members {
        let ours = [
            "resourceType",
            "id",
            "meta",
            "identifier",
            "link",
            "text",
            "contained",
        ];
        if !ours.contains(&name.as_str()) {
            made.insert(name.clone(), value.clone());
        }
    }
    let links: Vec<Value> = patients
        .iter()
        .map(|patient| {
            json!({ "other": { "reference": format!("Patient/{patient}") }, "type": "seealso" })
        })
        .collect();
    made.insert("link".into(), Value::Array(links));
    Value::Object(made)
}

/// Whether a merge put another record in its place.
fn is_replaced(patient: &Value) -> bool {
    let links = patient.get("link").and_then(Value::as_array);
    links
        .into_iter()
        .flatten()
        .any(|link| link.get("type").and_then(Value::as_str) == Some("replaced-by"))
}
