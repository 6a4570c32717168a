//! The record: resources as versions, what a foreign message asks to change, and what the store is told to make true.
//!
//! The walk: a mapper yields [`Draft`]s; [`decide::writes`] lays them over the current versions and yields [`Write`]s; the
//! store commits an [`Outcome`]. A draft that changes nothing becomes nothing.

mod decide;
mod demographics;
mod lay;
mod provenance;

use bedside_fact::clock::Timestamp;
use bedside_fact::id::{ResourceId, Seq, SourceId};
use bedside_fact::phi::Phi;
use bedside_fact::time::Span;
use bedside_identity::Demographics;
use serde_json::Value;

use crate::completeness::Asked;
use crate::evidence::Seen;
use crate::incident;
use crate::journal::InputKind;
use crate::source::Source;

pub use decide::{fingerprint_of, is_older, writes};
pub use demographics::name_shared;
pub use provenance::provenance;

/// Turns a source's own id into a public one (design D4). Held by the store, which has the key.
pub trait PublicIds {
    /// The public id of `source_id` of type `resource_type` at `source`.
    fn public_id(&self, source: &SourceId, resource_type: &str, source_id: &str) -> ResourceId;
}

/// How a draft joins what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Join {
    /// Members of the draft replace members of the current version, absent members stay (an empty HL7 v2 field is "no
    /// change"), the named members go (`""` is "delete").
    Overlay {
        /// What goes before the draft is laid on: `name`, `period.end`, or the elements of a list that one field filled,
        /// as in `telecom[home]`.
        remove: Vec<String>,
        /// Members of the draft that count only when there is nothing yet: what FHIR demands and the message leaves open.
        initial: Vec<String>,
    },
    /// As an overlay, of what is there already; without it nothing is written.
    Amend {
        /// As in an overlay.
        remove: Vec<String>,
    },
    /// The draft is the whole resource.
    Replace,
}

/// A resource as a message states it.
#[derive(Clone)]
pub struct Draft {
    /// FHIR type.
    pub resource_type: String,
    /// The source's own id, from which the public id follows. Patient data.
    pub source_id: String,
    /// The public id. For a Patient that is known under another number this is not the hash of `source_id`.
    pub id: ResourceId,
    /// The public id of the patient whose compartment this is in: itself for a Patient, none for an organisation.
    pub patient: Option<ResourceId>,
    /// The resource without `id` and `meta`; references are public already.
    pub body: Value,
    /// The exact minified text of a resource that came as FHIR, references spliced: it stands instead of `body`, so that
    /// nothing is printed anew.
    pub text: Option<String>,
    /// How it joins what is there.
    pub join: Join,
    /// When it was true of the patient.
    pub when: Option<Span>,
    /// When the source knew, microseconds since 1970.
    pub source_time: Option<i64>,
}

/// The version that stands now.
#[derive(Clone)]
pub struct Current {
    /// Its number, from 1.
    pub version: i64,
    /// The JSON text with `id` and `meta`.
    pub body: String,
    /// The source's own `meta.versionId`, else `meta.lastUpdated`, else the content hash, hashed: tells a repeat (D19).
    pub fingerprint: [u8; 16],
    /// When the source knew, microseconds since 1970: for FHIR its `meta.lastUpdated`.
    pub source_time: Option<i64>,
}

/// A version to be written.
#[derive(Clone)]
pub struct Write {
    /// FHIR type.
    pub resource_type: String,
    /// Public id.
    pub id: ResourceId,
    /// The source's own id; sealed by the store.
    pub source_id: String,
    /// Compartment.
    pub patient: Option<ResourceId>,
    /// The number this version gets: one more than what was read, else the store answers with a conflict.
    pub version: i64,
    /// The JSON text as it will be read back, `id`, `meta` and references spliced.
    pub body: String,
    /// See [`Current::fingerprint`].
    pub fingerprint: [u8; 16],
    /// When it was true of the patient.
    pub when: Option<Span>,
    /// When the source knew, microseconds since 1970.
    pub source_time: Option<i64>,
    /// For a Patient: what linking and search go by.
    pub demographics: Option<Demographics>,
}

/// A number that now means a patient (an alias; versioned, so that a merge can be undone).
#[derive(Clone, PartialEq, Eq)]
pub struct Alias {
    /// Assigning authority.
    pub authority: String,
    /// Number.
    pub value: String,
    /// The patient it means from now on.
    pub patient: ResourceId,
}

/// A merge: the record of `prior` moves to `survivor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// The patient that stays.
    pub survivor: ResourceId,
    /// The patient that goes.
    pub prior: ResourceId,
}

/// How an input ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The record changed.
    Applied,
    /// Nothing to change, and why.
    Noop(String),
    /// Set aside, and why. Its lanes close behind it.
    Parked(String),
}

/// What is made true in one transaction because of one input.
#[derive(Clone)]
pub struct Outcome {
    /// The input.
    pub seq: Seq,
    /// Its source.
    pub source: SourceId,
    /// Its system.
    pub system: bedside_fact::id::SystemId,
    /// How it ended.
    pub ending: Ending,
    /// New versions.
    pub writes: Vec<Write>,
    /// Numbers and the patients they mean.
    pub aliases: Vec<Alias>,
    /// Merges.
    pub merges: Vec<Merge>,
    /// What was asked and how it went.
    pub completeness: Vec<Asked>,
    /// The patients that it was about, for the raw input's key (D5) and the audit entries (D15).
    pub patients: Vec<ResourceId>,
    /// Which mapping made it: `hl7/1`, `fhir/1`.
    pub mapping: &'static str,
    /// What was odd about it: stable words and positions, no values.
    pub issues: Vec<String>,
    /// What it shows of its route.
    pub evidence: Vec<Seen>,
    /// What somebody must look at on the sources page: a unit that can't be read, a time in the future.
    pub incidents: Vec<incident::Kind>,
}

/// A stored version as it is read: with where it came from and when we knew.
#[derive(Clone)]
pub struct Stored {
    /// FHIR type.
    pub resource_type: String,
    /// Public id.
    pub id: ResourceId,
    /// Compartment.
    pub patient: Option<ResourceId>,
    /// Number of the version.
    pub version: i64,
    /// JSON text.
    pub body: String,
    /// Source.
    pub source: SourceId,
    /// The input that it came from.
    pub journal_seq: Seq,
    /// The position at which it became true for us.
    pub from_seq: Seq,
    /// When we knew, microseconds since 1970.
    pub known_at: i64,
    /// When the source knew, microseconds since 1970.
    pub source_time: Option<i64>,
    /// When it was true of the patient.
    pub when: Option<Span>,
    /// Which mapping made it.
    pub mapping: String,
}

/// A claim about two patients, as shown to people.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Link {
    /// Its position, which is its id.
    pub seq: Seq,
    /// `merge`, `identifier` or `possible`.
    pub kind: String,
    /// One patient (the survivor of a merge).
    pub a: String,
    /// The other (the one that went).
    pub b: String,
    /// `name+birth_date+phone` and the like.
    pub basis: String,
}

/// An input that waits behind a parked one: received, and not yet in the record (promise P4, design D12).
#[derive(Clone)]
pub struct Held {
    /// Its position.
    pub seq: Seq,
    /// Where it came from.
    pub source: Source,
    /// What it is.
    pub kind: InputKind,
    /// The bytes as received.
    pub raw: Phi<Vec<u8>>,
    /// What must be known to understand it and is not in its bytes: see [`crate::journal::NewInput::context`].
    pub context: Phi<Vec<u8>>,
    /// When it was received.
    pub received_at: Timestamp,
}

/// All that is known of one person at one moment: what the chart is made of.
#[derive(Clone)]
pub struct PersonRecord {
    /// The person.
    pub person: bedside_fact::id::PersonId,
    /// The source patients that are this person.
    pub patients: Vec<ResourceId>,
    /// Current versions (as of the moment) in their compartments.
    pub resources: Vec<Stored>,
    /// What was asked.
    pub completeness: Vec<Asked>,
    /// Links and proposals that touch it.
    pub links: Vec<Link>,
    /// How many inputs are parked or held in its lanes now.
    pub waiting: u64,
    /// Those of them that are held behind a parked one.
    pub held: Vec<Held>,
    /// The position that was read.
    pub seq: Seq,
}
