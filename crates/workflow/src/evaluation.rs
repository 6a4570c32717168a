//! What a definition says of one patient at one moment, with everything that a person needs to see why.
//!
//! An evaluation is kept with the case as it was shown. It decides nothing about owners and deadlines: that is [`crate::case`].

use std::collections::BTreeMap;

use bedside_fact::clock::Timestamp;
use bedside_fact::id::{ResourceId, Seq};
use bedside_fact::known::{Datum, Fact, Situation, Verification};
use bedside_fact::logic::Truth;
use bedside_fact::state::State;
use serde::{Deserialize, Serialize};

/// What is known, as far as the definition asked for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// By the name of the need, as [`crate::Definition::needs`] gave it.
    pub facts: BTreeMap<String, Fact>,
    /// The patient's circumstances.
    pub situation: Situation,
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// No row applies.
    Nothing,
    /// An item at this level.
    Act(String),
    /// Something that can't be done without is not known: somebody has to be asked.
    Ask {
        /// The fact.
        fact: String,
        /// Who is asked.
        role: String,
    },
    /// The workflow is not for this patient; why.
    NotApplicable(String),
}

/// The result of evaluating a definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// What follows.
    pub decision: Decision,
    /// The row that decided.
    #[serde(default)]
    pub row: Option<String>,
    /// The headline: `Potassium 6.7 mmol/L (up 1.5 in 20 h)`.
    pub say: String,
    /// What has to be borne in mind, each a sentence.
    #[serde(default)]
    pub caveats: Vec<String>,
    /// The context that the definition shows.
    #[serde(default)]
    pub show: Vec<Shown>,
    /// What can be done, in the words of the definition.
    #[serde(default)]
    pub offer: Vec<String>,
    /// Which conditions were looked at and how each came out.
    #[serde(default)]
    pub trace: Vec<TraceLine>,
    /// The newest result of the fact that the workflow is about, whatever was decided.
    #[serde(default)]
    pub finding: Option<Finding>,
    /// The results of that fact which stand, as far back as the definition looks.
    #[serde(default)]
    pub standing: Vec<Finding>,
    /// Results of that fact which were withdrawn, the newest first.
    #[serde(default)]
    pub withdrawn: Vec<Finding>,
    /// The evidence that closes an item which stands on an older result.
    #[serde(default)]
    pub done: Option<String>,
    /// What it all stands on, as one text: two evaluations with the same basis differ in nothing but the age of things.
    #[serde(default)]
    pub basis: String,
    /// What follows from older results of the same fact, where that is more urgent and the newest one can't be relied on: the most urgent
    /// first. A haemolysed specimen or a value that can't be read takes no dangerous one from sight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<Evaluation>,
    /// It is one of those: newer results were passed over, and the caveats name them.
    #[serde(default)]
    pub stands_on_older: bool,
}

impl Evaluation {
    /// What may open a case, in the order in which it is tried: one whose finding somebody has already dealt with leaves the next.
    pub fn candidates(&self) -> impl Iterator<Item = &Self> {
        self.behind.iter().chain(std::iter::once(self))
    }
}

/// One condition as it came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceLine {
    /// The row it belongs to.
    pub row: String,
    /// The condition, in the words of the definition.
    pub condition: String,
    /// How it came out.
    pub truth: Truth,
    /// On what: `6.7 mmol/L`, `unknown (refused)`.
    pub words: String,
}

/// A part of the context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// What it is: `Creatinine`.
    pub title: String,
    /// The state of the fact for this workflow.
    pub state: State,
    /// The state in words: `current`, `stale`, `unknown (refused)`.
    pub words: String,
    /// When a source was last heard on it.
    #[serde(default)]
    pub as_of: Option<Timestamp>,
    /// The values.
    #[serde(default)]
    pub lines: Vec<ShownLine>,
    /// What is missing and why.
    #[serde(default)]
    pub gaps: Vec<String>,
    /// For drawing: when, how much (always a finite number), as the source wrote it; the oldest first.
    #[serde(default)]
    pub trend: Vec<(Timestamp, f64, String)>,
}

/// One value of the context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownLine {
    /// The value.
    pub text: String,
    /// Dose, reaction, reference range.
    #[serde(default)]
    pub detail: Option<String>,
    /// When it was true of the patient.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// How long ago that was when this was evaluated.
    #[serde(default)]
    pub age: String,
    /// Who says so.
    #[serde(default)]
    pub source: String,
    /// Why it is in doubt, or what it replaced.
    #[serde(default)]
    pub doubt: Option<String>,
    /// It belongs to the group that the definition points out.
    #[serde(default)]
    pub marked: bool,
}

/// A result that a case is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What makes it one result, whatever route it came by.
    pub identity: String,
    /// The value as the source wrote it.
    pub said: String,
    /// When it was true of the patient.
    #[serde(default)]
    pub taken_at: Option<Timestamp>,
    /// When we knew.
    pub received_at: Timestamp,
    /// Who says so: one result by two routes has two.
    #[serde(default)]
    pub sources: Vec<String>,
    /// How far it can be relied on.
    pub verification: Verification,
    /// The source patient that it is filed under.
    pub patient: ResourceId,
    /// The resources that say it, the leading one first.
    #[serde(default)]
    pub resources: Vec<String>,
    /// The journal position of the leading one.
    #[serde(default)]
    pub seq: Seq,
    /// What it was before it was corrected.
    #[serde(default)]
    pub corrected: Option<String>,
}

impl Finding {
    /// The result that a datum is.
    #[must_use]
    pub fn of(datum: &Datum) -> Self {
        Self {
            identity: datum.identity.clone(),
            said: datum.said.clone(),
            taken_at: datum.taken_at,
            received_at: datum.received_at,
            sources: datum.sources.clone(),
            verification: datum.verification,
            patient: datum.patient.clone(),
            resources: datum.resources.clone(),
            seq: datum.seq,
            corrected: datum.corrected.clone(),
        }
    }

    /// What a case is about when there is no result that could be read: the event came, the value did not.
    #[must_use]
    pub fn absent(patient: ResourceId, now: Timestamp) -> Self {
        Self {
            identity: String::new(),
            said: String::new(),
            taken_at: None,
            received_at: now,
            sources: Vec::new(),
            verification: Verification::Preliminary,
            patient,
            resources: Vec::new(),
            seq: Seq::default(),
            corrected: None,
        }
    }

    /// Whether there is a result at all.
    #[must_use]
    pub fn is_present(&self) -> bool {
        !self.identity.is_empty()
    }

    /// Whether both are one result: by identity, or because one resource says both (a correction may change the time that is part of the
    /// identity).
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let named = self.is_present() && self.identity == other.identity;
        named
            || self
                .resources
                .iter()
                .any(|resource| other.resources.contains(resource))
    }

    /// Whether it tells of a later moment than the other. Without a time of its own the moment of receipt stands in.
    #[must_use]
    pub fn is_later_than(&self, other: &Self) -> bool {
        let when = |finding: &Self| finding.taken_at.unwrap_or(finding.received_at);
        (when(self), self.seq) > (when(other), other.seq)
    }
}
