//! What a case owes the EHR: to which route it goes, as what, and whether it may still go when its turn comes.
//!
//! A write goes to the system that holds the finding, addressed to the record that this system knows the patient by. It is not owed at all,
//! and the item says why, when the route was not proven at this site, when the system takes no such write, or when it is in doubt whose
//! record it is (promises P5 and P8). Between the acknowledgement and the moment at which an EHR can be reached hours may pass, so all of
//! this is asked again before each attempt.

use bedside_core::ctx::OpCtx;
use bedside_fact::id::{ResourceId, SourceId, SystemId};
use bedside_fact::known::Verification;
use bedside_store::{Error, Home, Homes, Store};
use bedside_workflow::Finding;
use bedside_workflow::case::{Case, Communication};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::engine::{Engine, Shared};
use super::person::read;

/// The naming system of our own keys: by it a write is found again at the other side.
pub const KEY_SYSTEM: &str = "urn:bedside:write";

/// A connection that takes writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its name as a route: `epic/Communication`.
    pub name: String,
    /// The FHIR source that it belongs to.
    pub source: SourceId,
    /// The EHR instance.
    pub system: SystemId,
    /// Who made it, for sentences.
    pub vendor: String,
    /// Whether the vendor's API takes a Communication at all.
    pub takes: bool,
}

/// All connections, as far as writes go.
#[derive(Clone, Debug, Default)]
pub struct Routes(pub Vec<Route>);

/// What goes into the outbox.
pub(super) struct Owed {
    pub(super) route: String,
    pub(super) payload: Vec<u8>,
}

/// The payload of an item: what is sent, and what it stands on.
#[derive(Serialize, Deserialize)]
pub(crate) struct Letter {
    /// The resource.
    pub(crate) body: Value,
    /// The result that it tells of.
    pub(crate) about: Finding,
}

/// Whether a letter may leave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// It may.
    Ready,
    /// Not yet; why, in words.
    NotYet(String),
    /// It never will; why, in words.
    Never(String),
}

impl Engine {
    /// Whether what was owed to a case's EHR may leave now by `route`.
    ///
    /// # Errors
    /// The store could not be read, which says nothing of the letter.
    pub(crate) async fn readiness(
        &self,
        case: &str,
        route: &str,
        letter: &Letter,
    ) -> Result<Readiness, Error> {
        match self.shared.readiness(case, route, letter).await {
            // Shredded meanwhile: there is nobody to write about any more.
            Err(Error::NotFound(_)) => Ok(Readiness::Never(String::from(
                "not written to the EHR: the record of this patient is gone",
            ))),
            other => other,
        }
    }
}

impl Shared {
    /// Where a Communication of this case goes and how it reads; or why it is not written, in words.
    pub(super) async fn owed(
        &self,
        case: &Case,
        key: &str,
        about: &Communication,
    ) -> Result<Result<Owed, String>, Error> {
        let (route, own_id) = match self.address(&case.patient, &about.finding.patient).await? {
            Ok(address) => address,
            Err(why) => return Ok(Err(why)),
        };
        let letter = Letter {
            body: communication(&own_id, key, about, &case.title),
            about: about.finding.clone(),
        };
        let payload = serde_json::to_vec(&letter)
            .map_err(|_| Error::Invalid(String::from("a note that can't be put into JSON")))?;
        Ok(Ok(Owed {
            route: route.name.clone(),
            payload,
        }))
    }

    async fn readiness(&self, id: &str, route: &str, letter: &Letter) -> Result<Readiness, Error> {
        let case = read(&self.store.case(&self.ctx, id).await?)?;
        let about = &letter.about;
        let known = std::iter::once(&case.finding).chain(&case.earlier);
        for finding in known.filter(|finding| finding.is_same(about)) {
            if finding.verification == Verification::Withdrawn {
                return Ok(Readiness::Never(String::from(
                    "not written to the EHR: its result was withdrawn before it could be",
                )));
            }
            if finding.said != about.said {
                return Ok(Readiness::Never(String::from(
                    "not written to the EHR: its result was corrected before it could be; what stands now is to be acknowledged",
                )));
            }
        }
        let (to, own_id) = match self.address(&case.patient, &about.patient).await? {
            Ok(address) => address,
            Err(why) => return Ok(Readiness::Never(why)),
        };
        let subject = letter
            .body
            .pointer("/subject/reference")
            .and_then(Value::as_str);
        if to.name != route || subject != Some(format!("Patient/{own_id}").as_str()) {
            return Ok(Readiness::Never(String::from(
                "not written to the EHR: it knows this patient by another record now; tell it by hand",
            )));
        }
        // What a parked message says has no resource in the record yet, whatever it may say once it is released.
        let resources = known_resources(&case, about);
        let held = self.store.resource_bodies(&self.ctx, &resources).await?;
        if held.iter().all(Option::is_none) {
            return Ok(Readiness::NotYet(String::from(
                "waits: its result stands in a message that is held back, and is written when that is released",
            )));
        }
        Ok(Readiness::Ready)
    }

    /// By which route a note about a result of `patient` goes, and what the EHR there calls the patient; or why there is none, in words.
    /// `holder` is the patient that the case is filed under: another person's result is nobody's to write there.
    async fn address(
        &self,
        holder: &ResourceId,
        patient: &ResourceId,
    ) -> Result<Result<(&Route, String), String>, Error> {
        let homes = self.store.homes(&self.ctx, holder).await?;
        if homes.doubtful {
            return Ok(Err(String::from(
                "not written to the EHR: it is in doubt whether another record is the same person; tell the EHR by hand",
            )));
        }
        let Some(own) = homes.homes.iter().find(|home| home.patient == *patient) else {
            return Ok(Err(String::from(
                "not written to the EHR: no source has described the patient that the result is filed under as this person",
            )));
        };
        let mut why = format!(
            "not written to the EHR: there is no FHIR connection to {}",
            own.system
        );
        // Of several connections to one system the first that can do it does.
        for route in self
            .routes
            .0
            .iter()
            .filter(|route| route.system == own.system)
        {
            if !route.takes {
                why = format!(
                    "not written to the EHR: {} takes no such note; tell it by hand",
                    route.source
                );
                continue;
            }
            let home = match self.home(&homes, own, route).await? {
                Ok(home) => home,
                Err(words) => {
                    why = words;
                    continue;
                }
            };
            if proven(&self.store, &self.ctx, &route.name).await? {
                return Ok(Ok((route, home.own_id.clone())));
            }
            why = format!(
                "not written to the EHR: the route {} was not proven at this site or is switched off; `bedside connect prove {}` proves it",
                route.name, route.source
            );
        }
        Ok(Err(why))
    }

    /// The record at the route's source that stands for `own`: that record itself, or the only one of the person there. Where a source
    /// has two, it is the one that bears an identifier of `own`'s.
    async fn home<'h>(
        &self,
        homes: &'h Homes,
        own: &'h Home,
        route: &Route,
    ) -> Result<Result<&'h Home, String>, Error> {
        if own.source == route.source {
            return Ok(Ok(own));
        }
        let mut there: Vec<&Home> = homes
            .homes
            .iter()
            .filter(|home| home.source == route.source)
            .collect();
        if there.len() > 1 {
            let mine = self.identifiers(own).await?;
            let mut same = Vec::new();
            for home in there {
                if self
                    .identifiers(home)
                    .await?
                    .iter()
                    .any(|one| mine.contains(one))
                {
                    same.push(home);
                }
            }
            there = same;
            if there.len() != 1 {
                return Ok(Err(format!(
                    "not written to the EHR: {} has several records of this patient, and which one the result belongs to is not certain; \
                     tell it by hand",
                    route.source
                )));
            }
        }
        Ok(there.first().copied().ok_or_else(|| {
            format!(
                "not written to the EHR: {} does not know this patient by FHIR",
                route.source
            )
        }))
    }

    /// Who numbered a patient record, and how.
    async fn identifiers(&self, home: &Home) -> Result<Vec<(String, String)>, Error> {
        let key = (String::from("Patient"), home.patient.clone());
        let bodies = self.store.resource_bodies(&self.ctx, &[key]).await?;
        let body = bodies.into_iter().flatten().next();
        let patient: Value = body
            .and_then(|body| serde_json::from_str(&body).ok())
            .unwrap_or_default();
        let list = patient.get("identifier").and_then(Value::as_array);
        let text =
            |identifier: &Value, name: &str| identifier.get(name)?.as_str().map(str::to_owned);
        Ok(list
            .into_iter()
            .flatten()
            .filter_map(|one| Some((text(one, "system")?, text(one, "value")?)))
            .collect())
    }
}

/// The resources that say a result, as far as the case and the letter know them: it may have come by a further route since.
fn known_resources(case: &Case, about: &Finding) -> Vec<(String, ResourceId)> {
    let known = std::iter::once(&case.finding).chain(&case.earlier);
    known
        .filter(|finding| finding.is_same(about))
        .chain(std::iter::once(about))
        .flat_map(|finding| &finding.resources)
        .filter_map(|reference| reference.split_once('/'))
        .map(|(kind, id)| (kind.to_owned(), ResourceId::new(id)))
        .collect()
}

/// Whether a route was proven and is not switched off.
async fn proven(store: &Store, ctx: &OpCtx, route: &str) -> Result<bool, Error> {
    let routes = store.routes(ctx).await?;
    Ok(routes
        .iter()
        .any(|known| known.route == route && known.proven_at.is_some() && !known.switched_off))
}

/// A FHIR Communication (FHIR R4 §10.7): what reached whom and when. It names as its recipient who acknowledged, because of nobody else is
/// it known; whose item it was is said as that. `key` is the identifier by which it is found again.
#[must_use]
pub fn communication(patient: &str, key: &str, about: &Communication, topic: &str) -> Value {
    let who = &about.acknowledged_by;
    json!({
        "resourceType": "Communication",
        "identifier": [{ "system": KEY_SYSTEM, "value": key }],
        "status": "completed",
        "category": [{
            "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/communication-category",
                "code": "alert",
            }],
        }],
        "priority": "urgent",
        "subject": { "reference": format!("Patient/{patient}") },
        "topic": { "text": topic },
        "sent": about.at.to_string(),
        "recipient": [{ "display": who }],
        "sender": { "display": "Bedside" },
        "payload": [{
            "contentString": format!("{} Acknowledged in Bedside by {who}. Owner of the item: {}.", about.text, about.told),
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p08_the_note_names_who_acknowledged_and_claims_of_nobody_else_to_have_been_told() {
        let at = "2026-11-22T10:00:00Z".parse().unwrap();
        let finding = Finding {
            identity: String::from("i"),
            said: String::from("6.9"),
            taken_at: Some(at),
            received_at: at,
            sources: Vec::new(),
            verification: Verification::Final,
            patient: ResourceId::new("p"),
            resources: Vec::new(),
            seq: bedside_fact::id::Seq(1),
            corrected: None,
        };
        let about = Communication {
            told: String::from("Dr. Weiss (responsible clinician)"),
            acknowledged_by: String::from("nurse.yi"),
            at,
            text: String::from("Potassium 6.9 mmol/L."),
            finding,
        };
        let note = communication("9", "k", &about, "Critical potassium");
        assert_eq!(note["recipient"], json!([{ "display": "nurse.yi" }]));
        assert_eq!(note["sender"], json!({ "display": "Bedside" }));
        assert_eq!(
            note["payload"][0]["contentString"],
            "Potassium 6.9 mmol/L. Acknowledged in Bedside by nurse.yi. Owner of the item: Dr. Weiss (responsible clinician)."
        );
        assert_eq!(
            note["identifier"][0],
            json!({ "system": KEY_SYSTEM, "value": "k" })
        );
    }
}
