//! What applications read: their own grant, one position of the record, and each access in the log before it is answered.

use bedside_core::access::{Action, Grant};
use bedside_core::audit::AuditOutcome;
use bedside_core::completeness::{Asked, Coverage};
use bedside_core::ctx::OpCtx;
use bedside_fact::id::SourceId;
use bedside_fhir::search::{Query, Reading, type_of};
use bedside_store::audit::AuditFilter;
use bedside_store::{Attempt, Cursor, Error, FhirFound, FhirRead, FhirSearch, Searched, Store};
use jiff::tz::TimeZone;

use crate::feed::{Somebody, admit, applied, merge, message, observation, take};
use crate::support::{Place, service, somebody};

crate::contract![
    d16_a_type_that_is_not_granted_is_refused_before_anything_is_looked_up,
    d07_later_pages_read_the_position_of_the_first,
    d06_patients_are_found_by_the_sealed_index,
    d11_a_person_is_read_with_links_and_is_gone_when_the_link_is,
    p05_a_doubt_about_who_this_is_stands_in_the_answer,
    p06_each_source_that_was_not_asked_is_named,
    p09_nothing_is_answered_that_is_not_in_the_log,
];

fn application(store: &Store, scopes: &str) -> OpCtx {
    store.application_ctx("device", Grant::parse(scopes))
}

fn asked(kind: &str, pairs: &[(&str, &str)], from: Option<(i64, usize)>) -> FhirSearch {
    let pairs: Vec<(String, String)> = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let times =
        |text: &str| bedside_fact::time::span(text, &TimeZone::UTC).map(|span| (span.lo, span.hi));
    let reading = Reading {
        base: "http://127.0.0.1/fhir",
        strict: true,
        span: &times,
    };
    FhirSearch {
        query: Query::parse(type_of(kind).unwrap(), &pairs, &reading).unwrap(),
        zone: TimeZone::UTC,
        from,
    }
}

async fn found(store: &Store, ctx: &OpCtx, search: FhirSearch) -> FhirFound {
    match store.fhir_search(ctx, search).await.unwrap() {
        Searched::Found(found) => *found,
        Searched::TooCostly(words) => panic!("{words}"),
    }
}

fn ids(found: &FhirFound) -> Vec<String> {
    found.matches.iter().map(|one| one.id.clone()).collect()
}

async fn d16_a_type_that_is_not_granted_is_refused_before_anything_is_looked_up(place: Place) {
    let store = place.open().await;
    let ada = Somebody::new("100", "Okonkwo", "Adaeze");
    let id = admit(&store, "C1", &ada).await;
    let ctx = application(&store, "system/Observation.rs");
    for id in [id.as_str(), "nobody"] {
        let read = store.fhir_read(&ctx, "Patient", id, None).await;
        assert!(matches!(read, Err(Error::Denied(_))));
        let search = asked("Patient", &[("_id", id)], None);
        assert!(matches!(
            store.fhir_search(&ctx, search).await,
            Err(Error::Denied(_))
        ));
    }
    let create = store
        .fhir_subjects(&ctx, "Observation", vec![id.as_str().to_owned()])
        .await;
    assert!(matches!(create, Err(Error::Denied(_))));
    // Nobody else comes in by this door: not a person, not a program without a grant, not another tenant's.
    for ctx in [
        somebody(&store, "cleo", bedside_core::ctx::Role::Clinician),
        OpCtx {
            grant: None,
            ..application(&store, "")
        },
        OpCtx {
            tenant: bedside_fact::id::TenantId::new("other"),
            ..application(&store, "system/Patient.rs")
        },
    ] {
        let read = store.fhir_read(&ctx, "Patient", id.as_str(), None).await;
        assert!(matches!(read, Err(Error::Denied(_))));
    }
    // The chart and the journal are no application's.
    let wide = application(&store, "system/Patient.rs");
    assert!(store.person(&wide, id.as_str(), None).await.is_err());
    assert!(store.find_patients(&wide, "okonkwo", 10).await.is_err());
}

async fn d07_later_pages_read_the_position_of_the_first(place: Place) {
    let store = place.open().await;
    let ada = Somebody::new("100", "Okonkwo", "Adaeze");
    let id = admit(&store, "C1", &ada).await;
    let seq = take(&store, message("C2", "two", "100")).await;
    let writes = ["a", "b", "c"].map(|name| observation(&store, &ada, name, 1, "old"));
    store
        .commit(&service(&store), applied(seq, writes.to_vec()))
        .await
        .unwrap();
    let ctx = application(&store, "system/Observation.rs");
    let pairs = [("patient", id.as_str()), ("_count", "2")];
    let first = found(&store, &ctx, asked("Observation", &pairs, None)).await;
    assert_eq!(
        (first.matches.len(), first.total, first.next),
        (2, 3, Some(2))
    );
    let seq = take(&store, message("C3", "three", "100")).await;
    let mut writes = vec![observation(&store, &ada, "d", 1, "new")];
    writes.extend(["a", "b", "c"].map(|name| observation(&store, &ada, name, 2, "new")));
    store
        .commit(&service(&store), applied(seq, writes))
        .await
        .unwrap();
    let from = Some((first.seq, 2));
    let second = found(&store, &ctx, asked("Observation", &pairs, from)).await;
    assert_eq!(
        (second.matches.len(), second.total, second.next),
        (1, 3, None)
    );
    assert!(second.matches[0].body.contains("old"));
    assert!(!ids(&first).contains(&second.matches[0].id));
    assert_eq!(
        found(&store, &ctx, asked("Observation", &pairs, None))
            .await
            .total,
        4
    );

    // A cursor says nothing, and is of use to nobody else.
    let cursor = Cursor {
        resource_type: "Observation".into(),
        used: vec![("patient".into(), id.as_str().into())],
        seq: first.seq,
        offset: 2,
    };
    let text = store.fhir_cursor(&ctx, &cursor).unwrap().unwrap();
    assert!(!text.contains(id.as_str()));
    assert_eq!(store.fhir_cursor_of(&ctx, &text), Some(cursor.clone()));
    let other = store.application_ctx("another", Grant::default());
    assert_eq!(store.fhir_cursor_of(&other, &text), None);
    for broken in ["", "AAAA", &text[1..], &"A".repeat(5_000)] {
        assert_eq!(store.fhir_cursor_of(&ctx, broken), None);
    }
    let long = Cursor {
        used: vec![("code".into(), "x".repeat(4_000))],
        ..cursor
    };
    assert_eq!(store.fhir_cursor(&ctx, &long).unwrap(), None);
}

async fn d06_patients_are_found_by_the_sealed_index(place: Place) {
    let store = place.open().await;
    let ada = admit(&store, "C1", &Somebody::new("100", "Okonkwo", "Adaeze")).await;
    let ilse = admit(&store, "C2", &Somebody::new("901", "Brandt", "Ilse")).await;
    let ctx = application(&store, "system/Patient.rs");
    for (pairs, expected) in [
        (vec![("family", "okon")], vec![&ada]),
        (vec![("name", "ILSE")], vec![&ilse]),
        (vec![("_id", ada.as_str()), ("family", "brandt")], vec![]),
        (vec![("identifier", "100"), ("family", "okonkwo")], vec![]),
    ] {
        // The stored bodies of this feed hold names only: the index narrows, and the opened record decides.
        let answer = found(&store, &ctx, asked("Patient", &pairs, None)).await;
        let expected: Vec<String> = expected.iter().map(|id| id.as_str().to_owned()).collect();
        assert_eq!(ids(&answer), expected, "{pairs:?}");
    }
    assert_eq!(
        found(&store, &ctx, asked("Patient", &[], None)).await.total,
        2
    );
    let ctx = application(&store, "system/Observation.rs");
    let costly = store
        .fhir_search(&ctx, asked("Observation", &[("status", "final")], None))
        .await
        .unwrap();
    assert!(matches!(costly, Searched::TooCostly(_)));
}

async fn d11_a_person_is_read_with_links_and_is_gone_when_the_link_is(place: Place) {
    let store = place.open().await;
    let here = Somebody::new("100", "Okonkwo", "Adaeze");
    let there = Somebody::new("200", "Okonkwo", "Ada");
    let one = admit(&store, "C1", &here).await;
    let two = admit(&store, "C2", &there).await;
    let reader = somebody(&store, "cleo", bedside_core::ctx::Role::Clinician);
    let before = store.person(&reader, two.as_str(), None).await.unwrap();
    merge(&store, "C3", &here, &there).await;
    let person = store.person(&reader, one.as_str(), None).await.unwrap();
    let ctx = application(&store, "system/Patient.rs system/Observation.crs");
    let FhirRead::Here(read) = store
        .fhir_read(&ctx, "Patient", person.person.as_str(), None)
        .await
        .unwrap()
    else {
        panic!("a person is read");
    };
    assert_eq!(read.patients, [one.as_str(), two.as_str()]);
    assert!(
        read.body.contains(&format!("Patient/{one}"))
            && read.body.contains(&format!("Patient/{two}"))
    );
    assert!(!read.body.contains("replaced-by"));
    // Who has gone into another person is not somebody by itself any more.
    let gone = if before.person == person.person {
        None
    } else {
        Some(before.person)
    };
    if let Some(gone) = gone {
        let read = store.fhir_read(&ctx, "Patient", gone.as_str(), None).await;
        assert!(matches!(read.unwrap(), FhirRead::Gone));
    }
    assert!(matches!(
        store
            .fhir_read(&ctx, "Patient", "nobody", None)
            .await
            .unwrap(),
        FhirRead::Missing
    ));
    // What is written of the person goes to the record that stays.
    let subjects = vec![
        person.person.as_str().to_owned(),
        two.as_str().to_owned(),
        "nobody".into(),
    ];
    let meant = store
        .fhir_subjects(&ctx, "Observation", subjects)
        .await
        .unwrap();
    assert_eq!(meant, [Some(one), Some(two), None]);
}

async fn p05_a_doubt_about_who_this_is_stands_in_the_answer(place: Place) {
    let store = place.open().await;
    let mut here = Somebody::new("100", "Okonkwo", "Adaeze");
    here.phone = Some("312-555-0147");
    let there = Somebody {
        source: "clinic",
        mrn: "900",
        ..here.clone()
    };
    let id = admit(&store, "C1", &here).await;
    let ctx = application(&store, "system/Condition.rs");
    let pairs = [("patient", id.as_str())];
    let doubts = |found: FhirFound| {
        found
            .gaps
            .iter()
            .filter(|gap| gap.code == "informational")
            .count()
    };
    let before = found(&store, &ctx, asked("Condition", &pairs, None)).await;
    assert_eq!(doubts(before), 0);
    admit(&store, "C2", &there).await;
    let after = found(&store, &ctx, asked("Condition", &pairs, None)).await;
    assert_eq!(doubts(after), 1);
}

async fn p06_each_source_that_was_not_asked_is_named(place: Place) {
    let store = place.open().await;
    let ada = Somebody::new("100", "Okonkwo", "Adaeze");
    let id = admit(&store, "C1", &ada).await;
    let ctx = application(&store, "system/Condition.rs");
    let pairs = [("patient", id.as_str())];
    let words = |found: FhirFound| -> Vec<String> {
        assert_eq!(found.total, 0);
        found.gaps.into_iter().map(|gap| gap.words).collect()
    };
    let never = words(found(&store, &ctx, asked("Condition", &pairs, None)).await);
    assert_eq!(never, ["ward was never asked for Condition"]);
    for (n, (source, coverage)) in [
        ("ward", Coverage::Complete),
        ("clinic", Coverage::Denied),
        ("clinic", Coverage::Complete),
    ]
    .into_iter()
    .enumerate()
    {
        let seq = take(&store, message(&format!("A{n}"), &format!("a{n}"), "100")).await;
        let mut outcome = applied(seq, Vec::new());
        outcome.patients.push(id.clone());
        outcome.completeness.push(Asked {
            source: source.into(),
            patient: id.as_str().into(),
            resource_type: "Condition".into(),
            category: String::new(),
            coverage,
            asked_at: 1_000_000 * i64::try_from(n).unwrap(),
            window_lo: None,
            window_hi: None,
            persona: String::new(),
            basis: "test".into(),
        });
        store.commit(&service(&store), outcome).await.unwrap();
        let said = words(found(&store, &ctx, asked("Condition", &pairs, None)).await);
        match n {
            1 => assert_eq!(said, ["clinic refused Condition at 1970-01-01T00:00:01Z"]),
            _ => assert_eq!(
                said,
                ["no Condition that fits is recorded, which is not a statement that there is none"]
            ),
        }
    }
}

async fn p09_nothing_is_answered_that_is_not_in_the_log(place: Place) {
    let (store, faults) = place.open_with_faults().await;
    let ada = Somebody::new("100", "Okonkwo", "Adaeze");
    let id = admit(&store, "C1", &ada).await;
    let ctx = application(&store, "system/Patient.rs system/Observation.crs");
    faults.fail_writes(true);
    let read = store.fhir_read(&ctx, "Patient", id.as_str(), None).await;
    assert!(matches!(read, Err(Error::Unavailable)));
    let search = asked("Patient", &[("family", "okonkwo")], None);
    assert!(matches!(
        store.fhir_search(&ctx, search).await,
        Err(Error::Unavailable)
    ));
    let subjects = store
        .fhir_subjects(&ctx, "Observation", vec![id.as_str().to_owned()])
        .await;
    assert!(matches!(subjects, Err(Error::Unavailable)));
    // A refusal that can't be written down is not told either.
    let attempt = Attempt {
        action: Action::ReadResources,
        outcome: AuditOutcome::Denied,
        patients: vec![id.as_str().to_owned(), "Okonkwo".into()],
        detail: "404 GET Patient/ID".into(),
    };
    let told = store.fhir_attempts(&ctx, vec![attempt.clone()]).await;
    assert!(matches!(told, Err(Error::Unavailable)));
    faults.fail_writes(false);
    store.fhir_attempts(&ctx, vec![attempt]).await.unwrap();
    let log = store
        .audit_search(
            &somebody(&store, "carol", bedside_core::ctx::Role::Compliance),
            AuditFilter {
                limit: 50,
                ..AuditFilter::default()
            },
        )
        .await
        .unwrap();
    let told: Vec<_> = log
        .iter()
        .filter(|row| row.entry.detail.as_deref() == Some("404 GET Patient/ID"))
        .map(|row| row.entry.patient.as_deref())
        .collect();
    assert_eq!(
        told,
        [Some(id.as_str())],
        "what was named in the place of a patient and is none is not repeated"
    );
    let own = store
        .fhir_own(
            &ctx,
            &SourceId::new("device"),
            &id,
            asked("Observation", &[("identifier", "x")], None).query,
        )
        .await
        .unwrap();
    assert!(own.is_empty());
}
