//! The life of a case under the shipped definition; the helpers are here, the statements in the files below.

mod doubt;
mod order;
mod people;
mod results;

use bedside_fact::clock::Timestamp;
use bedside_fact::id::ResourceId;
use bedside_fact::known::{Datum, Fact, Gap, Situation};

use super::{Case, CaseState, Effect, Input, Refusal, Step, WriteState, open, step};
use crate::testing::{definition, fact, inputs, judge_at, minutes, noon, potassium, situation};
use crate::{Evaluation, Inputs};

pub(super) fn value(said: &str) -> Datum {
    potassium(said, "k2", noon() - minutes(10))
}

pub(super) fn earlier() -> Datum {
    potassium("5.2 mmol/L", "k1", noon() - minutes(1_210))
}

pub(super) fn judged(values: Vec<Datum>, now: Timestamp) -> Evaluation {
    judge_at(&inputs(values), now)
}

/// Opened at noon on 6.7 mmol/L.
pub(super) fn opened() -> Step {
    let evaluation = judged(vec![value("6.7 mmol/L"), earlier()], noon());
    open(
        definition(),
        String::from("case-1"),
        &evaluation,
        &situation(),
        noon(),
    )
}

pub(super) fn evaluated(case: &Case, inputs: &Inputs, now: Timestamp) -> Step {
    let input = Input::Evaluated {
        evaluation: Box::new(judge_at(inputs, now)),
        situation: inputs.situation.clone(),
    };
    step(definition(), case, &input, now).unwrap()
}

pub(super) fn after(case: &Case, values: Vec<Datum>, now: Timestamp) -> Step {
    evaluated(case, &inputs(values), now)
}

pub(super) fn act(case: &Case, input: &Input, now: Timestamp) -> Step {
    step(definition(), case, input, now).unwrap()
}

pub(super) fn acknowledge(who: &str) -> Input {
    Input::Acknowledge {
        who: who.to_owned(),
    }
}

pub(super) fn viewed(who: &str) -> Input {
    Input::Viewed {
        who: who.to_owned(),
    }
}

/// Fires every timer until none is left or `until` has come; gives who was paged, with the minute after noon.
pub(super) fn play(case: &Case, until: i64) -> (Case, Vec<(i64, String)>) {
    let mut case = case.clone();
    let mut paged = Vec::new();
    while let Some(rung) = case.next.clone() {
        let minute = (rung.at.as_second() - noon().as_second()) / 60;
        if minute > until {
            break;
        }
        let timer = super::ladder::timer_name(&case, &rung);
        let step = act(&case, &Input::Due { timer }, rung.at);
        for effect in &step.effects {
            if let Effect::Notify { to, .. } = effect {
                paged.push((minute, to.words()));
            }
        }
        case = step.case;
    }
    (case, paged)
}

pub(super) fn kinds(step: &Step) -> Vec<&str> {
    step.events
        .iter()
        .map(|event| event.kind.as_str())
        .collect()
}
