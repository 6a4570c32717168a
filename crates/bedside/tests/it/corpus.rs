//! Other people's data, where it lies beside the repository: the counts add up and everything reads back as it was.
//!
//! A part of the FHIR corpus by default; all of it with `BEDSIDE_CORPUS=all cargo test -p bedside --test it corpus`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::support::corpus;
use crate::support::site::Site;

#[track_caller]
fn adds_up(tally: &Value) {
    let count = |name: &str| tally[name].as_u64().unwrap();
    assert_eq!(
        count("received"),
        count("accepted") + count("duplicates") + count("quarantined"),
        "{tally}"
    );
}

fn reasons(site: &Site) -> BTreeMap<String, u64> {
    let mut reasons = BTreeMap::new();
    for one in site.json(&["quarantine", "list"]).expect(0).lines() {
        let reason = one["reason"].as_str().unwrap().to_owned();
        assert!(!reason.is_empty(), "{one}");
        assert!(!one["owner"].as_str().unwrap().is_empty(), "{one}");
        *reasons.entry(reason).or_default() += 1;
    }
    reasons
}

#[test]
fn p03_messages_of_many_vendors_are_all_accounted_for() {
    let Some(corpus) = corpus("hl7v2") else {
        return;
    };
    let inputs = tempfile::tempdir().unwrap();
    let manifest = fs::read_to_string(corpus.join("manifest.jsonl")).unwrap();
    let mut files = 0;
    for line in manifest.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        let name = entry["file"].as_str().unwrap();
        fs::copy(
            corpus.join(name),
            inputs.path().join(name.replace('/', "-")),
        )
        .unwrap();
        files += 1;
    }
    let site = Site::new();
    let ran = site.ingest(inputs.path(), "vendors");
    assert!(ran.status == 0 || ran.status == 1, "{}", ran.err);
    let tally = ran.document();
    println!("{tally}");
    adds_up(&tally);
    assert_eq!(tally["files"], files);
    assert!(tally["received"].as_u64().unwrap() >= files);
    let journal = site.journal();
    assert_eq!(
        journal.len(),
        usize::try_from(tally["received"].as_u64().unwrap()).unwrap()
    );
    for line in &journal {
        let state = line["state"].as_str().unwrap();
        let needs_reason = ["noop", "parked", "held"].contains(&state);
        assert!(
            state != "pending" && (!needs_reason || !line["reason"].as_str().unwrap().is_empty()),
            "{line}"
        );
    }
    let parked = reasons(&site);
    println!("{parked:?}");
    let waiting = journal
        .iter()
        .filter(|line| line["state"] == "parked" || line["state"] == "held")
        .count();
    assert_eq!(
        tally["quarantined"].as_u64().unwrap(),
        u64::try_from(waiting).unwrap()
    );

    let again = site.ingest(inputs.path(), "vendors").document();
    adds_up(&again);
    assert_eq!(
        (&again["accepted"], &again["received"]),
        (&0.into(), &tally["received"]),
        "{again}"
    );
    site.verify().expect(0);
}

/// Files of the FHIR corpus beside the Bundles of patients; the first [`PART`] are enough for every day.
const ALL: [&str; 17] = [
    "synthea-2023-bulk/Patient.ndjson.gz",
    "synthea-2023-bulk/AllergyIntolerance.ndjson.gz",
    "synthea-2023-bulk/Condition.ndjson.gz",
    "synthea-2023-bulk/Immunization.ndjson.gz",
    "synthea-2023-bulk/Organization.ndjson.gz",
    "synthea-2023-bulk/Location.ndjson.gz",
    "synthea-2023-bulk/Device.ndjson.gz",
    "us-core-6.1.0/examples.ndjson.gz",
    "synthea-2023-bulk/DocumentReference.ndjson.gz",
    "synthea-2023-bulk/Encounter.ndjson.gz",
    "synthea-2023-bulk/MedicationRequest.ndjson.gz",
    "synthea-2023-bulk/Practitioner.ndjson.gz",
    "synthea-2023-bulk/PractitionerRole.ndjson.gz",
    "synthea-2023-bulk/Procedure.ndjson.gz",
    "synthea-2019-r4/hospitals.transaction.json.gz",
    "synthea-2019-r4/practitioners.transaction.json.gz",
    "us-core-6.1.0/conformance.ndjson.gz",
];

/// See [`ALL`].
const PART: usize = 8;

#[expect(
    clippy::disallowed_methods,
    reason = "how much to read is for whoever runs the test"
)]
fn whole() -> bool {
    std::env::var("BEDSIDE_CORPUS").is_ok_and(|value| value == "all")
}

fn unpacked(path: &Path) -> Vec<Value> {
    let mut text = String::new();
    MultiGzDecoder::new(fs::File::open(path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    serde_json::Deserializer::from_str(&text)
        .into_iter::<Value>()
        .map(Result::unwrap)
        .collect()
}

/// The resource without what is ours to change: `id`, `meta` and the text of references. Numbers and order stay as they are.
fn stripped(resource: &Value) -> String {
    fn blank(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, member) in members.iter_mut() {
                    if name == "reference" && member.is_string() {
                        *member = Value::Null;
                    } else {
                        blank(member);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(blank),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut copy = resource.clone();
    let members = copy.as_object_mut().unwrap();
    members.shift_remove("id");
    members.shift_remove("meta");
    blank(&mut copy);
    serde_json::to_string(&copy).unwrap()
}

fn names_the_patient(resource: &Value, names: &[String]) -> bool {
    ["subject", "patient", "beneficiary"]
        .iter()
        .filter_map(|member| resource[*member]["reference"].as_str())
        .any(|reference| names.iter().any(|name| name == reference))
}

/// Compares what was sent of one patient with what `patient show --format fhir` gives.
fn reads_back(site: &Site, patient: &Value, names: &[String], all: &[&Value]) -> usize {
    let number = patient["identifier"][0]["value"].as_str().unwrap();
    let id = site.find(number);
    let bundle = site
        .run(&["patient", "show", &id, "--format", "fhir"])
        .expect(0)
        .document();
    let mut kept: BTreeMap<String, u64> = BTreeMap::new();
    for entry in bundle["entry"].as_array().unwrap() {
        *kept.entry(stripped(&entry["resource"])).or_default() += 1;
    }
    let mut compared = 0;
    let sent = all
        .iter()
        .copied()
        .filter(|resource| names_the_patient(resource, names))
        .chain([patient]);
    for resource in sent {
        let text = stripped(resource);
        let left = kept.get_mut(&text).unwrap_or_else(|| {
            panic!("{} is not as it was sent: {text}", resource["resourceType"])
        });
        assert!(
            *left > 0,
            "{} was sent more often than it is there",
            resource["resourceType"]
        );
        *left -= 1;
        compared += 1;
    }
    compared
}

#[test]
fn p03_p07_fhir_resources_read_back_as_they_were_sent() {
    let Some(corpus) = corpus("fhir") else { return };
    let site = Site::new();
    // Bundles of transactions with references by `urn:uuid:`, bulk exports, examples.
    let inputs = tempfile::tempdir().unwrap();
    let bundles = few_bundles(
        &corpus.join("synthea-2019-r4/patients.transaction.ndjson.gz"),
        &inputs.path().join("bundles.ndjson"),
    );
    let bulk = corpus.join("synthea-2023-bulk");
    let files = if whole() { &ALL[..] } else { &ALL[..PART] };
    for name in files {
        fs::copy(
            corpus.join(name),
            inputs.path().join(name.replace('/', "-")),
        )
        .unwrap();
    }
    let ran = site.ingest(inputs.path(), "archive");
    assert!(ran.status == 0 || ran.status == 1, "{}", ran.err);
    let tally = ran.document();
    println!("{tally}");
    adds_up(&tally);
    println!("{:?}", reasons(&site));
    let again = site.ingest(inputs.path(), "archive").document();
    adds_up(&again);
    assert_eq!(
        (&again["accepted"], &again["received"]),
        (&0.into(), &tally["received"]),
        "{again}"
    );

    let mut compared = 0;
    for bundle in &bundles {
        let entries = bundle["entry"].as_array().unwrap();
        let all: Vec<&Value> = entries.iter().map(|entry| &entry["resource"]).collect();
        for entry in entries
            .iter()
            .filter(|entry| entry["resource"]["resourceType"] == "Patient")
        {
            compared += reads_back(
                &site,
                &entry["resource"],
                &[entry["fullUrl"].as_str().unwrap().to_owned()],
                &all,
            );
        }
    }
    let exported: Vec<Value> = files
        .iter()
        .filter(|name| name.starts_with("synthea-2023-bulk/") && !name.contains("/Patient."))
        .flat_map(|name| unpacked(&corpus.join(name)))
        .collect();
    let all: Vec<&Value> = exported.iter().collect();
    for patient in unpacked(&bulk.join("Patient.ndjson.gz")) {
        let name = format!("Patient/{}", patient["id"].as_str().unwrap());
        compared += reads_back(&site, &patient, &[name], &all);
    }
    println!("{compared} resources compared");
    assert!(compared > 500, "{compared}");
    site.verify().expect(0);
}

/// The three smallest of the Bundles, unpacked; all of them when the whole corpus is asked for.
fn few_bundles(from: &Path, to: &Path) -> Vec<Value> {
    let mut bundles = unpacked(from);
    bundles.sort_by_key(|bundle| bundle["entry"].as_array().unwrap().len());
    if !whole() {
        bundles.truncate(3);
    }
    let lines: Vec<String> = bundles.iter().map(ToString::to_string).collect();
    fs::write(to, lines.join("\n")).unwrap();
    bundles
}
