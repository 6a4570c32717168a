//! Reading cases: the worklist, who may see it, what is written down of it, and what lies in the database.

use bedside_core::ctx::Role;
use bedside_fact::clock::Clock as _;
use bedside_fact::id::Seq;
use bedside_store::{CaseCommit, CaseFilter, CaseWrite, Error};

use crate::cases::{all, open, put, write};
use crate::feed::{Somebody, admit};
use crate::support::{Place, service, somebody};

crate::contract![
    a_worklist_is_sorted_filtered_and_counted,
    p10_nothing_of_a_case_is_readable_in_the_database,
    p09_who_reads_a_case_is_in_the_log_and_who_may_not_gets_nothing,
    p12_a_clinician_reads_the_worklist_while_the_log_cannot_be_written,
];

async fn a_worklist_is_sorted_filtered_and_counted(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let at = |seconds| place.clock.now() + jiff::SignedDuration::from_secs(seconds);
    let mut patients = Vec::new();
    for (n, mrn) in ["100", "200", "300", "400"].into_iter().enumerate() {
        patients.push(admit(&store, &format!("C{n}"), &Somebody::new(mrn, mrn, "Ann")).await);
    }
    let mut cases: Vec<CaseWrite> = patients
        .iter()
        .zip(["never", "late", "soon", "closed"])
        .map(|(patient, id)| open(&store, id, patient))
        .collect();
    cases[1].due = Some(at(600));
    cases[1].holder = "nora".into();
    cases[1].owned = true;
    cases[2].due = Some(at(60));
    cases[3].open = false;
    cases[3].state = "done".into();
    store.commit_cases(&ctx, write(cases)).await.unwrap();
    place.after_seconds(120);

    let nora = somebody(&store, "nora", Role::Clinician);
    let list = |filter: CaseFilter| {
        let (store, nora) = (store.clone(), nora.clone());
        async move {
            let found = store.cases(&nora, &filter).await.unwrap();
            found.into_iter().map(|case| case.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(list(all()).await, ["soon", "late", "never", "closed"]);
    assert_eq!(
        list(CaseFilter { limit: 2, ..all() }).await,
        ["soon", "late"]
    );
    for (filter, wanted) in [
        (
            CaseFilter {
                open: Some(true),
                ..all()
            },
            vec!["soon", "late", "never"],
        ),
        (
            CaseFilter {
                open: Some(false),
                ..all()
            },
            vec!["closed"],
        ),
        (
            CaseFilter {
                holder: Some("nora".into()),
                ..all()
            },
            vec!["late"],
        ),
        (
            CaseFilter {
                owned: Some(false),
                open: Some(true),
                ..all()
            },
            vec!["soon", "never"],
        ),
        (
            CaseFilter {
                workflow: Some("sepsis".into()),
                ..all()
            },
            vec![],
        ),
        (
            CaseFilter {
                patients: vec![patients[3].clone(), patients[1].clone()],
                ..all()
            },
            vec!["late", "closed"],
        ),
        (
            CaseFilter {
                patients: vec![patients[1].clone()],
                owned: Some(false),
                ..all()
            },
            vec![],
        ),
    ] {
        assert_eq!(list(filter.clone()).await, wanted, "{filter:?}");
    }
    let counts = store.case_counts(&ctx).await.unwrap();
    assert_eq!(
        (
            counts.open,
            counts.unowned,
            counts.overdue,
            counts.opened_ever,
            counts.acknowledged_ever
        ),
        (3, 2, 1, 4, 0)
    );
    assert_eq!((counts.by_state["open"], counts.by_state["done"]), (3, 1));
}

async fn p10_nothing_of_a_case_is_readable_in_the_database(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    let mut case = open(&store, "k1", &ann);
    case.snapshot = Some(b"Potassium 6.7 as shown".to_vec());
    let commit = CaseCommit {
        cases: vec![case],
        outbox: vec![put(&store, "k1/tell/1", b"Potassium 6.7 told", "k1")],
        cursor: None,
    };
    store.commit_cases(&ctx, commit).await.unwrap();
    for (table, column) in [
        ("workflow_case", "body"),
        ("case_event", "body"),
        ("case_snapshot", "body"),
        ("outbox", "payload"),
    ] {
        let stored = place.bytes(table, column, "tenant = 'default'").await;
        assert!(
            !String::from_utf8_lossy(&stored).contains("Potassium"),
            "{table}"
        );
    }
    let snapshots = store.case_snapshots(&ctx, "k1").await.unwrap();
    assert_eq!(
        snapshots,
        [(place.clock.now(), b"Potassium 6.7 as shown".to_vec())]
    );
    assert_eq!(
        store.case_history(&ctx, "k1").await.unwrap()[0].body,
        br#"{"note":"Potassium 6.7"}"#
    );
    // A body that is put under another version does not open.
    place
        .execute("UPDATE {workflow_case} SET version = 2 WHERE id = 'k1'")
        .await;
    assert!(matches!(
        store.case(&ctx, "k1").await,
        Err(Error::Corrupt(_))
    ));
}

async fn p09_who_reads_a_case_is_in_the_log_and_who_may_not_gets_nothing(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    store
        .commit_cases(&ctx, write(vec![open(&store, "k1", &ann)]))
        .await
        .unwrap();
    let nora = somebody(&store, "nora", Role::Clinician);
    store.case(&nora, "k1").await.unwrap();
    store.cases(&nora, &all()).await.unwrap();
    store.case_history(&nora, "k1").await.unwrap();
    let mut none = all();
    none.workflow = Some("sepsis".into());
    store.cases(&nora, &none).await.unwrap();
    let officer = somebody(&store, "olga", Role::Compliance);
    let rows = store
        .audit_search(
            &officer,
            bedside_store::AuditFilter {
                actor: Some("nora".into()),
                ..bedside_store::AuditFilter::default()
            },
        )
        .await
        .unwrap();
    let mut about: Vec<_> = rows
        .iter()
        .map(|row| (row.entry.action.as_str(), row.entry.patient.as_deref()))
        .collect();
    about.sort();
    let ann = Some(ann.as_str());
    assert_eq!(
        about,
        [
            ("worklist.read", None),
            ("worklist.read", ann),
            ("worklist.read", ann),
            ("worklist.read", ann)
        ]
    );
    let engineer = somebody(&store, "emil", Role::Engineer);
    for refused in [&engineer, &officer] {
        assert!(matches!(
            store.case(refused, "k1").await,
            Err(Error::Denied(_))
        ));
        assert!(matches!(
            store.commit_cases(refused, CaseCommit::default()).await,
            Err(Error::Denied(_))
        ));
        assert!(matches!(
            store.changes_after(refused, Seq(0), 1).await,
            Err(Error::Denied(_))
        ));
    }
    assert!(matches!(
        store.case_counts(&nora).await,
        Err(Error::Denied(_))
    ));
    assert!(store.case_counts(&engineer).await.is_ok());
}

async fn p12_a_clinician_reads_the_worklist_while_the_log_cannot_be_written(place: Place) {
    let (store, faults) = place.open_with_faults().await;
    let ctx = service(&store);
    let ann = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    store
        .commit_cases(&ctx, write(vec![open(&store, "k1", &ann)]))
        .await
        .unwrap();
    faults.fail_writes(true);
    let nora = somebody(&store, "nora", Role::Clinician);
    assert_eq!(store.cases(&nora, &all()).await.unwrap().len(), 1);
    let mut emil = somebody(&store, "emil", Role::Engineer);
    emil.reason = Some("ticket 4711".into());
    assert_eq!(store.cases(&emil, &all()).await, Err(Error::Unavailable));
    assert_eq!(store.audit_health().spooled, 1);
    faults.fail_writes(false);
}
