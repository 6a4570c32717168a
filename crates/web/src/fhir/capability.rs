//! `/fhir/metadata`: what works, and nothing else. It is written from the same table that searches are read by.

use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use bedside_fhir::search::{TYPES, common, parameters};
use serde_json::{Value, json};

use super::base;
use super::format::FHIR_JSON;
use crate::app::Console;

/// When what is stated here last changed.
const STATED: &str = "2026-11-22";

/// The statement. Open to everybody: clients read it before they have a token.
pub(super) fn document(console: &Console, headers: &HeaderMap) -> Response {
    let root = base::root(console, headers);
    let resources: Vec<Value> = TYPES.iter().map(|kind| resource(kind)).collect();
    let statement = json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": STATED,
        "kind": "instance",
        "software": { "name": "Bedside", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": "Bedside's FHIR API", "url": format!("{root}/fhir") },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [{
            "mode": "server",
            "security": {
                "cors": false,
                "service": [{
                    "coding": [{
                        "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                        "code": "SMART-on-FHIR",
                    }],
                    "text": "OAuth2 with signed client assertions (SMART Backend Services)",
                }],
                "extension": [{
                    "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                    "extension": [{ "url": "token", "valueUri": format!("{root}/auth/token") }],
                }],
            },
            "resource": resources,
            "interaction": [{
                "code": "batch",
                "documentation": "Entries that create an Observation; at most 500 of them and 8 MiB",
            }],
        }],
    });
    (
        [
            (CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON)),
            (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        ],
        statement.to_string(),
    )
        .into_response()
}

fn resource(kind: &str) -> Value {
    let creates = kind == "Observation";
    let mut interactions = vec![
        json!({ "code": "read" }),
        json!({ "code": "vread" }),
        json!({ "code": "search-type" }),
    ];
    if creates {
        interactions.push(json!({ "code": "create" }));
    }
    let search: Vec<Value> = common()
        .iter()
        .chain(parameters(kind))
        .map(|parameter| json!({ "name": parameter.name, "type": parameter.kind.as_str() }))
        .collect();
    let mut stated = json!({
        "type": kind,
        "interaction": interactions,
        "versioning": "versioned",
        "readHistory": true,
        "updateCreate": false,
        "conditionalCreate": creates,
        "conditionalRead": "not-match",
        "searchParam": search,
    });
    if let Some(members) = stated.as_object_mut()
        && kind != "Patient"
    {
        let mut includes = vec![format!("{kind}:patient")];
        if kind != "AllergyIntolerance" {
            includes.push(format!("{kind}:subject"));
        }
        members.insert(String::from("searchInclude"), json!(includes));
    }
    stated
}
