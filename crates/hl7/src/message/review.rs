//! The second look at a parsed message: what is accepted but worth recording. Nothing here changes the message.

use super::body::Message;
use super::escape;
use super::problem::Problems;
use super::segments;
use super::structure;
use super::view::Presence;

/// The versions of the standard.
const VERSIONS: &[&str] = &[
    "2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1",
    "2.8.2", "2.9", "2.9.1",
];

/// Records what is unusual. `declared` is the length of MSH-2.
pub(crate) fn review(message: &Message, declared: usize, problems: &mut Problems) {
    header(message, declared, problems);
    let text = message.text();
    let controls = text
        .iter()
        .any(|&byte| byte < b' ' && !matches!(byte, b'\r' | b'\n' | b'\t' | 0x1B));
    for segment in message.segments() {
        let (id, index) = (segment.id(), segment.index());
        if index > 0 && id == "MSH" {
            problems.once(
                "several-messages-in-frame",
                index,
                "a second message follows the first",
            );
        }
        if id.len() == 3 && !id.starts_with('Z') && !segments::is_known(id) {
            problems.add(
                "unknown-segment",
                index,
                0,
                "no version of the standard defines this segment",
            );
        }
        let raw = segment.raw();
        let escapes = message
            .delimiters
            .escape
            .is_some_and(|byte| memchr::memchr(byte, raw).is_some());
        if !escapes && !controls {
            continue;
        }
        for number in 1..=segment.field_count() {
            let field = segment.field(number);
            let is_delimiters = id == "MSH" && number <= 2;
            if escapes
                && !is_delimiters
                && escape::has_oddity(field.raw(), &message.delimiters, message.charset.scan)
            {
                problems.add(
                    "escape",
                    index,
                    number,
                    "an escape sequence is damaged or not known and stays as sent",
                );
            }
            let control = |&byte: &u8| byte < b' ' && !matches!(byte, b'\r' | b'\n' | b'\t' | 0x1B);
            if controls && field.raw().iter().any(control) {
                problems.add(
                    "control-character",
                    index,
                    number,
                    "the field holds control characters",
                );
            }
        }
    }
}

fn header(message: &Message, declared: usize, problems: &mut Problems) {
    let version = message.version();
    let version = version.trim();
    if version.is_empty() {
        problems.add("version", 0, 12, "MSH-12 names no version");
    } else if !VERSIONS.contains(&version) {
        problems.add("version", 0, 12, "MSH-12 names a version that is not known");
    }
    let truncation = matches!(
        version,
        "2.7" | "2.7.1" | "2.8" | "2.8.1" | "2.8.2" | "2.9" | "2.9.1"
    );
    if declared > 5 || (declared == 5 && !truncation) {
        problems.once(
            "msh-2-length",
            0,
            "MSH-2 declares more delimiters than its version has",
        );
    }
    let (code, trigger) = (message.code(), message.trigger());
    if code.is_empty() {
        problems.add("msh-9-missing", 0, 9, "MSH-9 names no message type");
    }
    if message.control_id().is_none() {
        problems.add("msh-10-missing", 0, 10, "MSH-10 carries no control id");
    }
    let sent = message
        .segments()
        .next()
        .map(|msh| msh.field(9).component(3));
    if let Some(sent) = sent.filter(|value| value.presence() == Presence::Value)
        && structure::derive(&code, &trigger, "") != sent.text().unwrap_or_default()
        && structure::is_mapped(&code, &trigger)
    {
        problems.add(
            "structure-corrected",
            0,
            9,
            "MSH-9.3 does not fit the trigger event, which decides",
        );
    }
}
