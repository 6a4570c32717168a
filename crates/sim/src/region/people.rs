//! Who the people of the region are, which EHR knows whom, and as whom.
//!
//! The ward's patients come first. Two in five of the patients of each of the two other EHRs are people that another one
//! knows too, registered there by another clerk: somebody moved, somebody married, somebody was mistyped. Most carry
//! the number of the region's exchange in each EHR; one always does not, and can only be told by name, birth date and
//! telephone. Of a pair of twins only one is known elsewhere.

use jiff::{Timestamp, civil::Date};
use serde_json::{Value, json};

use super::drugs::{Drug, HOME, LISINOPRIL, POTASSIUM_CHLORIDE, SPIRONOLACTONE};
use super::event::Options;
use super::shape::{Kind, named, practitioner};
use crate::rng::Rng;
use crate::vendor::Vendor;
use crate::ward::Ward;
use crate::ward::codes::{ALLERGENS, DIAGNOSES};
use crate::ward::names::{FAMILY, GIVEN_F, GIVEN_M};
use crate::ward::patient::{Allergies, exchange_number};
use crate::ward::person::Person;
use crate::ward::physiology::{Physiology, Story};

/// The human whom all three EHRs know, and of whom they know different things.
pub(crate) const WELL_KNOWN: u64 = 1;

/// One human's chart at one EHR.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    pub(crate) vendor: Vendor,
    /// The patient's number at the EHR, from which the id is made.
    pub(crate) number: u64,
    /// The human: the ward's patients are counted from 0, the others from a million on.
    pub(crate) human: u64,
    pub(crate) mrn: String,
    pub(crate) regional: Option<String>,
    pub(crate) person: Person,
    /// The family name before marriage, where the EHR knows it.
    pub(crate) former_family: Option<String>,
    pub(crate) died: Option<Timestamp>,
    /// Position in the staff.
    pub(crate) attending: usize,
}

/// Somebody who is a patient of one of the two other EHRs.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) chart: Chart,
    pub(crate) body: Physiology,
    /// Whether this EHR has results of the laboratory at all.
    pub(crate) labs: bool,
    /// In the ward's hospital at the start, so not in another one.
    pub(crate) on_ward: bool,
    pub(crate) problems: Vec<(&'static str, &'static str)>,
    pub(crate) allergies: Allergies,
    /// Each drug and whether it is still taken.
    pub(crate) drugs: Vec<(Drug, bool)>,
}

/// Those who treat patients at one EHR.
#[derive(Debug, Clone)]
pub(crate) struct Staff {
    vendor: Vendor,
    /// Number, given and family name.
    list: Vec<(String, String, String)>,
}

impl Staff {
    /// The ward's physicians.
    pub(crate) fn of_ward(ward: &Ward) -> Self {
        Self {
            vendor: Vendor::Epic,
            list: ward
                .physicians()
                .iter()
                .map(|doctor| {
                    (
                        doctor.number.clone(),
                        doctor.given.clone(),
                        doctor.family.clone(),
                    )
                })
                .collect(),
        }
    }

    /// Six others.
    pub(crate) fn new(vendor: Vendor, rng: &mut Rng) -> Self {
        let list = (0..6)
            .map(|position| {
                let given = if rng.chance(50) {
                    rng.pick(&GIVEN_F)
                } else {
                    rng.pick(&GIVEN_M)
                };
                (
                    (7001 + position).to_string(),
                    given.to_owned(),
                    rng.pick(&FAMILY).to_owned(),
                )
            })
            .collect();
        Self { vendor, list }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn display(&self, position: usize) -> String {
        self.list
            .get(position)
            .map_or_else(String::new, |(_, given, family)| {
                format!("{given} {family}, MD")
            })
    }

    pub(crate) fn reference(&self, position: usize) -> Value {
        if position < self.list.len() {
            named(
                self.vendor,
                Kind::Practitioner,
                practitioner_key(position),
                &self.display(position),
            )
        } else {
            json!({"display": "not recorded"})
        }
    }

    pub(crate) fn resources(&self) -> Vec<Value> {
        self.list
            .iter()
            .enumerate()
            .map(|(position, (number, given, family))| {
                let key = practitioner_key(position);
                practitioner(self.vendor, key, number, given, family)
            })
            .collect()
    }
}

fn practitioner_key(position: usize) -> u64 {
    u64::try_from(position).unwrap_or(0).saturating_add(31)
}

/// The chart of a patient of the ward as it stands.
pub(crate) fn of_ward(ward: &Ward, position: usize) -> Option<Chart> {
    let record = ward.records().get(position)?;
    let number = u64::try_from(position).ok()?;
    Some(Chart {
        vendor: Vendor::Epic,
        number,
        human: number,
        mrn: record.mrn.clone(),
        regional: record.regional.clone(),
        person: record.person.clone(),
        former_family: None,
        died: record
            .visit
            .discharged
            .filter(|_| record.died && !record.visit.cancelled),
        attending: record.visit.attending,
    })
}

/// The patients of the two other EHRs at the start.
pub(crate) fn elsewhere(options: &Options, ward: &Ward, today: Date) -> (Vec<Member>, Vec<Member>) {
    let wanted = options.patients;
    let mut rng = Rng::new(options.seed ^ 0x5EED_0F9E);
    // Two fifths; of athena's, half from the ward and half from Oracle Health's own.
    let from_ward = wanted.saturating_mul(2).div_ceil(5).min(wanted);
    let fifth = from_ward.div_ceil(2);
    let doubtful = if wanted > 9 {
        8
    } else {
        wanted.saturating_sub(1)
    };
    let there: Vec<usize> = order(&[WELL_KNOWN_POSITION, doubtful, 3, 0, 4], wanted, 0)
        .into_iter()
        .take(from_ward)
        .collect();
    let married = married(ward, &there);
    let mut oracle: Vec<Member> = there
        .into_iter()
        .filter_map(|position| {
            let fixed = match position {
                _ if position == doubtful => Some((false, Other::Moved)),
                1 => Some((true, Other::Moved)),
                0 => Some((true, Other::Mistyped)),
                3 | 4 => Some((true, Other::Nothing)),
                _ if Some(position) == married => Some((true, Other::Married)),
                _ => None,
            };
            known_on_ward(options, ward, &mut rng, Vendor::Oracle, position, fixed)
        })
        .collect();
    let shared = oracle.len();
    while oracle.len() < wanted {
        let human = 1_000_000_u64.saturating_add(number_of(oracle.len()));
        oracle.push(somebody(options, &mut rng, Vendor::Oracle, human, today));
    }
    let mut athena: Vec<Member> = order(&[WELL_KNOWN_POSITION, 9, 5], wanted, 1)
        .into_iter()
        .take(fifth)
        .filter_map(|position| {
            let fixed = match position {
                1 | 9 => Some((true, Other::Phone)),
                5 => Some((false, Other::Nothing)),
                _ => None,
            };
            known_on_ward(options, ward, &mut rng, Vendor::Athena, position, fixed)
        })
        .collect();
    // Not the first of Oracle Health's own, so that one in danger there is known there alone.
    let neighbours: Vec<Member> = oracle
        .iter()
        .skip(shared.saturating_add(1))
        .step_by(2)
        .take(from_ward.saturating_sub(fifth))
        .cloned()
        .collect();
    for neighbour in neighbours {
        athena.push(registered_elsewhere(options, &mut rng, &neighbour));
    }
    while athena.len() < wanted {
        let human = 2_000_000_u64.saturating_add(number_of(athena.len()));
        athena.push(somebody(options, &mut rng, Vendor::Athena, human, today));
    }
    for (position, member) in oracle.iter_mut().enumerate() {
        number(member, position, 7);
    }
    for (position, member) in athena.iter_mut().enumerate() {
        number(member, position, 5);
    }
    if let Some(last) = athena.last_mut()
        && !last.problems.contains(&DEPRESSION)
    {
        // Somebody's record is restricted there.
        last.problems.push(DEPRESSION);
    }
    (oracle, athena)
}

const DEPRESSION: (&str, &str) = ("F32.A", "Depression, unspecified");

const WELL_KNOWN_POSITION: usize = 1;

/// Positions on the ward in the order in which another EHR knows them: some first, then every second one from ten on.
fn order(first: &[usize], wanted: usize, parity: usize) -> Vec<usize> {
    let mut list: Vec<usize> = Vec::new();
    let later = (10..wanted)
        .filter(|at| at % 2 == parity)
        .chain((10..wanted).filter(|at| at % 2 != parity));
    // The second twin's brother or sister, the double registration and the first twin stay the ward's alone.
    for position in first.iter().copied().chain(later) {
        if position < wanted && !list.contains(&position) {
            list.push(position);
        }
    }
    list
}

/// Somebody who married between two registrations: a woman if there is one, and numbered, or nobody could tell.
fn married(ward: &Ward, positions: &[usize]) -> Option<usize> {
    let numbered = |at: &usize| {
        *at >= 10
            && ward
                .records()
                .get(*at)
                .is_some_and(|record| record.regional.is_some())
    };
    let a_woman = |at: &usize| {
        ward.records()
            .get(*at)
            .is_some_and(|record| record.person.sex == "F")
    };
    let mut candidates = positions.iter().copied().filter(numbered);
    candidates
        .clone()
        .find(a_woman)
        .or_else(|| candidates.next())
}

/// The ward's patient as another EHR registered the same human: `fixed` says whether with the exchange's number, and what
/// differs.
fn known_on_ward(
    options: &Options,
    ward: &Ward,
    rng: &mut Rng,
    vendor: Vendor,
    position: usize,
    fixed: Option<(bool, Other)>,
) -> Option<Member> {
    let record = ward.records().get(position)?;
    let human = number_of(position);
    let (carries, other) = fixed.unwrap_or_else(|| {
        let carries = rng.chance(80);
        let other = Other::any(rng, carries && record.regional.is_some());
        (carries, other)
    });
    let mut chart = Chart {
        vendor,
        number: 0,
        human,
        mrn: String::new(),
        regional: carries.then(|| exchange_number(options.seed, human)),
        person: record.person.clone(),
        former_family: None,
        died: None,
        attending: 0,
    };
    register_again(&mut chart, rng, other);
    let penicillin = human == WELL_KNOWN && vendor == Vendor::Oracle;
    Some(Member {
        chart,
        body: record.body.clone(),
        labs: true,
        on_ward: true,
        problems: record.diagnoses.iter().skip(1).copied().collect(),
        allergies: if penicillin {
            Allergies::Known(vec![&ALLERGENS[0]])
        } else {
            record.allergies.clone()
        },
        drugs: home_drugs(options.seed, human, vendor),
    })
}

/// Somebody whom another EHR than the ward's knows, registered at athena.
fn registered_elsewhere(options: &Options, rng: &mut Rng, known: &Member) -> Member {
    let mut member = known.clone();
    let carries = rng.chance(80);
    let human = member.chart.human;
    member.chart.vendor = Vendor::Athena;
    member.chart.regional = carries.then(|| exchange_number(options.seed, human));
    let other = Other::any(rng, carries && known.chart.regional.is_some());
    register_again(&mut member.chart, rng, other);
    member.drugs = home_drugs(options.seed, human, Vendor::Athena);
    member
}

/// How another registration of one human differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Other {
    Nothing,
    Moved,
    Phone,
    Mistyped,
    Married,
}

impl Other {
    /// Any difference; without a shared number only one that leaves name and birth date and one of telephone and street.
    fn any(rng: &mut Rng, numbered: bool) -> Self {
        match rng.below(if numbered { 6 } else { 4 }) {
            0 => Self::Nothing,
            1 | 2 => Self::Moved,
            3 => Self::Phone,
            4 => Self::Mistyped,
            _ => Self::Married,
        }
    }
}

fn register_again(chart: &mut Chart, rng: &mut Rng, other: Other) {
    chart.person.ssn = None;
    match other {
        Other::Nothing => {}
        Other::Moved => chart.person.moves(rng),
        Other::Phone => chart.person.changes_phone(rng),
        Other::Mistyped => chart.person = chart.person.given_misspelled(),
        Other::Married => {
            let before = chart.person.family.clone();
            chart.person.changes_name(rng);
            chart.former_family = Some(before);
        }
    }
}

/// Somebody whom only this EHR knows.
fn somebody(options: &Options, rng: &mut Rng, vendor: Vendor, human: u64, today: Date) -> Member {
    let person = Person::new(rng, today);
    let regional = rng.chance(80).then(|| exchange_number(options.seed, human));
    let mut problems = Vec::new();
    for _ in 0..rng.between(2, 5) {
        let found = DIAGNOSES[rng.index(DIAGNOSES.len())];
        if !problems.contains(&found) {
            problems.push(found);
        }
    }
    Member {
        chart: Chart {
            vendor,
            number: 0,
            human,
            mrn: String::new(),
            regional,
            person,
            former_family: None,
            died: None,
            attending: 0,
        },
        body: Physiology::new(rng, Story::Ordinary),
        labs: true,
        on_ward: false,
        problems,
        allergies: match rng.below(10) {
            0..5 => Allergies::Known(vec![&ALLERGENS[rng.index(ALLERGENS.len())]]),
            5..8 => Allergies::NoneKnown,
            _ => Allergies::NotAsked,
        },
        drugs: home_drugs(options.seed, human, vendor),
    }
}

/// Gives the member the numbers of the EHR. Every so many have no laboratory there at all.
fn number(member: &mut Member, position: usize, without_labs: usize) {
    let at = number_of(position);
    member.chart.number = at.saturating_mul(17).saturating_add(1041);
    member.chart.mrn = match member.chart.vendor {
        Vendor::Epic | Vendor::Oracle => {
            format!("{:06}", at.saturating_mul(37).saturating_add(204_117))
        }
        Vendor::Athena => member.chart.number.to_string(),
    };
    member.chart.attending = position % 6;
    member.labs = position % without_labs != without_labs.saturating_sub(1);
}

/// What a human takes at home. The EHRs agree, but for the one human of whom they know different things.
pub(crate) fn home_drugs(seed: u64, human: u64, vendor: Vendor) -> Vec<(Drug, bool)> {
    if human == WELL_KNOWN {
        return match vendor {
            Vendor::Epic => vec![(LISINOPRIL, true), (SPIRONOLACTONE, true), (HOME[4], true)],
            Vendor::Oracle => vec![
                (LISINOPRIL, false),
                (POTASSIUM_CHLORIDE, true),
                (HOME[4], true),
            ],
            Vendor::Athena => vec![(LISINOPRIL, true), (HOME[4], true)],
        };
    }
    let mut rng = Rng::new(seed ^ human.wrapping_mul(0x9E6C_63D0_876A_9A47));
    let mut list: Vec<(Drug, bool)> = Vec::new();
    for _ in 0..rng.between(3, 6) {
        let drug = HOME[rng.index(HOME.len())];
        let taken = rng.chance(75);
        if !list.iter().any(|(known, _)| *known == drug) {
            list.push((drug, taken));
        }
    }
    list
}

fn number_of(position: usize) -> u64 {
    u64::try_from(position).unwrap_or(u64::MAX)
}
