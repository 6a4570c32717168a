//! Exact fractions, so that a conversion bends no digit.

use std::cmp::Ordering;

use crate::quantity::Decimal;

/// As many digits as a quotient that never ends is given.
const DIGITS: usize = 12;

/// A fraction in lowest terms with a positive denominator.
#[derive(Clone)]
pub(super) struct Ratio {
    pub(super) top: i128,
    pub(super) bottom: i128,
}

impl Ratio {
    fn new(top: i128, bottom: i128) -> Option<Self> {
        if bottom == 0 {
            return None;
        }
        let common = divisor(top.unsigned_abs(), bottom.unsigned_abs());
        let common = i128::try_from(common).ok()?.max(1);
        let sign = if bottom < 0 { -1 } else { 1 };
        Some(Self {
            top: (top / common).checked_mul(sign)?,
            bottom: (bottom / common).checked_mul(sign)?,
        })
    }

    pub(super) fn of(value: &Decimal) -> Option<Self> {
        let text = value.as_str();
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let places = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        let ten = 10_i128.checked_pow(u32::try_from(places.unsigned_abs()).ok()?)?;
        if places < 0 {
            Self::new(digits, ten)
        } else {
            Self::new(digits.checked_mul(ten)?, 1)
        }
    }

    pub(super) fn times(&self, (top, bottom): (i128, i128)) -> Option<Self> {
        // Shortened crosswise first, so that long numbers still fit.
        let (left, right) = (Self::new(self.top, bottom)?, Self::new(top, self.bottom)?);
        Self::new(
            left.top.checked_mul(right.top)?,
            left.bottom.checked_mul(right.bottom)?,
        )
    }

    pub(super) fn over(&self, other: &Self) -> Option<Self> {
        self.times((other.bottom, other.top))
    }

    pub(super) fn plus(&self, top: i128, bottom: i128) -> Option<Self> {
        let sum = self
            .top
            .checked_mul(bottom)?
            .checked_add(top.checked_mul(self.bottom)?)?;
        Self::new(sum, self.bottom.checked_mul(bottom)?)
    }

    /// All digits when there is an end to them, else as many as [`DIGITS`], the last one rounded.
    pub(super) fn decimal(&self) -> Option<Decimal> {
        let negative = self.top < 0;
        let (top, bottom) = (self.top.unsigned_abs(), self.bottom.unsigned_abs());
        let (whole, mut rest) = (top / bottom, top % bottom);
        let mut text = whole.to_string();
        let mut significant = if whole == 0 { 0 } else { text.len() };
        let mut places = Vec::new();
        while rest != 0 && significant < DIGITS && places.len() < 64 {
            let ten = rest.checked_mul(10)?;
            let digit = ten / bottom;
            rest = ten % bottom;
            places.push(u8::try_from(digit).ok()?);
            if significant > 0 || digit != 0 {
                significant += 1;
            }
        }
        let up = rest.checked_mul(2)?.cmp(&bottom) != Ordering::Less;
        let mut carry = rest != 0 && up;
        for place in places.iter_mut().rev() {
            if !carry {
                break;
            }
            carry = *place == 9;
            *place = if carry { 0 } else { *place + 1 };
        }
        if carry {
            text = (whole + 1).to_string();
        }
        while places.last() == Some(&0) {
            places.pop();
        }
        if !places.is_empty() {
            text.push('.');
            text.extend(places.iter().map(|place| char::from(b'0' + place)));
        }
        let is_zero = text == "0";
        Decimal::parse(&if negative && !is_zero {
            format!("-{text}")
        } else {
            text
        })
    }
}

fn divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
