//! The sources page, the controls of a connection, and the stream that tells a page that something changed.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use bedside_core::audit::AuditOutcome;
use bedside_core::completeness::{Asked, Coverage};
use bedside_core::ctx::Role;
use bedside_core::evidence::{Event, Seen};
use bedside_core::incident::Kind;
use bedside_fact::id::SourceId;

use crate::support::Hospital;

#[tokio::test]
async fn a_connection_is_shown_with_all_that_tells_whether_it_works() {
    let hospital = Hospital::open().await;
    hospital
        .connections
        .set("oracle", "down", Some("2026-11-22T14:52:00Z"));
    hospital
        .connections
        .set("epic", "up", Some("2026-11-22T14:59:30Z"));
    {
        let mut all = hospital.connections.status.lock().unwrap();
        let oracle = all.iter_mut().find(|one| one.name == "oracle").unwrap();
        oracle.breaker = String::from("open");
        oracle.last_failure = Some((
            "2026-11-22T14:59:00Z".parse().unwrap(),
            String::from("server_error"),
        ));
        oracle.next_due = Some("2026-11-22T15:02:00Z".parse().unwrap());
    }
    let engineer = hospital.sign_in(Role::Engineer).await;
    let page = engineer.get("/sources").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for words in [
        "<strong>oracle</strong> does not answer.",
        "https://oracle.example",
        "answers with a server error",
        "in 2 min",
        "42 since the start, 600 in the last minute",
        "just now",
        "Circuit breaker",
        "Nothing has gone wrong.",
        "Pause",
        "Ask everything anew",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    // A clinician sees who answers, and nothing to press.
    let clinician = hospital.sign_in(Role::Clinician).await;
    let page = clinician.get("/sources").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("does not answer") && !page.text.contains("/pause"));
    assert!(!page.text.contains("Incidents"));
}

#[tokio::test]
async fn pausing_is_an_operators_and_is_in_the_log_before_it_happens() {
    let hospital = Hospital::open().await;
    hospital.connections.set("oracle", "up", None);
    let engineer = hospital.sign_in(Role::Engineer).await;
    for verb in ["pause", "resume", "resync"] {
        let answer = engineer.post(&format!("/sources/oracle/{verb}"), "").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{verb}");
    }
    let expected = ["pause oracle", "resume oracle", "resync oracle"];
    assert_eq!(*hospital.connections.asked.lock().unwrap(), expected);
    let log = hospital.log(AuditOutcome::Success).await;
    assert!(log.iter().any(|row| row.entry.action == "connection.pause"
        && row.entry.detail.as_deref() == Some("oracle")));
    for role in [Role::Clinician, Role::Compliance] {
        let browser = hospital.sign_in(role).await;
        let answer = browser.post("/sources/oracle/pause", "").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let answer = engineer.post("/sources/nobody/pause", "").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(*hospital.connections.asked.lock().unwrap(), expected);
    let denied = hospital.log(AuditOutcome::Denied).await;
    assert_eq!(
        denied
            .iter()
            .filter(|row| row.entry.action == "connection.pause")
            .count(),
        2
    );
}

#[tokio::test]
async fn an_incident_is_counted_and_one_that_does_not_end_by_itself_is_closed_by_a_person() {
    let hospital = Hospital::open().await;
    let source = SourceId::new("WARD");
    for _ in 0..3 {
        hospital
            .store
            .incident(
                &hospital.service(),
                &source,
                Kind::FutureTime,
                "Observation",
            )
            .await
            .unwrap();
    }
    let engineer = hospital.sign_in(Role::Engineer).await;
    let page = engineer.get("/sources").await.text;
    for words in [Kind::FutureTime.words(), "3×", "Observation", "open"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let clinician = hospital.sign_in(Role::Clinician).await;
    let path = "/sources/WARD/incidents/future_time/seen";
    assert_eq!(clinician.post(path, "").await.status, StatusCode::FORBIDDEN);
    assert_eq!(engineer.post(path, "").await.status, StatusCode::SEE_OTHER);
    let page = engineer.get("/sources/WARD").await.text;
    assert!(page.contains("over") && !page.contains("/seen\""), "{page}");
    let nonsense = engineer
        .post("/sources/WARD/incidents/bad_mood/seen", "")
        .await;
    assert_eq!(nonsense.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn p08_a_way_to_write_is_off_until_it_is_proven_and_is_switched_off_with_a_reason_only() {
    let hospital = Hospital::open().await;
    let engineer = hospital.sign_in(Role::Engineer).await;
    let page = engineer.get("/sources").await.text;
    assert!(page.contains("Nothing is written to any EHR."), "{page}");
    hospital
        .store
        .prove_route(
            &hospital.service(),
            "oracle/communication",
            &SourceId::new("WARD"),
            "read back",
            "",
        )
        .await
        .unwrap();
    let page = engineer.get("/sources").await.text;
    assert!(
        page.contains("proven, on") && page.contains("read back"),
        "{page}"
    );
    let fields = "route=oracle/communication&to=off&why=";
    let answer = engineer.post("/routes/switch", fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = format!("{fields}change+of+version");
    let clinician = hospital.sign_in(Role::Clinician).await;
    let answer = clinician.post("/routes/switch", &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = engineer.post("/routes/switch", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let page = engineer.get("/sources").await.text;
    assert!(
        page.contains("switched off") && page.contains("Switch on"),
        "{page}"
    );
}

#[tokio::test]
async fn p06_completeness_parts_what_is_complete_from_refused_failed_and_never_asked() {
    let hospital = Hospital::open().await;
    let asked = |patient: usize, resource_type: &str, category: &str, coverage: Coverage| Asked {
        source: String::from("WARD"),
        patient: hospital.patients[patient].to_string(),
        resource_type: resource_type.to_owned(),
        category: category.to_owned(),
        coverage,
        asked_at: "2026-11-22T14:58:00Z"
            .parse::<bedside_fact::clock::Timestamp>()
            .unwrap()
            .as_microsecond(),
        window_lo: None,
        window_hi: None,
        persona: String::new(),
        basis: String::new(),
    };
    hospital
        .tell_asked(
            "a",
            vec![
                asked(0, "Observation", "laboratory", Coverage::Complete),
                asked(0, "AllergyIntolerance", "", Coverage::Denied),
                asked(1, "Observation", "laboratory", Coverage::Failed),
            ],
            vec![Seen {
                event: Event::ResultFinal,
                latency: Some(4_200_000),
            }],
        )
        .await;
    let compliance = hospital.sign_in(Role::Compliance).await;
    let page = compliance.get("/sources/WARD").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for words in [
        "2 patients",
        "Laboratory",
        "Allergy intolerance",
        "complete",
        "refused",
        "failed",
        "not asked",
        "2 min ago",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    // Who these are is not on this page: ids only, with the way to the chart.
    assert!(!page.text.contains("OKONKWO"), "{}", page.text);
    let chart = format!("href=\"/patient/{}\"", hospital.patients[0]);
    assert!(page.text.contains(&chart), "{}", page.text);
    let page = compliance.get("/sources").await.text;
    assert!(
        page.contains("seen 1×") && page.contains("at most 4 s"),
        "{page}"
    );
    assert!(page.contains("not yet seen"), "{page}");
    assert_eq!(
        compliance.get("/sources/nobody").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn p10_the_stream_says_that_something_changed_and_never_what() {
    let hospital = Hospital::open().await;
    hospital.connections.set("oracle", "up", None);
    let stranger = hospital.stranger("GET", "/events", Body::empty()).await;
    assert_eq!(stranger.status, StatusCode::SEE_OTHER);
    let clinician = hospital.sign_in(Role::Clinician).await;
    let request = clinician.request("GET", "/events").body(Body::empty());
    let response = hospital.open_response(request.unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers().get(CONTENT_TYPE).unwrap(),
        "text/event-stream"
    );
    let mut stream = Box::pin(response.into_body());
    assert_eq!(heard(&mut stream).await, "retry: 2000\n\n");
    hospital
        .desk
        .mark
        .fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(heard(&mut stream).await, "event: items\ndata: 1\n\n");
    hospital.connections.set("oracle", "down", None);
    assert_eq!(heard(&mut stream).await, "event: sources\ndata: 1\n\n");
    // A message that changes no item is not worth a reading of every list.
    hospital.tell_asked("quiet", Vec::new(), Vec::new()).await;
    let next = tokio::time::timeout(Duration::from_millis(2_500), heard(&mut stream)).await;
    assert!(next.is_err(), "{next:?}");
}

#[tokio::test]
async fn one_session_does_not_take_the_streams_of_all_others() {
    let hospital = Hospital::open().await;
    let (greedy, other) = (
        hospital.sign_in(Role::Clinician).await,
        hospital.sign_in(Role::Engineer).await,
    );
    let mut open = Vec::new();
    for _ in 0..8 {
        let request = greedy.request("GET", "/events").body(Body::empty());
        let response = hospital.open_response(request.unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        open.push(response);
    }
    let again = || {
        greedy
            .request("GET", "/events")
            .body(Body::empty())
            .unwrap()
    };
    let refused = hospital.open_response(again()).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let request = other.request("GET", "/events").body(Body::empty());
    let response = hospital.open_response(request.unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
    open.clear();
    let response = hospital.open_response(again()).await;
    assert_eq!(
        response.status(),
        StatusCode::OK,
        "a page that was closed gives its place back"
    );
}

async fn heard(stream: &mut std::pin::Pin<Box<Body>>) -> String {
    use axum::body::HttpBody as _;
    let frame = std::future::poll_fn(|cx| stream.as_mut().poll_frame(cx))
        .await
        .unwrap()
        .unwrap();
    String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
}
