//! Writes HL7 v2 segments: fields by number, escapes, times.
//!
//! This is the simulator's own writer, made from HL7 v2.5.1 §2.5 to §2.7 and §2.A; it knows nothing of how the
//! gateway reads. `messages` puts whole messages together with it.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// One segment under construction; fields are set by their number in the standard.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    /// What stands at position 0 is the segment id.
    fields: Vec<String>,
    /// MSH-1 is the field separator itself, so every later MSH field stands one position earlier.
    shift: usize,
}

impl Segment {
    pub(crate) fn new(id: &str) -> Self {
        Self {
            fields: vec![id.to_owned()],
            shift: 0,
        }
    }

    /// The header with the recommended delimiters (HL7 v2.5.1 §2.5.4).
    pub(crate) fn msh() -> Self {
        Self {
            fields: vec!["MSH".to_owned(), "^~\\&".to_owned()],
            shift: 1,
        }
    }

    /// Sets a field to HL7 text that is already encoded.
    pub(crate) fn raw(mut self, number: usize, encoded: impl Into<String>) -> Self {
        let at = number.saturating_sub(self.shift);
        if self.fields.len() <= at {
            self.fields.resize(at.saturating_add(1), String::new());
        }
        self.fields[at] = encoded.into();
        self
    }

    /// Sets a field to plain text, escaping what needs it.
    pub(crate) fn text(self, number: usize, plain: &str) -> Self {
        self.raw(number, escape(plain))
    }

    /// Sets a field of several components, each plain text.
    pub(crate) fn components(self, number: usize, parts: &[&str]) -> Self {
        self.raw(number, composite(parts))
    }

    /// Appends the segment and its CR to a message.
    pub(crate) fn write(&self, message: &mut String) {
        let used = self
            .fields
            .iter()
            .rposition(|f| !f.is_empty())
            .map_or(0, |last| last.saturating_add(1));
        for (position, field) in self.fields.iter().take(used).enumerate() {
            if position > 0 {
                message.push('|');
            }
            message.push_str(field);
        }
        message.push('\r');
    }
}

/// Plain text with the delimiters as escape sequences (HL7 v2.5.1 §2.7.1).
pub(crate) fn escape(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len());
    for c in plain.chars() {
        match c {
            '|' => out.push_str("\\F\\"),
            '^' => out.push_str("\\S\\"),
            '~' => out.push_str("\\R\\"),
            '\\' => out.push_str("\\E\\"),
            '&' => out.push_str("\\T\\"),
            '\r' | '\n' => out.push_str("\\.br\\"),
            other => out.push(other),
        }
    }
    out
}

/// Components joined with `^`, without empty ones at the end.
pub(crate) fn composite(parts: &[&str]) -> String {
    let joined = parts
        .iter()
        .map(|part| escape(part))
        .collect::<Vec<_>>()
        .join("^");
    joined.trim_end_matches('^').to_owned()
}

/// To the second with the offset: `20261122083000-0600`.
pub(crate) fn second(at: Timestamp, zone: &TimeZone) -> String {
    format(at, zone, "%Y%m%d%H%M%S%z")
}

/// To the minute with the offset.
pub(crate) fn minute(at: Timestamp, zone: &TimeZone) -> String {
    format(at, zone, "%Y%m%d%H%M%z")
}

/// To the minute without an offset, as many laboratory systems send it.
pub(crate) fn minute_bare(at: Timestamp, zone: &TimeZone) -> String {
    format(at, zone, "%Y%m%d%H%M")
}

/// A calendar day.
pub(crate) fn day(date: Date) -> String {
    date.strftime("%Y%m%d").to_string()
}

fn format(at: Timestamp, zone: &TimeZone, pattern: &str) -> String {
    at.to_zoned(zone.clone()).strftime(pattern).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_at_their_numbers_and_empty_ones_at_the_end_are_left_out() {
        let mut out = String::new();
        Segment::msh()
            .raw(10, "X1")
            .raw(12, "2.5.1")
            .raw(14, "")
            .write(&mut out);
        Segment::new("PID")
            .raw(1, "1")
            .components(5, &["O'Brien & Sons", "A^B", ""])
            .write(&mut out);
        assert_eq!(
            out,
            "MSH|^~\\&||||||||X1||2.5.1\rPID|1||||O'Brien \\T\\ Sons^A\\S\\B\r"
        );
    }

    #[test]
    fn times_carry_the_offset_of_their_zone() {
        let at: Timestamp = "2026-11-22T14:30:00Z".parse().unwrap();
        let zone = TimeZone::get("America/Chicago").unwrap();
        assert_eq!(second(at, &zone), "20261122083000-0600");
        assert_eq!(minute(at, &zone), "202611220830-0600");
        assert_eq!(minute_bare(at, &zone), "202611220830");
    }
}
