//! Finding delimiters in bytes whose character set may reuse the delimiters' values.
//!
//! In ISO 2022 and in the double-byte sets a byte of a two-byte character can equal `|`, `^`, `~` or `\`, so delimiters are
//! recognised only in the single-byte state (HL7 v2 §2.14.9.18). For all other sets this is a plain `memchr`.

const ESC: u8 = 0x1B;

/// How to walk over bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scan {
    /// Each byte below 0x80 is the ASCII character: ASCII, UTF-8, ISO 8859, EUC.
    Single,
    /// Lead bytes 0x81 to 0xFE are followed by a byte that may be ASCII: GB 18030, Big5.
    DoubleByte,
    /// As before, with single-byte katakana at 0xA0 to 0xDF: `Shift_JIS`.
    ShiftJis,
    /// Escape sequences switch to two-byte states: ISO-2022-JP.
    Iso2022,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shift {
    Ascii,
    OneByte,
    TwoBytes,
}

impl Scan {
    /// The first place at or after `from` where `a` or `b` stands as a character of its own. The state at `from` is the
    /// single-byte one; `escape` tells how the HL7 forms of the switches (`\Cxxyy\`, `\Mxxyyzz\`) are written.
    pub(crate) fn find(
        self,
        bytes: &[u8],
        from: usize,
        a: u8,
        b: u8,
        escape: Option<u8>,
    ) -> Option<usize> {
        let tail = bytes.get(from..)?;
        let found = match self {
            Scan::Single => memchr::memchr2(a, b, tail),
            Scan::DoubleByte => find_lead(tail, a, b, |byte| matches!(byte, 0x81..=0xFE)),
            Scan::ShiftJis => {
                find_lead(tail, a, b, |byte| matches!(byte, 0x81..=0x9F | 0xE0..=0xFC))
            }
            Scan::Iso2022 => find_shifted(tail, a, b, escape),
        };
        found.map(|at| from + at)
    }
}

fn find_lead(bytes: &[u8], a: u8, b: u8, lead: impl Fn(u8) -> bool) -> Option<usize> {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == a || byte == b {
            return Some(at);
        }
        at += if lead(byte) { 2 } else { 1 };
    }
    None
}

fn find_shifted(bytes: &[u8], a: u8, b: u8, escape: Option<u8>) -> Option<usize> {
    let mut shift = Shift::Ascii;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let tail = bytes.get(at..).unwrap_or_default();
        if let Some((to, length)) = designation(tail).or_else(|| hl7_designation(tail, escape)) {
            // A search for the escape character itself must stop at the HL7 form.
            if byte != ESC && shift == Shift::Ascii && (byte == a || byte == b) {
                return Some(at);
            }
            shift = to;
            at += length;
            continue;
        }
        if matches!(byte, b'\r' | b'\n') {
            // The end of a line always returns to ASCII (ISO-2022-JP, RFC 1468).
            shift = Shift::Ascii;
        }
        match shift {
            Shift::Ascii if byte == a || byte == b => return Some(at),
            Shift::Ascii | Shift::OneByte => at += 1,
            Shift::TwoBytes => at += 2,
        }
    }
    None
}

/// An ISO 2022 escape sequence at the start of `bytes`: the state it switches to and its length.
fn designation(bytes: &[u8]) -> Option<(Shift, usize)> {
    match *bytes {
        [ESC, b'$', b'(', _, ..] => Some((Shift::TwoBytes, 4)),
        [ESC, b'$', _, ..] => Some((Shift::TwoBytes, 3)),
        [ESC, b'(', b'I', ..] => Some((Shift::OneByte, 3)),
        [ESC, b'(', _, ..] => Some((Shift::Ascii, 3)),
        _ => None,
    }
}

/// The same in the HL7 form: `\M2442\` is ESC $ B, `\C2842\` is ESC ( B.
fn hl7_designation(bytes: &[u8], escape: Option<u8>) -> Option<(Shift, usize)> {
    let escape = escape?;
    let (sequence, length) = hl7_sequence(bytes, escape)?;
    designation(&sequence).map(|(shift, _)| (shift, length))
}

/// Reads `\Cxxyy\` or `\Mxxyy\` or `\Mxxyyzz\` and returns the bytes with ESC before them, and how long the form is.
pub(crate) fn hl7_sequence(bytes: &[u8], escape: u8) -> Option<(Vec<u8>, usize)> {
    let [open, b'C' | b'M', tail @ ..] = bytes else {
        return None;
    };
    if *open != escape {
        return None;
    }
    let digits = tail.iter().take(7).position(|&byte| byte == escape)?;
    if digits != 4 && digits != 6 {
        return None;
    }
    let mut sequence = vec![ESC];
    for pair in tail.get(..digits)?.chunks_exact(2) {
        let text = std::str::from_utf8(pair).ok()?;
        sequence.push(u8::from_str_radix(text, 16).ok()?);
    }
    Some((sequence, digits + 3))
}

/// The pieces between delimiters, empty ones included. Without a declared delimiter there is one piece.
#[derive(Clone)]
pub(crate) struct Pieces<'a> {
    rest: Option<&'a [u8]>,
    delimiter: Option<u8>,
    scan: Scan,
    escape: Option<u8>,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(
        bytes: &'a [u8],
        delimiter: Option<u8>,
        scan: Scan,
        escape: Option<u8>,
    ) -> Self {
        Pieces {
            rest: Some(bytes),
            delimiter,
            scan,
            escape,
        }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        let found = self
            .delimiter
            .and_then(|byte| self.scan.find(rest, 0, byte, byte, self.escape));
        let Some(at) = found else { return Some(rest) };
        self.rest = rest.get(at + 1..);
        rest.get(..at)
    }
}
