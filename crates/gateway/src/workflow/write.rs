//! What a case owes the EHR: to which route it goes, and as what.
//!
//! A write goes to the system that holds the finding, addressed to the record that this system knows the patient by. It is not owed at all,
//! and the item says why, when the route was not proven at this site, when the system takes no such write, or when it is in doubt whose
//! record it is (promises P5 and P8).

use bedside_core::ctx::OpCtx;
use bedside_fact::id::{SourceId, SystemId};
use bedside_store::{Error, Store};
use bedside_workflow::case::{Case, Communication};
use serde_json::{Value, json};

use super::engine::Shared;

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

impl Shared {
    /// Where a Communication of this case goes and how it reads; or why it is not written, in words.
    pub(super) async fn owed(
        &self,
        case: &Case,
        key: &str,
        about: &Communication,
    ) -> Result<Result<Owed, String>, Error> {
        let patient = &about.finding.patient;
        let homes = self.store.homes(&self.ctx, patient).await?;
        if homes.doubtful {
            return Ok(Err(String::from(
                "not written to the EHR: it is in doubt whether another record is the same person; tell the EHR by hand",
            )));
        }
        let system = homes
            .homes
            .iter()
            .find(|home| home.patient == *patient)
            .map(|home| home.system.clone());
        let Some(system) = system else {
            return Ok(Err(String::from(
                "not written to the EHR: no source has described this patient",
            )));
        };
        let Some(route) = self.routes.0.iter().find(|route| route.system == system) else {
            return Ok(Err(format!(
                "not written to the EHR: there is no FHIR connection to {system}"
            )));
        };
        if !route.takes {
            return Ok(Err(format!(
                "not written to the EHR: {} takes no such note; tell it by hand",
                route.source
            )));
        }
        let Some(home) = homes.homes.iter().find(|home| home.source == route.source) else {
            return Ok(Err(format!(
                "not written to the EHR: {} does not know this patient by FHIR",
                route.source
            )));
        };
        if !proven(&self.store, &self.ctx, &route.name).await? {
            return Ok(Err(format!(
                "not written to the EHR: the route {} was not proven at this site; `bedside connect prove {}` does that",
                route.name, route.source
            )));
        }
        let body = communication(&home.own_id, key, about, &case.title);
        Ok(Ok(Owed {
            route: route.name.clone(),
            payload: body.to_string().into_bytes(),
        }))
    }
}

/// Whether a route was proven and is not switched off.
async fn proven(store: &Store, ctx: &OpCtx, route: &str) -> Result<bool, Error> {
    let routes = store.routes(ctx).await?;
    Ok(routes
        .iter()
        .any(|known| known.route == route && known.proven_at.is_some() && !known.switched_off))
}

/// A FHIR Communication (FHIR R4 §10.7): who was told what and when. `key` is the identifier by which it is found again.
#[must_use]
pub fn communication(patient: &str, key: &str, about: &Communication, topic: &str) -> Value {
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
        "recipient": [{ "display": about.told }],
        "sender": { "display": format!("Bedside, acknowledged by {}", about.acknowledged_by) },
        "payload": [{ "contentString": about.text }],
    })
}
