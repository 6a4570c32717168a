//! What a connection is told.

use std::sync::Arc;

use bedside_core::profile::Profile;
use bedside_core::source::Source;
use jiff::SignedDuration;

/// One connection.
#[derive(Clone)]
pub struct ConnectionOptions {
    /// The source that it is.
    pub source: Source,
    /// The base URL of its FHIR API: the registered origin, to which alone the token goes.
    pub base: String,
    /// The token endpoint, where it is not discovered or lies at another origin.
    pub token_url: Option<String>,
    /// Who we are there.
    pub client_id: String,
    /// The scopes to ask for, where they are not the profile's.
    pub scopes: Option<String>,
    /// What the server is like.
    pub profile: Arc<Profile>,
    /// Whose records are asked for.
    pub roster: Roster,
    /// How often.
    pub pace: Pace,
    /// Where the jitter of retries begins, so that a day can be played again.
    pub jitter_seed: u64,
}

/// Whose records are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roster {
    /// The members of this Group, whose id the site gives.
    Group(String),
}

/// How often something is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Laboratory results.
    pub labs: SignedDuration,
    /// The rest of a chart.
    pub rest: SignedDuration,
    /// Who is on the roster.
    pub roster: SignedDuration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            labs: SignedDuration::from_mins(5),
            rest: SignedDuration::from_hours(1),
            roster: SignedDuration::from_mins(15),
        }
    }
}
