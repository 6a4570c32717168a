//! Writes a searchset from rows that are text already.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Value;

use super::chart::Row;
use crate::vendor::Vendor;

/// One page of a result.
pub(crate) struct Searchset<'a> {
    pub(crate) vendor: Vendor,
    /// The absolute FHIR base.
    pub(crate) base: &'a str,
    pub(crate) resource_type: &'a str,
    pub(crate) total: Option<usize>,
    pub(crate) links: Vec<(&'static str, String)>,
    pub(crate) rows: Vec<&'a Arc<Row>>,
    /// Outcomes that stand beside the matches.
    pub(crate) outcomes: Vec<Value>,
}

impl Searchset<'_> {
    /// The Bundle.
    pub(crate) fn write(&self) -> String {
        let length: usize = self.rows.iter().map(|row| row.text.len()).sum();
        let mut out = String::with_capacity(
            length.saturating_add(self.rows.len().saturating_mul(300).saturating_add(1000)),
        );
        out.push_str(r#"{"resourceType":"Bundle","type":"searchset""#);
        if let Some(total) = self.total {
            let _ = write!(out, r#","total":{total}"#);
        }
        out.push_str(r#","link":["#);
        for (index, (relation, url)) in self.links.iter().enumerate() {
            comma(&mut out, index);
            let _ = write!(out, r#"{{"relation":"{relation}","url":{}}}"#, quote(url));
        }
        out.push(']');
        if !self.rows.is_empty() || !self.outcomes.is_empty() {
            self.entries(&mut out);
        }
        out.push('}');
        out
    }

    fn entries(&self, out: &mut String) {
        out.push_str(r#","entry":["#);
        for (index, row) in self.rows.iter().enumerate() {
            comma(out, index);
            let url = quote(&format!("{}/{}/{}", self.base, self.resource_type, row.id));
            out.push('{');
            // Epic says the same twice (vendor catalogue EPIC-46).
            if self.vendor == Vendor::Epic {
                let _ = write!(out, r#""link":[{{"relation":"self","url":{url}}}],"#);
            }
            let _ = write!(out, r#""fullUrl":{url},"resource":{}"#, row.text);
            match self.vendor {
                Vendor::Epic | Vendor::Athena => out.push_str(r#","search":{"mode":"match"}}"#),
                Vendor::Oracle => out.push('}'),
            }
        }
        for (index, outcome) in self.outcomes.iter().enumerate() {
            comma(out, index.saturating_add(self.rows.len()));
            let _ = write!(
                out,
                r#"{{"fullUrl":"urn:uuid:00000000-{:04}-5cf8-e59f-c1a2e3b2f6a0","resource":{outcome},"search":{{"mode":"outcome"}}}}"#,
                index.saturating_add(1)
            );
        }
        out.push(']');
    }
}

fn comma(out: &mut String, index: usize) {
    if index > 0 {
        out.push(',');
    }
}

/// A text as a JSON string.
fn quote(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}
