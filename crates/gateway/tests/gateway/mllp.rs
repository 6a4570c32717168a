//! What a sender sees, and what is on disk when it sees it.

use bedside_core::journal::InputState;
use bedside_gateway::mllp::ListenerOptions;
use bedside_gateway::normalise::Rules;
use bedside_gateway::{Error, Gateway, Options};
use bedside_hl7::ack::Code;
use bedside_hl7::frame;

use crate::support::{MAX_FRAME, Place, Sender, adt, patient, with_header};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p01_a_store_that_fails_is_never_answered_positively_and_the_resend_is_taken() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let mut sender = Sender::to(gateway.feeds()[0].address).await;
    let original = adt("A08", "1", "100", "Rossi");
    let enhanced = with_header("ADT^A08", "2", "|||AL|NE", &patient("A08", "200", "Verdi"));
    place.faults.fail_writes(true);
    assert_eq!(sender.exchange(&original).await, Code::AE);
    assert_eq!(sender.exchange(&enhanced).await, Code::CE);
    // The same two in one read: none of them is taken, so each is told so.
    sender
        .bytes(
            &[
                frame::encode(original.as_bytes()),
                frame::encode(enhanced.as_bytes()),
            ]
            .concat(),
        )
        .await;
    assert_eq!(sender.answer().await, Some((Code::AE, String::from("1"))));
    assert_eq!(sender.answer().await, Some((Code::CE, String::from("2"))));
    place.faults.fail_writes(false);
    assert!(place.journal().await.is_empty());
    assert_eq!(sender.exchange(&original).await, Code::AA);
    assert_eq!(sender.exchange(&enhanced).await, Code::CA);
    gateway.lanes().drained().await;
    assert_eq!(place.journal().await.len(), 2);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p01_a_sync_that_fails_is_not_acknowledged_and_stops_the_lanes() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let mut sender = Sender::to(gateway.feeds()[0].address).await;
    assert_eq!(
        sender.exchange(&adt("A08", "1", "100", "Rossi")).await,
        Code::AA
    );
    gateway.lanes().drained().await;
    place.faults.fail_sync(true);
    assert_eq!(
        sender.exchange(&adt("A08", "2", "100", "Rossi")).await,
        Code::AE
    );
    place.faults.fail_sync(false);
    // What the disk did not confirm once can't be promised any more.
    assert_eq!(
        sender.exchange(&adt("A08", "3", "100", "Rossi")).await,
        Code::AE
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p02_a_repeat_is_answered_as_the_first_was_and_stored_once() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let address = gateway.feeds()[0].address;
    let message = adt("A08", "7", "100", "Rossi");
    let mut sender = Sender::to(address).await;
    assert_eq!(sender.exchange(&message).await, Code::AA);
    // On another connection, and twice in one read.
    let mut other = Sender::to(address).await;
    other
        .bytes(&frame::encode(message.as_bytes()).repeat(2))
        .await;
    assert_eq!(other.answer().await, Some((Code::AA, String::from("7"))));
    assert_eq!(other.answer().await, Some((Code::AA, String::from("7"))));
    let refused = with_header("ADT", "8", "", &patient("A08", "100", "Rossi"));
    assert_eq!(sender.exchange(&refused).await, Code::AR);
    assert_eq!(other.exchange(&refused).await, Code::AR);
    gateway.lanes().drained().await;
    assert_eq!(place.journal().await.len(), 2);
    assert_eq!(place.patient("100").await.unwrap().0, 1);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_id_that_comes_again_with_other_content_is_another_message() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let mut sender = Sender::to(gateway.feeds()[0].address).await;
    assert_eq!(
        sender.exchange(&adt("A08", "7", "100", "Rossi")).await,
        Code::AA
    );
    assert_eq!(
        sender.exchange(&adt("A08", "7", "100", "Bianchi")).await,
        Code::AA
    );
    gateway.lanes().drained().await;
    assert!(place.patient("100").await.unwrap().1.contains("Bianchi"));
    assert!(place.states().await[1].2.contains("control id used before"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_does_not_wait_gets_its_answers_in_order() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let mut sender = Sender::to(gateway.feeds()[0].address).await;
    let stream: Vec<u8> = (0..300)
        .flat_map(|n| {
            frame::encode(adt("A08", &n.to_string(), &(n % 7).to_string(), "Rossi").as_bytes())
        })
        .collect();
    sender.bytes(&stream).await;
    for n in 0..300 {
        assert_eq!(sender.answer().await, Some((Code::AA, n.to_string())));
    }
    let received: Vec<String> = place
        .journal()
        .await
        .into_iter()
        .map(|row| row.control_id)
        .collect();
    assert_eq!(
        received,
        (0..300).map(|n| n.to_string()).collect::<Vec<_>>()
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_message_of_a_frame_has_its_own_answer() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let mut sender = Sender::to(gateway.feeds()[0].address).await;
    let content = [
        adt("A08", "1", "100", "Rossi"),
        with_header("", "2", "", "PID|1||100^^^HOSP^MR\r"),
        adt("A08", "3", "200", "Verdi"),
    ]
    .concat();
    sender.message(&content).await;
    assert_eq!(sender.answer().await, Some((Code::AA, String::from("1"))));
    assert_eq!(sender.answer().await, Some((Code::AR, String::from("2"))));
    assert_eq!(sender.answer().await, Some((Code::AA, String::from("3"))));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_without_a_type_is_refused_and_holds_up_nobody() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let mut sender = Sender::to(gateway.feeds()[0].address).await;
    assert_eq!(
        sender
            .exchange(&with_header("", "1", "", &patient("A08", "100", "Rossi")))
            .await,
        Code::AR
    );
    assert_eq!(
        sender
            .exchange(&with_header(
                "ADT^A08",
                "",
                "",
                &patient("A08", "100", "Rossi")
            ))
            .await,
        Code::AR
    );
    let enhanced = with_header("", "3", "|||AL|NE", &patient("A08", "100", "Rossi"));
    assert_eq!(sender.exchange(&enhanced).await, Code::CR);
    assert_eq!(
        sender.exchange(&adt("A08", "4", "100", "Rossi")).await,
        Code::AA
    );
    gateway.lanes().drained().await;
    let states: Vec<_> = place
        .journal()
        .await
        .into_iter()
        .map(|row| (row.state, row.reason))
        .collect();
    let parked = (InputState::Parked, String::from("header_incomplete"));
    assert_eq!(
        states,
        [
            parked.clone(),
            parked.clone(),
            parked,
            (InputState::Applied, String::new())
        ]
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_oversized_frame_is_refused_kept_and_the_next_one_is_read() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let mut sender = Sender::to(gateway.feeds()[0].address).await;
    let long = "x".repeat(3 * MAX_FRAME);
    sender
        .message(&with_header("ADT^A08", "1", "", &format!("PID|{long}\r")))
        .await;
    sender
        .message(&with_header(
            "ADT^A08",
            "2",
            "|||AL|NE",
            &format!("PID|{long}\r"),
        ))
        .await;
    sender.message(&adt("A08", "3", "100", "Rossi")).await;
    let refused = sender.raw_answer().await.unwrap();
    assert_eq!(
        bedside_hl7::ack::read(&refused).unwrap(),
        (Code::AR, String::from("1"))
    );
    let words = String::from_utf8(refused).unwrap();
    assert!(words.contains("only its beginning is kept"), "{words}");
    assert_eq!(sender.answer().await, Some((Code::CR, String::from("2"))));
    assert_eq!(sender.answer().await, Some((Code::AA, String::from("3"))));
    let rows = place.journal().await;
    assert_eq!(
        (rows[0].state, rows[0].reason.as_str()),
        (InputState::Parked, "frame_too_large")
    );
    assert_eq!(rows[0].bytes, u64::try_from(MAX_FRAME).unwrap());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_comes_byte_by_byte_is_one_message() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let mut sender = Sender::to(gateway.feeds()[0].address).await;
    for byte in frame::encode(adt("A08", "1", "100", "Rossi").as_bytes()) {
        sender.bytes(&[byte]).await;
    }
    assert_eq!(sender.answer().await, Some((Code::AA, String::from("1"))));
    assert_eq!(place.journal().await.len(), 1);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enhanced_mode_is_answered_as_it_asks() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let mut sender = Sender::to(gateway.feeds()[0].address).await;
    for (n, conditions) in [
        "|||AL|NE", "|||AL|AL", "|||NE|NE", "|||ER|NE", "|||NE|AL", "|||SU|ER",
    ]
    .iter()
    .enumerate()
    {
        sender
            .message(&with_header(
                "ADT^A08",
                &n.to_string(),
                conditions,
                &patient("A08", "100", "Rossi"),
            ))
            .await;
    }
    // Of those that want no answer to a success none comes: the next ones follow directly.
    for (code, n) in [
        (Code::CA, "0"),
        (Code::CA, "1"),
        (Code::AA, "4"),
        (Code::CA, "5"),
    ] {
        assert_eq!(sender.answer().await, Some((code, String::from(n))));
    }
    assert_eq!(place.journal().await.len(), 6);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_port_tells_the_source() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward", "lab"]).await;
    let message = adt("A08", "1", "100", "Rossi");
    for feed in gateway.feeds() {
        let mut sender = Sender::to(feed.address).await;
        assert_eq!(sender.exchange(&message).await, Code::AA);
    }
    let sources: Vec<String> = place
        .journal()
        .await
        .into_iter()
        .map(|row| row.source)
        .collect();
    assert_eq!(sources, ["ward", "lab"]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p01_stopping_leaves_nothing_half_answered() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let mut senders = Vec::new();
    for connection in 0..4 {
        let mut sender = Sender::to(gateway.feeds()[0].address).await;
        let stream: Vec<u8> = (0..100)
            .flat_map(|n| {
                frame::encode(
                    adt("A08", &format!("{connection}-{n}"), &n.to_string(), "Rossi").as_bytes(),
                )
            })
            .collect();
        sender.bytes(&stream).await;
        senders.push(sender);
    }
    // One answer is here, the others are on their way.
    let mut answered = vec![senders[0].answer().await.unwrap().1];
    gateway.stop().await;
    for sender in &mut senders {
        while let Some((code, control)) = sender.answer().await {
            assert_eq!(code, Code::AA);
            answered.push(control);
        }
        assert!(!sender.is_inside_an_answer());
    }
    let mut stored: Vec<String> = place
        .journal()
        .await
        .into_iter()
        .map(|row| row.control_id)
        .collect();
    stored.sort_unstable();
    answered.sort_unstable();
    assert_eq!(answered, stored);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p01_a_frame_that_never_ends_is_kept_and_not_answered() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let message = frame::encode(adt("A08", "1", "100", "Rossi").as_bytes());
    let half = &message[..message.len() / 2];
    let mut gone = Sender::to(gateway.feeds()[0].address).await;
    gone.bytes(half).await;
    gone.hang_up().await;
    let rows = place.journal().await;
    assert_eq!(
        (rows[0].state, rows[0].reason.as_str()),
        (InputState::Parked, "partial_frame")
    );
    let mut idle = Sender::to(gateway.feeds()[0].address).await;
    idle.bytes(half).await;
    tokio::select! {
        biased;
        answer = idle.answer() => assert_eq!(answer, None),
        () = place.minutes_pass() => {}
    }
    assert_eq!(place.journal().await.len(), 2);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_inside_a_frame_makes_no_work_for_anybody() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let mut sender = Sender::to(gateway.feeds()[0].address).await;
    sender.bytes(b"\x0bMSH|^~\\&|WARD").await;
    place.somebody_waits().await;
    gateway.stop().await;
    assert_eq!(sender.answer().await, None);
    assert!(place.journal().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_starts_on_a_free_port_of_this_machine_or_not_at_all() {
    let place = Place::new().await;
    let source = place.source("ward").await;
    let on = |address: &str| Options {
        listeners: vec![ListenerOptions {
            source: source.clone(),
            address: address.parse().unwrap(),
            max_frame: MAX_FRAME,
        }],
        ..Options::lanes(place.store.clone(), Rules::default())
    };
    assert!(matches!(
        Gateway::start(on("0.0.0.0:0")).await,
        Err(Error::PlainOffLoopback { .. })
    ));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert!(matches!(
        Gateway::start(on(&address)).await,
        Err(Error::Listen { .. })
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_header_is_refused_in_so_many_words_and_kept() {
    let place = Place::new().await;
    let gateway = place.gateway(&["ward"]).await;
    let mut sender = Sender::to(gateway.feeds()[0].address).await;
    sender.bytes(&frame::encode(b"this is no message")).await;
    assert_eq!(sender.answer().await, Some((Code::AR, String::new())));
    let journal = place.journal().await;
    assert_eq!(journal.len(), 1);
    assert_eq!(journal[0].state, InputState::Parked);
    gateway.stop().await;
}
