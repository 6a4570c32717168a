use proptest::prelude::*;

use super::*;
use crate::demographics::{PatientIdentifier, PersonName};

fn anna() -> Demographics {
    Demographics {
        names: vec![PersonName {
            family: "Smith-Christopherson".to_owned(),
            given: vec!["Anna".to_owned(), "J".to_owned()],
            suffix: None,
        }],
        birth_date: Some("1980-02-03".to_owned()),
        ssn: vec!["219-09-1234".to_owned()],
        identifiers: vec![
            PatientIdentifier {
                authority: "EPIC".to_owned(),
                value: "E12345".to_owned(),
                kind: Some("MR".to_owned()),
            },
            PatientIdentifier {
                authority: "http://ward.example/mrn".to_owned(),
                value: "777".to_owned(),
                kind: None,
            },
            PatientIdentifier {
                authority: "EPIC".to_owned(),
                value: "ABCDEFGHI".to_owned(),
                kind: None,
            },
        ],
        ..Demographics::default()
    }
}

/// What an index lookup alone would find.
fn indexed(query: &[QueryTerm], demographics: &Demographics) -> bool {
    let terms = search_terms(demographics);
    !query.is_empty()
        && query
            .iter()
            .all(|part| part.alternatives.iter().any(|term| terms.contains(term)))
}

#[test]
fn what_people_type_finds_the_patient() {
    for query in [
        "smith",
        "SMITH",
        "smi anna 1980-02-03",
        "Smith, Anna",
        "smith-chr",
        "Christopherson",
        "christopher",
        "Dr Smith",
        "Anna J Smith",
        "smith jr",
        "1980",
        "1980-02",
        "02/1980",
        "19800203",
        "1980-2-3",
        "02/03/1980",
        "2/3/80",
        "smithchristopherson",
        "03.02.1980",
        "3-Feb-1980",
        "03-FEB-1980",
        "3 Feb 1980",
        "February 3, 1980",
        "Feb. 3 1980",
        "Feb 1980",
        "February 1980 anna",
        "DOB 1980-02-03 anna",
        "E12345",
        "e12345",
        "MRN E12345",
        "MRN: E12345",
        "MRN:E12345",
        "mrn777",
        "777",
        "EPIC|E12345",
        "http://ward.example/mrn|777",
        "|777",
        "219-09-1234",
        "219091234",
        "ABCDEFGHI",
        "abcdefghi",
        "j",
    ] {
        let terms = parse_query(query);
        assert!(indexed(&terms, &anna()), "{query:?} {terms:?}");
        assert!(query_matches(&terms, &anna()), "{query:?} {terms:?}");
    }
}

#[test]
fn what_does_not_fit_finds_nobody() {
    for query in [
        "",
        " ",
        ",",
        "-",
        "jones",
        "smith jones",
        "anna 1981",
        "1980-02-04",
        "1981-02",
        "4 Feb 1980",
        "E1234",
        "CERNER|E12345",
        "smithe",
        "12/13/1980 smith",
        "mit",
        "x",
        "anna 31 Feb 1980",
        "0",
        "|",
        "||",
    ] {
        assert!(!query_matches(&parse_query(query), &anna()), "{query:?}");
    }
}

#[test]
fn a_long_name_is_decided_on_the_opened_record() {
    let terms = parse_query("smith christophers");
    assert!(query_matches(&terms, &anna()));
    let terms = parse_query("smith christoffel");
    assert!(!query_matches(&terms, &anna()));
    let terms = parse_query("anna christozzz");
    assert!(indexed(&terms, &anna()), "the index holds six letters");
    assert!(!query_matches(&terms, &anna()));
}

#[test]
fn a_month_that_is_also_a_name_is_a_name() {
    let may = Demographics {
        names: vec![PersonName {
            family: "Smith".to_owned(),
            given: vec!["May".to_owned()],
            suffix: None,
        }],
        birth_date: Some("1980-07-01".to_owned()),
        ..Demographics::default()
    };
    assert!(query_matches(&parse_query("may 1980"), &may));
    assert!(query_matches(&parse_query("1 july 1980 may"), &may));
}

#[test]
fn a_patient_is_found_by_every_one_of_her_own_terms() {
    for term in search_terms(&anna()) {
        if term.text.chars().count() > 1 && term.field != "identifier" {
            assert!(
                query_matches(&parse_query(&term.text), &anna()),
                "{}",
                term.text
            );
        }
    }
}

proptest! {
    #[test]
    fn no_query_makes_the_reader_panic(query in "(\\PC|[ ,|/.-]|[0-9]){0,40}") {
        let terms = parse_query(&query);
        prop_assert!(terms.iter().all(|term| !term.alternatives.is_empty()));
        let _found = query_matches(&terms, &anna());
    }

    #[test]
    fn any_start_of_a_name_of_two_letters_or_more_finds_it(family in "[a-z]{2,14}", given in "[a-z]{2,14}", cut in 2_usize..14) {
        prop_assume!(!["jr", "sr", "ii", "iii", "iv", "md", "rn", "mrn", "dob", "id", "ssn", "mr", "ms", "dr", "mrs", "born"].contains(&family.as_str()));
        let d = Demographics {
            names: vec![PersonName { family: family.clone(), given: vec![given.clone()], suffix: None }],
            ..Demographics::default()
        };
        let start: String = family.chars().take(cut).collect();
        prop_assume!(!["jr", "sr", "mrn", "dob", "id", "ssn", "mr", "ms", "dr", "mrs", "born"].contains(&start.as_str()));
        let query = format!("{start} {given}");
        let terms = parse_query(&query);
        prop_assert!(indexed(&terms, &d) && query_matches(&terms, &d), "{}", query);
    }
}
