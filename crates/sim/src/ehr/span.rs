//! Dates as FHIR writes them: each stands for a stretch of time, from a year to an instant.

use bedside_fact::clock::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};

/// From `start` up to but without `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

/// What a search asks of a date. Epic takes these five and no others (vendor catalogue EPIC-33).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prefix {
    Eq,
    Ge,
    Gt,
    Le,
    Lt,
}

impl Span {
    /// The stretch that a FHIR date, `dateTime` or instant names; none when it is not one. A date without a zone is
    /// taken in UTC.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.contains('T') {
            let start: Timestamp = text.parse().ok()?;
            let width = if text.contains('.') {
                SignedDuration::from_millis(1)
            } else {
                SignedDuration::from_secs(1)
            };
            let end = start.checked_add(width).ok()?;
            return Some(Self { start, end });
        }
        let (first, after) = match text.len() {
            4 => {
                let first = Date::new(text.parse().ok()?, 1, 1).ok()?;
                (first, first.checked_add(1.year()).ok()?)
            }
            7 => {
                let first: Date = format!("{text}-01").parse().ok()?;
                (first, first.checked_add(1.month()).ok()?)
            }
            10 => {
                let first: Date = text.parse().ok()?;
                (first, first.checked_add(1.day()).ok()?)
            }
            _ => return None,
        };
        Some(Self {
            start: midnight(first)?,
            end: midnight(after)?,
        })
    }

    /// Whether this satisfies `prefix` `asked`.
    pub(crate) fn meets(&self, prefix: Prefix, asked: &Self) -> bool {
        match prefix {
            Prefix::Eq => self.start >= asked.start && self.end <= asked.end,
            Prefix::Ge => self.end > asked.start,
            Prefix::Gt => self.end > asked.end,
            Prefix::Le => self.start < asked.end,
            Prefix::Lt => self.start < asked.start,
        }
    }
}

impl Prefix {
    /// Splits a date parameter; none when its date or its prefix is not one that EHRs take.
    pub(crate) fn split(value: &str) -> Option<(Self, Span)> {
        let letters = value
            .find(|character: char| !character.is_ascii_lowercase())
            .unwrap_or(value.len());
        let (word, date) = value.split_at_checked(letters)?;
        let prefix = match word {
            "" | "eq" => Self::Eq,
            "ge" => Self::Ge,
            "gt" => Self::Gt,
            "le" => Self::Le,
            "lt" => Self::Lt,
            _ => return None,
        };
        Some((prefix, Span::parse(date)?))
    }
}

fn midnight(date: Date) -> Option<Timestamp> {
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meets(have: &str, asked: &str) -> bool {
        let (prefix, asked) = Prefix::split(asked).unwrap();
        Span::parse(have).unwrap().meets(prefix, &asked)
    }

    #[test]
    fn dates_of_every_precision_are_compared_as_stretches_of_time() {
        assert!(meets("2026-11-22T08:30:00-06:00", "ge2026-11-22"));
        assert!(meets("2026-11-22T08:30:00-06:00", "2026-11-22"));
        assert!(!meets("2026-11-21T23:59:59Z", "ge2026-11-22"));
        assert!(meets("2026-11", "ge2026-11-22"));
        assert!(!meets("2026-11", "2026-11-22"));
        assert!(meets("2026", "lt2026-11-22"));
        assert!(!meets("2026-11-22", "gt2026-11-22"));
        assert!(meets("2026-11-22T08:30:00.000Z", "le2026-11-22T08:30:00Z"));
    }

    #[test]
    fn other_prefixes_and_dates_that_are_none_are_refused() {
        for value in [
            "sa2026-11-22",
            "ap2026",
            "2026-13-01",
            "yesterday",
            "",
            "ge",
        ] {
            assert!(Prefix::split(value).is_none(), "{value}");
        }
    }
}
