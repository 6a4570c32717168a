//! Who may see what, and that every attempt is written down.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::sealed::whoami;
use crate::support::http::{get, request, sign_in};
use crate::support::messages::{QUILL, adt, merge};
use crate::support::mllp::Line;
use crate::support::site::Site;

fn audit(site: &Site, action: &str) -> Vec<Value> {
    site.json(&["audit", "search", "--action", action, "--limit", "1000"])
        .expect(0)
        .lines()
}

#[test]
fn p09_without_signing_in_nothing_is_readable_and_each_attempt_is_in_the_log() {
    let site = Site::new();
    let serve = site.serve();
    let mut line = Line::connect(serve.mllp).unwrap();
    line.send(&adt("A01", "L1", &QUILL)).unwrap();
    line.send(&merge("L2", &QUILL, None)).unwrap();
    site.settle();
    let id = site.find(QUILL.mrn);
    let chart = format!("/patient/{id}");
    let links = format!("/patient/{id}/links");
    let gets = [
        "/",
        "/patients",
        &chart,
        &links,
        "/live",
        "/live/panel",
        "/quarantine",
        "/quarantine/2",
        "/audit",
        "/reason",
        "/metrics",
        "/fhir/Patient",
        "/api/v1/openapi.json",
        "/../etc/passwd",
        "/nothing",
    ];
    let posts = [
        "/patients",
        "/quarantine/2/replay",
        "/quarantine/2/discard",
        "/audit",
        "/audit/verify",
        "/reason",
        "/role",
        "/signout",
    ];
    let attempts = gets
        .iter()
        .map(|path| ("GET", *path))
        .chain(posts.iter().map(|path| ("POST", *path)));
    for (method, path) in attempts.clone() {
        for cookie in [
            "",
            "bedside_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            let answer = request(serve.http, method, path, cookie, "q=quillfeather");
            assert!(
                [303, 401, 403].contains(&answer.status),
                "{method} {path}: {}",
                answer.status
            );
            let text = format!("{}{}", answer.head, answer.body).to_lowercase();
            for secret in QUILL.secrets() {
                assert!(
                    !text.contains(&secret.to_lowercase()),
                    "{method} {path} shows {secret}"
                );
            }
        }
    }
    // Pages and `/fhir` have doors of their own, and each writes down whom it turned away.
    let mut denied = audit(&site, "session.required");
    denied.extend(audit(&site, "fhir.read"));
    assert!(
        denied.len() >= attempts.count() * 2,
        "{} of them",
        denied.len()
    );
    assert!(
        denied
            .iter()
            .all(|row| row["entry"]["outcome"] == "denied" && row["entry"]["role"] == "anonymous")
    );
    assert_eq!(
        site.journal()
            .iter()
            .filter(|line| line["state"] == "parked")
            .count(),
        1,
        "nobody discarded anything"
    );
}

#[test]
fn nobody_is_listened_to_before_signing_in() {
    let site = Site::new();
    let serve = site.serve();
    for path in ["/patients", "/quarantine/1/discard", "/nothing"] {
        // A body is announced and never sent: the answer must not wait for it.
        let mut stream = TcpStream::connect(serve.http).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 1000000000\r\n\r\n",
            serve.http
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"HTTP/1.1 401", "{path}");
    }
    assert_eq!(get(serve.http, "/healthz", "").status, 200);
}

#[test]
fn an_engineer_without_a_reason_sees_no_clinical_content_and_the_attempt_is_in_the_log() {
    let site = Site::new();
    let serve = site.serve();
    let mut line = Line::connect(serve.mllp).unwrap();
    line.send(&adt("A01", "M1", &QUILL)).unwrap();
    line.send(&merge("M2", &QUILL, None)).unwrap();
    site.settle();
    let id = site.find(QUILL.mrn);
    let no_name = |text: &str| assert!(!text.to_lowercase().contains("quillfeather"), "{text}");
    for command in [
        ["patient", "show", &id, "--role", "engineer"],
        ["patient", "find", "quillfeather", "--role", "engineer"],
    ] {
        let ran = site.run(&command).expect(5).says(&["reason"]);
        no_name(&ran.out);
    }
    site.run(&["patient", "show", &id, "--role", "compliance"])
        .expect(5);
    site.run(&["patient", "show", &id, "--role", "application"])
        .expect(5);
    for action in ["patient.read", "patient.find"] {
        let rows = audit(&site, action);
        let denied = |row: &&Value| {
            row["entry"]["outcome"] == "denied" && row["entry"]["role"] == "engineer"
        };
        assert!(rows.iter().any(|row| denied(&row)), "{action}: {rows:?}");
    }
    let read = site
        .run(&[
            "patient",
            "show",
            &id,
            "--role",
            "engineer",
            "--reason",
            "ticket 4711",
        ])
        .expect(0);
    assert!(read.out.to_lowercase().contains("quillfeather"));
    assert!(
        audit(&site, "patient.read")
            .iter()
            .any(|row| row["entry"]["reason"] == "ticket 4711")
    );

    // In the console the same.
    site.run(&["account", "add", "ines", "--role", "engineer"])
        .expect(0);
    let cookie = sign_in(&site, &serve, "ines");
    let live = get(serve.http, "/live", &cookie);
    assert_eq!(live.status, 200);
    no_name(&live.body);
    for path in [
        format!("/patient/{id}"),
        String::from("/patients"),
        String::from("/quarantine/2"),
        String::from("/audit"),
    ] {
        let answer = get(serve.http, &path, &cookie);
        println!("{path}: {}", answer.status);
        no_name(&answer.body);
    }
    let before = audit(&site, "patient.read").len();
    let _ = get(serve.http, &format!("/patient/{id}"), &cookie);
    assert!(audit(&site, "patient.read").len() > before);
    // A clinician reads the chart, and that is in the log with the patient.
    let cookie = sign_in(&site, &serve, &whoami(&site));
    let page = get(serve.http, &format!("/patient/{id}"), &cookie);
    assert_eq!(page.status, 200);
    assert!(page.body.to_lowercase().contains("quillfeather"));
    assert!(page.head.to_lowercase().contains("no-store"));
    let about = site
        .json(&["audit", "search", "--patient", &id, "--limit", "1000"])
        .expect(0)
        .lines();
    assert!(!about.is_empty());
}
