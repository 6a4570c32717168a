//! What ends an item, and what makes another one of the same result.

use bedside_workflow::case::{CaseState, Input};

use crate::support::{Ward, admit, is, message, only, potassium, shipped};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p03_a_result_that_is_corrected_to_a_worse_one_after_the_item_was_done_opens_another() {
    let ward = Ward::new().await;
    let mut running = ward.run(shipped()).await;
    running.send(&admit("1", "100")).await;
    running
        .send(&potassium("2", "100", "0755", "6.6", "F"))
        .await;
    let first = only(ward.open().await);
    running.done(&ward, &first.id).await;
    // The same result once more is no other.
    running
        .send(&potassium("3", "100", "0755", "6.6", "F"))
        .await;
    assert!(ward.open().await.is_empty());
    running
        .send(&potassium("4", "100", "0755", "7.2", "C"))
        .await;
    let second = only(ward.open().await);
    assert_ne!(second.id, first.id);
    assert!(
        second.finding.said.starts_with("7.2"),
        "{}",
        second.finding.said
    );
    // Whoever treated the old one hears of it there.
    let heard = only(ward.closed().await);
    assert!(
        heard
            .notices
            .iter()
            .any(|notice| notice.to == "nora" && notice.text.contains("7.2")),
        "{:?}",
        heard.notices
    );
    running.done(&ward, &second.id).await;
    running
        .send(&potassium("5", "100", "0755", "7.2", "C"))
        .await;
    assert!(ward.open().await.is_empty());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_is_withdrawn_after_the_item_was_done_is_told_to_whoever_treated_it() {
    let ward = Ward::new().await;
    let mut running = ward.run(shipped()).await;
    running.send(&admit("1", "100")).await;
    running
        .send(&potassium("2", "100", "0755", "6.7", "F"))
        .await;
    running.done(&ward, &only(ward.open().await).id).await;
    running.send(&potassium("3", "100", "0755", "", "W")).await;
    assert!(ward.open().await.is_empty());
    let heard = only(ward.closed().await);
    assert!(
        heard
            .notices
            .iter()
            .any(|notice| notice.to == "nora" && notice.text.contains("withdrawn")),
        "{:?}",
        heard.notices
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p03_a_result_that_was_withdrawn_by_mistake_and_stands_again_is_an_item_again() {
    let ward = Ward::new().await;
    let mut running = ward.run(shipped()).await;
    running.send(&admit("1", "100")).await;
    running
        .send(&potassium("2", "100", "0755", "6.9", "F"))
        .await;
    running.send(&potassium("3", "100", "0755", "", "W")).await;
    assert!(ward.open().await.is_empty());
    running
        .send(&potassium("4", "100", "0755", "6.9", "C"))
        .await;
    let again = only(ward.open().await);
    assert!(again.finding.said.starts_with("6.9"));
    running.stop().await;
}

/// What PID-29 and PID-30 say of the patient 100.
fn died(control: &str, fields: &str) -> String {
    let before = "|".repeat(21);
    message("ADT^A08", control, "100", "")
        .replace("|19700101|F", &format!("|19700101|F{before}{fields}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_result_of_a_patient_who_died_opens_nothing() {
    let ward = Ward::new().await;
    let mut running = ward.run(shipped()).await;
    running.send(&died("1", "20260301070000+0000|Y")).await;
    running
        .send(&potassium("2", "100", "0755", "6.9", "F"))
        .await;
    assert!(ward.rows(true).await.is_empty() && ward.rows(false).await.is_empty());
    // The flag was wrong: the result is as dangerous as it was.
    running.send(&died("3", "\"\"|N")).await;
    assert_eq!(ward.said().await, ["6.9 mmol/L"]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_whose_workflow_does_not_run_any_more_stays_is_not_played_in_a_circle_and_can_be_closed()
 {
    let ward = Ward::new().await;
    let mut running = ward.run(shipped()).await;
    running.send(&admit("1", "100")).await;
    running
        .send(&potassium("2", "100", "0755", "6.9", "F"))
        .await;
    running.stop().await;
    let ward = ward.again().await;
    let running = ward.run(Vec::new()).await;
    ward.after_minutes(16);
    running.gateway.quiet().await;
    // Its rung has passed and rests; nothing is due now.
    assert!(running.gateway.next_due().unwrap() > bedside_fact::clock::Clock::now(&ward.clock));
    let item = only(ward.open().await);
    let refused = running
        .engine()
        .act(
            &ward.nurse(),
            &item.id,
            Input::Acknowledge {
                who: String::from("nora"),
            },
        )
        .await;
    assert!(refused.is_err());
    // The workflow runs again: the rung is played at once.
    running.stop().await;
    let ward = ward.again().await;
    let running = ward.run(shipped()).await;
    running.gateway.quiet().await;
    let item = only(ward.open().await);
    assert!(
        item.told.len() > 1 || item.next.is_some_and(|rung| rung.index > 0),
        "{:?}",
        item.told
    );
    running.stop().await;
    // And it can be ended without it.
    let ward = ward.again().await;
    let running = ward.run(Vec::new()).await;
    running
        .engine()
        .act(
            &ward.nurse(),
            &item.id,
            Input::Decline {
                who: String::from("nora"),
                reason: String::from("duplicate"),
            },
        )
        .await
        .unwrap();
    assert!(is(&only(ward.closed().await), CaseState::Declined));
    running.stop().await;
}
