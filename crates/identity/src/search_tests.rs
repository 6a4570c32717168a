use super::*;
use crate::demographics::{PatientIdentifier, PersonName};

fn texts(demographics: &Demographics, field: &str) -> Vec<String> {
    search_terms(demographics)
        .into_iter()
        .filter(|term| term.field == field)
        .map(|term| term.text)
        .collect()
}

fn anna() -> Demographics {
    Demographics {
        names: vec![PersonName {
            family: "Müller-Smith Jr".to_owned(),
            given: vec!["Anna".to_owned(), "J.".to_owned()],
            suffix: None,
        }],
        birth_date: Some("1980-02-03".to_owned()),
        ssn: vec!["219-09-1234".to_owned()],
        identifiers: vec![
            PatientIdentifier {
                authority: "EPIC".to_owned(),
                value: "Ab12".to_owned(),
                kind: Some("MR".to_owned()),
            },
            PatientIdentifier {
                authority: String::new(),
                value: "V-77".to_owned(),
                kind: Some("VN".to_owned()),
            },
            PatientIdentifier {
                authority: "EPIC".to_owned(),
                value: "unknown".to_owned(),
                kind: None,
            },
        ],
        ..Demographics::default()
    }
}

#[test]
fn names_are_found_whole_by_word_and_by_prefix() {
    assert_eq!(
        texts(&anna(), "family"),
        ["jr", "muller", "muller smith", "mullersmith", "smith"]
    );
    assert_eq!(texts(&anna(), "given"), ["anna", "j"]);
    assert_eq!(
        texts(&anna(), "name_prefix"),
        [
            "an", "ann", "anna", "jr", "mu", "mul", "mull", "mulle", "muller", "sm", "smi", "smit",
            "smith"
        ]
    );
}

#[test]
fn birth_dates_are_found_by_year_month_and_day() {
    assert_eq!(texts(&anna(), "birth_year"), ["1980"]);
    assert_eq!(texts(&anna(), "birth_month"), ["1980-02"]);
    assert_eq!(texts(&anna(), "birth_day"), ["1980-02-03"]);
    let month = Demographics {
        birth_date: Some("1980-02".to_owned()),
        ..Demographics::default()
    };
    assert_eq!(search_terms(&month).len(), 2);
    for wrong in [
        "198",
        "1980-13",
        "1980-02-30",
        "0203-1980",
        "1980-02-03T10:00:00Z",
        "ÄÄÄÄ",
        "ÄÖ-1",
    ] {
        let d = Demographics {
            birth_date: Some(wrong.to_owned()),
            ..Demographics::default()
        };
        assert!(search_terms(&d).is_empty(), "{wrong}");
    }
}

#[test]
fn identifiers_are_found_with_and_without_authority() {
    assert_eq!(texts(&anna(), "identifier"), ["EPIC|Ab12"]);
    assert_eq!(
        texts(&anna(), "identifier_value"),
        ["219091234", "Ab12", "V-77"]
    );
}

#[test]
fn names_in_other_scripts_are_found() {
    let d = Demographics {
        names: vec![PersonName {
            family: "王".to_owned(),
            given: vec!["小明".to_owned()],
            suffix: None,
        }],
        ..Demographics::default()
    };
    assert_eq!(texts(&d, "family"), ["王"]);
    assert_eq!(texts(&d, "name_prefix"), ["小明"]);
}
