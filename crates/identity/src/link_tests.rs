use super::*;

fn keys(identifiers: &[(&str, &str, Option<&str>)]) -> Vec<String> {
    let identifiers = identifiers
        .iter()
        .map(|(authority, value, kind)| PatientIdentifier {
            authority: (*authority).to_owned(),
            value: (*value).to_owned(),
            kind: kind.map(str::to_owned),
        })
        .collect();
    link_keys(&Demographics {
        identifiers,
        ..Demographics::default()
    })
}

#[test]
fn p05_the_same_number_under_two_authorities_is_two_people() {
    assert_ne!(
        keys(&[("EPIC", "12345", Some("MR"))]),
        keys(&[("CERNER", "12345", Some("MR"))])
    );
    assert_eq!(
        keys(&[("EPIC", "12345", Some("MR"))]),
        keys(&[("EPIC", " 12345 ", None)])
    );
}

#[test]
fn p05_letter_case_and_leading_zeros_count() {
    assert_ne!(
        keys(&[("EPIC", "ab12", None)]),
        keys(&[("EPIC", "AB12", None)])
    );
    assert_ne!(
        keys(&[("EPIC", "0012", None)]),
        keys(&[("EPIC", "12", None)])
    );
}

#[test]
fn p05_no_authority_links_nothing() {
    assert!(keys(&[("", "12345", Some("MR")), ("  ", "12345", Some("MR"))]).is_empty());
}

#[test]
fn p05_what_is_no_person_or_shared_links_nothing() {
    for kind in ["SS", "ss", "VN", "AN", "SN", "MB", "NPI", "MRT", " AN "] {
        assert!(keys(&[("EPIC", "12345", Some(kind))]).is_empty(), "{kind}");
    }
    for authority in [
        "http://hl7.org/fhir/sid/us-ssn",
        "urn:oid:2.16.840.1.113883.4.1",
        "SSA",
        "USSSA",
    ] {
        assert!(
            keys(&[(authority, "219-09-1234", None)]).is_empty(),
            "{authority}"
        );
    }
    for kind in ["MR", "PI", "PT", "PN", "MC", "MA", "DL", "PPN", "EPI"] {
        assert_eq!(keys(&[("EPIC", "12345", Some(kind))]).len(), 1, "{kind}");
    }
}

#[test]
fn p05_stand_ins_link_nothing() {
    for value in [
        "",
        " ",
        "0",
        "0000000",
        "000-000",
        "99999",
        "9999999999",
        "unknown",
        "UNKNOWN",
        "N/A",
        "none",
        "-",
        "?",
        "XXXX",
        "test",
        "No MRN",
    ] {
        assert!(keys(&[("EPIC", value, Some("MR"))]).is_empty(), "{value:?}");
    }
    for value in ["1", "00010", "99", "9999", "A", "X1"] {
        assert_eq!(keys(&[("EPIC", value, Some("MR"))]).len(), 1, "{value:?}");
    }
}

#[test]
fn p05_no_pair_of_authority_and_value_can_be_written_as_another() {
    assert_ne!(keys(&[("a|b", "c", None)]), keys(&[("a", "b|c", None)]));
    assert_eq!(
        keys(&[("a", "1", None), ("a", "1", Some("MR"))]).len(),
        1,
        "each key once"
    );
}
