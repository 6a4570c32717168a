//! Which lanes an input joins, and what is refused before it is understood.

use bedside_core::admit::{self, UnitFor};
use bedside_core::journal::{InputKind, UnitKey};

use crate::ward::Ward;

fn lanes(pid3: &str) -> Vec<(String, String)> {
    let message =
        format!("MSH|^~\\&|A|B|C|D|20261122||ADT^A01|7|P|2.5\rPID|1||{pid3}||LINDQVIST^PER\r");
    let (input, _) = admit::hl7(message.as_bytes(), &Ward::new().source, UnitFor::Feed);
    input
        .lanes
        .into_iter()
        .map(|key| (key.authority, key.value))
        .collect()
}

fn check(pid3: &str, authority: &str, value: &str) {
    assert_eq!(
        lanes(pid3),
        [(authority.to_owned(), value.to_owned())],
        "{pid3}"
    );
}

#[test]
fn the_medical_record_number_means_the_patient_whatever_its_place() {
    assert_eq!(
        lanes("V9^^^NORTH^VN~P7^^^NORTH^PI~M1^^^NORTH^MR"),
        [
            (String::from("NORTH"), String::from("M1")),
            (String::from("NORTH"), String::from("P7"))
        ]
    );
    check("V9^^^NORTH^VN~P7^^^NORTH^PI", "NORTH", "P7");
    check("V9^^^NORTH^VN~X3^^^NORTH", "NORTH", "X3");
    check("\"\"^^^NORTH^MR~P7^^^NORTH^PI", "NORTH", "P7");
    check("M1^^^&1.2.3&ISO^MR", "1.2.3", "M1");
    check("M1^^^^MR^^^^COUNTY", "COUNTY", "M1");
    check(" M1 ", "urn:bedside:source:north", "M1");
    for nobody in [
        "V9^^^NORTH^VN",
        "V9^^^NORTH^AN",
        "219091234^^^NORTH^SS",
        "000000^^^NORTH^MR",
        "UNKNOWN^^^NORTH^MR",
        "99999^^^NORTH",
        "\"\"",
    ] {
        assert_eq!(lanes(nobody), [], "{nobody}");
    }
    check("UNKNOWN^^^NORTH^MR~P7^^^NORTH^PI", "NORTH", "P7");
    assert_eq!(lanes(""), []);
}

#[test]
fn p04_a_merge_joins_the_lanes_of_everybody_it_names() {
    let path = format!(
        "{}/tests/messages/merge_pairs.hl7",
        env!("CARGO_MANIFEST_DIR")
    );
    let (input, _) = admit::hl7(
        &std::fs::read(path).unwrap(),
        &Ward::new().source,
        UnitFor::Feed,
    );
    let numbers: Vec<&str> = input.lanes.iter().map(|key| key.value.as_str()).collect();
    assert_eq!(numbers, ["N4471", "N9001", "N5580", "N9002"]);
    assert_eq!(input.message_type, "ADT^A40");
    assert_eq!(input.control_id, "M0001");
    assert_eq!(
        input.unit,
        UnitKey::Message {
            control: String::from("WARDADT|NORTH|M0001")
        }
    );
}

#[test]
fn without_a_control_id_nothing_is_a_repeat() {
    let (input, _) = admit::hl7(
        b"MSH|^~\\&|A|B|C|D|2026||ADT^A01||P|2.5\r",
        &Ward::new().source,
        UnitFor::Feed,
    );
    assert_eq!(
        input.unit,
        UnitKey::Message {
            control: String::new()
        }
    );
}

#[test]
fn p03_what_cannot_be_read_is_kept_with_a_reason_and_joins_no_lane() {
    let source = Ward::new().source;
    let file = UnitFor::File {
        hash: [1; 32],
        position: 4,
    };
    for bytes in [&b""[..], b"hello", b"MSH", b"\0\0\0", b"MSH|||||"] {
        let (input, message) = admit::hl7(bytes, &source, file);
        assert!(message.is_none() && input.lanes.is_empty(), "{bytes:?}");
        assert!(input.reject.is_some_and(|reason| reason.contains(": ")));
        assert_eq!(input.raw.expose(), bytes);
        assert_eq!(
            input.unit,
            UnitKey::File {
                hash: [1; 32],
                position: 4
            }
        );
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (unit, code) in [
        (deep.as_bytes(), "too_deep"),
        (
            br#"{"resourceType":"Patient","id":"1","\u0069d":"2"}"#,
            "duplicate_member",
        ),
        (br#"{"resourceType":"Patient""#, ""),
        (b"{\"resourceType\":\"Pa\xfftient\"}", "not_utf8"),
        (br#"{"id":"1"}"#, "no_resource"),
    ] {
        let input = admit::fhir(unit, &source, [1; 32], 4, &|_| None);
        assert!(
            input
                .reject
                .as_deref()
                .is_some_and(|reason| reason.starts_with(code)),
            "{:?}",
            input.reject
        );
        assert_eq!(
            (
                input.kind,
                input.lanes.is_empty(),
                input.message_type.as_str()
            ),
            (InputKind::Fhir, true, "")
        );
    }
}

#[test]
fn a_resource_joins_the_lane_of_its_patient() {
    let source = Ward::new().source;
    let lane = |unit: &str| {
        let input = admit::fhir(unit.as_bytes(), &source, [1; 32], 4, &|name| {
            (name == "urn:uuid:a").then(|| (String::from("Patient"), String::from("p9")))
        });
        let key = input.lanes.into_iter().next().unwrap();
        format!("{}/{}", key.authority, key.value)
    };
    assert_eq!(
        lane(r#"{"resourceType":"Patient","id":"p1"}"#),
        "Patient/p1"
    );
    assert_eq!(
        lane(r#"{"resourceType":"Observation","id":"o","subject":{"reference":"Patient/p1"}}"#),
        "Patient/p1"
    );
    assert_eq!(
        lane(r#"{"resourceType":"Observation","id":"o","subject":{"reference":"urn:uuid:a"}}"#),
        "Patient/p9"
    );
    assert_eq!(
        lane(r#"{"resourceType":"Observation","id":"o","subject":{"reference":"Group/g"}}"#),
        "Observation/o"
    );
    assert_eq!(
        lane(r#"{"resourceType":"Organization","id":"x"}"#),
        "Organization/x"
    );
}

#[test]
fn p10_what_stands_in_clear_is_a_code_or_a_fixed_word() {
    let kind = |msh9: &str| {
        let message = format!("MSH|^~\\&|A|B|C|D|20261122||{msh9}|7|P|2.5\rPID|1||M1\r");
        admit::hl7(message.as_bytes(), &Ward::new().source, UnitFor::Feed)
            .0
            .message_type
    };
    for (msh9, said) in [
        ("ADT^A01^ADT_A01", "ADT^A01"),
        ("ORU", "ORU"),
        ("LINDQVIST^PER", "unrecognised"),
        ("ADT^LINDQVIST", "ADT^unrecognised"),
        ("Per^A01", "unrecognised"),
        ("", ""),
    ] {
        assert_eq!(kind(msh9), said, "{msh9}");
    }
    let input = admit::fhir(
        br#"{"resourceType":"Lindqvist","id":"1"}"#,
        &Ward::new().source,
        [1; 32],
        4,
        &|_| None,
    );
    assert_eq!(input.message_type, "unrecognised");
    assert!(
        input
            .reject
            .is_some_and(|reason| reason.starts_with("unknown_resource_type"))
    );
}
