//! Streams taken apart: whole ones, broken ones, and ones that would not fit into memory.

use std::io::{BufRead, BufReader, Read};

use bedside_fhir::stream::{Limits, Reader, Shape, StreamError, Unit, entry};

const PATIENT: &str = r#"{"resourceType":"Patient","id":"7"}"#;

/// Every chunking must tell the same story, so the text is read whole and byte by byte.
fn read(text: &[u8]) -> (Vec<Result<Unit, StreamError>>, Option<String>) {
    let mut whole = Reader::new(text, Limits::default());
    let units: Vec<_> = whole.by_ref().collect();
    let bytewise: Vec<_> =
        Reader::new(BufReader::with_capacity(1, text), Limits::default()).collect();
    assert_eq!(units, bytewise);
    for (number, unit) in units.iter().enumerate() {
        let position = match unit {
            Ok(unit) => {
                let offset = usize::try_from(unit.offset).unwrap();
                assert_eq!(
                    text.get(offset..offset + unit.bytes.len()),
                    Some(unit.bytes.as_slice())
                );
                unit.position
            }
            Err(error) => error.position,
        };
        assert_eq!(position, u64::try_from(number).unwrap());
    }
    (units, whole.bundle_type().map(str::to_owned))
}

/// Each unit as its text, each error as its code.
fn story(text: &str) -> Vec<String> {
    read(text.as_bytes())
        .0
        .into_iter()
        .map(|unit| match unit {
            Ok(unit) => unit.text().to_owned(),
            Err(error) => format!("!{}", error.code),
        })
        .collect()
}

fn shapes(text: &str) -> Vec<Shape> {
    read(text.as_bytes())
        .0
        .into_iter()
        .map(|unit| unit.unwrap().shape)
        .collect()
}

fn resource(id: &str) -> String {
    format!(
        r#"{{"fullUrl":"urn:uuid:{id}","resource":{{"resourceType":"Patient","id":"{id}","note":"]}}}}\"{{["}}}}"#
    )
}

fn bundle(entries: &[&str]) -> String {
    format!(
        r#"{{"resourceType":"Bundle","type":"batch","entry":[{}],"total":1}}"#,
        entries.join(",")
    )
}

#[test]
fn a_single_resource_is_one_unit_however_it_is_printed() {
    assert_eq!(story(PATIENT), [PATIENT]);
    assert_eq!(shapes(PATIENT), [Shape::Resource]);
    let printed =
        "{\n  \"resourceType\": \"Patient\",\n  \"name\": [\n{\n  \"family\": \"A\" }\n ]\n}";
    assert_eq!(story(&format!("\u{FEFF}\r\n {printed} \r\n\n")), [printed]);
    assert_eq!(shapes(printed), [Shape::Resource]);
}

#[test]
fn an_empty_stream_has_no_units() {
    for text in ["", " \r\n\t\n", "\u{FEFF}"] {
        assert!(story(text).is_empty());
    }
}

#[test]
fn a_bundle_yields_the_exact_bytes_of_its_entries() {
    let (one, two) = (resource("1"), resource("2").replace("\":", "\" :\n\t"));
    let text = bundle(&[&one, &two]);
    assert_eq!(story(&text), [one.clone(), two]);
    assert_eq!(read(text.as_bytes()).1.as_deref(), Some("batch"));
    assert_eq!(shapes(&text), [Shape::BundleEntry; 2]);
    assert_eq!(entry(&one).unwrap().full_url.as_deref(), Some("urn:uuid:1"));
    assert!(story(&bundle(&[])).is_empty());
}

#[test]
fn an_entry_before_the_resource_type_is_still_an_entry() {
    let one = resource("1");
    let text =
        format!(r#"{{"entry":[{{}},{one},{{"id":"e"}}],"type":"batch","resourceType":"Bundle"}}"#);
    assert_eq!(story(&text), ["{}", &one, r#"{"id":"e"}"#]);
    assert_eq!(read(text.as_bytes()).1.as_deref(), Some("batch"));
    let undecided = r#"{"entry":[{},{"id":"e"}],"resourceType":"Bundle"}"#;
    assert_eq!(story(undecided), ["{}", r#"{"id":"e"}"#]);
}

#[test]
fn a_list_has_entries_too_and_is_one_unit() {
    for text in [
        r#"{"resourceType":"List","entry":[{"item":{"reference":"Patient/7"}}]}"#,
        r#"{"entry":[{},{"item":{"reference":"Patient/7"}},{"resource":1}],"resourceType":"List"}"#,
        r#"{"entry":[{}],"resourceType":"List"}"#,
        r#"{"entry":[{}]}"#,
        r#"{"resourceType":"Basic","contained":[{"resourceType":"Bundle","entry":[{"resource":{}}]}]}"#,
    ] {
        assert_eq!(story(text), [text]);
    }
}

#[test]
fn a_bundle_inside_an_entry_is_not_opened() {
    let inner = format!(r#"{{"resource":{}}}"#, bundle(&[&resource("1")]));
    assert_eq!(story(&bundle(&[&inner])), [inner]);
}

#[test]
fn ndjson_is_read_line_by_line_with_any_line_ends() {
    let text = format!("{PATIENT}\r\n\r\n\n{PATIENT} \n{PATIENT}");
    assert_eq!(story(&text), [PATIENT; 3]);
    assert_eq!(shapes(&text), [Shape::NdjsonLine; 3]);
}

#[test]
fn bundles_one_on_each_line_yield_their_entries() {
    let (one, two) = (resource("1"), resource("2"));
    let text = format!("{}\n{}\n", bundle(&[&one]), bundle(&[&two, &one]));
    assert_eq!(story(&text), [one.clone(), two, one]);
}

#[test]
fn a_broken_line_does_not_hide_the_next() {
    for broken in [
        r#"{"resourceType":"Patient","id":"#,
        r#"{"resourceType":"Patient","id":"cut"#,
        r#"{"resourceType":"Patient","id":"x","#,
        r#"{"resourceType":"Patient","name":[{"family":"x"},"#,
        r#"{"resourceType":"Patient","name":[{"family":"x""#,
        r#"{"resourceType""#,
        "{",
        r#"{"resourceType":"Patient"}}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"a":"\ud800"}"#,
        "not json at all",
        "[1,2]",
    ] {
        let in_the_middle = format!("{PATIENT}\n{broken}\n{PATIENT}\n");
        let found = story(&in_the_middle);
        assert_eq!(found.first().map(String::as_str), Some(PATIENT), "{broken}");
        assert_eq!(found.last().map(String::as_str), Some(PATIENT), "{broken}");
        assert_eq!(
            found.iter().filter(|unit| unit.starts_with('!')).count(),
            1,
            "{broken}: {found:?}"
        );
        assert!(found.len() <= 4);
        // The first line is harder: nothing has said yet that this is NDJSON. Where the cut leaves room for a value, the second
        // line is taken as that value and stays with the broken one.
        let at_first = story(&format!("{broken}\r\n{PATIENT}\n{PATIENT}\n{PATIENT}"));
        let swallowed = usize::from(broken.ends_with(':') || broken.ends_with("},"));
        assert_eq!(
            at_first.iter().filter(|unit| *unit == PATIENT).count(),
            3 - swallowed,
            "{broken}: {at_first:?}"
        );
        assert_eq!(
            at_first.iter().filter(|unit| unit.starts_with('!')).count(),
            1,
            "{broken}: {at_first:?}"
        );
    }
}

#[test]
fn an_object_out_of_place_is_not_taken_for_a_unit() {
    for text in [
        r#"{"a":1 {"resourceType":"Patient"}}"#,
        r#"{"a":1,{"resourceType":"Patient"}}"#,
    ] {
        assert_eq!(story(text), ["!not_json"], "{text}");
    }
}

#[test]
fn a_bundle_cut_off_in_its_line_does_not_hide_the_next_line() {
    let good = resource("9");
    let whole = bundle(&[&good, &good]);
    for length in 1..whole.len() {
        let found = story(&format!("{whole}\n{}\n{whole}\n", &whole[..length]));
        assert_eq!(
            found.iter().filter(|unit| unit.starts_with('!')).count(),
            1,
            "cut at {length}: {found:?}"
        );
        assert_eq!(
            found[found.len() - 2..],
            [good.clone(), good.clone()],
            "cut at {length}: {found:?}"
        );
    }
}

#[test]
fn a_broken_entry_does_not_hide_the_next() {
    let good = &resource("9");
    for (broken, code) in [
        (
            r#"{"resource":{"resourceType":"Patient","id":tru}}"#,
            "not_json",
        ),
        (
            r#"{"resource":{"resourceType":"Patient","id":"a","id":"b"}}"#,
            "duplicate_member",
        ),
        (r#"{"resource":{"id":"\udc00"}}"#, "lone_surrogate"),
        ("{\"resource\":{\"id\":\"a\nb\"}}", "control_character"),
        (
            r#"{"resource":{"name":[{"family":"x"],"id":"y"}}"#,
            "not_json",
        ),
        (
            r#"{"resource":{"name":[{"family":"x"}},"id":"y"}"#,
            "not_json",
        ),
        (r#"{"resource":{"name":{"family":"x"}"#, "truncated"),
        (r#"{"resource":{"id":"x"}"#, "truncated"),
        (r#"{"resource" {"id":"x"}}"#, "not_json"),
        ("7", "entry_not_object"),
        ("null", "entry_not_object"),
        ("\"]}\"", "entry_not_object"),
        ("[{\"resource\":1}]", "entry_not_object"),
        ("nul", "truncated"),
    ] {
        let found = story(&bundle(&[good, broken, good]));
        assert_eq!(
            found,
            [good.clone(), format!("!{code}"), good.clone()],
            "{broken}"
        );
        let text = format!("{}\n{}", bundle(&[good, broken, good]), bundle(&[good]));
        let expected = [good.clone(), format!("!{code}"), good.clone(), good.clone()];
        if !broken.contains('\n') {
            assert_eq!(story(&text), expected, "{broken}");
        }
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(
        story(&bundle(&[good, &deep, good])),
        [good, "!too_deep", good]
    );
    let objects = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    assert_eq!(
        story(&bundle(&[good, &objects, good])),
        [good, "!too_deep", good]
    );
}

#[test]
fn a_broken_unit_keeps_its_bytes_and_does_not_print_them() {
    let broken = r#"{"resource":{"family":"Quartermaine","family":1}}"#;
    let text = bundle(&[broken]);
    let error = read(text.as_bytes()).0.remove(0).unwrap_err();
    assert_eq!(error.bytes_kept, broken.as_bytes());
    assert_eq!(
        usize::try_from(error.offset).unwrap(),
        text.find(broken).unwrap()
    );
    assert_eq!(
        usize::try_from(error.at).unwrap(),
        text.rfind("\"family\"").unwrap()
    );
    assert!(!error.ended);
    assert!(!format!("{error} {error:?}").contains("Quartermaine"));
}

#[test]
fn p06_a_cut_off_stream_says_so_even_between_entries() {
    let good = resource("9");
    let whole = bundle(&[&good, &good]);
    for length in 1..whole.len() {
        let (units, _) = read(&whole.as_bytes()[..length]);
        let error = units.last().unwrap().as_ref().unwrap_err();
        assert!(error.ended, "cut at {length}");
        assert_eq!(
            units.iter().filter(|unit| unit.is_err()).count(),
            1,
            "cut at {length}"
        );
    }
    for length in 1..PATIENT.len() {
        let (units, _) = read(&PATIENT.as_bytes()[..length]);
        assert_eq!(units.len(), 1);
        assert_eq!(
            units[0].as_ref().unwrap_err().bytes_kept,
            &PATIENT.as_bytes()[..length]
        );
    }
}

#[test]
fn a_bundle_broken_outside_its_entries_says_so_and_keeps_its_entries() {
    let good = resource("9");
    for (text, code) in [
        (
            format!(r#"{{"resourceType":"Bundle","entry":[{good}{good}]}}"#),
            "bundle_syntax",
        ),
        (
            format!(r#"{{"resourceType":"Bundle","entry":[{good},,{good}]}}"#),
            "bundle_syntax",
        ),
        (
            format!(r#"{{"resourceType":"Bundle","entry":[{good},{good},]}}"#),
            "bundle_syntax",
        ),
        (
            format!(r#"{{"resourceType":"Bundle","entry":[{good},{good}}}"#),
            "bundle_syntax",
        ),
        (
            format!(r#"{{"resourceType":"Bundle","entry":[{good}],"entry":[{good}]}}"#),
            "duplicate_member",
        ),
        (
            format!(
                r#"{{"resourceType":"Bundle","id":"a","\u0069d":"b","entry":[{good},{good}]}}"#
            ),
            "duplicate_member",
        ),
        (
            format!(r#"{{"resourceType":"Bundle","link":[}},"entry":[{good},{good}]}}"#),
            "not_json",
        ),
    ] {
        let found = story(&text);
        assert_eq!(
            found.iter().filter(|unit| **unit == good).count(),
            if code == "not_json" { 0 } else { 2 },
            "{text}"
        );
        assert!(found.iter().any(|unit| unit.starts_with('!')), "{text}");
    }
}

#[test]
fn trailing_garbage_is_reported_after_the_unit() {
    assert_eq!(
        story(&format!("{PATIENT} x\n")),
        [PATIENT, "!trailing_bytes"]
    );
    assert_eq!(story(&format!("{PATIENT}\0")), [PATIENT, "!trailing_bytes"]);
    assert_eq!(story(&format!("{PATIENT}{PATIENT}")), [PATIENT, PATIENT]);
}

#[test]
fn what_is_no_json_is_one_error_with_its_bytes() {
    let text = "<Patient>\n <id value=\"7\"/>\n</Patient>\n";
    let (units, _) = read(text.as_bytes());
    assert_eq!(units.len(), 1);
    assert_eq!(
        units[0].as_ref().unwrap_err().bytes_kept,
        text.trim_end().as_bytes()
    );
}

#[test]
fn a_unit_over_the_limit_is_reported_and_the_next_is_read() {
    let long = format!(r#"{{"resource":{{"note":"{}"}}}}"#, "x".repeat(5_000));
    let good = resource("9");
    for text in [
        bundle(&[&good, &long, &good]),
        format!("{good}\n{long}\n{good}\n"),
    ] {
        let limits = Limits { max_unit: 1_000 };
        let units: Vec<_> = Reader::new(text.as_bytes(), limits).collect();
        assert_eq!(units.len(), 3);
        let error = units[1].as_ref().unwrap_err();
        assert_eq!((error.code, error.bytes_kept.len()), ("too_large", 1_000));
        assert!(units[0].is_ok() && units[2].is_ok());
    }
}

#[test]
fn a_reading_error_ends_the_iteration_with_what_was_read() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk went away"))
        }
    }
    let text = br#"{"resourceType":"Patient","id":"#;
    let units: Vec<_> =
        Reader::new(BufReader::new(text.chain(Failing)), Limits::default()).collect();
    let error = units[0].as_ref().unwrap_err();
    assert_eq!((units.len(), error.code, error.ended), (1, "io", true));
    assert_eq!(error.bytes_kept, text);
}

/// A gibibyte that exists nowhere: a Bundle whose metadata is one huge string, then entries without number.
struct Endless {
    parts: Vec<(Vec<u8>, u64)>,
    part: usize,
    at: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let ready = self.fill_buf()?;
        let length = ready.len().min(buffer.len());
        buffer[..length].copy_from_slice(&ready[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Endless {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        Ok(self
            .parts
            .get(self.part)
            .map_or(&[], |(bytes, _)| &bytes[self.at..]))
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
        if let Some((bytes, times)) = self.parts.get_mut(self.part)
            && self.at == bytes.len()
        {
            self.at = 0;
            *times -= 1;
            self.part += usize::from(*times == 0);
        }
    }
}

#[test]
fn a_gibibyte_is_read_in_the_memory_of_one_unit() {
    let filler = vec![b'x'; 1 << 20];
    let entry = format!("{},", resource("9"));
    let stream = Endless {
        parts: vec![
            (br#"{"resourceType":"Bundle","text":{"div":""#.to_vec(), 1),
            (filler.clone(), 900),
            (br#""},"entry":[{"resource":{"div":""#.to_vec(), 1),
            (filler, 123),
            (br#""}},"#.to_vec(), 1),
            (entry.clone().into_bytes(), 20_000),
            (br#"{}],"type":"batch"}"#.to_vec(), 1),
        ],
        part: 0,
        at: 0,
    };
    let mut reader = Reader::new(stream, Limits { max_unit: 4_096 });
    let mut good = 0;
    for (number, unit) in reader.by_ref().enumerate() {
        match unit {
            Ok(unit) => {
                assert!(unit.bytes.capacity() <= 2 * 4_096);
                good += 1;
            }
            Err(error) => {
                assert_eq!((number, error.code), (0, "too_large"));
                assert!(error.bytes_kept.capacity() <= 2 * 4_096);
            }
        }
    }
    assert_eq!(good, 20_001);
    assert_eq!(reader.bundle_type(), Some("batch"));
}
