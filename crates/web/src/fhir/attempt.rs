//! What the audit log says of a request that was refused: the method, the type and the names of parameters. No values, and no ids but
//! those of patients that are known, which the store sees to.
//!
//! What a client wrote where a type, an operation or a name belongs is repeated only when it is one: else a name of somebody would stand
//! in the log because a program asked for it in the wrong place.

use axum::http::{Method, StatusCode};
use bedside_core::access::{Action, Grant};
use bedside_core::audit::AuditOutcome;
use bedside_core::ctx::OpCtx;
use bedside_fhir::search::name_for_log;
use bedside_store::Attempt;

use super::failure::Failure;
use crate::app::Console;

/// A request, as far as the log needs it.
pub(super) struct Tried<'a> {
    pub(super) method: &'a str,
    /// What follows `/fhir`.
    pub(super) path: &'a str,
    pub(super) parameters: &'a [(String, String)],
    /// Our own address: references may begin with it.
    pub(super) base: &'a str,
}

impl Tried<'_> {
    /// As an entry. `why` is the rule of the refusal.
    pub(super) fn attempt(&self, why: &str, status: StatusCode) -> Attempt {
        let outcome = if status.is_server_error() {
            AuditOutcome::Failure
        } else {
            AuditOutcome::Denied
        };
        Attempt {
            action: self.action(),
            outcome,
            patients: self.patients(),
            detail: format!("{why} {} {}{}", self.verb(), self.place(), self.names()),
        }
    }

    fn action(&self) -> Action {
        let reads = matches!(self.method, "GET" | "HEAD") || self.path.ends_with("_search");
        if reads {
            Action::ReadResources
        } else {
            Action::WriteResources
        }
    }

    fn verb(&self) -> &str {
        let known = [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ];
        if known.iter().any(|known| known.as_str() == self.method) {
            self.method
        } else {
            "(another method)"
        }
    }

    /// `Patient/ID/_history`.
    fn place(&self) -> String {
        let parts: Vec<&str> = segments(self.path)
            .enumerate()
            .map(|(position, part)| {
                let is_word = part.len() <= 32
                    && part
                        .trim_start_matches(['_', '$'])
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
                if Grant::is_type(part)
                    || is_word && part.starts_with(['_', '$'])
                    || part == "metadata"
                {
                    part
                } else if position == 0 {
                    "(no type)"
                } else {
                    "ID"
                }
            })
            .take(6)
            .collect();
        if parts.is_empty() {
            String::from("/")
        } else {
            parts.join("/")
        }
    }

    fn names(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.parameters {
            let name = name_for_log(name);
            if !names.contains(&name) && names.len() < 20 {
                names.push(name);
            }
        }
        if names.is_empty() {
            String::new()
        } else {
            format!(": {}", names.join(", "))
        }
    }

    /// What stands where an id of a patient belongs.
    fn patients(&self) -> Vec<String> {
        let mut named = Vec::new();
        let mut parts = segments(self.path);
        let is_patient = parts.next() == Some("Patient");
        if is_patient && let Some(id) = parts.next() {
            named.push(id.to_owned());
        }
        for (name, value) in self.parameters {
            let names_patients = match name.split(':').next() {
                Some("patient" | "subject" | "link") => true,
                Some("_id") => is_patient,
                Some(_) | None => false,
            };
            if names_patients {
                named.extend(value.split(',').map(|one| {
                    let one = one.strip_prefix(self.base).unwrap_or(one);
                    let one = one.trim_start_matches('/');
                    one.strip_prefix("Patient/").unwrap_or(one).to_owned()
                }));
            }
        }
        named
    }
}

/// Enters a refusal in the log before it is told, unless the store has done so where it refused.
///
/// # Errors
/// When the log can't be written: then there is no other answer.
pub(super) async fn note(
    console: &Console,
    ctx: &OpCtx,
    tried: &Tried<'_>,
    failure: &Failure,
) -> Result<(), Failure> {
    if failure.is_logged {
        return Ok(());
    }
    let attempt = tried.attempt(&failure.rule(), failure.status);
    Ok(console.store().fhir_attempts(ctx, vec![attempt]).await?)
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(method: &str, path: &str, names: &[&str]) -> String {
        let parameters: Vec<_> = names
            .iter()
            .map(|name| ((*name).to_owned(), String::from("secret")))
            .collect();
        let tried = Tried {
            method,
            path,
            parameters: &parameters,
            base: "http://b/fhir",
        };
        tried.attempt("400", StatusCode::BAD_REQUEST).detail
    }

    #[test]
    fn nothing_of_a_value_stands_in_the_log_wherever_it_was_put() {
        for (method, path, names, expected) in [
            ("GET", "/", &[][..], "400 GET /"),
            (
                "GET",
                "/Patient/17/_history",
                &[],
                "400 GET Patient/ID/_history",
            ),
            (
                "GET",
                "/Patient/17/$everything",
                &[],
                "400 GET Patient/ID/$everything",
            ),
            ("PUT", "/Okonkwo/Ada", &[], "400 PUT (no type)/ID"),
            (
                "OKONKWO",
                "/Patient/_Okonkwo",
                &[],
                "400 (another method) Patient/ID",
            ),
            (
                "GET",
                "/Observation",
                &["patient.name", "_has:Condition:subject:code", "19701231"],
                "400 GET Observation: patient.name, _has:Condition:subject:code, (unreadable name)",
            ),
        ] {
            assert_eq!(detail(method, path, names), expected);
        }
    }

    #[test]
    fn patients_are_those_in_the_place_of_one() {
        let parameters = [
            ("subject:Patient", "Patient/a,http://b/fhir/Patient/c"),
            ("code", "x"),
            ("_id", "o"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut tried = Tried {
            method: "GET",
            path: "/Observation",
            parameters: &parameters,
            base: "http://b/fhir",
        };
        assert_eq!(tried.patients(), ["a", "c"]);
        tried.path = "/Patient/p";
        assert_eq!(tried.patients(), ["p", "a", "c", "o"]);
    }
}
