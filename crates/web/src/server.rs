//! The listener: serves the routes until it is told to stop, then finishes what is open.
//!
//! Strangers reach this socket before anybody is signed in, so what they can hold is bounded: so many connections, so long
//! for a header, and at the end so long for an answer.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::{App, Console, LISTENERS};
use crate::error::Error;
use crate::router::routes;

/// Connections at once, beside those on which pages listen for changes. One more waits in the system's queue; file descriptors are left
/// for the feeds and the store.
const CONNECTIONS: usize = 200;

/// A connection that has not sent a whole header after so long is closed; so is one that is kept open without a request.
const HEADER: Duration = Duration::from_secs(20);

/// After being told to stop, answers that are under way have so long.
const FAREWELL: Duration = Duration::from_secs(4);

/// A pause after the system could not give a connection: out of file descriptors and the like.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves the console on `listener` until `shutdown`.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    // A listener without an address is no listener.
    listener.local_addr()?;
    let routes = routes(Console::new(app, shutdown.clone()));
    let places = Arc::new(Semaphore::new(CONNECTIONS + LISTENERS));
    let connections = TaskTracker::new();
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = shutdown.cancelled() => break,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, routes.clone(), place, shutdown.clone()));
            }
            Err(error) => {
                tracing::warn!(
                    "a connection to the console could not be accepted: {}",
                    error.kind()
                );
                // Not on the store's clock: this is about the machine, not about anything in the record.
                let _ = tokio::time::timeout(PAUSE, shutdown.cancelled()).await;
            }
        }
    }
    drop(listener);
    connections.close();
    // Whoever does not take the answer by then does not get it.
    let _ = tokio::time::timeout(FAREWELL, connections.wait()).await;
    Ok(())
}

async fn connection(
    stream: TcpStream,
    routes: Router,
    place: OwnedSemaphorePermit,
    shutdown: CancellationToken,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    tokio::pin!(connection);
    // How a connection ends is the browser's business.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
    drop(place);
}
