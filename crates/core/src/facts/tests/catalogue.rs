//! The file of facts, what can be wrong in it, and its schema.

use crate::facts::read::{FACT_KEYS, FILE_KEYS, SOURCE_KEYS};
use crate::facts::{Catalogue, Kind, SHIPPED, schema};

const GOOD: &str = r#"version: 1
facts:
  - fact: potassium
    kind: quantity
    unit: mmol/L
    plausible: [ 1, 15 ]
    codes: [ "LOINC 2823-3" ]
    sources:
      - { name: results, query: [ Observation ], category: laboratory }
    empty_means: none
    same_result_when: [ code, taken_at ]
  - fact: allergies
    kind: list
    sources:
      - { name: list, query: [ AllergyIntolerance ] }
    empty_means: none recorded
"#;

#[track_caller]
fn check(from: &str, to: &str, place: (usize, usize), rule: &str, words: &str) {
    assert!(GOOD.contains(from), "{from}");
    let problems = Catalogue::read(&GOOD.replacen(from, to, 1)).unwrap_err();
    let found = problems.iter().any(|problem| {
        (problem.at.line, problem.at.column) == place
            && problem.rule == rule
            && problem.message.contains(words)
    });
    assert!(found, "{problems:#?}");
}

#[test]
fn p06_a_list_that_people_forget_to_fill_is_never_none_when_it_is_empty() {
    check(
        "empty_means: none recorded",
        "empty_means: none",
        (16, 18),
        "empty_means",
        "never means that there is none",
    );
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    check(
        "unit: mmol/L",
        "unit: mmol",
        (5, 11),
        "unit",
        "is not known",
    );
    check(
        "unit: mmol/L",
        "unit: MMOL/L",
        (5, 11),
        "unit",
        "is written `mmol/L`",
    );
    check(
        "    unit: mmol/L\n",
        "",
        (3, 5),
        "missing",
        "A quantity needs `unit`",
    );
    check(
        "kind: list",
        "kind: list\n    unit: kg",
        (14, 11),
        "unit",
        "Only a quantity",
    );
    check(
        "kind: quantity",
        "kind: number",
        (4, 11),
        "word",
        "can't be `number`",
    );
    check(
        "    kind: quantity\n",
        "",
        (3, 5),
        "missing",
        "needs `kind`",
    );
    check(
        "[ 1, 15 ]",
        "[ 15, 1 ]",
        (6, 16),
        "number",
        "the lower one first",
    );
    check("[ 1, 15 ]", "[ 1 ]", (6, 16), "number", "two numbers");
    check(
        "\"LOINC 2823-3\"",
        "\"2823-3\"",
        (7, 14),
        "code",
        "is no code",
    );
    check(
        "\"LOINC 2823-3\"",
        "\"LOINK 2823-3\"",
        (7, 14),
        "code",
        "is no code",
    );
    check(
        "[ \"LOINC 2823-3\" ]",
        "[ \"LOINC 2823-3\", \"LOINC 2823-3\" ]",
        (7, 30),
        "twice",
        "a second time",
    );
    check(
        "    codes: [ \"LOINC 2823-3\" ]\n",
        "",
        (3, 5),
        "missing",
        "needs `codes`",
    );
    check(
        "query: [ Observation ]",
        "query: [ Patient ]",
        (9, 35),
        "type_name",
        "can't come from `Patient`",
    );
    check(
        "query: [ Observation ], category: laboratory",
        "category: laboratory",
        (9, 9),
        "source",
        "either",
    );
    check(
        "query: [ Observation ]",
        "query: [ Observation ], message: x",
        (9, 9),
        "source",
        "either",
    );
    check(
        "    empty_means: none\n",
        "",
        (3, 5),
        "missing",
        "needs `empty_means`",
    );
    check(
        "[ code, taken_at ]",
        "[ code ]",
        (11, 23),
        "same_result_when",
        "never the same without",
    );
    check(
        "[ code, taken_at ]",
        "[ code, taken_at, ward ]",
        (11, 23),
        "word",
        "by `ward`",
    );
    check(
        "fact: allergies",
        "fact: potassium",
        (12, 5),
        "twice",
        "a second time",
    );
    check(
        "    kind: list\n",
        "    kind: list\n    members: [ sodium ]\n",
        (12, 5),
        "members",
        "`sodium` is no fact",
    );
    check(
        "empty_means: none\n",
        "empty_mean: none\n",
        (10, 5),
        "unknown_key",
        "no key `empty_mean`",
    );
    check("version: 1", "version: 3", (1, 1), "version", "version 1");
}

#[test]
fn whatever_is_in_the_file_there_are_problems_and_no_end() {
    for text in [
        "",
        "[]",
        "x",
        "version: 1",
        "version: 1\nfacts: 3",
        "version: 1\nfacts: [ 3 ]",
        "version: 1\nfacts: [ { fact: [ ] } ]",
    ] {
        assert!(!Catalogue::read(text).unwrap_err().is_empty(), "{text}");
    }
}

#[test]
fn the_shipped_file_has_the_facts_that_workflows_use() {
    let shipped = Catalogue::read(SHIPPED).unwrap();
    assert_eq!(&shipped, Catalogue::shipped());
    let expected = [
        ("potassium", Kind::Quantity, Some("mmol/L")),
        ("creatinine", Kind::Quantity, Some("mg/dL")),
        ("sodium", Kind::Quantity, Some("mmol/L")),
        ("glucose", Kind::Quantity, Some("mg/dL")),
        ("haemoglobin", Kind::Quantity, Some("g/dL")),
        ("INR", Kind::Quantity, Some("1")),
        ("active medications", Kind::List, None),
        ("allergies", Kind::List, None),
        ("active diagnoses", Kind::List, None),
        ("vital signs", Kind::List, None),
        ("on dialysis", Kind::Flag, None),
    ];
    for (name, kind, unit) in expected {
        let fact = shipped.get(name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!((fact.kind, fact.unit.as_deref()), (kind, unit), "{name}");
    }
    let potassium = shipped.get("potassium").unwrap();
    assert_eq!(potassium.codes.len(), 5);
    assert_eq!(potassium.asked_for(), (vec!["Observation"], "laboratory"));
}

#[test]
fn no_code_is_two_facts() {
    let mut seen = std::collections::HashSet::new();
    for fact in Catalogue::shipped().facts() {
        for code in &fact.codes {
            assert!(seen.insert(code.clone()), "{} of {}", code.code, fact.name);
        }
    }
}

#[test]
fn the_schema_and_the_reader_agree() {
    let root = schema::parse(include_str!("../../../schemas/facts.schema.json"));
    schema::keys(&root, "", &FILE_KEYS);
    schema::keys(&root, "/properties/facts/items", &FACT_KEYS);
    schema::keys(
        &root,
        "/properties/facts/items/properties/sources/items",
        &SOURCE_KEYS,
    );
    for text in [GOOD, SHIPPED] {
        assert_eq!(schema::check(&root, text), Vec::<String>::new());
    }
    let broken = [
        ("kind: quantity", "kind: number"),
        ("plausible: [ 1, 15 ]", "plausible: [ 1 ]"),
        ("empty_means: none\n", "empty_mean: none\n"),
        ("[ Observation ]", "[ Patient ]"),
        ("[ code, taken_at ]", "[ code, ward ]"),
        ("version: 1", "version: 2"),
    ];
    for (from, to) in broken {
        let text = GOOD.replacen(from, to, 1);
        assert!(!schema::check(&root, &text).is_empty(), "{to}");
        assert!(Catalogue::read(&text).is_err(), "{to}");
    }
}
