//! Two records of one person, and what was one and is two again.

use bedside_core::ctx::Role;
use bedside_workflow::case::CaseState;

use crate::support::{Running, Ward, admit, is, merge, only, potassium, shipped};

async fn undo(ward: &Ward, running: &Running, number: &str) {
    let patient = ward.patient(number).await;
    let links = ward
        .store
        .links(&ward.somebody("cora", Role::Clinician), patient.as_str())
        .await
        .unwrap();
    let link = links.iter().find(|link| link.kind == "merge").unwrap().seq;
    ward.store
        .undo_merge(&ward.somebody("eve", Role::Engineer), link, "two people")
        .await
        .unwrap();
    running.gateway.lanes().reload();
    running.gateway.quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p05_when_a_link_is_undone_each_of_the_two_has_their_own_item_again() {
    let ward = Ward::new().await;
    let mut running = ward.run(shipped()).await;
    running.send(&admit("1", "100")).await;
    running.send(&admit("2", "200")).await;
    running
        .send(&potassium("3", "100", "0750", "6.1", "F"))
        .await;
    running
        .send(&potassium("4", "200", "0740", "6.9", "F"))
        .await;
    assert_eq!(ward.said().await, ["6.1 mmol/L", "6.9 mmol/L"]);
    running.send(&merge("5", "100", "200")).await;
    // The more urgent of the two goes on.
    let one = only(ward.open().await);
    assert_eq!(one.climbs, "emergency");
    assert!(is(&only(ward.closed().await), CaseState::Superseded));
    undo(&ward, &running, "100").await;
    assert_eq!(ward.said().await, ["6.1 mmol/L", "6.9 mmol/L"]);
    let open = ward.open().await;
    for (number, said) in [("100", "6.1 mmol/L"), ("200", "6.9 mmol/L")] {
        let patient = ward.patient(number).await;
        let own = open.iter().find(|case| case.patient == patient).unwrap();
        assert_eq!(
            (own.finding.said.as_str(), &own.finding.patient),
            (said, &patient)
        );
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p05_an_item_does_not_go_on_standing_on_a_result_that_turned_out_to_be_anothers() {
    let ward = Ward::new().await;
    let mut running = ward.run(shipped()).await;
    running.send(&admit("1", "100")).await;
    running.send(&admit("2", "200")).await;
    running
        .send(&potassium("3", "100", "0740", "6.1", "F"))
        .await;
    running.send(&merge("4", "100", "200")).await;
    running
        .send(&potassium("5", "200", "0750", "6.9", "F"))
        .await;
    assert_eq!(ward.said().await, ["6.9 mmol/L"]);
    undo(&ward, &running, "100").await;
    assert_eq!(ward.said().await, ["6.1 mmol/L", "6.9 mmol/L"]);
    for case in ward.open().await {
        let number = if case.finding.said.starts_with("6.1") {
            "100"
        } else {
            "200"
        };
        let patient = ward.patient(number).await;
        assert_eq!((&case.patient, &case.finding.patient), (&patient, &patient));
    }
    running.stop().await;
}
