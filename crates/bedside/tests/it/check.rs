//! `workflow check` and `connect check`: what a team sees before anything runs.

use std::collections::BTreeSet;
use std::fs;

use bedside_sim::vendor::Vendor;
use serde_json::Value;

use crate::support::ehr::connected;
use crate::support::site::bedside;

fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn a_workflow_without_one_of_its_what_ifs_is_refused_with_a_sentence_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let shipped = bedside(folder.path(), &["workflow", "print", "critical-potassium"])
        .expect(0)
        .out;
    let file = folder.path().join("critical-potassium.yaml");
    fs::write(&file, &shipped).unwrap();
    let good = bedside(
        folder.path(),
        &["--json", "workflow", "check", "critical-potassium.yaml"],
    )
    .expect(0)
    .document();
    assert_eq!(good, serde_json::json!({ "ok": true, "problems": [] }));

    let at = shipped.find("  creatinine:").unwrap();
    let stale = at + shipped[at..].find("    if stale:").unwrap();
    let end = stale + shipped[stale..].find('\n').unwrap() + 1;
    fs::write(&file, format!("{}{}", &shipped[..stale], &shipped[end..])).unwrap();
    let bad = bedside(
        folder.path(),
        &["--json", "workflow", "check", "critical-potassium.yaml"],
    )
    .expect(1)
    .document();
    assert_eq!(bad["ok"], false);
    let problem = &bad["problems"][0];
    assert_eq!(
        keys(problem),
        ["column", "file", "hint", "line", "message", "rule"].into()
    );
    let line = shipped[..at].matches('\n').count() + 1;
    assert_eq!(
        problem["line"].as_u64().unwrap(),
        u64::try_from(line).unwrap(),
        "{problem}"
    );
    assert_eq!(problem["column"], 3, "{problem}");
    let message = problem["message"].as_str().unwrap();
    assert!(
        message.contains("creatinine") && message.contains("if stale"),
        "{message}"
    );

    fs::write(&file, b"workflow: caf\xe9\n").unwrap();
    let bad = bedside(
        folder.path(),
        &["--json", "workflow", "check", "critical-potassium.yaml"],
    )
    .expect(1)
    .document();
    assert_eq!(
        (&bad["problems"][0]["line"], &bad["problems"][0]["column"]),
        (&1.into(), &14.into())
    );
    bedside(folder.path(), &["workflow", "check", "/dev/zero"])
        .expect(3)
        .says(&["no file"]);
}

#[test]
fn connect_check_says_of_each_connection_whether_it_is_reached_gives_a_token_and_what_it_can() {
    let (_other, site) = connected(Vendor::Oracle);
    let checked = site
        .json(&["connect", "check", "--all"])
        .expect(0)
        .document();
    assert_eq!(checked["ok"], true);
    let one = &checked["connections"][0];
    assert_eq!(one["name"], "ehr");
    for part in ["reach", "token", "capability"] {
        assert_eq!(one[part]["ok"], true, "{one}");
    }
    site.edit(|text| text.replace("client_id = \"bedside\"", "client_id = \"stranger\""));
    let checked = site.json(&["connect", "check", "ehr"]).expect(1).document();
    assert_eq!(checked["connections"][0]["reach"]["ok"], true);
    assert_eq!(checked["connections"][0]["token"]["ok"], false);
}
