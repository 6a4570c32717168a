//! The tree's thread without its thread: one pass at a time.

use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_fact::clock::{Timestamp, VirtualClock};

use super::*;
use crate::audit::append_in;
use crate::audit::checkpoint::Folder;
use crate::migrate;
use crate::seal::KeyFile;
use crate::spool::Spool;
use crate::sqlite::Sqlite;

fn builder(place: &std::path::Path, kept: usize) -> Builder {
    let tenant = TenantId::default_tenant();
    let keys = Sqlite::open(&place.join("keys.db"), 1).unwrap();
    migrate::apply(&keys, migrate::KEYS).unwrap();
    let backend = Sqlite::open(&place.join("data.db"), 1).unwrap();
    migrate::apply(&backend, migrate::DATA).unwrap();
    let file = KeyFile::create(&place.join("key")).unwrap();
    let sealer = Sealer::open_tenant(file, &tenant, Arc::new(keys), 0).unwrap();
    let signer = sealer.signer().unwrap();
    let spool = Spool::open(&place.join("spool"), &sealer).unwrap();
    let mut folder = Folder::open(
        &place.join("checkpoints"),
        "bedside/test",
        signer.public_key(),
    )
    .unwrap();
    folder.kept = kept;
    Builder {
        backend: Arc::new(backend),
        sealer,
        signer,
        tenant,
        clock: Arc::new(VirtualClock::new(Timestamp::UNIX_EPOCH)),
        state: Arc::new(AuditState::new(spool, folder)),
        fatal: tokio::sync::watch::channel(None).0,
        known: Mutex::default(),
    }
}

fn enter(builder: &Builder) {
    let ctx = OpCtx::service(builder.tenant.clone(), "test", Arc::clone(&builder.clock));
    let entry = Entry::new(&ctx, "input.receive", AuditOutcome::Success);
    let at = Timestamp::UNIX_EPOCH;
    builder
        .backend
        .write(&mut |tx| {
            append_in(
                tx,
                &builder.sealer,
                &builder.tenant,
                std::slice::from_ref(&entry),
                at,
            )
        })
        .unwrap();
}

#[test]
fn p09_old_checkpoints_make_room_and_a_removed_one_is_still_noticed() {
    let place = tempfile::tempdir().unwrap();
    let builder = builder(place.path(), 4);
    assert_eq!(builder.pass().unwrap(), None);
    for size in 1..=9 {
        enter(&builder);
        let note = builder.pass().unwrap().unwrap();
        assert!(
            note.starts_with(&format!("bedside/test\n{size}\n")),
            "{note}"
        );
        assert_eq!(builder.verify().unwrap().first_bad, None, "size {size}");
    }
    let execute = |sql: &'static str| {
        builder
            .backend
            .write(&mut |tx| tx.execute(sql, &[]).map(|changed| assert_eq!(changed, 1)))
            .unwrap();
    };
    execute("UPDATE audit_checkpoint SET tenant = 'x' WHERE size = 8");
    assert_eq!(
        builder.verify().unwrap().first_bad.as_deref(),
        Some("checkpoint 8")
    );
    execute("UPDATE audit_checkpoint SET tenant = 'default' WHERE size = 8");
    execute("DELETE FROM audit_checkpoint WHERE size = 6");
    assert!(!builder.verify().unwrap().ok);
}

#[test]
fn p09_what_a_crash_left_unwritten_outside_is_written_by_the_next_pass() {
    let place = tempfile::tempdir().unwrap();
    let builder = builder(place.path(), 4);
    enter(&builder);
    builder.pass().unwrap();
    let folder = place.path().join("checkpoints");
    for name in ["checkpoint-1", "latest"] {
        std::fs::remove_file(folder.join(name)).unwrap();
    }
    assert!(!builder.verify().unwrap().ok);
    let again = Builder {
        state: Arc::new(AuditState::new(
            Spool::open(&place.path().join("spool"), &builder.sealer).unwrap(),
            Folder::open(&folder, "bedside/test", builder.signer.public_key()).unwrap(),
        )),
        sealer: builder.sealer.clone(),
        signer: builder.sealer.signer().unwrap(),
        known: Mutex::default(),
        ..builder
    };
    again.pass().unwrap();
    assert!(folder.join("latest").is_file());
    assert!(again.verify().unwrap().ok);
}
