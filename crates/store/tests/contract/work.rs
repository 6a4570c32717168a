//! Leases, jobs and the outbox: of all nodes one does the work, and once.

use bedside_fact::clock::Clock as _;
use bedside_store::{BackendOptions, Error, Fence, Held, Settlement, Store};

use crate::contract;
use crate::support::{Place, service};

contract!(
    a_lease_has_one_holder_and_its_fence_only_grows,
    a_job_is_claimed_by_one_node_and_comes_back_when_its_claim_runs_out,
    a_finished_job_can_be_asked_for_again,
    p02_the_same_idempotency_key_is_the_same_item,
    p08_an_item_whose_sender_vanished_is_unknown_and_not_sent_again,
    a_second_process_is_refused_and_workers_of_one_share_the_work,
);

async fn a_lease_has_one_holder_and_its_fence_only_grows(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let held = |fence| Held {
        kind: "lane".into(),
        key: "ward".into(),
        fence,
    };
    let first = store
        .lease(&ctx, "lane", "ward", "a", 600)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(first, Fence(1));
    assert_eq!(
        store.lease(&ctx, "lane", "ward", "b", 600).await.unwrap(),
        None
    );
    assert!(
        store
            .lease(&ctx, "lane", "lab", "b", 600)
            .await
            .unwrap()
            .is_some(),
        "another thing"
    );
    assert!(store.renew(&ctx, &held(first), 600).await.unwrap());

    // The time of the lease runs out, and another node takes it.
    assert!(store.renew(&ctx, &held(first), 0).await.unwrap());
    let second = store
        .lease(&ctx, "lane", "ward", "b", 600)
        .await
        .unwrap()
        .unwrap();
    assert!(second > first);
    assert!(
        !store.renew(&ctx, &held(first), 600).await.unwrap(),
        "the first holder finds out"
    );
    store.release(&ctx, &held(first)).await.unwrap();
    assert_eq!(
        store.lease(&ctx, "lane", "ward", "a", 600).await.unwrap(),
        None,
        "what it does now changes nothing"
    );
    store.release(&ctx, &held(second)).await.unwrap();
    assert_eq!(
        store.lease(&ctx, "lane", "ward", "a", 600).await.unwrap(),
        Some(Fence(3))
    );
    store.close().await.unwrap();
}

async fn a_job_is_claimed_by_one_node_and_comes_back_when_its_claim_runs_out(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let due = place.clock.now();
    assert!(
        store
            .enqueue(&ctx, "poll", "ward", due, b"7")
            .await
            .unwrap()
    );
    assert!(
        !store
            .enqueue(&ctx, "poll", "ward", due, b"8")
            .await
            .unwrap(),
        "it waits already"
    );
    let later = due + jiff::SignedDuration::from_secs(60);
    store
        .enqueue(&ctx, "poll", "lab", later, b"")
        .await
        .unwrap();

    let claimed = store.claim(&ctx, "poll", "a", 10, 0).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(
        (
            claimed[0].key.as_str(),
            claimed[0].attempt,
            claimed[0].payload.as_slice()
        ),
        ("ward", 1, b"7".as_slice())
    );
    // The claim was for no time at all, so the next node has it; the first can't end it any more.
    let again = store.claim(&ctx, "poll", "b", 10, 600).await.unwrap();
    assert_eq!(again[0].attempt, 2);
    assert_eq!(store.finish(&ctx, &claimed[0]).await, Err(Error::Conflict));
    assert!(
        store
            .claim(&ctx, "poll", "c", 10, 600)
            .await
            .unwrap()
            .is_empty()
    );

    place.after_seconds(60);
    store
        .fail(&ctx, &again[0], place.clock.now(), "timeout")
        .await
        .unwrap();
    let mut keys: Vec<String> = store
        .claim(&ctx, "poll", "c", 10, 600)
        .await
        .unwrap()
        .into_iter()
        .map(|job| job.key)
        .collect();
    keys.sort();
    assert_eq!(keys, ["lab", "ward"]);
    store.close().await.unwrap();
}

async fn a_finished_job_can_be_asked_for_again(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    for round in 1..=2 {
        assert!(
            store
                .enqueue(&ctx, "build", "index", place.clock.now(), b"")
                .await
                .unwrap()
        );
        let claimed = store.claim(&ctx, "build", "a", 1, 600).await.unwrap();
        assert_eq!(claimed[0].attempt, round);
        store.finish(&ctx, &claimed[0]).await.unwrap();
        assert!(
            store
                .claim(&ctx, "build", "a", 1, 600)
                .await
                .unwrap()
                .is_empty()
        );
    }
    store.close().await.unwrap();
}

async fn p02_the_same_idempotency_key_is_the_same_item(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let due = place.clock.now();
    let (first, new) = store
        .outbox_put(&ctx, "ack-17", "ward", due, b"MSH|secret")
        .await
        .unwrap();
    assert!(new);
    assert_eq!(
        store
            .outbox_put(&ctx, "ack-17", "ward", due, b"MSH|secret")
            .await
            .unwrap(),
        (first, false)
    );
    assert_eq!(
        store
            .outbox_put(&ctx, "ack-17", "ward", due, b"MSH|other")
            .await,
        Err(Error::Conflict)
    );
    assert_eq!(
        store
            .outbox_put(&ctx, "ack-17", "lab", due, b"MSH|secret")
            .await,
        Err(Error::Conflict)
    );
    let (second, new) = store
        .outbox_put(&ctx, "ack-18", "ward", due, b"MSH|secret")
        .await
        .unwrap();
    assert!(new && second > first);
    let stored = place.bytes("outbox", "payload", "key = 'ack-17'").await;
    assert!(!String::from_utf8_lossy(&stored).contains("secret"));

    let items = store
        .outbox_claim(&ctx, "ward", "a", 10, 600)
        .await
        .unwrap();
    assert_eq!(
        items
            .iter()
            .map(|item| item.key.as_str())
            .collect::<Vec<_>>(),
        ["ack-17", "ack-18"]
    );
    assert_eq!(items[0].payload, b"MSH|secret");
    assert!(
        store
            .outbox_claim(&ctx, "ward", "b", 10, 600)
            .await
            .unwrap()
            .is_empty()
    );
    store
        .outbox_settle(&ctx, &items[0], Settlement::Done { remote: None })
        .await
        .unwrap();
    assert_eq!(
        store
            .outbox_settle(&ctx, &items[0], Settlement::Done { remote: None })
            .await,
        Err(Error::Conflict)
    );
    // Done stays done, whoever puts it again.
    assert_eq!(
        store
            .outbox_put(&ctx, "ack-17", "ward", due, b"MSH|secret")
            .await
            .unwrap(),
        (first, false)
    );
    store
        .outbox_settle(
            &ctx,
            &items[1],
            Settlement::Again(due, "connection refused".into()),
        )
        .await
        .unwrap();
    let items = store
        .outbox_claim(&ctx, "ward", "b", 10, 600)
        .await
        .unwrap();
    assert_eq!((items.len(), items[0].id, items[0].claim), (1, second, 2));
    store.close().await.unwrap();
}

async fn p08_an_item_whose_sender_vanished_is_unknown_and_not_sent_again(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    store
        .outbox_put(&ctx, "order-1", "ward", place.clock.now(), b"x")
        .await
        .unwrap();
    let mut sending = store.outbox_claim(&ctx, "ward", "a", 1, 600).await.unwrap();
    let gone = sending.remove(0);
    sending.push(store.outbox_send(&ctx, gone, 0).await.unwrap());
    assert!(
        store
            .outbox_claim(&ctx, "ward", "b", 1, 600)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        place
            .bytes(
                "outbox",
                if place.is_files() {
                    "CAST(state AS BLOB)"
                } else {
                    "state::bytea"
                },
                "id = 1"
            )
            .await,
        b"unknown"
    );
    assert_eq!(
        store
            .outbox_settle(&ctx, &sending[0], Settlement::Done { remote: None })
            .await,
        Err(Error::Conflict)
    );
    store.close().await.unwrap();
}

async fn a_second_process_is_refused_and_workers_of_one_share_the_work(place: Place) {
    let one = place.open().await;
    let second = Store::open(place.options()).await.err().unwrap();
    assert!(matches!(second, Error::Locked { .. }), "{second:?}");
    if !place.is_files() {
        // Another folder, perhaps on another machine, and the same database.
        let elsewhere = tempfile::tempdir().unwrap();
        let mut options = place.options();
        if let BackendOptions::Postgres { dir, .. } = &mut options.backend {
            *dir = elsewhere.path().join("data");
        }
        let second = Store::open(options).await.err().unwrap();
        assert_eq!(
            second.to_string(),
            "the database is in use by another process: stop that one, or speak to it instead of opening the store"
        );
    }
    let ctx = service(&one);
    for number in 0..40 {
        one.enqueue(
            &ctx,
            "poll",
            &format!("{number:02}"),
            place.clock.now(),
            b"",
        )
        .await
        .unwrap();
    }
    let (mut seen, mut rounds) = (Vec::new(), 0);
    while rounds < 4 {
        let (left, right) = tokio::join!(
            one.claim(&ctx, "poll", "one", 5, 600),
            one.claim(&ctx, "poll", "other", 5, 600)
        );
        seen.extend(
            left.unwrap()
                .into_iter()
                .chain(right.unwrap())
                .map(|job| job.key),
        );
        rounds += 1;
    }
    seen.sort();
    let wanted: Vec<String> = (0..40).map(|number| format!("{number:02}")).collect();
    assert_eq!(seen, wanted, "each once");
    let fence = one.lease(&ctx, "lane", "ward", "one", 600).await.unwrap();
    assert!(fence.is_some());
    assert_eq!(
        one.lease(&ctx, "lane", "ward", "other", 600).await.unwrap(),
        None
    );
    one.close().await.unwrap();
}
