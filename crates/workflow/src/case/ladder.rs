//! Who owns an item, who is told next, and when: the two ladders.
//!
//! A rung adds somebody and moves nothing. Who a role is, is asked again at each rung; a role that nobody is known to have goes to the next
//! in the chain, which ends in a pool, and that is written down; so does one that comes to whoever holds the item already. A ladder has no
//! end: its last rung comes again until somebody acts, so an open item always has a timer.

use bedside_fact::clock::Timestamp;
use bedside_fact::known::Situation;
use jiff::SignedDuration;

use super::work::{MACHINE, Work};
use super::{Case, CaseState, Effect, Holder, Ladder, Rung, Told};
use crate::definition::{Definition, RungDefinition};
use crate::evaluate::words;

/// A rung that fires later than this after its time is marked late.
const PUNCTUAL_SECONDS: i64 = 60;

/// The name of the timer that a rung of a case stands on.
#[must_use]
pub fn timer_name(case: &Case, rung: &Rung) -> String {
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

/// Why somebody else stands in for a role.
fn unnamed(role: &str) -> String {
    format!("no source says who the {role} is")
}

fn unnamed_all(roles: &[String]) -> Vec<String> {
    roles.iter().map(|role| unnamed(role)).collect()
}

/// A pool is an inbox with staff: it is there whoever is on duty.
pub(crate) fn is_pool(role: &str) -> bool {
    role.split(' ').any(|word| word == "pool")
}

impl Work<'_> {
    /// Starts the ladder for acknowledgement at the present level, and tells the owner.
    pub(super) fn start(&mut self) {
        let (owner, vacant) = owner(self.definition, &self.case.situation);
        self.record_vacant(&unnamed_all(&vacant), &owner);
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
                    format!("No source says who the {role} is; nobody was informed in that role."),
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
        self.record_vacant(&unnamed_all(&vacant), &owner);
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
        let count = self.rungs(rung.ladder).len();
        let again = rung.index >= count;
        let (still, clock) = match (again, rung.ladder) {
            (false, Ladder::NotAcknowledged) => ("", "not acknowledged"),
            (true, Ladder::NotAcknowledged) => ("still ", "not acknowledged"),
            (false, Ladder::NotDone) => ("", "not done"),
            (true, Ladder::NotDone) => ("still ", "not done"),
        };
        let why = format!("{still}{clock} after {}", definition.words);
        let mut reached: Vec<Holder> = Vec::new();
        for (position, role) in definition.to.iter().enumerate() {
            let (person, instead) = self.adds(role, again);
            self.record_vacant(&instead, &person);
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
        if rung.index + 1 == count {
            // Who has acknowledged it has not taken that back: the word stays.
            if rung.ladder == Ladder::NotAcknowledged {
                self.case.state = CaseState::Expired;
            }
            self.event(
                "expired",
                MACHINE,
                "Escalated to the end. The item stays open, and its last rung comes again.",
            );
        }
        self.case.next = self.rung(rung.ladder, rung.index + 1);
    }

    /// Whom a rung adds: the next in the chain where the role comes to nobody, or to somebody who holds the item or was told since the ladder
    /// began; with the reasons. The pool at the end of the chain is told again rather than nobody.
    fn adds(&self, role: &str, again: bool) -> (Holder, Vec<String>) {
        let (mut person, vacant) = resolve(self.definition, &self.case.situation, role);
        let mut why = unnamed_all(&vacant);
        if again {
            return (person, why);
        }
        let chain = chain(self.definition, &self.case.situation);
        let after = chain.iter().position(|link| *link == person.role);
        let mut rest = chain.iter().skip(after.map_or(chain.len(), |at| at + 1));
        while !is_pool(&person.role) && self.has(&person) {
            why.push(format!("{} holds this or was told already", person.words()));
            let next = rest
                .next()
                .map_or_else(|| self.definition.pool(), |link| *link);
            let (other, vacant) = resolve(self.definition, &self.case.situation, next);
            why.extend(unnamed_all(&vacant));
            person = other;
        }
        if self.has(&person) {
            why.push(String::from("nobody is left who was not told"));
        }
        (person, why)
    }

    /// Whether somebody owns the item, or was told since the ladder began. A name is one person whatever the role.
    fn has(&self, person: &Holder) -> bool {
        let case = &self.case;
        let is = |other: &Holder| match (&other.name, &person.name) {
            (Some(a), Some(b)) => a == b,
            (None, None) => other.role == person.role,
            (Some(_), None) | (None, Some(_)) => false,
        };
        is(&case.owner)
            || case
                .told
                .iter()
                .any(|told| told.at >= case.ladder_from && is(&told.who))
    }

    /// The rung of that number; beyond the last one the last again, as long after the one before as it came after the beginning.
    fn rung(&self, ladder: Ladder, index: usize) -> Option<Rung> {
        let definition = self.rung_definition(ladder, index)?;
        let from = if index < self.rungs(ladder).len() {
            self.case.ladder_from
        } else {
            self.now
        };
        let at: Timestamp = from
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
        let rungs = self.rungs(ladder);
        rungs.get(index).or_else(|| rungs.last())
    }

    /// The ladder of the level that the case climbs. A newer version of the definition may not have that level: then the most urgent one's.
    fn rungs(&self, ladder: Ladder) -> &[RungDefinition] {
        let action = self
            .definition
            .action(&self.case.climbs)
            .or_else(|| self.definition.actions.first());
        let rungs = action.map(|action| match ladder {
            Ladder::NotAcknowledged => &action.not_acknowledged,
            Ladder::NotDone => &action.not_done,
        });
        rungs.map_or(&[], Vec::as_slice)
    }

    fn told(&mut self, who: &Holder, why: &str, late: bool) {
        let now = self.now;
        let same = |told: &&mut Told| told.who == *who && told.why == why;
        // A rung that comes again for days is one line with the last time.
        if why.starts_with("still ")
            && let Some(told) = self.case.told.iter_mut().find(same)
        {
            (told.at, told.late) = (now, late);
            return;
        }
        self.case.told.push(Told {
            who: who.clone(),
            at: self.now,
            why: why.to_owned(),
            late,
        });
    }

    fn record_vacant(&mut self, reasons: &[String], instead: &Holder) {
        for why in reasons {
            self.event(
                "unresolved",
                MACHINE,
                format!("{}; {} was told.", words::capitalised(why), instead.words()),
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
