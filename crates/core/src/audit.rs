//! What is written down about each access and exchange. Ids and words, never clinical values.

use serde::{Deserialize, Serialize};

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditOutcome {
    /// Done.
    Success,
    /// Refused by a rule.
    Denied,
    /// Tried and failed.
    Failure,
}

/// One thing that happened. The store adds tenant, time, sequence and index, and seals it (design D15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// `patient.read`, `input.receive`, `session.start` and the like.
    pub action: String,
    /// How it went.
    pub outcome: AuditOutcome,
    /// Who: account or service. In clear in the leaf.
    pub actor: String,
    /// In which role.
    pub role: String,
    /// `v3-ActReason` code.
    pub purpose: String,
    /// Through which door.
    pub via: String,
    /// The public id of the patient that it touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// The actor's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What else identifies the event: journal sequence, acknowledgement code, rule of a denial, source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Where it was kept first, when the log itself could not be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_from: Option<String>,
    /// The time of the event when it is entered late, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub happened_at: Option<String>,
}

impl Entry {
    /// An entry for what `ctx` does.
    #[must_use]
    pub fn new(ctx: &crate::ctx::OpCtx, action: &str, outcome: AuditOutcome) -> Self {
        Self {
            action: action.to_owned(),
            outcome,
            actor: ctx.actor.as_str().to_owned(),
            role: ctx.role.as_str().to_owned(),
            purpose: ctx.purpose.code().to_owned(),
            via: format!("{:?}", ctx.via).to_lowercase(),
            patient: None,
            reason: ctx.reason.clone(),
            detail: None,
            late_from: None,
            happened_at: None,
        }
    }

    /// With the patient it touched.
    #[must_use]
    pub fn patient(mut self, id: &str) -> Self {
        self.patient = Some(id.to_owned());
        self
    }

    /// With a detail.
    #[must_use]
    pub fn detail(mut self, text: impl Into<String>) -> Self {
        self.detail = Some(text.into());
        self
    }
}
