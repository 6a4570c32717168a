//! HL7 times (HL7 v2 §2A.76 TS, §2A.22 DTM): `YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]`.
//!
//! Precision and offset stay as sent. Which zone a time without an offset belongs to is not decided here.

use thiserror::Error;

/// The smallest part that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// Only the year.
    Year,
    /// To the month.
    Month,
    /// To the day.
    Day,
    /// To the hour.
    Hour,
    /// To the minute.
    Minute,
    /// To the second.
    Second,
    /// With a fraction of a second.
    Fraction,
}

/// A time as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hl7Time {
    /// The year.
    pub year: i16,
    /// The month, 1 to 12.
    pub month: Option<u8>,
    /// The day of the month.
    pub day: Option<u8>,
    /// The hour, 0 to 23.
    pub hour: Option<u8>,
    /// The minute.
    pub minute: Option<u8>,
    /// The second; 60 for a leap second.
    pub second: Option<u8>,
    /// The digits after the point, as sent.
    pub fraction: Option<String>,
    /// Minutes east of UTC, when the value says so.
    pub offset_minutes: Option<i16>,
    /// The smallest part that was sent.
    pub precision: Precision,
}

impl Hl7Time {
    /// The same day without a time: a birth date sent as `197001010000` is a date.
    pub fn date_only(&self) -> Hl7Time {
        let precision = self.precision.min(Precision::Day);
        let (hour, minute, second) = (None, None, None);
        Hl7Time {
            hour,
            minute,
            second,
            fraction: None,
            offset_minutes: None,
            precision,
            ..self.clone()
        }
    }
}

/// Why a text is no time. It does not hold the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadTime {
    /// Nothing was sent.
    #[error("the time is empty")]
    Empty,
    /// A character that no time has, or a part cut short.
    #[error("the time is not written as year, month, day, hour, minute, second")]
    Form,
    /// A month, day, hour, minute or second that does not exist.
    #[error("the time has a part that does not exist in the calendar")]
    Calendar,
    /// An offset that no zone has.
    #[error("the time's offset from UTC is not one")]
    Offset,
}

/// Reads a time. Only real dates are accepted: there is no 30 February.
pub fn parse(text: &str) -> Result<Hl7Time, BadTime> {
    let text = text.trim();
    if text.is_empty() {
        return Err(BadTime::Empty);
    }
    let (local, offset_minutes) = match text.find(['+', '-']) {
        None => (text.strip_suffix('Z'), text.strip_suffix('Z').map(|_| 0)),
        Some(at) => (
            text.get(..at),
            Some(offset(text.get(at..).unwrap_or_default())?),
        ),
    };
    let local = local.unwrap_or(text);
    let (digits, fraction) = match local.split_once('.') {
        None => (local, None),
        Some((digits, fraction)) => (digits, Some(fraction)),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit())
        || !matches!(digits.len(), 4 | 6 | 8 | 10 | 12 | 14)
    {
        return Err(BadTime::Form);
    }
    let bad_fraction = |text: &str| {
        digits.len() != 14 || text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if fraction.is_some_and(bad_fraction) {
        return Err(BadTime::Form);
    }
    let pair = |at: usize| {
        digits
            .get(at..at + 2)
            .and_then(|pair| pair.parse::<u8>().ok())
    };
    let year: i16 = digits
        .get(..4)
        .and_then(|year| year.parse().ok())
        .ok_or(BadTime::Form)?;
    let (month, day, hour, minute, second) = (pair(4), pair(6), pair(8), pair(10), pair(12));
    let beyond = |part: Option<u8>, max: u8| part.is_some_and(|n| n > max);
    let no_month = month.is_some_and(|month| !(1..=12).contains(&month));
    let no_day = day.is_some_and(|day| day == 0 || day > days_in(year, month.unwrap_or(0)));
    if year == 0
        || no_month
        || no_day
        || beyond(hour, 23)
        || beyond(minute, 59)
        || beyond(second, 60)
    {
        return Err(BadTime::Calendar);
    }
    let precision = match (digits.len(), fraction) {
        (_, Some(_)) => Precision::Fraction,
        (4, None) => Precision::Year,
        (6, None) => Precision::Month,
        (8, None) => Precision::Day,
        (10, None) => Precision::Hour,
        (12, None) => Precision::Minute,
        _ => Precision::Second,
    };
    let fraction = fraction.map(str::to_owned);
    Ok(Hl7Time {
        year,
        month,
        day,
        hour,
        minute,
        second,
        fraction,
        offset_minutes,
        precision,
    })
}

/// `+HHMM`, and `+HH:MM` and `+HH` as some send it. Zones reach from -12 to +14 hours.
fn offset(text: &str) -> Result<i16, BadTime> {
    let (sign, digits) = match text.split_at_checked(1) {
        Some(("+", digits)) => (1, digits),
        Some(("-", digits)) => (-1, digits),
        _ => return Err(BadTime::Offset),
    };
    let digits = digits.replacen(':', "", 1);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !matches!(digits.len(), 2 | 4) {
        return Err(BadTime::Offset);
    }
    let part = |at: usize| {
        digits
            .get(at..at + 2)
            .and_then(|pair| pair.parse::<i16>().ok())
            .unwrap_or(0)
    };
    let (hours, minutes) = (part(0), part(2));
    if minutes > 59 || hours * 60 + minutes > 14 * 60 {
        return Err(BadTime::Offset);
    }
    Ok(sign * (hours * 60 + minutes))
}

fn days_in(year: i16, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(Precision, Option<i16>), BadTime>) {
        assert_eq!(
            parse(text).map(|time| (time.precision, time.offset_minutes)),
            expected,
            "{text}"
        );
    }

    #[test]
    fn precision_and_offset_stay_as_sent() {
        check("2024", Ok((Precision::Year, None)));
        check("202402", Ok((Precision::Month, None)));
        check("20240229", Ok((Precision::Day, None)));
        check("2024022923", Ok((Precision::Hour, None)));
        check("202402292359", Ok((Precision::Minute, None)));
        check("20240229235960", Ok((Precision::Second, None)));
        check(
            "20240117093015.1234+0130",
            Ok((Precision::Fraction, Some(90))),
        );
        check("20240117093015-0500", Ok((Precision::Second, Some(-300))));
        check("202401170930Z", Ok((Precision::Minute, Some(0))));
        check("20240117+01:00", Ok((Precision::Day, Some(60))));
        assert_eq!(
            parse("20240117093015.0500").unwrap().fraction.as_deref(),
            Some("0500")
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        check("", Err(BadTime::Empty));
        check("  ", Err(BadTime::Empty));
        check("20240230", Err(BadTime::Calendar));
        check("20230229", Err(BadTime::Calendar));
        check("19000229", Err(BadTime::Calendar));
        check("20241301", Err(BadTime::Calendar));
        check("2024010124", Err(BadTime::Calendar));
        check("00000000", Err(BadTime::Calendar));
        check("2024-01-17", Err(BadTime::Offset));
        check("202401170", Err(BadTime::Form));
        check("20240117.5", Err(BadTime::Form));
        check("yesterday", Err(BadTime::Form));
        check("20240117093015+2500", Err(BadTime::Offset));
        check("２０２４", Err(BadTime::Form));
    }

    #[test]
    fn a_birth_date_with_midnight_stays_a_date() {
        let birth = parse("197001010000-0500").unwrap().date_only();
        assert_eq!(
            (birth.day, birth.hour, birth.precision),
            (Some(1), None, Precision::Day)
        );
        assert_eq!(
            parse("1970").unwrap().date_only().precision,
            Precision::Year
        );
    }
}
