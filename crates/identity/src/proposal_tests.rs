//! The people here are invented to be confused: twins, father and son, newborns, families that share everything.

use std::collections::HashSet;

use super::*;

const STREET: &str = "123 Main St";

fn person(family: &str, given: &[&str], birth_date: &str) -> Demographics {
    Demographics {
        names: vec![PersonName {
            family: family.to_owned(),
            given: given.iter().map(|g| (*g).to_owned()).collect(),
            suffix: None,
        }],
        birth_date: Some(birth_date.to_owned()),
        phones: vec!["312-555-0143".to_owned()],
        streets: vec![(STREET.to_owned(), Some("60601".to_owned()))],
        ..Demographics::default()
    }
}

fn reasons(one: &Demographics, other: &Demographics) -> Vec<&'static str> {
    let others: HashSet<String> = proposal_keys(other)
        .into_iter()
        .map(|key| key.text)
        .collect();
    proposal_keys(one)
        .into_iter()
        .filter(|key| others.contains(&key.text))
        .map(|key| key.reason)
        .collect()
}

#[track_caller]
fn never(one: &Demographics, other: &Demographics) {
    assert_eq!(reasons(one, other), Vec::<&str>::new());
    assert_eq!(reasons(other, one), Vec::<&str>::new());
}

#[test]
fn equal_name_birth_date_and_one_strong_field_propose() {
    let one = person("O'Brien", &["Zoë"], "1980-02-03");
    let mut other = person("OBRIEN", &["ZOE"], "1980-02-03");
    assert_eq!(
        reasons(&one, &other),
        ["name+birth_date+phone", "name+birth_date+street"]
    );
    other.phones = vec!["+1 (312) 555-0143".to_owned()];
    other.streets = vec![("123 MAIN STREET".to_owned(), Some("60601-0001".to_owned()))];
    assert_eq!(
        reasons(&one, &other),
        ["name+birth_date+phone", "name+birth_date+street"]
    );
    other.streets.clear();
    assert_eq!(reasons(&one, &other), ["name+birth_date+phone"]);
    other.phones.clear();
    never(&one, &other);
    let ssn = |mut d: Demographics| {
        d.ssn = vec!["219-09-1234".to_owned()];
        d
    };
    assert_eq!(
        reasons(&ssn(one.clone()), &ssn(other)),
        ["name+birth_date+ssn"]
    );
    assert!(!contradicts(&one, &one));
}

#[test]
fn without_a_full_birth_date_there_is_no_proposal() {
    for date in ["1980", "1980-02", "1900-01-01", "1980-13-01", ""] {
        assert!(
            proposal_keys(&person("Smith", &["Anna"], date)).is_empty(),
            "{date}"
        );
    }
    assert!(
        proposal_keys(&Demographics {
            birth_date: None,
            ..person("Smith", &["Anna"], "")
        })
        .is_empty()
    );
}

#[test]
fn p05_twins_are_never_proposed() {
    never(
        &person("Smith", &["Anna"], "2015-05-05"),
        &person("Smith", &["Hanna"], "2015-05-05"),
    );
    let (mut one, mut other) = (
        person("Smith", &["Mary", "Ann"], "2015-05-05"),
        person("Smith", &["Mary", "Beth"], "2015-05-05"),
    );
    assert!(contradicts(&one, &other), "a caller who reads both is told");
    one.multiple_birth = true;
    other.multiple_birth = true;
    never(&one, &other);
    never(
        &person("Smith", &["Mary Ann"], "2015-05-05"),
        &person("Smith", &["Mary Beth"], "2015-05-05"),
    );
}

#[test]
fn p05_father_and_son_of_one_name_are_never_proposed() {
    let with = |suffix: &str| {
        let mut d = person("Smith", &["John"], "1960-01-02");
        d.names[0].suffix = Some(suffix.to_owned());
        d.ssn = vec!["219-09-1234".to_owned()];
        d
    };
    never(&with("Jr"), &with("Sr"));
    never(&with("Jr."), &with("III"));
    never(&with("Jr"), &with(""));
    never(
        &person("Smith Jr", &["John"], "1960-01-02"),
        &person("Smith Sr", &["John"], "1960-01-02"),
    );
    never(
        &person("Smith", &["John Jr"], "1960-01-02"),
        &person("Smith", &["John"], "1960-01-02"),
    );
    assert!(contradicts(&with("Jr"), &with("Sr")));
    assert!(!reasons(&with("JR"), &with("junior")).is_empty());
    assert!(
        !reasons(
            &person("Smith Jr", &["John"], "1960-01-02"),
            &person("Smith, Jr.", &["John"], "1960-01-02")
        )
        .is_empty()
    );
    assert!(
        !reasons(&with("MD"), &with("")).is_empty(),
        "a degree is no generation"
    );
}

#[test]
fn p05_children_not_named_yet_are_never_proposed() {
    for given in [
        "Baby Girl",
        "BB",
        "Boy A",
        "BoyB",
        "Newborn",
        "Girl Anna",
        "Infant",
        "Unknown",
        "",
    ] {
        let child = person("Smith", &[given], "2026-01-01");
        never(&child, &child);
    }
    never(
        &person("Unknown", &["Anna"], "1980-02-03"),
        &person("Unknown", &["Anna"], "1980-02-03"),
    );
    never(
        &person("Doe", &["John"], "1980-02-03"),
        &person("Doe", &["John"], "1980-02-03"),
    );
}

#[test]
fn p05_shared_defaults_are_no_evidence() {
    let with = |phone: &str, street: &str, ssn: &str| Demographics {
        phones: vec![phone.to_owned()],
        streets: vec![(street.to_owned(), None)],
        ssn: vec![ssn.to_owned()],
        ..person("Smith", &["Anna"], "1980-02-03")
    };
    let defaults = with("999-999-9999", "Unknown", "000-00-0000");
    never(&defaults, &defaults);
    let others = with("0000000", "Homeless 0", "123-45-6789");
    never(&others, &others);
}

#[test]
fn p05_a_family_at_one_address_with_one_phone_is_not_one_person() {
    let family = [
        person("Smith", &["Anna"], "1980-02-03"),
        person("Smith", &["Peter"], "1980-02-03"),
        person("Smith", &["Anna"], "2010-02-03"),
        person("Jones", &["Anna"], "1980-02-03"),
        person("Anna", &["Smith"], "1980-02-03"),
    ];
    for (at, one) in family.iter().enumerate() {
        for other in &family[at + 1..] {
            never(one, other);
        }
    }
}

#[test]
fn a_maiden_name_counts_as_well_and_the_middle_name_may_be_missing() {
    let mut one = person("Smith", &["Anna", "Maria"], "1980-02-03");
    one.names.push(PersonName {
        family: "Keller".to_owned(),
        given: vec!["Anna".to_owned()],
        suffix: None,
    });
    let other = person("Keller", &["Anna", "M"], "1980-02-03");
    assert_eq!(
        reasons(&one, &other),
        ["name+birth_date+phone", "name+birth_date+street"]
    );
    assert!(!contradicts(&one, &other));
    assert!(!contradicts(
        &person("Smith", &["Anna", "M."], ""),
        &person("Smith", &["Anna", "Maria"], "")
    ));
    assert!(contradicts(
        &person("Smith", &["Anna", "M."], ""),
        &person("Smith", &["Anna", "Lea"], "")
    ));
    assert!(
        !reasons(
            &person("De la Cruz", &["Mary Ann"], "1980-02-03"),
            &person("Delacruz", &["Maryann"], "1980-02-03")
        )
        .is_empty()
    );
}

#[test]
fn a_hostile_record_makes_few_keys() {
    let mut d = person("Smith", &["Anna"], "1980-02-03");
    d.names = (0..5_000)
        .map(|n| PersonName {
            family: format!("Smith{n}"),
            given: vec!["Anna".to_owned()],
            suffix: None,
        })
        .collect();
    d.phones = (0..5_000).map(|n| format!("312555{n:04}")).collect();
    assert!(proposal_keys(&d).len() <= MOST * 3 * MOST);
}

#[test]
fn nothing_printed_names_anybody() {
    let d = person("Zschokke", &["Anna"], "1980-02-03");
    let printed = format!(
        "{d:?} {:?} {:?} {:?}",
        d.names,
        proposal_keys(&d),
        crate::search_terms(&d)
    );
    for secret in ["Zschokke", "zschokke", "Anna", "1980", "60601", "0143"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
