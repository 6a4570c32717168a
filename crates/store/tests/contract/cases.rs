//! Cases of workflows: one transaction, one open case for a person, timers that nobody forgets, a cursor that never goes back.

use bedside_core::ctx::Role;
use bedside_fact::clock::{Clock as _, Timestamp};
use bedside_fact::id::{ResourceId, Seq};
use bedside_store::{
    CaseCommit, CaseEvent, CaseFilter, CaseWrite, Error, Held, OutboxFilter, OutboxPut, Store,
};

use crate::feed::{Somebody, admit, merge};
use crate::support::{Place, service, somebody};

crate::contract![
    p02_of_two_who_decide_on_the_same_case_one_wins_and_nothing_of_the_other_stays,
    p02_a_commit_that_fails_half_way_leaves_no_case_no_item_and_no_cursor,
    a_person_has_one_open_case_of_a_workflow,
    p05_two_open_cases_of_a_merged_person_can_be_made_one_and_do_not_stop_each_other,
    a_cursor_never_goes_back_and_wakes_nobody,
    what_was_committed_wakes_those_who_watch,
    p02_the_same_key_of_the_outbox_is_one_item_and_never_another,
    timers_are_replaced_whole_and_one_that_passed_is_still_there,
    an_engine_that_lost_its_lease_can_commit_nothing_and_people_still_can,
    a_case_of_nobody_is_refused,
    one_item_that_cannot_be_read_hides_no_other,
    a_timer_that_rests_is_not_due_until_then_and_writing_its_case_ends_the_rest,
];

pub(crate) fn open(store: &Store, id: &str, patient: &ResourceId) -> CaseWrite {
    let now = store.clock().now();
    CaseWrite {
        id: id.into(),
        expected: 0,
        workflow: "critical-potassium".into(),
        patient: patient.clone(),
        state: "open".into(),
        open: true,
        level: "urgent".into(),
        holder: String::new(),
        owned: false,
        due: None,
        opened_at: now,
        body: br#"{"say":"Potassium 6.7"}"#.to_vec(),
        events: vec![event(now, "opened", "bedside/workflow")],
        timers: Vec::new(),
        snapshot: None,
    }
}

fn event(at: Timestamp, kind: &str, actor: &str) -> CaseEvent {
    CaseEvent {
        at,
        kind: kind.into(),
        actor: actor.into(),
        body: br#"{"note":"Potassium 6.7"}"#.to_vec(),
    }
}

pub(crate) fn write(cases: Vec<CaseWrite>) -> CaseCommit {
    CaseCommit {
        cases,
        ..CaseCommit::default()
    }
}

pub(crate) fn all() -> CaseFilter {
    CaseFilter {
        limit: 100,
        ..CaseFilter::default()
    }
}

pub(crate) fn put(store: &Store, key: &str, payload: &[u8], case: &str) -> OutboxPut {
    OutboxPut {
        key: key.into(),
        route: "epic/communication".into(),
        due: store.clock().now(),
        payload: payload.to_vec(),
        case: Some(case.into()),
    }
}

async fn p02_of_two_who_decide_on_the_same_case_one_wins_and_nothing_of_the_other_stays(
    place: Place,
) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    store
        .commit_cases(&ctx, write(vec![open(&store, "k1", &ann)]))
        .await
        .unwrap();
    let decide = |actor: &str| {
        let mut case = open(&store, "k1", &ann);
        case.expected = 1;
        case.holder = actor.into();
        case.events = vec![event(store.clock().now(), "acknowledged", actor)];
        CaseCommit {
            cases: vec![case],
            outbox: vec![put(&store, &format!("k1/{actor}"), b"x", "k1")],
            cursor: None,
        }
    };
    let (nora, nick) = (
        somebody(&store, "nora", Role::Clinician),
        somebody(&store, "nick", Role::Clinician),
    );
    let (one, other) = tokio::join!(
        store.commit_cases(&nora, decide("nora")),
        store.commit_cases(&nick, decide("nick"))
    );
    assert_eq!(
        [&one, &other]
            .iter()
            .filter(|result| **result == &Err(Error::Conflict))
            .count(),
        1,
        "{one:?} {other:?}"
    );
    let winner = if one.is_ok() { "nora" } else { "nick" };
    let case = store.case(&nora, "k1").await.unwrap();
    assert_eq!((case.version, case.holder.as_str()), (2, winner));
    let history = store.case_history(&nora, "k1").await.unwrap();
    assert_eq!(
        history
            .iter()
            .map(|event| (event.kind.as_str(), event.actor.as_str()))
            .collect::<Vec<_>>(),
        [("opened", "bedside/workflow"), ("acknowledged", winner)]
    );
    let filter = OutboxFilter {
        limit: 9,
        ..OutboxFilter::default()
    };
    let items = store.outbox(&ctx, &filter).await.unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].key, format!("k1/{winner}"));
    assert_eq!(store.case_counts(&ctx).await.unwrap().acknowledged_ever, 1);
}

async fn p02_a_commit_that_fails_half_way_leaves_no_case_no_item_and_no_cursor(place: Place) {
    let (store, faults) = place.open_with_faults().await;
    let ctx = service(&store);
    let ann = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    let commit = || CaseCommit {
        cases: vec![open(&store, "k1", &ann)],
        outbox: vec![put(&store, "k1/tell/1", b"x", "k1")],
        cursor: Some(("engine".into(), Seq(3))),
    };
    faults.fail_writes(true);
    store.commit_cases(&ctx, commit()).await.unwrap_err();
    faults.fail_writes(false);
    assert!(store.cases(&ctx, &all()).await.unwrap().is_empty());
    assert_eq!(store.workflow_cursor(&ctx, "engine").await.unwrap(), None);
    assert_eq!(store.outbox_next(&ctx, None).await.unwrap(), None);

    // A second case of the commit is refused: the first, which was fine, is not there either.
    let mut bad = commit();
    let mut stale = open(&store, "k2", &ann);
    stale.expected = 7;
    bad.cases.push(stale);
    assert_eq!(store.commit_cases(&ctx, bad).await, Err(Error::Conflict));
    assert!(store.cases(&ctx, &all()).await.unwrap().is_empty());
    assert_eq!(store.workflow_cursor(&ctx, "engine").await.unwrap(), None);

    store.commit_cases(&ctx, commit()).await.unwrap();
    assert_eq!(
        store.commit_cases(&ctx, commit()).await,
        Err(Error::Conflict),
        "the same decision again finds that it was made"
    );
    store.close().await.unwrap();
    let store = place.open().await;
    let ctx = service(&store);
    assert_eq!(store.cases(&ctx, &all()).await.unwrap().len(), 1);
    assert_eq!(
        store.workflow_cursor(&ctx, "engine").await.unwrap(),
        Some(Seq(3))
    );
    assert_eq!(
        store.outbox_next(&ctx, None).await.unwrap(),
        Some(place.clock.now())
    );
}

async fn a_person_has_one_open_case_of_a_workflow(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let (one, other) = (
        Somebody::new("100", "Okonkwo", "Adaeze"),
        Somebody::new("200", "Okonkwo", "Adaeze"),
    );
    let (a, b) = (
        admit(&store, "C1", &one).await,
        admit(&store, "C2", &other).await,
    );
    merge(&store, "C3", &one, &other).await;
    store
        .commit_cases(&ctx, write(vec![open(&store, "k1", &a)]))
        .await
        .unwrap();
    assert_eq!(
        store
            .commit_cases(&ctx, write(vec![open(&store, "k2", &b)]))
            .await,
        Err(Error::Conflict),
        "by another record of the same person"
    );
    let mut sepsis = open(&store, "k3", &a);
    sepsis.workflow = "sepsis".into();
    store.commit_cases(&ctx, write(vec![sepsis])).await.unwrap();

    // The check looks at the end of the commit: one case may take the place of another.
    let mut done = open(&store, "k1", &a);
    done.expected = 1;
    done.open = false;
    done.state = "done".into();
    store
        .commit_cases(&ctx, write(vec![open(&store, "k2", &b), done]))
        .await
        .unwrap();
    let person = store.case(&ctx, "k1").await.unwrap().person;
    assert_eq!(store.case(&ctx, "k2").await.unwrap().person, person);
    let mut back = open(&store, "k1", &a);
    back.expected = 2;
    assert_eq!(
        store.commit_cases(&ctx, write(vec![back])).await,
        Err(Error::Conflict),
        "nor by opening an old one again"
    );
}

async fn p05_two_open_cases_of_a_merged_person_can_be_made_one_and_do_not_stop_each_other(
    place: Place,
) {
    let store = place.open().await;
    let ctx = service(&store);
    let (one, other) = (
        Somebody::new("100", "Okonkwo", "Adaeze"),
        Somebody::new("200", "Brandt", "Carl"),
    );
    let (a, b) = (
        admit(&store, "C1", &one).await,
        admit(&store, "C2", &other).await,
    );
    store
        .commit_cases(
            &ctx,
            write(vec![open(&store, "k1", &a), open(&store, "k2", &b)]),
        )
        .await
        .unwrap();
    assert_ne!(
        store.case(&ctx, "k1").await.unwrap().person,
        store.case(&ctx, "k2").await.unwrap().person
    );
    merge(&store, "C3", &one, &other).await;
    assert_eq!(
        store.case(&ctx, "k1").await.unwrap().person,
        store.case(&ctx, "k2").await.unwrap().person,
        "a case follows its patient"
    );
    // A nurse who acknowledges in this moment must not be told that there are two.
    let mut seen = open(&store, "k2", &b);
    seen.expected = 1;
    seen.state = "acknowledged".into();
    let nora = somebody(&store, "nora", Role::Clinician);
    store.commit_cases(&nora, write(vec![seen])).await.unwrap();
    let mut kept = open(&store, "k1", &a);
    kept.expected = 1;
    let mut gone = open(&store, "k2", &b);
    gone.expected = 2;
    gone.open = false;
    gone.state = "superseded".into();
    store
        .commit_cases(&ctx, write(vec![kept, gone]))
        .await
        .unwrap();
    let counts = store.case_counts(&ctx).await.unwrap();
    assert_eq!((counts.open, counts.by_state["superseded"]), (1, 1));
}

async fn a_cursor_never_goes_back_and_wakes_nobody(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let mut watch = store.changes();
    watch.mark_unchanged();
    for (to, stands) in [(5, 5), (9, 9), (7, 9), (9, 9)] {
        let commit = CaseCommit {
            cursor: Some(("engine".into(), Seq(to))),
            ..CaseCommit::default()
        };
        store.commit_cases(&ctx, commit).await.unwrap();
        assert_eq!(
            store.workflow_cursor(&ctx, "engine").await.unwrap(),
            Some(Seq(stands))
        );
    }
    assert!(
        !watch.has_changed().unwrap(),
        "an engine that notes how far it read must not wake itself"
    );
    assert_eq!(store.workflow_cursor(&ctx, "other").await.unwrap(), None);
}

async fn what_was_committed_wakes_those_who_watch(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    let mut watch = store.changes();
    let before = *watch.borrow_and_update();
    store
        .commit_cases(&ctx, write(vec![open(&store, "k1", &ann)]))
        .await
        .unwrap();
    assert!(watch.has_changed().unwrap());
    assert!(*watch.borrow_and_update() > before);
    // Nothing in the record changed, so the engine has nothing to do.
    let changes = store.changes_after(&ctx, Seq(before), 10).await.unwrap();
    assert!(changes.patients.is_empty() && changes.through > Seq(before));
}

async fn p02_the_same_key_of_the_outbox_is_one_item_and_never_another(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    let commit = CaseCommit {
        cases: vec![open(&store, "k1", &ann)],
        outbox: vec![
            put(&store, "k1/tell/1", b"secret", "k1"),
            put(&store, "k1/tell/1", b"secret", "k1"),
        ],
        cursor: None,
    };
    store.commit_cases(&ctx, commit).await.unwrap();
    let again = CaseCommit {
        outbox: vec![put(&store, "k1/tell/1", b"secret", "k1")],
        ..CaseCommit::default()
    };
    store.commit_cases(&ctx, again).await.unwrap();
    let items = store
        .outbox_claim(&ctx, "epic/communication", "w", 9, 600)
        .await
        .unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(
        (items[0].case.as_deref(), items[0].payload.as_slice()),
        (Some("k1"), b"secret".as_slice())
    );
    let other = CaseCommit {
        outbox: vec![put(&store, "k1/tell/1", b"something else", "k1")],
        ..CaseCommit::default()
    };
    assert!(matches!(
        store.commit_cases(&ctx, other).await,
        Err(Error::Invalid(_))
    ));
    let nowhere = CaseCommit {
        outbox: vec![put(&store, "k9/tell/1", b"x", "k9")],
        ..CaseCommit::default()
    };
    assert!(matches!(
        store.commit_cases(&ctx, nowhere).await,
        Err(Error::NotFound("case"))
    ));
}

async fn timers_are_replaced_whole_and_one_that_passed_is_still_there(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    let at = |seconds| place.clock.now() + jiff::SignedDuration::from_secs(seconds);
    let (soon, later) = (at(60), at(600));
    let mut case = open(&store, "k1", &ann);
    case.timers = vec![("rung/1".into(), soon), ("rung/2".into(), later)];
    store.commit_cases(&ctx, write(vec![case])).await.unwrap();
    assert_eq!(store.next_timer(&ctx).await.unwrap(), Some(soon));
    assert!(
        store
            .due_timers(&ctx, place.clock.now(), 9)
            .await
            .unwrap()
            .is_empty()
    );
    store.close().await.unwrap();

    // The program was down while the time passed.
    place.after_seconds(3_600);
    let store = place.open().await;
    let ctx = service(&store);
    let due = store.due_timers(&ctx, place.clock.now(), 9).await.unwrap();
    assert_eq!(
        due,
        [
            ("k1".into(), "rung/1".into(), soon),
            ("k1".into(), "rung/2".into(), later)
        ]
    );
    assert_eq!(
        store
            .due_timers(&ctx, place.clock.now(), 1)
            .await
            .unwrap()
            .len(),
        1
    );
    let mut case = open(&store, "k1", &ann);
    case.expected = 1;
    case.timers = vec![("rung/2".into(), later)];
    store.commit_cases(&ctx, write(vec![case])).await.unwrap();
    assert_eq!(store.next_timer(&ctx).await.unwrap(), Some(later));
    let mut case = open(&store, "k1", &ann);
    case.expected = 2;
    case.open = false;
    store.commit_cases(&ctx, write(vec![case])).await.unwrap();
    assert_eq!(store.next_timer(&ctx).await.unwrap(), None);
}

async fn an_engine_that_lost_its_lease_can_commit_nothing_and_people_still_can(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    let fence = store
        .lease(&ctx, "workflow", "engine", "one", 0)
        .await
        .unwrap()
        .unwrap();
    store.set_engine_fence(Some(Held {
        kind: "workflow".into(),
        key: "engine".into(),
        fence,
    }));
    store
        .commit_cases(&ctx, write(vec![open(&store, "k1", &ann)]))
        .await
        .unwrap();
    store
        .lease(&ctx, "workflow", "engine", "two", 600)
        .await
        .unwrap()
        .unwrap();
    let mut case = open(&store, "k1", &ann);
    case.expected = 1;
    let commit = CaseCommit {
        cases: vec![case],
        outbox: Vec::new(),
        cursor: Some(("engine".into(), Seq(9))),
    };
    assert_eq!(
        store.commit_cases(&ctx, commit.clone()).await,
        Err(Error::Conflict)
    );
    assert_eq!(store.workflow_cursor(&ctx, "engine").await.unwrap(), None);
    let nora = somebody(&store, "nora", Role::Clinician);
    assert!(
        matches!(
            store.commit_cases(&nora, commit.clone()).await,
            Err(Error::Denied(_))
        ),
        "nobody but an engine says how far it read"
    );
    let own = CaseCommit {
        cursor: None,
        ..commit
    };
    store.commit_cases(&nora, own).await.unwrap();
}

async fn a_case_of_nobody_is_refused(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let refused = store
        .commit_cases(&ctx, write(vec![open(&store, "k1", &ResourceId::new(""))]))
        .await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    assert!(store.cases(&ctx, &all()).await.unwrap().is_empty());
}

async fn one_item_that_cannot_be_read_hides_no_other(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    let bea = admit(&store, "C2", &Somebody::new("200", "Brandt", "Carla")).await;
    store
        .commit_cases(
            &ctx,
            write(vec![open(&store, "k1", &ann), open(&store, "k2", &bea)]),
        )
        .await
        .unwrap();
    place
        .execute("UPDATE workflow_case SET version = 7 WHERE id = 'k1'")
        .await;
    let read: Vec<String> = store
        .cases(&ctx, &all())
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.id)
        .collect();
    assert_eq!(read, ["k2"]);
    assert!(matches!(
        store.case(&ctx, "k1").await,
        Err(Error::Corrupt(_))
    ));
    // It still counts.
    assert_eq!(store.case_counts(&ctx).await.unwrap().open, 2);
}

async fn a_timer_that_rests_is_not_due_until_then_and_writing_its_case_ends_the_rest(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    let now = store.clock().now();
    let mut case = open(&store, "k1", &ann);
    case.timers = vec![("rung".into(), now)];
    store
        .commit_cases(&ctx, write(vec![case.clone()]))
        .await
        .unwrap();
    let until = now + jiff::SignedDuration::from_secs(90);
    store.rest_timer(&ctx, "k1", "rung", until).await.unwrap();
    assert!(store.due_timers(&ctx, now, 10).await.unwrap().is_empty());
    assert_eq!(store.next_timer(&ctx).await.unwrap(), Some(until));
    assert_eq!(store.due_timers(&ctx, until, 10).await.unwrap().len(), 1);
    store.wake_timers(&ctx).await.unwrap();
    assert_eq!(store.next_timer(&ctx).await.unwrap(), Some(now));
    store.rest_timer(&ctx, "k1", "rung", until).await.unwrap();
    case.expected = 1;
    store.commit_cases(&ctx, write(vec![case])).await.unwrap();
    assert_eq!(store.due_timers(&ctx, now, 10).await.unwrap().len(), 1);
}
