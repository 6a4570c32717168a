//! Scopes that can't be, and what is said about them.

use super::read::{FILE_KEYS, OUT_KEYS, WORKFLOW_KEYS};
use super::*;
use crate::facts::Catalogue;
use crate::facts::schema;

const GOOD: &str = r"version: 1
project: Potassium on one ward
started: 2027-01-11
connections: [ epic, lab feed ]
workflows:
  - workflow: critical-potassium
    owner: Director of hospital medicine
    added: 2027-01-11
    wanted_by: 2027-03-01
    needs: [ potassium, active medications ]
    connections: [ epic ]
    accepted_when: A potassium of 6.7 mmol/L is acknowledged within a minute.
out:
  - other: reports for billing
    since: 2027-01-11
    because: nobody at the bedside needs them
    refused: [ 2027-02-03 ]
";

fn read(text: &str) -> Result<Scope, Vec<bedside_fact::yaml::Problem>> {
    Scope::read(text, Catalogue::shipped())
}

/// What is said about `GOOD` with one passage replaced: place, rule and sentence.
#[track_caller]
fn check(from: &str, to: &str, place: (usize, usize), rule: &str, words: &str) {
    assert!(GOOD.contains(from), "{from}");
    let problems = read(&GOOD.replacen(from, to, 1)).unwrap_err();
    let found = problems.iter().any(|problem| {
        (problem.at.line, problem.at.column) == place
            && problem.rule == rule
            && problem.message.contains(words)
    });
    assert!(found, "{problems:#?}");
}

#[test]
fn p12_what_tells_of_danger_cannot_be_put_out_of_scope() {
    for event in NEVER_OUT {
        check(
            "other: reports for billing",
            &format!("event: {event}"),
            (14, 12),
            "never_out",
            event,
        );
    }
    check(
        "other: reports for billing",
        "fact: allergies",
        (14, 11),
        "never_out",
        "allergies",
    );
    for words in [
        "Merges of patients",
        "the cancelled orders",
        "corrections of results",
        "results that are withdrawn",
        "Deaths",
        "patients who died",
        "allergy list",
        "ADT A40",
    ] {
        let text = GOOD.replacen("reports for billing", words, 1);
        let problems = read(&text).unwrap_err();
        assert_eq!(problems[0].rule, "never_out", "{words}: {problems:#?}");
        assert_eq!((problems[0].at.line, problems[0].at.column), (14, 12));
    }
    // A word that only contains another one is none of them.
    assert!(read(&GOOD.replacen("reports for billing", "emergency stock lists", 1)).is_ok());
}

#[test]
fn what_is_in_cannot_be_out_as_well() {
    let other = "other: reports for billing";
    check(
        other,
        "workflow: critical-potassium",
        (14, 5),
        "both",
        "is in scope and out of it",
    );
    check(other, "fact: potassium", (14, 5), "both", "needs it");
    check(
        other,
        "connection: epic",
        (14, 5),
        "both",
        "is in scope and out of it",
    );
}

#[test]
fn a_workflow_needs_an_owner_an_example_facts_and_a_day() {
    check(
        "    owner: Director of hospital medicine\n",
        "",
        (6, 5),
        "missing",
        "needs `owner`",
    );
    check(
        "    accepted_when: A potassium of 6.7 mmol/L is acknowledged within a minute.\n",
        "",
        (6, 5),
        "missing",
        "needs `accepted_when`",
    );
    check(
        "    needs: [ potassium, active medications ]\n",
        "",
        (6, 5),
        "missing",
        "needs `needs`",
    );
    check(
        "    added: 2027-01-11\n",
        "",
        (6, 5),
        "missing",
        "needs `added`",
    );
    check(
        "added: 2027-01-11",
        "added: January 2027",
        (8, 12),
        "date",
        "is a date",
    );
    check(
        "wanted_by: 2027-03-01",
        "wanted_by: 2026-03-01",
        (6, 5),
        "date",
        "lies before",
    );
    check(
        "refused: [ 2027-02-03 ]",
        "refused: [ 2027-02-30 ]",
        (17, 16),
        "date",
        "is none",
    );
}

#[test]
fn names_that_nobody_knows_are_told() {
    check(
        "needs: [ potassium,",
        "needs: [ pottasium,",
        (10, 14),
        "fact",
        "`pottasium` is no fact",
    );
    check(
        "connections: [ epic ]",
        "connections: [ oracle ]",
        (11, 20),
        "connection",
        "not among",
    );
    check(
        "project:",
        "projet:",
        (2, 1),
        "unknown_key",
        "has no key `projet`",
    );
    check(
        "other: reports for billing",
        "event: lunch",
        (14, 12),
        "event",
        "is no event",
    );
    check(
        "other: reports for billing",
        "fact: shoe size",
        (14, 11),
        "fact",
        "is no fact",
    );
    check(
        "    because: nobody at the bedside needs them\n",
        "    connection: x\n    because: z\n",
        (14, 5),
        "out",
        "exactly one key",
    );
    check("version: 1", "version: 2", (1, 1), "version", "version 1");
    check(
        "[ epic, lab feed ]",
        "[ epic, epic ]",
        (4, 22),
        "twice",
        "a second time",
    );
}

#[test]
fn whatever_is_in_the_file_there_are_problems_with_places_and_no_end() {
    for text in [
        "",
        "[]",
        "version",
        "version: 1\nworkflows: x",
        "out: [ 1 ]",
        "a: &b c",
        "workflows: [ { } ]",
        "out: [ { } ]",
    ] {
        let problems = read(text).unwrap_err();
        assert!(!problems.is_empty(), "{text}");
        assert!(problems.iter().all(|problem| problem.at.line > 0), "{text}");
    }
}

#[test]
fn a_scope_is_read_whole() {
    let scope = read(GOOD).unwrap();
    assert_eq!(
        scope.workflows[0].needs,
        ["potassium", "active medications"]
    );
    assert_eq!(scope.out[0].refused.len(), 1);
    assert_eq!(
        scope.out[0].what,
        Out::Other(String::from("reports for billing"))
    );
}

#[test]
fn the_template_is_an_empty_scope_and_its_examples_hold() {
    let scope = read(TEMPLATE).unwrap();
    assert!(scope.workflows.is_empty() && scope.out.is_empty() && scope.connections.is_empty());
    let told: String = TEMPLATE
        .lines()
        .filter_map(|line| line.strip_prefix("#   "))
        .map(|line| format!("{line}\n"))
        .collect();
    let text = format!("version: 1\nproject: p\nconnections: [ epic ]\n{told}");
    let scope = read(&text).unwrap();
    assert_eq!((scope.workflows.len(), scope.out.len()), (1, 1));
}

#[test]
fn the_schema_and_the_reader_agree() {
    let schema_text = include_str!("../../schemas/scope.schema.json");
    let root = schema::parse(schema_text);
    schema::keys(&root, "", &FILE_KEYS);
    schema::keys(&root, "/properties/workflows/items", &WORKFLOW_KEYS);
    schema::keys(&root, "/properties/out/items", &OUT_KEYS);
    for text in [GOOD, TEMPLATE] {
        assert_eq!(schema::check(&root, text), Vec::<String>::new());
    }
    for broken in [
        "version: 1\nprojet: x",
        "version: 2\nproject: x",
        "version: 1\nproject: x\nout: [ { event: patient died, since: 2027-01-01, because: x } ]",
    ] {
        assert!(!schema::check(&root, broken).is_empty(), "{broken}");
        assert!(read(broken).is_err(), "{broken}");
    }
}
