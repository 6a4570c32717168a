//! What people, timers, merges and deaths do to a case.

use super::*;

#[test]
fn a_case_opens_with_one_owner_one_page_and_one_timer() {
    let step = opened();
    let case = &step.case;
    assert_eq!(case.state, CaseState::Open);
    assert_eq!(case.level, "emergency");
    assert_eq!(case.owner.words(), "A. Weiss (responsible clinician)");
    assert_eq!(step.timers.len(), 1);
    assert_eq!(step.timers[0].due, noon() + minutes(15));
    // The bedside nurse is not known by name here, and that is written down.
    assert_eq!(kinds(&step), ["opened", "unresolved"]);
    let [Effect::Notify { to, text, key, .. }] = step.effects.as_slice() else {
        panic!("{:?}", step.effects);
    };
    assert_eq!(to, &case.owner);
    assert_eq!(key, "case-1/page/opened/0/1");
    assert_eq!(text, "Critical result, unit 4W: open the worklist.");
}

#[test]
fn p05_an_unanswered_emergency_climbs_to_the_end_and_stays_open() {
    let (case, paged) = play(&opened().case, 200);
    let paged: Vec<(i64, &str)> = paged
        .iter()
        .map(|(minute, who)| (*minute, who.as_str()))
        .collect();
    assert_eq!(
        paged,
        [
            (15, "B. Okafor (covering clinician)"),
            // Nobody is known as charge nurse: the pool, once.
            (30, "critical results pool"),
            (60, "critical results pool"),
            // The last rung comes again for as long as nobody acts.
            (120, "critical results pool"),
            (180, "critical results pool"),
        ]
    );
    assert_eq!(case.state, CaseState::Expired);
    assert!(case.state.is_open());
    assert_eq!(case.owner.role, "responsible clinician");
    assert_eq!(case.next.as_ref().unwrap().at, noon() + minutes(240));
    let again: Vec<&str> = case
        .told
        .iter()
        .map(|told| told.why.as_str())
        .filter(|why| why.starts_with("still"))
        .collect();
    assert_eq!(again, ["still not acknowledged after 60 minutes"]);
    // Even then somebody can take it, and the second clock starts.
    let late = act(&case, &acknowledge("weiss"), noon() + minutes(90));
    assert_eq!(late.case.state, CaseState::Acknowledged);
    assert_eq!(late.timers[0].due, noon() + minutes(150));
}

#[test]
fn the_second_clock_starts_at_acknowledgement_and_not_before() {
    let case = act(&opened().case, &acknowledge("weiss"), noon() + minutes(10)).case;
    let (case, paged) = play(&case, 200);
    let paged: Vec<(i64, &str)> = paged
        .iter()
        .map(|(minute, who)| (*minute, who.as_str()))
        .collect();
    assert_eq!(
        paged,
        [
            (70, "B. Okafor (covering clinician)"),
            (130, "critical results pool")
        ]
    );
    // Who acknowledged has not taken that back, and the ladder goes on.
    assert_eq!(case.state, CaseState::Acknowledged);
    assert_eq!(case.next.as_ref().unwrap().at, noon() + minutes(250));
}

#[test]
fn p07_acknowledging_writes_once_and_twice_is_once() {
    let first = act(&opened().case, &acknowledge("weiss"), noon() + minutes(5));
    let [Effect::WriteBack { action, key, about }] = first.effects.as_slice() else {
        panic!("{:?}", first.effects);
    };
    assert_eq!(
        (action.as_str(), key.as_str()),
        ("record", "case-1/record/1")
    );
    assert_eq!(about.told, "A. Weiss (responsible clinician)");
    assert_eq!(about.acknowledged_by, "weiss");
    assert_eq!(about.text, "Potassium 6.7 mmol/L (up 1.5 in 20 h)");
    assert_eq!(first.case.writes[0].state, WriteState::Queued);
    let second = act(&first.case, &acknowledge("weiss"), noon() + minutes(6));
    assert!(!second.changed);
    assert_eq!(second.case, first.case);
    assert_eq!(second.effects, []);
    let refusal = step(
        definition(),
        &first.case,
        &acknowledge("okafor"),
        noon() + minutes(6),
    );
    assert_eq!(
        refusal,
        Err(Refusal::AlreadyAcknowledged {
            by: String::from("weiss"),
            at: noon() + minutes(5),
        })
    );
}

#[test]
fn what_became_of_a_write_is_kept_and_told() {
    let case = act(&opened().case, &acknowledge("weiss"), noon()).case;
    let written = |state, words: &str| Input::Written {
        key: String::from("case-1/record/1"),
        state,
        words: words.to_owned(),
    };
    let lost = act(&case, &written(WriteState::Unknown, "No answer."), noon());
    assert_eq!(lost.case.writes[0].state, WriteState::Unknown);
    assert_eq!(lost.case.notices.last().unwrap().to, "weiss");
    assert!(
        !act(
            &lost.case,
            &written(WriteState::Unknown, "No answer."),
            noon()
        )
        .changed
    );
    let found = act(
        &lost.case,
        &written(WriteState::Confirmed, "Read back."),
        noon(),
    );
    assert_eq!(found.case.writes[0].state, WriteState::Confirmed);
    let strange = Input::Written {
        key: String::from("other"),
        state: WriteState::Confirmed,
        words: String::new(),
    };
    assert!(!act(&found.case, &strange, noon()).changed);
}

#[test]
fn a_deadline_that_passed_while_nobody_was_there_fires_once_and_is_marked_late() {
    let case = opened().case;
    let timer = opened().timers[0].name.clone();
    let now = noon() + minutes(40);
    let first = act(
        &case,
        &Input::Due {
            timer: timer.clone(),
        },
        now,
    );
    let told = first.case.told.last().unwrap();
    assert!(told.late);
    assert_eq!(told.at, now);
    // The next one is overdue as well and stands at its own time.
    assert_eq!(first.timers[0].due, noon() + minutes(30));
    assert!(
        !act(
            &first.case,
            &Input::Due {
                timer: timer.clone()
            },
            now
        )
        .changed
    );
    assert!(!act(&case, &Input::Due { timer }, noon() + minutes(14)).changed);
}

#[test]
fn answers_and_reasons_are_those_of_the_definition() {
    let case = opened().case;
    let refused = |input: &Input| step(definition(), &case, input, noon()).expect_err("a refusal");
    let who = || String::from("weiss");
    assert_eq!(
        refused(&Input::Done {
            who: who(),
            how: String::from("fine")
        }),
        Refusal::NotAnAnswer
    );
    assert_eq!(
        refused(&Input::Decline {
            who: who(),
            reason: String::from(" ")
        }),
        Refusal::ReasonNeeded
    );
    assert_eq!(
        refused(&Input::Decline {
            who: who(),
            reason: String::from("busy")
        }),
        Refusal::NotAnAnswer
    );
    let declined = act(
        &case,
        &Input::Decline {
            who: who(),
            reason: String::from("duplicate"),
        },
        noon(),
    );
    assert_eq!(declined.case.state, CaseState::Declined);
    assert!(matches!(
        step(definition(), &declined.case, &acknowledge("weiss"), noon()),
        Err(Refusal::Closed {
            state: CaseState::Declined,
            ..
        })
    ));
    let done = act(
        &case,
        &Input::Done {
            who: who(),
            how: String::from("treated"),
        },
        noon(),
    );
    assert_eq!(done.case.state, CaseState::Done);
    // Recording what was done is an acknowledgement too, and is written as one.
    assert!(matches!(
        done.effects.as_slice(),
        [Effect::WriteBack { .. }]
    ));
}

#[test]
fn death_a_merge_and_another_item_end_or_move_it() {
    let case = act(&opened().case, &viewed("weiss"), noon()).case;
    let died = act(&case, &Input::Died, noon());
    assert_eq!(died.case.state, CaseState::Withdrawn);
    assert_eq!(died.timers, []);
    let mut dead = inputs(vec![value("6.7 mmol/L")]);
    dead.situation.died = Some(true);
    assert_eq!(
        evaluated(&case, &dead, noon()).case.state,
        CaseState::Withdrawn
    );
    let moved = Input::MovedTo {
        patient: ResourceId::new("p2"),
    };
    let step = act(&case, &moved, noon());
    assert_eq!(step.case.patient, ResourceId::new("p2"));
    assert!(!act(&step.case, &moved, noon()).changed);
    let superseded = Input::Superseded {
        by: String::from("case-2"),
    };
    let step = act(&case, &superseded, noon());
    assert_eq!(step.case.state, CaseState::Superseded);
    assert!(!act(&step.case, &superseded, noon()).changed);
}

#[test]
fn taking_over_moves_the_item_and_tells_who_had_it() {
    let case = act(&opened().case, &acknowledge("weiss"), noon()).case;
    let over = Input::TakeOver {
        who: String::from("okafor"),
    };
    let step = act(&case, &over, noon());
    assert_eq!(step.case.holder.as_deref(), Some("okafor"));
    assert_eq!(step.case.notices.last().unwrap().to, "weiss");
    assert!(!act(&step.case, &over, noon()).changed);
}

#[test]
fn who_is_responsible_is_asked_again_at_each_rung() {
    let case = opened().case;
    let mut moved = inputs(vec![value("6.7 mmol/L"), earlier()]);
    moved.situation.people = vec![(String::from("covering clinician"), String::from("C. Ito"))];
    let step = evaluated(&case, &moved, noon() + minutes(5));
    let case = step.case;
    // Nobody has accepted it yet, so it goes with the patient; the clock does not start again.
    assert_eq!(case.owner.words(), "C. Ito (covering clinician)");
    assert!(matches!(step.effects.as_slice(), [Effect::Notify { to, .. }] if *to == case.owner));
    assert_eq!(step.timers, opened().timers);
    let (_, paged) = play(&case, 15);
    // The rung names a role that the owner has now: it goes on to the next in the chain.
    assert_eq!(paged, [(15, String::from("critical results pool"))]);
    // Nobody at all is known: the pool, from the start.
    let evaluation = judged(vec![value("6.7 mmol/L")], noon());
    let nobody = Situation::default();
    let step = open(
        definition(),
        String::from("x"),
        &evaluation,
        &nobody,
        noon(),
    );
    assert_eq!(step.case.owner.words(), "critical results pool");
}

#[test]
fn p10_what_leaves_the_console_carries_no_patient_data() {
    let mut case = opened().case;
    let mut effects = opened().effects;
    for _ in 0..9 {
        let rung = case.next.clone().unwrap();
        let timer = super::super::ladder::timer_name(&case, &rung);
        let step = act(&case, &Input::Due { timer }, rung.at);
        effects.extend(step.effects);
        case = step.case;
    }
    for effect in effects {
        let Effect::Notify { text, key, .. } = effect else {
            continue;
        };
        for secret in ["6.7", "otassium", "room", "bed A", "p1"] {
            assert!(
                !text.contains(secret) && !key.contains(secret),
                "{text} {key}"
            );
        }
    }
}

#[test]
fn a_case_comes_back_from_json_as_it_was_and_an_older_one_still_reads() {
    let case = act(&opened().case, &acknowledge("weiss"), noon()).case;
    let text = serde_json::to_string(&case).unwrap();
    assert_eq!(serde_json::from_str::<Case>(&text).unwrap(), case);
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let members = value.as_object_mut().unwrap();
    for grown in [
        "asking",
        "basis",
        "climbs",
        "situation",
        "writes",
        "notices",
    ] {
        members.remove(grown);
    }
    assert!(serde_json::from_value::<Case>(value).is_ok());
}

#[test]
fn p05_an_item_whose_level_a_newer_definition_lacks_climbs_the_strictest_ladder() {
    let mut case = opened().case;
    case.climbs = String::from("gone");
    let rung = case.next.clone().unwrap();
    let timer = super::super::ladder::timer_name(&case, &rung);
    let step = act(&case, &Input::Due { timer }, rung.at);
    assert_eq!(kinds(&step), ["escalated"]);
    assert_eq!(step.timers[0].due, noon() + minutes(30));
}

#[test]
fn a_rung_that_comes_again_is_late_once_and_not_once_for_each_time_that_was_missed() {
    let (case, _) = play(&opened().case, 60);
    let rung = case.next.clone().unwrap();
    assert_eq!(rung.at, noon() + minutes(120));
    let timer = super::super::ladder::timer_name(&case, &rung);
    // Three days later: one reminder, and the next an hour after it.
    let now = noon() + minutes(3 * 1_440);
    let step = act(
        &case,
        &Input::Due {
            timer: timer.clone(),
        },
        now,
    );
    assert!(step.case.told.last().unwrap().late);
    assert_eq!(step.timers[0].due, now + minutes(60));
    assert!(!act(&step.case, &Input::Due { timer }, now).changed);
}
