//! Design D16: what is not granted is reached by no way, and each attempt is in the log.

use axum::body::Body;
use axum::http::header::HOST;
use axum::http::{Request, StatusCode};
use bedside_core::audit::AuditOutcome;
use serde_json::json;

use crate::support::{Site, patient, potassium};

#[tokio::test]
async fn d16_an_application_for_observations_reaches_nothing_else_by_any_way() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let seen = site.tell(&potassium("o1", "p1", "6.9")).await;
    let condition = site
        .tell(&json!({"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p1"},"code":{"text":"secret-condition"}}))
        .await;
    let token = site.token("observer").await;

    // Two ways to ask for what is there and for what is not give the very same answer.
    let mut refusals = Vec::new();
    for path in [
        format!("/fhir/Condition/{condition}"),
        "/fhir/Condition/nothing".to_owned(),
        format!("/fhir/Condition/{condition}/_history/1"),
        format!("/fhir/Condition?patient={who}"),
        "/fhir/Condition?patient=nobody".to_owned(),
        format!("/fhir/Condition?_id={condition}"),
        "/fhir/Condition?_summary=count".to_owned(),
        format!("/fhir/Patient/{who}"),
        "/fhir/Patient/nobody".to_owned(),
        "/fhir/Patient?name=Okonkwo".to_owned(),
        format!("/fhir/Patient?link={who}"),
        format!("/fhir/Patient/{who}/Condition"),
    ] {
        let answer = site.get(&token, &path).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        refusals.push(answer.text);
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "all refusals are alike");
    assert!(!refusals[0].contains("Okonkwo"));
    let (_, denied) = site.counted("observer").await;
    assert_eq!(denied, 12);

    // What it may see leads nowhere else.
    for query in [
        "_include=Observation:patient",
        "_include=Observation:subject",
        "_include=*",
        "_include:iterate=Observation:patient",
        "_revinclude=Provenance:target",
        "_revinclude=Condition:evidence-detail",
    ] {
        let answer = site
            .get(&token, &format!("/fhir/Observation?patient={who}&{query}"))
            .await;
        assert_eq!(answer.ids("match"), [seen.as_str()], "{query}");
        assert!(answer.ids("include").is_empty(), "{query}");
        assert!(
            !answer.text.contains("Okonkwo") && !answer.text.contains("secret"),
            "{query}"
        );
        assert!(!answer.warnings().is_empty(), "{query}");
        let strict = site
            .get_with(
                &token,
                &format!("/fhir/Observation?patient={who}&{query}"),
                &[("prefer", "handling=strict")],
            )
            .await;
        assert!(strict.status.is_client_error(), "{query}");
    }
    for query in [
        "patient.name=Okonkwo",
        "subject:Patient.family=Okonkwo",
        "_has:Condition:subject:code=x",
    ] {
        let answer = site
            .get(&token, &format!("/fhir/Observation?patient={who}&{query}"))
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
    // Nor may it write, in any shape.
    let body = potassium("x", who.as_str(), "4.0").to_string();
    let create = site
        .post(&token, "/fhir/Observation", &[], body.clone())
        .await;
    assert_eq!(create.status, StatusCode::FORBIDDEN);
    let malformed = site.post(&token, "/fhir/Observation", &[], "{").await;
    assert_eq!(
        malformed.text, create.text,
        "who may not write learns nothing of what is wrong"
    );
    let batch = json!({"resourceType":"Bundle","type":"batch","entry":[
        {"resource": potassium("x", who.as_str(), "4.0"), "request":{"method":"POST","url":"Observation"}},
        {"request":{"method":"GET","url":format!("Condition/{condition}")}}]});
    let answer = site.post(&token, "/fhir", &[], batch.to_string()).await;
    let entries = answer.json()["entry"].as_array().cloned().unwrap();
    assert!(
        entries.iter().all(|entry| entry["response"]["status"]
            .as_str()
            .unwrap()
            .starts_with("403")),
        "{}",
        answer.text
    );
    assert_eq!(
        site.through
            .submitted
            .load(std::sync::atomic::Ordering::SeqCst),
        3,
        "nothing was taken in"
    );
}

#[tokio::test]
async fn each_attempt_is_one_entry_for_each_patient_touched() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let other = site.tell(&patient("p2", "Lindqvist", "Eve")).await;
    let seen = site.tell(&potassium("o1", "p1", "6.9")).await;
    let token = site.token("observer").await;
    let before = site.log("observer").await.len();
    site.get(&token, &format!("/fhir/Observation/{seen}")).await;
    site.get(&token, "/fhir/Observation/nothing").await;
    site.get(&token, &format!("/fhir/Observation?patient={who},{other}"))
        .await;
    site.get(&token, &format!("/fhir/Condition?patient={who}"))
        .await;
    site.get(&token, "/fhir/Observation?patient=nobody").await;
    let rows = site.log("observer").await.split_off(before);
    let mut told: Vec<(AuditOutcome, Option<String>)> = rows
        .iter()
        .map(|row| (row.entry.outcome, row.entry.patient.clone()))
        .collect();
    let id = |id: &bedside_fact::id::ResourceId| Some(id.as_str().to_owned());
    let mut both = [id(&who), id(&other)];
    both.sort();
    let third: Vec<_> = told.drain(2..4).map(|(_, patient)| patient).collect();
    assert_eq!(third, both);
    assert_eq!(
        told,
        [
            (AuditOutcome::Success, id(&who)),
            (AuditOutcome::Success, None),
            (AuditOutcome::Denied, id(&who)),
            (AuditOutcome::Success, None),
        ]
    );
    for row in &rows {
        assert_eq!(row.entry.role, "application");
        assert_eq!(row.entry.via, "api");
        let detail = row.entry.detail.clone().unwrap_or_default();
        assert!(!detail.contains("Okonkwo") && !detail.contains("6.9"));
    }
}

#[tokio::test]
async fn without_a_good_token_nothing_is_answered() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    for path in [
        format!("/fhir/Patient/{who}"),
        "/fhir/Patient/nobody".to_owned(),
        "/fhir/Nonsense".to_owned(),
        "/fhir".to_owned(),
    ] {
        let request = Request::get(&path).header(HOST, "127.0.0.1:8080");
        let answer = site.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(
            answer.header("www-authenticate"),
            "Bearer realm=\"bedside\""
        );
        assert_eq!(answer.issue(), "login");
        let made_up = site.get("bWFkZS11cA", &path).await;
        assert_eq!(made_up.status, StatusCode::UNAUTHORIZED);
        assert!(made_up.header("www-authenticate").contains("invalid_token"));
    }
    assert_eq!(site.counted("anonymous").await, (0, 8));
    // A person's session is no application's token, and a token in the address is none at all.
    let token = site.token("reader").await;
    let request = Request::get(format!("/fhir/Patient/{who}?access_token={token}"))
        .header(HOST, "127.0.0.1:8080");
    assert_eq!(
        site.send(request.body(Body::empty()).unwrap()).await.status,
        StatusCode::UNAUTHORIZED
    );
    let request = Site::request(&token, "GET", "/patients");
    let console = site.send(request.body(Body::empty()).unwrap()).await;
    assert_ne!(
        console.status,
        StatusCode::OK,
        "an application is nobody in the console"
    );
}
