//! The life of one item: a durable state machine that is told what happened and says what to store, to send and to wait for.
//!
//! [`open`] begins a case, [`step`] moves it on. Both are pure: the same case, input and instant give the same step. Whoever calls commits
//! the case, its events, its timers and its effects in one transaction, and only then lets an effect reach the outside. The ladders are in
//! `ladder`, what a new evaluation changes is in `evaluated`, what people do is in `step`.

mod evaluated;
mod ladder;
mod open;
mod step;
#[cfg(test)]
mod tests;
mod work;

use bedside_fact::clock::Timestamp;
use bedside_fact::id::ResourceId;
use bedside_fact::known::Situation;
use serde::{Deserialize, Serialize};

use crate::evaluation::{Evaluation, Finding, Shown, TraceLine};

pub use ladder::timer_name;
pub use open::open;
pub use step::step;

pub(crate) use ladder::is_pool;

/// The level of an item that asks for what is missing. Nobody knows yet how urgent it is, so it climbs the strictest ladder.
pub const QUESTION: &str = "data request";

/// One item, with everything that is shown of it and everything that decides how it goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Its id.
    pub id: String,
    /// The name of the definition.
    pub workflow: String,
    /// The title of the definition.
    pub title: String,
    /// The version of the definition.
    pub version: u32,
    /// The hash of the definition's meaning.
    pub hash: String,
    /// The source patient it is filed under; a merge moves it.
    pub patient: ResourceId,
    /// Where it stands.
    pub state: CaseState,
    /// How urgent it is now.
    pub level: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When anything last changed.
    pub changed_at: Timestamp,
    /// The result that it stands on.
    pub finding: Finding,
    /// The results that it stood on before.
    #[serde(default)]
    pub earlier: Vec<Finding>,
    /// The headline.
    pub say: String,
    /// What has to be borne in mind.
    #[serde(default)]
    pub caveats: Vec<String>,
    /// The context.
    #[serde(default)]
    pub show: Vec<Shown>,
    /// What can be done.
    #[serde(default)]
    pub offer: Vec<String>,
    /// Why this item.
    #[serde(default)]
    pub trace: Vec<TraceLine>,
    /// Unit, room and bed.
    #[serde(default)]
    pub place: Option<String>,
    /// The one accountable owner, by role.
    pub owner: Holder,
    /// The account that acknowledged it or took it over.
    #[serde(default)]
    pub holder: Option<String>,
    /// Who was told, when and why.
    #[serde(default)]
    pub told: Vec<Told>,
    /// Who is told next if nothing happens.
    #[serde(default)]
    pub next: Option<Rung>,
    /// Who acknowledged it, and when.
    #[serde(default)]
    pub acknowledged: Option<Act>,
    /// How it ended.
    #[serde(default)]
    pub closed: Option<Closed>,
    /// The accounts that opened it.
    #[serde(default)]
    pub seen_by: Vec<String>,
    /// What people have to be told inside the console.
    #[serde(default)]
    pub notices: Vec<Notice>,
    /// The accounts that saw it before it last changed.
    #[serde(default)]
    pub changed_since_seen: Vec<String>,
    /// Counts up each time it becomes worse; part of the key of each effect.
    #[serde(default)]
    pub generation: u32,
    /// What was written into an EHR on its behalf, and how that went.
    #[serde(default)]
    pub writes: Vec<Write>,
    /// The level whose ladders run: an item that became less urgent keeps the stricter ones.
    #[serde(default)]
    pub climbs: String,
    /// The fact that is missing, while somebody is asked for it.
    #[serde(default)]
    pub asking: Option<String>,
    /// When the ladder that runs was started.
    pub ladder_from: Timestamp,
    /// The circumstances as last known, for resolving who is told.
    #[serde(default)]
    pub situation: Situation,
    /// What the last evaluation stood on.
    #[serde(default)]
    pub basis: String,
}

/// Where a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// Something that can't be done without is not known.
    WaitingForData,
    /// Nobody has acknowledged it.
    Open,
    /// Somebody has, and it is not done.
    Acknowledged,
    /// Done, on evidence or on the word of the owner.
    Done,
    /// Closed with a reason and without evidence.
    Declined,
    /// What it stood on is no longer true, or it no longer applies.
    Withdrawn,
    /// Another case took its place.
    Superseded,
    /// Everybody on the ladder was told and nobody has acted. It stays open and visible.
    Expired,
    /// Nobody could be found to own it.
    Parked,
}

impl CaseState {
    /// The words that people read.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::WaitingForData => "waiting for data",
            Self::Open => "not acknowledged",
            Self::Acknowledged => "acknowledged",
            Self::Done => "done",
            Self::Declined => "closed with a reason",
            Self::Withdrawn => "withdrawn",
            Self::Superseded => "replaced by another item",
            Self::Expired => "escalated to the end",
            Self::Parked => "needs an owner",
        }
    }

    /// The word for stores and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WaitingForData => "waiting_for_data",
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Done => "done",
            Self::Declined => "declined",
            Self::Withdrawn => "withdrawn",
            Self::Superseded => "superseded",
            Self::Expired => "expired",
            Self::Parked => "parked",
        }
    }

    /// Whether somebody still has to do something.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::WaitingForData
            | Self::Open
            | Self::Acknowledged
            | Self::Expired
            | Self::Parked => true,
            Self::Done | Self::Declined | Self::Withdrawn | Self::Superseded => false,
        }
    }
}

/// Somebody by role, and by name when a source says who that is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Holder {
    /// `responsible clinician`, `critical results pool`.
    pub role: String,
    /// The name, when a source supplies it.
    #[serde(default)]
    pub name: Option<String>,
}

impl Holder {
    /// `Dr A. Weiss (responsible clinician)`, or the role alone.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.name {
            Some(name) => format!("{name} ({})", self.role),
            None => self.role.clone(),
        }
    }
}

/// Somebody was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Who.
    pub who: Holder,
    /// When.
    pub at: Timestamp,
    /// Why: `owner`, `informed`, `not acknowledged after 15 minutes`.
    pub why: String,
    /// The deadline had passed while nobody was there to keep it.
    #[serde(default)]
    pub late: bool,
}

/// Which clock runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ladder {
    /// From opening to acknowledgement.
    NotAcknowledged,
    /// From acknowledgement to done.
    NotDone,
}

/// The next step of the ladder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// When.
    pub at: Timestamp,
    /// Whom it tells, in words.
    pub who: String,
    /// Which ladder.
    pub ladder: Ladder,
    /// Which step of it, from 0.
    pub index: usize,
}

/// Somebody did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// The account.
    pub who: String,
    /// When.
    pub at: Timestamp,
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The account, or `Bedside` when evidence closed it.
    pub who: String,
    /// When.
    pub at: Timestamp,
    /// The answer, the reason or the evidence.
    pub how: String,
}

/// Something that somebody has to be told inside the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// An account, a name or a role.
    pub to: String,
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
    /// Whether it was seen.
    #[serde(default)]
    pub read: bool,
}

/// Something that was written into an EHR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// The action of the definition.
    pub action: String,
    /// `{case}/{action}/{generation}`.
    pub key: String,
    /// How it went.
    pub state: WriteState,
    /// When that was known.
    pub at: Timestamp,
    /// The same in words.
    pub words: String,
}

/// How a write went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteState {
    /// It will be sent.
    Queued,
    /// It was read back and is as it should be.
    Confirmed,
    /// The answer was lost: it may or may not be there.
    Unknown,
    /// The EHR refused it.
    Refused,
    /// The route is not proven at this site; nothing is sent.
    Blocked,
}

impl WriteState {
    /// The words that people read.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Confirmed => "confirmed by the EHR",
            Self::Unknown => "unknown: nobody knows whether it arrived",
            Self::Refused => "refused by the EHR",
            Self::Blocked => "not sent to the EHR",
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// The definition was evaluated anew.
    Evaluated {
        /// With this result.
        evaluation: Box<Evaluation>,
        /// In these circumstances.
        situation: Situation,
    },
    /// Somebody says: seen, and mine.
    Acknowledge {
        /// The account.
        who: String,
    },
    /// Somebody records that it is dealt with.
    Done {
        /// The account.
        who: String,
        /// One of the definition's answers.
        how: String,
    },
    /// Somebody closes it without evidence.
    Decline {
        /// The account.
        who: String,
        /// One of the definition's reasons.
        reason: String,
    },
    /// Somebody takes it over from whoever holds it.
    TakeOver {
        /// The account.
        who: String,
    },
    /// Somebody looked at it.
    Viewed {
        /// The account.
        who: String,
    },
    /// A timer's due time has come.
    Due {
        /// Its name.
        timer: String,
    },
    /// The patient died.
    Died,
    /// The patient was merged into another, or a merge was undone.
    MovedTo {
        /// The patient it belongs to now.
        patient: ResourceId,
    },
    /// Another case of the same person goes on in its place.
    Superseded {
        /// The id of that case.
        by: String,
    },
    /// How a write went.
    Written {
        /// The key of the effect.
        key: String,
        /// The outcome.
        state: WriteState,
        /// The same in words.
        words: String,
    },
}

/// Something to do outside, once, under its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Write into the EHR.
    WriteBack {
        /// The action of the definition.
        action: String,
        /// `{case}/{action}/{generation}`.
        key: String,
        /// What to write.
        about: Box<Communication>,
    },
    /// Tell somebody who may be away from the console.
    Notify {
        /// Whom.
        to: Holder,
        /// 0 for the opening, then the rungs from 1.
        rung: usize,
        /// What; it carries no patient data.
        text: String,
        /// What makes it one message.
        key: String,
    },
}

/// That something was told to somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Communication {
    /// The owner who was told, in words.
    pub told: String,
    /// The account that acknowledged.
    pub acknowledged_by: String,
    /// When it was acknowledged.
    pub at: Timestamp,
    /// What was told.
    pub text: String,
    /// The result that it was about.
    pub finding: Finding,
}

/// A line of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What sort: `opened`, `updated`, `acknowledged`, `escalated`, `unresolved`, `done`, `withdrawn` …
    pub kind: String,
    /// The account, or `Bedside`.
    pub actor: String,
    /// In a sentence.
    pub words: String,
}

/// A due time to wait for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Timer {
    /// Its name, for [`Input::Due`].
    pub name: String,
    /// When.
    pub due: Timestamp,
}

/// What follows from an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The case as it is now.
    pub case: Case,
    /// What to append to its history.
    pub events: Vec<Event>,
    /// What to do outside.
    pub effects: Vec<Effect>,
    /// All timers that stand now; there is none but these.
    pub timers: Vec<Timer>,
    /// Whether anything has to be stored. An input that comes twice changes nothing the second time.
    pub changed: bool,
}

/// Why an act of a person was not taken. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Somebody else was faster.
    #[error("the item was acknowledged by somebody else")]
    AlreadyAcknowledged {
        /// The account.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// The case has ended.
    #[error("the item is closed")]
    Closed {
        /// As what.
        state: CaseState,
        /// By whom.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// Closing without evidence needs one of the definition's reasons.
    #[error("a reason is needed")]
    ReasonNeeded,
    /// The definition does not know that answer.
    #[error("that is none of the answers of this workflow")]
    NotAnAnswer,
}

impl Refusal {
    /// What the person reads. When it was stands on the item, in the zone of whoever reads it.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::AlreadyAcknowledged { by, .. } => {
                format!("Already acknowledged by {by}.")
            }
            Self::Closed { state, by, .. } => {
                format!("This item is already closed ({}) by {by}.", state.words())
            }
            Self::ReasonNeeded => String::from("Choose a reason for closing this item."),
            Self::NotAnAnswer => String::from("Choose one of the answers that this workflow has."),
        }
    }
}
