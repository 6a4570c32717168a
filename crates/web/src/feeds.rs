//! What the console knows of the listeners. `web` and `gateway` don't know each other: the binary joins them through this.

use bedside_fact::clock::Timestamp;

/// One listener, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedStatus {
    /// The source that it feeds.
    pub name: String,
    /// Where it listens.
    pub address: String,
    /// Open connections.
    pub connections: usize,
    /// Messages taken since the start.
    pub messages: u64,
    /// Frames that could not be taken since the start.
    pub errors: u64,
    /// When the last message came.
    pub last: Option<Timestamp>,
}

/// The listeners and lanes.
pub trait Feeds: Send + Sync {
    /// Every listener.
    fn status(&self) -> Vec<FeedStatus>;

    /// Says that the quarantine changed, so that the lanes look again at what waits.
    fn nudge(&self);

    /// How many inputs the lanes have in hand.
    fn queue_depth(&self) -> u64;
}

/// A console without listeners.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFeeds;

impl Feeds for NoFeeds {
    fn status(&self) -> Vec<FeedStatus> {
        Vec::new()
    }

    fn nudge(&self) {}

    fn queue_depth(&self) -> u64 {
        0
    }
}
