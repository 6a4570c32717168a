//! Times as they are typed and shown: `22-Nov-2026 08:52`, 24 hours, in the site's zone.

use bedside_fact::clock::Timestamp;
use bedside_fact::time::{age_words, span, words};
use jiff::tz::TimeZone;
use maud::{Markup, html};

/// What somebody typed: RFC 3339, a local date and time, or a date, which means the end of that day (design D20).
pub(crate) fn typed(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let covered = span(text.trim(), zone)?;
    let micros = if text.contains('T') {
        covered.lo
    } else {
        covered.hi
    };
    Timestamp::from_microsecond(micros).ok()
}

/// An instant with its age: `22-Nov-2026 08:52 (3 min ago)`.
pub(crate) fn shown(at: Timestamp, now: Timestamp, zone: &TimeZone) -> Markup {
    html! {
        time datetime=(at) { (words(at, zone)) } " (" (age_words(at, now)) ")"
    }
}

/// An instant alone.
pub(crate) fn plain(at: Timestamp, zone: &TimeZone) -> Markup {
    html! { time datetime=(at) { (words(at, zone)) } }
}

/// The value of a `datetime-local` field.
pub(crate) fn field(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%Y-%m-%dT%H:%M")
        .to_string()
}

/// A FHIR date as people read it: `09-Mar-1955`, `Mar-1955` or `1955`. Anything else stays as the source wrote it.
pub(crate) fn day(text: &str) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = |digits: &str| {
        let number: usize = digits.parse().ok()?;
        MONTHS.get(number.checked_sub(1)?).copied()
    };
    let mut parts = text.splitn(3, '-');
    match (parts.next(), parts.next().and_then(month), parts.next()) {
        (Some(year), Some(month), Some(day)) if day.len() == 2 => format!("{day}-{month}-{year}"),
        (Some(year), Some(month), None) => format!("{month}-{year}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_date_means_its_end_and_a_typed_minute_its_beginning() {
        let zone = TimeZone::get("America/Chicago").unwrap();
        let check = |text: &str, expected: &str| {
            assert_eq!(typed(text, &zone).unwrap().to_string(), expected, "{text}")
        };
        check("2026-11-22T09:00", "2026-11-22T15:00:00Z");
        check("2026-11-22", "2026-11-23T05:59:59.999999Z");
        check("2026-11-22T09:00:00.25Z", "2026-11-22T09:00:00.25Z");
        assert!(typed("yesterday", &zone).is_none());
    }

    #[test]
    fn dates_read_the_same_everywhere() {
        assert_eq!(day("1955-03-09"), "09-Mar-1955");
        assert_eq!(day("1955-03"), "Mar-1955");
        assert_eq!(day("1955"), "1955");
        assert_eq!(day("1955-13-01"), "1955-13-01");
    }
}
