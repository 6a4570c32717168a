//! Who is on the ward when it opens, and what each day of 24 hours holds.
//!
//! A day counts from the start of the simulation, not from midnight, so that any 24 hours shown have one merge,
//! a correction, a withdrawal and the rest. What follows the clock on the wall (blood draws, discharges)
//! is placed at local times within that day.

use jiff::{SignedDuration, Timestamp};

use super::agenda::{Action, Course};
use super::analytes::CHEMISTRY;
use super::hospital::Ward;
use super::patient::{Allergies, Class, Part, Presence};
use super::person::Person;
use super::physiology::Story;

/// Below this number a ward has no outpatients of its own.
const WARD_WITH_OUTPATIENTS: usize = 10;

/// Positions of the two patients with a story, the first ones to be enrolled.
const POTASSIUM_PATIENT: usize = 0;
const KIDNEY_PATIENT: usize = 1;

/// Potassium found dangerous each day: minutes into the day, position of the patient (who is a father, a son, a twin,
/// and the one whose kidneys fail), the value, minutes to the result, and what becomes of it. The last is reported one
/// minute into the next day, so that whoever starts watching then need not wait.
const DANGERS: [(i64, usize, f64, i64, Course); 4] = [
    (11 * 60, 4, 6.6, 16, Course::Corrected),
    (15 * 60, 5, 6.3, 16, Course::WrongPatient),
    (23 * 60 + 18, 2, 6.2, 18, Course::Stands),
    (23 * 60 + 56, KIDNEY_PATIENT, 6.7, 5, Course::Stands),
];

impl Ward {
    /// Enrols the first patients and lets them come within ten minutes.
    pub(super) fn open(&mut self) {
        let today = self.today();
        let wanted = self.options.patients;
        let outpatients = self.outpatients();
        let mut doubles: Vec<Person> = Vec::new();
        for position in 0..wanted {
            let story = match position {
                POTASSIUM_PATIENT => Story::Hyperkalemia,
                KIDNEY_PATIENT => Story::KidneyInjury,
                _ => Story::Ordinary,
            };
            let pair_fits = position.saturating_add(1) < wanted;
            let double = doubles.pop();
            let is_double = double.is_some();
            let mut person = double.unwrap_or_else(|| Person::new(&mut self.rng, today));
            if pair_fits && !is_double {
                match position {
                    2 => doubles.push(person.twin(&mut self.rng)),
                    4 => doubles.push(person.junior(&mut self.rng, today)),
                    6 => doubles.push(person.registered_again(&mut self.rng)),
                    _ => {}
                }
            }
            let part = if position < 8 {
                Part::Cast
            } else {
                Part::Extra
            };
            let patient = self.enrol(person, part, story);
            if position == KIDNEY_PATIENT {
                // Nobody here asked; what another hospital of the region knows is then all there is.
                self.patients[patient].allergies = Allergies::NotAsked;
            }
            // The second registration of one human came through the outpatient desk.
            let outpatient = (position == 7 && is_double)
                || position >= wanted.saturating_sub(outpatients).max(8);
            let action = if outpatient {
                Action::Register(patient)
            } else {
                Action::Admit(patient)
            };
            self.schedule(0, 10, action);
        }
        self.agenda.add(self.options.start, Action::PlanDay);
        for hour in [5, 16] {
            let at = self.next_local(hour, 0);
            self.agenda.add(at, Action::DrawRound(hour));
        }
        if wanted > POTASSIUM_PATIENT {
            let at = self.surge_time();
            self.agenda
                .add(at, Action::PotassiumSurge(POTASSIUM_PATIENT));
        }
    }

    /// Shortly after eight, so that the result comes after half past; a ward that opens then has it at once.
    fn surge_time(&self) -> Timestamp {
        let soon = self
            .now
            .checked_add(SignedDuration::from_mins(25))
            .unwrap_or(self.now);
        let latest = self
            .now
            .checked_add(SignedDuration::from_hours(22))
            .unwrap_or(self.now);
        let at = self.next_local(8, 10);
        if at > latest { soon } else { at.max(soon) }
    }

    fn outpatients(&self) -> usize {
        if self.options.patients < WARD_WITH_OUTPATIENTS {
            0
        } else {
            (self.options.patients / 10).max(1)
        }
    }

    /// How many beds the ward wants filled.
    pub(super) fn wanted_inpatients(&self) -> usize {
        self.options.patients.saturating_sub(self.outpatients())
    }

    pub(super) fn plan_day(&mut self) {
        let inpatients = self.wanted_inpatients();
        self.schedule(100, 130, Action::DuplicateArrives);
        self.schedule(190, 500, Action::AdmitByMistake);
        self.schedule(600, 660, Action::Correct);
        self.schedule(780, 840, Action::Withdraw);
        if inpatients > 0 {
            for position in 0..(inpatients / 8).max(1) {
                let at = self.by_day(10, 15);
                self.agenda
                    .add(at, Action::DischargeSomebody(position == 0));
            }
            for _ in 0..(inpatients / 8).max(1) {
                self.schedule(120, 1380, Action::Transfer);
            }
            for _ in 0..inpatients.saturating_mul(4) / 5 {
                self.schedule(60, 1400, Action::Update);
            }
            for _ in 0..inpatients / 2 {
                self.schedule(60, 1400, Action::OrderImaging);
                self.schedule(60, 1400, Action::OrderDrug(None));
            }
        }
        if self.options.patients > KIDNEY_PATIENT {
            for hours in [5, 11, 17] {
                let minutes = hours * 60;
                self.schedule(
                    minutes,
                    minutes + 40,
                    Action::Draw {
                        patient: KIDNEY_PATIENT,
                        panel: &CHEMISTRY,
                        minutes: 40,
                    },
                );
            }
        }
        for (minutes, patient, value, wait, course) in DANGERS {
            if patient < self.options.patients {
                let at = self
                    .now
                    .checked_add(SignedDuration::from_mins(minutes))
                    .unwrap_or(self.now);
                self.agenda.add(
                    at,
                    Action::PotassiumDanger {
                        patient,
                        value,
                        minutes: wait,
                        course,
                    },
                );
            }
        }
        if self.days > 0 {
            for _ in 0..self.outpatients() {
                let at = self.by_day(8, 13);
                self.agenda.add(at, Action::NewOutpatient);
            }
        }
        self.days = self.days.saturating_add(1);
        let tomorrow = self
            .now
            .checked_add(SignedDuration::from_hours(24))
            .unwrap_or(self.now);
        self.agenda.add(tomorrow, Action::PlanDay);
    }

    /// A local time of day between two hours, but not within the day's first two hours, when people have just come.
    fn by_day(&mut self, from: i8, to: i8) -> Timestamp {
        let hour = i8::try_from(
            self.rng
                .between(i64::from(from), i64::from(to).saturating_sub(1)),
        )
        .unwrap_or(from);
        let minute = i8::try_from(self.rng.below(60)).unwrap_or(0);
        let earliest = self.in_minutes(120, 150);
        self.next_local(hour, minute).max(earliest)
    }

    /// Inpatients who are here now and of whom `fits` holds; one of them.
    pub(super) fn somebody(&mut self, fits: impl Fn(&Self, usize) -> bool) -> Option<usize> {
        let candidates: Vec<usize> = self
            .inpatients()
            .into_iter()
            .filter(|&at| fits(self, at))
            .collect();
        candidates.get(self.rng.index(candidates.len())).copied()
    }

    pub(super) fn inpatients(&self) -> Vec<usize> {
        let here = |(at, patient): (usize, &super::patient::Patient)| {
            (patient.presence == Presence::Here && patient.visit.class == Class::Inpatient)
                .then_some(at)
        };
        self.patients.iter().enumerate().filter_map(here).collect()
    }
}
