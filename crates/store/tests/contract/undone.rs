//! What came after a wrong merge, what waits behind a parked input, and which record a list shows.

use bedside_core::ctx::Role;
use bedside_fact::clock::Clock as _;
use bedside_fact::id::SystemId;
use bedside_store::Error;

use crate::feed::{AUTHORITY, Somebody, admit, applied, merge, message, observation, take};
use crate::persons::{bodies, clinician};
use crate::support::{Place, service, somebody};

crate::contract![
    p05_an_undone_merge_gives_back_what_was_received_since,
    p07_a_chart_as_of_a_moment_says_what_waited_then,
    a_list_shows_the_record_that_stands_and_was_heard_of_last,
];

async fn p05_an_undone_merge_gives_back_what_was_received_since(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let (ann, carl) = (
        Somebody::new("100", "Okonkwo", "Adaeze"),
        Somebody::new("200", "Brandt", "Carl"),
    );
    let (a, c) = (
        admit(&store, "C1", &ann).await,
        admit(&store, "C2", &carl).await,
    );
    merge(&store, "C3", &ann, &carl).await;
    place.after_seconds(60);
    // Everything of 200 is laid into 100: a result, another name and number, and then something of 100 on top.
    let result = take(&store, message("C4", "result", "200")).await;
    let mut laid = observation(&store, &carl, "K1", 1, "6.9");
    laid.patient = Some(a.clone());
    store
        .commit(&ctx, applied(result, vec![laid]))
        .await
        .unwrap();
    let renamed = take(&store, message("C5", "renamed", "200")).await;
    let mixed = Somebody {
        mrn: "100",
        ..carl.clone()
    };
    store
        .commit(&ctx, applied(renamed, vec![mixed.write(&store, 3, "")]))
        .await
        .unwrap();
    let own = take(&store, message("C6", "own", "100")).await;
    let moved = Somebody {
        born: "1951-04-18",
        ..ann.clone()
    };
    store
        .commit(&ctx, applied(own, vec![moved.write(&store, 4, "")]))
        .await
        .unwrap();
    let again = take(&store, message("C7", "merge once more", "100")).await;
    let discarded = take(&store, message("C8", "bad", "100")).await;
    let mut bad = applied(discarded, Vec::new());
    bad.ending = bedside_core::record::Ending::Parked("bad".into());
    store.commit(&ctx, bad).await.unwrap();
    let engineer = somebody(&store, "eve", Role::Engineer);
    store
        .discard(&engineer, discarded, "sent by mistake")
        .await
        .unwrap();
    let mut nothing = applied(again, Vec::new());
    nothing.ending = bedside_core::record::Ending::Noop("nothing new".into());
    nothing.patients = vec![a.clone()];
    store.commit(&ctx, nothing).await.unwrap();
    let mixed_up = place.clock.now();
    place.after_seconds(60);
    let record = store
        .person(&clinician(&store), a.as_str(), None)
        .await
        .unwrap();
    let link = record
        .links
        .iter()
        .find(|link| link.kind == "merge")
        .unwrap()
        .seq;
    store
        .undo_merge(&engineer, link, "two people")
        .await
        .unwrap();

    // Before anything is applied again nobody has what is the other's.
    assert!(
        bodies(&store, c.as_str())
            .await
            .iter()
            .all(|body| body.contains("Brandt"))
    );
    assert!(
        bodies(&store, a.as_str())
            .await
            .iter()
            .all(|body| body.contains("Okonkwo"))
    );
    let waiting: Vec<_> = store
        .waiting(&ctx, bedside_fact::id::Seq(0), 100)
        .await
        .unwrap()
        .into_iter()
        .map(|one| (one.seq, one.state))
        .collect();
    use bedside_core::journal::InputState::Pending;
    assert_eq!(
        waiting,
        [
            (result, Pending),
            (renamed, Pending),
            (own, Pending),
            (again, Pending)
        ]
    );
    assert_eq!(
        store.input(&ctx, result).await.unwrap().raw.expose(),
        b"result"
    );

    // What was decided before the undoing is refused, not mixed in.
    let mut late = observation(&store, &carl, "K1", 1, "6.9");
    late.patient = Some(a.clone());
    assert_eq!(
        store.commit(&ctx, applied(result, vec![late])).await,
        Err(Error::Conflict)
    );
    let wanted = [(
        "Observation".to_owned(),
        observation(&store, &carl, "K1", 1, "").id,
    )];
    assert!(store.current(&ctx, &wanted).await.unwrap()[0].is_none());

    let given_back = observation(&store, &carl, "K1", 1, "6.9");
    store
        .commit(&ctx, applied(result, vec![given_back]))
        .await
        .unwrap();
    let new_name = Somebody {
        family: "Brandt-Olsen",
        ..carl.clone()
    };
    let version = |number: i64| number + 1;
    store
        .commit(
            &ctx,
            applied(renamed, vec![new_name.write(&store, version(3), "")]),
        )
        .await
        .unwrap();
    store
        .commit(
            &ctx,
            applied(own, vec![moved.write(&store, version(5), "")]),
        )
        .await
        .unwrap();
    let observed = store.current(&ctx, &wanted).await.unwrap();
    assert_eq!(observed[0].as_ref().unwrap().version, 2);
    let (of_a, of_c) = (
        bodies(&store, a.as_str()).await,
        bodies(&store, c.as_str()).await,
    );
    assert_eq!((of_a.len(), of_c.len()), (1, 2));
    assert!(of_a[0].contains("Okonkwo"));
    assert!(
        of_c.iter().any(|body| body.contains("6.9"))
            && of_c.iter().any(|body| body.contains("Brandt-Olsen"))
    );
    let found = async |query: &'static str| {
        let hits = store
            .find_patients(&clinician(&store), query, 10)
            .await
            .unwrap();
        hits.into_iter()
            .flat_map(|hit| hit.patients)
            .collect::<Vec<_>>()
    };
    assert_eq!(found("brandt").await, std::slice::from_ref(&c));
    assert_eq!(found("okonkwo").await, std::slice::from_ref(&a));
    assert_eq!(found("200").await, std::slice::from_ref(&c));
    // What was shown then is shown as of then.
    let then = store
        .person(&clinician(&store), a.as_str(), Some(mixed_up))
        .await
        .unwrap();
    assert!(then.resources.iter().any(|one| one.body.contains("6.9")));
}

async fn p07_a_chart_as_of_a_moment_says_what_waited_then(place: Place) {
    let store = place.open().await;
    let (ctx, ward) = (service(&store), SystemId::new("ward"));
    store
        .ensure_source(&ctx, "ward", "generic", Some("ward"), "UTC")
        .await
        .unwrap();
    let ann = Somebody::new("100", "Okonkwo", "Adaeze");
    let a = admit(&store, "C1", &ann).await;
    let quiet = place.clock.now();
    place.after_seconds(60);
    let bad = take(&store, message("C2", "bad", "100")).await;
    let mut parked = applied(bad, Vec::new());
    parked.system = ward;
    parked.ending = bedside_core::record::Ending::Parked("A40 without MRG-1".into());
    store.commit(&ctx, parked).await.unwrap();
    let behind = take(&store, message("C3", "K 6.9", "100")).await;
    store.hold(&ctx, &[(behind, bad)]).await.unwrap();
    // The record moves on elsewhere, so that there is a moment to look at.
    admit(&store, "C4", &Somebody::new("300", "Brandt", "Ilse")).await;
    let waiting = place.clock.now();
    let seen = async |as_of: Option<bedside_fact::clock::Timestamp>| {
        let record = store
            .person(&clinician(&store), a.as_str(), as_of)
            .await
            .unwrap();
        let held: Vec<Vec<u8>> = record
            .held
            .iter()
            .map(|held| held.raw.expose().clone())
            .collect();
        (record.waiting, held)
    };
    let one = (2, vec![b"K 6.9".to_vec()]);
    assert_eq!(seen(None).await, one);
    assert_eq!(seen(Some(waiting)).await, one);
    assert_eq!(seen(Some(quiet)).await, (0, Vec::new()));

    place.after_seconds(60);
    let engineer = somebody(&store, "eve", Role::Engineer);
    store
        .discard(&engineer, bad, "sent by mistake")
        .await
        .unwrap();
    store
        .commit(
            &ctx,
            applied(behind, vec![observation(&store, &ann, "K1", 1, "6.9")]),
        )
        .await
        .unwrap();
    assert_eq!(seen(None).await, (0, Vec::new()));
    assert_eq!(seen(Some(waiting)).await, one);
    assert_eq!(seen(Some(quiet)).await, (0, Vec::new()));
}

async fn a_list_shows_the_record_that_stands_and_was_heard_of_last(place: Place) {
    let store = place.open().await;
    let (old, new) = (
        Somebody::new("100", "Okafor", "Ada"),
        Somebody::new("101", "Okafor", "Adaeze"),
    );
    admit(&store, "C1", &old).await;
    admit(&store, "C2", &new).await;
    let shown = async || {
        let hits = store
            .find_patients(&clinician(&store), "okafor", 10)
            .await
            .unwrap();
        assert_eq!(hits.len(), 1);
        hits.into_iter().next().unwrap().body
    };
    // The one that was known first goes; the other one stands.
    merge(&store, "C3", &new, &old).await;
    let body = shown().await;
    assert!(body.contains("Adaeze"), "{body}");
    // A link by identifier: none of the two went, the later word counts.
    let mut there = Somebody {
        source: "clinic",
        mrn: "900",
        given: "Adaeze Joy",
        ..new.clone()
    };
    there.other = Some((AUTHORITY, "101"));
    admit(&store, "C4", &there).await;
    let body = shown().await;
    assert!(body.contains("Adaeze Joy"), "{body}");
}
