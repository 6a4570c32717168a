//! Access tokens: each check fails by name, an assertion works once, a token ends.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_TYPE, HOST};
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bedside_core::audit::AuditOutcome;
use bedside_store::audit::AuditRow;
use serde_json::{Value, json};

use crate::support::{Key, Site, TOKEN_URL};

fn words(answer: &crate::support::Answer) -> (String, String) {
    let json = answer.json();
    (
        json["error"].as_str().unwrap_or_default().to_owned(),
        json["error_description"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    )
}

#[tokio::test]
async fn each_failed_check_is_named_and_in_the_log() {
    let site = Site::open().await;
    let key = &site.keys["reader"];
    let now = site.claims("reader")["exp"].as_i64().unwrap() - 240;
    let changes: [(&str, &str, Value); 8] = [
        ("iss", "iss", json!("stranger")),
        ("sub", "sub", json!("observer")),
        ("aud", "aud", json!("http://127.0.0.1:8080/")),
        ("aud", "aud", json!("http://evil.example/auth/token")),
        ("exp", "exp", json!(now - 60)),
        ("exp", "exp", json!(now + 3_600)),
        ("jti", "jti", Value::Null),
        ("nbf", "nbf", json!(now + 120)),
    ];
    for (claim, named, value) in changes {
        let mut claims = site.claims("reader");
        claims[claim] = value;
        let answer = site.ask_token(&key.sign(&claims), "").await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "{claim}: {}",
            answer.text
        );
        let (error, said) = words(&answer);
        assert_eq!(error, "invalid_client");
        assert!(said.starts_with(named), "{claim}: {said}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let wrong_key = Key::new(&key.kid);
    let answer = site
        .ask_token(&wrong_key.sign(&site.claims("reader")), "")
        .await;
    assert!(words(&answer).1.starts_with("signature"), "{}", answer.text);
    let answer = site
        .ask_token(&Key::new("nobody").sign(&site.claims("reader")), "")
        .await;
    assert!(words(&answer).1.starts_with("kid"), "{}", answer.text);
    let answer = site
        .ask_token(&site.keys["observer"].sign(&site.claims("reader")), "")
        .await;
    assert!(
        words(&answer).1.starts_with("kid"),
        "another client's key signs for nobody else"
    );
    // No signature at all, and a shared secret made of what everybody knows.
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    for alg in ["none", "HS384", "ES256"] {
        let forged = format!(
            "{}.{}.{}",
            part(json!({"alg": alg, "typ": "JWT", "kid": key.kid})),
            part(site.claims("reader")),
            part(json!("x"))
        );
        let answer = site.ask_token(&forged, "").await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "{alg}: {}",
            answer.text
        );
    }
    // Whoever names no client is nobody; a name is no more than a claim until the signature is right.
    assert_eq!(site.counted("anonymous").await, (0, 1));
    let rows = site.log("reader").await;
    assert!(
        rows.iter()
            .all(|row| row.entry.outcome == AuditOutcome::Denied)
    );
    let claimed = |row: &&AuditRow| {
        let detail = row.entry.detail.clone().unwrap_or_default();
        let marked = detail.ends_with("the client id is claimed and not proven");
        assert_eq!(row.entry.role == "anonymous", marked, "{detail}");
        marked
    };
    assert_eq!(rows.len(), 13);
    assert_eq!(rows.iter().filter(claimed).count(), 6);
}

#[tokio::test]
async fn a_header_with_critical_extensions_is_refused() {
    let site = Site::open().await;
    let key = &site.keys["reader"];
    for header in [
        json!({"crit": ["foo"], "foo": 1}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"crit": []}),
        json!({"crit": null}),
    ] {
        let answer = site
            .ask_token(&key.sign_with(&header, &site.claims("reader")), "")
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{header}");
        assert!(words(&answer).1.starts_with("crit"), "{}", answer.text);
    }
    let other = key.sign_with(&json!({"b64": true}), &site.claims("reader"));
    assert_eq!(site.ask_token(&other, "").await.status, StatusCode::OK);
    assert_eq!(site.counted("reader").await.1, 4);
}

#[tokio::test]
async fn p02_an_assertion_works_once_even_after_a_restart() {
    let mut site = Site::open().await;
    let assertion = site.keys["reader"].sign(&site.claims("reader"));
    let first = site.ask_token(&assertion, "").await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    let token = first.json()["access_token"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let again = site.ask_token(&assertion, "").await;
        assert_eq!(again.status, StatusCode::UNAUTHORIZED);
        assert!(words(&again).1.starts_with("jti"), "{}", again.text);
        site.restart().await;
    }
    assert_eq!(
        site.get(&token, "/fhir/Patient").await.status,
        StatusCode::OK,
        "a token outlives the process"
    );
    assert_eq!(site.counted("reader").await.1, 2);
}

#[tokio::test]
async fn a_token_is_good_for_the_scopes_it_echoes_and_for_as_long_as_it_says() {
    let mut site = Site::open().await;
    let assertion = site.keys["reader"].sign(&site.claims("reader"));
    let answer = site
        .ask_token(
            &assertion,
            "system/Observation.rs system/Procedure.rs patient/*.read",
        )
        .await;
    let json = answer.json();
    assert_eq!(json["scope"], "system/Observation.rs");
    assert_eq!(json["token_type"], "bearer");
    assert_eq!(json["expires_in"], 300);
    let token = json["access_token"].as_str().unwrap();
    assert_eq!(
        site.get(token, "/fhir/Patient").await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        site.get(token, "/fhir/Observation?_id=x").await.status,
        StatusCode::OK
    );
    site.pass(299);
    assert_eq!(
        site.get(token, "/fhir/Observation?_id=x").await.status,
        StatusCode::OK
    );
    site.pass(2);
    let over = site.get(token, "/fhir/Observation?_id=x").await;
    assert_eq!(over.status, StatusCode::UNAUTHORIZED);
    assert!(over.header("www-authenticate").contains("invalid_token"));
    assert_eq!(over.issue(), "login");

    let assertion = site.keys["reader"].sign(&site.claims("reader"));
    let none = site.ask_token(&assertion, "system/Procedure.rs").await;
    assert_eq!(
        (none.status, words(&none).0.as_str()),
        (StatusCode::BAD_REQUEST, "invalid_scope")
    );

    // What is registered today counts, not what was when the token was made.
    let token = site.token("reader").await;
    assert_eq!(
        site.get(&token, "/fhir/Patient").await.status,
        StatusCode::OK
    );
    site.register(&[("reader", "system/Observation.rs")]);
    assert_eq!(
        site.get(&token, "/fhir/Patient").await.status,
        StatusCode::FORBIDDEN
    );
    site.register(&[]);
    assert_eq!(
        site.get(&token, "/fhir/Patient").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn an_unknown_key_is_looked_for_once_and_a_new_one_is_found() {
    let mut site = Site::open().await;
    site.token("remote").await;
    site.token("remote").await;
    assert_eq!(
        site.web.read.load(Ordering::SeqCst),
        1,
        "the key set is kept"
    );
    let new = Key::new("remote-2");
    site.keys.insert("remote", new.clone());
    for _ in 0..5 {
        let answer = site
            .ask_token(&Key::new("made-up").sign(&site.claims("remote")), "")
            .await;
        assert!(words(&answer).1.starts_with("kid"));
    }
    assert_eq!(
        site.web.read.load(Ordering::SeqCst),
        1,
        "nobody is made to fetch all the time"
    );
    site.pass(60);
    *site.web.page.lock().unwrap() = new.jwks().to_string();
    site.token("remote").await;
    assert_eq!(site.web.read.load(Ordering::SeqCst), 2);
    site.pass(60);
    *site.web.page.lock().unwrap() = String::from("<html>down</html>");
    let answer = site
        .ask_token(&Key::new("made-up").sign(&site.claims("remote")), "")
        .await;
    assert!(words(&answer).1.starts_with("jwks_url"), "{}", answer.text);
    site.token("remote").await;
}

#[tokio::test]
async fn the_token_endpoint_takes_signed_assertions_and_nothing_else() {
    let site = Site::open().await;
    let send = |kind: &str, body: &str| {
        let request = Request::post("/auth/token")
            .header(HOST, "127.0.0.1:8080")
            .header(CONTENT_TYPE, kind)
            .body(Body::from(body.to_owned()))
            .unwrap();
        site.send(request)
    };
    let form = "application/x-www-form-urlencoded";
    for (kind, body, error) in [
        ("application/json", "{}", "invalid_request"),
        (form, "", "invalid_request"),
        (form, "grant_type=password", "unsupported_grant_type"),
        (
            form,
            "grant_type=client_credentials&client_id=reader&client_secret=x",
            "invalid_client",
        ),
        (
            form,
            "grant_type=client_credentials&grant_type=client_credentials",
            "invalid_request",
        ),
    ] {
        let answer = send(kind, body).await;
        assert_eq!(words(&answer).0, error, "{body}: {}", answer.text);
        assert!(answer.status.is_client_error());
    }
    let answer = send(form, &"x".repeat(64 * 1024)).await;
    assert_eq!(words(&answer).0, "invalid_request");
    let get = site
        .send(Request::get("/auth/token").body(Body::empty()).unwrap())
        .await;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED);
    // Without a public address a name from the request is no audience.
    let mut claims = site.claims("reader");
    claims["aud"] = json!("http://evil.example/auth/token");
    let form = format!(
        "grant_type=client_credentials&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion={}",
        site.keys["reader"].sign(&claims)
    );
    let request = Request::post("/auth/token")
        .header(HOST, "evil.example")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = site.send(request.body(Body::from(form)).unwrap()).await;
    assert!(words(&answer).1.starts_with("aud"), "{}", answer.text);
}

#[tokio::test]
async fn discovery_is_open_to_everybody_and_true() {
    let site = Site::open().await;
    for path in [
        "/.well-known/smart-configuration",
        "/fhir/.well-known/smart-configuration",
    ] {
        let request = Request::get(path)
            .header(HOST, "127.0.0.1:8080")
            .header(ACCEPT, "text/html");
        let answer = site.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("content-type"), "application/json");
        let json = answer.json();
        assert_eq!(json["token_endpoint"], TOKEN_URL);
        assert_eq!(
            json["token_endpoint_auth_signing_alg_values_supported"],
            json!(["RS384", "ES384"])
        );
    }
    let request = Request::get("/fhir/metadata").header(HOST, "127.0.0.1:8080");
    let answer = site.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let statement = answer.json();
    assert_eq!(statement["resourceType"], "CapabilityStatement");
    let uris = &statement["rest"][0]["security"]["extension"][0];
    assert_eq!(uris["extension"][0]["valueUri"], TOKEN_URL);
    for resource in statement["rest"][0]["resource"].as_array().unwrap() {
        let names: Vec<&str> = resource["searchParam"]
            .as_array()
            .unwrap()
            .iter()
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(names.contains(&"patient"), resource["type"] != "Patient");
        assert!(names.contains(&"_id"));
    }
}
