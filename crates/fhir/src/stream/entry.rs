//! One unit opened: the resource in it, and what its Bundle entry says about it.
//!
//! The resource's text is a slice of the unit, so that what is stored is what was sent.

use crate::json::{ScanLimits, Value, members, scan, unescape};

/// An opened unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'a> {
    /// `fullUrl` of the Bundle entry.
    pub full_url: Option<String>,
    /// The resource, parsed.
    pub resource: Value,
    /// The resource exactly as sent.
    pub resource_text: &'a str,
    /// `request.method` of the Bundle entry.
    pub request_method: Option<String>,
    /// `request.url` of the Bundle entry.
    pub request_url: Option<String>,
    /// `request.ifNoneExist` of the Bundle entry.
    pub if_none_exist: Option<String>,
}

/// What other entries may call a unit, for a first pass that resolves `urn:uuid:` references.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntryKey {
    /// `fullUrl` of the Bundle entry.
    pub full_url: Option<String>,
    /// The resource's type.
    pub resource_type: String,
    /// The resource's id.
    pub id: Option<String>,
}

/// Why a unit has no resource to offer. It never holds any of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The text would not have passed the pre-scan.
    #[error("not a scanned text: {0}")]
    Scan(#[from] crate::json::ScanError),
    /// Neither a resource nor a Bundle entry with one, such as the entry of a deletion.
    #[error("no resource")]
    NoResource,
    /// The resource has no `resourceType`.
    #[error("no resource type")]
    NoResourceType,
}

impl EntryError {
    /// What was wrong, as a stable word for reports.
    pub fn code(&self) -> &'static str {
        match self {
            EntryError::Scan(error) => error.code(),
            EntryError::NoResource => "no_resource",
            EntryError::NoResourceType => "no_resource_type",
        }
    }
}

/// Opens a Bundle entry or a plain resource.
pub fn entry(unit_text: &str) -> Result<Entry<'_>, EntryError> {
    let limits = ScanLimits {
        max_bytes: usize::MAX,
        ..ScanLimits::default()
    };
    scan(unit_text.as_bytes(), &limits)?;
    let outline = Outline::of(unit_text).ok_or(EntryError::NoResource)?;
    let resource: Value =
        serde_json::from_str(outline.resource_text).map_err(|_| EntryError::NoResource)?;
    if resource
        .get("resourceType")
        .and_then(Value::as_str)
        .is_none_or(str::is_empty)
    {
        return Err(EntryError::NoResourceType);
    }
    let request = outline.request.unwrap_or_default();
    Ok(Entry {
        full_url: outline.full_url,
        resource,
        resource_text: outline.resource_text,
        request_method: string_member(request, "method"),
        request_url: string_member(request, "url"),
        if_none_exist: string_member(request, "ifNoneExist"),
    })
}

/// Only what names the unit, without parsing the rest of it.
pub fn entry_key(unit_text: &str) -> Option<EntryKey> {
    let outline = Outline::of(unit_text)?;
    let members = members(outline.resource_text);
    let text = |wanted: &str| {
        let (_, range) = members.iter().find(|(name, _)| name == wanted)?;
        string(outline.resource_text.get(range.clone())?)
    };
    Some(EntryKey {
        resource_type: text("resourceType")?,
        id: text("id"),
        full_url: outline.full_url,
    })
}

struct Outline<'a> {
    full_url: Option<String>,
    resource_text: &'a str,
    request: Option<&'a str>,
}

impl<'a> Outline<'a> {
    fn of(text: &'a str) -> Option<Outline<'a>> {
        let members = members(text);
        let part = |wanted: &str| {
            let (_, range) = members.iter().find(|(name, _)| name == wanted)?;
            text.get(range.clone())
        };
        // No backbone element has a `resourceType`, and no resource type has a member `resource` and a type besides.
        if part("resourceType").is_some() {
            return Some(Outline {
                full_url: None,
                resource_text: text,
                request: None,
            });
        }
        Some(Outline {
            full_url: part("fullUrl").and_then(string),
            resource_text: part("resource").filter(|resource| resource.starts_with('{'))?,
            request: part("request"),
        })
    }
}

fn string_member(object: &str, wanted: &str) -> Option<String> {
    let members = members(object);
    let (_, range) = members.iter().find(|(name, _)| name == wanted)?;
    string(object.get(range.clone())?)
}

fn string(quoted: &str) -> Option<String> {
    quoted
        .starts_with('"')
        .then(|| unescape(quoted).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_entry_gives_the_exact_text_of_its_resource() {
        let unit = r#"{"fullUrl":"urn:uuid:7","resource": {"resourceType":"Patient" , "id":"a\u002fb","x":1.10},"request":{"method":"PUT","url":"Patient/7"}}"#;
        let entry = entry(unit).unwrap();
        assert_eq!(
            entry.resource_text,
            r#"{"resourceType":"Patient" , "id":"a\u002fb","x":1.10}"#
        );
        assert_eq!(entry.full_url.as_deref(), Some("urn:uuid:7"));
        assert_eq!(entry.request_method.as_deref(), Some("PUT"));
        assert_eq!(entry.request_url.as_deref(), Some("Patient/7"));
        assert_eq!(entry.resource["x"].to_string(), "1.10");
        let key = entry_key(unit).unwrap();
        assert_eq!(
            (key.resource_type.as_str(), key.id.as_deref()),
            ("Patient", Some("a/b"))
        );
    }

    #[test]
    fn a_plain_resource_is_its_own_entry() {
        let unit = r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"}}]}"#;
        assert_eq!(entry(unit).unwrap().resource_text, unit);
        assert_eq!(entry_key(unit).unwrap().resource_type, "Bundle");
    }

    #[test]
    fn a_unit_without_a_resource_says_so() {
        for (unit, code) in [
            (
                r#"{"request":{"method":"DELETE","url":"Patient/7"}}"#,
                "no_resource",
            ),
            (r#"{"resource":"Patient"}"#, "no_resource"),
            (r#"{"resource":{}}"#, "no_resource_type"),
            (r#"{"resource":{"resourceType":7}}"#, "no_resource_type"),
            (r#"{"resourceType":null}"#, "no_resource_type"),
            ("[]", "no_resource"),
            (r#"{"resource":{"a":1,"a":2}}"#, "duplicate_member"),
            ("", "empty"),
        ] {
            assert_eq!(entry(unit).unwrap_err().code(), code, "{unit}");
            assert_eq!(entry_key(unit), None);
        }
    }
}
