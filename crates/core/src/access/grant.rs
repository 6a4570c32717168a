//! What a program was granted, and what that means for a query before anything is looked up (design D16).
//!
//! A grant is a set of SMART scopes of a system client (SMART App Launch 2.0, "Scopes for requesting FHIR resources"). The planner turns
//! it into a [`Predicate`] that every search and read carries: what is not in it is never fetched, so that totals, pages and the time an
//! answer takes tell nothing of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Denial;
use crate::ctx::OpCtx;
use crate::map::types::is_resource_type;

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

impl Predicate {
    /// Leaves out what a resource contains of other types, and marks it as a part then (FHIR R4 §3.1.1.5.9). What is contained and says no
    /// type goes too. `true` when something was left out.
    pub fn leave_out(&self, resource: &mut Value) -> bool {
        let changed = self.strip(resource);
        if changed && let Some(members) = resource.as_object_mut() {
            mark(members.entry("meta").or_insert_with(|| json!({})));
        }
        changed
    }

    /// At every depth: a contained resource must not contain others (FHIR R4 §2.3.0.2), and who would hide one does not ask.
    fn strip(&self, value: &mut Value) -> bool {
        match value {
            Value::Object(members) => {
                let mut changed = match members.get_mut("contained") {
                    Some(Value::Array(list)) => {
                        let before = list.len();
                        list.retain(|one| self.has(one));
                        list.len() < before
                    }
                    Some(single) => {
                        let goes = !self.has(single);
                        if goes {
                            *single = Value::Null;
                        }
                        goes
                    }
                    None => false,
                };
                if changed {
                    // FHIR forbids empty arrays and null.
                    members.retain(|name, value| {
                        name != "contained"
                            || !(value.is_null() || value.as_array().is_some_and(Vec::is_empty))
                    });
                }
                for value in members.values_mut() {
                    changed |= self.strip(value);
                }
                changed
            }
            Value::Array(list) => {
                let mut changed = false;
                for value in list {
                    changed |= self.strip(value);
                }
                changed
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }

    fn has(&self, resource: &Value) -> bool {
        resource
            .get("resourceType")
            .and_then(Value::as_str)
            .is_some_and(|name| self.types.contains(name))
    }
}

/// Says in `meta` that the resource is not whole, so that nobody writes it back.
fn mark(meta: &mut Value) {
    let Some(meta) = meta.as_object_mut() else {
        return;
    };
    let tags = meta.entry("tag").or_insert_with(|| json!([]));
    let is_marked = |tag: &Value| tag.get("code").and_then(Value::as_str) == Some("SUBSETTED");
    if let Some(tags) = tags.as_array_mut()
        && !tags.iter().any(is_marked)
    {
        tags.push(json!({
            "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
            "code": "SUBSETTED",
        }));
    }
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

    /// Whether FHIR R4 has a resource type of this name. Nothing else that a program asks for is repeated in the log.
    #[must_use]
    pub fn is_type(name: &str) -> bool {
        is_resource_type(name)
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
    fn d16_what_is_contained_and_not_granted_is_left_out_at_every_depth() {
        let predicate = Predicate {
            types: ["Observation", "Device"].map(String::from).into(),
        };
        let mut whole = json!({"resourceType":"Observation","valueDecimal":1,"contained":[
            {"resourceType":"Device","id":"d"},{"resourceType":"Observation","id":"o"}]});
        let before = whole.clone();
        assert!(!predicate.leave_out(&mut whole));
        assert_eq!(whole, before);
        let mut part = json!({"resourceType":"Observation","contained":[
            {"resourceType":"Patient","name":[{"family":"secret"}]},
            {"name":"secret"}, "secret", null,
            {"resourceType":"Device","id":"d","contained":[{"resourceType":"Patient","id":"secret"}]}],
            "component":[{"contained":{"resourceType":"Patient","id":"secret"}}]});
        assert!(predicate.leave_out(&mut part));
        assert!(!part.to_string().contains("secret"));
        assert_eq!(
            part["contained"],
            json!([{"resourceType":"Device","id":"d"}])
        );
        assert_eq!(part["meta"]["tag"][0]["code"], "SUBSETTED");
        assert!(part["component"][0].get("contained").is_none());
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
