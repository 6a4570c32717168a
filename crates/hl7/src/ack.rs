//! Acknowledgements (HL7 v2 §2.9 and §2.13): which code a message asks for, and the bytes of the answer.
//!
//! Pure functions. The time and our own control id are parameters; storing before answering is the caller's promise.
//! Answers use the delimiters and the character set of the message they answer, and hold no field values but those that
//! the standard says to copy from its header.

mod answer;

use crate::message::{
    Charset, Delimiters, Message, Options, Presence, Reject, is_terminator, parse, strip_lead,
};

use answer::Copied;

/// Table 0008, acknowledgement code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// Application accept.
    AA,
    /// Application error.
    AE,
    /// Application reject.
    AR,
    /// Accept acknowledgement: safely stored.
    CA,
    /// Accept acknowledgement: could not be stored; send it again later.
    CE,
    /// Accept acknowledgement: rejected on the header's grounds.
    CR,
}

impl Code {
    /// The two letters.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::AA => "AA",
            Code::AE => "AE",
            Code::AR => "AR",
            Code::CA => "CA",
            Code::CE => "CE",
            Code::CR => "CR",
        }
    }

    /// Whether the sender may forget the message.
    pub fn is_positive(self) -> bool {
        match self {
            Code::AA | Code::CA => true,
            Code::AE | Code::AR | Code::CE | Code::CR => false,
        }
    }

    fn read(text: &str) -> Option<Code> {
        [Code::AA, Code::AE, Code::AR, Code::CA, Code::CE, Code::CR]
            .into_iter()
            .find(|code| code.as_str() == text)
    }
}

/// Table 0155, when an acknowledgement is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// `AL`.
    Always,
    /// `NE`.
    Never,
    /// `ER`: errors and rejects only.
    Error,
    /// `SU`: success only.
    Success,
}

/// How a message wants to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// MSH-15 and MSH-16 are both empty: one answer.
    Original,
    /// Either has a value: an accept answer and an application answer, each under its own condition.
    Enhanced {
        /// MSH-15.
        accept: Condition,
        /// MSH-16.
        application: Condition,
    },
}

/// What became of a message, as far as the immediate answer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is durable.
    Stored,
    /// It could not be stored now; the sender should try again.
    StoreFailed,
    /// Its header (type, version, processing id) or its size is refused.
    Rejected,
    /// It is stored, and its content could not be processed.
    ApplicationError,
}

/// Table 0516, how bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// `E`.
    Error,
    /// `W`.
    Warning,
    /// `I`.
    Information,
}

/// The place in the message that an error is about (ERR-2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorLocation {
    /// The segment's name.
    pub segment: String,
    /// Which of the segments of that name, from 1.
    pub occurrence: usize,
    /// The field, or 0 for the segment.
    pub field: usize,
    /// The repetition, or 0.
    pub repetition: usize,
    /// The component, or 0.
    pub component: usize,
}

/// Why an answer is not positive (ERR).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckError {
    /// Table 0357, such as 101 for a required field that is missing.
    pub code: u16,
    /// Where, when it has a place.
    pub place: Option<ErrorLocation>,
    /// How bad.
    pub severity: Severity,
    /// ERR-8, text for people without field values; [`Reply::text`] stands in for it.
    pub text: Option<String>,
}

impl AckError {
    /// An error without a place, with its text for people.
    pub fn new(code: u16, text: impl Into<String>) -> Self {
        AckError {
            code,
            place: None,
            severity: Severity::Error,
            text: Some(text.into()),
        }
    }

    /// An error at a field of a segment that occurs once.
    pub fn at(code: u16, segment: &str, field: usize) -> Self {
        let place = ErrorLocation {
            segment: segment.to_owned(),
            occurrence: 1,
            field,
            repetition: 0,
            component: 0,
        };
        AckError {
            code,
            place: Some(place),
            severity: Severity::Error,
            text: None,
        }
    }
}

/// The answer to build.
#[derive(Debug, Clone)]
pub struct Reply<'a> {
    /// MSA-1.
    pub code: Code,
    /// Text for people, without field values.
    pub text: Option<&'a str>,
    /// The reason, for a negative answer.
    pub error: Option<AckError>,
    /// MSH-7: the time now as an HL7 time with its offset.
    pub now: &'a str,
    /// MSH-10 of the answer, unique among ours.
    pub control_id: &'a str,
}

/// Reads MSH-15 and MSH-16. One that is empty while the other is set counts as `NE`; one that is set to a value outside
/// the table counts as `AL`, because an unwanted answer does less harm than a missing one.
pub fn mode(msg: &Message) -> Mode {
    let condition = |field: usize| {
        let field = msg.segments().next()?.field(field);
        match field.presence() {
            Presence::Absent | Presence::Null => None,
            Presence::Value => Some(match field.text().unwrap_or_default().trim() {
                "NE" => Condition::Never,
                "ER" => Condition::Error,
                "SU" => Condition::Success,
                _ => Condition::Always,
            }),
        }
    };
    match (condition(15), condition(16)) {
        (None, None) => Mode::Original,
        (accept, application) => Mode::Enhanced {
            accept: accept.unwrap_or(Condition::Never),
            application: application.unwrap_or(Condition::Never),
        },
    }
}

/// The code of the immediate answer, or `None` when none is wanted. In original mode a durable store is answered `AA`:
/// what fails later belongs to our own queue of errors.
pub fn decide(mode: Mode, outcome: Outcome) -> Option<Code> {
    let (accept, application) = match mode {
        Mode::Original => {
            return Some(match outcome {
                Outcome::Stored => Code::AA,
                Outcome::StoreFailed | Outcome::ApplicationError => Code::AE,
                Outcome::Rejected => Code::AR,
            });
        }
        Mode::Enhanced {
            accept,
            application,
        } => (accept, application),
    };
    let (accept_code, application_code, success) = match outcome {
        Outcome::Stored => (Code::CA, Code::AA, true),
        Outcome::StoreFailed => (Code::CE, Code::AE, false),
        Outcome::Rejected => (Code::CR, Code::AR, false),
        // It is stored, so the accept answer is positive and the application answer tells.
        Outcome::ApplicationError => (Code::CA, Code::AE, true),
    };
    match accept {
        Condition::Always => Some(accept_code),
        Condition::Success if success => Some(accept_code),
        Condition::Error if !success => Some(accept_code),
        // The sender listens for success only: silence is its sign of failure, and an application answer to a message
        // that was never accepted would be one too many.
        Condition::Success => None,
        Condition::Never | Condition::Error => {
            let wanted = match application {
                Condition::Always => true,
                Condition::Never => false,
                Condition::Error => !application_code.is_positive(),
                Condition::Success => application_code.is_positive(),
            };
            wanted.then_some(application_code)
        }
    }
}

/// What in the header keeps a message from being processed: no type, a type that names no event (`ADT` alone does not say
/// what happened), or no control id (table 0357, 101).
pub fn header_error(msg: &Message) -> Option<AckError> {
    if msg.code().is_empty() {
        return Some(AckError::at(101, "MSH", 9));
    }
    if msg.structure().is_empty() {
        let mut error = AckError::at(101, "MSH", 9);
        if let Some(place) = &mut error.place {
            place.component = 2;
        }
        return Some(error);
    }
    if msg.control_id().is_none() {
        return Some(AckError::at(101, "MSH", 10));
    }
    None
}

/// Builds the answer to a message.
pub fn build(msg: &Message, reply: &Reply<'_>) -> Vec<u8> {
    let msh = msg.segments().next();
    let field = |n: usize| msh.map(|msh| msh.field(n).raw()).unwrap_or_default();
    let copied = Copied {
        delimiters: msg.delimiters(),
        encoding: field(2),
        sender: [field(3), field(4)],
        receiver: [field(5), field(6)],
        trigger: msh
            .map(|msh| msh.field(9).component(2).raw())
            .unwrap_or_default(),
        control_id: field(10),
        processing: field(11),
        version: field(12),
        charset_label: field(18),
        charset: msg.charset,
    };
    copied.answer(reply)
}

/// Builds an answer to bytes that are no readable message, from whatever header can be found in them. `None` when there is
/// none, because then the answer could not be addressed.
pub fn build_for_unreadable(bytes: &[u8], reply: &Reply<'_>) -> Option<Vec<u8>> {
    let body = bytes.get(strip_lead(bytes)..)?;
    let start = memchr::memmem::find_iter(body, b"MSH").find(|&at| {
        let at_line_start = at
            .checked_sub(1)
            .and_then(|n| body.get(n))
            .is_none_or(|&byte| is_terminator(byte));
        at_line_start && body.get(at + 3).is_some_and(u8::is_ascii_punctuation)
    })?;
    let header = body.get(start..)?;
    let header = header.split(|&byte| is_terminator(byte)).next()?;
    let separator = *header.get(3)?;
    let fields: Vec<&[u8]> = header.split(|&byte| byte == separator).take(20).collect();
    // `MSH||~\&|`: MSH-2 begins with the field separator, which moves every field behind it by one.
    let moved = match (fields.get(1), fields.get(2)) {
        (Some(&[]), Some(rest)) => !rest.is_empty() && rest.iter().all(u8::is_ascii_punctuation),
        _ => false,
    };
    let field = |n: usize| {
        fields
            .get(n - 1 + usize::from(moved))
            .copied()
            .unwrap_or_default()
    };
    // Delimiters that contradict each other cannot be answered in kind; only the field separator is certain.
    let read = Delimiters::read(header, 0).ok();
    let (delimiters, encoding): (Delimiters, &[u8]) = match read {
        Some((delimiters, _)) => (delimiters, field(2)),
        None => (
            Delimiters {
                field: separator,
                ..Delimiters::STANDARD
            },
            b"^~\\&",
        ),
    };
    if encoding.contains(&separator) {
        return None;
    }
    let parts = field(9)
        .split(|&byte| Some(byte) == delimiters.component)
        .nth(1)
        .unwrap_or_default();
    let copied = Copied {
        delimiters,
        encoding,
        sender: [field(3), field(4)],
        receiver: [field(5), field(6)],
        trigger: parts,
        control_id: field(10),
        processing: field(11),
        version: field(12),
        charset_label: field(18),
        charset: Charset::UTF8,
    };
    Some(copied.answer(reply))
}

/// Reads an answer: its code and the control id it answers (MSA-2), for the side that sent the message.
pub fn read(bytes: &[u8]) -> Result<(Code, String), Reject> {
    let msg = parse(bytes, &Options::default())?;
    let Some(msa) = msg.segment("MSA") else {
        return Err(Reject::new("no_msa", "the answer has no MSA segment", 0));
    };
    let Some(code) = msa.field(1).text().and_then(|text| Code::read(text.trim())) else {
        return Err(Reject::new(
            "unknown_ack_code",
            "MSA-1 is no acknowledgement code",
            0,
        ));
    };
    Ok((code, msa.field(2).text().unwrap_or_default()))
}

#[cfg(test)]
mod tests;
