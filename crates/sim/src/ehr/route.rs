//! What happens to one request: which path it is on, whether the client may, what goes wrong on purpose, then the
//! work.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, Response};
use bedside_fact::clock::Timestamp;
use hyper::body::Incoming;
use jiff::SignedDuration;
use serde_json::Value;

use super::answer::Answer;
use super::chart::Found;
use super::create::{self, Filing};
use super::fault::{Fault, Seen, Step};
use super::habits::{self, Resource};
use super::instance::Inner;
use super::params::{Params, bare, decode};
use super::refusal::Refusal;
use super::search::{self, Ask};
use super::token::{self, Grant};
use super::{capability, inbasket, index, opaque, read, site};
use crate::vendor::Vendor;

/// The largest body that is taken.
const LARGEST: usize = 1024 * 1024;

/// The connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("closed without an answer")]
pub(crate) struct Dropped;

/// How an answer is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Whole,
    Half,
    Dropped,
}

/// A request with its body.
struct Received {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Answers one request.
pub(crate) async fn answer(
    inner: Arc<Inner>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Dropped> {
    inner.requests.fetch_add(1, Ordering::Relaxed);
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(Body::new(body), LARGEST).await else {
        return Ok(Answer::empty(413).whole());
    };
    let received = Received {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: body.to_vec(),
    };
    let (answer, ending) = place(&inner, &received).await;
    let answer = dressed(&inner, &received, answer);
    match ending {
        Ending::Whole => Ok(answer.whole()),
        Ending::Half => Ok(answer.half()),
        Ending::Dropped => Err(Dropped),
    }
}

/// Epic writes XML to whoever does not ask for JSON; Oracle names every answer, twice (vendor catalogue CERN-09).
fn dressed(inner: &Inner, received: &Received, answer: Answer) -> Answer {
    match inner.vendor {
        Vendor::Epic if answer.is_fhir() && !received.wants_json(inner.vendor) => {
            return answer.into_xml();
        }
        Vendor::Epic | Vendor::Athena => return answer,
        Vendor::Oracle => {}
    }
    let id = opaque::guid(
        inner.seed,
        &format!("{} {}?{}", received.method, received.path, received.query),
    );
    answer
        .with("x-request-id", id.clone())
        .with("opc-request-id", id)
}

async fn place(inner: &Inner, received: &Received) -> (Answer, Ending) {
    let vendor = inner.vendor;
    let origin = received.origin();
    let (path, base) = (received.path.as_str(), site::base_path(vendor));
    if path == "/" && received.method == Method::GET {
        return (inbasket::page(inner, inner.clock.now()), Ending::Whole);
    }
    if path == site::token_path(vendor) {
        return around(inner, received, "token", async |now| {
            if received.method != Method::POST {
                return Answer::empty(405);
            }
            let form = String::from_utf8_lossy(&received.body);
            token::token(inner, &format!("{origin}{path}"), &form, now).await
        })
        .await;
    }
    // A Bundle to the base: nobody takes one (vendor catalogue EPIC-49, CERN-14).
    if path.trim_end_matches('/') == base && received.method == Method::POST {
        let refusal = match vendor {
            Vendor::Oracle => Refusal::Unaccepted("Bundle"),
            Vendor::Epic | Vendor::Athena => Refusal::NotSupported,
        };
        return (refusal.answer(vendor), Ending::Whole);
    }
    let Some(rest) = path
        .strip_prefix(&base)
        .filter(|rest| rest.starts_with('/'))
    else {
        // Another tenant is not said to be missing (vendor catalogue CERN-01).
        if vendor == Vendor::Oracle && path.starts_with("/r4/") {
            let text = "The tenant is not valid or is not accessible.";
            return (Answer::text(403, text), Ending::Whole);
        }
        return (Refusal::NoRoute.answer(vendor), Ending::Whole);
    };
    match (rest, &received.method) {
        ("/metadata", &Method::GET) => {
            around(inner, received, "metadata", async |now| {
                capability::statement(vendor, &origin, now)
            })
            .await
        }
        ("/.well-known/smart-configuration", &Method::GET) => {
            around(inner, received, "smart-configuration", async |_| {
                capability::smart_configuration(vendor, &origin)
            })
            .await
        }
        _ => fhir(inner, received, &format!("{origin}{base}"), rest)
            .await
            .unwrap_or_else(|refusal| (refusal.answer(vendor), Ending::Whole)),
    }
}

/// A request around the FHIR API, with the fault that is armed for it by name.
async fn around(
    inner: &Inner,
    received: &Received,
    name: &str,
    work: impl AsyncFnOnce(Timestamp) -> Answer,
) -> (Answer, Ending) {
    let fault = inner.faults.take(&Seen {
        method: received.method.as_str(),
        name,
        patient: None,
        step: Step::Around,
    });
    let (now, ending) = match meet(inner, fault.as_ref(), None).await {
        Ok(met) => met,
        Err(answer) => return (answer, Ending::Whole),
    };
    (work(now).await, ending)
}

/// What the request asks of the FHIR API.
enum Work {
    Search(&'static Resource, Params),
    Read(&'static Resource, String),
    Create(&'static Resource, Option<Value>),
}

async fn fhir(
    inner: &Inner,
    received: &Received,
    base: &str,
    rest: &str,
) -> Result<(Answer, Ending), Refusal> {
    let now = inner.clock.now();
    let (token, grant) = received.grant(inner, now).ok_or(Refusal::Unauthorized)?;
    let work = received.work(inner.vendor, rest)?;
    if inner.vendor != Vendor::Epic && !received.wants_json(inner.vendor) {
        return Err(Refusal::NotJson);
    }
    let (resource, step, patient, allowed) = described(inner, &work, &grant, now);
    if !allowed {
        return Err(Refusal::Scope);
    }
    let fault = inner.faults.take(&Seen {
        method: received.method.as_str(),
        name: resource.name,
        patient: patient.as_deref(),
        step,
    });
    let (now, ending) = match meet(inner, fault.as_ref(), Some(token)).await {
        Ok(met) => met,
        Err(answer) => return Ok((answer, Ending::Whole)),
    };
    let done = match work {
        Work::Search(resource, params) => search::search(
            inner,
            &Ask {
                resource,
                params,
                base,
                now,
                fault: fault.as_ref(),
            },
        ),
        Work::Read(resource, id) => read::read(inner, base, resource.name, &id, now),
        Work::Create(resource, body) => create::create(
            inner,
            Filing {
                resource_type: resource.name,
                body,
                client: &grant.client,
                base,
                echo: received.prefers_representation(),
                now,
                late: match &fault {
                    Some(Fault::CommitsLate { seconds }) => {
                        SignedDuration::from_secs(i64::from(*seconds))
                    }
                    Some(_) | None => SignedDuration::ZERO,
                },
            },
        ),
    };
    let answer = done.unwrap_or_else(|refusal| refusal.answer(inner.vendor));
    Ok((answer, ending))
}

fn described(
    inner: &Inner,
    work: &Work,
    grant: &Grant,
    now: Timestamp,
) -> (&'static Resource, Step, Option<String>, bool) {
    match work {
        Work::Search(resource, params) => {
            let page = params.first(search::page_param(inner.vendor)).is_some();
            let patient = if page {
                search::patient_of_page(inner, now, params)
            } else {
                params.patient().map(str::to_owned)
            };
            let step = if page { Step::NextPage } else { Step::Search };
            (
                resource,
                step,
                patient,
                grant.scopes.may_search(resource.name),
            )
        }
        Work::Read(resource, id) => {
            let patient = match inner.chart(now).find(resource.name, id) {
                Found::Live(row) => row.patient.clone(),
                Found::Deleted | Found::Merged(_) | Found::Nothing => None,
            };
            let patient = patient.or_else(|| (resource.name == "Patient").then(|| id.clone()));
            (
                resource,
                Step::Read,
                patient,
                grant.scopes.may_read(resource.name),
            )
        }
        Work::Create(resource, body) => {
            let patient = body.as_ref().and_then(index::patient);
            (
                resource,
                Step::Create,
                patient,
                grant.scopes.may_create(resource.name),
            )
        }
    }
}

/// What a fault does before or instead of the work: the time to go on with and how to end, or an answer.
async fn meet(
    inner: &Inner,
    fault: Option<&Fault>,
    token: Option<&str>,
) -> Result<(Timestamp, Ending), Answer> {
    let ending = match fault {
        None
        | Some(Fault::ForeignNext(_) | Fault::OutcomeInside { .. } | Fault::PoisonRecord { .. }) => {
            Ending::Whole
        }
        Some(Fault::HalfBody) => Ending::Half,
        Some(Fault::DropAnswer | Fault::CommitsLate { .. }) => Ending::Dropped,
        Some(Fault::Slow { seconds }) => {
            let wait = SignedDuration::from_secs(i64::from(*seconds));
            if let Ok(due) = inner.clock.now().checked_add(wait) {
                inner.clock.wait_until(due).await;
            }
            Ending::Whole
        }
        Some(Fault::HtmlPage) => return Err(Answer::html(200, SIGN_IN.to_owned())),
        Some(Fault::Status(status)) => {
            return Err(Refusal::Broken(*status).answer(inner.vendor));
        }
        Some(Fault::RetryAfter { status, seconds }) => {
            return Err(
                Answer::text(*status, "Too many requests").with("retry-after", seconds.to_string())
            );
        }
        Some(Fault::TokenDies) => {
            if let Some(token) = token {
                inner.tokens().revoke(token);
            }
            return Err(Refusal::Unauthorized.answer(inner.vendor));
        }
        Some(Fault::ExpiredPage) => return Err(Refusal::PageExpired.answer(inner.vendor)),
        Some(Fault::RefuseType(_)) => return Err(Refusal::Unlicensed.answer(inner.vendor)),
    };
    Ok((inner.clock.now(), ending))
}

const SIGN_IN: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in</h1><form method=\"post\"><input name=\"user\"><input name=\"password\" type=\"password\"></form></body></html>";

impl Received {
    /// Scheme, host and port as the client reached them.
    fn origin(&self) -> String {
        let host = self
            .header("host")
            .filter(|host| {
                host.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
            })
            .unwrap_or("localhost");
        format!("http://{host}")
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn grant(&self, inner: &Inner, now: Timestamp) -> Option<(&str, Grant)> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let grant = inner.tokens().grant(now, token)?;
        Some((token, grant))
    }

    fn work(&self, vendor: Vendor, rest: &str) -> Result<Work, Refusal> {
        let segments: Vec<String> = rest.split('/').skip(1).map(decode).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let known = |name: &str| habits::resource(vendor, name);
        let lower = vendor == Vendor::Epic;
        let query = || Params::read(&self.query, lower);
        match (
            segments.as_slice(),
            self.method == Method::GET,
            self.method == Method::POST,
        ) {
            ([name], true, _) => match known(name) {
                Some(resource) if resource.search => Ok(Work::Search(resource, query())),
                Some(_) => Err(Refusal::NotSupported),
                None => Err(unoffered(name)),
            },
            // All parameters stand in the body, none in the query (vendor catalogue EPIC-29).
            ([name, "_search"], _, true) => match known(name) {
                Some(resource) if resource.search => {
                    let form = String::from_utf8_lossy(&self.body);
                    Ok(Work::Search(resource, Params::read(&form, lower)))
                }
                Some(_) => Err(Refusal::NotSupported),
                None => Err(unoffered(name)),
            },
            ([name], _, true) => match known(name) {
                Some(resource) if resource.create => Ok(Work::Create(
                    resource,
                    serde_json::from_slice(&self.body).ok(),
                )),
                Some(_) => Err(Refusal::NotSupported),
                None => Err(unoffered(name)),
            },
            ([name, id], true, _) => match known(name) {
                Some(resource) => Ok(Work::Read(resource, bare(id).to_owned())),
                None => Err(unoffered(name)),
            },
            ([name, ..], _, _) => match known(name) {
                Some(_) => Err(Refusal::NotSupported),
                None => Err(unoffered(name)),
            },
            ([], _, _) => Err(Refusal::NoRoute),
        }
    }

    /// Whether the answer may be JSON. Epic's format without a word is XML (vendor catalogue EPIC-17): `_format`
    /// counts first, then `Accept`, then the type of what was sent.
    fn wants_json(&self, vendor: Vendor) -> bool {
        let is_json = |text: &str| text.contains("json");
        let format = Params::read(&self.query, true)
            .first("_format")
            .map(str::to_owned);
        let accept = self.header("accept");
        match vendor {
            Vendor::Epic => match (format, accept) {
                (Some(format), _) => is_json(&format),
                (None, Some(accept)) if accept != "*/*" => is_json(accept),
                (None, Some(_) | None) => self.header("content-type").is_some_and(is_json),
            },
            Vendor::Oracle | Vendor::Athena => {
                accept.is_none_or(|accept| is_json(accept) || accept.contains("*/*"))
            }
        }
    }

    fn prefers_representation(&self) -> bool {
        self.header("prefer")
            .is_some_and(|prefer| prefer.contains("return=representation"))
    }
}

/// A FHIR type that the vendor does not offer is refused like an interaction; anything else is no path.
fn unoffered(name: &str) -> Refusal {
    if name.starts_with(|first: char| first.is_ascii_uppercase()) {
        Refusal::NotSupported
    } else {
        Refusal::NoRoute
    }
}
