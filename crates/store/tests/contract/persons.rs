//! Persons: records joined and kept apart, merges and their undoing.

use bedside_core::ctx::{OpCtx, Role};
use bedside_fact::clock::Clock as _;
use bedside_fact::id::SystemId;
use bedside_store::{Error, Store};

use crate::feed::{AUTHORITY, Somebody, admit, applied, merge, message, take};
use crate::support::{Place, service, somebody};

crate::contract![
    p05_two_records_become_one_person_by_an_identifier_of_one_authority_only,
    p05_similar_records_are_proposed_and_not_joined,
    p05_twins_are_not_proposed,
    p05_an_undone_merge_leaves_everything_as_before,
    p05_a_merge_of_a_patient_never_seen_can_be_undone,
    p05_a_link_by_identifier_can_be_undone_and_stays_undone,
];

pub(crate) fn clinician(store: &Store) -> OpCtx {
    somebody(store, "cleo", Role::Clinician)
}

pub(crate) async fn bodies(store: &Store, id: &str) -> Vec<String> {
    let record = store.person(&clinician(store), id, None).await.unwrap();
    record
        .resources
        .iter()
        .map(|one| one.body.clone())
        .collect()
}

async fn p05_two_records_become_one_person_by_an_identifier_of_one_authority_only(place: Place) {
    let store = place.open().await;
    let mut here = Somebody::new("100", "Okonkwo", "Adaeze");
    here.other = Some(("STATE-ID", "S-77"));
    let mut there = Somebody {
        source: "clinic",
        mrn: "900",
        ..here.clone()
    };
    let mut stranger = Somebody {
        source: "clinic",
        ..Somebody::new("901", "Brandt", "Ilse")
    };
    stranger.other = Some(("OTHER-ID", "S-77"));
    stranger.born = "1980-01-02";
    let a = admit(&store, "C1", &here).await;
    let b = admit(&store, "C2", &there).await;
    let c = admit(&store, "C3", &stranger).await;
    let one = store
        .person(&clinician(&store), a.as_str(), None)
        .await
        .unwrap();
    assert_eq!(one.patients, [a.clone(), b.clone()]);
    assert_eq!(
        store
            .person(&clinician(&store), one.person.as_str(), None)
            .await
            .unwrap()
            .patients,
        one.patients
    );
    assert_eq!(
        store
            .person(&clinician(&store), c.as_str(), None)
            .await
            .unwrap()
            .patients,
        [c]
    );
    let counts = store.counts(&service(&store)).await.unwrap();
    assert_eq!(
        (
            counts.patients,
            counts.persons,
            counts.links,
            counts.possible
        ),
        (3, 2, 1, 0)
    );

    // The identifier goes: they are two again.
    there.other = None;
    let seq = take(&store, message("C4", "text", "900")).await;
    store
        .commit(
            &service(&store),
            applied(seq, vec![there.write(&store, 2, "")]),
        )
        .await
        .unwrap();
    assert_eq!(
        store
            .person(&clinician(&store), a.as_str(), None)
            .await
            .unwrap()
            .patients,
        [a]
    );
    assert_eq!(
        store
            .person(&clinician(&store), b.as_str(), None)
            .await
            .unwrap()
            .patients,
        [b]
    );
    assert_eq!(store.counts(&service(&store)).await.unwrap().links, 0);
}

async fn p05_similar_records_are_proposed_and_not_joined(place: Place) {
    let store = place.open().await;
    let mut here = Somebody::new("100", "Okonkwo", "Adaeze");
    here.phone = Some("312-555-0147");
    let there = Somebody {
        source: "clinic",
        mrn: "900",
        ..here.clone()
    };
    let a = admit(&store, "C1", &here).await;
    let b = admit(&store, "C2", &there).await;
    assert_eq!(
        store
            .person(&clinician(&store), a.as_str(), None)
            .await
            .unwrap()
            .patients,
        std::slice::from_ref(&a)
    );
    let links = store.links(&clinician(&store), a.as_str()).await.unwrap();
    assert_eq!(links.len(), 1);
    assert_eq!(
        (links[0].kind.as_str(), links[0].basis.as_str()),
        ("possible", "name+birth_date+phone")
    );
    assert!([links[0].a.as_str(), links[0].b.as_str()].contains(&b.as_str()));
    let hits = store
        .find_patients(&clinician(&store), "okonkwo", 10)
        .await
        .unwrap();
    assert_eq!(
        hits.iter().map(|hit| hit.doubts).collect::<Vec<_>>(),
        [1, 1]
    );

    // The phone was another's: the proposal goes.
    let changed = Somebody {
        phone: None,
        ..there
    };
    let seq = take(&store, message("C3", "text", "900")).await;
    store
        .commit(
            &service(&store),
            applied(seq, vec![changed.write(&store, 2, "")]),
        )
        .await
        .unwrap();
    assert!(
        store
            .links(&clinician(&store), a.as_str())
            .await
            .unwrap()
            .is_empty()
    );
}

async fn p05_twins_are_not_proposed(place: Place) {
    let store = place.open().await;
    let mut one = Somebody::new("100", "Okonkwo", "Adaeze");
    one.phone = Some("312-555-0147");
    let other = Somebody {
        mrn: "101",
        given: "Chioma",
        ..one.clone()
    };
    admit(&store, "C1", &one).await;
    admit(&store, "C2", &other).await;
    assert_eq!(store.counts(&service(&store)).await.unwrap().possible, 0);
}

async fn p05_an_undone_merge_leaves_everything_as_before(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let (ann, double) = (
        Somebody::new("100", "Okonkwo", "Adaeze"),
        Somebody::new("101", "Okonkwo", "Ada"),
    );
    let a = admit(&store, "C1", &ann).await;
    let b = admit(&store, "C2", &double).await;
    let persons = |record: &bedside_core::record::PersonRecord| {
        (record.person.clone(), record.patients.clone())
    };
    let before_a = persons(
        &store
            .person(&clinician(&store), a.as_str(), None)
            .await
            .unwrap(),
    );
    let before_b = persons(
        &store
            .person(&clinician(&store), b.as_str(), None)
            .await
            .unwrap(),
    );
    let apart = place.clock.now();
    place.after_seconds(60);

    merge(&store, "C3", &ann, &double).await;
    let joined = store
        .person(&clinician(&store), b.as_str(), None)
        .await
        .unwrap();
    assert_eq!(joined.patients, [a.clone(), b.clone()]);
    let meaning = |number: &'static str| store.patient_of(&ctx, &WARD, AUTHORITY, number);
    static WARD: std::sync::LazyLock<SystemId> = std::sync::LazyLock::new(|| SystemId::new("ward"));
    assert_eq!(meaning("101").await.unwrap(), Some(a.clone()));
    let together = place.clock.now();
    place.after_seconds(60);
    // The person that went leads to the one it went into.
    assert_eq!(
        store
            .person(&clinician(&store), before_b.0.as_str(), None)
            .await
            .unwrap()
            .patients
            .len(),
        2
    );

    let link = joined
        .links
        .iter()
        .find(|link| link.kind == "merge")
        .unwrap()
        .seq;
    let engineer = somebody(&store, "eve", Role::Engineer);
    assert!(matches!(
        store.undo_merge(&engineer, link, "").await,
        Err(Error::Invalid(_))
    ));
    store
        .undo_merge(&engineer, link, "records department: two people")
        .await
        .unwrap();
    assert!(matches!(
        store.undo_merge(&engineer, link, "again").await,
        Err(Error::NotFound(_))
    ));

    let after_a = store
        .person(&clinician(&store), a.as_str(), None)
        .await
        .unwrap();
    let after_b = store
        .person(&clinician(&store), b.as_str(), None)
        .await
        .unwrap();
    assert_eq!(persons(&after_a), before_a);
    assert_eq!(after_b.patients, before_b.1);
    assert_ne!(after_b.person, after_a.person);
    assert_eq!(meaning("100").await.unwrap(), Some(a.clone()));
    assert_eq!(meaning("101").await.unwrap(), Some(b.clone()));
    for (record, version) in [(&after_a, 3), (&after_b, 3)] {
        let patient = &record.resources[0];
        assert_eq!(patient.version, version);
        let body: serde_json::Value = serde_json::from_str(&patient.body).unwrap();
        assert!(
            body.get("link").is_none() && body.get("active").is_none(),
            "{}",
            patient.body
        );
        assert_eq!(body["meta"]["versionId"], "3");
    }
    // What was known then is still to be seen.
    assert_eq!(
        store
            .person(&clinician(&store), b.as_str(), Some(together))
            .await
            .unwrap()
            .patients
            .len(),
        2
    );
    assert_eq!(
        store
            .person(&clinician(&store), b.as_str(), Some(apart))
            .await
            .unwrap()
            .patients
            .len(),
        1
    );

    // A later merge counts again.
    let seq = take(&store, message("C9", "again", "100")).await;
    let mut outcome = applied(seq, Vec::new());
    outcome.merges.push(bedside_core::record::Merge {
        survivor: a.clone(),
        prior: b.clone(),
    });
    store.commit(&ctx, outcome).await.unwrap();
    assert_eq!(
        store
            .person(&clinician(&store), b.as_str(), None)
            .await
            .unwrap()
            .patients,
        [a, b]
    );
}

async fn p05_a_merge_of_a_patient_never_seen_can_be_undone(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let (ann, unseen) = (
        Somebody::new("100", "Okonkwo", "Adaeze"),
        Somebody::new("101", "Okonkwo", "Ada"),
    );
    let seq = take(&store, message("C1", "text", "100")).await;
    let (keep, go) = (ann.id(&store), unseen.id(&store));
    let replaced = format!(
        r#","active":false,"link":[{{"other":{{"reference":"Patient/{keep}"}},"type":"replaced-by"}}]"#
    );
    let mut outcome = applied(
        seq,
        vec![ann.write(&store, 1, ""), unseen.write(&store, 1, &replaced)],
    );
    outcome.aliases = vec![ann.alias(&keep), unseen.alias(&keep)];
    outcome.merges.push(bedside_core::record::Merge {
        survivor: keep.clone(),
        prior: go.clone(),
    });
    store.commit(&ctx, outcome).await.unwrap();

    let link = store
        .links(&clinician(&store), keep.as_str())
        .await
        .unwrap()[0]
        .seq;
    store
        .undo_merge(
            &somebody(&store, "eve", Role::Engineer),
            link,
            "wrong chart",
        )
        .await
        .unwrap();
    let ward = SystemId::new("ward");
    assert_eq!(
        store
            .patient_of(&ctx, &ward, AUTHORITY, "100")
            .await
            .unwrap(),
        Some(keep)
    );
    assert_eq!(
        store
            .patient_of(&ctx, &ward, AUTHORITY, "101")
            .await
            .unwrap(),
        Some(go.clone())
    );
    let there = bodies(&store, go.as_str()).await;
    assert!(
        !there[0].contains("active") && !there[0].contains("link"),
        "{there:?}"
    );
}

async fn p05_a_link_by_identifier_can_be_undone_and_stays_undone(place: Place) {
    let store = place.open().await;
    let mut here = Somebody::new("100", "Okonkwo", "Adaeze");
    here.other = Some(("STATE-ID", "S-77"));
    let there = Somebody {
        source: "clinic",
        mrn: "900",
        given: "Chioma",
        ..here.clone()
    };
    let a = admit(&store, "C1", &here).await;
    let b = admit(&store, "C2", &there).await;
    let links = store.links(&clinician(&store), a.as_str()).await.unwrap();
    assert_eq!(links[0].kind, "identifier");
    store
        .undo_merge(
            &somebody(&store, "eve", Role::Engineer),
            links[0].seq,
            "two people, one number",
        )
        .await
        .unwrap();
    assert_eq!(
        store
            .person(&clinician(&store), b.as_str(), None)
            .await
            .unwrap()
            .patients,
        std::slice::from_ref(&b)
    );
    // A later version with the same identifier does not join them; the doubt is shown.
    let seq = take(&store, message("C3", "text", "900")).await;
    let later = Somebody {
        born: "1951-04-18",
        ..there
    };
    store
        .commit(
            &service(&store),
            applied(seq, vec![later.write(&store, 2, "")]),
        )
        .await
        .unwrap();
    assert_eq!(
        store
            .person(&clinician(&store), b.as_str(), None)
            .await
            .unwrap()
            .patients,
        std::slice::from_ref(&b)
    );
    let kinds: Vec<String> = store
        .links(&clinician(&store), b.as_str())
        .await
        .unwrap()
        .into_iter()
        .map(|link| link.kind)
        .collect();
    assert_eq!(kinds, ["possible"]);
}
