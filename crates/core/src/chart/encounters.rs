//! Encounters: where the patient is and was.

use bedside_fhir::resource::{CodeableConcept, encounter};

use super::item::{add_detail, base, doubt, doubt_future, withdrawn};
use super::section::{Found, Kind, of_items, section};
use super::seen::{Moment, Seen, named};
use super::view::Section;
use crate::record::PersonRecord;

/// The section of encounters, newest first.
pub(super) fn encounters(record: &PersonRecord, seen: &[Seen<'_>], moment: &Moment<'_>) -> Section {
    let mut found = Found::default();
    for one in seen
        .iter()
        .filter(|one| one.stored.resource_type == "Encounter")
    {
        found.learned(one);
        let value = &one.value;
        let status = encounter::status(value).unwrap_or("unknown");
        let period = encounter::encounter_period(value).unwrap_or_default();
        let taken = period.start.as_deref();
        let concept = kind_of(value);
        let label = concept.label().unwrap_or_else(|| String::from("Encounter"));
        if matches!(status, "entered-in-error" | "cancelled") {
            found
                .withdrawn
                .push(withdrawn(one, moment, label, status, taken));
            continue;
        }
        let mut item = base(one, moment, &concept, status, taken);
        item.label = label;
        item.value = match (taken, period.end.as_deref()) {
            (Some(start), Some(end)) => {
                Some(format!("{} to {}", moment.said(start), moment.said(end)))
            }
            (Some(start), None) if status == "finished" => {
                Some(format!("{}, end not stated", moment.said(start)))
            }
            (Some(start), None) => Some(format!("since {}", moment.said(start))),
            (None, Some(end)) => Some(format!("until {}", moment.said(end))),
            (None, None) => None,
        };
        if status == "unknown" {
            doubt(&mut item, "status unknown");
        }
        if status != "planned" {
            doubt_future(&mut item, moment);
        }
        let places = encounter::locations(value);
        // The place where the patient is now; where none is said to be active, the last one named.
        let here = places
            .iter()
            .find(|place| place.status.as_deref() == Some("active"))
            .or_else(|| places.last())
            .and_then(|place| named(&place.location));
        if let Some(place) = here {
            add_detail(&mut item, &place);
        }
        for reason in encounter::reasons(value)
            .iter()
            .filter_map(CodeableConcept::label)
        {
            add_detail(&mut item, &reason);
        }
        found.items.push(item);
    }
    found.items.sort_by_key(|item| {
        let open = matches!(
            item.status.as_str(),
            "arrived" | "triaged" | "in-progress" | "onleave"
        );
        let wrong = item.status != "planned" && item.at.is_none_or(|at| moment.is_ahead(at));
        (
            !open,
            wrong,
            std::cmp::Reverse(item.at),
            std::cmp::Reverse(item.seq),
        )
    });
    let verdict = of_items(Kind::Encounters, found.items.iter());
    section(Kind::Encounters, found, verdict, record, moment)
}

/// The type of an encounter, else its class with the words of HL7 v3 `ActCode` or table 0004.
fn kind_of(value: &serde_json::Value) -> CodeableConcept {
    let named = encounter::types(value)
        .into_iter()
        // A bare code, such as table 0007's `U` for an urgent admission, tells a reader less than the class does.
        .find(|kind| {
            kind.text.is_some() || kind.codings.iter().any(|coding| coding.display.is_some())
        });
    named.unwrap_or_else(|| {
        let Some(class) = encounter::class(value) else {
            return CodeableConcept::default();
        };
        let words = match class.code.as_deref().unwrap_or_default() {
            "IMP" | "ACUTE" | "NONAC" | "I" => Some("Inpatient"),
            "AMB" | "O" => Some("Outpatient"),
            "EMER" | "E" => Some("Emergency"),
            "OBSENC" => Some("Observation"),
            "SS" => Some("Short stay"),
            "PRENC" | "P" => Some("Pre-admission"),
            "HH" => Some("Home health"),
            "VR" => Some("Virtual"),
            "FLD" => Some("Field"),
            // Table 0004 `U`, and HL7 v3 `NullFlavor`.
            "U" | "UNK" | "NI" => Some("class not known"),
            _ => None,
        };
        CodeableConcept {
            text: words.map(str::to_owned).or_else(|| class.display.clone()),
            codings: vec![class],
        }
    })
}
