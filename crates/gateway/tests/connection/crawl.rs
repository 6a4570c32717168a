//! What a good server's answers become.

use bedside_core::completeness::Coverage;
use bedside_gateway::connection::State;
use serde_json::json;

use super::support::{Answer, Place, Server, bundle, result};

fn count(taken: &[(String, String)], kind: &str) -> usize {
    taken
        .iter()
        .filter(|(own, state)| own == kind && state == "applied")
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_the_roster_is_asked_once_and_what_did_not_change_is_not_taken_again() {
    let server = Server::start().await;
    let place = Place::connect(&[&server]).await;
    let taken = place.taken("one").await;
    assert_eq!(
        (count(&taken, "Patient"), count(&taken, "Observation")),
        (2, 2)
    );
    assert_eq!(
        place.coverage("one", "Observation", "laboratory").await,
        [Coverage::Complete; 2]
    );
    assert_eq!(
        place.coverage("one", "AllergyIntolerance", "").await,
        [Coverage::Complete; 2]
    );
    let status = &place.connections.status()[0];
    assert_eq!(
        (status.state, status.patients, status.crawled_once),
        (State::Up, 2, true)
    );

    place.pass(180).await;
    assert_eq!(place.taken("one").await.len(), 4, "nothing changed");
    assert!(server.sent("GET /fhir/R4/Observation").len() > 36);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_result_is_taken_within_its_pace_and_a_return_to_the_older_value_too() {
    let server = Server::start().await;
    let place = Place::connect(&[&server]).await;
    for (n, value) in ["6.4", "5.1"].into_iter().enumerate() {
        server.put(&result("o-p.1", "p.1", value));
        place.pass(11).await;
        assert_eq!(count(&place.taken("one").await, "Observation"), 3 + n);
    }
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absolute_reference_under_the_base_leads_into_the_chart() {
    let server = Server::start().await;
    let mut absolute = result("o-3", "p.1", "4.0");
    absolute["subject"]["reference"] = json!(format!("{}/Patient/p.1", server.base()));
    server.put(&absolute);
    let place = Place::connect(&[&server]).await;
    let ids = place.store.public_ids();
    let source = bedside_fact::id::SourceId::new("one");
    let patient = ids.public_id(&source, "Patient", "p.1");
    let record = place.store.facts_of(&place.ctx, &patient).await.unwrap();
    let found = record
        .resources
        .iter()
        .filter(|one| one.resource_type == "Observation");
    assert_eq!(found.count(), 2);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_followed_over_an_empty_one_in_the_middle() {
    let server = Server::start().await;
    let page = |n: u8| format!("{}/Observation?page={n}", server.base());
    let (a, b) = (result("a", "p.1", "1.0"), result("b", "p.1", "2.0"));
    server.fail("page=3", 9, Answer::json(&bundle(&[&b], None, None)));
    server.fail(
        "page=2",
        9,
        Answer::json(&bundle(&[], Some(&page(3)), None)),
    );
    server.fail(
        "patient=p.1&category=laboratory",
        9,
        Answer::json(&bundle(&[&a], Some(&page(2)), None)),
    );
    let place = Place::connect(&[&server]).await;
    assert_eq!(count(&place.taken("one").await, "Observation"), 3);
    assert_eq!(
        place.coverage("one", "Observation", "laboratory").await,
        [Coverage::Complete; 2]
    );
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_of_a_merged_patient_is_recorded_as_a_merge_and_not_followed_in_silence() {
    let server = Server::start().await;
    let place = Place::connect(&[&server]).await;
    let body = json!({"resourceType": "OperationOutcome", "issue": [{"severity": "fatal", "code": "processing",
        "details": {"coding": [{"system": super::support::OID, "code": "4107"}]}}]});
    let moved = Answer::new(301, body.to_string())
        .with("location", format!("{}/Patient/p.2", server.base()));
    server.fail("/Patient/p.1", 99, moved);
    place.pass(61).await;
    let ids = place.store.public_ids();
    let source = bedside_fact::id::SourceId::new("one");
    let gone = ids.public_id(&source, "Patient", "p.1");
    let record = place.store.facts_of(&place.ctx, &gone).await.unwrap();
    assert_eq!(record.patients.len(), 2, "both records are one person now");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_the_roster_is_looked_at_once_more_and_then_no_more() {
    let server = Server::start().await;
    let place = Place::connect(&[&server]).await;
    server.roster(&["p.2"]);
    place.pass(31).await;
    let before = (
        server.sent("/Patient/p.1").len(),
        server.sent("patient=p.1").len(),
    );
    place.pass(240).await;
    assert_eq!(
        (
            server.sent("/Patient/p.1").len(),
            server.sent("patient=p.1").len()
        ),
        before
    );
    assert_eq!(place.connections.status()[0].patients, 1);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_it_asks_nothing_resumed_it_goes_on_and_a_resync_asks_everything_anew() {
    let server = Server::start().await;
    let place = Place::connect(&[&server]).await;
    assert!(place.connections.pause("one") && !place.connections.pause("nobody"));
    place.connections.settled().await;
    let before = server.sent("GET").len();
    place.pass(120).await;
    assert_eq!(server.sent("GET").len(), before);
    assert_eq!(place.connections.status()[0].state, State::Paused);
    place.connections.resume("one");
    place.pass(0).await;
    let resumed = server.sent("GET").len();
    assert!(resumed > before);
    place.connections.resync("one");
    place.pass(0).await;
    assert!(server.sent("GET").len() >= resumed + 15);
    assert_eq!(
        place.taken("one").await.len(),
        4,
        "what is current is not taken again"
    );
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preflight_says_what_answers_and_what_does_not() {
    let server = Server::start().await;
    let place = Place::connect(&[&server]).await;
    let check = place.connections.check("one").await.unwrap();
    assert!(check.ok(), "{check:?}");
    assert_eq!(check.capability.words, "FHIR 4.0.1, script 1");
    server.fail("/metadata", 9, Answer::new(200, "<html>maintenance</html>"));
    let check = place.connections.check("one").await.unwrap();
    assert!(check.reach.ok && check.token.ok && !check.capability.ok);
    assert!(place.connections.check("nobody").await.is_none());
    place.stop().await;
}
