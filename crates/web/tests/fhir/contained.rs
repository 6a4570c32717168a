//! Design D16: what a resource contains of other types is theirs who were granted those types.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Site, patient, potassium};

fn nested() -> Value {
    let mut body = potassium("o1", "p1", "6.9");
    body["valueQuantity"]["value"] = serde_json::from_str("6.90").unwrap();
    body["contained"] = json!([
        {"resourceType":"Patient","id":"who","name":[{"family":"Okonkwo"}]},
        {"resourceType":"Device","id":"d","type":{"text":"analyser"}}]);
    body
}

#[tokio::test]
async fn d16_contained_resources_of_other_types_are_left_out_and_the_rest_is_marked() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let seen = site.tell(&nested()).await;
    let narrow = site.token("observer").await;
    let wide = site.token("wide").await;
    for path in [
        format!("/fhir/Observation/{seen}"),
        format!("/fhir/Observation/{seen}/_history/1"),
        format!("/fhir/Observation?patient={who}"),
        format!("/fhir/Observation?_id={seen}&_elements=contained,code"),
        format!("/fhir/Patient/{who}/Observation"),
    ] {
        let part = site.get(&narrow, &path).await;
        assert_eq!(part.status, StatusCode::OK, "{path}");
        for secret in ["Okonkwo", "analyser", "\"contained\""] {
            assert!(!part.text.contains(secret), "{path}: {}", part.text);
        }
        assert_eq!(part.text.matches("SUBSETTED").count(), 1, "{path}");
        let whole = site.get(&wide, &path).await;
        assert!(
            whole.text.contains("Okonkwo") && whole.text.contains("analyser"),
            "{path}: {}",
            whole.text
        );
    }
    let part = site
        .get(&narrow, &format!("/fhir/Observation/{seen}"))
        .await;
    assert!(part.text.contains("6.90"), "the rest is as it was sent");
    let whole = site.get(&wide, &format!("/fhir/Observation/{seen}")).await;
    assert!(!whole.text.contains("SUBSETTED"));
    // What goes along is not whole either.
    let mut person = patient("p2", "Lindqvist", "Eve");
    person["contained"] = json!([{"resourceType":"Condition","code":{"text":"secret"}}]);
    let other = site.tell(&person).await;
    site.tell(&potassium("o2", "p2", "4.1")).await;
    for path in [
        format!("/fhir/Patient/{other}"),
        format!("/fhir/Patient?_id={other}"),
        format!("/fhir/Observation?patient={other}&_include=Observation:patient"),
    ] {
        let answer = site.get(&wide, &path).await;
        assert!(answer.text.contains("Lindqvist"), "{path}: {}", answer.text);
        assert!(!answer.text.contains("secret"), "{path}");
    }
}
