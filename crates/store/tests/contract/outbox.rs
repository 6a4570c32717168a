//! What is owed to the outside: what is unknown stays unknown until somebody looked, and nothing is sent twice by itself.

use bedside_core::ctx::Role;
use bedside_fact::clock::{Clock as _, Timestamp};
use bedside_store::{
    Error, OutboxCounts, OutboxFilter, OutboxItem, OutboxRow, Resolution, Settlement, Store,
};

use crate::support::{Place, service, somebody};

crate::contract![
    p08_what_a_dead_process_was_sending_is_unknown_at_the_next_start,
    p08_what_was_claimed_and_had_not_left_is_sent_by_the_next,
    p08_an_unknown_item_is_looked_at_and_never_sent,
    p08_a_look_that_hangs_is_taken_over_and_its_late_word_does_not_count,
    p08_what_nobody_can_look_up_waits_for_a_person,
    a_person_settles_only_what_is_unknown_and_says_why,
    what_the_other_side_calls_it_is_sealed_and_read_back,
    the_outbox_is_listed_counted_and_tells_when_it_is_due,
    p09_a_payload_is_shown_to_those_who_may_and_that_is_in_the_log,
];

async fn put(store: &Store, key: &str) -> i64 {
    store
        .outbox_put(&service(store), key, "epic", store.clock().now(), b"secret")
        .await
        .unwrap()
        .0
}

async fn take(store: &Store, seconds: i64) -> Vec<OutboxItem> {
    store
        .outbox_claim(&service(store), "epic", "w", 9, seconds)
        .await
        .unwrap()
}

/// Takes what is due and lets it leave.
async fn claim(store: &Store, seconds: i64) -> Vec<OutboxItem> {
    let mut sent = Vec::new();
    for item in take(store, seconds).await {
        sent.push(
            store
                .outbox_send(&service(store), item, seconds)
                .await
                .unwrap(),
        );
    }
    sent
}

async fn look(store: &Store, seconds: i64) -> Vec<OutboxItem> {
    store
        .outbox_claim_unknown(&service(store), "epic", "w", 9, seconds)
        .await
        .unwrap()
}

async fn settle(store: &Store, item: &OutboxItem, how: Settlement) -> Result<(), Error> {
    store.outbox_settle(&service(store), item, how).await
}

async fn list(store: &Store) -> Vec<OutboxRow> {
    let filter = OutboxFilter {
        limit: 100,
        ..OutboxFilter::default()
    };
    store.outbox(&service(store), &filter).await.unwrap()
}

fn unknown(check_at: Option<Timestamp>) -> Settlement {
    Settlement::Unknown {
        reason: "no answer".into(),
        check_at,
    }
}

const DONE: Settlement = Settlement::Done { remote: None };

async fn p08_what_a_dead_process_was_sending_is_unknown_at_the_next_start(place: Place) {
    let store = place.open().await;
    for key in ["a", "b", "c"] {
        put(&store, key).await;
    }
    let items = claim(&store, 600).await;
    settle(&store, &items[0], DONE).await.unwrap();
    settle(&store, &items[1], unknown(Some(place.clock.now())))
        .await
        .unwrap();
    assert_eq!(look(&store, 600).await.len(), 1);
    put(&store, "d").await;
    store.close().await.unwrap();

    let store = place.open().await;
    let states: Vec<(String, String)> = list(&store)
        .await
        .into_iter()
        .map(|row| (row.key, row.state))
        .collect();
    let state = |key: &str| {
        states
            .iter()
            .find(|(one, _)| one == key)
            .map(|(_, state)| state.as_str())
    };
    assert_eq!(state("a"), Some("done"));
    assert_eq!(
        state("b"),
        Some("unknown"),
        "the look died with the process"
    );
    assert_eq!(state("c"), Some("unknown"), "perhaps it was sent");
    assert_eq!(state("d"), Some("due"), "never touched");
    assert_eq!(
        claim(&store, 600)
            .await
            .iter()
            .map(|item| item.key.as_str())
            .collect::<Vec<_>>(),
        ["d"]
    );
    assert_eq!(
        look(&store, 600).await.len(),
        2,
        "both are looked at at once"
    );
    assert_eq!(
        settle(&store, &items[2], DONE).await,
        Err(Error::Conflict),
        "what the dead process believed does not count"
    );
}

async fn p08_what_was_claimed_and_had_not_left_is_sent_by_the_next(place: Place) {
    let store = place.open().await;
    put(&store, "a").await;
    let taken = take(&store, 600).await;
    assert_eq!(
        (taken[0].attempt, list(&store).await[0].state.as_str()),
        (0, "claimed")
    );
    assert!(take(&store, 600).await.is_empty(), "one has it in hand");
    store.close().await.unwrap();

    let store = place.open().await;
    assert_eq!(list(&store).await[0].state, "due", "it never left");
    let stale = taken[0].clone();
    let late = store.outbox_send(&service(&store), stale, 600).await;
    assert_eq!(
        late.unwrap_err(),
        Error::Conflict,
        "the dead process has no claim any more"
    );
    // A claim that ran out is no claim either, and what it had in hand is the next one's.
    let slow = take(&store, 0).await.remove(0);
    let late = store.outbox_send(&service(&store), slow.clone(), 600).await;
    assert_eq!(late.unwrap_err(), Error::Conflict);
    let sent = claim(&store, 600).await;
    assert_eq!((sent[0].attempt, sent[0].claim), (1, slow.claim + 1));
    assert_eq!(settle(&store, &slow, DONE).await, Err(Error::Conflict));
    // What was put off without having been looked at is no attempt.
    let later = Settlement::Later(place.clock.now(), "429".into());
    settle(&store, &sent[0], later).await.unwrap();
    let sent = claim(&store, 600).await;
    assert_eq!(
        (sent[0].attempt, sent[0].reason.as_deref()),
        (1, Some("429"))
    );
    let again = Settlement::Again(place.clock.now(), "not there".into());
    settle(&store, &sent[0], again).await.unwrap();
    assert_eq!(claim(&store, 600).await[0].attempt, 2);
}

async fn p08_an_unknown_item_is_looked_at_and_never_sent(place: Place) {
    let store = place.open().await;
    put(&store, "a").await;
    let sent = claim(&store, 600).await;
    let at = place.clock.now() + jiff::SignedDuration::from_secs(30);
    settle(&store, &sent[0], unknown(Some(at))).await.unwrap();
    assert_eq!(
        store.outbox_next(&service(&store), None).await.unwrap(),
        Some(at)
    );
    assert!(look(&store, 600).await.is_empty(), "not yet");
    place.after_seconds(3_600);
    assert!(claim(&store, 600).await.is_empty(), "never by itself");
    let looking = look(&store, 600).await;
    assert_eq!((looking[0].attempt, looking[0].claim), (1, 2));
    assert!(look(&store, 600).await.is_empty(), "one looks at once");
    // Not seen yet: still unknown, and looked at again.
    let later = place.clock.now() + jiff::SignedDuration::from_secs(60);
    settle(&store, &looking[0], unknown(Some(later)))
        .await
        .unwrap();
    place.after_seconds(60);
    assert!(claim(&store, 600).await.is_empty());
    let looking = look(&store, 600).await;
    // It is certain that it did not arrive: only now it may go out once more.
    settle(
        &store,
        &looking[0],
        Settlement::Again(place.clock.now(), "not there".into()),
    )
    .await
    .unwrap();
    assert!(look(&store, 600).await.is_empty());
    assert_eq!(claim(&store, 600).await[0].attempt, 2);
}

async fn p08_a_look_that_hangs_is_taken_over_and_its_late_word_does_not_count(place: Place) {
    let store = place.open().await;
    put(&store, "a").await;
    let sent = claim(&store, 600).await;
    settle(&store, &sent[0], unknown(Some(place.clock.now())))
        .await
        .unwrap();
    let hanging = look(&store, 0).await;
    let second = look(&store, 600).await;
    assert_eq!(second[0].claim, hanging[0].claim + 1);
    assert_eq!(
        settle(
            &store,
            &hanging[0],
            Settlement::Again(place.clock.now(), "not there".into())
        )
        .await,
        Err(Error::Conflict)
    );
    settle(&store, &second[0], DONE).await.unwrap();
    assert_eq!(settle(&store, &second[0], DONE).await, Err(Error::Conflict));
    assert_eq!(list(&store).await[0].reason, None);
}

async fn p08_what_nobody_can_look_up_waits_for_a_person(place: Place) {
    let store = place.open().await;
    let id = put(&store, "a").await;
    let sent = claim(&store, 600).await;
    settle(&store, &sent[0], unknown(None)).await.unwrap();
    place.after_seconds(1_000_000);
    assert!(look(&store, 600).await.is_empty() && claim(&store, 600).await.is_empty());
    assert_eq!(
        store.outbox_next(&service(&store), None).await.unwrap(),
        None
    );
    let engineer = somebody(&store, "emil", Role::Engineer);
    store
        .outbox_resolve(
            &engineer,
            id,
            Resolution::Again,
            "asked the ward: not there",
        )
        .await
        .unwrap();
    assert_eq!(
        store.outbox_next(&service(&store), None).await.unwrap(),
        Some(place.clock.now())
    );
    assert_eq!(claim(&store, 600).await[0].attempt, 2);
}

async fn a_person_settles_only_what_is_unknown_and_says_why(place: Place) {
    let store = place.open().await;
    let id = put(&store, "a").await;
    let engineer = somebody(&store, "emil", Role::Engineer);
    let resolve = |how, why: &'static str| {
        let (store, engineer) = (store.clone(), engineer.clone());
        async move { store.outbox_resolve(&engineer, id, how, why).await }
    };
    assert_eq!(
        resolve(Resolution::Done, "seen").await,
        Err(Error::Conflict),
        "not sent yet"
    );
    let sent = claim(&store, 600).await;
    assert_eq!(
        resolve(Resolution::Refused, "seen").await,
        Err(Error::Conflict),
        "being sent"
    );
    settle(&store, &sent[0], unknown(Some(place.clock.now())))
        .await
        .unwrap();
    assert!(matches!(
        resolve(Resolution::Done, "  ").await,
        Err(Error::Invalid(_))
    ));
    let looking = look(&store, 600).await;
    assert_eq!(
        resolve(Resolution::Done, "seen").await,
        Err(Error::Conflict),
        "somebody is looking at this moment"
    );
    settle(&store, &looking[0], unknown(None)).await.unwrap();
    let nora = somebody(&store, "nora", Role::Clinician);
    assert!(matches!(
        store
            .outbox_resolve(&nora, id, Resolution::Done, "seen")
            .await,
        Err(Error::Denied(_))
    ));
    resolve(Resolution::Done, "seen in the chart of Adaeze Okonkwo")
        .await
        .unwrap();
    assert_eq!(
        resolve(Resolution::Again, "seen").await,
        Err(Error::Conflict),
        "done stays done"
    );
    let why = place.bytes("outbox", "why", "id = 1").await;
    assert!(!String::from_utf8_lossy(&why).contains("Okonkwo"));
    assert_eq!(
        store
            .outbox_resolve(&engineer, 99, Resolution::Done, "seen")
            .await,
        Err(Error::NotFound("outbox item"))
    );
}

async fn what_the_other_side_calls_it_is_sealed_and_read_back(place: Place) {
    let store = place.open().await;
    put(&store, "a").await;
    let sent = claim(&store, 600).await;
    let how = Settlement::Done {
        remote: Some("Communication/4711".into()),
    };
    settle(&store, &sent[0], how).await.unwrap();
    let stored = place.bytes("outbox", "remote", "id = 1").await;
    assert!(!String::from_utf8_lossy(&stored).contains("4711"));
    let row = &list(&store).await[0];
    assert_eq!(row.remote.as_deref(), Some("Communication/4711"));
    assert_eq!(row.settled_at, Some(place.clock.now()));
    assert!(!format!("{row:?}").contains("4711"));
}

async fn the_outbox_is_listed_counted_and_tells_when_it_is_due(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let mut watch = store.changes();
    for key in ["done", "refused", "unknown", "looking", "sending"] {
        put(&store, key).await;
    }
    let items = claim(&store, 600).await;
    settle(&store, &items[0], DONE).await.unwrap();
    settle(&store, &items[1], Settlement::Refused("422".into()))
        .await
        .unwrap();
    settle(&store, &items[2], unknown(None)).await.unwrap();
    settle(&store, &items[3], unknown(Some(place.clock.now())))
        .await
        .unwrap();
    look(&store, 600).await;
    let later = place.clock.now() + jiff::SignedDuration::from_secs(60);
    store
        .outbox_put(&ctx, "due", "athena", later, b"x")
        .await
        .unwrap();
    assert!(watch.has_changed().unwrap());
    watch.mark_unchanged();
    assert_eq!(
        store.outbox_counts(&ctx).await.unwrap(),
        OutboxCounts {
            due: 1,
            sending: 1,
            confirmed: 1,
            unknown: 2,
            refused: 1
        }
    );
    let keys = |filter: OutboxFilter| {
        let (store, ctx) = (store.clone(), ctx.clone());
        async move {
            let rows = store.outbox(&ctx, &filter).await.unwrap();
            rows.into_iter().map(|row| row.key).collect::<Vec<_>>()
        }
    };
    let all = OutboxFilter {
        limit: 9,
        ..OutboxFilter::default()
    };
    assert_eq!(
        keys(all.clone()).await,
        ["unknown", "looking", "sending", "due", "refused", "done"]
    );
    assert_eq!(
        keys(OutboxFilter {
            limit: 5,
            ..all.clone()
        })
        .await
        .len(),
        5
    );
    assert_eq!(
        keys(OutboxFilter {
            open_only: true,
            ..all.clone()
        })
        .await,
        ["unknown", "looking", "sending", "due"]
    );
    assert_eq!(
        keys(OutboxFilter {
            route: Some("athena".into()),
            ..all.clone()
        })
        .await,
        ["due"]
    );
    assert!(
        keys(OutboxFilter {
            case: Some("k1".into()),
            ..all
        })
        .await
        .is_empty()
    );
    assert_eq!(store.outbox_next(&ctx, None).await.unwrap(), Some(later));
    let next = async |route| store.outbox_next(&ctx, Some(route)).await.unwrap();
    assert_eq!(
        (next("athena").await, next("epic").await),
        (Some(later), None)
    );
}

async fn p09_a_payload_is_shown_to_those_who_may_and_that_is_in_the_log(place: Place) {
    let store = place.open().await;
    let id = put(&store, "a").await;
    let nora = somebody(&store, "nora", Role::Clinician);
    let (row, payload) = store.outbox_show(&nora, id).await.unwrap();
    assert_eq!((row.id, payload.as_slice()), (id, b"secret".as_slice()));
    let mut emil = somebody(&store, "emil", Role::Engineer);
    assert!(matches!(
        store.outbox_show(&emil, id).await,
        Err(Error::Denied(_))
    ));
    emil.reason = Some("ticket 4711".into());
    store.outbox_show(&emil, id).await.unwrap();
    let officer = somebody(&store, "olga", Role::Compliance);
    assert!(matches!(
        store.outbox_show(&officer, id).await,
        Err(Error::Denied(_))
    ));
    let rows = store
        .audit_search(&officer, bedside_store::AuditFilter::default())
        .await
        .unwrap();
    let shown = rows
        .iter()
        .filter(|row| row.entry.detail.as_deref() == Some(&format!("outbox {id}")))
        .count();
    assert_eq!(shown, 2);
}
