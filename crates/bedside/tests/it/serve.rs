//! The running program: ready line, control socket, stopping.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::support::http;
use crate::support::messages::{MUNOZ, QUILL, adt};
use crate::support::mllp::Line;
use crate::support::site::Site;

#[test]
fn commands_go_through_the_running_program_and_sigterm_stops_it_in_time() {
    let site = Site::new();
    let serve = site.serve();
    assert_eq!(serve.ready["ready"], true);
    assert_eq!(serve.ready["sources"][0]["source"], "adt");
    assert!(serve.http.ip().is_loopback() && serve.mllp.ip().is_loopback());
    assert_eq!(http::get(serve.http, "/healthz", "").status, 200);
    assert_eq!(http::get(serve.http, "/readyz", "").status, 200);

    let socket = site.data().join("control.sock");
    assert_eq!(
        fs::metadata(&socket).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let inputs = tempfile::tempdir().unwrap();
    let file = inputs.path().join("a.hl7");
    fs::write(&file, adt("A01", "C1", &QUILL)).unwrap();
    assert_eq!(
        site.ingest(&file, "archive").expect(0).document()["accepted"],
        1
    );
    site.find("quillfeather");

    // Idle, in the middle of a frame, and with an answer that nobody fetches: none of them holds it up.
    let _idle = Line::connect(serve.mllp).unwrap();
    let mut half = Line::connect(serve.mllp).unwrap();
    half.raw(b"\x0bMSH|^~\\&|EHR").unwrap();
    let mut line = Line::connect(serve.mllp).unwrap();
    assert_eq!(line.send(&adt("A01", "C2", &MUNOZ)).unwrap().code, "AA");
    let (status, took) = serve.stop();
    assert_eq!(
        status,
        Some(0),
        "{}",
        fs::read_to_string(site.log()).unwrap()
    );
    assert!(took < Duration::from_secs(10), "it took {took:?}");
    assert!(!socket.exists());

    // What was acknowledged is there when nobody serves any more.
    assert!(site.journal().iter().any(|line| line["control_id"] == "C2"));
    site.verify().expect(0);
}

#[test]
fn the_live_demo_lets_its_user_in_and_shows_the_ward() {
    let site = Site::new();
    let demo = site.launch(&[
        "--json",
        "demo",
        "--patients",
        "4",
        "--seed",
        "3",
        "--http",
        "127.0.0.1:0",
        "--mllp",
        "127.0.0.1:0",
    ]);
    let link = demo.ready["sign_in"].as_str().unwrap();
    let path = &link[link.find("/signin/").unwrap()..];
    // Looking at the link does not use it up, as a mail scanner would.
    assert_eq!(http::get(demo.http, path, "").status, 200);
    let cookie = http::request(demo.http, "POST", path, "", "")
        .cookie()
        .unwrap();
    let started = std::time::Instant::now();
    loop {
        let page = http::get(demo.http, "/patients", &cookie);
        assert_eq!(page.status, 200, "{}", page.body);
        if page.body.matches("href=\"/patient/").count() >= 4 {
            break;
        }
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "no patients: {}",
            page.body
        );
    }
    // In the middle of the ward's day.
    let (status, took) = demo.stop();
    assert_eq!(
        status,
        Some(0),
        "{}",
        fs::read_to_string(site.log()).unwrap()
    );
    assert!(took < Duration::from_secs(10), "it took {took:?}");
    site.verify().expect(0);
}

#[test]
fn the_memory_of_a_run_does_not_grow_with_the_input() {
    let site = Site::new();
    let serve = site.serve();
    let inputs = tempfile::tempdir().unwrap();
    let file = inputs.path().join("large.ndjson.gz");
    let unpacked = large_file(&file, 60 * 1024 * 1024);
    let tally = site.ingest(&file, "archive").expect(0).document();
    assert_eq!(tally["accepted"], tally["received"]);
    let peak = serve.peak_kib() / 1024;
    println!(
        "{} MiB unpacked, peak of {peak} MiB, {} s",
        unpacked / 1024 / 1024,
        tally["seconds"]
    );
    assert!(peak < 400, "peak of {peak} MiB");
    assert_eq!(serve.stop().0, Some(0));
}

/// Observations with a long note each, so that it is the bytes that count and not the commits.
fn large_file(path: &std::path::Path, size: usize) -> usize {
    use std::io::Write;
    let mut out =
        flate2::write::GzEncoder::new(fs::File::create(path).unwrap(), flate2::Compression::fast());
    let note = "The patient rested comfortably; nothing remarkable was seen. ".repeat(1_000);
    let mut written = 0;
    let mut n = 0;
    while written < size {
        let line = format!(
            r#"{{"resourceType":"Observation","id":"o{n}","status":"final","code":{{"text":"note"}},"subject":{{"reference":"Patient/p{}"}},"note":[{{"text":"{note}"}}]}}"#,
            n % 7
        );
        out.write_all(line.as_bytes()).unwrap();
        out.write_all(b"\n").unwrap();
        written += line.len() + 1;
        n += 1;
    }
    out.finish().unwrap();
    written
}
