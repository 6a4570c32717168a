//! What the tests of this crate are made of: the shipped definition, and facts written the short way.

use std::sync::LazyLock;

use bedside_fact::clock::Timestamp;
use bedside_fact::id::{ResourceId, Seq};
use bedside_fact::known::{Code, Datum, Fact, Gap, Quantity, Situation, Verification};
use bedside_fact::quantity::{Comparator, Decimal};
use bedside_fact::state::State;
use jiff::SignedDuration;
use jiff::tz::TimeZone;

use crate::vocabulary::{FactKind, Vocabulary};
use crate::{CRITICAL_POTASSIUM, Definition, Evaluation, GROUPS, Groups, Inputs, evaluate, load};

pub(crate) const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 22);

pub(crate) fn vocabulary() -> Vocabulary {
    let quantity =
        |name: &str, unit: &str| (name.to_owned(), FactKind::Quantity, Some(unit.to_owned()));
    let other = |name: &str, kind| (name.to_owned(), kind, None);
    Vocabulary {
        facts: vec![
            quantity("potassium", "mmol/L"),
            quantity("creatinine", "mg/dL"),
            quantity("sodium", "mmol/L"),
            other("active medications", FactKind::List),
            other("allergies", FactKind::List),
            other("active diagnoses", FactKind::List),
            other("vital signs", FactKind::List),
            other("on dialysis", FactKind::Flag),
        ],
        connection_words: vec![String::from("Epic"), String::from("athenahealth")],
    }
}

pub(crate) fn groups() -> Groups {
    SHIPPED_GROUPS.clone()
}

static SHIPPED_GROUPS: LazyLock<Groups> = LazyLock::new(read_groups);
static SHIPPED: LazyLock<Definition> = LazyLock::new(read_definition);

fn read_groups() -> Groups {
    crate::groups("groups.yaml", GROUPS).unwrap()
}

pub(crate) fn definition() -> &'static Definition {
    &SHIPPED
}

fn read_definition() -> Definition {
    load(
        "critical-potassium.yaml",
        CRITICAL_POTASSIUM,
        &vocabulary(),
        &groups(),
    )
    .unwrap_or_else(|problems| panic!("{problems:#?}"))
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// 22 November 2026, 12:00 UTC.
pub(crate) fn noon() -> Timestamp {
    at("2026-11-22T12:00:00Z")
}

pub(crate) fn minutes(n: i64) -> SignedDuration {
    SignedDuration::from_mins(n)
}

pub(crate) fn datum(label: &str, said: &str, identity: &str, taken: Timestamp) -> Datum {
    let (number, unit) = said.split_once(' ').unwrap_or((said, ""));
    let comparator = match number.chars().next() {
        Some('>') => Some(Comparator::Greater),
        Some('<') => Some(Comparator::Less),
        Some(_) | None => None,
    };
    let quantity = Decimal::parse(number.trim_start_matches(['<', '>'])).map(|value| Quantity {
        value,
        unit: unit.to_owned(),
        comparator,
    });
    Datum {
        label: label.to_owned(),
        said: said.to_owned(),
        quantity,
        codes: Vec::new(),
        detail: None,
        taken_at: Some(taken),
        recorded_at: Some(taken),
        received_at: taken,
        sources: vec![String::from("laboratory")],
        verification: Verification::Final,
        doubt: None,
        corrected: None,
        forbidden: false,
        patient: ResourceId::new("p1"),
        resources: vec![format!("Observation/{identity}")],
        seq: Seq(taken.as_second()),
        identity: identity.to_owned(),
    }
}

pub(crate) fn potassium(said: &str, identity: &str, taken: Timestamp) -> Datum {
    datum("Potassium", said, identity, taken)
}

pub(crate) fn entry(label: &str, system: &str, code: &str) -> Datum {
    Datum {
        said: String::new(),
        quantity: None,
        codes: vec![Code {
            system: system.to_owned(),
            code: code.to_owned(),
        }],
        ..datum(label, "", label, noon() - minutes(30))
    }
}

pub(crate) fn fact(name: &str, state: State, data: Vec<Datum>) -> Fact {
    Fact {
        name: name.to_owned(),
        state,
        gap: None,
        why: String::new(),
        data,
        against: Vec::new(),
        withdrawn: Vec::new(),
        as_of: Some(noon()),
    }
}

pub(crate) fn present(name: &str, data: Vec<Datum>) -> Fact {
    fact(name, State::Present, data)
}

pub(crate) fn situation() -> Situation {
    Situation {
        inpatient: Some(true),
        adult: Some(true),
        died: Some(false),
        place: Some(String::from("4W, room 12, bed A")),
        people: vec![
            (
                String::from("responsible clinician"),
                String::from("A. Weiss"),
            ),
            (
                String::from("covering clinician"),
                String::from("B. Okafor"),
            ),
        ],
    }
}

/// An adult inpatient of whom all is known: these potassium values, the newest first, two medicines, and nothing else of note.
pub(crate) fn inputs(potassium: Vec<Datum>) -> Inputs {
    let rx = "http://www.nlm.nih.gov/research/umls/rxnorm";
    let mut inputs = Inputs {
        situation: situation(),
        ..Inputs::default()
    };
    let earlier: Vec<Datum> = potassium.iter().skip(1).cloned().collect();
    let earlier = if earlier.is_empty() {
        Fact::unknown("potassium", Gap::Empty, "Nothing in that time.")
    } else {
        present("potassium", earlier)
    };
    let then = noon() - minutes(60);
    let mut facts = vec![
        ("potassium", present("potassium", potassium)),
        ("earlier potassium", earlier),
        (
            "creatinine",
            present(
                "creatinine",
                vec![datum("Creatinine", "2.1 mg/dL", "c1", then)],
            ),
        ),
        (
            "active medications",
            present(
                "active medications",
                vec![
                    entry("metoprolol 50 mg", rx, "6918"),
                    entry("lisinopril 10 mg", rx, "29046"),
                ],
            ),
        ),
        (
            "on dialysis",
            present(
                "on dialysis",
                vec![datum("Not on dialysis", "no", "d1", then)],
            ),
        ),
        (
            "vital signs",
            present(
                "vital signs",
                vec![datum("Heart rate", "72 /min", "v1", then)],
            ),
        ),
        (
            "allergies",
            present("allergies", vec![entry("Penicillin", "", "")]),
        ),
        (
            "active diagnoses",
            present("active diagnoses", vec![entry("Heart failure", "", "")]),
        ),
    ];
    for (name, fact) in facts.drain(..) {
        inputs.facts.insert(name.to_owned(), fact);
    }
    inputs
}

pub(crate) fn judge(inputs: &Inputs) -> Evaluation {
    judge_at(inputs, noon())
}

pub(crate) fn judge_at(inputs: &Inputs, now: Timestamp) -> Evaluation {
    evaluate(definition(), inputs, &SHIPPED_GROUPS, now, &TimeZone::UTC)
}
