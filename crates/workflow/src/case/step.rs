//! What people, timers and the outside do to a case.

use bedside_fact::clock::Timestamp;

use super::work::{MACHINE, Work};
use super::{
    Act, Case, CaseState, Communication, Effect, Input, Ladder, Refusal, Step, Write, WriteState,
    ladder,
};
use crate::definition::{Definition, Stop};

/// Moves a case on.
///
/// # Errors
/// An act of a person that can't be taken; the case is as it was. What comes from machines is never refused: it changes something or
/// nothing.
pub fn step(
    definition: &Definition,
    case: &Case,
    input: &Input,
    now: Timestamp,
) -> Result<Step, Refusal> {
    let mut work = Work::new(definition, case.clone(), now);
    match input {
        Input::Evaluated {
            evaluation,
            situation,
        } => work.evaluated(evaluation, situation),
        Input::Acknowledge { who } => work.acknowledge(who)?,
        Input::Done { who, how } => work.done(who, how)?,
        Input::Decline { who, reason } => work.decline(who, reason)?,
        Input::TakeOver { who } => work.take_over(who)?,
        Input::Viewed { who } => work.viewed(who),
        Input::Due { timer } => work.due(timer),
        Input::Died => work.died(),
        Input::MovedTo { patient } => {
            if definition.stops_on(Stop::Merged) && work.case.patient != *patient {
                work.case.patient = patient.clone();
                work.event("moved", MACHINE, "Moved with the patient's record.");
            }
        }
        Input::Superseded { by } => {
            if work.case.state.is_open() {
                let how = format!("Another item of the same patient goes on in its place ({by}).");
                work.tell_all(&how);
                work.close(CaseState::Superseded, "superseded", MACHINE, how);
            }
        }
        Input::Written { key, state, words } => work.written(key, *state, words),
    }
    Ok(work.finish())
}

impl Work<'_> {
    fn acknowledge(&mut self, who: &str) -> Result<(), Refusal> {
        self.still_open()?;
        if let Some(act) = &self.case.acknowledged {
            if act.who == who {
                return Ok(());
            }
            return Err(Refusal::AlreadyAcknowledged {
                by: act.who.clone(),
                at: act.at,
            });
        }
        self.accept(who);
        self.case.state = CaseState::Acknowledged;
        self.climb(Ladder::NotDone);
        Ok(())
    }

    /// Notes who takes it, and queues the record of it.
    fn accept(&mut self, who: &str) {
        self.case.acknowledged = Some(Act {
            who: who.to_owned(),
            at: self.now,
        });
        self.case.holder = Some(who.to_owned());
        self.event("acknowledged", who, format!("Acknowledged by {who}."));
        // Without a result there is nothing that was told.
        let Some(record) = self
            .definition
            .record
            .as_ref()
            .filter(|_| self.case.finding.is_present())
        else {
            return;
        };
        let case = &mut self.case;
        let key = format!("{}/{}/{}", case.id, record.name, case.generation);
        let about = Communication {
            told: case.owner.words(),
            acknowledged_by: who.to_owned(),
            at: self.now,
            text: case.say.clone(),
            finding: case.finding.clone(),
        };
        case.writes.push(Write {
            action: record.name.clone(),
            key: key.clone(),
            state: WriteState::Queued,
            at: self.now,
            words: WriteState::Queued.words().to_owned(),
        });
        self.effects.push(Effect::WriteBack {
            action: record.name.clone(),
            key,
            about: Box::new(about),
        });
    }

    fn done(&mut self, who: &str, how: &str) -> Result<(), Refusal> {
        self.still_open()?;
        if !self.definition.answers().iter().any(|answer| answer == how) {
            return Err(Refusal::NotAnAnswer);
        }
        // Whoever records what was done has seen it.
        if self.case.acknowledged.is_none() {
            self.accept(who);
        }
        self.close(CaseState::Done, "done", who, how);
        Ok(())
    }

    fn decline(&mut self, who: &str, reason: &str) -> Result<(), Refusal> {
        self.still_open()?;
        if reason.trim().is_empty() {
            return Err(Refusal::ReasonNeeded);
        }
        if !self
            .definition
            .close_reasons()
            .iter()
            .any(|known| known == reason)
        {
            return Err(Refusal::NotAnAnswer);
        }
        self.close(CaseState::Declined, "declined", who, reason);
        Ok(())
    }

    fn take_over(&mut self, who: &str) -> Result<(), Refusal> {
        self.still_open()?;
        if self.case.holder.as_deref() == Some(who) {
            return Ok(());
        }
        let before = self.case.holder.replace(who.to_owned());
        self.event("taken_over", who, format!("Taken over by {who}."));
        if let Some(before) = before {
            self.tell(before, &format!("{who} has taken this item over."));
        }
        Ok(())
    }

    fn viewed(&mut self, who: &str) {
        let case = &mut self.case;
        let first = !case.seen_by.iter().any(|seen| seen == who);
        let changed = case.changed_since_seen.iter().any(|seen| seen == who);
        let unread = |to: &str, read: bool| to == who && !read;
        let news = case
            .notices
            .iter()
            .any(|notice| unread(&notice.to, notice.read));
        if !(first || changed || news) {
            return;
        }
        if first {
            case.seen_by.push(who.to_owned());
        }
        case.changed_since_seen.retain(|seen| seen != who);
        for notice in &mut case.notices {
            if notice.to == who {
                notice.read = true;
            }
        }
        self.event("viewed", who, format!("Seen by {who}."));
    }

    fn due(&mut self, timer: &str) {
        // A timer of a ladder that no longer runs, or one that fired before, finds nothing.
        let Some(rung) = self.case.next.clone() else {
            return;
        };
        if ladder::timer_name(&self.case, &rung) == timer && rung.at <= self.now {
            self.fire(&rung);
        }
    }

    pub(super) fn died(&mut self) {
        if self.case.state.is_open() && self.definition.stops_on(Stop::Died) {
            let how = "No longer applies: the patient died.";
            self.tell_all(how);
            self.close(CaseState::Withdrawn, "closed", MACHINE, how);
        }
    }

    fn written(&mut self, key: &str, state: WriteState, words: &str) {
        let now = self.now;
        let Some(write) = self.case.writes.iter_mut().find(|write| write.key == key) else {
            return;
        };
        if write.state == state && write.words == words {
            return;
        }
        write.state = state;
        write.at = now;
        words.clone_into(&mut write.words);
        let text = format!("Record in the EHR: {}.", state.words());
        self.event("written", MACHINE, text.clone());
        let person = self.case.acknowledged.as_ref().map(|act| act.who.clone());
        match (state, person) {
            (WriteState::Unknown | WriteState::Refused, Some(person)) => self.tell(person, &text),
            (
                WriteState::Unknown
                | WriteState::Refused
                | WriteState::Queued
                | WriteState::Confirmed
                | WriteState::Blocked,
                _,
            ) => {}
        }
    }

    fn still_open(&self) -> Result<(), Refusal> {
        if self.case.state.is_open() {
            return Ok(());
        }
        let closed = self.case.closed.as_ref();
        Err(Refusal::Closed {
            state: self.case.state,
            by: closed.map_or_else(|| MACHINE.to_owned(), |closed| closed.who.clone()),
            at: closed.map_or(self.case.changed_at, |closed| closed.at),
        })
    }
}
