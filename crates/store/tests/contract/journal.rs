//! Taking in: durable before acknowledged, repeats known, nothing lost, nothing readable.

use bedside_core::ctx::Role;
use bedside_core::journal::{Admitted, InputState, UnitKey};
use bedside_core::record::Ending;
use bedside_fact::id::{ResourceId, Seq, SystemId};
use bedside_fact::phi::Phi;
use bedside_store::{Error, JournalFilter};

use crate::feed::{AUTHORITY, Somebody, admit, applied, message, take};
use crate::support::{Place, service, somebody};

crate::contract![
    p01_an_input_reads_back_as_it_was_received_after_a_restart,
    p02_a_message_sent_twice_is_taken_once_and_again_after_a_restart,
    p02_the_same_message_on_two_connections_at_once_is_taken_once,
    p02_a_control_id_with_other_bytes_is_another_message,
    p02_a_unit_of_a_file_is_taken_once,
    a_message_without_a_control_id_is_never_a_repeat,
    p03_every_input_is_in_exactly_one_state_and_the_counts_add_up,
    p03_what_cannot_be_read_is_parked_with_a_reason_and_an_owner,
    p04_a_replay_frees_the_input_and_those_behind_it_in_order,
    a_discarded_input_ends_as_a_no_op_with_its_reason,
    p05_one_bad_unit_of_work_does_not_spoil_the_batch,
    p10_the_bytes_move_under_the_patients_key_once_the_patient_is_known,
    p09_a_raw_input_is_for_those_with_a_reason_and_the_attempt_is_in_the_log,
    the_journal_is_listed_newest_first_and_onwards_from_a_position,
    a_source_is_made_once,
];

async fn p01_an_input_reads_back_as_it_was_received_after_a_restart(place: Place) {
    let bytes = b"MSH|^~\\&|\x00\xff\r\nPID|1".to_vec();
    let store = place.open().await;
    let mut input = message("C1", "", "100");
    input.raw = Phi::new(bytes.clone());
    input.context = Phi::new(b"{\"urn:uuid:1\":[\"Patient\",\"7\"]}".to_vec());
    let seq = take(&store, input).await;
    store.close().await.unwrap();
    drop(store);

    let store = place.open().await;
    let read = store.input(&service(&store), seq).await.unwrap();
    assert_eq!(read.raw.expose(), &bytes);
    assert_eq!(
        read.context.expose().as_slice(),
        b"{\"urn:uuid:1\":[\"Patient\",\"7\"]}"
    );
    assert_eq!(read.row.control_id, "C1");
    assert_eq!(read.row.bytes, u64::try_from(bytes.len()).unwrap());
    assert_eq!(read.row.state, InputState::Pending);
    assert!(matches!(
        store.input(&service(&store), Seq(999)).await,
        Err(Error::NotFound(_))
    ));
}

async fn p02_a_message_sent_twice_is_taken_once_and_again_after_a_restart(place: Place) {
    let store = place.open().await;
    let seq = take(&store, message("C1", "text", "100")).await;
    assert_eq!(
        store
            .append(&service(&store), message("C1", "text", "100"))
            .await
            .unwrap(),
        Admitted::Again(seq)
    );
    store.close().await.unwrap();
    drop(store);
    let store = place.open().await;
    assert_eq!(
        store
            .append(&service(&store), message("C1", "text", "100"))
            .await
            .unwrap(),
        Admitted::Again(seq)
    );
    // At another source it is another message.
    let mut elsewhere = message("C1", "text", "100");
    elsewhere.source = bedside_fact::id::SourceId::new("lab");
    take(&store, elsewhere).await;
}

async fn p02_the_same_message_on_two_connections_at_once_is_taken_once(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    for round in 0..20 {
        let control = format!("C{round}");
        let once = || store.append(&ctx, message(&control, "text", "100"));
        let (a, b, c) = tokio::join!(once(), once(), once());
        let mut answers = [a.unwrap(), b.unwrap(), c.unwrap()];
        answers.sort_by_key(|answer| matches!(answer, Admitted::Again(_)));
        let [
            Admitted::Taken(seq),
            Admitted::Again(one),
            Admitted::Again(two),
        ] = answers
        else {
            panic!("taken other than once: {answers:?}");
        };
        assert_eq!((one, two), (seq, seq));
    }
    // Several at a time, crosswise, must neither wait for each other for ever nor be taken twice.
    let many = |controls: [&str; 2]| {
        let inputs = controls
            .map(|control| message(control, "text", "100"))
            .to_vec();
        store.append_many(&ctx, inputs)
    };
    let (a, b) = tokio::join!(many(["X", "Y"]), many(["Y", "X"]));
    let taken = a
        .unwrap()
        .into_iter()
        .chain(b.unwrap())
        .filter(|one| matches!(one, Admitted::Taken(_)))
        .count();
    assert_eq!(taken, 2);
}

async fn p02_a_control_id_with_other_bytes_is_another_message(place: Place) {
    let store = place.open().await;
    let first = take(&store, message("C1", "one", "100")).await;
    let second = take(&store, message("C1", "two", "100")).await;
    let rows = store
        .journal(&service(&store), JournalFilter::default())
        .await
        .unwrap();
    assert_eq!((rows[0].seq, rows[1].seq), (second, first));
    assert!(rows[0].reason.contains("control id"), "{}", rows[0].reason);
    // Both in one go, and a repeat of the first among them.
    let inputs = ["one", "two", "one"]
        .map(|text| message("C2", text, "100"))
        .to_vec();
    let answers = store.append_many(&service(&store), inputs).await.unwrap();
    let [Admitted::Taken(a), Admitted::Taken(b), Admitted::Again(c)] = answers[..] else {
        panic!("{answers:?}");
    };
    assert!(a == c && a < b);
}

async fn p02_a_unit_of_a_file_is_taken_once(place: Place) {
    let store = place.open().await;
    let unit = |position| {
        let mut input = message("C1", "text", "100");
        input.unit = UnitKey::File {
            hash: [3; 32],
            position,
        };
        input
    };
    let first = store
        .append_many(&service(&store), vec![unit(0), unit(1), unit(0)])
        .await
        .unwrap();
    let [
        Admitted::Taken(a),
        Admitted::Taken(_),
        Admitted::Again(again),
    ] = first[..]
    else {
        panic!("{first:?}");
    };
    assert_eq!(a, again);
    let second = store
        .append_many(&service(&store), vec![unit(0), unit(1)])
        .await
        .unwrap();
    assert!(second.iter().all(|one| matches!(one, Admitted::Again(_))));
    assert_eq!(store.counts(&service(&store)).await.unwrap().inputs, 2);
}

async fn a_message_without_a_control_id_is_never_a_repeat(place: Place) {
    let store = place.open().await;
    take(&store, message("", "text", "100")).await;
    take(&store, message("", "text", "100")).await;
}

async fn p03_every_input_is_in_exactly_one_state_and_the_counts_add_up(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = Somebody::new("100", "Okonkwo", "Adaeze");
    admit(&store, "C1", &ann).await;
    for (control, ending) in [
        ("C2", Ending::Noop("not mapped".into())),
        ("C3", Ending::Parked("A40 without MRG-1".into())),
        ("C4", Ending::Noop("no change".into())),
    ] {
        let seq = take(&store, message(control, control, "100")).await;
        let mut outcome = applied(seq, Vec::new());
        outcome.ending = ending;
        assert!(store.commit(&ctx, outcome).await.unwrap().changed);
    }
    let parked = store.quarantine(&ctx, false).await.unwrap()[0].row.seq;
    let held = take(&store, message("C5", "five", "100")).await;
    store.hold(&ctx, &[(held, parked)]).await.unwrap();
    take(&store, message("C6", "six", "100")).await;

    let counts = store.counts(&ctx).await.unwrap();
    assert_eq!(
        (counts.inputs, counts.parked, counts.held, counts.pending),
        (6, 1, 1, 1)
    );
    let rows = store.journal(&ctx, JournalFilter::default()).await.unwrap();
    let states: Vec<_> = rows
        .iter()
        .rev()
        .map(|row| (row.state.as_str(), row.reason.as_str()))
        .collect();
    let behind = format!("behind {parked}");
    assert_eq!(
        states,
        [
            ("applied", ""),
            ("noop", "not mapped"),
            ("parked", "A40 without MRG-1"),
            ("noop", "no change"),
            ("held", behind.as_str()),
            ("pending", ""),
        ]
    );
    let waiting = store.waiting(&ctx, Seq(0), 10).await.unwrap();
    assert_eq!(waiting.len(), 3);
    assert!(
        waiting
            .iter()
            .all(|one| one.lanes == waiting[0].lanes && one.lanes.len() == 1)
    );
    let status = &store.sources(&ctx).await.unwrap();
    assert!(status.is_empty(), "no source was made");
}

async fn p03_what_cannot_be_read_is_parked_with_a_reason_and_an_owner(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let mut input = message("", "garbage", "100");
    input.reject = Some("HL7-NO-MSH at byte 0".into());
    input.lanes.clear();
    let seq = take(&store, input).await;
    let parked = store.quarantine(&ctx, false).await.unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!(
        (parked[0].row.seq, parked[0].row.reason.as_str()),
        (seq, "HL7-NO-MSH at byte 0")
    );
    assert_eq!(parked[0].owner, "integration engineer");
    assert_eq!(parked[0].row.state, InputState::Parked);
}

async fn p04_a_replay_frees_the_input_and_those_behind_it_in_order(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let mut seqs = Vec::new();
    for control in ["C1", "C2", "C3"] {
        seqs.push(take(&store, message(control, control, "100")).await);
    }
    let mut outcome = applied(seqs[0], Vec::new());
    outcome.ending = Ending::Parked("no patient identifier".into());
    store.commit(&ctx, outcome.clone()).await.unwrap();
    store
        .hold(&ctx, &[(seqs[2], seqs[0]), (seqs[1], seqs[0])])
        .await
        .unwrap();
    assert_eq!(
        store.quarantine(&ctx, false).await.unwrap()[0].held_behind,
        2
    );

    let engineer = somebody(&store, "eve", Role::Engineer);
    assert_eq!(store.replay(&engineer, seqs[0]).await.unwrap(), seqs);
    assert!(matches!(
        store.replay(&engineer, seqs[0]).await,
        Err(Error::NotFound(_))
    ));
    let waiting = store.waiting(&ctx, Seq(0), 10).await.unwrap();
    assert!(waiting.iter().all(|one| one.state == InputState::Pending));
    assert!(store.quarantine(&ctx, false).await.unwrap().is_empty());
    assert_eq!(store.quarantine(&ctx, true).await.unwrap().len(), 1);
    // It may be parked again, at the same moment too.
    store.commit(&ctx, outcome).await.unwrap();
    assert_eq!(store.quarantine(&ctx, false).await.unwrap().len(), 1);
}

async fn a_discarded_input_ends_as_a_no_op_with_its_reason(place: Place) {
    let store = place.open().await;
    let engineer = somebody(&store, "eve", Role::Engineer);
    let mut input = message("", "garbage", "100");
    input.reject = Some("unreadable".into());
    let seq = take(&store, input).await;
    assert!(matches!(
        store.discard(&engineer, seq, " ").await,
        Err(Error::Invalid(_))
    ));
    assert!(
        store
            .discard(&engineer, seq, "a test message of the vendor")
            .await
            .unwrap()
            .is_empty()
    );
    let rows = store
        .journal(&engineer, JournalFilter::default())
        .await
        .unwrap();
    assert_eq!(
        (rows[0].state, rows[0].reason.as_str()),
        (InputState::Noop, "discarded")
    );
    let clinician = somebody(&store, "cleo", Role::Clinician);
    assert!(matches!(
        store.discard(&clinician, seq, "why not").await,
        Err(Error::Denied(_))
    ));
}

async fn p05_one_bad_unit_of_work_does_not_spoil_the_batch(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let ann = Somebody::new("100", "Okonkwo", "Adaeze");
    let mut outcomes = Vec::new();
    for n in 0..8 {
        let seq = take(&store, message(&format!("C{n}"), "text", "100")).await;
        let number = if n == 0 { 1 } else { 9 };
        outcomes.push(applied(seq, vec![ann.write(&store, number, "")]));
    }
    let tasks: Vec<_> = outcomes
        .into_iter()
        .map(|outcome| {
            let (store, ctx) = (store.clone(), ctx.clone());
            async move { store.commit(&ctx, outcome).await }
        })
        .collect();
    let mut results = Vec::new();
    let mut set = tokio::task::JoinSet::new();
    for task in tasks {
        set.spawn(task);
    }
    while let Some(result) = set.join_next().await {
        results.push(result.unwrap());
    }
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(
        results
            .iter()
            .filter_map(|result| result.as_ref().err())
            .all(|error| *error == Error::Conflict)
    );
    let counts = store.counts(&ctx).await.unwrap();
    assert_eq!((counts.resources, counts.pending), (1, 7));
}

async fn p10_the_bytes_move_under_the_patients_key_once_the_patient_is_known(place: Place) {
    let store = place.open().await;
    let ann = Somebody::new("100", "Okonkwo", "Adaeze");
    let id = admit(&store, "C1", &ann).await;
    // The row is found by these conditions or the helper fails.
    place
        .bytes(
            "journal",
            "raw_key",
            &format!("control_id = 'C1' AND raw_key_of = '{id}'"),
        )
        .await;
    let seq = store
        .journal(&service(&store), JournalFilter::default())
        .await
        .unwrap()[0]
        .seq;
    assert_eq!(
        store
            .input(&service(&store), seq)
            .await
            .unwrap()
            .raw
            .expose(),
        b"C1"
    );

    // About two patients it stays under the tenant's (design D5).
    let seq = take(&store, message("C2", "two", "100")).await;
    let mut outcome = applied(seq, Vec::new());
    outcome.patients = vec![id, ResourceId::new("somebodyelse")];
    store.commit(&service(&store), outcome).await.unwrap();
    place
        .bytes(
            "journal",
            "raw_key",
            "control_id = 'C2' AND raw_key_of = ''",
        )
        .await;
    assert_eq!(
        store
            .input(&service(&store), seq)
            .await
            .unwrap()
            .raw
            .expose(),
        b"two"
    );

    // A changed byte is noticed and not returned.
    place
        .flip("journal_raw", "sealed", &format!("seq = {seq}"), 20)
        .await;
    assert!(matches!(
        store.input(&service(&store), seq).await,
        Err(Error::Corrupt(_))
    ));
}

async fn p09_a_raw_input_is_for_those_with_a_reason_and_the_attempt_is_in_the_log(place: Place) {
    let store = place.open().await;
    let ann = Somebody::new("100", "Okonkwo", "Adaeze");
    let id = admit(&store, "C1", &ann).await;
    let seq = store
        .journal(&service(&store), JournalFilter::default())
        .await
        .unwrap()[0]
        .seq;
    let mut engineer = somebody(&store, "eve", Role::Engineer);
    assert!(matches!(
        store.input(&engineer, seq).await,
        Err(Error::Denied(_))
    ));
    engineer.reason = Some("ticket 4711".into());
    assert_eq!(
        store.input(&engineer, seq).await.unwrap().raw.expose(),
        b"C1"
    );

    let officer = somebody(&store, "cora", Role::Compliance);
    let filter = bedside_store::audit::AuditFilter {
        action: Some("input.read".into()),
        limit: 10,
        ..Default::default()
    };
    let rows = store.audit_search(&officer, filter).await.unwrap();
    let mut seen: Vec<_> = rows
        .iter()
        .map(|row| (row.index, row.entry.outcome, row.entry.patient.as_deref()))
        .collect();
    seen.sort_by_key(|(index, _, _)| *index);
    use bedside_core::audit::AuditOutcome::{Denied, Success};
    assert_eq!((seen[0].1, seen[0].2), (Denied, None));
    assert_eq!((seen[1].1, seen[1].2), (Success, Some(id.as_str())));
}

async fn the_journal_is_listed_newest_first_and_onwards_from_a_position(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    for n in 0..5 {
        take(&store, message(&format!("C{n}"), "text", "100")).await;
        place.after_seconds(60);
    }
    let all = store.journal(&ctx, JournalFilter::default()).await.unwrap();
    assert_eq!(
        all.iter()
            .map(|row| row.control_id.as_str())
            .collect::<Vec<_>>(),
        ["C4", "C3", "C2", "C1", "C0"]
    );
    let onward = JournalFilter {
        after: Some(all[3].seq),
        limit: 2,
        ..JournalFilter::default()
    };
    let some = store.journal(&ctx, onward).await.unwrap();
    assert_eq!(
        some.iter()
            .map(|row| row.control_id.as_str())
            .collect::<Vec<_>>(),
        ["C2", "C3"]
    );
    let narrow = JournalFilter {
        source: Some("ward".into()),
        since: Some(all[1].received_at),
        state: Some(InputState::Pending),
        before: Some(all[0].seq),
        ..JournalFilter::default()
    };
    let some = store.journal(&ctx, narrow).await.unwrap();
    assert_eq!(
        some.iter()
            .map(|row| row.control_id.as_str())
            .collect::<Vec<_>>(),
        ["C3"]
    );
    let none = JournalFilter {
        source: Some("lab".into()),
        ..JournalFilter::default()
    };
    assert!(store.journal(&ctx, none).await.unwrap().is_empty());
}

async fn a_source_is_made_once(place: Place) {
    let store = place.open().await;
    let ctx = service(&store);
    let made = store
        .ensure_source(&ctx, "ward", "epic", None, "America/Chicago")
        .await
        .unwrap();
    assert_eq!(made.system, SystemId::new("ward"));
    let again = store
        .ensure_source(&ctx, "ward", "other", Some("x"), "UTC")
        .await
        .unwrap();
    assert_eq!(again, made);
    let ann = Somebody::new("100", "Okonkwo", "Adaeze");
    admit(&store, "C1", &ann).await;
    let status = store.sources(&ctx).await.unwrap();
    assert_eq!(status.len(), 1);
    let status = &status[0];
    assert_eq!(
        (
            status.patients,
            status.resources,
            status.messages,
            status.pending
        ),
        (1, 1, 1, 0)
    );
    assert!(status.last_received.is_some());
    let known = store
        .patient_of(&ctx, &SystemId::new("ward"), AUTHORITY, "100")
        .await
        .unwrap();
    assert_eq!(known, Some(ann.id(&store)));
    assert_eq!(
        store
            .patient_of(&ctx, &SystemId::new("lab"), AUTHORITY, "100")
            .await
            .unwrap(),
        None
    );
}
