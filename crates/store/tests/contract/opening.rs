//! Opening a store: each refusal is one sentence that says what to do, and leaves everything as it was.

use std::os::unix::fs::PermissionsExt as _;

use bedside_core::error::Kind;
use bedside_store::seal::KeyFile;
use bedside_store::{Error, Options, Store};

use crate::feed::{Somebody, admit, message, take};
use crate::support::{Place, service};

crate::contract![
    p10_a_store_with_data_and_no_key_is_refused,
    p10_another_stores_key_is_refused,
    p10_a_key_file_that_others_can_read_is_refused,
    a_store_written_by_a_newer_program_is_refused,
    ids_and_tokens_are_the_same_after_a_restart,
    p01_a_closed_store_takes_nothing_more,
];

fn check(result: Result<Store, Error>, wanted: &str) -> Error {
    let Err(error) = result else {
        panic!("the store is refused");
    };
    assert!(error.to_string().contains(wanted), "{error}");
    assert_eq!(error.kind(), Kind::Broken);
    assert_eq!(error.kind().exit_status(), 4);
    error
}

async fn p10_a_store_with_data_and_no_key_is_refused(place: Place) {
    place.open().await.close().await.unwrap();
    let key = place.options().key_file;
    let kept = key.with_extension("kept");
    std::fs::rename(&key, &kept).unwrap();
    check(Store::open(place.options()).await, "is missing");
    assert!(!key.exists(), "no new key is made for old data");
    std::fs::rename(&kept, &key).unwrap();
    place.open().await;
}

async fn p10_another_stores_key_is_refused(place: Place) {
    let store = place.open().await;
    let seq = take(&store, message("C1", "text", "100")).await;
    store.close().await.unwrap();
    drop(store);
    let key = place.options().key_file;
    let kept = key.with_extension("kept");
    std::fs::rename(&key, &kept).unwrap();
    KeyFile::create(&key).unwrap();
    check(
        Store::open(place.options()).await,
        "does not belong to this store",
    );
    std::fs::rename(&kept, &key).unwrap();
    let store = place.open().await;
    assert_eq!(
        store
            .input(&service(&store), seq)
            .await
            .unwrap()
            .raw
            .expose(),
        b"text"
    );
}

async fn p10_a_key_file_that_others_can_read_is_refused(place: Place) {
    place.open().await.close().await.unwrap();
    let key = place.options().key_file;
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    check(Store::open(place.options()).await, "chmod 600");
}

async fn a_store_written_by_a_newer_program_is_refused(place: Place) {
    place.open().await.close().await.unwrap();
    place.execute("INSERT INTO {migration} (number, name, sha256) SELECT 999, '999_later.sql', sha256 FROM {migration} WHERE number = 1").await;
    check(Store::open(place.options()).await, "newer Bedside");
}

async fn ids_and_tokens_are_the_same_after_a_restart(place: Place) {
    let ann = Somebody::new("100", "Okonkwo", "Adaeze");
    let store = place.open().await;
    let id = admit(&store, "C1", &ann).await;
    let last = *store.changes().borrow();
    store.close().await.unwrap();
    drop(store);
    let store = place.open().await;
    assert_eq!(ann.id(&store), id);
    assert_eq!(*store.changes().borrow(), last);
    let known = store
        .patient_of(
            &service(&store),
            &bedside_fact::id::SystemId::new("ward"),
            crate::feed::AUTHORITY,
            "100",
        )
        .await;
    assert_eq!(known.unwrap(), Some(id));
}

async fn p01_a_closed_store_takes_nothing_more(place: Place) {
    let store = place.open().await;
    store.close().await.unwrap();
    let refused = store
        .append(&service(&store), message("C1", "text", "100"))
        .await;
    assert_eq!(refused, Err(Error::Unavailable));
}

#[test]
fn a_store_that_is_open_is_locked() {
    crate::support::on_sqlite(|place| {
        Box::pin(async move {
            let store = place.open().await;
            let error = check(
                Store::open(place.options()).await,
                "in use by another process",
            );
            assert!(matches!(error, Error::Locked { .. }));
            store.close().await.unwrap();
            place.open().await;
        })
    });
}

#[test]
fn p10_files_are_for_their_owner_alone() {
    crate::support::on_sqlite(|place| {
        Box::pin(async move {
            let store = place.open().await;
            take(&store, message("C1", "text", "100")).await;
            let mode = |path: &std::path::Path| {
                std::fs::metadata(path).unwrap().permissions().mode() & 0o777
            };
            assert_eq!(mode(&place.data()), 0o700);
            for entry in std::fs::read_dir(place.data()).unwrap() {
                let path = entry.unwrap().path();
                assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
            }
        })
    });
}

#[test]
fn the_default_layout_keeps_the_key_out_of_the_data() {
    let clock = std::sync::Arc::new(bedside_fact::clock::VirtualClock::new(
        jiff::Timestamp::UNIX_EPOCH,
    ));
    for data in ["some/data", "some/data/"] {
        let options = Options::beside(std::path::Path::new(data), clock.clone());
        assert_eq!(options.key_file, std::path::Path::new("some/data.key"));
        assert_eq!(
            options.checkpoints,
            std::path::Path::new("some/data.checkpoints")
        );
        assert_eq!(options.spool, std::path::Path::new("some/data.spool"));
    }
}
