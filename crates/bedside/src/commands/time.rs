//! Times on the command line (design D20): RFC 3339 with offset; a bare date means the end of that day in the site's zone.

use bedside_fact::clock::Timestamp;
use jiff::tz::TimeZone;

use crate::fault::Fault;

/// An upper limit: a bare date is the end of that day.
pub(super) fn until(text: &str, zone: &TimeZone) -> Result<Timestamp, Fault> {
    let micros = bedside_fact::time::span(text, zone)
        .filter(|_| text.contains('T') || text.len() == 10)
        .ok_or_else(|| wrong(text))?;
    let at = if text.contains('T') {
        micros.lo
    } else {
        micros.hi
    };
    Timestamp::from_microsecond(at).map_err(|_| wrong(text))
}

/// A lower limit: a bare date is the beginning of that day, so that `--since` includes it.
pub(super) fn since(text: &str, zone: &TimeZone) -> Result<Timestamp, Fault> {
    let span = bedside_fact::time::span(text, zone).ok_or_else(|| wrong(text))?;
    Timestamp::from_microsecond(span.lo).map_err(|_| wrong(text))
}

fn wrong(text: &str) -> Fault {
    Fault::input(format!(
        "`{text}` is no time; write 2026-11-22T09:00:00-06:00, or a date like 2026-11-22"
    ))
}
