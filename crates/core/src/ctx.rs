//! The operation context: the only way to the data. Every operation of the store takes one.

use std::sync::Arc;

use bedside_fact::clock::{SharedClock, Timestamp};
use bedside_fact::id::{ActorId, TenantId};
use serde::{Deserialize, Serialize};

use crate::access::Grant;

/// What an actor is allowed to be for. Everything that is not granted is denied ([`crate::access`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A physician, nurse or care manager.
    Clinician,
    /// Connects systems and mends feeds; sees clinical content only with a reason.
    Engineer,
    /// Reads the audit log, not the charts.
    Compliance,
    /// A registered program of the customer's.
    Application,
    /// Bedside's own listeners, lanes and timers.
    Service,
    /// Nobody yet: a request before sign-in.
    Anonymous,
}

impl Role {
    /// The word in configuration, on the command line and in the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clinician => "clinician",
            Self::Engineer => "engineer",
            Self::Compliance => "compliance",
            Self::Application => "application",
            Self::Service => "service",
            Self::Anonymous => "anonymous",
        }
    }

    /// The role of that word. `Service` and `Anonymous` can't be asked for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Clinician,
            Self::Engineer,
            Self::Compliance,
            Self::Application,
        ]
        .into_iter()
        .find(|role| role.as_str() == word)
    }
}

/// Why the data is used: HL7 `v3-ActReason` codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// `TREAT`: treatment of the patient.
    #[serde(rename = "TREAT")]
    Treatment,
    /// `HOPERAT`: health care operations, running this connection among them.
    #[serde(rename = "HOPERAT")]
    Operations,
    /// `HCOMPL`: compliance review.
    #[serde(rename = "HCOMPL")]
    Compliance,
}

impl Purpose {
    /// The `v3-ActReason` code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Treatment => "TREAT",
            Self::Operations => "HOPERAT",
            Self::Compliance => "HCOMPL",
        }
    }
}

/// Through which door an operation came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// The console in a browser.
    Console,
    /// A command of the operator's.
    Command,
    /// The FHIR or administration API.
    Api,
    /// An HL7 v2 connection.
    Mllp,
    /// Bedside itself.
    Internal,
}

/// Who does what for whom, why, and when. Cheap to clone.
#[derive(Clone)]
pub struct OpCtx {
    /// Whose data.
    pub tenant: TenantId,
    /// Who.
    pub actor: ActorId,
    /// In which role.
    pub role: Role,
    /// For which purpose.
    pub purpose: Purpose,
    /// In the actor's own words, where the role must give one. Sealed in the audit log.
    pub reason: Option<String>,
    /// Through which door.
    pub via: Via,
    /// What a program was granted; nothing for people and for Bedside itself, whose roles say what they may.
    pub grant: Option<Arc<Grant>>,
    /// The time.
    pub clock: SharedClock,
}

impl OpCtx {
    /// The context of Bedside's own part `name` (`mllp`, `lanes`, `ingest`).
    #[must_use]
    pub fn service(tenant: TenantId, name: &str, clock: SharedClock) -> Self {
        Self {
            tenant,
            actor: ActorId::new(format!("bedside/{name}")),
            role: Role::Service,
            purpose: Purpose::Operations,
            reason: None,
            via: Via::Internal,
            grant: None,
            clock,
        }
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
