//! Token answers of three vendors and of nobody.

use super::*;
use serde_json::json;

#[test]
fn a_life_is_read_as_a_number_and_as_text() {
    for life in [json!(570), json!("570"), json!(" 570 ")] {
        let body = json!({"access_token": "opaque.~-", "token_type": "bearer", "expires_in": life, "scope": "system/Patient.read  Patient.search"});
        let token = token_answer(200, body.to_string().as_bytes()).unwrap();
        assert_eq!((token.expires_in, token.scopes.len()), (570, 2));
    }
    let token = token_answer(200, br#"{"access_token":"a"}"#).unwrap();
    assert_eq!(token.expires_in, UNSAID_LIFE);
}

#[test]
fn a_token_never_shows_itself() {
    let token = token_answer(200, br#"{"access_token":"secret","expires_in":60}"#).unwrap();
    assert_eq!(format!("{token:?}"), "Token(60 s)");
}

#[test]
fn refusals_are_told_apart_and_say_codes_only() {
    let class = |status: u16, body: &str| token_answer(status, body.as_bytes()).unwrap_err();
    let epic = class(
        400,
        r#"{"error":"invalid_client","error_description":null}"#,
    );
    assert_eq!(epic.class, RefusalClass::Client);
    assert_eq!(
        class(400, r#"{"error":"unauthorized_client"}"#).class,
        RefusalClass::NotAllowed
    );
    let oracle = class(
        400,
        r#"{"error":"invalid_grant","error_uri":"https://authorization.example.com/errors/urn%3Aexample%3Aerror%3Aoauth2%3Atoken%3Aunknown-tenant/instances/17?client=x"}"#,
    );
    assert_eq!(oracle.class, RefusalClass::Request);
    assert!(oracle.words.ends_with("unknown-tenant"), "{}", oracle.words);
    let athena = class(
        401,
        r#"{"error":"access_denied","detailedmessage":"Policy evaluation failed for John Doe"}"#,
    );
    assert_eq!(athena.class, RefusalClass::Client);
    assert!(!athena.words.contains("Doe"));
    assert_eq!(class(200, "<html>").class, RefusalClass::NotOAuth);
    assert_eq!(class(503, "").class, RefusalClass::Server);
    assert_eq!(
        class(200, r#"{"access_token":"a\r\nx: y"}"#).class,
        RefusalClass::NotOAuth
    );
    let words = class(400, r#"{"error":"John Doe is unknown"}"#).words;
    assert!(!words.contains("Doe"), "{words}");
}

#[test]
fn an_assertion_lives_four_minutes_at_most() {
    let now: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
    let made = claims("us", "https://ehr/token", "r".to_owned(), now, 9000);
    assert_eq!(made.exp - now.as_second(), 240);
    assert_eq!((made.iss.as_str(), made.sub.as_str()), ("us", "us"));
}

#[test]
fn what_is_configured_stands_before_what_is_discovered() {
    let document =
        json!({"issuer": "https://elsewhere.example.org", "token_endpoint": "https://ehr/token"});
    assert_eq!(
        endpoints(&document, None).unwrap().token,
        "https://ehr/token"
    );
    assert_eq!(
        endpoints(&document, Some("https://ehr/other"))
            .unwrap()
            .token,
        "https://ehr/other"
    );
    assert_eq!(
        endpoints(&json!({}), None),
        Err(DiscoveryError::NoTokenEndpoint)
    );
    assert_eq!(
        endpoints(&json!([]), Some("https://x/t")).unwrap().token,
        "https://x/t"
    );
}
