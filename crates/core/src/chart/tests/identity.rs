//! Who it is, and what a reader must know before relying on the page.

use bedside_fact::id::ResourceId;
use serde_json::json;

use super::fixture::{Ward, potassium};

#[test]
fn the_banner_has_name_age_and_numbers() {
    let mut ward = Ward::new();
    ward.0.resources.clear();
    ward.add("WARD", json!({
        "resourceType": "Patient", "id": "pat1",
        "name": [
            {"use": "maiden", "family": "Ekberg", "given": ["Tove"]},
            {"use": "official", "family": "Lindqvist", "given": ["Tove", "Maria"]},
        ],
        "birthDate": "1955-03-02", "gender": "female",
        "identifier": [{
            "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
            "system": "urn:bedside:authority:GENERAL", "value": "0004711",
        }],
        "telecom": [{"system": "phone", "value": "555-0142", "use": "home"}],
        "address": [{"line": ["12 Alder Lane"], "city": "Fairview", "state": "OH", "postalCode": "44126"}],
    }));
    let who = ward.chart().demographics;
    assert_eq!(who.name, "LINDQVIST, Tove Maria");
    assert_eq!(who.other_names, ["EKBERG, Tove (maiden)"]);
    assert_eq!(
        (who.age.as_deref(), who.gender.as_deref(), who.deceased),
        (Some("71 y"), Some("female"), None)
    );
    let ident = &who.identifiers[0];
    assert_eq!(
        (
            ident.label.as_str(),
            ident.authority.as_str(),
            ident.value.as_str()
        ),
        ("MRN", "GENERAL", "0004711")
    );
    assert_eq!(who.phones, ["555-0142 (home)"]);
    assert_eq!(who.addresses, ["12 Alder Lane, Fairview, OH 44126"]);
}

#[test]
fn infants_are_counted_in_months_and_days_and_a_year_of_birth_is_about() {
    for (born, age) in [
        ("2026-06-01", "5 mo"),
        ("2026-11-19", "3 d"),
        ("2026-11-22", "0 d"),
        ("1955", "about 71 y"),
    ] {
        let mut ward = Ward::new();
        ward.0.resources.clear();
        ward.add(
            "WARD",
            json!({"resourceType": "Patient", "id": "pat1", "birthDate": born}),
        );
        assert_eq!(
            ward.chart().demographics.age.as_deref(),
            Some(age),
            "{born}"
        );
    }
}

#[test]
fn p12_a_death_is_on_the_banner_whichever_source_says_it() {
    let mut ward = Ward::new();
    ward.add("CLINIC", json!({"resourceType": "Patient", "id": "pat2", "deceasedDateTime": "2026-11-21T23:10:00Z"}));
    let who = ward.chart().demographics;
    assert_eq!(who.deceased.as_deref(), Some("died 21-Nov-2026 23:10"));
}

#[test]
fn p05_sources_that_differ_on_name_or_birth_date_are_told() {
    let mut ward = Ward::new();
    ward.add(
        "CLINIC",
        json!({
            "resourceType": "Patient", "id": "pat2", "birthDate": "1955-02-03",
            "name": [{"family": "LINDQVIST", "given": ["tove"]}],
        }),
    );
    let chart = ward.chart();
    assert_eq!(chart.demographics.disagreements.len(), 1);
    assert!(chart.demographics.disagreements[0].starts_with("Sources differ on the birth date"));
    assert!(
        chart
            .caveats
            .iter()
            .any(|words| words.contains("differ on the birth date"))
    );
}

#[test]
fn a_merged_away_record_adds_its_results_but_not_its_name() {
    let mut ward = Ward::new();
    ward.0.patients.push(ResourceId::new("pat2"));
    ward.add("WARD", json!({
        "resourceType": "Patient", "id": "pat2", "active": false, "name": [{"family": "Unknown", "given": ["Female"]}],
        "link": [{"other": {"reference": "Patient/pat1"}, "type": "replaced-by"}],
    }));
    ward.add("WARD", potassium("o1", json!({}))).last().patient = Some(ResourceId::new("pat2"));
    let chart = ward.chart();
    assert_eq!(chart.demographics.name, "LINDQVIST, Tove Maria");
    assert!(chart.demographics.disagreements.is_empty());
    assert_eq!(chart.facts.labs.items.len(), 1);
    assert!(chart.caveats.is_empty(), "{:?}", chart.caveats);
}

#[test]
fn p05_a_record_replaced_by_one_outside_this_person_is_told() {
    let mut ward = Ward::new();
    ward.0.resources.clear();
    ward.add(
        "WARD",
        json!({
            "resourceType": "Patient", "id": "pat1",
            "link": [{"other": {"reference": "Patient/pat7"}, "type": "replaced-by"}],
        }),
    );
    assert!(
        ward.chart()
            .caveats
            .iter()
            .any(|words| words.contains("not part of this page"))
    );
}

#[test]
fn p05_a_possible_duplicate_is_told_and_its_data_is_not_mixed_in() {
    let mut ward = Ward::new();
    ward.link("possible", "name+birth_date+phone")
        .link("merge", "A40")
        .link("identifier", "MR");
    let chart = ward.chart();
    assert_eq!(
        (
            chart.possible_same.len(),
            chart.merged.len(),
            chart.linked.len()
        ),
        (1, 1, 1)
    );
    assert!(
        chart.caveats[0].contains("same name, birth date, phone"),
        "{}",
        chart.caveats[0]
    );
}

#[test]
fn p03_what_is_held_unreadable_or_has_no_place_is_told() {
    let mut ward = Ward::new();
    ward.0.waiting = 2;
    ward.add_text("LAB", "Observation", "{broken");
    ward.add_text(
        "LAB",
        "Observation",
        r#"{"resourceType":"Patient","id":"x"}"#,
    );
    ward.add("LAB", json!({"resourceType": "Immunization", "id": "i1"}));
    ward.add(
        "LAB",
        json!({"resourceType": "DiagnosticReport", "id": "d1", "conclusion": "no fracture"}),
    );
    ward.add("LAB", json!({"resourceType": "DiagnosticReport", "id": "d2", "result": [{"reference": "Observation/o1"}]}));
    let caveats = ward.chart().caveats;
    assert!(
        caveats[0].starts_with("2 messages about this patient are held back"),
        "{}",
        caveats[0]
    );
    assert_eq!(
        caveats
            .iter()
            .filter(|words| words.contains("can't be read"))
            .count(),
        2
    );
    assert_eq!(
        caveats.last().unwrap(),
        "Also on record and not on this page: 1 DiagnosticReport, 1 Immunization."
    );
}

#[test]
fn each_source_is_listed_with_when_it_was_last_heard() {
    let mut ward = Ward::new();
    ward.add("LAB", potassium("o1", json!({})))
        .add("LAB", potassium("o2", json!({})));
    let sources = ward.chart().sources;
    assert_eq!(sources.len(), 2);
    assert_eq!((sources[0].name.as_str(), sources[0].resources), ("LAB", 2));
    assert_eq!(sources[0].last_known.to_string(), "2026-11-22T08:55:00Z");
}
