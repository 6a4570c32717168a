//! Small messages, one rule each. Whole messages are in the corpus tests, and what holds for any bytes in the properties.

use super::*;

fn parsed(text: &str) -> Message {
    parse(text.as_bytes(), &Options::default()).unwrap()
}

fn kinds(message: &Message) -> Vec<&'static str> {
    message
        .problems()
        .iter()
        .map(|problem| problem.kind)
        .collect()
}

const MSH: &str = r"MSH|^~\&|A|B|C|D|2026||ORU^R01^ORU_R01|1|P|2.5";

/// The text and the plain form of a field.
fn check(field: &str, text: &str, plain: &str) {
    let message = parsed(&format!("{MSH}\rOBX|1|FT|x||{field}|after\r"));
    let value = message.segment("OBX").unwrap().field(5);
    assert_eq!(value.text().as_deref(), Some(text), "text of {field:?}");
    assert_eq!(
        value.plain().as_deref(),
        Some(plain),
        "plain form of {field:?}"
    );
    assert_eq!(value.raw(), field.as_bytes());
    assert_eq!(get(&message, "OBX-6").as_deref(), Some("after"));
}

#[test]
fn escapes_are_decoded_once_from_left_to_right() {
    check(r"A\F\B\S\C\T\D\R\E\E\F", r"A|B^C&D~E\F", r"A|B^C&D~E\F");
    check(r"\E\T\E\", r"\T\", r"\T\");
    check(r"a\X0D0A\b", "a\r\nb", "a\r\nb");
    check(r"\Xc3bc\", "ü", "ü");
    check(r"x\X0\y", r"x\X0\y", r"x\X0\y");
    check(r"C:\dir\F\x", r"C:\dir|x", r"C:\dir|x");
    check(r"a\Z07\b", r"a\Z07\b", r"a\Z07\b");
    check(
        r"one\.br\two\.sp+2\three",
        r"one\.br\two\.sp+2\three",
        "one\ntwo\n\nthree",
    );
    check(
        r"\H\bold\N\ \.in+4\x\.ce\y\.sk3\z",
        r"\H\bold\N\ \.in+4\x\.ce\y\.sk3\z",
        "bold x\ny   z",
    );
    check(
        "Smith & Wesson^R&D",
        "Smith & Wesson^R&D",
        "Smith & Wesson^R&D",
    );
}

#[test]
fn few_bytes_do_not_ask_for_much_blank_text() {
    for number in ["9999999", "99999999999999999999999999"] {
        let message = parsed(&format!("{MSH}\rOBX|1|FT|x||a\\.sp{number}\\b"));
        let plain = message.segment("OBX").unwrap().field(5).plain();
        assert_eq!(plain.map(|text| text.len()), Some(102));
    }
}

#[test]
fn three_states_are_told_apart_at_every_level() {
    let message = parsed(&format!("{MSH}\rPID|1|\"\"||~a^\"\"^&^\"\"&b\r"));
    let pid = message.segment("PID").unwrap();
    let presences: Vec<Presence> = (1..=6).map(|n| pid.field(n).presence()).collect();
    use Presence::{Absent, Null};
    assert_eq!(
        presences,
        [
            Presence::Value,
            Null,
            Absent,
            Presence::Value,
            Absent,
            Absent
        ]
    );
    assert_eq!(pid.field(2).text(), None);
    let rep = pid.field(4).rep(2);
    assert_eq!(pid.field(4).rep(1).presence(), Absent);
    assert_eq!(
        (
            rep.component(1).text().as_deref(),
            rep.component(2).presence(),
            rep.component(3).presence()
        ),
        (Some("a"), Null, Absent)
    );
    assert_eq!(
        (rep.component(4).sub(1), rep.component(4).sub(2).as_deref()),
        (None, Some("b"))
    );
    assert_eq!(
        (
            rep.component_count(),
            pid.field(4).reps().count(),
            pid.field(3).reps().count()
        ),
        (4, 2, 0)
    );
    assert_eq!(
        (pid.field(0).raw(), rep.component(0).raw()),
        (&b""[..], &b""[..])
    );
}

#[test]
fn the_header_counts_its_separator_as_a_field() {
    let message = parsed(MSH);
    let msh = message.segment("MSH").unwrap();
    assert_eq!(
        (
            msh.field(1).text().as_deref(),
            msh.field(2).text().as_deref()
        ),
        (Some("|"), Some(r"^~\&"))
    );
    assert_eq!(
        (
            msh.field(3).text().as_deref(),
            msh.field(12).text().as_deref()
        ),
        (Some("A"), Some("2.5"))
    );
    assert_eq!(
        (
            msh.field_count(),
            msh.index(),
            message.control_id().as_deref()
        ),
        (12, 0, Some("1"))
    );
    assert_eq!(get(&message, "MSH-9.2").as_deref(), Some("R01"));
}

#[test]
fn paths_count_from_one_and_bad_ones_give_nothing() {
    let message = parsed(&format!("{MSH}\rPID|1||a^^^X&1.2~b\rNTE|1\rNTE|2\r"));
    assert_eq!(get(&message, "PID-3[1].4.2").as_deref(), Some("1.2"));
    assert_eq!(get(&message, "PID[1]-3[2].1").as_deref(), Some("b"));
    assert_eq!(get(&message, "NTE[2]-1").as_deref(), Some("2"));
    for path in [
        "", "PID", "PID-", "PID-x", "PID[0]-3", "PID-3[0]", "PID-3[2", "NTE[3]-1", "PID-0",
        "PID-3.0", "XXX-1",
    ] {
        assert_eq!(get(&message, path), None, "{path}");
    }
}

/// MSH-18, bytes of a field, its text, the character set used.
fn charset(label: &str, bytes: &[u8], text: &str, used: &str) {
    let mut message = format!("{MSH}||||||{label}\rPID|1||").into_bytes();
    message.extend_from_slice(bytes);
    message.extend_from_slice(b"|next\r");
    let message = parse(&message, &Options::default()).unwrap();
    assert_eq!(get(&message, "PID-3").as_deref(), Some(text), "{label}");
    assert_eq!(
        (message.charset(), get(&message, "PID-4").as_deref()),
        (used, Some("next")),
        "{label}"
    );
}

#[test]
fn character_sets_go_by_many_names() {
    for label in ["UNICODE UTF-8", "UTF-8", "UTF8", "utf8", "UNICODE", ""] {
        charset(label, "Łé".as_bytes(), "Łé", "UTF-8");
    }
    for label in [
        "8859/1",
        "ISO-8859-1",
        "ISO8859-1",
        "8859-1",
        "ISO IR100",
        "WINDOWS-1252",
    ] {
        charset(label, b"O\x92Neil \xfc", "O’Neil ü", "windows-1252");
    }
    charset("8859/2", b"\xa3", "Ł", "ISO-8859-2");
    charset("8859/15", b"\xa4", "€", "ISO-8859-15");
    charset("ASCII", "é".as_bytes(), "é", "UTF-8");
    charset("", b"\xe9", "é", "windows-1252");
    charset("KLINGON", b"\xe9", "é", "windows-1252");
    charset("UTF-16", "é".as_bytes(), "é", "UTF-8");
    charset("ASCII~UNICODE UTF-8", "é".as_bytes(), "é", "UTF-8");
    // Declared UTF-8 with a Latin value in it: that value alone is read differently.
    charset("UTF-8", b"\xe9", "é", "UTF-8");
}

#[test]
fn delimiters_inside_two_byte_characters_are_no_delimiters() {
    // Bytes that equal the delimiters stand in the second or first place of these.
    charset(
        "~ISO IR87",
        b"\x1b$B^|~^||\x1b(B",
        &encoding_rs::ISO_2022_JP.decode(b"\x1b$B^|~^||\x1b(B").0,
        "ISO-2022-JP",
    );
    charset("ISO IR13", b"\x83\x7c\x83\x5e", "ポタ", "Shift_JIS");
    charset(
        "BIG-5",
        b"\xa4\x7c\xae\x7c",
        &encoding_rs::BIG5.decode(b"\xa4\x7c\xae\x7c").0,
        "Big5",
    );
    charset(
        "GB 18030-2000",
        b"\x81\x7c\x81\x30\x81\x30",
        &encoding_rs::GB18030.decode(b"\x81\x7c\x81\x30\x81\x30").0,
        "gb18030",
    );
    // The HL7 forms of the switches.
    charset(
        "ASCII~ISO IR87",
        br"\M2442\;3ED\C2842\x",
        "山田x",
        "ISO-2022-JP",
    );
}

#[test]
fn a_connection_may_force_or_default_a_character_set() {
    let bytes = [MSH.as_bytes(), b"||||||UTF-8\rPID|1||\xa3\r"].concat();
    let forced = Options {
        force_charset: Some("8859/2".to_owned()),
        ..Options::default()
    };
    assert_eq!(
        get(&parse(&bytes, &forced).unwrap(), "PID-3").as_deref(),
        Some("Ł")
    );
    let bytes = [MSH.as_bytes(), b"\rPID|1||\xa3\r"].concat();
    let default = Options {
        default_charset: Some("8859/2".to_owned()),
        ..Options::default()
    };
    assert_eq!(
        get(&parse(&bytes, &default).unwrap(), "PID-3").as_deref(),
        Some("Ł")
    );
}

fn rejected(bytes: &[u8], code: &str) {
    assert_eq!(
        parse(bytes, &Options::default())
            .map(drop)
            .unwrap_err()
            .code(),
        code,
        "{}",
        bytes.escape_ascii()
    );
}

#[test]
fn what_is_no_message_is_refused_with_a_code() {
    rejected(b"", "empty");
    rejected(b" \r\n\x0b", "empty");
    rejected(b"hello", "no_header");
    rejected(b"PID|1\r", "no_header");
    rejected(b"MSH", "header_too_short");
    rejected(b"MSH|", "delimiters_not_distinct");
    rejected(br"MSH|^^\&|A", "delimiters_not_distinct");
    rejected(br"MSH||~\&|A", "delimiters_not_distinct");
    rejected(br"MSH|a~\&|A", "delimiter_not_punctuation");
    rejected(b"MSHX^~\\&XA", "delimiter_not_punctuation");
    rejected(b"BHS|^~\\&\rMSH|^~\\&|A\r", "batch_envelope");
    rejected(
        &MSH.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>(),
        "not_mllp_safe",
    );
    rejected(
        &MSH.encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect::<Vec<u8>>(),
        "not_mllp_safe",
    );
}

#[test]
fn strict_refuses_what_lenient_records() {
    let strict = Options {
        strict: true,
        ..Options::default()
    };
    assert!(parse(format!("{MSH}\rPID|1\r").as_bytes(), &strict).is_ok());
    let odd = format!("{MSH}\nPID|1\n");
    assert_eq!(
        parse(odd.as_bytes(), &strict).unwrap_err().code(),
        "segment-terminator"
    );
    assert_eq!(kinds(&parsed(&odd)), ["segment-terminator"]);
}

#[test]
fn problems_are_bounded_and_hold_no_values() {
    let message = parsed(&format!("{MSH}\r{}", "XYZ|secret \\ value\r".repeat(5000)));
    assert_eq!(message.problems().len(), 201);
    assert!(!format!("{message:?} {:?}", message.problems()).contains("secret"));
    assert_eq!(message.segments().count(), 5001);
}

#[test]
fn the_trigger_decides_the_structure() {
    let structure = |msh9: &str| parsed(&MSH.replace("ORU^R01^ORU_R01", msh9)).structure();
    assert_eq!(structure("ADT^A08"), "ADT_A01");
    assert_eq!(structure("ADT^A04^ADT_A04"), "ADT_A01");
    assert_eq!(structure("ADT^A40^ADT_A39"), "ADT_A39");
    assert_eq!(structure("ADT"), "");
    assert_eq!(structure("ZZZ^Z01^ZZZ_Z99"), "ZZZ_Z99");
    assert_eq!(structure("ZZZ^Z01"), "ZZZ_Z01");
    assert_eq!(structure("ACK"), "ACK");
    assert_eq!(
        kinds(&parsed(&MSH.replace("ORU^R01^ORU_R01", "ADT^A04^ADT_A04"))),
        ["structure-corrected"]
    );
}

#[test]
fn documents_survive_the_ways_base64_is_broken() {
    for data in [
        r"QUJD\.br\REVG",
        r"QUJD\X0D0A\REVG",
        "QUJD REVG",
        "QUJD\nREVG",
        "QUJDREVG",
    ] {
        let message = parsed(&format!("{MSH}\rOBX|1|ED|x||^AP^PDF^Base64^{data}\r"));
        let value = message.segment("OBX").unwrap().field(5).component(5);
        assert_eq!(
            crate::encapsulated::decode(value).as_deref(),
            Ok(&b"ABCDEF"[..]),
            "{data}"
        );
    }
    let message = parsed(&format!("{MSH}\rOBX|1|ED|x||^AP^PDF^Base64^QUJ!\r"));
    assert!(
        crate::encapsulated::decode(message.segment("OBX").unwrap().field(5).component(5)).is_err()
    );
}
