//! The values of a parameter: `a,b` is one or the other, `\,` is a comma, and each kind reads its own form.

use super::SpanOf;
use super::number::decimal;
use super::table::Kind;

/// How a date or a number is compared with what a resource has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// `eq`, and what stands without a prefix.
    Equal,
    /// `ne`
    NotEqual,
    /// `gt`
    Greater,
    /// `lt`
    Less,
    /// `ge`
    GreaterOrEqual,
    /// `le`
    LessOrEqual,
    /// `sa`
    StartsAfter,
    /// `eb`
    EndsBefore,
}

/// One value.
#[derive(Clone, PartialEq, Eq)]
pub enum Operand {
    /// A code. `None` for a system is any, an empty one is none; no code is any code of the system.
    Token {
        /// The system.
        system: Option<String>,
        /// The code.
        code: Option<String>,
    },
    /// An interval of instants.
    Date {
        /// How it is compared.
        prefix: Prefix,
        /// Its first instant.
        lo: i64,
        /// Its last instant.
        hi: i64,
    },
    /// A text.
    Text(String),
    /// What is referred to: `Type/id` or `id`.
    Reference(String),
    /// A number with its unit.
    Quantity {
        /// How it is compared.
        prefix: Prefix,
        /// The number in units of 10⁻¹².
        value: i128,
        /// Half of the last digit that was given.
        half: i128,
        /// The unit's system.
        system: Option<String>,
        /// The unit's code, or the unit as written.
        unit: Option<String>,
    },
    /// Digits of a telephone number.
    Phone(String),
}

/// Reads one value; `None` when it is not of its kind. `base` is our own address, which a reference may begin with.
pub(super) fn operand(kind: Kind, raw: &str, base: &str, span: SpanOf<'_>) -> Option<Operand> {
    match kind {
        Kind::Token => token(raw),
        Kind::Date => {
            let (prefix, rest) = prefix(raw)?;
            let (lo, hi) = span(rest)?;
            Some(Operand::Date { prefix, lo, hi })
        }
        Kind::Text => non_empty(unescape(raw)).map(Operand::Text),
        Kind::Reference => reference(&unescape(raw), base).map(Operand::Reference),
        Kind::Quantity => quantity(raw),
        Kind::Phone => {
            let digits: String = raw.chars().filter(char::is_ascii_digit).collect();
            non_empty(digits).map(Operand::Phone)
        }
    }
}

/// Splits at `separator`, except where a backslash stands before it. Escapes stay in.
pub(super) fn split(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == separator && !escaped {
            parts.push(String::new());
            continue;
        }
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    parts
}

/// Takes the backslashes out (FHIR R4 §3.1.1.4.0.1).
pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => plain.extend(rest.next()),
            other => plain.push(other),
        }
    }
    plain
}

/// A reference as `Type/id`, or `id` when no type was given. Another server's address is kept whole, and is nobody's here.
pub(super) fn reference(text: &str, base: &str) -> Option<String> {
    let own = text
        .strip_prefix(base)
        .and_then(|rest| rest.strip_prefix('/'))
        .filter(|_| !base.is_empty());
    let text = own.unwrap_or(text);
    let whole = match text.split_once("/_history/") {
        Some((whole, _)) => whole,
        None => text,
    };
    non_empty(whole.to_owned())
}

fn token(raw: &str) -> Option<Operand> {
    let parts: Vec<String> = split(raw, '|').iter().map(|part| unescape(part)).collect();
    let (system, code) = match parts.as_slice() {
        [code] => (None, code.clone()),
        [system, code] => (Some(system.clone()), code.clone()),
        _ => return None,
    };
    let code = non_empty(code);
    if code.is_none() && system.as_deref().unwrap_or_default().is_empty() {
        return None;
    }
    Some(Operand::Token { system, code })
}

fn quantity(raw: &str) -> Option<Operand> {
    let parts: Vec<String> = split(raw, '|').iter().map(|part| unescape(part)).collect();
    let (number, system, unit) = match parts.as_slice() {
        [number] => (number, None, None),
        [number, system, unit] => (number, non_empty(system.clone()), non_empty(unit.clone())),
        _ => return None,
    };
    let (prefix, number) = prefix(number)?;
    let (value, half) = decimal(number)?;
    Some(Operand::Quantity {
        prefix,
        value,
        half,
        system,
        unit,
    })
}

fn prefix(text: &str) -> Option<(Prefix, &str)> {
    let known = [
        ("eq", Prefix::Equal),
        ("ne", Prefix::NotEqual),
        ("gt", Prefix::Greater),
        ("lt", Prefix::Less),
        ("ge", Prefix::GreaterOrEqual),
        ("le", Prefix::LessOrEqual),
        ("sa", Prefix::StartsAfter),
        ("eb", Prefix::EndsBefore),
    ];
    for (word, prefix) in known {
        if let Some(rest) = text.strip_prefix(word) {
            return Some((prefix, rest));
        }
    }
    // `ap` among them: how near is near is nobody's to guess.
    let plain = text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+' || c == '.');
    plain.then_some((Prefix::Equal, text))
}

fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
