//! Our identity and our references, put into a resource's text by byte range.
//!
//! Only `id`, `meta.versionId`, `meta.lastUpdated` and the `reference` strings of References change; every other
//! byte, the narrative included, stays as it was sent. The text is never printed from a parsed value. What a
//! reference resolves to is the caller's business.

use std::ops::Range;

use crate::json::event::{Event, Events};
use crate::json::{ScanError, members, unescape};

/// What a resource is called here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    /// `Resource.id`.
    pub id: &'a str,
    /// `Resource.meta.versionId`.
    pub version_id: &'a str,
    /// `Resource.meta.lastUpdated`, an instant.
    pub last_updated: &'a str,
}

/// Why a text could not be spliced. It never holds any of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpliceError {
    /// The text would not have passed the pre-scan.
    #[error("not a scanned text: {0}")]
    Scan(#[from] ScanError),
    /// The text is not an object with a `resourceType`.
    #[error("no resource type")]
    NoResourceType,
    /// `meta` is there and is not an object.
    #[error("meta is not an object at byte {0}")]
    MetaNotObject(usize),
}

impl SpliceError {
    /// What was wrong, as a stable word for reports.
    pub fn code(&self) -> &'static str {
        match self {
            SpliceError::Scan(error) => error.code(),
            SpliceError::NoResourceType => "no_resource_type",
            SpliceError::MetaNotObject(_) => "meta_not_object",
        }
    }
}

/// Puts `identity` into `text`, and in place of each reference what `resolve` answers.
///
/// `resolve` gets the reference with its escapes taken out and answers `None` to leave it alone; it never sees
/// references to contained resources (`#…`). References inside contained resources are offered, because they may
/// point outside. Absent members are inserted after `resourceType`; member order is kept.
pub fn splice(
    text: &str,
    identity: Option<&Identity<'_>>,
    resolve: &mut dyn FnMut(&str) -> Option<String>,
) -> Result<String, SpliceError> {
    let mut edits = Vec::new();
    reference_edits(text, resolve, &mut edits)?;
    if let Some(identity) = identity {
        identity_edits(text, identity, &mut edits)?;
    }
    Ok(apply(text, edits))
}

/// Replace this range (empty: insert there) by this text.
struct Edit {
    range: Range<usize>,
    text: String,
}

fn reference_edits(
    text: &str,
    resolve: &mut dyn FnMut(&str) -> Option<String>,
    edits: &mut Vec<Edit>,
) -> Result<(), SpliceError> {
    let mut events = Events::new(text, usize::MAX);
    let mut is_reference = false;
    while let Some(event) = events.next_event()? {
        match event {
            Event::Name(range) => {
                is_reference = unescape(text.get(range).unwrap_or_default()) == "reference";
                continue;
            }
            // In R4 a member of this name that is a string belongs to a Reference; elsewhere it is an object or an array.
            Event::String(range) if is_reference => {
                let reference = unescape(text.get(range.clone()).unwrap_or_default());
                if !reference.starts_with('#')
                    && let Some(target) = resolve(&reference)
                    && target != reference
                {
                    edits.push(Edit {
                        range,
                        text: quote(&target),
                    });
                }
            }
            Event::String(_)
            | Event::ObjectStart(_)
            | Event::ObjectEnd(_)
            | Event::ArrayStart(_)
            | Event::ArrayEnd(_)
            | Event::Scalar(_) => {}
        }
        is_reference = false;
    }
    Ok(())
}

fn identity_edits(
    text: &str,
    identity: &Identity<'_>,
    edits: &mut Vec<Edit>,
) -> Result<(), SpliceError> {
    let members = members(text);
    let value_of = |wanted: &str| {
        members
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, range)| range.clone())
    };
    let after_type = value_of("resourceType")
        .ok_or(SpliceError::NoResourceType)?
        .end;
    let mut inserted = String::new();
    match value_of("id") {
        Some(range) => edits.push(Edit {
            range,
            text: quote(identity.id),
        }),
        None => inserted = format!(",\"id\":{}", quote(identity.id)),
    }
    let version = quote(identity.version_id);
    let updated = quote(identity.last_updated);
    match value_of("meta") {
        Some(meta) => meta_edits(text, &meta, version, updated, edits)?,
        None => {
            let meta = format!(",\"meta\":{{\"versionId\":{version},\"lastUpdated\":{updated}}}");
            // After the id, wherever that stands, as FHIR's own order has it.
            match value_of("id") {
                Some(id) => edits.push(Edit {
                    range: id.end..id.end,
                    text: meta,
                }),
                None => inserted.push_str(&meta),
            }
        }
    }
    if !inserted.is_empty() {
        edits.push(Edit {
            range: after_type..after_type,
            text: inserted,
        });
    }
    Ok(())
}

fn meta_edits(
    text: &str,
    meta: &Range<usize>,
    version: String,
    updated: String,
    edits: &mut Vec<Edit>,
) -> Result<(), SpliceError> {
    let inner = text.get(meta.clone()).unwrap_or_default();
    if !inner.starts_with('{') {
        return Err(SpliceError::MetaNotObject(meta.start));
    }
    let members = members(inner);
    let value_of = |wanted: &str| {
        let found = members.iter().find(|(name, _)| name == wanted);
        found.map(|(_, range)| meta.start + range.start..meta.start + range.end)
    };
    let mut inserted = Vec::new();
    for (name, value) in [("versionId", version), ("lastUpdated", updated)] {
        match value_of(name) {
            Some(range) => edits.push(Edit { range, text: value }),
            None => inserted.push(format!("\"{name}\":{value}")),
        }
    }
    if !inserted.is_empty() {
        let mut text = inserted.join(",");
        if !members.is_empty() {
            text.push(',');
        }
        edits.push(Edit {
            range: meta.start + 1..meta.start + 1,
            text,
        });
    }
    Ok(())
}

fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    // Ranges never overlap; an insertion stands after the replacement that ends where it begins.
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let added: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let mut out = String::with_capacity(text.len() + added);
    let mut from = 0;
    for edit in edits {
        out.push_str(text.get(from..edit.range.start).unwrap_or_default());
        out.push_str(&edit.text);
        from = edit.range.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
