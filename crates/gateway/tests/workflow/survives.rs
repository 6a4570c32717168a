//! What goes wrong with one patient stops nobody else's items.

use bedside_core::ctx::Role;
use bedside_core::journal::InputState;
use bedside_fact::clock::Clock as _;
use bedside_gateway::Drive;
use bedside_store::{CaseCommit, CaseWrite, JournalFilter, OutboxPut, Settlement};
use bedside_workflow::case::{Case, Write, WriteState};

use crate::support::{Ward, admit, broken_merge, only, potassium, shipped};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p04_a_critical_result_behind_a_parked_message_is_one_item_of_its_patient_before_and_after_its_release()
 {
    let ward = Ward::new().await;
    let mut running = ward.run(shipped()).await;
    running.send(&admit("1", "100")).await;
    running.send(&broken_merge("2", "100")).await;
    running
        .send(&potassium("3", "100", "0755", "6.9", "F"))
        .await;
    let item = only(ward.open().await);
    assert_eq!(item.patient, ward.patient("100").await);
    let parked = ward
        .store
        .journal(
            &ward.ctx,
            JournalFilter {
                limit: 10,
                ..JournalFilter::default()
            },
        )
        .await
        .unwrap()
        .into_iter()
        .find(|row| row.state == InputState::Parked)
        .unwrap();
    let engineer = ward.somebody("eve", Role::Engineer);
    ward.store
        .discard(&engineer, parked.seq, "sent by mistake")
        .await
        .unwrap();
    running.gateway.lanes().reload();
    running.gateway.quiet().await;
    let after = only(ward.open().await);
    assert_eq!(
        (&after.id, &after.finding.said),
        (&item.id, &item.finding.said)
    );
    assert!(
        !after
            .finding
            .resources
            .iter()
            .any(|name| name.contains("/held"))
    );
    assert!(ward.rows(false).await.is_empty());
    running.stop().await;
    // And the next process starts.
    let ward = ward.again().await;
    let running = ward.run(shipped()).await;
    running.gateway.quiet().await;
    assert_eq!(ward.open().await.len(), 1);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p04_one_patient_who_cannot_be_judged_stops_neither_the_others_nor_their_ladders_and_is_tried_again()
 {
    let ward = Ward::new().await;
    let mut running = ward.run(shipped()).await;
    running.send(&admit("1", "100")).await;
    running.send(&admit("2", "200")).await;
    let now = ward.clock.now();
    let broken = CaseWrite {
        id: String::from("broken"),
        expected: 0,
        workflow: String::from("critical-potassium"),
        patient: ward.patient("100").await,
        state: String::from("open"),
        open: true,
        level: String::from("emergency"),
        holder: String::new(),
        owned: false,
        due: Some(now),
        opened_at: now,
        body: b"not a case".to_vec(),
        events: Vec::new(),
        timers: vec![(String::from("not_acknowledged/0/1"), now)],
        snapshot: None,
    };
    let commit = CaseCommit {
        cases: vec![broken],
        ..CaseCommit::default()
    };
    ward.store.commit_cases(&ward.ctx, commit).await.unwrap();
    running
        .send(&potassium("3", "100", "0755", "6.9", "F"))
        .await;
    running
        .send(&potassium("4", "200", "0755", "6.8", "F"))
        .await;
    let patient = ward.patient("200").await;
    let of_other = || async {
        let rows = ward.rows(true).await;
        let row = rows.into_iter().find(|row| row.patient == patient).unwrap();
        serde_json::from_slice::<Case>(&row.body).unwrap()
    };
    let before = of_other().await;
    assert!(before.finding.said.starts_with("6.8"));
    let trouble = only(ward.store.troubles(&ward.ctx).await.unwrap());
    assert_eq!(trouble.patient, ward.patient("100").await);
    assert!(!trouble.code.is_empty());
    ward.after_minutes(16);
    running.gateway.quiet().await;
    let rung = |case: &Case| case.next.clone().unwrap().index;
    assert!(rung(&of_other().await) > rung(&before));
    // It is still tried, since the same time, and nothing turns in a circle.
    let still = only(ward.store.troubles(&ward.ctx).await.unwrap());
    assert_eq!(still.since, trouble.since);
    assert!(still.due > ward.clock.now());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_that_comes_back_looks_at_once_and_another_does_when_the_lease_was_given_back()
 {
    let ward = Ward::new().await;
    // Killed: nothing gives the lease back.
    let source = ward
        .store
        .lease(&ward.ctx, "workflow", "engine", "node", 60)
        .await
        .unwrap();
    assert!(source.is_some());
    let mut running = ward.run(shipped()).await;
    running.send(&admit("1", "100")).await;
    running
        .send(&potassium("2", "100", "0755", "6.9", "F"))
        .await;
    assert_eq!(ward.open().await.len(), 1);
    running.stop().await;
    // Stopped in good order: another node need not wait.
    let mut running = ward.run_as("other node", shipped(), Drive::told()).await;
    running.send(&admit("3", "200")).await;
    running
        .send(&potassium("4", "200", "0755", "6.9", "F"))
        .await;
    assert_eq!(ward.open().await.len(), 2);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p02_a_case_hears_how_all_of_its_writes_ended_although_nobody_was_there_to_tell_it() {
    let ward = Ward::new().await;
    let mut running = ward.run(shipped()).await;
    running.send(&admit("1", "100")).await;
    running
        .send(&potassium("2", "100", "0755", "6.9", "F"))
        .await;
    running.done(&ward, &only(ward.open().await).id).await;
    running.stop().await;
    // As a process leaves it that is killed when the EHR has confirmed, with a second write of the same closed case.
    let row = only(ward.rows(false).await);
    let mut case: Case = serde_json::from_slice(&row.body).unwrap();
    let mut write = only(case.writes.clone());
    write.state = WriteState::Queued;
    let keys = ["first", "second"].map(|name| format!("{}/{name}", case.id));
    case.writes = keys
        .iter()
        .map(|key| Write {
            key: key.clone(),
            ..write.clone()
        })
        .collect();
    let put = |key: &String| OutboxPut {
        key: key.clone(),
        route: String::from("ehr/Communication"),
        due: ward.clock.now(),
        payload: b"{}".to_vec(),
        case: Some(case.id.clone()),
    };
    let commit = CaseCommit {
        outbox: keys.iter().map(put).collect(),
        cases: vec![CaseWrite {
            id: row.id,
            expected: row.version,
            workflow: row.workflow,
            patient: row.patient,
            state: row.state,
            open: false,
            level: row.level,
            holder: row.holder,
            owned: row.owned,
            due: None,
            opened_at: row.opened_at,
            body: serde_json::to_vec(&case).unwrap(),
            events: Vec::new(),
            timers: Vec::new(),
            snapshot: None,
        }],
        cursor: None,
    };
    let ward = ward.again().await;
    ward.store.commit_cases(&ward.ctx, commit).await.unwrap();
    let items = ward
        .store
        .outbox_claim(&ward.ctx, "ehr/Communication", "w", 9, 60)
        .await
        .unwrap();
    assert_eq!(items.len(), 2);
    for item in items {
        let item = ward.store.outbox_send(&ward.ctx, item, 60).await.unwrap();
        ward.store
            .outbox_settle(&ward.ctx, &item, Settlement::Done { remote: None })
            .await
            .unwrap();
    }
    let running = ward.run(shipped()).await;
    running.gateway.quiet().await;
    let heard = only(ward.closed().await);
    let states: Vec<WriteState> = heard.writes.iter().map(|write| write.state).collect();
    assert_eq!(states, [WriteState::Confirmed, WriteState::Confirmed]);
    assert!(ward.store.untold(&ward.ctx, 0, 9).await.unwrap().is_empty());
    running.stop().await;
}
