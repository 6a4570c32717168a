//! Sources that are asked: cursors that move with what was learned, gaps, incidents, evidence, proven routes, secrets.

use std::sync::atomic::{AtomicUsize, Ordering};

use bedside_core::completeness::{Asked, Coverage};
use bedside_core::ctx::Role;
use bedside_core::evidence::{Event, Seen};
use bedside_core::incident::Kind;
use bedside_core::record::Ending;
use bedside_fact::clock::{Clock as _, Timestamp};
use bedside_fact::id::{ResourceId, Seq, SourceId};
use bedside_store::{Error, Held, Poll, Polled, Store};

use crate::feed::{Somebody, admit, applied, message, take};
use crate::support::{Place, service, somebody};

crate::contract![
    p01_a_cursor_moves_only_together_with_what_was_learned,
    a_poller_that_lost_its_lease_can_move_nothing,
    polls_come_when_they_are_due_and_go_when_they_are_dropped,
    an_incident_is_counted_until_it_is_over_and_begins_anew,
    p02_evidence_and_incidents_of_an_input_are_counted_once,
    p08_a_route_is_off_until_it_is_proven_and_when_it_is_switched_off,
    a_secret_is_made_once_and_is_sealed,
    p09_people_see_how_connections_stand_and_change_only_what_they_may,
];

pub(crate) fn epic() -> SourceId {
    SourceId::new("epic")
}

pub(crate) async fn lease(store: &Store, owner: &str, seconds: i64) -> Held {
    let fence = store
        .lease(&service(store), "poller", "epic", owner, seconds)
        .await
        .unwrap()
        .unwrap();
    Held {
        kind: "poller".into(),
        key: "epic".into(),
        fence,
    }
}

pub(crate) fn asked(patient: &ResourceId, coverage: Coverage, at: Timestamp) -> Asked {
    Asked {
        source: "epic".into(),
        patient: patient.as_str().into(),
        resource_type: "AllergyIntolerance".into(),
        category: String::new(),
        coverage,
        asked_at: at.as_microsecond(),
        window_lo: None,
        window_hi: None,
        persona: String::new(),
        basis: "q".into(),
    }
}

pub(crate) fn polled(held: &Held, key: &str, due: Timestamp, asked: Vec<Asked>) -> Polled {
    Polled {
        held: held.clone(),
        source: epic(),
        key: key.into(),
        due,
        cursor: b"https://epic.example/page?patient=4711".to_vec(),
        ok: true,
        asked,
    }
}

pub(crate) async fn due(store: &Store, now: Timestamp) -> Vec<Poll> {
    store
        .polls_due(&service(store), &epic(), now, 100)
        .await
        .unwrap()
}

async fn p01_a_cursor_moves_only_together_with_what_was_learned(place: Place) {
    let (store, faults) = place.open_with_faults().await;
    let ctx = service(&store);
    let ann = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    let now = place.clock.now();
    let held = lease(&store, "one", 600).await;
    store
        .ensure_polls(&ctx, &epic(), &[("a".into(), now), ("b".into(), now)])
        .await
        .unwrap();
    let later = now + jiff::SignedDuration::from_secs(300);
    let ends = || {
        vec![
            polled(
                &held,
                "a",
                later,
                vec![asked(&ann, Coverage::Complete, now)],
            ),
            polled(&held, "b", later, Vec::new()),
        ]
    };
    faults.fail_writes(true);
    store.polled_many(&ctx, ends()).await.unwrap_err();
    faults.fail_writes(false);
    assert_eq!(due(&store, now).await.len(), 2, "both are due as before");
    assert!(
        store
            .facts_of(&ctx, &ann)
            .await
            .unwrap()
            .completeness
            .is_empty()
    );

    store.polled_many(&ctx, ends()).await.unwrap();
    assert!(due(&store, now).await.is_empty());
    assert_eq!(
        store.facts_of(&ctx, &ann).await.unwrap().completeness.len(),
        1
    );
    store.close().await.unwrap();
    let store = place.open().await;
    let polls = due(&store, later).await;
    assert_eq!(polls.len(), 2);
    assert_eq!(polls[0].cursor, b"https://epic.example/page?patient=4711");
    assert_eq!((polls[0].failures, polls[0].last_ok), (0, Some(now)));
    let stored = place.bytes("poll", "cursor", "key = 'a'").await;
    assert!(!String::from_utf8_lossy(&stored).contains("4711"));
    let officer = somebody(&store, "olga", Role::Compliance);
    let filter = bedside_store::AuditFilter {
        action: Some("source.ask".into()),
        ..bedside_store::AuditFilter::default()
    };
    let rows = store.audit_search(&officer, filter).await.unwrap();
    assert_eq!(rows.len(), 1, "one entry for each patient asked for");
    assert_eq!(rows[0].entry.patient.as_deref(), Some(ann.as_str()));
}

async fn a_poller_that_lost_its_lease_can_move_nothing(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    let now = place.clock.now();
    let first = lease(&store, "one", 0).await;
    store
        .ensure_polls(&ctx, &epic(), &[("a".into(), now)])
        .await
        .unwrap();
    let second = lease(&store, "two", 600).await;
    let later = now + jiff::SignedDuration::from_secs(300);
    let lines = vec![asked(&ann, Coverage::Complete, now)];
    assert_eq!(
        store
            .polled(&ctx, polled(&first, "a", later, lines.clone()))
            .await,
        Err(Error::Conflict)
    );
    assert_eq!(due(&store, now).await.len(), 1);
    assert!(
        store
            .facts_of(&ctx, &ann)
            .await
            .unwrap()
            .completeness
            .is_empty()
    );
    store
        .polled(&ctx, polled(&second, "a", later, lines))
        .await
        .unwrap();
    assert!(due(&store, now).await.is_empty());
}

async fn polls_come_when_they_are_due_and_go_when_they_are_dropped(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let now = place.clock.now();
    let at = |seconds| now + jiff::SignedDuration::from_secs(seconds);
    assert_eq!(store.next_poll(&ctx, &epic()).await.unwrap(), None);
    let polls = [("late".to_owned(), at(60)), ("soon".to_owned(), at(10))];
    store.ensure_polls(&ctx, &epic(), &polls).await.unwrap();
    // Those that are there stay as they are.
    store
        .ensure_polls(
            &ctx,
            &epic(),
            &[("soon".into(), at(999)), ("new".into(), at(5))],
        )
        .await
        .unwrap();
    assert_eq!(store.next_poll(&ctx, &epic()).await.unwrap(), Some(at(5)));
    assert!(due(&store, at(4)).await.is_empty());
    let keys = |polls: Vec<Poll>| polls.into_iter().map(|poll| poll.key).collect::<Vec<_>>();
    assert_eq!(keys(due(&store, at(60)).await), ["new", "soon", "late"]);
    assert_eq!(
        keys(store.polls_due(&ctx, &epic(), at(60), 1).await.unwrap()),
        ["new"]
    );
    let other = SourceId::new("athena");
    assert_eq!(store.next_poll(&ctx, &other).await.unwrap(), None);

    let held = lease(&store, "one", 600).await;
    for failures in [1, 2] {
        let mut failed = polled(&held, "new", at(70), Vec::new());
        failed.ok = false;
        store.polled(&ctx, failed).await.unwrap();
        let poll = due(&store, at(99)).await;
        let poll = poll.iter().find(|poll| poll.key == "new").unwrap();
        assert_eq!((poll.failures, poll.last_ok), (failures, None));
    }
    store
        .polled(&ctx, polled(&held, "new", at(70), Vec::new()))
        .await
        .unwrap();
    assert_eq!(due(&store, at(99)).await[2].failures, 0);
    store
        .drop_polls(&ctx, &epic(), &["new".into(), "never there".into()])
        .await
        .unwrap();
    // An answer that comes after its poll was dropped does not bring it back.
    store
        .polled(&ctx, polled(&held, "new", at(70), Vec::new()))
        .await
        .unwrap();
    assert_eq!(keys(due(&store, at(99)).await), ["soon", "late"]);
}

async fn an_incident_is_counted_until_it_is_over_and_begins_anew(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let begun = place.clock.now();
    for detail in ["503 Observation", "502 Observation"] {
        store
            .incident(&ctx, &epic(), Kind::ServerError, detail)
            .await
            .unwrap();
        place.after_seconds(10);
    }
    store
        .incident(&ctx, &epic(), Kind::UnreadableValue, "")
        .await
        .unwrap();
    let open = store.incidents(&ctx, true).await.unwrap();
    assert_eq!(open.len(), 2);
    let server = open
        .iter()
        .find(|row| row.kind == Kind::ServerError)
        .unwrap();
    assert_eq!(
        (server.count, server.detail.as_str(), server.first_at),
        (2, "502 Observation", begun)
    );
    store
        .incident_over(&ctx, &epic(), &[Kind::ServerError, Kind::NotFhir])
        .await
        .unwrap();
    store
        .incident_over(&ctx, &epic(), &[Kind::ServerError])
        .await
        .unwrap();
    store
        .incident_over(&ctx, &SourceId::new("athena"), &[Kind::UnreadableValue])
        .await
        .unwrap();
    let open = store.incidents(&ctx, true).await.unwrap();
    assert_eq!(
        open.iter().map(|row| row.kind).collect::<Vec<_>>(),
        [Kind::UnreadableValue]
    );
    let all = store.incidents(&ctx, false).await.unwrap();
    assert_eq!((all.len(), all[0].open, all[1].open), (2, true, false));

    let again = place.clock.now();
    store
        .incident(&ctx, &epic(), Kind::ServerError, "500")
        .await
        .unwrap();
    let open = store.incidents(&ctx, true).await.unwrap();
    let server = open
        .iter()
        .find(|row| row.kind == Kind::ServerError)
        .unwrap();
    assert_eq!((server.count, server.first_at), (1, again));

    let engineer = somebody(&store, "emil", Role::Engineer);
    store
        .incident_seen(&engineer, &epic(), Kind::UnreadableValue)
        .await
        .unwrap();
    assert_eq!(
        store
            .incident_seen(&engineer, &epic(), Kind::UnreadableValue)
            .await,
        Err(Error::NotFound("open incident"))
    );
    let officer = somebody(&store, "olga", Role::Compliance);
    let rows = store
        .audit_search(&officer, bedside_store::AuditFilter::default())
        .await
        .unwrap();
    let count = |action: &str| rows.iter().filter(|row| row.entry.action == action).count();
    assert_eq!(
        (count("incident.begin"), count("incident.end")),
        (3, 2),
        "begin and end are in the log, and not each repetition"
    );
}

async fn p02_evidence_and_incidents_of_an_input_are_counted_once(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    let start = place.clock.now();
    for (control, latency) in [("D1", Some(40)), ("D2", None), ("D3", Some(10))] {
        let seq = take(&store, message(control, "text", "100")).await;
        let mut outcome = applied(seq, Vec::new());
        outcome.ending = Ending::Noop("nothing new".into());
        outcome.patients = vec![ann.clone()];
        outcome.evidence = vec![Seen {
            event: Event::ResultFinal,
            latency,
        }];
        outcome.incidents = vec![Kind::FutureTime];
        store.commit(&ctx, outcome.clone()).await.unwrap();
        store.commit(&ctx, outcome).await.unwrap();
        place.after_seconds(1);
    }
    let evidence = store.evidence(&ctx).await.unwrap();
    assert_eq!(evidence.len(), 1);
    let row = &evidence[0];
    assert_eq!(
        (row.source.as_str(), row.event, row.count, row.first_at),
        ("ward", Event::ResultFinal, 3, start)
    );
    assert_eq!((row.worst_latency, row.mean_latency), (Some(40), Some(25)));
    let incidents = store.incidents(&ctx, true).await.unwrap();
    assert_eq!(
        (incidents[0].kind, incidents[0].count),
        (Kind::FutureTime, 3)
    );

    // Nothing said about times is no time, not zero.
    let seq = take(&store, message("D9", "text", "100")).await;
    let mut outcome = applied(seq, Vec::new());
    outcome.evidence = vec![Seen {
        event: Event::Died,
        latency: None,
    }];
    store.commit(&ctx, outcome).await.unwrap();
    let died = store.evidence(&ctx).await.unwrap();
    assert_eq!((died[0].worst_latency, died[0].mean_latency), (None, None));
}

async fn p08_a_route_is_off_until_it_is_proven_and_when_it_is_switched_off(place: Place) {
    let store = place.open().await;
    let engineer = somebody(&store, "emil", Role::Engineer);
    assert!(store.routes(&engineer).await.unwrap().is_empty());
    assert_eq!(
        store
            .switch_route(&engineer, "epic/communication", false, "go")
            .await,
        Err(Error::NotFound("route")),
        "what was not proven can't be switched on"
    );
    assert!(matches!(
        store
            .prove_route(&engineer, "epic/communication", &epic(), " ", "")
            .await,
        Err(Error::Invalid(_))
    ));
    store
        .prove_route(
            &engineer,
            "epic/communication",
            &epic(),
            "read back",
            "one Communication",
        )
        .await
        .unwrap();
    let routes = store.routes(&engineer).await.unwrap();
    assert_eq!(
        (
            routes[0].proven_at,
            routes[0].by.as_str(),
            routes[0].switched_off
        ),
        (Some(place.clock.now()), "emil", false)
    );
    assert!(matches!(
        store
            .switch_route(&engineer, "epic/communication", true, "")
            .await,
        Err(Error::Invalid(_))
    ));
    store
        .switch_route(&engineer, "epic/communication", true, "upgrade tonight")
        .await
        .unwrap();
    store
        .prove_route(&engineer, "epic/communication", &epic(), "read back", "")
        .await
        .unwrap();
    assert!(
        store.routes(&engineer).await.unwrap()[0].switched_off,
        "proving it does not switch it on"
    );
    store
        .switch_route(&engineer, "epic/communication", false, "upgrade done")
        .await
        .unwrap();
    store.close().await.unwrap();
    let store = place.open().await;
    assert!(!store.routes(&service(&store)).await.unwrap()[0].switched_off);
}

static MADE: AtomicUsize = AtomicUsize::new(0);

async fn a_secret_is_made_once_and_is_sealed(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let make = || -> Result<Vec<u8>, Error> {
        let n = MADE.fetch_add(1, Ordering::SeqCst);
        Ok(format!("private key {n}").into_bytes())
    };
    let (one, other) = tokio::join!(
        store.secret(&ctx, "client-key", make),
        store.secret(&ctx, "client-key", make)
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one, other, "whoever was second has the first one's");
    assert_ne!(one, store.secret(&ctx, "other-key", make).await.unwrap());
    let stored = place
        .bytes("about", "value", "name = 'secret/client-key'")
        .await;
    assert!(!String::from_utf8_lossy(&stored).contains("private"));
    store.close().await.unwrap();
    let store = place.open().await;
    let ctx = service(&store);
    assert_eq!(one, store.secret(&ctx, "client-key", make).await.unwrap());
    for role in [Role::Engineer, Role::Clinician, Role::Application] {
        let who = somebody(&store, "emil", role);
        assert!(matches!(
            store.secret(&who, "client-key", make).await,
            Err(Error::Denied(_))
        ));
    }
    let failing = || Err(Error::Invalid("no".into()));
    assert!(store.secret(&ctx, "third", failing).await.is_err());
    assert!(
        store.secret(&ctx, "third", make).await.is_ok(),
        "what failed left nothing"
    );
}

async fn p09_people_see_how_connections_stand_and_change_only_what_they_may(place: Place) {
    let store = place.open().await;
    let (emil, nora) = (
        somebody(&store, "emil", Role::Engineer),
        somebody(&store, "nora", Role::Clinician),
    );
    assert!(store.incidents(&emil, true).await.is_ok());
    assert!(store.evidence(&emil).await.is_ok());
    assert!(store.completeness_overview(&emil, None).await.is_ok());
    let denied = |result: Result<(), Error>| matches!(result, Err(Error::Denied(_)));
    assert!(denied(store.incidents(&nora, true).await.map(|_| ())));
    assert!(denied(
        store.completeness_overview(&nora, None).await.map(|_| ())
    ));
    assert!(denied(
        store.incident(&emil, &epic(), Kind::NotFhir, "").await
    ));
    assert!(denied(
        store.incident_seen(&nora, &epic(), Kind::NotFhir).await
    ));
    assert!(denied(store.ensure_polls(&emil, &epic(), &[]).await));
    assert!(denied(
        store.switch_route(&nora, "epic", true, "because").await
    ));
    assert!(denied(
        store.workflow_cursor(&emil, "engine").await.map(|_| ())
    ));
    assert_eq!(
        store
            .changes_after(&service(&store), Seq(0), 5)
            .await
            .unwrap()
            .patients,
        []
    );
}
