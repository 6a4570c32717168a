//! Whether a search may be run at all: the vendor's rules about parameters, before anything is looked up.

use super::habits::{Resource, TENANT_PARAMS};
use super::params::{Params, bare};
use super::refusal::Refusal;
use super::span::Prefix;
use crate::vendor::Vendor;

/// Parameters about the form of the answer, known everywhere.
const FORM: &[&str] = &["_count", "_format"];

/// Parameters whose values are dates.
const DATES: &[&str] = &[
    "date",
    "birthdate",
    "onset-date",
    "recorded-date",
    "_lastUpdated",
];

/// Refuses a search that the vendor would refuse.
pub(crate) fn check(
    vendor: Vendor,
    resource: &'static Resource,
    params: &Params,
) -> Result<(), Refusal> {
    match vendor {
        Vendor::Epic => epic(resource, params)?,
        Vendor::Oracle => oracle(resource, params)?,
        Vendor::Athena => athena(resource, params)?,
    }
    let wrong = params.iter().find(|(name, value)| {
        DATES.contains(name) && resource.params.contains(name) && Prefix::split(value).is_none()
    });
    match wrong {
        Some((name, _)) => Err(Refusal::BadValue(name.to_owned())),
        None => Ok(()),
    }
}

/// The parameters that the vendor does not know; Epic names them beside the result.
pub(crate) fn unknown<'a>(resource: &Resource, params: &'a Params) -> Vec<&'a str> {
    params
        .iter()
        .map(|(name, _)| name)
        .filter(|name| {
            !resource.params.contains(name) && !FORM.contains(name) && !TENANT_PARAMS.contains(name)
        })
        .collect()
}

fn has_set(resource: &Resource, params: &Params) -> bool {
    resource.sets.iter().any(|set| {
        set.iter()
            .all(|name| params.has(name) || (*name == "patient" && params.has("subject")))
    })
}

fn epic(resource: &'static Resource, params: &Params) -> Result<(), Refusal> {
    if params.is_empty() {
        return Err(Refusal::NoParameters);
    }
    let mut patients = params.all("patient").chain(params.all("subject")).map(bare);
    let first = patients.next();
    if patients.any(|other| Some(other) != first) {
        return Err(Refusal::TwoPatients);
    }
    if has_set(resource, params) {
        return Ok(());
    }
    if resource.name == "Patient" {
        return Err(Refusal::TooFew);
    }
    if first.is_none_or(str::is_empty) {
        return Err(Refusal::Missing(resource));
    }
    Err(Refusal::MissingMore(resource, "category"))
}

fn oracle(resource: &'static Resource, params: &Params) -> Result<(), Refusal> {
    if !has_set(resource, params) {
        return Err(Refusal::Missing(resource));
    }
    // `_id` comes alone (vendor catalogue CERN-15).
    if params.has("_id")
        && params
            .iter()
            .any(|(name, _)| name != "_id" && !FORM.contains(&name))
    {
        return Err(Refusal::Exclusive);
    }
    if params.has("date") && params.has("_lastUpdated") {
        return Err(Refusal::Exclusive);
    }
    let single = match resource.name {
        "Patient" => resource.params,
        _ => &["patient", "subject"],
    };
    if let Some(name) = single.iter().find(|name| params.all(name).count() > 1) {
        return Err(Refusal::BadValue((*name).to_owned()));
    }
    if resource.name == "Encounter"
        && (params.has("status") || params.has("_count"))
        && params.patient().is_none()
    {
        return Err(Refusal::Exclusive);
    }
    for name in ["date", "_lastUpdated"] {
        oracle_bounds(resource, params, name)?;
    }
    Ok(())
}

/// Two bounds are one lower and one upper; some parameters need a prefix or a time (vendor catalogue CERN-16, CERN-17).
fn oracle_bounds(resource: &Resource, params: &Params, name: &str) -> Result<(), Refusal> {
    let wrong = || Refusal::BadValue(name.to_owned());
    let values: Vec<&str> = params.all(name).collect();
    let lower = values.iter().filter(|value| value.starts_with('g')).count();
    let upper = values.iter().filter(|value| value.starts_with('l')).count();
    if values.len() > 2 || (values.len() == 2 && (lower, upper) != (1, 1)) {
        return Err(wrong());
    }
    let bare = |value: &&str| value.starts_with(|first: char| first.is_ascii_digit());
    let fits = match (resource.name, name) {
        ("Encounter", "date") => !values.iter().any(bare),
        ("MedicationRequest", "_lastUpdated") => values.iter().all(|value| {
            value.contains('T') && (value.starts_with("ge") || value.starts_with("le"))
        }),
        _ => true,
    };
    if fits { Ok(()) } else { Err(wrong()) }
}

fn athena(resource: &'static Resource, params: &Params) -> Result<(), Refusal> {
    if !params.has("ah-practice") {
        return Err(Refusal::NoPractice);
    }
    if !has_set(resource, params) {
        return Err(Refusal::Missing(resource));
    }
    Ok(())
}
