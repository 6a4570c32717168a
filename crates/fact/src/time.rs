//! Clinical times: what a source said, with the precision it said it in, and the interval of instants that it covers.
//!
//! A birth date is not midnight and `2026-11` is not the first of November. The text is kept; for searching and
//! sorting a time is the interval from its first to its last instant.

use jiff::civil;
use jiff::tz::{Offset, TimeZone};

use crate::clock::Timestamp;

/// The instants that a time of limited precision may mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first instant, in microseconds since 1970.
    pub lo: i64,
    /// The last instant, in microseconds since 1970.
    pub hi: i64,
}

/// A FHIR `date`, `dateTime` or `instant` text (FHIR R4 §2.24.0.1) as the interval it covers.
///
/// `zone` stands in where the text has none. `None` when the text is no such time.
#[must_use]
pub fn span(text: &str, zone: &TimeZone) -> Option<Span> {
    let (date_text, time_text) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let widths = [4, 2, 2];
    let mut numbers = date_text
        .split('-')
        .enumerate()
        .map(|(n, part)| digits(part).filter(|_| widths.get(n) == Some(&part.len())));
    let year = i16::try_from(numbers.next()??).ok()?;
    let month = numbers.next();
    let day = numbers.next();
    if numbers.next().is_some() {
        return None;
    }
    let part = |n: Option<u32>| n.and_then(|n| i8::try_from(n).ok());
    let (first, last) = match (month, day) {
        (None, _) => (
            civil::Date::new(year, 1, 1).ok()?,
            civil::Date::new(year, 12, 31).ok()?,
        ),
        (Some(month), None) => {
            let first = civil::Date::new(year, part(month)?, 1).ok()?;
            (first, first.last_of_month())
        }
        (Some(month), Some(day)) => {
            let date = civil::Date::new(year, part(month)?, part(day)?).ok()?;
            (date, date)
        }
    };
    match time_text {
        Some(time) => clock_span(first, time, zone),
        None => Some(Span {
            lo: micros(first.at(0, 0, 0, 0), zone)?,
            hi: micros(last.at(23, 59, 59, 999_999_999), zone)?,
        }),
    }
}

/// The instant in words that read the same everywhere: `22-Nov-2026 08:52`.
#[must_use]
pub fn words(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%d-%b-%Y %H:%M")
        .to_string()
}

/// How long ago, in the coarsest honest unit: `3 min`, `5 h`, `2 days`. The future reads `in the future`.
#[must_use]
pub fn age_words(from: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - from.as_second();
    match seconds {
        i64::MIN..=-61 => String::from("in the future"),
        -60..=59 => String::from("just now"),
        60..=7_199 => format!("{} min ago", seconds / 60),
        7_200..=172_799 => format!("{} h ago", seconds / 3_600),
        172_800..=63_071_999 => format!("{} days ago", seconds / 86_400),
        63_072_000.. => format!("{} years ago", seconds / 31_557_600),
    }
}

fn clock_span(date: civil::Date, text: &str, zone: &TimeZone) -> Option<Span> {
    let split = text.find(['Z', '+', '-']).unwrap_or(text.len());
    let (clock, offset) = text.split_at_checked(split)?;
    let zone = match offset {
        "" => zone.clone(),
        "Z" => TimeZone::UTC,
        signed => {
            let (sign, rest) = signed.split_at_checked(1)?;
            let (hours, minutes) = rest.split_once(':')?;
            let seconds = i32::try_from(digits(hours)? * 3_600 + digits(minutes)? * 60).ok()?;
            let offset = Offset::from_seconds(if sign == "-" { -seconds } else { seconds }).ok()?;
            TimeZone::fixed(offset)
        }
    };
    let mut parts = clock.split(':');
    let small = |text: &str| digits(text).and_then(|n| i8::try_from(n).ok());
    let hour = small(parts.next()?)?;
    let minute = small(parts.next()?)?;
    let Some(seconds) = parts.next() else {
        let lo = micros(at_time(date, hour, minute, 0)?, &zone)?;
        return Some(Span {
            lo,
            hi: lo + 59_999_999,
        });
    };
    if parts.next().is_some() {
        return None;
    }
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    // A leap second is the last instant of its minute.
    let second = small(whole)?.min(59);
    let lo = micros(at_time(date, hour, minute, second)?, &zone)?;
    if fraction.is_empty() {
        return Some(Span {
            lo,
            hi: lo + 999_999,
        });
    }
    digits(fraction.get(..fraction.len().min(9))?)?;
    let mut unit = 1_000_000;
    let mut at = 0;
    for digit in fraction.bytes().take(6) {
        unit /= 10;
        at += i64::from(digit - b'0') * unit;
    }
    Some(Span {
        lo: lo + at,
        hi: lo + at + unit - 1,
    })
}

fn at_time(date: civil::Date, hour: i8, minute: i8, second: i8) -> Option<civil::DateTime> {
    Some(date.to_datetime(civil::Time::new(hour, minute, second, 0).ok()?))
}

fn digits(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn micros(at: civil::DateTime, zone: &TimeZone) -> Option<i64> {
    // In the gap or the overlap of a clock change the earlier offset is taken (field notes, problem 30).
    let instant = zone.to_ambiguous_timestamp(at).earlier().ok()?;
    Some(instant.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, lo: &str, hi: &str) {
        let zone = TimeZone::get("America/Chicago").unwrap();
        let span = span(text, &zone).unwrap();
        let show = |micros| Timestamp::from_microsecond(micros).unwrap().to_string();
        assert_eq!(
            (show(span.lo).as_str(), show(span.hi).as_str()),
            (lo, hi),
            "{text}"
        );
    }

    #[test]
    fn a_time_covers_all_that_its_precision_leaves_open() {
        check(
            "2026",
            "2026-01-01T06:00:00Z",
            "2027-01-01T05:59:59.999999Z",
        );
        check(
            "2026-02",
            "2026-02-01T06:00:00Z",
            "2026-03-01T05:59:59.999999Z",
        );
        check(
            "2026-11-22",
            "2026-11-22T06:00:00Z",
            "2026-11-23T05:59:59.999999Z",
        );
        check(
            "2026-11-22T08:30Z",
            "2026-11-22T08:30:00Z",
            "2026-11-22T08:30:59.999999Z",
        );
        check(
            "2026-11-22T08:30:15-06:00",
            "2026-11-22T14:30:15Z",
            "2026-11-22T14:30:15.999999Z",
        );
        check(
            "2026-11-22T08:30:15.25+01:00",
            "2026-11-22T07:30:15.25Z",
            "2026-11-22T07:30:15.259999Z",
        );
    }

    #[test]
    fn text_that_is_no_time_is_refused() {
        for text in [
            "",
            "26-1",
            "2026-13",
            "2026-02-30",
            "2026-11-22T",
            "2026-11-22T25:00Z",
            "2026-11-22Tab:cd",
            "2026-1-2-3",
        ] {
            assert!(span(text, &TimeZone::UTC).is_none(), "{text}");
        }
    }

    #[test]
    fn ages_are_words() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(age_words(at(0), at(30)), "just now");
        assert_eq!(age_words(at(0), at(600)), "10 min ago");
        assert_eq!(age_words(at(0), at(4 * 86_400)), "4 days ago");
        assert_eq!(age_words(at(600), at(0)), "in the future");
    }
}
