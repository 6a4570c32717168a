//! Base64 documents inside a field (HL7 v2 §2A.24 ED): broken into lines by escape sequences, by wrapped text or by blanks.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use thiserror::Error;

use crate::message::Value;

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    // Padding is lost on the way often enough, and without it the bytes are still certain.
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The data of an encapsulated value is not base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the encapsulated data is not valid base64")]
pub struct BadBase64;

/// The document's bytes, from OBX-5.5.
pub fn decode(value: Value<'_>) -> Result<Vec<u8>, BadBase64> {
    let text = value.text().unwrap_or_default();
    let escape = value.escape_byte().map(char::from);
    ENGINE.decode(clean(&text, escape)).map_err(|_| BadBase64)
}

/// Removes what breaks base64 into lines: white space, and formatting sequences written with `escape`.
pub fn clean(text: &str, escape: Option<char>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        if Some(c) == escape {
            inside = !inside;
        } else if !inside && !c.is_whitespace() {
            out.push(c);
        }
    }
    out
}
