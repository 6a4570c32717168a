//! What a new, corrected, withdrawn or unreadable result does to a case.

use super::*;

#[test]
fn p04_the_same_result_twice_changes_nothing() {
    let case = opened().case;
    let again = after(
        &case,
        vec![value("6.7 mmol/L"), earlier()],
        noon() + minutes(3),
    );
    assert!(!again.changed);
    assert_eq!(again.case, case);
    assert_eq!(again.effects, []);
    assert_eq!(again.timers, opened().timers);
}

#[test]
fn the_same_result_by_a_second_route_lists_both_and_pages_nobody() {
    let mut both = value("6.7 mmol/L");
    both.sources.push(String::from("oracle"));
    let step = after(&opened().case, vec![both, earlier()], noon() + minutes(3));
    assert!(step.changed);
    assert_eq!(step.case.finding.sources, ["laboratory", "oracle"]);
    assert_eq!(step.effects, []);
    assert_eq!(step.case.notices, []);
    assert_eq!(step.timers, opened().timers);
}

#[test]
fn p05_a_correction_downwards_is_told_and_never_silences() {
    let case = act(&opened().case, &viewed("weiss"), noon()).case;
    let mut corrected = value("4.4 mmol/L");
    corrected.corrected = Some(String::from("was 6.7 mmol/L (final, laboratory)"));
    let step = after(&case, vec![corrected, earlier()], noon() + minutes(5));
    assert_eq!(step.case.state, CaseState::Open);
    assert!(step.case.say.contains("4.4 mmol/L"), "{}", step.case.say);
    assert!(step.case.caveats[0].starts_with("Corrected: was 6.7"));
    assert_eq!(step.case.changed_since_seen, ["weiss"]);
    let told: Vec<(&str, &str)> = step
        .case
        .notices
        .iter()
        .map(|notice| (notice.to.as_str(), notice.text.as_str()))
        .collect();
    let text = "The result was corrected: was 6.7 mmol/L, now 4.4 mmol/L.";
    assert_eq!(told, [("weiss", text), ("A. Weiss", text)]);
    // The ladder goes on as it was.
    assert_eq!(step.timers, opened().timers);
    let seen = act(&step.case, &viewed("weiss"), noon() + minutes(6)).case;
    assert_eq!(seen.changed_since_seen, [] as [String; 0]);
    assert!(seen.notices[0].read);
    assert!(!act(&seen, &viewed("weiss"), noon() + minutes(7)).changed);
}

#[test]
fn p05_a_correction_upwards_restarts_the_ladder_even_after_acknowledgement() {
    let low = judged(vec![value("6.2 mmol/L")], noon());
    let case = open(
        definition(),
        String::from("case-1"),
        &low,
        &situation(),
        noon(),
    )
    .case;
    assert_eq!(case.level, "urgent");
    let case = act(&case, &acknowledge("weiss"), noon() + minutes(5)).case;
    let now = noon() + minutes(20);
    let step = after(&case, vec![value("6.9 mmol/L")], now);
    assert_eq!(step.case.level, "emergency");
    assert_eq!(step.case.state, CaseState::Open);
    assert_eq!(step.case.generation, 2);
    assert_eq!(step.timers[0].due, now + minutes(15));
    assert!(
        matches!(step.effects.as_slice(), [Effect::Notify { key, .. }] if key == "case-1/page/opened/0/2")
    );
    // The timer of the ladder before finds nothing any more.
    let stale = Input::Due {
        timer: String::from("not_done/0/1"),
    };
    assert!(!act(&step.case, &stale, now + minutes(500)).changed);
    let again = act(&step.case, &acknowledge("weiss"), now);
    assert!(
        matches!(again.effects.as_slice(), [Effect::WriteBack { key, .. }] if key == "case-1/record/2")
    );
}

#[test]
fn becoming_better_keeps_the_stricter_ladder() {
    let newer = potassium("6.1 mmol/L", "k3", noon() + minutes(4));
    let step = after(
        &opened().case,
        vec![newer, value("6.7 mmol/L")],
        noon() + minutes(5),
    );
    assert_eq!(step.case.level, "urgent");
    assert_eq!(step.timers, opened().timers);
    assert_eq!(step.case.earlier[0].said, "6.7 mmol/L");
    let (_, paged) = play(&step.case, 1_000);
    assert_eq!(paged[0].0, 15);
}

#[test]
fn p05_a_withdrawn_result_withdraws_the_item_and_tells_who_saw_it() {
    let case = act(&opened().case, &viewed("okafor"), noon()).case;
    let case = act(&case, &acknowledge("weiss"), noon()).case;
    let mut gone = inputs(vec![earlier()]);
    let mut potassium = fact(
        "potassium",
        bedside_fact::state::State::Stale,
        vec![earlier()],
    );
    potassium.withdrawn = vec![value("6.7 mmol/L")];
    gone.facts.insert(String::from("potassium"), potassium);
    let step = evaluated(&case, &gone, noon() + minutes(30));
    assert_eq!(step.case.state, CaseState::Withdrawn);
    assert_eq!(step.timers, []);
    let told: Vec<&str> = step
        .case
        .notices
        .iter()
        .map(|notice| notice.to.as_str())
        .collect();
    assert_eq!(told, ["okafor", "weiss", "A. Weiss"]);
    assert!(step.case.closed.as_ref().unwrap().how.contains("withdrawn"));
    // Told once.
    assert!(!evaluated(&step.case, &gone, noon() + minutes(31)).changed);
}

#[test]
fn a_withdrawn_result_over_another_dangerous_one_goes_on_with_that() {
    let newer = potassium("6.9 mmol/L", "k3", noon() + minutes(10));
    let case = after(
        &opened().case,
        vec![newer.clone(), value("6.7 mmol/L")],
        noon() + minutes(12),
    )
    .case;
    let mut left = inputs(vec![value("6.7 mmol/L")]);
    left.facts.get_mut("potassium").unwrap().withdrawn = vec![newer];
    let step = evaluated(&case, &left, noon() + minutes(20));
    assert_eq!(step.case.state, CaseState::Open);
    assert_eq!(step.case.finding.said, "6.7 mmol/L");
    assert!(
        step.case
            .notices
            .last()
            .unwrap()
            .text
            .contains("6.9 mmol/L was withdrawn")
    );
}

#[test]
fn who_acted_on_a_result_hears_of_its_withdrawal_after_the_end_too() {
    let done = Input::Done {
        who: String::from("weiss"),
        how: String::from("treated"),
    };
    let case = act(&opened().case, &done, noon() + minutes(5)).case;
    let mut gone = inputs(vec![earlier()]);
    gone.facts.get_mut("potassium").unwrap().withdrawn = vec![value("6.7 mmol/L")];
    let step = evaluated(&case, &gone, noon() + minutes(90));
    assert_eq!(step.case.state, CaseState::Done);
    assert!(step.changed);
    assert!(step.case.notices.iter().any(|notice| notice.to == "weiss"));
    assert!(!evaluated(&step.case, &gone, noon() + minutes(91)).changed);
}

#[test]
fn a_later_normal_result_closes_with_its_evidence_and_the_same_one_does_not() {
    let case = opened().case;
    let normal = potassium("4.4 mmol/L", "k3", noon() + minutes(60));
    let step = after(
        &case,
        vec![normal, value("6.7 mmol/L")],
        noon() + minutes(61),
    );
    assert_eq!(step.case.state, CaseState::Done);
    let how = &step.case.closed.as_ref().unwrap().how;
    assert!(how.contains("4.4 mmol/L, taken 22-Nov-2026 13:00"), "{how}");
    assert_eq!(step.timers, []);
    // A normal value from before the dangerous one is no evidence.
    let before = potassium("4.4 mmol/L", "k0", noon() - minutes(90));
    let step = after(&case, vec![before], noon() + minutes(61));
    assert_eq!(step.case.state, CaseState::Open);
    assert_eq!(step.case.finding.said, "6.7 mmol/L");
}

#[test]
fn p06_a_result_that_can_not_be_read_waits_with_an_owner_and_a_deadline() {
    let mut unread = inputs(vec![]);
    let fact = Fact::unknown("potassium", Gap::Unreadable, "Its unit can't be read.");
    unread.facts.insert(String::from("potassium"), fact);
    let mut evaluation = judge_at(&unread, noon());
    evaluation.finding = Some(crate::Finding::absent(ResourceId::new("p1"), noon()));
    let step = open(
        definition(),
        String::from("case-1"),
        &evaluation,
        &situation(),
        noon(),
    );
    assert_eq!(step.case.state, CaseState::WaitingForData);
    assert_eq!(step.case.patient, ResourceId::new("p1"));
    assert_eq!(step.timers[0].due, noon() + minutes(15));
    // To have seen that something is missing is no record of a result.
    let seen = act(&step.case, &acknowledge("weiss"), noon() + minutes(1));
    assert_eq!(seen.effects, []);
    let known = after(&seen.case, vec![value("6.2 mmol/L")], noon() + minutes(20));
    assert_eq!(known.case.state, CaseState::Open);
    assert_eq!(known.case.level, "urgent");
    assert_eq!(known.case.acknowledged, None);
    assert_eq!(known.timers[0].due, noon() + minutes(50));
    let fine = after(&step.case, vec![value("4.2 mmol/L")], noon() + minutes(20));
    assert_eq!(fine.case.state, CaseState::Done);
}
