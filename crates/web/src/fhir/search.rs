//! Search, and the later pages of one.
//!
//! What the answer may lack stands in it as an outcome: an empty answer without one means that there is nothing (promise P6).

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bedside_fact::time::span;
use bedside_fhir::outcome::{Issue, Severity, outcome_of};
use bedside_fhir::search::{Query, Reading};
use bedside_store::{Cursor, FhirFound, FhirSearch, Searched};
use serde_json::{Value, json};

use super::base::encode;
use super::bundle::Bundle;
use super::door::Call;
use super::elements;
use super::failure::Failure;
use super::format::{FHIR_JSON, strict};

/// The parameter of a later page.
const CURSOR: &str = "_cursor";

/// Answers a search for resources of this type.
pub(super) async fn search(
    call: &Call<'_>,
    kind: &'static str,
    pairs: Vec<(String, String)>,
) -> Result<Response, Failure> {
    let cursor = pairs.iter().find(|(name, _)| name == CURSOR);
    let (pairs, from, strict) = match cursor {
        Some((_, text)) => {
            let cursor = call
                .console
                .store()
                .fhir_cursor_of(call.ctx, text)
                .filter(|cursor| cursor.resource_type == kind)
                .ok_or_else(|| {
                    Failure::bad(
                        "value",
                        "this is no page of a search that this client made: search again",
                    )
                })?;
            (cursor.used, Some((cursor.seq, cursor.offset)), false)
        }
        None => (pairs, None, strict(&call.parts.headers)),
    };
    let query = parse(call, kind, &pairs, strict)?;
    let asked = query.clone();
    let searched = call
        .console
        .store()
        .fhir_search(
            call.ctx,
            FhirSearch {
                query,
                zone: call.console.zone().clone(),
                from,
            },
        )
        .await?;
    let found = match searched {
        Searched::Found(found) => found,
        Searched::TooCostly(words) => return Err(Failure::bad("too-costly", words).logged()),
    };
    if strict && found.include_denied {
        return Err(Failure::from(bedside_store::Error::Denied(
            bedside_core::access::Denial::NotGranted,
        )));
    }
    let next = next(call, &asked, &found)?;
    let body = bundle(call, &asked, &found, next);
    Ok((
        StatusCode::OK,
        [(CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON))],
        body,
    )
        .into_response())
}

fn parse(
    call: &Call<'_>,
    kind: &'static str,
    pairs: &[(String, String)],
    strict: bool,
) -> Result<Query, Failure> {
    let zone = call.console.zone();
    let times = |text: &str| span(text, zone).map(|span| (span.lo, span.hi));
    let reading = Reading {
        base: &call.base,
        strict,
        span: &times,
    };
    Query::parse(kind, pairs, &reading).map_err(|refused| Failure::bad(refused.code, refused.words))
}

/// The address of the next page.
fn next(call: &Call<'_>, asked: &Query, found: &FhirFound) -> Result<Option<String>, Failure> {
    let Some(offset) = found.next else {
        return Ok(None);
    };
    let cursor = Cursor {
        resource_type: asked.resource_type.to_owned(),
        used: asked.used.clone(),
        seq: found.seq,
        offset,
    };
    match call.console.store().fhir_cursor(call.ctx, &cursor)? {
        Some(text) => Ok(Some(format!(
            "{}/{}?{CURSOR}={text}",
            call.base, asked.resource_type
        ))),
        // Half an answer without a way to the rest would look like all of it.
        None => Err(Failure::bad(
            "too-long",
            "the answer has more than one page and the question is too long for a link: ask for less, or raise _count",
        )),
    }
}

fn bundle(call: &Call<'_>, asked: &Query, found: &FhirFound, next: Option<String>) -> String {
    let mut links = vec![json!({ "relation": "self", "url": self_link(call, asked) })];
    links.extend(next.map(|url| json!({ "relation": "next", "url": url })));
    let mut bundle = Bundle::new(
        "searchset",
        &[("total", json!(found.total)), ("link", Value::Array(links))],
    );
    let wanted: Vec<&str> = asked.elements.iter().map(String::as_str).collect();
    for (resources, mode) in [(&found.matches, "match"), (&found.included, "include")] {
        for resource in resources {
            let full_url = format!("{}/{}/{}", call.base, resource.resource_type, resource.id);
            if wanted.is_empty() || mode == "include" {
                bundle.resource(&full_url, &resource.body, mode);
            } else {
                bundle.resource(&full_url, &elements::only(&resource.body, &wanted), mode);
            }
        }
    }
    let issues = issues(asked, found);
    if !issues.is_empty() {
        bundle.entry(&json!({ "resource": outcome_of(&issues), "search": { "mode": "outcome" } }));
    }
    bundle.finish()
}

/// What was understood, as an address (FHIR R4 §3.1.1.4.1).
fn self_link(call: &Call<'_>, asked: &Query) -> String {
    let pairs: Vec<String> = asked
        .used
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    let address = format!("{}/{}", call.base, asked.resource_type);
    if pairs.is_empty() {
        address
    } else {
        format!("{address}?{}", pairs.join("&"))
    }
}

fn issues(asked: &Query, found: &FhirFound) -> Vec<Issue> {
    let warning = |code: &str, words: String| Issue {
        severity: Severity::Warning,
        code: code.to_owned(),
        details: None,
        diagnostics: Some(words),
        expressions: Vec::new(),
    };
    let mut issues: Vec<Issue> = asked
        .ignored
        .iter()
        .map(|name| {
            warning(
                "not-supported",
                format!("{name} is not known here and was left out of the search"),
            )
        })
        .collect();
    if found.include_denied {
        issues.push(warning(
            "forbidden",
            String::from("the patients are not included: the scopes do not include searching them"),
        ));
    }
    issues.extend(
        found
            .gaps
            .iter()
            .map(|gap| warning(gap.code, gap.words.clone())),
    );
    issues
}
