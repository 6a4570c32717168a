//! The delimiters a header declares in MSH-1 and MSH-2 (HL7 v2 §2.5.4). Nothing in this crate assumes `|^~\&`.

use super::problem::Reject;

/// The delimiters of one message. One that the header does not declare does not exist: its usual character is data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiters {
    /// MSH-1.
    pub field: u8,
    /// The first character of MSH-2.
    pub component: Option<u8>,
    /// The second character of MSH-2.
    pub repetition: Option<u8>,
    /// The third character of MSH-2.
    pub escape: Option<u8>,
    /// The fourth character of MSH-2.
    pub subcomponent: Option<u8>,
    /// The fifth character of MSH-2 (v2.7 on). It separates nothing.
    pub truncation: Option<u8>,
}

impl Delimiters {
    /// The recommended ones, `|^~\&`.
    pub const STANDARD: Delimiters = Delimiters {
        field: b'|',
        component: Some(b'^'),
        repetition: Some(b'~'),
        escape: Some(b'\\'),
        subcomponent: Some(b'&'),
        truncation: None,
    };

    /// Reads `MSH|^~\&|…` where `header` starts at the segment's name. `at` is its position, for the error.
    pub(crate) fn read(header: &[u8], at: usize) -> Result<(Delimiters, usize), Reject> {
        let too_short = Reject::new(
            "header_too_short",
            "the header segment ends before its delimiters",
            at,
        );
        let Some(&field) = header.get(3) else {
            return Err(too_short);
        };
        let declared = header.get(4..).unwrap_or_default();
        let end = declared
            .iter()
            .position(|&byte| byte == field || super::lines::is_terminator(byte))
            .unwrap_or(declared.len());
        let declared = declared.get(..end).unwrap_or_default();
        if declared.is_empty() {
            // Nothing between MSH-1 and the next separator: either nothing is declared, and then not even MSH-9 can be
            // read, or the first delimiter is the field separator once more.
            let text = "MSH-2 is empty or begins with the field separator";
            return Err(Reject::new("delimiters_not_distinct", text, at + 4));
        }
        for (index, &byte) in std::iter::once(&field).chain(declared).enumerate() {
            let position = at + 3 + index;
            if !byte.is_ascii_punctuation() {
                let text = "a delimiter is a letter, a digit, a space or no ASCII character";
                return Err(Reject::new("delimiter_not_punctuation", text, position));
            }
            if index > 0
                && (byte == field
                    || declared
                        .iter()
                        .take(index - 1)
                        .any(|&earlier| earlier == byte))
            {
                return Err(Reject::new(
                    "delimiters_not_distinct",
                    "two delimiters are the same character",
                    position,
                ));
            }
        }
        let nth = |n: usize| declared.get(n).copied();
        let delimiters = Delimiters {
            field,
            component: nth(0),
            repetition: nth(1),
            escape: nth(2),
            subcomponent: nth(3),
            truncation: nth(4),
        };
        Ok((delimiters, declared.len()))
    }
}
