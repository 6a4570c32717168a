//! What a section as a whole says, and above all what it says when it is empty (promise P6).
//!
//! An empty list is *none* only for results, vital signs and encounters, and only when every source patient of this person was
//! asked, completely and lately. For allergies, problems and medications it is *none recorded*, which is *unknown*.

use std::collections::BTreeSet;

use bedside_fact::clock::Timestamp;
use bedside_fact::known::Gap;
use bedside_fact::state::State;

use super::seen::{Moment, Seen};
use super::stale::MAX_AGE_OF_NONE_HOURS;
use super::view::{Item, Section, Withdrawn};
use crate::completeness::{Asked, Coverage, Question, Reach, questions, waiting_words, worst};
use crate::record::PersonRecord;

/// Which section.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
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
            // What is asked for as a problem list is the list of problems; encounter diagnoses are others.
            Self::Problems => (&["Condition"], "problem-list-item"),
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

/// What a section as a whole says.
pub(super) struct Verdict {
    pub(super) state: State,
    /// Why there is nothing to rely on, where there is not.
    pub(super) gap: Option<Gap>,
    pub(super) why: String,
}

impl Verdict {
    pub(super) fn unknown(gap: Gap, why: String) -> Self {
        Self {
            state: State::Unknown,
            gap: Some(gap),
            why,
        }
    }

    pub(super) fn none(gap: Gap, why: String) -> Self {
        Self {
            state: State::None,
            gap: Some(gap),
            why,
        }
    }

    pub(super) fn conflict(why: String) -> Self {
        Self {
            state: State::Conflict,
            gap: None,
            why,
        }
    }
}

/// The state in the words of a page: `none`, `unknown (refused)`, `current`.
fn says(state: State, gap: Option<Gap>) -> String {
    match (state, gap) {
        (State::Unknown, Some(gap)) => format!("unknown ({})", gap.words()),
        (State::Unknown, None) => String::from("unknown"),
        (
            state @ (State::Present
            | State::Stale
            | State::None
            | State::Conflict
            | State::Unverified),
            _,
        ) => state.words().to_owned(),
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

/// A section with items whose state and reason the caller knows, or an empty one.
pub(super) fn section(
    kind: Kind,
    found: Found,
    verdict: Option<Verdict>,
    record: &PersonRecord,
    moment: &Moment<'_>,
) -> Section {
    let asked = record
        .completeness
        .iter()
        .filter(|asked| kind.is_asked_by(asked) && asked.coverage == Coverage::Complete)
        .filter_map(when)
        .max();
    let verdict = verdict.unwrap_or_else(|| empty(kind, record, moment));
    Section {
        says: says(verdict.state, verdict.gap),
        state: verdict.state,
        gap: verdict.gap,
        why: verdict.why,
        as_of: found.newest.max(asked),
        items: found.items,
        withdrawn: found.withdrawn,
    }
}

/// State and reason of a list of items that count.
pub(super) fn of_items<'i>(kind: Kind, items: impl Iterator<Item = &'i Item>) -> Option<Verdict> {
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
    // What is listed and has no value at all was sent in a form that can't be read.
    let gap = (state == State::Unknown).then_some(Gap::Unreadable);
    Some(Verdict { state, gap, why })
}

/// State, gap and reason of a section without a single item that counts.
pub(super) fn empty(kind: Kind, record: &PersonRecord, moment: &Moment<'_>) -> Verdict {
    let questions = asked(kind, record, moment);
    let never_asked = questions
        .iter()
        .all(|question| question.gap == Some(Gap::NeverAsked));
    // What waits may hold what this section lacks: it is neither none nor "nothing was received".
    let waits = waiting_words(record);
    if never_asked {
        return match waits {
            Some(waits) => Verdict::unknown(
                Gap::HeldBack,
                format!("not known: {waits}, and no source was asked"),
            ),
            None => Verdict::unknown(
                Gap::NeverAsked,
                String::from("not known: nothing was received and no source was asked"),
            ),
        };
    }
    let mut told: Vec<String> = questions
        .iter()
        .map(|question| words(question, moment))
        .collect();
    told.dedup();
    let told = told.join("; ");
    if let Some(waits) = waits {
        return Verdict::unknown(Gap::HeldBack, format!("not known: {waits}; {told}"));
    }
    match (worst(&questions), kind.empty_may_be_none()) {
        (None, true) => Verdict::none(Gap::Empty, format!("none: {told}")),
        (None, false) => Verdict::unknown(
            Gap::NoneRecorded,
            format!("none recorded: {told}, which is not the same as none"),
        ),
        (Some(gap), _) => Verdict::unknown(gap, format!("not known: {told}")),
    }
}

/// A caveat for each source whose last answer was cut short, refused or failed, so that a list with items does not pass for all of it.
pub(super) fn gaps(kind: Kind, record: &PersonRecord, moment: &Moment<'_>) -> Vec<String> {
    asked(kind, record, moment)
        .iter()
        .filter(|question| match question.gap {
            Some(Gap::Truncated | Gap::Refused | Gap::Unlicensed | Gap::Failed) => true,
            Some(
                Gap::Empty
                | Gap::StatedNone
                | Gap::NoneRecorded
                | Gap::NeverAsked
                | Gap::AskedTooLongAgo
                | Gap::Unreadable
                | Gap::Future
                | Gap::HeldBack
                | Gap::NoSource,
            )
            | None => false,
        })
        .map(|question| {
            format!(
                "There may be more {}: {}.",
                kind.noun(),
                words(question, moment)
            )
        })
        .collect()
}

fn asked(kind: Kind, record: &PersonRecord, moment: &Moment<'_>) -> Vec<Question> {
    let (types, category) = kind.covers();
    let reach = Reach {
        types,
        category,
        window: None,
        max_age: MAX_AGE_OF_NONE_HOURS * 3_600,
    };
    questions(record, reach, moment.at, &|source| {
        moment.catalogue.system(source)
    })
}

fn words(question: &Question, moment: &Moment<'_>) -> String {
    match question.at {
        Some(at) => format!(
            "{} {} ({})",
            question.source,
            question.did,
            moment.words(at)
        ),
        None => format!("{} {}", question.source, question.did),
    }
}

fn when(asked: &Asked) -> Option<Timestamp> {
    Timestamp::from_microsecond(asked.asked_at).ok()
}
