//! `OperationOutcome`: said and read.
//!
//! Diagnostics are for codes, positions and limits; what a patient's record says has no place in them.

use serde_json::json;

use crate::json::Value;
use crate::resource::{CodeableConcept, codeable_concept};

/// `OperationOutcome.issue.severity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The action failed and nothing more could be checked.
    Fatal,
    /// The action failed.
    Error,
    /// It went through, though something is doubtful.
    Warning,
    /// For information.
    Information,
}

impl Severity {
    /// FHIR's code.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Fatal => "fatal",
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Information => "information",
        }
    }

    /// From FHIR's code.
    pub fn from_code(code: &str) -> Option<Severity> {
        [
            Severity::Fatal,
            Severity::Error,
            Severity::Warning,
            Severity::Information,
        ]
        .into_iter()
        .find(|severity| severity.as_str() == code)
    }
}

/// One `OperationOutcome.issue`.
#[derive(Debug, Clone, PartialEq)]
pub struct Issue {
    /// How bad it is; what can't be read counts as an error.
    pub severity: Severity,
    /// FHIR's issue type, such as `not-found` or `processing`.
    pub code: String,
    /// The reason as a concept.
    pub details: Option<CodeableConcept>,
    /// The reason in words.
    pub diagnostics: Option<String>,
    /// `FHIRPath` of the elements that it is about.
    pub expressions: Vec<String>,
}

/// An outcome with one issue. `code` is one of FHIR's issue types.
pub fn outcome(severity: Severity, code: &str, diagnostics: &str) -> Value {
    outcome_of(&[Issue {
        severity,
        code: code.to_owned(),
        details: None,
        diagnostics: Some(diagnostics.to_owned()),
        expressions: Vec::new(),
    }])
}

/// An outcome with these issues. Details are written as their text.
pub fn outcome_of(issues: &[Issue]) -> Value {
    let issues: Vec<Value> = issues
        .iter()
        .map(|issue| {
            let mut written = json!({ "severity": issue.severity.as_str(), "code": issue.code });
            if let Some(object) = written.as_object_mut() {
                if let Some(text) = issue.details.as_ref().and_then(CodeableConcept::label) {
                    object.insert("details".to_owned(), json!({ "text": text }));
                }
                if let Some(text) = &issue.diagnostics {
                    object.insert("diagnostics".to_owned(), json!(text));
                }
                if !issue.expressions.is_empty() {
                    object.insert("expression".to_owned(), json!(issue.expressions));
                }
            }
            written
        })
        .collect();
    json!({ "resourceType": "OperationOutcome", "issue": issues })
}

/// The issues of an outcome; none when `value` is something else.
pub fn issues(value: &Value) -> Vec<Issue> {
    if value.get("resourceType").and_then(Value::as_str) != Some("OperationOutcome") {
        return Vec::new();
    }
    let text =
        |issue: &Value, name: &str| issue.get(name).and_then(Value::as_str).map(str::to_owned);
    let list = value.get("issue").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .map(|issue| Issue {
            severity: text(issue, "severity")
                .and_then(|code| Severity::from_code(&code))
                .unwrap_or(Severity::Error),
            code: text(issue, "code").unwrap_or_else(|| "unknown".to_owned()),
            details: issue.get("details").map(codeable_concept),
            diagnostics: text(issue, "diagnostics"),
            expressions: issue
                .get("expression")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_reads_back_as_it_was_said() {
        let said = outcome(Severity::Error, "not-found", "no such version");
        assert_eq!(said["resourceType"], "OperationOutcome");
        let read = issues(&said);
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].severity, Severity::Error);
        assert_eq!(read[0].code, "not-found");
        assert_eq!(read[0].diagnostics.as_deref(), Some("no such version"));
    }

    #[test]
    fn an_issue_without_a_known_severity_counts_as_an_error() {
        let read =
            issues(&json!({"resourceType":"OperationOutcome","issue":[{"severity":"success"}, 7]}));
        assert_eq!(read.len(), 2);
        assert!(
            read.iter()
                .all(|issue| issue.severity == Severity::Error && issue.code == "unknown")
        );
        assert!(issues(&json!({"resourceType":"Patient"})).is_empty());
    }
}
