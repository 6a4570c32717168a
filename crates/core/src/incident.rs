//! What goes wrong on a connection, in kinds that an operator can act on. An incident is counted on the sources page until it is over.
//!
//! Kinds and places only: no value of a patient's ever stands in one.

use serde::{Deserialize, Serialize};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The server could not be reached, or did not answer in time.
    Unreachable,
    /// It answered with something that is no FHIR: a page, plain text.
    NotFhir,
    /// It answered with a server error.
    ServerError,
    /// The answer broke off, or is no whole JSON.
    HalfBody,
    /// A page link leads to another origin; it was not followed.
    ForeignLink,
    /// A token was refused in the middle of a crawl.
    TokenDied,
    /// No token could be had.
    NoToken,
    /// It refused the question.
    Refused,
    /// It asked to be left alone for a while.
    RateLimited,
    /// It put an outcome into the answer whose code the profile does not list.
    UnlistedOutcome,
    /// It lacks what a query of this kind must have.
    BadQuery,
    /// A page of a crawl was no longer there.
    PageExpired,
    /// It answered about another patient than was asked about, or about nobody.
    ForeignSubject,
    /// It said that there is more than it gave.
    ShortAnswer,
    /// A result has a unit or a number that can't be read.
    UnreadableValue,
    /// A result lies in the future.
    FutureTime,
    /// A write was not answered, so nobody knows whether it was taken.
    WriteUnanswered,
    /// A write was refused.
    WriteRefused,
    /// What was read back is not what was written.
    ReadBackDiffers,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Unreachable,
        Self::NotFhir,
        Self::ServerError,
        Self::HalfBody,
        Self::ForeignLink,
        Self::TokenDied,
        Self::NoToken,
        Self::Refused,
        Self::RateLimited,
        Self::UnlistedOutcome,
        Self::BadQuery,
        Self::PageExpired,
        Self::ForeignSubject,
        Self::ShortAnswer,
        Self::UnreadableValue,
        Self::FutureTime,
        Self::WriteUnanswered,
        Self::WriteRefused,
        Self::ReadBackDiffers,
    ];

    /// The word in the store and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::NotFhir => "not_fhir",
            Self::ServerError => "server_error",
            Self::HalfBody => "half_body",
            Self::ForeignLink => "foreign_link",
            Self::TokenDied => "token_died",
            Self::NoToken => "no_token",
            Self::Refused => "refused",
            Self::RateLimited => "rate_limited",
            Self::UnlistedOutcome => "unlisted_outcome",
            Self::BadQuery => "bad_query",
            Self::PageExpired => "page_expired",
            Self::ForeignSubject => "foreign_subject",
            Self::ShortAnswer => "short_answer",
            Self::UnreadableValue => "unreadable_value",
            Self::FutureTime => "future_time",
            Self::WriteUnanswered => "write_unanswered",
            Self::WriteRefused => "write_refused",
            Self::ReadBackDiffers => "read_back_differs",
        }
    }

    /// The kind of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// What happened, for an operator.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unreachable => "does not answer",
            Self::NotFhir => "answers with something that is no FHIR",
            Self::ServerError => "answers with a server error",
            Self::HalfBody => "breaks off in the middle of an answer",
            Self::ForeignLink => "sends a page link to another host, which was not followed",
            Self::TokenDied => "refused a token in the middle of a crawl",
            Self::NoToken => "gives no token",
            Self::Refused => "refuses a question",
            Self::RateLimited => "asked to be left alone for a while",
            Self::UnlistedOutcome => {
                "puts an outcome into its answers that the profile does not know"
            }
            Self::BadQuery => "refuses a query as incomplete",
            Self::PageExpired => "lets pages of a crawl expire",
            Self::ForeignSubject => {
                "answers about another patient than was asked about, or about nobody"
            }
            Self::ShortAnswer => "says that there is more than it gives",
            Self::UnreadableValue => "sends a result whose unit or number can't be read",
            Self::FutureTime => "sends a result from the future",
            Self::WriteUnanswered => "did not answer a write",
            Self::WriteRefused => "refused a write",
            Self::ReadBackDiffers => "holds something else than was written",
        }
    }

    /// Whether the next good answer ends it. What is about a value stays until somebody has seen it.
    #[must_use]
    pub const fn ends_by_itself(self) -> bool {
        match self {
            Self::Unreachable
            | Self::NotFhir
            | Self::ServerError
            | Self::HalfBody
            | Self::TokenDied
            | Self::NoToken
            | Self::RateLimited
            | Self::PageExpired
            | Self::ForeignSubject
            | Self::ShortAnswer
            | Self::ForeignLink
            | Self::UnlistedOutcome
            | Self::BadQuery
            | Self::Refused => true,
            Self::UnreadableValue
            | Self::FutureTime
            | Self::WriteUnanswered
            | Self::WriteRefused
            | Self::ReadBackDiffers => false,
        }
    }
}
