//! Servers in a bad hour. Each test asks three things: what the ledger of completeness says, what the sources page says, and whether the
//! other sources go on (promises P6 and P12).

use bedside_core::completeness::Coverage;
use bedside_core::incident::Kind;
use bedside_gateway::connection::{BreakerState, State};

use super::support::{Answer, Place, Server, bundle, result};

/// Breaks the laboratory search of one of two sources, and tells how it is and how it is after it was mended.
async fn broken(answer: impl Fn(&Server) -> Answer, coverage: Coverage, kind: Kind) {
    let (bad, good) = (Server::start().await, Server::start().await);
    let place = Place::connect(&[&bad, &good]).await;
    bad.put(&result("new", "p.1", "6.9"));
    good.put(&result("new", "p.1", "6.9"));
    bad.fail("category=laboratory", 400, answer(&bad));
    place.pass(11).await;
    assert_eq!(
        place.coverage("one", "Observation", "laboratory").await,
        [coverage; 2],
        "{kind:?}"
    );
    assert!(
        place.incidents("one", true).await.contains(&kind),
        "{:?}",
        place.incidents("one", true).await
    );
    assert_eq!(
        place.coverage("one", "AllergyIntolerance", "").await,
        [Coverage::Complete; 2]
    );
    // The other source goes on.
    assert_eq!(
        place.coverage("two", "Observation", "laboratory").await,
        [Coverage::Complete; 2]
    );
    assert!(place.incidents("two", false).await.is_empty());
    assert_eq!(place.taken("two").await.len(), 5);
    // And it ends without hands.
    bad.mend();
    place.pass(40).await;
    assert_eq!(
        place.coverage("one", "Observation", "laboratory").await,
        [Coverage::Complete; 2]
    );
    assert!(
        place.incidents("one", true).await.is_empty(),
        "{:?}",
        place.incidents("one", true).await
    );
    assert_eq!(place.taken("one").await.len(), 5, "nothing was dropped");
    assert_eq!(place.connections.status()[0].state, State::Up);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p06_a_page_of_a_web_site_is_a_failed_search() {
    let page = "<!doctype html><html><body>Sign in</body></html>";
    broken(|_| Answer::new(200, page), Coverage::Failed, Kind::NotFhir).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p06_a_server_error_is_a_failed_search() {
    broken(
        |_| Answer::new(500, ""),
        Coverage::Failed,
        Kind::ServerError,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p06_half_a_body_is_a_failed_search() {
    let half = r#"{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceTy"#;
    broken(|_| Answer::new(200, half), Coverage::Failed, Kind::HalfBody).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p06_a_refusal_is_denied() {
    broken(|_| Answer::new(403, ""), Coverage::Denied, Kind::Refused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p06_an_unlisted_outcome_inside_a_200_is_a_failed_search() {
    broken(
        |_| Answer::json(&bundle(&[], None, Some("77777"))),
        Coverage::Failed,
        Kind::UnlistedOutcome,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p06_a_page_link_to_another_host_is_not_followed() {
    let elsewhere = Server::start().await;
    let link = format!("{}/Observation?stolen=1", elsewhere.base());
    broken(
        |_| Answer::json(&bundle(&[], Some(&link), None)),
        Coverage::Truncated,
        Kind::ForeignLink,
    )
    .await;
    assert!(
        elsewhere.sent("").is_empty(),
        "the other host never heard of us"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn p06_a_token_that_is_refused_again_and_again_is_a_failed_search() {
    broken(|_| Answer::new(401, ""), Coverage::Failed, Kind::TokenDied).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_for_quiet_is_left_in_quiet() {
    let server = Server::start().await;
    let place = Place::connect(&[&server]).await;
    server.fail(
        "category=laboratory",
        400,
        Answer::new(429, "").with("retry-after", "600"),
    );
    place.pass(11).await;
    assert!(
        place
            .incidents("one", true)
            .await
            .contains(&Kind::RateLimited)
    );
    let before = server.sent("category=laboratory").len();
    place.pass(8).await;
    assert_eq!(
        server.sent("category=laboratory").len(),
        before,
        "not before it said"
    );
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p12_a_server_that_fails_altogether_is_left_alone_and_found_again_and_the_other_goes_on() {
    let (bad, good) = (Server::start().await, Server::start().await);
    let place = Place::connect(&[&bad, &good]).await;
    bad.fail("", 10_000, Answer::new(502, "<html>bad gateway</html>"));
    place.pass(60).await;
    let status = place.connections.status();
    assert!(
        matches!(status[0].breaker, BreakerState::Open { .. }),
        "{:?}",
        status[0]
    );
    assert_eq!(status[0].state, State::Down);
    assert_eq!(status[1].state, State::Up);
    assert!(
        place
            .incidents("one", true)
            .await
            .contains(&Kind::ServerError)
    );
    let before = bad.sent("").len();
    place.pass(60).await;
    let asked = bad.sent("").len() - before;
    assert!(
        asked < 60,
        "a broken server was asked {asked} times in an hour"
    );
    bad.mend();
    place.pass(30).await;
    let status = &place.connections.status()[0];
    assert_eq!(
        (status.state, status.breaker),
        (State::Up, BreakerState::Closed)
    );
    assert!(
        place.incidents("one", true).await.is_empty(),
        "{:?}",
        place.incidents("one", true).await
    );
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p12_a_server_that_is_not_there_delays_nobody() {
    let good = Server::start().await;
    let mut gone = Server::start().await;
    gone.address = String::from("http://127.0.0.1:1");
    let place = Place::connect(&[&gone, &good]).await;
    place.pass(20).await;
    assert_eq!(place.taken("two").await.len(), 4);
    assert_eq!(place.connections.status()[0].state, State::Down);
    assert!(!place.incidents("one", true).await.is_empty());
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p03_a_resource_that_cannot_be_read_is_parked_once_and_the_list_is_not_called_whole() {
    let server = Server::start().await;
    let odd = r#"{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Potassium","id":"x"}}]}"#;
    server.fail(
        "patient=p.1&category=laboratory",
        1000,
        Answer::new(200, odd),
    );
    let place = Place::connect(&[&server]).await;
    place.pass(60).await;
    let taken = place.taken("one").await;
    let parked = taken.iter().filter(|(_, state)| state == "parked").count();
    assert_eq!(parked, 1, "{taken:?}");
    let coverage = place.coverage("one", "Observation", "laboratory").await;
    assert!(coverage.contains(&Coverage::Truncated), "{coverage:?}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p06_more_counted_than_given_is_not_all_there_is() {
    let mut empty = bundle(&[], None, None);
    empty["total"] = 500.into();
    broken(
        move |_| Answer::json(&empty),
        Coverage::Truncated,
        Kind::ShortAnswer,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p05_p06_an_answer_about_somebody_else_is_parked_and_never_reads_as_none() {
    let server = Server::start().await;
    let place = Place::connect(&[&server]).await;
    let mut nobody = result("lost", "p.1", "7.8");
    nobody["subject"]["reference"] = "https://inside.example/fhir/Patient/p.1".into();
    let stray = result("stray", "p.9", "7.9");
    server.fail(
        "category=laboratory",
        400,
        Answer::json(&bundle(&[&nobody, &stray], None, None)),
    );
    place.pass(11).await;
    assert_eq!(
        place.coverage("one", "Observation", "laboratory").await,
        [Coverage::Truncated; 2]
    );
    assert!(
        place
            .incidents("one", true)
            .await
            .contains(&Kind::ForeignSubject)
    );
    // Asked again it says so again, although nothing new came.
    place.pass(11).await;
    assert_eq!(
        place.coverage("one", "Observation", "laboratory").await,
        [Coverage::Truncated; 2]
    );
    server.mend();
    place.pass(40).await;
    assert_eq!(
        place.coverage("one", "Observation", "laboratory").await,
        [Coverage::Complete; 2]
    );
    assert!(place.incidents("one", true).await.is_empty());
    place.stop().await;
}
