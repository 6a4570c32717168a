//! No patient's name, number, birth date or street lies around in clear, in any dress.

use std::collections::BTreeSet;
use std::fs;

use bedside_sim::ward::{Options, Ward};
use jiff::{SignedDuration, Timestamp};

use crate::support::http;
use crate::support::messages::{
    MUNOZ, OKONKWO, PEOPLE, QUILL, adt, fhir_observation, fhir_patient, merge, oru,
};
use crate::support::mllp::{Line, framed};
use crate::support::needles::Needles;
use crate::support::site::Site;

/// A few nanoseconds of a log's time stamps would pass for a number of six digits now and then.
fn without_times(log: &str) -> String {
    log.lines()
        .map(|line| line.split_once(' ').map_or(line, |(_, rest)| rest))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn p10_nothing_that_identifies_a_patient_is_readable_on_disk_in_logs_or_in_metrics() {
    let site = Site::new();
    let inputs = tempfile::tempdir().unwrap();
    fs::write(
        inputs.path().join("a.hl7"),
        [adt("A01", "J1", &QUILL), oru("J2", &QUILL, 1)].concat(),
    )
    .unwrap();
    fs::write(
        inputs.path().join("b.ndjson"),
        format!(
            "{}\n{}\n",
            fhir_patient("p", &OKONKWO),
            fhir_observation("o", "p", "4.0")
        ),
    )
    .unwrap();
    let torn = fhir_patient("q", &MUNOZ);
    fs::write(inputs.path().join("c.json"), &torn[..torn.len() - 9]).unwrap();

    let serve = site.serve_logging("trace");
    let ingested = site
        .run(&[
            "--log",
            "trace",
            "ingest",
            inputs.path().to_str().unwrap(),
            "--source",
            "archive",
        ])
        .expect(1);
    let mut line = Line::connect(serve.mllp).unwrap();
    line.send(&adt("A01", "J3", &MUNOZ)).unwrap();
    line.send(&merge("J4", &MUNOZ, None)).unwrap();
    line.send(&oru("J5", &MUNOZ, 2)).unwrap();
    let mut partial = Line::connect(serve.mllp).unwrap();
    partial
        .raw(&framed(&adt("A08", "J6", &OKONKWO))[..200])
        .unwrap();
    partial.end();
    site.settle();

    // Reads, refusals and searches, with the search's words and a reason that holds a name.
    let id = site.find("quillfeather");
    site.run(&["patient", "show", &id]).expect(0);
    site.run(&[
        "patient",
        "show",
        &id,
        "--role",
        "engineer",
        "--reason",
        "call of Mr Quillfeather",
    ])
    .expect(0);
    let user = whoami(&site);
    let cookie = http::sign_in(&site, &serve, &user);
    let _ = http::get(
        serve.http,
        &format!("/patient/{id}?q=Quillfeather"),
        &cookie,
    );
    let _ = http::get(serve.http, "/Zebediah-Quillfeather", "");
    site.run(&["account", "add", "ines", "--role", "engineer"])
        .expect(0);
    let metrics = http::get(
        serve.http,
        "/metrics",
        &http::sign_in(&site, &serve, "ines"),
    );
    assert_eq!(metrics.status, 200, "{}", metrics.body);
    assert!(
        metrics.body.contains("bedside_patients"),
        "{}",
        metrics.body
    );

    // With the log locked the second sink fills.
    let lock = rusqlite::Connection::open(site.data().join("bedside.db")).unwrap();
    lock.busy_timeout(std::time::Duration::from_secs(10))
        .unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    site.find("okonkwo");
    assert!(
        fs::read_dir(site.spool()).unwrap().count() > 0,
        "the second sink is in use"
    );

    let secrets: Vec<String> = PEOPLE.iter().flat_map(|person| person.secrets()).collect();
    let needles = Needles::of(secrets.iter().map(String::as_str));
    let (mut found, size) = needles.found_below(site.path());
    // Again after a crash, when the write-ahead log still holds everything.
    drop(lock);
    serve.kill();
    found.extend(needles.found_below(site.path()).0);
    found.extend(needles.found(metrics.body.as_bytes()));
    found.extend(needles.found(ingested.err.as_bytes()));
    println!("{} needles in {size} bytes", needles.len());
    assert!(size > 100_000);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn p10_the_demos_people_are_not_readable_either() {
    let folder = tempfile::tempdir().unwrap();
    let ran = crate::support::site::bedside(
        folder.path(),
        &[
            "--log",
            "trace",
            "--data",
            "data",
            "--json",
            "demo",
            "--once",
            "--patients",
            "8",
            "--seed",
            "5",
        ],
    )
    .expect(0);
    // The simulator is the other system: it can say who was on the ward that day.
    let zone = jiff::tz::TimeZone::get("America/Chicago").unwrap();
    let day_ago = now()
        .saturating_sub(SignedDuration::from_hours(24))
        .unwrap();
    let start = day_ago.to_zoned(zone).start_of_day().unwrap().timestamp();
    let mut ward = Ward::new(Options {
        patients: 8,
        ..Options::new(5, start)
    });
    let mut secrets: BTreeSet<String> = BTreeSet::new();
    let mut families: BTreeSet<String> = BTreeSet::new();
    loop {
        let event = ward.next_event();
        if event.at
            > start
                .saturating_add(SignedDuration::from_hours(24))
                .unwrap()
        {
            break;
        }
        let text = String::from_utf8(event.message).unwrap();
        let Some(pid) = text.split('\r').find(|segment| segment.starts_with("PID|")) else {
            continue;
        };
        let field = |n: usize, component: usize| {
            pid.split('|')
                .nth(n)
                .and_then(|field| field.split('^').nth(component))
                .unwrap_or_default()
                .to_owned()
        };
        secrets.insert(field(3, 0));
        families.insert(field(5, 0));
        secrets.insert(format!("{}^{}", field(5, 0), field(5, 1)));
        secrets.insert(field(11, 0));
        let born = field(7, 0);
        if born.len() >= 8 {
            secrets.insert(born[..8].to_owned());
            secrets.insert(format!("{}-{}-{}", &born[..4], &born[4..6], &born[6..8]));
        }
        secrets.insert(field(19, 0));
    }
    assert!(families.len() >= 6, "{families:?}");
    // They were really there.
    let family = families.iter().next().unwrap();
    crate::support::site::bedside(
        folder.path(),
        &["--data", "data", "patient", "find", family],
    )
    .expect(0);

    // The program's own words could be a name in small letters; as it is written in a record it could not.
    let needles = Needles::of(
        secrets
            .iter()
            .chain(families.iter().filter(|name| name.len() > 5))
            .map(String::as_str),
    );
    let (mut found, size) = needles.found_below(folder.path());
    found.extend(
        needles
            .found(without_times(&ran.err).as_bytes())
            .into_iter()
            .map(|what| format!("log: {what}")),
    );
    println!(
        "{} needles in {size} bytes and {} bytes of log",
        needles.len(),
        ran.err.len()
    );
    assert!(found.is_empty(), "{found:#?}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "the demo's day is the wall clock's yesterday"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

/// The account of whoever runs the tests.
pub(crate) fn whoami(site: &Site) -> String {
    let accounts = site.json(&["account", "list"]).expect(0).lines();
    // The first account is theirs and has all the roles of a person.
    let first = accounts
        .iter()
        .find(|account| account["roles"].as_array().unwrap().len() == 3)
        .unwrap();
    first["name"].as_str().unwrap().to_owned()
}
