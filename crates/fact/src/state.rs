//! The six states of a fact. An empty list is not "none", and a refused question has no answer (promise P6).

use serde::{Deserialize, Serialize};

/// What is known of a fact about a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A usable value within its maximum age.
    Present,
    /// A value, but older than its use allows.
    Stale,
    /// The source looked and positively has nothing.
    None,
    /// Not asked, not answered, refused, timed out or unreadable.
    Unknown,
    /// Two trustworthy sources disagree.
    Conflict,
    /// There is a value, but it is preliminary, self-reported or doubtful.
    Unverified,
}

impl State {
    /// The word that goes over the wire and into JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Stale => "stale",
            Self::None => "none",
            Self::Unknown => "unknown",
            Self::Conflict => "conflict",
            Self::Unverified => "unverified",
        }
    }

    /// The words a clinician reads.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Present => "current",
            Self::Stale => "old",
            Self::None => "none",
            Self::Unknown => "not known",
            Self::Conflict => "sources disagree",
            Self::Unverified => "unconfirmed",
        }
    }
}
