//! Whatever happens in whatever order: no case is orphaned, no effect is done twice.

use proptest::prelude::*;

use super::*;

/// Anything that may happen, in any order.
#[derive(Clone, Debug)]
enum Happening {
    Result {
        tenths: u32,
        specimen: i64,
        withdrawn: bool,
    },
    /// Several at once, the newest first: tenths, and whether somebody can rely on it; none of them can be read where the tenths are 0.
    Several(Vec<(u32, bool)>),
    Unread,
    Act(u8),
    Wait(i64),
    Fire,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => (15u32..90, 0i64..4, any::<bool>()).prop_map(|(tenths, specimen, withdrawn)| {
            Happening::Result { tenths, specimen, withdrawn }
        }),
        3 => proptest::collection::vec((prop_oneof![Just(0u32), 15u32..90], any::<bool>()), 1..4)
            .prop_map(Happening::Several),
        1 => Just(Happening::Unread),
        2 => (0u8..9).prop_map(Happening::Act),
        2 => (1i64..200).prop_map(Happening::Wait),
        3 => Just(Happening::Fire),
    ]
}

fn person_input(n: u8) -> Input {
    let who = String::from(if n.is_multiple_of(2) {
        "weiss"
    } else {
        "okafor"
    });
    match n {
        0 | 1 => Input::Acknowledge { who },
        2 => Input::Done {
            who,
            how: String::from("treated"),
        },
        3 => Input::Decline {
            who,
            reason: String::from("duplicate"),
        },
        4 => Input::TakeOver { who },
        5 => Input::Viewed { who },
        6 => Input::Died,
        7 => Input::MovedTo {
            patient: ResourceId::new("p2"),
        },
        _ => Input::Superseded {
            by: String::from("case-2"),
        },
    }
}

/// What the connection layer answers for such values.
fn several(values: &[(u32, bool)]) -> Inputs {
    let data: Vec<Datum> = values
        .iter()
        .zip(0i64..)
        .map(|((tenths, reliable), place)| {
            let said = format!("{}.{} mmol/L", tenths / 10, tenths % 10);
            let mut datum = potassium(
                &said,
                &format!("k{}", 3 - place),
                noon() - minutes(place * 15),
            );
            if *tenths == 0 {
                datum.quantity = None;
            }
            if *tenths == 0 || !reliable {
                datum.doubt = Some(String::from("in doubt"));
            }
            datum
        })
        .collect();
    let (state, gap) = match values.first() {
        Some((0, _)) => (bedside_fact::state::State::Unknown, Some(Gap::Unreadable)),
        Some((_, true)) => (bedside_fact::state::State::Present, None),
        Some((_, false)) | None => (bedside_fact::state::State::Unverified, None),
    };
    let mut inputs = inputs(data.clone());
    let fact = Fact {
        gap,
        ..fact("potassium", state, data)
    };
    inputs.facts.insert(String::from("potassium"), fact);
    inputs
}

fn no_orphan(step: &Step) {
    let case = &step.case;
    if case.state.is_open() {
        assert!(!case.owner.role.is_empty());
        assert_eq!(step.timers.len(), 1, "{case:?}");
        assert_eq!(case.closed, None);
    } else {
        assert_eq!(step.timers, []);
        assert!(!case.closed.as_ref().unwrap().how.is_empty());
    }
    assert_eq!(step.changed, !step.events.is_empty());
}

proptest! {
    #[test]
    fn p05_no_case_is_ever_orphaned_leaves_its_states_or_does_an_effect_twice(
        happenings in proptest::collection::vec(happening(), 1..25),
    ) {
        let definition = definition();
        let mut now = noon();
        let mut case = opened().case;
        let mut keys: Vec<String> = opened().effects.iter().map(key).collect();
        for happening in happenings {
            let input = match happening {
                Happening::Wait(n) => {
                    now += minutes(n);
                    continue;
                }
                Happening::Fire => match &case.next {
                    Some(rung) => {
                        now = now.max(rung.at);
                        Input::Due { timer: super::super::ladder::timer_name(&case, rung) }
                    }
                    None => continue,
                },
                Happening::Act(n) => person_input(n),
                Happening::Unread => {
                    let mut inputs = inputs(vec![value("6.7 mmol/L")]);
                    let fact = Fact::unknown("potassium", Gap::Failed, "Failed.");
                    inputs.facts.insert(String::from("potassium"), fact);
                    Input::Evaluated {
                        evaluation: Box::new(judge_at(&inputs, now)),
                        situation: inputs.situation,
                    }
                }
                Happening::Several(values) => {
                    let inputs = several(&values);
                    Input::Evaluated {
                        evaluation: Box::new(judge_at(&inputs, now)),
                        situation: inputs.situation,
                    }
                }
                Happening::Result { tenths, specimen, withdrawn } => {
                    let said = format!("{}.{} mmol/L", tenths / 10, tenths % 10);
                    let name = format!("k{specimen}");
                    let taken = noon() - minutes(60) + minutes(specimen * 15);
                    let mut inputs = inputs(vec![potassium(&said, &name, taken)]);
                    if withdrawn {
                        let gone = value("6.7 mmol/L");
                        inputs.facts.get_mut("potassium").unwrap().withdrawn = vec![gone];
                    }
                    Input::Evaluated {
                        evaluation: Box::new(judge_at(&inputs, now)),
                        situation: inputs.situation,
                    }
                }
            };
            let Ok(step) = step(definition, &case, &input, now) else {
                continue;
            };
            no_orphan(&step);
            let was_closed = !case.state.is_open();
            prop_assert!(!was_closed || step.case.state == case.state);
            keys.extend(step.effects.iter().map(key));
            // The same again, at the same instant, changes nothing more.
            let again = super::super::step(definition, &step.case, &input, now);
            if let Ok(again) = again {
                prop_assert!(again.effects.is_empty() || matches!(input, Input::Due { .. }), "{:?}", again.effects);
                prop_assert!(!again.changed, "{:?}", again.events);
            }
            case = step.case;
        }
        let count = keys.len();
        keys.sort();
        keys.dedup();
        prop_assert_eq!(keys.len(), count);
    }

    #[test]
    fn p06_what_opened_one_by_one_would_have_shows_when_they_come_at_once(
        values in proptest::collection::vec((prop_oneof![Just(0u32), 15u32..90], any::<bool>()), 1..4),
    ) {
        // Back from the newest to the first that can be relied on: none of those may be more urgent than what is offered first.
        let at_once = judge_at(&several(&values), noon() + minutes(1));
        let first = at_once.candidates().next().unwrap();
        let rank = |evaluation: &Evaluation| match &evaluation.decision {
            crate::Decision::Act(level) => definition().rank(level),
            crate::Decision::Ask { .. } => 9,
            crate::Decision::Nothing | crate::Decision::NotApplicable(_) => 10,
        };
        let reliable = |(tenths, reliable): &(u32, bool)| *tenths > 0 && *reliable;
        let end = values.iter().position(reliable).map_or(values.len(), |place| place + 1);
        for place in 0..end {
            let alone = judge_at(&several(&values[place..]), noon() + minutes(1));
            prop_assert!(rank(first) <= rank(&alone), "{:?} {:?}", first.decision, alone.decision);
        }
    }

    #[test]
    fn p04_results_in_any_order_end_in_the_same_item(order in Just((0usize..5).collect::<Vec<_>>()).prop_shuffle()) {
        // What the record holds after each has arrived is the same set in the end; the newest is judged each time.
        let all = [
            potassium("6.1 mmol/L", "k1", noon() - minutes(50)),
            potassium("6.6 mmol/L", "k2", noon() - minutes(40)),
            potassium("6.6 mmol/L", "k2", noon() - minutes(40)),
            potassium("5.9 mmol/L", "k3", noon() - minutes(30)),
            potassium("6.8 mmol/L", "k4", noon() - minutes(20)),
        ];
        let mut held: Vec<Datum> = Vec::new();
        let mut case: Option<Case> = None;
        for n in order {
            let datum = all[n].clone();
            if !held.iter().any(|known| known.identity == datum.identity) {
                held.push(datum);
            }
            held.sort_by_key(|datum| std::cmp::Reverse(datum.taken_at));
            let evaluation = judged(held.clone(), noon());
            case = match case {
                Some(case) => Some(after(&case, held.clone(), noon()).case),
                None if matches!(evaluation.decision, crate::Decision::Act(_)) => {
                    Some(open(definition(), String::from("c"), &evaluation, &situation(), noon()).case)
                }
                None => None,
            };
        }
        let case = case.unwrap();
        prop_assert_eq!(case.state, CaseState::Open);
        prop_assert_eq!(case.level.as_str(), "emergency");
        prop_assert_eq!(case.climbs.as_str(), "emergency");
        prop_assert_eq!(case.finding.identity.as_str(), "k4");
        prop_assert_eq!(case.say.as_str(), "Potassium 6.8 mmol/L (up 0.9 in 10 min)");
    }
}

fn key(effect: &Effect) -> String {
    match effect {
        Effect::WriteBack { key, .. } | Effect::Notify { key, .. } => key.clone(),
    }
}
