//! What can be made to go wrong, switched while the EHR runs.
//!
//! A fault is armed for the next so many requests that match it, or until it is cleared. This file says which fault a
//! request meets; what it then does stands where it happens (`route`, `search`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A sign-in page in HTML with status 200, as a proxy gives it (vendor catalogue X-03).
    HtmlPage,
    /// This status, with a body as uninformative as the vendor's.
    Status(u16),
    /// The header promises a whole body, half of it comes, then the connection ends.
    HalfBody,
    /// The page has a next link to this address.
    ForeignNext(String),
    /// The access token of the request ends now.
    TokenDies,
    /// A searchset with an `OperationOutcome` that has this code in its details. `4119` and `suppressed` stand beside
    /// what was found; any other code stands instead of it.
    OutcomeInside {
        /// The code.
        code: String,
    },
    /// The request is carried out, then the connection is closed without an answer (vendor catalogue X-09).
    DropAnswer,
    /// The connection is closed at once without an answer; what was sent is carried out so many seconds later all the same.
    CommitsLate {
        /// Seconds.
        seconds: u32,
    },
    /// The answer comes after so many seconds of the EHR's clock.
    Slow {
        /// Seconds.
        seconds: u32,
    },
    /// Each page with this record in it fails as a whole (vendor catalogue CERN-20).
    PoisonRecord {
        /// The id of the record.
        id: String,
    },
    /// The page link has expired.
    ExpiredPage,
    /// This resource type is refused with status 403.
    RefuseType(String),
    /// This status with a `Retry-After`.
    RetryAfter {
        /// The status.
        status: u16,
        /// The seconds asked for.
        seconds: u32,
    },
}

/// Which requests a fault meets. What is not given matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// `GET` or `POST`.
    pub method: Option<&'static str>,
    /// A FHIR type; or `token`, `metadata`, `smart-configuration` for the requests around the FHIR API, which are
    /// met only when they are named.
    pub resource_type: Option<String>,
    /// The id of the patient that the request is about.
    pub patient: Option<String>,
}

/// The faults of an EHR. Clones are handles to the same list.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    armed: Arc<Mutex<Vec<Armed>>>,
}

#[derive(Clone, Debug)]
struct Armed {
    fault: Fault,
    left: Option<u32>,
    matching: Matching,
}

/// What a request is, as far as faults care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Search,
    NextPage,
    Read,
    Create,
    Around,
}

/// A request before it is carried out.
pub(crate) struct Seen<'a> {
    pub(crate) method: &'a str,
    pub(crate) name: &'a str,
    pub(crate) patient: Option<&'a str>,
    pub(crate) step: Step,
}

impl Faults {
    /// Arms a fault for the next `times` requests that match, or until it is cleared.
    pub fn arm(&self, fault: Fault, times: Option<u32>, matching: Matching) {
        if times != Some(0) {
            self.lock().push(Armed {
                fault,
                left: times,
                matching,
            });
        }
    }

    /// Nothing goes wrong any more.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// How many faults are armed.
    #[must_use]
    pub fn armed(&self) -> usize {
        self.lock().len()
    }

    /// Reads faults from a TOML text: a list of `[[fault]]` tables with `kind` and what that kind needs, and
    /// `times`, `method`, `resource-type` and `patient` where wanted.
    ///
    /// # Errors
    /// A sentence that says which entry is wrong and why.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let faults = Self::default();
        for (index, entry) in file.fault.iter().enumerate() {
            let (fault, matching) = entry
                .read()
                .map_err(|why| format!("fault {}: {why}", index.saturating_add(1)))?;
            if entry.times == Some(0) {
                return Err(format!(
                    "fault {}: times is 0; leave it out for a fault that stays",
                    index.saturating_add(1)
                ));
            }
            faults.arm(fault, entry.times, matching);
        }
        Ok(faults)
    }

    /// The first fault that this request meets, used up by one.
    pub(crate) fn take(&self, seen: &Seen<'_>) -> Option<Fault> {
        let mut armed = self.lock();
        let index = armed.iter().position(|armed| armed.meets(seen))?;
        let one = armed.get_mut(index)?;
        let fault = one.fault.clone();
        match &mut one.left {
            Some(left) if *left > 1 => *left = left.saturating_sub(1),
            Some(_) => {
                armed.remove(index);
            }
            None => {}
        }
        Some(fault)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Armed {
    fn meets(&self, seen: &Seen<'_>) -> bool {
        let named = match &self.matching.resource_type {
            Some(name) => name == seen.name,
            None => seen.step != Step::Around,
        };
        let fitting = match &self.fault {
            Fault::HtmlPage
            | Fault::Status(_)
            | Fault::HalfBody
            | Fault::DropAnswer
            | Fault::Slow { .. }
            | Fault::RetryAfter { .. } => true,
            Fault::CommitsLate { .. } => seen.step == Step::Create,
            Fault::TokenDies => seen.step != Step::Around,
            Fault::ForeignNext(_) | Fault::OutcomeInside { .. } | Fault::PoisonRecord { .. } => {
                matches!(seen.step, Step::Search | Step::NextPage)
            }
            Fault::ExpiredPage => seen.step == Step::NextPage,
            Fault::RefuseType(name) => name == seen.name,
        };
        named
            && fitting
            && self
                .matching
                .method
                .is_none_or(|method| method == seen.method)
            && self
                .matching
                .patient
                .as_deref()
                .is_none_or(|patient| seen.patient == Some(patient))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fault: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    kind: String,
    times: Option<u32>,
    method: Option<String>,
    resource_type: Option<String>,
    patient: Option<String>,
    status: Option<u16>,
    seconds: Option<u32>,
    code: Option<String>,
    url: Option<String>,
    id: Option<String>,
}

impl Entry {
    fn read(&self) -> Result<(Fault, Matching), String> {
        let needs = |what: &str| format!("kind {} needs {what}", self.kind);
        let fault = match self.kind.as_str() {
            "html-page" => Fault::HtmlPage,
            "status" => Fault::Status(self.status()?),
            "half-body" => Fault::HalfBody,
            "foreign-next" => Fault::ForeignNext(self.url.clone().ok_or_else(|| needs("url"))?),
            "token-dies" => Fault::TokenDies,
            "outcome-inside" => Fault::OutcomeInside {
                code: self.code.clone().ok_or_else(|| needs("code"))?,
            },
            "drop-answer" => Fault::DropAnswer,
            "commits-late" => Fault::CommitsLate {
                seconds: self.seconds.ok_or_else(|| needs("seconds"))?,
            },
            "slow" => Fault::Slow {
                seconds: self.seconds.ok_or_else(|| needs("seconds"))?,
            },
            "poison-record" => Fault::PoisonRecord {
                id: self.id.clone().ok_or_else(|| needs("id"))?,
            },
            "expired-page" => Fault::ExpiredPage,
            "refuse-type" => Fault::RefuseType(
                self.resource_type
                    .clone()
                    .ok_or_else(|| needs("resource-type"))?,
            ),
            "retry-after" => Fault::RetryAfter {
                status: self.status()?,
                seconds: self.seconds.ok_or_else(|| needs("seconds"))?,
            },
            other => return Err(format!("there is no kind {other}")),
        };
        let method = match self.method.as_deref() {
            None => None,
            Some("GET") => Some("GET"),
            Some("POST") => Some("POST"),
            Some(other) => return Err(format!("method {other} is neither GET nor POST")),
        };
        Ok((
            fault,
            Matching {
                method,
                resource_type: self.resource_type.clone(),
                patient: self.patient.clone(),
            },
        ))
    }

    fn status(&self) -> Result<u16, String> {
        self.status
            .filter(|status| (400..=599).contains(status))
            .ok_or_else(|| format!("kind {} needs status from 400 to 599", self.kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen<'a>(name: &'a str, step: Step) -> Seen<'a> {
        Seen {
            method: "GET",
            name,
            patient: Some("p1"),
            step,
        }
    }

    #[test]
    fn a_fault_is_used_up_by_the_requests_that_match_it_and_by_no_others() {
        let faults = Faults::default();
        faults.arm(
            Fault::Status(503),
            Some(2),
            Matching {
                resource_type: Some("Observation".to_owned()),
                ..Matching::default()
            },
        );
        assert_eq!(faults.take(&seen("Patient", Step::Search)), None);
        assert_eq!(
            faults.take(&seen("Observation", Step::Search)),
            Some(Fault::Status(503))
        );
        assert!(faults.take(&seen("Observation", Step::Read)).is_some());
        assert_eq!(faults.take(&seen("Observation", Step::Search)), None);
    }

    #[test]
    fn requests_around_the_fhir_api_are_met_only_by_name() {
        let faults = Faults::default();
        faults.arm(Fault::HtmlPage, None, Matching::default());
        assert_eq!(faults.take(&seen("token", Step::Around)), None);
        faults.arm(
            Fault::Status(500),
            None,
            Matching {
                resource_type: Some("token".to_owned()),
                ..Matching::default()
            },
        );
        assert_eq!(
            faults.take(&seen("token", Step::Around)),
            Some(Fault::Status(500))
        );
        assert_eq!(
            faults.take(&seen("Patient", Step::Read)),
            Some(Fault::HtmlPage)
        );
        faults.clear();
        assert_eq!(faults.take(&seen("Patient", Step::Read)), None);
    }

    #[test]
    fn a_file_of_faults_is_read_and_a_wrong_one_is_refused_with_the_entry() {
        let faults = Faults::from_toml(
            "[[fault]]\nkind = \"retry-after\"\nstatus = 429\nseconds = 30\ntimes = 2\nresource-type = \"Observation\"\n\n[[fault]]\nkind = \"drop-answer\"\nmethod = \"POST\"\n",
        )
        .unwrap();
        assert_eq!(faults.armed(), 2);
        for (text, word) in [
            (
                "[[fault]]\nkind = \"html-page\"\n[[fault]]\nkind = \"status\"\n",
                "fault 2",
            ),
            ("[[fault]]\nkind = \"meteor\"\n", "meteor"),
            ("[[fault]]\nkind = \"status\"\nstatus = 200\n", "400"),
            ("[[fault]]\nkind = \"html-page\"\nmethod = \"PUT\"\n", "PUT"),
            ("[[fault]]\nkind = \"html-page\"\nwho = 1\n", "who"),
            ("[[fault]]\nkind = \"html-page\"\ntimes = 0\n", "times"),
        ] {
            let error = Faults::from_toml(text).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
