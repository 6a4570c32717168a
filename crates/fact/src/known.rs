//! What is known of one fact about one person, for one use: the only thing that the connection layer hands to the workflow layer.
//!
//! A [`Need`] says what a workflow asks for and how old it may be. `core::bind` answers it with a [`Fact`] out of the record; the
//! `workflow` crate reads the fact and knows nothing of messages, resources or vendors. The state is final for that need: *stale* and
//! *none* depend on how old an answer may be, so a fact without its need would say nothing.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{ResourceId, Seq};
use crate::quantity::{Comparator, Decimal};
use crate::state::State;

/// What a workflow asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The name of the fact in `facts.yaml`.
    pub fact: String,
    /// How many values, the newest first; 0 for all of a list.
    pub latest: usize,
    /// How many of the newest are passed over: 1 for "before this one".
    pub skip: usize,
    /// How old a value may be, in seconds, before it is stale; none for any age.
    pub max_age: Option<i64>,
    /// How far back values are wanted, in seconds, for trends and "in D"; at least `max_age`.
    pub window: Option<i64>,
}

/// How far a value can be relied on, in the source's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verification {
    /// May still change.
    Preliminary,
    /// Verified by whoever is responsible.
    Final,
    /// Replaces an earlier value.
    Corrected,
    /// Deleted, entered in error, or another patient's.
    Withdrawn,
    /// Said by the patient or a carer.
    PatientReported,
    /// Sent by a device that nobody has looked at.
    Device,
}

/// Why there is no usable value: the difference between *none* and *unknown* in one word (promise P6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gap {
    /// The sources were asked, completely and lately, and there is nothing.
    Empty,
    /// A coded statement says that there is nothing.
    StatedNone,
    /// The sources have no entry, which for this kind of fact does not mean that there is none.
    NoneRecorded,
    /// Nobody asked.
    NeverAsked,
    /// A source refused.
    Refused,
    /// The site has no licence for it.
    Unlicensed,
    /// The question failed or was not answered in time.
    Failed,
    /// A part of the answer is missing.
    Truncated,
    /// The last complete answer is older than this use allows.
    AskedTooLongAgo,
    /// There is a value whose unit, number or code can't be read.
    Unreadable,
    /// There is a value whose time lies in the future.
    Future,
    /// Messages about this patient are held back.
    HeldBack,
    /// No source of this site supplies the fact.
    NoSource,
}

impl Gap {
    /// The word that stands in parentheses after *unknown*: `unknown (refused)`.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Empty => "asked, nothing there",
            Self::StatedNone => "stated as none",
            Self::NoneRecorded => "none recorded",
            Self::NeverAsked => "not asked",
            Self::Refused => "refused",
            Self::Unlicensed => "not licensed",
            Self::Failed => "failed",
            Self::Truncated => "answer incomplete",
            Self::AskedTooLongAgo => "asked too long ago",
            Self::Unreadable => "not readable",
            Self::Future => "time in the future",
            Self::HeldBack => "messages held back",
            Self::NoSource => "no source supplies it",
        }
    }
}

/// A measured amount in the fact's canonical unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantity {
    /// The number.
    pub value: Decimal,
    /// The unit, in UCUM.
    pub unit: String,
    /// When the number is a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparator: Option<Comparator>,
}

/// A code of a code system, both as they were sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Code {
    /// The code system's URI; empty when none was named.
    pub system: String,
    /// The code. Letter case counts.
    pub code: String,
}

/// One value of a fact, with where it comes from and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Datum {
    /// What is named: `Potassium`, `lisinopril 10 mg`, `Penicillin`.
    pub label: String,
    /// The value as the source wrote it, with its unit: `6.7 mmol/L`. Empty for an entry of a list.
    pub said: String,
    /// The amount in the canonical unit, when it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
    /// What it is coded as; groups are looked up by these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<Code>,
    /// Further words: dose, reaction, reference range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// When it was true of the patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
    /// When the source knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_at: Option<Timestamp>,
    /// When we knew.
    pub received_at: Timestamp,
    /// The sources that said so, by name and in order: one result by two routes has two.
    pub sources: Vec<String>,
    /// How far it can be relied on.
    pub verification: Verification,
    /// Why it is in doubt, in a clause that can stand alone: `preliminary`, `specimen haemolysed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
    /// What it was before it was corrected: `was 6.9 mmol/L (final, epic)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected: Option<String>,
    /// It is an order not to give what is named: shown, and nothing that the patient has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forbidden: bool,
    /// The source patient that it was filed under at the time.
    pub patient: ResourceId,
    /// The resources that say it, `Type/id`, the leading one first.
    pub resources: Vec<String>,
    /// The journal position of the leading one.
    pub seq: Seq,
    /// What makes it one result whatever route it came by (design D10): filler's number, code and minute, hashed by nobody: text.
    pub identity: String,
}

/// What is known of a fact for one need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The name in `facts.yaml`.
    pub name: String,
    /// Its state for this need.
    pub state: State,
    /// Why the state is not *present*, in one word. With a list that is *present*, why it is not the whole list: a source is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
    /// The state and its reason in a sentence without patient's values: `Refused by oracle 5 min ago`.
    pub why: String,
    /// The values, the newest first.
    pub data: Vec<Datum>,
    /// In a conflict, the values of the other side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub against: Vec<Datum>,
    /// Values that were deleted, entered in error or another patient's, the newest first. They are never in `data`; whoever acted on one has
    /// to be told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withdrawn: Vec<Datum>,
    /// The last time at which a source was heard on this fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
}

impl Fact {
    /// A fact of which nothing can be said.
    #[must_use]
    pub fn unknown(name: &str, gap: Gap, why: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            state: State::Unknown,
            gap: Some(gap),
            why: why.into(),
            data: Vec::new(),
            against: Vec::new(),
            withdrawn: Vec::new(),
            as_of: None,
        }
    }

    /// The newest value.
    #[must_use]
    pub fn newest(&self) -> Option<&Datum> {
        self.data.first()
    }
}

/// The circumstances of a patient that decide who is responsible and how old a value may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Situation {
    /// In a hospital bed now; none when no source says.
    pub inpatient: Option<bool>,
    /// Eighteen years or older; none when the birth date is not known.
    pub adult: Option<bool>,
    /// Died, and when if that is known.
    pub died: Option<bool>,
    /// Unit, room and bed, for the worklist.
    pub place: Option<String>,
    /// Who the sources say is responsible, by role word: `responsible clinician`, `ordering clinician`, `bedside nurse`.
    pub people: Vec<(String, String)>,
}
