//! Envelopes, counts, offsets, and streams that are longer than what may be held.

use super::*;

const ONE: &str = "MSH|^~\\&|A|B|C|D|2026||ADT^A08|1|P|2.5\rPID|1||7\r";

fn check(text: &str, messages: usize, batches: usize, declared: Option<u64>, kinds: &[&str]) {
    let split = split(text.as_bytes());
    let got: Vec<&str> = split.problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(
        (split.messages.len(), split.batches, split.declared),
        (messages, batches, declared),
        "{text:?}"
    );
    assert_eq!(got, kinds, "{text:?}");
    for range in split.messages {
        assert!(
            text[range]
                .trim_start_matches('\u{feff}')
                .starts_with("MSH")
        );
    }
}

#[test]
fn envelopes_are_optional_at_every_level() {
    check("", 0, 0, None, &[]);
    check("\r\n \r\n", 0, 0, None, &[]);
    check(ONE, 1, 0, None, &[]);
    check(&ONE.repeat(3), 3, 0, None, &[]);
    check(
        &format!("FHS|^~\\&\rBHS|^~\\&\r{ONE}{ONE}BTS|2\rFTS|1\r"),
        2,
        1,
        Some(2),
        &[],
    );
    check(
        &format!("BHS|^~\\&\r{ONE}BTS|1\rBHS|^~\\&\r{ONE}{ONE}BTS|2\r"),
        3,
        2,
        Some(3),
        &[],
    );
    check(&format!("BHS|^~\\&\r{ONE}BTS"), 1, 1, None, &[]);
    check(&format!("BHS#*~!@\r{ONE}BTS#1#ok\r"), 1, 1, Some(1), &[]);
    check(&ONE.replace('\r', "\r\n").repeat(2), 2, 0, None, &[]);
    check(&ONE.replace('\r', "\n").repeat(2), 2, 0, None, &[]);
    check(
        &format!("\u{feff}{ONE}\u{b}{ONE}\u{1c}\r\u{b}{ONE}\u{1c}\u{b}{ONE}\u{1c}"),
        4,
        0,
        None,
        &[],
    );
}

#[test]
fn what_does_not_add_up_is_reported_and_nothing_is_refused() {
    check(
        &format!("BHS|^~\\&\r{ONE}BTS|4\r"),
        1,
        1,
        Some(4),
        &["batch-count"],
    );
    check(
        &format!("BHS|^~\\&\r{ONE}"),
        1,
        1,
        None,
        &["batch-trailer-missing"],
    );
    check(
        &format!("FHS|^~\\&\rBHS|^~\\&\r{ONE}"),
        1,
        1,
        None,
        &["batch-trailer-missing", "file-trailer-missing"],
    );
    check(
        &format!("{ONE}BTS|1\r"),
        1,
        0,
        Some(1),
        &["batch-header-missing"],
    );
    check(
        &format!("FHS|^~\\&\r{ONE}FTS|2\r"),
        1,
        0,
        None,
        &["file-count"],
    );
    check(
        &format!("hello\r{ONE}"),
        1,
        0,
        None,
        &["bytes-outside-message"],
    );
    check(
        &format!("BHS|^~\\&\rNTE|1\r{ONE}BTS|1\r"),
        1,
        1,
        Some(1),
        &["bytes-outside-message"],
    );
}

/// Offsets of the messages and errors, in order.
fn stream(text: &str, max: usize, chunk: usize) -> (Vec<(u64, &'static str)>, usize) {
    let mut splitter = Splitter::new(max);
    let mut out = Vec::new();
    let mut held = 0;
    let mut drain = |splitter: &mut Splitter| {
        while let Some(next) = splitter.next_message() {
            out.push(match next {
                Ok((offset, bytes)) => {
                    assert!(
                        text.as_bytes()[usize::try_from(offset).unwrap()..].starts_with(&bytes)
                    );
                    (offset, "message")
                }
                Err(error) => (error.offset, error.reason()),
            });
        }
    };
    for piece in text.as_bytes().chunks(chunk) {
        splitter.push(piece);
        held = held.max(splitter.held_bytes());
        drain(&mut splitter);
    }
    splitter.finish();
    drain(&mut splitter);
    (out, held)
}

#[test]
fn an_oversized_message_is_reported_with_its_place_and_the_rest_goes_on() {
    let long = format!("{ONE}OBX|1|TX|a||{}\r", "text ".repeat(4000));
    let text = format!("{ONE}{long}{ONE}junk\rBHS|^~\\&\rmore junk\r{ONE}");
    let one = ONE.len() as u64;
    let second = one + long.len() as u64;
    for chunk in [1, 7, 64, 1000, 100_000] {
        let (got, held) = stream(&text, 1000, chunk);
        let junk = second + one + "junk\rBHS|^~\\&\r".len() as u64;
        let expected = [
            (0, "message"),
            (one, "message_too_large"),
            (second, "message"),
            (junk, "not_a_message"),
            (junk + 10, "message"),
        ];
        assert_eq!(got, expected, "in pieces of {chunk}");
        assert!(
            held <= 1100 || chunk > 64,
            "{held} bytes were held in pieces of {chunk}"
        );
    }
}

#[test]
fn a_stream_that_holds_no_message_is_one_error_and_little_memory() {
    let (got, held) = stream(&"no message here\n".repeat(50_000), 4096, 1024);
    assert_eq!(got, [(0, "not_a_message")]);
    assert!(held <= 8192, "{held} bytes were held");
}
