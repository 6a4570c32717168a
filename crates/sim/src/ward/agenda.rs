//! What is due when: the ward's list of coming events, in order of time and, at one time, of entry.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::analytes::Panel;

/// What becomes of a dangerous potassium once it is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// It stands.
    Stands,
    /// It is corrected to a normal one.
    Corrected,
    /// It is withdrawn: the blood was somebody else's.
    WrongPatient,
}

/// Something that will happen.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Action {
    /// A day of 24 hours begins: plan it.
    PlanDay,
    /// A known patient arrives on the ward.
    Admit(usize),
    /// A known patient is registered as an outpatient.
    Register(usize),
    /// A free bed is filled with somebody.
    Refill,
    /// Somebody new comes as an outpatient.
    NewOutpatient,
    /// Vital signs of a stay, repeated until it ends.
    Vitals { patient: usize, visit: u64 },
    /// Blood is drawn from everybody, and again a day later at the same local hour.
    DrawRound(i8),
    /// Blood is drawn from one patient.
    Draw {
        patient: usize,
        panel: &'static Panel,
        minutes: i64,
    },
    /// The potassium of the patient with that story becomes dangerous.
    PotassiumSurge(usize),
    /// The potassium of this patient, or of somebody, is found dangerous, and what becomes of that result.
    PotassiumDanger {
        patient: usize,
        value: f64,
        /// From the draw to the result.
        minutes: i64,
        course: Course,
    },
    /// The potassium of this result was wrong: the blood was haemolysed, the true one is normal.
    CorrectPotassium(u64),
    /// This result was another patient's.
    WithdrawOrder(u64),
    /// The first part of a result is ready.
    Preliminary(u64),
    /// A result is ready.
    Final(u64),
    /// One result is corrected.
    Correct,
    /// One result is withdrawn.
    Withdraw,
    /// Somebody moves to another bed.
    Transfer,
    /// Somebody's demographics change.
    Update,
    /// An examination is ordered for somebody.
    OrderImaging,
    /// A drug is ordered for one patient, or for somebody.
    OrderDrug(Option<usize>),
    /// Somebody goes home; with `true` it turns out to be a mistake.
    DischargeSomebody(bool),
    /// One patient goes home.
    Discharge { patient: usize, visit: u64 },
    /// The discharge was a mistake.
    CancelDischarge { patient: usize, visit: u64 },
    /// Somebody is admitted by mistake.
    AdmitByMistake,
    /// The admission was a mistake.
    CancelAdmit { patient: usize, visit: u64 },
    /// Somebody arrives in the emergency department and is registered a second time.
    DuplicateArrives,
    /// The same human is admitted under the right number.
    DuplicateAdmitted { wrong: usize, right: usize },
    /// The records department joins the two.
    Merge { wrong: usize, right: usize },
}

/// The list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Agenda {
    entries: BTreeMap<(Timestamp, u64), Action>,
    entered: u64,
}

impl Agenda {
    pub(crate) fn add(&mut self, at: Timestamp, action: Action) {
        self.entries.insert((at, self.entered), action);
        self.entered = self.entered.wrapping_add(1);
    }

    pub(crate) fn next(&mut self) -> Option<(Timestamp, Action)> {
        self.entries
            .pop_first()
            .map(|((at, _), action)| (at, action))
    }
}
