//! Signing in: what is refused, and how each vendor says so.

use std::sync::Arc;

use bedside_sim::ehr::{Client, Keys, Vendor};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::task::TaskTracker;

use super::bench::{Bench, CLIENT, Signer, patient, start};

const ALL: [Vendor; 3] = Vendor::ALL;

fn changed(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    claims[name] = value;
    claims
}

#[tokio::test]
async fn an_assertion_that_breaks_any_rule_gets_no_token() {
    for vendor in ALL {
        let bench = Bench::stranger(vendor, |_| ()).await;
        let now = start().as_second();
        let good = bench.claims("a");
        let mut bad = vec![
            changed(&good, "aud", json!("http://127.0.0.1:1/token")),
            changed(&good, "iss", json!("somebody")),
            changed(&good, "sub", json!("somebody")),
            changed(&good, "exp", json!(now + 301)),
            changed(&good, "exp", json!(now)),
            changed(&good, "exp", json!("soon")),
            changed(&good, "iat", json!(now + 1)),
            changed(&good, "iat", json!(now - 61)),
            changed(&good, "nbf", json!(now + 1)),
            changed(&good, "jti", json!("x".repeat(152))),
            changed(&good, "jti", json!(7)),
            changed(&good, "jti", json!("")),
        ];
        for name in ["aud", "iss", "sub", "exp", "jti"] {
            let mut claims = good.clone();
            claims.as_object_mut().unwrap().remove(name);
            bad.push(claims);
        }
        for claims in bad {
            let reply = bench.ask_token(&claims, "system/Patient.read").await;
            assert_ne!(reply.status, 200, "{vendor:?} {claims}");
        }
        let reply = bench.ask_token(&good, "system/Patient.read").await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let again = bench.ask_token(&good, "system/Patient.read").await;
        assert_ne!(again.status, 200, "a replay at {vendor:?}");
    }
}

#[tokio::test]
async fn a_client_is_registered_while_the_ehr_runs_and_its_new_keys_replace_the_old() {
    let mut bench = Bench::stranger(Vendor::Oracle, |options| options.clients.clear()).await;
    assert_eq!(bench.ask_token(&bench.claims("a"), "").await.status, 400);
    for jti in ["b", "c"] {
        bench.signer = Signer::curve();
        bench.ehr.register(Client {
            id: CLIENT.to_owned(),
            keys: Keys::Set(bench.signer.set()),
        });
        assert_eq!(bench.ask_token(&bench.claims(jti), "").await.status, 200);
    }
}

#[tokio::test]
async fn a_signature_of_another_key_gets_no_token() {
    for vendor in ALL {
        let mut bench = Bench::stranger(vendor, |_| ()).await;
        bench.signer = Signer::curve();
        let reply = bench
            .ask_token(&bench.claims("a"), "system/Patient.read")
            .await;
        assert_ne!(reply.status, 200, "{vendor:?}");
    }
}

#[tokio::test]
async fn each_vendor_refuses_in_its_own_way() {
    let epic = Bench::stranger(Vendor::Epic, |_| ()).await;
    let claims = changed(&epic.claims("a"), "sub", json!("x"));
    let reply = epic.ask_token(&claims, "").await;
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.json(),
        json!({"error": "invalid_client", "error_description": null})
    );

    let oracle = Bench::stranger(Vendor::Oracle, |_| ()).await;
    let claims = changed(&oracle.claims("a"), "sub", json!("x"));
    let reply = oracle.ask_token(&claims, "").await.json();
    assert_eq!(reply["error"], "invalid_client");
    let uri = reply["error_uri"].as_str().unwrap();
    assert!(
        uri.contains("/errors/urn%3Acerner%3Aerror%3A") && uri.contains("/instances/"),
        "{uri}"
    );
    assert!(reply.get("error_description").is_none());

    let athena = Bench::stranger(Vendor::Athena, |_| ()).await;
    let reply = athena.ask_token(&athena.claims("a"), "").await;
    assert_eq!(reply.status, 401);
    let reply = reply.json();
    assert_eq!(reply["error"], "access_denied");
    assert!(reply["detailedmessage"].is_string());
}

#[tokio::test]
async fn tokens_live_as_long_as_the_vendor_says_and_are_worth_nothing_after() {
    for (vendor, life, text) in [
        (Vendor::Epic, 3600, json!(3600)),
        (Vendor::Oracle, 570, json!(570)),
        (Vendor::Athena, 3600, json!("3600")),
    ] {
        let bench = Bench::with(vendor, |_| ()).await;
        bench.fill([patient("p1")]);
        let given = bench
            .ask_token(&bench.claims("z"), "system/Patient.read")
            .await
            .json();
        assert_eq!(given["expires_in"], text);
        assert!(!given["access_token"].as_str().unwrap().contains('.'));
        bench.later(life - 1);
        assert_eq!(bench.get("/Patient/p1").await.status, 200);
        bench.later(1);
        assert_eq!(bench.get("/Patient/p1").await.status, 401, "{vendor:?}");
        let path = format!("{}/Patient/p1", bench.base_path());
        let nobody = bench
            .send("GET", &path, &[("accept", "application/json")], "")
            .await;
        assert_eq!(nobody.unwrap().status, 401);
    }
}

#[tokio::test]
async fn scopes_are_ignored_dropped_or_demanded() {
    let epic = Bench::stranger(Vendor::Epic, |_| ()).await;
    let asked = epic
        .ask_token(&epic.claims("a"), "system/*.rs")
        .await
        .json();
    let bare = epic.ask_token(&epic.claims("b"), "").await.json();
    assert_eq!(asked["scope"], bare["scope"]);
    assert!(
        bare["scope"]
            .as_str()
            .unwrap()
            .contains("system/Observation.read")
    );

    let oracle = Bench::stranger(Vendor::Oracle, |_| ()).await;
    let given = oracle
        .ask_token(&oracle.claims("a"), "system/*.read system/Patient.read")
        .await
        .json();
    assert_eq!(given["scope"], "system/Patient.read");
    let token = given["access_token"].as_str().unwrap();
    let headers = [
        ("accept", "application/fhir+json"),
        ("authorization", token),
    ];
    let path = format!("{}/Observation?patient=1", oracle.base_path());
    let reply = oracle.send("GET", &path, &headers, "").await.unwrap();
    assert_eq!((reply.status, reply.body.as_str()), (403, ""));
    assert!(
        reply
            .header("www-authenticate")
            .unwrap()
            .contains("insufficient_scope")
    );

    let athena = Bench::stranger(Vendor::Athena, |_| ()).await;
    let reply = athena
        .ask_token(&athena.claims("a"), "system/Unicorn.read")
        .await;
    assert_eq!(reply.status, 401);
}

#[tokio::test]
async fn epic_takes_a_curve_only_from_a_published_key_set_and_fetches_again_once_after_a_rotation()
{
    let curve = Signer::curve();
    let refused = Bench::stranger(Vendor::Epic, |options| {
        options.clients = vec![Client {
            id: CLIENT.to_owned(),
            keys: Keys::Set(curve.set()),
        }];
    });
    let mut refused = refused.await;
    refused.signer = curve;
    assert_eq!(
        refused.ask_token(&refused.claims("a"), "").await.status,
        400
    );

    let published = Arc::new(Mutex::new((String::new(), 0_u32)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let document = Arc::clone(&published);
    TaskTracker::new().spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0_u8; 1024];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            let mut document = document.lock().await;
            document.1 += 1;
            let answer = format!(
                "HTTP/1.0 200 OK\r\nCache-Control: max-age=600\r\n\r\n{}",
                document.0
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let mut bench = Bench::stranger(Vendor::Epic, |options| {
        options.clients = vec![Client {
            id: CLIENT.to_owned(),
            keys: Keys::Url(url),
        }];
    })
    .await;
    bench.signer = Signer::curve();
    published.lock().await.0 = bench.signer.set().to_string();
    assert_eq!(bench.ask_token(&bench.claims("a"), "").await.status, 200);
    assert_eq!(bench.ask_token(&bench.claims("b"), "").await.status, 200);
    assert_eq!(published.lock().await.1, 1, "kept after the first time");
    // The client changes its key: the kept set fails, and the published one is asked for once.
    bench.signer = Signer::curve();
    published.lock().await.0 = bench.signer.set().to_string();
    assert_eq!(bench.ask_token(&bench.claims("c"), "").await.status, 200);
    assert_eq!(published.lock().await.1, 2);
    bench.later(601);
    assert_eq!(bench.ask_token(&bench.claims("d"), "").await.status, 200);
    assert_eq!(published.lock().await.1, 3, "max-age is over");
    published.lock().await.0 = "<html>".to_owned();
    bench.later(601);
    assert_eq!(bench.ask_token(&bench.claims("e"), "").await.status, 400);
}

#[tokio::test]
async fn a_key_set_is_fetched_from_an_ordinary_web_server() {
    let signer = Signer::curve();
    let set = signer.set().to_string();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://{}/.well-known/jwks.json",
        listener.local_addr().unwrap()
    );
    let routes = axum::Router::new().route(
        "/.well-known/jwks.json",
        axum::routing::get(move || async move { set }),
    );
    TaskTracker::new().spawn(async move { axum::serve(listener, routes).await.unwrap() });
    for vendor in ALL {
        let mut bench = Bench::stranger(vendor, |options| {
            options.clients = vec![Client {
                id: CLIENT.to_owned(),
                keys: Keys::Url(url.clone()),
            }];
        })
        .await;
        bench.signer = signer.clone();
        let claims = bench.claims("a");
        assert_eq!(
            bench.ask_token(&claims, "system/Patient.read").await.status,
            200
        );
    }
}

#[tokio::test]
async fn discovery_is_as_incomplete_as_the_vendors() {
    for vendor in ALL {
        let bench = Bench::stranger(vendor, |_| ()).await;
        let path = format!("{}/.well-known/smart-configuration", bench.base_path());
        let smart = bench.send("GET", &path, &[], "").await.unwrap().json();
        assert_eq!(
            smart["token_endpoint"],
            json!(bench.ehr.token_url(bench.address))
        );
        let base = bench.ehr.base(bench.address);
        assert!(!smart["token_endpoint"].as_str().unwrap().starts_with(&base));
        let path = format!("{}/metadata", bench.base_path());
        let json = [("accept", "application/fhir+json")];
        let metadata = bench.send("GET", &path, &json, "").await.unwrap();
        let content_type = metadata.header("content-type").unwrap().to_owned();
        let metadata = metadata.json();
        let resources = metadata["rest"][0]["resource"].as_array().unwrap();
        let of = |name: &str| {
            resources
                .iter()
                .find(|one| one["type"] == name)
                .unwrap()
                .clone()
        };
        match vendor {
            Vendor::Epic => {
                assert_eq!(metadata["software"]["version"], "May 2026");
                assert_eq!(metadata["experimental"], true);
                assert!(!smart["scopes_supported"].to_string().contains("Patient"));
            }
            Vendor::Oracle => assert_eq!(content_type, "application/json+fhir"),
            Vendor::Athena => {
                assert!(smart.get("scopes_supported").is_none());
                assert!(!smart["issuer"].as_str().unwrap().contains("127.0.0.1"));
                let required = of("MedicationRequest")["extension"][0].clone();
                assert_eq!(
                    required["extension"],
                    json!([
                        {"url": "requiredAnySearchParams", "valueString": "patient,intent"},
                        {"url": "requiredAnySearchParams", "valueString": "_id"}
                    ])
                );
                assert_eq!(of("Group")["interaction"], json!([]));
            }
        }
    }
}
