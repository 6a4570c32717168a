//! What a server's own codes mean. The table is a vendor's or a site's data; the words of an outcome are never interpreted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::outcome::Issue;

/// What an outcome's code means for a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Meaning {
    /// There is nothing, and that is the whole answer.
    Empty,
    /// There may be more than was given.
    Incomplete,
    /// Refused by a policy.
    Denied,
    /// The client has no licence for this part.
    Unlicensed,
    /// It may work later.
    Retry,
    /// The page is no longer there; the search begins anew.
    Expired,
    /// The query lacks what it must have, or has what it must not.
    Query,
    /// It failed, and will fail again.
    Fatal,
    /// It changes nothing about the answer.
    Ignore,
}

/// The table of one vendor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Outcomes {
    /// How the code system of the codes ends; the site's own arc stands before it (vendor catalogue EPIC-21).
    pub system_suffix: String,
    /// Codes of that system.
    pub codes: BTreeMap<String, Meaning>,
    /// FHIR's issue types, for issues without a code of their own.
    pub issues: BTreeMap<String, Meaning>,
    /// Answers that are no FHIR at all and still mean something.
    pub bodies: Vec<BodyRule>,
}

/// An answer that is no FHIR, told by its status, a header or its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BodyRule {
    /// Only with this status.
    #[serde(default)]
    pub status: Option<u16>,
    /// Only with this header, in lower case.
    #[serde(default)]
    pub header: Option<String>,
    /// Only when the first part of the body holds this.
    #[serde(default)]
    pub contains: Option<String>,
    /// Only with or only without a body.
    #[serde(default)]
    pub empty: Option<bool>,
    /// What it means.
    pub meaning: Meaning,
}

impl Outcomes {
    /// What an issue means; none when the table does not list it. A code counts before the issue's type.
    pub fn meaning(&self, issue: &Issue) -> Option<Meaning> {
        let codings = issue.details.iter().flat_map(|details| &details.codings);
        let mut coded = false;
        for coding in codings {
            let Some(code) = coding.code.as_deref() else {
                continue;
            };
            coded = true;
            let system = coding.system.as_deref().unwrap_or_default();
            if self.system_suffix.is_empty() || !system.ends_with(&self.system_suffix) {
                continue;
            }
            if let Some(meaning) = self.codes.get(code) {
                return Some(*meaning);
            }
        }
        // A code that nobody listed is not explained by the type beside it: the type says how the server sorts it, not what it means.
        if coded {
            None
        } else {
            self.issues.get(&issue.code).copied()
        }
    }

    /// What an answer outside FHIR means, when a rule says so.
    pub fn body(&self, status: u16, headers: &[(String, String)], body: &[u8]) -> Option<Meaning> {
        let start = String::from_utf8_lossy(body.get(..2048).unwrap_or(body));
        let hit = self.bodies.iter().find(|rule| {
            rule.status.is_none_or(|wanted| wanted == status)
                && rule
                    .header
                    .as_deref()
                    .is_none_or(|wanted| headers.iter().any(|(name, _)| name == wanted))
                && rule
                    .contains
                    .as_deref()
                    .is_none_or(|wanted| start.contains(wanted))
                && rule.empty.is_none_or(|wanted| body.is_empty() == wanted)
        });
        hit.map(|rule| rule.meaning)
    }
}
