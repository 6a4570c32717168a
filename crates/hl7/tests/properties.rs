//! What holds for any bytes: nothing panics, no split of a stream matters, nothing is lost.

use bedside_hl7::ack::{self, AckError, Code, Reply};
use bedside_hl7::batch::{Splitter, split};
use bedside_hl7::frame::{Decoder, FrameError, Limits, encode};
use bedside_hl7::message::{self, Message, Options};
use bedside_hl7::{encapsulated, number, time};
use proptest::prelude::*;

/// Bytes that matter to some rule here, with the others among them.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let telling = prop::sample::select(
        b"\x0b\x1c\r\n|^~\\&# \t\0\x1b$(BFX0AMSHPIDBTS1\"\xc3\xbc\x81\xff.".to_vec(),
    );
    prop::collection::vec(prop_oneof![4 => telling, 1 => any::<u8>()], 0..400)
}

/// A stream of pieces that look like the real thing, broken in the usual ways.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"MSH|^~\\&|A|B|C|D|20260101||ADT^A08|1|P|2.5\rPID|1||7^^^X&Y~8||Na\\S\\me^G|\"\"\r".to_vec()),
        1 => Just(b"MSH#*~!#A#B#C#D#20260101##ORU*R01#2#P#2.3###AL#NE##UNICODE UTF-8\rOBX#1#TX#a##x!.br!y\r".to_vec()),
        1 => Just(b"FHS|^~\\&\r".to_vec()),
        1 => Just(b"BHS|^~\\&\r".to_vec()),
        1 => Just(b"BTS|1\r".to_vec()),
        1 => Just(b"FTS|1\r\n".to_vec()),
        3 => Just(b"\x0b".to_vec()),
        3 => Just(b"\x1c\r".to_vec()),
        1 => Just(b"\x1c".to_vec()),
        1 => Just(b"OBX|1|TX|a||wrapped\ntext\r".to_vec()),
        1 => Just(b"\xef\xbb\xbf".to_vec()),
        2 => bytes().prop_map(|bytes| bytes.into_iter().take(20).collect()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// A real message with some bytes changed, removed or put in.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let message = b"MSH|^~\\&|A|B|C|D|20260101||ORU^R01^ORU_R01|1|P|2.5||||||ASCII~ISO IR87\rPID|1||7^^^X&Y~8||Na\\S\\me^\x1b$B;3ED\x1b(B\rOBX|1|ED|a||^^^^QUJD\\.br\\\rADD|RA==||||F\r";
    let change = (
        any::<prop::sample::Index>(),
        prop::option::of(any::<u8>()),
        any::<bool>(),
    );
    prop::collection::vec(change, 0..12).prop_map(move |changes| {
        let mut bytes = message.to_vec();
        for (at, byte, insert) in changes {
            let at = at
                .index(bytes.len().max(1))
                .min(bytes.len().saturating_sub(1));
            match byte {
                Some(byte) if insert => bytes.insert(at, byte),
                Some(byte) if at < bytes.len() => bytes[at] = byte,
                _ if at < bytes.len() => drop(bytes.remove(at)),
                _ => {}
            }
        }
        bytes
    })
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1_usize..40, 1..60)
}

fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut out = Vec::new();
    for &cut in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, tail) = rest.split_at(cut.min(rest.len()));
        out.push(piece);
        rest = tail;
    }
    out
}

fn decode<'a>(
    reads: impl IntoIterator<Item = &'a [u8]>,
    limits: Limits,
) -> (Vec<Result<Vec<u8>, FrameError>>, u64) {
    let mut decoder = Decoder::new(limits);
    for read in reads {
        decoder.push(read);
    }
    let end = decoder.finish();
    let mut out: Vec<_> = std::iter::from_fn(|| decoder.next_frame()).collect();
    out.extend(end.map(Err));
    (out, decoder.skipped())
}

fn touch(message: &Message) {
    for segment in message.segments() {
        for number in 0..=segment.field_count() + 1 {
            let field = segment.field(number);
            let _ = (field.text(), field.plain(), field.presence(), field.raw());
            for rep in field.reps() {
                for component in 0..=rep.component_count() + 1 {
                    let value = rep.component(component);
                    let _ = (value.text(), value.plain(), value.sub(2), value.presence());
                    let _ = encapsulated::decode(value);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_split_of_a_byte_stream_decodes_alike(bytes in stream(), cuts in cuts(), small in any::<bool>()) {
        let limits = if small { Limits { max_frame: 60, max_noise: 10 } } else { Limits::default() };
        prop_assert_eq!(decode([bytes.as_slice()], limits), decode(pieces(&bytes, &cuts), limits));
    }

    #[test]
    fn what_is_framed_is_decoded_again(contents in prop::collection::vec(bytes(), 0..5), cuts in cuts()) {
        // Content that itself holds the end pair or a start byte at a line's start cannot travel in MLLP.
        let contents: Vec<Vec<u8>> = contents
            .into_iter()
            .map(|content| content.into_iter().filter(|byte| !matches!(byte, 0x0b | 0x1c)).collect::<Vec<u8>>())
            .filter(|content| !content.is_empty())
            .collect();
        let stream: Vec<u8> = contents.iter().flat_map(|content| encode(content)).collect();
        let expected: Vec<Result<Vec<u8>, FrameError>> = contents.into_iter().map(Ok).collect();
        prop_assert_eq!(decode(pieces(&stream, &cuts), Limits::default()), (expected, 0));
    }

    #[test]
    fn no_byte_of_a_stream_is_unaccounted_for(bytes in stream()) {
        let (out, skipped) = decode([bytes.as_slice()], Limits::default());
        let held: usize = out.iter().map(|next| match next { Ok(frame) => frame.len(), Err(error) => error.bytes().len() }).sum();
        prop_assert!(held + usize::try_from(skipped).unwrap() <= bytes.len());
    }

    #[test]
    fn any_split_of_a_file_gives_the_same_messages(bytes in stream(), cuts in cuts()) {
        let whole = split(&bytes);
        let mut splitter = Splitter::new(1 << 20);
        let mut got = Vec::new();
        for piece in pieces(&bytes, &cuts) {
            splitter.push(piece);
            got.extend(std::iter::from_fn(|| splitter.next_message()));
        }
        splitter.finish();
        got.extend(std::iter::from_fn(|| splitter.next_message()));
        let messages: Vec<(u64, Vec<u8>)> = got.into_iter().filter_map(Result::ok).collect();
        let expected: Vec<(u64, Vec<u8>)> =
            whole.messages.iter().map(|range| (range.start as u64, bytes[range.clone()].to_vec())).collect();
        prop_assert_eq!(messages, expected);
        prop_assert_eq!(splitter.problems(), &whole.problems);
        prop_assert_eq!(splitter.declared(), whole.declared);
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop_oneof![bytes(), stream(), mutated()], strict in any::<bool>()) {
        let reply = Reply { code: Code::AE, text: Some("a|b\r"), error: Some(AckError::at(101, "PID", 3)), now: "20260101", control_id: "9" };
        match message::parse(&bytes, &Options { strict, ..Options::default() }) {
            Ok(message) => {
                touch(&message);
                prop_assert_eq!(message.raw(), bytes.as_slice());
                let answer = ack::build(&message, &reply);
                // The answer is a message itself, in the same delimiters, and no text of ours adds a segment to it.
                let read = message::parse(&answer, &Options::default()).unwrap();
                prop_assert_eq!(read.delimiters(), message.delimiters());
                let ids: Vec<_> = read.segments().map(|segment| segment.id().to_owned()).collect();
                prop_assert_eq!(ids, ["MSH", "MSA", "ERR"]);
                let sent = message.segments().next().unwrap().field(10).raw().split(|byte| b"\r\n".contains(byte)).next().unwrap();
                prop_assert_eq!(read.segment("MSA").unwrap().field(2).raw(), sent);
            }
            Err(reject) => {
                prop_assert!(!reject.code().is_empty());
                let _ = ack::build_for_unreadable(&bytes, &reply);
            }
        }
        let _ = ack::read(&bytes);
    }

    #[test]
    fn segments_join_back_to_the_message(bytes in prop_oneof![mutated(), stream()]) {
        let Ok(message) = message::parse(&bytes, &Options::default()) else { return Ok(()) };
        if message.problems().iter().any(|problem| problem.kind == "leading-bytes") {
            return Ok(());
        }
        let joined: Vec<&[u8]> = message.segments().map(|segment| segment.raw()).collect();
        let without_ends = |bytes: &[u8]| -> Vec<u8> { bytes.iter().copied().filter(|&byte| byte > b' ' && byte != 0x1c).collect() };
        let mut expected = without_ends(&bytes);
        if expected.starts_with(&[0xef, 0xbb, 0xbf]) {
            expected.drain(..3);
        }
        let got = without_ends(&joined.concat());
        // Nothing but the names of joined `ADD` segments goes.
        let added = expected.len() - got.len();
        prop_assert!(added == 0 || (message.problems().iter().any(|problem| problem.kind == "add-continuation") && added <= 8));
    }

    #[test]
    fn fields_join_back_to_their_segment(bytes in mutated()) {
        let Ok(message) = message::parse(&bytes, &Options::default()) else { return Ok(()) };
        let separator = message.delimiters().field;
        for segment in message.segments().skip(1) {
            let mut joined = segment.raw().iter().copied().take_while(|&byte| byte != separator).collect::<Vec<u8>>();
            for number in 1..=segment.field_count() {
                joined.push(separator);
                joined.extend_from_slice(segment.field(number).raw());
            }
            prop_assert_eq!(joined.as_slice(), segment.raw());
        }
    }

    #[test]
    fn no_text_makes_a_value_reader_panic(text in "\\PC*|[0-9+\\-.,<>=eE: Z]{0,24}") {
        let _ = (time::parse(&text), encapsulated::clean(&text, Some('\\')));
        if let Some(json) = number::parse(&text).json {
            prop_assert!(serde_json::from_str::<serde_json::Number>(&json).is_ok(), "{}", json);
        }
    }
}

#[test]
fn a_message_of_many_megabytes_is_read_in_linear_time() {
    let head = b"MSH|^~\\&|A|B|C|D|20260101||ORU^R01|1|P|2.5\r";
    for filler in [
        &b"|"[..],
        b"\\",
        b"^",
        b"~",
        b"\r",
        b"\n",
        b"\nPID|\r",
        b"\x1b$B",
        b"x",
        b"\rx",
        b"ADD|\r",
        b"\\X41\\",
    ] {
        let mut bytes = head.to_vec();
        bytes.extend_from_slice(b"OBX|1|TX|a||");
        while bytes.len() < 2 << 20 {
            bytes.extend_from_slice(filler);
        }
        let started = std::time::Instant::now();
        let message = message::parse(&bytes, &Options::default()).unwrap();
        let text = message.segment("OBX").and_then(|obx| obx.field(5).text());
        assert!(text.is_none_or(|text| text.len() <= bytes.len() * 3));
        // Quadratic work on two million bytes would take hours.
        assert!(
            started.elapsed().as_secs() < 20,
            "{filler:?} took {:?}",
            started.elapsed()
        );
    }
}
