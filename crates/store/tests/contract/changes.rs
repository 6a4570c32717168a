//! The change feed: an engine that remembers how far it read misses nothing and gets nothing twice.

use bedside_core::completeness::{Asked, Coverage};
use bedside_core::ctx::Role;
use bedside_core::record::Ending;
use bedside_fact::clock::Clock as _;
use bedside_fact::id::{ResourceId, Seq};
use bedside_store::{Changed, Error, Store};

use crate::feed::{Somebody, admit, applied, merge, message, observation, take};
use crate::support::{Place, service, somebody};

crate::contract![
    each_new_version_is_told_once_and_in_order,
    a_page_never_ends_within_a_position,
    who_reads_while_others_write_misses_nothing_and_gets_nothing_twice,
    p04_a_held_input_and_its_release_concern_its_patient,
    p05_a_merge_and_its_undoing_concern_both_patients,
    p05_a_resource_that_leaves_a_chart_concerns_that_chart,
    p06_another_answer_to_whether_all_is_known_is_something_learned,
    a_proposal_that_two_may_be_one_concerns_both,
    p09_an_engine_that_reads_facts_is_in_the_log_once_for_each_patient,
    texts_and_fingerprints_of_single_resources_are_those_that_stand,
    a_patient_is_looked_at_again_when_it_is_time_and_a_trouble_is_kept_until_a_look_succeeds,
    p02_a_case_is_told_each_state_of_its_write_once,
];

/// Reads all pages from a position.
async fn since(store: &Store, after: Seq, limit: usize) -> (Seq, Vec<Changed>) {
    let (mut through, mut all) = (after, Vec::new());
    loop {
        let page = store
            .changes_after(&service(store), through, limit)
            .await
            .unwrap();
        assert!(page.through >= through);
        through = page.through;
        all.extend(page.patients);
        if !page.more {
            return (through, all);
        }
    }
}

/// Patients about whom anything may be different, without order.
fn whole(changes: &[Changed]) -> Vec<ResourceId> {
    let mut patients: Vec<ResourceId> = changes
        .iter()
        .filter(|one| one.what.is_empty())
        .map(|one| one.patient.clone())
        .collect();
    patients.sort();
    patients.dedup();
    patients
}

fn both(a: &ResourceId, b: &ResourceId) -> Vec<ResourceId> {
    let mut both = vec![a.clone(), b.clone()];
    both.sort();
    both
}

async fn each_new_version_is_told_once_and_in_order(place: Place) {
    let store = place.open().await;
    let ann = Somebody::new("100", "Okonkwo", "Adaeze");
    let ben = Somebody::new("200", "Brandt", "Ben");
    let a = admit(&store, "C1", &ann).await;
    let b = admit(&store, "C2", &ben).await;
    let (through, first) = since(&store, Seq(0), 100).await;
    assert_eq!(
        first
            .iter()
            .map(|one| (one.patient.clone(), one.what.clone()))
            .collect::<Vec<_>>(),
        [
            (a.clone(), vec![("Patient".into(), a.clone())]),
            (b.clone(), vec![("Patient".into(), b.clone())]),
        ],
        "a new person is told by its record, and by that alone"
    );
    assert_eq!(since(&store, through, 100).await, (through, Vec::new()));

    // Received is not known yet.
    let seq = take(&store, message("C3", "text", "100")).await;
    let (through, none) = since(&store, through, 100).await;
    assert!(none.is_empty() && through >= seq);
    let potassium = observation(&store, &ann, "F1", 1, "6.7");
    let id = potassium.id.clone();
    let outcome = applied(seq, vec![potassium]);
    store
        .commit(&service(&store), outcome.clone())
        .await
        .unwrap();
    store.commit(&service(&store), outcome).await.unwrap();
    let (end, news) = since(&store, through, 100).await;
    assert_eq!(news.len(), 1, "{news:?}");
    assert_eq!(news[0].what, [("Observation".into(), id)]);
    assert!(news[0].seq > through && news[0].seq <= end);
    // Nothing is lost by a restart, and the same is told of the same position.
    store.close().await.unwrap();
    let store = place.open().await;
    assert_eq!(since(&store, through, 100).await.1, news);
}

async fn a_page_never_ends_within_a_position(place: Place) {
    let store = place.open().await;
    let people: Vec<Somebody> = ["100", "200", "300"]
        .map(|mrn| Somebody::new(mrn, mrn, "Ann"))
        .to_vec();
    for (n, who) in people.iter().enumerate() {
        admit(&store, &format!("C{n}"), who).await;
    }
    let (start, _) = since(&store, Seq(0), 100).await;
    // One input about three patients, then one about one.
    let seq = take(&store, message("C7", "text", "100")).await;
    let writes = people
        .iter()
        .map(|who| observation(&store, who, who.mrn, 1, "1"))
        .collect();
    store
        .commit(&service(&store), applied(seq, writes))
        .await
        .unwrap();
    let seq = take(&store, message("C8", "text", "100")).await;
    store
        .commit(
            &service(&store),
            applied(seq, vec![observation(&store, &people[0], "F9", 1, "1")]),
        )
        .await
        .unwrap();
    let (end, all) = since(&store, start, 100).await;
    assert_eq!(all.len(), 4);
    for limit in [0, 1, 2, 3, 4, 5] {
        assert_eq!(since(&store, start, limit).await, (end, all.clone()));
        let page = store
            .changes_after(&service(&store), start, limit)
            .await
            .unwrap();
        let of_last = all.iter().filter(|one| one.seq == page.through).count();
        if page.more {
            assert_eq!(
                page.patients
                    .iter()
                    .filter(|one| one.seq == page.through)
                    .count(),
                of_last
            );
        }
    }
}

async fn who_reads_while_others_write_misses_nothing_and_gets_nothing_twice(place: Place) {
    const MANY: i64 = 30;
    let store = place.open().await;
    let (ann, carl) = (
        Somebody::new("100", "Okonkwo", "Adaeze"),
        Somebody::new("200", "Brandt", "Carl"),
    );
    admit(&store, "C1", &ann).await;
    admit(&store, "C2", &carl).await;
    let (start, _) = since(&store, Seq(0), 100).await;
    let feed = |who: Somebody| {
        let store = store.clone();
        async move {
            for version in 1..=MANY {
                let seq = take(
                    &store,
                    message(&format!("{}/{version}", who.mrn), "text", who.mrn),
                )
                .await;
                let write = observation(&store, &who, who.mrn, version, "1");
                store
                    .commit(&service(&store), applied(seq, vec![write]))
                    .await
                    .unwrap();
            }
        }
    };
    let engine = async {
        let (mut through, mut seen, mut watch) = (start, Vec::new(), store.changes());
        while seen.len() < 2 * usize::try_from(MANY).unwrap() {
            watch.mark_unchanged();
            let (next, news) = since(&store, through, 3).await;
            seen.extend(news.iter().map(|one| one.seq));
            if next == through {
                watch.changed().await.unwrap();
            }
            through = next;
        }
        seen
    };
    let ((), (), seen) = tokio::join!(feed(ann), feed(carl), engine);
    assert!(seen.is_sorted_by(|a, b| a < b), "each once and in order");
    let (_, all) = since(&store, start, 1_000).await;
    assert_eq!(all.iter().map(|one| one.seq).collect::<Vec<_>>(), seen);
}

async fn p04_a_held_input_and_its_release_concern_its_patient(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    store
        .ensure_source(&ctx, "ward", "generic", None, "UTC")
        .await
        .unwrap();
    let ann = Somebody::new("100", "Okonkwo", "Adaeze");
    let a = admit(&store, "C1", &ann).await;
    let parked = take(&store, message("C2", "broken", "100")).await;
    let held = take(&store, message("C3", "potassium", "100")).await;
    let (through, _) = since(&store, Seq(0), 100).await;
    let mut outcome = applied(parked, Vec::new());
    outcome.ending = Ending::Parked("no PID".into());
    outcome.patients = vec![a.clone()];
    store.commit(&ctx, outcome).await.unwrap();
    let (through, news) = since(&store, through, 100).await;
    assert_eq!(whole(&news), std::slice::from_ref(&a));

    let mut watch = store.changes();
    watch.mark_unchanged();
    store.hold(&ctx, &[(held, parked)]).await.unwrap();
    assert!(watch.has_changed().unwrap());
    let (through, news) = since(&store, through, 100).await;
    assert_eq!((whole(&news), news.len()), (vec![a.clone()], 1));
    assert_eq!(store.facts_of(&ctx, &a).await.unwrap().held.len(), 1);
    store.hold(&ctx, &[(held, parked)]).await.unwrap();
    let (through, news) = since(&store, through, 100).await;
    assert!(news.is_empty(), "held already");

    let engineer = somebody(&store, "emil", Role::Engineer);
    store.discard(&engineer, parked, "a test").await.unwrap();
    let (_, news) = since(&store, through, 100).await;
    assert_eq!((whole(&news), news.len()), (vec![a], 1));
}

async fn p05_a_merge_and_its_undoing_concern_both_patients(place: Place) {
    let store = place.open().await;
    let (ann, carl) = (
        Somebody::new("100", "Okonkwo", "Adaeze"),
        Somebody::new("200", "Brandt", "Carl"),
    );
    let (a, c) = (
        admit(&store, "C1", &ann).await,
        admit(&store, "C2", &carl).await,
    );
    let (through, _) = since(&store, Seq(0), 100).await;
    merge(&store, "C3", &ann, &carl).await;
    let (through, news) = since(&store, through, 100).await;
    assert_eq!(whole(&news), both(&a, &c), "{news:?}");
    let link = store
        .person(&somebody(&store, "cleo", Role::Clinician), a.as_str(), None)
        .await
        .unwrap()
        .links
        .first()
        .unwrap()
        .seq;
    let engineer = somebody(&store, "emil", Role::Engineer);
    store
        .undo_merge(&engineer, link, "two people")
        .await
        .unwrap();
    let (_, news) = since(&store, through, 100).await;
    assert_eq!(whole(&news), both(&a, &c), "{news:?}");
}

async fn p05_a_resource_that_leaves_a_chart_concerns_that_chart(place: Place) {
    let store = place.open().await;
    let (ann, carl) = (
        Somebody::new("100", "Okonkwo", "Adaeze"),
        Somebody::new("200", "Brandt", "Carl"),
    );
    let (a, c) = (
        admit(&store, "C1", &ann).await,
        admit(&store, "C2", &carl).await,
    );
    let seq = take(&store, message("C3", "text", "100")).await;
    store
        .commit(
            &service(&store),
            applied(seq, vec![observation(&store, &ann, "F1", 1, "6.7")]),
        )
        .await
        .unwrap();
    let (through, _) = since(&store, Seq(0), 100).await;
    // The laboratory finds out that the sample was Carl's.
    let seq = take(&store, message("C4", "text", "100")).await;
    let mut moved = observation(&store, &ann, "F1", 2, "6.7");
    moved.patient = Some(c.clone());
    store
        .commit(&service(&store), applied(seq, vec![moved]))
        .await
        .unwrap();
    let (_, news) = since(&store, through, 100).await;
    assert_eq!(whole(&news), [a]);
    assert!(
        news.iter()
            .any(|one| one.patient == c && one.what.len() == 1)
    );
}

async fn p06_another_answer_to_whether_all_is_known_is_something_learned(place: Place) {
    let store = place.open().await;
    let ann = Somebody::new("100", "Okonkwo", "Adaeze");
    let a = admit(&store, "C1", &ann).await;
    let (mut through, _) = since(&store, Seq(0), 100).await;
    for (n, (coverage, told)) in [
        (Coverage::Failed, 1),
        (Coverage::Failed, 0),
        (Coverage::Complete, 1),
        (Coverage::Complete, 0),
        (Coverage::Denied, 1),
    ]
    .into_iter()
    .enumerate()
    {
        let seq = take(&store, message(&format!("D{n}"), "text", "100")).await;
        let mut outcome = applied(seq, Vec::new());
        outcome.patients = vec![a.clone()];
        outcome.completeness = vec![Asked {
            source: "ward".into(),
            patient: a.as_str().into(),
            resource_type: "AllergyIntolerance".into(),
            category: String::new(),
            coverage,
            asked_at: 1,
            window_lo: None,
            window_hi: None,
            persona: String::new(),
            basis: String::new(),
        }];
        store.commit(&service(&store), outcome).await.unwrap();
        let (next, news) = since(&store, through, 100).await;
        assert_eq!(whole(&news).len(), told, "{n}");
        through = next;
    }
}

async fn a_proposal_that_two_may_be_one_concerns_both(place: Place) {
    let store = place.open().await;
    let mut one = Somebody::new("100", "Okonkwo", "Adaeze");
    one.phone = Some("+1 617 555 0100");
    let mut other = one.clone();
    other.mrn = "200";
    let a = admit(&store, "C1", &one).await;
    let (through, _) = since(&store, Seq(0), 100).await;
    let b = admit(&store, "C2", &other).await;
    let (_, news) = since(&store, through, 100).await;
    assert_eq!(whole(&news), both(&a, &b), "{news:?}");
}

async fn p09_an_engine_that_reads_facts_is_in_the_log_once_for_each_patient(place: Place) {
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
    let record = store.facts_of(&ctx, &b).await.unwrap();
    assert_eq!(record.patients, [a.clone(), b.clone()]);
    let officer = somebody(&store, "olga", Role::Compliance);
    let filter = bedside_store::AuditFilter {
        action: Some("workflow.evaluate".into()),
        ..bedside_store::AuditFilter::default()
    };
    let rows = store.audit_search(&officer, filter).await.unwrap();
    let mut about: Vec<ResourceId> = rows
        .iter()
        .filter_map(|row| row.entry.patient.clone().map(ResourceId::new))
        .collect();
    about.sort();
    assert_eq!(about, both(&a, &b));
    let nora = somebody(&store, "nora", Role::Clinician);
    assert!(matches!(
        store.facts_of(&nora, &a).await,
        Err(Error::Denied(_))
    ));
}

async fn texts_and_fingerprints_of_single_resources_are_those_that_stand(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = Somebody::new("100", "Okonkwo", "Adaeze");
    let a = admit(&store, "C1", &ann).await;
    let mut ids = Vec::new();
    for (version, value) in [(1, "6.7"), (2, "4.1")] {
        let seq = take(&store, message(&format!("D{version}"), "text", "100")).await;
        let mut write = observation(&store, &ann, "F1", version, value);
        write.fingerprint = [u8::try_from(version).unwrap(); 16];
        ids.push(write.id.clone());
        store.commit(&ctx, applied(seq, vec![write])).await.unwrap();
    }
    let keys = [
        ("Observation".to_owned(), ids[0].clone()),
        ("Observation".to_owned(), ResourceId::new("nothing")),
        ("Patient".to_owned(), a),
    ];
    let bodies = store.resource_bodies(&ctx, &keys).await.unwrap();
    assert!(bodies[0].as_deref().unwrap().contains("4.1"));
    assert!(bodies[1].is_none() && bodies[2].is_some());
    assert_eq!(
        store.fingerprints(&ctx, &keys).await.unwrap(),
        [Some([2; 16]), None, Some([7; 16])]
    );
    let nora = somebody(&store, "nora", Role::Clinician);
    assert!(store.resource_bodies(&nora, &keys).await.is_err());
}

async fn a_patient_is_looked_at_again_when_it_is_time_and_a_trouble_is_kept_until_a_look_succeeds(
    place: Place,
) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = ResourceId::new("ann");
    let at = |seconds| place.clock.now() + jiff::SignedDuration::from_secs(seconds);
    let begun = at(0);
    store.look_again(&ctx, &ann, None).await.unwrap();
    assert_eq!(store.next_look(&ctx).await.unwrap(), None);
    let first = at(60);
    store.look_again(&ctx, &ann, Some(first)).await.unwrap();
    assert_eq!(store.next_look(&ctx).await.unwrap(), Some(first));
    assert!(store.due_looks(&ctx, at(59), 9).await.unwrap().is_empty());
    assert_eq!(
        store.due_looks(&ctx, first, 9).await.unwrap(),
        std::slice::from_ref(&ann)
    );
    assert!(store.troubles(&ctx).await.unwrap().is_empty());

    store
        .look_failed(&ctx, &ann, "store-corrupt", first)
        .await
        .unwrap();
    place.after_seconds(60);
    let second = at(60);
    store
        .look_failed(&ctx, &ann, "store-corrupt", second)
        .await
        .unwrap();
    let troubles = store.troubles(&ctx).await.unwrap();
    assert_eq!(troubles.len(), 1);
    assert_eq!((troubles[0].since, troubles[0].due), (begun, second));
    assert_eq!(store.case_counts(&ctx).await.unwrap().troubled, 1);
    // The same time is no reason to keep the trouble.
    store.look_again(&ctx, &ann, Some(second)).await.unwrap();
    assert!(store.troubles(&ctx).await.unwrap().is_empty());
    store.look_again(&ctx, &ann, None).await.unwrap();
    assert_eq!(store.next_look(&ctx).await.unwrap(), None);

    let nora = somebody(&store, "nora", Role::Clinician);
    assert!(matches!(
        store.look_again(&nora, &ann, None).await,
        Err(Error::Denied(_))
    ));
}

async fn p02_a_case_is_told_each_state_of_its_write_once(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    let mut commit = crate::cases::write(vec![crate::cases::open(&store, "k1", &ann)]);
    commit.outbox = vec![
        crate::cases::put(&store, "k1/a", b"x", "k1"),
        crate::cases::put(&store, "k1/b", b"y", "k1"),
    ];
    store.commit_cases(&ctx, commit).await.unwrap();
    // One that belongs to no case is nobody's to hear of.
    store
        .outbox_put(
            &ctx,
            "other",
            "epic/communication",
            store.clock().now(),
            b"z",
        )
        .await
        .unwrap();
    assert!(store.untold(&ctx, 0, 9).await.unwrap().is_empty());
    let items = store
        .outbox_claim(&ctx, "epic/communication", "w", 9, 60)
        .await
        .unwrap();
    for item in items {
        let item = store.outbox_send(&ctx, item, 60).await.unwrap();
        store
            .outbox_settle(
                &ctx,
                &item,
                bedside_store::Settlement::Done { remote: None },
            )
            .await
            .unwrap();
    }
    let untold = store.untold(&ctx, 0, 9).await.unwrap();
    let keys: Vec<&str> = untold.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys, ["k1/a", "k1/b"]);
    assert!(
        untold
            .iter()
            .all(|one| one.case == "k1" && one.state == "done")
    );
    store.told(&ctx, &untold[0]).await.unwrap();
    assert_eq!(store.untold(&ctx, 0, 9).await.unwrap(), untold[1..]);
    assert!(
        store
            .untold(&ctx, untold[1].id, 9)
            .await
            .unwrap()
            .is_empty()
    );
}
