//! Figures for Prometheus: counts and states, never a name or a number of a patient.

use std::sync::atomic::AtomicU64;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::app::Console;
use crate::failure::Failure;
use crate::guard::Caller;

const MEDIA: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Figure = Gauge<u64, AtomicU64>;

/// Answered requests since the start, by route and status.
#[derive(Default)]
pub(crate) struct Traffic {
    requests: Family<Answered, Counter>,
}

/// The pattern of the route, never the path: paths hold ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Feed {
    feed: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    state: &'static str,
}

/// Counts every answer.
pub(crate) async fn count(
    State(console): State<Console>,
    request: Request,
    next: Next,
) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unknown", MatchedPath::as_str)
        .to_owned();
    let response = next.run(request).await;
    let answered = Answered {
        route,
        status: response.status().as_u16(),
    };
    console.traffic.requests.get_or_create(&answered).inc();
    response
}

/// The figures as they stand now.
pub(crate) async fn scrape(
    State(console): State<Console>,
    caller: Caller,
) -> Result<Response, Failure> {
    let counts = console.store().counts(&caller.ctx).await?;
    let audit = console.store().audit_health();
    let mut registry = Registry::with_prefix("bedside");

    let held = Family::<InState, Figure>::default();
    for (state, value) in [
        ("pending", counts.pending),
        ("held", counts.held),
        ("parked", counts.parked),
    ] {
        held.get_or_create(&InState { state }).set(value);
    }
    registry.register(
        "inputs_waiting",
        "Inputs that are not settled, by state",
        held,
    );
    let single = [
        ("inputs_stored", "Inputs in the journal", counts.inputs),
        ("patients", "Patients of all sources", counts.patients),
        ("persons", "Persons after linking", counts.persons),
        ("resources", "Current resources", counts.resources),
        ("links", "Current links between patients", counts.links),
        (
            "links_proposed",
            "Pairs that may be the same person",
            counts.possible,
        ),
        (
            "lanes_in_hand",
            "Inputs that the lanes have in hand",
            console.app.feeds.queue_depth(),
        ),
        (
            "audit_writable",
            "1 when the audit log can be written",
            u64::from(audit.writable),
        ),
        (
            "audit_spooled",
            "Audit entries that wait in the second sink",
            audit.spooled,
        ),
    ];
    for (name, help, value) in single {
        let figure = Figure::default();
        figure.set(value);
        registry.register(name, help, figure);
    }
    let connections = Family::<Feed, Figure>::default();
    let messages = Family::<Feed, Counter>::default();
    let errors = Family::<Feed, Counter>::default();
    for feed in console.app.feeds.status() {
        let label = Feed { feed: feed.name };
        connections
            .get_or_create(&label)
            .set(u64::try_from(feed.connections).unwrap_or(u64::MAX));
        messages.get_or_create(&label).inc_by(feed.messages);
        errors.get_or_create(&label).inc_by(feed.errors);
    }
    registry.register(
        "feed_connections",
        "Open connections of a feed",
        connections,
    );
    registry.register("feed_messages", "Messages taken since the start", messages);
    registry.register(
        "feed_errors",
        "Frames that could not be taken since the start",
        errors,
    );
    registry.register(
        "http_requests",
        "Answered requests since the start",
        console.traffic.requests.clone(),
    );

    let mut text = String::new();
    // Writing to a String can't fail.
    let _ = encode(&mut text, &registry);
    Ok(([(CONTENT_TYPE, MEDIA)], text).into_response())
}
