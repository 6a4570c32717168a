//! FHIR units of people who do not exist: what is kept, what becomes public, and what tells a version from a repeat.

use bedside_core::admit;
use bedside_core::map::{MapEnding, fhir};
use bedside_core::record::PublicIds as _;
use bedside_fact::id::SourceId;

use crate::ward::{Ids, Ward, text};

const UUID: &str = "urn:uuid:6f1f4a0e-0000-4000-8000-000000000001";

fn public(resource_type: &str, id: &str) -> String {
    Ids.public_id(&SourceId::new("north"), resource_type, id)
        .to_string()
}

fn none(_: &str) -> Option<(String, String)> {
    None
}

fn bundle(reference: &str) -> Option<(String, String)> {
    (reference == UUID).then(|| (String::from("Patient"), String::from("p1")))
}

#[test]
fn the_text_is_kept_and_only_identity_and_references_change() {
    let mut ward = Ward::new();
    let unit = r#"{ "resourceType" : "Observation", "id":"o1", "valueQuantity":{"value":1.10, "x_vendor":[1e2,-0.0]},
        "note":[{"text":"caf\u00e9 \/ bar"}], "subject":{"reference":"Patient/p1"}, "performer":[{"reference":"https://other.example/Practitioner/9"},
        {"reference":"Practitioner?identifier=n|7"}], "status":"final" }"#;
    ward.takes_fhir(unit, &none);
    let write = ward.resources.values().next().unwrap();
    let expected = format!(
        r#"{{"resourceType":"Observation","id":"{}","meta":{{"versionId":"1","lastUpdated":"2030-03-17T17:46:41Z"}},"valueQuantity":{{"value":1.10,"x_vendor":[1e2,-0.0]}},"note":[{{"text":"caf\u00e9 \/ bar"}}],"subject":{{"reference":"Patient/{}"}},"performer":[{{"reference":"https://other.example/Practitioner/9"}},{{"reference":"Practitioner?identifier=n|7"}}],"status":"final"}}"#,
        public("Observation", "o1"),
        public("Patient", "p1"),
    );
    assert_eq!(write.body, expected);
    assert_eq!(
        write.patient.as_ref().map(|id| id.as_str()),
        Some(public("Patient", "p1").as_str())
    );
}

#[test]
fn a_bundles_own_names_lead_to_its_entries_and_are_kept_beside_the_bytes() {
    let mut ward = Ward::new();
    let unit = format!(
        r#"{{"fullUrl":"urn:uuid:e2","resource":{{"resourceType":"Condition","subject":{{"reference":"{UUID}"}},"onsetDateTime":"2026-11"}}}}"#
    );
    ward.takes_fhir(&unit, &bundle);
    let write = ward.resources.values().next().unwrap();
    assert_eq!(
        write.patient.as_ref().map(|id| id.as_str()),
        Some(public("Patient", "p1").as_str())
    );
    assert_eq!(
        write.id.as_str(),
        public("Condition", "e2"),
        "an entry without an id has what its Bundle calls it"
    );
    assert!(write.when.is_some());

    let input = admit::fhir(unit.as_bytes(), &ward.source, [7; 32], 3, &bundle);
    let kept = fhir::references(input.context.expose());
    assert_eq!(
        kept.get(UUID),
        Some(&(String::from("Patient"), String::from("p1")))
    );
    // Mapped again from what was kept, without the Bundle.
    let mut again = Ward::new();
    again.takes_fhir(&unit, &|name| kept.get(name).cloned());
    assert_eq!(
        again.resources.keys().collect::<Vec<_>>(),
        ward.resources.keys().collect::<Vec<_>>()
    );
}

#[test]
fn addresses_on_the_entrys_own_server_are_local() {
    let mut ward = Ward::new();
    let unit = r#"{"fullUrl":"https://ehr.example/fhir/Encounter/e1","resource":{"resourceType":"Encounter","id":"e1","subject":{"reference":"https://ehr.example/fhir/Patient/p1"}}}"#;
    ward.takes_fhir(unit, &none);
    let patient = public("Patient", "p1");
    assert_eq!(
        text(&ward.the("Encounter"), "/subject/reference"),
        Some(format!("Patient/{patient}").as_str())
    );
}

#[test]
fn a_repeat_is_told_by_version_id_then_last_updated_then_content() {
    let unit = |meta: &str, text: &str| {
        format!(r#"{{"resourceType":"Patient","id":"p1",{meta}"gender":"{text}"}}"#)
    };
    for (meta, later) in [
        (
            r#""meta":{"versionId":"4"},"#,
            r#""meta":{"versionId":"5"},"#,
        ),
        (
            r#""meta":{"lastUpdated":"2026-11-22T08:00:00Z"},"#,
            r#""meta":{"lastUpdated":"2026-11-22T09:00:00Z"},"#,
        ),
    ] {
        let mut ward = Ward::new();
        assert_eq!(
            ward.takes_fhir(&unit(meta, "female"), &none).written.len(),
            1
        );
        assert_eq!(
            ward.takes_fhir(&unit(meta, "female"), &none).written.len(),
            0
        );
        assert_eq!(
            ward.takes_fhir(&unit(later, "female"), &none).written.len(),
            1
        );
    }
    let mut ward = Ward::new();
    for (value, changes) in [("female", 1), ("female", 0), ("male", 1), ("female", 1)] {
        // A true return to an older value is a change.
        assert_eq!(
            ward.takes_fhir(&unit("", value), &none).written.len(),
            changes
        );
    }
}

#[test]
fn p12_an_older_version_in_a_later_file_changes_nothing() {
    let unit = |meta: &str, more: &str| {
        format!(r#"{{"resourceType":"Patient","id":"p1","meta":{{{meta}}}{more}}}"#)
    };
    let dead = r#","deceasedBoolean":true"#;
    for (first, second) in [
        (
            r#""versionId":"1","lastUpdated":"2026-11-22T08:00:00Z""#,
            r#""versionId":"2","lastUpdated":"2026-11-22T09:00:00Z""#,
        ),
        (
            r#""lastUpdated":"2026-11-22T08:00:00Z""#,
            r#""lastUpdated":"2026-11-22T09:00:00Z""#,
        ),
        (r#""versionId":"9""#, r#""versionId":"10""#),
        (
            r#""versionId":"1","lastUpdated":"2026-11-22T09:00:00Z""#,
            r#""versionId":"2","lastUpdated":"2026-11-22T09:00:00Z""#,
        ),
    ] {
        let mut ward = Ward::new();
        ward.takes_fhir(&unit(first, ""), &none);
        ward.takes_fhir(&unit(second, dead), &none);
        let again = ward.takes_fhir(&unit(first, ""), &none);
        assert_eq!(again.written, Vec::<String>::new(), "{first}");
        assert_eq!(ward.the("Patient")["deceasedBoolean"], true);
    }
}

#[test]
fn a_source_that_says_replaced_by_has_merged() {
    let mut ward = Ward::new();
    let unit = r#"{"resourceType":"Patient","id":"old","active":false,"link":[{"other":{"reference":"Patient/new"},"type":"replaced-by"}]}"#;
    let step = ward.takes_fhir(unit, &none);
    assert_eq!(step.merges.len(), 1);
    assert_eq!(
        (
            step.merges[0].survivor.as_str(),
            step.merges[0].prior.as_str()
        ),
        (
            public("Patient", "new").as_str(),
            public("Patient", "old").as_str()
        )
    );
}

#[test]
fn what_cannot_be_kept_is_parked_with_a_reason() {
    let mut ward = Ward::new();
    for (unit, reason) in [
        (
            r#"{"resourceType":"Patient","meta":"x"}"#,
            "meta_not_object",
        ),
        (
            r#"{"fullUrl":"urn:uuid:e2","request":{"method":"DELETE","url":"Patient/1"}}"#,
            "no_resource",
        ),
    ] {
        assert_eq!(
            ward.takes_fhir(unit, &none).ending,
            MapEnding::Park(reason.to_owned()),
            "{unit}"
        );
    }
    assert!(ward.resources.is_empty());
}

#[test]
fn p06_a_subject_that_cannot_be_found_is_told() {
    let mut ward = Ward::new();
    let step = ward.takes_fhir(
        r#"{"resourceType":"Condition","id":"c","subject":{"reference":"Patient?identifier=a|1"}}"#,
        &none,
    );
    assert_eq!(step.issues.len(), 1);
}
