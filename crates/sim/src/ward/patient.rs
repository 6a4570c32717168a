//! A registered patient: the person, the record number, the stay, and what is known about allergies and illness.

use jiff::Timestamp;

use super::codes::Allergen;
use super::person::Person;
use super::physiology::Physiology;
use crate::rng::Rng;

/// The authority of the numbers that the region's exchange gives to people, as HL7 v2 names it (HD).
pub(crate) const REGIONAL_HD: &str = "LAKESIDE&2.16.840.1.113883.3.9621.1&ISO";

/// A prime, so that multiplying below it gives every human another number.
const REGIONAL_NUMBERS: u64 = 99_999_989;

/// One record of the hospital's register.
#[derive(Debug, Clone)]
pub(crate) struct Patient {
    pub(crate) person: Person,
    pub(crate) mrn: String,
    /// The number of the region's exchange, where registration asked for it.
    pub(crate) regional: Option<String>,
    pub(crate) part: Part,
    pub(crate) visit: Visit,
    pub(crate) allergies: Allergies,
    /// ICD-10-CM codes and texts, the main one first.
    pub(crate) diagnoses: Vec<(&'static str, &'static str)>,
    pub(crate) body: Physiology,
    pub(crate) presence: Presence,
    pub(crate) died: bool,
    /// The record that took this one over.
    pub(crate) merged_into: Option<usize>,
}

/// Why a patient is on the ward, as far as the play goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Anybody.
    Extra,
    /// Somebody with a story or a double, who keeps name, address and number, and stays for some days.
    Cast,
}

/// Where a patient is in a stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Known, but not come yet.
    Expected,
    /// In a bed or a chair.
    Here,
    /// Sent home by mistake; the bed is kept.
    Leaving,
    /// Gone.
    Away,
}

/// HL7 table 0004, the classes the ward uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Inpatient,
    Outpatient,
    Emergency,
}

impl Class {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Inpatient => "I",
            Self::Outpatient => "O",
            Self::Emergency => "E",
        }
    }
}

/// One stay.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) serial: u64,
    pub(crate) class: Class,
    pub(crate) location: Location,
    /// Position in the list of physicians.
    pub(crate) attending: usize,
    pub(crate) admitted: Timestamp,
    pub(crate) discharged: Option<Timestamp>,
    /// The admission was a mistake.
    pub(crate) cancelled: bool,
    /// HL7 table 0112.
    pub(crate) disposition: &'static str,
}

/// A place in the hospital: unit, room, bed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// A numbered bed of the ward.
    Bed(usize),
    /// Anywhere else.
    Place(&'static str, String, &'static str),
}

impl Location {
    /// Unit, room and bed as PV1-3 names them. Forty beds make a unit, two a room.
    pub(crate) fn names(&self) -> (String, String, String) {
        match self {
            Self::Bed(bed) => {
                let unit = (bed / 40).saturating_add(4);
                let room = (bed % 40 / 2).saturating_add(1);
                let side = if bed % 2 == 0 { "A" } else { "B" };
                (
                    format!("{unit}W"),
                    format!("{unit}{room:02}"),
                    side.to_owned(),
                )
            }
            Self::Place(unit, room, bed) => ((*unit).to_owned(), room.clone(), (*bed).to_owned()),
        }
    }
}

/// What the record says about allergies. Never asked and none known are two answers.
#[derive(Debug, Clone)]
pub(crate) enum Allergies {
    NotAsked,
    NoneKnown,
    Known(Vec<&'static Allergen>),
}

/// A physician.
#[derive(Debug, Clone)]
pub(crate) struct Physician {
    pub(crate) number: String,
    pub(crate) family: String,
    pub(crate) given: String,
}

/// The number a human has at the region's exchange, for four in five of those a hospital registers.
pub(crate) fn regional_number(seed: u64, human: u64) -> Option<String> {
    let asked = match human {
        // Those with a story have one; the second registration of one human, position 7, came without.
        0..=6 | 8 => true,
        7 | 9 => false,
        _ => Rng::new(seed ^ human.wrapping_mul(0x2545_F491_4F6C_DD1D)).chance(80),
    };
    asked.then(|| exchange_number(seed, human))
}

/// The number a human has at the region's exchange.
pub(crate) fn exchange_number(seed: u64, human: u64) -> String {
    let offset = Rng::new(seed ^ 0x1A6E_51DE).below(REGIONAL_NUMBERS);
    let number = human
        .wrapping_add(1)
        .wrapping_mul(48_271_917)
        .wrapping_add(offset)
        .checked_rem(REGIONAL_NUMBERS)
        .unwrap_or(0);
    format!("{number:08}")
}
