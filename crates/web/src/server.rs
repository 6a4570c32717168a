//! The listener: serves the routes until it is told to stop, then finishes what is open.

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Console};
use crate::error::Error;
use crate::router::routes;

/// Serves the console on `listener` until `shutdown`.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let routes = routes(Console::new(app));
    axum::serve(listener, routes)
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await?;
    Ok(())
}
