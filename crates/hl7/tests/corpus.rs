//! Whole messages: our own fixtures against snapshots, and the shared corpus against its expectations where it is present.
//!
//! Our fixtures are `tests/corpus/*.hl7`; each has one snapshot that shows everything the parser made of it. The shared
//! corpus lies beside the repository and is only read, never copied; its expectations are checked as far as they concern
//! this crate (grammar, framing, batches, acknowledgements, not conversion or duplicates).
//!
//! Expectations we disagree with: none. Those read in a particular way:
//!
//! * `raw` of a field is compared with the whole field, because its paths name no component.
//! * `warnings` are compared only for the kinds this crate raises; `obx-2-unknown`, `timestamp`, `dst-gap`, `structure` and
//!   the like need the meaning of a field and belong to the converter.
//! * `ack` is compared for the codes that follow from the message alone; `AR` for an unsupported event is a policy.
//!
//! Ten files of that corpus write MSH-2 as `^~\\&`, with the escape character doubled. They are refused as
//! `delimiters_not_distinct` and not guessed at: whether the fourth delimiter is the backslash or the ampersand decides
//! what every subcomponent says.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it skipped"
)]

use std::fs;
use std::path::{Path, PathBuf};

use bedside_hl7::ack::{self, Code, Mode, Outcome, Reply};
use bedside_hl7::message::{self, Message, Options, Presence};
use bedside_hl7::{batch, encapsulated, frame};
use serde_json::Value;

const OURS: &[&str] = &[
    "bom",
    "charset",
    "continuation-line",
    "control-character",
    "escape",
    "leading-whitespace",
    "msh-2-length",
    "segment-case",
    "segment-terminator",
    "blank-segment",
    "truncated-segment",
    "unknown-segment",
    "version",
    "batch-count",
    "batch-trailer-missing",
];

fn render(message: &Message) -> String {
    let mut out = format!(
        "type {} {} structure {} version {} charset {}\n",
        message.code(),
        message.trigger(),
        message.structure(),
        message.version(),
        message.charset()
    );
    for problem in message.problems() {
        out += &format!(
            "problem {} at {}-{}: {}\n",
            problem.kind, problem.segment, problem.field, problem.text
        );
    }
    for segment in message.segments() {
        out += &format!("{}\n", segment.id());
        for number in 1..=segment.field_count() {
            let field = segment.field(number);
            match field.presence() {
                Presence::Absent => continue,
                Presence::Null => out += &format!("  {number} null\n"),
                Presence::Value => {
                    for (index, rep) in field.reps().enumerate() {
                        let parts: Vec<String> = (1..=rep.component_count())
                            .map(|n| match rep.component(n).presence() {
                                Presence::Absent => "-".to_owned(),
                                Presence::Null => "null".to_owned(),
                                Presence::Value => {
                                    format!("{:?}", rep.component(n).text().unwrap_or_default())
                                }
                            })
                            .collect();
                        out += &format!("  {number}[{}] {}\n", index + 1, parts.join(" "));
                    }
                }
            }
        }
    }
    out
}

fn visible(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|&byte| std::ascii::escape_default(byte))
        .map(char::from)
        .collect::<String>()
        .replace("\\r", "\\r\n")
}

#[test]
fn our_fixtures_read_as_their_snapshots_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "hl7"))
        .collect();
    files.sort();
    assert!(files.len() >= 15);
    for file in files {
        let bytes = fs::read(&file).unwrap();
        let split = batch::split(&bytes);
        let mut out = format!("batches {} declared {:?}\n", split.batches, split.declared);
        for problem in &split.problems {
            out += &format!("problem {}: {}\n", problem.kind, problem.text);
        }
        let parts = if split.messages.is_empty() {
            std::iter::once(0..bytes.len()).collect()
        } else {
            split.messages
        };
        for part in parts {
            out += "----\n";
            let bytes = &bytes[part];
            let reply = Reply {
                code: Code::AA,
                text: None,
                error: None,
                now: "20260301120000+0100",
                control_id: "OUT1",
            };
            match message::parse(bytes, &Options::default()) {
                Ok(message) => {
                    out += &format!(
                        "{}answer {}",
                        render(&message),
                        visible(&ack::build(&message, &reply))
                    )
                }
                Err(reject) => {
                    out += &format!("reject {}: {reject}\n", reject.code());
                    let answer = ack::build_for_unreadable(
                        bytes,
                        &Reply {
                            code: Code::AR,
                            ..reply
                        },
                    );
                    out += &format!(
                        "answer {}",
                        answer.map_or_else(|| "none".to_owned(), |answer| visible(&answer))
                    );
                }
            }
        }
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, out);
        });
    }
}

fn shared() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/hl7v2");
    let present = folder.join("manifest.jsonl").exists();
    if !present {
        println!("corpus not present: skipped {}", folder.display());
    }
    present.then_some(folder)
}

#[test]
fn every_message_of_the_shared_corpus_is_read_or_refused_with_a_reason() {
    let Some(folder) = shared() else { return };
    let (mut read, mut refused) = (0, 0);
    for line in fs::read_to_string(folder.join("manifest.jsonl"))
        .unwrap()
        .lines()
    {
        let entry: Value = serde_json::from_str(line).unwrap();
        let file = entry["file"].as_str().unwrap();
        let bytes = fs::read(folder.join(file)).unwrap();
        let split = batch::split(&bytes);
        assert!(split.messages.len() <= bytes.len());
        let parts = if split.messages.is_empty() {
            std::iter::once(0..bytes.len()).collect()
        } else {
            split.messages
        };
        for part in parts {
            match message::parse(&bytes[part], &Options::default()) {
                Ok(message) => {
                    read += 1;
                    assert!(!render(&message).is_empty());
                    if let (Some(code), false) =
                        (entry["type"].as_str(), file.starts_with("synthetic"))
                    {
                        // One file of that corpus has a header that ends at MSH-3; its `type` there is not MSH-9.
                        let code = code.split('^').next().unwrap();
                        assert!(
                            code == message.code() || code.len() != 3,
                            "{file}: {code} {}",
                            message.code()
                        );
                    }
                }
                Err(reject) => {
                    refused += 1;
                    println!("{file}: {reject}");
                }
            }
        }
    }
    println!("{read} messages read, {refused} refused");
    assert!(read > 470);
}

#[test]
fn the_adversarial_cases_read_as_expected() {
    let Some(folder) = shared() else { return };
    let folder = folder.join("synthetic");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".expect.json"))
        .collect();
    files.sort();
    let (mut checks, mut failures) = (0, Vec::new());
    for file in &files {
        let expect: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let name = file
            .file_name()
            .unwrap()
            .to_string_lossy()
            .replace(".expect.json", "");
        let stream = folder.join(format!("{name}.mllp"));
        let mut case = Case {
            name,
            expect,
            checks: 0,
            failures: Vec::new(),
        };
        if stream.exists() {
            case.stream(&fs::read(stream).unwrap());
        } else {
            let bytes = fs::read(folder.join(format!("{}.hl7", case.name))).unwrap();
            case.file(&bytes);
        }
        checks += case.checks;
        failures.extend(case.failures);
    }
    println!(
        "{} cases, {checks} expectations checked, {} not met",
        files.len(),
        failures.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

struct Case {
    name: String,
    expect: Value,
    checks: usize,
    failures: Vec<String>,
}

impl Case {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers pass fresh values, and references would only add noise"
    )]
    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, got: T, expected: T) {
        self.checks += 1;
        if got != expected {
            self.failures.push(format!(
                "{}: {what}: got {got:?}, expected {expected:?}",
                self.name
            ));
        }
    }

    fn count(&self, key: &str) -> Option<usize> {
        self.expect[key]
            .as_u64()
            .map(|n| usize::try_from(n).unwrap())
    }

    fn stream(&mut self, bytes: &[u8]) {
        let mut decoder = frame::Decoder::new(frame::Limits::default());
        decoder.push(bytes);
        let end = decoder.finish();
        let (mut frames, mut broken) = (Vec::new(), usize::from(end.is_some()));
        while let Some(next) = decoder.next_frame() {
            match next {
                Ok(frame) => frames.push(frame),
                Err(_) => broken += 1,
            }
        }
        if let Some(expected) = self.count("frames") {
            self.same("frames", frames.len(), expected);
        }
        if let Some(expected) = self.count("quarantined") {
            self.same("quarantined", broken, expected);
        }
        if let Some(expected) = self.count("messages") {
            let got = frames
                .iter()
                .map(|frame| batch::split(frame).messages.len())
                .sum();
            self.same("messages", got, expected);
        }
        for warning in self.expect["warnings"]
            .as_array()
            .cloned()
            .unwrap_or_default()
        {
            let seen = match warning.as_str().unwrap() {
                "partial-frame" => broken > 0,
                "empty-frame" => decoder.empty_frames() > 0,
                "bytes-outside-frame" | "no-start-byte" => decoder.skipped() > 0,
                "missing-trailing-cr" => decoder.unterminated() > 0,
                _ => true,
            };
            self.same("warning", seen, true);
        }
        if let Some(ids) = self.expect["acks_in_order"].as_array() {
            let expected: Vec<String> = ids
                .iter()
                .map(|id| id.as_str().unwrap().to_owned())
                .collect();
            let got: Vec<String> = frames
                .iter()
                .map(|frame| {
                    ack::read(&answer(
                        &message::parse(frame, &Options::default()).unwrap(),
                        Code::AA,
                    ))
                    .unwrap()
                    .1
                })
                .collect();
            self.same("acks in order", got, expected);
        }
        if let Some(first) = frames.first() {
            let message = message::parse(first, &Options::default()).unwrap();
            self.values(&message);
        }
    }

    fn file(&mut self, bytes: &[u8]) {
        let split = batch::split(bytes);
        if let Some(expected) = self.count("messages") {
            self.same("messages", split.messages.len(), expected);
        }
        if let Some(expected) = self.count("batches") {
            self.same("batches", split.batches, expected);
        }
        if let Some(expected) = self.expect["declared"].as_u64() {
            self.same("declared", split.declared, Some(expected));
        }
        let mut kinds: Vec<&str> = split.problems.iter().map(|problem| problem.kind).collect();
        let options = Options {
            default_charset: self.expect["config"]["default_charset"]
                .as_str()
                .map(str::to_owned),
            ..Options::default()
        };
        let part = split.messages.first().cloned().unwrap_or(0..bytes.len());
        // A lone message is read as the file has it, with whatever stands around it.
        let part = if split.messages.len() > 1 || split.batches > 0 {
            part
        } else {
            0..bytes.len()
        };
        let rejected = self.expect["reject"].is_string();
        let message = match message::parse(&bytes[part.clone()], &options) {
            Ok(message) => message,
            Err(reject) => {
                self.same(&format!("reject {}", reject.code()), true, rejected);
                let reply = Reply {
                    code: Code::AR,
                    text: None,
                    error: None,
                    now: "20260301",
                    control_id: "1",
                };
                let answer = ack::build_for_unreadable(&bytes[part], &reply);
                self.same(
                    "answer to the unreadable",
                    answer.is_none(),
                    self.expect["ack"].is_null(),
                );
                return;
            }
        };
        self.same("not rejected", rejected, false);
        kinds.extend(message.problems().iter().map(|problem| problem.kind));
        for warning in self.expect["warnings"]
            .as_array()
            .cloned()
            .unwrap_or_default()
        {
            let warning = warning.as_str().unwrap();
            if OURS.contains(&warning) {
                self.same(
                    &format!("warning {warning}"),
                    kinds.contains(&warning),
                    true,
                );
            }
        }
        self.values(&message);
        self.acks(&message);
    }

    fn values(&mut self, message: &Message) {
        let expect = self.expect.clone();
        let texts = |key: &str| -> Vec<(String, Value)> {
            expect[key]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(path, value)| (path.clone(), value.clone()))
                .collect()
        };
        if let Some(ids) = expect["segments"].as_array() {
            let expected: Vec<&str> = ids.iter().map(|id| id.as_str().unwrap()).collect();
            self.same(
                "segments",
                message.segments().map(|segment| segment.id()).collect(),
                expected,
            );
        }
        for (id, value) in texts("count") {
            self.same(
                &id,
                message.all(&id).count() as u64,
                value.as_u64().unwrap(),
            );
        }
        for (path, value) in texts("values")
            .into_iter()
            .chain(texts("values_joined"))
            .chain(texts("fields"))
        {
            self.same(
                &path,
                message::get(message, &path),
                value.as_str().map(str::to_owned),
            );
        }
        for (path, value) in texts("length") {
            self.same(
                &path,
                message::get(message, &path).map(|text| text.len() as u64),
                value.as_u64(),
            );
        }
        for (path, value) in texts("raw") {
            let (segment, field) = path.split_once('-').unwrap();
            let raw = message
                .segment(segment)
                .unwrap()
                .field(field.parse().unwrap())
                .raw();
            self.same(&path, raw, value.as_str().unwrap().as_bytes());
        }
        if let Some(parts) = expect["plain_contains"].as_array() {
            let plain = message.segment("OBX").unwrap().field(5).plain().unwrap();
            let mut from = 0;
            for part in parts.iter().map(|part| part.as_str().unwrap()) {
                let found = plain[from..].find(part);
                self.same(&format!("plain text holds {part:?}"), found.is_some(), true);
                from += found.unwrap_or(0);
            }
        }
        for (key, presence) in [("null", Presence::Null), ("absent", Presence::Absent)] {
            for path in expect[key].as_array().cloned().unwrap_or_default() {
                let (segment, field) = path.as_str().unwrap().split_once('-').unwrap();
                let got = message
                    .segment(segment)
                    .unwrap()
                    .field(field.parse().unwrap())
                    .presence();
                self.same(&path.to_string(), got, presence);
            }
        }
        if let Some(structure) = expect.get("structure") {
            self.same(
                "structure",
                message.structure(),
                structure.as_str().unwrap_or_default().to_owned(),
            );
        }
        if let Some(expected) = expect["ed_len"].as_u64() {
            let document =
                encapsulated::decode(message.segment("OBX").unwrap().field(5).component(5));
            self.same(
                "document",
                document.map(|bytes| bytes.len() as u64),
                Ok(expected),
            );
        }
    }

    fn acks(&mut self, message: &Message) {
        if let Some(expected) = self.expect["ack_delimiters"].as_str().map(str::to_owned) {
            let answer = answer(message, Code::AA);
            self.same(
                "ack delimiters",
                &answer[3..3 + expected.len()],
                expected.as_bytes(),
            );
        }
        let outcome = if ack::header_error(message).is_some() {
            Outcome::Rejected
        } else {
            Outcome::Stored
        };
        let decided = ack::decide(ack::mode(message), outcome);
        match self.expect["ack"].as_str() {
            Some("AA") => self.same("ack", decided, Some(Code::AA)),
            Some("AR") => self.same("ack", decided, Some(Code::AR)),
            Some("CA only") => self.same("ack", decided, Some(Code::CA)),
            Some("nothing on success") => self.same("ack", decided, None),
            _ => {}
        }
        let enhanced = self.expect["fields"].get("MSH-15").is_some();
        self.same(
            "mode",
            !enhanced || ack::mode(message) != Mode::Original,
            true,
        );
        let answer = answer(message, Code::AA);
        let id = message.control_id().unwrap_or_default();
        self.same(
            "answered control id",
            ack::read(&answer).ok(),
            Some((Code::AA, id)),
        );
    }
}

fn answer(message: &Message, code: Code) -> Vec<u8> {
    ack::build(
        message,
        &Reply {
            code,
            text: None,
            error: None,
            now: "20260301120000+0100",
            control_id: "OUT1",
        },
    )
}
