//! What happens at the two other hospitals: visits, draws, drugs, and the results that must not be missed.
//!
//! A day counts from the start of the simulation, as the ward's does.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::clinic::{Clinic, Filed};
use super::drugs::HOME;
use super::event::Change;
use super::history::{LABS, VITALS, later, vitals};
use super::people::WELL_KNOWN;
use super::shape::{Measure, Prescription, encounter, observation, prescription};
use crate::vendor::Vendor;
use crate::ward::analytes::{ANALYTES, CREATININE, POTASSIUM};
use crate::ward::physiology::Measured;

/// Something that will happen to the patient at that position.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// A day begins: plan it.
    PlanDay,
    /// Blood is drawn.
    Draw(usize),
    /// A result comes of blood that was drawn yesterday elsewhere.
    LateResult(usize),
    /// Blood is drawn whose potassium is this.
    Danger(usize, f64),
    /// A potassium with a unit that nobody can read.
    OddUnit(usize),
    /// A potassium of the day after tomorrow.
    Future(usize),
    /// Vital signs are taken.
    Vitals(usize),
    /// The patient comes for a visit.
    Arrive(usize),
    /// The visit is over, or the patient goes home.
    Leave(usize),
    /// The patient is admitted again.
    Return(usize),
    /// A drug is stopped or another one started.
    ChangeDrug(usize),
    /// The creatinine that was reported last was wrong.
    Correct(usize),
    /// What was reported last was another patient's.
    Withdraw(usize),
    /// The vital signs taken last were another patient's; athena deletes them, and no search says that they were there.
    Delete(usize),
}

impl Clinic {
    pub(super) fn perform(&mut self, act: Act) -> Vec<(Timestamp, Change)> {
        let filed = match act {
            Act::PlanDay => {
                self.plan_day();
                Vec::new()
            }
            Act::Draw(patient) => self.draw(patient, self.now, None),
            Act::LateResult(patient) => self.draw(patient, later(self.now, -20 * 60), None),
            Act::Danger(patient, value) => {
                self.patients[patient].member.body.potassium_found(value);
                self.draw(patient, self.now, None)
            }
            Act::OddUnit(patient) => self.potassium(patient, self.now, "5.2", Some("mEq?L")),
            Act::Future(patient) => {
                self.potassium(patient, later(self.now, 2 * 24 * 60), "5.0", None)
            }
            Act::Vitals(patient) => self.take_vitals(patient),
            Act::Arrive(patient) => self.arrive(patient, "AMB"),
            Act::Return(patient) => self.arrive(patient, "IMP"),
            Act::Leave(patient) => self.leave(patient),
            Act::ChangeDrug(patient) => self.change_drug(patient),
            Act::Correct(patient) => self.correct(patient),
            Act::Withdraw(patient) => self.withdraw(patient),
            Act::Delete(patient) => return self.delete(patient),
        };
        filed
            .into_iter()
            .map(|(at, resource)| (at, Change::Put(resource)))
            .collect()
    }

    fn plan_day(&mut self) {
        for patient in 0..self.patients.len() {
            let labs = self.patients[patient].member.labs;
            if self.patients[patient].inpatient {
                self.plan_inpatient(patient, labs);
            } else if self.patients[patient].member.on_ward {
                if labs {
                    self.schedule(60, 600, Act::LateResult(patient));
                }
                if self.rng.chance(30) {
                    self.schedule(60, 1300, Act::ChangeDrug(patient));
                }
            } else if self.rng.chance(95) {
                self.plan_visit(patient, labs);
            }
        }
        self.plan_dangers();
        self.days = self.days.saturating_add(1);
        let tomorrow = self
            .now
            .checked_add(SignedDuration::from_hours(24))
            .unwrap_or(self.now);
        self.add(tomorrow, Act::PlanDay);
    }

    fn plan_inpatient(&mut self, patient: usize, labs: bool) {
        for hours in [1, 9, 17] {
            if labs {
                self.schedule(hours * 60, hours * 60 + 90, Act::Draw(patient));
            }
        }
        for hours in [2, 12] {
            self.schedule(hours * 60, hours * 60 + 200, Act::Vitals(patient));
        }
        if self.rng.chance(40) {
            self.schedule(120, 1300, Act::ChangeDrug(patient));
        }
    }

    fn plan_visit(&mut self, patient: usize, labs: bool) {
        let minute = self.rng.between(30, 660);
        self.schedule(minute, minute, Act::Arrive(patient));
        self.schedule(minute + 5, minute + 12, Act::Vitals(patient));
        if labs {
            self.schedule(minute + 15, minute + 25, Act::Draw(patient));
            if self.rng.chance(60) {
                self.schedule(minute + 240, minute + 300, Act::Draw(patient));
            }
        }
        self.schedule(minute + 28, minute + 34, Act::ChangeDrug(patient));
        self.schedule(minute + 36, minute + 50, Act::Leave(patient));
    }

    /// The results of which somebody has to hear, and two that cannot be used as they are. One patient of Oracle Health's
    /// goes home for the night and comes back.
    fn plan_dangers(&mut self) {
        let own: Vec<usize> = (0..self.patients.len())
            .filter(|&at| self.patients[at].member.labs && !self.patients[at].member.on_ward)
            .collect();
        let Some(&first) = own.first() else { return };
        let second = own.get(1).copied().unwrap_or(first);
        let third = own.get(2).copied().unwrap_or(first);
        match self.vendor {
            Vendor::Oracle => {
                self.schedule(240, 250, Act::Danger(first, 6.4));
                // Treated and drawn again: normal.
                self.schedule(460, 470, Act::Draw(first));
                self.schedule(780, 800, Act::Danger(second, 2.5));
                self.schedule(560, 580, Act::Future(third));
                if let [_, _, _, fourth, fifth, ..] = own[..] {
                    self.schedule(680, 690, Act::Draw(fourth));
                    self.schedule(760, 780, Act::Correct(fourth));
                    self.schedule(690, 700, Act::Draw(fifth));
                    self.schedule(790, 820, Act::Withdraw(fifth));
                }
                if self.patients.len() > 4 {
                    self.schedule(620, 700, Act::Leave(third));
                    self.schedule(1300, 1400, Act::Return(third));
                }
            }
            Vendor::Athena => {
                self.schedule(360, 380, Act::Danger(first, 6.2));
                self.schedule(430, 440, Act::OddUnit(second));
                if let Some(&fourth) = own.get(3) {
                    self.schedule(700, 705, Act::Draw(fourth));
                    self.schedule(800, 840, Act::Correct(fourth));
                }
                self.schedule(810, 815, Act::Vitals(second));
                self.schedule(870, 900, Act::Delete(second));
            }
            Vendor::Epic => {}
        }
    }

    /// Blood drawn at that time, with a result that comes from now on in half an hour or so.
    fn draw(
        &mut self,
        patient: usize,
        collected: Timestamp,
        odd: Option<&'static str>,
    ) -> Vec<Filed> {
        let values = self.patients[patient]
            .member
            .body
            .measure(&mut self.rng, &LABS, 0.0);
        let wait = self.rng.between(25, 50);
        self.results(patient, &values, collected, later(self.now, wait), odd)
    }

    /// One potassium by itself.
    fn potassium(
        &mut self,
        patient: usize,
        collected: Timestamp,
        text: &str,
        odd: Option<&'static str>,
    ) -> Vec<Filed> {
        let value = Measured {
            analyte: POTASSIUM,
            value: text.parse().unwrap_or(ANALYTES[POTASSIUM].normal.0),
        };
        self.results(patient, &[value], collected, later(self.now, 20), odd)
    }

    fn results(
        &mut self,
        patient: usize,
        values: &[Measured],
        collected: Timestamp,
        issued: Timestamp,
        odd: Option<&'static str>,
    ) -> Vec<Filed> {
        let attended = &self.patients[patient];
        let order = self.keys.take();
        let stay = attended.stay.as_ref();
        let (mut out, mut reported) = (Vec::new(), Vec::new());
        for measured in values {
            let line = Measure {
                key: self.keys.take(),
                laboratory: true,
                analyte: measured.analyte,
                text: measured.text(),
                flag: measured.flag(),
                status: "final",
                collected,
                issued,
                encounter: stay.map(|stay| stay.key),
                orderer: stay.map_or(attended.member.chart.attending, |stay| stay.attending),
                filler: Some(format!("{:07}", order.saturating_add(5_210_000))),
                placer: Some(format!("{:08}", order.saturating_add(31_400_000))),
                panel: LABS.name,
                remark: remark(self.vendor, measured.flag()),
                odd_unit: odd,
            };
            let resource = observation(&attended.member.chart, &self.staff, &line);
            out.push((issued, resource));
            reported.push(line);
        }
        self.patients[patient].results = reported;
        out
    }

    fn correct(&mut self, patient: usize) -> Vec<Filed> {
        let wrong = |line: &&mut Measure| line.analyte == CREATININE;
        let attended = &mut self.patients[patient];
        let Some(line) = attended.results.iter_mut().find(wrong) else {
            return Vec::new();
        };
        let before = std::mem::replace(&mut line.text, "1.05".to_owned());
        line.flag = "N";
        line.status = "corrected";
        line.issued = self.now;
        line.remark = format!("Corrected, previously reported as {before}.");
        let resource = observation(&attended.member.chart, &self.staff, line);
        vec![(later(self.now, 1), resource)]
    }

    fn withdraw(&mut self, patient: usize) -> Vec<Filed> {
        let filed = later(self.now, 1);
        let attended = &mut self.patients[patient];
        let mut out = Vec::new();
        for mut line in std::mem::take(&mut attended.results) {
            line.status = "entered-in-error";
            line.issued = self.now;
            out.push((
                filed,
                observation(&attended.member.chart, &self.staff, &line),
            ));
        }
        out
    }

    fn take_vitals(&mut self, patient: usize) -> Vec<Filed> {
        let attended = &mut self.patients[patient];
        let values = attended.member.body.measure(&mut self.rng, &VITALS, 0.0);
        let stay = attended.stay.as_ref().map(|stay| stay.key);
        let chart = &attended.member.chart;
        let charted = later(self.now, 2);
        let taken = vitals(chart, &self.staff, &values, self.now, stay, &mut self.keys);
        attended.vitals = taken.iter().map(id_of).collect();
        taken
            .into_iter()
            .map(|resource| (charted, resource))
            .collect()
    }

    fn delete(&mut self, patient: usize) -> Vec<(Timestamp, Change)> {
        let gone = std::mem::take(&mut self.patients[patient].vitals);
        let remove = |id: String| Change::Remove {
            resource_type: "Observation".to_owned(),
            id,
        };
        gone.into_iter().map(|id| (self.now, remove(id))).collect()
    }

    fn arrive(&mut self, patient: usize, class: &'static str) -> Vec<Filed> {
        if self.patients[patient].stay.is_some() {
            return Vec::new();
        }
        let stay = self.new_stay(patient, self.now, class);
        let chart = &self.patients[patient].member.chart;
        let resource = encounter(chart, &self.staff, &stay);
        self.patients[patient].stay = Some(stay);
        vec![(later(self.now, 1), resource)]
    }

    fn leave(&mut self, patient: usize) -> Vec<Filed> {
        let Some(mut stay) = self.patients[patient].stay.take() else {
            return Vec::new();
        };
        stay.status = "finished";
        stay.end = Some(self.now);
        if stay.class == "IMP" {
            stay.disposition = Some("01");
        }
        let chart = &self.patients[patient].member.chart;
        let resource = encounter(chart, &self.staff, &stay);
        vec![(later(self.now, 2), resource)]
    }

    fn change_drug(&mut self, patient: usize) -> Vec<Filed> {
        if self.patients[patient].member.chart.human == WELL_KNOWN {
            // What this list says stands, against what the others say.
            return Vec::new();
        }
        let stops = self.rng.chance(45);
        let choice = self.rng.index(HOME.len());
        let attended = &mut self.patients[patient];
        let changed = later(self.now, 2);
        let position = self.rng.index(attended.drugs.len());
        let order = if stops && attended.drugs.len() > 2 {
            let mut order = attended.drugs.remove(position);
            order.status = "stopped";
            order
        } else {
            let drug = HOME[choice];
            if attended.drugs.iter().any(|order| order.drug == drug) {
                return Vec::new();
            }
            let inpatient = attended.stay.as_ref().filter(|stay| stay.class == "IMP");
            let order = Prescription {
                key: self.keys.take(),
                drug,
                status: "active",
                authored: self.now,
                prescriber: attended.member.chart.attending,
                encounter: inpatient.map(|stay| stay.key),
                reported: false,
            };
            attended.drugs.push(order.clone());
            order
        };
        let chart = &attended.member.chart;
        vec![(changed, prescription(chart, &self.staff, &order))]
    }
}

/// What the laboratory notes at a critical value; at Oracle Health it is RTF (CERN-30).
fn remark(vendor: Vendor, flag: &str) -> String {
    match (vendor, flag) {
        (Vendor::Oracle, "HH" | "LL") => {
            "{\\rtf1\\ansi Critical value, called to the unit and read back.\\par}".to_owned()
        }
        (Vendor::Epic | Vendor::Athena, "HH" | "LL") => {
            "Critical value, called to the office.".to_owned()
        }
        _ => String::new(),
    }
}

fn id_of(resource: &Value) -> String {
    resource
        .get("id")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
