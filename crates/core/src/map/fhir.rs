//! FHIR resources as they are sent: the text is kept byte for byte, only references become public.
//!
//! A reference is local when it is relative, when it names an entry of the same Bundle, or when it begins with the base that the
//! entry's own `fullUrl` has. Conditional references and other servers' addresses are left as they are.

use std::collections::BTreeMap;

use bedside_fact::id::{ResourceId, Seq};
use bedside_fact::time::{Span, span};
use bedside_fhir::json::minify;
use bedside_fhir::resource::{Resource, patient};
use bedside_fhir::splice::{Identity, splice};
use bedside_fhir::stream::{Entry, entry};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::types::is_resource_type;
use super::{MapCtx, MapEnding, Mapped};
use crate::journal::LaneKey;
use crate::record::{Alias, Draft, Join, Merge};

/// The mapping's version, kept with each resource version.
pub const VERSION: &str = "fhir/1";

/// The vendor of a source that is a program of the customer's, writing through our own API. Such a program knows our public ids and no
/// others, so its references are public already; what it calls a new resource counts for nothing (FHIR R4 §3.1.0.8).
pub const APPLICATION: &str = "application";

/// What resolves a reference that only a Bundle can: `urn:uuid:…` to type and id.
pub type Refs<'a> = &'a dyn Fn(&str) -> Option<(String, String)>;

/// The numbers that must be looked up before mapping: the one that the unit's lane is named by.
#[must_use]
pub fn identifiers(unit_text: &str, refs: Refs<'_>) -> Vec<LaneKey> {
    entry(unit_text)
        .ok()
        .and_then(|entry| lane(&entry, refs))
        .into_iter()
        .collect()
}

/// Whose lane an entry joins: its patient's, else its own; none when it has no name at all.
pub(crate) fn lane(entry: &Entry<'_>, refs: Refs<'_>) -> Option<LaneKey> {
    let names = Names::of(entry, refs);
    let resource = Resource::of(&entry.resource)?;
    let subject = resource
        .subject_reference()
        .and_then(|subject| names.target(subject));
    let subject = subject.filter(|(resource_type, _)| resource_type == "Patient");
    let (authority, value) =
        subject.or_else(|| Some((resource.resource_type().to_owned(), names.own_id(entry)?)))?;
    Some(LaneKey { authority, value })
}

/// The references of a unit that only its Bundle resolves, as JSON of reference to `[type, id]`; empty when it has none. It is
/// kept beside the raw bytes, so that the unit can be mapped again without the rest of the Bundle.
#[must_use]
pub fn context(unit_text: &str, refs: Refs<'_>) -> Vec<u8> {
    let mut found: BTreeMap<String, (String, String)> = BTreeMap::new();
    let Ok(entry) = entry(unit_text) else {
        return Vec::new();
    };
    let full_url = entry.full_url.as_deref();
    for name in full_url.into_iter().chain(entry.request_url.as_deref()) {
        found.extend(refs(name).map(|target| (name.to_owned(), target)));
    }
    let mut record = |reference: &str| {
        if !found.contains_key(reference) {
            found.extend(refs(reference).map(|target| (reference.to_owned(), target)));
        }
        None
    };
    // A text that can't be walked is refused where it is mapped.
    let _ = splice(entry.resource_text, None, &mut record);
    if found.is_empty() {
        return Vec::new();
    }
    serde_json::to_vec(&found).unwrap_or_default()
}

/// Reads back what [`context`] wrote.
#[must_use]
pub fn references(context: &[u8]) -> BTreeMap<String, (String, String)> {
    serde_json::from_slice(context).unwrap_or_default()
}

/// Maps one unit: a resource, a Bundle entry or a line of NDJSON.
#[must_use]
pub fn map(unit_text: &str, ctx: &MapCtx<'_>, refs: Refs<'_>) -> Mapped {
    let entry = match entry(unit_text) {
        Ok(entry) => entry,
        Err(error) => return Mapped::ending(MapEnding::Park(error.code().to_owned())),
    };
    let Some(resource) = Resource::of(&entry.resource) else {
        return Mapped::ending(MapEnding::Park(String::from("no_resource_type")));
    };
    if !is_resource_type(resource.resource_type()) {
        return Mapped::ending(MapEnding::Park(String::from("unknown_resource_type")));
    }
    let names = Names::of(&entry, refs);
    let resource_type = resource.resource_type().to_owned();
    let ours = ctx.source.vendor == APPLICATION;
    let public = |resource_type: &str, id: &str| {
        if ours {
            ResourceId::new(id)
        } else {
            ctx.ids.public_id(&ctx.source.id, resource_type, id)
        }
    };
    let source_id = names
        .own_id(&entry)
        .filter(|_| !ours)
        .unwrap_or_else(|| created_id(ctx.seq));
    let id = ctx
        .ids
        .public_id(&ctx.source.id, &resource_type, &source_id);

    let mut issues = Vec::new();
    let mut resolve = |reference: &str| {
        names
            .target(reference)
            .map(|(kind, target)| format!("{kind}/{}", public(&kind, &target)))
    };
    let text = match splice(&minify(entry.resource_text), None, &mut resolve) {
        Ok(text) => text,
        Err(error) => return Mapped::ending(MapEnding::Park(error.code().to_owned())),
    };
    let trial = Identity {
        id: id.as_str(),
        version_id: "1",
        last_updated: "1970-01-01T00:00:00Z",
    };
    if let Err(error) = splice(&text, Some(&trial), &mut |_| None) {
        return Mapped::ending(MapEnding::Park(error.code().to_owned()));
    }

    let patient_id = if resource_type == "Patient" {
        Some(id.clone())
    } else {
        match resource
            .subject_reference()
            .map(|subject| names.target(subject))
        {
            Some(Some((kind, target))) if kind == "Patient" => Some(public(&kind, &target)),
            Some(None) => {
                issues.push(String::from("subject: the reference leads nowhere here, so the resource is in nobody's chart"));
                None
            }
            Some(Some(_)) | None => None,
        }
    };
    let mut mapped = Mapped::ending(MapEnding::Map);
    if resource_type == "Patient" {
        if (ctx.patient_of)("Patient", &source_id).is_none() {
            mapped.aliases.push(Alias {
                authority: resource_type.clone(),
                value: source_id.clone(),
                patient: id.clone(),
            });
        }
        mapped.merges = merges(&entry.resource, &id, &names, &public);
    }
    mapped.patients = patient_id.iter().cloned().collect();
    mapped
        .patients
        .extend(mapped.merges.iter().map(|merge| merge.other(&id)));
    mapped.issues = issues;
    let zone = TimeZone::get(&ctx.source.zone).unwrap_or(TimeZone::UTC);
    let updated = resource
        .last_updated()
        .and_then(|updated| span(updated, &zone));
    mapped.drafts.push(Draft {
        resource_type,
        source_id,
        id,
        patient: patient_id,
        when: clinical_time(&entry.resource, &zone),
        source_time: updated.map(|updated| updated.lo),
        body: entry.resource,
        text: Some(text),
        join: Join::Replace,
    });
    mapped
}

/// What a resource without an id of its own is called: after the input that brought it.
#[must_use]
pub fn created_id(seq: Seq) -> String {
    format!("journal/{seq}")
}

/// How this unit's references are understood.
struct Names<'a> {
    refs: Refs<'a>,
    base: Option<String>,
}

impl<'a> Names<'a> {
    fn of(entry: &Entry<'_>, refs: Refs<'a>) -> Self {
        let base = entry.full_url.as_deref().and_then(|url| {
            let mut parts = url.rsplitn(3, '/');
            let (id, resource_type) = (parts.next()?, parts.next()?);
            local(&format!("{resource_type}/{id}"))?;
            parts.next().map(|base| format!("{base}/"))
        });
        Self {
            refs,
            base: base.filter(|base| base.starts_with("http")),
        }
    }

    /// Type and id that a reference means here.
    fn target(&self, reference: &str) -> Option<(String, String)> {
        (self.refs)(reference)
            .or_else(|| local(reference))
            .or_else(|| {
                let base = self.base.as_deref()?;
                local(reference.strip_prefix(base)?)
            })
    }

    /// The resource's own id; for an entry without one what its Bundle calls it.
    fn own_id(&self, entry: &Entry<'_>) -> Option<String> {
        let own = entry
            .resource
            .get("id")
            .and_then(Value::as_str)
            .filter(|id| !id.is_empty());
        let full_url = entry.full_url.as_deref().filter(|url| !url.is_empty());
        own.map(str::to_owned)
            .or_else(|| full_url.and_then(self.refs).map(|(_, id)| id))
            .or_else(|| full_url.map(|url| url.strip_prefix("urn:uuid:").unwrap_or(url).to_owned()))
    }
}

/// A relative reference: `Type/id`, a version of it meaning the resource.
fn local(reference: &str) -> Option<(String, String)> {
    let mut parts = reference.split('/');
    let (resource_type, id) = (parts.next()?, parts.next()?);
    let version = (parts.next(), parts.next(), parts.next());
    let whole = matches!(
        version,
        (None, None, None) | (Some("_history"), Some(_), None)
    );
    let named = resource_type.starts_with(|letter: char| letter.is_ascii_uppercase())
        && resource_type.bytes().all(|byte| byte.is_ascii_alphabetic());
    let plain = !id.is_empty() && !id.contains(['?', '#', '|', ' ']);
    (whole && named && plain).then(|| (resource_type.to_owned(), id.to_owned()))
}

/// `Patient.link` says that one record replaces another (FHIR R4 §8.1.8): a merge that the source made.
fn merges(
    resource: &Value,
    own: &ResourceId,
    names: &Names<'_>,
    public: &dyn Fn(&str, &str) -> ResourceId,
) -> Vec<Merge> {
    let mut merges = Vec::new();
    for link in patient::links(resource) {
        let Some((kind, other)) = names
            .target(link.other)
            .filter(|(kind, _)| kind == "Patient")
        else {
            continue;
        };
        let other = public(&kind, &other);
        match link.kind {
            _ if other == *own => {}
            Some("replaced-by") => merges.push(Merge {
                survivor: other,
                prior: own.clone(),
            }),
            Some("replaces") => merges.push(Merge {
                survivor: own.clone(),
                prior: other,
            }),
            Some(_) | None => {}
        }
    }
    merges
}

impl Merge {
    fn other(&self, one: &ResourceId) -> ResourceId {
        if self.survivor == *one {
            self.prior.clone()
        } else {
            self.survivor.clone()
        }
    }
}

/// When it was true of the patient: the first of these elements that the resource has.
fn clinical_time(resource: &Value, zone: &TimeZone) -> Option<Span> {
    const TIMES: &[&str] = &[
        "effectiveDateTime",
        "effectiveInstant",
        "effectivePeriod",
        "onsetDateTime",
        "onsetPeriod",
        "performedDateTime",
        "performedPeriod",
        "occurrenceDateTime",
        "occurrencePeriod",
        "period",
        "started",
        "authoredOn",
        "date",
        "recordedDate",
        "issued",
        "created",
    ];
    TIMES.iter().find_map(|name| match resource.get(*name)? {
        Value::String(time) => span(time, zone),
        Value::Object(period) => {
            let part = |name: &str| {
                period
                    .get(name)
                    .and_then(Value::as_str)
                    .and_then(|time| span(time, zone))
            };
            let (start, end) = (part("start"), part("end"));
            Some(Span {
                lo: start.or(end)?.lo,
                hi: end.or(start)?.hi,
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    })
}
