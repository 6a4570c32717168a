//! Messages that would make two people of one, or one of two, or lose something without a word.

use bedside_core::map::MapEnding;
use serde_json::Value;

use crate::ward::{Ward, text};

fn message(kind: &str, rest: &str) -> String {
    format!("MSH|^~\\&|WARDADT|NORTH|B|B|20261122090000||{kind}|C1|P|2.5\r{rest}")
}

fn adt(pid3: &str, rest: &str) -> String {
    message("ADT^A08", &format!("PID|1||{pid3}||{rest}\r"))
}

fn systems(patient: &Value) -> Vec<&str> {
    let identifiers = patient["identifier"].as_array().unwrap();
    identifiers
        .iter()
        .filter_map(|one| text(one, "/system"))
        .collect()
}

#[test]
fn p05_a_namespace_is_the_systems_own_and_only_a_registered_id_is_everybodys() {
    let mut ward = Ward::new();
    ward.takes_bytes(
        adt(
            "123^^^MRN^MR~4^^^&1.2.840.5&ISO^PI~5^^^MRN&MRN&ISO^PI~6^^^X&MRN:1&URI^PI",
            "ROSSI^ANNA",
        )
        .as_bytes(),
    );
    assert_eq!(
        systems(&ward.the("Patient")),
        [
            "urn:bedside:authority:north:MRN",
            "urn:oid:1.2.840.5",
            "urn:bedside:authority:north:MRN",
            "urn:bedside:authority:north:X",
        ]
    );
}

#[test]
fn p05_the_order_of_pid_3_makes_no_second_patient() {
    let mut ward = Ward::new();
    ward.takes_bytes(adt("A1^^^X^MR~B1^^^Y^MR", "ROSSI^ANNA").as_bytes());
    ward.takes_bytes(adt("B1^^^Y^MR~A1^^^X^MR", "ROSSI^ANNA MARIA").as_bytes());
    ward.takes_bytes(adt("V9^^^X^VN~Q7^^^Y^PI~A1^^^X^MR", "ROSSI^ANNA").as_bytes());
    assert_eq!(ward.all("Patient").len(), 1);
    assert_eq!(ward.the("Patient")["name"][0]["given"][0], "ANNA");
}

#[test]
fn p05_a_placeholder_or_a_visit_number_alone_identifies_nobody() {
    for pid3 in [
        "000000^^^NORTH^MR",
        "UNKNOWN^^^NORTH^MR",
        "V1^^^NORTH^VN",
        "A1^^^NORTH^AN",
    ] {
        let mut ward = Ward::new();
        let step = ward.takes_bytes(adt(pid3, "ROSSI^ANNA").as_bytes());
        assert_eq!(
            step.ending,
            MapEnding::Park(String::from("no patient identifier")),
            "{pid3}"
        );
    }
}

#[test]
fn p05_a_merge_may_list_the_number_that_goes_among_those_of_the_one_who_stays() {
    let merge = |pid3: &str, mrg: &str| {
        message(
            "ADT^A40",
            &format!("PID|1||{pid3}||ROSSI^ANNA\rMRG|{mrg}\r"),
        )
    };
    let mut ward = Ward::new();
    ward.takes_bytes(adt("100^^^NORTH^MR", "ROSSI^ANNA").as_bytes());
    ward.takes_bytes(adt("200^^^NORTH^MR", "ROSSI^A").as_bytes());
    let step =
        ward.takes_bytes(merge("200^^^NORTH^MR~100^^^NORTH^MR", "200^^^NORTH^MR").as_bytes());
    assert_eq!(step.ending, MapEnding::Map);
    assert_eq!(step.merges.len(), 1);
    assert_eq!(step.merges[0].survivor.as_str(), ward.own("100"));
    assert_eq!(step.merges[0].prior.as_str(), ward.own("200"));
    let itself = ward.takes_bytes(merge("300^^^NORTH^MR", "300^^^NORTH^MR").as_bytes());
    assert_eq!(
        itself.ending,
        MapEnding::Park(String::from("A40 merges a patient into itself"))
    );
}

#[test]
fn p05_a_merge_takes_the_record_that_is_known_by_another_number_of_the_one_who_goes() {
    let mut ward = Ward::new();
    ward.takes_bytes(adt("100^^^NORTH^MR", "ROSSI^ANNA").as_bytes());
    ward.takes_bytes(adt("200^^^NORTH^PI", "ROSSI^A").as_bytes());
    let step = ward.takes_bytes(
        message(
            "ADT^A40",
            "PID|1||100^^^NORTH^MR||ROSSI^ANNA\rMRG|900^^^NORTH^MR~200^^^NORTH^PI\r",
        )
        .as_bytes(),
    );
    let gone: Vec<&str> = step
        .merges
        .iter()
        .map(|merge| merge.prior.as_str())
        .collect();
    assert!(gone.contains(&ward.own("200").as_str()), "{gone:?}");
}

#[test]
fn p06_a_result_changes_nothing_of_who_the_patient_is() {
    let pipes = |n: usize| "|".repeat(n);
    let mut ward = Ward::new();
    let registered = format!(
        "PID|1||100^^^NORTH^MR||ROSSI^ANNA||19610203|F|||1 ELM ST^^DULUTH||5551234567{}20261101|Y\r",
        pipes(16)
    );
    ward.takes_bytes(message("ADT^A08", &registered).as_bytes());
    let before = ward.the("Patient");
    assert!(before.get("deceasedDateTime").is_some());
    let result = format!(
        "PID|1||100^^^NORTH^MR~77^^^LAB^PI||\"\"||19880101|M|||\"\"||5559999999{}N\rOBR|1||F1|24323-8^Panel^LN|||20261122080000\rOBX|1|NM|2823-3^Potassium^LN||6.9|mmol/L|||||F\r",
        pipes(17)
    );
    let step = ward.takes_bytes(message("ORU^R01", &result).as_bytes());
    assert!(step.written.iter().any(|kind| kind == "Observation"));
    assert!(!step.written.iter().any(|kind| kind == "Patient"));
    assert_eq!(ward.the("Patient"), before);
}

#[test]
fn p03_what_the_parser_found_odd_is_told_and_a_nul_byte_is_parked() {
    let mut ward = Ward::new();
    let nul = ward.takes_bytes(adt("100^^^NORTH^MR", "RO\0SSI^ANNA").as_bytes());
    assert_eq!(nul.ending, MapEnding::Park(String::from("nul_character")));
    assert_eq!(ward.all("Patient").len(), 0);
    let mut bytes = b"MSH|^~\\&|A|NORTH|B|B|20261122090000||ADT^A08|C1|P|2.5||||||KLINGON\rPID|1||100^^^NORTH^MR||R".to_vec();
    bytes.extend([0xFF, 0xC3]);
    bytes.extend(b"SSI^ANNA\r");
    let odd = ward.takes_bytes(&bytes);
    assert_eq!(odd.ending, MapEnding::Map);
    assert!(
        odd.issues.iter().any(|issue| issue == "charset"),
        "{:?}",
        odd.issues
    );
    let mut kinds = odd.issues.clone();
    kinds.dedup();
    assert_eq!(kinds, odd.issues);
}
