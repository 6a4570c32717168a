//! [`parse`]: from bytes to a [`Message`], tolerant by default. Each step is linear in the size of the message.

use super::body::Message;
use super::charset::{Charset, is_wide};
use super::delimiters::Delimiters;
use super::lines::{self, Line};
use super::problem::{Problems, Reject};
use super::review;
use super::scan::{Pieces, Scan};

/// How one connection wants its messages read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The character set to use whatever MSH-18 says.
    pub force_charset: Option<String>,
    /// The character set of messages that declare none.
    pub default_charset: Option<String>,
    /// Refuse what would otherwise be accepted with a problem.
    pub strict: bool,
}

/// Reads one message. Batch envelopes and several messages in a row are taken apart first, by [`crate::batch`].
pub fn parse(bytes: &[u8], options: &Options) -> Result<Message, Reject> {
    if u32::try_from(bytes.len()).is_err() {
        return Err(Reject::new(
            "too_large",
            "the message is larger than 4 GiB",
            0,
        ));
    }
    let mut problems = Problems::default();
    let base = find_header(bytes, &mut problems)?;
    let header = bytes.get(base..).unwrap_or_default();
    let (delimiters, declared) = Delimiters::read(header, base)?;
    if declared < 4 {
        problems.once(
            "msh-2-length",
            0,
            "MSH-2 declares fewer than four delimiters",
        );
    }
    let lines = lines::split(bytes, base, delimiters.field, &mut problems);
    let (joined, lines) = join_added(bytes, lines, delimiters.field, &mut problems);
    let text = joined.as_deref().unwrap_or(bytes);
    let charset = choose_charset(bytes, text, &lines, delimiters, options, &mut problems);
    let mut message = Message {
        raw: bytes.to_vec(),
        joined,
        delimiters,
        charset,
        problems,
        spans: Vec::new(),
        starts: Vec::new(),
    };
    message.index(lines);
    let mut problems = std::mem::take(&mut message.problems);
    review::review(&message, declared, &mut problems);
    message.problems = problems;
    match message.problems.first() {
        Some(problem) if options.strict => Err(Reject::new(
            problem.kind,
            "the connection is strict and the message is not as the standard says",
            base,
        )),
        Some(_) | None => Ok(message),
    }
}

/// Where the MSH segment starts.
fn find_header(bytes: &[u8], problems: &mut Problems) -> Result<usize, Reject> {
    let lead = lines::strip_lead(bytes);
    let body = bytes.get(lead..).unwrap_or_default();
    if is_wide(bytes)
        || is_wide(body)
        || is_wide(bytes.get(lead.saturating_sub(3)..).unwrap_or_default())
    {
        let text = "the text is UTF-16 or UTF-32, which is not safe in MLLP";
        return Err(Reject::new("not_mllp_safe", text, 0));
    }
    if body.is_empty() {
        return Err(Reject::new("empty", "there is no content", 0));
    }
    if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) {
        problems.once("bom", 0, "a byte order mark stands before the message");
    }
    if body.starts_with(b"FHS") || body.starts_with(b"BHS") {
        return Err(Reject::new(
            "batch_envelope",
            "this is a batch, not one message",
            lead,
        ));
    }
    if body
        .get(..3)
        .is_some_and(|name| name.eq_ignore_ascii_case(b"MSH"))
    {
        let white = bytes
            .get(..lead)
            .unwrap_or_default()
            .iter()
            .filter(|&&byte| byte < 0x80)
            .count();
        if white > 0 {
            problems.once(
                "leading-whitespace",
                0,
                "white space stands before the message",
            );
        }
        return Ok(lead);
    }
    let later = memchr::memmem::find_iter(body, b"MSH").find(|&at| {
        let before = at.checked_sub(1).and_then(|n| body.get(n)).copied();
        before.is_some_and(lines::is_terminator)
            && body.get(at + 3).is_some_and(u8::is_ascii_punctuation)
    });
    match later {
        Some(at) => {
            problems.once("leading-bytes", 0, "other text stands before the message");
            Ok(lead + at)
        }
        None => Err(Reject::new("no_header", "there is no MSH segment", lead)),
    }
}

/// `ADD` continues the last field of the segment before it (HL7 v2 §2.10.2). Joining needs a copy, made only then.
fn join_added(
    bytes: &[u8],
    lines: Vec<Line>,
    field: u8,
    problems: &mut Problems,
) -> (Option<Vec<u8>>, Vec<Line>) {
    if !lines.iter().skip(1).any(|line| line.id.as_str() == "ADD") {
        return (None, lines);
    }
    let mut text: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut kept: Vec<Line> = Vec::with_capacity(lines.len());
    for line in lines {
        let content = bytes.get(line.range.clone()).unwrap_or_default();
        let continued = match kept.last_mut() {
            Some(before) if line.id.as_str() == "ADD" => Some(before),
            Some(_) | None => None,
        };
        if let Some(before) = continued {
            text.pop();
            let from = if content.get(3) == Some(&field) { 4 } else { 3 };
            text.extend_from_slice(content.get(from..).unwrap_or_default());
            before.range.end = text.len();
            problems.once(
                "add-continuation",
                kept.len() - 1,
                "ADD continues the segment before it",
            );
        } else {
            let start = text.len();
            text.extend_from_slice(content);
            kept.push(Line {
                range: start..text.len(),
                id: line.id,
            });
        }
        text.push(b'\r');
    }
    (Some(text), kept)
}

fn choose_charset(
    bytes: &[u8],
    text: &[u8],
    lines: &[Line],
    delimiters: Delimiters,
    options: &Options,
    problems: &mut Problems,
) -> Charset {
    let header = lines
        .first()
        .and_then(|line| text.get(line.range.clone()))
        .unwrap_or_default();
    // MSH-1 is the first separator itself, so MSH-18 is the eighteenth piece.
    let field = Pieces::new(header, Some(delimiters.field), Scan::Single, None)
        .nth(17)
        .unwrap_or_default();
    let declared: Vec<&[u8]> =
        Pieces::new(field, delimiters.repetition, Scan::Single, None).collect();
    Charset::choose(bytes, &declared, options, problems)
}
