//! What the handlers are given. Built once by the binary, cheap to clone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bedside_core::facts::Catalogue;
use bedside_fact::clock::Timestamp;
use bedside_store::Store;
use jiff::tz::TimeZone;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::connections::Connections;
use crate::console::news::News;
use crate::desk::Desk;
use crate::feeds::Feeds;
use crate::fhir::Api;
use crate::metrics::Traffic;

/// Pages that are told of changes at once. A page beyond that asks by itself now and then.
pub(crate) const LISTENERS: usize = 120;

/// The store, the feeds and the site's own settings.
#[derive(Clone)]
pub struct App {
    /// What is true.
    pub store: Store,
    /// The listeners, as far as the console shows them.
    pub feeds: Arc<dyn Feeds>,
    /// The engine of the workflows, as far as people act on items.
    pub desk: Arc<dyn Desk>,
    /// The connections to EHRs, as far as the console shows them.
    pub connections: Arc<dyn Connections>,
    /// Who may use `/fhir`, and how it reaches the record.
    pub api: Arc<Api>,
    /// What the names of facts are bound to at this site.
    pub catalogue: Arc<Catalogue>,
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
    /// Who has something to read in which item.
    pub(crate) news: Arc<News>,
    /// Places for pages that listen for changes: each holds a connection open.
    pub(crate) listeners: Arc<Semaphore>,
    /// How many of them each session has.
    pub(crate) listening: Arc<Mutex<HashMap<Arc<str>, usize>>>,
    /// Ends what would otherwise go on for as long as a page is open.
    pub(crate) closing: CancellationToken,
}

impl Console {
    pub(crate) fn new(app: App, closing: CancellationToken) -> Self {
        Self {
            app,
            traffic: Arc::new(Traffic::default()),
            news: Arc::new(News::default()),
            listeners: Arc::new(Semaphore::new(LISTENERS)),
            listening: Arc::default(),
            closing,
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
