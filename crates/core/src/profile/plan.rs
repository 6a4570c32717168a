//! From a profile to the queries about one patient. What the server would refuse is not sent.

use bedside_fact::clock::Timestamp;
use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::shape::{Crawl, DateForm, Pace, Profile};

/// One query about one patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Resource type.
    pub resource_type: String,
    /// Category within the type, empty for all of it.
    pub category: String,
    /// The parameters, in order. Patient data.
    pub parameters: Vec<(String, String)>,
    /// First instant of the window asked for, microseconds since 1970; none for all there is.
    pub window_lo: Option<i64>,
    /// Names of parameters, without what is in them: two queries with one basis asked for the same.
    pub basis: String,
    /// Whether the profile's rules let it be sent.
    pub allowed: bool,
}

/// The queries of one pace about the patient with this id at the source. A question of which `answered` does not say that it was answered
/// before, by type and category, is asked without a window: what was long ago is history, and without it nobody could say *none*.
#[must_use]
pub fn plan(
    profile: &Profile,
    pace: Pace,
    patient: &str,
    now: Timestamp,
    answered: &dyn Fn(&str, &str) -> bool,
) -> Vec<Planned> {
    profile
        .crawl
        .iter()
        .filter(|crawl| crawl.pace == pace)
        .map(|crawl| {
            let again = answered(&crawl.resource_type, &crawl.category);
            planned(profile, crawl, patient, now, again)
        })
        .collect()
}

fn planned(
    profile: &Profile,
    crawl: &Crawl,
    patient: &str,
    now: Timestamp,
    again: bool,
) -> Planned {
    let mut parameters = Vec::new();
    let mut window_lo = None;
    let search = profile.search.get(&crawl.resource_type);
    // The patient itself is read by its id; nothing is searched.
    if crawl.resource_type != "Patient" {
        parameters.push((String::from("patient"), patient.to_owned()));
        if !crawl.category.is_empty() {
            parameters.push((String::from("category"), crawl.category.clone()));
        }
        let date = search.and_then(|search| search.date.as_ref());
        if let (true, Some(days), Some(date)) = (again, crawl.days, date) {
            let from = now
                .saturating_sub(SignedDuration::from_hours(days.saturating_mul(24)))
                .unwrap_or(now);
            let text = match date.form {
                DateForm::Day => from.to_zoned(TimeZone::UTC).date().to_string(),
                DateForm::Instant => from
                    .to_zoned(TimeZone::UTC)
                    .strftime("%Y-%m-%dT%H:%M:%SZ")
                    .to_string(),
            };
            parameters.push((date.parameter.clone(), format!("ge{text}")));
            window_lo = Some(from.as_microsecond());
        }
        let own = crawl.parameters.iter();
        let of_type = search.into_iter().flat_map(|search| &search.parameters);
        for (name, value) in own.chain(of_type).chain(&profile.request.parameters) {
            if !parameters.iter().any(|(known, _)| known == name) {
                parameters.push((name.clone(), value.clone()));
            }
        }
        if let Some(count) = search.and_then(|search| search.count) {
            parameters.push((String::from("_count"), count.to_string()));
        }
    }
    let has = |name: &String| parameters.iter().any(|(known, _)| known == name);
    let allowed = search.is_none_or(|search| {
        let required = &search.required;
        (required.is_empty() || required.iter().any(|set| set.iter().all(has)))
            && !search.exclusive.iter().any(|set| set.iter().all(has))
    });
    let basis = parameters
        .iter()
        .map(|(name, value)| match name.as_str() {
            // Whose it is and from which day on is in the row already.
            "patient" => name.clone(),
            _ if window_lo.is_some() && value.starts_with("ge") => name.clone(),
            _ => format!("{name}={value}"),
        })
        .collect::<Vec<_>>()
        .join("&");
    Planned {
        resource_type: crawl.resource_type.clone(),
        category: crawl.category.clone(),
        parameters,
        window_lo,
        basis,
        allowed: allowed || crawl.resource_type == "Patient",
    }
}

#[cfg(test)]
mod tests {
    use super::super::layer::{Layer, shipped};
    use super::*;

    fn now() -> Timestamp {
        "2026-03-01T08:00:00Z".parse().unwrap()
    }

    fn all(vendor: &str) -> Vec<Planned> {
        let profile = shipped(vendor, None).unwrap();
        let mut all = plan(&profile, Pace::Labs, "e.1", now(), &|_, _| true);
        all.extend(plan(&profile, Pace::Rest, "e.1", now(), &|_, _| true));
        all
    }

    #[test]
    fn every_shipped_query_has_what_its_own_vendor_demands() {
        for vendor in ["generic", "epic", "oracle", "athena"] {
            for planned in all(vendor) {
                assert!(planned.allowed, "{vendor} {planned:?}");
            }
        }
        let has = |planned: &Planned, name: &str| {
            planned.parameters.iter().any(|(known, _)| known == name)
        };
        assert!(
            all("epic")
                .iter()
                .filter(|planned| matches!(
                    planned.resource_type.as_str(),
                    "Observation" | "Condition"
                ))
                .all(|planned| has(planned, "category"))
        );
        assert!(
            all("athena")
                .iter()
                .filter(|planned| planned.resource_type == "MedicationRequest")
                .all(|planned| has(planned, "intent"))
        );
    }

    #[test]
    fn a_query_that_the_server_would_refuse_is_not_sent() {
        let site = Layer {
            file: "site.toml",
            text: "[[crawl]]\ntype = 'Observation'\n",
        };
        let profile = shipped("epic", Some(site)).unwrap();
        let planned = plan(&profile, Pace::Rest, "e.1", now(), &|_, _| true);
        assert_eq!(planned.len(), 1);
        assert!(!planned[0].allowed);
    }

    #[test]
    fn the_basis_names_what_was_asked_and_nobody() {
        for planned in all("oracle") {
            assert!(!planned.basis.contains("e.1"), "{}", planned.basis);
        }
    }
}
