//! What holds for every text.

use std::io::BufReader;

use bedside_fhir::json::{ScanLimits, Value, minify, parse, scan};
use bedside_fhir::splice::{Identity, splice};
use bedside_fhir::stream::{Limits, Reader};
use proptest::prelude::*;

/// A JSON value as text, with white space and odd but lawful spellings.
fn json_text() -> impl Strategy<Value = String> {
    let space = "[ \t\r\n]{0,2}";
    let number = "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?";
    let string = prop::collection::vec(
        prop_oneof![
            "[^\"\\\\\\x00-\\x1f]{1,4}",
            Just("\\u00e9".to_owned()),
            Just("\\/".to_owned()),
            Just("\\n".to_owned()),
            Just("\\\"".to_owned()),
            Just("\\\\".to_owned()),
            Just("\\ud83d\\ude00".to_owned()),
            Just("{[ ]}".to_owned()),
        ],
        0..4,
    )
    .prop_map(|parts| format!("\"{}\"", parts.concat()));
    let leaf = prop_oneof![
        number,
        string,
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just("null".to_owned())
    ];
    let value = leaf.prop_recursive(4, 32, 5, |inner| {
        let name = prop_oneof![
            "[a-z]{1,3}",
            Just("reference".to_owned()),
            Just("id".to_owned())
        ];
        let members = prop::collection::btree_map(name, inner.clone(), 0..5).prop_map(|members| {
            let members: Vec<String> = members
                .into_iter()
                .map(|(name, value)| format!("\"{name}\" :{value}"))
                .collect();
            format!("{{ {} }}", members.join(" ,\n"))
        });
        let elements = prop::collection::vec(inner, 0..5)
            .prop_map(|elements| format!("[{}]", elements.join(", ")));
        prop_oneof![members, elements]
    });
    (space, value, space).prop_map(|(before, value, after)| format!("{before}{value}{after}"))
}

fn resource_text() -> impl Strategy<Value = String> {
    json_text().prop_map(|value| {
        format!(
            "{{\"resourceType\":\"Basic\",\"extra\":{}}}",
            minify(&value)
        )
    })
}

/// Texts that are nearly JSON: a lawful one with some bytes changed.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    let change = (
        any::<prop::sample::Index>(),
        prop::sample::select(b"{}[]\",:\\u0eE+-. \n\0\xff1atn".to_vec()),
    );
    (json_text(), prop::collection::vec(change, 0..3)).prop_map(|(text, changes)| {
        let mut bytes = text.into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

fn agrees_with_serde_json(bytes: &[u8]) -> Result<(), TestCaseError> {
    let ours = scan(bytes, &ScanLimits::default()).map_err(|error| error.code());
    let theirs = serde_json::from_slice::<Value>(bytes);
    match ours {
        Ok(()) => prop_assert!(theirs.is_ok()),
        // What we refuse on purpose and serde_json takes.
        Err("duplicate_member" | "too_deep" | "nul_character" | "reserved_member") => {}
        Err(code) => prop_assert!(theirs.is_err(), "{code}"),
    }
    Ok(())
}

proptest! {
    #[test]
    fn minified_text_means_the_same_and_is_stable(text in json_text()) {
        let small = minify(&text);
        let limits = ScanLimits::default();
        prop_assert_eq!(parse(text.as_bytes(), &limits).unwrap(), parse(small.as_bytes(), &limits).unwrap());
        prop_assert_eq!(minify(&small), small);
    }

    #[test]
    fn the_scan_agrees_with_serde_json_on_lawful_text(text in json_text()) {
        prop_assert_eq!(scan(text.as_bytes(), &ScanLimits::default()), Ok(()));
        agrees_with_serde_json(text.as_bytes())?;
    }

    #[test]
    fn the_scan_agrees_with_serde_json_on_nearly_lawful_text(bytes in nearly_json()) {
        agrees_with_serde_json(&bytes)?;
    }

    #[test]
    fn the_scan_agrees_with_serde_json_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        agrees_with_serde_json(&bytes)?;
    }

    #[test]
    fn an_identity_put_in_and_taken_out_leaves_the_text_as_it_was(text in resource_text(), id in "[ -~é]{0,8}") {
        let identity = Identity { id: &id, version_id: "1", last_updated: "2024-01-01T00:00:00Z" };
        let spliced = splice(&text, Some(&identity), &mut |_| None).unwrap();
        prop_assert_eq!(scan(spliced.as_bytes(), &ScanLimits::default()), Ok(()));
        let quoted = Value::from(id.clone()).to_string();
        let added = format!(",\"id\":{quoted},\"meta\":{{\"versionId\":\"1\",\"lastUpdated\":\"2024-01-01T00:00:00Z\"}}");
        prop_assert_eq!(spliced.replacen(&added, "", 1), text.clone());
        // A second identity replaces the first in place.
        let other = Identity { id: "b", version_id: "2", last_updated: "2025" };
        let again = splice(&spliced, Some(&other), &mut |_| None).unwrap();
        prop_assert_eq!(splice(&again, Some(&identity), &mut |_| None).unwrap(), spliced);
    }

    #[test]
    fn a_splice_that_resolves_nothing_changes_nothing(text in json_text()) {
        prop_assert_eq!(splice(&text, None, &mut |_| None).unwrap(), text.clone());
        prop_assert_eq!(splice(&text, None, &mut |reference| Some(reference.to_owned())).unwrap(), text);
    }

    #[test]
    fn the_reader_takes_any_bytes_and_any_chunks_alike(bytes in nearly_json(), wrap in any::<bool>(), chunk in 1_usize..7) {
        let mut text = bytes;
        if wrap {
            text = [b"{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{}},".as_slice(), &text, b",{\"resource\":{}}]}\n{}"].concat();
        }
        let whole: Vec<_> = Reader::new(text.as_slice(), Limits::default()).collect();
        let chunked: Vec<_> = Reader::new(BufReader::with_capacity(chunk, text.as_slice()), Limits::default()).collect();
        prop_assert_eq!(&whole, &chunked);
        if wrap {
            prop_assert!(whole.first().is_some_and(Result::is_ok));
        }
    }
}
