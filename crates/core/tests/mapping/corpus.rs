//! The public corpora beside the workspace, where they are present: nothing panics, nothing is lost, and every FHIR resource reads
//! back as it was sent but for `id`, `meta` and references.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use crate::ward::Ward;
use bedside_core::map::MapEnding;
use bedside_fhir::json::minify;
use bedside_fhir::stream::{Limits, Reader, entry, entry_key};
use serde_json::Value;

fn corpus(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(name);
    if !path.exists() {
        println!("corpus not present: skipped {name}");
        return None;
    }
    Some(path)
}

#[test]
fn every_public_hl7_message_is_mapped_parked_or_not_mapped() {
    let Some(folder) = corpus("hl7v2") else {
        return;
    };
    let manifest = std::fs::read_to_string(folder.join("manifest.jsonl")).unwrap();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut written: BTreeMap<String, usize> = BTreeMap::new();
    let mut total = 0;
    let mut changed: Vec<String> = Vec::new();
    for line in manifest.lines().filter(|line| !line.is_empty()) {
        let line: Value = serde_json::from_str(line).unwrap();
        let name = line["file"].as_str().unwrap();
        if !name.ends_with(".hl7") {
            continue;
        }
        let bytes = std::fs::read(folder.join(name)).unwrap();
        total += 1;
        let mut ward = Ward::new();
        let step = ward.takes_bytes(&bytes);
        let ending = match step.ending {
            MapEnding::Map => String::from("mapped"),
            MapEnding::NotMapped => String::from("not mapped"),
            MapEnding::Park(reason) => {
                format!("parked: {}", reason.split(':').next().unwrap_or_default())
            }
        };
        *counts.entry(ending).or_default() += 1;
        for kind in step.written {
            *written.entry(kind).or_default() += 1;
        }
        // The same message again changes nothing.
        let again = ward.takes_bytes(&bytes).written;
        if !again.is_empty() {
            changed.push(format!("{name}: {again:?}"));
        }
    }
    println!("{total} messages: {counts:?}; resources written: {written:?}");
    assert_eq!(changed, Vec::<String>::new(), "changed by a repeat");
    assert_eq!(counts.values().sum::<usize>(), total);
    assert!(counts["mapped"] > 100);
}

#[test]
fn every_public_fhir_resource_reads_back_but_for_id_meta_and_references() {
    let Some(folder) = corpus("fhir") else {
        return;
    };
    let mut resources = 0;
    for directory in std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
    {
        for path in std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            if path.extension().is_none_or(|extension| extension != "gz") {
                continue;
            }
            resources += file(&path);
        }
    }
    println!("{resources} resources read back");
    assert!(resources > 1_000);
}

fn file(path: &Path) -> usize {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap())
        .read_to_end(&mut bytes)
        .unwrap();
    let units = || {
        Reader::new(BufReader::new(bytes.as_slice()), Limits::default()).map(|unit| unit.unwrap())
    };
    let mut names: HashMap<String, (String, String)> = HashMap::new();
    for unit in units() {
        if let Some(key) = entry_key(std::str::from_utf8(&unit.bytes).unwrap())
            && let (Some(url), Some(id)) = (key.full_url, key.id)
        {
            names.insert(url, (key.resource_type, id));
        }
    }
    let refs = |name: &str| names.get(name).cloned();
    let mut ward = Ward::new();
    let mut count = 0;
    for unit in units() {
        let text = std::str::from_utf8(&unit.bytes).unwrap();
        let step = ward.takes_fhir(text, &refs);
        assert_eq!(
            step.ending,
            MapEnding::Map,
            "{}: unit {}",
            path.display(),
            unit.position
        );
        let sent = entry(text).unwrap();
        for write in std::mem::take(&mut ward.resources).into_values() {
            let mut sent: Value = serde_json::from_str(&minify(sent.resource_text)).unwrap();
            let mut stored: Value = serde_json::from_str(&write.body).unwrap();
            assert_eq!(stored["id"].as_str(), Some(write.id.as_str()));
            for value in [&mut sent, &mut stored] {
                blank(value, true);
            }
            assert_eq!(
                sent.to_string(),
                stored.to_string(),
                "{}: unit {}",
                path.display(),
                unit.position
            );
            count += 1;
        }
    }
    count
}

/// Takes out what may differ.
fn blank(value: &mut Value, top: bool) {
    match value {
        Value::Object(members) => {
            if top {
                members.shift_remove("id");
                members.shift_remove("meta");
            }
            for (name, member) in members {
                if name == "reference" && member.is_string() {
                    *member = Value::Null;
                }
                blank(member, false);
            }
        }
        Value::Array(elements) => elements
            .iter_mut()
            .for_each(|element| blank(element, false)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
