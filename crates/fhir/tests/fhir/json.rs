//! Hostile and odd JSON against the pre-scan, the minifier and the parser.

use bedside_fhir::json::{ScanLimits, Value, minify, parse, scan};

fn code(bytes: &[u8]) -> Option<(&'static str, usize)> {
    scan(bytes, &ScanLimits::default())
        .err()
        .map(|error| (error.code(), error.offset()))
}

#[test]
fn refused_texts_say_what_is_wrong_and_where() {
    for (text, expected) in [
        (&b""[..], ("empty", 0)),
        (b" \r\n\t ", ("empty", 5)),
        (b"\xEF\xBB\xBF{}", ("byte_order_mark", 0)),
        (b"{\"a\":\"\xFF\"}", ("not_utf8", 6)),
        (b"{\"a\":\"\xED\xA0\x80\"}", ("not_utf8", 6)),
        (b"{\"a\":1,\"a\":2}", ("duplicate_member", 7)),
        (br#"{"id":1,"\u0069d":2}"#, ("duplicate_member", 8)),
        (
            br#"{"a":{"b":1},"c":{"b":1,"b":1}}"#,
            ("duplicate_member", 24),
        ),
        (br#"{"\u00e9":1,"\u00E9":1}"#, ("duplicate_member", 12)),
        (
            br#"{"$serde_json::private::Number":"1"}"#,
            ("reserved_member", 1),
        ),
        (
            br#"{"\u0024serde_json::private::RawValue":"[]"}"#,
            ("reserved_member", 1),
        ),
        (b"{\"a\":\"x\0y\"}", ("control_character", 7)),
        (b"{\"a\":\"x\ny\"}", ("control_character", 7)),
        (b"{\0}", ("nul_character", 1)),
        (b"\0", ("nul_character", 0)),
        (br#"{"a":"\u0000"}"#, ("nul_character", 6)),
        (br#"{"a":"\ud800"}"#, ("lone_surrogate", 6)),
        (br#"{"a":"\ud800\u0041"}"#, ("lone_surrogate", 6)),
        (br#"{"a":"\udc00\ud800"}"#, ("lone_surrogate", 6)),
        (br#"{"\udfff":1}"#, ("lone_surrogate", 2)),
        (br#"{"a":"#, ("truncated", 5)),
        (br#"{"a":"b"#, ("truncated", 7)),
        (br#"{"a":"\u00"#, ("truncated", 10)),
        (br#"{"a":tru"#, ("truncated", 8)),
        (br#"{"a":[1,"#, ("truncated", 8)),
        (b"-", ("truncated", 1)),
        (b"1.", ("truncated", 2)),
        (b"{} x", ("trailing_bytes", 3)),
        (b"{}{}", ("trailing_bytes", 2)),
        (b"{},", ("trailing_bytes", 2)),
        (br#"{"a":1,}"#, ("not_json", 7)),
        (b"[1,]", ("not_json", 3)),
        (b"[,1]", ("not_json", 1)),
        (b"[1}", ("not_json", 2)),
        (br#"{"a" 1}"#, ("not_json", 5)),
        (br#"{a:1}"#, ("not_json", 1)),
        (br#"{'a':1}"#, ("not_json", 1)),
        (br#"{"a":"\x"}"#, ("not_json", 7)),
        (br#"{"a":"\u00zz"}"#, ("not_json", 10)),
        (b"01", ("not_json", 1)),
        (b"-01", ("not_json", 2)),
        (b"+1", ("not_json", 0)),
        (b".5", ("not_json", 0)),
        (b"1e", ("truncated", 2)),
        (b"[1.e5]", ("not_json", 3)),
        (b"NaN", ("not_json", 0)),
        (b"nulL", ("not_json", 3)),
        (b"/*c*/{}", ("not_json", 0)),
        (b"{}\0", ("trailing_bytes", 2)),
    ] {
        let text_for_message = String::from_utf8_lossy(text);
        assert_eq!(code(text), Some(expected), "{text_for_message}");
    }
}

#[test]
fn odd_texts_that_are_json_are_admitted() {
    for text in [
        r#"{}"#,
        "[]",
        " null ",
        "\"\"",
        "0",
        "-0.0",
        "1e2",
        "1E+400",
        "0.10",
        r#"{"":1}"#,
        r#""\ud83d\ude00""#,
        r#""\/\b\f\n\r\t\"\\\u00e9\u001f""#,
        r#"{"a":{"a":{"a":1}}}"#,
        "[[],{},[{}]]",
        "\"\u{7f}\u{2028}\u{FEFF}\"",
    ] {
        assert_eq!(code(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn nesting_of_a_hundred_thousand_is_refused_without_recursion() {
    for unit in ["[", "{\"a\":"] {
        let deep = unit.repeat(100_000);
        assert_eq!(code(deep.as_bytes()), Some(("too_deep", unit.len() * 100)));
    }
    let hundred = format!("{}{}", "[".repeat(100), "]".repeat(100));
    assert_eq!(code(hundred.as_bytes()), None);
    assert_eq!(
        code(format!("[{hundred}]").as_bytes()),
        Some(("too_deep", 100))
    );
    // The scanner itself has no limit of its own.
    let limits = ScanLimits {
        max_depth: 1_000_000,
        ..ScanLimits::default()
    };
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(scan(deep.as_bytes(), &limits), Ok(()));
    assert_eq!(
        parse(deep.as_bytes(), &limits).unwrap_err().code(),
        "too_deep"
    );
}

#[test]
fn a_text_over_the_limit_is_refused_unread() {
    let limits = ScanLimits {
        max_bytes: 4,
        ..ScanLimits::default()
    };
    assert_eq!(scan(b"[12]", &limits), Ok(()));
    assert_eq!(scan(b"[123]", &limits).unwrap_err().code(), "too_large");
}

#[test]
fn duplicates_are_found_in_objects_of_any_size() {
    for size in [1, 15, 16, 17, 18, 5_000] {
        let members: Vec<String> = (0..size)
            .map(|n| format!("\"m{n}\":{{\"m0\":1}}"))
            .collect();
        let members = members.join(",");
        assert_eq!(code(format!("{{{members}}}").as_bytes()), None, "{size}");
        for again in [0, size / 2, size - 1] {
            let text = format!("{{{members},\"m{again}\":0}}");
            assert_eq!(
                code(text.as_bytes()),
                Some(("duplicate_member", members.len() + 2)),
                "{size} {again}"
            );
        }
    }
}

#[test]
fn an_error_prints_its_code_and_position_and_no_content() {
    let error = scan(
        br#"{"family":"Quartermaine","family":1}"#,
        &ScanLimits::default(),
    )
    .unwrap_err();
    assert_eq!(error.to_string(), "duplicate_member at byte 25");
    assert!(!format!("{error:?}").contains("Quartermaine"));
}

#[test]
fn minifying_takes_white_space_between_tokens_and_nothing_else() {
    let sent = "{ \"a b\" :\t[ 1.10 ,\r\n -0.0, 1e2 ] , \"q\\\" \\\\\" : \" \\u00e9 \\/ \" }\n";
    assert_eq!(
        minify(sent),
        "{\"a b\":[1.10,-0.0,1e2],\"q\\\" \\\\\":\" \\u00e9 \\/ \"}"
    );
    assert_eq!(minify(""), "");
    assert_eq!(minify(" \"never closed "), "\"never closed ");
    assert_eq!(minify("\"\\"), "\"\\");
}

/// Guards `preserve_order`, `arbitrary_precision` and `raw_value` in the workspace manifest.
#[test]
fn a_parsed_value_keeps_order_and_number_text() {
    let text = r#"{"z":1.10,"a":-0.0,"m":100000000000000000000000000000.000000000000000000000001,"b":0.1e-999}"#;
    let value = parse(text.as_bytes(), &ScanLimits::default()).unwrap();
    let names: Vec<&String> = value.as_object().unwrap().keys().collect();
    assert_eq!(names, ["z", "a", "m", "b"]);
    assert_eq!(value["z"].to_string(), "1.10");
    assert_eq!(value["a"].to_string(), "-0.0");
    assert_eq!(
        value["m"].to_string(),
        "100000000000000000000000000000.000000000000000000000001"
    );
    let raw: &serde_json::value::RawValue = serde_json::from_str("1e2").unwrap();
    assert_eq!(raw.get(), "1e2");
}

#[test]
fn a_huge_number_is_kept_as_text() {
    let digits = format!("{}.{}", "9".repeat(50_000), "1".repeat(50_000));
    let value = parse(digits.as_bytes(), &ScanLimits::default()).unwrap();
    assert_eq!(value.to_string(), digits);
    assert!(matches!(
        parse(b"1e99999", &ScanLimits::default()),
        Ok(Value::Number(_))
    ));
}
