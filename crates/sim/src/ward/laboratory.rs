//! What is measured: vital signs at the bedside, blood drawn in rounds and in a hurry, and what becomes of results.
//!
//! A result may come in two parts, be corrected (OBX-11 `C`) or be withdrawn (`W`, `D`). The numbers come from
//! `physiology`, the text from `messages`.

use jiff::{SignedDuration, Timestamp};

use super::agenda::{Action, Course};
use super::analytes::{
    ANALYTES, BLOOD_COUNT, CHEMISTRY, COAGULATION, OXYGEN, POTASSIUM, Panel, TROPONIN, VITALS,
    VITALS_AND_WEIGHT,
};
use super::hospital::Ward;
use super::messages::{CHARTING, LAB_ORDER, OrderNumbers, RESULT, Report};
use super::note::{Note, Reported, Value};
use super::patient::{Class, Presence};
use super::physiology::Measured;

/// How many final results stay open to a correction.
const OPEN_TO_CORRECTION: usize = 400;

/// A result that is due or was reported.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    number: u64,
    patient: usize,
    attending: usize,
    numbers: OrderNumbers,
    panel: &'static Panel,
    collected: Timestamp,
    values: Vec<Measured>,
    bare_times: bool,
    stat: bool,
}

impl Ward {
    /// Vital signs, and the next ones an hour or so later.
    pub(super) fn vitals(&mut self, patient: usize, visit: u64) {
        let record = &self.patients[patient];
        if record.visit.serial != visit {
            return;
        }
        match record.presence {
            Presence::Here => self.measure_vitals(patient),
            Presence::Leaving => {}
            Presence::Expected | Presence::Away => return,
        }
        let (low, high) = match self.patients[patient].visit.class {
            Class::Inpatient => (55, 95),
            Class::Emergency => (40, 60),
            Class::Outpatient => (90, 150),
        };
        self.schedule(low, high, Action::Vitals { patient, visit });
    }

    fn measure_vitals(&mut self, patient: usize) {
        let hours = self.hours_here(patient);
        let panel = if hours < 0.6 {
            &VITALS_AND_WEIGHT
        } else {
            &VITALS
        };
        let values = self.patients[patient]
            .body
            .measure(&mut self.rng, panel, hours);
        let collected = self.in_minutes(-4, -1);
        // Nobody orders vital signs; the charting system numbers them itself.
        self.next_order = self.next_order.saturating_add(1);
        let order = Order {
            number: self.next_order,
            patient,
            attending: self.patients[patient].visit.attending,
            numbers: OrderNumbers {
                placer: String::new(),
                filler: format!("N{:08}", self.next_order),
                department: "NURSING",
            },
            panel,
            collected,
            values,
            bare_times: false,
            stat: false,
        };
        let report = order.report("F", "F");
        let note = Note::Report(order.noted(patient, &report));
        self.send("vitals", CHARTING, note, |w, patients| {
            let record = &patients[patient];
            w.patient_brief(record);
            w.visit(&record.visit, None);
            w.report(&report, order.attending);
        });
    }

    /// The round of five or sixteen o'clock.
    pub(super) fn draw_round(&mut self, hour: i8) {
        for patient in self.inpatients() {
            self.draw(patient, &CHEMISTRY, (45, 90), false);
            self.draw(patient, &BLOOD_COUNT, (30, 75), false);
            if self.rng.chance(20) {
                self.draw(patient, &COAGULATION, (40, 80), false);
            }
            if self.rng.chance(8) {
                self.draw(patient, &OXYGEN, (5, 15), false);
            }
        }
        // An hour that a clock change repeats must not bring two rounds.
        let at = self.next_local(hour, 0).max(
            self.now
                .checked_add(SignedDuration::from_hours(20))
                .unwrap_or(self.now),
        );
        self.agenda.add(at, Action::DrawRound(hour));
    }

    /// An order in a hurry (OML^O21), and its blood.
    pub(super) fn draw_stat(&mut self, patient: usize, panel: &'static Panel, minutes: i64) {
        if self.patients[patient].presence != Presence::Here {
            return;
        }
        let order = self.draw(patient, panel, (minutes, minutes.saturating_add(12)), true);
        self.send_lab_order(order);
    }

    /// The potassium that has to be seen: drawn at once, reported twenty minutes later, and checked again.
    pub(super) fn potassium_surge(&mut self, patient: usize) {
        if self.patients[patient].presence != Presence::Here {
            return;
        }
        self.patients[patient].body.potassium_surges(&mut self.rng);
        let order = self.draw(patient, &CHEMISTRY, (22, 28), true);
        self.send_lab_order(order);
        self.schedule(
            180,
            200,
            Action::Draw {
                patient,
                panel: &CHEMISTRY,
                minutes: 30,
            },
        );
        self.schedule(
            30,
            40,
            Action::Draw {
                patient,
                panel: &TROPONIN,
                minutes: 45,
            },
        );
    }

    fn send_lab_order(&mut self, order: u64) {
        let Some(order) = self.orders.get(&order).cloned() else {
            return;
        };
        let numbers = OrderNumbers {
            placer: order.numbers.placer.clone(),
            filler: String::new(),
            department: "LAB",
        };
        self.send("order", LAB_ORDER, Note::Nothing, |w, patients| {
            let record = &patients[order.patient];
            w.patient_brief(record);
            w.visit(&record.visit, None);
            w.common_order("NW", &numbers, order.attending);
            w.request(
                &numbers,
                &[
                    order.panel.loinc,
                    order.panel.name,
                    "LN",
                    order.panel.local,
                    order.panel.name,
                    "L",
                ],
                order.attending,
            );
        });
    }

    /// Draws blood now; the result is due within these minutes. Some results come in two parts.
    fn draw(
        &mut self,
        patient: usize,
        panel: &'static Panel,
        minutes: (i64, i64),
        stat: bool,
    ) -> u64 {
        let hours = self.hours_here(patient);
        let values = self.patients[patient]
            .body
            .measure(&mut self.rng, panel, hours);
        self.next_order = self.next_order.saturating_add(1);
        let number = self.next_order;
        let order = Order {
            number,
            patient,
            attending: self.patients[patient].visit.attending,
            numbers: OrderNumbers {
                placer: format!("P{number:08}"),
                filler: format!("L{number:08}"),
                department: "LAB",
            },
            panel,
            collected: self.now,
            values,
            bare_times: self.rng.chance(20),
            stat,
        };
        self.orders.insert(number, order);
        let limit = self
            .options
            .patients
            .saturating_mul(20)
            .saturating_add(2000);
        while self.orders.len() > limit {
            self.orders.pop_first();
        }
        let in_parts = panel.analytes.len() > 3 && !stat && self.rng.chance(30);
        if in_parts {
            self.schedule(minutes.0, minutes.1, Action::Preliminary(number));
            self.schedule(
                minutes.1.saturating_add(15),
                minutes.1.saturating_add(40),
                Action::Final(number),
            );
        } else {
            self.schedule(minutes.0, minutes.1, Action::Final(number));
        }
        number
    }

    /// The first half of a panel, not yet released (OBX-11 `P`).
    pub(super) fn preliminary(&mut self, number: u64) {
        let Some(order) = self.orders.get(&number).cloned() else {
            return;
        };
        let mut report = order.report("P", "P");
        report.values.truncate(report.values.len().div_ceil(2));
        self.send_report("preliminary", &order, &report);
    }

    /// The whole panel, final.
    pub(super) fn finish(&mut self, number: u64) {
        let Some(order) = self.orders.get(&number).cloned() else {
            return;
        };
        let mut report = order.report("F", "F");
        for (measured, _, remark) in &mut report.values {
            if matches!(measured.flag(), "HH" | "LL") {
                *remark = format!(
                    "Critical value called to the unit & read back: {}",
                    ANALYTES[measured.analyte].local
                );
            }
        }
        self.send_report("result", &order, &report);
        self.reported.push_back(number);
        if self.reported.len() > OPEN_TO_CORRECTION {
            self.reported.pop_front();
        }
        if self.rng.chance(1) {
            self.schedule(40, 120, Action::Correct);
        }
    }

    /// One value of an earlier result was wrong (OBX-11 `C`).
    pub(super) fn correct(&mut self) {
        let place = self.rng.index(self.reported.len());
        let Some(mut order) = self
            .reported
            .get(place)
            .and_then(|number| self.orders.get(number))
            .cloned()
        else {
            return self.schedule(20, 40, Action::Correct);
        };
        let wrong = self.rng.index(order.values.len());
        let before = order.values[wrong].clone();
        let share = if self.rng.chance(50) { 0.4 } else { -0.4 };
        // At the edge of the possible a value can move one way only.
        let after = [share, -share]
            .map(|by| before.changed_by(by))
            .into_iter()
            .find(|m| m.text() != before.text());
        let Some(after) = after else { return };
        order.values[wrong] = after;
        let mut report = order.report("C", "F");
        if let Some((_, status, remark)) = report.values.get_mut(wrong) {
            *status = "C";
            *remark = format!(
                "Corrected result, previously reported as {}. Called to the unit & read back.",
                before.text()
            );
        }
        self.send_report("correction", &order, &report);
        if let Some(number) = self.reported.get(place) {
            self.orders.insert(*number, order);
        }
    }

    /// A result that should never have been reported (OBX-11 `W`, now and then `D`).
    pub(super) fn withdraw(&mut self) {
        let place = self.rng.index(self.reported.len());
        let Some(&number) = self.reported.get(place) else {
            return self.schedule(20, 40, Action::Withdraw);
        };
        self.withdraw_order(number);
    }

    /// This result was another patient's.
    pub(super) fn withdraw_order(&mut self, number: u64) {
        self.reported.retain(|&reported| reported != number);
        let Some(order) = self.orders.remove(&number) else {
            return;
        };
        let status = if self.rng.chance(70) { "W" } else { "D" };
        let mut report = order.report("C", status);
        if let Some((_, _, remark)) = report.values.first_mut() {
            "Specimen labelled with another patient's name; result withdrawn.".clone_into(remark);
        }
        self.send_report("withdrawal", &order, &report);
    }

    /// Somebody's potassium is found dangerous; what follows is the course.
    pub(super) fn potassium_danger(
        &mut self,
        patient: usize,
        value: f64,
        minutes: i64,
        course: Course,
    ) {
        let here = |ward: &Self, at: usize| {
            ward.patients
                .get(at)
                .is_some_and(|record| record.presence == Presence::Here)
        };
        let chosen = if here(self, patient) {
            Some(patient)
        } else {
            self.somebody(|_, _| true)
        };
        let Some(patient) = chosen else { return };
        self.patients[patient].body.potassium_found(value);
        let order = self.draw(patient, &CHEMISTRY, (minutes, minutes), true);
        self.send_lab_order(order);
        match course {
            Course::Stands => {}
            Course::Corrected => self.schedule(55, 70, Action::CorrectPotassium(order)),
            Course::WrongPatient => self.schedule(60, 80, Action::WithdrawOrder(order)),
        }
    }

    /// A haemolysed specimen: the potassium was not the patient's, and the true one is normal.
    pub(super) fn correct_potassium(&mut self, number: u64) {
        let Some(mut order) = self.orders.get(&number).cloned() else {
            return;
        };
        let Some(wrong) = order.values.iter().position(|m| m.analyte == POTASSIUM) else {
            return;
        };
        let before = order.values[wrong].text();
        order.values[wrong].value = 4.4;
        let mut report = order.report("C", "F");
        if let Some((_, status, remark)) = report.values.get_mut(wrong) {
            *status = "C";
            *remark = format!(
                "Corrected result, previously reported as {before}: haemolysed specimen, repeated on a fresh one. Called to the unit & read back."
            );
        }
        self.send_report("correction", &order, &report);
        self.orders.insert(number, order);
    }

    /// ORU^R01 for the patient, or for the record that took the patient over.
    fn send_report(&mut self, kind: &'static str, order: &Order, report: &Report<'_>) {
        let patient = self.patients[order.patient]
            .merged_into
            .unwrap_or(order.patient);
        let note = Note::Report(order.noted(patient, report));
        self.send(kind, RESULT, note, |w, patients| {
            let record = &patients[patient];
            w.patient_brief(record);
            w.visit(&record.visit, None);
            w.common_order("RE", &order.numbers, order.attending);
            w.report(report, order.attending);
        });
    }
}

impl Order {
    fn report(&self, status: &'static str, each: &'static str) -> Report<'_> {
        Report {
            numbers: &self.numbers,
            panel: self.panel,
            collected: self.collected,
            status,
            values: self
                .values
                .iter()
                .map(|measured| (measured, each, String::new()))
                .collect(),
            bare_times: self.bare_times,
            stat: self.stat,
        }
    }

    fn noted(&self, patient: usize, report: &Report<'_>) -> Reported {
        let value = |(measured, status, remark): &(&Measured, &'static str, String)| Value {
            analyte: measured.analyte,
            text: measured.text(),
            flag: measured.flag(),
            status,
            remark: remark.clone(),
        };
        Reported {
            patient,
            attending: self.attending,
            order: self.number,
            filler: self.numbers.filler.clone(),
            placer: self.numbers.placer.clone(),
            panel: self.panel,
            collected: self.collected,
            values: report.values.iter().map(value).collect(),
        }
    }
}
