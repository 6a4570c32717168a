//! A create: what is taken, what is made of it, and an answer that says as little as the vendor's.
//!
//! Epic files a repeated create a second time, but not a repeated reading (vendor catalogue EPIC-51); Oracle answers
//! with an empty body under an HTML type (CERN-11). Nobody here has an idempotency key.

use serde_json::{Value, json};

use super::answer::Answer;
use super::chart::{Chart, Created, Found};
use super::index;
use super::instance::Inner;
use super::opaque;
use super::refusal::Refusal;
use crate::vendor::Vendor;

/// Vital signs that the simulated Epic site has a documentation row for (vendor catalogue EPIC-54).
const EPIC_ROWS: &[&str] = &[
    "8867-4", "8480-6", "8462-4", "85354-9", "8310-5", "9279-1", "59408-5", "2708-6", "29463-7",
    "8302-2",
];

/// A create as it came.
pub(crate) struct Filing<'a> {
    pub(crate) resource_type: &'static str,
    pub(crate) body: Option<Value>,
    pub(crate) client: &'a str,
    /// The absolute FHIR base.
    pub(crate) base: &'a str,
    /// Whether the client wants to see what was filed.
    pub(crate) echo: bool,
    pub(crate) now: bedside_fact::clock::Timestamp,
    /// How long it takes until reads and searches see it.
    pub(crate) late: jiff::SignedDuration,
}

/// Files a resource.
pub(crate) fn create(inner: &Inner, filing: Filing<'_>) -> Result<Answer, Refusal> {
    let body = filing
        .body
        .filter(|body| {
            body.get("resourceType").and_then(Value::as_str) == Some(filing.resource_type)
        })
        .ok_or(Refusal::Malformed)?;
    let mut chart = inner.chart_to_change(filing.now);
    let patient = index::patient(&body).ok_or(Refusal::LacksElement("subject"))?;
    if !matches!(chart.find("Patient", &patient), Found::Live(_)) {
        return Err(Refusal::NoReference("subject"));
    }
    match inner.vendor {
        Vendor::Epic => epic(&chart, filing.resource_type, &body, &patient)?,
        Vendor::Oracle => oracle(filing.resource_type, &body)?,
        Vendor::Athena => return Err(Refusal::NotSupported),
    }
    let copies = chart.copies(filing.resource_type, &body);
    let what = format!("{} {body} {copies}", filing.resource_type);
    let id = new_id(inner, &chart, filing.resource_type, &what);
    let shown = shown(inner.vendor, &id, &body);
    chart.create(
        Created {
            resource_type: filing.resource_type.to_owned(),
            id: id.clone(),
            at: filing.now.saturating_add(filing.late).unwrap_or(filing.now),
            client: filing.client.to_owned(),
            body,
        },
        shown.clone(),
        filing.now,
    );
    let place = format!("{}/{id}", filing.resource_type);
    Ok(match inner.vendor {
        // Relative, without an ETag (vendor catalogue EPIC-50).
        Vendor::Epic | Vendor::Athena => {
            let answer = if filing.echo {
                Answer::fhir(201, inner.vendor, shown.to_string())
            } else {
                Answer::empty(201)
            };
            answer.with("location", place)
        }
        Vendor::Oracle => Answer::html(201, String::new())
            .with("location", format!("{}/{place}", filing.base))
            .with("etag", "W/\"0\""),
    })
}

/// An id that depends on what is filed, so that equal runs give equal ids.
fn new_id(inner: &Inner, chart: &Chart, resource_type: &str, what: &str) -> String {
    let mut attempt: u32 = 0;
    loop {
        let what = format!("{what} {attempt}");
        let id = match inner.vendor {
            Vendor::Epic | Vendor::Athena => opaque::epic_id(inner.seed, &what),
            Vendor::Oracle => opaque::number(inner.seed, &what),
        };
        if matches!(chart.find(resource_type, &id), Found::Nothing) {
            return id;
        }
        attempt = attempt.saturating_add(1);
    }
}

/// What the EHR has afterwards. Epic leaves out what it has no place for and puts an identifier of its own beside the
/// client's (vendor catalogue EPIC-57).
fn shown(vendor: Vendor, id: &str, body: &Value) -> Value {
    let mut filed = serde_json::Map::new();
    filed.insert(
        "resourceType".to_owned(),
        body.get("resourceType").cloned().unwrap_or_default(),
    );
    filed.insert("id".to_owned(), json!(id));
    for (name, value) in body.as_object().into_iter().flatten() {
        let left_out = matches!(name.as_str(), "resourceType" | "id")
            || (vendor == Vendor::Epic && matches!(name.as_str(), "meta" | "text"));
        if !left_out {
            filed.insert(name.clone(), value.clone());
        }
    }
    if vendor == Vendor::Epic {
        let own = json!({"use": "usual", "system": "urn:oid:1.2.840.114350.1.13.412.2.7.2.798268", "value": id});
        let identifiers = filed.entry("identifier").or_insert_with(|| json!([]));
        if let Some(list) = identifiers.as_array_mut() {
            list.push(own);
        }
    }
    Value::Object(filed)
}

fn epic(chart: &Chart, resource_type: &str, body: &Value, patient: &str) -> Result<(), Refusal> {
    let status = body.get("status").and_then(Value::as_str);
    if resource_type == "Communication" {
        if body
            .get("payload")
            .and_then(Value::as_array)
            .is_none_or(Vec::is_empty)
        {
            return Err(Refusal::LacksElement("payload"));
        }
        return match status {
            None => Err(Refusal::LacksElement("status")),
            Some("completed") => Ok(()),
            Some(_) => Err(Refusal::Unaccepted("status")),
        };
    }
    // Modifier elements hold exact values (vendor catalogue EPIC-53); a vital sign has one code that has a row, and
    // an encounter (EPIC-54).
    if status != Some("final") {
        return Err(Refusal::Unaccepted("status"));
    }
    if body.pointer("/encounter/reference").is_none() {
        return Err(Refusal::LacksElement("encounter"));
    }
    let codings = body.pointer("/code/coding").and_then(Value::as_array);
    let code = match codings.map(Vec::as_slice) {
        Some([one]) => one.get("code").and_then(Value::as_str),
        Some(_) | None => None,
    };
    let Some(code) = code.filter(|code| EPIC_ROWS.contains(code)) else {
        return Err(Refusal::Unmapped);
    };
    let effective = body.get("effectiveDateTime").and_then(Value::as_str);
    if effective.is_none() {
        return Err(Refusal::LacksElement("effective"));
    }
    let exists = chart.created().iter().any(|created| {
        created.resource_type == resource_type
            && index::patient(&created.body).as_deref() == Some(patient)
            && created
                .body
                .pointer("/code/coding/0/code")
                .and_then(Value::as_str)
                == Some(code)
            && created
                .body
                .get("effectiveDateTime")
                .and_then(Value::as_str)
                == effective
    });
    if exists {
        Err(Refusal::ReadingExists)
    } else {
        Ok(())
    }
}

fn oracle(resource_type: &str, body: &Value) -> Result<(), Refusal> {
    // Refused wherever they stand at the top (vendor catalogue CERN-12).
    for name in ["modifierExtension", "implicitRules"] {
        if body.get(name).is_some() {
            return Err(Refusal::Unaccepted(name));
        }
    }
    let status = body.get("status").and_then(Value::as_str);
    if resource_type == "Communication" {
        if body
            .get("payload")
            .and_then(Value::as_array)
            .is_none_or(Vec::is_empty)
        {
            return Err(Refusal::LacksElement("payload"));
        }
        return match status {
            Some("completed" | "in-progress") => Ok(()),
            Some(_) | None => Err(Refusal::Unaccepted("status")),
        };
    }
    // The rules for vital signs (vendor catalogue CERN-36).
    if !matches!(status, Some("final" | "amended" | "corrected")) {
        return Err(Refusal::Unaccepted("status"));
    }
    if body.get("category").and_then(Value::as_array).map(Vec::len) != Some(1) {
        return Err(Refusal::Unaccepted("category"));
    }
    for name in ["effectiveDateTime", "valueQuantity"] {
        if body.get(name).is_none() {
            return Err(Refusal::LacksElement(name));
        }
    }
    let performers = body.get("performer").and_then(Value::as_array);
    let charted = performers.into_iter().flatten().any(|performer| {
        performer
            .pointer("/extension/0/valueCodeableConcept/coding/0/code")
            .and_then(Value::as_str)
            == Some("LA")
    });
    if charted {
        Ok(())
    } else {
        Err(Refusal::LacksElement("performer"))
    }
}
