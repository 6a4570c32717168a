//! Order per patient, merges as barriers, parked lanes.

use bedside_core::admit::{self, UnitFor};
use bedside_core::ctx::Role;
use bedside_core::journal::InputState;
use bedside_fact::id::Seq;
use bedside_gateway::Handle;
use bedside_hl7::ack::Code;
use bedside_hl7::frame;

use crate::support::{Place, Sender, adt, bad, merge, with_header};

/// Sends all of them at once and waits until the lanes are drained.
async fn send(gateway: &Handle, messages: &[String]) {
    let mut sender = Sender::to(gateway.feeds()[0].address).await;
    let stream: Vec<u8> = messages
        .iter()
        .flat_map(|message| frame::encode(message.as_bytes()))
        .collect();
    sender.bytes(&stream).await;
    for _ in messages {
        assert_eq!(sender.answer().await.unwrap().0, Code::AA);
    }
    gateway.lanes().drained().await;
}

async fn brief(place: &Place) -> Vec<(InputState, String)> {
    place
        .states()
        .await
        .into_iter()
        .map(|(_, state, reason)| (state, reason))
        .collect()
}

fn held(behind: Seq) -> (InputState, String) {
    (InputState::Held, format!("behind {behind}"))
}

fn applied() -> (InputState, String) {
    (InputState::Applied, String::new())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p04_one_patients_messages_are_applied_in_the_order_of_receipt() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let messages: Vec<String> = (0..200)
        .map(|n| {
            adt(
                "A08",
                &n.to_string(),
                &(100 + n % 5).to_string(),
                &format!("Name{n}"),
            )
        })
        .collect();
    send(&gateway, &messages).await;
    for number in 0..5 {
        let (version, body) = place.patient(&(100 + number).to_string()).await.unwrap();
        assert_eq!(version, 40);
        assert!(body.contains(&format!("Name{}\"", 195 + number)), "{body}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p04_a_merge_is_a_barrier_and_afterwards_both_numbers_share_one_order() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let mut messages = vec![
        adt("A08", "a", "100", "Old"),
        adt("A08", "b", "200", "New"),
        merge("m", "200", "100"),
    ];
    for n in 0..60 {
        let number = if n % 2 == 0 { "100" } else { "200" };
        messages.push(adt("A08", &n.to_string(), number, &format!("Name{n}")));
    }
    send(&gateway, &messages).await;
    assert!(
        brief(&place)
            .await
            .iter()
            .all(|(state, _)| *state == InputState::Applied)
    );
    let survivor = place.patient("200").await.unwrap();
    assert_eq!(place.patient("100").await.unwrap(), survivor);
    assert!(survivor.1.contains("Name59"), "{}", survivor.1);
    gateway.stop().await;

    // After a restart too.
    let gateway = place.gateway(&["ward"]).await;
    let again: Vec<String> = (60..120)
        .map(|n| {
            adt(
                "A08",
                &n.to_string(),
                if n % 2 == 0 { "100" } else { "200" },
                &format!("Name{n}"),
            )
        })
        .collect();
    send(&gateway, &again).await;
    let later = place.patient("100").await.unwrap();
    assert!(later.1.contains("Name119"), "{}", later.1);
    assert_eq!(later.0, survivor.0 + 60);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p04_a_parked_message_holds_its_patient_and_nobody_else() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let result = with_header(
        "ORU^R01",
        "r",
        "",
        "PID|1||100^^^HOSP^MR||Rossi^Anna\rOBR|1||F1^LAB|2823-3^Potassium^LN|||20260301070000\r\
         OBX|1|NM|2823-3^Potassium^LN||6.9|mmol/L|||||F\r",
    );
    let messages = [
        adt("A08", "1", "100", "Rossi"),
        bad("2", "100"),
        result,
        adt("A08", "4", "200", "Verdi"),
    ];
    send(&gateway, &messages).await;
    let rows = place.journal().await;
    let parked = rows[1].seq;
    let states = brief(&place).await;
    assert_eq!(states[0], applied());
    assert_eq!(states[1].0, InputState::Parked);
    assert_eq!(states[2], held(parked));
    assert_eq!(states[3], applied());
    assert_eq!(gateway.lanes().depth().closed, 1);
    gateway.stop().await;

    // After a restart it is still so, and what comes later waits as well.
    let gateway = place.gateway(&["ward"]).await;
    send(&gateway, &[adt("A08", "5", "100", "Bianchi")]).await;
    let states = brief(&place).await;
    assert_eq!((&states[2], &states[4]), (&held(parked), &held(parked)));

    // Replayed, it is parked again and the others are held again.
    place.store.replay(&place.ctx, parked).await.unwrap();
    gateway.lanes().reload();
    gateway.lanes().drained().await;
    let states = brief(&place).await;
    assert_eq!(states[1].0, InputState::Parked);
    assert_eq!((&states[2], &states[4]), (&held(parked), &held(parked)));

    // Given up, it lets them go, in order.
    place
        .store
        .discard(&place.ctx, parked, "the sender will send the merge again")
        .await
        .unwrap();
    gateway.lanes().reload();
    gateway.lanes().drained().await;
    let states = brief(&place).await;
    assert_eq!(states[1].0, InputState::Noop);
    assert_eq!(
        (states[2].0, states[4].0),
        (InputState::Applied, InputState::Applied)
    );
    assert!(place.patient("100").await.unwrap().1.contains("Bianchi"));
    assert_eq!(gateway.lanes().depth().closed, 0);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p04_what_is_held_behind_a_held_merge_is_freed_with_it() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let messages = [
        bad("1", "100"),
        merge("2", "200", "100"),
        adt("A08", "3", "200", "Verdi"),
        merge("4", "300", "200"),
        adt("A08", "5", "300", "Neri"),
    ];
    send(&gateway, &messages).await;
    let parked = place.journal().await[0].seq;
    assert_eq!(brief(&place).await[1..], vec![held(parked); 4]);
    place
        .store
        .discard(&place.ctx, parked, "sent by mistake")
        .await
        .unwrap();
    gateway.lanes().reload();
    gateway.lanes().drained().await;
    let states = brief(&place).await;
    assert!(
        states[1..]
            .iter()
            .all(|(state, _)| *state == InputState::Applied),
        "{states:?}"
    );
    let survivor = place.patient("300").await.unwrap();
    assert_eq!(place.patient("200").await.unwrap(), survivor);
    assert_eq!(place.patient("100").await.unwrap(), survivor);
    assert!(survivor.1.contains("Neri"), "{}", survivor.1);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p04_after_a_merge_a_parked_message_of_the_old_number_holds_the_new_one() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let messages = [
        adt("A08", "1", "100", "Old"),
        merge("2", "200", "100"),
        bad("3", "100"),
        adt("A08", "4", "200", "New"),
    ];
    send(&gateway, &messages).await;
    let parked = place.journal().await[2].seq;
    assert_eq!(brief(&place).await[3], held(parked));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p12_while_the_store_refuses_inputs_wait_and_go_on_alone_afterwards() {
    let place = Place::new().await;
    let source = place.source("ward").await;
    let (input, _) = admit::hl7(
        adt("A08", "1", "100", "Rossi").as_bytes(),
        &source,
        UnitFor::Feed,
    );
    place.store.append(&place.ctx, input).await.unwrap();
    place.faults.fail_writes(true);
    let gateway = place.gateway(&[]).await;
    for _ in 0..4 {
        place.somebody_waits().await;
        place.after_seconds(1);
    }
    place.somebody_waits().await;
    assert_eq!(place.states().await[0].1, InputState::Pending);
    place.faults.fail_writes(false);
    place.after_seconds(1);
    gateway.lanes().drained().await;
    assert_eq!(place.states().await[0].1, InputState::Applied);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_does_not_wait_for_a_store_that_refuses() {
    let place = Place::new().await;
    let source = place.source("ward").await;
    let (input, _) = admit::hl7(
        adt("A08", "1", "100", "Rossi").as_bytes(),
        &source,
        UnitFor::Feed,
    );
    place.store.append(&place.ctx, input).await.unwrap();
    place.faults.fail_writes(true);
    let gateway = place.gateway(&[]).await;
    place.somebody_waits().await;
    gateway.stop().await;
    assert_eq!(place.states().await[0].1, InputState::Pending);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_longer_than_a_page_is_worked_off() {
    let place = Place::new().await;
    let source = place.source("ward").await;
    let inputs: Vec<_> = (0..4_100)
        .map(|n| {
            let message = with_header("ZZZ^Z01", &n.to_string(), "", "ZZZ|1\r");
            admit::hl7(message.as_bytes(), &source, UnitFor::Feed).0
        })
        .collect();
    for part in inputs.chunks(500) {
        place
            .store
            .append_many(&place.ctx, part.to_vec())
            .await
            .unwrap();
    }
    let gateway = place.gateway(&[]).await;
    gateway.lanes().drained().await;
    let states = place.states().await;
    assert_eq!(states.len(), 4_100);
    assert!(
        states
            .iter()
            .all(|(_, state, reason)| *state == InputState::Noop && reason == "not mapped")
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p05_what_came_after_a_wrong_merge_ends_with_its_own_patient_when_the_merge_is_undone() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let result = with_header(
        "ORU^R01",
        "k",
        "",
        "PID|1||200^^^HOSP^MR||Brandt^Carl||19480511|M\rOBR|1||L77^LAB|24323-8^Panel^LN|||20260301075000+0100\r\
         OBX|1|NM|2823-3^Potassium^LN||6.9|mmol/L|3.5-5.1|HH|||F|||20260301075000+0100\r",
    );
    let of_carl = |trigger: &str, control: &str| {
        with_header(
            &format!("ADT^{trigger}"),
            control,
            "",
            &format!(
                "EVN|{trigger}|20260301080000+0100\rPID|1||200^^^HOSP^MR||Brandt^Carl||19480511|M\r\
                 PV1|1|I|W1^102^1^HOSP||||||||||||||||V200^^^HOSP^VN\r"
            ),
        )
    };
    let messages = [
        adt("A01", "a", "100", "Rossi"),
        of_carl("A01", "b"),
        merge("m", "100", "200"),
        result,
        of_carl("A08", "c"),
        adt("A08", "d", "100", "Rossi-Bianchi"),
        merge("again", "100", "200"),
    ];
    send(&gateway, &messages).await;
    let (_, mixed) = place.patient("200").await.unwrap();
    assert_eq!(place.patient("100").await.unwrap().1, mixed);

    let clinician = place.somebody("cleo", Role::Clinician);
    let id = |body: &str| {
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        body["id"].as_str().unwrap().to_owned()
    };
    let link = place
        .store
        .links(&clinician, &id(&mixed))
        .await
        .unwrap()
        .into_iter()
        .find(|link| link.kind == "merge")
        .unwrap();
    let engineer = place.somebody("eve", Role::Engineer);
    place
        .store
        .undo_merge(&engineer, link.seq, "two people")
        .await
        .unwrap();
    gateway.lanes().reload();
    gateway.lanes().drained().await;

    let (anna, carl) = (
        place.patient("100").await.unwrap().1,
        place.patient("200").await.unwrap().1,
    );
    assert!(
        anna.contains("Rossi-Bianchi") && !anna.contains("Brandt") && !anna.contains("1948-05-11"),
        "{anna}"
    );
    assert!(
        carl.contains("Brandt") && !carl.contains("Rossi") && !carl.contains("replaced-by"),
        "{carl}"
    );
    let chart = async |body: &str| {
        let record = place
            .store
            .person(&clinician, &id(body), None)
            .await
            .unwrap();
        assert_eq!(record.waiting, 0);
        let all: Vec<String> = record.resources.into_iter().map(|one| one.body).collect();
        all.join("\n")
    };
    let (of_anna, of_carl) = (chart(&anna).await, chart(&carl).await);
    assert!(
        !of_anna.contains("6.9") && !of_anna.contains("V200"),
        "{of_anna}"
    );
    assert!(
        of_carl.contains("6.9") && of_carl.contains("V200"),
        "{of_carl}"
    );
    assert!(of_anna.contains("V100") && !of_carl.contains("V100"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p04_after_a_merge_is_undone_each_number_has_its_own_order_again() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let messages = [
        adt("A08", "1", "100", "Old"),
        adt("A08", "2", "200", "New"),
        merge("3", "200", "100"),
    ];
    send(&gateway, &messages).await;
    let (_, body) = place.patient("200").await.unwrap();
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let links = place
        .store
        .links(
            &place.somebody("cleo", Role::Clinician),
            body["id"].as_str().unwrap(),
        )
        .await
        .unwrap();
    let merged = links.iter().find(|link| link.kind == "merge").unwrap();
    place
        .store
        .undo_merge(
            &place.somebody("eve", Role::Engineer),
            merged.seq,
            "two people",
        )
        .await
        .unwrap();
    gateway.lanes().reload();
    gateway.lanes().drained().await;
    send(
        &gateway,
        &[bad("4", "100"), adt("A08", "5", "200", "Newer")],
    )
    .await;
    let states = brief(&place).await;
    assert_eq!((states[3].0, &states[4]), (InputState::Parked, &applied()));
    gateway.stop().await;
}
