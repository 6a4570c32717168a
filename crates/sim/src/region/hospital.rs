//! The ward's hospital as its FHIR API shows it: the same events as its messages, some minutes later, Epic's way.
//!
//! It reads the ward's notes and records, never the messages. A result keeps the laboratory's number and the minute in
//! which the blood was drawn, so that the two routes can be told to be one result. Of the vital signs only those
//! that a nurse has validated are released: every third set.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::drugs::{self, Drug};
use super::event::Change;
use super::history::{Keys, Known, history, recorded_at};
use super::people::{Chart, Staff, home_drugs, of_ward};
use super::shape::{
    Kind, Measure, Prescription, Pressure, Problem, Stay, allergies, blood_pressure, encounter,
    group, id, location, medication, observation, organization, patient, prescription, problem,
};
use crate::rng::Rng;
use crate::vendor::Vendor;
use crate::ward::Ward;
use crate::ward::analytes::{DIASTOLIC, SYSTOLIC};
use crate::ward::note::{Note, Reported};
use crate::ward::patient::{Class, Patient};

/// Keys of what is made from an order: the order's number times this, and the analyte.
const PER_ORDER: u64 = 64;
/// Keys of what was there before stand above all orders.
const HISTORY_KEYS: u64 = 10_000_000_000;
/// Keys of drugs and illnesses of one patient.
const PER_PATIENT: u64 = 64;

/// The FHIR side of the ward's hospital.
#[derive(Debug, Clone)]
pub(crate) struct Hospital {
    seed: u64,
    rng: Rng,
    staff: Staff,
    start: Timestamp,
    /// How many patients had a record at the start.
    registered: usize,
    /// What was last charted of records, stays, illnesses and allergies, so that nothing is charted twice.
    filed: BTreeMap<String, Value>,
    /// Until when each patient's chart is written; a later event is never seen before an earlier one.
    written: BTreeMap<usize, Timestamp>,
    /// Patients that the roster names.
    roster: BTreeSet<u64>,
    /// Drugs ordered in the present stay.
    orders: BTreeMap<usize, Vec<Prescription>>,
    /// Sets of vital signs taken so far.
    sets: BTreeMap<usize, u64>,
    /// Everything of those who were registered since the start, because one of them is merged into another.
    recent: BTreeMap<usize, BTreeMap<String, Value>>,
}

impl Hospital {
    pub(crate) fn new(seed: u64, ward: &Ward, start: Timestamp) -> Self {
        Self {
            seed,
            rng: Rng::new(seed ^ 0x0E91_C0DE),
            staff: Staff::of_ward(ward),
            start,
            registered: ward.records().len(),
            filed: BTreeMap::new(),
            written: BTreeMap::new(),
            roster: BTreeSet::new(),
            orders: BTreeMap::new(),
            sets: BTreeMap::new(),
            recent: BTreeMap::new(),
        }
    }

    /// What the EHR holds when the simulation starts.
    pub(crate) fn opening(&mut self, ward: &Ward) -> Vec<(Timestamp, Value)> {
        let founded = self
            .start
            .checked_sub(SignedDuration::from_hours(24 * 366))
            .unwrap_or(self.start);
        let mut out = vec![
            (founded, organization(Vendor::Epic)),
            (founded, location(Vendor::Epic)),
        ];
        out.extend(self.staff.resources().into_iter().map(|one| (founded, one)));
        for drug in drugs::all() {
            out.push((founded, medication(Vendor::Epic, drug)));
        }
        let mut keys = Keys(HISTORY_KEYS);
        for position in 0..ward.records().len() {
            out.extend(self.history_of(ward, position, &mut keys));
        }
        let members: Vec<u64> = self.roster.iter().copied().collect();
        out.push((self.start, group(Vendor::Epic, &members)));
        out
    }

    fn history_of(
        &mut self,
        ward: &Ward,
        position: usize,
        keys: &mut Keys,
    ) -> Vec<(Timestamp, Value)> {
        let (Some(record), Some(mut chart)) =
            (ward.records().get(position), of_ward(ward, position))
        else {
            return Vec::new();
        };
        chart.attending = self.rng.index(self.staff.len());
        self.roster.insert(chart.number);
        let problems: Vec<(u64, (&str, &str))> = (0..)
            .zip(&record.diagnoses)
            .skip(1)
            .map(|(at, &illness)| (own_key(chart.number, at), illness))
            .collect();
        let drugs: Vec<(u64, Drug, bool)> = (0..)
            .zip(home_drugs(self.seed, chart.human, Vendor::Epic))
            .map(|(at, (drug, taken))| (own_key(chart.number, at), drug, taken))
            .collect();
        let known = Known {
            chart: &chart,
            staff: &self.staff,
            body: &record.body,
            labs: true,
            problems: &problems,
            allergies: &record.allergies,
            drugs: &drugs,
            start: self.start,
        };
        let out = history(&known, keys, &mut self.rng);
        for (_, resource) in &out {
            if matches!(
                kind_of(resource),
                "Patient" | "Condition" | "AllergyIntolerance"
            ) {
                self.filed.insert(name_of(resource), resource.clone());
            }
        }
        out
    }

    /// What the EHR charts because of one event of the ward, and from when on it is seen.
    pub(crate) fn told(
        &mut self,
        ward: &Ward,
        at: Timestamp,
        note: &Note,
    ) -> Vec<(Timestamp, Change)> {
        match note {
            Note::Record(position) => self.record(ward, *position, at),
            Note::Report(reported) => self.report(ward, reported, at),
            Note::Drug {
                patient,
                order,
                drug,
            } => self.drug(ward, *patient, *order, *drug, at),
            Note::Merge { gone, survivor } => self.merge(ward, *gone, *survivor, at),
            Note::Nothing => Vec::new(),
        }
    }

    fn record(&mut self, ward: &Ward, position: usize, at: Timestamp) -> Vec<(Timestamp, Change)> {
        let (Some(record), Some(chart)) = (ward.records().get(position), of_ward(ward, position))
        else {
            return Vec::new();
        };
        let seen = self.seen(position, at);
        let mut fresh = vec![patient(&chart, &self.staff)];
        let stay = stay_of(record);
        fresh.push(encounter(&chart, &self.staff, &stay));
        for (at, &illness) in (0..).zip(&record.diagnoses) {
            let entry = Problem {
                key: own_key(chart.number, at),
                illness,
                recorded: if at == 0 {
                    minute(stay.start)
                } else {
                    recorded_at(self.start)
                },
                encounter: (at == 0).then_some(stay.key),
                active: true,
            };
            fresh.push(problem(&chart, &entry));
        }
        fresh.extend(allergies(
            &chart,
            &record.allergies,
            recorded_at(self.start),
        ));
        let mut out: Vec<(Timestamp, Change)> = Vec::new();
        for resource in fresh {
            let name = name_of(&resource);
            if self.filed.get(&name) != Some(&resource) {
                self.filed.insert(name, resource.clone());
                self.file(position, seen, resource, &mut out);
            }
        }
        if self.roster.insert(chart.number) {
            out.push((seen, self.roster_now()));
        }
        if stay.end.is_some() || stay.status == "cancelled" {
            self.recent.remove(&position);
            for mut order in self.orders.remove(&position).unwrap_or_default() {
                order.status = "completed";
                let resource = prescription(&chart, &self.staff, &order);
                self.file(position, seen, resource, &mut out);
            }
        }
        out
    }

    fn report(&mut self, ward: &Ward, told: &Reported, at: Timestamp) -> Vec<(Timestamp, Change)> {
        let position = told.patient;
        let (Some(record), Some(chart)) = (ward.records().get(position), of_ward(ward, position))
        else {
            return Vec::new();
        };
        let laboratory = !told.placer.is_empty();
        if !laboratory {
            let sets = self.sets.entry(position).or_insert(0);
            *sets = sets.saturating_add(1);
            if *sets % 3 != 1 {
                return Vec::new();
            }
        }
        let seen = self.seen(position, at);
        let stay = Some(record.visit.serial);
        let mut out = Vec::new();
        let text = |analyte: usize| {
            told.values
                .iter()
                .find(|value| value.analyte == analyte)
                .map(|value| value.text.clone())
        };
        if let (Some(systolic), Some(diastolic)) = (text(SYSTOLIC), text(DIASTOLIC)) {
            let pressure = Pressure {
                key: order_key(told.order, SYSTOLIC),
                systolic,
                diastolic,
                collected: minute(told.collected),
                issued: at,
                encounter: stay,
                filler: Some(told.filler.clone()),
            };
            let resource = blood_pressure(&chart, &pressure);
            self.file(position, seen, resource, &mut out);
        }
        let corrects = told.values.iter().any(|value| value.status == "C");
        for value in &told.values {
            // A correction says again what was right before; that is no new version.
            let again = corrects && value.status != "C";
            if again || matches!(value.analyte, SYSTOLIC | DIASTOLIC) {
                continue;
            }
            let line = Measure {
                key: order_key(told.order, value.analyte),
                laboratory,
                analyte: value.analyte,
                text: value.text.clone(),
                flag: value.flag,
                status: match value.status {
                    "P" => "preliminary",
                    "C" => "corrected",
                    "W" | "D" => "entered-in-error",
                    _ => "final",
                },
                collected: minute(told.collected),
                issued: at,
                encounter: stay,
                orderer: told.attending,
                filler: Some(told.filler.clone()),
                placer: laboratory.then(|| told.placer.clone()),
                panel: told.panel.name,
                remark: value.remark.clone(),
                odd_unit: None,
            };
            let resource = observation(&chart, &self.staff, &line);
            self.file(position, seen, resource, &mut out);
        }
        out
    }

    fn drug(
        &mut self,
        ward: &Ward,
        position: usize,
        order: u64,
        drug: usize,
        at: Timestamp,
    ) -> Vec<(Timestamp, Change)> {
        let (Some(record), Some(chart)) = (ward.records().get(position), of_ward(ward, position))
        else {
            return Vec::new();
        };
        let seen = self.seen(position, at);
        let order = Prescription {
            key: order_key(order, 0),
            drug: drugs::of_ward(drug),
            status: "active",
            authored: minute(at),
            prescriber: record.visit.attending,
            encounter: Some(record.visit.serial),
            reported: false,
        };
        let resource = prescription(&chart, &self.staff, &order);
        self.orders.entry(position).or_default().push(order);
        let mut out = Vec::new();
        self.file(position, seen, resource, &mut out);
        out
    }

    /// The record that goes, and everything of it filed under the one that stays.
    fn merge(
        &mut self,
        ward: &Ward,
        gone: usize,
        survivor: usize,
        at: Timestamp,
    ) -> Vec<(Timestamp, Change)> {
        let (Some(from), Some(to)) = (of_ward(ward, gone), of_ward(ward, survivor)) else {
            return Vec::new();
        };
        let seen = self.seen(gone, at).max(self.seen(survivor, at));
        self.written.insert(survivor, seen);
        let patient_id = |chart: &Chart| id(Vendor::Epic, Kind::Patient, chart.number);
        let mut out = vec![(
            seen,
            Change::Merge {
                gone: patient_id(&from),
                survivor: patient_id(&to),
            },
        )];
        let subject = json!({"reference": format!("Patient/{}", patient_id(&to))});
        for (_, mut resource) in self.recent.remove(&gone).unwrap_or_default() {
            if kind_of(&resource) == "Patient" {
                continue;
            }
            if let Some(members) = resource.as_object_mut() {
                for member in ["subject", "patient"] {
                    if members.contains_key(member) {
                        members.insert(member.to_owned(), subject.clone());
                    }
                }
            }
            if kind_of(&resource) == "Encounter" {
                end_stay(&mut resource, at);
            }
            self.file(survivor, seen, resource, &mut out);
        }
        if self.roster.remove(&from.number) {
            out.push((seen, self.roster_now()));
        }
        out
    }

    fn file(
        &mut self,
        position: usize,
        seen: Timestamp,
        resource: Value,
        out: &mut Vec<(Timestamp, Change)>,
    ) {
        if position >= self.registered {
            self.recent
                .entry(position)
                .or_default()
                .insert(name_of(&resource), resource.clone());
        }
        out.push((seen, Change::Put(resource)));
    }

    fn roster_now(&self) -> Change {
        let members: Vec<u64> = self.roster.iter().copied().collect();
        Change::Put(group(Vendor::Epic, &members))
    }

    /// One to ten minutes after the event, and not before what was charted last.
    fn seen(&mut self, position: usize, at: Timestamp) -> Timestamp {
        let seconds = self.rng.between(60, 600);
        let later = at
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap_or(at);
        let seen = self
            .written
            .get(&position)
            .map_or(later, |written| later.max(*written));
        self.written.insert(position, seen);
        seen
    }
}

fn stay_of(record: &Patient) -> Stay {
    let visit = &record.visit;
    let (unit, room, bed) = visit.location.names();
    let status = if visit.cancelled {
        "cancelled"
    } else if visit.discharged.is_some() {
        "finished"
    } else {
        "in-progress"
    };
    Stay {
        key: visit.serial,
        status,
        class: match visit.class {
            Class::Inpatient => "IMP",
            Class::Outpatient => "AMB",
            Class::Emergency => "EMER",
        },
        start: minute(visit.admitted),
        end: visit.discharged.map(minute),
        attending: visit.attending,
        place: format!("{unit} {room} {bed}"),
        number: format!("V{:08}", visit.serial),
        reason: record.diagnoses.first().copied(),
        disposition: visit.discharged.map(|_| visit.disposition),
    }
}

fn end_stay(resource: &mut Value, at: Timestamp) {
    let ended = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    if let Some(members) = resource.as_object_mut() {
        members.insert("status".to_owned(), json!("finished"));
        if let Some(period) = members.get_mut("period").and_then(Value::as_object_mut) {
            period.insert("end".to_owned(), json!(ended));
        }
    }
}

/// The minute of an instant, which is all that messages say.
fn minute(at: Timestamp) -> Timestamp {
    let seconds = at.as_second();
    Timestamp::from_second(seconds.saturating_sub(seconds.rem_euclid(60))).unwrap_or(at)
}

fn own_key(patient: u64, position: u64) -> u64 {
    patient.saturating_mul(PER_PATIENT).saturating_add(position)
}

fn order_key(order: u64, analyte: usize) -> u64 {
    order
        .saturating_mul(PER_ORDER)
        .saturating_add(number_of(analyte))
}

fn number_of(position: usize) -> u64 {
    u64::try_from(position).unwrap_or(u64::MAX)
}

fn kind_of(resource: &Value) -> &str {
    resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Type and id.
fn name_of(resource: &Value) -> String {
    let id = resource
        .get("id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    format!("{}/{id}", kind_of(resource))
}
