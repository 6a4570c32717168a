//! ORU messages of people who do not exist, and what a clinician sees of them afterwards.

use crate::ward::{Ward, digits, text};
use bedside_core::map::MapEnding;
use serde_json::json;

const POTASSIUM: &str = "2823-3";

#[test]
fn a_result_keeps_its_digits_unit_flag_range_times_and_notes() {
    let mut ward = Ward::new();
    assert_eq!(
        ward.takes("result_preliminary").issues,
        ["segment-terminator"],
        "the fixtures end their lines as files do"
    );
    let potassium = ward.observation(POTASSIUM);
    assert_eq!(
        digits(&potassium, "/valueQuantity/value").as_deref(),
        Some("6.10")
    );
    assert_eq!(text(&potassium, "/valueQuantity/code"), Some("mmol/L"));
    assert_eq!(
        text(&potassium, "/interpretation/0/coding/0/code"),
        Some("HH")
    );
    assert_eq!(
        digits(&potassium, "/referenceRange/0/high/value").as_deref(),
        Some("5.1")
    );
    assert_eq!(text(&potassium, "/referenceRange/0/text"), Some("3.5-5.1"));
    assert_eq!(text(&potassium, "/status"), Some("preliminary"));
    assert_eq!(
        text(&potassium, "/effectiveDateTime"),
        Some("2026-11-22T06:30:00-06:00")
    );
    assert_eq!(
        text(&potassium, "/issued"),
        Some("2026-11-22T07:10:00-06:00")
    );
    assert_eq!(
        text(&potassium, "/note/0/text"),
        Some("Slightly hemolyzed.\nRepeat advised.")
    );
    assert_eq!(
        text(&potassium, "/category/0/coding/0/code"),
        Some("laboratory")
    );
    assert_eq!(
        text(&potassium, "/code/coding/1/system"),
        Some("urn:bedside:local:north")
    );
    let report = ward.the("DiagnosticReport");
    assert_eq!(report["result"].as_array().unwrap().len(), 2);
    assert_eq!(text(&report, "/category/0/coding/0/code"), Some("CH"));
}

#[test]
fn a_correction_replaces_the_value_and_its_flag_together() {
    let mut ward = Ward::new();
    ward.takes("result_preliminary");
    ward.takes("result_corrected");
    let potassium = ward.observation(POTASSIUM);
    assert_eq!(text(&potassium, "/status"), Some("corrected"));
    assert_eq!(
        digits(&potassium, "/valueQuantity/value").as_deref(),
        Some("4.2")
    );
    assert_eq!(
        potassium.get("interpretation"),
        None,
        "the flag of the old value would lie about the new one"
    );
    assert_eq!(text(&potassium, "/meta/versionId"), Some("2"));
    let report = ward.the("DiagnosticReport");
    assert_eq!(
        report["result"].as_array().unwrap().len(),
        2,
        "a correction of one result does not take the others away"
    );
    assert_eq!(text(&report, "/status"), Some("corrected"));
}

#[test]
fn p12_a_withdrawn_result_is_marked_and_stays_readable() {
    let mut ward = Ward::new();
    ward.takes("result_preliminary");
    ward.takes("result_withdrawn");
    let potassium = ward.observation(POTASSIUM);
    assert_eq!(text(&potassium, "/status"), Some("entered-in-error"));
    assert_eq!(
        digits(&potassium, "/valueQuantity/value").as_deref(),
        Some("6.10")
    );
    let mut ward = Ward::new();
    ward.takes("result_withdrawn");
    assert_eq!(
        text(&ward.observation(POTASSIUM), "/status"),
        Some("entered-in-error"),
        "the withdrawal of what never came"
    );
}

#[test]
fn a_result_made_final_without_being_sent_again_keeps_its_value() {
    let mut ward = Ward::new();
    ward.takes("result_preliminary");
    ward.takes("result_final_unsent");
    let potassium = ward.observation(POTASSIUM);
    assert_eq!(text(&potassium, "/status"), Some("final"));
    assert_eq!(
        digits(&potassium, "/valueQuantity/value").as_deref(),
        Some("6.10")
    );
    assert_eq!(
        text(&potassium, "/interpretation/0/coding/0/code"),
        Some("HH")
    );
}

#[test]
fn a_filler_number_used_again_months_later_is_another_result() {
    let mut ward = Ward::new();
    ward.takes("result_preliminary");
    ward.takes("result_number_reused");
    let potassium = ward.all("Observation");
    let potassium = potassium
        .iter()
        .filter(|one| text(one, "/code/coding/0/code") == Some(POTASSIUM));
    assert_eq!(potassium.count(), 2);
    assert_eq!(ward.all("DiagnosticReport").len(), 2);
}

#[test]
fn lines_of_text_are_one_text_and_a_note_on_the_order_stays_with_the_report() {
    let mut ward = Ward::new();
    ward.takes("result_text");
    let film = ward.the("Observation");
    assert_eq!(
        text(&film, "/valueString"),
        Some("Heart size is normal.\n\nNo effusion & no pneumothorax.")
    );
    assert_eq!(text(&film, "/category/0/coding/0/code"), Some("imaging"));
    assert_eq!(film.get("note"), None);
    let report = ward.the("DiagnosticReport");
    assert_eq!(
        text(&report, "/extension/0/valueAnnotation/text"),
        Some("Portable film.")
    );
}

#[test]
fn each_type_of_value_is_what_it_says_or_text() {
    let mut ward = Ward::new();
    let step = ward.takes("result_types");
    let one = |code: &str| ward.observation(code);
    assert_eq!(
        digits(&one("A1"), "/valueQuantity/value").as_deref(),
        Some("7.50")
    );
    assert_eq!(
        digits(&one("A1"), "/referenceRange/0/high/value").as_deref(),
        Some("10")
    );
    assert_eq!(text(&one("A2"), "/valueQuantity/comparator"), Some(">"));
    assert_eq!(text(&one("A3"), "/valueString"), Some("see note"));
    assert_eq!(
        digits(&one("A4"), "/valueRatio/denominator/value").as_deref(),
        Some("128")
    );
    assert_eq!(text(&one("A5"), "/valueQuantity/comparator"), Some(">="));
    assert_eq!(
        digits(&one("A6"), "/valueRange/high/value").as_deref(),
        Some("5")
    );
    assert_eq!(
        text(&one("A7"), "/valueCodeableConcept/coding/0/system"),
        Some("http://snomed.info/sct")
    );
    assert_eq!(text(&one("A8"), "/valueDateTime"), Some("2026-11-01"));
    assert_eq!(text(&one("A9"), "/valueTime"), Some("14:35:00"));
    assert_eq!(
        text(&one("A10"), "/dataAbsentReason/coding/0/code"),
        Some("unsupported")
    );
    assert_eq!(text(&one("A11"), "/valueString"), Some("STRAW"));
    assert_eq!(text(&one("A12"), "/valueString"), Some("ODD VALUE"));
    assert_eq!(text(&one("A13"), "/valueQuantity/unit"), Some("10^3/uL"));
    assert_eq!(text(&one("A13"), "/valueQuantity/code"), Some("10*3/uL"));
    assert_eq!(
        text(&one("A14"), "/dataAbsentReason/coding/0/code"),
        Some("not-asked")
    );
    assert_eq!(text(&one("A15"), "/valueString"), Some("20261345"));
    assert_eq!(one("A16")["component"].as_array().unwrap().len(), 2);
    for place in [
        "OBX[3]-5: not a number",
        "OBX[10]-5: embedded document: kept in the journal, not decoded",
        "OBX[15]-5: not a time",
    ] {
        assert!(
            step.issues.iter().any(|issue| issue == place),
            "{place} in {:?}",
            step.issues
        );
    }
    assert_eq!(
        text(&one("A1"), "/effectiveDateTime"),
        Some("2026-11-22T07:00:00-06:00"),
        "the offset of MSH-7"
    );
}

#[test]
fn vital_signs_are_known_by_their_code_and_a_series_keeps_each_value() {
    let mut ward = Ward::new();
    ward.takes("result_vitals");
    let all = ward.all("Observation");
    assert_eq!(all.len(), 3);
    assert!(
        all.iter()
            .all(|one| text(one, "/category/0/coding/0/code") == Some("vital-signs"))
    );
    let rates: Vec<_> = all
        .iter()
        .filter(|one| text(one, "/code/coding/0/code") == Some("8867-4"))
        .collect();
    assert_eq!(rates.len(), 2);
    assert!(
        rates
            .iter()
            .any(|one| text(one, "/effectiveDateTime") == Some("2026-11-22T08:11:00-06:00"))
    );
}

#[test]
fn p05_results_of_two_patients_in_one_message_stay_apart() {
    let mut ward = Ward::new();
    assert_eq!(ward.takes("result_two_patients").ending, MapEnding::Map);
    let all = ward.all("Observation");
    assert_eq!(
        all.len(),
        2,
        "the same filler number, code and minute for two people"
    );
    for (number, value) in [("N4471", "4.4"), ("N5580", "5.9")] {
        let whose = json!(format!("Patient/{}", ward.own(number)));
        let result = all
            .iter()
            .find(|one| one["subject"]["reference"] == whose)
            .unwrap();
        assert_eq!(
            digits(result, "/valueQuantity/value").as_deref(),
            Some(value)
        );
    }
}

#[test]
fn p06_a_result_says_nothing_about_the_rest_of_the_patient() {
    let mut ward = Ward::new();
    ward.takes("admit");
    ward.takes("result_preliminary");
    let patient = ward.the("Patient");
    assert_eq!(patient["identifier"].as_array().unwrap().len(), 3);
    assert_eq!(text(&patient, "/address/0/city"), Some("DULUTH"));
}

#[test]
fn a_message_of_thousands_of_results_takes_time_in_proportion() {
    let mut message = String::from(
        "MSH|^~\\&|A|B|C|D|20261122||ORU^R01|7|P|2.5\rPID|1||N1^^^NORTH^MR||LINDQVIST^PER\rOBR|1||F1^LAB|P^PANEL^L|||20261122\r",
    );
    for n in 0..20_000 {
        message.push_str(&format!("OBX|{n}|NM|C{}^CODE^L||no number||||||F\r", n % 7));
    }
    let mut ward = Ward::new();
    let step = ward.takes_bytes(message.as_bytes());
    assert_eq!(ward.all("Observation").len(), 20_000);
    assert!(step.issues.len() <= 101, "issues are told up to a limit");
}
