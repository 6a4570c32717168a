//! Who a patient is, in one line of a list: what the chart says of them, put into the words of the lists.

use bedside_core::chart;
use bedside_fact::clock::Timestamp;
use jiff::tz::TimeZone;

use crate::when;

/// What tells one person from another at a glance.
#[derive(Default)]
pub(crate) struct PersonLine {
    /// `FAMILY, Given Middle Jr`, or words that say that there is none.
    pub(crate) name: String,
    /// `09-Mar-1955 (71 y)`, or words.
    pub(crate) born: String,
    /// In words.
    pub(crate) sex: String,
    /// Label and number.
    pub(crate) identifiers: Vec<(String, String)>,
    /// Telephone numbers and addresses, for comparing.
    pub(crate) phones: Vec<String>,
    /// Addresses on one line each.
    pub(crate) addresses: Vec<String>,
}

impl PersonLine {
    /// Reads a Patient resource.
    pub(crate) fn read(body: &str, now: Timestamp, zone: &TimeZone) -> Self {
        let who = chart::who(body, now, zone);
        let born = match (&who.birth_date, &who.age) {
            (Some(date), Some(age)) => format!("{} ({age})", when::day(date)),
            (Some(date), None) => when::day(date),
            (None, _) => String::from("not known"),
        };
        let label = |label: String, authority: &str| {
            if authority.is_empty() || label == "SSN" {
                label
            } else {
                // The prefix only makes a URI of an HL7 v2 authority's name.
                let name = authority.strip_prefix("urn:id:").unwrap_or(authority);
                format!("{label} {name}")
            }
        };
        Self {
            name: if who.name.is_empty() {
                String::from("Name not known")
            } else {
                who.name
            },
            born,
            sex: who.gender.unwrap_or_else(|| String::from("not known")),
            identifiers: who
                .identifiers
                .into_iter()
                .map(|number| (label(number.label, &number.authority), number.value))
                .collect(),
            phones: who.phones,
            addresses: who.addresses,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> PersonLine {
        PersonLine::read(
            body,
            "2026-11-22T12:00:00Z".parse().unwrap(),
            &TimeZone::UTC,
        )
    }

    #[test]
    fn the_official_name_comes_first_and_the_family_name_in_capitals() {
        let line = read(
            r#"{"name":[{"use":"maiden","family":"Old"},{"use":"official","family":"Okonkwo","given":["Ada","B"],"suffix":["Jr"]}],
               "birthDate":"1955-03-09","gender":"female",
               "identifier":[{"type":{"coding":[{"code":"MR"}]},"value":"100200"}]}"#,
        );
        assert_eq!(line.name, "OKONKWO, Ada B Jr");
        assert_eq!(line.born, "09-Mar-1955 (71 y)");
        assert_eq!(
            line.identifiers,
            [(String::from("MRN"), String::from("100200"))]
        );
    }

    #[test]
    fn what_is_missing_is_said_in_words() {
        for body in ["{}", "not json", r#"{"name":[{}],"birthDate":""}"#] {
            let line = read(body);
            assert_eq!(
                (line.name.as_str(), line.born.as_str()),
                ("Name not known", "not known"),
                "{body}"
            );
        }
    }
}
