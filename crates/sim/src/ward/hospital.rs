//! The ward itself: its state, its options and the loop that turns what is due into messages.
//!
//! What a day holds is in `plan`, what happens to people in `stays`, what is measured in `laboratory`.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use super::agenda::{Action, Agenda};
use super::laboratory::Order;
use super::messages::{Kind, Writer};
use super::names::{FAMILY, GIVEN_F, GIVEN_M};
use super::note::Note;
use super::patient::{
    Allergies, Class, Location, Part, Patient, Physician, Presence, Visit, regional_number,
};
use super::person::Person;
use super::physiology::{Physiology, Story};
use crate::rng::Rng;

/// How many beds stand free when the ward is full, so that somebody can be moved.
const SPARE_BEDS: usize = 6;

/// What a ward is made from.
#[derive(Debug, Clone)]
pub struct Options {
    /// The same seed gives the same ward.
    pub seed: u64,
    /// How many patients are there after the first minutes.
    pub patients: usize,
    /// The first instant of the simulation.
    pub start: Timestamp,
    /// The hospital's zone, in which its times are written.
    pub zone: TimeZone,
    /// The hospital's name, MSH-4 and PV1-3.4.
    pub facility: String,
    /// The namespace of its record numbers, PID-3.4.
    pub authority: String,
    /// The OID below which the hospital's identifier systems lie; with it messages name authorities by OID too.
    pub arc: Option<String>,
}

impl Options {
    /// Twenty patients at Riverside General, Chicago time (UTC when the zone data lacks it).
    #[must_use]
    pub fn new(seed: u64, start: Timestamp) -> Self {
        Self {
            seed,
            patients: 20,
            start,
            zone: TimeZone::get("America/Chicago").unwrap_or(TimeZone::UTC),
            facility: "RIVERSIDE GENERAL".to_owned(),
            authority: "RIVERSIDE".to_owned(),
            arc: None,
        }
    }
}

/// Something that happened on the ward, as the hospital tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WardEvent {
    /// When the message is sent, in the ward's own time.
    pub at: Timestamp,
    /// What happened: `admit`, `register`, `transfer`, `update`, `order`, `preliminary`, `result`, `correction`,
    /// `withdrawal`, `vitals`, `discharge`, `cancel_discharge`, `cancel_admit`, `merge` or `unmapped`.
    pub kind: &'static str,
    /// MSH-10, unique for the ward's seed and authority.
    pub control_id: String,
    /// HL7 v2.5.1 text, segments ended by CR, without a frame.
    pub message: Vec<u8>,
}

/// A ward at one moment.
#[derive(Debug, Clone)]
pub struct Ward {
    pub(super) options: Options,
    pub(super) rng: Rng,
    pub(super) agenda: Agenda,
    pub(super) patients: Vec<Patient>,
    /// Which beds are taken.
    pub(super) beds: Vec<bool>,
    /// Orders whose results are due or may still be corrected, by number.
    pub(super) orders: BTreeMap<u64, Order>,
    /// Orders with a final result, the oldest first.
    pub(super) reported: VecDeque<u64>,
    pub(super) now: Timestamp,
    pub(super) days: u64,
    pub(super) next_order: u64,
    physicians: Vec<Physician>,
    unsent: VecDeque<(WardEvent, Note)>,
    tag: String,
    sent: u64,
    next_mrn: u64,
    next_visit: u64,
}

impl Ward {
    /// A ward that opens at the start of its options.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let mut rng = Rng::new(options.seed);
        // Wards with one seed and several authorities have equal people; their control ids still differ.
        let mixed = options.authority.bytes().fold(options.seed, |mixed, byte| {
            Rng::new(mixed ^ u64::from(byte)).next_u64()
        });
        let physicians = (0..8).map(|number| physician(&mut rng, number)).collect();
        let mut ward = Self {
            now: options.start,
            tag: format!("{:05X}", mixed & 0xF_FFFF),
            next_mrn: 1_000_000_u64.saturating_add(rng.below(8_000_000)),
            next_visit: 100_000_u64.saturating_add(rng.below(800_000)),
            next_order: 100_000_u64.saturating_add(rng.below(800_000)),
            beds: vec![false; options.patients.saturating_add(SPARE_BEDS)],
            rng,
            agenda: Agenda::default(),
            patients: Vec::new(),
            orders: BTreeMap::new(),
            reported: VecDeque::new(),
            days: 0,
            physicians,
            unsent: VecDeque::new(),
            sent: 0,
            options,
        };
        ward.open();
        ward
    }

    /// The next thing that happens, with its time. It never ends: beds that get free are filled again.
    pub fn next_event(&mut self) -> WardEvent {
        self.next_noted().0
    }

    /// The same with what it means. Until the next call the patients stand as they did when it was sent.
    pub(crate) fn next_noted(&mut self) -> (WardEvent, Note) {
        loop {
            if let Some(noted) = self.unsent.pop_front() {
                return noted;
            }
            // The list is never empty, because each planned day plans the next one.
            let (at, action) = self.agenda.next().unwrap_or((self.now, Action::PlanDay));
            self.now = self.now.max(at);
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::PlanDay => self.plan_day(),
            Action::Admit(patient) => self.admit(patient),
            Action::Register(patient) => self.register(patient),
            Action::Refill => self.refill(),
            Action::NewOutpatient => self.new_outpatient(),
            Action::Vitals { patient, visit } => self.vitals(patient, visit),
            Action::DrawRound(hour) => self.draw_round(hour),
            Action::Draw {
                patient,
                panel,
                minutes,
            } => self.draw_stat(patient, panel, minutes),
            Action::PotassiumSurge(patient) => self.potassium_surge(patient),
            Action::PotassiumDanger {
                patient,
                value,
                minutes,
                course,
            } => self.potassium_danger(patient, value, minutes, course),
            Action::CorrectPotassium(order) => self.correct_potassium(order),
            Action::WithdrawOrder(order) => self.withdraw_order(order),
            Action::Preliminary(order) => self.preliminary(order),
            Action::Final(order) => self.finish(order),
            Action::Correct => self.correct(),
            Action::Withdraw => self.withdraw(),
            Action::Transfer => self.transfer(),
            Action::Update => self.update(),
            Action::OrderImaging => self.order_imaging(),
            Action::OrderDrug(patient) => self.order_drug(patient),
            Action::DischargeSomebody(mistake) => self.discharge_somebody(mistake),
            Action::Discharge { patient, visit } => self.discharge(patient, visit),
            Action::CancelDischarge { patient, visit } => self.cancel_discharge(patient, visit),
            Action::AdmitByMistake => self.admit_by_mistake(),
            Action::CancelAdmit { patient, visit } => self.cancel_admit(patient, visit),
            Action::DuplicateArrives => self.duplicate_arrives(),
            Action::DuplicateAdmitted { wrong, right } => self.duplicate_admitted(wrong, right),
            Action::Merge { wrong, right } => self.merge(wrong, right),
        }
    }

    /// Puts one message on its way; `write` adds everything behind the header.
    pub(super) fn send(
        &mut self,
        kind: &'static str,
        message: Kind,
        note: Note,
        write: impl FnOnce(&mut Writer<'_>, &[Patient]),
    ) {
        self.sent = self.sent.saturating_add(1);
        let control_id = format!("{}{:08}", self.tag, self.sent);
        let mut writer = Writer {
            options: &self.options,
            now: self.now,
            physicians: &self.physicians,
            out: String::new(),
        };
        writer.header(message, &control_id);
        write(&mut writer, &self.patients);
        let message = writer.out.into_bytes();
        let event = WardEvent {
            at: self.now,
            kind,
            control_id,
            message,
        };
        self.unsent.push_back((event, note));
    }

    /// Everybody who has a record, in order of registration.
    pub(crate) fn records(&self) -> &[Patient] {
        &self.patients
    }

    /// The physicians, whose positions the visits name.
    pub(crate) fn physicians(&self) -> &[Physician] {
        &self.physicians
    }

    /// Some time between so many minutes from now.
    pub(super) fn in_minutes(&mut self, low: i64, high: i64) -> Timestamp {
        let seconds = self
            .rng
            .between(low.saturating_mul(60), high.saturating_mul(60));
        self.now
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap_or(self.now)
    }

    pub(super) fn schedule(&mut self, low: i64, high: i64, action: Action) {
        let at = self.in_minutes(low, high);
        self.agenda.add(at, action);
    }

    /// The next instant after now at which the ward's clocks show this time.
    pub(super) fn next_local(&self, hour: i8, minute: i8) -> Timestamp {
        let zone = &self.options.zone;
        let day_later = self
            .now
            .checked_add(SignedDuration::from_hours(24))
            .unwrap_or(self.now);
        let today = self.today();
        let on = |date: Date| {
            date.at(hour, minute, 0, 0)
                .to_zoned(zone.clone())
                .map(|zoned| zoned.timestamp())
        };
        match on(today) {
            Ok(at) if at > self.now => at,
            Ok(_) | Err(_) => today.tomorrow().and_then(on).unwrap_or(day_later),
        }
    }

    /// The ward's calendar day.
    pub(crate) fn today(&self) -> Date {
        self.now.to_zoned(self.options.zone.clone()).date()
    }

    /// Hours since a patient of this stay came.
    pub(super) fn hours_here(&self, patient: usize) -> f64 {
        self.now
            .duration_since(self.patients[patient].visit.admitted)
            .as_secs_f64()
            / 3600.0
    }

    /// Opens a record for a person.
    pub(super) fn enrol(&mut self, person: Person, part: Part, story: Story) -> usize {
        let step = self.rng.below(37).saturating_add(1);
        self.next_mrn = self.next_mrn.saturating_add(step);
        let visit = self.new_visit(Class::Inpatient, Location::Place("ED", "1".to_owned(), "1"));
        let allergies = self.allergies();
        let diagnoses = self.diagnoses(story);
        let body = Physiology::new(&mut self.rng, story);
        let number = u64::try_from(self.patients.len()).unwrap_or(u64::MAX);
        self.patients.push(Patient {
            regional: regional_number(self.options.seed, number),
            person,
            mrn: format!("{:07}", self.next_mrn),
            part,
            visit,
            allergies,
            diagnoses,
            body,
            presence: Presence::Expected,
            died: false,
            merged_into: None,
        });
        self.patients.len().saturating_sub(1)
    }

    pub(super) fn new_visit(&mut self, class: Class, location: Location) -> Visit {
        self.next_visit = self.next_visit.saturating_add(1);
        Visit {
            serial: self.next_visit,
            class,
            location,
            attending: self.rng.index(self.physicians.len()),
            admitted: self.now,
            discharged: None,
            cancelled: false,
            disposition: "01",
        }
    }

    fn allergies(&mut self) -> Allergies {
        match self.rng.below(100) {
            0..55 => {
                let mut list = Vec::new();
                for _ in 0..self.rng.between(1, 3) {
                    let allergen =
                        &super::codes::ALLERGENS[self.rng.index(super::codes::ALLERGENS.len())];
                    if !list
                        .iter()
                        .any(|known: &&super::codes::Allergen| known.code == allergen.code)
                    {
                        list.push(allergen);
                    }
                }
                Allergies::Known(list)
            }
            55..80 => Allergies::NoneKnown,
            _ => Allergies::NotAsked,
        }
    }

    fn diagnoses(&mut self, story: Story) -> Vec<(&'static str, &'static str)> {
        let mut list = match story {
            Story::Ordinary => Vec::new(),
            Story::Hyperkalemia => vec![super::codes::KIDNEY_DISEASE],
            Story::KidneyInjury => vec![super::codes::KIDNEY_FAILURE],
        };
        for _ in 0..self.rng.between(1, 4) {
            let diagnosis = super::codes::DIAGNOSES[self.rng.index(super::codes::DIAGNOSES.len())];
            if !list.contains(&diagnosis) {
                list.push(diagnosis);
            }
        }
        list
    }
}

fn physician(rng: &mut Rng, number: u64) -> Physician {
    let given = if rng.chance(50) {
        rng.pick(&GIVEN_F)
    } else {
        rng.pick(&GIVEN_M)
    };
    Physician {
        number: format!("D{}", number.saturating_add(4001)),
        family: rng.pick(&FAMILY).to_owned(),
        given: given.to_owned(),
    }
}
