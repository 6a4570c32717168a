//! Starts and stops listeners, lanes, connections, workflows and senders.

use std::net::SocketAddr;
use std::sync::Arc;

use bedside_core::ctx::OpCtx;
use bedside_core::profile::WriteRule;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::SourceId;
use bedside_store::Store;
use bedside_workflow::{Definition, Groups};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::{ConnectionOptions, Connections, SigningKey};
use crate::deliver::{self, Deliveries, Outlet};
use crate::drive::Drive;
use crate::error::Error;
use crate::lanes::Lanes;
use crate::mllp::{Listener, ListenerOptions, Traffic};
use crate::normalise::Rules;
use crate::workflow::{self, Engine, Route, Routes};

/// The type of what is written.
const NOTE: &str = "Communication";

/// What the gateway is told.
pub struct Options {
    /// What is true.
    pub store: Store,
    /// Where messages come in.
    pub listeners: Vec<ListenerOptions>,
    /// What the site has said about its sources.
    pub rules: Rules,
    /// The FHIR APIs, and the key that we sign with there.
    pub connections: Option<(Arc<SigningKey>, Vec<ConnectionOptions>)>,
    /// Whether the connections ask by themselves, or stand ready to be asked for something once.
    pub polling: bool,
    /// The workflows that run; none when a command does its own work beside nobody.
    pub workflows: Option<Workflows>,
    /// This process, as the holder of leases.
    pub owner: String,
    /// Who says when to look.
    pub drive: Drive,
}

/// What runs on the facts.
pub struct Workflows {
    /// The definitions.
    pub definitions: Vec<Arc<Definition>>,
    /// The code lists that they name.
    pub groups: Arc<Groups>,
    /// The site's zone.
    pub zone: TimeZone,
}

impl Options {
    /// Lanes and nothing else.
    #[must_use]
    pub fn lanes(store: Store, rules: Rules) -> Self {
        Self {
            store,
            listeners: Vec::new(),
            rules,
            connections: None,
            polling: false,
            workflows: None,
            owner: String::from("bedside"),
            drive: Drive::default(),
        }
    }
}

/// Everything between the wire and the record, running.
pub struct Gateway;

/// A handle to a running gateway. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    store: Store,
    lanes: Lanes,
    feeds: Arc<Vec<Feed>>,
    connections: Option<Connections>,
    engine: Option<Engine>,
    deliveries: Option<Deliveries>,
    outlets: Arc<Vec<Outlet>>,
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
    /// An address is taken or not allowed, or the store said no.
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
        let catalogue = Arc::clone(&options.rules.catalogue);

        let routes = options
            .connections
            .as_ref()
            .map(|(_, connections)| connections.iter().filter_map(route).collect())
            .unwrap_or_default();
        // The engine notes where it begins before anything can come in.
        let engine = match options.workflows {
            Some(workflows) => {
                let (engine, run) = Engine::start(
                    workflow::Options {
                        store: store.clone(),
                        definitions: workflows.definitions,
                        groups: workflows.groups,
                        catalogue,
                        zone: workflows.zone,
                        routes: Routes(routes),
                        owner: options.owner.clone(),
                        drive: options.drive.clone(),
                    },
                    working.clone(),
                )
                .await?;
                tracker.spawn(run);
                Some(engine)
            }
            None => None,
        };

        let (lanes, run) = Lanes::start(
            store.clone(),
            service("lanes"),
            options.rules,
            working.clone(),
        );
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

        let (mut connections, mut outlets) = (None, Vec::new());
        if let Some((key, list)) = options.connections {
            let wanted: Vec<(Route, WriteRule)> = list
                .iter()
                .filter_map(|one| {
                    let rule = one.profile.write.get(NOTE).filter(|rule| rule.allowed)?;
                    Some((route(one)?, rule.clone()))
                })
                .collect();
            let running = if options.polling {
                Connections::start(
                    store.clone(),
                    lanes.clone(),
                    key,
                    list,
                    listening.clone(),
                    &tracker,
                )?
            } else {
                Connections::ready(&store, &key, &list)?
            };
            for (route, rule) in wanted {
                if let Some(client) = running.client(route.source.as_str()) {
                    outlets.push(Outlet {
                        route: route.name,
                        client,
                        source: route.source,
                        find_by: rule.find_by,
                        visible_after: SignedDuration::from_secs(rule.visible_after_seconds),
                    });
                }
            }
            connections = Some(running);
        }
        let mut deliveries = None;
        if let Some(engine) = &engine {
            let (senders, running) = Deliveries::start(
                deliver::Options {
                    store: store.clone(),
                    outlets: outlets.clone(),
                    engine: engine.clone(),
                    owner: options.owner.clone(),
                    drive: options.drive.clone(),
                },
                &working,
            )
            .await;
            for run in running {
                tracker.spawn(run);
            }
            deliveries = Some(senders);
        }
        tracker.close();
        Ok(Handle {
            store,
            lanes,
            feeds: Arc::new(feeds),
            connections,
            engine,
            deliveries,
            outlets: Arc::new(outlets),
            listening,
            working,
            tracker,
        })
    }
}

/// Where Communications go on a connection.
fn route(options: &ConnectionOptions) -> Option<Route> {
    let source = &options.source;
    Some(Route {
        name: format!("{}/{NOTE}", source.id),
        source: source.id.clone(),
        system: source.system.clone(),
        vendor: source.vendor.clone(),
        takes: options
            .profile
            .write
            .get(NOTE)
            .is_some_and(|rule| rule.allowed),
    })
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

    /// The FHIR connections.
    #[must_use]
    pub const fn connections(&self) -> Option<&Connections> {
        self.connections.as_ref()
    }

    /// The workflows.
    #[must_use]
    pub const fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref()
    }

    /// The routes on which something can be written.
    #[must_use]
    pub fn outlets(&self) -> &[Outlet] {
        &self.outlets
    }

    /// Waits until nothing is left to do at the clock's present instant: what a virtual clock's driver waits for before it moves on.
    pub async fn quiet(&self) {
        loop {
            let before = *self.store.changes().borrow();
            if let Some(connections) = &self.connections {
                connections.settled().await;
            }
            self.lanes.drained().await;
            if let Some(engine) = &self.engine {
                engine.settled().await;
            }
            if let Some(deliveries) = &self.deliveries {
                deliveries.settled().await;
            }
            if *self.store.changes().borrow() == before {
                return;
            }
        }
    }

    /// Which parts are not finished, for whoever waited too long.
    #[must_use]
    pub fn unfinished(&self) -> Vec<String> {
        let mut parts = Vec::new();
        if let Some(connections) = &self.connections {
            parts.extend(connections.unsettled());
        }
        let depth = self.lanes.depth();
        if depth.open > 0 {
            parts.push(format!("lanes ({} open)", depth.open));
        }
        parts
    }

    /// The earliest instant at which something of ours is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        [
            self.connections.as_ref().and_then(Connections::next_due),
            self.engine.as_ref().and_then(Engine::next_due),
            self.deliveries.as_ref().and_then(Deliveries::next_due),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Stops: first what takes in, which finishes the answers that it owes, then the rest, which finishes what it runs. What
    /// waits stays in the store.
    pub async fn stop(&self) {
        self.listening.cancel();
        self.working.cancel();
        self.tracker.wait().await;
    }
}
