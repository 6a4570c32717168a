//! Searches as clients write them, and what they must not find.

use serde_json::json;

use super::*;
use crate::json::Value;

/// A clock for tests: years, days and times in UTC, counted in days and seconds of the proleptic calendar that the texts sort by.
fn span(text: &str) -> Option<(i64, i64)> {
    let parsed = crate::datetime::DateTime::parse(text)?;
    let digits = |parts: [u32; 6]| {
        parts
            .iter()
            .fold(0_i64, |sum, part| sum * 100 + i64::from(*part))
    };
    let year = u32::from(parsed.year);
    let part = |value: Option<u8>, missing: u32| value.map_or(missing, u32::from);
    let of = |month, day, hour, minute, second| {
        digits([
            year,
            part(parsed.month, month),
            part(parsed.day, day),
            part(parsed.hour, hour),
            part(parsed.minute, minute),
            part(parsed.second, second),
        ])
    };
    Some((of(1, 1, 0, 0, 0), of(12, 31, 23, 59, 59)))
}

fn read(
    resource_type: &'static str,
    query: &[(&str, &str)],
    strict: bool,
) -> Result<Query, Refused> {
    let pairs: Vec<(String, String)> = query
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let reading = Reading {
        base: "http://127.0.0.1:8080/fhir",
        strict,
        span: &span,
    };
    Query::parse(resource_type, &pairs, &reading)
}

fn found(resource_type: &'static str, name: &str, value: &str, resource: &Value) -> bool {
    read(resource_type, &[(name, value)], true)
        .unwrap_or_else(|error| panic!("{name}={value}: {error}"))
        .matches(resource, &span)
}

fn potassium() -> Value {
    json!({"resourceType":"Observation","id":"o1","status":"final","meta":{"lastUpdated":"2026-11-22T10:00:00Z"},
        "identifier":[{"system":"urn:lab","value":"A,1"}],
        "category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],
        "code":{"coding":[{"system":"http://loinc.org","code":"2823-3","display":"Potassium"},{"code":"K"}],"text":"Kalium"},
        "subject":{"reference":"Patient/p1"},"encounter":{"reference":"Encounter/e1/_history/2"},
        "effectiveDateTime":"2026-11-22T09:30:00Z",
        "valueQuantity":{"value":5.40,"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"}})
}

#[test]
fn a_token_is_found_in_each_of_its_four_forms() {
    let resource = potassium();
    for (value, expected) in [
        ("2823-3", true),
        ("http://loinc.org|2823-3", true),
        ("http://snomed.info/sct|2823-3", false),
        ("http://loinc.org|", true),
        ("|K", true),
        ("|2823-3", false),
        ("1,2823-3", true),
        ("2823", false),
    ] {
        assert_eq!(
            found("Observation", "code", value, &resource),
            expected,
            "{value}"
        );
    }
    assert!(found(
        "Observation",
        "identifier",
        "urn:lab|A\\,1",
        &resource
    ));
    assert!(!found(
        "Observation",
        "identifier",
        "urn:lab|A,1",
        &resource
    ));
    assert!(!found("Observation", "code:not", "2823-3", &resource));
    assert!(found("Observation", "code:not", "9999-9", &resource));
    assert!(found("Observation", "code:text", "potas", &resource));
    assert!(found(
        "Observation",
        "status",
        "http://hl7.org/fhir/observation-status|final",
        &resource
    ));
    assert!(found("Observation", "encounter", "Encounter/e1", &resource));
    assert!(!found("Observation", "encounter", "Encounter/e", &resource));
}

#[test]
fn a_date_covers_what_its_precision_says() {
    let resource = potassium();
    for (value, expected) in [
        ("2026", true),
        ("2026-11", true),
        ("2026-11-22", true),
        ("2026-11-21", false),
        ("ne2026-11-22", false),
        ("gt2026-11-22", false),
        ("ge2026-11-22", true),
        ("gt2026-11-21", true),
        ("lt2026-11-22", false),
        ("le2026-11-22", true),
        ("sa2026-11-21", true),
        ("eb2026-11-22", false),
        ("eb2026-11-23", true),
        ("ge2026-11-22T09:30:00Z", true),
        ("gt2026-11-22T09:30:00Z", false),
    ] {
        assert_eq!(
            found("Observation", "date", value, &resource),
            expected,
            "{value}"
        );
    }
    let open = json!({"resourceType":"Encounter","period":{"start":"2026-11-20T08:00:00Z"}});
    assert!(
        found("Encounter", "date", "ge2030", &open),
        "a period without an end goes on"
    );
    assert!(!found("Encounter", "date", "lt2026-11-20", &open));
    assert!(
        !found("Encounter", "date", "2026", &open),
        "what goes on is not inside a year"
    );
}

#[test]
fn a_quantity_is_as_exact_as_it_was_written() {
    let resource = potassium();
    for (value, expected) in [
        ("5.4", true),
        ("5.40", true),
        ("5", true),
        ("5.3", false),
        ("gt5.4", false),
        ("ge5.4", true),
        ("gt5.39||mmol/L", true),
        ("5.4|http://unitsofmeasure.org|mmol/L", true),
        ("5.4|http://unitsofmeasure.org|mg/dL", false),
    ] {
        assert_eq!(
            found("Observation", "value-quantity", value, &resource),
            expected,
            "{value}"
        );
    }
    let below = json!({"resourceType":"Observation","valueQuantity":{"value":5,"comparator":"<"}});
    assert!(
        !found("Observation", "value-quantity", "5", &below),
        "less than five is not five"
    );
    assert!(found("Observation", "value-quantity", "lt6", &below));
}

#[test]
fn a_patient_is_found_by_name_without_case_or_accents() {
    let patient = json!({"resourceType":"Patient","name":[{"family":"Núñez-García","given":["José","Luis"]}],
        "birthDate":"1957-03-02","gender":"male",
        "telecom":[{"system":"phone","value":"+1 (312) 555-0142"},{"system":"email","value":"jose@example.org"}]});
    for (name, value, expected) in [
        ("family", "nunez", true),
        ("family", "garcia", true),
        ("family", "unez", false),
        ("family:contains", "unez", true),
        ("family:exact", "Núñez-García", true),
        ("family:exact", "Nunez-Garcia", false),
        ("name", "jose nunez", true),
        ("name", "jose lindqvist", false),
        ("given", "LUIS", true),
        ("birthdate", "1957", true),
        ("birthdate", "lt1957", false),
        ("phone", "312-555-0142", true),
        ("phone", "0142", false),
        ("email", "JOSE@example.org", true),
        ("gender:missing", "false", true),
        ("active:missing", "true", true),
    ] {
        assert_eq!(
            found("Patient", name, value, &patient),
            expected,
            "{name}={value}"
        );
    }
}

#[test]
fn a_patient_parameter_takes_every_form_of_reference() {
    for value in [
        "p1",
        "Patient/p1",
        "http://127.0.0.1:8080/fhir/Patient/p1",
        "Patient/p1/_history/3",
    ] {
        let query = read("Observation", &[("patient", value)], true).unwrap();
        assert_eq!(query.patients, vec![vec![String::from("p1")]], "{value}");
    }
    for value in [
        "http://elsewhere.example/fhir/Patient/p1",
        "Group/p1",
        "Patient/",
    ] {
        let query = read("Observation", &[("subject", value)], true).unwrap();
        assert_eq!(query.patients, vec![Vec::<String>::new()], "{value}");
    }
}

#[test]
fn what_is_not_known_is_named_or_refused_and_what_is_misread_is_always_refused() {
    let query = read("Observation", &[("colour", "red"), ("code", "x")], false).unwrap();
    assert_eq!(query.ignored, ["colour"]);
    assert_eq!(query.used, [(String::from("code"), String::from("x"))]);
    assert_eq!(
        read("Observation", &[("colour", "red")], true)
            .err()
            .unwrap()
            .code,
        "not-supported"
    );
    for (name, value) in [
        ("date", "yesterday"),
        ("date", "ap2026"),
        ("code:above", "x"),
        ("date:missing", "perhaps"),
        ("value-quantity", "five"),
        ("patient.name", "Okonkwo"),
        ("_has:Observation:patient:code", "x"),
        ("_count", "many"),
        ("code", "a|b|c"),
    ] {
        let error = read("Observation", &[(name, value)], false).err();
        let error = error.unwrap_or_else(|| panic!("{name}={value} was taken"));
        assert!(!error.words.contains("Okonkwo"));
    }
    // A client's text is not repeated when it is no name.
    let odd = read("Patient", &[("Ada Okonkwo", "1")], false).unwrap();
    assert_eq!(odd.ignored, ["(unreadable name)"]);
}

#[test]
fn control_parameters_are_read() {
    let query = read(
        "Observation",
        &[
            ("_count", "0"),
            ("_sort", "-date,code"),
            ("_include", "Observation:patient"),
            ("_id", "a,b"),
            ("_id", "b,c"),
        ],
        true,
    )
    .unwrap();
    assert!(query.count_only && query.include_patient);
    assert_eq!(query.sort.len(), 2);
    assert_eq!(query.ids, Some(vec![String::from("b")]));
    assert_eq!(
        read("Observation", &[("_count", "100000")], true)
            .unwrap()
            .count,
        500
    );
    assert!(
        read(
            "Observation",
            &[("_include", "Observation:performer")],
            true
        )
        .is_err()
    );
    assert!(read("Observation", &[("_revinclude", "Provenance:target")], true).is_err());
    assert_eq!(
        read(
            "Observation",
            &[("_revinclude", "Provenance:target")],
            false
        )
        .unwrap()
        .ignored,
        ["_revinclude"]
    );
}

#[test]
fn an_order_is_stable_and_puts_what_lacks_the_element_last() {
    let query = read("Observation", &[("_sort", "-date")], true).unwrap();
    let at = |time: &str| json!({"effectiveDateTime": time});
    let resources = [
        ("a", at("2026-01-01")),
        ("b", json!({})),
        ("c", at("2026-02-01")),
        ("d", at("2026-01-01")),
    ];
    let mut keyed: Vec<_> = resources
        .iter()
        .map(|(id, resource)| (query.key(resource, &span), *id))
        .collect();
    keyed.sort_by(|(a, one), (b, other)| query.order((a, one), (b, other)));
    let ids: Vec<&str> = keyed.iter().map(|(_, id)| *id).collect();
    assert_eq!(ids, ["c", "a", "d", "b"]);
}

#[test]
fn what_a_search_wants_to_know_of_is_its_earliest_date() {
    let since = |value| {
        read("Observation", &[("date", value)], true)
            .unwrap()
            .since()
    };
    assert_eq!(since("ge2026-11-01"), span("2026-11-01").map(|(lo, _)| lo));
    assert_eq!(since("2026-11-01,2025"), span("2025").map(|(lo, _)| lo));
    assert_eq!(since("lt2026-11-01"), None);
    let query = read(
        "Observation",
        &[("category", "laboratory,vital-signs")],
        true,
    )
    .unwrap();
    assert_eq!(query.categories(), ["laboratory", "vital-signs"]);
}

#[test]
fn hostile_values_match_nothing_and_break_nothing() {
    let resource = potassium();
    for value in ["\\", "\\\\\\", "|", ",,", "\u{0}", "é\\"] {
        let _ = read(
            "Observation",
            &[("code", value), ("identifier", value)],
            false,
        )
        .map(|query| query.matches(&resource, &span));
    }
    let odd = json!({"resourceType":"Observation","code":7,"category":"x","effectiveDateTime":[{}],"valueQuantity":{"value":"5"}});
    assert!(!found("Observation", "value-quantity", "5", &odd));
    assert!(!found("Observation", "date", "2026", &odd));
}
