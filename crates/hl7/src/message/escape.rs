//! Escape sequences (HL7 v2 §2.7): decoded once, from left to right, after splitting; the output is never decoded again.
//!
//! What is no sequence stays as it is: a lone escape character, an unknown letter, an odd number of hex digits. Formatting
//! and vendor sequences stay in the text form; the plain form turns formatting into line breaks.

use super::charset::Charset;
use super::delimiters::Delimiters;
use super::scan::{Scan, hl7_sequence};

/// What the text is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Delimiters and hex are decoded; formatting stays as sent.
    Text,
    /// Formatting becomes line breaks, highlighting goes.
    Plain,
}

/// The text of a raw value.
pub(crate) fn decode(raw: &[u8], delimiters: &Delimiters, charset: Charset, form: Form) -> String {
    let Some(escape) = delimiters.escape else {
        return charset.decode(&unwrap_lines(raw));
    };
    let switched = if charset.scan == Scan::Iso2022 {
        designations(raw, escape)
    } else {
        None
    };
    let raw = switched.as_deref().unwrap_or(raw);
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(found) = charset.scan.find(raw, at, escape, b'\r', None) {
        out.extend_from_slice(raw.get(at..found).unwrap_or_default());
        if raw.get(found) == Some(&b'\r') {
            // The terminator before a continuation line; CR LF is one line break.
            at = found
                + if raw.get(found + 1) == Some(&b'\n') {
                    2
                } else {
                    1
                };
            out.push(b'\n');
            continue;
        }
        at = found + 1;
        let tail = raw.get(at..).unwrap_or_default();
        let Some((sequence, length)) = sequence(tail, escape, delimiters) else {
            out.push(escape);
            continue;
        };
        let literal = raw.get(found..at + length).unwrap_or_default();
        match (sequence, form) {
            (Sequence::Byte(byte), _) => out.push(byte),
            (Sequence::Hex(bytes), _) => out.extend(bytes),
            (Sequence::Break(lines), Form::Plain) => out.extend(std::iter::repeat_n(b'\n', lines)),
            (Sequence::Skip(columns), Form::Plain) => {
                out.extend(std::iter::repeat_n(b' ', columns))
            }
            (Sequence::Invisible, Form::Plain) => {}
            (Sequence::Break(_) | Sequence::Skip(_) | Sequence::Invisible, Form::Text)
            | (Sequence::Vendor, _) => {
                out.extend_from_slice(literal);
            }
        }
        at += length;
    }
    if at == 0 {
        return charset.decode(raw);
    }
    out.extend_from_slice(raw.get(at..).unwrap_or_default());
    charset.decode(&out)
}

/// Escapes text of ours for a message with these delimiters.
pub(crate) fn escape(text: &str, delimiters: &Delimiters) -> String {
    let Some(byte) = delimiters.escape else {
        // Without an escape character a delimiter cannot be sent; a space is better than a wrong field.
        return text
            .chars()
            .map(|c| {
                if letter_of(c, delimiters).is_some() || c.is_control() {
                    ' '
                } else {
                    c
                }
            })
            .collect();
    };
    let mark = char::from(byte);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match letter_of(c, delimiters) {
            Some(letter) => out.extend([mark, letter, mark]),
            None if c.is_control() => out.push(' '),
            None => out.push(c),
        }
    }
    out
}

/// Whether any sequence in a field is one that stays undecoded because it is damaged or not known.
pub(crate) fn has_oddity(raw: &[u8], delimiters: &Delimiters, scan: Scan) -> bool {
    let Some(escape) = delimiters.escape else {
        return false;
    };
    let mut at = 0;
    while let Some(found) = scan.find(raw, at, escape, escape, None) {
        at = found + 1;
        let tail = raw.get(at..).unwrap_or_default();
        match sequence(tail, escape, delimiters) {
            None if scan == Scan::Iso2022 => {
                match hl7_sequence(raw.get(found..).unwrap_or_default(), escape) {
                    Some((_, length)) => at = found + length,
                    None => return true,
                }
            }
            None | Some((Sequence::Vendor, _)) => return true,
            Some((_, length)) => at += length,
        }
    }
    false
}

enum Sequence {
    Byte(u8),
    Hex(Vec<u8>),
    /// Line breaks of formatted text.
    Break(usize),
    /// Spaces of formatted text.
    Skip(usize),
    /// Highlighting, indentation and wrapping, which plain text does not have.
    Invisible,
    /// `\Z…\`, whose meaning two sites agreed on.
    Vendor,
}

/// Reads what follows an escape character up to and with the closing one.
fn sequence(tail: &[u8], escape: u8, delimiters: &Delimiters) -> Option<(Sequence, usize)> {
    let end = memchr::memchr(escape, tail)?;
    let content = tail.get(..end)?;
    let found = match *content {
        [b'F'] => Sequence::Byte(delimiters.field),
        [b'S'] => Sequence::Byte(delimiters.component?),
        [b'T'] => Sequence::Byte(delimiters.subcomponent?),
        [b'R'] => Sequence::Byte(delimiters.repetition?),
        [b'P'] => Sequence::Byte(delimiters.truncation?),
        [b'E'] => Sequence::Byte(escape),
        [b'H' | b'N'] => Sequence::Invisible,
        [b'X', ref digits @ ..] => Sequence::Hex(hex(digits)?),
        [b'Z', ref rest @ ..] if rest.len() <= 64 && rest.iter().all(u8::is_ascii_alphanumeric) => {
            Sequence::Vendor
        }
        [b'.', a, b, ref number @ ..] => {
            formatting([a.to_ascii_lowercase(), b.to_ascii_lowercase()], number)?
        }
        _ => return None,
    };
    Some((found, end + 1))
}

/// HL7 v2 §2.7.6. The numbers are bounded, because a few bytes must not ask for gigabytes of blanks.
fn formatting(command: [u8; 2], number: &[u8]) -> Option<Sequence> {
    let digits = number
        .strip_prefix(b"+")
        .or_else(|| number.strip_prefix(b"-"))
        .unwrap_or(number);
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let count = match digits {
        [] => 1,
        digits => std::str::from_utf8(digits)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(usize::MAX)
            .min(100),
    };
    match &command {
        b"br" | b"ce" => Some(Sequence::Break(1)),
        b"sp" => Some(Sequence::Break(count.max(1))),
        b"sk" => Some(Sequence::Skip(count)),
        b"in" | b"ti" | b"fi" | b"nf" => Some(Sequence::Invisible),
        _ => None,
    }
}

fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let nibble = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|n| u8::try_from(n).ok())
    };
    digits
        .chunks_exact(2)
        .map(|pair| match *pair {
            [high, low] => Some(nibble(high)? << 4 | nibble(low)?),
            _ => None,
        })
        .collect()
}

fn letter_of(c: char, delimiters: &Delimiters) -> Option<char> {
    let byte = u8::try_from(c).ok().filter(u8::is_ascii)?;
    if byte == delimiters.field {
        return Some('F');
    }
    let named = [
        (delimiters.component, 'S'),
        (delimiters.subcomponent, 'T'),
        (delimiters.repetition, 'R'),
        (delimiters.escape, 'E'),
        (delimiters.truncation, 'P'),
    ];
    named
        .into_iter()
        .find(|(delimiter, _)| *delimiter == Some(byte))
        .map(|(_, letter)| letter)
}

/// Turns the HL7 forms of the set switches into the ISO 2022 sequences the decoder knows.
fn designations(raw: &[u8], escape: u8) -> Option<Vec<u8>> {
    memchr::memmem::find(raw, &[escape, b'M'])?;
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(&byte) = raw.get(at) {
        match hl7_sequence(raw.get(at..).unwrap_or_default(), escape) {
            Some((sequence, length)) => {
                out.extend(sequence);
                at += length;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    Some(out)
}

fn unwrap_lines(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte == b'\r' {
            rest.next_if_eq(&b'\n');
            out.push(b'\n');
        } else {
            out.push(byte);
        }
    }
    out
}
