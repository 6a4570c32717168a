//! Searching: as clients write it, in pages that hold still, and never silent about what is missing.

use axum::http::StatusCode;
use bedside_core::completeness::Coverage;
use serde_json::json;

use crate::support::{Site, patient, potassium};

#[tokio::test]
async fn a_search_finds_by_get_by_post_and_by_compartment() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let high = site.tell(&potassium("o1", "p1", "6.9")).await;
    site.tell(&potassium("o2", "p1", "4.1")).await;
    let token = site.token("reader").await;
    let query = format!("patient={who}&code=http%3A%2F%2Floinc.org%7C2823-3&value-quantity=gt6");
    let by_get = site
        .get(&token, &format!("/fhir/Observation?{query}"))
        .await;
    assert_eq!(by_get.ids("match"), [high.as_str()]);
    assert_eq!(by_get.json()["total"], 1);
    let entry = &by_get.json()["entry"][0];
    assert_eq!(
        entry["fullUrl"],
        format!("http://127.0.0.1:8080/fhir/Observation/{high}")
    );
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let by_post = site
        .post(&token, "/fhir/Observation/_search", &form, query.clone())
        .await;
    assert_eq!(by_post.ids("match"), [high.as_str()]);
    let mixed = site
        .post(
            &token,
            &format!("/fhir/Observation/_search?patient={who}"),
            &form,
            "value-quantity=gt6",
        )
        .await;
    assert_eq!(mixed.ids("match"), [high.as_str()]);
    let compartment = site
        .get(&token, &format!("/fhir/Patient/{who}/Observation"))
        .await;
    assert_eq!(compartment.ids("match").len(), 2);
    let included = site
        .get(
            &token,
            &format!("/fhir/Observation?{query}&_include=Observation:patient"),
        )
        .await;
    assert_eq!(included.ids("include"), [who.as_str()]);
    let count = site
        .get(
            &token,
            &format!("/fhir/Observation?patient={who}&_summary=count"),
        )
        .await;
    assert_eq!(
        (count.json()["total"].as_u64(), count.ids("match").len()),
        (Some(2), 0)
    );
    let zero = site
        .get(&token, &format!("/fhir/Observation?patient={who}&_count=0"))
        .await;
    assert_eq!(
        (zero.json()["total"].as_u64(), zero.ids("match").len()),
        (Some(2), 0)
    );
    let sorted = site
        .get(
            &token,
            &format!("/fhir/Observation?patient={who}&_sort=-_lastUpdated,date&_elements=status"),
        )
        .await;
    assert!(sorted.text.contains("SUBSETTED") && !sorted.text.contains("valueQuantity"));
}

#[tokio::test]
async fn patients_are_found_by_what_is_sealed() {
    let site = Site::open().await;
    let ada = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let eve = site.tell(&patient("p2", "Lindqvist", "Eve")).await;
    let token = site.token("reader").await;
    for (query, expected) in [
        ("name=okon", vec![&ada]),
        ("family=LINDQVIST&given=eve", vec![&eve]),
        ("identifier=urn:mrn|M-p1", vec![&ada]),
        ("identifier=M-p1", vec![&ada]),
        ("identifier=urn:other|M-p1", vec![]),
        ("birthdate=1957-03-02&family=okonkwo", vec![&ada]),
        ("birthdate=1958-03-02", vec![]),
        ("gender=male", vec![]),
    ] {
        let found = site.get(&token, &format!("/fhir/Patient?{query}")).await;
        let mut ids = found.ids("match");
        ids.sort_unstable();
        let mut expected: Vec<String> = expected
            .into_iter()
            .map(|id| id.as_str().to_owned())
            .collect();
        expected.sort_unstable();
        assert_eq!(ids, expected, "{query}");
    }
    let all = site.get(&token, "/fhir/Patient?_sort=family").await;
    assert_eq!(all.ids("match"), [eve.as_str(), ada.as_str()]);
    let id = site
        .get(&token, &format!("/fhir/Patient?_id={ada},{eve},nobody"))
        .await;
    assert_eq!(id.json()["total"], 2);
}

#[tokio::test]
async fn an_unknown_parameter_is_named_or_refused_and_a_costly_question_is_not_answered() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let token = site.token("reader").await;
    let path = format!("/fhir/Observation?patient={who}&colour=red");
    let lenient = site.get(&token, &path).await;
    assert!(
        lenient
            .warnings()
            .iter()
            .any(|words| words.starts_with("not-supported: colour")),
        "{}",
        lenient.text
    );
    let link = lenient.link("self").unwrap();
    assert!(
        link.contains("patient=") && !link.contains("colour"),
        "{link}"
    );
    for prefer in ["handling=strict", "return=minimal, handling=strict"] {
        let strict = site.get_with(&token, &path, &[("prefer", prefer)]).await;
        assert_eq!(
            (strict.status, strict.issue().as_str()),
            (StatusCode::BAD_REQUEST, "not-supported")
        );
    }
    let odd = site
        .get_with(&token, &path, &[("prefer", "return=presentation")])
        .await;
    assert_eq!(odd.status, StatusCode::OK);
    for (query, code) in [
        ("Observation", "too-costly"),
        ("Observation?code=2823-3", "too-costly"),
        ("Observation?patient.name=Okonkwo", "not-supported"),
        (
            "Patient?_has:Observation:patient:code=2823-3",
            "not-supported",
        ),
        ("Observation?patient=x&date=soon", "value"),
        ("Observation?_cursor=AAAA", "value"),
    ] {
        let answer = site.get(&token, &format!("/fhir/{query}")).await;
        assert_eq!(
            (answer.status, answer.issue().as_str()),
            (StatusCode::BAD_REQUEST, code),
            "{query}"
        );
        assert!(!answer.text.contains("Okonkwo"));
    }
}

#[tokio::test]
async fn pages_hold_still_while_others_write_and_belong_to_who_asked() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let mut expected = Vec::new();
    for n in 0..7 {
        expected.push(
            site.tell(&potassium(&format!("o{n}"), "p1", "4.1"))
                .await
                .as_str()
                .to_owned(),
        );
    }
    let token = site.token("reader").await;
    let mut answer = site
        .get(
            &token,
            &format!("/fhir/Observation?patient={who}&_count=3&_sort=_id"),
        )
        .await;
    let mut seen = Vec::new();
    let mut pages = 0;
    loop {
        assert_eq!(answer.json()["total"], 7);
        seen.extend(answer.ids("match"));
        pages += 1;
        let Some(next) = answer.link("next") else {
            break;
        };
        assert!(
            next.starts_with("http://127.0.0.1:8080/fhir/Observation?"),
            "{next}"
        );
        assert!(next.len() < 2_000);
        assert!(
            !next.contains(who.as_str()),
            "a link says nothing of the question"
        );
        // New ones come in, an old one changes, a token runs out: the pages stay what they were.
        site.tell(&potassium(&format!("new{pages}"), "p1", "4.1"))
            .await;
        site.tell(&potassium("o6", "p1", &format!("5.{pages}")))
            .await;
        let other = site.token("observer").await;
        assert_eq!(
            site.get(&other, &next).await.status,
            StatusCode::BAD_REQUEST
        );
        let mut changed = next.clone();
        changed.pop();
        changed.push('x');
        assert_eq!(
            site.get(&token, &changed).await.status,
            StatusCode::BAD_REQUEST
        );
        assert_eq!(
            site.get(&token, &next.replace("Observation?", "Condition?"))
                .await
                .status,
            StatusCode::BAD_REQUEST
        );
        answer = site.get(&token, &next).await;
    }
    assert_eq!(pages, 3);
    expected.sort();
    seen.sort();
    assert_eq!(seen, expected, "each once, and none that came later");
}

#[tokio::test]
async fn p06_an_empty_answer_says_when_it_is_not_none() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let token = site.token("reader").await;
    let ask = |path: String| {
        let (site, token) = (&site, &token);
        async move {
            let answer = site.get(token, &path).await;
            assert_eq!(answer.json()["total"], 0);
            answer.warnings()
        }
    };
    let all = format!("/fhir/AllergyIntolerance?patient={who}");
    assert_eq!(
        ask(all.clone()).await,
        ["incomplete: epic was never asked for AllergyIntolerance"]
    );
    for (coverage, part) in [
        (Coverage::Denied, "refused"),
        (Coverage::Failed, "failed"),
        (Coverage::Truncated, "a part"),
        (Coverage::Unlicensed, "does not offer"),
    ] {
        site.asked(&who, "AllergyIntolerance", "", coverage).await;
        let warnings = ask(all.clone()).await;
        assert_eq!(warnings.len(), 1);
        assert!(
            warnings[0].starts_with("incomplete: ")
                && warnings[0].contains("epic")
                && warnings[0].contains(part),
            "{warnings:?}"
        );
    }
    site.asked(&who, "AllergyIntolerance", "", Coverage::Complete)
        .await;
    assert_eq!(
        ask(all).await,
        [
            "informational: no AllergyIntolerance that fits is recorded, which is not a statement that there is none"
        ],
        "a list that was asked for completely and is empty says that none is recorded, and no more"
    );

    site.asked(&who, "Observation", "laboratory", Coverage::Complete)
        .await;
    let labs = format!("/fhir/Observation?patient={who}&category=laboratory");
    assert!(ask(labs).await.is_empty());
    let vital = ask(format!(
        "/fhir/Observation?patient={who}&category=vital-signs"
    ))
    .await;
    assert!(
        vital[0].contains("never asked for Observation (vital-signs)"),
        "{vital:?}"
    );
    let any = ask(format!("/fhir/Observation?patient={who}")).await;
    assert!(
        any[0].contains("only in the categories laboratory"),
        "{any:?}"
    );

    let nobody = ask(String::from("/fhir/Condition?patient=nobody")).await;
    assert_eq!(
        nobody,
        ["not-found: nothing is known here of a patient that was asked for"]
    );
}

#[tokio::test]
async fn each_offered_type_is_searched_by_its_own_parameters() {
    let site = Site::open().await;
    let who = site.tell(&patient("p1", "Okonkwo", "Ada")).await;
    let subject = json!({"reference": "Patient/p1"});
    let code = |code: &str| json!({"coding":[{"system":"urn:s","code":code}]});
    for resource in [
        json!({"resourceType":"Condition","id":"c","subject":subject,"code":code("ckd"),"clinicalStatus":code("active"),"category":[code("problem-list-item")],"onsetDateTime":"2020"}),
        json!({"resourceType":"AllergyIntolerance","id":"a","patient":subject,"code":code("penicillin"),"clinicalStatus":code("active")}),
        json!({"resourceType":"MedicationRequest","id":"m","subject":subject,"status":"active","intent":"order","authoredOn":"2026-11-01","medicationCodeableConcept":code("spironolactone")}),
        json!({"resourceType":"Encounter","id":"e","subject":subject,"status":"in-progress","class":{"code":"IMP"},"period":{"start":"2026-11-20T08:00:00Z"}}),
    ] {
        site.tell(&resource).await;
    }
    let token = site.token("reader").await;
    for (query, total) in [
        (
            "Condition?clinical-status=active&category=problem-list-item&code=urn:s|ckd&onset-date=le2021",
            1,
        ),
        ("Condition?clinical-status=resolved", 0),
        (
            "AllergyIntolerance?clinical-status=active&code=penicillin",
            1,
        ),
        (
            "MedicationRequest?status=active&intent=order&authoredon=ge2026-11",
            1,
        ),
        ("MedicationRequest?status:not=active", 0),
        (
            "Encounter?status=in-progress&class=IMP&date=ge2026-11-22",
            1,
        ),
        ("Encounter?date=lt2026-11-20", 0),
    ] {
        let answer = site
            .get(&token, &format!("/fhir/{query}&patient={who}"))
            .await;
        assert_eq!(answer.json()["total"], total, "{query}: {}", answer.text);
    }
}
