//! FHIR `date`, `dateTime` and `instant` as parts, with precision and offset kept.
//!
//! `2024-05` is a month, not the first of May at midnight; `+00:00` is not written back as `Z`. This turns nothing into an instant:
//! a partial date has none, and what zone a local time belongs to is known at floor 1. FHIR R4 datatypes §2.24.0.1.

/// How much of a time was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// `YYYY`
    Year,
    /// `YYYY-MM`
    Month,
    /// `YYYY-MM-DD`
    Day,
    /// `YYYY-MM-DDThh:mm`, which FHIR forbids and servers send.
    Minute,
    /// `…:ss`
    Second,
    /// `…:ss.fff`, with any number of digits.
    Fraction,
}

/// The parts of a FHIR time. Absent parts are `None`, never zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateTime {
    /// The year, 0 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: Option<u8>,
    /// 1 to 31, and within its month.
    pub day: Option<u8>,
    /// 0 to 23.
    pub hour: Option<u8>,
    /// 0 to 59.
    pub minute: Option<u8>,
    /// 0 to 60: FHIR allows leap seconds.
    pub second: Option<u8>,
    /// The digits after the point, as sent.
    pub fraction: Option<String>,
    /// The offset.
    pub offset: Option<Offset>,
}

/// The offset from UTC, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Offset {
    /// `Z`
    Utc,
    /// `+hh:mm` or `-hh:mm`, in minutes east.
    Minutes(i16),
}

impl Offset {
    /// Minutes east of UTC.
    pub fn minutes(self) -> i16 {
        match self {
            Offset::Utc => 0,
            Offset::Minutes(minutes) => minutes,
        }
    }
}

impl DateTime {
    /// Reads a `date`, `dateTime` or `instant`; `None` when it is not one.
    pub fn parse(text: &str) -> Option<DateTime> {
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let mut parts = date.split('-');
        let year = number(parts.next()?, 4)?;
        let month = optional(parts.next(), 1..=12)?;
        let day = optional(parts.next(), 1..=31)?;
        if parts.next().is_some() {
            return None;
        }
        if let (Some(month), Some(day)) = (month, day)
            && day > days_in(year, month)
        {
            return None;
        }
        let mut parsed = DateTime {
            year,
            month,
            day,
            hour: None,
            minute: None,
            second: None,
            fraction: None,
            offset: None,
        };
        if let Some(time) = time {
            parsed.day?;
            parsed.read_time(time)?;
        }
        Some(parsed)
    }

    /// How much was given.
    pub fn precision(&self) -> Precision {
        if self.fraction.is_some() {
            Precision::Fraction
        } else if self.second.is_some() {
            Precision::Second
        } else if self.minute.is_some() {
            Precision::Minute
        } else if self.day.is_some() {
            Precision::Day
        } else if self.month.is_some() {
            Precision::Month
        } else {
            Precision::Year
        }
    }

    fn read_time(&mut self, text: &str) -> Option<()> {
        let (clock, offset) = match text.find(['Z', '+', '-']) {
            Some(at) => (text.get(..at)?, Some(read_offset(text.get(at..)?)?)),
            None => (text, None),
        };
        let (clock, fraction) = match clock.split_once('.') {
            Some((clock, fraction)) => (clock, Some(fraction)),
            None => (clock, None),
        };
        let mut parts = clock.split(':');
        self.hour = Some(ranged(parts.next()?, 0..=23)?);
        self.minute = Some(ranged(parts.next()?, 0..=59)?);
        self.second = optional(parts.next(), 0..=60)?;
        if parts.next().is_some() {
            return None;
        }
        if let Some(digits) = fraction {
            self.second?;
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            self.fraction = Some(digits.to_owned());
        }
        self.offset = offset;
        Some(())
    }
}

impl std::fmt::Display for DateTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}", self.year)?;
        if let Some(month) = self.month {
            write!(f, "-{month:02}")?;
        }
        if let Some(day) = self.day {
            write!(f, "-{day:02}")?;
        }
        if let (Some(hour), Some(minute)) = (self.hour, self.minute) {
            write!(f, "T{hour:02}:{minute:02}")?;
        }
        if let Some(second) = self.second {
            write!(f, ":{second:02}")?;
        }
        if let Some(fraction) = &self.fraction {
            write!(f, ".{fraction}")?;
        }
        match self.offset {
            None => Ok(()),
            Some(Offset::Utc) => f.write_str("Z"),
            Some(Offset::Minutes(minutes)) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                let minutes = minutes.abs();
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

fn read_offset(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::Utc);
    }
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    // FHIR R4's own pattern ends at +14:00.
    let hours = i16::from(ranged(hours, 0..=14)?);
    let minutes = i16::from(ranged(minutes, 0..=59)?);
    Some(Offset::Minutes(sign * (hours * 60 + minutes)))
}

/// Absent is fine (`Some(None)`); there but wrong is not (`None`).
fn optional(text: Option<&str>, range: std::ops::RangeInclusive<u8>) -> Option<Option<u8>> {
    match text {
        None => Some(None),
        Some(text) => ranged(text, range).map(Some),
    }
}

fn ranged(text: &str, range: std::ops::RangeInclusive<u8>) -> Option<u8> {
    let value = u8::try_from(number(text, 2)?).ok()?;
    range.contains(&value).then_some(value)
}

fn number(text: &str, digits: usize) -> Option<u16> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn days_in(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_precision_prints_back_as_it_was_sent() {
        for (text, precision) in [
            ("1987", Precision::Year),
            ("1987-02", Precision::Month),
            ("2024-02-29", Precision::Day),
            ("2024-02-29T07:05Z", Precision::Minute),
            ("2024-02-29T07:05:09", Precision::Second),
            ("2016-12-31T23:59:60+00:00", Precision::Second),
            ("2024-02-29T07:05:09.1200-04:30", Precision::Fraction),
        ] {
            let parsed = DateTime::parse(text).unwrap();
            assert_eq!(parsed.precision(), precision, "{text}");
            assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn a_negative_offset_counts_west() {
        let parsed = DateTime::parse("2024-02-29T07:05:09-04:30").unwrap();
        assert_eq!(parsed.offset.unwrap().minutes(), -270);
    }

    #[test]
    fn what_is_not_a_date_is_refused() {
        for text in [
            "",
            "87",
            "1987-13",
            "1987-00",
            "2023-02-29",
            "1900-02-29",
            "1987-1-1",
            "2024-02T10:00:00Z",
            "2024-01-01T",
            "2024-01-01T10",
            "2024-01-01T24:00:00Z",
            "2024-01-01T10:00:00.",
            "2024-01-01T10:00:00+15:00",
            "2024-01-01T10:00:00z",
            "2024-01-01 10:00:00",
            "+024-01-01",
            "2024-01-01-01",
            "２０２４",
        ] {
            assert_eq!(DateTime::parse(text), None, "{text}");
        }
    }
}
