//! What the commands promise to whoever calls them: shapes, counts and exit statuses.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::support::messages::{
    MUNOZ, OKONKWO, PEOPLE, QUILL, adt, fhir_observation, fhir_patient, oru, unmapped,
};
use crate::support::site::{Site, bedside};

fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

fn set<const N: usize>(names: [&'static str; N]) -> BTreeSet<&'static str> {
    names.into()
}

#[test]
fn an_ingested_folder_becomes_a_chart_and_a_second_run_accepts_nothing() {
    let site = Site::new();
    let inputs = tempfile::tempdir().unwrap();
    fs::write(inputs.path().join("1.hl7"), adt("A01", "C1", &QUILL)).unwrap();
    fs::write(
        inputs.path().join("2.hl7"),
        [
            adt("A01", "C2", &MUNOZ),
            oru("C3", &MUNOZ, 1),
            unmapped("C4", &MUNOZ),
        ]
        .concat(),
    )
    .unwrap();
    let lines = format!(
        "{}\n{}\n",
        fhir_patient("p1", &OKONKWO),
        fhir_observation("o1", "p1", "4.10")
    );
    fs::write(inputs.path().join("3.ndjson"), lines).unwrap();

    let tally = site.ingest(inputs.path(), "archive").expect(0).document();
    assert_eq!(
        keys(&tally),
        set([
            "files",
            "received",
            "accepted",
            "duplicates",
            "quarantined",
            "resources",
            "seconds"
        ])
    );
    let count = |tally: &Value, name: &str| tally[name].as_u64().unwrap();
    assert_eq!(count(&tally, "files"), 3);
    assert_eq!(
        (count(&tally, "received"), count(&tally, "accepted")),
        (6, 6)
    );
    assert_eq!(
        (count(&tally, "duplicates"), count(&tally, "quarantined")),
        (0, 0)
    );
    assert!(count(&tally, "resources") >= 6, "{tally}");

    let again = site.ingest(inputs.path(), "archive").expect(0).document();
    assert_eq!(
        (
            count(&again, "received"),
            count(&again, "accepted"),
            count(&again, "duplicates")
        ),
        (6, 0, 6)
    );
    assert_eq!(count(&again, "resources"), 0);

    journal_lines_say_how_each_input_ended(&site);
    people_are_found_by_name_number_and_birth_date(&site);
    the_chart_has_its_shape(&site);
    let verified = site.verify().expect(0).document();
    assert_eq!(keys(&verified), set(["ok", "entries", "root", "first_bad"]));
    assert_eq!(
        (&verified["ok"], &verified["first_bad"]),
        (&Value::Bool(true), &Value::Null)
    );
    assert!(verified["entries"].as_u64().unwrap() >= 6);
    assert!(verified["root"].as_str().unwrap().len() > 40);
}

fn journal_lines_say_how_each_input_ended(site: &Site) {
    let lines = site.journal();
    assert_eq!(lines.len(), 6);
    for line in &lines {
        assert_eq!(
            keys(line),
            set([
                "seq",
                "source",
                "kind",
                "control_id",
                "received_at",
                "state",
                "reason"
            ])
        );
        assert_eq!(line["source"], "archive");
    }
    let of = |control: &str| {
        lines
            .iter()
            .find(|line| line["control_id"] == control)
            .unwrap()
    };
    assert_eq!(
        (&of("C1")["state"], &of("C1")["kind"]),
        (&"applied".into(), &"hl7v2".into())
    );
    assert_eq!(
        (&of("C4")["state"], &of("C4")["reason"]),
        (&"noop".into(), &"not mapped".into())
    );
    assert_eq!(
        lines.iter().filter(|line| line["kind"] == "fhir").count(),
        2
    );
    let some = site
        .json(&[
            "journal",
            "list",
            "--source",
            "archive",
            "--since",
            "2999-01-01",
        ])
        .expect(0);
    assert!(some.lines().is_empty());
    assert_eq!(
        site.json(&["journal", "list", "--source", "nobody"])
            .expect(0)
            .lines()
            .len(),
        0
    );
    for vague in ["2026", "2026-11", "2026-11-22T10:00:00"] {
        site.json(&["journal", "list", "--since", vague])
            .expect(3)
            .says(&[vague, "2026-11-22T09:00:00-06:00"]);
    }
    site.json(&["journal", "list", "--state", "lost"])
        .expect(3)
        .says(&["pending, applied, noop, parked, held"]);
}

fn people_are_found_by_name_number_and_birth_date(site: &Site) {
    for query in [
        "quillf",
        "Quillfeather, Zebediah",
        QUILL.mrn,
        "1937-11-04",
        "zebediah 1937",
        QUILL.ssn,
    ] {
        let found = site.json(&["patient", "find", query]).expect(0).lines();
        assert_eq!(found.len(), 1, "{query}");
        assert!(
            found[0]["name"]
                .as_str()
                .unwrap()
                .to_lowercase()
                .contains("quillfeather"),
            "{query}: {}",
            found[0]
        );
    }
    // Without its marks too.
    assert_eq!(
        site.json(&["patient", "find", "munozueta"])
            .expect(0)
            .lines()
            .len(),
        1
    );
    assert_eq!(
        site.json(&["patient", "find", "nobody"])
            .expect(0)
            .lines()
            .len(),
        0
    );
}

fn the_chart_has_its_shape(site: &Site) {
    let id = site.find(MUNOZ.mrn);
    let chart = site.json(&["patient", "show", &id]).expect(0).document();
    for name in ["id", "demographics", "sources", "as_of", "facts"] {
        assert!(chart.get(name).is_some(), "{name}: {chart}");
    }
    assert_eq!(chart["id"], id.as_str());
    assert_eq!(chart["as_of"], Value::Null);
    assert_eq!(chart["demographics"]["birth_date"], "1984-02-29");
    for (name, section) in chart["facts"].as_object().unwrap() {
        let state = section["state"].as_str().unwrap();
        assert!(
            [
                "present",
                "stale",
                "none",
                "unknown",
                "conflict",
                "unverified"
            ]
            .contains(&state),
            "{name}: {state}"
        );
    }
    // Nobody said anything of allergies, so nothing is known of them.
    assert_eq!(chart["facts"]["allergies"]["state"], "unknown");
    let labs = chart["facts"]["labs"]["items"].as_array().unwrap();
    assert_eq!(labs.len(), 1, "{labs:?}");
    assert_eq!(labs[0]["value"], "4.1");

    let wrong = site.json(&["patient", "show", &id, "--as-of", "yesterday"]);
    wrong.expect(3).says(&["yesterday", "2026-11-22"]);
    let bundle = site
        .run(&["patient", "show", &id, "--format", "fhir"])
        .expect(0)
        .document();
    assert_eq!(bundle["resourceType"], "Bundle");
    let types: BTreeSet<&str> = bundle["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["resource"]["resourceType"].as_str().unwrap())
        .collect();
    for name in [
        "Patient",
        "Encounter",
        "Observation",
        "DiagnosticReport",
        "Provenance",
    ] {
        assert!(types.contains(name), "{name} is not in {types:?}");
    }
    let page = site.run(&["patient", "show", &id]).expect(0).out;
    assert!(
        page.contains("Potassium") && page.contains("unknown (not asked)"),
        "{page}"
    );
    site.json(&["patient", "show", "aaaaaaaaaaaaaaaaaaaaaaaaaa"])
        .expect(1)
        .says(&["no such"]);
}

#[test]
fn without_a_configuration_data_key_and_checkpoints_lie_beside_each_other() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.hl7"), adt("A01", "C1", &QUILL)).unwrap();
    bedside(folder.path(), &["ingest", "a.hl7", "--source", "s"]).expect(0);
    for name in [
        "bedside-data",
        "bedside-data.key",
        "bedside-data.checkpoints",
    ] {
        assert!(folder.path().join(name).exists(), "{name}");
    }
    // `--data` overrides, and the key follows the data.
    bedside(folder.path(), &["--data", "other", "journal", "list"]).expect(0);
    assert!(folder.path().join("other.key").exists());
    assert_eq!(
        bedside(
            folder.path(),
            &["--data", "other", "--json", "journal", "list"]
        )
        .expect(0)
        .lines()
        .len(),
        0
    );
    assert_eq!(
        bedside(folder.path(), &["--json", "journal", "list"])
            .expect(0)
            .lines()
            .len(),
        1
    );
}

#[test]
fn init_writes_a_configuration_and_a_key_and_leaves_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let first = bedside(folder.path(), &["--json", "init", "hospital"])
        .expect(0)
        .document();
    assert_eq!(
        (&first["config_written"], &first["key_written"]),
        (&Value::Bool(true), &Value::Bool(true))
    );
    let config = folder.path().join("hospital/bedside.toml");
    let key = folder.path().join("hospital/bedside-data.key");
    let text = fs::read_to_string(&config).unwrap();
    assert!(
        text.contains("127.0.0.1:2575") && text.contains("127.0.0.1:8080") && text.contains('#')
    );
    bedside(
        folder.path(),
        &["--config", config.to_str().unwrap(), "config", "check"],
    )
    .expect(0);
    fs::write(&config, format!("{text}# mine\n")).unwrap();
    let before = fs::read(&key).unwrap();
    let second = bedside(folder.path(), &["--json", "init", "hospital"])
        .expect(0)
        .document();
    assert_eq!(
        (&second["config_written"], &second["key_written"]),
        (&Value::Bool(false), &Value::Bool(false))
    );
    assert_eq!(fs::read(&key).unwrap(), before);
    assert!(fs::read_to_string(&config).unwrap().ends_with("# mine\n"));
}

#[test]
fn the_demo_plays_the_same_day_for_the_same_seed() {
    let folder = tempfile::tempdir().unwrap();
    let play = |data: &str| {
        let ran = bedside(
            folder.path(),
            &[
                "--data",
                data,
                "--json",
                "demo",
                "--once",
                "--patients",
                "6",
                "--seed",
                "11",
            ],
        )
        .expect(0);
        let mut summary = ran.document();
        assert_eq!(
            keys(&summary),
            set([
                "sources", "persons", "links", "items", "writes", "audit", "seconds"
            ])
        );
        assert_eq!(keys(&summary["audit"]), set(["entries", "root"]));
        assert_eq!(
            keys(&summary["items"]),
            set(["opened", "acknowledged", "done", "withdrawn"])
        );
        assert_eq!(
            keys(&summary["writes"]),
            set(["confirmed", "unknown", "refused"])
        );
        assert!(summary["seconds"].as_f64().unwrap() > 0.0);
        assert!(summary["audit"]["root"].as_str().unwrap().len() > 40);
        summary["seconds"].take();
        summary["audit"]["root"].take();
        summary
    };
    let first = play("one");
    let source = &first["sources"][0];
    assert_eq!(
        keys(source),
        set([
            "name",
            "vendor",
            "patients",
            "resources",
            "messages",
            "quarantined"
        ])
    );
    let count = |name: &str| source[name].as_u64().unwrap();
    assert!(count("patients") >= 6, "{first}");
    assert!((60..2_000).contains(&count("messages")), "{first}");
    assert!(count("resources") > count("messages"), "{first}");
    assert_eq!(count("quarantined"), 0, "{first}");
    assert!(first["persons"].as_u64().unwrap() >= 6, "{first}");
    assert!(
        first["audit"]["entries"].as_u64().unwrap() >= count("messages"),
        "{first}"
    );
    let names: Vec<&str> = first["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| source["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["epic", "oracle", "athena"]);
    let patients: u64 = first["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| source["patients"].as_u64().unwrap())
        .sum();
    assert!(first["persons"].as_u64().unwrap() < patients, "{first}");
    let items = |name: &str| first["items"][name].as_u64().unwrap();
    assert!(items("opened") >= 3, "{first}");
    assert!(items("opened") >= items("acknowledged"), "{first}");
    assert!(items("done") > 0, "{first}");
    assert!(
        first["writes"]["confirmed"].as_u64().unwrap() > 0,
        "{first}"
    );
    assert_eq!(play("two"), first, "one seed, two days");

    // What is not a demo's is left alone.
    let other = folder.path().join("mine");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("file"), "x").unwrap();
    bedside(folder.path(), &["--data", "mine", "demo", "--once"])
        .expect(3)
        .says(&["mine", "left alone", "--data"]);
    assert!(other.join("file").exists());
}

#[test]
fn every_command_explains_itself_with_examples() {
    let folder = tempfile::tempdir().unwrap();
    let commands = [
        "",
        "demo",
        "init",
        "serve",
        "config check",
        "ingest",
        "patient find",
        "patient show",
        "journal list",
        "hl7 parse",
        "hl7 to-fhir",
        "quarantine list",
        "quarantine show",
        "quarantine replay",
        "quarantine discard",
        "audit verify",
        "audit search",
        "account list",
        "account add",
        "account password",
        "account disable",
        "account link",
        "bench ingest",
        "completions",
    ];
    let mut without = Vec::new();
    for command in commands {
        let args: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let help = bedside(folder.path(), &args).expect(0).out;
        if !help.contains("Example") {
            without.push(command);
        }
    }
    assert!(without.is_empty(), "without an example: {without:?}");
    bedside(folder.path(), &["frobnicate"]).expect(2);
    bedside(folder.path(), &["ingest"]).expect(2);
    for shell in ["bash", "zsh", "fish"] {
        let script = bedside(folder.path(), &["completions", shell])
            .expect(0)
            .out;
        assert!(
            script.contains("bedside") && script.contains("quarantine"),
            "{shell}"
        );
    }
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "help leaves nothing behind"
    );
}

#[test]
fn bench_tools_read_a_message_without_a_store() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.hl7"), oru("C1", &PEOPLE[0], 2)).unwrap();
    let parsed = bedside(folder.path(), &["hl7", "parse", "a.hl7"])
        .expect(0)
        .out;
    assert!(
        parsed.contains("OBX") && parsed.contains("Potassium"),
        "{parsed}"
    );
    let mapped = bedside(
        folder.path(),
        &[
            "--json",
            "hl7",
            "to-fhir",
            "a.hl7",
            "--zone",
            "America/Chicago",
        ],
    )
    .expect(0)
    .out;
    assert!(
        mapped.contains("\"Observation\"") && mapped.contains("2823-3"),
        "{mapped}"
    );
    let one = bedside(folder.path(), &["--json", "hl7", "parse", "a.hl7"])
        .expect(0)
        .document();
    assert_eq!(one["control_id"], "C1");
    bedside(folder.path(), &["hl7", "parse", "none.hl7"])
        .expect(3)
        .says(&["none.hl7"]);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "a bench tool keeps nothing"
    );
}

#[test]
fn a_batch_is_one_document_too() {
    let folder = tempfile::tempdir().unwrap();
    let batch = [adt("A01", "C1", &QUILL), oru("C2", &QUILL, 2)].concat();
    fs::write(folder.path().join("a.hl7"), batch).unwrap();
    let parsed = bedside(folder.path(), &["--json", "hl7", "parse", "a.hl7"])
        .expect(0)
        .document();
    let ids: Vec<&Value> = parsed
        .as_array()
        .unwrap()
        .iter()
        .map(|message| &message["control_id"])
        .collect();
    assert_eq!(ids, ["C1", "C2"]);
    for args in [
        vec!["--json", "hl7", "to-fhir", "a.hl7"],
        vec!["hl7", "to-fhir", "a.hl7"],
    ] {
        let ran = bedside(folder.path(), &args).expect(0);
        let bundle: Value = serde_json::from_str(&ran.out).unwrap();
        let types: BTreeSet<&str> = bundle["entry"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["resource"]["resourceType"].as_str().unwrap())
            .collect();
        assert!(
            types.contains("Encounter") && types.contains("Observation"),
            "{types:?}"
        );
    }
}

#[test]
fn a_search_that_reaches_its_limit_says_so() {
    let site = Site::new();
    let inputs = tempfile::tempdir().unwrap();
    let lines: String = (0..51)
        .map(|n| {
            format!("{{\"resourceType\":\"Patient\",\"id\":\"p{n}\",\"name\":[{{\"family\":\"Zimmerling\"}}]}}\n")
        })
        .collect();
    fs::write(inputs.path().join("a.ndjson"), lines).unwrap();
    site.ingest(inputs.path(), "archive").expect(0);
    let found = site
        .json(&["patient", "find", "zimmerling"])
        .expect(0)
        .says(&["the first 50", "there may be more"]);
    assert_eq!(found.lines().len(), 50);
}
