//! A read by id: the resource, or what has become of it.

use serde_json::{Value, json};

use super::answer::Answer;
use super::chart::Found;
use super::instance::Inner;
use super::refusal::{Refusal, epic_outcome};
use crate::vendor::Vendor;

/// Answers a read. `base` is the absolute FHIR base.
pub(crate) fn read(
    inner: &Inner,
    base: &str,
    resource_type: &str,
    id: &str,
    now: bedside_fact::clock::Timestamp,
) -> Result<Answer, Refusal> {
    let chart = inner.chart(now);
    match chart.find(resource_type, id) {
        Found::Live(row) => {
            let answer = Answer::fhir(200, inner.vendor, row.text.clone());
            Ok(match inner.vendor {
                Vendor::Oracle => answer.with("etag", format!("W/\"{}\"", row.version)),
                Vendor::Epic | Vendor::Athena => answer,
            })
        }
        Found::Deleted => Err(Refusal::Deleted),
        Found::Merged(survivor) => merged(inner.vendor, base, id, &survivor),
        Found::Nothing if resource_type == "Group" && id == inner.roster_id(&chart) => {
            let members: Vec<Value> = chart
                .all("Patient")
                .map(|row| json!({"entity": {"reference": format!("Patient/{}", row.id)}}))
                .collect();
            let group = json!({
                "resourceType": "Group", "id": id, "active": true, "type": "person", "actual": true,
                "quantity": members.len(), "member": members,
            });
            Ok(Answer::fhir(200, inner.vendor, group.to_string()))
        }
        Found::Nothing => Err(Refusal::UnknownId),
    }
}

/// A patient that was merged away: a redirect with an error in its body at Epic (vendor catalogue EPIC-38), an
/// inactive shell at Oracle (CERN-22), nothing at all at athena.
fn merged(vendor: Vendor, base: &str, gone: &str, survivor: &str) -> Result<Answer, Refusal> {
    match vendor {
        Vendor::Epic => Ok(
            Answer::fhir(302, vendor, epic_outcome("4107", Some("id")).to_string())
                .with("location", format!("{base}/Patient/{survivor}")),
        ),
        Vendor::Oracle => {
            let unknown = json!({"extension": [{
                "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
                "valueCode": "unknown"
            }]});
            let shell = json!({
                "resourceType": "Patient", "id": gone, "active": false,
                "identifier": [unknown], "name": [unknown], "_gender": unknown,
                "link": [{"other": {"reference": format!("Patient/{survivor}")}, "type": "replaced-by"}],
            });
            Ok(Answer::fhir(200, vendor, shell.to_string()))
        }
        Vendor::Athena => Err(Refusal::UnknownId),
    }
}
