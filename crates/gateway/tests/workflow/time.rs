//! What time alone changes.

use bedside_fact::clock::Clock as _;

use crate::support::{Ward, admit, at, edited, only, potassium, shipped};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p03_a_critical_result_whose_time_lay_ahead_is_an_emergency_when_its_time_has_come() {
    let ward = Ward::new().await;
    let mut running = ward.run(shipped()).await;
    running.send(&admit("1", "100")).await;
    running
        .send(&potassium("2", "100", "0840", "6.9", "F"))
        .await;
    assert_ne!(only(ward.open().await).level, "emergency");
    let due = running.gateway.next_due().unwrap();
    assert!(due <= at("2026-03-01T08:40:00Z"), "{due}");
    ward.clock.advance_to(at("2026-03-01T08:40:00Z"));
    running.gateway.quiet().await;
    assert_eq!(only(ward.open().await).level, "emergency");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_item_says_that_its_result_has_grown_old_without_anything_else_happening() {
    let ward = Ward::new().await;
    let mut running = ward.run(shipped()).await;
    running.send(&admit("1", "100")).await;
    running
        .send(&potassium("2", "100", "0755", "6.9", "F"))
        .await;
    let is_old = |case: &bedside_workflow::case::Case| {
        case.caveats
            .iter()
            .any(|caveat| caveat.contains("Confirm that it still matters"))
    };
    assert!(!is_old(&only(ward.open().await)));
    // Six hours and a little later, by the instants that the gateway itself names.
    while ward.clock.now() < at("2026-03-01T14:00:00Z") {
        let due = running.gateway.next_due().unwrap();
        assert!(due > ward.clock.now());
        ward.clock.advance_to(due);
        running.gateway.quiet().await;
    }
    let item = only(ward.open().await);
    assert!(is_old(&item), "{:?}", item.caveats);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_item_goes_on_by_the_definition_as_it_reads_after_a_restart() {
    let ward = Ward::new().await;
    let mut running = ward.run(shipped()).await;
    running.send(&admit("1", "100")).await;
    running
        .send(&potassium("2", "100", "0755", "6.2", "F"))
        .await;
    assert_eq!(only(ward.open().await).level, "urgent");
    running.stop().await;
    let ward = ward.again().await;
    let stricter = edited(
        "potassium at or above 6.5 mmol/L",
        "potassium at or above 6.1 mmol/L",
    );
    let hash = stricter[0].hash().to_owned();
    let running = ward.run(stricter).await;
    running.gateway.quiet().await;
    let item = only(ward.open().await);
    assert_eq!((item.level.as_str(), item.hash), ("emergency", hash));
    running.stop().await;
}
