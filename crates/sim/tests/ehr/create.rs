//! Creates: what each vendor takes, and how little it answers.

use bedside_sim::ehr::{Fault, Matching, Vendor};
use serde_json::{Value, json};

use super::bench::{Bench, CLIENT, patient, potassium, start};

fn message() -> Value {
    json!({
        "resourceType": "Communication", "status": "completed",
        "identifier": [{"system": "urn:example:key", "value": "k-1"}],
        "subject": {"reference": "Patient/p1"},
        "recipient": [{"display": "Dr. Okafor"}],
        "payload": [{"contentString": "Potassium 6.3 <mmol/L> was seen & acted on"}],
    })
}

async fn filled(vendor: Vendor) -> Bench {
    let bench = Bench::new(vendor).await;
    bench.fill([patient("p1"), potassium("o1", "p1", 1, "final")]);
    bench
}

#[tokio::test]
async fn a_create_at_epic_is_an_empty_201_with_a_relative_place() {
    let bench = filled(Vendor::Epic).await;
    let reply = bench.post("/Communication", &message()).await;
    assert_eq!((reply.status, reply.body.as_str()), (201, ""));
    assert!(reply.header("etag").is_none());
    let place = reply.header("location").unwrap().to_owned();
    assert!(place.starts_with("Communication/e"), "{place}");
    let read = bench.get(&format!("/{place}")).await.json();
    assert_eq!(read["payload"], message()["payload"]);
    assert_eq!(read["identifier"][0], message()["identifier"][0]);
    assert_eq!(
        read["identifier"].as_array().unwrap().len(),
        2,
        "Epic adds its own"
    );
    assert_eq!(
        bench.get("/Communication?patient=p1").await.status,
        405,
        "no search"
    );
    // The same again is filed again.
    let again = bench.post("/Communication", &message()).await;
    assert_ne!(again.header("location"), Some(place.as_str()));
    let created = bench.ehr.created();
    assert_eq!(created.len(), 2);
    assert_eq!(
        (created[0].client.as_str(), created[0].at, &created[0].body),
        (CLIENT, start(), &message())
    );
}

#[tokio::test]
async fn epic_gives_back_what_was_filed_when_it_is_preferred() {
    let bench = filled(Vendor::Epic).await;
    let path = format!("{}/Communication", bench.base_path());
    let mut headers = bench.usual();
    headers.push(("prefer", "return=representation"));
    let reply = bench
        .send("POST", &path, &headers, &message().to_string())
        .await
        .unwrap();
    assert_eq!(reply.status, 201);
    let id = reply.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        reply.header("location"),
        Some(format!("Communication/{id}").as_str())
    );
}

#[tokio::test]
async fn a_create_at_oracle_is_an_empty_page_with_an_absolute_place_and_a_version() {
    let bench = filled(Vendor::Oracle).await;
    let reply = bench.post("/Communication", &message()).await;
    assert_eq!((reply.status, reply.body.as_str()), (201, ""));
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert_eq!(reply.header("etag"), Some("W/\"0\""));
    let place = reply.header("location").unwrap().to_owned();
    let read = bench.follow(&place).await;
    assert_eq!(read.header("etag"), Some("W/\"0\""));
    let found = bench.get("/Communication?patient=p1").await;
    assert_eq!(found.ids(), [read.json()["id"].as_str().unwrap()]);
    assert_eq!(
        found.json()["entry"][0]["resource"]["identifier"],
        message()["identifier"]
    );
}

#[tokio::test]
async fn what_is_not_taken_is_refused_and_not_filed() {
    let epic = filled(Vendor::Epic).await;
    let with = |name: &str, value: Value| {
        let mut body = message();
        body[name] = value;
        body
    };
    for (body, status, code) in [
        (with("status", json!("preparation")), 422, "59012"),
        (with("payload", json!([])), 400, "59108"),
        (
            with("subject", json!({"reference": "Patient/nobody"})),
            400,
            "59144",
        ),
        (with("subject", json!({"display": "Ana"})), 400, "59108"),
        (with("resourceType", json!("Observation")), 400, "59105"),
        (json!("text"), 400, "59105"),
    ] {
        let reply = epic.post("/Communication", &body).await;
        assert_eq!(
            (reply.status, reply.epic_code().as_str()),
            (status, code),
            "{body}"
        );
    }
    let oracle = filled(Vendor::Oracle).await;
    for body in [
        with("modifierExtension", json!([{"url": "x"}])),
        with("implicitRules", json!("x")),
        with("status", json!("unknown")),
        with("subject", json!({"reference": "Patient/nobody"})),
    ] {
        let reply = oracle.post("/Communication", &body).await;
        assert_eq!(reply.status, 422, "{body}");
        assert_eq!(
            reply.json()["issue"][0]["details"]["text"],
            "Unprocessable entity"
        );
    }
    let athena = filled(Vendor::Athena).await;
    let reply = athena.post("/Communication", &message()).await;
    assert_eq!(reply.status, 405);
    assert_eq!(reply.json()["issue"][0]["code"], "not-supported");
    for bench in [&epic, &oracle, &athena] {
        assert!(bench.ehr.created().is_empty());
        let other = bench
            .post("/Condition", &json!({"resourceType": "Condition"}))
            .await;
        assert_eq!(other.status, 405);
    }
}

#[tokio::test]
async fn a_dropped_answer_has_filed_exactly_one() {
    for vendor in [Vendor::Epic, Vendor::Oracle] {
        let bench = filled(vendor).await;
        bench.ehr.faults().arm(
            Fault::DropAnswer,
            Some(1),
            Matching {
                method: Some("POST"),
                resource_type: Some("Communication".to_owned()),
                patient: Some("p1".to_owned()),
            },
        );
        assert!(bench.try_post("/Communication", &message()).await.is_err());
        assert_eq!(bench.ehr.created().len(), 1);
        assert_eq!(bench.post("/Communication", &message()).await.status, 201);
        assert_eq!(bench.ehr.created().len(), 2);
    }
}

fn pulse() -> Value {
    json!({
        "resourceType": "Observation", "status": "final",
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": "Patient/p1"}, "encounter": {"reference": "Encounter/e1"},
        "effectiveDateTime": "2026-11-22T14:00:00Z",
        "valueQuantity": {"value": 88, "code": "/min", "system": "http://unitsofmeasure.org"},
        "performer": [{"extension": [{
            "url": "http://hl7.org/fhir/StructureDefinition/event-performerFunction",
            "valueCodeableConcept": {"coding": [{"code": "LA"}]}
        }], "display": "Ward device"}],
    })
}

#[tokio::test]
async fn a_vital_sign_has_to_fit_and_a_repeated_reading_is_refused_by_epic_alone() {
    let epic = filled(Vendor::Epic).await;
    let mut amended = pulse();
    amended["status"] = json!("amended");
    assert_eq!(
        epic.post("/Observation", &amended).await.epic_code(),
        "59012"
    );
    let mut unmapped = pulse();
    unmapped["code"]["coding"][0]["code"] = json!("2823-3");
    assert_eq!(
        epic.post("/Observation", &unmapped).await.epic_code(),
        "59188"
    );
    assert_eq!(epic.post("/Observation", &pulse()).await.status, 201);
    let again = epic.post("/Observation", &pulse()).await;
    assert_eq!((again.status, again.epic_code().as_str()), (400, "59189"));
    assert_eq!(
        again.json()["issue"][0]["expression"],
        json!(["code/instant"])
    );
    let found = epic
        .get("/Observation?patient=p1&category=vital-signs")
        .await;
    assert_eq!(found.ids().len(), 1);

    let oracle = filled(Vendor::Oracle).await;
    assert_eq!(oracle.post("/Observation", &pulse()).await.status, 201);
    assert_eq!(oracle.post("/Observation", &pulse()).await.status, 201);
    let mut unsigned = pulse();
    unsigned["performer"] = json!([{"display": "Ward device"}]);
    assert_eq!(oracle.post("/Observation", &unsigned).await.status, 422);
}

#[tokio::test]
async fn a_person_sees_on_the_page_what_was_written_and_nothing_in_it_is_markup() {
    for vendor in [Vendor::Epic, Vendor::Oracle] {
        let bench = filled(vendor).await;
        let empty = bench.send("GET", "/", &[], "").await.unwrap();
        assert!(empty.body.contains("Nothing was written yet"));
        bench.post("/Communication", &message()).await;
        let page = bench.send("GET", "/", &[], "").await.unwrap();
        assert_eq!(page.status, 200);
        assert!(
            page.body
                .contains("Potassium 6.3 &lt;mmol/L&gt; was seen &amp; acted on")
        );
        assert!(page.body.contains("Ana María Muñoz") && page.body.contains("Dr. Okafor"));
        assert!(!page.body.contains("<mmol"));
    }
}

#[tokio::test]
async fn equal_runs_give_equal_ids() {
    let mut places = Vec::new();
    for _ in 0..2 {
        let bench = filled(Vendor::Epic).await;
        let reply = bench.post("/Communication", &message()).await;
        places.push(reply.header("location").unwrap().to_owned());
    }
    assert_eq!(places[0], places[1]);
}
