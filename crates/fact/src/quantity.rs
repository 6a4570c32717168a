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

    /// The sum, exactly, with as many places as the longer of the two.
    #[must_use]
    pub fn add(&self, other: &Self) -> Self {
        Scaled::of(self).plus(Scaled::of(other)).decimal()
    }

    /// The difference, exactly, with as many places as the longer of the two.
    #[must_use]
    pub fn sub(&self, other: &Self) -> Self {
        let mut other = Scaled::of(other);
        other.negative = !other.negative;
        Scaled::of(self).plus(other).decimal()
    }

    /// The product, exactly, with as many places as both have together.
    #[must_use]
    pub fn mul(&self, other: &Self) -> Self {
        Scaled::of(self).times(&Scaled::of(other)).decimal()
    }

    /// Without its sign.
    #[must_use]
    pub fn abs(&self) -> Self {
        Self(self.0.strip_prefix('-').unwrap_or(&self.0).to_owned())
    }

    /// Whether it is below zero; `-0.0` is not.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        parts(&self.0).is_some_and(|parts| parts.sign() < 0)
    }

    /// With at most so many places, a half away from zero.
    #[must_use]
    pub fn round(&self, places: usize) -> Self {
        Scaled::of(self).rounded(places).decimal()
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

/// `digits ÷ 10^places`, the digits from the most to the least significant. What add, subtract and multiply are done on.
struct Scaled {
    negative: bool,
    digits: Vec<u8>,
    places: usize,
}

impl Scaled {
    fn of(decimal: &Decimal) -> Self {
        let (negative, rest) = match decimal.0.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, decimal.0.as_str()),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().unwrap_or(0)),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = whole
            .bytes()
            .chain(fraction.bytes())
            .map(|byte| byte.wrapping_sub(b'0'))
            .collect();
        // An exponent moves the point; it is at most 64 either way, which `parse` has seen to.
        let shift = usize::try_from(exponent.unsigned_abs()).unwrap_or(0);
        let mut places = fraction.len();
        if exponent < 0 {
            places += shift;
        } else if shift <= places {
            places -= shift;
        } else {
            digits.resize(digits.len() + shift - places, 0);
            places = 0;
        }
        Self {
            negative,
            digits,
            places,
        }
    }

    fn widen(&mut self, places: usize, width: usize) {
        self.digits
            .resize(self.digits.len() + (places - self.places), 0);
        self.places = places;
        if self.digits.len() < width {
            let missing = width - self.digits.len();
            self.digits.splice(0..0, std::iter::repeat_n(0, missing));
        }
    }

    fn plus(mut self, mut other: Self) -> Self {
        let places = self.places.max(other.places);
        self.widen(places, 0);
        other.widen(places, 0);
        // One more than the longer, for the carry.
        let width = self.digits.len().max(other.digits.len()) + 1;
        self.widen(places, width);
        other.widen(places, width);
        if self.negative != other.negative && self.digits < other.digits {
            std::mem::swap(&mut self, &mut other);
        }
        let subtract = self.negative != other.negative;
        let mut carry = 0;
        for (digit, by) in self.digits.iter_mut().zip(&other.digits).rev() {
            if subtract {
                let take = by + carry;
                carry = u8::from(*digit < take);
                *digit = *digit + carry * 10 - take;
            } else {
                let sum = *digit + by + carry;
                carry = sum / 10;
                *digit = sum % 10;
            }
        }
        self
    }

    fn times(&self, other: &Self) -> Self {
        let mut sums = vec![0_u64; self.digits.len() + other.digits.len()];
        for (i, a) in self.digits.iter().rev().enumerate() {
            for (j, b) in other.digits.iter().rev().enumerate() {
                if let Some(sum) = sums.get_mut(i + j) {
                    *sum += u64::from(*a) * u64::from(*b);
                }
            }
        }
        let mut carry = 0;
        let mut digits: Vec<u8> = sums
            .into_iter()
            .map(|sum| {
                let sum = sum + carry;
                carry = sum / 10;
                u8::try_from(sum % 10).unwrap_or(0)
            })
            .collect();
        digits.reverse();
        Self {
            negative: self.negative != other.negative,
            digits,
            places: self.places + other.places,
        }
    }

    fn rounded(mut self, places: usize) -> Self {
        if self.places <= places {
            return self;
        }
        let cut = self.places - places;
        if self.digits.len() < cut {
            let missing = cut - self.digits.len();
            self.digits.splice(0..0, std::iter::repeat_n(0, missing));
        }
        let rest = self.digits.split_off(self.digits.len() - cut);
        self.places = places;
        if rest.first().is_some_and(|first| *first >= 5) {
            let one = Self {
                negative: self.negative,
                digits: vec![1],
                places,
            };
            return self.plus(one);
        }
        self
    }

    fn decimal(&self) -> Decimal {
        let digit = |n: &u8| char::from(b'0' + n);
        let split = self.digits.len().saturating_sub(self.places);
        let (whole, fraction) = self.digits.split_at(split);
        let mut text = String::new();
        if self.negative && self.digits.iter().any(|digit| *digit != 0) {
            text.push('-');
        }
        let leading = whole.iter().take_while(|digit| **digit == 0).count();
        let whole: String = whole.iter().skip(leading).map(digit).collect();
        text.push_str(if whole.is_empty() { "0" } else { &whole });
        if self.places > 0 {
            text.push('.');
            // `0.05` has fewer digits than places.
            text.extend(std::iter::repeat_n('0', self.places - fraction.len()));
            text.extend(fraction.iter().map(digit));
        }
        Decimal(text)
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

    #[test]
    fn arithmetic_is_exact_where_floats_are_not() {
        assert_eq!(decimal("6.7").sub(&decimal("5.2")).as_str(), "1.5");
        assert_eq!(decimal("0.1").add(&decimal("0.2")).as_str(), "0.3");
        assert_eq!(decimal("5.2").sub(&decimal("6.70")).as_str(), "-1.50");
        assert_eq!(decimal("-0.05").add(&decimal("0.05")).as_str(), "0.00");
        assert_eq!(decimal("1e3").mul(&decimal("-2.5e-4")).as_str(), "-0.25000");
        assert_eq!(decimal("999.9").add(&decimal("0.1")).as_str(), "1000.0");
        assert_eq!(decimal("-3.10").abs().as_str(), "3.10");
        assert!(!decimal("-0.0").is_negative());
        assert!(decimal("-0.1").is_negative());
    }

    #[test]
    fn rounding_goes_away_from_zero_at_the_half() {
        for (text, places, rounded) in [
            ("2.345", 2, "2.35"),
            ("-2.345", 2, "-2.35"),
            ("2.344", 2, "2.34"),
            ("0.0004", 2, "0.00"),
            ("0.5", 0, "1"),
            ("9.96", 1, "10.0"),
            ("7", 3, "7"),
            ("6e-3", 1, "0.0"),
        ] {
            assert_eq!(decimal(text).round(places).as_str(), rounded, "{text}");
        }
    }

    proptest! {
        #[test]
        fn arithmetic_agrees_with_scaled_integers(a in -1_000_000i64..1_000_000, b in -1_000_000i64..1_000_000) {
            let text = |n: i64| format!("{}{}.{:03}", if n < 0 { "-" } else { "" }, n.abs() / 1000, n.abs() % 1000);
            prop_assert_eq!(decimal(&text(a)).add(&decimal(&text(b))), decimal(&text(a + b)));
            prop_assert_eq!(decimal(&text(a)).sub(&decimal(&text(b))), decimal(&text(a - b)));
            let product = a * b;
            let exact = format!("{}{}.{:06}", if product < 0 { "-" } else { "" }, product.abs() / 1_000_000, product.abs() % 1_000_000);
            prop_assert_eq!(decimal(&text(a)).mul(&decimal(&text(b))), decimal(&exact));
        }

        #[test]
        fn order_agrees_with_scaled_integers(a in -1_000_000i64..1_000_000, b in -1_000_000i64..1_000_000) {
            let text = |n: i64| format!("{}{}.{:03}", if n < 0 { "-" } else { "" }, n.abs() / 1000, n.abs() % 1000);
            prop_assert_eq!(decimal(&text(a)).compare(&decimal(&text(b))), a.cmp(&b));
        }
    }
}
