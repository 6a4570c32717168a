//! What was asked of a source and how it went: the ground on which *none* may be said (design D9).
//!
//! `questions` lists, for each source patient of a person, how it was last asked for a kind of resource and what is missing of the
//! answer. The page of a patient (`chart`) and the facts of a workflow (`facts`) both go by it, so that neither says *none* where the
//! other says *unknown*. What *none recorded* means for a kind of resource is not known here.

use std::collections::BTreeSet;

use bedside_fact::clock::Timestamp;
use bedside_fact::known::Gap;
use serde::{Deserialize, Serialize};

use crate::record::PersonRecord;

/// How an attempt to know everything of one kind ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// Everything in the window was seen.
    Complete,
    /// Some of it was seen.
    Truncated,
    /// The source refused.
    Denied,
    /// The site has no licence for it.
    Unlicensed,
    /// The attempt failed.
    Failed,
    /// Nobody asked.
    NeverAsked,
}

impl Coverage {
    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Truncated => "truncated",
            Self::Denied => "denied",
            Self::Unlicensed => "unlicensed",
            Self::Failed => "failed",
            Self::NeverAsked => "never_asked",
        }
    }

    /// The coverage of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Complete,
            Self::Truncated,
            Self::Denied,
            Self::Unlicensed,
            Self::Failed,
            Self::NeverAsked,
        ]
        .into_iter()
        .find(|coverage| coverage.as_str() == word)
    }
}

/// One line of the append-only ledger of completeness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Source.
    pub source: String,
    /// Public id of the patient.
    pub patient: String,
    /// Resource type.
    pub resource_type: String,
    /// Category within the type, empty for all of it.
    pub category: String,
    /// How it ended.
    pub coverage: Coverage,
    /// When it was asked, microseconds since 1970.
    pub asked_at: i64,
    /// First instant of the window asked for, microseconds; none when unbounded.
    pub window_lo: Option<i64>,
    /// Last instant of the window asked for, microseconds; none when unbounded.
    pub window_hi: Option<i64>,
    /// As whom it was asked: empty for the system itself.
    pub persona: String,
    /// Hash of scopes and query.
    pub basis: String,
}

/// What an answer must be to count.
#[derive(Clone, Copy)]
pub(crate) struct Reach<'a> {
    /// FHIR types; a source that was asked for some of them answered for those.
    pub(crate) types: &'a [&'a str],
    /// Category within the type; empty for all of it.
    pub(crate) category: &'a str,
    /// How far back it must go, in seconds; none for ever.
    pub(crate) window: Option<i64>,
    /// How old it may be, in seconds.
    pub(crate) max_age: i64,
}

/// How one source patient was last asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) source: String,
    /// When it was last asked.
    pub(crate) at: Option<Timestamp>,
    /// What is missing; none when it answered completely, lately and far enough back.
    pub(crate) gap: Option<Gap>,
    /// What it did, in words that follow its name.
    pub(crate) did: &'static str,
    /// It can't be asked: nobody ever asked it anything about this person.
    pub(crate) is_feed: bool,
}

/// Each source patient of a person with how it was last asked, in order of name.
///
/// A feed can't be asked. Where another source of its system was asked about this person, that answer stands for both (design D2);
/// `system` tells which system a source belongs to, where that is known.
pub(crate) fn questions<'s>(
    record: &PersonRecord,
    reach: Reach<'_>,
    now: Timestamp,
    system: &dyn Fn(&str) -> Option<&'s str>,
) -> Vec<Question> {
    // Each source that ever spoke of one of these patients, whether it was asked or spoke up by itself.
    let heard = record
        .resources
        .iter()
        .filter_map(|stored| Some((stored.source.as_str(), stored.patient.as_ref()?.as_str())));
    let asked = || {
        record
            .completeness
            .iter()
            .map(|asked| (asked.source.as_str(), asked.patient.as_str()))
    };
    let was_asked: BTreeSet<(&str, &str)> = asked().collect();
    let pairs: BTreeSet<(&str, &str)> = heard.chain(asked()).collect();
    // A source that was asked about another patient can be asked, and has a gap here.
    let is_feed = |source: &str| !was_asked.iter().any(|(other, _)| *other == source);
    let is_covered = |source: &str| {
        let of = system(source);
        is_feed(source)
            && was_asked
                .iter()
                .any(|(other, _)| of.is_some() && system(other) == of)
    };
    let mut found: Vec<Question> = pairs
        .iter()
        .filter(|(source, _)| !is_covered(source))
        .map(|(source, patient)| {
            let rows: Vec<&Asked> = record
                .completeness
                .iter()
                .filter(|row| row.source == *source && row.patient == *patient)
                .collect();
            Question {
                is_feed: is_feed(source),
                ..question(source, &rows, reach, now)
            }
        })
        .collect();
    found.sort_by(|a, b| (&a.source, a.at).cmp(&(&b.source, b.at)));
    found.dedup();
    found
}

/// The gap that decides, of all that there are: what was refused says more than what was not asked.
pub(crate) fn worst(questions: &[Question]) -> Option<Gap> {
    const ORDER: [Gap; 6] = [
        Gap::Refused,
        Gap::Failed,
        Gap::Truncated,
        Gap::Unlicensed,
        Gap::AskedTooLongAgo,
        Gap::NeverAsked,
    ];
    ORDER
        .into_iter()
        .find(|gap| questions.iter().any(|question| question.gap == Some(*gap)))
}

/// How many inputs about this person wait, when any do.
pub(crate) fn waiting(record: &PersonRecord) -> Option<u64> {
    let held = u64::try_from(record.held.len()).unwrap_or(u64::MAX);
    Some(record.waiting.max(held)).filter(|count| *count > 0)
}

/// That inputs wait, in words.
pub(crate) fn waiting_words(record: &PersonRecord) -> Option<String> {
    Some(match waiting(record)? {
        1 => String::from("1 message about this patient is held back"),
        many => format!("{many} messages about this patient are held back"),
    })
}

fn question(source: &str, rows: &[&Asked], reach: Reach<'_>, now: Timestamp) -> Question {
    let answers: Vec<Question> = reach
        .types
        .iter()
        .filter_map(|of| answer(source, rows, of, reach, now))
        .collect();
    let gap = worst(&answers);
    // Of several types the one that decides speaks. The first is where the entries mainly are: who was asked for others alone was not asked.
    let main = reach.types.first();
    let asked_for_main = rows
        .iter()
        .any(|row| main.is_some_and(|of| row.resource_type == *of));
    let speaks = answers
        .into_iter()
        .find(|answer| answer.gap == gap)
        .filter(|answer| asked_for_main || answer.gap.is_some());
    speaks.unwrap_or_else(|| Question {
        source: source.to_owned(),
        at: None,
        gap: Some(Gap::NeverAsked),
        did: "was not asked",
        is_feed: false,
    })
}

fn answer(
    source: &str,
    rows: &[&Asked],
    of: &str,
    reach: Reach<'_>,
    now: Timestamp,
) -> Option<Question> {
    let mut rows: Vec<&Asked> = rows
        .iter()
        .filter(|row| row.resource_type == of)
        .filter(|row| row.category.is_empty() || row.category == reach.category)
        .copied()
        .collect();
    // Of two answers of one moment the worse one counts.
    rows.sort_by_key(|row| {
        (
            std::cmp::Reverse(row.asked_at),
            row.coverage == Coverage::Complete,
        )
    });
    let last = rows.first()?;
    let old = now.as_microsecond().saturating_sub(last.asked_at)
        > reach.max_age.saturating_mul(1_000_000);
    let (gap, did) = match last.coverage {
        Coverage::Complete if !last.persona.is_empty() => {
            (Some(Gap::Truncated), "answered for one user's view only")
        }
        Coverage::Complete if !covers(&rows, reach, now) => (
            Some(Gap::Truncated),
            "was asked for a part of the time only",
        ),
        Coverage::Complete if old => (
            Some(Gap::AskedTooLongAgo),
            "was asked too long ago and had none",
        ),
        Coverage::Complete => (None, "was asked and had none"),
        Coverage::Truncated => (Some(Gap::Truncated), "gave only a part"),
        Coverage::Denied => (Some(Gap::Refused), "refused to answer"),
        Coverage::Unlicensed => (Some(Gap::Unlicensed), "is not licensed for this"),
        Coverage::Failed => (Some(Gap::Failed), "did not answer"),
        Coverage::NeverAsked => (Some(Gap::NeverAsked), "was not asked"),
    };
    Some(Question {
        source: source.to_owned(),
        at: Timestamp::from_microsecond(last.asked_at).ok(),
        gap,
        did,
        is_feed: false,
    })
}

/// Whether the last answer reaches back far enough, alone or with complete ones before it that join without a hole.
fn covers(rows: &[&Asked], reach: Reach<'_>, now: Timestamp) -> bool {
    let whole: Vec<&&Asked> = rows
        .iter()
        .filter(|row| row.coverage == Coverage::Complete && row.persona.is_empty())
        .collect();
    let Some(last) = whole.first() else {
        return false;
    };
    // An answer that stops before the moment of asking leaves the newest out.
    if last.window_hi.is_some_and(|hi| hi < last.asked_at) {
        return false;
    }
    let needed = reach.window.map(|seconds| {
        now.as_microsecond()
            .saturating_sub(seconds.saturating_mul(1_000_000))
    });
    let mut reached = last.window_lo;
    for row in whole.iter().skip(1) {
        let Some(lo) = reached else { break };
        if row.window_hi.unwrap_or(row.asked_at).min(row.asked_at) >= lo {
            reached = row.window_lo.map(|other| other.min(lo));
        }
    }
    match (reached, needed) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(reached), Some(needed)) => reached <= needed,
    }
}
