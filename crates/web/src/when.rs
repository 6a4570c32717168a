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

/// An instant with the zone it is said in, for the moments that a page as a whole is about: `22-Nov-2026 08:52 CST`.
pub(crate) fn zoned(at: Timestamp, zone: &TimeZone) -> Markup {
    html! { time datetime=(at) { (words(at, zone)) " " (abbreviation(at, zone)) } }
}

/// What the zone is called at that instant: `CST`, or its offset where it has no name.
pub(crate) fn abbreviation(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Z").to_string()
}

/// The time of day of an instant of today, and the date with it of any other: where a full date each time would hide what matters.
pub(crate) fn clock(at: Timestamp, now: Timestamp, zone: &TimeZone) -> Markup {
    let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
    let text = words(at, zone);
    let short = match text.rsplit_once(' ') {
        Some((_, time)) if day(at) == day(now) => time,
        Some(_) | None => text.as_str(),
    };
    html! { time datetime=(at) { (short) } }
}

/// As [`clock`], with its age.
pub(crate) fn near(at: Timestamp, now: Timestamp, zone: &TimeZone) -> Markup {
    html! { (clock(at, now, zone)) " (" (age_words(at, now)) ")" }
}

/// An instant as text, where no element can stand.
pub(crate) fn plain_text(at: Timestamp, zone: &TimeZone) -> String {
    words(at, zone)
}

/// How long until `due`, for somebody who has to act by then: `in 12 min`, or `8 min overdue`.
pub(crate) fn remaining(due: Timestamp, now: Timestamp) -> String {
    let seconds = due.as_second() - now.as_second();
    match seconds {
        i64::MIN..=-60 => format!("{} overdue", length(-seconds)),
        -59..=59 => String::from("now"),
        60.. => format!("in {}", length(seconds)),
    }
}

/// A length of time, rounded down: `45 s`, `12 min`, `1 h 5 min`, `3 days`.
pub(crate) fn length(seconds: i64) -> String {
    match seconds {
        i64::MIN..=59 => format!("{} s", seconds.max(0)),
        60..=3_599 => format!("{} min", seconds / 60),
        3_600..=35_999 if seconds % 3_600 >= 60 => {
            format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60)
        }
        3_600..=172_799 => format!("{} h", seconds / 3_600),
        172_800.. => format!("{} days", seconds / 86_400),
    }
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
    fn a_deadline_is_said_as_what_is_left_of_it_or_as_how_much_it_is_overdue() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let check = |due: &str, expected: &str| {
            assert_eq!(remaining(due.parse().unwrap(), now), expected, "{due}")
        };
        check("2026-11-22T12:12:59Z", "in 12 min");
        check("2026-11-22T12:00:30Z", "now");
        check("2026-11-22T11:59:30Z", "now");
        check("2026-11-22T11:52:00Z", "8 min overdue");
        check("2026-11-22T13:05:00Z", "in 1 h 5 min");
        check("2026-11-22T14:00:10Z", "in 2 h");
        check("2026-11-23T12:00:00Z", "in 24 h");
        check("2026-11-19T12:00:00Z", "3 days overdue");
    }

    #[test]
    fn only_the_date_of_today_goes_without_saying() {
        let zone = TimeZone::get("America/Chicago").unwrap();
        let now: Timestamp = "2026-11-22T06:30:00Z".parse().unwrap();
        let check = |at: &str, expected: &str| {
            let text = clock(at.parse().unwrap(), now, &zone).into_string();
            assert!(text.contains(&format!(">{expected}<")), "{text}");
        };
        // Half past midnight at the site.
        check("2026-11-22T06:10:00Z", "00:10");
        check("2026-11-22T05:50:00Z", "21-Nov-2026 23:50");
    }

    #[test]
    fn dates_read_the_same_everywhere() {
        assert_eq!(day("1955-03-09"), "09-Mar-1955");
        assert_eq!(day("1955-03"), "Mar-1955");
        assert_eq!(day("1955"), "1955");
        assert_eq!(day("1955-13-01"), "1955-13-01");
    }
}
