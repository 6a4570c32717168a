//! What was asked of a source and how it went: the ground on which *none* may be said (design D9).

use serde::{Deserialize, Serialize};

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
