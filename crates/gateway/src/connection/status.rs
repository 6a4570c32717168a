//! How a connection is doing, for the sources page.

use bedside_core::incident;
use bedside_fact::clock::Timestamp;

use super::breaker::BreakerState;

/// In one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It answers.
    Up,
    /// It answers, and some questions fail.
    Degraded,
    /// It does not answer.
    Down,
    /// A person paused it.
    Paused,
}

impl State {
    /// The word on pages and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Paused => "paused",
        }
    }
}

/// How a connection is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The source's name.
    pub name: String,
    /// Who made the EHR.
    pub vendor: String,
    /// Scheme, host and port.
    pub origin: String,
    /// In one word.
    pub state: State,
    /// Whether requests go out.
    pub breaker: BreakerState,
    /// Requests within the last minute.
    pub rate_per_minute: u32,
    /// Requests since the start.
    pub requests: u64,
    /// The last answer.
    pub last_success: Option<Timestamp>,
    /// The last failure, and its kind.
    pub last_failure: Option<(Timestamp, incident::Kind)>,
    /// When it is asked next.
    pub next_due: Option<Timestamp>,
    /// Patients on the roster.
    pub patients: u64,
    /// Whether everything that was due was asked once since the start.
    pub crawled_once: bool,
}
