//! Searches against servers of all habits.

use super::*;
use serde_json::json;

const BASE: &str = "https://ehr.example.org/fhir/R4";
const OID: &str = "urn:oid:1.2.840.114350.1.13.7.3.7.2.657369";

fn rules() -> Rules {
    let mut outcomes = Outcomes {
        system_suffix: ".7.2.657369".to_owned(),
        ..Outcomes::default()
    };
    for (code, meaning) in [
        ("4101", Meaning::Empty),
        ("4119", Meaning::Incomplete),
        ("4113", Meaning::Expired),
        ("4118", Meaning::Denied),
        ("59108", Meaning::Query),
    ] {
        outcomes.codes.insert(code.to_owned(), meaning);
    }
    outcomes
        .issues
        .insert("suppressed".to_owned(), Meaning::Unlicensed);
    Rules {
        base: Base::parse(BASE).unwrap(),
        max_pages: 4,
        trust_total: true,
        outcomes,
    }
}

fn now() -> Timestamp {
    "2026-03-01T08:00:00Z".parse().unwrap()
}

fn cursor() -> Cursor {
    let base = Base::parse(BASE).unwrap();
    Cursor::new(base.url(&["Observation"], &[]), rules())
}

fn answer(cursor: &mut Cursor, status: u16, body: &str) -> Step {
    let reply = Reply {
        status,
        headers: &[],
        body: body.as_bytes(),
    };
    cursor.on_response(&reply, now())
}

fn bundle(ids: &[&str], next: Option<&str>, code: Option<&str>) -> String {
    let mut entries: Vec<_> = ids
        .iter()
        .map(|id| json!({"resource": {"resourceType": "Observation", "id": id}, "search": {"mode": "match"}}))
        .collect();
    entries
        .extend(code.map(|code| json!({"search": {"mode": "outcome"}, "resource": outcome(code)})));
    let links: Vec<_> = next
        .iter()
        .map(|next| json!({"relation": "next", "url": next}))
        .collect();
    json!({"resourceType": "Bundle", "type": "searchset", "total": 0, "link": links, "entry": entries}).to_string()
}

fn outcome(code: &str) -> serde_json::Value {
    json!({"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "processing",
        "details": {"coding": [{"system": OID, "code": code}]}}]})
}

fn ids(step: &Step) -> Vec<&str> {
    match step {
        Step::Page(entries) => entries.iter().map(|entry| entry.id.as_str()).collect(),
        Step::Request | Step::Wait(_) | Step::Stop => panic!("no page: {step:?}"),
    }
}

#[test]
fn an_empty_search_with_the_listed_outcome_is_complete_and_empty() {
    let mut cursor = cursor();
    let step = answer(&mut cursor, 200, &bundle(&[], None, Some("4101")));
    assert!(ids(&step).is_empty());
    assert_eq!(cursor.extent(), Extent::Complete);
    assert!(cursor.request().is_none() && cursor.marks().is_empty());
}

#[test]
fn p06_an_unlisted_outcome_inside_a_200_is_failed_and_never_empty() {
    let mut cursor = cursor();
    answer(&mut cursor, 200, &bundle(&[], None, Some("77777")));
    assert_eq!(cursor.extent(), Extent::Failed);
    assert_eq!(cursor.marks(), [Mark::Unlisted]);
}

#[test]
fn p06_the_same_code_of_another_code_system_is_unlisted() {
    let mut cursor = cursor();
    let body = bundle(&[], None, Some("4101")).replace(OID, "urn:oid:1.2.3");
    answer(&mut cursor, 200, &body);
    assert_eq!(cursor.extent(), Extent::Failed);
}

#[test]
fn an_unlicensed_part_and_a_partial_view_are_said_and_the_rest_is_kept() {
    let mut cursor = cursor();
    let body = bundle(&["a"], None, Some("4119"));
    assert_eq!(ids(&answer(&mut cursor, 200, &body)), ["a"]);
    assert_eq!(cursor.extent(), Extent::Truncated);

    let mut cursor = self::cursor();
    let body = json!({"resourceType": "Bundle", "entry": [{"search": {"mode": "outcome"}, "resource":
        {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "suppressed"}]}}]});
    answer(&mut cursor, 200, &body.to_string());
    assert_eq!(cursor.extent(), Extent::Unlicensed);
}

#[test]
fn an_empty_page_in_the_middle_is_followed() {
    let mut cursor = cursor();
    let next = format!("{BASE}/Observation?p=2");
    answer(&mut cursor, 200, &bundle(&[], Some(&next), None));
    assert_eq!(cursor.request().unwrap().as_str(), next);
    assert_eq!(
        ids(&answer(&mut cursor, 200, &bundle(&["b"], None, None))),
        ["b"]
    );
    assert_eq!(cursor.extent(), Extent::Complete);
}

#[test]
fn p06_a_page_link_to_another_host_is_not_followed_and_what_was_seen_is_kept() {
    for foreign in [
        "https://evil.test/fhir/R4/Observation?p=2",
        "https://ehr.example.org.evil.test/fhir/R4/Observation",
        "https://ehr.example.org:444/fhir/R4/Observation",
        "http://ehr.example.org/fhir/R4/Observation",
        "https://x@ehr.example.org/fhir/R4/Observation",
        "https://ehr.example.org/elsewhere/Observation",
    ] {
        let mut cursor = cursor();
        let step = answer(&mut cursor, 200, &bundle(&["a"], Some(foreign), None));
        assert_eq!(ids(&step), ["a"]);
        assert!(cursor.request().is_none(), "{foreign}");
        assert_eq!(cursor.extent(), Extent::Truncated);
        assert_eq!(cursor.marks(), [Mark::ForeignLink]);
    }
}

#[test]
fn an_expired_page_begins_the_search_anew_once_and_yields_nothing_twice() {
    let mut cursor = cursor();
    let next = format!("{BASE}/Observation?p=2");
    answer(&mut cursor, 200, &bundle(&["a"], Some(&next), None));
    let gone = outcome("4113").to_string();
    assert_eq!(answer(&mut cursor, 400, &gone), Step::Request);
    assert_eq!(cursor.request().unwrap().path(), "/fhir/R4/Observation");
    let step = answer(&mut cursor, 200, &bundle(&["a", "b"], Some(&next), None));
    assert_eq!(ids(&step), ["b"]);
    assert_eq!(answer(&mut cursor, 400, &gone), Step::Stop);
    assert_eq!(cursor.extent(), Extent::Failed);
}

#[test]
fn pages_in_a_circle_and_pages_without_end_stop() {
    let mut cursor = cursor();
    let next = format!("{BASE}/Observation");
    answer(&mut cursor, 200, &bundle(&["a"], Some(&next), None));
    assert!(cursor.request().is_none());
    assert_eq!(cursor.marks(), [Mark::Endless]);

    let mut cursor = self::cursor();
    let mut pages = 0;
    while cursor.request().is_some() {
        pages += 1;
        let next = format!("{BASE}/Observation?p={pages}");
        answer(
            &mut cursor,
            200,
            &bundle(&[&format!("o{pages}")], Some(&next), None),
        );
    }
    assert_eq!((pages, cursor.extent()), (4, Extent::Truncated));
}

#[test]
fn p06_what_is_no_answer_is_a_failed_search() {
    for (status, body, mark) in [
        (200, "<html><body>Sign in</body></html>", Mark::NotFhir),
        (200, "plain words", Mark::NotFhir),
        (
            200,
            "{\"resourceType\":\"Bundle\",\"entry\":[{\"resou",
            Mark::HalfBody,
        ),
        (200, "", Mark::HalfBody),
        (200, "{\"status\":\"error\"}", Mark::NotFhir),
        (
            200,
            "{\"resourceType\":\"Patient\",\"id\":\"a\"}",
            Mark::NotFhir,
        ),
        (500, "<html>", Mark::ServerError),
        (502, "", Mark::ServerError),
        (503, "", Mark::ServerError),
        (400, "no supported search parameters provided", Mark::Query),
        (404, "", Mark::Query),
        (401, "", Mark::Unauthorised),
        (302, "", Mark::Moved),
    ] {
        let mut cursor = cursor();
        assert_eq!(
            answer(&mut cursor, status, body),
            Step::Stop,
            "{status} {body}"
        );
        assert_eq!(cursor.extent(), Extent::Failed);
        assert_eq!(cursor.marks(), [mark]);
    }
}

#[test]
fn p06_a_refusal_is_denied_with_or_without_a_body() {
    for body in [
        "",
        "<h1>403</h1>",
        "{\"resourceType\":\"OperationOutcome\"}",
    ] {
        let mut cursor = cursor();
        assert_eq!(answer(&mut cursor, 403, body), Step::Stop);
        assert_eq!(cursor.extent(), Extent::Denied);
    }
}

#[test]
fn a_server_that_says_later_is_asked_later_and_not_for_ever() {
    let mut cursor = cursor();
    let headers = [("retry-after".to_owned(), "7".to_owned())];
    let reply = Reply {
        status: 429,
        headers: &headers,
        body: b"",
    };
    let due = now().saturating_add(SignedDuration::from_secs(7)).unwrap();
    assert_eq!(cursor.on_response(&reply, now()), Step::Wait(due));
    assert!(cursor.request().is_some());
    cursor.on_response(&reply, now());
    assert_eq!(cursor.on_response(&reply, now()), Step::Stop);
    assert_eq!(cursor.extent(), Extent::Failed);
}

#[test]
fn retry_after_is_read_in_seconds_and_as_a_date_and_is_capped() {
    use crate::page::retry_after;
    let wait = |text| retry_after(Some(text), now());
    assert_eq!(wait("12"), Some(SignedDuration::from_secs(12)));
    assert_eq!(
        wait("Sun, 01 Mar 2026 08:00:30 GMT"),
        Some(SignedDuration::from_secs(30))
    );
    assert_eq!(wait("18000"), Some(SignedDuration::from_mins(15)));
    assert_eq!(wait("-5"), Some(SignedDuration::ZERO));
    assert_eq!(wait("soon"), None);
}

#[test]
fn an_outcome_beside_matches_is_no_match_in_whatever_entry_it_stands() {
    let mut cursor = cursor();
    let body = json!({"resourceType": "Bundle", "entry": [
        {"resource": {"resourceType": "Observation", "id": "a"}},
        {"resource": outcome("4101")},
        {"fullUrl": "urn:uuid:1"},
        {"resource": {"resourceType": "Medication", "id": "m"}, "search": {"mode": "include"}},
        {"resource": {"resourceType": "Observation"}},
    ]});
    let step = answer(&mut cursor, 200, &body.to_string());
    assert_eq!(ids(&step), ["a", "m"]);
    // The one without an id can't be kept apart, so there is more than was taken.
    assert_eq!(cursor.extent(), Extent::Truncated);
}

#[test]
fn an_outcome_in_place_of_the_bundle_means_what_its_code_means() {
    let mut cursor = cursor();
    let step = answer(&mut cursor, 200, &outcome("4101").to_string());
    assert!(ids(&step).is_empty());
    assert_eq!(cursor.extent(), Extent::Complete);
    for (code, extent) in [("4118", Extent::Denied), ("1", Extent::Failed)] {
        let mut cursor = self::cursor();
        answer(&mut cursor, 200, &outcome(code).to_string());
        assert_eq!(cursor.extent(), extent);
    }
}
