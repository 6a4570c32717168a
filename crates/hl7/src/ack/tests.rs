//! The table of immediate answers, and the bytes of the answers.

use super::*;

fn message(msh: &str) -> Message {
    parse(format!("{msh}\r").as_bytes(), &Options::default()).unwrap()
}

fn reply(code: Code) -> Reply<'static> {
    Reply {
        code,
        text: None,
        error: None,
        now: "20260301120000+0100",
        control_id: "OUT1",
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec())
        .unwrap()
        .replace('\r', "\n")
}

/// Stored, store failed, rejected, application error.
fn check(accept: &str, application: &str, expected: [Option<Code>; 4]) {
    let mode = mode(&message(&format!(
        r"MSH|^~\&|A|B|C|D|2026||ADT^A01|1|P|2.5|||{accept}|{application}"
    )));
    let outcomes = [
        Outcome::Stored,
        Outcome::StoreFailed,
        Outcome::Rejected,
        Outcome::ApplicationError,
    ];
    assert_eq!(
        outcomes.map(|outcome| decide(mode, outcome)),
        expected,
        "MSH-15 {accept:?} MSH-16 {application:?}"
    );
}

#[test]
fn the_immediate_answer_follows_the_conditions_of_the_message() {
    use Code::*;
    check("", "", [Some(AA), Some(AE), Some(AR), Some(AE)]);
    check("AL", "NE", [Some(CA), Some(CE), Some(CR), Some(CA)]);
    check("AL", "AL", [Some(CA), Some(CE), Some(CR), Some(CA)]);
    check("AL", "ER", [Some(CA), Some(CE), Some(CR), Some(CA)]);
    check("NE", "AL", [Some(AA), Some(AE), Some(AR), Some(AE)]);
    check("NE", "NE", [None, None, None, None]);
    check("ER", "NE", [None, Some(CE), Some(CR), None]);
    check("ER", "AL", [Some(AA), Some(CE), Some(CR), Some(AE)]);
    check("SU", "ER", [Some(CA), None, None, Some(CA)]);
    check("NE", "ER", [None, Some(AE), Some(AR), Some(AE)]);
    check("NE", "SU", [Some(AA), None, None, None]);
    check("AL", "", [Some(CA), Some(CE), Some(CR), Some(CA)]);
    check("", "AL", [Some(AA), Some(AE), Some(AR), Some(AE)]);
    check("\"\"", "", [Some(AA), Some(AE), Some(AR), Some(AE)]);
}

#[test]
fn an_answer_says_where_and_why_from_version_2_5_on() {
    let mut error = AckError::at(101, "PID", 3);
    error.place.as_mut().unwrap().component = 4;
    let reply = Reply {
        text: Some("identifier | missing"),
        error: Some(error),
        ..reply(Code::AE)
    };
    let msg =
        message(r"MSH|^~\&|APP|FAC|RCV|RFAC|2026||ADT^A08^ADT_A01|ID 7|T|2.5.1||||||UNICODE UTF-8");
    let expected = r"MSH|^~\&|RCV|RFAC|APP|FAC|20260301120000+0100||ACK^A08^ACK|OUT1|T|2.5.1||||||UNICODE UTF-8
MSA|AE|ID 7|identifier \F\ missing
ERR||PID^1^3^^4|101^Required field missing^HL70357|E||||identifier \F\ missing
";
    assert_eq!(text(&build(&msg, &reply)), expected);
    let msg = message(r"MSH|^~\&|APP|FAC|RCV|RFAC|2026||ADT^A08^ADT_A01|ID 7|T|2.8");
    assert!(text(&build(&msg, &reply)).contains("MSA|AE|ID 7\nERR||PID^1^3"));
}

#[test]
fn an_error_may_bring_its_own_text() {
    let error = AckError::new(207, "send it again later");
    let reply = Reply {
        text: Some("not stored"),
        error: Some(error),
        ..reply(Code::CE)
    };
    let msg = message(r"MSH|^~\&|A|B|C|D|2026||ADT^A08|7|P|2.5");
    let answer = text(&build(&msg, &reply));
    assert!(answer.ends_with("MSA|CE|7|not stored\nERR|||207^Application internal error^HL70357|E||||send it again later\n"));
}

#[test]
fn an_answer_to_an_old_version_has_err_1_and_no_structure() {
    let reply = Reply {
        error: Some(AckError::at(101, "PID", 3)),
        ..reply(Code::AE)
    };
    let msg = message("MSH#*~!@#A#B#C#D#2026##ADT*A08#7#P#2.3");
    assert_eq!(
        text(&build(&msg, &reply)).lines().nth(2),
        Some("ERR#PID*1*3*101@Required field missing@HL70357")
    );
    assert!(
        text(&build(&msg, &reply))
            .starts_with("MSH#*~!@#C#D#A#B#20260301120000+0100##ACK*A08#OUT1#P#2.3\nMSA#AE#7\n")
    );
}

#[test]
fn text_of_ours_is_written_in_the_character_set_of_the_message() {
    let msg = message(r"MSH|^~\&|A|B|C|D|2026||ADT^A08|7|P|2.5||||||8859/1");
    let answer = build(
        &msg,
        &Reply {
            text: Some("Größe Ł"),
            ..reply(Code::AE)
        },
    );
    assert!(memchr::memmem::find(&answer, b"Gr??e ?").is_some());
    let answer = build(
        &msg,
        &Reply {
            text: Some("Größe"),
            ..reply(Code::AE)
        },
    );
    assert!(memchr::memmem::find(&answer, b"Gr\xf6\xdfe").is_some());
}

#[test]
fn bytes_without_a_readable_header_get_no_answer_and_others_do() {
    assert_eq!(
        build_for_unreadable(b"GET / HTTP/1.1\r\n", &reply(Code::AR)),
        None
    );
    assert_eq!(build_for_unreadable(b"", &reply(Code::AR)), None);
    assert_eq!(build_for_unreadable(b"MSH", &reply(Code::AR)), None);
    let answer = build_for_unreadable(
        b"junk\rMSH|^^\\&|A|B|C|D|2026||ADT^A08|7|P|2.5\r",
        &reply(Code::AR),
    )
    .unwrap();
    assert!(
        text(&answer).ends_with("MSA|AR|7\n") && text(&answer).starts_with(r"MSH|^~\&|C|D|A|B|")
    );
    let answer =
        build_for_unreadable(br"MSH||~\&|A|B|C|D|2026||ADT^A08|7|P|2.5", &reply(Code::AR)).unwrap();
    assert!(
        text(&answer).ends_with("MSA|AR|7\n") && text(&answer).starts_with(r"MSH|^~\&|C|D|A|B|")
    );
}

#[test]
fn a_header_wrapped_into_lines_adds_no_segment_to_the_answer() {
    let msg = message("MSH|^~\\&|A|B|C|D|2026||ADT^A08|7\rMSA-like text|P|2.5");
    assert_eq!(
        text(&build(&msg, &reply(Code::AA))).lines().nth(1),
        Some("MSA|AA|7")
    );
}

#[test]
fn an_answer_is_read_back() {
    let msg = message(r"MSH|^~\&|A|B|C|D|2026||ADT^A08|a\F\b|P|2.5");
    assert_eq!(
        read(&build(&msg, &reply(Code::CA))),
        Ok((Code::CA, "a|b".to_owned()))
    );
    assert_eq!(
        read(b"MSH|^~\\&|A\rMSA|XX|1\r").unwrap_err().code(),
        "unknown_ack_code"
    );
    assert_eq!(read(b"MSH|^~\\&|A\r").unwrap_err().code(), "no_msa");
    assert_eq!(read(b"").unwrap_err().code(), "empty");
}

#[test]
fn a_header_without_type_event_or_control_id_is_an_error_at_its_field() {
    let place = |msh| {
        header_error(&message(msh))
            .and_then(|error| error.place)
            .map(|place| place.field)
    };
    assert_eq!(place(r"MSH|^~\&|A|B|C|D|2026|||7|P|2.5"), Some(9));
    assert_eq!(place(r"MSH|^~\&|A|B|C|D|2026||ADT^A08||P|2.5"), Some(10));
    assert_eq!(place(r"MSH|^~\&|A|B|C|D|2026||ADT^A08|7|P|2.5"), None);
    assert_eq!(place(r"MSH|^~\&|A|B|C|D|2026||ADT|7|P|2.5"), Some(9));
    assert_eq!(place(r"MSH|^~\&|A|B|C|D|2026||ACK|7|P|2.5"), None);
}
