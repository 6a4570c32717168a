//! Creating: durable and applied before it is answered, once under a condition, and never half.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{BASE, Site, patient, potassium};

fn reading(patient: &str) -> Value {
    json!({"resourceType":"Observation","status":"final","identifier":[{"system":"urn:device","value":"r-1"}],
        "code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},
        "subject":{"reference":format!("Patient/{patient}")},"effectiveDateTime":"2026-11-22T14:59:00Z",
        "valueQuantity":{"value":72,"unit":"/min"}})
}

#[tokio::test]
async fn p01_a_created_observation_is_there_when_it_is_answered() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let token = site.token("reader").await;
    let mut body = reading(who.as_str());
    body["id"] = json!("mine");
    body["valueQuantity"]["value"] = serde_json::from_str("72.50").unwrap();
    let answer = site
        .post(&token, "/fhir/Observation", &[], body.to_string())
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    assert_eq!(answer.header("etag"), "W/\"1\"");
    assert!(!answer.header("last-modified").is_empty());
    let created = answer.json();
    let id = created["id"].as_str().unwrap().to_owned();
    assert_ne!(id, "mine", "what a client calls it counts for nothing");
    assert_eq!(
        answer.header("location"),
        format!("{BASE}/Observation/{id}/_history/1")
    );
    assert_eq!(created["subject"]["reference"], format!("Patient/{who}"));
    assert!(answer.text.contains("72.50"));
    for path in [
        format!("/fhir/Observation/{id}"),
        format!("/fhir/Observation/{id}/_history/1"),
    ] {
        assert_eq!(site.get(&token, &path).await.text, answer.text);
    }
    let found = site
        .get(
            &token,
            &format!("/fhir/Observation?patient={who}&code=8867-4"),
        )
        .await;
    assert_eq!(found.ids("match"), [id]);
    let minimal = site
        .post(
            &token,
            "/fhir/Observation",
            &[("prefer", "return=minimal")],
            reading(who.as_str()).to_string(),
        )
        .await;
    assert_eq!(
        (minimal.status, minimal.text.as_str()),
        (StatusCode::CREATED, "")
    );
    assert!(!minimal.header("location").is_empty());
    let twice = site
        .get(
            &token,
            &format!("/fhir/Observation?patient={who}&_summary=count"),
        )
        .await;
    assert_eq!(twice.json()["total"], 2, "the same body twice is two");
}

#[tokio::test]
async fn a_subject_may_be_a_person_or_our_own_address() {
    let site = Site::open().await;
    let one = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let two = site.tell(&patient("p2", "Okonkwo", "Ada")).await;
    site.merge(&two, &one).await;
    let token = site.token("reader").await;
    let person = site
        .get(&token, &format!("/fhir/Patient?link={one}"))
        .await
        .ids("match")
        .remove(0);
    let by_person = site
        .post(
            &token,
            "/fhir/Observation",
            &[],
            reading(&person).to_string(),
        )
        .await;
    assert_eq!(by_person.status, StatusCode::CREATED, "{}", by_person.text);
    assert_eq!(
        by_person.json()["subject"]["reference"],
        format!("Patient/{two}"),
        "a subject is always a source's patient, and the one that did not go in the merge"
    );
    let mut absolute = reading(one.as_str());
    absolute["subject"]["reference"] = json!(format!("{BASE}/Patient/{one}"));
    absolute["encounter"] = json!({"reference": format!("{BASE}/Encounter/e1")});
    absolute["device"] = json!({"reference": "https://elsewhere.example/fhir/Device/7"});
    let answer = site
        .post(&token, "/fhir/Observation", &[], absolute.to_string())
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let created = answer.json();
    assert_eq!(created["subject"]["reference"], format!("Patient/{one}"));
    assert_eq!(created["encounter"]["reference"], "Encounter/e1");
    assert_eq!(
        created["device"]["reference"],
        "https://elsewhere.example/fhir/Device/7"
    );
}

#[tokio::test]
async fn what_can_not_be_used_is_refused_with_its_place_and_nothing_is_taken_in() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let token = site.token("reader").await;
    let before = site
        .through
        .submitted
        .load(std::sync::atomic::Ordering::SeqCst);
    let without = |name: &str| {
        let mut body = reading(who.as_str());
        body.as_object_mut().unwrap().remove(name);
        body.to_string()
    };
    let deep = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
    for (body, status, code) in [
        (without("status"), 422, "required"),
        (without("subject"), 422, "required"),
        (without("valueQuantity"), 422, "required"),
        (reading("nobody").to_string(), 422, "not-found"),
        (reading("../Condition").to_string(), 422, "value"),
        (patient("p9", "New", "Person").to_string(), 422, "structure"),
        (
            "{\"resourceType\":\"Observation\",\"resourceType\":\"Patient\"}".to_owned(),
            400,
            "structure",
        ),
        (deep, 400, "structure"),
        (String::new(), 400, "structure"),
        ("[]".to_owned(), 422, "structure"),
    ] {
        let answer = site
            .post(&token, "/fhir/Observation", &[], body.clone())
            .await;
        let start: String = body.chars().take(60).collect();
        assert_eq!(answer.status.as_u16(), status, "{start}: {}", answer.text);
        assert_eq!(answer.issue(), code, "{start}");
        assert!(!answer.text.contains("Person"));
    }
    let answer = site
        .post(&token, "/fhir/Observation", &[], without("code"))
        .await;
    assert_eq!(
        answer.json()["issue"][0]["expression"],
        json!(["Observation.code"])
    );
    let large = site
        .post(
            &token,
            "/fhir/Observation",
            &[],
            vec![b' '; 1024 * 1024 + 1],
        )
        .await;
    assert_eq!(
        (large.status, large.issue().as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, "too-long")
    );
    for kind in [
        "application/fhir+xml",
        "text/plain",
        "application/json; charset=latin1",
    ] {
        let answer = site
            .post(
                &token,
                "/fhir/Observation",
                &[("content-type", kind)],
                reading(who.as_str()).to_string(),
            )
            .await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    let json = [("content-type", "application/json;charset=UTF-8")];
    let good = site
        .post(
            &token,
            "/fhir/Observation",
            &json,
            reading(who.as_str()).to_string(),
        )
        .await;
    assert_eq!(good.status, StatusCode::CREATED);
    assert_eq!(
        site.through
            .submitted
            .load(std::sync::atomic::Ordering::SeqCst),
        before + 1
    );
}

#[tokio::test]
async fn p02_many_conditional_creates_at_once_leave_one() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let token = site.token("reader").await;
    let body = reading(who.as_str()).to_string();
    let condition = [("if-none-exist", "identifier=urn:device|r-1")];
    let mut asked = Vec::new();
    for _ in 0..20 {
        asked.push(site.post(&token, "/fhir/Observation", &condition, body.clone()));
    }
    let mut statuses = Vec::new();
    let mut places = Vec::new();
    for answer in join(asked).await {
        statuses.push(answer.status.as_u16());
        places.push(answer.header("location").to_owned());
    }
    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        1,
        "{statuses:?}"
    );
    assert!(
        statuses.iter().all(|status| matches!(status, 200 | 201)),
        "{statuses:?}"
    );
    places.dedup();
    assert_eq!(places.len(), 1, "all are told of the same one");
    let count = site
        .get(
            &token,
            &format!("/fhir/Observation?patient={who}&_summary=count"),
        )
        .await;
    assert_eq!(count.json()["total"], 1);
    // Later, too; and of two that were made without a condition neither is the one.
    let later = site
        .post(&token, "/fhir/Observation", &condition, body.clone())
        .await;
    assert_eq!((later.status, later.text.as_str()), (StatusCode::OK, ""));
    site.post(&token, "/fhir/Observation", &[], body.clone())
        .await;
    let several = site
        .post(&token, "/fhir/Observation", &condition, body.clone())
        .await;
    assert_eq!(
        (several.status, several.issue().as_str()),
        (StatusCode::PRECONDITION_FAILED, "multiple-matches")
    );
    for condition in [
        "code=8867-4",
        "identifier=a,b",
        "identifier=a&status=final",
        "nonsense",
    ] {
        let answer = site
            .post(
                &token,
                "/fhir/Observation",
                &[("if-none-exist", condition)],
                body.clone(),
            )
            .await;
        assert_eq!(
            (answer.status, answer.issue().as_str()),
            (StatusCode::BAD_REQUEST, "not-supported"),
            "{condition}"
        );
    }
}

/// Runs all at once.
async fn join<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, slot) in waiting.iter_mut().zip(&mut done) {
            if slot.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *slot = Some(value);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn an_existing_resource_of_another_source_is_no_ones_to_match() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let mut theirs = potassium("o1", "p1", "5.4");
    theirs["identifier"] = json!([{"system":"urn:device","value":"r-1"}]);
    site.tell(&theirs).await;
    let token = site.token("device").await;
    let answer = site
        .post(
            &token,
            "/fhir/Observation",
            &[("if-none-exist", "identifier=urn:device|r-1")],
            reading(who.as_str()).to_string(),
        )
        .await;
    assert_eq!(
        answer.status,
        StatusCode::CREATED,
        "a condition tells nothing of what others wrote: {}",
        answer.text
    );
    assert_eq!(
        site.get(&token, &format!("/fhir/Observation?patient={who}"))
            .await
            .status,
        StatusCode::FORBIDDEN,
        "who may only create can't read"
    );
}

#[tokio::test]
async fn a_batch_answers_each_entry_on_its_own() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let token = site.token("reader").await;
    let post = |resource: Value| json!({"resource": resource, "request": {"method": "POST", "url": "Observation"}});
    let mut bad = reading(who.as_str());
    bad["status"] = json!("done");
    let mut conditional = post(reading(who.as_str()));
    conditional["request"]["ifNoneExist"] = json!("identifier=urn:device|r-1");
    let bundle = json!({"resourceType":"Bundle","type":"batch","entry":[
        post(reading(who.as_str())), post(bad), post(reading("nobody")),
        {"request":{"method":"GET","url":"Patient"}}, {"resource":{}}, conditional,
        post(potassium("x", who.as_str(), "4.40"))]});
    for path in ["/fhir", "/fhir/"] {
        let answer = site.post(&token, path, &[], bundle.to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let answer = answer.json();
        assert_eq!(answer["type"], "batch-response");
        let statuses: Vec<&str> = answer["entry"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| &entry["response"]["status"].as_str().unwrap()[..3])
            .collect();
        let conditional = if path == "/fhir" { "201" } else { "412" };
        assert_eq!(
            statuses,
            ["201", "422", "422", "405", "400", conditional, "201"],
            "{path}"
        );
        let place = answer["entry"][6]["response"]["location"].as_str().unwrap();
        let read = site.get(&token, &format!("/fhir/{place}")).await;
        assert!(read.text.contains("4.40"), "digits are kept: {}", read.text);
        assert!(answer["entry"][1]["response"]["outcome"]["issue"].is_array());
    }
    for (bundle, status, code) in [
        (
            json!({"resourceType":"Bundle","type":"transaction","entry":[]}),
            400,
            "not-supported",
        ),
        (
            json!({"resourceType":"Bundle","type":"searchset"}),
            400,
            "value",
        ),
        (json!({"resourceType":"Patient"}), 400, "structure"),
        (
            json!({"resourceType":"Bundle","type":"batch","entry":vec![json!({}); 501]}),
            413,
            "too-long",
        ),
    ] {
        let answer = site.post(&token, "/fhir", &[], bundle.to_string()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.issue().as_str()),
            (status, code)
        );
    }
    let empty = site
        .post(
            &token,
            "/fhir",
            &[],
            json!({"resourceType":"Bundle","type":"batch"}).to_string(),
        )
        .await;
    assert_eq!(empty.status, StatusCode::OK);
    assert!(empty.json().get("entry").is_none());
}

#[tokio::test]
async fn numbers_without_bound_and_a_made_up_origin_are_refused_with_their_place() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let token = site.token("reader").await;
    let with = |number: &str| {
        reading(who.as_str())
            .to_string()
            .replace("\"value\":72", &format!("\"value\":{number}"))
    };
    let mut origin = reading(who.as_str());
    origin["meta"] = json!({"source": "epic"});
    for (body, place) in [
        (with("1e99999"), "Observation.valueQuantity.value"),
        (
            with(&"9".repeat(100_000)),
            "Observation.valueQuantity.value",
        ),
        (origin.to_string(), "Observation.meta.source"),
    ] {
        let answer = site.post(&token, "/fhir/Observation", &[], body).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            answer.text
        );
        assert_eq!(answer.json()["issue"][0]["expression"], json!([place]));
    }
    let mut labelled = reading(who.as_str());
    labelled["meta"] = json!({"profile": ["http://p.example/x"], "versionId": "17", "lastUpdated": "1999-01-01T00:00:00Z"});
    let answer = site
        .post(&token, "/fhir/Observation", &[], labelled.to_string())
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let meta = answer.json()["meta"].clone();
    assert_eq!(meta["profile"], json!(["http://p.example/x"]));
    assert_eq!(meta["versionId"], "1");
    assert!(!answer.text.contains("1999"));
}
