//! One simulated EHR: its charts, its tokens, its page links, and the handle by which a world fills it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bedside_fact::clock::{SharedClock, Timestamp};
use jiff::SignedDuration;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::chart::{Chart, Created};
use super::fault::Faults;
use super::keychain::Keychain;
use super::options::{Client, Options};
use super::page::Pages;
use super::token::Tokens;
use super::{listener, opaque, site};
use crate::region::{Change, Charted};
use crate::vendor::Vendor;

/// One simulated EHR. Clones are handles to the same one.
#[derive(Clone)]
pub struct Ehr {
    inner: Arc<Inner>,
}

/// What the handles share.
pub(crate) struct Inner {
    pub(crate) vendor: Vendor,
    pub(crate) clock: SharedClock,
    pub(crate) seed: u64,
    pub(crate) page_life: SignedDuration,
    pub(crate) page_size: Option<usize>,
    pub(crate) unlicensed: Vec<(String, String)>,
    pub(crate) faults: Faults,
    pub(crate) keychain: Keychain,
    pub(crate) requests: AtomicU64,
    chart: RwLock<Chart>,
    pages: Mutex<Pages>,
    tokens: Mutex<Tokens>,
}

impl Ehr {
    /// An EHR with empty charts.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            inner: Arc::new(Inner {
                vendor: options.vendor,
                clock: options.clock,
                seed: options.seed,
                page_life: options.page_life,
                page_size: options.page_size,
                unlicensed: options.unlicensed,
                faults: options.faults,
                keychain: Keychain::new(options.vendor, options.clients),
                requests: AtomicU64::new(0),
                chart: RwLock::new(Chart::new(options.vendor)),
                pages: Mutex::new(Pages::default()),
                tokens: Mutex::new(Tokens::default()),
            }),
        }
    }

    /// Puts a resource into the charts: reads and searches see it from `at` on. A later one of the same type and id
    /// takes its place. It is served as given; Oracle's version and, where the resource does not say it itself, time
    /// of change are put into its `meta`.
    pub fn put(&self, at: Timestamp, resource: Value) {
        self.inner.write().put(at, resource);
    }

    /// Deletes a resource from `at` on.
    pub fn remove(&self, at: Timestamp, resource_type: &str, id: &str) {
        self.inner.write().remove(at, resource_type, id);
    }

    /// Merges the patient `gone` into `survivor` from `at` on. What was in the chart of the one is then in the
    /// other's.
    pub fn merge(&self, at: Timestamp, gone: &str, survivor: &str) {
        self.inner.write().merge(at, gone, survivor);
    }

    /// Charts what happened in the simulated region. What happened elsewhere is left alone.
    pub fn apply(&self, charted: Charted) {
        if charted.vendor != self.inner.vendor {
            return;
        }
        match charted.change {
            Change::Put(resource) => self.put(charted.at, resource),
            Change::Remove { resource_type, id } => self.remove(charted.at, &resource_type, &id),
            Change::Merge { gone, survivor } => self.merge(charted.at, &gone, &survivor),
        }
    }

    /// Registers a client while the EHR runs; one of the same id is replaced.
    pub fn register(&self, client: Client) {
        self.inner.keychain.register(client);
    }

    /// What clients created, in the order it was filed.
    #[must_use]
    pub fn created(&self) -> Vec<Created> {
        self.inner.read().created().to_vec()
    }

    /// How many requests came, of any kind.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.inner.requests.load(Ordering::Relaxed)
    }

    /// When something in the charts changes next by itself; none when all that was put is visible.
    #[must_use]
    pub fn next_change(&self) -> Option<Timestamp> {
        self.inner.chart(self.inner.clock.now()).next_change()
    }

    /// The faults, to be switched while it runs.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.inner.faults.clone()
    }

    /// Whose habits it has.
    #[must_use]
    pub fn vendor(&self) -> Vendor {
        self.inner.vendor
    }

    /// The id of the Group of all its patients. No search finds it; a site tells it to whoever connects (vendor
    /// catalogue EPIC-59). It is the Group that was put into the charts, or one made from all patients.
    #[must_use]
    pub fn roster_id(&self) -> String {
        let chart = self.inner.chart(self.inner.clock.now());
        self.inner.roster_id(&chart)
    }

    /// What a client has to be told besides the base: Oracle's tenant, athena's value for `ah-practice`.
    #[must_use]
    pub fn tenant(&self) -> Option<String> {
        site::tenant(self.inner.vendor)
    }

    /// The FHIR base when it listens on `address`.
    #[must_use]
    pub fn base(&self, address: SocketAddr) -> String {
        format!("http://{address}{}", site::base_path(self.inner.vendor))
    }

    /// The token endpoint when it listens on `address`.
    #[must_use]
    pub fn token_url(&self, address: SocketAddr) -> String {
        format!("http://{address}{}", site::token_path(self.inner.vendor))
    }

    /// Serves requests on `listener` until `shutdown`.
    ///
    /// # Errors
    /// When the listener has no address.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> std::io::Result<()> {
        listener::serve(Arc::clone(&self.inner), listener, shutdown).await
    }
}

impl Inner {
    /// The charts as they are at `now`.
    pub(crate) fn chart(&self, now: Timestamp) -> RwLockReadGuard<'_, Chart> {
        let chart = self.read();
        if !chart.is_behind(now) {
            return chart;
        }
        drop(chart);
        self.write().catch_up(now);
        self.read()
    }

    /// The charts as they are at `now`, to be changed.
    pub(crate) fn chart_to_change(&self, now: Timestamp) -> RwLockWriteGuard<'_, Chart> {
        let mut chart = self.write();
        chart.catch_up(now);
        chart
    }

    pub(crate) fn roster_id(&self, chart: &Chart) -> String {
        if let Some(group) = chart.all("Group").next() {
            return group.id.clone();
        }
        match self.vendor {
            Vendor::Epic => opaque::epic_id(self.seed, "roster"),
            Vendor::Oracle => opaque::guid(self.seed, "roster"),
            Vendor::Athena => format!("a-{}.Group-1", site::PRACTICE),
        }
    }

    pub(crate) fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // A panic elsewhere leaves the charts readable: each change replaces whole rows.
    fn read(&self) -> RwLockReadGuard<'_, Chart> {
        self.chart.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Chart> {
        self.chart.write().unwrap_or_else(PoisonError::into_inner)
    }
}
