//! Each request of an application that is not granted, or not understood, is in the audit log: who, with which method, at which type, and
//! with which parameters. No value of it is.

use axum::body::Body;
use axum::http::header::HOST;
use axum::http::{Request, StatusCode};
use bedside_core::audit::AuditOutcome;
use serde_json::{Value, json};

use crate::support::{Site, patient, potassium};

/// Outcome, patient and detail of what came into the log since.
async fn since(
    site: &Site,
    actor: &str,
    before: &mut usize,
) -> Vec<(AuditOutcome, Option<String>, String)> {
    let rows = site.log(actor).await.split_off(*before);
    *before += rows.len();
    rows.into_iter()
        .map(|row| {
            assert_eq!(row.entry.via, "api");
            let write = row.entry.action == "fhir.write";
            assert!(
                write || row.entry.action == "fhir.read",
                "{}",
                row.entry.action
            );
            (
                row.entry.outcome,
                row.entry.patient,
                row.entry.detail.unwrap_or_default(),
            )
        })
        .collect()
}

#[tokio::test]
async fn d16_each_indirect_attempt_is_one_denied_entry() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let seen = site.tell(&potassium("o1", "p1", "6.9")).await;
    let token = site.token("observer").await;
    let stolen = {
        let reader = site.token("reader").await;
        site.tell(&potassium("o2", "p1", "4.1")).await;
        let path = format!("/fhir/Observation?patient={who}&_count=1");
        site.get(&reader, &path).await.link("next").unwrap()
    };
    let mut before = site.log("observer").await.len();
    let of = |id: &str| Some(id.to_owned());
    let known = || of(who.as_str());
    let on = |rest: &str| format!("/fhir/{rest}");
    for (method, path, status, patient, detail) in [
        (
            "GET",
            on(&format!("Observation?patient={who}&patient.name=Okonkwo")),
            400,
            known(),
            "400 not-supported GET Observation: patient, patient.name",
        ),
        (
            "GET",
            on("Observation?subject:Patient.family=Okonkwo"),
            400,
            None,
            "400 not-supported GET Observation: subject:Patient.family",
        ),
        (
            "GET",
            on("Observation?_has:Condition:subject:code=x&19701231=1"),
            400,
            None,
            "400 not-supported GET Observation: _has:Condition:subject:code, (unreadable name)",
        ),
        (
            "GET",
            on(&format!("Observation?patient={who}&date=Okonkwo")),
            400,
            known(),
            "400 value GET Observation: patient, date",
        ),
        (
            "GET",
            on(&format!("Observation?patient={who}&_format=xml")),
            406,
            known(),
            "406 not-supported GET Observation: patient, _format",
        ),
        (
            "GET",
            on("Observation?code=%FF"),
            400,
            None,
            "400 structure GET Observation",
        ),
        (
            "GET",
            on("Observation?_cursor=AAAA"),
            400,
            None,
            "400 value GET Observation: _cursor",
        ),
        (
            "GET",
            stolen,
            400,
            None,
            "400 value GET Observation: _cursor",
        ),
        (
            "GET",
            on("Observation?code=8867-4"),
            400,
            None,
            "too costly: search Observation: code",
        ),
        (
            "GET",
            on("?_type=Patient"),
            400,
            None,
            "400 not-supported GET /: _type",
        ),
        (
            "GET",
            on(&format!("Patient/{who}/_history")),
            404,
            known(),
            "404 not-supported GET Patient/ID/_history",
        ),
        (
            "GET",
            on(&format!("Patient/{who}/$everything")),
            404,
            known(),
            "404 not-supported GET Patient/ID/$everything",
        ),
        (
            "GET",
            on(&format!("Patient/{who}/*")),
            404,
            known(),
            "404 not-supported GET Patient/ID/ID",
        ),
        (
            "GET",
            on("Group/x"),
            404,
            None,
            "404 not-supported GET Group/ID",
        ),
        (
            "GET",
            on(&format!("DiagnosticReport?patient={who}")),
            404,
            known(),
            "404 not-supported GET DiagnosticReport: patient",
        ),
        (
            "HEAD",
            on(&format!("Communication?subject=Patient/{who}")),
            404,
            known(),
            "404 not-supported HEAD Communication: subject",
        ),
        (
            "GET",
            on("Encounter/e/Observation"),
            404,
            None,
            "404 not-supported GET Encounter/ID/Observation",
        ),
        (
            "GET",
            on("Okonkwo/Ada"),
            404,
            None,
            "404 not-supported GET (no type)/ID",
        ),
        (
            "GET",
            on(&format!("Condition?patient={who}&code=x")),
            403,
            known(),
            "role.not_granted Search Condition: patient, code",
        ),
        (
            "GET",
            on("Patient/Okonkwo"),
            403,
            None,
            "role.not_granted Read Patient",
        ),
        (
            "GET",
            on(&format!("Patient/{who}/_history/1")),
            403,
            known(),
            "role.not_granted Read Patient",
        ),
        (
            "POST",
            on("Patient"),
            405,
            None,
            "405 not-supported POST Patient",
        ),
        (
            "POST",
            on("metadata"),
            404,
            None,
            "404 not-supported POST metadata",
        ),
        (
            "POST",
            on("Observation/_search"),
            415,
            None,
            "415 not-supported POST Observation/_search",
        ),
        (
            "POST",
            on("$export"),
            404,
            None,
            "404 not-supported POST $export",
        ),
        (
            "PUT",
            on(&format!("Patient/{who}")),
            405,
            known(),
            "405 not-supported PUT Patient/ID",
        ),
        (
            "PATCH",
            on(&format!("Observation/{seen}")),
            405,
            None,
            "405 not-supported PATCH Observation/ID",
        ),
        (
            "DELETE",
            on(&format!("Patient/{who}")),
            405,
            known(),
            "405 not-supported DELETE Patient/ID",
        ),
        (
            "SECRET",
            on("Observation"),
            405,
            None,
            "405 not-supported (another method) Observation",
        ),
    ] {
        let body = if method == "POST" { "{}" } else { "" };
        let request = Site::request(&token, method, &path);
        let answer = site.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{method} {path}: {}",
            answer.text
        );
        assert_eq!(
            since(&site, "observer", &mut before).await,
            [(AuditOutcome::Denied, patient, detail.to_owned())],
            "{method} {path}"
        );
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = format!("patient={who}&patient.name=Okonkwo");
    site.post(&token, "/fhir/Observation/_search", &form, body)
        .await;
    assert_eq!(
        since(&site, "observer", &mut before).await,
        [(
            AuditOutcome::Denied,
            known(),
            "400 not-supported POST Observation/_search: patient, patient.name".to_owned()
        )]
    );
}

#[tokio::test]
async fn d16_what_was_wanted_beside_the_answer_is_a_denied_entry_beside_the_success() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    site.tell(&potassium("o1", "p1", "6.9")).await;
    let token = site.token("observer").await;
    let mut before = site.log("observer").await.len();
    for (query, detail) in [
        (
            "_include=Observation:subject",
            "role.not_granted _include of Patient: search Observation: patient, _include",
        ),
        (
            "_include=*",
            "not offered: search Observation: patient, _include",
        ),
        (
            "_include:iterate=Observation:patient",
            "not offered: search Observation: patient, _include:iterate",
        ),
        (
            "_revinclude=*",
            "not offered: search Observation: patient, _revinclude",
        ),
    ] {
        site.get(&token, &format!("/fhir/Observation?patient={who}&{query}"))
            .await;
        let rows = since(&site, "observer", &mut before).await;
        let patient = Some(who.as_str().to_owned());
        assert_eq!(rows.len(), 2, "{query}: {rows:?}");
        assert_eq!((rows[0].0, &rows[0].1), (AuditOutcome::Success, &patient));
        assert_eq!(rows[1], (AuditOutcome::Denied, patient, detail.to_owned()));
    }
    // Strictly asked it is refused, and that is written down once.
    for query in ["_include=*", "_include=Observation:subject"] {
        let path = format!("/fhir/Observation?patient={who}&{query}");
        let strict = [("prefer", "handling=strict")];
        let answer = site.get_with(&token, &path, &strict).await;
        assert!(answer.status.is_client_error(), "{query}");
        let rows = since(&site, "observer", &mut before).await;
        let denied = rows.iter().filter(|row| row.0 == AuditOutcome::Denied);
        assert_eq!(denied.count(), 1, "{query}: {rows:?}");
    }
}

#[tokio::test]
async fn each_refused_entry_of_a_batch_is_in_the_log_with_its_own_method_and_type() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let mine = |request: Value| json!({"resource": potassium("x", who.as_str(), "4.0"), "request": request});
    let batch = json!({"resourceType":"Bundle","type":"batch","entry":[
        mine(json!({"method":"POST","url":"Observation"})),
        {"request":{"method":"GET","url":format!("Patient/{who}")}},
        {"request":{"method":"GET","url":format!("Observation?patient={who}&_include=Observation:subject")}},
        {"request":{"method":"DELETE","url":"Condition/Okonkwo"}},
        {"resource":{}}]});
    for (client, code, status) in [
        ("observer", "403 forbidden", "403"),
        ("reader", "405 not-supported", "405"),
    ] {
        let token = site.token(client).await;
        let mut before = site.log(client).await.len();
        let answer = site.post(&token, "/fhir", &[], batch.to_string()).await;
        assert_eq!(answer.status, StatusCode::OK);
        let last = answer.json()["entry"][3]["response"]["status"].clone();
        assert!(last.as_str().unwrap().starts_with(status));
        let known = Some(who.as_str().to_owned());
        let mut rows = since(&site, client, &mut before).await;
        rows.retain(|row| row.0 == AuditOutcome::Denied);
        let mut expected = vec![
            (known.clone(), format!("batch: {code} POST Observation")),
            (known.clone(), format!("batch: {code} GET Patient/ID")),
            (
                known,
                format!("batch: {code} GET Observation: patient, _include"),
            ),
            (None, format!("batch: {code} DELETE Condition/ID")),
            (None, format!("batch: {code} (another method) /")),
        ];
        if client == "reader" {
            expected.remove(0);
            expected[3].1 = "batch: 400 required (another method) /".to_owned();
        }
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(_, patient, detail)| (patient, detail))
            .collect();
        assert_eq!(rows, expected, "{client}");
    }
    let token = site.token("observer").await;
    let mut before = site.log("observer").await.len();
    for (body, detail) in [
        (
            json!({"resourceType":"Bundle","type":"batch"}),
            "403 forbidden POST /",
        ),
        (
            json!({"resourceType":"Bundle","type":"transaction"}),
            "400 not-supported POST /",
        ),
        (json!({"resourceType":"Patient"}), "400 structure POST /"),
    ] {
        site.post(&token, "/fhir", &[], body.to_string()).await;
        let rows = since(&site, "observer", &mut before).await;
        assert_eq!(rows, [(AuditOutcome::Denied, None, detail.to_owned())]);
    }
}

#[tokio::test]
async fn each_refused_create_is_in_the_log() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let token = site.token("device").await;
    let mut before = site.log("device").await.len();
    let good = potassium("x", who.as_str(), "4.0").to_string();
    let json = "application/fhir+json";
    for (path, kind, body, detail) in [
        (
            "/fhir/Observation",
            json,
            "{".to_owned(),
            "400 structure POST Observation",
        ),
        (
            "/fhir/Observation",
            json,
            "{}".to_owned(),
            "422 structure POST Observation",
        ),
        (
            "/fhir/Observation",
            "text/xml",
            good.clone(),
            "415 not-supported POST Observation",
        ),
        (
            "/fhir/Observation?code=x",
            json,
            good,
            "400 not-supported POST Observation: code",
        ),
        (
            "/fhir/Observation",
            json,
            " ".repeat(1024 * 1024 + 1),
            "413 too-long POST Observation",
        ),
    ] {
        site.post(&token, path, &[("content-type", kind)], body)
            .await;
        let rows = since(&site, "device", &mut before).await;
        assert_eq!(rows, [(AuditOutcome::Denied, None, detail.to_owned())]);
    }
}

#[tokio::test]
async fn who_shows_no_token_is_in_the_log_with_what_was_wanted() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let request =
        Request::get(format!("/fhir/Observation?patient={who}")).header(HOST, "127.0.0.1:8080");
    site.send(request.body(Body::empty()).unwrap()).await;
    site.get("bWFkZS11cA", &format!("/fhir/Patient/{who}"))
        .await;
    let rows = since(&site, "anonymous", &mut 0).await;
    assert_eq!(
        rows,
        [
            (
                AuditOutcome::Denied,
                None,
                "token.missing GET Observation: patient".to_owned()
            ),
            (
                AuditOutcome::Denied,
                None,
                "token.invalid GET Patient/ID".to_owned()
            ),
        ]
    );
}
