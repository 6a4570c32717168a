//! The log is complete, and nobody alters it unseen.

use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::{OpCtx, Role};
use bedside_store::{AuditFilter, Error, Store};

use crate::contract;
use crate::support::{Place, copy_folder, somebody};

contract!(
    p09_each_entry_is_found_again_by_who_what_whom_and_how,
    p09_a_whole_log_verifies_and_its_checkpoints_lie_outside,
    p09_a_changed_byte_of_an_entry_is_named,
    p09_a_changed_byte_of_a_leaf_hash_is_named,
    p09_a_changed_byte_of_a_node_is_named,
    p09_a_changed_byte_of_a_checkpoint_row_is_named,
    p09_a_changed_byte_of_a_checkpoint_file_is_named,
    p09_a_changed_entry_behind_the_tree_is_named,
    p09_a_removed_a_swapped_and_an_added_row_are_named,
    p09_a_cut_tail_is_found_against_the_checkpoint_outside,
    p09_a_log_that_was_rewritten_whole_is_found_against_the_checkpoint_outside,
    p09_who_may_not_read_the_log_is_in_it,
    p09_what_was_changed_while_the_store_was_closed_is_never_signed,
    p09_a_random_change_anywhere_in_the_log_is_found,
    a_log_of_several_batches_verifies_after_each_restart,
    many_at_once_keep_one_log,
);

/// Enters `count` entries and hangs them into the tree.
async fn fill(store: &Store, count: usize) -> OpCtx {
    let nurse = somebody(store, "nora", Role::Clinician);
    let entries: Vec<Entry> = (0..count)
        .map(|number| {
            Entry::new(&nurse, "patient.read", AuditOutcome::Success)
                .patient(&format!("patient{}", number % 3))
        })
        .collect();
    for part in entries.chunks(250) {
        store.audit_all(&nurse, part.to_vec()).await.unwrap();
    }
    let officer = somebody(store, "olga", Role::Compliance);
    store.checkpoint(&officer).await.unwrap();
    officer
}

/// What a verification names as the first bad thing, and why.
async fn first_bad(store: &Store, officer: &OpCtx) -> String {
    let found = store.audit_verify(officer).await.unwrap();
    assert!(!found.ok);
    assert!(found.reason.is_some());
    found.first_bad.unwrap()
}

async fn p09_each_entry_is_found_again_by_who_what_whom_and_how(place: Place) {
    let store = place.open().await;
    let officer = fill(&store, 5).await;
    let mut engineer = somebody(&store, "emil", Role::Engineer);
    engineer.reason = Some("ticket 4711".to_owned());
    place.after_seconds(60);
    store
        .audit(
            &engineer,
            Entry::new(&engineer, "input.read", AuditOutcome::Denied)
                .patient("patient1")
                .detail("seq 7"),
        )
        .await
        .unwrap();
    let search = async |filter| store.audit_search(&officer, filter).await.unwrap();

    let by_actor = search(AuditFilter {
        actor: Some("emil".into()),
        ..AuditFilter::default()
    })
    .await;
    assert_eq!(by_actor.len(), 1);
    assert_eq!(by_actor[0].entry.reason.as_deref(), Some("ticket 4711"));
    assert_eq!(by_actor[0].entry.detail.as_deref(), Some("seq 7"));
    assert_eq!(by_actor[0].at, store.clock().now());
    let by_patient = search(AuditFilter {
        patient: Some("patient1".into()),
        ..AuditFilter::default()
    })
    .await;
    // Two reads, one refusal; the search for this patient is an entry about it, too.
    assert_eq!(by_patient.len(), 4);
    let refused = search(AuditFilter {
        outcome: Some(AuditOutcome::Denied),
        ..AuditFilter::default()
    })
    .await;
    assert_eq!(refused.len(), 1);
    let reads = search(AuditFilter {
        action: Some("patient".into()),
        limit: 2,
        ..AuditFilter::default()
    })
    .await;
    assert_eq!(
        reads.iter().map(|row| row.index).collect::<Vec<_>>(),
        [4, 3],
        "the newest first"
    );
    let older = search(AuditFilter {
        action: Some("patient.read".into()),
        before: Some(3),
        ..AuditFilter::default()
    })
    .await;
    assert_eq!(
        older.iter().map(|row| row.index).collect::<Vec<_>>(),
        [2, 1, 0]
    );
    let late = AuditFilter {
        since: Some(by_actor[0].at),
        actor: Some("nora".into()),
        ..AuditFilter::default()
    };
    assert!(search(late).await.is_empty());
    store.close().await.unwrap();
}

async fn p09_a_whole_log_verifies_and_its_checkpoints_lie_outside(place: Place) {
    let store = place.open().await;
    let officer = somebody(&store, "olga", Role::Compliance);
    let empty = store.audit_verify(&officer).await.unwrap();
    assert!(empty.ok, "{empty:?}");
    let officer = fill(&store, 100).await;
    let found = store.audit_verify(&officer).await.unwrap();
    assert!(found.ok, "{found:?}");
    // The first verification, 100 reads, the checkpoint, this verification.
    assert_eq!(found.entries, 103);
    store.close().await.unwrap();

    let note = std::fs::read_to_string(place.checkpoints().join("latest")).unwrap();
    assert!(
        note.starts_with(&format!("bedside/default\n103\n{}\n", found.root)),
        "{note}"
    );
    assert_eq!(
        std::fs::read_to_string(place.checkpoints().join("checkpoint-103")).unwrap(),
        note
    );
    assert!(place.checkpoints().join("public-key").is_file());
}

async fn p09_a_changed_byte_of_an_entry_is_named(place: Place) {
    let store = place.open().await;
    let officer = fill(&store, 20).await;
    let length = place.bytes("audit_entry", "leaf", "idx = 7").await.len();
    // Every byte is covered by the same hash; a step that is prime to all field lengths meets each field.
    for at in (0..length).step_by(13) {
        place.flip("audit_entry", "leaf", "idx = 7", at).await;
        assert_eq!(first_bad(&store, &officer).await, "entry 7", "byte {at}");
        place.flip("audit_entry", "leaf", "idx = 7", at).await;
    }
    assert!(store.audit_verify(&officer).await.unwrap().ok);
    store.close().await.unwrap();
}

async fn p09_a_changed_byte_of_a_leaf_hash_is_named(place: Place) {
    let store = place.open().await;
    let officer = fill(&store, 20).await;
    for index in [0, 7, 19] {
        let row = format!("idx = {index}");
        place.flip("audit_entry", "hash", &row, 31).await;
        assert_eq!(first_bad(&store, &officer).await, format!("entry {index}"));
        place.flip("audit_entry", "hash", &row, 31).await;
    }
    assert!(store.audit_verify(&officer).await.unwrap().ok);
    store.close().await.unwrap();
}

async fn p09_a_changed_byte_of_a_node_is_named(place: Place) {
    let store = place.open().await;
    let officer = fill(&store, 20).await;
    for (level, index) in [(1, 0), (1, 9), (2, 3), (3, 1), (4, 0)] {
        let row = format!("level = {level} AND idx = {index}");
        place.flip("audit_node", "hash", &row, 5).await;
        assert_eq!(
            first_bad(&store, &officer).await,
            format!("node {level}/{index}")
        );
        place.flip("audit_node", "hash", &row, 5).await;
    }
    place
        .execute("UPDATE {audit_node} SET idx = 4000 WHERE level = 1 AND idx = 3")
        .await;
    assert_eq!(first_bad(&store, &officer).await, "node 1/3");
    place
        .execute("UPDATE {audit_node} SET idx = 3 WHERE level = 1 AND idx = 4000")
        .await;
    place.execute("INSERT INTO {audit_node} SELECT tenant, 9, idx, hash FROM {audit_node} WHERE level = 1 AND idx = 3").await;
    assert_eq!(first_bad(&store, &officer).await, "node 9/3");
    place
        .execute("DELETE FROM {audit_node} WHERE level = 9")
        .await;
    assert!(store.audit_verify(&officer).await.unwrap().ok);
    store.close().await.unwrap();
}

async fn p09_a_changed_byte_of_a_checkpoint_row_is_named(place: Place) {
    let store = place.open().await;
    let officer = fill(&store, 20).await;
    // The thread may have made a checkpoint of its own before; that of all 21 entries is there in any case.
    for (column, at) in [("root", 0), ("at", 3), ("at", 20)] {
        place
            .flip("audit_checkpoint", column, "size = 21", at)
            .await;
        assert_eq!(
            first_bad(&store, &officer).await,
            "checkpoint 21",
            "{column}"
        );
        place
            .flip("audit_checkpoint", column, "size = 21", at)
            .await;
    }
    place.execute("UPDATE {audit_checkpoint} SET note = REPLACE(note, 'bedside', 'bedsidf') WHERE size = 21").await;
    assert_eq!(first_bad(&store, &officer).await, "checkpoint 21");
    place.execute("UPDATE {audit_checkpoint} SET note = REPLACE(note, 'bedsidf', 'bedside') WHERE size = 21").await;
    for (changed, back, named) in [
        ("size = 3", "size = 21 WHERE size = 3", "checkpoint 3"),
        ("size = -21", "size = 21 WHERE size = -21", "checkpoint -21"),
        (
            "tenant = 'defaulu'",
            "tenant = 'default' WHERE tenant = 'defaulu'",
            "checkpoint 21",
        ),
    ] {
        place
            .execute(&format!(
                "UPDATE {{audit_checkpoint}} SET {changed} WHERE size = 21"
            ))
            .await;
        assert_eq!(first_bad(&store, &officer).await, named, "{changed}");
        place
            .execute(&format!("UPDATE {{audit_checkpoint}} SET {back}"))
            .await;
    }
    assert!(store.audit_verify(&officer).await.unwrap().ok);
    store.close().await.unwrap();
}

async fn p09_a_changed_byte_of_a_checkpoint_file_is_named(place: Place) {
    let store = place.open().await;
    let officer = fill(&store, 20).await;
    let folder = place.checkpoints();
    let note = std::fs::read(folder.join("checkpoint-21")).unwrap();
    for at in (0..note.len()).step_by(7) {
        let mut changed = note.clone();
        changed[at] ^= 1;
        std::fs::write(folder.join("checkpoint-21"), &changed).unwrap();
        assert_eq!(
            first_bad(&store, &officer).await,
            format!("checkpoint 21 in {}", folder.display()),
            "byte {at}"
        );
    }
    std::fs::write(folder.join("checkpoint-21"), &note).unwrap();
    // A checkpoint that is made meanwhile puts `latest` right again, so this is tried until none comes between.
    let mut named = None;
    for at in 0..note.len() {
        let mut changed = note.clone();
        changed[at] ^= 1;
        std::fs::write(folder.join("latest"), &changed).unwrap();
        named = named.or(store.audit_verify(&officer).await.unwrap().first_bad);
    }
    assert_eq!(named, Some(format!("latest in {}", folder.display())));
    std::fs::write(folder.join("latest"), &note).unwrap();
    let key = std::fs::read(folder.join("public-key")).unwrap();
    let mut changed = key.clone();
    changed[20] ^= 1;
    std::fs::write(folder.join("public-key"), &changed).unwrap();
    assert_eq!(
        first_bad(&store, &officer).await,
        format!("public-key in {}", folder.display())
    );
    std::fs::write(folder.join("public-key"), &key).unwrap();
    assert!(store.audit_verify(&officer).await.unwrap().ok);
    store.close().await.unwrap();
}

async fn p09_a_changed_entry_behind_the_tree_is_named(place: Place) {
    let store = place.open().await;
    let officer = fill(&store, 5).await;
    // The tree is told that it is further than it is, so that it does not follow; what is behind it is checked all the same.
    store
        .audit(
            &officer,
            Entry::new(&officer, "audit.search", AuditOutcome::Success),
        )
        .await
        .unwrap();
    place.flip("audit_entry", "leaf", "idx = 6", 9).await;
    assert_eq!(first_bad(&store, &officer).await, "entry 6");
    // Someone who also mends the hash is given away by the seal.
    let leaf = place.bytes("audit_entry", "leaf", "idx = 6").await;
    let hash = bedside_ledger::tree::leaf_hash(&leaf);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let literal = if place.is_files() {
        format!("x'{hex}'")
    } else {
        format!("decode('{hex}', 'hex')")
    };
    place
        .execute(&format!(
            "UPDATE {{audit_entry}} SET hash = {literal} WHERE idx = 6"
        ))
        .await;
    assert_eq!(first_bad(&store, &officer).await, "entry 6");
}

async fn p09_a_removed_a_swapped_and_an_added_row_are_named(place: Place) {
    let store = place.open().await;
    let officer = fill(&store, 10).await;
    place
        .execute("UPDATE {audit_entry} SET idx = -1 WHERE idx = 4")
        .await;
    assert_eq!(first_bad(&store, &officer).await, "entry 4");
    place
        .execute("UPDATE {audit_entry} SET idx = 4 WHERE idx = -1")
        .await;
    assert!(store.audit_verify(&officer).await.unwrap().ok);

    let swap =
        |from: i64, to: i64| format!("UPDATE {{audit_entry}} SET idx = {to} WHERE idx = {from}");
    for (from, to) in [(4, -1), (5, 4), (-1, 5)] {
        place.execute(&swap(from, to)).await;
    }
    assert_eq!(first_bad(&store, &officer).await, "entry 4");
    for (from, to) in [(5, -1), (4, 5), (-1, 4)] {
        place.execute(&swap(from, to)).await;
    }
    assert!(store.audit_verify(&officer).await.unwrap().ok);

    place.execute("INSERT INTO {audit_entry} SELECT tenant, -5, leaf, hash FROM {audit_entry} WHERE idx = 2").await;
    assert_eq!(first_bad(&store, &officer).await, "entry -5");
    place
        .execute("DELETE FROM {audit_entry} WHERE idx = -5")
        .await;
    assert!(store.audit_verify(&officer).await.unwrap().ok);
    store.close().await.unwrap();
}

async fn p09_a_cut_tail_is_found_against_the_checkpoint_outside(place: Place) {
    let store = place.open().await;
    fill(&store, 30).await;
    store.close().await.unwrap();
    // Everything inside the data that speaks of the last 21 entries is removed: 10 are left.
    place
        .execute("DELETE FROM {audit_entry} WHERE idx >= 10")
        .await;
    place.execute("DELETE FROM {audit_checkpoint}").await;
    place.execute("DELETE FROM {audit_node}").await;
    place
        .execute("DELETE FROM {counter} WHERE name = 'tree'")
        .await;
    place
        .execute("UPDATE {counter} SET next = 10 WHERE name = 'audit'")
        .await;

    let store = place.open().await;
    let officer = somebody(&store, "olga", Role::Compliance);
    let found = store.audit_verify(&officer).await.unwrap();
    // The verification itself is the eleventh entry.
    assert_eq!(found.first_bad.as_deref(), Some("entry 11"), "{found:?}");
    assert!(found.reason.unwrap().contains("cut off"));
}

async fn p09_a_log_that_was_rewritten_whole_is_found_against_the_checkpoint_outside(place: Place) {
    if !place.is_files() {
        println!("a copy of the data directory: SQLite only");
        return;
    }
    let store = place.open().await;
    fill(&store, 10).await;
    store.close().await.unwrap();
    let copy = place.data().with_file_name("older");
    copy_folder(&place.data(), &copy);
    let store = place.open().await;
    fill(&store, 20).await;
    store.close().await.unwrap();

    // The older copy is put back, and as many entries are made anew as were lost, and more.
    std::fs::remove_dir_all(place.data()).unwrap();
    copy_folder(&copy, &place.data());
    let store = place.open().await;
    let officer = somebody(&store, "olga", Role::Compliance);
    let found = store.audit_verify(&officer).await.unwrap();
    assert_eq!(found.first_bad.as_deref(), Some("entry 12"), "{found:?}");
    let nurse = somebody(&store, "nora", Role::Clinician);
    let entries = (0..40)
        .map(|_| Entry::new(&nurse, "patient.find", AuditOutcome::Success))
        .collect();
    store.audit_all(&nurse, entries).await.unwrap();
    let named = first_bad(&store, &officer).await;
    assert!(
        named.starts_with("checkpoint ") && named.contains(" in "),
        "{named}"
    );
    // Nothing is written over the proof.
    assert!(matches!(
        store.checkpoint(&officer).await,
        Err(Error::Corrupt(_))
    ));
    assert_eq!(first_bad(&store, &officer).await, named);
}

async fn p09_who_may_not_read_the_log_is_in_it(place: Place) {
    let store = place.open().await;
    for role in [
        Role::Clinician,
        Role::Engineer,
        Role::Application,
        Role::Anonymous,
        Role::Service,
    ] {
        let ctx = somebody(&store, "mallory", role);
        assert!(matches!(
            store.audit_search(&ctx, AuditFilter::default()).await,
            Err(Error::Denied(_))
        ));
        assert!(matches!(
            store.audit_verify(&ctx).await,
            Err(Error::Denied(_))
        ));
        assert!(matches!(
            store.checkpoint(&ctx).await,
            Err(Error::Denied(_))
        ));
    }
    let officer = somebody(&store, "olga", Role::Compliance);
    let filter = AuditFilter {
        actor: Some("mallory".into()),
        ..AuditFilter::default()
    };
    let found = store.audit_search(&officer, filter).await.unwrap();
    assert_eq!(found.len(), 15);
    assert!(
        found
            .iter()
            .all(|row| row.entry.outcome == AuditOutcome::Denied)
    );
    assert!(
        found
            .iter()
            .all(|row| row.entry.detail.as_deref() == Some("role.not_granted"))
    );
    store.close().await.unwrap();
}

async fn a_log_of_several_batches_verifies_after_each_restart(place: Place) {
    let mut expected = 0;
    for count in [1, 2, 5_000, 3] {
        let store = place.open().await;
        let officer = fill(&store, count).await;
        let found = store.audit_verify(&officer).await.unwrap();
        expected += u64::try_from(count).unwrap() + 2;
        assert!(found.ok, "{found:?}");
        assert_eq!(found.entries, expected);
        store.close().await.unwrap();
    }
}

async fn p09_what_was_changed_while_the_store_was_closed_is_never_signed(place: Place) {
    let store = place.open().await;
    fill(&store, 20).await;
    store.close().await.unwrap();
    // A node at the edge of the tree, on which everything that comes later is built.
    place
        .flip("audit_node", "hash", "level = 4 AND idx = 0", 3)
        .await;
    let store = place.open().await;
    let officer = somebody(&store, "olga", Role::Compliance);
    assert!(matches!(
        store.checkpoint(&officer).await,
        Err(Error::Corrupt(_))
    ));
    assert_eq!(first_bad(&store, &officer).await, "node 4/0");
    assert!(store.close().await.is_err());
    drop(store);
    assert!(!place.checkpoints().join("checkpoint-23").exists());

    // Once it is mended, the log goes on as if nothing had been.
    place
        .flip("audit_node", "hash", "level = 4 AND idx = 0", 3)
        .await;
    let store = place.open().await;
    store.checkpoint(&officer).await.unwrap();
    let found = store.audit_verify(&officer).await.unwrap();
    assert!(found.ok, "{found:?}");
    store.close().await.unwrap();
}

async fn p09_a_random_change_anywhere_in_the_log_is_found(place: Place) {
    let store = place.open().await;
    let officer = fill(&store, 25).await;
    let cells = [
        ("audit_entry", "leaf"),
        ("audit_entry", "hash"),
        ("audit_node", "hash"),
        ("audit_checkpoint", "root"),
        ("audit_checkpoint", "at"),
    ];
    // A small generator of our own: the same changes in each run.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below).unwrap()).unwrap()
    };
    for trial in 0..60 {
        let (table, column) = cells[random(cells.len())];
        let row = match table {
            "audit_entry" => format!("idx = {}", random(26)),
            "audit_node" => format!("level = 1 AND idx = {}", random(13)),
            _ => "size = 26".to_owned(),
        };
        let at = random(400);
        place.flip(table, column, &row, at).await;
        let named = first_bad(&store, &officer).await;
        let wanted = if table == "audit_entry" {
            row.replace("idx =", "entry")
        } else {
            named.clone()
        };
        assert_eq!(
            named, wanted,
            "trial {trial}: {table}.{column} {row} byte {at}"
        );
        place.flip(table, column, &row, at).await;
    }
    let found = store.audit_verify(&officer).await.unwrap();
    assert!(found.ok, "{found:?}");
    store.close().await.unwrap();
}

async fn many_at_once_keep_one_log(place: Place) {
    let one = place.open().await;
    let other = one.clone();
    let nurse = somebody(&one, "nora", Role::Clinician);
    let officer = somebody(&one, "olga", Role::Compliance);
    let entry = || Entry::new(&nurse, "patient.read", AuditOutcome::Success);
    for round in 0..40 {
        let (left, right) = tokio::join!(
            one.audit(&nurse, entry()),
            other.audit_all(&nurse, vec![entry(), entry()])
        );
        left.unwrap();
        right.unwrap();
        if round % 10 == 0 {
            let (left, right) = tokio::join!(one.checkpoint(&officer), other.checkpoint(&officer));
            left.unwrap();
            right.unwrap();
        }
    }
    let found = one.audit_verify(&officer).await.unwrap();
    assert!(found.ok, "{found:?}");
    one.close().await.unwrap();
}
