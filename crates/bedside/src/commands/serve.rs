//! `bedside serve`: everything, until SIGTERM or Ctrl-C.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bedside_web::Api;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::boot::{App, Place};
use crate::clock::SystemClock;
use crate::control;
use crate::fault::Fault;
use crate::joints::{GatewayConnections, GatewayDesk, GatewayFeeds, GatewayIntake, KeySets};
use crate::out::Out;
use crate::site;

/// After a signal everything must have stopped within this time.
const DRAIN: Duration = Duration::from_secs(9);

pub(super) async fn run(place: Place, out: &Out) -> Result<u8, Fault> {
    // The console's port first: nothing is opened or changed when it is taken.
    let listener = bind(place.config.http.address).await?;
    let mut app = place.app(Arc::new(SystemClock), true).await?;
    let http = local(&listener, place.config.http.address);
    app.url = place.config.http.url(http);
    let feeds: Vec<serde_json::Value> = app
        .gateway
        .feeds()
        .iter()
        .map(|feed| serde_json::json!({ "source": feed.source, "mllp": feed.address }))
        .collect();
    let up = Up::start(&place, &app, listener).await?;
    out.document(
        &serde_json::json!({ "ready": true, "http": http, "sources": feeds, "data": place.data }),
    )
    .await;
    let stopped = stop_signal(&app).await;
    out.note("stopping: answers that are owed are finished, the rest stays in the store")
        .await;
    let down = async {
        up.stop().await;
        app.stop().await
    };
    match tokio::time::timeout(DRAIN, down).await {
        Ok(result) => result?,
        Err(_) => {
            return Err(Fault::environment(
                "stopping took too long; nothing acknowledged is lost",
            ));
        }
    }
    stopped.map(|()| 0)
}

/// The console and the control socket, running.
pub(super) struct Up {
    shutdown: CancellationToken,
    tracker: tokio_util::task::TaskTracker,
}

impl Up {
    /// Starts both.
    pub(super) async fn start(
        place: &Place,
        app: &App,
        listener: TcpListener,
    ) -> Result<Self, Fault> {
        let shutdown = CancellationToken::new();
        let tracker = tokio_util::task::TaskTracker::new();
        let web = bedside_web::App {
            store: app.store.clone(),
            feeds: Arc::new(GatewayFeeds(app.gateway.clone())),
            desk: Arc::new(GatewayDesk(app.gateway.clone())),
            connections: Arc::new(GatewayConnections {
                gateway: app.gateway.clone(),
                key: Arc::clone(&app.key),
            }),
            api: Arc::new(api(app).await?),
            catalogue: Arc::clone(&app.catalogue),
            zone: app.config.zone(),
            site: app.config.site.clone(),
            tls: app.config.http.secure(),
        };
        let stop = shutdown.clone();
        tracker.spawn(async move {
            if let Err(error) = bedside_web::serve(listener, web, stop).await {
                tracing::error!("the console stopped: {error}");
            }
        });
        let socket = place.socket();
        let (app, stop) = (app.clone(), shutdown.clone());
        tracker.spawn(async move {
            if let Err(fault) = control::serve(&socket, app, stop).await {
                tracing::error!("{}", fault.message);
            }
        });
        tracker.close();
        Ok(Self { shutdown, tracker })
    }

    /// Stops both and waits for what they do.
    pub(super) async fn stop(self) {
        self.shutdown.cancel();
        self.tracker.wait().await;
    }
}

/// `/fhir` with the applications of the configuration.
async fn api(app: &App) -> Result<Api, Fault> {
    let applications = site::applications(app).await?;
    let intake = GatewayIntake {
        store: app.store.clone(),
        gateway: app.gateway.clone(),
    };
    Ok(Api::new(
        applications,
        app.config.http.public_url.clone(),
        None,
        Box::new(intake),
        Box::new(KeySets::new()?),
    ))
}

/// Waits for SIGTERM or Ctrl-C; an error when the store must not go on.
pub(super) async fn stop_signal(app: &App) -> Result<(), Fault> {
    let failed =
        |error: std::io::Error| Fault::environment(format!("can't listen for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        error = app.store.fatal() => Err(error.into()),
    }
}

/// Binds the console's address.
pub(super) async fn bind(address: SocketAddr) -> Result<TcpListener, Fault> {
    TcpListener::bind(address).await.map_err(|error| {
        Fault::environment(format!(
            "can't listen on {address}: {error}; free the port or choose another one"
        ))
    })
}

/// The address that was bound.
pub(super) fn local(listener: &TcpListener, wanted: SocketAddr) -> SocketAddr {
    listener.local_addr().unwrap_or(wanted)
}
