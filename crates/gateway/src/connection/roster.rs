//! Whose records are asked for: the members of a Group that the site gave us the id of.

use bedside_fhir::json::{ScanLimits, Value, parse};
use bedside_fhir::page::Trouble;

use super::client::{Missed, fetch};
use super::options::Roster;
use super::pulse::Busy;
use super::wire::Wire;

/// Who is on a roster.
pub(super) struct Listed {
    /// The source's ids of all patients, each once.
    pub(super) patients: Vec<String>,
    /// Members that name no patient of this server: they can't be asked for, and that is said.
    pub(super) unusable: usize,
}

/// Reads the roster.
pub(super) async fn members(wire: &Wire, busy: &Busy, roster: &Roster) -> Result<Listed, Missed> {
    let Roster::Group(id) = roster;
    let entry = fetch(wire, busy, "Group", id).await?;
    let value = parse(entry.text.as_bytes(), &ScanLimits::default())
        .map_err(|_| Missed::Trouble(Trouble::NotFhir))?;
    let listed = value.get("member").and_then(Value::as_array);
    let mut unusable = 0;
    let mut patients: Vec<String> = listed
        .into_iter()
        .flatten()
        .filter(|member| member.get("inactive").and_then(Value::as_bool) != Some(true))
        .filter_map(|member| {
            let reference = member.pointer("/entity/reference").and_then(Value::as_str);
            let id = reference.and_then(|reference| patient_id(wire, reference));
            unusable += usize::from(id.is_none());
            id
        })
        .collect();
    patients.sort();
    patients.dedup();
    Ok(Listed { patients, unusable })
}

fn patient_id(wire: &Wire, reference: &str) -> Option<String> {
    let id = match wire.base.local(reference) {
        Some((kind, id)) if kind == "Patient" => id,
        Some(_) => return None,
        None => reference
            .strip_prefix("Patient/")
            .filter(|id| !id.is_empty() && !id.contains('/'))?
            .to_owned(),
    };
    Some(id)
}
