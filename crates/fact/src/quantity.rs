//! A measured amount whose number keeps every digit that was sent. Decimals are not floats.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// How a value relates to its number, when the number is a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparator {
    /// Below the number.
    #[serde(rename = "<")]
    Less,
    /// At or below the number.
    #[serde(rename = "<=")]
    LessOrEqual,
    /// At or above the number.
    #[serde(rename = ">=")]
    GreaterOrEqual,
    /// Above the number.
    #[serde(rename = ">")]
    Greater,
}

/// A decimal as text: optional sign, digits, optional point and digits, optional exponent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decimal(String);

impl Decimal {
    /// Takes a JSON number text; `None` when it is none, or when its exponent is beyond ±64.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        parts(text).map(|_| Self(text.to_owned()))
    }

    /// The digits as they were sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Compares by value: `1.10` equals `1.1`.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        match (parts(&self.0), parts(&other.0)) {
            (Some(a), Some(b)) => a.compare(&b),
            // Both were checked when they were made.
            _ => Ordering::Equal,
        }
    }

    /// An approximation for drawing a chart, never for deciding.
    #[must_use]
    pub fn approximate(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }
}

/// Digits without leading or trailing zeros; the value is `0.digits × 10^magnitude`.
struct Parts {
    negative: bool,
    digits: Vec<u8>,
    magnitude: i64,
}

impl Parts {
    fn compare(&self, other: &Self) -> Ordering {
        match (self.sign(), other.sign()) {
            (a, b) if a != b => a.cmp(&b),
            (0, _) => Ordering::Equal,
            (sign, _) => {
                let size = self
                    .magnitude
                    .cmp(&other.magnitude)
                    .then_with(|| self.digits.cmp(&other.digits));
                if sign < 0 { size.reverse() } else { size }
            }
        }
    }

    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }
}

fn parts(text: &str) -> Option<Parts> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (rest, 0),
    };
    if exponent.abs() > 64 {
        return None;
    }
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((_, "")) => return None,
        Some(pair) => pair,
        None => (mantissa, ""),
    };
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) {
        return None;
    }
    let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    let leading = all.iter().take_while(|byte| **byte == b'0').count();
    let mut digits = all.get(leading..).unwrap_or_default().to_vec();
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    let count = |n: usize| i64::try_from(n).ok();
    let magnitude = count(whole.len())? - count(leading)? + exponent;
    Some(Parts {
        negative,
        digits,
        magnitude,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn every_digit_is_kept_and_trailing_zeros_do_not_change_the_value() {
        assert_eq!(decimal("1.10").as_str(), "1.10");
        assert_eq!(decimal("1.10").compare(&decimal("1.1")), Ordering::Equal);
        assert_eq!(decimal("-0.0").compare(&decimal("0")), Ordering::Equal);
        assert_eq!(decimal("1e2").compare(&decimal("100")), Ordering::Equal);
        assert_eq!(
            decimal("0.05").compare(&decimal("0.049999")),
            Ordering::Greater
        );
        assert_eq!(decimal("-3").compare(&decimal("2")), Ordering::Less);
    }

    #[test]
    fn text_that_is_no_number_is_refused() {
        for text in ["", "-", ".5", "5.", "+3", "1,2", "NaN", "1e999", "0x1"] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn order_agrees_with_scaled_integers(a in -1_000_000i64..1_000_000, b in -1_000_000i64..1_000_000) {
            let text = |n: i64| format!("{}{}.{:03}", if n < 0 { "-" } else { "" }, n.abs() / 1000, n.abs() % 1000);
            prop_assert_eq!(decimal(&text(a)).compare(&decimal(&text(b))), a.cmp(&b));
        }
    }
}
