//! What differs between the vendors everywhere: ids, references, times, code systems, metadata.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};

use crate::rng::Rng;
use crate::vendor::Vendor;

/// The practice's number at athena; it stands in every id (vendor catalogue ATHN-04).
const PRACTICE: &str = "195900";

/// The OID arc of the organisation at Epic, production environment (EPIC-37).
pub(crate) const EPIC_ARC: &str = "1.2.840.114350.1.13.412.2.7";

/// The tenant at Oracle Health, part of its URLs and of its proprietary code systems (CERN-01, CERN-27).
const ORACLE_TENANT: &str = "5f0c2b7e-9d1a-4e6b-8c33-2a7d41e90f16";

/// What has an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Patient,
    Encounter,
    Condition,
    Allergy,
    Prescription,
    Medication,
    Lab,
    Vital,
    Practitioner,
    Organization,
    Location,
    Group,
}

impl Kind {
    pub(crate) fn resource_type(self) -> &'static str {
        match self {
            Self::Patient => "Patient",
            Self::Encounter => "Encounter",
            Self::Condition => "Condition",
            Self::Allergy => "AllergyIntolerance",
            Self::Prescription => "MedicationRequest",
            Self::Medication => "Medication",
            Self::Lab | Self::Vital => "Observation",
            Self::Practitioner => "Practitioner",
            Self::Organization => "Organization",
            Self::Location => "Location",
            Self::Group => "Group",
        }
    }
}

/// The id of the thing with that key.
pub(crate) fn id(vendor: Vendor, kind: Kind, key: u64) -> String {
    match vendor {
        Vendor::Epic => opaque(kind, key),
        Vendor::Oracle => match kind {
            Kind::Lab => format!("L-{}", key.saturating_add(197_000_000)),
            Kind::Vital => format!("VS-{}", key.saturating_add(63_000_000)),
            Kind::Condition => format!("p{}", key.saturating_add(4_700_000)),
            Kind::Patient => key.saturating_add(12_724_000).to_string(),
            Kind::Encounter => key.saturating_add(97_953_000).to_string(),
            Kind::Allergy => key.saturating_add(7_200_000).to_string(),
            Kind::Prescription => key.saturating_add(313_700_000).to_string(),
            Kind::Medication
            | Kind::Practitioner
            | Kind::Organization
            | Kind::Location
            | Kind::Group => key.saturating_add(590_000).to_string(),
        },
        Vendor::Athena => match kind {
            Kind::Patient => format!("a-{PRACTICE}.E-{key}"),
            Kind::Encounter => format!("a-{PRACTICE}.encounter-{key}"),
            Kind::Condition => format!("a-{PRACTICE}.Problem-{key}"),
            Kind::Allergy => format!("a-{PRACTICE}.Allergy-{key}"),
            Kind::Prescription => format!("a-{PRACTICE}.MedicationEntry-{key}"),
            Kind::Medication => format!("a-1.Medication-{key}"),
            Kind::Lab => format!("a-{PRACTICE}.labresult-{key}"),
            Kind::Vital => format!("a-{PRACTICE}.vitals-{key}"),
            Kind::Practitioner => format!("a-{PRACTICE}.Provider-{key}"),
            Kind::Organization => format!("a-1.Practice-{PRACTICE}"),
            Kind::Location => format!("a-{PRACTICE}.Department-{key}"),
            Kind::Group => format!("a-{PRACTICE}.CSG-{key}"),
        },
    }
}

/// Epic's ids: mixed case with dots and hyphens, of several lengths (EPIC-36).
fn opaque(kind: Kind, key: u64) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.";
    let mixed = kind
        .resource_type()
        .bytes()
        .chain([if kind == Kind::Vital { b'v' } else { b'.' }])
        .fold(key, |mixed, byte| {
            Rng::new(mixed ^ u64::from(byte).rotate_left(17)).next_u64()
        });
    let mut rng = Rng::new(mixed);
    let length = match kind {
        Kind::Patient | Kind::Practitioner | Kind::Organization | Kind::Location | Kind::Group => {
            23
        }
        Kind::Medication => 62,
        Kind::Encounter
        | Kind::Condition
        | Kind::Allergy
        | Kind::Prescription
        | Kind::Lab
        | Kind::Vital => 44,
    };
    let mut out = String::from("e");
    for _ in 0..length {
        out.push(char::from(LETTERS[rng.index(LETTERS.len())]));
    }
    out.push('3');
    out
}

/// A reference; relative, as all three send it in R4 (EPIC-46).
pub(crate) fn reference(vendor: Vendor, kind: Kind, key: u64) -> Value {
    json!({"reference": format!("{}/{}", kind.resource_type(), id(vendor, kind, key))})
}

/// A reference with words.
pub(crate) fn named(vendor: Vendor, kind: Kind, key: u64, display: &str) -> Value {
    json!({
        "reference": format!("{}/{}", kind.resource_type(), id(vendor, kind, key)),
        "display": display,
    })
}

/// An instant: seconds in UTC, milliseconds in UTC, or the practice's own offset.
pub(crate) fn time(vendor: Vendor, at: Timestamp) -> String {
    match vendor {
        Vendor::Epic => at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Vendor::Oracle => at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
        Vendor::Athena => {
            let zone = TimeZone::get("America/Chicago").unwrap_or(TimeZone::UTC);
            at.to_zoned(zone)
                .strftime("%Y-%m-%dT%H:%M:%S%:z")
                .to_string()
        }
    }
}

/// The start of a resource: type and id.
pub(crate) fn start(vendor: Vendor, kind: Kind, key: u64) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("resourceType".to_owned(), json!(kind.resource_type()));
    out.insert("id".to_owned(), json!(id(vendor, kind, key)));
    out
}

/// What a vendor says of a resource's version: Oracle Health its number and when it was filed, the others nothing
/// (EPIC-32).
pub(crate) fn version(vendor: Vendor, number: u32, filed: Timestamp) -> Option<Value> {
    match vendor {
        Vendor::Oracle => Some(json!({
            "versionId": number.to_string(),
            "lastUpdated": time(vendor, filed),
        })),
        Vendor::Epic | Vendor::Athena => None,
    }
}

/// Adds members to a resource; nothing is written for null.
pub(crate) fn with(mut out: Map<String, Value>, members: Value) -> Map<String, Value> {
    if let Value::Object(members) = members {
        out.extend(members.into_iter().filter(|(_, value)| !value.is_null()));
    }
    out
}

/// One of Epic's systems of the organisation, by the rest of its OID.
pub(crate) fn epic_system(rest: &str) -> String {
    format!("urn:oid:{EPIC_ARC}.{rest}")
}

/// One of Oracle Health's code sets.
pub(crate) fn oracle_code_set(number: u32) -> String {
    format!("https://fhir.cerner.com/{ORACLE_TENANT}/codeSet/{number}")
}

/// A number of the local system that belongs to a word: the same word, the same number.
pub(crate) fn local_number(word: &str) -> u64 {
    word.bytes()
        .fold(7_919_u64, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u64::from(byte))
        })
        .checked_rem(9_000_000)
        .unwrap_or(0)
        .saturating_add(1_000_000)
}

/// The codings of a standard code beside the vendor's own (EPIC-42, CERN-27). athena sends the standard alone.
pub(crate) fn codings(
    vendor: Vendor,
    system: &str,
    code: &str,
    display: &str,
    local: &str,
) -> Value {
    let standard = json!({"system": system, "code": code, "display": display});
    match vendor {
        Vendor::Epic => json!([
            standard,
            {"system": epic_system("2.768282"), "code": local_number(local).to_string(), "display": local},
        ]),
        Vendor::Oracle => json!([
            {
                "system": oracle_code_set(72),
                "code": local_number(local).to_string(),
                "display": display,
                "userSelected": true,
            },
            {"system": system, "code": code, "display": display, "userSelected": false},
        ]),
        Vendor::Athena => json!([standard]),
    }
}

/// A code of HL7's terminology server.
pub(crate) fn hl7_code(set: &str, code: &str, display: &str) -> Value {
    json!({"system": format!("http://terminology.hl7.org/CodeSystem/{set}"), "code": code, "display": display})
}
