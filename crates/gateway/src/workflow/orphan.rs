//! Items of a workflow that does not run here any more: nobody is called for them, but they stay on the worklist, a person can end them, and
//! they hear how their writes ended.

use bedside_fact::clock::Timestamp;
use bedside_workflow::case::{
    Case, CaseState, Closed, Event, Input, Refusal, Step, Timer, timer_name,
};

/// What a person does to such an item. None when that needs the definition; what people see of an item is not noted without it.
pub(super) fn act(case: &Case, input: &Input, now: Timestamp) -> Option<Result<Step, Refusal>> {
    let (state, kind, who, how) = match input {
        Input::Done { who, how } => (CaseState::Done, "done", who, how),
        Input::Decline { who, reason } => (CaseState::Declined, "declined", who, reason),
        Input::Viewed { .. } => return Some(Ok(step(case.clone(), Vec::new(), false))),
        Input::Evaluated { .. }
        | Input::Acknowledge { .. }
        | Input::TakeOver { .. }
        | Input::Due { .. }
        | Input::Died
        | Input::MovedTo { .. }
        | Input::Superseded { .. }
        | Input::Written { .. } => return None,
    };
    if !case.state.is_open() {
        let closed = case.closed.as_ref();
        return Some(Err(Refusal::Closed {
            state: case.state,
            by: closed.map_or_else(|| String::from("Bedside"), |closed| closed.who.clone()),
            at: closed.map_or(case.changed_at, |closed| closed.at),
        }));
    }
    if how.trim().is_empty() {
        return Some(Err(Refusal::ReasonNeeded));
    }
    let mut case = case.clone();
    case.state = state;
    case.next = None;
    case.changed_at = now;
    case.closed = Some(Closed {
        who: who.clone(),
        at: now,
        how: how.clone(),
    });
    let event = Event {
        at: now,
        kind: kind.to_owned(),
        actor: who.clone(),
        words: how.clone(),
    };
    Some(Ok(step(case, vec![event], true)))
}

/// How a write of such an item ended.
pub(super) fn written(case: &Case, input: &Input, now: Timestamp) -> Option<Step> {
    let Input::Written { key, state, words } = input else {
        return None;
    };
    let mut case = case.clone();
    let write = case.writes.iter_mut().find(|write| write.key == *key)?;
    write.state = *state;
    write.at = now;
    write.words.clone_from(words);
    case.changed_at = now;
    let event = Event {
        at: now,
        kind: String::from("written"),
        actor: String::from("Bedside"),
        words: format!("Record in the EHR: {}.", state.words()),
    };
    Some(step(case, vec![event], true))
}

fn step(case: Case, events: Vec<Event>, changed: bool) -> Step {
    Step {
        timers: timers(&case),
        case,
        events,
        effects: Vec::new(),
        changed,
    }
}

/// The timer that its next rung stands on, so that the ladder goes on when the workflow runs again.
fn timers(case: &Case) -> Vec<Timer> {
    case.next
        .iter()
        .map(|rung| Timer {
            name: timer_name(case, rung),
            due: rung.at,
        })
        .collect()
}
