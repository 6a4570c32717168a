//! The socket: accepts connections until told to stop, and closes one without an answer when a fault says so.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::instance::Inner;
use super::route;

/// A connection that has not sent a whole header after so long is closed. Longer than clients keep idle connections, so
/// that they end first and no request is lost between the two.
const HEADER: Duration = Duration::from_secs(180);

/// After being told to stop, answers that are under way have so long.
const FAREWELL: Duration = Duration::from_secs(2);

/// A pause after the system could not give a connection.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves requests until `shutdown`.
pub(crate) async fn serve(
    inner: Arc<Inner>,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    // A listener without an address is no listener.
    listener.local_addr()?;
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(connection(Arc::clone(&inner), stream, shutdown.clone()));
            }
            Err(error) => {
                tracing::warn!(
                    "a connection to the simulated EHR could not be accepted: {}",
                    error.kind()
                );
                let _ = tokio::time::timeout(PAUSE, shutdown.cancelled()).await;
            }
        }
    }
    drop(listener);
    connections.close();
    let _ = tokio::time::timeout(FAREWELL, connections.wait()).await;
    Ok(())
}

async fn connection(inner: Arc<Inner>, stream: TcpStream, shutdown: CancellationToken) {
    // Answers are one write each; holding them back would only add delay.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| route::answer(Arc::clone(&inner), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // How a connection ends is the client's business, or a fault's.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
