//! Reading: the stored bytes, and every refusal as an outcome.

use axum::http::StatusCode;
use axum::http::header::ACCEPT;

use crate::support::{BASE, Site, patient, potassium};

#[tokio::test]
async fn a_resource_reads_as_it_was_sent_digit_for_digit() {
    let site = Site::open().await;
    site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let text = r#"{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"K+"},"subject":{"reference":"Patient/p1"},"effectiveDateTime":"2026-11-22","valueQuantity":{"value":5.40,"unit":"mmol/L","_x":{"b":1e2}},"_status":{"extension":[{"url":"urn:x","valueString":"\u00e9"}]}}"#;
    let id = site.tell_as("epic", text).await;
    let token = site.token("reader").await;
    let read = site.get(&token, &format!("/fhir/Observation/{id}")).await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.text);
    for part in ["5.40", "1e2", "\\u00e9"] {
        assert!(read.text.contains(part), "{part} in {}", read.text);
    }
    assert_eq!(
        read.header("content-type"),
        "application/fhir+json; charset=utf-8"
    );
    assert_eq!(read.header("etag"), "W/\"1\"");
    assert_eq!(
        read.header("last-modified"),
        "Sun, 22 Nov 2026 15:00:00 GMT"
    );
    let path = format!("/fhir/Observation/{id}");
    for (tag, status) in [
        ("W/\"1\"", 304),
        ("\"1\"", 304),
        ("*", 304),
        ("W/\"2\"", 200),
    ] {
        let answer = site
            .get_with(&token, &path, &[("if-none-match", tag)])
            .await;
        assert_eq!(answer.status.as_u16(), status, "{tag}");
        assert_eq!(answer.text.is_empty(), status == 304);
    }
    let head = site
        .send(
            Site::request(&token, "HEAD", &path)
                .body(axum::body::Body::empty())
                .unwrap(),
        )
        .await;
    assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
    assert_eq!(head.header("content-length"), read.text.len().to_string());
    let part = site
        .get(&token, &format!("{path}?_elements=status"))
        .await
        .json();
    assert_eq!(part["meta"]["tag"][0]["code"], "SUBSETTED");
    assert!(part.get("valueQuantity").is_none());
}

#[tokio::test]
async fn earlier_versions_are_read_by_their_number() {
    let site = Site::open().await;
    site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let id = site.tell(&potassium("o1", "p1", "5.4")).await;
    site.tell(&potassium("o1", "p1", "4.4")).await;
    let token = site.token("reader").await;
    for (version, part) in [(1, "5.4"), (2, "4.4")] {
        let answer = site
            .get(
                &token,
                &format!("/fhir/Observation/{id}/_history/{version}"),
            )
            .await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.text.contains(part));
    }
    for version in ["3", "0", "x", "-1", "99999999999999999999"] {
        let answer = site
            .get(
                &token,
                &format!("/fhir/Observation/{id}/_history/{version}"),
            )
            .await;
        assert_eq!(
            (answer.status, answer.issue().as_str()),
            (StatusCode::NOT_FOUND, "not-found")
        );
    }
}

#[tokio::test]
async fn every_refusal_is_an_outcome_that_says_what_it_is_about() {
    let site = Site::open().await;
    let id = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let token = site.token("reader").await;
    for (method, path, status, code) in [
        ("GET", "/fhir/Patient/unknown".to_owned(), 404, "not-found"),
        ("GET", "/fhir/Patient/%00".to_owned(), 404, "not-found"),
        ("GET", "/fhir/Procedure/x".to_owned(), 404, "not-supported"),
        ("GET", "/fhir/Procedure".to_owned(), 404, "not-supported"),
        ("GET", "/fhir".to_owned(), 400, "not-supported"),
        (
            "GET",
            "/fhir/?_type=Patient".to_owned(),
            400,
            "not-supported",
        ),
        ("GET", "/fhir/_history".to_owned(), 404, "not-supported"),
        (
            "GET",
            format!("/fhir/Patient/{id}/_history"),
            404,
            "not-supported",
        ),
        (
            "GET",
            format!("/fhir/Patient/{id}/$everything"),
            404,
            "not-supported",
        ),
        ("POST", "/fhir/$graphql".to_owned(), 404, "not-supported"),
        ("PUT", format!("/fhir/Patient/{id}"), 405, "not-supported"),
        ("PATCH", format!("/fhir/Patient/{id}"), 405, "not-supported"),
        (
            "DELETE",
            format!("/fhir/Patient/{id}"),
            405,
            "not-supported",
        ),
        ("POST", "/fhir/Patient".to_owned(), 405, "not-supported"),
        (
            "POST",
            "/fhir/Patient?identifier=1".to_owned(),
            400,
            "not-supported",
        ),
        (
            "POST",
            "/fhir/Observation?identifier=1".to_owned(),
            400,
            "not-supported",
        ),
        (
            "GET",
            "/fhir/Patient?_format=xml".to_owned(),
            406,
            "not-supported",
        ),
        ("GET", "/fhir/Patient?name=%zz".to_owned(), 400, "structure"),
    ] {
        let request = Site::request(&token, method, &path);
        let answer = site
            .send(request.body(axum::body::Body::empty()).unwrap())
            .await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{method} {path}: {}",
            answer.text
        );
        assert_eq!(answer.issue(), code, "{method} {path}");
        assert!(
            answer
                .header("content-type")
                .starts_with("application/fhir+json")
        );
        if status == 405 {
            assert!(!answer.header("allow").is_empty());
        }
    }
}

#[tokio::test]
async fn json_is_understood_under_all_its_names() {
    let site = Site::open().await;
    let id = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let token = site.token("reader").await;
    for accept in [
        "application/fhir+json",
        "application/json",
        "json",
        "*/*",
        "application/fhir+json, */*; q=0.1",
        "application/json; charset=utf-8",
        "application/xml;q=0.5, application/fhir+json;q=0.9",
    ] {
        let answer = site
            .get_with(
                &token,
                &format!("/fhir/Patient/{id}/"),
                &[(ACCEPT.as_str(), accept)],
            )
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{accept}: {}", answer.text);
    }
    for accept in [
        "application/fhir+xml",
        "text/html",
        "application/fhir+turtle",
    ] {
        let answer = site
            .get_with(
                &token,
                &format!("/fhir/Patient/{id}"),
                &[(ACCEPT.as_str(), accept)],
            )
            .await;
        assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE, "{accept}");
        assert_eq!(answer.issue(), "not-supported");
    }
    for format in ["json", "application/fhir%2Bjson", "application/fhir+json"] {
        let path = format!("/fhir/Patient/{id}?_format={format}");
        let answer = site
            .get_with(&token, &path, &[(ACCEPT.as_str(), "text/html")])
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{format}");
    }
}

#[tokio::test]
async fn a_person_reads_as_a_patient_with_links_to_the_sources_records() {
    let site = Site::open().await;
    let one = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let two = site.tell(&patient("p2", "Okonkwo", "Ada Maria")).await;
    site.merge(&one, &two).await;
    let token = site.token("reader").await;
    let found = site
        .get(&token, &format!("/fhir/Patient?link=Patient/{one}"))
        .await;
    let persons = found.ids("match");
    assert_eq!(persons.len(), 1, "{}", found.text);
    let read = site
        .get(&token, &format!("/fhir/Patient/{}", persons[0]))
        .await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.text);
    let person = read.json();
    let mut links: Vec<&str> = person["link"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| link["other"]["reference"].as_str().unwrap())
        .collect();
    links.sort_unstable();
    let mut expected = [format!("Patient/{one}"), format!("Patient/{two}")];
    expected.sort_unstable();
    assert_eq!(links, expected);
    assert_eq!(person["identifier"].as_array().unwrap().len(), 2);
    assert!(!read.header("etag").is_empty());
    // By the person all that its patients have is found, each with its own subject.
    let observation = site.tell(&potassium("o1", "p2", "5.4")).await;
    let found = site
        .get(
            &token,
            &format!("/fhir/Observation?patient={BASE}/Patient/{}", persons[0]),
        )
        .await;
    assert_eq!(found.ids("match"), [observation.as_str()]);
    assert!(
        found
            .text
            .contains(&format!("\"reference\":\"Patient/{two}\""))
    );
    let by_one = site
        .get(&token, &format!("/fhir/Observation?patient={one}"))
        .await;
    assert!(
        by_one.ids("match").is_empty(),
        "a source's patient is that source's record alone"
    );
    // Reading a person touches each of its patients.
    let rows = site.log("reader").await;
    let read: Vec<_> = rows
        .iter()
        .filter(|row| row.entry.detail.as_deref() == Some("read: Patient"))
        .filter_map(|row| row.entry.patient.clone())
        .collect();
    assert_eq!(read.len(), 2);
}
