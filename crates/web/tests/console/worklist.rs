//! The worklist: who has what until when, and what an empty list is worth.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use bedside_core::audit::AuditOutcome;
use bedside_core::ctx::Role;
use bedside_workflow::case::{Act, CaseState, Closed, Holder, Notice, Write, WriteState};

use crate::cases::{at, emergency, put};
use crate::support::{HOSTILE, Hospital};

#[tokio::test]
async fn p06_an_empty_list_says_whether_there_is_nothing_or_nobody_can_tell() {
    let hospital = Hospital::open().await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    let page = clinician.get("/worklist").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("No open items."));
    assert!(
        page.text.contains("No EHR is connected by FHIR here"),
        "{}",
        page.text
    );

    hospital
        .connections
        .set("epic", "up", Some("2026-11-22T14:59:00Z"));
    let page = clinician.get("/worklist").await.text;
    assert!(
        page.contains("All sources answered in the last 10 minutes."),
        "{page}"
    );
    assert!(!page.contains("nobody here has seen"));

    // A source that says it is up, and has not answered for half an hour, is no ground for "none".
    hospital
        .connections
        .set("athena", "up", Some("2026-11-22T14:30:00Z"));
    hospital
        .connections
        .set("oracle", "down", Some("2026-11-22T14:52:00Z"));
    let page = clinician.get("/worklist").await.text;
    assert!(!page.contains("All sources answered"), "{page}");
    for name in ["oracle", "athena"] {
        assert!(
            page.contains(&format!("<strong>{name}</strong> last answered")),
            "{page}"
        );
    }
    assert!(!page.contains("<strong>epic</strong>"));
    assert!(page.contains("there may be results that nobody here has seen"));
}

#[tokio::test]
async fn p12_a_source_that_does_not_answer_stands_above_every_page_in_words() {
    let hospital = Hospital::open().await;
    hospital
        .connections
        .set("oracle", "down", Some("2026-11-22T14:52:00Z"));
    hospital
        .connections
        .set("epic", "up", Some("2026-11-22T14:59:00Z"));
    let clinician = hospital.sign_in(Role::Clinician).await;
    for path in ["/worklist", "/patients", "/sources", "/nowhere"] {
        let page = clinician.get(path).await.text;
        let banner = page.split("id=\"outage\"").nth(1).unwrap();
        let banner = banner.split("</a>").next().unwrap();
        assert!(banner.contains("role=\"alert\""), "{path}: {banner}");
        assert!(
            banner.contains("<strong>oracle</strong> does not answer since "),
            "{path}: {banner}"
        );
        assert!(
            banner.contains("08:52") && banner.contains("(8 min)"),
            "{path}: {banner}"
        );
        assert!(
            banner.contains("nobody may assume “no results”"),
            "{path}: {banner}"
        );
        assert!(banner.contains("Still answering: epic"), "{path}: {banner}");
    }
    hospital
        .connections
        .set("oracle", "up", Some("2026-11-22T15:00:00Z"));
    let page = clinician.get("/worklist").await.text;
    assert!(!page.contains("does not answer"), "{page}");
    hospital.connections.set("oracle", "paused", None);
    let page = clinician.get("/sources/banner").await.text;
    assert!(
        page.contains("<strong>oracle</strong> is paused by a person"),
        "{page}"
    );
}

#[tokio::test]
async fn an_item_says_what_of_whom_since_when_and_who_is_next() {
    let hospital = Hospital::open().await;
    put(&hospital, &emergency(&hospital, "c1"), 0).await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    let page = clinician.get("/worklist").await.text;
    for words in [
        "Potassium 6.7 mmol/L (up 1.5 in 20 h)",
        "emergency",
        "not acknowledged",
        "OKONKWO, Ada",
        "born 09-Mar-1955 (71 y)",
        "100200",
        "4W 12-1",
        "Dialysis status unknown.",
        "Nobody has taken it on.",
        "Dr Amara",
        "in 10 min",
        "covering clinician",
        "unless it is acknowledged",
        "(30 min ago)",
    ] {
        assert!(page.contains(words), "{words} is missing: {page}");
    }
    // The hand moves on: the same item, past its deadline.
    hospital.pass(jiff::SignedDuration::from_mins(18));
    let later = clinician.get("/worklist").await.text;
    assert!(later.contains("8 min overdue"), "{later}");
}

#[tokio::test]
async fn the_tabs_part_mine_from_everybodys_and_from_what_nobody_has() {
    let hospital = Hospital::open().await;
    let mut mine = emergency(&hospital, "c1");
    mine.holder = Some(String::from("alex"));
    mine.state = CaseState::Acknowledged;
    mine.acknowledged = Some(Act {
        who: String::from("alex"),
        at: at("2026-11-22T14:58:00Z"),
    });
    mine.writes = vec![Write {
        action: String::from("record"),
        key: String::from("c1/record/0"),
        state: WriteState::Unknown,
        at: at("2026-11-22T14:59:00Z"),
        words: String::new(),
    }];
    put(&hospital, &mine, 0).await;
    let mut orphan = emergency(&hospital, "c2");
    orphan.workflow = String::from("critical-inr");
    orphan.say = String::from("INR 8.1");
    orphan.owner = Holder {
        role: String::from("critical results pool"),
        name: None,
    };
    put(&hospital, &orphan, 0).await;
    let mut over = emergency(&hospital, "c3");
    over.patient = hospital.patients[1].clone();
    over.say = String::from("Potassium 2.4 mmol/L");
    over.state = CaseState::Done;
    over.closed = Some(Closed {
        who: String::from("ana"),
        at: at("2026-11-22T14:59:00Z"),
        how: String::from("treated"),
    });
    put(&hospital, &over, 0).await;

    let clinician = hospital.sign_in(Role::Clinician).await;
    let shows = |page: &str| {
        ["Potassium 6.7", "INR 8.1", "Potassium 2.4"].map(|words| page.contains(words))
    };
    for (tab, expected) in [
        ("", [true, true, false]),
        ("team", [true, true, false]),
        ("mine", [true, false, false]),
        ("unowned", [false, true, false]),
        ("closed", [false, false, true]),
        ("nonsense", [true, true, false]),
    ] {
        let page = clinician.get(&format!("/worklist?tab={tab}")).await.text;
        assert_eq!(shows(&page), expected, "{tab}: {page}");
        assert!(page.contains("2 open items"), "{tab}");
    }
    let page = clinician.get("/worklist?tab=mine").await.text;
    assert!(
        page.contains("UNKNOWN: nobody knows whether the EHR has it"),
        "{page}"
    );
    assert!(page.contains("(you)"), "{page}");
    let page = clinician.get("/worklist?tab=unowned").await.text;
    assert!(page.contains("no source names the person"), "{page}");
    let page = clinician.get("/worklist?tab=closed").await.text;
    assert!(
        page.contains("treated") && page.contains("Closed by"),
        "{page}"
    );
    assert!(!page.contains(HOSTILE));
    // Tomorrow it was not closed today.
    hospital.pass(jiff::SignedDuration::from_hours(24));
    let clinician = hospital.sign_in(Role::Clinician).await;
    let page = clinician.get("/worklist?tab=closed").await.text;
    assert!(page.contains("Nothing was closed today."), "{page}");
}

#[tokio::test]
async fn what_has_no_deadline_left_comes_first_and_then_the_nearest_deadline() {
    let hospital = Hospital::open().await;
    for (id, say, due) in [
        ("c1", "later", Some("2026-11-22T15:40:00Z")),
        ("c2", "sooner", Some("2026-11-22T15:05:00Z")),
        ("c3", "at its end", None),
    ] {
        let mut case = emergency(&hospital, id);
        case.workflow = format!("workflow-{id}");
        case.say = say.to_owned();
        if let (Some(due), Some(next)) = (due, case.next.as_mut()) {
            next.at = at(due);
        } else {
            case.next = None;
            case.state = CaseState::Expired;
        }
        put(&hospital, &case, 0).await;
    }
    let clinician = hospital.sign_in(Role::Clinician).await;
    let page = clinician.get("/worklist").await.text;
    let place = |say: &str| page.find(&format!(">{say}</a>")).unwrap();
    assert!(place("at its end") < place("sooner"), "{page}");
    assert!(place("sooner") < place("later"), "{page}");
    assert!(page.contains("no deadline left"), "{page}");
}

#[tokio::test]
async fn an_item_that_cannot_be_read_stays_on_the_list() {
    let hospital = Hospital::open().await;
    let whole = emergency(&hospital, "c1");
    put(&hospital, &whole, 0).await;
    crate::cases::damage(&hospital, &whole).await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    let page = clinician.get("/worklist").await.text;
    assert!(page.contains("This item can't be read"), "{page}");
    let item = clinician.get("/item/c1").await;
    assert_eq!(item.status, StatusCode::OK);
    assert!(
        item.text.contains("This item can't be read"),
        "{}",
        item.text
    );
}

#[tokio::test]
async fn p09_only_those_who_treat_see_items_and_each_look_is_in_the_log() {
    let hospital = Hospital::open().await;
    put(&hospital, &emergency(&hospital, "c1"), 0).await;
    let compliance = hospital.sign_in(Role::Compliance).await;
    let engineer = hospital.sign_in(Role::Engineer).await;
    for path in [
        "/worklist",
        "/worklist/panel",
        "/item/c1",
        "/item/c1/changed",
    ] {
        for browser in [&compliance, &engineer] {
            let answer = browser.get(path).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
            assert!(!answer.text.contains("Potassium"), "{path}");
        }
        let answer = hospital
            .stranger("GET", path, axum::body::Body::empty())
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
    }
    let clinician = hospital.sign_in(Role::Clinician).await;
    clinician.get("/worklist").await;
    let log = hospital.log(AuditOutcome::Success).await;
    let patient = hospital.patients[0].as_str();
    assert!(log.iter().any(|row| row.entry.action == "worklist.read"
        && row.entry.actor == "alex"
        && row.entry.patient.as_deref() == Some(patient)),);
}

#[tokio::test]
async fn the_clinician_starts_at_the_worklist() {
    let hospital = Hospital::open().await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    assert_eq!(clinician.get("/").await.location(), "/worklist");
    put(&hospital, &emergency(&hospital, "c1"), 0).await;
    let chart = clinician
        .get(&format!("/patient/{}", hospital.patients[0]))
        .await
        .text;
    assert!(chart.contains("Open items of this person"), "{chart}");
    assert!(chart.contains("href=\"/item/c1\""), "{chart}");
    let past = clinician
        .get(&format!(
            "/patient/{}?at=2026-11-22T09:00",
            hospital.patients[0]
        ))
        .await
        .text;
    assert!(!past.contains("Open items of this person"), "{past}");
}

#[tokio::test]
async fn what_somebody_saw_and_was_taken_back_is_brought_to_them_until_they_read_it() {
    let hospital = Hospital::open().await;
    let mut case = emergency(&hospital, "c1");
    put(&hospital, &case, 0).await;
    let mut other = emergency(&hospital, "c2");
    other.workflow = String::from("another");
    put(&hospital, &other, 0).await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    let page = clinician.get("/worklist").await.text;
    assert!(!page.contains("For you"), "{page}");

    // The result is withdrawn: the item is on no list of open ones any more.
    case.state = CaseState::Withdrawn;
    case.next = None;
    case.changed_since_seen = vec![String::from("alex")];
    case.notices = vec![
        Notice {
            to: String::from("alex"),
            at: at("2026-11-22T15:00:00Z"),
            text: String::from("The result was withdrawn by the laboratory."),
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
    hospital.desk.mark.fetch_add(1, Ordering::SeqCst);
    for path in [
        "/worklist",
        "/worklist?tab=mine",
        "/worklist/panel?tab=unowned",
    ] {
        let page = clinician.get(path).await.text;
        for words in [
            "For you: 1 item has changed since you saw it",
            "The result was withdrawn by the laboratory.",
            "href=\"/item/c1\"",
            "OKONKWO, Ada",
        ] {
            assert!(page.contains(words), "{path}: {words}: {page}");
        }
        assert!(!page.contains("For Ana alone."), "{path}: {page}");
    }
    let log = hospital.log(AuditOutcome::Success).await;
    assert!(
        log.iter().any(|row| row.entry.actor == "alex"
            && row
                .entry
                .detail
                .as_deref()
                .is_some_and(|detail| detail.contains("c1"))),
        "what is brought to somebody is a look of theirs"
    );
    // An engineer's look counts for nobody, so nothing is news to one.
    let engineer = hospital.sign_in(Role::Engineer).await;
    engineer.post("/reason", "reason=ticket+4711").await;
    let page = engineer.get("/worklist").await.text;
    assert!(!page.contains("For you"), "{page}");

    case.changed_since_seen.clear();
    case.notices[0].read = true;
    put(&hospital, &case, 2).await;
    hospital.desk.mark.fetch_add(1, Ordering::SeqCst);
    let page = clinician.get("/worklist").await.text;
    assert!(!page.contains("For you"), "{page}");
}

#[tokio::test]
async fn an_open_item_that_changed_since_somebody_saw_it_says_so_on_the_list() {
    let hospital = Hospital::open().await;
    let mut case = emergency(&hospital, "c1");
    case.changed_since_seen = vec![String::from("alex")];
    put(&hospital, &case, 0).await;
    let clinician = hospital.sign_in(Role::Clinician).await;
    let page = clinician.get("/worklist").await.text;
    assert!(page.contains("changed since you saw it"), "{page}");
}
