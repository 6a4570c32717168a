//! Starts and stops listeners and lanes.

use std::net::SocketAddr;
use std::sync::Arc;

use bedside_core::ctx::OpCtx;
use bedside_fact::id::SourceId;
use bedside_store::Store;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::Error;
use crate::lanes::Lanes;
use crate::mllp::{Listener, ListenerOptions, Traffic};

/// What the gateway is told.
pub struct Options {
    /// What is true.
    pub store: Store,
    /// Where messages come in.
    pub listeners: Vec<ListenerOptions>,
}

/// Listeners and lanes, running.
pub struct Gateway;

/// A handle to a running gateway. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    lanes: Lanes,
    feeds: Arc<Vec<Feed>>,
    listening: CancellationToken,
    working: CancellationToken,
    tracker: TaskTracker,
}

/// A bound listener and its figures.
#[derive(Clone)]
pub struct Feed {
    /// The source.
    pub source: SourceId,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its figures.
    pub traffic: Arc<Traffic>,
}

impl Gateway {
    /// Binds every listener, then starts everything. Nothing runs when one can't be bound.
    ///
    /// # Errors
    /// An address is taken or not allowed.
    pub async fn start(options: Options) -> Result<Handle, Error> {
        let mut bound = Vec::new();
        for listener in options.listeners {
            bound.push(Listener::bind(listener).await?);
        }
        let store = options.store;
        let service =
            |name: &str| OpCtx::service(store.tenant().clone(), name, Arc::clone(store.clock()));
        let listening = CancellationToken::new();
        let working = CancellationToken::new();
        let tracker = TaskTracker::new();
        let (lanes, run) = Lanes::start(store.clone(), service("lanes"), working.clone());
        tracker.spawn(run);
        let mut feeds = Vec::new();
        for listener in bound {
            feeds.push(Feed {
                source: listener.source().id.clone(),
                address: listener.address(),
                traffic: listener.traffic(),
            });
            tracker.spawn(listener.run(store.clone(), service("mllp"), listening.clone()));
        }
        tracker.close();
        Ok(Handle {
            lanes,
            feeds: Arc::new(feeds),
            listening,
            working,
            tracker,
        })
    }
}

impl Handle {
    /// The lanes.
    #[must_use]
    pub const fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// The listeners.
    #[must_use]
    pub fn feeds(&self) -> &[Feed] {
        &self.feeds
    }

    /// Stops: first the listeners, which finish the answers that they owe, then the lanes, which finish what they run. What
    /// waits stays in the store.
    pub async fn stop(&self) {
        self.listening.cancel();
        self.working.cancel();
        self.tracker.wait().await;
    }
}
