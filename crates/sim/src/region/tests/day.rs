//! What a day of the region holds: the potassium somebody has to hear of, one result by two routes, a merge.

use std::collections::{BTreeMap, BTreeSet};

use bedside_hl7::message;

use super::*;

#[test]
fn the_potassium_of_a_day_holds_what_was_promised() {
    for seed in 1..=20 {
        // A region of sixty is asked less often, for the time it takes.
        for size in [20, 60] {
            if size == 60 && seed % 9 != 1 {
                continue;
            }
            // Whenever the day begins, it holds the same.
            let begin = start() + SignedDuration::from_hours(i64::try_from(seed).unwrap() * 5);
            let after = |minutes| begin + SignedDuration::from_mins(minutes);
            let options = Options {
                start: begin,
                ..options(seed, size)
            };
            let played = play(options, DAY + 30);
            let all = potassium(&played.charted);
            let of_day: Vec<_> = all
                .iter()
                .filter(|one| one.at < after(DAY))
                .cloned()
                .collect();
            let critical: Vec<_> = of_day
                .iter()
                .filter(|one| is_critical(one))
                .cloned()
                .collect();
            for (vendor, least) in [(Vendor::Epic, 3), (Vendor::Oracle, 2), (Vendor::Athena, 1)] {
                let ids: BTreeSet<&String> = critical
                    .iter()
                    .filter(|one| one.vendor == vendor)
                    .map(|one| &one.id)
                    .collect();
                assert!(
                    ids.len() >= least,
                    "seed {seed}, {size}: {vendor:?} {}",
                    ids.len()
                );
            }
            let later = |one: &Potassium, fits: &dyn Fn(&Potassium) -> bool| {
                of_day
                    .iter()
                    .any(|next| next.at > one.at && next.vendor == one.vendor && fits(next))
            };
            let corrected = critical.iter().any(|one| {
                later(one, &|next| {
                    next.id == one.id && next.status == "corrected" && next.flag == "N"
                })
            });
            assert!(corrected, "seed {seed}, {size}");
            let withdrawn = critical.iter().any(|one| {
                later(one, &|next| {
                    next.id == one.id && next.status == "entered-in-error"
                })
            });
            assert!(withdrawn, "seed {seed}, {size}");
            let normal_again = critical.iter().any(|one| {
                one.value >= 6.0
                    && later(one, &|next| {
                        next.subject == one.subject
                            && next.id != one.id
                            && next.effective > one.effective
                            && (3.5..=5.4).contains(&next.value)
                    })
            });
            assert!(normal_again, "seed {seed}, {size}");
            let epic_between = |from: Timestamp, to: Timestamp| {
                all.iter().any(|one| {
                    one.vendor == Vendor::Epic && is_critical(one) && one.at >= from && one.at < to
                })
            };
            assert!(
                epic_between(after(DAY - 30), after(DAY)),
                "seed {seed}, {size}"
            );
            assert!(
                epic_between(after(DAY), after(DAY + 20)),
                "seed {seed}, {size}"
            );
            let sent = |from: Timestamp, to: Timestamp| {
                played.messages.iter().any(|event| {
                    event.kind == "result"
                        && event.at >= from
                        && event.at < to
                        && String::from_utf8_lossy(&event.message)
                            .split('\r')
                            .any(|line| line.contains("2823-3^") && line.contains("|HH|"))
                })
            };
            assert!(sent(after(DAY - 30), after(DAY)), "seed {seed}, {size}");
            assert!(sent(after(DAY), after(DAY + 2)), "seed {seed}, {size}");
            assert_eq!(of_day.iter().filter(|one| one.unit != "mmol/L").count(), 1);
            let future = of_day
                .iter()
                .filter(|one| one.effective > one.at + SignedDuration::from_hours(24));
            assert_eq!(future.count(), 1);
        }
    }
}

#[test]
fn a_result_of_the_ward_is_the_same_by_both_routes() {
    let played = play(options(9, 20), DAY);
    let mut by_message: BTreeMap<(String, String), (String, String, String)> = BTreeMap::new();
    for event in played
        .messages
        .iter()
        .filter(|event| event.kind == "result")
    {
        let parsed = message::parse(&event.message, &message::Options::default()).unwrap();
        let filler = message::get(&parsed, "OBR-3.1").unwrap();
        for obx in parsed.all("OBX") {
            let code = obx.field(3).component(1).text().unwrap();
            let minute = obx.field(14).text().unwrap().get(..12).unwrap().to_owned();
            let value = obx.field(5).text().unwrap();
            by_message.insert(
                (filler.clone(), code),
                (minute, value, message::get(&parsed, "PID-3.1").unwrap()),
            );
        }
    }
    let mut mrns: BTreeMap<String, String> = BTreeMap::new();
    let mut compared = 0;
    for one in played.opening.iter().chain(&played.charted) {
        let Some(resource) = put(one).filter(|_| one.vendor == Vendor::Epic) else {
            continue;
        };
        if kind(resource) == "Patient" {
            let mrn = resource["identifier"]
                .as_array()
                .unwrap()
                .iter()
                .find(|identifier| text(identifier, "/type/text") == "MRN")
                .unwrap();
            mrns.insert(name(resource), text(mrn, "/value").to_owned());
        }
        if text(resource, "/status") != "final"
            || text(resource, "/category/0/coding/0/code") != "laboratory"
        {
            continue;
        }
        let filler = text(resource, "/identifier/0/value").to_owned();
        let code = text(resource, "/code/coding/0/code").to_owned();
        let Some((minute, value, mrn)) = by_message.get(&(filler, code)) else {
            continue;
        };
        let effective: Timestamp = text(resource, "/effectiveDateTime").parse().unwrap();
        let local = effective.to_zoned(jiff::tz::TimeZone::get("America/Chicago").unwrap());
        assert_eq!(*minute, local.strftime("%Y%m%d%H%M").to_string());
        assert_eq!(effective.as_second() % 60, 0);
        assert_eq!(
            resource
                .pointer("/valueQuantity/value")
                .unwrap()
                .to_string(),
            *value
        );
        // The message of a merged record and its resource name the survivor sooner or later.
        if let Some(found) = mrns.get(text(resource, "/subject/reference"))
            && found == mrn
        {
            compared += 1;
        }
    }
    assert!(compared > 300, "{compared}");
    assert!(
        compared * 10 >= by_message.len() * 9,
        "{compared} of {}",
        by_message.len()
    );
}

#[test]
fn a_merge_takes_the_record_and_all_of_it() {
    let played = play(options(6, 20), DAY);
    let (at, vendor, gone, survivor) = played
        .charted
        .iter()
        .find_map(|one| match &one.change {
            Change::Merge { gone, survivor } => {
                Some((one.at, one.vendor, gone.clone(), survivor.clone()))
            }
            Change::Put(_) | Change::Remove { .. } => None,
        })
        .unwrap();
    assert_eq!(vendor, Vendor::Epic);
    let gone = format!("Patient/{gone}");
    let survivor = format!("Patient/{survivor}");
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    for one in played
        .charted
        .iter()
        .filter(|one| one.vendor == Vendor::Epic)
    {
        let Some(resource) = put(one) else { continue };
        let subject = text(resource, "/subject/reference").to_owned();
        assert!(one.at < at || subject != gone, "{}", name(resource));
        if kind(resource) == "Group" {
            let listed = resource["member"].to_string();
            assert_eq!(
                one.at >= at,
                !listed.contains(&gone) && listed.contains(&survivor) && one.at >= at
            );
        }
        last.insert(name(resource), subject);
    }
    assert!(last.values().all(|subject| *subject != gone));
    assert!(
        last.values()
            .filter(|subject| **subject == survivor)
            .count()
            > 10
    );
}

#[test]
fn the_ehr_shows_a_result_some_minutes_after_the_message_and_never_before() {
    let played = play(options(3, 20), DAY);
    let mut sent: BTreeMap<Timestamp, usize> = BTreeMap::new();
    for event in &played.messages {
        *sent.entry(event.at).or_default() += 1;
    }
    let mut seen = 0;
    for one in played
        .charted
        .iter()
        .filter(|one| one.vendor == Vendor::Epic)
    {
        let Some(resource) = put(one).filter(|resource| kind(resource) == "Observation") else {
            continue;
        };
        let issued: Timestamp = text(resource, "/issued").parse().unwrap();
        let waited = one.at.duration_since(issued).as_secs();
        // What was filed again for the record that took another one over is older.
        if waited <= 1200 {
            assert!(waited >= 60, "{waited}");
            seen += 1;
        }
        assert!(
            sent.range(issued..=issued + SignedDuration::from_secs(1))
                .next()
                .is_some()
        );
    }
    assert!(seen > 1000, "{seen}");
}

#[test]
fn what_athena_deletes_was_there_before() {
    let played = play(options(2, 20), DAY);
    let mut there = BTreeSet::new();
    let mut gone = 0;
    for one in played.opening.iter().chain(&played.charted) {
        match &one.change {
            Change::Put(resource) if one.vendor == Vendor::Athena => {
                there.insert(name(resource));
            }
            Change::Remove { resource_type, id } => {
                assert_eq!(one.vendor, Vendor::Athena);
                assert!(there.contains(&format!("{resource_type}/{id}")));
                gone += 1;
            }
            Change::Put(_) | Change::Merge { .. } => {}
        }
    }
    assert!(gone > 0);
}

#[test]
fn the_days_after_the_first_are_as_eventful() {
    let played = play(options(1, 20), 3 * DAY);
    let all = potassium(&played.charted);
    for day in 1..3 {
        let of_day: Vec<_> = all
            .iter()
            .filter(|one| one.at >= after(day * DAY) && one.at < after((day + 1) * DAY))
            .collect();
        for (vendor, least) in [(Vendor::Epic, 3), (Vendor::Oracle, 2), (Vendor::Athena, 1)] {
            let ids: BTreeSet<_> = of_day
                .iter()
                .filter(|one| one.vendor == vendor && is_critical(one))
                .map(|one| &one.id)
                .collect();
            assert!(ids.len() >= least, "day {day}: {vendor:?} {}", ids.len());
        }
    }
}

#[test]
fn every_ehr_corrects_and_two_withdraw() {
    for seed in 1..=2 {
        let played = play(options(seed, 20), DAY);
        let mut first: BTreeMap<(Vendor, String), String> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for one in &played.charted {
            let Some(resource) = put(one).filter(|resource| kind(resource) == "Observation") else {
                continue;
            };
            let status = text(resource, "/status").to_owned();
            let key = (one.vendor, name(resource));
            match first.get(&key) {
                None => assert!(matches!(&*status, "final" | "preliminary"), "{status}"),
                Some(_) => {
                    seen.insert((one.vendor, status.clone()));
                }
            }
            first.insert(key, status);
        }
        let has = |vendor, status: &str| seen.contains(&(vendor, status.to_owned()));
        for vendor in Vendor::ALL {
            assert!(has(vendor, "corrected"), "seed {seed} {vendor:?}");
        }
        assert!(has(Vendor::Epic, "entered-in-error") && has(Vendor::Oracle, "entered-in-error"));
    }
}

#[test]
fn with_oids_both_routes_name_the_same_authorities() {
    let options = Options {
        oids: true,
        ..options(5, 20)
    };
    let played = play(options, 3 * 60);
    let oid = |system: &str| system.strip_prefix("urn:oid:").unwrap().to_owned();
    let mut mrns = BTreeSet::new();
    let mut fillers = BTreeSet::new();
    for one in played.opening.iter().chain(&played.charted) {
        let Some(resource) = put(one).filter(|_| one.vendor == Vendor::Epic) else {
            continue;
        };
        if kind(resource) == "Patient" {
            let record = &resource["identifier"][2];
            mrns.insert((
                oid(text(record, "/system")),
                text(record, "/value").to_owned(),
            ));
        }
        let filler = &resource["identifier"][0];
        if text(filler, "/type/coding/0/code") == "FILL" {
            fillers.insert((
                oid(text(filler, "/system")),
                text(filler, "/value").to_owned(),
            ));
        }
    }
    let mut same = 0;
    for event in &played.messages {
        let parsed = message::parse(&event.message, &message::Options::default()).unwrap();
        let pid = parsed.segment("PID").unwrap();
        let own = pid.field(3);
        let authority = own.component(4).sub(2).unwrap().to_string();
        let number = own.component(1).text().unwrap().to_string();
        if event.at < start() + SignedDuration::from_mins(90) {
            assert!(mrns.contains(&(authority, number)), "{}", event.kind);
        }
        if let (Some(filler), Some(system)) = (
            message::get(&parsed, "OBR-3.1"),
            message::get(&parsed, "OBR-3.3"),
        ) && fillers.contains(&(system, filler))
        {
            same += 1;
        }
    }
    assert!(same > 50, "{same}");
}
