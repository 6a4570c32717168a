//! What is this input, and which lanes does it join? Pure, and cheap: it runs before an input is acknowledged.
//!
//! Nothing is refused here. What can't be read gets a reason and no lane, and is parked when it is durable (promise P3). What a
//! message means is for [`crate::map`].

use bedside_fact::phi::Phi;
use bedside_fhir::json::{ScanLimits, scan};
use bedside_fhir::stream::entry;
use bedside_hl7::message::{Message, Options, parse};

use crate::journal::{InputKind, LaneKey, NewInput, UnitKey};
use crate::map;
use crate::map::types::is_resource_type;
use crate::source::Source;

pub use crate::map::hl7::primary_identifier;

/// What will tell a unit from a repeat of it (design D19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitFor {
    /// It came over a connection: MSH-3, MSH-4 and MSH-10.
    Feed,
    /// It came in a file.
    File {
        /// SHA-256 of the file as it lies on disk.
        hash: [u8; 32],
        /// Position of the unit, from 0.
        position: u64,
    },
}

/// Admits an HL7 v2 message; the message itself is for whoever has to acknowledge it.
#[must_use]
pub fn hl7(bytes: &[u8], source: &Source, unit_for: UnitFor) -> (NewInput, Option<Message>) {
    let mut input = blank(bytes, source);
    input.kind = InputKind::Hl7v2;
    if let UnitFor::File { hash, position } = unit_for {
        input.unit = UnitKey::File { hash, position };
    }
    let message = match parse(bytes, &Options::default()) {
        Ok(message) => message,
        Err(reject) => {
            if !looks_like_hl7(bytes) {
                input.kind = InputKind::Unrecognised;
            }
            input.reject = Some(format!("{}: {reject}", reject.code()));
            return (input, None);
        }
    };
    input.message_type = message_type(&message);
    input.control_id = message.control_id().unwrap_or_default();
    if unit_for == UnitFor::Feed {
        let header = message.segment("MSH");
        let part = |n: usize| {
            header
                .and_then(|msh| msh.field(n).text())
                .unwrap_or_default()
        };
        let control = match input.control_id.as_str() {
            // Without a control id nothing is a repeat.
            "" => String::new(),
            id => format!("{}|{}|{id}", part(3), part(4)),
        };
        input.unit = UnitKey::Message { control };
    }
    input.lanes = map::hl7::lanes(&message, source);
    (input, Some(message))
}

/// Admits a FHIR unit: a resource, a Bundle entry or a line of NDJSON. `refs` resolves what only its Bundle can.
#[must_use]
pub fn fhir(
    unit: &[u8],
    source: &Source,
    hash: [u8; 32],
    position: u64,
    refs: &dyn Fn(&str) -> Option<(String, String)>,
) -> NewInput {
    let mut input = blank(unit, source);
    input.kind = InputKind::Fhir;
    input.unit = UnitKey::File { hash, position };
    // Hostile JSON meets the pre-scan before any parser (design D3).
    if let Err(error) = scan(unit, &ScanLimits::default()) {
        input.reject = Some(format!("{} at byte {}", error.code(), error.offset()));
        return input;
    }
    let Ok(text) = std::str::from_utf8(unit) else {
        input.reject = Some(String::from("not_utf8 at byte 0"));
        return input;
    };
    let entry = match entry(text) {
        Ok(entry) => entry,
        Err(error) => {
            input.reject = Some(format!("{}: {error}", error.code()));
            return input;
        }
    };
    let resource_type = entry
        .resource
        .get("resourceType")
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default();
    if resource_type.is_empty() {
        input.reject = Some(String::from("no_resource_type: the resource says no type"));
        return input;
    }
    // The type is kept in clear, so it has to be one.
    if !is_resource_type(resource_type) {
        input.message_type = String::from(UNRECOGNISED);
        input.reject = Some(String::from(
            "unknown_resource_type: FHIR R4 has no resource type of that name",
        ));
        return input;
    }
    input.message_type = resource_type.to_owned();
    input.lanes = match map::fhir::lane(&entry, refs) {
        Some(lane) => vec![lane],
        // A resource without any name is alone in its lane.
        None => vec![LaneKey {
            authority: resource_type.to_owned(),
            value: format!(
                "{}#{position}",
                hash.iter()
                    .take(8)
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>()
            ),
        }],
    };
    input.context = Phi::new(map::fhir::context(text, refs));
    input
}

fn blank(bytes: &[u8], source: &Source) -> NewInput {
    NewInput {
        source: source.id.clone(),
        system: source.system.clone(),
        kind: InputKind::Unrecognised,
        message_type: String::new(),
        control_id: String::new(),
        raw: Phi::new(bytes.to_vec()),
        context: Phi::new(Vec::new()),
        unit: UnitKey::Message {
            control: String::new(),
        },
        lanes: Vec::new(),
        reject: None,
        ack: None,
    }
}

/// What stands in clear for a type or an event that is none.
const UNRECOGNISED: &str = "unrecognised";

/// `ADT^A01`. It is kept in clear, so it holds nothing but codes (HL7 v2.5.1 tables 0076 and 0003): where fields are shifted,
/// a name stands in MSH-9.
fn message_type(message: &Message) -> String {
    let code = |text: String| -> String {
        let text = text.trim();
        let mut letters = text.bytes();
        let fits = text.len() == 3
            && letters
                .next()
                .is_some_and(|first| first.is_ascii_uppercase())
            && letters.all(|other| other.is_ascii_uppercase() || other.is_ascii_digit());
        if fits || text.is_empty() {
            text.to_owned()
        } else {
            String::from(UNRECOGNISED)
        }
    };
    let (code, trigger) = (code(message.code()), code(message.trigger()));
    if trigger.is_empty() || code == UNRECOGNISED {
        code
    } else {
        format!("{code}^{trigger}")
    }
}

fn looks_like_hl7(bytes: &[u8]) -> bool {
    bytes.get(..bytes.len().min(64)).is_some_and(|start| {
        start
            .windows(3)
            .any(|word| word.eq_ignore_ascii_case(b"MSH"))
    })
}
