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
        keys(&[("EPIC", " 12345 ", Some("MR"))])
    );
}

#[test]
fn p05_letter_case_and_leading_zeros_count() {
    assert_ne!(
        keys(&[("EPIC", "ab12", Some("MR"))]),
        keys(&[("EPIC", "AB12", Some("MR"))])
    );
    assert_ne!(
        keys(&[("EPIC", "0012", Some("MR"))]),
        keys(&[("EPIC", "12", Some("MR"))])
    );
}

#[test]
fn p05_no_authority_links_nothing() {
    assert!(keys(&[("", "12345", Some("MR")), ("  ", "12345", Some("MR"))]).is_empty());
}

#[test]
fn p05_what_is_no_person_or_shared_links_nothing() {
    for kind in [
        "SS", "ss", "VN", "AN", "SN", "MB", "MA", "NPI", "MRT", " AN ", "U", "", "NNU",
    ] {
        assert!(keys(&[("EPIC", "12345", Some(kind))]).is_empty(), "{kind}");
    }
    for authority in [
        "http://hl7.org/fhir/sid/us-ssn",
        "urn:oid:2.16.840.1.113883.4.1",
        "SSA",
        "USSSA",
        "urn:bedside:authority:north:SSA",
    ] {
        assert!(
            keys(&[(authority, "219-09-1234", Some("PI"))]).is_empty(),
            "{authority}"
        );
    }
    assert!(
        keys(&[("EPIC", "12345", None)]).is_empty(),
        "a number without a type may be a visit or a policy"
    );
    for kind in [
        "MR", "mr", "PI", "PT", "PN", "MC", "DL", "PPN", "EPI", "NI", "NH", "HC", "NNESP",
    ] {
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
    assert_ne!(
        keys(&[("a|b", "c", Some("MR"))]),
        keys(&[("a", "b|c", Some("MR"))])
    );
    assert_eq!(
        keys(&[("a", "1", Some("PI")), ("a", "1", Some("MR"))]).len(),
        1,
        "each key once"
    );
}

fn known(family: &str, birth_date: &str) -> Demographics {
    Demographics {
        names: vec![crate::PersonName {
            family: family.to_owned(),
            given: vec![String::from("Anna")],
            suffix: None,
        }],
        birth_date: Some(birth_date.to_owned()),
        identifiers: vec![PatientIdentifier {
            authority: String::from("urn:oid:1.2.3"),
            value: String::from("123"),
            kind: Some(String::from("MR")),
        }],
        ..Demographics::default()
    }
}

fn share(a: &Demographics, b: &Demographics) -> bool {
    let others = link_keys(b);
    link_keys(a).iter().any(|key| others.contains(key))
}

#[test]
fn p05_one_number_with_another_family_name_and_another_birth_date_is_a_proposal_and_no_link() {
    let (anna, otto) = (known("Rossi", "1961-02-03"), known("Okafor", "1988-11-30"));
    assert!(!share(&anna, &otto));
    let reasons = |one: &Demographics| -> Vec<&str> {
        crate::proposal_keys(one)
            .iter()
            .map(|key| key.reason)
            .collect()
    };
    assert_eq!(
        reasons(&anna),
        ["identifier, but neither name nor birth date agrees"]
    );
    assert_eq!(
        crate::proposal_keys(&anna),
        crate::proposal_keys(&otto),
        "somebody is asked"
    );
    assert!(!crate::contradicts(&anna, &otto), "and the question stands");
    let stand_in = known("Unknown", "1900-01-01");
    assert!(!share(&anna, &stand_in));
    assert!(!share(
        &known("Unknown", "1961-02-04"),
        &known("UNKNOWN", "1988-11-30")
    ));
}

#[test]
fn one_number_links_across_a_marriage_and_across_a_mistyped_birth_date() {
    let anna = known("Rossi", "1961-02-03");
    assert!(share(&anna, &known("Okafor", "1961-02-03")));
    assert!(share(&anna, &known("ROSSI", "1961-03-02")));
    assert!(share(&anna, &known("Rossi", "")));
    let mut both = known("Okafor", "1988-11-30");
    both.names.extend(anna.names.clone());
    assert!(share(&anna, &both), "a maiden name counts");
}
