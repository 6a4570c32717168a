//! What stands on the pages, and what never does.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use bedside_core::ctx::Role;
use bedside_store::fault::Faults;

use crate::cases::{emergency, put};
use crate::support::{HOSTILE, Hospital};

async fn all_pages(hospital: &Hospital) -> Vec<(String, String)> {
    let mut pages = Vec::new();
    let patient = format!("/patient/{}", hospital.patients[1]);
    let links = format!("{patient}/links");
    let parked = format!("/quarantine/{}", hospital.parked);
    let clinician = hospital.sign_in(Role::Clinician).await;
    hospital.connections.set(HOSTILE, "down", None);
    let mut item = emergency(hospital, "c1");
    item.patient = hospital.patients[1].clone();
    item.say = format!("Potassium 6.7 {HOSTILE}");
    item.place = Some(HOSTILE.to_owned());
    item.show[1].lines[0].text = HOSTILE.to_owned();
    item.show[0].trend[0].2 = HOSTILE.to_owned();
    put(hospital, &item, 0).await;
    for path in [
        "/worklist",
        "/item/c1",
        "/sources",
        "/patients",
        patient.as_str(),
        "/audit",
        "/nowhere",
    ] {
        pages.push((path.to_owned(), clinician.get(path).await.text));
    }
    pages.push((
        String::from("search"),
        clinician.post("/patients", "query=Eve").await.text,
    ));
    let engineer = hospital.sign_in(Role::Engineer).await;
    engineer.post("/reason", "reason=ticket+%3Cb%3E4711").await;
    for path in [
        "/live",
        "/sources",
        "/sources/%3Cscript%3Ealert%281%29%3C%2Fscript%3E",
        "/quarantine",
        parked.as_str(),
        links.as_str(),
        "/reason",
    ] {
        pages.push((path.to_owned(), engineer.get(path).await.text));
    }
    let compliance = hospital.sign_in(Role::Compliance).await;
    pages.push((String::from("audit"), compliance.get("/audit").await.text));
    pages.push((
        String::from("verified"),
        compliance.post("/audit/verify", "").await.text,
    ));
    pages
}

#[tokio::test]
async fn hostile_text_is_escaped_and_no_page_holds_a_script_or_style_of_its_own() {
    let hospital = Hospital::open().await;
    for (path, text) in all_pages(&hospital).await {
        assert!(text.starts_with("<!DOCTYPE html>"), "{path}: {text}");
        let lower = text.to_lowercase();
        assert!(!lower.contains("<script>"), "{path}");
        assert!(
            !lower.contains("<style") && !lower.contains(" style="),
            "{path}"
        );
        assert!(
            !lower.contains(" onclick=") && !lower.contains("javascript:"),
            "{path}"
        );
        assert!(!text.contains("<b>4711"), "{path}");
    }
    let clinician = hospital.sign_in(Role::Clinician).await;
    let list = clinician.get("/patients").await.text;
    assert!(
        list.contains("&lt;SCRIPT&gt;ALERT(1)&lt;/SCRIPT&gt;, Eve"),
        "{list}"
    );
}

#[tokio::test]
async fn p10_no_title_or_address_holds_patient_data_and_nothing_is_kept_by_the_browser() {
    let hospital = Hospital::open().await;
    for (path, text) in all_pages(&hospital).await {
        let title = text
            .split("<title>")
            .nth(1)
            .unwrap()
            .split("</title>")
            .next()
            .unwrap();
        for secret in ["Eve", "EVE", HOSTILE, "OKONKWO", "100200", "100201"] {
            assert!(!title.contains(secret), "{path}: {title}");
            for address in text
                .split("href=\"")
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap())
            {
                assert!(!address.contains(secret), "{path}: {address}");
            }
        }
    }
    let clinician = hospital.sign_in(Role::Clinician).await;
    for path in ["/patients", "/nowhere", "/audit"] {
        let answer = clinician.get(path).await;
        assert_eq!(
            answer.headers.get(CACHE_CONTROL).unwrap(),
            "no-store",
            "{path}"
        );
        let policy = answer
            .headers
            .get(CONTENT_SECURITY_POLICY)
            .unwrap()
            .to_str()
            .unwrap();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(
            answer.headers.get("x-content-type-options").unwrap(),
            "nosniff"
        );
    }
}

#[tokio::test]
async fn every_page_has_its_landmarks_and_every_field_a_label() {
    let hospital = Hospital::open().await;
    for (path, text) in all_pages(&hospital).await {
        assert_eq!(text.matches("<main").count(), 1, "{path}");
        assert_eq!(text.matches("<h1").count(), 1, "{path}");
        assert!(
            text.contains("href=\"#main\"") && text.contains("<html lang=\"en\">"),
            "{path}"
        );
        for field in text
            .split("<input")
            .skip(1)
            .map(|rest| rest.split('>').next().unwrap())
        {
            if field.contains("type=\"hidden\"") {
                continue;
            }
            let id = field
                .split("id=\"")
                .nth(1)
                .unwrap_or_else(|| panic!("{path}: {field}"))
                .split('"')
                .next()
                .unwrap();
            assert!(
                text.contains(&format!("for=\"{id}\"")),
                "{path}: no label for {id}"
            );
        }
        assert_eq!(
            text.matches("<table").count(),
            text.matches("<caption").count(),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_search_finds_by_name_and_says_so_when_there_is_nobody() {
    let hospital = Hospital::open().await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    let found = clinician.post("/patients", "query=Okonkwo").await;
    assert_eq!(found.status, StatusCode::OK);
    assert!(found.text.contains("OKONKWO, Ada") && !found.text.contains(", Eve"));
    assert!(
        clinician
            .post("/patients", "query=Zzyzx")
            .await
            .text
            .contains("Nobody found")
    );
    assert_eq!(
        clinician.post("/patients", "query=+").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test]
async fn p06_a_chart_of_which_nothing_is_known_says_not_known_and_never_none() {
    let hospital = Hospital::open().await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    let chart = clinician
        .get(&format!("/patient/{}", hospital.patients[0]))
        .await
        .text;
    let banner = chart
        .split("class=\"warning\"")
        .nth(1)
        .unwrap()
        .split("</details>")
        .next()
        .unwrap();
    assert!(banner.contains("unknown (not asked)"), "{banner}");
    assert!(!banner.contains("no known allergies"), "{banner}");
}

#[tokio::test]
async fn p07_a_chart_of_the_past_says_that_it_is_not_the_present() {
    let hospital = Hospital::open().await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    let path = format!("/patient/{}", hospital.patients[0]);
    let now = clinician.get(&path).await.text;
    assert!(now.contains("As of now, ") && !now.contains("not the present"));
    let past = clinician.get(&format!("{path}?at=2026-11-22T09:00")).await;
    assert_eq!(past.status, StatusCode::OK);
    assert!(past.text.contains("22-Nov-2026 09:00") && past.text.contains("not the present"));
    let nonsense = clinician.get(&format!("{path}?at=yesterday")).await;
    assert_eq!(nonsense.status, StatusCode::UNPROCESSABLE_ENTITY);
    let future = clinician.get(&format!("{path}?at=2030-01-01")).await;
    assert_eq!(future.status, StatusCode::UNPROCESSABLE_ENTITY);
    // The first step of the slider is the moment at which the patient became known.
    let first = clinician.get(&format!("{path}?step=0")).await.text;
    assert!(
        first.contains("not the present") && first.contains("OKONKWO"),
        "{first}"
    );
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_and_not_broken() {
    let hospital = Hospital::open().await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    for path in ["/patient/nobody", "/patient/%3Cscript%3E", "/nowhere"] {
        assert_eq!(
            clinician.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let engineer = hospital.sign_in(Role::Engineer).await;
    assert_eq!(
        engineer.get("/quarantine/999999").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        engineer.get("/quarantine/abc").await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_parked_input_is_discarded_with_a_reason_only() {
    let hospital = Hospital::open().await;
    let engineer = hospital.sign_in(Role::Engineer).await;
    let path = format!("/quarantine/{}/discard", hospital.parked);
    assert_eq!(
        engineer.post(&path, "why=+").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert!(
        engineer
            .get("/quarantine")
            .await
            .text
            .contains("unrecognised")
    );
    assert_eq!(
        engineer.post(&path, "why=sent+twice").await.status,
        StatusCode::SEE_OTHER
    );
    assert!(
        engineer
            .get("/quarantine")
            .await
            .text
            .contains("Nothing is parked")
    );
}

#[tokio::test]
async fn the_live_page_stops_refreshing_by_itself() {
    let hospital = Hospital::open().await;
    let engineer = hospital.sign_in(Role::Engineer).await;
    assert!(
        engineer
            .get("/live")
            .await
            .text
            .contains("hx-get=\"/live/panel?n=1\"")
    );
    assert!(
        engineer
            .get("/live/panel?n=12")
            .await
            .text
            .contains("hx-get=\"/live/panel?n=13\"")
    );
    let last = engineer.get("/live/panel?n=300").await.text;
    assert!(!last.contains("hx-get") && last.contains("Not refreshing"));
}

fn potassium(value: &str, at: &str, status: &str) -> serde_json::Value {
    serde_json::json!({
        "resourceType": "Observation",
        "status": status,
        "category": [{ "coding": [{ "code": "laboratory" }] }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": "2823-3", "display": "Potassium" }] },
        "effectiveDateTime": at,
        "valueQuantity": {
            "value": serde_json::from_str::<serde_json::Value>(value).unwrap(),
            "unit": "mmol/L",
            "system": "http://unitsofmeasure.org",
            "code": "mmol/L",
        },
        "interpretation": [{ "coding": [{ "code": "H" }] }],
    })
}

#[tokio::test]
async fn p07_every_value_carries_its_source_and_its_age_and_every_digit_that_was_sent() {
    let hospital = Hospital::open().await;
    let older = potassium("4.10", "2026-11-22T06:00:00-06:00", "final");
    let newer = potassium("5.60", "2026-11-22T08:30:00-06:00", "preliminary");
    let none = serde_json::json!({
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": { "coding": [{ "code": "active" }] },
        "verificationStatus": { "coding": [{ "code": "confirmed" }] },
        "code": { "coding": [{ "system": "http://snomed.info/sct", "code": "716186003", "display": "No known allergy" }] },
    });
    let failing_heart = serde_json::json!({
        "resourceType": "Condition",
        "clinicalStatus": { "coding": [{ "code": "active" }] },
        "code": { "coding": [{ "system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I50.9", "display": "Heart failure" }] },
        "onsetDateTime": "2024-05",
    });
    let resources = [
        ("Observation", "k1", older),
        ("Observation", "k2", newer),
        ("AllergyIntolerance", "a1", none),
        ("Condition", "c1", failing_heart),
    ];
    hospital.tell("labs", &resources).await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    let chart = clinician
        .get(&format!("/patient/{}", hospital.patients[0]))
        .await
        .text;
    let labs = chart
        .split("id=\"labs\"")
        .nth(1)
        .unwrap()
        .split("</section>")
        .next()
        .unwrap();
    for words in [
        "5.60",
        "4.10 mmol/L",
        "mmol/L",
        "WARD",
        "30 min ago",
        "22-Nov-2026 08:30",
        "unconfirmed",
        "H high",
        "<polyline",
    ] {
        assert!(labs.contains(words), "{words} is missing: {labs}");
    }
    let allergies = chart
        .split("id=\"allergies\"")
        .nth(1)
        .unwrap()
        .split("</section>")
        .next()
        .unwrap();
    assert!(
        allergies.contains("no known allergies") && allergies.contains("WARD"),
        "{allergies}"
    );
    let medications = chart
        .split("id=\"medications\"")
        .nth(1)
        .unwrap()
        .split("</section>")
        .next()
        .unwrap();
    assert!(
        medications.contains("unknown (") && !medications.contains("no known medications"),
        "{medications}"
    );
    // A month stays a month: no day and no hour is made up.
    let problems = chart
        .split("id=\"problems\"")
        .nth(1)
        .unwrap()
        .split("</section>")
        .next()
        .unwrap();
    assert!(
        problems.contains(">May-2024") && !problems.contains("01-May-2024"),
        "{problems}"
    );
}

#[tokio::test]
async fn p05_a_merge_is_shown_side_by_side_and_undone_with_a_reason_only() {
    let hospital = Hospital::open().await;
    hospital.merge().await;
    let engineer = hospital.sign_in(Role::Engineer).await;
    engineer.post("/reason", "reason=ticket+4711").await;
    let path = format!("/patient/{}/links", hospital.patients[0]);
    let page = engineer.get(&path).await.text;
    assert!(
        page.contains("Merged by the source") && page.contains("OKONKWO, Ada"),
        "{page}"
    );
    assert!(page.contains(", Eve") && page.contains("differ"), "{page}");
    let undo = page
        .split("action=\"")
        .find(|rest| rest.starts_with(&path))
        .unwrap();
    let undo = undo.split('"').next().unwrap();
    assert_eq!(
        engineer.post(undo, "why=").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        engineer.post(undo, "why=two+people").await.status,
        StatusCode::SEE_OTHER
    );
    assert!(
        !engineer
            .get(&path)
            .await
            .text
            .contains("Merged by the source")
    );
}

#[tokio::test]
async fn p09_while_the_log_cannot_be_written_a_clinician_reads_on_under_an_alarm_and_others_are_refused()
 {
    let faults = Faults::new();
    let hospital = Hospital::open_with(&faults).await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    let compliance = hospital.sign_in(Role::Compliance).await;
    put(&hospital, &emergency(&hospital, "c1"), 0).await;
    faults.fail_writes(true);
    let path = format!("/patient/{}", hospital.patients[0]);
    let chart = clinician.get(&path).await;
    assert_eq!(chart.status, StatusCode::OK, "{}", chart.text);
    assert!(
        chart.text.contains("OKONKWO") && chart.text.contains("The audit log can't be written")
    );
    // Alerts go on too (promise P9), though the item's page can't note who looked.
    for path in ["/worklist", "/item/c1"] {
        let answer = clinician.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        assert!(answer.text.contains("Potassium 6.7"), "{path}");
        assert!(
            answer.text.contains("The audit log can't be written"),
            "{path}"
        );
    }
    let refused = compliance.get("/audit").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    let ready = hospital.stranger("GET", "/readyz", Body::empty()).await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    faults.fail_writes(false);
}
