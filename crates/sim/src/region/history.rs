//! What an EHR holds of a patient when the simulation starts: a year of visits, values, illnesses and drugs.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::people::{Chart, Staff};
use super::shape::{
    Measure, Prescription, Pressure, Problem, Stay, allergies, blood_pressure, encounter,
    observation, patient, prescription, problem,
};
use crate::region::drugs::Drug;
use crate::rng::Rng;
use crate::ward::analytes::{
    CREATININE, DIASTOLIC, HEMOGLOBIN, POTASSIUM, Panel, SYSTOLIC, WEIGHT,
};
use crate::ward::patient::Allergies;
use crate::ward::physiology::{Measured, Physiology};

/// What the two other EHRs' laboratories report of one tube, and everybody's of earlier years.
pub(crate) const LABS: Panel = Panel {
    loinc: "24320-4",
    name: "Basic metabolic panel",
    local: "BMP",
    section: "CH",
    analytes: &[POTASSIUM, 8, CREATININE, 14, HEMOGLOBIN],
};

/// What is taken at a visit.
pub(crate) const VITALS: Panel = Panel {
    loinc: "85353-1",
    name: "Vital signs",
    local: "VS",
    section: "NRS",
    analytes: &[0, SYSTOLIC, DIASTOLIC, 3, 5],
};

const VISIT_VITALS: Panel = Panel {
    loinc: "85353-1",
    name: "Vital signs",
    local: "VS",
    section: "NRS",
    analytes: &[0, SYSTOLIC, DIASTOLIC, WEIGHT],
};

/// Hands out keys of resources, each once.
#[derive(Debug, Clone)]
pub(crate) struct Keys(pub(crate) u64);

impl Keys {
    pub(crate) fn take(&mut self) -> u64 {
        self.0 = self.0.saturating_add(1);
        self.0
    }
}

/// What is known of somebody.
pub(crate) struct Known<'a> {
    pub(crate) chart: &'a Chart,
    pub(crate) staff: &'a Staff,
    pub(crate) body: &'a Physiology,
    pub(crate) labs: bool,
    /// The illnesses, each with the key of its resource.
    pub(crate) problems: &'a [(u64, (&'static str, &'static str))],
    pub(crate) allergies: &'a Allergies,
    pub(crate) drugs: &'a [(u64, Drug, bool)],
    pub(crate) start: Timestamp,
}

/// The resources with the time of each, and when illnesses and allergies were recorded.
pub(crate) fn history(
    known: &Known<'_>,
    keys: &mut Keys,
    rng: &mut Rng,
) -> Vec<(Timestamp, Value)> {
    let chart = known.chart;
    let registered = back(known.start, rng.between(355, 364), 9 * 60);
    let mut out = vec![(registered, patient(chart, known.staff))];
    let recorded = recorded_at(known.start);
    for &(key, illness) in known.problems {
        let entry = Problem {
            key,
            illness,
            recorded,
            encounter: None,
            active: true,
        };
        out.push((recorded, problem(chart, &entry)));
    }
    for allergy in allergies(chart, known.allergies, recorded) {
        out.push((recorded, allergy));
    }
    for &(key, drug, taken) in known.drugs {
        let authored = back(known.start, rng.between(60, 320), rng.between(14, 20) * 60);
        let stopped = back(known.start, rng.between(3, 50), 16 * 60);
        let at = if taken { authored } else { stopped };
        let order = Prescription {
            key,
            drug,
            status: if taken { "active" } else { "stopped" },
            authored,
            prescriber: chart.attending,
            encounter: None,
            reported: rng.chance(25),
        };
        out.push((at, prescription(chart, known.staff, &order)));
    }
    let mut body = known.body.clone();
    for visit in 0..5 {
        let days = 330 - visit * 68 - rng.between(0, 30);
        let at = back(known.start, days, rng.between(14 * 60, 21 * 60));
        visit_of(known, at, &mut body, keys, rng, &mut out);
    }
    out
}

/// When the list of illnesses and allergies was last gone through.
pub(crate) fn recorded_at(start: Timestamp) -> Timestamp {
    back(start, 200, 15 * 60)
}

/// An earlier visit with what was measured.
fn visit_of(
    known: &Known<'_>,
    at: Timestamp,
    body: &mut Physiology,
    keys: &mut Keys,
    rng: &mut Rng,
    out: &mut Vec<(Timestamp, Value)>,
) {
    let (chart, staff) = (known.chart, known.staff);
    let key = keys.take();
    let orderer = rng.index(staff.len());
    let end = later(at, 35);
    let stay = Stay {
        key,
        status: "finished",
        class: "AMB",
        start: at,
        end: Some(end),
        attending: orderer,
        place: "Clinic".to_owned(),
        number: format!("V{:08}", key.checked_rem(100_000_000).unwrap_or(0)),
        reason: known.problems.first().map(|&(_, illness)| illness),
        disposition: None,
    };
    out.push((end, encounter(chart, staff, &stay)));
    let taken = later(at, 5);
    let values = body.measure(rng, &VISIT_VITALS, 0.0);
    for resource in vitals(chart, staff, &values, taken, Some(key), keys) {
        out.push((end, resource));
    }
    if !known.labs {
        return;
    }
    let issued = later(at, 240);
    for mut measured in body.measure(rng, &LABS, 0.0) {
        if measured.analyte == POTASSIUM {
            // What was dangerous a year ago is nobody's task today.
            measured.value = measured.value.clamp(3.4, 5.6);
        }
        let line = Measure {
            key: keys.take(),
            laboratory: true,
            analyte: measured.analyte,
            text: measured.text(),
            flag: measured.flag(),
            status: "final",
            collected: later(at, 15),
            issued,
            encounter: Some(key),
            orderer,
            filler: None,
            placer: None,
            panel: LABS.name,
            remark: String::new(),
            odd_unit: None,
        };
        out.push((issued, observation(chart, staff, &line)));
    }
}

/// Vital signs as resources: a pair makes one blood pressure, the others stand alone.
pub(crate) fn vitals(
    chart: &Chart,
    staff: &Staff,
    values: &[Measured],
    taken: Timestamp,
    stay: Option<u64>,
    keys: &mut Keys,
) -> Vec<Value> {
    let text = |at: usize| values.iter().find(|m| m.analyte == at).map(Measured::text);
    let mut out = Vec::new();
    if let (Some(systolic), Some(diastolic)) = (text(SYSTOLIC), text(DIASTOLIC)) {
        let pressure = Pressure {
            key: keys.take(),
            systolic,
            diastolic,
            collected: taken,
            issued: taken,
            encounter: stay,
            filler: None,
        };
        out.push(blood_pressure(chart, &pressure));
    }
    for measured in values {
        if matches!(measured.analyte, SYSTOLIC | DIASTOLIC) {
            continue;
        }
        let line = Measure {
            key: keys.take(),
            laboratory: false,
            analyte: measured.analyte,
            text: measured.text(),
            flag: "",
            status: "final",
            collected: taken,
            issued: taken,
            encounter: stay,
            orderer: 0,
            filler: None,
            placer: None,
            panel: VITALS.name,
            remark: String::new(),
            odd_unit: None,
        };
        out.push(observation(chart, staff, &line));
    }
    out
}

/// So many days before the start, at this minute of the UTC day that began then.
fn back(start: Timestamp, days: i64, minute: i64) -> Timestamp {
    let seconds = start.as_second();
    let midnight = seconds.saturating_sub(seconds.rem_euclid(86_400));
    let at = midnight
        .saturating_sub(days.saturating_mul(86_400))
        .saturating_add(minute.saturating_mul(60));
    Timestamp::from_second(at).unwrap_or(start)
}

pub(crate) fn later(at: Timestamp, minutes: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_mins(minutes))
        .unwrap_or(at)
}
