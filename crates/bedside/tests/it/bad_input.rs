//! Files that nobody should have sent: parked with a reason, or named in a clear error, and the rest goes on.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::Value;

use crate::support::messages::{MUNOZ, OKONKWO, QUILL, adt, fhir_patient, oru};
use crate::support::site::{Site, permissions_bind};
use crate::support::skipped;

/// Ingests one file into a site of its own source, and gives its tally and the reasons of what was parked.
fn ingest(site: &Site, folder: &Path, name: &str, bytes: &[u8]) -> (Value, Vec<String>) {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    // Each file is a source of its own, so that what was parked of it can be told.
    let source = name;
    let ran = site.ingest(&path, source);
    assert!(
        ran.status == 0 || ran.status == 1,
        "{name}: {} {}",
        ran.status,
        ran.err
    );
    assert!(
        !ran.err.contains("panicked") && !ran.err.contains("unexpectedly"),
        "{name}: {}",
        ran.err
    );
    let tally = ran.document();
    let count = |key: &str| tally[key].as_u64().unwrap();
    assert_eq!(
        count("received"),
        count("accepted") + count("duplicates") + count("quarantined"),
        "{name}: {tally}"
    );
    assert_eq!(ran.status == 1, count("quarantined") > 0, "{name}: {tally}");
    let parked = site
        .json(&["quarantine", "list"])
        .expect(0)
        .lines()
        .into_iter()
        .filter(|one| one["source"] == source)
        .map(|one| {
            assert!(!one["owner"].as_str().unwrap().is_empty(), "{one}");
            one["reason"].as_str().unwrap().to_owned()
        })
        .collect();
    (tally, parked)
}

#[test]
fn p03_what_cannot_be_read_is_parked_with_a_reason() {
    let site = Site::new();
    // One program for all of it: a crash would show in the next command.
    let serve = site.serve();
    let folder = tempfile::tempdir().unwrap();
    let nested = format!(
        "{{\"resourceType\":\"Basic\",\"extension\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let duplicate = r#"{"resourceType":"Patient","id":"d","gender":"male","gender":"female"}"#;
    let good = fhir_patient("g", &OKONKWO);
    let cases: BTreeMap<&str, (Vec<u8>, u64)> = BTreeMap::from([
        ("deep.json", (nested.into_bytes(), 1)),
        ("twice.json", (duplicate.as_bytes().to_vec(), 1)),
        ("nul.bin", (vec![0; 64], 1)),
        ("nul.json", (b"{\"resourceType\":\"Patient\",\"id\":\"a\0b\"}".to_vec(), 1)),
        ("latin.json", (b"{\"resourceType\":\"Patient\",\"id\":\"l\",\"name\":[{\"family\":\"M\xfcller\"}]}".to_vec(), 1)),
        ("noise.txt", (b"Dear colleague, please find enclosed".to_vec(), 1)),
        ("array.json", (format!("[{good}]").into_bytes(), 1)),
        ("untyped.json", (b"{\"id\":\"a\"}".to_vec(), 1)),
        ("cut.json", (good.as_bytes()[..good.len() / 2].to_vec(), 1)),
        ("delimiters.hl7", (b"MSH|||||EHR|HARBOUR|BEDSIDE|SITE|2026||ADT^A01|X1|P|2.5.1\rPID|1\r".to_vec(), 1)),
        ("header.hl7", (b"MSH|\r".to_vec(), 1)),
    ]);
    for (name, (bytes, expected)) in cases {
        let (tally, parked) = ingest(&site, folder.path(), name, &bytes);
        assert_eq!(tally["quarantined"], expected, "{name}: {tally} {parked:?}");
        assert_eq!(
            parked.len(),
            usize::try_from(expected).unwrap(),
            "{name}: {parked:?}"
        );
        for reason in &parked {
            assert!(!reason.is_empty(), "{name}");
            println!("{name}: {reason}");
        }
        assert_eq!(tally["accepted"], 0, "{name}: {tally}");
    }
    // Their bytes are kept exactly, for an engineer with a reason.
    let first = &site.json(&["quarantine", "list"]).expect(0).lines()[0];
    let seq = first["seq"].to_string();
    site.json(&["quarantine", "show", &seq])
        .expect(5)
        .says(&["reason"]);
    site.json(&["quarantine", "show", &seq, "--reason", "the vendor asks"])
        .expect(0)
        .document();
    site.verify().expect(0);
    assert_eq!(serve.stop().0, Some(0));
}

#[test]
fn p03_one_broken_entry_does_not_spoil_its_bundle() {
    let site = Site::new();
    let folder = tempfile::tempdir().unwrap();
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"resource":{}}},{{"resource":17}},{{"resource":{{"id":"untyped"}}}},{{"resource":{{"resourceType":"Patient","id":"d","id":"e"}}}},{{"resource":{}}}]}}"#,
        fhir_patient("one", &QUILL),
        fhir_patient("two", &OKONKWO),
    );
    let (tally, parked) = ingest(&site, folder.path(), "bundle.json", bundle.as_bytes());
    assert_eq!(
        (&tally["accepted"], &tally["quarantined"]),
        (&2.into(), &3.into()),
        "{tally} {parked:?}"
    );
    assert!(parked.iter().all(|reason| !reason.is_empty()), "{parked:?}");
    site.find("quillfeather");
    site.find("okonkwo");

    // A line of NDJSON that can't be read costs that line.
    let lines = format!(
        "{}\n{{\"resourceType\":\"Patient\",\n{}\n",
        fhir_patient("three", &MUNOZ),
        fhir_patient("four", &MUNOZ)
    );
    let (tally, parked) = ingest(&site, folder.path(), "lines.ndjson", lines.as_bytes());
    assert_eq!(
        (&tally["accepted"], &tally["quarantined"]),
        (&2.into(), &1.into()),
        "{tally} {parked:?}"
    );
}

#[test]
fn odd_but_readable_messages_are_accepted() {
    let site = Site::new();
    let folder = tempfile::tempdir().unwrap();
    let text = String::from_utf8(adt("A01", "D1", &OKONKWO)).unwrap();
    // Other delimiters, LF for CR, a wire capture, an unknown character set.
    let other = text.replace('^', "@").replace('|', "#");
    let (tally, parked) = ingest(&site, folder.path(), "other.hl7", other.as_bytes());
    assert_eq!(tally["accepted"], 1, "{parked:?}");
    let (tally, parked) = ingest(
        &site,
        folder.path(),
        "unix.hl7",
        text.replace('\r', "\n").as_bytes(),
    );
    assert_eq!(tally["accepted"], 1, "{parked:?}");
    let captured = [
        b"\x0b",
        text.as_bytes(),
        b"\x1c\r\x0b",
        &oru("D2", &OKONKWO, 3)[..],
        b"\x1c\r",
    ]
    .concat();
    let (tally, parked) = ingest(&site, folder.path(), "capture.hl7", &captured);
    assert_eq!(tally["accepted"], 2, "{parked:?}");
    let unknown = text
        .replace("UNICODE UTF-8", "KLINGON-7")
        .replace("|D1|", "|D3|");
    let (tally, parked) = ingest(&site, folder.path(), "charset.hl7", unknown.as_bytes());
    assert_eq!(
        tally["received"], 1,
        "an unknown character set is taken or parked: {parked:?}"
    );
    // A message cut in the middle of a segment still says who it is about.
    let cut = &text.as_bytes()[..text.len() - 30];
    let (tally, _) = ingest(&site, folder.path(), "cut.hl7", cut);
    assert_eq!(tally["received"], 1);
}

#[test]
fn files_that_cannot_be_opened_are_named_and_the_rest_goes_on() {
    let site = Site::new();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("ward/locked")).unwrap();
    fs::write(root.join("ward/good.hl7"), adt("A01", "E1", &QUILL)).unwrap();
    fs::write(
        root.join("ward/locked/hidden.hl7"),
        adt("A01", "E2", &MUNOZ),
    )
    .unwrap();
    fs::write(root.join("ward/empty.hl7"), b"").unwrap();
    fs::write(
        root.join("ward/broken.json.gz"),
        [0x1f, 0x8b, 8, 0, 1, 2, 3],
    )
    .unwrap();
    symlink(".", root.join("ward/up")).unwrap();
    symlink("self.hl7", root.join("ward/self.hl7")).unwrap();
    symlink("nowhere", root.join("ward/dangling")).unwrap();
    fs::write(root.join("last.hl7"), adt("A01", "E3", &OKONKWO)).unwrap();
    let bind = permissions_bind();
    if bind {
        fs::set_permissions(root.join("ward/locked"), fs::Permissions::from_mode(0o000)).unwrap();
    } else {
        skipped("a folder without permission: the superuser may read it");
    }
    let missing = root.join("missing.hl7");
    let config = site.config();
    let ran = crate::support::site::bedside(
        root,
        &[
            "--config",
            config.to_str().unwrap(),
            "--json",
            "ingest",
            "ward",
            missing.to_str().unwrap(),
            "last.hl7",
            "--source",
            "s",
        ],
    );
    if bind {
        fs::set_permissions(root.join("ward/locked"), fs::Permissions::from_mode(0o700)).unwrap();
    }
    let ran = ran.expect(1).says(&[
        "empty.hl7",
        "broken.json.gz",
        "ward/up",
        "self.hl7",
        "dangling",
        "missing.hl7",
    ]);
    if bind {
        assert!(ran.err.contains("ward/locked"), "{}", ran.err);
    }
    let tally = ran.document();
    let good = if bind { 2 } else { 3 };
    assert_eq!(tally["accepted"], good, "{tally} {}", ran.err);
    assert_eq!(tally["received"], good, "{tally} {}", ran.err);
    site.find("okonkwo");
}
