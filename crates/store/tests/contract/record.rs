//! The record: versions, reading them as of a moment, finding patients, nothing without a rule and an entry in the log.

use bedside_core::completeness::{Asked, Coverage};
use bedside_core::ctx::{OpCtx, Role};
use bedside_core::record::Ending;
use bedside_fact::clock::{Clock as _, Timestamp};
use bedside_store::{Error, Store};

use crate::feed::{Somebody, admit, applied, message, observation, take};
use crate::support::{Place, service, somebody};

crate::contract![
    p02_a_commit_repeated_changes_nothing,
    a_version_written_on_a_stale_basis_is_a_conflict,
    p07_a_version_says_where_it_came_from_and_when_we_knew,
    p07_a_person_reads_as_it_was_known_at_any_moment,
    patients_are_found_by_name_number_and_birth_date,
    p09_each_patient_shown_is_in_the_log_and_an_empty_search_too,
    p05_no_clinical_content_without_a_rule_that_grants_it,
    p06_what_was_asked_is_read_back_as_of_the_moment,
    p12_what_waits_in_a_patients_lane_is_counted,
    p10_nothing_readable_is_stored,
    p05_a_row_moved_into_another_chart_is_refused_not_shown,
];

fn clinician(store: &Store) -> OpCtx {
    somebody(store, "cleo", Role::Clinician)
}

async fn bodies(store: &Store, id: &str, as_of: Option<Timestamp>) -> Vec<String> {
    let record = store.person(&clinician(store), id, as_of).await.unwrap();
    record
        .resources
        .iter()
        .map(|one| format!("{} {}", one.resource_type, one.body))
        .collect()
}

async fn p02_a_commit_repeated_changes_nothing(place: Place) {
    let store = place.open().await;
    let ann = Somebody::new("100", "Okonkwo", "Adaeze");
    let seq = take(&store, message("C1", "text", "100")).await;
    let outcome = applied(seq, vec![ann.write(&store, 1, "")]);
    assert!(
        store
            .commit(&service(&store), outcome.clone())
            .await
            .unwrap()
            .changed
    );
    let before = store.counts(&service(&store)).await.unwrap();
    assert!(
        !store
            .commit(&service(&store), outcome)
            .await
            .unwrap()
            .changed
    );
    assert_eq!(store.counts(&service(&store)).await.unwrap(), before);
    let mut unknown = applied(bedside_fact::id::Seq(999), Vec::new());
    unknown.ending = Ending::Applied;
    assert!(matches!(
        store.commit(&service(&store), unknown).await,
        Err(Error::NotFound(_))
    ));
}

async fn a_version_written_on_a_stale_basis_is_a_conflict(place: Place) {
    let store = place.open().await;
    let ann = Somebody::new("100", "Okonkwo", "Adaeze");
    let id = admit(&store, "C1", &ann).await;
    let seq = take(&store, message("C2", "text", "100")).await;
    for wrong in [1, 3] {
        let result = store
            .commit(
                &service(&store),
                applied(seq, vec![ann.write(&store, wrong, "")]),
            )
            .await;
        assert_eq!(result, Err(Error::Conflict));
    }
    // Nothing of the refused outcomes is left, so the right one still fits.
    assert!(
        store
            .commit(
                &service(&store),
                applied(seq, vec![ann.write(&store, 2, "")])
            )
            .await
            .unwrap()
            .changed
    );
    let current = store
        .current(
            &service(&store),
            &[
                ("Patient".into(), id),
                ("Patient".into(), "nobody".to_owned().into_id()),
            ],
        )
        .await
        .unwrap();
    assert_eq!(current[0].as_ref().unwrap().version, 2);
    assert!(current[1].is_none());
}

trait IntoId {
    fn into_id(self) -> bedside_fact::id::ResourceId;
}

impl IntoId for String {
    fn into_id(self) -> bedside_fact::id::ResourceId {
        bedside_fact::id::ResourceId::new(self)
    }
}

async fn p07_a_version_says_where_it_came_from_and_when_we_knew(place: Place) {
    let store = place.open().await;
    let ann = Somebody::new("100", "Okonkwo", "Adaeze");
    let id = admit(&store, "C1", &ann).await;
    place.after_seconds(60);
    let seq = take(&store, message("C2", "text", "100")).await;
    place.after_seconds(60);
    let mut write = observation(&store, &ann, "F1", 1, "4.1");
    write.when = Some(bedside_fact::time::Span { lo: 5, hi: 9 });
    write.source_time = Some(7);
    store
        .commit(&service(&store), applied(seq, vec![write]))
        .await
        .unwrap();
    let record = store
        .person(&clinician(&store), id.as_str(), None)
        .await
        .unwrap();
    let one = &record.resources[0];
    assert_eq!(
        (one.resource_type.as_str(), one.version, one.journal_seq),
        ("Observation", 1, seq)
    );
    assert_eq!(
        (one.source.as_str(), one.mapping.as_str()),
        ("ward", "hl7/1")
    );
    assert_eq!(one.known_at, place.clock.now().as_microsecond());
    assert_eq!(
        (one.when.unwrap().lo, one.when.unwrap().hi, one.source_time),
        (5, 9, Some(7))
    );
    assert!(one.from_seq > seq);
    assert_eq!(record.patients, [id]);
}

async fn p07_a_person_reads_as_it_was_known_at_any_moment(place: Place) {
    let store = place.open().await;
    let ann = Somebody::new("100", "Okonkwo", "Adaeze");
    let id = admit(&store, "C1", &ann).await;
    let mut moments = vec![place.clock.now()];
    for (n, value) in [(1, "4.1"), (2, "4.9")] {
        place.after_seconds(3_600);
        let seq = take(&store, message(&format!("D{n}"), "text", "100")).await;
        store
            .commit(
                &service(&store),
                applied(seq, vec![observation(&store, &ann, "F1", n, value)]),
            )
            .await
            .unwrap();
        moments.push(place.clock.now());
    }
    assert_eq!(
        store
            .history(&clinician(&store), id.as_str())
            .await
            .unwrap(),
        moments
    );
    assert_eq!(bodies(&store, id.as_str(), Some(moments[0])).await.len(), 1);
    for (moment, value) in [
        (Some(moments[1]), "4.1"),
        (Some(moments[2]), "4.9"),
        (None, "4.9"),
    ] {
        let there = bodies(&store, id.as_str(), moment).await;
        assert_eq!(there.len(), 2);
        assert!(there[0].contains(value), "{there:?}");
    }
    let before = moments[0] - jiff::SignedDuration::from_secs(1);
    assert!(matches!(
        store
            .person(&clinician(&store), id.as_str(), Some(before))
            .await,
        Err(Error::NotFound(_))
    ));
}

async fn patients_are_found_by_name_number_and_birth_date(place: Place) {
    let store = place.open().await;
    let ann = Somebody::new("MRN-100", "Okonkwo-Lindqvist", "Adaeze");
    let ben = Somebody {
        born: "1980-02-03",
        ..Somebody::new("MRN-101", "Okonkwo", "Ben")
    };
    let a = admit(&store, "C1", &ann).await;
    let b = admit(&store, "C2", &ben).await;
    let clinician = clinician(&store);
    for (query, wanted) in [
        ("okon", vec![&a, &b]),
        ("OKONKWO", vec![&a, &b]),
        ("okonkwo ben", vec![&b]),
        ("lindqvist", vec![&a]),
        ("lindqvxyz", vec![]),
        ("MRN-101", vec![&b]),
        ("1951-04-17", vec![&a]),
        ("okonkwo 1980", vec![&b]),
        ("nobody", vec![]),
        ("", vec![]),
    ] {
        let hits = store.find_patients(&clinician, query, 10).await.unwrap();
        let mut found: Vec<_> = hits.iter().flat_map(|hit| hit.patients.clone()).collect();
        found.sort();
        let mut wanted: Vec<_> = wanted.into_iter().cloned().collect();
        wanted.sort();
        assert_eq!(found, wanted, "{query}");
    }
    let (all, total) = store.list_patients(&clinician, 0, 1).await.unwrap();
    assert_eq!((all.len(), total), (1, 2));
    assert!(all[0].body.contains("Ben"), "the latest comes first");
    assert_eq!(
        store.list_patients(&clinician, 1, 10).await.unwrap().0[0].patients,
        [a]
    );
}

async fn p09_each_patient_shown_is_in_the_log_and_an_empty_search_too(place: Place) {
    let store = place.open().await;
    let a = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    admit(&store, "C2", &Somebody::new("101", "Brandt", "Ilse")).await;
    store
        .find_patients(&clinician(&store), "okonkwo", 10)
        .await
        .unwrap();
    store
        .find_patients(&clinician(&store), "nobody", 10)
        .await
        .unwrap();
    store
        .person(&clinician(&store), a.as_str(), None)
        .await
        .unwrap();
    let officer = somebody(&store, "cora", Role::Compliance);
    let find = |action: &str| bedside_store::audit::AuditFilter {
        action: Some(action.into()),
        actor: Some("cleo".into()),
        limit: 10,
        ..Default::default()
    };
    let found = store
        .audit_search(&officer, find("patient.find"))
        .await
        .unwrap();
    let mut patients: Vec<_> = found
        .iter()
        .map(|row| row.entry.patient.as_deref())
        .collect();
    patients.sort_unstable();
    assert_eq!(patients, [None, Some(a.as_str())]);
    let read = store
        .audit_search(&officer, find("patient.read"))
        .await
        .unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].entry.patient.as_deref(), Some(a.as_str()));
}

async fn p05_no_clinical_content_without_a_rule_that_grants_it(place: Place) {
    let store = place.open().await;
    let a = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    for role in [
        Role::Anonymous,
        Role::Engineer,
        Role::Compliance,
        Role::Application,
        Role::Service,
    ] {
        let ctx = somebody(&store, "mallory", role);
        assert!(
            matches!(
                store.person(&ctx, a.as_str(), None).await,
                Err(Error::Denied(_))
            ),
            "{role:?}"
        );
        assert!(
            matches!(
                store.find_patients(&ctx, "okonkwo", 10).await,
                Err(Error::Denied(_))
            ),
            "{role:?}"
        );
        assert!(
            matches!(store.links(&ctx, a.as_str()).await, Err(Error::Denied(_))),
            "{role:?}"
        );
        assert!(
            matches!(store.history(&ctx, a.as_str()).await, Err(Error::Denied(_))),
            "{role:?}"
        );
    }
    let mut foreign = clinician(&store);
    foreign.tenant = bedside_fact::id::TenantId::new("other");
    assert!(matches!(
        store.person(&foreign, a.as_str(), None).await,
        Err(Error::Denied(_))
    ));
    let officer = somebody(&store, "cora", Role::Compliance);
    let filter = bedside_store::audit::AuditFilter {
        actor: Some("mallory".into()),
        limit: 100,
        ..Default::default()
    };
    assert_eq!(
        store.audit_search(&officer, filter).await.unwrap().len(),
        20
    );
}

async fn p06_what_was_asked_is_read_back_as_of_the_moment(place: Place) {
    let store = place.open().await;
    let ann = Somebody::new("100", "Okonkwo", "Adaeze");
    let id = admit(&store, "C1", &ann).await;
    let before = place.clock.now();
    place.after_seconds(60);
    let asked = Asked {
        source: "ward".into(),
        patient: id.as_str().into(),
        resource_type: "AllergyIntolerance".into(),
        category: String::new(),
        coverage: Coverage::Complete,
        asked_at: 17,
        window_lo: None,
        window_hi: Some(18),
        persona: String::new(),
        basis: "abc".into(),
    };
    let seq = take(&store, message("C2", "text", "100")).await;
    let mut outcome = applied(seq, Vec::new());
    outcome.completeness = vec![asked.clone()];
    store.commit(&service(&store), outcome).await.unwrap();
    assert_eq!(
        store
            .person(&clinician(&store), id.as_str(), None)
            .await
            .unwrap()
            .completeness,
        [asked]
    );
    assert!(
        store
            .person(&clinician(&store), id.as_str(), Some(before))
            .await
            .unwrap()
            .completeness
            .is_empty()
    );
}

async fn p12_what_waits_in_a_patients_lane_is_counted(place: Place) {
    let store = place.open().await;
    let id = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    let other = admit(&store, "C2", &Somebody::new("101", "Brandt", "Ilse")).await;
    let parked = take(&store, message("C3", "text", "100")).await;
    let mut outcome = applied(parked, Vec::new());
    outcome.ending = Ending::Parked("no".into());
    store.commit(&service(&store), outcome).await.unwrap();
    let held = take(&store, message("C4", "text4", "100")).await;
    store
        .hold(&service(&store), &[(held, parked)])
        .await
        .unwrap();
    assert_eq!(
        store
            .person(&clinician(&store), id.as_str(), None)
            .await
            .unwrap()
            .waiting,
        2
    );
    assert_eq!(
        store
            .person(&clinician(&store), other.as_str(), None)
            .await
            .unwrap()
            .waiting,
        0
    );
}

async fn p10_nothing_readable_is_stored(place: Place) {
    let store = place.open().await;
    let mut ann = Somebody::new("MRN-7741", "Okonkwo", "Adaeze");
    ann.phone = Some("312-555-0147");
    let seq = take(
        &store,
        message(
            "C1",
            "PID|1||MRN-7741||Okonkwo^Adaeze||19510417",
            "MRN-7741",
        ),
    )
    .await;
    let mut outcome = applied(
        seq,
        vec![ann.write(&store, 1, r#","birthDate":"1951-04-17""#)],
    );
    outcome.aliases.push(ann.alias(&ann.id(&store)));
    store.commit(&service(&store), outcome).await.unwrap();
    store
        .find_patients(&clinician(&store), "Okonkwo", 10)
        .await
        .unwrap();
    store.close().await.unwrap();
    drop(store);
    if !place.is_files() {
        return;
    }
    let mut looked = 0;
    let mut folders = vec![place.data(), place.checkpoints(), place.spool()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            looked += 1;
            for word in [
                "Okonkwo",
                "okonkwo",
                "Adaeze",
                "adaeze",
                "MRN-7741",
                "1951-04-17",
                "19510417",
                "5550147",
                "555-0147",
            ] {
                let wide: Vec<u8> = word.encode_utf16().flat_map(u16::to_le_bytes).collect();
                for needle in [word.as_bytes(), wide.as_slice()] {
                    assert!(
                        !bytes.windows(needle.len()).any(|window| window == needle),
                        "{word} in {}",
                        path.display()
                    );
                }
            }
        }
    }
    assert!(looked >= 3);
}

async fn p05_a_row_moved_into_another_chart_is_refused_not_shown(place: Place) {
    let store = place.open().await;
    let ann = Somebody::new("A-1", "Okonkwo", "Adaeze");
    let ben = Somebody::new("B-1", "Berg", "Ben");
    for (control, who) in [("C1", &ann), ("C2", &ben)] {
        let seq = take(&store, message(control, "PID|1", who.mrn)).await;
        let mut outcome = applied(seq, vec![who.write(&store, 1, "")]);
        outcome.aliases.push(who.alias(&who.id(&store)));
        store.commit(&service(&store), outcome).await.unwrap();
    }
    let (ann, ben) = (ann.id(&store), ben.id(&store));
    place
        .execute(&format!(
            "UPDATE {{version}} SET patient = '{ann}' WHERE patient = '{ben}'"
        ))
        .await;
    let shown = store.person(&clinician(&store), ann.as_str(), None).await;
    assert!(matches!(shown, Err(Error::Corrupt(_))));
    store.close().await.unwrap();
}
