//! Creating, and what is known of it afterwards (promise P8).

use bedside_gateway::connection::Written;
use jiff::SignedDuration;
use tokio::io::AsyncReadExt as _;

use super::support::{Answer, Place, Server};

const NOTE: &str = r#"{"resourceType":"Communication","status":"completed"}"#;

async fn create(answer: Answer) -> Written {
    let server = Server::start().await;
    let place = Place::connect(&[&server]).await;
    server.fail("POST /fhir/R4/Communication", 9, answer);
    let client = place.connections.client("one").unwrap();
    let written = client.create("Communication", NOTE).await;
    let sent = server.sent("POST /fhir/R4/Communication");
    assert_eq!(
        (sent.len(), sent[0].body.as_str()),
        (1, NOTE),
        "sent once, as it is"
    );
    place.stop().await;
    written
}

fn created(id: &str) -> Written {
    Written::Created {
        id: Some(id.to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_id_is_read_from_a_location_of_either_form_and_from_the_body() {
    let located =
        |location: &str| create(Answer::new(201, "").with("location", location.to_owned()));
    assert_eq!(located("Communication/e.1-x").await, created("e.1-x"));
    assert_eq!(
        located("/fhir/R4/Communication/7/_history/1").await,
        created("7")
    );
    assert_eq!(
        located("https://evil.test/fhir/R4/Communication/7").await,
        Written::Created { id: None }
    );
    assert_eq!(located("Patient/7").await, Written::Created { id: None });
    let body = r#"{"resourceType":"Communication","id":"9"}"#;
    assert_eq!(create(Answer::new(201, body)).await, created("9"));
    assert_eq!(
        create(Answer::new(201, "")).await,
        Written::Created { id: None }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn p08_what_a_failing_server_did_with_a_write_is_not_known_and_it_is_not_repeated() {
    for status in [500, 502, 504, 202] {
        assert_eq!(
            create(Answer::new(status, "")).await,
            Written::Unanswered,
            "{status}"
        );
    }
    assert_eq!(
        create(Answer::new(422, "")).await,
        Written::Refused {
            status: 422,
            retry: None
        }
    );
    assert_eq!(
        create(Answer::new(301, "")).await,
        Written::Refused {
            status: 301,
            retry: None
        }
    );
    assert_eq!(
        create(Answer::new(429, "")).await,
        Written::Refused {
            status: 429,
            retry: Some(SignedDuration::from_secs(60))
        }
    );
    let busy = Answer::new(503, "").with("retry-after", "5");
    assert_eq!(
        create(busy).await,
        Written::Refused {
            status: 503,
            retry: Some(SignedDuration::from_secs(5))
        }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn p08_a_connection_that_ends_after_the_write_was_taken_is_unanswered() {
    let server = Server::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut deaf = server.clone();
    deaf.address = format!("http://{}", listener.local_addr().unwrap());
    // Speaks for the server until the write comes, then hangs up.
    let answers = async move {
        let token = r#"{"access_token":"t","expires_in":60}"#;
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut bytes = vec![0; 65536];
            let read = socket.read(&mut bytes).await.unwrap();
            let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
            if text.starts_with("POST /fhir") {
                continue;
            }
            let body = if text.contains("smart-configuration") {
                let host = text
                    .split("host: ")
                    .nth(1)
                    .unwrap()
                    .split("\r\n")
                    .next()
                    .unwrap();
                format!(r#"{{"token_endpoint":"http://{host}/token"}}"#)
            } else {
                token.to_owned()
            };
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            tokio::io::AsyncWriteExt::write_all(&mut socket, format!("{head}{body}").as_bytes())
                .await
                .unwrap();
        }
    };
    tokio_util::task::TaskTracker::new().spawn(answers);
    let place = Place::connect(&[&deaf]).await;
    let client = place.connections.client("one").unwrap();
    assert_eq!(
        client.create("Communication", NOTE).await,
        Written::Unanswered
    );
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p08_where_the_server_heeds_it_a_create_carries_its_own_key_as_a_condition() {
    let note = r#"{"resourceType":"Communication","identifier":[{"system":"urn:bedside:write","value":"k/tell/1"}]}"#;
    let condition = async |profile: &str, status: u16| {
        let server = Server::start().await;
        let place = Place::with(&[&server], profile).await;
        let answer = Answer::new(status, "").with("location", "Communication/7");
        server.fail("POST /fhir/R4/Communication", 9, answer);
        let client = place.connections.client("one").unwrap();
        let written = client.create("Communication", note).await;
        let sent = server.sent("POST /fhir/R4/Communication");
        place.stop().await;
        (sent[0].if_none_exist.clone(), written)
    };
    let heeds = "[write.Communication]\nif_none_exist = true\nsuccess = [200, 201]\n";
    let key = Some(String::from(
        "identifier=urn%3Abedside%3Awrite%7Ck%2Ftell%2F1",
    ));
    assert_eq!(
        condition(heeds, 200).await,
        (key.clone(), created("7")),
        "it was there already"
    );
    // More than one is there already: that is for a search to see, and no refusal.
    assert_eq!(condition(heeds, 412).await, (key, Written::Unanswered));
    let (none, refused) = condition("", 412).await;
    assert_eq!(none, None);
    assert_eq!(
        refused,
        Written::Refused {
            status: 412,
            retry: None
        }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_profile_does_not_allow_is_not_sent() {
    let server = Server::start().await;
    let place = Place::with(&[&server], "[write.Communication]\nallowed = false\n").await;
    let client = place.connections.client("one").unwrap();
    assert!(matches!(
        client.create("Communication", NOTE).await,
        Written::NotSent { .. }
    ));
    assert!(matches!(
        client.create("Observation", "{}").await,
        Written::NotSent { .. }
    ));
    assert!(server.sent("POST /fhir").is_empty());
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_yields_another_record_is_no_read() {
    let server = Server::start().await;
    let place = Place::connect(&[&server]).await;
    let client = place.connections.client("one").unwrap();
    assert_eq!(client.read("Patient", "p.1").await.unwrap()["id"], "p.1");
    let other = serde_json::json!({"resourceType": "Patient", "id": "p.2"});
    server.fail("/Patient/p.1", 1, Answer::json(&other));
    assert!(client.read("Patient", "p.1").await.is_err());
    assert!(client.read("Patient", "nobody").await.unwrap_err().absent);
    let found = client
        .search(
            "Observation",
            &[
                ("patient".into(), "p.1".into()),
                ("category".into(), "laboratory".into()),
            ],
        )
        .await
        .unwrap();
    assert!(found.is_whole() && found.entries.len() == 1);
    server.fail("GET /fhir/R4/Observation", 9, Answer::new(500, ""));
    assert!(client.search("Observation", &[]).await.is_err());
    place.stop().await;
}
