//! The table of routes. What is not in the short list of public ones stands behind the guard, unknown paths too.

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use crate::app::{App, Console};
use crate::console::{
    act, audit, events, home, item, links, live, outage, patient, patients, quarantine, reason,
    signin, source, sources, worklist,
};
use crate::{assets, guard, headers, health, keys, metrics};

/// The largest form. The longest one has a reason of a few sentences in it.
const FORM_LIMIT: usize = 64 * 1024;

/// The largest sign-in form, which is the only body that is read before anybody is signed in.
const SIGN_IN_LIMIT: usize = 4 * 1024;

/// A request that takes longer is given up: the slowest page, a verification of the whole audit log, takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// All routes.
pub fn router(app: App) -> Router {
    routes(Console::new(app, CancellationToken::new()))
}

pub(crate) fn routes(console: Console) -> Router {
    let private = Router::new()
        .route("/", get(home::home))
        .route("/patients", get(patients::list).post(patients::search))
        .route("/patient/{id}", get(patient::show))
        .route("/patient/{id}/links", get(links::show))
        .route("/patient/{id}/links/{seq}/undo", post(links::undo))
        .route("/worklist", get(worklist::page))
        .route("/worklist/panel", get(worklist::panel))
        .route("/item/{id}", get(item::show))
        .route("/item/{id}/changed", get(item::changed))
        .route("/item/{id}/acknowledge", post(act::acknowledge))
        .route("/item/{id}/done", post(act::done))
        .route("/item/{id}/close", post(act::close))
        .route("/item/{id}/takeover", post(act::take_over))
        .route("/events", get(events::stream))
        .route("/sources", get(sources::page))
        .route("/sources/panel", get(sources::panel))
        .route("/sources/banner", get(outage::banner_part))
        .route("/sources/{name}", get(source::page))
        .route("/sources/{name}/pause", post(source::pause))
        .route("/sources/{name}/resume", post(source::resume))
        .route("/sources/{name}/resync", post(source::resync))
        .route("/sources/{name}/incidents/{kind}/seen", post(source::seen))
        .route("/routes/switch", post(source::switch))
        .route("/live", get(live::page))
        .route("/live/panel", get(live::panel))
        .route("/quarantine", get(quarantine::list))
        .route("/quarantine/{seq}", get(quarantine::show))
        .route("/quarantine/{seq}/replay", post(quarantine::replay))
        .route("/quarantine/{seq}/discard", post(quarantine::discard))
        .route("/audit", get(audit::page).post(audit::search))
        .route("/audit/verify", post(audit::verify))
        .route("/reason", get(reason::page).post(reason::set))
        .route("/role", post(home::switch_role))
        .route("/signout", post(signin::sign_out))
        .route("/metrics", get(metrics::scrape))
        .fallback(guard::nothing_here)
        .layer(DefaultBodyLimit::max(FORM_LIMIT))
        .layer(from_fn_with_state(console.clone(), guard::guard));
    let public = Router::new()
        .route("/signin", get(signin::form).post(signin::sign_in))
        .route(
            "/signin/link/{token}",
            get(signin::link).post(signin::redeem),
        )
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/.well-known/jwks.json", get(keys::serve))
        .route("/assets/{name}", get(assets::serve))
        .layer(DefaultBodyLimit::max(SIGN_IN_LIMIT))
        .layer(from_fn(guard::same_origin));
    private
        .merge(public)
        .merge(crate::fhir::routes())
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            PATIENCE,
        ))
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(console.clone(), metrics::count))
        .layer(from_fn(headers::harden))
        .with_state(console)
}
