//! What a connection has been seen to do: the site's own proof of how late events come and whether corrections, withdrawals and merges
//! are visible on it at all.
//!
//! A documentation says what an interface should show; a workflow may only rely on what it was seen to show here. One outcome yields at
//! most a few [`Seen`]; the store counts them in the transaction that makes the outcome true, so that each is counted once.

use serde::{Deserialize, Serialize};

/// An event as a workflow names it (`clinical events`), as far as a route can show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A laboratory result became final.
    ResultFinal,
    /// A result was corrected.
    ResultCorrected,
    /// A result was withdrawn: deleted, entered in error, another patient's.
    ResultWithdrawn,
    /// Two patient records became one.
    PatientsMerged,
    /// Somebody came in.
    Admitted,
    /// Somebody left.
    Discharged,
    /// Somebody died.
    Died,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ResultFinal,
        Self::ResultCorrected,
        Self::ResultWithdrawn,
        Self::PatientsMerged,
        Self::Admitted,
        Self::Discharged,
        Self::Died,
    ];

    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ResultFinal => "result_final",
            Self::ResultCorrected => "result_corrected",
            Self::ResultWithdrawn => "result_withdrawn",
            Self::PatientsMerged => "patients_merged",
            Self::Admitted => "admitted",
            Self::Discharged => "discharged",
            Self::Died => "died",
        }
    }

    /// The event of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == word)
    }

    /// The words for a person.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::ResultFinal => "result final",
            Self::ResultCorrected => "result corrected",
            Self::ResultWithdrawn => "result withdrawn",
            Self::PatientsMerged => "patients merged",
            Self::Admitted => "admitted",
            Self::Discharged => "discharged",
            Self::Died => "died",
        }
    }
}

/// One event seen on one route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What.
    pub event: Event,
    /// Microseconds between the moment at which the source knew and the one at which we knew; none when the source did not say.
    pub latency: Option<i64>,
}
