//! What every resource has: type, id, version, and whom it is about.
//!
//! For the members of one type see that type's module.

use super::read::{reference_text, text};
use crate::json::Value;

/// A parsed value that has a `resourceType`.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'a>(&'a Value);

impl<'a> Resource<'a> {
    /// `None` when the value is not an object with a `resourceType` that is text.
    pub fn of(value: &'a Value) -> Option<Resource<'a>> {
        text(value, "resourceType").filter(|name| !name.is_empty())?;
        Some(Resource(value))
    }

    /// The value itself.
    pub fn value(&self) -> &'a Value {
        self.0
    }

    /// `resourceType`
    pub fn resource_type(&self) -> &'a str {
        text(self.0, "resourceType").unwrap_or_default()
    }

    /// `id`
    pub fn id(&self) -> Option<&'a str> {
        text(self.0, "id")
    }

    /// `meta.versionId`
    pub fn version_id(&self) -> Option<&'a str> {
        self.0.get("meta").and_then(|meta| text(meta, "versionId"))
    }

    /// `meta.lastUpdated`
    pub fn last_updated(&self) -> Option<&'a str> {
        self.0
            .get("meta")
            .and_then(|meta| text(meta, "lastUpdated"))
    }

    /// The reference to the patient that the resource is about, as sent; none for a `Patient` itself.
    ///
    /// It is the element that puts the resource into the patient compartment (FHIR R4, `CompartmentDefinition/patient`).
    /// The reference may name a group, a device or a location where the element allows that.
    pub fn subject_reference(&self) -> Option<&'a str> {
        let element = match self.resource_type() {
            "Patient" => return None,
            "Coverage" => "beneficiary",
            "Task" => "for",
            "ResearchSubject" => "individual",
            _ => "subject",
        };
        // No R4 type has both `subject` and `patient`, so trying both spares a table of types, and copes with servers
        // that send another release's name.
        reference_text(self.0, element)
            .or_else(|| reference_text(self.0, "subject"))
            .or_else(|| reference_text(self.0, "patient"))
    }
}
