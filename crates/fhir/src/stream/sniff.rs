//! What a file is, told from its first bytes and never from its name.
//!
//! This is a guess for choosing a reader; the reader that is chosen still checks everything.

/// What the first bytes look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sniff {
    /// One JSON object: a resource or a Bundle.
    FhirJson,
    /// JSON objects, one on each line.
    Ndjson,
    /// HL7 v2: a message, a batch or a file of batches.
    Hl7,
    /// Gzip: decompress and look again.
    Gzip,
    /// Nothing but white space.
    Empty,
    /// Something else.
    Unknown,
}

/// Looks at the first bytes of a file; a few kilobytes are enough, and more only helps to tell NDJSON apart.
///
/// [`super::Reader`] reads [`Sniff::FhirJson`] and [`Sniff::Ndjson`] alike and decides for itself.
pub fn sniff(first_bytes: &[u8]) -> Sniff {
    if first_bytes.starts_with(&[0x1F, 0x8B]) {
        return Sniff::Gzip;
    }
    let text = first_bytes
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(first_bytes);
    // An MLLP start block (VT) may be left over from a capture of the wire.
    let is_filler = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0B;
    let start = text.iter().position(|byte| !is_filler(byte));
    let Some(text) = start.and_then(|start| text.get(start..)) else {
        return Sniff::Empty;
    };
    if [b"MSH", b"FHS", b"BHS"]
        .iter()
        .any(|segment| text.starts_with(*segment))
    {
        return Sniff::Hl7;
    }
    if text.first() != Some(&b'{') {
        return Sniff::Unknown;
    }
    if more_follows_the_first_object(text) {
        Sniff::Ndjson
    } else {
        Sniff::FhirJson
    }
}

fn more_follows_the_first_object(text: &[u8]) -> bool {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for (at, &byte) in text.iter().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    let rest = text.get(at + 1..).unwrap_or_default();
                    return rest.iter().any(|byte| !byte.is_ascii_whitespace());
                }
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_what_a_file_is() {
        for (bytes, expected) in [
            (&b""[..], Sniff::Empty),
            (b" \r\n\t", Sniff::Empty),
            (b"\xEF\xBB\xBF", Sniff::Empty),
            (b"\x1f\x8b\x08", Sniff::Gzip),
            (b"MSH|^~\\&|", Sniff::Hl7),
            (b"\xEF\xBB\xBF\x0b\r\nFHS|^~\\&|", Sniff::Hl7),
            (b"BHS#", Sniff::Hl7),
            (b"{\"resourceType\":\"Patient\"}\n", Sniff::FhirJson),
            (b"{\"resourceType\":", Sniff::FhirJson),
            (b"{\"a\":\"}\\\"}\"}\r\n{\"a\"", Sniff::Ndjson),
            (b"{\n \"a\": {}\n}\n", Sniff::FhirJson),
            (b"[{}]", Sniff::Unknown),
            (b"<Patient/>", Sniff::Unknown),
            (b"\0\0", Sniff::Unknown),
        ] {
            assert_eq!(sniff(bytes), expected, "{bytes:?}");
        }
    }
}
