//! The page of one item, and what can be done there.

use axum::http::StatusCode;
use bedside_core::ctx::Role;
use bedside_web::{Act, Acted, Refused};
use bedside_workflow::case::{Act as Acknowledged, CaseState, Notice, Write, WriteState};

use crate::cases::{at, emergency, put};
use crate::support::Hospital;

fn acts(hospital: &Hospital) -> Vec<Act> {
    let all = hospital.desk.acts.lock().unwrap();
    all.iter()
        .map(|(item, act)| {
            assert_eq!(item, "c1");
            act.clone()
        })
        .collect()
}

#[tokio::test]
async fn p07_an_item_shows_what_it_stands_on_with_ages_sources_and_gaps() {
    let hospital = Hospital::open().await;
    put(&hospital, &emergency(&hospital, "c1"), 0).await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    let page = clinician.get("/item/c1").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for words in [
        "<h1>Potassium 6.7 mmol/L (up 1.5 in 20 h)</h1>",
        "OKONKWO, Ada",
        "WARD and oracle",
        "taken <time",
        "(30 min ago)",
        "12-lead ECG",
        "<polyline",
        "5.2 mmol/L",
        "spironolactone",
        "matters here",
        "unknown (refused)",
        "oracle refused the question.",
        "rising fast",
        "no earlier value",
        "Row emergency was true.",
        "covering clinician",
        "responsible clinician",
        "Acknowledge",
        "specimen error confirmed",
    ] {
        assert!(
            page.text.contains(words),
            "{words} is missing: {}",
            page.text
        );
    }
    assert_eq!(page.text.matches("matters here").count(), 1);
    assert_eq!(page.text.matches("<h1").count(), 1);
    assert!(!page.text.contains("Record as done") && !page.text.contains("Take over"));
    assert!(!page.text.contains("<title>Potassium") && !page.text.contains(" style="));
    assert_eq!(acts(&hospital), [Act::Viewed]);
}

#[tokio::test]
async fn an_item_is_acknowledged_done_closed_and_taken_over_by_its_buttons() {
    let hospital = Hospital::open().await;
    let mut case = emergency(&hospital, "c1");
    put(&hospital, &case, 0).await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    let answer = clinician.post("/item/c1/acknowledge", "").await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/item/c1?did=acknowledged")
    );
    case.holder = Some(String::from("alex"));
    case.state = CaseState::Acknowledged;
    case.acknowledged = Some(Acknowledged {
        who: String::from("alex"),
        at: at("2026-11-22T15:00:00Z"),
    });
    put(&hospital, &case, 1).await;
    let page = clinician.get("/item/c1?did=acknowledged").await.text;
    assert!(page.contains("You have acknowledged this item"), "{page}");
    assert!(
        page.contains("Record as done") && page.contains("value=\"treated\""),
        "{page}"
    );
    for (path, fields, location) in [
        ("/item/c1/done", "how=treated", "/item/c1?did=done"),
        (
            "/item/c1/close",
            "reason=specimen+error+confirmed",
            "/item/c1?did=closed",
        ),
        ("/item/c1/takeover", "", "/item/c1?did=taken"),
    ] {
        assert_eq!(clinician.post(path, fields).await.location(), location);
    }
    let done: Vec<Act> = acts(&hospital)
        .into_iter()
        .filter(|act| *act != Act::Viewed)
        .collect();
    assert_eq!(
        done,
        [
            Act::Acknowledge,
            Act::Done {
                how: String::from("treated")
            },
            Act::Decline {
                reason: String::from("specimen error confirmed")
            },
            Act::TakeOver,
        ]
    );
    // The same button once more changes nothing, and says so.
    *hospital.desk.answer.lock().unwrap() = Some(Ok(Acted {
        changed: false,
        words: String::new(),
    }));
    assert_eq!(
        clinician.post("/item/c1/acknowledge", "").await.location(),
        "/item/c1?did=nothing"
    );
}

#[tokio::test]
async fn an_answer_that_is_missing_reaches_no_desk() {
    let hospital = Hospital::open().await;
    put(&hospital, &emergency(&hospital, "c1"), 0).await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    for (path, fields) in [("/item/c1/done", "how=+"), ("/item/c1/close", "")] {
        let answer = clinician.post(path, fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert!(answer.text.contains("Nothing was changed"), "{path}");
    }
    assert!(acts(&hospital).is_empty());
    // Without the session's token nothing is done either.
    let forged = clinician
        .post_raw("/item/c1/acknowledge", &[], String::from("csrf=made-up"))
        .await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert!(acts(&hospital).is_empty());
}

#[tokio::test]
async fn who_comes_second_sees_the_item_as_it_stands_and_not_an_error() {
    let hospital = Hospital::open().await;
    let mut case = emergency(&hospital, "c1");
    case.holder = Some(String::from("ana"));
    case.state = CaseState::Acknowledged;
    put(&hospital, &case, 0).await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    for (refused, status, words) in [
        (
            Refused::Conflict(String::from("already acknowledged by ana")),
            StatusCode::CONFLICT,
            "Already acknowledged by ana.",
        ),
        (
            Refused::Invalid(String::from("choose one of the answers")),
            StatusCode::UNPROCESSABLE_ENTITY,
            "Choose one of the answers.",
        ),
        (
            Refused::Unavailable,
            StatusCode::SERVICE_UNAVAILABLE,
            "nothing was changed",
        ),
    ] {
        *hospital.desk.answer.lock().unwrap() = Some(Err(refused));
        let answer = clinician.post("/item/c1/acknowledge", "").await;
        assert_eq!(answer.status, status);
        assert!(answer.text.contains(words), "{}", answer.text);
        assert!(
            answer.text.contains("Held by <strong>ana</strong>"),
            "{}",
            answer.text
        );
        assert!(answer.text.contains("Take over"), "{}", answer.text);
    }
    *hospital.desk.answer.lock().unwrap() = Some(Err(Refused::NotFound));
    let answer = clinician.post("/item/c1/acknowledge", "").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    *hospital.desk.answer.lock().unwrap() = Some(Err(Refused::Denied));
    let answer = clinician.post("/item/c1/acknowledge", "").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_correction_and_a_withdrawal_stand_above_everything_else() {
    let hospital = Hospital::open().await;
    let mut case = emergency(&hospital, "c1");
    put(&hospital, &case, 0).await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    let before = clinician.get("/item/c1").await.text;
    let part = before
        .split("hx-get=\"")
        .find(|rest| rest.starts_with("/item/c1/changed"))
        .unwrap();
    let part = part.split('"').next().unwrap().to_owned();
    assert!(!clinician.get(&part).await.text.contains("has changed"));

    case.earlier.push(case.finding.clone());
    case.finding.said = String::from("4.4 mmol/L");
    case.finding.corrected = Some(String::from("was 6.7 mmol/L (final, WARD)"));
    case.changed_since_seen = vec![String::from("alex")];
    case.notices = vec![
        Notice {
            to: String::from("alex"),
            at: at("2026-11-22T15:00:00Z"),
            text: String::from("The result was corrected."),
            read: false,
        },
        Notice {
            to: String::from("ana"),
            at: at("2026-11-22T15:00:00Z"),
            text: String::from("For Ana alone."),
            read: false,
        },
    ];
    put(&hospital, &case, 1).await;
    // An open page is told, and nothing under somebody's fingers is replaced.
    let told = clinician.get(&part).await.text;
    assert!(
        told.contains("This item has changed") && !told.contains("4.4"),
        "{told}"
    );
    let page = clinician.get("/item/c1").await.text;
    for words in [
        "The result now says 4.4 mmol/L; it was 6.7 mmol/L (final, WARD).",
        "Changed since you last saw it.",
        "The result was corrected.",
        "What it stood on before (1)",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("For Ana alone."), "{page}");
    // What went to a role stands there for everybody: no account answers for a role.
    case.notices.push(Notice {
        to: String::from("Dr Amara"),
        at: at("2026-11-22T15:00:00Z"),
        text: String::from("Said to the owner by name."),
        read: false,
    });
    put(&hospital, &case, 2).await;
    let page = clinician.get("/item/c1").await.text;
    assert!(
        page.contains("Notices to them") && page.contains("Said to the owner by name."),
        "{page}"
    );
    assert!(!page.contains("For Ana alone."), "{page}");

    case.state = CaseState::WaitingForData;
    case.asking = Some(String::from("potassium"));
    put(&hospital, &case, 3).await;
    let page = clinician.get("/item/c1").await.text;
    assert!(
        page.contains("Without potassium nothing can be decided here"),
        "{page}"
    );

    case.asking = None;
    case.state = CaseState::Withdrawn;
    put(&hospital, &case, 4).await;
    let page = clinician.get("/item/c1").await.text;
    assert!(page.contains("<strong>Withdrawn.</strong>"), "{page}");
    assert!(!page.contains("What you can do"), "{page}");
}

#[tokio::test]
async fn p08_what_became_of_a_write_is_said_without_hope() {
    let hospital = Hospital::open().await;
    let mut case = emergency(&hospital, "c1");
    for (n, (state, words)) in [
        (WriteState::Queued, "recorded, not yet in the EHR"),
        (
            WriteState::Unknown,
            "UNKNOWN: nobody knows whether the EHR has it",
        ),
        (WriteState::Refused, "refused by the EHR"),
        (WriteState::Blocked, "not sent to the EHR"),
        (WriteState::Confirmed, "confirmed by the EHR"),
    ]
    .into_iter()
    .enumerate()
    {
        case.writes = vec![Write {
            action: String::from("record"),
            key: String::from("c1/record/0"),
            state,
            at: at("2026-11-22T15:00:00Z"),
            words: String::new(),
        }];
        put(&hospital, &case, i64::try_from(n).unwrap()).await;
        let clinician = hospital.sign_in(Role::Clinician).await;
        let page = clinician.get("/item/c1").await.text;
        assert!(page.contains(words), "{words}: {page}");
        assert_eq!(
            page.contains("confirmed by the EHR"),
            state == WriteState::Confirmed,
            "{words}"
        );
    }
}

#[tokio::test]
async fn an_engineer_with_a_reason_reads_an_item_and_counts_for_nobody() {
    let hospital = Hospital::open().await;
    put(&hospital, &emergency(&hospital, "c1"), 0).await;
    let engineer = hospital.sign_in(Role::Engineer).await;
    engineer.post("/reason", "reason=ticket+4711").await;
    let page = engineer.get("/item/c1").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(!page.text.contains("What you can do"), "{}", page.text);
    assert!(acts(&hospital).is_empty());
    assert_eq!(
        engineer.get("/item/nothing").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn p08_nobody_is_said_to_have_been_paged_where_no_channel_exists() {
    let hospital = Hospital::open().await;
    put(&hospital, &emergency(&hospital, "c1"), 0).await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    for path in ["/item/c1", "/worklist"] {
        let page = clinician.get(path).await.text;
        assert!(
            page.contains("</strong> is next, at <time"),
            "{path}: {page}"
        );
        for claim in ["is told at", "was told", "were told", "has been paged"] {
            assert!(!page.contains(claim), "{path} says {claim}: {page}");
        }
    }
    let page = clinician.get("/item/c1").await.text;
    assert!(
        page.contains("nobody is paged: this site has no channel"),
        "{page}"
    );
}
