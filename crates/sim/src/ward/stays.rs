//! Who lies where: admissions, registrations, moves, changes, discharges, mistakes and the merge of two records.
//!
//! Each function is one thing that happens and writes its message. When it happens is decided in `plan`.

use super::agenda::Action;
use super::analytes::{BLOOD_COUNT, CHEMISTRY, COAGULATION, TROPONIN};
use super::codes::{DIAGNOSES, DRUGS, IMAGING};
use super::hospital::Ward;
use super::messages::{self, DRUG_ORDER, ORDER, OrderNumbers, adt};
use super::note::Note;
use super::patient::{Allergies, Class, Location, Part, Patient, Presence};
use super::person::Person;
use super::physiology::Story;

/// After so many hours those with a part in the play may leave too.
const CAST_STAYS_HOURS: f64 = 72.0;

impl Ward {
    /// A01, and what is done to everybody who is admitted.
    pub(super) fn admit(&mut self, patient: usize) {
        self.take_bed(patient);
        self.send_admission("admit", "A01", patient);
        let visit = self.patients[patient].visit.serial;
        self.schedule(5, 20, Action::Vitals { patient, visit });
        self.schedule(
            10,
            30,
            Action::Draw {
                patient,
                panel: &CHEMISTRY,
                minutes: 40,
            },
        );
        self.schedule(
            10,
            30,
            Action::Draw {
                patient,
                panel: &BLOOD_COUNT,
                minutes: 30,
            },
        );
        if self.rng.chance(35) {
            self.schedule(
                12,
                40,
                Action::Draw {
                    patient,
                    panel: &COAGULATION,
                    minutes: 45,
                },
            );
        }
        if self.rng.chance(35) {
            self.schedule(
                12,
                40,
                Action::Draw {
                    patient,
                    panel: &TROPONIN,
                    minutes: 45,
                },
            );
        }
        for _ in 0..2 {
            self.schedule(30, 120, Action::OrderDrug(Some(patient)));
        }
    }

    /// A04 of an outpatient, who leaves the same day.
    pub(super) fn register(&mut self, patient: usize) {
        let chair = self.rng.between(1, 12).to_string();
        self.arrive(
            patient,
            Class::Outpatient,
            Location::Place("INF", chair, "CHAIR"),
        );
        self.send_admission("register", "A04", patient);
        let visit = self.patients[patient].visit.serial;
        self.schedule(5, 20, Action::Vitals { patient, visit });
        self.schedule(
            10,
            40,
            Action::Draw {
                patient,
                panel: &CHEMISTRY,
                minutes: 50,
            },
        );
        self.schedule(240, 480, Action::Discharge { patient, visit });
    }

    pub(super) fn new_outpatient(&mut self) {
        let person = self.somebody_new();
        let patient = self.enrol(person, Part::Extra, Story::Ordinary);
        self.register(patient);
    }

    /// A free bed is filled, now and then by somebody the hospital knows.
    pub(super) fn refill(&mut self) {
        if self.inpatients().len() >= self.wanted_inpatients() {
            return;
        }
        if self.rng.chance(15) {
            let known: Vec<usize> = (0..self.patients.len())
                .filter(|&at| may_return(&self.patients[at]))
                .collect();
            if let Some(&patient) = known.get(self.rng.index(known.len())) {
                self.patients[patient].visit =
                    self.new_visit(Class::Inpatient, Location::Place("ED", "1".to_owned(), "1"));
                self.admit(patient);
                return;
            }
        }
        let person = self.somebody_new();
        let patient = self.enrol(person, Part::Extra, Story::Ordinary);
        self.admit(patient);
    }

    /// A02 to another bed.
    pub(super) fn transfer(&mut self) {
        let Some(patient) = self.somebody(|_, _| true) else {
            return;
        };
        let prior = self.patients[patient].visit.location.clone();
        let next = self.free_bed();
        self.leave_bed(patient);
        self.patients[patient].visit.location = next;
        self.send(
            "transfer",
            adt("A02", "ADT_A02"),
            Note::Record(patient),
            |w, patients| {
                w.event("A02", w.now);
                w.patient(&patients[patient]);
                w.visit(&patients[patient].visit, Some(&prior));
            },
        );
    }

    /// A08: one field, or everything.
    pub(super) fn update(&mut self) {
        let Some(patient) = self.somebody(|_, _| true) else {
            return;
        };
        let change = self.rng.below(20);
        if self.patients[patient].part == Part::Cast {
            return self.send_update(patient, None);
        }
        let record = &mut self.patients[patient];
        let rng = &mut self.rng;
        match change {
            0..5 => {
                record.person.changes_phone(rng);
                let field = record
                    .person
                    .phone
                    .as_ref()
                    .map(messages::phone)
                    .unwrap_or_default();
                self.send_update(patient, Some((13, field)));
            }
            5..9 => {
                record.person.moves(rng);
                let field = messages::address(&record.person.address);
                self.send_update(patient, Some((11, field)));
            }
            9 => {
                record.person.changes_name(rng);
                self.send_update(patient, None);
            }
            10..12 => {
                // Two quotation marks say that the number is to be removed (HL7 v2.5.1 §2.5.3).
                record.person.phone = None;
                self.send_update(patient, Some((13, "\"\"".to_owned())));
            }
            12..15 => {
                if matches!(record.allergies, Allergies::NotAsked) {
                    let penicillin = &super::codes::ALLERGENS[0];
                    record.allergies = if rng.chance(50) {
                        Allergies::NoneKnown
                    } else {
                        Allergies::Known(vec![penicillin])
                    };
                }
                self.send_update(patient, None);
            }
            15..18 => {
                let found = DIAGNOSES[rng.index(DIAGNOSES.len())];
                if !record.diagnoses.contains(&found) {
                    record.diagnoses.push(found);
                }
                self.send_update(patient, None);
            }
            _ => self.send_update(patient, None),
        }
    }

    fn send_update(&mut self, patient: usize, change: Option<(usize, String)>) {
        self.send(
            "update",
            adt("A08", "ADT_A01"),
            Note::Record(patient),
            |w, patients| {
                let record = &patients[patient];
                w.event("A08", w.now);
                match change {
                    Some((field, encoded)) => {
                        w.patient_change(record, field, encoded);
                        w.visit(&record.visit, None);
                    }
                    None => {
                        w.patient(record);
                        w.visit(&record.visit, None);
                        w.allergies(record);
                        w.diagnoses(record);
                    }
                }
            },
        );
    }

    /// Chooses who goes home. A mistaken discharge is cancelled, and the right one comes in the afternoon.
    pub(super) fn discharge_somebody(&mut self, mistake: bool) {
        let may_leave = |ward: &Self, at: usize| {
            let hours = ward.hours_here(at);
            hours > CAST_STAYS_HOURS || (ward.patients[at].part == Part::Extra && hours > 1.5)
        };
        let Some(patient) = self.somebody(may_leave) else {
            return;
        };
        let visit = self.patients[patient].visit.serial;
        if !mistake {
            return self.discharge(patient, visit);
        }
        self.patients[patient].presence = Presence::Leaving;
        self.send_discharge(patient);
        self.schedule(30, 50, Action::CancelDischarge { patient, visit });
        self.schedule(200, 280, Action::Discharge { patient, visit });
    }

    /// A03 for good.
    pub(super) fn discharge(&mut self, patient: usize, visit: u64) {
        let record = &self.patients[patient];
        if record.presence != Presence::Here || record.visit.serial != visit {
            return;
        }
        let inpatient = record.visit.class == Class::Inpatient;
        let years = self
            .today()
            .year()
            .saturating_sub(record.person.born.year());
        let dies = inpatient && record.part == Part::Extra && years > 70 && self.rng.chance(6);
        self.patients[patient].died = dies;
        let disposition = if dies {
            "20"
        } else {
            self.rng.pick(&["01", "01", "01", "03", "06"])
        };
        self.patients[patient].visit.disposition = disposition;
        self.send_discharge(patient);
        self.patients[patient].presence = Presence::Away;
        self.leave_bed(patient);
        if inpatient {
            self.schedule(60, 180, Action::Refill);
        }
    }

    fn send_discharge(&mut self, patient: usize) {
        self.patients[patient].visit.discharged = Some(self.now);
        self.send(
            "discharge",
            adt("A03", "ADT_A03"),
            Note::Record(patient),
            |w, patients| {
                let record = &patients[patient];
                w.event("A03", w.now);
                w.patient(record);
                w.visit(&record.visit, None);
                w.diagnoses(record);
            },
        );
    }

    /// A13: the patient is still here.
    pub(super) fn cancel_discharge(&mut self, patient: usize, visit: u64) {
        let record = &mut self.patients[patient];
        if record.presence != Presence::Leaving || record.visit.serial != visit {
            return;
        }
        record.presence = Presence::Here;
        record.visit.discharged = None;
        self.send(
            "cancel_discharge",
            adt("A13", "ADT_A01"),
            Note::Record(patient),
            |w, patients| {
                w.event("A13", w.now);
                w.patient(&patients[patient]);
                w.visit(&patients[patient].visit, None);
            },
        );
    }

    /// A01 of somebody who does not come.
    pub(super) fn admit_by_mistake(&mut self) {
        let person = self.somebody_new();
        let patient = self.enrol(person, Part::Extra, Story::Ordinary);
        self.take_bed(patient);
        self.send_admission("admit", "A01", patient);
        let visit = self.patients[patient].visit.serial;
        // Nothing is done to somebody who is not there, and nobody is discharged from an empty bed.
        self.patients[patient].presence = Presence::Expected;
        self.schedule(15, 35, Action::CancelAdmit { patient, visit });
    }

    /// A11.
    pub(super) fn cancel_admit(&mut self, patient: usize, visit: u64) {
        if self.patients[patient].visit.serial != visit {
            return;
        }
        self.patients[patient].visit.cancelled = true;
        self.send(
            "cancel_admit",
            adt("A11", "ADT_A09"),
            Note::Record(patient),
            |w, patients| {
                w.event("A11", w.now);
                w.patient(&patients[patient]);
                w.visit(&patients[patient].visit, None);
            },
        );
        self.patients[patient].presence = Presence::Away;
        self.leave_bed(patient);
    }

    /// A04 in the emergency department: a second record for one human, the name typed in a hurry.
    pub(super) fn duplicate_arrives(&mut self) {
        let person = self.somebody_new();
        let mistyped = person.misspelled();
        let right = self.enrol(person, Part::Cast, Story::Ordinary);
        let wrong = self.enrol(mistyped, Part::Cast, Story::Ordinary);
        self.patients[wrong].allergies = Allergies::NotAsked;
        self.patients[wrong].regional = None;
        self.patients[wrong].body = self.patients[right].body.clone();
        let room = self.rng.between(2, 18).to_string();
        self.arrive(wrong, Class::Emergency, Location::Place("ED", room, "1"));
        self.send_admission("register", "A04", wrong);
        let visit = self.patients[wrong].visit.serial;
        self.schedule(
            5,
            15,
            Action::Vitals {
                patient: wrong,
                visit,
            },
        );
        self.schedule(
            10,
            20,
            Action::Draw {
                patient: wrong,
                panel: &CHEMISTRY,
                minutes: 40,
            },
        );
        self.schedule(
            10,
            20,
            Action::Draw {
                patient: wrong,
                panel: &BLOOD_COUNT,
                minutes: 30,
            },
        );
        // Its result comes after the merge, under the number that stays.
        self.schedule(
            140,
            150,
            Action::Draw {
                patient: wrong,
                panel: &TROPONIN,
                minutes: 240,
            },
        );
        self.schedule(170, 200, Action::DuplicateAdmitted { wrong, right });
    }

    pub(super) fn duplicate_admitted(&mut self, wrong: usize, right: usize) {
        self.patients[wrong].presence = Presence::Away;
        self.patients[right].visit =
            self.new_visit(Class::Inpatient, Location::Place("ED", "1".to_owned(), "1"));
        self.admit(right);
        self.schedule(110, 140, Action::Merge { wrong, right });
    }

    /// A40: PID names the record that stays, MRG the one that goes.
    pub(super) fn merge(&mut self, wrong: usize, right: usize) {
        self.patients[wrong].merged_into = Some(right);
        let note = Note::Merge {
            gone: wrong,
            survivor: right,
        };
        self.send("merge", adt("A40", "ADT_A39"), note, |w, patients| {
            w.event("A40", w.now);
            w.patient(&patients[right]);
            w.merged(&patients[wrong]);
        });
    }

    /// ORM^O01 for the radiology department.
    pub(super) fn order_imaging(&mut self) {
        let Some(patient) = self.somebody(|_, _| true) else {
            return;
        };
        let (code, words) = IMAGING[self.rng.index(IMAGING.len())];
        let numbers = self.order_numbers();
        self.send("order", ORDER, Note::Nothing, |w, patients| {
            let record = &patients[patient];
            w.patient_brief(record);
            w.visit(&record.visit, None);
            w.common_order("NW", &numbers, record.visit.attending);
            w.request(&numbers, &[code, words, "L"], record.visit.attending);
        });
    }

    /// RDE^O11 for the pharmacy.
    pub(super) fn order_drug(&mut self, patient: Option<usize>) {
        let chosen = match patient {
            Some(patient) => {
                Some(patient).filter(|&at| self.patients[at].presence == Presence::Here)
            }
            None => self.somebody(|_, _| true),
        };
        let Some(patient) = chosen else { return };
        let chosen = self.rng.index(DRUGS.len());
        let drug = DRUGS[chosen];
        let numbers = self.order_numbers();
        let note = Note::Drug {
            patient,
            order: self.next_order,
            drug: chosen,
        };
        self.send("unmapped", DRUG_ORDER, note, |w, patients| {
            let record = &patients[patient];
            w.patient_brief(record);
            w.visit(&record.visit, None);
            w.common_order("NW", &numbers, record.visit.attending);
            w.drug(drug);
        });
    }

    /// The numbers of an order that nobody has filled yet.
    fn order_numbers(&mut self) -> OrderNumbers {
        self.next_order = self.next_order.saturating_add(1);
        OrderNumbers {
            placer: format!("P{:08}", self.next_order),
            filler: String::new(),
            department: "",
        }
    }

    fn send_admission(&mut self, kind: &'static str, trigger: &'static str, patient: usize) {
        self.send(
            kind,
            adt(trigger, "ADT_A01"),
            Note::Record(patient),
            |w, patients| {
                let record = &patients[patient];
                w.event(trigger, w.now);
                w.patient(record);
                w.visit(&record.visit, None);
                w.allergies(record);
                w.diagnoses(record);
            },
        );
    }

    fn somebody_new(&mut self) -> Person {
        let today = self.today();
        Person::new(&mut self.rng, today)
    }

    fn take_bed(&mut self, patient: usize) {
        let bed = self.free_bed();
        self.arrive(patient, Class::Inpatient, bed);
    }

    fn arrive(&mut self, patient: usize, class: Class, location: Location) {
        let record = &mut self.patients[patient];
        record.presence = Presence::Here;
        record.visit.class = class;
        record.visit.location = location;
        record.visit.admitted = self.now;
    }

    /// Takes a free bed, or a place in the corridor when there is none.
    fn free_bed(&mut self) -> Location {
        let free: Vec<usize> = (0..self.beds.len())
            .filter(|&bed| !self.beds[bed])
            .collect();
        // The spare beds are the last ones; a new patient gets one of the first that are free.
        match free.get(self.rng.index(free.len().min(8))) {
            Some(&bed) => {
                self.beds[bed] = true;
                Location::Bed(bed)
            }
            None => Location::Place("HALL", self.rng.between(1, 6).to_string(), "1"),
        }
    }

    fn leave_bed(&mut self, patient: usize) {
        if let Location::Bed(bed) = self.patients[patient].visit.location {
            self.beds[bed] = false;
        }
    }
}

fn may_return(patient: &Patient) -> bool {
    patient.presence == Presence::Away
        && patient.part == Part::Extra
        && !patient.died
        && patient.visit.class == Class::Inpatient
        && patient.visit.discharged.is_some()
}
