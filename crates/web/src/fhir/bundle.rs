//! Bundles as text: a head, and the stored bodies as they are. Nothing is parsed and printed again.

use serde_json::{Value, json};

/// A Bundle that grows by entries.
pub(super) struct Bundle {
    head: String,
    entries: String,
}

impl Bundle {
    /// A Bundle of this type; `members` are further members of its head, such as the total and the links.
    pub(super) fn new(kind: &str, members: &[(&str, Value)]) -> Self {
        let mut head = format!("{{\"resourceType\":\"Bundle\",\"type\":{}", json!(kind));
        for (name, value) in members {
            head.push_str(&format!(",{}:{value}", json!(name)));
        }
        Self {
            head,
            entries: String::new(),
        }
    }

    /// Adds a resource by its stored text.
    pub(super) fn resource(&mut self, full_url: &str, body: &str, mode: &str) {
        self.push(&format!(
            "{{\"fullUrl\":{},\"resource\":{body},\"search\":{{\"mode\":{}}}}}",
            json!(full_url),
            json!(mode)
        ));
    }

    /// Adds an entry.
    pub(super) fn entry(&mut self, entry: &Value) {
        self.push(&entry.to_string());
    }

    /// The whole text. A Bundle without entries has no such member: FHIR forbids empty arrays.
    pub(super) fn finish(self) -> String {
        if self.entries.is_empty() {
            format!("{}}}", self.head)
        } else {
            format!("{},\"entry\":[{}]}}", self.head, self.entries)
        }
    }

    fn push(&mut self, entry: &str) {
        if !self.entries.is_empty() {
            self.entries.push(',');
        }
        self.entries.push_str(entry);
    }
}
