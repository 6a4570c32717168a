//! One token for all, to one origin only.

use bedside_core::completeness::Coverage;
use bedside_core::incident::Kind;
use serde_json::json;

use super::support::{Answer, Place, Server};

#[tokio::test(flavor = "multi_thread")]
async fn one_token_serves_all_and_is_renewed_before_it_dies() {
    let server = Server::start().await;
    server.token_life(1000);
    let place = Place::connect(&[&server]).await;
    assert_eq!(
        server.sent("POST /token").len(),
        1,
        "however many asked at the same time"
    );
    place.pass(60).await;
    let asked = server.sent("POST /token").len();
    assert!((4..=6).contains(&asked), "{asked}");
    assert!(
        place.incidents("one", false).await.is_empty(),
        "none was ever refused"
    );
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_dies_in_mid_crawl_is_replaced_once_and_nothing_is_lost() {
    let server = Server::start().await;
    let place = Place::connect(&[&server]).await;
    server.fail("category=laboratory", 1, Answer::new(401, ""));
    place.pass(11).await;
    assert_eq!(server.sent("POST /token").len(), 2);
    assert_eq!(
        place.coverage("one", "Observation", "laboratory").await,
        [Coverage::Complete; 2]
    );
    assert!(
        place
            .incidents("one", false)
            .await
            .contains(&Kind::TokenDied)
    );
    assert!(place.incidents("one", true).await.is_empty());
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_client_is_an_incident_with_its_code_and_the_token_server_is_not_stormed() {
    let server = Server::start().await;
    server.fail(
        "POST /token",
        10_000,
        Answer::new(400, r#"{"error":"invalid_client"}"#),
    );
    let place = Place::connect(&[&server]).await;
    place.pass(60).await;
    assert!(place.incidents("one", true).await.contains(&Kind::NoToken));
    assert!(server.sent("POST /token").len() < 60);
    server.mend();
    place.pass(30).await;
    assert!(place.incidents("one", true).await.is_empty());
    assert_eq!(place.taken("one").await.len(), 4);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discovered_token_endpoint_at_another_origin_gets_no_assertion() {
    let (server, thief) = (Server::start().await, Server::start().await);
    let document = json!({"token_endpoint": format!("{}/token", thief.address)});
    server.fail("smart-configuration", 10_000, Answer::json(&document));
    let place = Place::connect(&[&server]).await;
    place.pass(10).await;
    assert!(thief.sent("").is_empty());
    assert!(place.incidents("one", true).await.contains(&Kind::NoToken));
    let check = place.connections.check("one").await.unwrap();
    assert!(
        check.token.words.contains("another origin"),
        "{}",
        check.token.words
    );
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_never_followed_with_a_token() {
    let (server, thief) = (Server::start().await, Server::start().await);
    let moved = Answer::new(302, "").with("location", format!("{}/Patient/p.1", thief.base()));
    server.fail("/Patient/p.1", 10_000, moved);
    server.fail(
        "category=laboratory",
        10_000,
        Answer::new(307, "").with("location", thief.base()),
    );
    let place = Place::connect(&[&server]).await;
    place.pass(60).await;
    assert!(thief.sent("").is_empty());
    assert!(
        place
            .coverage("one", "Patient", "")
            .await
            .contains(&Coverage::Failed)
    );
    place.stop().await;
}
