//! While the audit log can't be written: clinicians read on through the second sink, everything else is refused, and
//! everybody can see it.

use std::fs;
use std::time::{Duration, Instant};

use crate::sealed::whoami;
use crate::support::http;
use crate::support::messages::{QUILL, adt, oru};
use crate::support::mllp::Line;
use crate::support::site::Site;

/// How the alarm stands on a page.
const ALARM: &str = "The audit log can't be written";

#[test]
fn p09_without_a_writable_log_clinicians_read_on_and_exports_are_refused() {
    let site = Site::new();
    let serve = site.serve();
    let mut line = Line::connect(serve.mllp).unwrap();
    line.send(&adt("A01", "K1", &QUILL)).unwrap();
    line.send(&oru("K2", &QUILL, 1)).unwrap();
    site.settle();
    let id = site.find(QUILL.mrn);
    let cookie = http::sign_in(&site, &serve, &whoami(&site));
    assert!(
        !http::get(serve.http, "/patients", &cookie)
            .body
            .contains(ALARM)
    );
    let export = [
        "patient",
        "show",
        &id,
        "--format",
        "fhir",
        "--role",
        "engineer",
        "--reason",
        "moving to another system",
    ];
    site.run(&export).expect(0);
    // How long it takes to start the program and to ask, which a refusal takes too.
    let start = site.run(&["journal", "list"]).expect(0).took;
    let before = site.verify().expect(0).document()["entries"]
        .as_u64()
        .unwrap();

    let lock = rusqlite::Connection::open(site.data().join("bedside.db")).unwrap();
    lock.busy_timeout(Duration::from_secs(10)).unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();

    site.find("quillfeather");
    let chart = site.json(&["patient", "show", &id]).expect(0).document();
    assert_eq!(
        chart["facts"]["labs"]["state"]
            .as_str()
            .map(|state| state != "unknown"),
        Some(true)
    );
    let refusals: Vec<Duration> = (0..3)
        .map(|_| {
            let refused = site.run(&export).expect(4);
            assert!(refused.out.is_empty(), "nothing leaves: {}", refused.out);
            refused.took
        })
        .collect();
    // The quickest counts: on a busy machine the others say more about the machine.
    println!("start of the program {start:?}, refusals {refusals:?}");
    assert!(
        refusals.iter().min().unwrap() < &(start + Duration::from_secs(1)),
        "{refusals:?}"
    );
    assert_eq!(http::get(serve.http, "/readyz", "").status, 503);
    assert!(
        http::get(serve.http, "/patients", &cookie)
            .body
            .contains(ALARM),
        "the alarm is on the page"
    );
    assert!(fs::read_dir(site.spool()).unwrap().count() > 0);
    // Nothing is acknowledged that can't be stored.
    let mut other = Line::connect(serve.mllp).unwrap();
    match other.send(&oru("K3", &QUILL, 2)) {
        Ok(answer) => assert_ne!(answer.code, "AA"),
        Err(error) => println!("no answer: {}", error.kind()),
    }

    lock.execute_batch("ROLLBACK").unwrap();
    drop(lock);
    let released = Instant::now();
    while http::get(serve.http, "/readyz", "").status != 200 || spooled(&site) {
        assert!(
            released.elapsed() < Duration::from_secs(30),
            "it does not recover"
        );
    }
    // The sender sends it again, and now it is taken.
    let mut other = Line::connect(serve.mllp).unwrap();
    assert_eq!(other.send(&oru("K3", &QUILL, 2)).unwrap().code, "AA");
    assert!(
        !http::get(serve.http, "/patients", &cookie)
            .body
            .contains(ALARM)
    );
    let verified = site.verify().expect(0).document();
    assert_eq!(verified["ok"], true);
    assert!(verified["entries"].as_u64().unwrap() > before);
    let late: Vec<_> = site
        .json(&["audit", "search", "--limit", "1000"])
        .expect(0)
        .lines()
        .into_iter()
        .filter(|row| row["entry"]["late_from"].is_string())
        .collect();
    for action in ["patient.find", "patient.read"] {
        assert!(
            late.iter().any(|row| row["entry"]["action"] == action),
            "no late {action} in {late:?}"
        );
    }
    assert!(
        late.iter()
            .all(|row| row["entry"]["happened_at"].is_string())
    );
    assert_eq!(serve.stop().0, Some(0));
}

fn spooled(site: &Site) -> bool {
    fs::read_dir(site.spool()).unwrap().any(|entry| {
        entry
            .unwrap()
            .path()
            .extension()
            .is_some_and(|ending| ending == "log")
    })
}
