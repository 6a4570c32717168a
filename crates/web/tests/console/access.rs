//! Who gets in, and what they get.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use bedside_core::audit::AuditOutcome;
use bedside_core::ctx::Role;

use crate::support::{HOSTILE, Hospital};

/// Every route behind the guard.
fn private(hospital: &Hospital) -> Vec<(&'static str, String)> {
    let patient = &hospital.patients[0];
    let parked = hospital.parked;
    let get = [
        "/",
        "/patients",
        "/worklist",
        "/worklist/panel",
        "/item/c1",
        "/item/c1/changed",
        "/events",
        "/sources",
        "/sources/panel",
        "/sources/banner",
        "/sources/oracle",
        "/live",
        "/live/panel",
        "/quarantine",
        "/audit",
        "/reason",
        "/metrics",
        "/no/such/page",
    ];
    let post = [
        "/item/c1/acknowledge",
        "/item/c1/done",
        "/item/c1/close",
        "/item/c1/takeover",
        "/sources/oracle/pause",
        "/sources/oracle/resume",
        "/sources/oracle/resync",
        "/sources/oracle/incidents/refused/seen",
        "/routes/switch",
        "/patients",
        "/audit",
        "/audit/verify",
        "/reason",
        "/role",
        "/signout",
    ];
    let mut routes: Vec<(&'static str, String)> =
        get.iter().map(|path| ("GET", (*path).to_owned())).collect();
    routes.extend(post.iter().map(|path| ("POST", (*path).to_owned())));
    routes.push(("GET", format!("/patient/{patient}")));
    routes.push(("GET", format!("/patient/{patient}/links")));
    routes.push(("POST", format!("/patient/{patient}/links/1/undo")));
    routes.push(("GET", format!("/quarantine/{parked}")));
    routes.push(("POST", format!("/quarantine/{parked}/replay")));
    routes.push(("POST", format!("/quarantine/{parked}/discard")));
    routes
}

#[tokio::test]
async fn p09_without_signing_in_nothing_is_readable_and_each_attempt_is_in_the_log() {
    let hospital = Hospital::open().await;
    let routes = private(&hospital);
    for (method, path) in &routes {
        // A form that is far too long: whoever read it would have said so.
        let answer = hospital
            .stranger(method, path, Body::from(vec![b'x'; 200_000]))
            .await;
        if *method == "GET" {
            assert_eq!(
                (answer.status, answer.location()),
                (StatusCode::SEE_OTHER, "/signin"),
                "{method} {path}"
            );
        } else {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        }
        assert!(
            !answer.text.contains("Okonkwo") && !answer.text.contains("OKONKWO"),
            "{method} {path}"
        );
    }
    let denied = hospital.log(AuditOutcome::Denied).await;
    let attempts: Vec<_> = denied
        .iter()
        .filter(|row| row.entry.action == "session.required")
        .collect();
    assert_eq!(attempts.len(), routes.len());
    assert!(
        attempts
            .iter()
            .all(|row| row.entry.actor == "anonymous" && row.entry.role == "anonymous")
    );
    let patient = hospital.patients[0].as_str();
    assert!(
        attempts
            .iter()
            .all(|row| !row.entry.detail.as_deref().unwrap_or("").contains(patient))
    );
}

#[tokio::test]
async fn p09_a_made_up_session_is_worth_nothing() {
    let hospital = Hospital::open().await;
    let request = axum::http::Request::builder()
        .uri("/patients")
        .header("cookie", "bedside_session=made-up");
    let answer = hospital.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn p09_an_engineer_without_a_reason_sees_no_clinical_content_and_the_attempt_is_in_the_log() {
    let hospital = Hospital::open().await;
    let engineer = hospital.sign_in(Role::Engineer).await;
    let patient = format!("/patient/{}", hospital.patients[0]);
    for path in ["/patients", patient.as_str()] {
        let answer = engineer.get(path).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(!answer.text.contains("OKONKWO"), "{path}");
        assert!(
            answer.text.contains("Why do you need to see patient data"),
            "{path}"
        );
    }
    let parked = engineer
        .get(&format!("/quarantine/{}", hospital.parked))
        .await;
    assert_eq!(parked.status, StatusCode::OK);
    assert!(!parked.text.contains("this is no message"));
    let denied = hospital.log(AuditOutcome::Denied).await;
    assert!(
        denied
            .iter()
            .filter(|row| row.entry.actor == "alex" && row.entry.role == "engineer")
            .count()
            >= 3
    );

    let answer = engineer
        .post(
            "/reason",
            &format!("reason=ticket+4711&next={}", patient.replace('/', "%2F")),
        )
        .await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, patient.as_str())
    );
    assert!(engineer.get(&patient).await.text.contains("OKONKWO"));
    assert!(
        engineer
            .get(&format!("/quarantine/{}", hospital.parked))
            .await
            .text
            .contains("this is no message")
    );
    let read = hospital.log(AuditOutcome::Success).await;
    assert!(
        read.iter()
            .any(|row| row.entry.reason.as_deref() == Some("ticket 4711"))
    );
}

#[tokio::test]
async fn p09_each_role_gets_its_own_pages_and_no_others() {
    let hospital = Hospital::open().await;
    let patient = format!("/patient/{}", hospital.patients[0]);
    let clinician = hospital.sign_in(Role::Clinician).await;
    let compliance = hospital.sign_in(Role::Compliance).await;
    for (browser, path, expected) in [
        (&clinician, "/patients", StatusCode::OK),
        (&clinician, patient.as_str(), StatusCode::OK),
        (&clinician, "/worklist", StatusCode::OK),
        (&clinician, "/sources", StatusCode::OK),
        (&compliance, "/worklist", StatusCode::FORBIDDEN),
        (&compliance, "/sources", StatusCode::OK),
        (&clinician, "/audit", StatusCode::FORBIDDEN),
        (&clinician, "/live", StatusCode::FORBIDDEN),
        (&clinician, "/quarantine", StatusCode::FORBIDDEN),
        (&clinician, "/metrics", StatusCode::FORBIDDEN),
        (&compliance, "/audit", StatusCode::OK),
        (&compliance, "/live", StatusCode::OK),
        (&compliance, "/patients", StatusCode::FORBIDDEN),
        (&compliance, patient.as_str(), StatusCode::FORBIDDEN),
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, expected, "{path}");
        assert_eq!(
            answer.text.contains("OKONKWO"),
            expected == StatusCode::OK && path.starts_with("/patient"),
            "{path}"
        );
    }
    let discarded = compliance
        .post(
            &format!("/quarantine/{}/discard", hospital.parked),
            "why=tidying",
        )
        .await;
    assert_eq!(discarded.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_form_without_the_sessions_own_token_changes_nothing() {
    let hospital = Hospital::open().await;
    let engineer = hospital.sign_in(Role::Engineer).await;
    let path = format!("/quarantine/{}/discard", hospital.parked);
    let good = format!("csrf={}&why=x", engineer.csrf);
    for (headers, body) in [
        (vec![], String::from("why=x")),
        (vec![], String::from("csrf=&why=x")),
        (vec![], format!("csrf={}x&why=x", engineer.csrf)),
        (vec![("sec-fetch-site", "cross-site")], good.clone()),
        (
            vec![
                ("host", "127.0.0.1:8080"),
                ("origin", "https://evil.example"),
            ],
            good.clone(),
        ),
    ] {
        let answer = engineer.post_raw(&path, &headers, body.clone()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?} {body}");
    }
    assert_eq!(hospital.nudged.0.load(Ordering::SeqCst), 0);
    assert!(
        engineer
            .get("/quarantine")
            .await
            .text
            .contains("unrecognised")
    );
    let done = engineer
        .post_raw(&path, &[("sec-fetch-site", "same-origin")], good)
        .await;
    assert_eq!(
        (done.status, done.location()),
        (StatusCode::SEE_OTHER, "/quarantine?done=discarded")
    );
    assert_eq!(hospital.nudged.0.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_form_that_is_too_long_is_refused() {
    let hospital = Hospital::open().await;
    let engineer = hospital.sign_in(Role::Engineer).await;
    let answer = engineer
        .post("/reason", &format!("reason={}", "x".repeat(70_000)))
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_one_time_link_is_used_up_by_its_button_and_not_by_looking_at_it() {
    let hospital = Hospital::open().await;
    let link = format!("/signin/link/{}", hospital.link(Role::Clinician).await);
    for _ in 0..3 {
        let page = hospital.stranger("GET", &link, Body::empty()).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.headers.get(SET_COOKIE).is_none());
    }
    let first = hospital.stranger("POST", &link, Body::empty()).await;
    let cookie = first.headers.get(SET_COOKIE).unwrap().to_str().unwrap();
    assert!(
        cookie.contains("HttpOnly")
            && cookie.contains("SameSite=Strict")
            && cookie.contains("Secure"),
        "{cookie}"
    );
    let second = hospital.stranger("POST", &link, Body::empty()).await;
    assert_eq!(second.status, StatusCode::UNAUTHORIZED);
    assert!(second.headers.get(SET_COOKIE).is_none());
}

#[tokio::test]
async fn a_wrong_password_does_not_say_what_was_wrong() {
    let hospital = Hospital::open().await;
    let wrong = hospital
        .stranger("POST", "/signin", Body::from("name=alex&password=guess"))
        .await;
    let nobody = hospital
        .stranger("POST", "/signin", Body::from("name=nobody&password=guess"))
        .await;
    assert_eq!(
        (wrong.status, nobody.status),
        (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED)
    );
    assert_eq!(wrong.text, nobody.text);
}

#[tokio::test]
async fn the_right_password_signs_in() {
    let hospital = Hospital::open().await;
    let answer = hospital
        .stranger(
            "POST",
            "/signin",
            Body::from("name=alex&password=correct+horse+battery"),
        )
        .await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/")
    );
    assert!(answer.headers.get(SET_COOKIE).is_some());
}

#[tokio::test]
async fn after_signing_out_the_session_is_worth_nothing() {
    let hospital = Hospital::open().await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    let answer = clinician.post("/signout", "").await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/signin")
    );
    assert!(answer.headers.contains_key("clear-site-data"));
    assert_eq!(clinician.get("/patients").await.location(), "/signin");
}

#[tokio::test]
async fn a_role_that_the_account_does_not_have_is_refused() {
    let hospital = Hospital::open().await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    for role in ["application", "service", "anonymous", "root"] {
        let answer = clinician.post("/role", &format!("role={role}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{role}");
    }
    assert_eq!(
        clinician.post("/role", "role=compliance").await.location(),
        "/audit"
    );
    assert_eq!(
        clinician.get("/patients").await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn p10_figures_and_health_checks_name_nobody() {
    let hospital = Hospital::open().await;
    let engineer = hospital.sign_in(Role::Engineer).await;
    engineer
        .get(&format!("/patient/{}", hospital.patients[0]))
        .await;
    let figures = engineer.get("/metrics").await;
    assert_eq!(figures.status, StatusCode::OK);
    assert!(
        figures
            .text
            .contains("bedside_inputs_waiting{state=\"parked\"} 1"),
        "{}",
        figures.text
    );
    for secret in [
        "Okonkwo",
        "OKONKWO",
        HOSTILE,
        "100200",
        "1955",
        hospital.patients[0].as_str(),
    ] {
        assert!(!figures.text.contains(secret), "{secret}");
    }
    for (path, word) in [("/healthz", "alive"), ("/readyz", "ready")] {
        let answer = hospital.stranger("GET", path, Body::empty()).await;
        assert_eq!((answer.status, answer.text.trim()), (StatusCode::OK, word));
    }
}
