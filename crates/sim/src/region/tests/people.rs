//! Who is known where, and who is easily confused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bedside_fact::clock::VirtualClock;
use bedside_hl7::message;
use serde_json::Value;

use super::*;
use crate::ehr::{self, Ehr};

#[test]
fn people_are_shared_and_some_only_by_name_birth_date_and_telephone() {
    for seed in 1..=8 {
        for size in [20, 60] {
            if size == 60 && seed != 1 {
                continue;
            }
            let played = play(options(seed, size), 1);
            let all: Vec<(Vendor, &Value)> = Vendor::ALL
                .into_iter()
                .flat_map(|vendor| {
                    patients(&played, vendor)
                        .into_iter()
                        .map(move |one| (vendor, one))
                })
                .collect();
            for vendor in Vendor::ALL {
                let here = patients(&played, vendor);
                assert_eq!(here.len(), size);
                let numbered = here.iter().filter(|one| regional(one).is_some()).count();
                assert!(
                    numbered * 100 >= size * 60 && numbered < size,
                    "{vendor:?} {numbered}"
                );
            }
            let mut numbers: BTreeMap<String, BTreeSet<Vendor>> = BTreeMap::new();
            for (vendor, patient) in &all {
                if let Some(number) = regional(patient) {
                    let first = numbers.entry(number).or_default().insert(*vendor);
                    assert!(first, "one number, one patient per EHR");
                }
            }
            let shared = numbers.values().filter(|vendors| vendors.len() > 1).count();
            assert!(shared * 100 >= size * 20, "{shared} of {size}");
            assert!(numbers.values().any(|vendors| vendors.len() == 3));
            // The same human in two EHRs, and no number that says so.
            let known: Vec<_> = all
                .iter()
                .map(|(vendor, one)| (*vendor, regional(one), traits(one)))
                .collect();
            let doubtful = known
                .iter()
                .enumerate()
                .flat_map(|(at, a)| known[at + 1..].iter().map(move |b| (a, b)))
                .filter(|(a, b)| {
                    let (left, right) = (&a.2, &b.2);
                    a.0 != b.0
                        && (a.1.is_none() || b.1.is_none())
                        && left[..3] == right[..3]
                        && (left[3] == right[3] || left[4] == right[4])
                })
                .count();
            assert!(doubtful >= 1, "seed {seed}");
        }
    }
}

#[test]
fn a_twin_known_elsewhere_is_one_of_the_two_and_keeps_the_own_number() {
    for seed in 1..=5 {
        let played = play(options(seed, 20), 1);
        let oracle = patients(&played, Vendor::Oracle);
        let twins = patients(&played, Vendor::Epic)
            .into_iter()
            .filter(|one| one.get("multipleBirthInteger").is_some())
            .collect::<Vec<_>>();
        assert_eq!(twins.len(), 2);
        let there: Vec<_> = oracle
            .iter()
            .filter(|one| one.get("multipleBirthInteger").is_some())
            .collect();
        assert_eq!(there.len(), 1);
        let same = |twin: &&Value| traits(twin) == traits(there[0]);
        assert_eq!(twins.iter().filter(|twin| same(twin)).count(), 1);
        for twin in twins {
            assert_eq!(same(&twin), regional(twin) == regional(there[0]));
            assert_eq!(traits(twin)[2..], traits(there[0])[2..]);
        }
    }
}

fn of_patient<'a>(
    played: &'a Played,
    vendor: Vendor,
    patient: &Value,
    wanted: &str,
) -> Vec<&'a Value> {
    let reference = format!("Patient/{}", text(patient, "/id"));
    played
        .opening
        .iter()
        .filter(|one| one.vendor == vendor)
        .filter_map(put)
        .filter(|resource| kind(resource) == wanted)
        .filter(|resource| {
            text(resource, "/subject/reference") == reference
                || text(resource, "/patient/reference") == reference
        })
        .collect()
}

#[test]
fn one_person_has_medication_lists_that_conflict_and_an_allergy_that_one_ehr_knows() {
    for seed in 1..=5 {
        let played = play(options(seed, 20), 1);
        let drugs = |vendor: Vendor, patient: &Value| -> BTreeMap<String, String> {
            of_patient(&played, vendor, patient, "MedicationRequest")
                .into_iter()
                .map(|one| {
                    (
                        text(one, "/medicationReference/display").to_owned(),
                        text(one, "/status").to_owned(),
                    )
                })
                .collect()
        };
        let found = patients(&played, Vendor::Epic)
            .into_iter()
            .find_map(|here| {
                let there = patients(&played, Vendor::Oracle)
                    .into_iter()
                    .find(|there| regional(here).is_some() && regional(here) == regional(there))?;
                let (ours, theirs) = (drugs(Vendor::Epic, here), drugs(Vendor::Oracle, there));
                let lisinopril = "lisinopril 10 MG Oral Tablet";
                let fits = ours
                    .get(lisinopril)
                    .is_some_and(|status| status == "active")
                    && ours
                        .get("spironolactone 25 MG Oral Tablet")
                        .is_some_and(|status| status == "active")
                    && theirs
                        .get(lisinopril)
                        .is_some_and(|status| status == "stopped")
                    && theirs.iter().any(|(drug, status)| {
                        drug.starts_with("potassium chloride") && status == "active"
                    });
                fits.then_some((here, there))
            });
        let (here, there) = found.unwrap();
        let allergies = of_patient(&played, Vendor::Oracle, there, "AllergyIntolerance");
        assert!(allergies.iter().any(|one| has_code(one, "7980")));
        assert!(of_patient(&played, Vendor::Epic, here, "AllergyIntolerance").is_empty());
        // One statement that nothing is known, and several lists with nothing on them.
        for vendor in Vendor::ALL {
            let mut nothing = 0;
            let mut without_labs = 0;
            for patient in patients(&played, vendor) {
                nothing += usize::from(
                    of_patient(&played, vendor, patient, "AllergyIntolerance").is_empty(),
                );
                let labs = of_patient(&played, vendor, patient, "Observation");
                without_labs += usize::from(!labs.iter().any(|one| has_code(one, "2823-3")));
            }
            assert!(nothing >= 1, "{vendor:?}");
            assert_eq!(without_labs > 0, vendor != Vendor::Epic, "{vendor:?}");
        }
        let none_known = played
            .opening
            .iter()
            .filter_map(put)
            .filter(|one| has_code(one, "716186003"));
        assert!(none_known.count() >= 1);
    }
}

#[test]
fn the_roster_lists_every_patient_of_the_opening() {
    let played = play(options(4, 20), 1);
    for vendor in Vendor::ALL {
        let id = played.region.population(vendor);
        let group = played
            .opening
            .iter()
            .filter(|one| one.vendor == vendor)
            .filter_map(put)
            .find(|one| kind(one) == "Group" && text(one, "/id") == id)
            .unwrap();
        let listed = group["member"].as_array().unwrap().len();
        assert_eq!(listed, 20);
        // The server that holds the charts names the same roster.
        let clock = Arc::new(VirtualClock::new(start()));
        let ehr = Ehr::new(ehr::Options::new(vendor, clock));
        for one in played.opening.iter().filter(|one| one.vendor == vendor) {
            if let Some(resource) = put(one) {
                ehr.put(one.at, resource.clone());
            }
        }
        assert_eq!(ehr.roster_id(), id);
    }
}

#[test]
fn regions_of_any_size_live() {
    for size in [0, 1, 2, 3, 5, 9, 10, 11] {
        let played = play(options(1, size), DAY + 30);
        for vendor in Vendor::ALL {
            assert_eq!(patients(&played, vendor).len(), size);
        }
        assert!(!played.messages.is_empty());
    }
}

#[test]
fn registrations_of_one_human_differ_in_every_way() {
    for seed in 1..=6 {
        let played = play(options(seed, 20), 1);
        let mut seen = BTreeSet::new();
        let epic = patients(&played, Vendor::Epic);
        for there in patients(&played, Vendor::Oracle)
            .into_iter()
            .chain(patients(&played, Vendor::Athena))
        {
            let same =
                |here: &&&Value| regional(here).is_some() && regional(here) == regional(there);
            let Some(here) = epic.iter().find(same) else {
                continue;
            };
            let (here, there) = (traits(here), traits(there));
            for (way, at) in ["family", "given", "birth date", "phone", "street"]
                .into_iter()
                .zip(0..)
            {
                if here[at] != there[at] {
                    seen.insert(way);
                }
            }
        }
        assert_eq!(
            seen,
            BTreeSet::from(["family", "given", "phone", "street"]),
            "seed {seed}"
        );
    }
}

#[test]
fn the_ward_sends_the_number_of_the_exchange_behind_its_own() {
    let played = play(options(3, 20), 15);
    let mut expected: BTreeMap<String, Option<String>> = BTreeMap::new();
    for patient in patients(&played, Vendor::Epic) {
        let mrn = patient["identifier"][2]["value"].as_str().unwrap();
        expected.insert(mrn.to_owned(), regional(patient));
    }
    let mut numbered = 0;
    for event in &played.messages {
        let parsed = message::parse(&event.message, &message::Options::default()).unwrap();
        let pid = parsed.segment("PID").unwrap();
        let numbers = pid.field(3);
        let mut reps = numbers.reps();
        let own = reps.next().unwrap();
        assert_eq!(own.component(5).text().unwrap(), "MR");
        let number = reps.next().map(|rep| {
            assert_eq!(
                rep.component(4).sub(2).unwrap(),
                "2.16.840.1.113883.3.9621.1"
            );
            assert_eq!(rep.component(5).text().unwrap(), "PI");
            rep.component(1).text().unwrap().to_string()
        });
        numbered += usize::from(number.is_some());
        assert_eq!(
            expected[&own.component(1).text().unwrap().to_string()],
            number
        );
    }
    assert!(numbered > 10 && numbered < played.messages.len());
}
