//! Identity and references put into text, and every other byte left alone.

use bedside_fhir::splice::{Identity, splice};

const IDENTITY: Identity<'_> = Identity {
    id: "p-1",
    version_id: "3",
    last_updated: "2024-05-01T10:00:00Z",
};

fn identified(text: &str) -> String {
    splice(text, Some(&IDENTITY), &mut |_| None).unwrap()
}

fn resolved(text: &str) -> (String, Vec<String>) {
    let mut seen = Vec::new();
    let out = splice(text, None, &mut |reference| {
        seen.push(reference.to_owned());
        (reference != "Group/keep").then(|| format!("New/{}", seen.len()))
    });
    (out.unwrap(), seen)
}

#[test]
fn a_missing_identity_is_inserted_after_the_type() {
    assert_eq!(
        identified(r#"{"resourceType":"Patient","x":1e2}"#),
        r#"{"resourceType":"Patient","id":"p-1","meta":{"versionId":"3","lastUpdated":"2024-05-01T10:00:00Z"},"x":1e2}"#
    );
    assert_eq!(
        identified(r#"{"x":"\u00e9\/","resourceType":"Patient"}"#),
        r#"{"x":"\u00e9\/","resourceType":"Patient","id":"p-1","meta":{"versionId":"3","lastUpdated":"2024-05-01T10:00:00Z"}}"#
    );
}

#[test]
fn an_identity_that_is_there_is_replaced_in_place() {
    assert_eq!(
        identified(
            r#"{"\u0069d":"old","meta":{"profile":["p"],"lastUpdated":"x","versionId":"1"},"resourceType":"Patient"}"#
        ),
        r#"{"\u0069d":"p-1","meta":{"profile":["p"],"lastUpdated":"2024-05-01T10:00:00Z","versionId":"3"},"resourceType":"Patient"}"#
    );
    assert_eq!(
        identified(r#"{"id":"old","resourceType":"Patient","meta":{}}"#),
        r#"{"id":"p-1","resourceType":"Patient","meta":{"versionId":"3","lastUpdated":"2024-05-01T10:00:00Z"}}"#
    );
    assert_eq!(
        identified(
            r#"{"resourceType":"Patient","meta":{"tag":[{"id":"t"}],"versionId":"1"},"_id":{"id":"e"}}"#
        ),
        r#"{"resourceType":"Patient","id":"p-1","meta":{"lastUpdated":"2024-05-01T10:00:00Z","tag":[{"id":"t"}],"versionId":"3"},"_id":{"id":"e"}}"#
    );
    assert_eq!(
        identified(r#"{"id":"old","x":1,"resourceType":"Patient"}"#),
        r#"{"id":"p-1","meta":{"versionId":"3","lastUpdated":"2024-05-01T10:00:00Z"},"x":1,"resourceType":"Patient"}"#
    );
}

#[test]
fn only_reference_strings_are_offered_and_replaced() {
    let text = concat!(
        r##"{"resourceType":"Observation","subject":{"reference":"Patient\/7","display":"Patient/7"},"##,
        r##""contained":[{"resourceType":"Patient","id":"c","managingOrganization":{"reference":"Organization/2"}}],"##,
        r##""performer":[{"reference":"#c"},{"reference":"Group/keep"},{"\u0072eference":"urn:uuid:9"}],"##,
        r##""text":{"div":"<a href=\"Patient/7\">{\"reference\":\"Patient/7\"}</a>"},"##,
        r##""other":{"reference":{"reference":"Device/1"}},"list":{"reference":["Patient/7"]},"n":{"reference":7}}"##
    );
    let (out, seen) = resolved(text);
    assert_eq!(
        seen,
        [
            "Patient/7",
            "Organization/2",
            "Group/keep",
            "urn:uuid:9",
            "Device/1"
        ]
    );
    let expected = text
        .replace(r#"{"reference":"Patient\/7","#, r#"{"reference":"New/1","#)
        .replace("Organization/2", "New/2")
        .replace("urn:uuid:9", "New/4")
        .replace("Device/1", "New/5");
    assert_eq!(out, expected);
}

#[test]
fn a_replacement_is_escaped() {
    let out = splice(r#"{"reference":"a"}"#, None, &mut |_| {
        Some("q\"\\\u{1}é".to_owned())
    })
    .unwrap();
    assert_eq!(out, r#"{"reference":"q\"\\\u0001é"}"#);
}

#[test]
fn what_can_not_be_spliced_says_why() {
    for (text, code) in [
        (r#"{"id":"x"}"#, "no_resource_type"),
        ("[]", "no_resource_type"),
        (
            r#"{"resourceType":"Patient","meta":null}"#,
            "meta_not_object",
        ),
        (r#"{"resourceType":"Patient""#, "truncated"),
        ("", "empty"),
    ] {
        assert_eq!(
            splice(text, Some(&IDENTITY), &mut |_| None)
                .unwrap_err()
                .code(),
            code,
            "{text}"
        );
    }
}
