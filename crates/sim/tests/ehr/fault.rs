//! Faults, each as a client meets it.

use bedside_fact::clock::Clock as _;
use bedside_sim::ehr::{Fault, Matching, Vendor};
use serde_json::Value;

use super::bench::{Bench, patient, potassium};

const SEARCH: &str = "/Observation?patient=p1&code=2823-3&_count=2";

async fn filled(vendor: Vendor) -> Bench {
    let bench = Bench::new(vendor).await;
    bench.fill([patient("p1")]);
    bench.fill((0..5).map(|minute| potassium(&format!("o{minute}"), "p1", minute, "final")));
    bench
}

fn once(bench: &Bench, fault: Fault) {
    bench.ehr.faults().arm(fault, Some(1), Matching::default());
}

#[tokio::test]
async fn a_sign_in_page_comes_with_status_200() {
    let bench = filled(Vendor::Epic).await;
    once(&bench, Fault::HtmlPage);
    let reply = bench.get(SEARCH).await;
    assert_eq!(reply.status, 200);
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert!(reply.body.contains("Sign in"));
    assert_eq!(bench.get(SEARCH).await.ids().len(), 2, "once only");
}

#[tokio::test]
async fn a_broken_server_says_it_in_the_vendors_way() {
    for (vendor, status) in [
        (Vendor::Epic, 503),
        (Vendor::Oracle, 504),
        (Vendor::Athena, 502),
    ] {
        let bench = filled(vendor).await;
        once(&bench, Fault::Status(status));
        let reply = bench.get("/Patient/p1").await;
        assert_eq!(reply.status, status);
        assert!(
            serde_json::from_str::<Value>(&reply.body).is_err(),
            "{}",
            reply.body
        );
    }
    let bench = filled(Vendor::Epic).await;
    once(&bench, Fault::Status(500));
    assert_eq!(bench.get(SEARCH).await.epic_code(), "59177");
    once(&bench, Fault::Status(403));
    let reply = bench.get("/Patient/p1").await;
    assert_eq!((reply.status, reply.epic_code().as_str()), (403, "4118"));
}

#[tokio::test]
async fn half_a_body_comes_and_then_nothing() {
    let bench = filled(Vendor::Epic).await;
    let whole = bench.get(SEARCH).await;
    once(&bench, Fault::HalfBody);
    let half = bench.get(SEARCH).await;
    assert_eq!(half.status, 200);
    assert_eq!(
        half.header("content-length").unwrap(),
        whole.body.len().to_string()
    );
    assert_eq!(half.body.len(), whole.body.len() / 2);
    assert!(whole.body.starts_with(&half.body));
}

#[tokio::test]
async fn the_next_link_leads_to_another_host() {
    let bench = filled(Vendor::Oracle).await;
    once(
        &bench,
        Fault::ForeignNext("http://198.51.100.7/r4/x".to_owned()),
    );
    let reply = bench.get("/Observation?patient=p1&_count=2").await;
    assert_eq!(
        reply.link("next").as_deref(),
        Some("http://198.51.100.7/r4/x")
    );
    assert_eq!(reply.ids().len(), 2);
}

#[tokio::test]
async fn a_token_dies_between_two_pages() {
    let mut bench = filled(Vendor::Epic).await;
    let url = bench.get(SEARCH).await.link("next").unwrap();
    once(&bench, Fault::TokenDies);
    for _ in 0..2 {
        assert_eq!(bench.follow(&url).await.status, 401);
    }
    bench.renew().await;
    assert_eq!(bench.follow(&url).await.ids(), ["o2", "o1"]);
}

#[tokio::test]
async fn an_outcome_stands_inside_a_searchset() {
    let bench = filled(Vendor::Epic).await;
    for (code, left) in [("4118", 0), ("4119", 2), ("suppressed", 2), ("77777", 0)] {
        once(
            &bench,
            Fault::OutcomeInside {
                code: code.to_owned(),
            },
        );
        // A read is not a search: the fault waits for one.
        assert_eq!(bench.get("/Patient/p1").await.status, 200);
        let reply = bench.get(SEARCH).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.ids().len(), left, "{code}");
        assert_eq!(reply.json()["total"], left);
        assert!(reply.outcomes()[0].to_string().contains(code));
    }
}

#[tokio::test]
async fn a_page_expires_a_type_is_refused_and_a_wait_is_asked_for() {
    let bench = filled(Vendor::Epic).await;
    once(&bench, Fault::ExpiredPage);
    let url = bench.get(SEARCH).await.link("next").unwrap();
    assert_eq!(bench.follow(&url).await.epic_code(), "4113");

    let faults = bench.ehr.faults();
    faults.arm(
        Fault::RefuseType("Observation".to_owned()),
        None,
        Matching::default(),
    );
    for _ in 0..3 {
        let reply = bench.get(SEARCH).await;
        assert_eq!((reply.status, reply.body.as_str()), (403, ""));
        assert!(
            reply.header("www-authenticate").is_none(),
            "not a matter of scopes"
        );
    }
    assert_eq!(bench.get("/Patient/p1").await.status, 200);
    faults.clear();

    let athena = filled(Vendor::Athena).await;
    once(&athena, Fault::RefuseType("Patient".to_owned()));
    let reply = athena.get("/Patient/p1").await;
    assert_eq!(reply.status, 403);
    assert_eq!(reply.json()["issue"][0]["code"], "security");

    once(
        &bench,
        Fault::RetryAfter {
            status: 429,
            seconds: 17,
        },
    );
    let reply = bench.get(SEARCH).await;
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (429, Some("17"))
    );
    assert_eq!(bench.get(SEARCH).await.status, 200);
}

#[tokio::test]
async fn a_slow_answer_comes_when_the_clock_has_moved() {
    let bench = filled(Vendor::Epic).await;
    once(&bench, Fault::Slow { seconds: 30 });
    let before = bench.clock.now();
    let drive = async {
        while bench.clock.next_due().is_none() {
            tokio::task::yield_now().await;
        }
        let due = bench.clock.next_due().unwrap();
        bench.clock.advance_to(due);
    };
    let (reply, ()) = tokio::join!(bench.get(SEARCH), drive);
    assert_eq!(reply.status, 200);
    assert_eq!(bench.clock.now().duration_since(before).as_secs(), 30);
}

#[tokio::test]
async fn the_token_endpoint_fails_only_when_it_is_named() {
    let bench = filled(Vendor::Athena).await;
    bench.ehr.faults().arm(
        Fault::Status(503),
        Some(1),
        Matching {
            resource_type: Some("token".to_owned()),
            ..Matching::default()
        },
    );
    assert_eq!(bench.get("/Patient/p1").await.status, 200);
    let reply = bench
        .ask_token(&bench.claims("t"), "system/Patient.read")
        .await;
    assert_eq!(reply.status, 503);
    assert_eq!(
        bench
            .ask_token(&bench.claims("u"), "system/Patient.read")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_fault_for_one_patient_leaves_the_others_alone() {
    let bench = filled(Vendor::Epic).await;
    bench.fill([patient("p2"), potassium("x", "p2", 1, "final")]);
    bench.ehr.faults().arm(
        Fault::DropAnswer,
        None,
        Matching {
            patient: Some("p1".to_owned()),
            ..Matching::default()
        },
    );
    assert!(bench.try_get(SEARCH).await.is_err());
    assert!(bench.try_get("/Patient/p1").await.is_err());
    assert!(bench.try_get("/Observation/o1").await.is_err());
    assert_eq!(
        bench.get("/Observation?patient=p2&code=2823-3").await.ids(),
        ["x"]
    );
}

#[tokio::test]
async fn a_request_that_is_no_clean_http_or_json_is_answered_and_the_next_one_too() {
    let bench = filled(Vendor::Epic).await;
    for path in [
        "/%zz/%00",
        "//",
        "/Patient/",
        "/Patient/p1/_history/1",
        "/Observation?%&=&==&a=%ff",
    ] {
        let reply = bench.get(path).await;
        assert!(
            (400..500).contains(&reply.status),
            "{path}: {}",
            reply.status
        );
    }
    let path = format!("{}/Communication", bench.base_path());
    for body in ["", "{", "[]", "\u{0}", &"[".repeat(100_000)] {
        let reply = bench
            .send("POST", &path, &bench.usual(), body)
            .await
            .unwrap();
        assert_eq!(reply.epic_code(), "59105");
    }
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let path = format!("{}/Patient/p1", bench.base_path());
        let reply = bench.send(method, &path, &bench.usual(), "").await.unwrap();
        assert_eq!(reply.status, 405, "{method}");
    }
    assert_eq!(bench.get("/Patient/p1").await.status, 200);
}

#[tokio::test]
async fn a_record_that_cannot_be_written_fails_its_page_and_no_other() {
    let bench = filled(Vendor::Oracle).await;
    bench.ehr.faults().arm(
        Fault::PoisonRecord {
            id: "o2".to_owned(),
        },
        None,
        Matching::default(),
    );
    let whole = bench.get("/Observation?patient=p1").await;
    assert_eq!(whole.status, 500);
    let issue = &whole.json()["issue"][0];
    assert_eq!(
        (&issue["severity"], &issue["code"]),
        (&"fatal".into(), &"required".into())
    );
    assert_eq!(issue["location"][0], "/f:Observation/f:status");
    let first = bench.get("/Observation?patient=p1&_count=2").await;
    assert_eq!(first.ids(), ["o4", "o3"]);
    assert_eq!(bench.follow(&first.link("next").unwrap()).await.status, 500);
}
