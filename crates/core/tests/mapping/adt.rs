//! ADT messages of people who do not exist, and what a clinician sees of them afterwards.

use crate::ward::{Ward, text};
use bedside_core::map::MapEnding;
use serde_json::json;

#[test]
fn an_admission_becomes_patient_visit_allergies_and_diagnosis() {
    let mut ward = Ward::new();
    let step = ward.takes("admit");
    assert_eq!(
        (step.ending, step.issues),
        (MapEnding::Map, vec![String::from("segment-terminator")]),
        "the fixtures end their lines as files do"
    );

    let patient = ward.the("Patient");
    assert_eq!(text(&patient, "/name/0/family"), Some("OKONKWO"));
    assert_eq!(patient["name"][0]["given"], json!(["ADAEZE", "I"]));
    assert_eq!(text(&patient, "/birthDate"), Some("1957-03-12"));
    assert_eq!(text(&patient, "/gender"), Some("female"));
    assert_eq!(
        text(&patient, "/identifier/0/system"),
        Some("urn:oid:1.2.840.99.1")
    );
    assert_eq!(
        text(&patient, "/identifier/0/assigner/display"),
        Some("NORTH")
    );
    assert_eq!(
        text(&patient, "/identifier/1/system"),
        Some("urn:bedside:authority:north:REGION")
    );
    assert_eq!(text(&patient, "/identifier/2/value"), Some("123456780"));
    assert_eq!(
        patient["address"][0]["line"],
        json!(["12 HARBOR ST", "APT 4"])
    );
    assert_eq!(text(&patient, "/telecom/0/value"), Some("+1 218 5550142"));
    assert_eq!(text(&patient, "/telecom/1/use"), Some("work"));

    let visit = ward.the("Encounter");
    assert_eq!(text(&visit, "/status"), Some("in-progress"));
    assert_eq!(text(&visit, "/class/code"), Some("IMP"));
    assert_eq!(
        text(&visit, "/period/start"),
        Some("2026-11-22T07:45:00-06:00")
    );
    assert_eq!(
        text(&visit, "/location/0/location/display"),
        Some("4W, room 412, bed B, NORTH")
    );
    assert_eq!(
        text(&visit, "/participant/0/individual/display"),
        Some("DR LENA BERGSTROM")
    );

    let allergies = ward.all("AllergyIntolerance");
    let penicillin = allergies
        .iter()
        .find(|one| text(one, "/code/text") == Some("PENICILLIN"))
        .unwrap();
    assert_eq!(text(penicillin, "/criticality"), Some("high"));
    assert_eq!(
        text(penicillin, "/reaction/0/manifestation/1/text"),
        Some("WHEEZING")
    );
    assert_eq!(text(penicillin, "/onsetDateTime"), Some("2010-05-01"));
    assert!(
        allergies
            .iter()
            .any(|one| text(one, "/code/text") == Some("SHELLFISH"))
    );

    let failure = ward.the("Condition");
    assert_eq!(text(&failure, "/code/text"), Some("HEART FAILURE"));
    assert_eq!(
        text(&failure, "/code/coding/0/system"),
        Some("http://hl7.org/fhir/sid/icd-10-cm")
    );
    assert_eq!(
        failure["encounter"]["reference"],
        json!(format!("Encounter/{}", text(&visit, "/id").unwrap()))
    );
}

#[test]
fn p02_the_same_message_again_changes_nothing() {
    let mut ward = Ward::new();
    ward.takes("admit");
    assert_eq!(ward.takes("admit").written, Vec::<String>::new());
    ward.takes("result_preliminary");
    assert_eq!(
        ward.takes("result_preliminary").written,
        Vec::<String>::new()
    );
}

#[test]
fn p06_an_empty_field_leaves_what_is_known() {
    let mut ward = Ward::new();
    ward.takes("admit");
    ward.takes("update_address");
    let patient = ward.the("Patient");
    assert_eq!(text(&patient, "/address/0/line/0"), Some("9 BIRCH AVE"));
    assert_eq!(text(&patient, "/name/0/family"), Some("OKONKWO"));
    assert_eq!(text(&patient, "/gender"), Some("female"));
    assert_eq!(patient["telecom"].as_array().unwrap().len(), 2);
    assert_eq!(
        patient["identifier"].as_array().unwrap().len(),
        3,
        "the SSN stays without PID-19"
    );
    assert_eq!(
        ward.the("Encounter")["participant"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn p06_two_double_quotes_remove_and_touch_nothing_beside() {
    let mut ward = Ward::new();
    ward.takes("admit");
    ward.takes("update_remove");
    let patient = ward.the("Patient");
    assert_eq!(patient.get("address"), None);
    assert_eq!(patient.get("gender"), None);
    assert_eq!(
        patient["telecom"].as_array().unwrap().len(),
        1,
        "the work number was not spoken of"
    );
    assert_eq!(text(&patient, "/telecom/0/use"), Some("work"));
    assert_eq!(
        patient["identifier"].as_array().unwrap().len(),
        2,
        "the SSN goes"
    );
    assert_eq!(text(&patient, "/name/0/family"), Some("OKONKWO"));
    let participants = ward.the("Encounter")["participant"].clone();
    assert_eq!(
        participants.as_array().unwrap().len(),
        1,
        "the attending goes, the referrer stays"
    );
    ward.takes("update_null_name");
    assert_eq!(ward.the("Patient").get("name"), None);
}

#[test]
fn p06_a_message_without_allergies_says_nothing_about_them() {
    let mut ward = Ward::new();
    ward.takes("admit");
    let before = ward.all("AllergyIntolerance");
    ward.takes("update_address");
    assert_eq!(ward.all("AllergyIntolerance"), before);
}

#[test]
fn p06_no_known_drug_allergies_is_a_statement_of_its_own() {
    let mut ward = Ward::new();
    ward.takes("none_known");
    let said = ward.the("AllergyIntolerance");
    assert_eq!(text(&said, "/code/coding/0/code"), Some("409137002"));
    assert_eq!(text(&said, "/code/coding/1/code"), Some("NKDA"));
    assert_eq!(text(&said, "/clinicalStatus/coding/0/code"), Some("active"));
    // The source then names an allergy: its older statement no longer stands.
    ward.takes("allergy_after_none_known");
    let all = ward.all("AllergyIntolerance");
    let none = all
        .iter()
        .find(|one| text(one, "/code/coding/0/code") == Some("409137002"))
        .unwrap();
    assert_eq!(
        text(none, "/verificationStatus/coding/0/code"),
        Some("refuted")
    );
    assert!(
        all.iter()
            .any(|one| text(one, "/code/text") == Some("PENICILLIN"))
    );
    assert_eq!(all.len(), 2, "nothing is refuted that was never said");
    // And says it again.
    ward.takes("none_known");
    let all = ward.all("AllergyIntolerance");
    let none = all
        .iter()
        .find(|one| text(one, "/code/coding/0/code") == Some("409137002"))
        .unwrap();
    assert_eq!(
        (
            text(none, "/clinicalStatus/coding/0/code"),
            none.get("verificationStatus")
        ),
        (Some("active"), None)
    );
}

#[test]
fn a_transfer_keeps_where_the_patient_was() {
    let mut ward = Ward::new();
    ward.takes("admit");
    ward.takes("transfer");
    let visit = ward.the("Encounter");
    assert_eq!(visit["location"].as_array().unwrap().len(), 2);
    assert_eq!(text(&visit, "/location/0/status"), Some("completed"));
    assert_eq!(
        text(&visit, "/location/0/period/end"),
        Some("2026-11-22T12:00:00-06:00")
    );
    assert_eq!(
        text(&visit, "/location/0/period/start"),
        Some("2026-11-22T07:45:00-06:00")
    );
    assert_eq!(
        text(&visit, "/location/1/location/display"),
        Some("5E, room 501, bed A, NORTH")
    );
    assert_eq!(text(&visit, "/location/1/status"), Some("active"));
    assert_eq!(text(&visit, "/status"), Some("in-progress"));
}

#[test]
fn a_discharge_happened_when_the_event_did_and_can_be_cancelled() {
    let mut ward = Ward::new();
    for name in ["admit", "transfer", "discharge"] {
        ward.takes(name);
    }
    let visit = ward.the("Encounter");
    assert_eq!(text(&visit, "/status"), Some("finished"));
    assert_eq!(
        text(&visit, "/period/end"),
        Some("2026-11-25T17:05:00-06:00"),
        "EVN-6, not the time of recording or receipt"
    );
    assert_eq!(
        text(&visit, "/period/start"),
        Some("2026-11-22T07:45:00-06:00")
    );
    assert_eq!(text(&visit, "/location/1/status"), Some("completed"));
    assert_eq!(
        text(
            &visit,
            "/hospitalization/dischargeDisposition/coding/0/code"
        ),
        Some("01")
    );
    // An update after discharge does not reopen the visit.
    ward.takes("update_address");
    assert_eq!(text(&ward.the("Encounter"), "/status"), Some("finished"));
    ward.takes("cancel_discharge");
    let visit = ward.the("Encounter");
    assert_eq!(text(&visit, "/status"), Some("in-progress"));
    assert_eq!(visit.pointer("/period/end"), None);
    assert_eq!(visit.pointer("/hospitalization/dischargeDisposition"), None);
    assert_eq!(text(&visit, "/location/1/status"), Some("active"));
    assert_eq!(
        text(&visit, "/hospitalization/admitSource/coding/0/code"),
        Some("7")
    );
}

#[test]
fn p12_a_cancelled_admission_is_cancelled_and_stays_so() {
    let mut ward = Ward::new();
    ward.takes("admit");
    ward.takes("cancel_admit");
    assert_eq!(text(&ward.the("Encounter"), "/status"), Some("cancelled"));
    ward.takes("update_address");
    assert_eq!(text(&ward.the("Encounter"), "/status"), Some("cancelled"));
}

#[test]
fn p12_a_death_is_seen_and_not_made_vaguer() {
    let mut ward = Ward::new();
    ward.takes("admit");
    ward.takes("death");
    ward.takes("death_without_time");
    let patient = ward.the("Patient");
    assert_eq!(
        text(&patient, "/deceasedDateTime"),
        Some("2026-11-24T03:15:00-06:00")
    );
    assert_eq!(patient.get("deceasedBoolean"), None);
}

#[test]
fn a_visit_without_a_number_is_the_patient_and_the_time_and_times_get_the_zone_of_the_source() {
    let mut ward = Ward::new();
    ward.takes("register");
    ward.takes("register");
    let visit = ward.the("Encounter");
    assert_eq!(text(&visit, "/class/code"), Some("AMB"));
    assert_eq!(
        text(&visit, "/period/start"),
        Some("2026-11-22T08:55:00-06:00")
    );
    let patient = ward.the("Patient");
    assert_eq!(
        text(&patient, "/identifier/0/system"),
        Some("urn:bedside:source:north"),
        "never a system that all senders share"
    );
    assert_eq!(patient["name"][0]["suffix"], json!(["JR"]));
}

#[test]
fn what_is_no_time_is_left_out_and_told_without_its_value() {
    let mut ward = Ward::new();
    let step = ward.takes("bad_times");
    assert_eq!(step.ending, MapEnding::Map);
    let patient = ward.the("Patient");
    assert_eq!(
        (patient.get("birthDate"), text(&patient, "/gender")),
        (None, Some("unknown"))
    );
    assert_eq!(ward.the("Encounter").pointer("/period/start"), None);
    for place in [
        "PID[1]-7: not a time",
        "PID[1]-8: not in table 0001",
        "PV1[1]-44: not a time",
        "EVN[1]-2: not a time",
    ] {
        assert!(
            step.issues.iter().any(|issue| issue == place),
            "{place} in {:?}",
            step.issues
        );
    }
}

#[test]
fn what_is_not_mapped_says_so_and_what_names_nobody_is_parked() {
    let mut ward = Ward::new();
    assert_eq!(ward.takes("not_mapped").ending, MapEnding::NotMapped);
    assert_eq!(
        ward.takes("no_identifier").ending,
        MapEnding::Park(String::from("no patient identifier"))
    );
    assert_eq!(
        ward.takes("merge_without_prior").ending,
        MapEnding::Park(String::from("A40 without MRG-1"))
    );
    assert!(matches!(
        ward.takes_bytes(b"not a message").ending,
        MapEnding::Park(_)
    ));
    assert!(ward.resources.is_empty());
}

#[test]
fn a_merge_names_each_pair_and_both_stay_readable() {
    let mut ward = Ward::new();
    ward.takes("admit");
    let step = ward.takes("merge_pairs");
    assert_eq!(step.merges.len(), 2);
    let (survivor, prior) = (ward.patient("N4471"), ward.patient("N9001"));
    assert_eq!(
        survivor["link"][0]["other"]["reference"],
        json!(format!("Patient/{}", ward.own("N9001")))
    );
    assert_eq!(text(&survivor, "/link/0/type"), Some("replaces"));
    assert_eq!(survivor["active"], json!(true));
    assert_eq!(
        survivor["identifier"].as_array().unwrap().len(),
        3,
        "a merge lists some of the numbers, not all"
    );
    assert_eq!(
        (prior["active"].clone(), text(&prior, "/link/0/type")),
        (json!(false), Some("replaced-by"))
    );
    assert_eq!(
        text(&prior, "/identifier/0/value"),
        Some("N9001"),
        "a record that was never seen is made"
    );
    assert_eq!(
        text(&ward.patient("N9002"), "/link/0/type"),
        Some("replaced-by")
    );
    assert_eq!(
        ward.takes("merge_pairs").merges,
        [],
        "a merge again changes nothing"
    );
}

#[test]
fn a_later_message_under_the_old_number_reaches_the_survivor_and_revives_nobody() {
    let mut ward = Ward::new();
    ward.takes("admit");
    ward.takes("merge_pairs");
    ward.takes("update_under_old_number");
    assert_eq!(ward.patient("N9001")["active"], json!(false));
    let survivor = ward.patient("N4471");
    assert_eq!(text(&survivor, "/address/0/line/0"), Some("77 NEW RD"));
    let numbers = survivor["identifier"].as_array().unwrap();
    assert!(
        numbers
            .iter()
            .any(|one| text(one, "/value") == Some("N4471")),
        "its own numbers stay"
    );
}

#[test]
fn a_merge_the_other_way_round_turns_the_links() {
    let mut ward = Ward::new();
    ward.takes("admit");
    ward.takes("merge_pairs");
    let step = ward.takes("merge_reversed");
    assert_eq!(step.merges[0].survivor.as_str(), ward.own("N9001"));
    let (survivor, prior) = (ward.patient("N9001"), ward.patient("N4471"));
    assert_eq!(
        (survivor["active"].clone(), text(&survivor, "/link/0/type")),
        (json!(true), Some("replaces"))
    );
    assert_eq!(
        (prior["active"].clone(), text(&prior, "/link/0/type")),
        (json!(false), Some("replaced-by"))
    );
    assert_eq!(prior["link"].as_array().unwrap().len(), 1);
    assert_eq!(ward.takes("merge_reversed").merges, []);
}
