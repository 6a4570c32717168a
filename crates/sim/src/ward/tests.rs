//! What the ward promises: determinism, readable messages, the mix of a day, and the pairs that are easily confused.

use std::collections::{BTreeMap, BTreeSet};

use bedside_hl7::message::{self, Message};
use jiff::{SignedDuration, Timestamp};

use super::{Options, Ward, WardEvent};

fn start() -> Timestamp {
    // 06:00 on the ward.
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn day(options: &Options) -> Vec<WardEvent> {
    let end = options.start + SignedDuration::from_hours(24);
    let mut ward = Ward::new(options.clone());
    std::iter::from_fn(|| Some(ward.next_event()))
        .take_while(|event| event.at < end)
        .collect()
}

fn read(event: &WardEvent) -> Message {
    message::parse(&event.message, &message::Options::default()).unwrap()
}

fn get(parsed: &Message, path: &str) -> String {
    message::get(parsed, path).unwrap_or_default()
}

/// Count per kind.
fn kinds(events: &[WardEvent]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for event in events {
        *counts.entry(event.kind).or_insert(0) += 1;
    }
    counts
}

/// Family, given, suffix, birth date, street, telephone by record number, from the admissions and registrations.
fn people(events: &[WardEvent]) -> BTreeMap<String, [String; 6]> {
    let mut people = BTreeMap::new();
    for event in events
        .iter()
        .filter(|event| matches!(event.kind, "admit" | "register"))
    {
        let parsed = read(event);
        let fields = [
            "PID-5.1", "PID-5.2", "PID-5.4", "PID-7", "PID-11.1", "PID-13.1",
        ]
        .map(|path| get(&parsed, path));
        people.entry(get(&parsed, "PID-3.1")).or_insert(fields);
    }
    people
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let stream = |seed| {
        let mut ward = Ward::new(Options::new(seed, start()));
        (0..1000).map(|_| ward.next_event()).collect::<Vec<_>>()
    };
    let first = stream(1);
    assert_eq!(first, stream(1));
    let other = stream(2);
    assert!(
        first
            .iter()
            .zip(&other)
            .all(|(a, b)| a.message != b.message)
    );
}

#[test]
fn time_never_goes_backward_and_control_ids_never_repeat() {
    let mut ward = Ward::new(Options::new(5, start()));
    let mut last = start();
    let mut seen = BTreeSet::new();
    for _ in 0..6000 {
        let event = ward.next_event();
        assert!(event.at >= last);
        last = event.at;
        assert!(event.control_id.len() <= 20);
        assert!(seen.insert(event.control_id));
    }
    assert!(
        last.duration_since(start()) > SignedDuration::from_hours(24 * 5),
        "the ward lives on: {last}"
    );
}

#[test]
fn every_message_parses_without_a_problem_and_says_what_it_is() {
    for event in day(&Options::new(3, start())) {
        let parsed = read(&event);
        assert!(
            parsed.problems().is_empty(),
            "{} {:?}",
            event.kind,
            parsed.problems()
        );
        assert_eq!(
            parsed.control_id().as_deref(),
            Some(event.control_id.as_str())
        );
        assert_eq!(get(&parsed, "PID-3.4"), "RIVERSIDE");
        assert_eq!(parsed.charset(), "UTF-8");
        let expected = match event.kind {
            "admit" => "ADT A01",
            "register" => "ADT A04",
            "transfer" => "ADT A02",
            "update" => "ADT A08",
            "discharge" => "ADT A03",
            "cancel_discharge" => "ADT A13",
            "cancel_admit" => "ADT A11",
            "merge" => "ADT A40",
            "unmapped" => "RDE O11",
            "order" if parsed.code() == "ORM" => "ORM O01",
            "order" => "OML O21",
            _ => "ORU R01",
        };
        assert_eq!(format!("{} {}", parsed.code(), parsed.trigger()), expected);
    }
}

#[test]
fn a_day_of_twenty_patients_holds_what_was_promised() {
    for seed in 0..12 {
        // Whenever the day begins, it holds the same.
        let options = Options {
            start: start() + SignedDuration::from_hours(i64::try_from(seed).unwrap() * 2),
            ..Options::new(seed, start())
        };
        let events = day(&options);
        let counts = kinds(&events);
        println!("seed {seed}: {} messages, {counts:?}", events.len());
        let count = |kind: &str| counts.get(kind).copied().unwrap_or(0);
        assert!((500..=800).contains(&events.len()), "{}", events.len());
        assert_eq!(count("merge"), 1);
        assert!(count("correction") >= 1);
        assert!(count("withdrawal") >= 1);
        assert!(count("cancel_admit") == 1);
        for kind in [
            "admit",
            "register",
            "transfer",
            "update",
            "order",
            "preliminary",
            "result",
            "vitals",
            "discharge",
            "unmapped",
        ] {
            assert!(count(kind) >= 2, "{kind} {counts:?}");
        }
        assert_eq!(count("cancel_discharge"), 1);
    }
}

#[test]
fn all_patients_come_within_ten_minutes_with_what_is_known_of_them() {
    let options = Options::new(8, start());
    let events = day(&options);
    let soon = start() + SignedDuration::from_mins(10);
    let early: Vec<_> = events
        .iter()
        .filter(|event| event.at <= soon && matches!(event.kind, "admit" | "register"))
        .collect();
    assert_eq!(early.len(), 20);
    let coded = early
        .iter()
        .filter(|event| {
            read(event)
                .segment("AL1")
                .is_some_and(|al1| al1.field(3).text().is_some())
        })
        .count();
    let asked = early
        .iter()
        .filter(|event| read(event).segment("AL1").is_some())
        .count();
    assert!(
        coded >= 8 && asked < 20,
        "{coded} with allergies, {asked} asked"
    );
    assert!(
        early
            .iter()
            .all(|event| read(event).segment("DG1").is_some())
    );
}

#[test]
fn twins_a_father_and_son_and_a_double_registration_are_on_the_ward() {
    let people = people(&day(&Options::new(4, start())));
    let all: Vec<_> = people.values().collect();
    let pairs = |fits: &dyn Fn(&[String; 6], &[String; 6]) -> bool| {
        all.iter()
            .enumerate()
            .flat_map(|(at, a)| all[at + 1..].iter().map(move |b| (a, b)))
            .filter(|(a, b)| fits(a, b))
            .count()
    };
    let twins = pairs(&|a, b| a[0] == b[0] && a[1] != b[1] && a[3] == b[3] && a[4] == b[4]);
    let father_and_son =
        pairs(&|a, b| a[0] == b[0] && a[1] == b[1] && a[2] != b[2] && a[3] != b[3] && a[4] == b[4]);
    let same_human = pairs(&|a, b| {
        a[0] == b[0] && a[1] == b[1] && a[3] == b[3] && a[5] == b[5] && !a[5].is_empty()
    });
    assert_eq!((twins, father_and_son, same_human), (1, 1, 1));
}

#[test]
fn the_merged_record_was_registered_under_a_slightly_different_name_and_has_results() {
    let events = day(&Options::new(6, start()));
    let people = people(&events);
    let merge = read(events.iter().find(|event| event.kind == "merge").unwrap());
    let (stays, goes) = (get(&merge, "PID-3.1"), get(&merge, "MRG-1.1"));
    assert_eq!(people[&stays][3], people[&goes][3]);
    assert_ne!(people[&stays][0], people[&goes][0]);
    assert_eq!(people[&stays][1], people[&goes][1]);
    let before = events.iter().take_while(|event| event.kind != "merge");
    assert!(
        before
            .filter(|event| event.kind == "result" && get(&read(event), "PID-3.1") == goes)
            .count()
            >= 2
    );
    let after = events
        .iter()
        .skip_while(|event| event.kind != "merge")
        .skip(1);
    assert!(
        after
            .into_iter()
            .all(|event| get(&read(event), "PID-3.1") != goes),
        "nothing is sent under the record that went"
    );
}

#[test]
fn a_dangerous_potassium_is_reported_after_half_past_eight_and_creatinine_rises() {
    for seed in 0..8 {
        let options = Options::new(seed, start());
        let mut potassium = Vec::new();
        let mut creatinine: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
        for event in day(&options).iter().filter(|event| event.kind == "result") {
            let parsed = read(event);
            // Results come in another order than the draws, so they are put in the order of the draws.
            let drawn = get(&parsed, "OBR-7").get(..12).unwrap().to_owned();
            for obx in parsed.all("OBX") {
                let value = obx.field(5).text().unwrap().parse::<f64>().unwrap();
                match obx.field(3).component(1).text().as_deref() {
                    Some("2823-3") if value >= 6.2 => {
                        potassium.push((event.at, value, obx.field(8).text().unwrap()))
                    }
                    Some("2160-0") => {
                        creatinine
                            .entry(get(&parsed, "PID-3.1"))
                            .or_default()
                            .insert(drawn.clone(), value);
                    }
                    _ => {}
                }
            }
        }
        let (at, value, flag) = potassium.first().cloned().unwrap();
        let local = at.to_zoned(options.zone.clone());
        assert!(local.hour() == 8 && local.minute() >= 30, "{local}");
        assert!(value < 6.5 && flag == "HH");
        let rises = |draws: &&BTreeMap<String, f64>| {
            let values: Vec<f64> = draws.values().copied().collect();
            values.len() >= 4
                && values.windows(2).all(|pair| pair[1] > pair[0])
                && values[values.len() - 1] - values[0] > 0.5
        };
        assert_eq!(
            creatinine.values().filter(rises).count(),
            1,
            "{creatinine:?}"
        );
    }
}

#[test]
fn a_change_of_clocks_adds_no_round_and_loses_none() {
    for before in ["2026-03-07T12:00:00Z", "2026-10-31T12:00:00Z"] {
        let mut ward = Ward::new(Options::new(1, before.parse().unwrap()));
        let end = before.parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24 * 3);
        let mut rounds = BTreeSet::new();
        loop {
            let event = ward.next_event();
            if event.at >= end {
                break;
            }
            let collected = get(&read(&event), "OBR-7");
            if event.kind == "result"
                && (collected.get(8..12) == Some("0500") || collected.get(8..12) == Some("1600"))
            {
                rounds.insert(collected.get(..12).unwrap().to_owned());
            }
        }
        // The three afternoons and the three mornings; the last morning's results come just before the end.
        assert_eq!(rounds.len(), 6, "{rounds:?}");
    }
}

#[test]
fn a_correction_and_a_withdrawal_name_a_result_that_was_reported_as_final() {
    let events = day(&Options::new(10, start()));
    let mut reported = BTreeSet::new();
    let mut checked = 0;
    for event in &events {
        let parsed = read(event);
        let filler = get(&parsed, "OBR-3.1");
        let status: BTreeSet<String> = parsed
            .all("OBX")
            .filter_map(|obx| obx.field(11).text())
            .collect();
        match event.kind {
            "result" => {
                reported.insert(filler);
            }
            "preliminary" => assert_eq!(status, BTreeSet::from(["P".to_owned()])),
            "correction" => {
                assert!(status.contains("C") && reported.contains(&filler));
                assert!(
                    get(&parsed, "NTE-3").contains("unit & read back"),
                    "the escape is decoded once"
                );
                checked += 1;
            }
            "withdrawal" => {
                assert!(
                    (status.contains("W") || status.contains("D")) && reported.contains(&filler)
                );
                checked += 1;
            }
            _ => {}
        }
    }
    assert!(checked >= 2);
}

#[test]
fn an_update_leaves_fields_empty_and_now_and_then_deletes_one() {
    let mut deleted = 0;
    let mut partial = 0;
    for seed in 0..6 {
        for event in day(&Options::new(seed, start()))
            .iter()
            .filter(|event| event.kind == "update")
        {
            let text = String::from_utf8(event.message.clone()).unwrap();
            deleted += usize::from(text.contains("|\"\"\r"));
            partial += usize::from(get(&read(event), "PID-7").is_empty());
        }
    }
    assert!(deleted >= 1 && partial > deleted, "{deleted} of {partial}");
}

#[test]
fn wards_of_any_size_and_of_several_authorities_live() {
    for patients in [0, 1, 2, 3, 5, 7, 8, 40] {
        let events = day(&Options {
            patients,
            ..Options::new(1, start())
        });
        assert_eq!(kinds(&events)["merge"], 1, "{patients} patients");
    }
    let first = Ward::new(Options::new(1, start())).next_event();
    let second = Ward::new(Options {
        authority: "LAKESIDE".to_owned(),
        ..Options::new(1, start())
    })
    .next_event();
    assert_ne!(first.control_id, second.control_id);
}

#[test]
fn the_ward_stays_as_full_as_it_was_over_a_week() {
    let mut ward = Ward::new(Options::new(2, start()));
    let end = start() + SignedDuration::from_hours(24 * 7);
    while ward.next_event().at < end {}
    let census = ward.inpatients().len();
    assert!((14..=20).contains(&census), "{census}");
}
