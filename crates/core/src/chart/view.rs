//! The chart as data. None of these types has `Debug`, so that a chart can't be logged by accident.

use bedside_fact::clock::Timestamp;
use bedside_fact::id::Seq;
use bedside_fact::known::Gap;
use bedside_fact::state::State;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;

use crate::record::Link;

/// What is known of a person at one moment.
#[derive(Clone, Serialize)]
pub struct Chart {
    /// The person.
    pub id: String,
    /// The source patients that are this person.
    pub patients: Vec<String>,
    /// Who it is.
    pub demographics: Demographics,
    /// What was heard from whom, and when last.
    pub sources: Vec<SourceSeen>,
    /// The moment that the chart shows; none when it is the present.
    pub as_of: Option<Timestamp>,
    /// The present. Ages are counted up to `as_of` where that is given, so that a page reads as it read then.
    pub now: Timestamp,
    /// The zone in which times are written.
    #[serde(skip)]
    pub zone: TimeZone,
    /// The position that was read.
    pub seq: Seq,
    /// What is known of the patient's health.
    pub facts: Facts,
    /// What a reader must know before relying on this page, most important first.
    pub caveats: Vec<String>,
    /// Proposals that this may be somebody else too.
    pub possible_same: Vec<Link>,
    /// Merges that a source stated.
    pub merged: Vec<Link>,
    /// Links by an identifier of one authority.
    pub linked: Vec<Link>,
}

/// Who it is. Of several source patients the one that was heard of last speaks, and the others add to it.
#[derive(Clone, Default, Serialize)]
pub struct Demographics {
    /// `FAMILY, Given`; empty when no source gave a name.
    pub name: String,
    /// Other names in use or once in use.
    pub other_names: Vec<String>,
    /// As the source said it: a year, a month or a day.
    pub birth_date: Option<String>,
    /// `71 y`, `5 mo`, `3 d`; at death for the dead.
    pub age: Option<String>,
    /// Administrative gender.
    pub gender: Option<String>,
    /// In words, with the time where one was said. None means that nothing was said, which is not the same as alive.
    pub deceased: Option<String>,
    /// Numbers.
    pub identifiers: Vec<Ident>,
    /// Telephone numbers and other contact points.
    pub phones: Vec<String>,
    /// Addresses, each on one line.
    pub addresses: Vec<String>,
    /// Where sources differ on who this is, in words.
    pub disagreements: Vec<String>,
}

/// A number that an authority gave the patient.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Ident {
    /// `MRN`, `SSN` or the code of its type.
    pub label: String,
    /// Who assigned it.
    pub authority: String,
    /// The number.
    pub value: String,
}

/// One source patient, as far as it was heard of.
#[derive(Clone, Serialize)]
pub struct SourceSeen {
    /// Source.
    pub name: String,
    /// When we last learned something from it about this patient.
    pub last_known: Timestamp,
    /// Public id of the patient there.
    pub patient: String,
    /// How many resources it gave.
    pub resources: usize,
}

/// The six sections of the page.
#[derive(Clone, Serialize)]
pub struct Facts {
    /// Allergies and intolerances.
    pub allergies: Section,
    /// Problems and diagnoses.
    pub problems: Section,
    /// Medications ordered or reported.
    pub medications: Section,
    /// Laboratory and other results that are no vital signs.
    pub labs: Section,
    /// Vital signs.
    pub vitals: Section,
    /// Encounters.
    pub encounters: Section,
}

/// One section: what is known, and on what ground.
#[derive(Clone, Serialize)]
pub struct Section {
    /// State of the section as a whole.
    pub state: State,
    /// Why there is nothing to rely on, where there is not.
    pub gap: Option<Gap>,
    /// The state in words, the reason in parentheses: `none`, `unknown (refused)`, `unknown (none recorded)`.
    pub says: String,
    /// The ground for that state, in words.
    pub why: String,
    /// What there is, what matters now first.
    pub items: Vec<Item>,
    /// What was there and was taken back. Never to be shown as a value.
    pub withdrawn: Vec<Withdrawn>,
    /// The newest knowledge that this section rests on.
    pub as_of: Option<Timestamp>,
}

/// A fact of the patient with its source and times.
#[derive(Clone, Serialize)]
pub struct Item {
    /// `system|code`, or empty when it was not coded.
    pub code: String,
    /// What it is.
    pub label: String,
    /// The value as text, every digit as sent.
    pub value: Option<String>,
    /// Unit of the value.
    pub unit: Option<String>,
    /// `<`, `<=`, `>=`, `>` where the value is a limit.
    pub comparator: Option<String>,
    /// `H`, `L`, `HH`, `LL`, `A` …; none when normal or not said.
    pub abnormal: Option<String>,
    /// Reference range in words.
    pub range: Option<String>,
    /// Status in the source's word.
    pub status: String,
    /// How sure it is.
    pub state: State,
    /// Why it is in that state, when it is not simply present.
    pub why: Option<String>,
    /// When it was true of the patient, as the source said it.
    pub taken_at: Option<String>,
    /// The first instant that `taken_at` may mean.
    pub at: Option<Timestamp>,
    /// When the source knew.
    pub recorded_at: Option<Timestamp>,
    /// When we knew.
    pub received_at: Timestamp,
    /// Source; several when they gave the same result.
    pub source: String,
    /// Journal position of the input that it came from.
    pub seq: Seq,
    /// How old it is, by `taken_at`.
    pub age: String,
    /// The earlier value, in words, when this one corrected it.
    pub corrected: Option<String>,
    /// This and earlier values, oldest first, at most twenty, of the same code and unit.
    pub trend: Vec<Point>,
    /// Reaction, criticality, dose, location and the like.
    pub detail: Option<String>,
}

/// A value in time, for a drawing and the table under it.
#[derive(Clone, Serialize)]
pub struct Point {
    /// When it was true of the patient.
    pub at: Timestamp,
    /// An approximation, for drawing only.
    pub value: f64,
    /// The value as sent, with comparator and unit.
    pub text: String,
    /// As in [`Item::abnormal`].
    pub abnormal: Option<String>,
}

/// Something that was taken back.
#[derive(Clone, Serialize)]
pub struct Withdrawn {
    /// What it was.
    pub label: String,
    /// How and by whom, in words; the value is not among them.
    pub words: String,
    /// When it was said to be true of the patient, as text.
    pub taken_at: Option<String>,
    /// Source.
    pub source: String,
    /// Journal position of the input that it came from.
    pub seq: Seq,
    /// When we learned that it no longer holds.
    pub received_at: Timestamp,
}

/// The chart as `patient show --json` prints it.
#[must_use]
pub fn json(chart: &Chart) -> Value {
    // Every member is text, a list or a finite number, so this can't fail.
    serde_json::to_value(chart).unwrap_or_default()
}
