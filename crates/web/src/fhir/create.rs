//! Creating an Observation: checked, made durable, applied, and only then answered (promise P1).
//!
//! It goes through the journal like everything that anybody sends. The answer carries the resource as it is stored, so that a client sees
//! what became of its references.

use axum::body::Body;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use bedside_core::admit;
use bedside_core::journal::{NewInput, UnitKey};
use bedside_core::map::fhir::created_id;
use bedside_core::record::Ending;
use bedside_fact::id::ResourceId;
use bedside_fhir::json::{ScanLimits, parse};
use bedside_fhir::search::{Criterion, Operand, Query, Reading};
use bedside_store::FhirResource;
use serde_json::Value;

use super::api::Taken;
use super::bounds;
use super::door::Call;
use super::failure::{Failure, issue};
use super::format::{fields, json, prefers};
use super::observation;
use super::read::stamped;
use crate::auth::Application;

/// The only type that is created.
pub(super) const KIND: &str = "Observation";

/// The longest resource.
const LARGEST: usize = 1024 * 1024;

/// What is to be created, as far as it can be said without the store.
pub(super) struct Draft {
    text: String,
    /// The id in the reference to the patient.
    pub(super) subject: String,
    /// The conditions of `If-None-Exist`.
    condition: Option<(String, Query)>,
}

/// A resource that is there, and whether it was before.
pub(super) struct Created {
    pub(super) resource: FhirResource,
    pub(super) is_new: bool,
}

/// A draft that is ready to be taken in, or what stands in its way.
pub(super) enum Ready {
    Input(Box<NewInput>),
    There(Box<FhirResource>),
}

/// `POST /fhir/Observation`.
pub(super) async fn create(call: &Call<'_>, body: Body) -> Result<Response, Failure> {
    // Whoever may not is told so before anything of the body is looked at.
    call.console.store().fhir_may_create(call.ctx, KIND).await?;
    let bytes = json(&call.parts.headers, body, LARGEST).await?;
    let condition = condition(&call.parts.headers)?;
    let draft = draft(call, &bytes, condition.as_deref())?;
    let patient = subjects(call, vec![draft.subject.clone()])
        .await?
        .pop()
        .flatten();
    let created = match prepare(call, draft, patient).await? {
        Ready::There(resource) => Created {
            resource: *resource,
            is_new: false,
        },
        Ready::Input(input) => {
            let taken = submit(call, vec![*input]).await?;
            let first = taken.into_iter().next().ok_or_else(not_now)?;
            settle(call, first).await?
        }
    };
    let status = if created.is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    // A resource that was there before may be one that this application can't read: it gets to know where it is.
    let minimal = prefers(&call.parts.headers, "return", "minimal") || !created.is_new;
    let body = if minimal {
        Body::empty()
    } else {
        Body::from(created.resource.body.clone())
    };
    let mut response = stamped(status, &created.resource, body);
    let location = format!("{}/{}", call.base, location(&created.resource));
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// `Observation/id/_history/1`.
pub(super) fn location(resource: &FhirResource) -> String {
    format!(
        "{}/{}/_history/{}",
        resource.resource_type, resource.id, resource.version
    )
}

/// Reads and checks what a client sent. `condition` is what `If-None-Exist` says.
pub(super) fn draft(
    call: &Call<'_>,
    bytes: &[u8],
    condition: Option<&str>,
) -> Result<Draft, Failure> {
    let limits = ScanLimits {
        max_bytes: LARGEST,
        ..ScanLimits::default()
    };
    let resource = parse(bytes, &limits).map_err(|error| {
        Failure::bad(
            "structure",
            format!("{} at byte {}", error.code(), error.offset()),
        )
    })?;
    let text =
        std::str::from_utf8(bytes).map_err(|_| Failure::bad("structure", "not_utf8 at byte 0"))?;
    if resource.get("resourceType").and_then(Value::as_str) != Some(KIND) {
        return Err(Failure::with(
            StatusCode::UNPROCESSABLE_ENTITY,
            vec![issue(
                "structure",
                "an Observation was to be created, and this is none",
                Some("resourceType"),
            )],
        ));
    }
    let mut problems = observation::problems(&resource, call.console.zone());
    problems.extend(bounds::problems(&resource));
    let subject = observation::subject(&resource).and_then(|reference| {
        let own = format!("{}/", call.base);
        let local = reference.strip_prefix(&own).unwrap_or(reference);
        let id = local.strip_prefix("Patient/")?;
        let id = id.split_once("/_history/").map_or(id, |(id, _)| id);
        (!id.is_empty() && !id.contains('/')).then(|| id.to_owned())
    });
    if subject.is_none() && observation::subject(&resource).is_some() {
        problems.push(issue(
            "value",
            "the subject must be a Patient of this server, as Patient/id",
            Some("Observation.subject.reference"),
        ));
    }
    let Some(subject) = subject.filter(|_| problems.is_empty()) else {
        return Err(Failure::with(StatusCode::UNPROCESSABLE_ENTITY, problems));
    };
    Ok(Draft {
        text: text.to_owned(),
        subject,
        condition: condition
            .map(|text| read_condition(call, text))
            .transpose()?,
    })
}

/// The patients that these ids mean; each is in the log.
pub(super) async fn subjects(
    call: &Call<'_>,
    ids: Vec<String>,
) -> Result<Vec<Option<ResourceId>>, Failure> {
    Ok(call
        .console
        .store()
        .fhir_subjects(call.ctx, KIND, ids)
        .await?)
}

/// An input for the journal, unless what is to be created is there already.
pub(super) async fn prepare(
    call: &Call<'_>,
    draft: Draft,
    patient: Option<ResourceId>,
) -> Result<Ready, Failure> {
    let Some(patient) = patient else {
        return Err(Failure::with(
            StatusCode::UNPROCESSABLE_ENTITY,
            vec![issue(
                "not-found",
                "nothing is known here of this patient",
                Some("Observation.subject.reference"),
            )],
        ));
    };
    let application = application(call)?;
    let store = call.console.store();
    let mut unit = UnitKey::Message {
        control: String::new(),
    };
    if let Some((condition, query)) = draft.condition {
        let mut own = store
            .fhir_own(call.ctx, &application.source.id, &patient, query)
            .await?;
        if own.len() > 1 {
            return Err(Failure::new(
                StatusCode::PRECONDITION_FAILED,
                "multiple-matches",
                "several of your resources fit If-None-Exist",
            ));
        }
        if let Some(there) = own.pop() {
            return Ok(Ready::There(Box::new(there)));
        }
        // Of many that arrive at once under one condition the journal takes one (promise P2).
        unit = UnitKey::File {
            hash: store.conditional_key(&application.source.id, patient.as_str(), &condition),
            position: 0,
        };
    }
    let own = format!("{}/", call.base);
    let refs = |reference: &str| -> Option<(String, String)> {
        let inside = reference.strip_prefix(&own);
        let local = inside.unwrap_or(reference);
        let (kind, id) = local.split_once('/')?;
        let id = id.split_once("/_history/").map_or(id, |(id, _)| id);
        if kind == "Patient" && id == draft.subject {
            return Some((kind.to_owned(), patient.as_str().to_owned()));
        }
        inside.map(|_| (kind.to_owned(), id.to_owned()))
    };
    let mut input = admit::fhir(
        draft.text.as_bytes(),
        &application.source,
        [0; 32],
        0,
        &refs,
    );
    if let Some(reason) = &input.reject {
        return Err(Failure::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "processing",
            reason.clone(),
        ));
    }
    input.unit = unit;
    Ok(Ready::Input(Box::new(input)))
}

/// Through the journal and the lanes.
pub(super) async fn submit(call: &Call<'_>, inputs: Vec<NewInput>) -> Result<Vec<Taken>, Failure> {
    call.console
        .app
        .api
        .intake
        .submit(call.ctx, inputs)
        .await
        .map_err(|word| {
            tracing::warn!(code = word, "an application's input was not taken");
            not_now()
        })
}

/// What became of an input.
pub(super) async fn settle(call: &Call<'_>, taken: Taken) -> Result<Created, Failure> {
    match taken.ending {
        Ending::Applied | Ending::Noop(_) => {}
        Ending::Parked(reason) => {
            return Err(Failure::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "processing",
                format!(
                    "received as input {} and set aside: {reason}; somebody at the site has to look at it, so do not send it again",
                    taken.seq
                ),
            ));
        }
    }
    let application = application(call)?;
    let store = call.console.store();
    let id = store
        .public_ids()
        .public_id(&application.source.id, KIND, &created_id(taken.seq));
    let resource = store
        .fhir_created(call.ctx, &application.source.id, KIND, &id)
        .await?;
    Ok(Created {
        resource,
        is_new: !taken.again,
    })
}

/// What `If-None-Exist` says.
fn condition(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    headers
        .get("if-none-exist")
        .map(|value| {
            value
                .to_str()
                .map(str::to_owned)
                .map_err(|_| Failure::bad("value", "If-None-Exist can't be read"))
        })
        .transpose()
}

/// Only identifiers tell whether a resource is the same: anything else would compare clinical content.
fn read_condition(call: &Call<'_>, text: &str) -> Result<(String, Query), Failure> {
    let refused = || {
        Failure::bad(
            "not-supported",
            "If-None-Exist takes one identifier, as identifier=system|value",
        )
    };
    let text = text.split_once('?').map_or(text, |(_, query)| query);
    let pairs = fields(text)?;
    let zone = call.console.zone().clone();
    let times = |text: &str| bedside_fact::time::span(text, &zone).map(|span| (span.lo, span.hi));
    let reading = Reading {
        base: &call.base,
        strict: true,
        span: &times,
    };
    let query = Query::parse(KIND, &pairs, &reading).map_err(|_| refused())?;
    let one = |criterion: &Criterion| {
        matches!(
            criterion.values.as_slice(),
            [Operand::Token { code: Some(_), .. }]
        )
    };
    match query.criteria.as_slice() {
        [criterion]
            if criterion.parameter.name == "identifier"
                && one(criterion)
                && query.patients.is_empty()
                && query.ids.is_none() =>
        {
            let canonical = pairs
                .first()
                .map(|(_, value)| value.clone())
                .unwrap_or_default();
            Ok((canonical, query))
        }
        _ => Err(refused()),
    }
}

fn application<'a>(call: &Call<'a>) -> Result<&'a Application, Failure> {
    call.console
        .app
        .api
        .application(call.ctx.actor.as_str())
        .ok_or_else(|| Failure::unauthorised(true))
}

fn not_now() -> Failure {
    Failure::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "transient",
        "it could not be taken in at the moment; it is not known to be stored, so send it again with If-None-Exist",
    )
}
