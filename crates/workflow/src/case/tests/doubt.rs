//! What a case does with a newer result that nobody can rely on, and with one that can't be read.

use bedside_fact::state::State;

use super::*;

fn unreadable(name: &str, minute: i64) -> Datum {
    Datum {
        said: String::from("7.1 wat"),
        quantity: None,
        doubt: Some(String::from("its unit can't be read")),
        ..potassium("7.1 wat", name, noon() + minutes(minute))
    }
}

fn with(state: State, gap: Option<Gap>, data: Vec<Datum>) -> Inputs {
    let mut inputs = inputs(data.clone());
    let fact = Fact {
        gap,
        ..fact("potassium", state, data)
    };
    inputs.facts.insert(String::from("potassium"), fact);
    inputs
}

fn unknown(data: Vec<Datum>) -> Inputs {
    with(State::Unknown, Some(Gap::Unreadable), data)
}

#[test]
fn p06_a_newer_unreadable_result_leaves_the_headline_and_asks_beside_it() {
    let case = act(&opened().case, &acknowledge("weiss"), noon() + minutes(1)).case;
    // Both are in the answer: the item goes on with the one that can be read.
    let both = unknown(vec![unreadable("k3", 5), value("6.7 mmol/L"), earlier()]);
    let step = evaluated(&case, &both, noon() + minutes(6));
    assert_eq!(step.case.say, case.say);
    assert_eq!(step.case.finding.said, "6.7 mmol/L");
    assert_eq!(step.case.state, CaseState::Acknowledged);
    assert_eq!(
        step.case.caveats[0],
        "A later potassium, 7.1 wat (taken 22-Nov-2026 12:05), is not relied on: its unit can't be read. Ask for it."
    );
    // The older one is too long ago to be in the answer at all.
    let alone = unknown(vec![unreadable("k3", 5)]);
    let step = evaluated(&case, &alone, noon() + minutes(6));
    assert_eq!(step.case.say, case.say);
    assert_eq!(step.case.finding.said, "6.7 mmol/L");
    assert_eq!(step.case.state, CaseState::Acknowledged);
    assert_eq!(
        step.case.caveats[0],
        "Potassium: unknown (not readable). Ask for it."
    );
    assert!(step.case.notices.iter().any(|notice| notice.to == "weiss"));
    assert!(!evaluated(&step.case, &alone, noon() + minutes(7)).changed);
}

#[test]
fn p05_a_correction_to_something_unreadable_makes_the_item_a_question() {
    let case = act(&opened().case, &acknowledge("weiss"), noon() + minutes(1)).case;
    let corrected = Datum {
        taken_at: value("").taken_at,
        ..unreadable("k2", 0)
    };
    let step = evaluated(&case, &unknown(vec![corrected]), noon() + minutes(6));
    assert_eq!(step.case.state, CaseState::WaitingForData);
    assert_eq!(step.case.level, "data request");
    assert_eq!(step.case.asking.as_deref(), Some("potassium"));
    assert_eq!(step.case.acknowledged, None);
    assert_eq!(step.timers[0].due, noon() + minutes(21));
    assert!(
        step.case
            .notices
            .iter()
            .any(|notice| notice.to == "weiss" && notice.text.contains("corrected"))
    );
}

#[test]
fn p05_a_withdrawn_result_over_one_that_can_not_be_read_asks_for_it() {
    let mut left = unknown(vec![unreadable("k0", -60)]);
    left.facts.get_mut("potassium").unwrap().withdrawn = vec![value("6.7 mmol/L")];
    let step = evaluated(&opened().case, &left, noon() + minutes(6));
    assert_eq!(step.case.state, CaseState::WaitingForData);
    assert_eq!(step.case.asking.as_deref(), Some("potassium"));
    assert_eq!(
        step.case.say,
        "Potassium: unknown (not readable). Ask for it"
    );
    assert_eq!(step.timers.len(), 1);
    let known = after(
        &step.case,
        vec![potassium("6.2 mmol/L", "k0", noon() - minutes(60))],
        noon() + minutes(9),
    );
    assert_eq!(
        (known.case.state, known.case.level.as_str()),
        (CaseState::Open, "urgent")
    );
}

#[test]
fn p06_a_dangerous_result_that_comes_late_counts_over_a_newer_doubtful_one() {
    let doubtful = Datum {
        doubt: Some(String::from("preliminary")),
        verification: bedside_fact::known::Verification::Preliminary,
        ..potassium("6.2 mmol/L", "k3", noon() - minutes(5))
    };
    let first = with(State::Unverified, None, vec![doubtful.clone()]);
    let case = open(
        definition(),
        String::from("case-1"),
        &judge_at(&first, noon()),
        &situation(),
        noon(),
    )
    .case;
    assert_eq!(case.level, "urgent");
    let late = Datum {
        received_at: noon() + minutes(2),
        ..value("6.9 mmol/L")
    };
    let both = with(
        State::Unverified,
        None,
        vec![doubtful.clone(), late.clone()],
    );
    let step = evaluated(&case, &both, noon() + minutes(3));
    assert_eq!(step.case.level, "emergency");
    assert_eq!(step.case.finding.said, "6.9 mmol/L");
    assert!(step.case.say.starts_with("Potassium 6.9 mmol/L"));
    assert_eq!(step.case.earlier[0].said, "6.2 mmol/L");
    // One that was known before the item was opened was somebody else's: it may be dealt with.
    let known = Datum {
        received_at: noon() - minutes(2),
        ..late
    };
    let both = with(State::Unverified, None, vec![doubtful, known]);
    assert_eq!(
        evaluated(&case, &both, noon() + minutes(3)).case.level,
        "urgent"
    );
}

#[test]
fn a_rung_that_comes_to_the_owner_goes_on_and_says_so() {
    let mut alone = situation();
    alone.people = vec![
        (
            String::from("responsible clinician"),
            String::from("A. Weiss"),
        ),
        (String::from("covering clinician"), String::from("A. Weiss")),
    ];
    let evaluation = judged(vec![value("6.7 mmol/L")], noon());
    let case = open(
        definition(),
        String::from("case-1"),
        &evaluation,
        &alone,
        noon(),
    )
    .case;
    let fired = |case: &Case| {
        let rung = case.next.clone().unwrap();
        let timer = crate::case::ladder::timer_name(case, &rung);
        act(case, &Input::Due { timer }, rung.at)
    };
    let step = fired(&case);
    let words: Vec<&str> = step
        .events
        .iter()
        .map(|event| event.words.as_str())
        .collect();
    assert_eq!(
        words,
        [
            "A. Weiss (covering clinician) holds this or was told already; critical results pool was told.",
            "Told critical results pool: not acknowledged after 15 minutes.",
        ]
    );
    let step = fired(&step.case);
    assert_eq!(
        step.events[0].words,
        "No source says who the charge nurse is; critical results pool was told."
    );
    assert_eq!(
        step.events[1].words,
        "Nobody is left who was not told; critical results pool was told."
    );
}

#[test]
fn the_roles_that_no_source_supplies_are_known_before_the_first_case() {
    let supplied = ["responsible clinician", "ordering clinician"];
    assert_eq!(
        definition().roles_without_source(&supplied),
        [
            "covering clinician",
            "bedside nurse",
            "charge nurse",
            "administrator on call"
        ]
    );
}

#[test]
fn p05_who_acted_on_a_result_hears_of_its_correction_behind_a_newer_one() {
    let done = Input::Done {
        who: String::from("weiss"),
        how: String::from("treated"),
    };
    let case = act(&opened().case, &done, noon() + minutes(5)).case;
    let newer = potassium("4.4 mmol/L", "k3", noon() + minutes(60));
    let corrected = value("7.2 mmol/L");
    let step = after(&case, vec![newer, corrected], noon() + minutes(70));
    assert_eq!(step.case.state, CaseState::Done);
    assert!(step.case.notices.iter().any(|notice| {
        notice.to == "weiss" && notice.text.contains("was 6.7 mmol/L, now 7.2 mmol/L")
    }));
}

#[test]
fn p05_what_another_persons_record_took_with_it_is_gone_behind_a_doubtful_one_too() {
    let doubtful = Datum {
        doubt: Some(String::from("preliminary")),
        ..potassium("4.1 mmol/L", "k3", noon() + minutes(5))
    };
    let inputs = with(State::Unverified, None, vec![doubtful, value("6.7 mmol/L")]);
    let mut evaluation = judge_at(&inputs, noon() + minutes(6));
    assert_eq!(evaluation.behind.len(), 1);
    let case = opened().case;
    evaluation.withdrawn.push(case.finding.clone());
    let input = Input::Evaluated {
        evaluation: Box::new(evaluation),
        situation: inputs.situation,
    };
    assert_eq!(
        act(&case, &input, noon() + minutes(6)).case.state,
        CaseState::Withdrawn
    );
}

#[test]
fn p05_a_withdrawn_result_over_a_dangerous_one_behind_a_doubtful_one_goes_on_with_that() {
    let doubtful = Datum {
        doubt: Some(String::from("preliminary")),
        ..potassium("4.1 mmol/L", "k3", noon() + minutes(5))
    };
    let older = potassium("6.8 mmol/L", "k1", noon() - minutes(40));
    let mut left = with(State::Unverified, None, vec![doubtful, older]);
    left.facts.get_mut("potassium").unwrap().withdrawn = vec![value("6.7 mmol/L")];
    let step = evaluated(&opened().case, &left, noon() + minutes(6));
    assert_eq!(step.case.state, CaseState::Open);
    assert_eq!(step.case.finding.said, "6.8 mmol/L");
    assert!(step.case.say.starts_with("Potassium 6.8 mmol/L"));
    assert!(
        step.case
            .notices
            .iter()
            .any(|notice| notice.text.contains("6.7 mmol/L was withdrawn"))
    );
}
