//! What a section as a whole says, and above all what it says when it is empty (promise P6).
//!
//! An empty list is *none* only for results, vital signs and encounters, and only when every source patient of this person was
//! asked, completely and lately. For allergies, problems and medications it is *none recorded*, which is *unknown*.

use std::collections::BTreeSet;

use bedside_fact::clock::Timestamp;
use bedside_fact::state::State;

use super::seen::{Moment, Seen};
use super::stale::{MAX_AGE_OF_NONE_HOURS, is_older};
use super::view::{Item, Section, Withdrawn};
use crate::completeness::{Asked, Coverage};
use crate::record::PersonRecord;

/// Which section.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Allergies,
    Problems,
    Medications,
    Labs,
    Vitals,
    Encounters,
}

impl Kind {
    pub(super) const ALL: [Self; 6] = [
        Self::Allergies,
        Self::Problems,
        Self::Medications,
        Self::Labs,
        Self::Vitals,
        Self::Encounters,
    ];

    /// The word in a sentence.
    pub(super) const fn noun(self) -> &'static str {
        match self {
            Self::Allergies => "allergies",
            Self::Problems => "problems",
            Self::Medications => "medications",
            Self::Labs => "results",
            Self::Vitals => "vital signs",
            Self::Encounters => "encounters",
        }
    }

    const fn covers(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::Allergies => (&["AllergyIntolerance"], ""),
            Self::Problems => (&["Condition"], ""),
            Self::Medications => (&["MedicationRequest", "MedicationStatement"], ""),
            Self::Labs => (&["Observation"], "laboratory"),
            Self::Vitals => (&["Observation"], "vital-signs"),
            Self::Encounters => (&["Encounter"], ""),
        }
    }

    /// Whether an empty and complete answer means that there is none (clinical rule: not where people forget to record).
    const fn empty_may_be_none(self) -> bool {
        match self {
            Self::Labs | Self::Vitals | Self::Encounters => true,
            Self::Allergies | Self::Problems | Self::Medications => false,
        }
    }

    fn is_asked_by(self, asked: &Asked) -> bool {
        let (types, category) = self.covers();
        types.contains(&asked.resource_type.as_str())
            && (asked.category.is_empty() || asked.category == category)
    }
}

/// What a section is made of.
#[derive(Default)]
pub(super) struct Found {
    pub(super) items: Vec<Item>,
    pub(super) withdrawn: Vec<Withdrawn>,
    /// The newest time at which we learned something of this kind.
    pub(super) newest: Option<Timestamp>,
}

impl Found {
    /// Notes when something was learned.
    pub(super) fn learned(&mut self, seen: &Seen<'_>) {
        self.newest = self.newest.max(Some(seen.known()));
    }
}

/// How one source patient was last asked for one kind.
struct Question<'a> {
    source: &'a str,
    asked: Option<&'a Asked>,
}

impl Question<'_> {
    fn words(&self, moment: &Moment<'_>) -> String {
        let Some(asked) = self.asked else {
            return format!("{} was not asked", self.source);
        };
        let at = when(asked).map(|at| moment.words(at)).unwrap_or_default();
        let verdict = match asked.coverage {
            Coverage::Complete if !asked.persona.is_empty() => "answered for one user's view only",
            Coverage::Complete if !is_whole(asked) => {
                "was asked for a part of the time only and had none"
            }
            Coverage::Complete
                if when(asked).is_none_or(|at| is_older(at, moment.at, MAX_AGE_OF_NONE_HOURS)) =>
            {
                "was asked too long ago and had none"
            }
            Coverage::Complete => "was asked and had none",
            Coverage::Truncated => "gave only a part",
            Coverage::Denied => "refused to answer",
            Coverage::Unlicensed => "is not licensed for this",
            Coverage::Failed => "did not answer",
            Coverage::NeverAsked => "was not asked",
        };
        format!("{} {verdict} ({at})", self.source)
    }

    fn is_answered(&self, moment: &Moment<'_>) -> bool {
        self.asked.is_some_and(|asked| {
            asked.coverage == Coverage::Complete
                && asked.persona.is_empty()
                && is_whole(asked)
                && when(asked).is_some_and(|at| !is_older(at, moment.at, MAX_AGE_OF_NONE_HOURS))
        })
    }
}

/// A section with items whose state and reason the caller knows, or an empty one.
pub(super) fn section(
    kind: Kind,
    found: Found,
    verdict: Option<(State, String)>,
    record: &PersonRecord,
    moment: &Moment<'_>,
) -> Section {
    let asked = record
        .completeness
        .iter()
        .filter(|asked| kind.is_asked_by(asked) && asked.coverage == Coverage::Complete)
        .filter_map(when)
        .max();
    let (state, why) = verdict.unwrap_or_else(|| empty(kind, record, moment));
    Section {
        state,
        why,
        as_of: found.newest.max(asked),
        items: found.items,
        withdrawn: found.withdrawn,
    }
}

/// State and reason of a list of items that count.
pub(super) fn of_items<'i>(
    kind: Kind,
    items: impl Iterator<Item = &'i Item>,
) -> Option<(State, String)> {
    let mut count = [0_usize; 5];
    let mut sources: BTreeSet<&str> = BTreeSet::new();
    for item in items {
        let at = match item.state {
            State::Conflict => 0,
            State::Present => 1,
            State::Unverified => 2,
            State::Stale => 3,
            State::None | State::Unknown => 4,
        };
        if let Some(n) = count.get_mut(at) {
            *n += 1;
        }
        // A joined result names its sources in one text.
        sources.extend(item.source.split(", "));
    }
    let total: usize = count.iter().sum();
    if total == 0 {
        return None;
    }
    let [conflict, present, unverified, stale, unknown] = count;
    let state = match (conflict, present, unverified, stale) {
        (1.., _, _, _) => State::Conflict,
        (0, 1.., _, _) => State::Present,
        (0, 0, 1.., _) => State::Unverified,
        (0, 0, 0, 1..) => State::Stale,
        (0, 0, 0, 0) => State::Unknown,
    };
    let noun = match (kind, total) {
        (Kind::Allergies, 1) => "allergy",
        (Kind::Problems, 1) => "problem",
        (Kind::Medications, 1) => "medication",
        (Kind::Labs, 1) => "result",
        (Kind::Vitals, 1) => "vital sign",
        (Kind::Encounters, 1) => "encounter",
        (_, _) => kind.noun(),
    };
    let sources: Vec<&str> = sources.into_iter().collect();
    let mut why = format!("{total} {noun} from {}", sources.join(", "));
    let parts: Vec<String> = [
        (conflict, "on which sources disagree"),
        (unverified, "unconfirmed"),
        (stale, "old"),
        (unknown, "without a value"),
    ]
    .iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, words)| format!("{n} {words}"))
    .collect();
    if !parts.is_empty() {
        why.push_str(&format!(" ({})", parts.join(", ")));
    }
    Some((state, why))
}

/// State and reason of a section without a single item that counts.
pub(super) fn empty(kind: Kind, record: &PersonRecord, moment: &Moment<'_>) -> (State, String) {
    let questions = questions(kind, record);
    let never_asked = questions.iter().all(|question| question.asked.is_none());
    // What waits may hold what this section lacks: it is neither none nor "nothing was received".
    let waits = waiting(record).map(|count| match count {
        1 => String::from("1 message about this patient is held back"),
        many => format!("{many} messages about this patient are held back"),
    });
    match (never_asked, &waits) {
        (true, Some(waits)) => {
            return (
                State::Unknown,
                format!("not known: {waits}, and no source was asked"),
            );
        }
        (true, None) => {
            return (
                State::Unknown,
                String::from("not known: nothing was received and no source was asked"),
            );
        }
        (false, _) => {}
    }
    let mut told: Vec<String> = questions
        .iter()
        .map(|question| question.words(moment))
        .collect();
    told.dedup();
    if let Some(waits) = waits {
        return (
            State::Unknown,
            format!("not known: {waits}; {}", told.join("; ")),
        );
    }
    let told = told.join("; ");
    let answered = questions
        .iter()
        .all(|question| question.is_answered(moment));
    match (answered, kind.empty_may_be_none()) {
        (true, true) => (State::None, format!("none: {told}")),
        (true, false) => (
            State::Unknown,
            format!("none recorded: {told}, which is not the same as none"),
        ),
        (false, _) => (State::Unknown, format!("not known: {told}")),
    }
}

/// How many inputs about this person wait, when any do.
pub(super) fn waiting(record: &PersonRecord) -> Option<u64> {
    let held = u64::try_from(record.held.len()).unwrap_or(u64::MAX);
    Some(record.waiting.max(held)).filter(|count| *count > 0)
}

/// A caveat for each source whose last answer was cut short, refused or failed, so that a list with items does not pass for all of it.
pub(super) fn gaps(kind: Kind, record: &PersonRecord, moment: &Moment<'_>) -> Vec<String> {
    questions(kind, record)
        .iter()
        .filter(|question| {
            question.asked.is_some_and(|asked| match asked.coverage {
                Coverage::Truncated
                | Coverage::Denied
                | Coverage::Unlicensed
                | Coverage::Failed => true,
                Coverage::Complete | Coverage::NeverAsked => false,
            })
        })
        .map(|question| {
            format!(
                "There may be more {}: {}.",
                kind.noun(),
                question.words(moment)
            )
        })
        .collect()
}

fn questions(kind: Kind, record: &PersonRecord) -> Vec<Question<'_>> {
    // Each source that ever spoke of one of these patients, whether it was asked or spoke up by itself.
    let heard = record
        .resources
        .iter()
        .filter_map(|stored| Some((stored.source.as_str(), stored.patient.as_ref()?.as_str())));
    let asked = record
        .completeness
        .iter()
        .map(|asked| (asked.source.as_str(), asked.patient.as_str()));
    let pairs: BTreeSet<(&str, &str)> = heard.chain(asked).collect();
    pairs
        .into_iter()
        .flat_map(|(source, patient)| {
            let (types, _) = kind.covers();
            // A kind of several types is answered when each of them is.
            types.iter().map(move |of_type| Question {
                source,
                asked: record
                    .completeness
                    .iter()
                    .filter(|asked| asked.source == source && asked.patient == patient)
                    .filter(|asked| asked.resource_type == *of_type && kind.is_asked_by(asked))
                    .max_by_key(|asked| asked.asked_at),
            })
        })
        .collect()
}

fn when(asked: &Asked) -> Option<Timestamp> {
    Timestamp::from_microsecond(asked.asked_at).ok()
}

/// Whether the window reached from ever to the moment of asking.
fn is_whole(asked: &Asked) -> bool {
    asked.window_lo.is_none() && asked.window_hi.is_none_or(|hi| hi >= asked.asked_at)
}
