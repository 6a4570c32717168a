//! May this actor do this? Deny by default; the answer names the rule, so that a refusal can be explained
//! (45 CFR 171: every denial rests on a rule).

mod grant;

use crate::ctx::{OpCtx, Role, Via};

pub use grant::{Grant, Operation, Predicate, plan};

/// What can be asked of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Search for patients by name, number or birth date.
    FindPatients,
    /// Read a patient's chart.
    ReadChart,
    /// Read an input as it was received.
    ReadRaw,
    /// List inputs, sources and queues: types, times, sizes, counts; no clinical content.
    ReadOperations,
    /// Replay, discard, undo a merge, pause.
    Operate,
    /// Take data in.
    Receive,
    /// Apply what was taken in to the record.
    Apply,
    /// Search and verify the audit log.
    ReadAudit,
    /// Take data out of Bedside in bulk or by a program.
    Export,
    /// Create accounts and sign-in links.
    ManageAccounts,
    /// See the items that workflows opened, with the facts they stand on.
    ReadWorklist,
    /// Acknowledge, finish, decline or take over an item.
    ActOnItem,
    /// Read the facts of a person to decide what a workflow does.
    Evaluate,
    /// Read and search resources by the FHIR API. Which ones the grant says ([`plan`]).
    ReadResources,
    /// Create resources by the FHIR API. Which ones the grant says ([`plan`]).
    WriteResources,
}

impl Action {
    /// The word in the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FindPatients => "patient.find",
            Self::ReadChart => "patient.read",
            Self::ReadRaw => "input.read",
            Self::ReadOperations => "operations.read",
            Self::Operate => "operations.change",
            Self::Receive => "input.receive",
            Self::Apply => "input.apply",
            Self::ReadAudit => "audit.read",
            Self::Export => "export",
            Self::ManageAccounts => "account.manage",
            Self::ReadWorklist => "worklist.read",
            Self::ActOnItem => "item.act",
            Self::Evaluate => "workflow.evaluate",
            Self::ReadResources => "fhir.read",
            Self::WriteResources => "fhir.write",
        }
    }
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// No rule grants this to the role.
    NotGranted,
    /// The role may, once a reason is given.
    ReasonNeeded,
}

impl Denial {
    /// A sentence for the one who was refused.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotGranted => "your role does not include this",
            Self::ReasonNeeded => {
                "an integration engineer sees clinical content only with a reason: give one with --reason or in the console"
            }
        }
    }

    /// The rule, for the audit log.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::NotGranted => "role.not_granted",
            Self::ReasonNeeded => "role.reason_needed",
        }
    }
}

/// Decides.
///
/// # Errors
/// The denial, with the rule that it rests on.
pub fn authorise(ctx: &OpCtx, action: Action) -> Result<(), Denial> {
    use Action::{
        ActOnItem, Apply, Evaluate, Export, FindPatients, ManageAccounts, Operate, ReadAudit,
        ReadChart, ReadOperations, ReadRaw, ReadResources, ReadWorklist, Receive, WriteResources,
    };
    let granted = match (ctx.role, action) {
        (Role::Clinician, FindPatients | ReadChart | ReadWorklist | ActOnItem) => true,
        // A program has what it was granted, and that is never a role's.
        (Role::Application, ReadResources | WriteResources) => ctx.grant.is_some(),
        (Role::Engineer, ReadOperations | Operate | Receive) => true,
        (Role::Engineer, FindPatients | ReadChart | ReadRaw | Export | ReadWorklist) => {
            return if ctx
                .reason
                .as_deref()
                .is_some_and(|reason| !reason.trim().is_empty())
            {
                Ok(())
            } else {
                Err(Denial::ReasonNeeded)
            };
        }
        // Whoever can open the data directory administers the accounts; the console does not.
        (Role::Engineer, ManageAccounts) => ctx.via == Via::Command,
        (Role::Compliance, ReadAudit | ReadOperations) => true,
        (
            Role::Service,
            Receive | Apply | ReadRaw | ReadOperations | Operate | ManageAccounts | ReadWorklist
            | Evaluate,
        ) => true,
        (
            Role::Clinician
            | Role::Compliance
            | Role::Service
            | Role::Application
            | Role::Anonymous
            | Role::Engineer,
            _,
        ) => false,
    };
    if granted {
        Ok(())
    } else {
        Err(Denial::NotGranted)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bedside_fact::clock::{Timestamp, VirtualClock};
    use bedside_fact::id::{ActorId, TenantId};

    use super::*;
    use crate::ctx::Purpose;

    fn ctx(role: Role, reason: Option<&str>) -> OpCtx {
        OpCtx {
            tenant: TenantId::default_tenant(),
            actor: ActorId::new("alex"),
            role,
            purpose: Purpose::Operations,
            reason: reason.map(str::to_owned),
            via: Via::Console,
            grant: None,
            clock: Arc::new(VirtualClock::new(Timestamp::UNIX_EPOCH)),
        }
    }

    #[test]
    fn an_engineer_sees_no_clinical_content_without_a_reason() {
        assert_eq!(
            authorise(&ctx(Role::Engineer, None), Action::ReadChart),
            Err(Denial::ReasonNeeded)
        );
        assert_eq!(
            authorise(&ctx(Role::Engineer, Some("  ")), Action::ReadRaw),
            Err(Denial::ReasonNeeded)
        );
        assert_eq!(
            authorise(&ctx(Role::Engineer, Some("ticket 4711")), Action::ReadRaw),
            Ok(())
        );
        assert_eq!(
            authorise(&ctx(Role::Engineer, None), Action::Operate),
            Ok(())
        );
    }

    #[test]
    fn what_is_not_granted_is_denied() {
        for action in [
            Action::FindPatients,
            Action::ReadChart,
            Action::ReadRaw,
            Action::ReadAudit,
            Action::Operate,
        ] {
            assert_eq!(
                authorise(&ctx(Role::Anonymous, Some("please")), action),
                Err(Denial::NotGranted)
            );
            assert_eq!(
                authorise(&ctx(Role::Application, Some("please")), action),
                Err(Denial::NotGranted)
            );
        }
        assert_eq!(
            authorise(&ctx(Role::Compliance, None), Action::ReadChart),
            Err(Denial::NotGranted)
        );
        assert_eq!(
            authorise(&ctx(Role::Clinician, None), Action::ReadAudit),
            Err(Denial::NotGranted)
        );
    }
}
