//! `bedside hl7 parse|to-fhir`: bench tools that need no store and keep nothing.

use std::io::Read;
use std::path::Path;

use bedside_core::map::{self, MapCtx, MapEnding};
use bedside_core::record::PublicIds;
use bedside_core::source::Source;
use bedside_fact::clock::Clock;
use bedside_fact::id::{ResourceId, Seq, SourceId, SystemId};
use bedside_hl7::batch;
use bedside_hl7::message::{self, Message};
use serde_json::{Value, json};

use crate::cli::Hl7Command;
use crate::clock::SystemClock;
use crate::fault::Fault;
use crate::out::Out;

pub(super) async fn run(command: Hl7Command, out: &Out) -> Result<u8, Fault> {
    let (file, zone) = match &command {
        Hl7Command::Parse { file } => (file, None),
        Hl7Command::ToFhir { file, zone } => (file, Some(zone)),
    };
    let bytes = read(file)?;
    if bytes.is_empty() {
        return Err(Fault::input(format!(
            "{}: the file is empty",
            file.display()
        )));
    }
    let split = batch::split(&bytes);
    let whole = std::iter::once(0..bytes.len()).collect();
    let ranges = if split.messages.is_empty() {
        whole
    } else {
        split.messages
    };
    let several = ranges.len() > 1;
    let (mut parsed, mut entries) = (Vec::new(), None);
    let mut status = 0;
    for range in ranges {
        let start = range.start;
        let part = bytes.get(range).unwrap_or_default();
        match message::parse(part, &message::Options::default()) {
            Ok(message) => match zone {
                None if out.json() => parsed.push(document(&message)),
                None => parse(&message, out).await,
                Some(zone) => {
                    let all = entries.get_or_insert_with(Vec::new);
                    status = status.max(to_fhir(&message, zone, all, out).await);
                }
            },
            Err(reject) => {
                status = 3;
                let place = start + reject.position();
                out.note(format!(
                    "bedside: {} at byte {place}: {reject} [{}]",
                    file.display(),
                    reject.code()
                ))
                .await;
            }
        }
    }
    // One document, however many messages the file holds.
    match parsed.as_slice() {
        [] => {}
        [one] if !several => out.document(one).await,
        all => out.document(&all).await,
    }
    if let Some(entries) = entries {
        let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
        if out.json() {
            out.document(&bundle).await;
        } else {
            // Our own values always serialise.
            out.line(serde_json::to_string_pretty(&bundle).unwrap_or_default())
                .await;
        }
    }
    Ok(status)
}

fn read(file: &Path) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let result = if file == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    match result {
        Ok(()) => Ok(bytes),
        Err(error) => Err(Fault::input(format!(
            "can't read {}: {error}",
            file.display()
        ))),
    }
}

fn document(message: &Message) -> Value {
    let segments: Vec<Value> = message
        .segments()
        .map(|segment| {
            let fields: Vec<Value> = (1..=segment.field_count())
                .map(|n| {
                    String::from_utf8_lossy(segment.field(n).raw())
                        .into_owned()
                        .into()
                })
                .collect();
            json!({ "id": segment.id(), "fields": fields })
        })
        .collect();
    let problems: Vec<Value> = message
        .problems()
        .iter()
        .map(|p| json!({ "kind": p.kind, "segment": p.segment, "field": p.field, "text": p.text }))
        .collect();
    json!({
        "type": message.code(), "trigger": message.trigger(), "structure": message.structure(), "version": message.version(),
        "control_id": message.control_id(), "charset": message.charset(), "segments": segments, "problems": problems,
    })
}

async fn parse(message: &Message, out: &Out) {
    out.line(format!(
        "{}^{} ({}), version {}, {}, control id {}",
        message.code(),
        message.trigger(),
        message.structure(),
        message.version(),
        message.charset(),
        message.control_id().unwrap_or_default()
    ))
    .await;
    for segment in message.segments() {
        out.line(format!("{:>3} {}", segment.index() + 1, segment.id()))
            .await;
        for n in 1..=segment.field_count() {
            let raw = segment.field(n).raw();
            if !raw.is_empty() {
                let text: String = String::from_utf8_lossy(raw)
                    .chars()
                    .map(|c| if c.is_control() { '\u{fffd}' } else { c })
                    .collect();
                out.line(format!("      {}-{n}: {text}", segment.id()))
                    .await;
            }
        }
    }
    for problem in message.problems() {
        out.note(format!(
            "{} (segment {}, field {}): {}",
            problem.kind,
            problem.segment + 1,
            problem.field,
            problem.text
        ))
        .await;
    }
}

async fn to_fhir(message: &Message, zone: &str, entries: &mut Vec<Value>, out: &Out) -> u8 {
    let source = Source {
        id: SourceId::new("bench"),
        system: SystemId::new("bench"),
        vendor: String::from("generic"),
        zone: zone.to_owned(),
    };
    let mapped = map::hl7::map(
        message,
        &MapCtx {
            source: &source,
            ids: &PlainIds,
            seq: Seq(1),
            received_at: SystemClock.now(),
            patient_of: &|_, _| None,
        },
    );
    let status = match &mapped.ending {
        MapEnding::Map => 0,
        MapEnding::NotMapped => {
            out.note(format!(
                "{}^{} is not mapped; it would be stored and end as a no-op",
                message.code(),
                message.trigger()
            ))
            .await;
            1
        }
        MapEnding::Park(reason) => {
            out.note(format!("this message would be parked: {reason}"))
                .await;
            1
        }
    };
    for issue in &mapped.issues {
        out.note(issue.clone()).await;
    }
    entries.extend(mapped.drafts.into_iter().map(|draft| {
        let mut body = draft.body;
        if let Some(object) = body.as_object_mut() {
            object.insert(String::from("id"), draft.id.as_str().into());
        }
        json!({ "resource": body })
    }));
    status
}

/// Ids for looking at, not for storing: a hash without a key, so that references can be followed by eye.
struct PlainIds;

impl PublicIds for PlainIds {
    fn public_id(&self, source: &SourceId, resource_type: &str, source_id: &str) -> ResourceId {
        let text = format!("{source}\u{0}{resource_type}\u{0}{source_id}");
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        let hex: String = digest
            .as_ref()
            .iter()
            .take(10)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        ResourceId::new(hex)
    }
}
