//! The answer to a need: which kind of fact it is, what the sources say when there is nothing, and how that reads.

use bedside_fact::clock::Timestamp;
use bedside_fact::known::{Fact, Gap, Need};
use bedside_fact::state::State;
use bedside_fact::time::age_words;
use jiff::tz::TimeZone;
use serde::de::IgnoredAny;

use super::catalogue::{Catalogue, EmptyMeans, FactDef, Kind};
use super::{flag, list, quantity};
use crate::chart::seen::{Moment, Seen};
use crate::completeness::{Question, Reach, questions, waiting_words, worst};
use crate::record::{PersonRecord, Stored};

/// As old as an answer "there is nothing" may be when the need names no age, in seconds.
const AGE_OF_NONE: i64 = 24 * 3_600;

/// The state of a fact for one need, as of `now`.
///
/// The state is final for this need: another maximum age may give another one. Values within [`Need::window`] are given too, and at
/// least [`Need::latest`] of them; what was taken back is in [`Fact::withdrawn`] and never among the values.
#[must_use]
pub fn bind(
    record: &PersonRecord,
    catalogue: &Catalogue,
    need: &Need,
    now: Timestamp,
    zone: &TimeZone,
) -> Fact {
    let Some(fact) = catalogue.get(&need.fact) else {
        return Fact::unknown(
            &need.fact,
            Gap::NoSource,
            "no source of this site supplies it",
        );
    };
    let asked = Asking {
        record,
        fact,
        need,
        moment: Moment {
            at: now,
            zone,
            catalogue,
        },
    };
    match fact.kind {
        Kind::List if !fact.members.is_empty() => list::of_members(&asked),
        Kind::List => list::list(&asked),
        Kind::Quantity | Kind::Statement => quantity::quantity(&asked),
        Kind::Flag => flag::flag(&asked),
    }
}

/// All that one answer is made of.
pub(super) struct Asking<'a> {
    pub(super) record: &'a PersonRecord,
    pub(super) fact: &'a FactDef,
    pub(super) need: &'a Need,
    pub(super) moment: Moment<'a>,
}

/// What is said when nothing is there.
pub(super) struct Nothing {
    pub(super) state: State,
    pub(super) gap: Gap,
    pub(super) why: String,
}

impl<'a> Asking<'a> {
    /// The stored resources of these types that may be about this fact, parsed. A body that does not even hold one of the codes is
    /// passed over unread: a need is bound at each change of a patient.
    pub(super) fn seen(&self, types: &[&str]) -> Vec<Seen<'a>> {
        self.record
            .resources
            .iter()
            .filter(|stored| types.contains(&stored.resource_type.as_str()))
            .filter(|stored| self.may_hold(stored))
            .filter_map(|stored| {
                let value: serde_json::Value = serde_json::from_str(&stored.body).ok()?;
                Some(Seen {
                    stored,
                    value,
                    held: false,
                })
            })
            .collect()
    }

    fn may_hold(&self, stored: &Stored) -> bool {
        let codes = &self.fact.codes;
        codes.is_empty() || codes.iter().any(|code| stored.body.contains(&code.code))
    }

    /// How each source was last asked for this fact.
    pub(super) fn questions(&self) -> Vec<Question> {
        let (types, category) = self.fact.asked_for();
        let need = self.need;
        let reach = Reach {
            types: &types,
            category,
            window: match self.fact.kind {
                // An entry of a list stands until it ends, however long ago it was made.
                Kind::List | Kind::Flag => None,
                Kind::Quantity | Kind::Statement => need.window.max(need.max_age),
            },
            max_age: need.max_age.unwrap_or(AGE_OF_NONE),
        };
        questions(self.record, reach, self.moment.at, &|source| {
            self.moment.catalogue.system(source)
        })
    }

    /// What is said when nothing is there.
    pub(super) fn nothing(&self) -> Nothing {
        let questions = self.questions();
        let told = self.tell(&questions);
        if let Some(waits) = waiting_words(self.record) {
            let why = if told.is_empty() {
                waits
            } else {
                format!("{waits}; {told}")
            };
            return Nothing {
                state: State::Unknown,
                gap: Gap::HeldBack,
                why,
            };
        }
        if let Some(words) = self.broken() {
            return Nothing {
                state: State::Unknown,
                gap: Gap::Unreadable,
                why: words,
            };
        }
        if questions.is_empty() {
            return Nothing {
                state: State::Unknown,
                gap: Gap::NeverAsked,
                why: String::from("nothing was received and no source was asked"),
            };
        }
        match (worst(&questions), self.fact.empty_means) {
            (Some(gap), _) => Nothing {
                state: State::Unknown,
                gap,
                why: told,
            },
            (None, EmptyMeans::None) => Nothing {
                state: State::None,
                gap: Gap::Empty,
                why: told,
            },
            (None, EmptyMeans::NoneRecorded) => Nothing {
                state: State::Unknown,
                gap: Gap::NoneRecorded,
                why: format!("{told}, which is not the same as none"),
            },
        }
    }

    /// Why there may be more than the values that are there, in one word: then what is not among them is not known to be absent.
    pub(super) fn missing_gap(&self) -> Option<Gap> {
        self.holes()
            .into_iter()
            .find_map(|question| question.gap)
            .or_else(|| waiting_words(self.record).map(|_| Gap::HeldBack))
            .or_else(|| self.broken().map(|_| Gap::Unreadable))
    }

    /// The questions that were not answered in full.
    fn holes(&self) -> Vec<Question> {
        self.questions()
            .into_iter()
            .filter(|question| {
                question.gap.is_some_and(|gap| {
                    // A feed can't be asked and misses nothing; an EHR that was asked for other things may have entries of this one.
                    if gap == Gap::NeverAsked {
                        return !question.is_feed;
                    }
                    // An old answer to a list leaves out what was added since; a value has a time of its own.
                    gap != Gap::AskedTooLongAgo || matches!(self.fact.kind, Kind::List | Kind::Flag)
                })
            })
            .collect()
    }

    /// What is missing beside the values that are there, in words.
    pub(super) fn missing(&self) -> Option<String> {
        let gaps = self.holes();
        let told: Vec<String> = [self.tell(&gaps)]
            .into_iter()
            .chain(waiting_words(self.record))
            .chain(self.broken())
            .filter(|words| !words.is_empty())
            .collect();
        (!told.is_empty()).then(|| format!("there may be more: {}", told.join("; ")))
    }

    /// That something is stored which may be about this fact and can't be read.
    fn broken(&self) -> Option<String> {
        let (types, _) = self.fact.asked_for();
        self.record
            .resources
            .iter()
            .filter(|stored| {
                types.contains(&stored.resource_type.as_str()) && self.may_hold(stored)
            })
            .find(|stored| serde_json::from_str::<IgnoredAny>(&stored.body).is_err())
            .map(|stored| {
                format!(
                    "a resource from {} (input {}) can't be read",
                    stored.source, stored.journal_seq
                )
            })
    }

    fn tell(&self, questions: &[Question]) -> String {
        let mut told: Vec<String> = questions
            .iter()
            .map(|question| match question.at {
                Some(at) => format!(
                    "{} {} ({})",
                    question.source,
                    question.did,
                    age_words(at, self.moment.at)
                ),
                None => format!("{} {}", question.source, question.did),
            })
            .collect();
        told.dedup();
        told.join("; ")
    }

    /// Whether something of `then` is too old for this need.
    pub(super) fn is_stale(&self, then: Timestamp) -> bool {
        self.need
            .max_age
            .is_some_and(|seconds| self.moment.at.as_second() - then.as_second() > seconds)
    }

    /// An empty fact of this name.
    pub(super) fn fact(&self, state: State, gap: Option<Gap>, why: String) -> Fact {
        Fact {
            name: self.need.fact.clone(),
            state,
            gap,
            why,
            data: Vec::new(),
            against: Vec::new(),
            withdrawn: Vec::new(),
            as_of: None,
        }
    }
}

/// When a source was last heard on this fact, by the completeness ledger and by what it sent.
pub(super) fn last_heard<'r>(
    record: &'r PersonRecord,
    types: &[&str],
    source: &str,
) -> Option<Timestamp> {
    let rows = || {
        record
            .completeness
            .iter()
            .filter(|row| row.source == source)
    };
    let can_be_asked = rows().any(|row| types.contains(&row.resource_type.as_str()));
    let asked = rows()
        .filter(|row| types.contains(&row.resource_type.as_str()))
        .filter(|row| row.coverage == crate::completeness::Coverage::Complete)
        .map(|row| row.asked_at)
        .max();
    let sent = record
        .resources
        .iter()
        .filter(|stored| stored.source.as_str() == source)
        // What a feed sends at all shows that it still speaks of this patient; who is asked speaks of what was asked.
        .filter(|stored| !can_be_asked || types.contains(&stored.resource_type.as_str()))
        .map(|stored: &'r Stored| stored.known_at)
        .max();
    asked
        .max(sent)
        .and_then(|micros| Timestamp::from_microsecond(micros).ok())
}
