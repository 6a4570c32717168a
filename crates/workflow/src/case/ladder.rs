//! Who owns an item, who is told next, and when: the two ladders.
//!
//! A rung adds somebody and moves nothing. Who a role is, is asked again at each rung; a role that nobody is known to have goes to the next
//! in the chain, which ends in a pool, and that is written down.

use bedside_fact::clock::Timestamp;
use bedside_fact::known::Situation;
use jiff::SignedDuration;

use super::work::{MACHINE, Work};
use super::{Case, CaseState, Effect, Holder, Ladder, Rung, Told};
use crate::definition::{Definition, RungDefinition};

/// A rung that fires later than this after its time is marked late.
const PUNCTUAL_SECONDS: i64 = 60;

pub(super) fn timer_name(case: &Case, rung: &Rung) -> String {
    let ladder = match rung.ladder {
        Ladder::NotAcknowledged => "not_acknowledged",
        Ladder::NotDone => "not_done",
    };
    format!("{ladder}/{}/{}", rung.index, case.generation)
}

/// The owner, and the roles before it that nobody is known to have.
pub(super) fn owner(definition: &Definition, situation: &Situation) -> (Holder, Vec<String>) {
    let chain = chain(definition, situation);
    let first = chain.first().copied().unwrap_or_else(|| definition.pool());
    resolve(definition, situation, first)
}

/// Whoever has the role now, else the next in the chain.
fn resolve(definition: &Definition, situation: &Situation, role: &str) -> (Holder, Vec<String>) {
    let chain = chain(definition, situation);
    let after = chain
        .iter()
        .position(|link| *link == role)
        .and_then(|at| chain.get(at + 1..));
    let rest = after.unwrap_or(&[]).iter().copied();
    let mut vacant = Vec::new();
    for role in std::iter::once(role).chain(rest) {
        if is_pool(role) {
            let holder = Holder {
                role: role.to_owned(),
                name: None,
            };
            return (holder, vacant);
        }
        let person = situation
            .people
            .iter()
            .find(|(known, name)| known == role && !name.is_empty());
        if let Some((_, name)) = person {
            let holder = Holder {
                role: role.to_owned(),
                name: Some(name.clone()),
            };
            return (holder, vacant);
        }
        vacant.push(role.to_owned());
    }
    let holder = Holder {
        role: definition.pool().to_owned(),
        name: None,
    };
    (holder, vacant)
}

fn chain<'a>(definition: &'a Definition, situation: &Situation) -> Vec<&'a str> {
    let who = &definition.who;
    let mut chain: Vec<&str> = match situation.inpatient {
        Some(true) => vec![&who.inpatient],
        Some(false) => vec![&who.outpatient],
        None => vec![&who.inpatient, &who.outpatient],
    };
    chain.extend(who.then.iter().map(String::as_str));
    chain
}

/// A pool is an inbox with staff: it is there whoever is on duty.
pub(crate) fn is_pool(role: &str) -> bool {
    role.split(' ').any(|word| word == "pool")
}

impl Work<'_> {
    /// Starts the ladder for acknowledgement at the present level, and tells the owner.
    pub(super) fn start(&mut self) {
        let (owner, vacant) = owner(self.definition, &self.case.situation);
        self.record_vacant(&vacant, &owner);
        self.case.owner = owner.clone();
        self.told(&owner, "owner", false);
        for role in &self.definition.who.inform {
            let (person, vacant) = resolve(self.definition, &self.case.situation, role);
            if vacant.is_empty() {
                self.told(&person, "informed", false);
            } else {
                self.event(
                    "unresolved",
                    MACHINE,
                    format!("Nobody is known as {role}; nobody was informed in that role."),
                );
            }
        }
        if self.pages_owner() {
            self.notify(&owner, 0, "opened/0");
        }
        self.climb(Ladder::NotAcknowledged);
    }

    /// The patient went to another unit, or somebody else is responsible now: an item that nobody has accepted goes with that. One that
    /// somebody has accepted stays theirs.
    pub(super) fn owner_again(&mut self) {
        if self.case.acknowledged.is_some() || self.case.holder.is_some() {
            return;
        }
        let (owner, vacant) = owner(self.definition, &self.case.situation);
        if owner == self.case.owner {
            return;
        }
        self.record_vacant(&vacant, &owner);
        self.event(
            "owner_changed",
            MACHINE,
            format!(
                "Owned by {} now, by {} before.",
                owner.words(),
                self.case.owner.words()
            ),
        );
        let name = format!("owner/{}", self.case.told.len());
        self.case.owner = owner.clone();
        self.told(&owner, "owner", false);
        if self.pages_owner() {
            self.notify(&owner, 0, &name);
        }
    }

    fn pages_owner(&self) -> bool {
        self.definition
            .action(&self.case.climbs)
            .is_some_and(|action| action.page_owner)
    }

    /// Starts a ladder now.
    pub(super) fn climb(&mut self, ladder: Ladder) {
        self.case.ladder_from = self.now;
        self.case.next = self.rung(ladder, 0);
    }

    /// A rung's time has come: tells whom it names and arms the next one.
    pub(super) fn fire(&mut self, rung: &Rung) {
        let late = self.now.as_second() - rung.at.as_second() > PUNCTUAL_SECONDS;
        let Some(definition) = self.rung_definition(rung.ladder, rung.index).cloned() else {
            self.case.next = None;
            return;
        };
        let why = match rung.ladder {
            Ladder::NotAcknowledged => format!("not acknowledged after {}", definition.words),
            Ladder::NotDone => format!("not done after {}", definition.words),
        };
        let mut reached: Vec<Holder> = Vec::new();
        for (position, role) in definition.to.iter().enumerate() {
            let (person, vacant) = resolve(self.definition, &self.case.situation, role);
            self.record_vacant(&vacant, &person);
            if reached.contains(&person) {
                continue;
            }
            self.told(&person, &why, late);
            let ladder = match rung.ladder {
                Ladder::NotAcknowledged => "not_acknowledged",
                Ladder::NotDone => "not_done",
            };
            let name = format!("{ladder}/{}/{position}", rung.index);
            self.notify(&person, rung.index + 1, &name);
            reached.push(person);
        }
        let names: Vec<String> = reached.iter().map(Holder::words).collect();
        let mark = if late { ", late" } else { "" };
        self.event(
            "escalated",
            MACHINE,
            format!("Told {}: {why}{mark}.", names.join(" and ")),
        );
        self.case.next = self.rung(rung.ladder, rung.index + 1);
        if self.case.next.is_none() {
            self.case.state = CaseState::Expired;
            self.event(
                "expired",
                MACHINE,
                "Escalated to the end. The item stays open.",
            );
        }
    }

    fn rung(&self, ladder: Ladder, index: usize) -> Option<Rung> {
        let definition = self.rung_definition(ladder, index)?;
        let at: Timestamp = self
            .case
            .ladder_from
            .checked_add(SignedDuration::from_secs(definition.after))
            .ok()?;
        Some(Rung {
            at,
            who: definition.to.join(" and "),
            ladder,
            index,
        })
    }

    fn rung_definition(&self, ladder: Ladder, index: usize) -> Option<&RungDefinition> {
        let action = self.definition.action(&self.case.climbs)?;
        match ladder {
            Ladder::NotAcknowledged => action.not_acknowledged.get(index),
            Ladder::NotDone => action.not_done.get(index),
        }
    }

    fn told(&mut self, who: &Holder, why: &str, late: bool) {
        self.case.told.push(Told {
            who: who.clone(),
            at: self.now,
            why: why.to_owned(),
            late,
        });
    }

    fn record_vacant(&mut self, vacant: &[String], instead: &Holder) {
        for role in vacant {
            self.event(
                "unresolved",
                MACHINE,
                format!("Nobody is known as {role}; {} stands in.", instead.words()),
            );
        }
    }

    fn notify(&mut self, to: &Holder, rung: usize, name: &str) {
        let case = &self.case;
        // The unit alone: room and bed point at one person.
        let unit = case
            .place
            .as_deref()
            .and_then(|place| place.split([',', ' ', '/', '^']).next())
            .filter(|unit| !unit.is_empty());
        let place = unit.map_or_else(String::new, |unit| format!(", unit {unit}"));
        let key = format!("{}/page/{name}/{}", case.id, case.generation);
        let text = format!("Critical result{place}: open the worklist.");
        self.effects.push(Effect::Notify {
            to: to.clone(),
            rung,
            text,
            key,
        });
    }
}
