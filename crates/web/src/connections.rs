//! What the console knows of the connections to EHRs, and the three things it can ask of one. `web` and `gateway` don't know each other:
//! the binary joins them through this.

use bedside_fact::clock::Timestamp;

/// One connection, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionStatus {
    /// The name in the configuration.
    pub name: String,
    /// The vendor profile that it goes by.
    pub vendor: String,
    /// The origin that it speaks to, and to no other.
    pub origin: String,
    /// `up`, `degraded`, `down` or `paused`.
    pub state: String,
    /// The circuit breaker: `closed`, `open` or `half open`.
    pub breaker: String,
    /// Requests within the last minute.
    pub rate_per_minute: u32,
    /// Requests since the start.
    pub requests: u64,
    /// When it last had a good answer.
    pub last_success: Option<Timestamp>,
    /// When it last failed, and how: a kind, never content.
    pub last_failure: Option<(Timestamp, String)>,
    /// When the next question is due.
    pub next_due: Option<Timestamp>,
    /// How many patients it follows.
    pub patients: u64,
}

/// The connections.
pub trait Connections: Send + Sync {
    /// Every connection.
    fn status(&self) -> Vec<ConnectionStatus>;

    /// Stops asking, or goes on.
    fn pause(&self, name: &str, paused: bool);

    /// Asks everything anew, as soon as it may.
    fn resync(&self, name: &str);

    /// Our public keys as a JSON Web Key Set, which EHRs fetch to check our signatures.
    fn keys(&self) -> String {
        String::from("{\"keys\":[]}")
    }
}

/// A console without connections.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoConnections;

impl Connections for NoConnections {
    fn status(&self) -> Vec<ConnectionStatus> {
        Vec::new()
    }

    fn pause(&self, _: &str, _: bool) {}

    fn resync(&self, _: &str) {}
}
