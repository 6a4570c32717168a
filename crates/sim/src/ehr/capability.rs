//! The discovery documents: the `CapabilityStatement` and the SMART configuration, as incomplete as the vendor's.

use bedside_fact::clock::Timestamp;
use serde_json::{Value, json};

use super::answer::Answer;
use super::habits::{self, Resource};
use super::site;
use crate::vendor::Vendor;

/// The release that the simulated Epic site runs (vendor catalogue EPIC-18).
const EPIC_RELEASE: &str = "May 2026";

/// Where athena publishes which parameters have to come together (vendor catalogue ATHN-06).
const ATHENA_METADATA: &str =
    "https://fhir.athena.io/StructureDefinition/ah-search-parameter-metadata";

/// `.well-known/smart-configuration`. `origin` is scheme, host and port as the client reached them.
pub(crate) fn smart_configuration(vendor: Vendor, origin: &str) -> Answer {
    let token = format!("{origin}{}", site::token_path(vendor));
    let mut document = json!({
        "authorization_endpoint": token.replace("/token", "/authorize"),
        "token_endpoint": token,
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    });
    let more = match vendor {
        // Resource scopes can't be discovered (vendor catalogue EPIC-08).
        Vendor::Epic => json!({
            "issuer": format!("{origin}{}", site::base_path(vendor)),
            "scopes_supported": ["openid", "profile", "fhirUser", "launch", "epic.scanning.dmsusername"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
        }),
        Vendor::Oracle => {
            let scopes: Vec<String> = habits::resources(vendor)
                .iter()
                .flat_map(|resource| {
                    let write = resource
                        .create
                        .then(|| format!("system/{}.write", resource.name));
                    [format!("system/{}.read", resource.name)]
                        .into_iter()
                        .chain(write)
                })
                .collect();
            json!({
                "issuer": origin,
                "scopes_supported": scopes,
                "grant_types_supported": ["authorization_code", "client_credentials"],
            })
        }
        // The issuer is somebody else, and no scopes are listed (vendor catalogue ATHN-05).
        Vendor::Athena => json!({
            "issuer": "https://athena.okta.example/oauth2/aus1simulated",
            "grant_types_supported": ["authorization_code", "client_credentials"],
        }),
    };
    if let (Some(document), Value::Object(more)) = (document.as_object_mut(), more) {
        document.extend(more);
    }
    Answer::json(200, &document)
}

/// `/metadata`.
pub(crate) fn statement(vendor: Vendor, origin: &str, now: Timestamp) -> Answer {
    let resources: Vec<Value> = habits::resources(vendor)
        .iter()
        .map(|resource| described(vendor, resource))
        .collect();
    let token = format!("{origin}{}", site::token_path(vendor));
    let software = match vendor {
        Vendor::Epic => {
            json!({"name": "Epic", "version": EPIC_RELEASE, "releaseDate": "2026-05-15"})
        }
        Vendor::Oracle => json!({"name": "Oracle Health Millennium", "version": "R4 Ignite"}),
        Vendor::Athena => json!({"name": "athenaOne", "version": "26.7"}),
    };
    let document = json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        // Made anew for each request: no sign of a change (vendor catalogue EPIC-18).
        "date": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "experimental": vendor == Vendor::Epic,
        "kind": "instance",
        "software": software,
        "implementation": {"description": "Simulated", "url": format!("{origin}{}", site::base_path(vendor))},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{
            "mode": "server",
            "security": {
                "service": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR"}]}],
                "extension": [{
                    "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                    "extension": [{"url": "token", "valueUri": token}]
                }]
            },
            "resource": resources,
        }],
    });
    match vendor {
        // The old name of the type (vendor catalogue CERN-09).
        Vendor::Oracle => Answer::of(200, "application/json+fhir", document.to_string()),
        Vendor::Epic | Vendor::Athena => Answer::fhir(200, vendor, document.to_string()),
    }
}

fn described(vendor: Vendor, resource: &Resource) -> Value {
    // athena lists Group without an interaction (vendor catalogue ATHN-26).
    let read = vendor != Vendor::Athena || resource.name != "Group";
    let interactions: Vec<Value> = [
        (read, "read"),
        (resource.search, "search-type"),
        (resource.create, "create"),
    ]
    .into_iter()
    .filter(|(offered, _)| *offered)
    .map(|(_, code)| json!({"code": code}))
    .collect();
    let tenant = if vendor == Vendor::Athena && resource.search {
        habits::TENANT_PARAMS
    } else {
        &[]
    };
    let params: Vec<Value> = resource
        .params
        .iter()
        .chain(tenant)
        .map(|name| {
            // Lower case throughout (vendor catalogue EPIC-31).
            let name = match vendor {
                Vendor::Epic => name.to_lowercase(),
                Vendor::Oracle | Vendor::Athena => (*name).to_owned(),
            };
            json!({"name": name, "type": kind(&name)})
        })
        .collect();
    let mut described = json!({
        "type": resource.name,
        "interaction": interactions,
        "versioning": "no-version",
        "readHistory": false,
        "conditionalCreate": false,
        "conditionalUpdate": false,
        "searchParam": params,
    });
    if vendor == Vendor::Athena && resource.search {
        described["extension"] = required(resource);
    }
    described
}

fn required(resource: &Resource) -> Value {
    let name = if resource.sets.len() == 1 {
        "requiredSearchParams"
    } else {
        "requiredAnySearchParams"
    };
    let sets: Vec<Value> = resource
        .sets
        .iter()
        .map(|set| json!({"url": name, "valueString": set.join(",")}))
        .collect();
    json!([{"url": ATHENA_METADATA, "extension": sets}])
}

fn kind(name: &str) -> &'static str {
    match name {
        "patient" | "subject" | "encounter" | "account" => "reference",
        "date" | "birthdate" | "onset-date" | "recorded-date" | "_lastUpdated" => "date",
        "family" | "given" | "name" | "address-postalcode" => "string",
        _ => "token",
    }
}
