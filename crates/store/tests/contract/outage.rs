//! What happens while the disk is full, hangs or does not confirm, and while the server is away.

use std::time::{Duration, Instant};

use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::Role;
use bedside_store::{AuditFilter, BackendOptions, Error, Store};

use crate::contract;
use crate::support::{Place, somebody};

contract!(
    p09_while_the_log_cannot_be_written_clinicians_read_on_and_all_else_is_refused,
    p09_a_disk_that_hangs_holds_nobody_longer_than_a_second,
    p09_what_the_second_sink_holds_survives_a_restart,
    p09_a_damaged_second_sink_is_kept_and_reported,
    p01_a_failed_sync_closes_the_store,
    an_unreachable_server_is_one_clear_error,
);

fn chart_read(store: &Store, patient: &str) -> (bedside_core::ctx::OpCtx, Entry) {
    let nurse = somebody(store, "nora", Role::Clinician);
    let entry = Entry::new(&nurse, "patient.read", AuditOutcome::Success).patient(patient);
    (nurse, entry)
}

/// Waits until what the second sink held is in the log.
async fn until_drained(store: &Store) {
    let officer = somebody(store, "olga", Role::Compliance);
    // A checkpoint makes the pass of the log's thread that also drains.
    store.checkpoint(&officer).await.unwrap();
    let health = store.audit_health();
    assert!(health.writable && health.spooled == 0, "{health:?}");
}

async fn p09_while_the_log_cannot_be_written_clinicians_read_on_and_all_else_is_refused(
    place: Place,
) {
    let (store, faults) = place.open_with_faults().await;
    assert!(store.audit_health().writable);
    faults.fail_writes(true);
    place.after_seconds(5);
    let broke = store.clock().now();

    let (nurse, entry) = chart_read(&store, "patient1");
    store.audit(&nurse, entry).await.unwrap();
    let health = store.audit_health();
    assert!(!health.writable);
    assert_eq!((health.spooled, health.since), (1, Some(broke)));
    store
        .audit_all(
            &nurse,
            vec![
                chart_read(&store, "patient2").1,
                chart_read(&store, "patient3").1,
            ],
        )
        .await
        .unwrap();

    let begun = Instant::now();
    let mut engineer = somebody(&store, "emil", Role::Engineer);
    engineer.reason = Some("ticket 4711".to_owned());
    for (ctx, action) in [
        (&engineer, "export"),
        (&engineer, "patient.read"),
        (&somebody(&store, "app", Role::Application), "export"),
        (&nurse, "export"),
    ] {
        let refused = store
            .audit(ctx, Entry::new(ctx, action, AuditOutcome::Success))
            .await;
        assert_eq!(refused, Err(Error::Unavailable));
    }
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(store.audit_health().spooled, 3);

    place.after_seconds(60);
    faults.fail_writes(false);
    until_drained(&store).await;
    let officer = somebody(&store, "olga", Role::Compliance);
    let late = store
        .audit_search(
            &officer,
            AuditFilter {
                actor: Some("nora".into()),
                ..AuditFilter::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(late.len(), 3, "each once, the refused export not at all");
    for row in &late {
        assert_eq!(row.entry.late_from.as_deref(), Some("spool/001.log"));
        assert_eq!(
            row.entry.happened_at.as_deref(),
            Some(broke.to_string().as_str())
        );
    }
    let resumed = AuditFilter {
        action: Some("audit.resumed".into()),
        ..AuditFilter::default()
    };
    assert_eq!(
        store.audit_search(&officer, resumed).await.unwrap().len(),
        1
    );
    let found = store.audit_verify(&officer).await.unwrap();
    assert!(found.ok, "{found:?}");
    store.close().await.unwrap();
    assert_eq!(std::fs::read_dir(place.spool()).unwrap().count(), 0);
}

async fn p09_a_disk_that_hangs_holds_nobody_longer_than_a_second(place: Place) {
    let (store, faults) = place.open_with_faults().await;
    faults.stall_writes(true);
    let begun = Instant::now();
    let (nurse, entry) = chart_read(&store, "patient1");
    store.audit(&nurse, entry).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(store.audit_health().spooled, 1);
    let begun = Instant::now();
    let app = somebody(&store, "app", Role::Application);
    assert_eq!(
        store
            .audit(&app, Entry::new(&app, "export", AuditOutcome::Success))
            .await,
        Err(Error::Unavailable)
    );
    assert!(begun.elapsed() < Duration::from_secs(1));
    // The second read does not wait at all.
    let begun = Instant::now();
    let (nurse, entry) = chart_read(&store, "patient2");
    store.audit(&nurse, entry).await.unwrap();
    assert!(begun.elapsed() < Duration::from_millis(700));

    faults.stall_writes(false);
    until_drained(&store).await;
    let officer = somebody(&store, "olga", Role::Compliance);
    assert!(store.audit_verify(&officer).await.unwrap().ok);
    // Nothing that was refused is in the log as if it had happened.
    let exports = AuditFilter {
        action: Some("export".into()),
        ..AuditFilter::default()
    };
    assert!(
        store
            .audit_search(&officer, exports)
            .await
            .unwrap()
            .is_empty()
    );
    store.close().await.unwrap();
}

async fn p09_what_the_second_sink_holds_survives_a_restart(place: Place) {
    let (store, faults) = place.open_with_faults().await;
    faults.fail_writes(true);
    for patient in ["patient1", "patient2"] {
        let (nurse, entry) = chart_read(&store, patient);
        store.audit(&nurse, entry).await.unwrap();
    }
    // A crash: nothing is closed in order. Half a record at the end is what a write leaves that nobody waited for.
    assert!(store.close().await.is_err());
    drop(store);
    let file = place.spool().join("001.log");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.extend_from_slice(&[0, 0, 1, 0, 1, 2, 3]);
    std::fs::write(&file, bytes).unwrap();

    let store = place.open().await;
    until_drained(&store).await;
    let officer = somebody(&store, "olga", Role::Compliance);
    let filter = AuditFilter {
        actor: Some("nora".into()),
        ..AuditFilter::default()
    };
    assert_eq!(store.audit_search(&officer, filter).await.unwrap().len(), 2);
    assert!(store.audit_verify(&officer).await.unwrap().ok);
    store.close().await.unwrap();
}

async fn p09_a_damaged_second_sink_is_kept_and_reported(place: Place) {
    let (store, faults) = place.open_with_faults().await;
    faults.fail_writes(true);
    for patient in ["patient1", "patient2", "patient3"] {
        let (nurse, entry) = chart_read(&store, patient);
        store.audit(&nurse, entry).await.unwrap();
    }
    assert!(store.close().await.is_err());
    drop(store);
    let file = place.spool().join("001.log");
    let mut bytes = std::fs::read(&file).unwrap();
    assert!(
        !bytes
            .windows(8)
            .any(|part| part == b"patient2" || part == b"nora\",\"r"),
        "sealed"
    );
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&file, bytes).unwrap();

    let store = place.open().await;
    until_drained(&store).await;
    let officer = somebody(&store, "olga", Role::Compliance);
    let filter = AuditFilter {
        actor: Some("nora".into()),
        ..AuditFilter::default()
    };
    assert_eq!(store.audit_search(&officer, filter).await.unwrap().len(), 2);
    let filter = AuditFilter {
        action: Some("audit.spool".into()),
        outcome: Some(AuditOutcome::Failure),
        ..AuditFilter::default()
    };
    let reported = store.audit_search(&officer, filter).await.unwrap();
    assert_eq!(
        reported[0].entry.detail.as_deref(),
        Some("spool/001.log: record 2 does not open")
    );
    assert!(place.spool().join("001.damaged").is_file());
    store.close().await.unwrap();
}

async fn p01_a_failed_sync_closes_the_store(place: Place) {
    let (store, faults) = place.open_with_faults().await;
    let fatal = store.fatal();
    faults.fail_sync(true);
    let (nurse, entry) = chart_read(&store, "patient1");
    assert_eq!(store.audit(&nurse, entry.clone()).await, Err(Error::Sync));
    assert_eq!(fatal.await, Error::Sync);
    // A later sync may report success for pages that were dropped, so there is no later one.
    faults.fail_sync(false);
    assert_eq!(store.audit(&nurse, entry).await, Err(Error::Sync));
    let officer = somebody(&store, "olga", Role::Compliance);
    assert_eq!(
        store.audit_search(&officer, AuditFilter::default()).await,
        Err(Error::Sync)
    );
    assert_eq!(Error::Sync.kind().exit_status(), 4);
}

async fn an_unreachable_server_is_one_clear_error(place: Place) {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut options = place.options();
    options.backend = BackendOptions::Postgres {
        url: format!("postgres://nobody@127.0.0.1:{port}/none"),
        dir: place.data(),
    };
    let error = Store::open(options).await.err().unwrap();
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("does not answer") && text.contains("check the URL"),
        "{text}"
    );
    assert_eq!(error.kind().exit_status(), 4);
}
