//! One of the two hospitals that are no ward: its patients, its staff and what it held of them before.
//!
//! What happens there is in `day`.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::day::Act;
use super::drugs;
use super::event::Change;
use super::history::{Keys, Known, history};
use super::people::{Member, Staff};
use super::shape::{
    Measure, Prescription, Stay, encounter, group, location, medication, organization,
};
use crate::rng::Rng;
use crate::vendor::Vendor;

/// A hospital or a practice at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Clinic {
    pub(super) vendor: Vendor,
    pub(super) rng: Rng,
    pub(super) staff: Staff,
    pub(super) patients: Vec<Attended>,
    pub(super) keys: Keys,
    pub(super) now: Timestamp,
    pub(super) days: u64,
    start: Timestamp,
    agenda: BTreeMap<(Timestamp, u64), Act>,
    entered: u64,
}

/// A patient with what changes.
#[derive(Debug, Clone)]
pub(crate) struct Attended {
    pub(super) member: Member,
    /// In a bed all day, or somebody who comes for a visit.
    pub(super) inpatient: bool,
    pub(super) stay: Option<Stay>,
    pub(super) drugs: Vec<Prescription>,
    /// The results that came last, each as it was reported.
    pub(super) results: Vec<Measure>,
    /// The ids of the vital signs taken last.
    pub(super) vitals: Vec<String>,
}

/// A resource and from when on it is seen.
pub(crate) type Filed = (Timestamp, Value);

impl Clinic {
    pub(crate) fn new(vendor: Vendor, seed: u64, members: Vec<Member>, start: Timestamp) -> Self {
        // Each EHR goes its own way, whatever the other one's patients are.
        let own = vendor.as_str().bytes().fold(seed, |mixed, byte| {
            Rng::new(mixed ^ u64::from(byte)).next_u64()
        });
        let mut rng = Rng::new(own);
        let staff = Staff::new(vendor, &mut rng);
        let patients = members
            .into_iter()
            .enumerate()
            .map(|(position, member)| Attended {
                inpatient: vendor == Vendor::Oracle && !member.on_ward && position % 5 != 4,
                member,
                stay: None,
                drugs: Vec::new(),
                results: Vec::new(),
                vitals: Vec::new(),
            })
            .collect();
        let mut clinic = Self {
            vendor,
            rng,
            staff,
            patients,
            keys: Keys(1000),
            now: start,
            days: 0,
            start,
            agenda: BTreeMap::new(),
            entered: 0,
        };
        clinic.add(start, Act::PlanDay);
        clinic
    }

    /// What the EHR holds when the simulation starts.
    pub(crate) fn opening(&mut self) -> Vec<Filed> {
        let (vendor, start) = (self.vendor, self.start);
        let founded = start
            .checked_sub(SignedDuration::from_hours(24 * 366))
            .unwrap_or(start);
        let mut out = vec![(founded, organization(vendor)), (founded, location(vendor))];
        out.extend(self.staff.resources().into_iter().map(|one| (founded, one)));
        if vendor == Vendor::Athena {
            for drug in drugs::all() {
                out.push((founded, medication(vendor, drug)));
            }
        }
        for position in 0..self.patients.len() {
            self.history_of(position, &mut out);
        }
        let members: Vec<u64> = self
            .patients
            .iter()
            .map(|patient| patient.member.chart.number)
            .collect();
        out.push((start, group(vendor, &members)));
        out
    }

    fn history_of(&mut self, position: usize, out: &mut Vec<Filed>) {
        let attended = &mut self.patients[position];
        let member = &attended.member;
        let problems: Vec<(u64, (&str, &str))> = member
            .problems
            .iter()
            .map(|&illness| (self.keys.take(), illness))
            .collect();
        let drugs: Vec<(u64, drugs::Drug, bool)> = member
            .drugs
            .iter()
            .map(|&(drug, taken)| (self.keys.take(), drug, taken))
            .collect();
        let known = Known {
            chart: &member.chart,
            staff: &self.staff,
            body: &member.body,
            labs: member.labs,
            problems: &problems,
            allergies: &member.allergies,
            drugs: &drugs,
            start: self.start,
        };
        out.extend(history(&known, &mut self.keys, &mut self.rng));
        attended.drugs = drugs
            .iter()
            .filter(|(_, _, taken)| *taken)
            .map(|&(key, drug, _)| Prescription {
                key,
                drug,
                status: "active",
                authored: self.start,
                prescriber: member.chart.attending,
                encounter: None,
                reported: false,
            })
            .collect();
        if attended.inpatient {
            let hours = self.rng.between(20, 90);
            let admitted = self
                .start
                .checked_sub(SignedDuration::from_hours(hours))
                .unwrap_or(self.start);
            let stay = self.new_stay(position, admitted, "IMP");
            let chart = &self.patients[position].member.chart;
            out.push((admitted, encounter(chart, &self.staff, &stay)));
            self.patients[position].stay = Some(stay);
        }
    }

    pub(super) fn new_stay(
        &mut self,
        position: usize,
        start: Timestamp,
        class: &'static str,
    ) -> Stay {
        let key = self.keys.take();
        let place = if class == "IMP" {
            format!(
                "3N {} {}",
                300 + position / 2,
                if position.is_multiple_of(2) { "A" } else { "B" }
            )
        } else {
            format!("Room {}", position % 9 + 1)
        };
        Stay {
            key,
            status: "in-progress",
            class,
            start,
            end: None,
            attending: self.rng.index(self.staff.len()),
            place,
            number: format!("{:09}", key.saturating_add(730_000_000)),
            reason: self.patients[position].member.problems.first().copied(),
            disposition: None,
        }
    }

    /// When something happens next.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.agenda.keys().next().map(|(at, _)| *at)
    }

    /// Lets the next thing happen.
    pub(crate) fn act(&mut self) -> Vec<(Timestamp, Change)> {
        match self.agenda.pop_first() {
            Some(((at, _), act)) => {
                self.now = self.now.max(at);
                self.perform(act)
            }
            None => Vec::new(),
        }
    }

    pub(super) fn add(&mut self, at: Timestamp, act: Act) {
        self.agenda.insert((at, self.entered), act);
        self.entered = self.entered.wrapping_add(1);
    }

    /// Something so many minutes from now, give or take some.
    pub(super) fn schedule(&mut self, low: i64, high: i64, act: Act) {
        let seconds = self
            .rng
            .between(low.saturating_mul(60), high.saturating_mul(60));
        let at = self
            .now
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap_or(self.now);
        self.add(at, act);
    }
}
