//! Raw inputs in order of receipt: what is known of one before and after it was understood.

use bedside_fact::clock::Timestamp;
use bedside_fact::id::{Seq, SourceId, SystemId, Token};
use bedside_fact::phi::Phi;
use serde::{Deserialize, Serialize};

/// What kind of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputKind {
    /// One HL7 v2 message.
    Hl7v2,
    /// One FHIR resource or Bundle entry.
    Fhir,
    /// Something that could not be recognised.
    Unrecognised,
}

impl InputKind {
    /// The word in listings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hl7v2 => "hl7v2",
            Self::Fhir => "fhir",
            Self::Unrecognised => "unrecognised",
        }
    }

    /// The kind of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Hl7v2, Self::Fhir, Self::Unrecognised]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// Where an input stands. Every input ends as exactly one of applied, no-op, parked (promise P3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputState {
    /// Durable, not yet looked at.
    Pending,
    /// The record changed.
    Applied,
    /// Nothing to change, with a reason.
    Noop,
    /// Set aside with a reason and an owner.
    Parked,
    /// Behind a parked one of the same lane.
    Held,
}

impl InputState {
    /// The word in listings and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Applied => "applied",
            Self::Noop => "noop",
            Self::Parked => "parked",
            Self::Held => "held",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Pending,
            Self::Applied,
            Self::Noop,
            Self::Parked,
            Self::Held,
        ]
        .into_iter()
        .find(|state| state.as_str() == word)
    }
}

/// What tells an input from a repeat of it (design D19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitKey {
    /// HL7 v2 connection: MSH-3, MSH-4 and MSH-10, and the bytes. Kept in memory, rebuilt from the tail.
    Message {
        /// `MSH-3|MSH-4|MSH-10`, or empty when there is no MSH-10: then nothing is a repeat.
        control: String,
    },
    /// A unit of a file: hash of the file's bytes and the unit's position. Durable.
    File {
        /// SHA-256 of the file as it lies on disk.
        hash: [u8; 32],
        /// Position of the unit, from 0.
        position: u64,
    },
}

/// Who an input is about, before anything else of it is understood: the key of a lane (design D2).
/// Authority and value are patient data and are hashed before they are stored.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LaneKey {
    /// The assigning authority, or `Type` for a FHIR resource's own id.
    pub authority: String,
    /// The identifier.
    pub value: String,
}

/// An input to be made durable.
#[derive(Clone)]
pub struct NewInput {
    /// Where it came from.
    pub source: SourceId,
    /// The system of the source.
    pub system: SystemId,
    /// What it is.
    pub kind: InputKind,
    /// `ADT^A01`, `Patient`: in clear.
    pub message_type: String,
    /// MSH-10; for FHIR empty. In clear: control ids are no patient data.
    pub control_id: String,
    /// The bytes as received.
    pub raw: Phi<Vec<u8>>,
    /// What must be known to understand it later and is not in its bytes: for a Bundle entry, JSON of the `urn:uuid:`
    /// references in it and the `[type, id]` each means. Empty for most. Sealed beside the bytes.
    pub context: Phi<Vec<u8>>,
    /// What makes it the same unit again.
    pub unit: UnitKey,
    /// The lanes that it joins: none for what names no patient, two or more for a merge.
    pub lanes: Vec<LaneKey>,
    /// Set when it can't be read at all: it is parked on arrival with this reason.
    pub reject: Option<String>,
    /// The acknowledgement code that will be sent once it is durable.
    pub ack: Option<String>,
}

/// The answer to making an input durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// New.
    Taken(Seq),
    /// Known already.
    Again(Seq),
}

/// One line of a listing: no clinical content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JournalRow {
    /// Position.
    pub seq: Seq,
    /// Source.
    pub source: String,
    /// Kind.
    pub kind: String,
    /// Message or resource type.
    pub message_type: String,
    /// MSH-10.
    pub control_id: String,
    /// When we had it, RFC 3339.
    pub received_at: Timestamp,
    /// Where it stands.
    pub state: InputState,
    /// Why, for no-op, parked and held.
    pub reason: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// An input as the lanes work on it.
#[derive(Clone)]
pub struct Input {
    /// The listing's line.
    pub row: JournalRow,
    /// Source.
    pub source: SourceId,
    /// System.
    pub system: SystemId,
    /// The bytes as received.
    pub raw: Phi<Vec<u8>>,
    /// See [`NewInput::context`].
    pub context: Phi<Vec<u8>>,
}

/// An input that waits: what the scheduler needs, and no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Position.
    pub seq: Seq,
    /// Hashed lane keys.
    pub lanes: Vec<Token>,
    /// Pending, parked (its lanes are closed) or held.
    pub state: InputState,
}
