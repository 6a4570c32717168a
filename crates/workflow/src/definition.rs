//! What a workflow file means, with layout and comments gone. Two files that mean the same have the same [`Definition::hash`].
//!
//! It is made by [`crate::load`] alone, so each name in it is known to exist and each sentence to be readable.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use bedside_fact::known::{Need, Situation};
use bedside_fact::quantity::Decimal;
use jiff::civil::Date;
use serde::Serialize;

use crate::case::is_pool;
use crate::vocabulary::FactKind;

/// A workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Definition {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) purpose: String,
    pub(crate) version: u32,
    pub(crate) clinical_owner: String,
    pub(crate) safety: Safety,
    pub(crate) review_by: Date,
    pub(crate) sources: Vec<String>,
    pub(crate) starts: Vec<Start>,
    pub(crate) same_event: Vec<String>,
    pub(crate) same_case: Vec<String>,
    pub(crate) stops: Vec<Stop>,
    pub(crate) applies_to: Applies,
    pub(crate) needs: Vec<Needed>,
    pub(crate) rows: Vec<Row>,
    pub(crate) otherwise: Option<String>,
    /// From the most to the least urgent: the order in which the file has them.
    pub(crate) actions: Vec<Action>,
    pub(crate) record: Option<Record>,
    pub(crate) who: Who,
    pub(crate) closing: Closing,
    pub(crate) repeat: Repeat,
    #[serde(skip)]
    pub(crate) hash: String,
}

/// How much harm it does when the workflow fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Safety {
    Routine,
    Important,
    Urgent,
}

/// An event that may begin or update a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Start {
    pub(crate) event: StartEvent,
    pub(crate) fact: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StartEvent {
    Finalised,
    Corrected,
}

/// An event that ends a case or moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stop {
    Withdrawn,
    Died,
    Merged,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Applies {
    pub(crate) include: Vec<Trait>,
    pub(crate) exclude: Vec<Trait>,
    pub(crate) if_unknown: IfUnknown,
}

/// What can be said of a patient in `applies_to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Trait {
    Adult,
    Child,
    Inpatient,
    Outpatient,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IfUnknown {
    Include,
    Exclude,
}

/// A fact that the workflow reads, how fresh, and what if it is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Needed {
    /// As the workflow calls it: `earlier potassium`.
    pub(crate) name: String,
    /// As `facts.yaml` calls it: `potassium`.
    pub(crate) fact: String,
    pub(crate) kind: FactKind,
    pub(crate) unit: Option<String>,
    pub(crate) latest: usize,
    pub(crate) skip: usize,
    /// Seconds.
    pub(crate) max_age: Ages,
    pub(crate) missing: Verb,
    pub(crate) none: Option<Verb>,
    pub(crate) stale: Verb,
    pub(crate) conflict: Verb,
    pub(crate) unverified: Verb,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Ages {
    pub(crate) inpatient: i64,
    pub(crate) outpatient: i64,
}

impl Ages {
    /// When no source says whether the patient is in hospital, the stricter holds: it says too much rather than too little.
    pub(crate) fn of(self, situation: &Situation) -> i64 {
        match situation.inpatient {
            Some(true) => self.inpatient,
            Some(false) => self.outpatient,
            None => self.inpatient.min(self.outpatient),
        }
    }
}

/// What to do when a fact is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verb {
    StopAndAsk,
    ContinueAndSay(String),
    ShowBoth,
    UseSafest(Amount),
}

/// A number with its unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Amount {
    pub(crate) value: Decimal,
    pub(crate) unit: String,
}

impl Amount {
    pub(crate) fn words(&self) -> String {
        format!("{} {}", self.value.as_str(), self.unit)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) when: Condition,
    pub(crate) if_unknown: Option<Branch>,
    pub(crate) then: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Branch {
    Next,
    Act(String),
}

/// What a row or an end of a case looks at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare {
        need: String,
        relation: Relation,
        limit: Amount,
    },
    Between {
        need: String,
        low: Amount,
        high: Amount,
    },
    Change {
        need: String,
        direction: Direction,
        /// `by at least` rather than `by more than`.
        inclusive: bool,
        by: Amount,
        /// Seconds.
        within: i64,
        /// The same as it was written, for people.
        within_words: String,
    },
    Includes {
        need: String,
        group: String,
    },
    IsNone(String),
    IsUnknown(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Relation {
    AtOrAbove,
    Above,
    AtOrBelow,
    Below,
}

impl Relation {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::AtOrAbove => "at or above",
            Self::Above => "above",
            Self::AtOrBelow => "at or below",
            Self::Below => "below",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    Rose,
    Fell,
}

/// A level: what its item says and who is told when nobody answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Action {
    pub(crate) name: String,
    pub(crate) say: String,
    pub(crate) show: Vec<Show>,
    pub(crate) offer: Vec<String>,
    pub(crate) page_owner: bool,
    pub(crate) not_acknowledged: Vec<RungDefinition>,
    pub(crate) not_done: Vec<RungDefinition>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Show {
    pub(crate) need: String,
    /// Seconds, with the words that the file has for it.
    pub(crate) trend: Option<(i64, String)>,
    pub(crate) group: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RungDefinition {
    /// Seconds after the clock of its ladder started.
    pub(crate) after: i64,
    pub(crate) words: String,
    pub(crate) to: Vec<String>,
}

/// What is written into the EHR when the owner acknowledges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) confirm: Confirm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Confirm {
    ByOwner,
    NotNeeded,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Who {
    pub(crate) inpatient: String,
    pub(crate) outpatient: String,
    /// The last is a pool.
    pub(crate) then: Vec<String>,
    pub(crate) inform: Vec<String>,
    pub(crate) purpose: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Closing {
    pub(crate) later: Vec<Condition>,
    pub(crate) answers: Vec<String>,
    pub(crate) reasons: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Repeat {
    pub(crate) same_finding: SameFinding,
    pub(crate) after_done: AfterDone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SameFinding {
    Update,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AfterDone {
    NewerSpecimen,
}

impl Definition {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its title, for people.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Why there is such a thing, in a sentence.
    #[must_use]
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// Its version.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Who answers for it, by role.
    #[must_use]
    pub fn clinical_owner(&self) -> &str {
        &self.clinical_owner
    }

    /// The day by which it has to be looked at again.
    #[must_use]
    pub const fn review_by(&self) -> Date {
        self.review_by
    }

    /// Whether it should have been looked at again by now. It goes on all the same: a safety net does not end by the calendar.
    #[must_use]
    pub fn is_overdue(&self, today: Date) -> bool {
        self.review_by <= today
    }

    /// The roles that it speaks of and that none of these supplies. A pool has staff whoever is on duty.
    #[must_use]
    pub fn roles_without_source<'d>(&'d self, supplied: &[&str]) -> Vec<&'d str> {
        let who = &self.who;
        let rungs = self.actions.iter().flat_map(|action| {
            let rungs = action.not_acknowledged.iter().chain(&action.not_done);
            rungs.flat_map(|rung| &rung.to)
        });
        let roles = [&who.inpatient, &who.outpatient]
            .into_iter()
            .chain(&who.then)
            .chain(&who.inform)
            .chain(rungs);
        let mut missing: Vec<&str> = Vec::new();
        for role in roles.map(String::as_str) {
            if !is_pool(role) && !supplied.contains(&role) && !missing.contains(&role) {
                missing.push(role);
            }
        }
        missing
    }

    /// The purpose of use under which its facts are read.
    #[must_use]
    pub fn purpose_of_use(&self) -> &str {
        &self.who.purpose
    }

    /// SHA-256 of what it means, in hexadecimal. Comments and layout don't change it.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The facts, in the names of `facts.yaml`, whose results begin, update or withdraw a case.
    #[must_use]
    pub fn trigger_facts(&self) -> Vec<&str> {
        let mut facts: Vec<&str> = Vec::new();
        for start in &self.starts {
            if !facts.contains(&start.fact.as_str()) {
                facts.push(&start.fact);
            }
        }
        facts
    }

    /// The levels, the most urgent first.
    #[must_use]
    pub fn levels(&self) -> Vec<&str> {
        self.actions
            .iter()
            .map(|action| action.name.as_str())
            .collect()
    }

    /// What the owner may record so that an item is done.
    #[must_use]
    pub fn answers(&self) -> &[String] {
        &self.closing.answers
    }

    /// The reasons with which an item may be closed without evidence.
    #[must_use]
    pub fn close_reasons(&self) -> &[String] {
        &self.closing.reasons
    }

    /// The name of the action that writes into the EHR, when there is one.
    #[must_use]
    pub fn write_back(&self) -> Option<&str> {
        self.record.as_ref().map(|record| record.name.as_str())
    }

    /// What to ask for, each under the name by which [`crate::Inputs`] wants the answer.
    #[must_use]
    pub fn needs(&self, situation: &Situation) -> Vec<(String, Need)> {
        let windows = self.windows();
        let triggers = self.trigger_facts();
        self.needs
            .iter()
            .map(|needed| {
                let max_age = needed.max_age.of(situation);
                let mut window = windows.get(needed.name.as_str()).copied();
                // Behind a newest value that can't be relied on there may be one that can.
                if needed.skip == 0 && triggers.contains(&needed.fact.as_str()) {
                    window = window.or(Some(max_age));
                }
                let window = window.map(|window| window.max(max_age));
                let need = Need {
                    fact: needed.fact.clone(),
                    latest: needed.latest,
                    skip: needed.skip,
                    max_age: Some(max_age),
                    window,
                };
                (needed.name.clone(), need)
            })
            .collect()
    }

    /// How far back each need is looked at for trends and for "rose by … within …".
    fn windows(&self) -> BTreeMap<&str, i64> {
        let mut windows: BTreeMap<&str, i64> = BTreeMap::new();
        let mut widen = |need, seconds: i64| {
            let known = windows.entry(need).or_default();
            *known = seconds.max(*known);
        };
        for show in self.actions.iter().flat_map(|action| &action.show) {
            if let Some((seconds, _)) = &show.trend {
                widen(show.need.as_str(), *seconds);
            }
        }
        for row in &self.rows {
            row.when.each(&mut |condition| {
                if let Condition::Change { need, within, .. } = condition {
                    widen(need.as_str(), *within);
                }
            });
        }
        windows
    }

    pub(crate) fn need(&self, name: &str) -> Option<&Needed> {
        self.needs.iter().find(|needed| needed.name == name)
    }

    pub(crate) fn action(&self, name: &str) -> Option<&Action> {
        self.actions.iter().find(|action| action.name == name)
    }

    /// 0 for the most urgent level.
    pub(crate) fn rank(&self, level: &str) -> usize {
        self.actions
            .iter()
            .position(|action| action.name == level)
            .unwrap_or(self.actions.len())
    }

    /// The pool that the chain of owners ends in.
    pub(crate) fn pool(&self) -> &str {
        self.who.then.last().map_or("pool", String::as_str)
    }

    pub(crate) fn stops_on(&self, stop: Stop) -> bool {
        self.stops.contains(&stop)
    }

    pub(crate) fn seal(mut self) -> Self {
        // Serialising plain data into memory has no way to fail; an empty text would still be a hash that matches nothing signed.
        let meaning = serde_json::to_vec(&self).unwrap_or_default();
        self.hash = hex(digest::digest(&digest::SHA256, &meaning).as_ref());
        self
    }
}

impl Condition {
    /// Calls with this condition and all inside it.
    pub(crate) fn each<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        match self {
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.each(visit);
                }
            }
            Self::Not(part) => part.each(visit),
            Self::Compare { .. }
            | Self::Between { .. }
            | Self::Change { .. }
            | Self::Includes { .. }
            | Self::IsNone(_)
            | Self::IsUnknown(_) => {}
        }
    }

    /// The need that it looks at, when it is not made of others.
    pub(crate) fn need(&self) -> Option<&str> {
        match self {
            Self::All(_) | Self::Any(_) | Self::Not(_) => None,
            Self::Compare { need, .. }
            | Self::Between { need, .. }
            | Self::Change { need, .. }
            | Self::Includes { need, .. }
            | Self::IsNone(need)
            | Self::IsUnknown(need) => Some(need),
        }
    }

    /// As a person would say it.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::All(_) => String::from("all of the following"),
            Self::Any(_) => String::from("any of the following"),
            Self::Not(part) => format!("not: {}", part.words()),
            Self::Compare {
                need,
                relation,
                limit,
            } => format!("{need} {} {}", relation.words(), limit.words()),
            Self::Between { need, low, high } => {
                format!("{need} between {} and {}", low.value.as_str(), high.words())
            }
            Self::Change {
                need,
                direction,
                inclusive,
                by,
                within_words,
                ..
            } => format!(
                "{need} {} by {} {} within {within_words}",
                match direction {
                    Direction::Rose => "rose",
                    Direction::Fell => "fell",
                },
                if *inclusive { "at least" } else { "more than" },
                by.words(),
            ),
            Self::Includes { need, group } => format!("{need} include group {group}"),
            Self::IsNone(need) => format!("{need} is none"),
            Self::IsUnknown(need) => format!("{need} is unknown"),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|nibble| char::from_digit(u32::from(nibble), 16))
        .collect()
}
