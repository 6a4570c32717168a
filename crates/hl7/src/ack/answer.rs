//! The bytes of an answer: MSH, MSA and, for a negative one, ERR, in the delimiters and the version of the message.

use crate::message::{Charset, Delimiters, escape, is_terminator};

use super::{AckError, Reply, Severity};

/// What the answer takes from the message, as raw bytes in the message's own delimiters.
pub(super) struct Copied<'a> {
    pub(super) delimiters: Delimiters,
    pub(super) encoding: &'a [u8],
    pub(super) sender: [&'a [u8]; 2],
    pub(super) receiver: [&'a [u8]; 2],
    pub(super) trigger: &'a [u8],
    pub(super) control_id: &'a [u8],
    pub(super) processing: &'a [u8],
    pub(super) version: &'a [u8],
    pub(super) charset_label: &'a [u8],
    pub(super) charset: Charset,
}

impl Copied<'_> {
    /// The segments of the answer, each ended by CR.
    pub(super) fn answer(&self, reply: &Reply<'_>) -> Vec<u8> {
        let version = version_of(self.version);
        let mut out = self.segment(b"MSH", &self.header(reply, version));
        let code = reply.code.as_str().as_bytes().to_vec();
        let mut msa = vec![code, self.control_id.to_vec()];
        // MSA-3 is for older versions; from v2.7 the text belongs in ERR (HL7 v2.7 §2.14.8.3).
        if version < (2, 7) {
            msa.push(self.text(reply.text));
        }
        out.extend(self.segment(b"MSA", &msa));
        if let Some(error) = &reply.error {
            out.extend(self.segment(b"ERR", &self.error(error, reply.text, version)));
        }
        out
    }

    /// MSH from field 2 on.
    fn header(&self, reply: &Reply<'_>, version: (u32, u32)) -> Vec<Vec<u8>> {
        let mut message_type = b"ACK".to_vec();
        if let (Some(component), false) = (self.delimiters.component, self.trigger.is_empty()) {
            message_type.push(component);
            message_type.extend(self.trigger);
            if version >= (2, 4) {
                message_type.push(component);
                message_type.extend(b"ACK");
            }
        }
        let [application, facility] = self.sender;
        let [own_application, own_facility] = self.receiver;
        let mut fields: Vec<Vec<u8>> = vec![
            self.encoding.to_vec(),
            own_application.to_vec(),
            own_facility.to_vec(),
            application.to_vec(),
            facility.to_vec(),
            reply.now.as_bytes().to_vec(),
            Vec::new(),
            message_type,
            self.text(Some(reply.control_id)),
            self.processing.to_vec(),
            self.version.to_vec(),
        ];
        // MSH-13 to MSH-17 stay empty: an accept answer is never acknowledged itself.
        fields.extend(std::iter::repeat_n(Vec::new(), 5));
        fields.push(self.charset_label.to_vec());
        fields
    }

    fn error(&self, error: &AckError, text: Option<&str>, version: (u32, u32)) -> Vec<Vec<u8>> {
        let place = error.place.as_ref();
        let code = error.code.to_string();
        if version < (2, 5) {
            // ERR-1: segment, sequence, field, then the code as a coded element of subcomponents.
            let place = place.map(|place| {
                [
                    place.segment.clone(),
                    place.occurrence.to_string(),
                    place.field.to_string(),
                ]
            });
            let [segment, sequence, field] = place.unwrap_or_default();
            let condition = self.join(
                &[code, meaning(error.code).to_owned(), "HL70357".to_owned()],
                self.delimiters.subcomponent,
            );
            let mut joined = self.join(&[segment, sequence, field], self.delimiters.component);
            if let Some(component) = self.delimiters.component {
                joined.push(component);
                joined.extend(condition);
            }
            return vec![joined];
        }
        let place = place.map(|place| {
            let mut parts = vec![place.segment.clone(), place.occurrence.to_string()];
            let numbers = [place.field, place.repetition, place.component];
            let sent = numbers
                .iter()
                .rposition(|&number| number > 0)
                .map_or(0, |last| last + 1);
            parts.extend(numbers.iter().take(sent).map(|&number| {
                if number > 0 {
                    number.to_string()
                } else {
                    String::new()
                }
            }));
            self.join(&parts, self.delimiters.component)
        });
        let code = self.join(
            &[code, meaning(error.code).to_owned(), "HL70357".to_owned()],
            self.delimiters.component,
        );
        let severity = match error.severity {
            Severity::Error => b"E",
            Severity::Warning => b"W",
            Severity::Information => b"I",
        };
        let mut fields = vec![
            Vec::new(),
            place.unwrap_or_default(),
            code,
            severity.to_vec(),
        ];
        if let Some(text) = error.text.as_deref().or(text) {
            fields.extend(std::iter::repeat_n(Vec::new(), 3));
            fields.push(self.text(Some(text)));
        }
        fields
    }

    fn text(&self, text: Option<&str>) -> Vec<u8> {
        text.map(|text| self.charset.encode(&escape(text, &self.delimiters)))
            .unwrap_or_default()
    }

    /// Joins parts; without the delimiter only the first can be sent.
    fn join(&self, parts: &[String], delimiter: Option<u8>) -> Vec<u8> {
        let mut out = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            match delimiter {
                Some(byte) if index > 0 => out.push(byte),
                None if index > 0 => break,
                Some(_) | None => {}
            }
            out.extend(self.text(Some(part)));
        }
        out
    }

    /// A segment without trailing empty fields.
    fn segment(&self, name: &[u8], fields: &[Vec<u8>]) -> Vec<u8> {
        let sent = fields
            .iter()
            .rposition(|field| !field.is_empty())
            .map_or(0, |last| last + 1);
        let mut out = name.to_vec();
        for field in fields.iter().take(sent) {
            out.push(self.delimiters.field);
            // A copied field of a header that was wrapped into lines holds line breaks, which would add segments here.
            out.extend(
                field
                    .iter()
                    .copied()
                    .take_while(|&byte| !is_terminator(byte)),
            );
        }
        out.push(b'\r');
        out
    }
}

/// Major and minor number; an absent or unreadable version reads as 2.5.
fn version_of(raw: &[u8]) -> (u32, u32) {
    let text = String::from_utf8_lossy(raw);
    let mut numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor),
        _ => (2, 5),
    }
}

/// Table 0357.
fn meaning(code: u16) -> &'static str {
    match code {
        0 => "Message accepted",
        100 => "Segment sequence error",
        101 => "Required field missing",
        102 => "Data type error",
        103 => "Table value not found",
        104 => "Value too long",
        200 => "Unsupported message type",
        201 => "Unsupported event code",
        202 => "Unsupported processing id",
        203 => "Unsupported version id",
        204 => "Unknown key identifier",
        205 => "Duplicate key identifier",
        206 => "Application record locked",
        _ => "Application internal error",
    }
}
