//! A case while it is being moved on: collects what changes, so that one place makes a [`Step`] of it.

use bedside_fact::clock::Timestamp;

use super::{Case, CaseState, Closed, Effect, Event, Notice, Step, Timer, ladder};
use crate::definition::Definition;

/// Who acts when nobody does.
pub(super) const MACHINE: &str = "Bedside";

pub(super) struct Work<'a> {
    pub(super) definition: &'a Definition,
    pub(super) case: Case,
    pub(super) now: Timestamp,
    pub(super) events: Vec<Event>,
    pub(super) effects: Vec<Effect>,
    changed: bool,
}

impl<'a> Work<'a> {
    pub(super) fn new(definition: &'a Definition, case: Case, now: Timestamp) -> Self {
        Self {
            definition,
            case,
            now,
            events: Vec::new(),
            effects: Vec::new(),
            changed: false,
        }
    }

    /// Adds a line to the history. Whatever has one is a change.
    pub(super) fn event(&mut self, kind: &str, actor: &str, words: impl Into<String>) {
        self.changed = true;
        self.events.push(Event {
            at: self.now,
            kind: kind.to_owned(),
            actor: actor.to_owned(),
            words: words.into(),
        });
    }

    /// Tells everybody who saw the item, holds it or was told of it.
    pub(super) fn tell_all(&mut self, text: &str) {
        let case = &self.case;
        let told = case
            .told
            .iter()
            .map(|told| told.who.name.as_ref().unwrap_or(&told.who.role));
        let mut people: Vec<String> = Vec::new();
        for person in case.seen_by.iter().chain(&case.holder).chain(told) {
            if !people.contains(person) {
                people.push(person.clone());
            }
        }
        for to in people {
            self.tell(to, text);
        }
        self.case.changed_since_seen.clone_from(&self.case.seen_by);
    }

    pub(super) fn tell(&mut self, to: String, text: &str) {
        self.changed = true;
        self.case.notices.push(Notice {
            to,
            at: self.now,
            text: text.to_owned(),
            read: false,
        });
    }

    pub(super) fn close(
        &mut self,
        state: CaseState,
        kind: &str,
        who: &str,
        how: impl Into<String>,
    ) {
        let how = how.into();
        self.event(kind, who, how.clone());
        self.case.state = state;
        self.case.next = None;
        self.case.closed = Some(Closed {
            who: who.to_owned(),
            at: self.now,
            how,
        });
    }

    pub(super) fn finish(mut self) -> Step {
        if self.changed {
            self.case.changed_at = self.now;
        }
        let timers = self
            .case
            .next
            .iter()
            .map(|rung| Timer {
                name: ladder::timer_name(&self.case, rung),
                due: rung.at,
            })
            .collect();
        Step {
            case: self.case,
            events: self.events,
            effects: self.effects,
            timers,
            changed: self.changed,
        }
    }
}
