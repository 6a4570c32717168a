//! Files: every unit is counted once, and a second run adds nothing (design D19).

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;

use bedside_core::journal::InputState;
use bedside_gateway::ingest::{Ingest, Progress, Tally};

use crate::support::{Place, adt, bad, with_header};

struct Silent;

impl Progress for Silent {
    fn at(&self, _: u64, _: u64, _: u64) {}
}

async fn run(place: &Place, paths: &[&str]) -> Tally {
    let gateway = place.gateway(&[]).await;
    let ingest = Ingest {
        store: place.store.clone(),
        lanes: gateway.lanes().clone(),
        ctx: place.ctx.clone(),
        source: place.source("ward").await,
        own: Vec::new(),
    };
    let paths: Vec<PathBuf> = paths
        .iter()
        .map(|path| place.folder.path().join(path))
        .collect();
    let tally = ingest.run(paths, Arc::new(Silent)).await.unwrap();
    gateway.stop().await;
    assert_eq!(
        tally.received,
        tally.accepted + tally.duplicates + tally.quarantined,
        "{tally:?}"
    );
    assert_eq!(tally.quarantined, tally.reasons.values().sum::<u64>());
    tally
}

fn patient(id: &str, family: &str) -> String {
    format!(r#"{{"resourceType":"Patient","id":"{id}","name":[{{"family":"{family}"}}]}}"#)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Units: 1 + 4 + 2 + 3 + 1 + 1 = 12, of which a refused line, an unrecognised file, a parked merge and the message behind it are
/// quarantined.
fn mixed_folder(place: &Place) {
    place.write(
        "in/1-single.hl7",
        adt("A01", "1", "100", "Rossi").as_bytes(),
    );
    let batch = [
        String::from("FHS|^~\\&|WARD\rBHS|^~\\&|WARD\r"),
        adt("A08", "2", "100", "Bianchi"),
        bad("3", "100"),
        adt("A08", "4", "100", "Held"),
        with_header("ZZZ^Z01", "5", "", "ZZZ|1\r"),
        String::from("BTS|4\rFTS|1\r"),
    ];
    place.write("in/2-batch.txt", batch.concat().as_bytes());
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"fullUrl":"urn:uuid:0b7a0c7e-4f3a-4b0e-9f0a-0d8f4b7c2a11","resource":{}}},
        {{"resource":{{"resourceType":"Condition","id":"c1","code":{{"text":"asthma"}},"subject":{{"reference":"urn:uuid:0b7a0c7e-4f3a-4b0e-9f0a-0d8f4b7c2a11"}}}}}}]}}"#,
        patient("p1", "Neri")
    );
    place.write("in/sub/3-bundle.json", bundle.as_bytes());
    let lines = format!(
        "{}\n{{\"resourceType\":\"Patient\",\"id\":}}\n{}\n",
        patient("p2", "Gallo"),
        patient("p3", "Fontana")
    );
    place.write("in/sub/4-lines.ndjson", lines.as_bytes());
    place.write("in/5.gz", &gzip(adt("A01", "6", "200", "Verdi").as_bytes()));
    place.write("in/6.bin", b"\x7fELF\x02\x01\x01\0\0");
    place.write("in/7-empty", b"");
    symlink("8-loop", place.folder.path().join("in/8-loop")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p03_every_unit_of_a_mixed_folder_is_counted_once_and_a_second_run_adds_nothing() {
    let place = Place::new().await;
    mixed_folder(&place);
    let first = run(&place, &["in"]).await;
    assert_eq!(
        (
            first.files,
            first.received,
            first.accepted,
            first.duplicates,
            first.quarantined
        ),
        (6, 12, 8, 0, 4),
        "{first:?}"
    );
    assert!(first.resources >= 7, "{first:?}");
    let failed: Vec<String> = first
        .failures
        .iter()
        .map(|failure| {
            failure
                .path
                .file_name()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert_eq!(failed, ["8-loop", "7-empty"]);
    let reasons: Vec<&str> = first.reasons.keys().map(String::as_str).collect();
    assert!(
        reasons.contains(&"behind a parked one") && reasons.contains(&"unrecognised"),
        "{reasons:?}"
    );

    let rows = place.journal().await;
    assert_eq!(rows.len(), 12);
    assert!(rows.iter().all(|row| row.state != InputState::Pending));
    let second = run(&place, &["in"]).await;
    assert_eq!(
        (
            second.received,
            second.accepted,
            second.duplicates,
            second.quarantined
        ),
        (12, 0, 12, 0)
    );
    assert_eq!((second.resources, second.failures.len()), (0, 2));
    assert_eq!(place.journal().await.len(), 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resource_that_comes_again_in_another_file_is_a_duplicate_until_it_changes() {
    let place = Place::new().await;
    place.write(
        "a.ndjson",
        format!("{}\n{}\n", patient("p1", "Neri"), patient("p1", "Neri")).as_bytes(),
    );
    place.write("b.json", patient("p1", "Neri").as_bytes());
    place.write("c.json", patient("p1", "Bruno").as_bytes());
    let tally = run(&place, &["a.ndjson"]).await;
    assert_eq!(
        (
            tally.received,
            tally.accepted,
            tally.duplicates,
            tally.resources
        ),
        (2, 1, 1, 1)
    );
    let tally = run(&place, &["b.json"]).await;
    assert_eq!(
        (tally.received, tally.accepted, tally.duplicates),
        (1, 0, 1)
    );
    let tally = run(&place, &["c.json"]).await;
    assert_eq!((tally.accepted, tally.resources), (1, 1));
    // A return to an older value is news (design D19).
    place.write("d.json", format!(" {}", patient("p1", "Neri")).as_bytes());
    let tally = run(&place, &["d.json"]).await;
    assert_eq!((tally.accepted, tally.duplicates), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p03_a_broken_archive_is_named_and_what_was_read_of_it_is_kept() {
    let place = Place::new().await;
    let messages: String = (0..50)
        .map(|n| adt("A08", &n.to_string(), &n.to_string(), "Rossi"))
        .collect();
    let whole = gzip(messages.as_bytes());
    place.write("cut.gz", &whole[..whole.len() - 40]);
    place.write("good.hl7", adt("A08", "x", "900", "Verdi").as_bytes());
    let tally = run(&place, &["cut.gz", "good.hl7", "missing"]).await;
    assert_eq!(tally.files, 1);
    assert_eq!(tally.failures.len(), 2);
    assert!(place.patient("900").await.is_some());
    let again = run(&place, &["cut.gz"]).await;
    assert_eq!((again.accepted, again.quarantined), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fails_ends_the_run_with_its_error() {
    let place = Place::new().await;
    place.write("one.hl7", adt("A08", "1", "100", "Rossi").as_bytes());
    let gateway = place.gateway(&[]).await;
    let source = place.source("ward").await;
    place.faults.fail_writes(true);
    let ingest = Ingest {
        store: place.store.clone(),
        lanes: gateway.lanes().clone(),
        ctx: place.ctx.clone(),
        source,
        own: Vec::new(),
    };
    let result = ingest
        .run(vec![place.folder.path().join("one.hl7")], Arc::new(Silent))
        .await;
    assert!(matches!(result, Err(bedside_gateway::Error::Store(_))));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_in_json_is_named_by_its_place_in_the_file() {
    let place = Place::new().await;
    let good = patient("p1", "Neri");
    let broken = r#"{"resourceType":"Patient","id":"p2","id":"p3"}"#;
    place.write("a.ndjson", format!("{good}\n{broken}\n").as_bytes());
    let deep = format!(
        r#"{{"resourceType":"Patient","id":"p4","extension":{}1{}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    place.write(
        "b.json",
        format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"resource":{good}}},{{"resource":{deep}}}]}}"#)
            .as_bytes(),
    );
    let tally = run(&place, &["a.ndjson", "b.json"]).await;
    let reasons: Vec<(&str, usize)> = tally
        .reasons
        .keys()
        .filter_map(|reason| reason.split_once(" at byte "))
        .map(|(code, place)| (code, place.parse().unwrap()))
        .collect();
    let [("duplicate_member", again), ("too_deep", nested)] = reasons.as_slice() else {
        panic!("{reasons:?}");
    };
    let second = good.len() + 1 + broken.rfind("\"id\"").unwrap();
    assert!((second..second + 4).contains(again), "{again} {second}");
    let file = std::fs::read_to_string(place.folder.path().join("b.json")).unwrap();
    let opening = file.find("[[[[").unwrap();
    assert!(
        (opening + 90..opening + 110).contains(nested),
        "{nested} {opening}"
    );
}
