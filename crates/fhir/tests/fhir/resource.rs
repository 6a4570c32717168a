//! The accessors on whole resources, and on members of the wrong type.

use bedside_fhir::json::{ScanLimits, Value, parse};
use bedside_fhir::resource::medication_request::Medication;
use bedside_fhir::resource::observation::ObsValue;
use bedside_fhir::resource::{
    Resource, allergy_intolerance, condition, diagnostic_report, encounter, medication_request,
    medication_statement, observation, patient, provenance,
};

fn read(text: &str) -> Value {
    parse(text.as_bytes(), &ScanLimits::default()).unwrap()
}

#[test]
fn a_patient_is_read() {
    let value = read(
        r#"{"resourceType":"Patient","id":"7","meta":{"versionId":"2","lastUpdated":"2024-01-01T00:00:00Z"},"active":true,
        "identifier":[{"use":"usual","type":{"coding":[{"system":"urn:x","code":"ZZ"},{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"system":"urn:oid:1.2","value":"00042"}],
        "name":[{"use":"official","family":"Okonjo","given":["Ada","B"],"prefix":["Dr"]},{"text":"Ada"}],
        "telecom":[{"system":"phone","value":"555-0100","use":"home"}],"gender":"female","birthDate":"1971-03",
        "address":[{"line":["1 Quay St"],"city":"Port","state":"ME","postalCode":"04101","country":"US"}],
        "deceasedDateTime":"2024-02","link":[{"other":{"reference":"Patient/8"},"type":"replaced-by"},{"type":"refer"}]}"#,
    );
    let resource = Resource::of(&value).unwrap();
    assert_eq!(
        (resource.resource_type(), resource.id()),
        ("Patient", Some("7"))
    );
    assert_eq!(
        (resource.version_id(), resource.last_updated()),
        (Some("2"), Some("2024-01-01T00:00:00Z"))
    );
    assert_eq!(resource.subject_reference(), None);
    let identifiers = patient::identifiers(&value);
    assert_eq!(identifiers[0].type_code.as_deref(), Some("MR"));
    assert_eq!(identifiers[0].value.as_deref(), Some("00042"));
    let names = patient::names(&value);
    assert_eq!(
        (names[0].family.as_deref(), names[0].given.len()),
        (Some("Okonjo"), 2)
    );
    assert_eq!(names[1].text.as_deref(), Some("Ada"));
    assert_eq!(patient::birth_date(&value), Some("1971-03"));
    assert_eq!(
        patient::telecoms(&value)[0].value.as_deref(),
        Some("555-0100")
    );
    assert_eq!(
        patient::addresses(&value)[0].postal_code.as_deref(),
        Some("04101")
    );
    assert_eq!(
        patient::deceased(&value),
        Some(patient::Deceased::At("2024-02"))
    );
    assert_eq!(patient::active(&value), Some(true));
    assert_eq!(patient::links(&value).len(), 1);
}

#[test]
fn an_observation_keeps_the_digits_that_were_sent() {
    let value = read(
        r#"{"resourceType":"Observation","status":"final","subject":{"reference":"Patient/7"},
        "category":[{"coding":[{"code":"laboratory"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"2823-3","display":"Potassium"}]},
        "effectivePeriod":{"start":"2024-01-01T08:00:00Z"},"valueQuantity":{"value":1.10,"comparator":"<","unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"},
        "interpretation":[{"coding":[{"code":"H"}]}],"referenceRange":[{"low":{"value":3.50},"high":{"value":5.0e0},"text":"3.5 to 5"}],
        "component":[{"code":{"text":"a"},"valueString":"x"},{"code":{"text":"b"},"valueBoolean":false},{"code":{"text":"c"},"dataAbsentReason":{"text":"refused"}}]}"#,
    );
    assert_eq!(
        Resource::of(&value).unwrap().subject_reference(),
        Some("Patient/7")
    );
    let ObsValue::Quantity(quantity) = observation::value(&value) else {
        panic!("no quantity")
    };
    assert_eq!(quantity.value_text.as_deref(), Some("1.10"));
    assert_eq!(quantity.comparator.as_deref(), Some("<"));
    let code = observation::code(&value);
    assert!(code.has("http://loinc.org", "2823-3") && !code.has("http://loinc.org", "1"));
    assert_eq!(code.label().as_deref(), Some("Potassium"));
    assert_eq!(observation::effective(&value), Some("2024-01-01T08:00:00Z"));
    assert_eq!(observation::category_codes(&value), ["laboratory"]);
    assert_eq!(observation::interpretation_codes(&value), ["H"]);
    let range = observation::reference_range(&value).unwrap();
    assert_eq!(range.low.unwrap().value_text.as_deref(), Some("3.50"));
    let components = observation::components(&value);
    assert_eq!(components[0].value, ObsValue::Text("x".to_owned()));
    assert_eq!(components[1].value, ObsValue::Text("false".to_owned()));
    let ObsValue::None { absent_reason } = &components[2].value else {
        panic!("a value")
    };
    assert_eq!(
        absent_reason.as_ref().unwrap().text.as_deref(),
        Some("refused")
    );
}

#[test]
fn statuses_and_times_of_the_other_types_are_read() {
    let value = read(
        r#"{"resourceType":"Condition","clinicalStatus":{"coding":[{"code":"active"}]},"verificationStatus":"confirmed","onsetDateTime":"2020","recordedDate":"2021"}"#,
    );
    assert_eq!(
        condition::clinical_status(&value).as_deref(),
        Some("active")
    );
    assert_eq!(
        condition::verification_status(&value).as_deref(),
        Some("confirmed")
    );
    assert_eq!(
        (condition::onset(&value), condition::recorded(&value)),
        (Some("2020"), Some("2021"))
    );
    let value = read(
        r#"{"resourceType":"AllergyIntolerance","patient":{"reference":"Patient/7"},"criticality":"high","category":["food"],
        "reaction":[{"manifestation":[{"text":"Hives"}],"severity":"mild"}]}"#,
    );
    assert_eq!(
        Resource::of(&value).unwrap().subject_reference(),
        Some("Patient/7")
    );
    assert_eq!(allergy_intolerance::criticality(&value), Some("high"));
    assert_eq!(
        allergy_intolerance::reactions(&value)[0].manifestations[0]
            .label()
            .as_deref(),
        Some("Hives")
    );
    let value = read(
        r#"{"resourceType":"Encounter","status":"in-progress","class":{"code":"IMP"},"period":{"start":"2024"},
        "location":[{"location":{"reference":"Location/1","display":"4W"},"status":"active"}]}"#,
    );
    assert_eq!(
        encounter::class(&value).unwrap().code.as_deref(),
        Some("IMP")
    );
    assert_eq!(
        encounter::encounter_period(&value)
            .unwrap()
            .start
            .as_deref(),
        Some("2024")
    );
    assert_eq!(
        encounter::locations(&value)[0].location.display.as_deref(),
        Some("4W")
    );
    let value = read(
        r#"{"resourceType":"DiagnosticReport","status":"final","result":[{"reference":"Observation/1"}]}"#,
    );
    assert_eq!(diagnostic_report::results(&value), ["Observation/1"]);
    let value = read(
        r##"{"resourceType":"MedicationRequest","status":"active","intent":"order","authoredOn":"2024","medicationReference":{"reference":"#m"},
        "contained":[{"resourceType":"Medication","id":"m","code":{"text":"Aspirin"}}],"dosageInstruction":[{"text":"daily"}]}"##,
    );
    let Some(Medication::Concept(concept)) = medication_request::medication(&value) else {
        panic!("no concept")
    };
    assert_eq!(concept.label().as_deref(), Some("Aspirin"));
    assert_eq!(medication_request::dosage_texts(&value), ["daily"]);
    let value = read(
        r#"{"resourceType":"MedicationStatement","medicationReference":{"reference":"Medication/1"}}"#,
    );
    assert!(matches!(
        medication_statement::medication(&value),
        Some(Medication::Reference(_))
    ));
    let value = read(
        r#"{"resourceType":"Provenance","target":[{"reference":"Patient/7"}],"agent":[{"who":{"reference":"Device/1"}}]}"#,
    );
    assert_eq!(
        (provenance::targets(&value), provenance::agents(&value)),
        (vec!["Patient/7"], vec!["Device/1"])
    );
}

#[test]
fn members_of_the_wrong_type_are_as_good_as_absent() {
    for filler in [
        "null", "7", "true", "\"x\"", "[]", "{}", "[null]", "[7]", "[[]]", "[{}]",
    ] {
        let members = [
            "id",
            "meta",
            "name",
            "identifier",
            "telecom",
            "address",
            "link",
            "gender",
            "birthDate",
            "code",
            "category",
            "status",
            "effectiveDateTime",
            "effectivePeriod",
            "valueQuantity",
            "valueString",
            "valueRange",
            "component",
            "interpretation",
            "referenceRange",
            "subject",
            "patient",
            "clinicalStatus",
            "reaction",
            "location",
            "class",
            "medicationReference",
            "medicationCodeableConcept",
            "contained",
            "target",
            "agent",
            "dataAbsentReason",
        ];
        let members: Vec<String> = members
            .iter()
            .map(|name| format!("\"{name}\":{filler}"))
            .collect();
        let value = read(&format!(
            "{{\"resourceType\":\"Observation\",{}}}",
            members.join(",")
        ));
        let resource = Resource::of(&value).unwrap();
        let _ = (
            resource.id(),
            resource.version_id(),
            resource.last_updated(),
            resource.subject_reference(),
        );
        let _ = (
            patient::names(&value),
            patient::identifiers(&value),
            patient::telecoms(&value),
        );
        let _ = (
            patient::addresses(&value),
            patient::links(&value),
            patient::deceased(&value),
        );
        let _ = (
            observation::value(&value),
            observation::components(&value),
            observation::effective(&value),
        );
        let _ = (
            observation::reference_ranges(&value),
            observation::interpretation_codes(&value),
        );
        let _ = (
            condition::clinical_status(&value),
            allergy_intolerance::reactions(&value),
        );
        let _ = (
            encounter::locations(&value),
            encounter::class(&value),
            medication_request::medication(&value),
        );
        let _ = (provenance::targets(&value), provenance::agents(&value));
    }
    for text in [
        "null",
        "[]",
        "{}",
        r#"{"resourceType":7}"#,
        r#"{"resourceType":""}"#,
    ] {
        assert!(Resource::of(&read(text)).is_none(), "{text}");
    }
}
