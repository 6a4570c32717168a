//! What a program was granted, and what that means for a query before anything is looked up (design D16).
//!
//! A grant is a set of SMART scopes of a system client (SMART App Launch 2.0, "Scopes for requesting FHIR resources"). The planner turns
//! it into a [`Predicate`] that every search and read carries: what is not in it is never fetched, so that totals, pages and the time an
//! answer takes tell nothing of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Denial;
use crate::ctx::OpCtx;

/// What is asked of a resource type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// `c`: create.
    Create,
    /// `r`: read one.
    Read,
    /// `s`: search.
    Search,
}

/// The scopes of one program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    allowed: BTreeSet<(String, Operation)>,
}

/// What a query may touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predicate {
    /// The types whose resources may be in the answer, included and referenced ones too.
    pub types: BTreeSet<String>,
}

impl Grant {
    /// Reads scopes as they stand in a token request: `system/Observation.rs system/Patient.read`. What is not understood grants nothing.
    #[must_use]
    pub fn parse(scopes: &str) -> Self {
        let mut allowed = BTreeSet::new();
        for scope in scopes.split_ascii_whitespace() {
            let Some((resource_type, access)) = scope
                .strip_prefix("system/")
                .and_then(|rest| rest.split_once('.'))
            else {
                continue;
            };
            if resource_type.is_empty()
                || !resource_type.bytes().all(|byte| byte.is_ascii_alphabetic())
            {
                continue;
            }
            for operation in operations(access) {
                allowed.insert((resource_type.to_owned(), operation));
            }
        }
        Self { allowed }
    }

    /// Whether this operation on this type is granted.
    #[must_use]
    pub fn may(&self, resource_type: &str, operation: Operation) -> bool {
        self.allowed
            .contains(&(resource_type.to_owned(), operation))
    }

    /// The part of this grant that `other` has too.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        Self {
            allowed: self.allowed.intersection(&other.allowed).cloned().collect(),
        }
    }

    /// The part of this grant that these scopes ask for. `system/*.rs` asks for all types that are granted, since a program may ask for
    /// more than it gets (SMART App Launch 2.0); it never grants more than was registered.
    #[must_use]
    pub fn narrowed(&self, asked: &str) -> Self {
        let mut allowed = self.within(&Self::parse(asked)).allowed;
        for access in asked
            .split_ascii_whitespace()
            .filter_map(|scope| scope.strip_prefix("system/*."))
        {
            let operations = operations(access);
            allowed.extend(
                self.allowed
                    .iter()
                    .filter(|(_, operation)| operations.contains(operation))
                    .cloned(),
            );
        }
        Self { allowed }
    }

    /// Whether nothing is granted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.allowed.is_empty()
    }

    /// The scopes in SMART v2 spelling, in order.
    #[must_use]
    pub fn scopes(&self) -> String {
        let types: BTreeSet<&String> = self.allowed.iter().map(|(name, _)| name).collect();
        let one = |name: &&String| {
            let letters: String = [
                (Operation::Create, 'c'),
                (Operation::Read, 'r'),
                (Operation::Search, 's'),
            ]
            .into_iter()
            .filter(|(operation, _)| self.may(name, *operation))
            .map(|(_, letter)| letter)
            .collect();
            format!("system/{name}.{letters}")
        };
        types.iter().map(one).collect::<Vec<_>>().join(" ")
    }
}

/// What a query on `resource_type` may touch, or why it may not be asked.
///
/// # Errors
/// [`Denial::NotGranted`].
pub fn plan(ctx: &OpCtx, resource_type: &str, operation: Operation) -> Result<Predicate, Denial> {
    let grant = ctx.grant.as_deref().ok_or(Denial::NotGranted)?;
    if !grant.may(resource_type, operation) {
        return Err(Denial::NotGranted);
    }
    let types = grant
        .allowed
        .iter()
        .filter(|(_, allowed)| *allowed == operation)
        .map(|(name, _)| name.clone())
        .collect();
    Ok(Predicate { types })
}

fn operations(access: &str) -> Vec<Operation> {
    match access {
        // SMART v1 spelling.
        "read" => vec![Operation::Read, Operation::Search],
        "write" => vec![Operation::Create],
        letters if !letters.is_empty() && is_ordered(letters) => letters
            .chars()
            .filter_map(|letter| match letter {
                'c' => Some(Operation::Create),
                'r' => Some(Operation::Read),
                's' => Some(Operation::Search),
                // `u` and `d` are understood and not offered.
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The letters of `cruds`, each at most once and in that order (SMART App Launch 2.0).
fn is_ordered(letters: &str) -> bool {
    let mut rest = "cruds".chars();
    letters
        .chars()
        .all(|letter| rest.any(|next| next == letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_grants_what_it_says_and_nothing_else() {
        let grant = Grant::parse(
            "system/Observation.rs system/Patient.read launch openid system/*.read patient/Condition.rs system/Encounter.sr",
        );
        assert!(grant.may("Observation", Operation::Search));
        assert!(grant.may("Patient", Operation::Read));
        assert!(!grant.may("Observation", Operation::Create));
        assert!(!grant.may("Condition", Operation::Read));
        assert!(
            !grant.may("Encounter", Operation::Read),
            "letters out of order are no scope"
        );
        assert_eq!(grant.scopes(), "system/Observation.rs system/Patient.rs");
    }

    #[test]
    fn a_narrower_grant_is_what_both_have() {
        let wide = Grant::parse("system/Observation.crs system/Patient.rs");
        let asked = Grant::parse("system/Observation.rs system/Condition.rs");
        assert_eq!(wide.within(&asked).scopes(), "system/Observation.rs");
    }

    #[test]
    fn asking_for_everything_gets_what_was_registered_and_no_more() {
        let wide = Grant::parse("system/Observation.crs system/Patient.rs");
        assert_eq!(
            wide.narrowed("system/*.read").scopes(),
            "system/Observation.rs system/Patient.rs"
        );
        assert_eq!(wide.narrowed("system/*.c").scopes(), "system/Observation.c");
        assert_eq!(
            wide.narrowed("system/Condition.rs system/Patient.r")
                .scopes(),
            "system/Patient.r"
        );
        assert!(wide.narrowed("patient/*.read openid */*.rs").is_empty());
    }

    #[test]
    fn d16_the_predicate_names_only_what_is_granted_for_that_operation() {
        let mut ctx = OpCtx::service(
            bedside_fact::id::TenantId::default_tenant(),
            "test",
            std::sync::Arc::new(bedside_fact::clock::VirtualClock::new(
                bedside_fact::clock::Timestamp::UNIX_EPOCH,
            )),
        );
        assert!(
            plan(&ctx, "Observation", Operation::Search).is_err(),
            "nobody has a grant by default"
        );
        ctx.grant = Some(std::sync::Arc::new(Grant::parse(
            "system/Observation.rs system/Patient.r",
        )));
        let predicate = plan(&ctx, "Observation", Operation::Search);
        assert_eq!(
            predicate.map(|predicate| predicate.types.into_iter().collect::<Vec<_>>()),
            Ok(vec![String::from("Observation")])
        );
        assert_eq!(
            plan(&ctx, "Observation", Operation::Create),
            Err(Denial::NotGranted)
        );
    }
}
