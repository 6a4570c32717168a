//! Results: times, corrections, withdrawals, two routes.

use bedside_fact::state::State;
use serde_json::json;

use super::fixture::{Ward, amount, only, potassium};

#[test]
fn p07_a_result_carries_value_unit_source_times_and_age() {
    let mut ward = Ward::new();
    ward.add(
        "LAB",
        potassium(
            "o1",
            json!({
                "valueQuantity": amount("5.10"),
                "interpretation": [{"coding": [{"code": "H"}]}],
                "referenceRange": [{"low": {"value": 3.5}, "high": {"value": 5.0}}],
            }),
        ),
    );
    let section = ward.chart().facts.labs;
    let item = only(&section);
    assert_eq!(item.code, "http://loinc.org|2823-3");
    assert_eq!(
        (item.value.as_deref(), item.unit.as_deref()),
        (Some("5.10"), Some("mmol/L"))
    );
    assert_eq!(
        (item.abnormal.as_deref(), item.range.as_deref()),
        (Some("H"), Some("3.5–5.0"))
    );
    assert_eq!(
        (item.source.as_str(), item.age.as_str()),
        ("LAB", "60 min ago")
    );
    assert_eq!(item.taken_at.as_deref(), Some("2026-11-22T08:00:00Z"));
    assert_eq!(item.received_at.to_string(), "2026-11-22T08:55:00Z");
    assert_eq!(
        item.recorded_at.unwrap().to_string(),
        "2026-11-22T08:10:00Z"
    );
    assert_eq!(item.state, State::Present);
}

#[test]
fn p07_an_old_result_that_arrived_just_now_is_old() {
    let mut ward = Ward::new();
    ward.add(
        "LAB",
        potassium("o1", json!({"effectiveDateTime": "2026-11-15T08:00:00Z"})),
    );
    let section = ward.chart().facts.labs;
    assert_eq!(
        (only(&section).state, section.state),
        (State::Stale, State::Stale)
    );
    assert_eq!(only(&section).age, "7 days ago");
}

#[test]
fn p07_ages_on_a_reopened_page_are_the_ages_of_that_moment() {
    let mut ward = Ward::new();
    ward.add("LAB", potassium("o1", json!({})));
    let then = super::fixture::at("2026-11-22T08:30:00Z");
    let now = super::fixture::at("2027-11-22T09:00:00Z");
    let chart = super::super::build(&ward.0, Some(then), now, &jiff::tz::TimeZone::UTC);
    assert_eq!(only(&chart.facts.labs).age, "30 min ago");
    assert_eq!(only(&chart.facts.labs).state, State::Present);
}

#[test]
fn p06_a_result_from_the_future_is_unknown_and_does_not_hide_the_present_one() {
    let mut ward = Ward::new();
    ward.add("LAB", potassium("o1", json!({})));
    ward.add(
        "LAB",
        potassium(
            "o2",
            json!({"effectiveDateTime": "2027-01-01T00:00:00Z", "valueQuantity": amount("3.0")}),
        ),
    );
    let section = ward.chart().facts.labs;
    assert_eq!(section.items.len(), 2);
    assert_eq!(section.items[0].value.as_deref(), Some("5.1"));
    let future = section
        .items
        .iter()
        .find(|item| item.value.as_deref() == Some("3.0"))
        .unwrap();
    assert_eq!(
        (future.state, future.age.as_str()),
        (State::Unknown, "in the future")
    );
    let present = section
        .items
        .iter()
        .find(|item| item.value.as_deref() == Some("5.1"))
        .unwrap();
    assert_eq!(present.state, State::Present);
}

#[test]
fn p06_a_result_whose_unit_cannot_be_read_is_unknown_and_is_shown_as_it_was_sent() {
    let mut ward = Ward::new();
    ward.add(
        "LAB",
        potassium(
            "o1",
            json!({"valueQuantity": {"value": 6.7, "unit": "wat"}}),
        ),
    );
    let section = ward.chart().facts.labs;
    let item = only(&section);
    assert_eq!(
        (item.state, item.why.as_deref()),
        (State::Unknown, Some("its unit can't be read"))
    );
    assert_eq!(
        (item.value.as_deref(), item.unit.as_deref()),
        (Some("6.7"), Some("wat"))
    );
    assert_eq!(section.says, "unknown (not readable)");
}

#[test]
fn one_amount_in_two_units_is_one_result() {
    let mut ward = Ward::new();
    ward.add("LAB", potassium("o1", json!({})));
    ward.add(
        "EPIC",
        potassium(
            "o2",
            json!({"valueQuantity": {"value": 5.1, "unit": "mEq/L"}}),
        ),
    );
    let section = ward.chart().facts.labs;
    assert_eq!(only(&section).state, State::Present);
    assert_eq!(only(&section).source, "EPIC, LAB");
}

#[test]
fn p06_a_result_without_a_time_is_unconfirmed_and_apart() {
    let mut ward = Ward::new();
    ward.add("LAB", potassium("o1", json!({})));
    ward.add(
        "LAB",
        potassium(
            "o2",
            json!({"effectiveDateTime": null, "valueQuantity": amount("9.9")}),
        ),
    );
    let section = ward.chart().facts.labs;
    let untimed = section
        .items
        .iter()
        .find(|item| item.value.as_deref() == Some("9.9"))
        .unwrap();
    assert_eq!(
        (untimed.state, untimed.age.as_str()),
        (State::Unverified, "time not stated")
    );
    assert_eq!(section.items.len(), 2);
}

#[test]
fn p07_a_date_without_an_hour_gets_no_age_in_hours() {
    let mut ward = Ward::new();
    ward.add(
        "LAB",
        potassium("o1", json!({"effectiveDateTime": "2026-11-21"})),
    );
    assert_eq!(only(&ward.chart().facts.labs).age, "yesterday");
}

#[test]
fn p06_a_preliminary_result_is_unconfirmed() {
    let mut ward = Ward::new();
    ward.add("LAB", potassium("o1", json!({"status": "preliminary"})));
    assert_eq!(only(&ward.chart().facts.labs).state, State::Unverified);
}

#[test]
fn p06_a_result_without_a_value_is_unknown_and_says_why_and_what_was_last() {
    let mut ward = Ward::new();
    ward.add(
        "LAB",
        potassium("o1", json!({"effectiveDateTime": "2026-11-22T06:00:00Z"})),
    );
    ward.add(
        "LAB",
        potassium(
            "o2",
            json!({"valueQuantity": null, "dataAbsentReason": {"text": "specimen haemolysed"}}),
        ),
    );
    let section = ward.chart().facts.labs;
    let item = only(&section);
    assert_eq!((item.state, item.value.as_deref()), (State::Unknown, None));
    assert_eq!(item.why.as_deref(), Some("no value: specimen haemolysed"));
    assert_eq!(
        item.detail.as_deref(),
        Some("last value 5.1 mmol/L, 22-Nov-2026 06:00")
    );
}

#[test]
fn p06_a_withdrawn_result_is_listed_without_its_value_and_the_one_before_stands_again() {
    let mut ward = Ward::new();
    ward.add(
        "LAB",
        potassium(
            "o1",
            json!({"effectiveDateTime": "2026-11-22T06:00:00Z", "valueQuantity": amount("4.2")}),
        ),
    );
    ward.add(
        "LAB",
        potassium(
            "o2",
            json!({"status": "entered-in-error", "valueQuantity": amount("7.7")}),
        ),
    );
    let chart = ward.chart();
    assert_eq!(only(&chart.facts.labs).value.as_deref(), Some("4.2"));
    let gone = &chart.facts.labs.withdrawn[0];
    assert_eq!(
        gone.words,
        "entered in error, said LAB 22-Nov-2026 08:10; it was dated 22-Nov-2026 08:00"
    );
    assert!(!super::super::json(&chart).to_string().contains("7.7"));
    assert!(!super::super::summary(&chart).contains("7.7"));
}

#[test]
fn one_result_by_two_routes_is_one_item_with_both_sources() {
    let mut ward = Ward::new();
    ward.add(
        "FEED",
        potassium("o1", json!({"valueQuantity": amount("5.10")})),
    );
    ward.add(
        "API",
        potassium(
            "o2",
            json!({"identifier": [], "effectiveDateTime": "2026-11-22T09:00:30+01:00"}),
        ),
    );
    let section = ward.chart().facts.labs;
    assert_eq!(only(&section).source, "API, FEED");
    assert_eq!(only(&section).state, State::Present);
    assert_eq!(only(&section).trend.len(), 1);
}

#[test]
fn p06_two_routes_that_disagree_are_a_conflict_and_both_values_are_shown() {
    let mut ward = Ward::new();
    ward.add("FEED", potassium("o1", json!({})));
    ward.add(
        "API",
        potassium("o2", json!({"valueQuantity": amount("6.3")})),
    );
    let section = ward.chart().facts.labs;
    let item = only(&section);
    assert_eq!(
        (item.state, section.state),
        (State::Conflict, State::Conflict)
    );
    assert_eq!(item.value.as_deref(), Some("6.3 mmol/L or 5.1 mmol/L"));
    assert!(item.trend.is_empty());
}

#[test]
fn p06_equal_numbers_in_different_units_are_a_conflict() {
    let mut ward = Ward::new();
    ward.add("FEED", potassium("o1", json!({})));
    ward.add(
        "API",
        potassium(
            "o2",
            json!({"valueQuantity": {"value": 5.1, "unit": "mg/dL"}}),
        ),
    );
    assert_eq!(only(&ward.chart().facts.labs).state, State::Conflict);
}

#[test]
fn a_correction_wins_over_the_final_result_of_the_other_route_and_tells_what_was() {
    let mut ward = Ward::new();
    ward.add(
        "API",
        potassium(
            "o1",
            json!({"status": "corrected", "valueQuantity": amount("4.1")}),
        ),
    );
    ward.add("FEED", potassium("o2", json!({})));
    let section = ward.chart().facts.labs;
    let item = only(&section);
    assert_eq!(
        (item.state, item.value.as_deref()),
        (State::Present, Some("4.1"))
    );
    assert_eq!(
        item.corrected.as_deref(),
        Some("was 5.1 mmol/L (final, FEED)")
    );
}

#[test]
fn a_withdrawal_by_one_route_withdraws_the_same_result_of_the_other() {
    let mut ward = Ward::new();
    ward.add("FEED", potassium("o1", json!({})));
    ward.add(
        "API",
        potassium(
            "o2",
            json!({"status": "entered-in-error", "valueQuantity": null}),
        ),
    );
    let section = ward.chart().facts.labs;
    assert!(section.items.is_empty());
    assert_eq!(
        (section.state, section.withdrawn.len()),
        (State::Unknown, 1)
    );
}

#[test]
fn a_filler_number_that_was_given_out_again_joins_nothing() {
    let mut ward = Ward::new();
    ward.add("FEED", potassium("o1", json!({})));
    ward.add(
        "API",
        potassium(
            "o2",
            json!({"effectiveDateTime": "2026-11-22T07:00:00Z", "valueQuantity": amount("4.0")}),
        ),
    );
    let section = ward.chart().facts.labs;
    assert_eq!(only(&section).trend.len(), 2);
    assert_eq!(only(&section).state, State::Present);
}

#[test]
fn two_specimens_of_one_minute_at_one_source_stay_two() {
    let mut ward = Ward::new();
    ward.add(
        "LAB",
        potassium("o1", json!({"identifier": [{"value": "A"}]})),
    );
    ward.add(
        "LAB",
        potassium(
            "o2",
            json!({"identifier": [{"value": "B"}], "valueQuantity": amount("5.3")}),
        ),
    );
    assert_eq!(only(&ward.chart().facts.labs).trend.len(), 2);
}

#[test]
fn a_trend_is_twenty_points_oldest_first_in_one_unit() {
    let mut ward = Ward::new();
    for n in 0..25 {
        let time = format!("2026-11-21T{:02}:00:00Z", n % 24);
        let day = if n < 24 {
            time
        } else {
            String::from("2026-11-22T00:00:00Z")
        };
        ward.add(
            "LAB",
            potassium(
                &format!("o{n}"),
                json!({"effectiveDateTime": day, "valueQuantity": amount(&format!("{n}.5"))}),
            ),
        );
    }
    ward.add("LAB", potassium("ox", json!({"effectiveDateTime": "2026-11-20T00:00:00Z", "valueQuantity": {"value": 20, "unit": "mg/dL"}})));
    let section = ward.chart().facts.labs;
    let item = only(&section);
    assert_eq!(item.value.as_deref(), Some("24.5"));
    assert_eq!(item.trend.len(), 20);
    assert_eq!(item.trend[19].text, "24.5 mmol/L");
    assert!(item.trend.is_sorted_by_key(|point| point.at));
    assert_eq!(
        item.detail.as_deref(),
        Some("1 earlier in another unit, not in the trend")
    );
}

#[test]
fn a_blood_pressure_is_one_row_with_both_figures() {
    let component = |code: &str, value: i32| {
        json!({
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "valueQuantity": {"value": value, "unit": "mm[Hg]"},
        })
    };
    let mut ward = Ward::new();
    ward.add("WARD", json!({
        "resourceType": "Observation", "id": "bp", "status": "final", "effectiveDateTime": "2026-11-22T08:00:00Z",
        "code": {"text": "Blood pressure", "coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        "component": [component("8480-6", 124), component("8462-4", 81)],
    }));
    let facts = ward.chart().facts;
    assert!(facts.labs.items.is_empty());
    let item = only(&facts.vitals);
    assert_eq!(
        (item.value.as_deref(), item.unit.as_deref()),
        (Some("124/81"), Some("mm[Hg]"))
    );
    assert_eq!(item.state, State::Present);
    assert!((item.trend[0].value - 124.0).abs() < f64::EPSILON);
}

#[test]
fn p06_a_number_that_is_none_is_shown_and_not_believed() {
    let mut ward = Ward::new();
    ward.add(
        "LAB",
        potassium(
            "o1",
            json!({"valueQuantity": {"value": "5,1", "unit": "mmol/L"}}),
        ),
    );
    let section = ward.chart().facts.labs;
    assert_eq!(only(&section).state, State::Unverified);
    assert!(only(&section).trend.is_empty());
}

#[test]
fn p06_a_modifier_that_is_not_understood_makes_a_value_unconfirmed() {
    let mut ward = Ward::new();
    ward.add(
        "LAB",
        potassium(
            "o1",
            json!({"modifierExtension": [{"url": "urn:x", "valueBoolean": true}]}),
        ),
    );
    assert_eq!(only(&ward.chart().facts.labs).state, State::Unverified);
}

#[test]
fn a_limit_keeps_its_sign() {
    let mut ward = Ward::new();
    ward.add(
        "LAB",
        potassium(
            "o1",
            json!({"valueQuantity": {"value": 0.01, "comparator": "<", "unit": "ug/L"}}),
        ),
    );
    let section = ward.chart().facts.labs;
    assert_eq!(only(&section).comparator.as_deref(), Some("<"));
    assert_eq!(only(&section).trend[0].text, "<0.01 ug/L");
}
