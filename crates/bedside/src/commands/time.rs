//! Times on the command line (design D20): RFC 3339 with offset; a bare date means the end of that day in the site's zone.

use bedside_fact::clock::Timestamp;
use bedside_fact::time::Span;
use jiff::tz::TimeZone;

use crate::fault::Fault;

/// Characters of a whole date.
const DATE: usize = 10;

/// An upper limit: a bare date is the end of that day.
pub(super) fn until(text: &str, zone: &TimeZone) -> Result<Timestamp, Fault> {
    let span = span(text, zone)?;
    let at = if text.contains('T') { span.lo } else { span.hi };
    Timestamp::from_microsecond(at).map_err(|_| wrong(text))
}

/// A lower limit: a bare date is the beginning of that day, so that `--since` includes it.
pub(super) fn since(text: &str, zone: &TimeZone) -> Result<Timestamp, Fault> {
    Timestamp::from_microsecond(span(text, zone)?.lo).map_err(|_| wrong(text))
}

/// Neither a time without offset nor a month or a year: which one is meant would be a guess.
fn span(text: &str, zone: &TimeZone) -> Result<Span, Fault> {
    let whole = match text.split_once('T') {
        Some((date, time)) => date.len() == DATE && time.contains(['Z', '+', '-']),
        None => text.len() == DATE,
    };
    bedside_fact::time::span(text, zone)
        .filter(|_| whole)
        .ok_or_else(|| wrong(text))
}

fn wrong(text: &str) -> Fault {
    Fault::input(format!(
        "`{text}` is no time; write 2026-11-22T09:00:00-06:00, or a date like 2026-11-22"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_an_offset_and_a_date_is_whole() {
        let zone = TimeZone::get("America/Chicago").unwrap();
        for text in [
            "2026",
            "2026-11",
            "2026-11-22T10:00:00",
            "2026-11-22T10:00",
            "2026-11T10:00:00Z",
            "2026-11-22 10:00:00Z",
            "yesterday",
            "",
        ] {
            assert_eq!(since(text, &zone).unwrap_err().status, 3, "{text}");
            assert_eq!(until(text, &zone).unwrap_err().status, 3, "{text}");
        }
        for (text, lo, hi) in [
            (
                "2026-11-22",
                "2026-11-22T06:00:00Z",
                "2026-11-23T05:59:59.999999Z",
            ),
            (
                "2026-11-22T10:00:00-06:00",
                "2026-11-22T16:00:00Z",
                "2026-11-22T16:00:00Z",
            ),
            (
                "2026-11-22T10:00:00Z",
                "2026-11-22T10:00:00Z",
                "2026-11-22T10:00:00Z",
            ),
        ] {
            assert_eq!(since(text, &zone).unwrap().to_string(), lo, "{text}");
            assert_eq!(until(text, &zone).unwrap().to_string(), hi, "{text}");
        }
    }
}
