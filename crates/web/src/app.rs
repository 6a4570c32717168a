//! What the handlers are given. Built once by the binary, cheap to clone.

use std::sync::Arc;

use bedside_fact::clock::Timestamp;
use bedside_store::Store;
use jiff::tz::TimeZone;

use crate::feeds::Feeds;
use crate::metrics::Traffic;

/// The store, the feeds and the site's own settings.
#[derive(Clone)]
pub struct App {
    /// What is true.
    pub store: Store,
    /// The listeners, as far as the console shows them.
    pub feeds: Arc<dyn Feeds>,
    /// The zone in which times are shown and typed.
    pub zone: TimeZone,
    /// The name of the site, shown in the header.
    pub site: String,
    /// Whether people reach the console through TLS. Then cookies are marked `Secure`; over plain HTTP a browser would drop them.
    pub tls: bool,
}

/// The application and what only this crate adds to it.
#[derive(Clone)]
pub(crate) struct Console {
    pub(crate) app: App,
    pub(crate) traffic: Arc<Traffic>,
}

impl Console {
    pub(crate) fn new(app: App) -> Self {
        Self {
            app,
            traffic: Arc::new(Traffic::default()),
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.app.store
    }

    pub(crate) fn zone(&self) -> &TimeZone {
        &self.app.zone
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.app.store.clock().now()
    }
}
