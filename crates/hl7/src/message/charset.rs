//! Which character set a message is in, and turning its bytes into text (HL7 v2 MSH-18, table 0211).
//!
//! Real feeds label wrongly and mix. The declared set is tried for each value; a value that does not decode in it is read
//! as Windows-1252 when the set is ASCII or UTF-8, and otherwise with replacement characters. The bytes stay available.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::parse::Options;
use super::problem::Problems;
use super::scan::Scan;

/// How to read the text of one message.
#[derive(Clone, Copy)]
pub(crate) struct Charset {
    encoding: &'static Encoding,
    fallback: Option<&'static Encoding>,
    pub(crate) scan: Scan,
}

impl Charset {
    /// UTF-8, with Windows-1252 for values that are not.
    pub(crate) const UTF8: Charset = Charset {
        encoding: UTF_8,
        fallback: Some(WINDOWS_1252),
        scan: Scan::Single,
    };

    fn of(encoding: &'static Encoding) -> Charset {
        let name = encoding.name();
        let scan = match name {
            "ISO-2022-JP" => Scan::Iso2022,
            "Shift_JIS" => Scan::ShiftJis,
            "GBK" | "gb18030" | "Big5" => Scan::DoubleByte,
            _ => Scan::Single,
        };
        let fallback = (encoding == UTF_8).then_some(WINDOWS_1252);
        Charset {
            encoding,
            fallback,
            scan,
        }
    }

    /// Chooses: the forced set, MSH-18, the default, UTF-8 if the bytes are valid, Windows-1252.
    pub(crate) fn choose(
        bytes: &[u8],
        declared: &[&[u8]],
        options: &Options,
        problems: &mut Problems,
    ) -> Charset {
        if let Some(forced) = options.force_charset.as_deref().and_then(named) {
            return Charset::of(forced);
        }
        let default = options.default_charset.as_deref().and_then(named);
        let plain = bytes.is_ascii();
        let labels: Vec<Label> = declared
            .iter()
            .filter(|text| !text.is_empty())
            .map(|text| label(text))
            .collect();
        let sets = |label: &Label| match label {
            Label::Set(encoding) => Some(*encoding),
            Label::Ascii | Label::Unknown => None,
        };
        if labels.contains(&Label::Unknown) {
            problems.once(
                "charset",
                0,
                "MSH-18 names a character set that is not known",
            );
        }
        // Japanese: the set named first is the single-byte one, a later one is switched to (HL7 v2 §2.14.9.18).
        if let Some(japanese) = labels
            .iter()
            .filter_map(sets)
            .find(|set| set.name() == "ISO-2022-JP")
        {
            return Charset::of(japanese);
        }
        if let Some(set) = labels.first().and_then(sets) {
            let charset = Charset::of(set);
            if !plain
                && set
                    .decode_without_bom_handling_and_without_replacement(bytes)
                    .is_none()
            {
                problems.once(
                    "charset",
                    0,
                    "some bytes are not valid in the character set that MSH-18 declares",
                );
            }
            return charset;
        }
        if plain {
            let switched = memchr::memmem::find(bytes, b"\x1B$").is_some();
            if switched {
                problems.once(
                    "charset",
                    0,
                    "the text switches to a Japanese set that MSH-18 does not declare",
                );
                return Charset::of(encoding_rs::ISO_2022_JP);
            }
            return default.map_or(Charset::UTF8, Charset::of);
        }
        if let Some(alternative) = labels.iter().filter_map(sets).next() {
            return Charset::of(alternative);
        }
        let (charset, text) = match default {
            Some(set) if labels.is_empty() => (
                Charset::of(set),
                "no character set is declared; the connection's default is used",
            ),
            Some(_) | None if std::str::from_utf8(bytes).is_ok() => (
                Charset::UTF8,
                "text beyond ASCII without a fitting MSH-18 is read as UTF-8",
            ),
            Some(set) => (
                Charset::of(set),
                "text beyond the declared ASCII is read in the connection's default character set",
            ),
            None => (
                Charset::of(WINDOWS_1252),
                "text beyond ASCII without a fitting MSH-18 is read as Windows-1252",
            ),
        };
        problems.once("charset", 0, text);
        charset
    }

    pub(crate) fn name(self) -> &'static str {
        self.encoding.name()
    }

    /// The text of some bytes. It never fails; what cannot be decoded shows as the replacement character.
    pub(crate) fn decode(self, bytes: &[u8]) -> String {
        if let Some(text) = self
            .encoding
            .decode_without_bom_handling_and_without_replacement(bytes)
        {
            return text.into_owned();
        }
        let encoding = self.fallback.unwrap_or(self.encoding);
        encoding.decode_without_bom_handling(bytes).0.into_owned()
    }

    /// The bytes of a text of ours. A character the set does not have becomes a question mark.
    pub(crate) fn encode(self, text: &str) -> Vec<u8> {
        let (bytes, _, unmappable) = self.encoding.encode(text);
        if unmappable {
            return text
                .chars()
                .map(|c| u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b'?'))
                .collect();
        }
        bytes.into_owned()
    }
}

/// UTF-16 and UTF-32 hold the framing bytes inside characters and cannot travel in MLLP.
pub(crate) fn is_wide(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xFF, 0xFE])
        || bytes.starts_with(&[0xFE, 0xFF])
        || bytes.starts_with(&[0, 0, 0xFE, 0xFF])
        || bytes.starts_with(b"M\0S\0")
        || bytes.starts_with(b"\0M\0S")
        || bytes.starts_with(b"M\0\0\0")
        || bytes.starts_with(b"\0\0\0M")
}

#[derive(PartialEq, Eq)]
enum Label {
    Ascii,
    Set(&'static Encoding),
    Unknown,
}

fn named(text: &str) -> Option<&'static Encoding> {
    match label(text.as_bytes()) {
        Label::Set(encoding) => Some(encoding),
        Label::Ascii => Some(UTF_8),
        Label::Unknown => None,
    }
}

/// HL7 table 0211 and the spellings met in the field.
fn label(text: &[u8]) -> Label {
    let folded: String = text
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(|byte| char::from(byte.to_ascii_uppercase()))
        .collect();
    let set = match folded.as_str() {
        "ASCII" | "USASCII" | "ISOIR6" | "2022IR6" | "ISO2022IR6" => return Label::Ascii,
        "UNICODE" | "UTF8" | "UNICODEUTF8" | "ISOIR192" => UTF_8,
        "ISOIR14" | "ISOIR87" | "ISOIR159" | "2022IR87" | "ISO2022IR87" | "ISO2022JP" => {
            encoding_rs::ISO_2022_JP
        }
        "ISOIR13" | "SHIFTJIS" | "SJIS" => encoding_rs::SHIFT_JIS,
        "GB180302000" | "GB18030" => encoding_rs::GB18030,
        "KSX1001" => encoding_rs::EUC_KR,
        "CNS116431992" | "BIG5" => encoding_rs::BIG5,
        "ISOIR100" => WINDOWS_1252,
        other => {
            // `8859/1`, `8859-1`, `ISO8859/1`, `ISO-8859-1`: ISO 8859-1 is read as its superset Windows-1252, because
            // that is what senders who write this label produce.
            let part = other
                .strip_prefix("ISO")
                .unwrap_or(other)
                .strip_prefix("8859");
            let known = match part {
                Some(part) => Encoding::for_label(format!("iso-8859-{part}").as_bytes()),
                None => Encoding::for_label(text),
            };
            // Wide sets cannot be in MLLP, whatever the label says, and `replacement` decodes nothing.
            let usable =
                known.filter(|set| !matches!(set.name(), "UTF-16LE" | "UTF-16BE" | "replacement"));
            return usable.map_or(Label::Unknown, Label::Set);
        }
    };
    Label::Set(set)
}
