//! `POST /fhir` with a batch of Observations: each entry is judged and answered on its own (FHIR R4 §3.1.0.11.1).

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bedside_core::access::{Operation, plan};
use bedside_fhir::json::{ScanLimits, scan};
use bedside_store::Attempt;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::attempt::Tried;
use super::bundle::Bundle;
use super::create::{self, Created, Draft, Ready};
use super::door::Call;
use super::failure::Failure;
use super::format::{FHIR_JSON, fields, json as read_json};
use super::read::{etag, http_date};

/// The longest Bundle.
const LARGEST: usize = 8 * 1024 * 1024;

/// The most entries.
const ENTRIES: usize = 500;

#[derive(Deserialize)]
struct Sent {
    #[serde(rename = "resourceType")]
    resource_type: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    resource: Option<Box<RawValue>>,
    request: Option<Asked>,
}

#[derive(Deserialize)]
struct Asked {
    method: Option<String>,
    url: Option<String>,
    #[serde(rename = "ifNoneExist")]
    if_none_exist: Option<String>,
}

/// Takes the entries in together, and answers each.
pub(super) async fn batch(call: &Call<'_>, body: Body) -> Result<Response, Failure> {
    let bytes = read_json(&call.parts.headers, body, LARGEST).await?;
    let sent = read(&bytes)?;
    let may = plan(call.ctx, create::KIND, Operation::Create).is_ok();
    if !may && sent.entry.is_empty() {
        return Err(Failure::forbidden());
    }
    let drafts: Vec<Result<Draft, Failure>> =
        sent.entry.iter().map(|entry| draft(call, entry)).collect();
    let subjects: Vec<Option<String>> = drafts
        .iter()
        .map(|draft| draft.as_ref().ok().map(|draft| draft.subject.clone()))
        .collect();
    let answers = if may {
        settle(call, drafts).await?
    } else {
        // Each entry says so, as the batch itself was understood, and nothing of what is wrong with it.
        drafts.iter().map(|_| Err(Failure::forbidden())).collect()
    };
    let attempts = sent
        .entry
        .iter()
        .zip(subjects)
        .zip(&answers)
        .filter_map(|((entry, subject), answer)| {
            let failure = answer.as_ref().err().filter(|failure| !failure.is_logged)?;
            Some(attempt(call, entry, subject, failure))
        })
        .collect();
    call.console
        .store()
        .fhir_attempts(call.ctx, attempts)
        .await?;
    let mut bundle = Bundle::new("batch-response", &[]);
    for answer in &answers {
        bundle.entry(&response(call, answer));
    }
    Ok((
        StatusCode::OK,
        [(CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON))],
        bundle.finish(),
    )
        .into_response())
}

fn read(bytes: &[u8]) -> Result<Sent, Failure> {
    let limits = ScanLimits {
        max_bytes: LARGEST,
        ..ScanLimits::default()
    };
    scan(bytes, &limits).map_err(|error| {
        Failure::bad(
            "structure",
            format!("{} at byte {}", error.code(), error.offset()),
        )
    })?;
    let sent: Sent = serde_json::from_slice(bytes)
        .map_err(|_| Failure::bad("structure", "this is not a Bundle of requests"))?;
    if sent.resource_type.as_deref() != Some("Bundle") {
        return Err(Failure::bad("structure", "a Bundle was expected"));
    }
    match sent.kind.as_deref() {
        Some("batch") => {}
        Some("transaction") => {
            return Err(Failure::bad(
                "not-supported",
                "transactions are not offered: send a batch",
            ));
        }
        Some(_) | None => {
            return Err(Failure::bad("value", "Bundle.type must be batch"));
        }
    }
    if sent.entry.len() > ENTRIES {
        return Err(Failure::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-long",
            format!("at most {ENTRIES} entries"),
        ));
    }
    Ok(sent)
}

fn draft(call: &Call<'_>, entry: &Entry) -> Result<Draft, Failure> {
    let asked = entry
        .request
        .as_ref()
        .ok_or_else(|| Failure::bad("required", "the entry has no request"))?;
    let url = asked.url.as_deref().unwrap_or_default();
    let own = format!("{}/", call.base);
    let url = url.strip_prefix(&own).unwrap_or(url).trim_matches('/');
    if asked.method.as_deref() != Some("POST") || url != create::KIND {
        return Err(Failure::method(
            "POST",
            "a batch takes entries that POST an Observation, and no others",
        ));
    }
    let resource = entry
        .resource
        .as_ref()
        .ok_or_else(|| Failure::bad("required", "the entry has no resource"))?;
    create::draft(
        call,
        resource.get().as_bytes(),
        asked.if_none_exist.as_deref(),
    )
}

/// An entry that was refused, for the log: what it asked for, and of whom.
fn attempt(call: &Call<'_>, entry: &Entry, subject: Option<String>, failure: &Failure) -> Attempt {
    let asked = entry.request.as_ref();
    let url = asked.and_then(|asked| asked.url.as_deref()).unwrap_or("");
    let url = url.strip_prefix(call.base.as_str()).unwrap_or(url);
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let parameters = fields(query).unwrap_or_default();
    let tried = Tried {
        method: asked
            .and_then(|asked| asked.method.as_deref())
            .unwrap_or("(no method)"),
        path,
        parameters: &parameters,
        base: &call.base,
    };
    let mut attempt = tried.attempt(&format!("batch: {}", failure.rule()), failure.status);
    attempt.patients.extend(subject);
    attempt
}

/// One look at whom they speak of, one way through the journal, one answer each.
async fn settle(
    call: &Call<'_>,
    drafts: Vec<Result<Draft, Failure>>,
) -> Result<Vec<Result<Created, Failure>>, Failure> {
    let ids = drafts
        .iter()
        .flatten()
        .map(|draft| draft.subject.clone())
        .collect();
    let mut patients = create::subjects(call, ids).await?.into_iter();
    let mut answers: Vec<Result<Created, Failure>> = Vec::with_capacity(drafts.len());
    let (mut inputs, mut places) = (Vec::new(), Vec::new());
    for draft in drafts {
        let ready = match draft {
            Ok(draft) => create::prepare(call, draft, patients.next().flatten()).await,
            Err(failure) => Err(failure),
        };
        answers.push(match ready {
            Ok(Ready::There(resource)) => Ok(Created {
                resource: *resource,
                is_new: false,
            }),
            Ok(Ready::Input(input)) => {
                inputs.push(*input);
                places.push(answers.len());
                // Replaced below by what became of it.
                Err(unanswered())
            }
            Err(failure) => Err(failure),
        });
    }
    if !inputs.is_empty() {
        let taken = create::submit(call, inputs).await?;
        for (place, taken) in places.into_iter().zip(taken) {
            let settled = create::settle(call, taken).await;
            if let Some(answer) = answers.get_mut(place) {
                *answer = settled;
            }
        }
    }
    Ok(answers)
}

fn response(call: &Call<'_>, answer: &Result<Created, Failure>) -> Value {
    match answer {
        Ok(created) => {
            let status = if created.is_new {
                "201 Created"
            } else {
                "200 OK"
            };
            let resource = &created.resource;
            let updated = bedside_fact::clock::Timestamp::from_microsecond(resource.known_at)
                .map_or_else(|_| http_date(resource.known_at), |at| at.to_string());
            json!({
                "fullUrl": format!("{}/{}/{}", call.base, resource.resource_type, resource.id),
                "response": {
                    "status": status,
                    "location": create::location(resource),
                    "etag": etag(resource.version),
                    "lastModified": updated,
                },
            })
        }
        Err(failure) => json!({
            "response": { "status": failure.status.to_string(), "outcome": failure.outcome() },
        }),
    }
}

fn unanswered() -> Failure {
    Failure::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "transient",
        "nothing was heard of this entry; send it again with ifNoneExist",
    )
}
