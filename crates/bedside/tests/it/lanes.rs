//! Order per patient, effects once, and what happens behind a message that can't be applied.

use serde_json::Value;

use crate::support::messages::{MUNOZ, OKONKWO, Person, QUILL, adt, merge, oru};
use crate::support::mllp::Line;
use crate::support::site::Site;

fn line_of<'a>(journal: &'a [Value], control: &str) -> &'a Value {
    let all: Vec<&Value> = journal
        .iter()
        .filter(|line| line["control_id"] == control)
        .collect();
    assert_eq!(all.len(), 1, "{control}: {all:?}");
    all[0]
}

fn observations(site: &Site, person: &Person) -> usize {
    let id = site.find(person.mrn);
    let bundle = site
        .run(&["patient", "show", &id, "--format", "fhir"])
        .expect(0)
        .document();
    bundle["entry"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["resource"]["resourceType"] == "Observation")
        .count()
}

#[test]
fn p02_a_message_sent_again_changes_nothing_even_after_a_restart() {
    let site = Site::new();
    let serve = site.serve();
    let mut line = Line::connect(serve.mllp).unwrap();
    let result = oru("G2", &QUILL, 5);
    assert_eq!(line.send(&adt("A01", "G1", &QUILL)).unwrap().code, "AA");
    for _ in 0..3 {
        // A resent message is answered as it was the first time.
        let answer = line.send(&result).unwrap();
        assert_eq!(
            (answer.code.as_str(), answer.control_id.as_str()),
            ("AA", "G2")
        );
    }
    site.settle();
    assert_eq!(site.journal().len(), 2);
    assert_eq!(observations(&site, &QUILL), 1);
    assert_eq!(serve.stop().0, Some(0));

    let serve = site.serve();
    let mut line = Line::connect(serve.mllp).unwrap();
    assert_eq!(line.send(&result).unwrap().code, "AA");
    // Its control id with other bytes is another message.
    let mut other = result.clone();
    other.extend_from_slice(b"NTE|1||seen again\r");
    assert_eq!(line.send(&other).unwrap().code, "AA");
    site.settle();
    let journal = site.journal();
    assert_eq!(
        journal
            .iter()
            .filter(|line| line["control_id"] == "G2")
            .count(),
        2,
        "{journal:?}"
    );
    assert_eq!(journal.len(), 3);
    assert_eq!(observations(&site, &QUILL), 1);
}

#[test]
fn p07_a_chart_reads_as_it_was_known_at_any_moment() {
    let site = Site::new();
    let serve = site.serve();
    let mut line = Line::connect(serve.mllp).unwrap();
    line.send(&adt("A01", "S1", &QUILL)).unwrap();
    line.send(&oru("S2", &QUILL, 1)).unwrap();
    site.settle();
    // The second result is received when the first one has been applied.
    line.send(&oru("S3", &QUILL, 2)).unwrap();
    site.settle();
    let id = site.find(QUILL.mrn);
    let journal = site.journal();
    let received = line_of(&journal, "S3")["received_at"].as_str().unwrap();
    let potassium = |args: &[&str]| {
        let all = [&["patient", "show", &id], args].concat();
        let chart = site.json(&all).expect(0).document();
        chart["facts"]["labs"]["items"][0]["value"].clone()
    };
    assert_eq!(potassium(&[]), "5.2");
    assert_eq!(potassium(&["--as-of", received]), "4.1");
    let page = site
        .run(&["patient", "show", &id, "--as-of", received])
        .expect(0)
        .out;
    assert!(
        page.to_lowercase().contains("as of"),
        "the past is marked: {page}"
    );
    // Before anything was received there was nobody.
    let first = line_of(&journal, "S1")["received_at"].as_str().unwrap();
    site.json(&["patient", "show", &id, "--as-of", first])
        .expect(1)
        .says(&["nothing was known under this id at that time"]);
    assert_eq!(serve.stop().0, Some(0));
}

#[test]
fn p04_a_parked_merge_closes_one_patients_lane_and_no_other() {
    let site = Site::new();
    let serve = site.serve();
    let mut line = Line::connect(serve.mllp).unwrap();
    for (control, person) in [("H1", &QUILL), ("H2", &OKONKWO)] {
        assert_eq!(line.send(&adt("A01", control, person)).unwrap().code, "AA");
    }
    // A merge that does not say who goes can't be applied.
    line.send(&merge("H3", &QUILL, None)).unwrap();
    line.send(&adt("A08", "H4", &QUILL)).unwrap();
    line.send(&oru("H5", &QUILL, 6)).unwrap();
    line.send(&oru("H6", &OKONKWO, 7)).unwrap();
    site.settle();
    let journal = site.journal();
    let parked = line_of(&journal, "H3");
    assert_eq!(parked["state"], "parked");
    assert!(!parked["reason"].as_str().unwrap().is_empty());
    let behind = format!("behind {}", parked["seq"]);
    for control in ["H4", "H5"] {
        let held = line_of(&journal, control);
        assert_eq!(
            (&held["state"], held["reason"].as_str().unwrap()),
            (&"held".into(), behind.as_str())
        );
    }
    assert_eq!(line_of(&journal, "H6")["state"], "applied");

    let listed = site.json(&["quarantine", "list"]).expect(0).lines();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0]["seq"], &listed[0]["held_behind"]),
        (&parked["seq"], &2.into())
    );
    assert!(!listed[0]["owner"].as_str().unwrap().is_empty());
    // The reader of the chart is told that something is held back.
    let chart = site
        .json(&["patient", "show", &site.find(QUILL.mrn)])
        .expect(0)
        .document();
    assert!(
        !chart["caveats"].as_array().unwrap().is_empty(),
        "no caveat for held messages: {chart}"
    );

    // Trying again does not help, and says so.
    let seq = parked["seq"].to_string();
    site.json(&["quarantine", "replay", &seq]).expect(1);
    assert_eq!(line_of(&site.journal(), "H4")["state"], "held");
    // It stays so over a restart.
    assert_eq!(serve.stop().0, Some(0));
    let serve = site.serve();
    site.settle();
    assert_eq!(line_of(&site.journal(), "H5")["state"], "held");

    // Given up by a person, with a reason: the lane opens.
    site.json(&[
        "quarantine",
        "discard",
        &seq,
        "--reason",
        "sent by mistake, the vendor resends it",
    ])
    .expect(0);
    let journal = site.journal();
    assert_eq!(line_of(&journal, "H3")["state"], "noop");
    for control in ["H4", "H5"] {
        let state = line_of(&journal, control)["state"].clone();
        assert!(state == "applied" || state == "noop", "{control}: {state}");
    }
    assert_eq!(observations(&site, &QUILL), 1);
    assert!(
        site.json(&["quarantine", "list"])
            .expect(0)
            .lines()
            .is_empty()
    );
    site.json(&["quarantine", "discard", &seq, "--reason", "again"])
        .expect(1);
    assert_eq!(serve.stop().0, Some(0));
}

#[test]
fn p04_a_merge_moves_the_record_and_later_messages_under_the_old_number_follow() {
    let site = Site::new();
    let serve = site.serve();
    let mut line = Line::connect(serve.mllp).unwrap();
    let old = Person {
        mrn: "7741909999",
        given: "Zebediahh",
        ..QUILL
    };
    line.send(&adt("A01", "I1", &QUILL)).unwrap();
    line.send(&adt("A04", "I2", &old)).unwrap();
    line.send(&oru("I3", &old, 8)).unwrap();
    line.send(&oru("I4", &MUNOZ, 9)).unwrap();
    line.send(&merge("I5", &QUILL, Some(old.mrn))).unwrap();
    line.send(&oru("I6", &old, 10)).unwrap();
    site.settle();
    let journal = site.journal();
    for control in ["I1", "I2", "I3", "I5", "I6"] {
        assert_eq!(line_of(&journal, control)["state"], "applied", "{control}");
    }
    assert_eq!(observations(&site, &QUILL), 2);
    assert_eq!(
        site.find(QUILL.mrn),
        site.find(old.mrn),
        "two numbers, one person"
    );
    assert_eq!(observations(&site, &MUNOZ), 1);
    assert_eq!(serve.stop().0, Some(0));
}
