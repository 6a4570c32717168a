//! Searches: what has to be asked, what is found, and what nothing looks like.

use bedside_sim::ehr::Vendor;
use serde_json::{Value, json};

use super::bench::{Bench, patient, potassium};

const PRACTICE: &str = "ah-practice=Organization/a-1.Practice-195900";

async fn filled(vendor: Vendor) -> Bench {
    let bench = Bench::new(vendor).await;
    bench.fill([
        patient("p1"),
        patient("p2"),
        potassium("o1", "p1", 100, "final"),
        potassium("o2", "p1", 300, "entered-in-error"),
        potassium("o3", "p1", 200, "preliminary"),
        potassium("x", "p2", 400, "final"),
    ]);
    bench
}

#[tokio::test]
async fn nothing_found_at_epic_is_a_bundle_with_an_outcome_inside() {
    let bench = filled(Vendor::Epic).await;
    let reply = bench
        .get("/Observation?patient=p1&category=vital-signs")
        .await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        Some("application/fhir+json; charset=utf-8")
    );
    let bundle = reply.json();
    assert_eq!(
        (&bundle["total"], &bundle["type"]),
        (&json!(0), &json!("searchset"))
    );
    let entries = bundle["entry"].as_array().unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["search"]["mode"], "outcome");
    let issue = &entries[0]["resource"]["issue"][0];
    assert_eq!(
        (&issue["severity"], &issue["code"]),
        (&json!("warning"), &json!("processing"))
    );
    let coding = &issue["details"]["coding"][0];
    assert_eq!(coding["code"], "4101");
    assert!(coding["system"].as_str().unwrap().ends_with(".7.2.657369"));
}

#[tokio::test]
async fn nothing_found_elsewhere_is_an_empty_bundle() {
    let oracle = filled(Vendor::Oracle).await;
    let reply = oracle
        .get("/Observation?patient=p1&category=vital-signs")
        .await;
    assert_eq!(reply.header("content-type"), Some("application/fhir+json"));
    let bundle = reply.json();
    assert!(bundle.get("entry").is_none() && bundle.get("total").is_none());
    // A patient that nobody knows looks the same.
    assert_eq!(oracle.get("/Observation?patient=nobody").await.status, 200);
    let athena = filled(Vendor::Athena).await;
    let reply = athena
        .get(&format!(
            "/Observation?patient=p1&category=vital-signs&{PRACTICE}"
        ))
        .await;
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let bundle = reply.json();
    assert!(bundle.get("entry").is_none());
    assert_eq!(bundle["total"], 0);
}

#[tokio::test]
async fn epic_refuses_a_search_by_the_number_of_what_is_wrong() {
    let bench = filled(Vendor::Epic).await;
    for (query, status, code) in [
        ("/Observation", 400, "4110"),
        ("/Observation?category=laboratory", 400, "4111"),
        ("/Observation?patient=p1", 400, "59108"),
        ("/Condition?patient=p1", 400, "59108"),
        (
            "/Observation?patient=p1&subject=Patient/p2&category=laboratory",
            400,
            "4112",
        ),
        (
            "/Observation?patient=nobody&category=laboratory",
            400,
            "4100",
        ),
        (
            "/Observation?patient=p1&code=2823-3&date=sa2026",
            400,
            "4115",
        ),
        ("/Patient/nobody", 404, "4102"),
    ] {
        let reply = bench.get(query).await;
        assert_eq!(
            (reply.status, reply.epic_code().as_str()),
            (status, code),
            "{query}"
        );
    }
}

#[tokio::test]
async fn oracle_refuses_with_a_text_or_an_outcome_that_says_nothing() {
    let bench = filled(Vendor::Oracle).await;
    for query in [
        "/Observation",
        "/Observation?category=laboratory",
        "/Patient?gender=female",
    ] {
        let reply = bench.get(query).await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.body, "no supported search parameters provided");
    }
    for query in [
        "/Observation?patient=p1&date=ge2026&_lastUpdated=ge2026",
        "/Observation?patient=p1&date=ge2026&date=ge2027",
        "/Observation?_id=o1&patient=p1",
        "/Encounter?patient=p1&date=2026-11-22",
        "/MedicationRequest?patient=p1&_lastUpdated=gt2026-11-22T00:00:00Z",
        "/Patient?family=a&family=b",
    ] {
        let reply = bench.get(query).await;
        assert_eq!(reply.status, 400, "{query}");
        assert_eq!(
            reply.json()["issue"][0]["details"]["text"],
            "Invalid request"
        );
        assert!(reply.header("opc-request-id").is_some());
    }
    let path = "/r4/00000000-0000-4000-8000-000000000000/Patient/p1";
    let other = bench.send("GET", path, &bench.usual(), "").await.unwrap();
    assert_eq!(other.status, 403);
    assert!(other.body.contains("tenant"));
}

#[tokio::test]
async fn athena_wants_the_practice_and_its_combinations() {
    let bench = filled(Vendor::Athena).await;
    let reply = bench.get("/Observation?patient=p1").await;
    assert_eq!(reply.status, 400);
    assert!(reply.body.contains("practice"));
    let reply = bench
        .get(&format!("/MedicationRequest?patient=p1&{PRACTICE}"))
        .await;
    assert_eq!(reply.status, 400);
    let issue = &reply.json()["issue"][0];
    assert_eq!(issue["code"], "forbidden");
    assert!(
        issue["diagnostics"]
            .as_str()
            .unwrap()
            .contains("[[patient,intent],[_id]]")
    );
    let reply = bench
        .get(&format!(
            "/MedicationRequest?patient=p1&intent=order,plan&{PRACTICE}"
        ))
        .await;
    assert_eq!(reply.status, 200);
    let reply = bench
        .get(&format!("/Observation?category=laboratory&{PRACTICE}"))
        .await;
    assert_eq!(reply.status, 400, "no search across patients");
    let unrouted = bench
        .send("GET", "/fhir/Patient/p1", &bench.usual(), "")
        .await
        .unwrap();
    assert_eq!(unrouted.status, 404);
    assert_eq!(unrouted.header("content-type"), Some("application/json"));
    assert!(serde_json::from_str::<Value>(&unrouted.body).is_err());
}

#[tokio::test]
async fn results_come_newest_first_as_they_were_put_with_those_entered_in_error() {
    for (vendor, query) in [
        (
            Vendor::Epic,
            "/Observation?patient=Patient/p1&code=http://loinc.org%7C2823-3".to_owned(),
        ),
        (Vendor::Oracle, "/Observation?subject=p1".to_owned()),
        (
            Vendor::Athena,
            format!("/Observation?patient=p1&{PRACTICE}"),
        ),
    ] {
        let bench = filled(vendor).await;
        let reply = bench.get(&query).await;
        assert_eq!(reply.ids(), ["o2", "o3", "o1"], "{vendor:?}");
        assert!(
            reply.body.contains("\"value\":6.30"),
            "a number keeps its digits"
        );
        let entry = &reply.json()["entry"][0];
        let url = format!("{}/Observation/o2", bench.ehr.base(bench.address));
        assert_eq!(entry["fullUrl"], json!(url));
        assert_eq!(entry["resource"]["status"], "entered-in-error");
        let meta = entry["resource"].get("meta");
        assert_eq!(meta.is_some(), vendor == Vendor::Oracle);
        assert_eq!(entry.get("search").is_some(), vendor != Vendor::Oracle);
    }
}

#[tokio::test]
async fn dates_and_changes_narrow_a_search() {
    let oracle = filled(Vendor::Oracle).await;
    let between = "/Observation?patient=p1&date=ge2026-11-22T02:00:00Z&date=lt2026-11-22T04:00:00Z";
    assert_eq!(oracle.get(between).await.ids(), ["o3"]);
    oracle.later(60);
    oracle
        .ehr
        .put(oracle_now(&oracle), potassium("o1", "p1", 100, "corrected"));
    let reply = oracle
        .get("/Observation?patient=p1&_lastUpdated=ge2026-11-22T14:30:30Z")
        .await;
    assert_eq!(reply.ids(), ["o1"]);
    let meta = reply.json()["entry"][0]["resource"]["meta"].clone();
    assert_eq!(
        meta,
        json!({"versionId": "1", "lastUpdated": "2026-11-22T14:31:00.000Z"})
    );
    let epic = filled(Vendor::Epic).await;
    let reply = epic
        .get("/Observation?patient=p1&category=laboratory&date=ge2026-11-22T05:00:00Z")
        .await;
    assert_eq!(reply.ids(), ["o2"]);
    // Epic does not know when something changed: it says that it has ignored the question.
    let reply = epic
        .get("/Observation?patient=p1&category=laboratory&_lastUpdated=ge2099")
        .await;
    assert_eq!(reply.ids().len(), 3);
    assert_eq!(reply.outcomes()[0]["details"]["coding"][0]["code"], "59100");
}

fn oracle_now(bench: &Bench) -> bedside_fact::clock::Timestamp {
    use bedside_fact::clock::Clock as _;
    bench.clock.now()
}

#[tokio::test]
async fn a_category_without_a_licence_is_left_out_and_that_is_said() {
    let bench = Bench::with(Vendor::Epic, |options| {
        options.unlicensed = vec![("Observation".to_owned(), "laboratory".to_owned())];
    })
    .await;
    bench.fill([patient("p1"), potassium("o1", "p1", 100, "final")]);
    for query in ["category=laboratory", "code=2823-3"] {
        let reply = bench.get(&format!("/Observation?patient=p1&{query}")).await;
        assert_eq!(reply.status, 200);
        assert!(reply.ids().is_empty());
        assert_eq!(reply.outcomes()[0]["code"], "suppressed");
        assert_eq!(
            reply.outcomes().len(),
            1,
            "nobody says that there is nothing"
        );
    }
}

#[tokio::test]
async fn a_resource_is_seen_from_its_time_on_and_no_longer_after_its_removal() {
    let bench = filled(Vendor::Epic).await;
    let (soon, later) = ("2026-11-22T14:31:00Z", "2026-11-22T14:32:00Z");
    bench
        .ehr
        .put(soon.parse().unwrap(), potassium("o4", "p1", 500, "final"));
    bench
        .ehr
        .remove(later.parse().unwrap(), "Observation", "o4");
    assert_eq!(bench.ehr.next_change().unwrap().to_string(), soon);
    assert_eq!(bench.get("/Observation/o4").await.epic_code(), "4102");
    bench.later(60);
    assert_eq!(bench.get("/Observation/o4").await.status, 200);
    bench.later(60);
    let gone = bench.get("/Observation/o4").await;
    assert_eq!((gone.status, gone.epic_code().as_str()), (410, "4103"));
    assert_eq!(bench.ehr.next_change(), None);
}

#[tokio::test]
async fn epic_writes_xml_to_whoever_does_not_ask_for_json() {
    let bench = filled(Vendor::Epic).await;
    let path = format!("{}/Patient/p1", bench.base_path());
    let usual = bench.usual();
    let (accept, token) = (usual[0], usual[1]);
    for headers in [
        vec![token],
        vec![token, ("accept", "*/*")],
        vec![token, ("accept", "application/xml")],
    ] {
        let reply = bench.send("GET", &path, &headers, "").await.unwrap();
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.header("content-type"),
            Some("application/fhir+xml; charset=utf-8")
        );
        assert!(
            reply.body.contains("<family value=\"Muñoz\">"),
            "{}",
            reply.body
        );
    }
    for path in [format!("{path}?_format=json"), path] {
        let reply = bench
            .send("GET", &path, &[token, accept], "")
            .await
            .unwrap();
        assert_eq!(reply.status, 200);
    }
}

#[tokio::test]
async fn a_posted_search_is_read_from_its_body_alone() {
    let bench = filled(Vendor::Epic).await;
    let path = format!("{}/Observation/_search?patient=p2", bench.base_path());
    let mut headers = bench.usual();
    headers.push(("content-type", "application/x-www-form-urlencoded"));
    let reply = bench
        .send("POST", &path, &headers, "patient=p1&code=2823-3")
        .await
        .unwrap();
    assert_eq!(reply.ids(), ["o2", "o3", "o1"]);
}

#[tokio::test]
async fn a_bundle_of_writes_is_taken_by_nobody() {
    let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": []});
    for (vendor, status) in [
        (Vendor::Epic, 405),
        (Vendor::Oracle, 422),
        (Vendor::Athena, 405),
    ] {
        let bench = filled(vendor).await;
        assert_eq!(bench.post("", &batch).await.status, status);
    }
}

#[tokio::test]
async fn epic_takes_the_date_of_an_order_from_its_dosage_so_an_order_without_one_is_in_no_range() {
    let bench = filled(Vendor::Epic).await;
    let order = |id: &str| {
        json!({"resourceType": "MedicationRequest", "id": id, "status": "active", "intent": "order",
            "subject": {"reference": "Patient/p1"}, "authoredOn": "2026-11-22"})
    };
    let mut bound = order("m1");
    bound["dosageInstruction"] =
        json!([{"timing": {"repeat": {"boundsPeriod": {"start": "2026-11-20"}}}}]);
    bench.fill([bound, order("m2")]);
    let all = bench.get("/MedicationRequest?patient=p1").await;
    assert_eq!(all.ids(), ["m1", "m2"]);
    let some = bench
        .get("/MedicationRequest?patient=p1&date=ge2026-11-21")
        .await;
    assert_eq!(some.ids(), ["m1"]);
}

#[tokio::test]
async fn too_little_to_look_for_a_patient_is_no_error_at_epic_and_finds_nobody() {
    let bench = filled(Vendor::Epic).await;
    let reply = bench.get("/Patient?family=Mu%C3%B1oz&given=Ana").await;
    assert_eq!(reply.status, 200);
    assert!(reply.ids().is_empty());
    let outcomes = reply.outcomes();
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0]["severity"], "information");
    assert_eq!(outcomes[0]["details"]["coding"][0]["code"], "59133");
}
