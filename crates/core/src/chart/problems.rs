//! Problems and diagnoses.

use bedside_fhir::resource::{CodeableConcept, condition};

use super::absence::absence;
use super::allergies::statement;
use super::item::{add_detail, base, doubt, doubt_future, label, withdrawn};
use super::listed::verdict;
use super::section::{Found, Kind, section};
use super::seen::{Moment, Seen};
use super::view::{Item, Section};
use crate::record::PersonRecord;

/// The section of problems.
pub(super) fn problems(record: &PersonRecord, seen: &[Seen<'_>], moment: &Moment<'_>) -> Section {
    let mut found = Found::default();
    let mut statements = Vec::new();
    for one in seen
        .iter()
        .filter(|one| one.stored.resource_type == "Condition")
    {
        found.learned(one);
        let value = &one.value;
        let code = condition::code(value);
        let clinical = condition::clinical_status(value).unwrap_or_default();
        let verification = condition::verification_status(value).unwrap_or_default();
        let taken = condition::onset(value).or_else(|| condition::recorded(value));
        if matches!(verification.as_str(), "entered-in-error" | "refuted") {
            found
                .withdrawn
                .push(withdrawn(one, moment, label(&code), &verification, taken));
            continue;
        }
        if let Some(absence) = absence(&code, Kind::Problems) {
            if is_active(&clinical) {
                statements.push(statement(
                    one,
                    moment,
                    absence,
                    condition::recorded(value),
                    &verification,
                ));
            }
            continue;
        }
        let abated = condition::abatement(value);
        let status = match (clinical.as_str(), abated) {
            ("", Some(_)) => "resolved",
            ("", None) => "status not stated",
            (said, _) => said,
        };
        let mut item = base(one, moment, &code, status, taken);
        if matches!(
            verification.as_str(),
            "unconfirmed" | "provisional" | "differential"
        ) {
            doubt(&mut item, &format!("{verification} diagnosis"));
        }
        doubt_future(&mut item, moment);
        describe(&mut item, value, moment);
        found.items.push(item);
    }
    found
        .items
        .sort_by_key(|item| (!is_active(&item.status), std::cmp::Reverse(item.at)));
    let verdict = verdict(
        Kind::Problems,
        &found,
        &statements,
        is_active,
        record,
        moment,
    );
    section(Kind::Problems, found, Some(verdict), record, moment)
}

fn is_active(status: &str) -> bool {
    !matches!(status, "inactive" | "remission" | "resolved")
}

fn describe(item: &mut Item, value: &serde_json::Value, moment: &Moment<'_>) {
    if let Some(severity) = condition::severity(value)
        .as_ref()
        .and_then(CodeableConcept::label)
    {
        add_detail(item, &severity);
    }
    let encounter = "encounter-diagnosis";
    if condition::categories(value)
        .iter()
        .any(|category| category.first_code() == Some(encounter))
    {
        add_detail(item, "diagnosis of an encounter");
    }
    if let Some(ended) = condition::abatement(value) {
        add_detail(item, &format!("until {}", moment.said(ended)));
    }
}
