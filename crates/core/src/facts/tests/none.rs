//! Unknown is never none.

use bedside_fact::known::{Gap, Need};
use bedside_fact::state::State;
use jiff::tz::TimeZone;
use serde_json::json;

use super::{all, bound, need};
use crate::chart::tests::fixture::{NOW, Ward, at, potassium};
use crate::completeness::Coverage;
use crate::facts::{Catalogue, bind};

fn hours_ago(hours: i64) -> i64 {
    at(NOW).as_microsecond() - hours * 3_600_000_000
}

#[test]
fn p06_an_empty_a_refused_and_a_failed_search_for_a_result_are_three_things() {
    let cases = [
        (
            Coverage::Complete,
            State::None,
            Gap::Empty,
            "WARD was asked and had none",
        ),
        (
            Coverage::Denied,
            State::Unknown,
            Gap::Refused,
            "WARD refused to answer",
        ),
        (
            Coverage::Failed,
            State::Unknown,
            Gap::Failed,
            "WARD did not answer",
        ),
        (
            Coverage::Truncated,
            State::Unknown,
            Gap::Truncated,
            "WARD gave only a part",
        ),
        (
            Coverage::Unlicensed,
            State::Unknown,
            Gap::Unlicensed,
            "WARD is not licensed",
        ),
        (
            Coverage::NeverAsked,
            State::Unknown,
            Gap::NeverAsked,
            "WARD was not asked",
        ),
    ];
    for (coverage, state, gap, why) in cases {
        let mut ward = Ward::new();
        ward.asked("WARD", "Observation", coverage);
        let fact = bound(&ward, &need("potassium"));
        assert_eq!((fact.state, fact.gap), (state, Some(gap)), "{coverage:?}");
        assert!(fact.why.starts_with(why), "{}", fact.why);
        assert!(fact.data.is_empty());
        let section = ward.chart().facts.labs;
        let says = match state {
            State::None => String::from("none"),
            State::Unknown
            | State::Present
            | State::Stale
            | State::Conflict
            | State::Unverified => format!("unknown ({})", gap.words()),
        };
        assert_eq!(
            (section.says, section.gap),
            (says, Some(gap)),
            "the page says the same"
        );
    }
}

#[test]
fn p06_an_empty_list_of_allergies_medications_or_problems_is_none_recorded() {
    let lists = [
        ("allergies", "AllergyIntolerance"),
        ("active medications", "MedicationRequest"),
        ("active diagnoses", "Condition"),
        ("on dialysis", "Condition"),
    ];
    for (name, of) in lists {
        let mut ward = Ward::new();
        ward.asked("WARD", of, Coverage::Complete);
        let fact = bound(&ward, &all(name));
        assert_eq!(
            (fact.state, fact.gap),
            (State::Unknown, Some(Gap::NoneRecorded)),
            "{name}"
        );
        assert!(
            fact.why.ends_with("which is not the same as none"),
            "{}",
            fact.why
        );
        ward.asked("WARD", of, Coverage::Denied);
        ward.last_asked().asked_at += 1;
        assert_eq!(bound(&ward, &all(name)).gap, Some(Gap::Refused), "{name}");
    }
    let mut ward = Ward::new();
    for (_, of) in lists {
        ward.asked("WARD", of, Coverage::Complete);
    }
    let facts = ward.chart().facts;
    for section in [facts.allergies, facts.medications, facts.problems] {
        assert_eq!(section.says, "unknown (none recorded)");
    }
}

#[test]
fn p06_nobody_asked_is_unknown_and_so_is_a_fact_that_no_source_supplies() {
    let ward = Ward::new();
    for fact in Catalogue::shipped().facts() {
        let found = bound(&ward, &need(&fact.name));
        assert_eq!(found.state, State::Unknown, "{}", fact.name);
        assert_eq!(found.gap, Some(Gap::NeverAsked), "{}", fact.name);
    }
    let found = bound(&ward, &need("shoe size"));
    assert_eq!(
        (found.state, found.gap),
        (State::Unknown, Some(Gap::NoSource))
    );
}

#[test]
fn p06_an_answer_that_is_older_than_the_need_allows_is_no_none() {
    let mut ward = Ward::new();
    ward.asked("WARD", "Observation", Coverage::Complete);
    ward.last_asked().asked_at = hours_ago(7);
    let fact = bound(&ward, &need("potassium"));
    assert_eq!(
        (fact.state, fact.gap),
        (State::Unknown, Some(Gap::AskedTooLongAgo))
    );
    let patient = Need {
        max_age: Some(8 * 3_600),
        ..need("potassium")
    };
    assert_eq!(bound(&ward, &patient).state, State::None);
}

#[test]
fn p06_a_window_must_cover_what_the_need_looks_back_on() {
    let mut ward = Ward::new();
    ward.asked("WARD", "Observation", Coverage::Complete);
    ward.last_asked().window_lo = Some(hours_ago(5));
    assert_eq!(bound(&ward, &need("potassium")).gap, Some(Gap::Truncated));
    let short = Need {
        max_age: Some(4 * 3_600),
        ..need("potassium")
    };
    assert_eq!(bound(&ward, &short).state, State::None);
    // An earlier complete answer that ends where this one begins closes the hole.
    ward.asked("WARD", "Observation", Coverage::Complete);
    let row = ward.last_asked();
    row.asked_at = hours_ago(5);
    assert_eq!(bound(&ward, &need("potassium")).state, State::None);
    // One that ended before leaves it open.
    ward.last_asked().asked_at = hours_ago(5) - 1;
    assert_eq!(bound(&ward, &need("potassium")).gap, Some(Gap::Truncated));
    // A window that ends before the moment of asking leaves the newest out.
    let mut ward = Ward::new();
    ward.asked("WARD", "Observation", Coverage::Complete);
    ward.last_asked().window_hi = Some(hours_ago(2));
    assert_eq!(bound(&ward, &need("potassium")).gap, Some(Gap::Truncated));
}

#[test]
fn p06_another_category_or_one_users_view_is_no_answer() {
    let mut ward = Ward::new();
    ward.asked("WARD", "Observation", Coverage::Complete);
    ward.last_asked().category = String::from("vital-signs");
    assert_eq!(bound(&ward, &need("potassium")).gap, Some(Gap::NeverAsked));
    assert_eq!(bound(&ward, &need("heart rate")).state, State::None);
    assert_eq!(bound(&ward, &all("vital signs")).state, State::None);
    let row = ward.last_asked();
    row.category = String::from("laboratory");
    assert_eq!(bound(&ward, &need("potassium")).state, State::None);
    ward.last_asked().persona = String::from("dr-a");
    assert_eq!(bound(&ward, &need("potassium")).gap, Some(Gap::Truncated));
}

#[test]
fn p06_one_gap_among_several_sources_forbids_none_and_is_named() {
    let mut ward = Ward::new();
    ward.asked("EPIC", "Observation", Coverage::Complete);
    ward.asked("WARD", "Observation", Coverage::Complete);
    assert_eq!(bound(&ward, &need("potassium")).state, State::None);
    ward.asked("ORACLE", "Observation", Coverage::Denied);
    let fact = bound(&ward, &need("potassium"));
    assert_eq!((fact.state, fact.gap), (State::Unknown, Some(Gap::Refused)));
    assert!(
        fact.why.contains("ORACLE refused to answer (60 min ago)"),
        "{}",
        fact.why
    );
    assert!(
        fact.why.contains("EPIC was asked and had none"),
        "{}",
        fact.why
    );
}

#[test]
fn p06_a_later_refusal_ends_an_earlier_none() {
    let mut ward = Ward::new();
    ward.asked("WARD", "Observation", Coverage::Complete);
    ward.asked("WARD", "Observation", Coverage::Denied);
    // Of the same moment the worse answer counts, whatever order they stand in.
    assert_eq!(bound(&ward, &need("potassium")).gap, Some(Gap::Refused));
    ward.0.completeness.reverse();
    assert_eq!(bound(&ward, &need("potassium")).gap, Some(Gap::Refused));
    ward.asked("WARD", "Observation", Coverage::Complete);
    ward.last_asked().asked_at += 1_000_000;
    assert_eq!(bound(&ward, &need("potassium")).state, State::None);
}

#[test]
fn p06_a_feed_is_as_complete_as_the_source_of_its_system_that_can_be_asked() {
    // WARD has sent the patient and can't be asked; EPIC can, and had none.
    let mut ward = Ward::new();
    ward.asked("EPIC", "Observation", Coverage::Complete);
    let fact = bound(&ward, &need("potassium"));
    assert_eq!(
        (fact.state, fact.gap),
        (State::Unknown, Some(Gap::NeverAsked))
    );
    assert!(fact.why.contains("WARD was not asked"), "{}", fact.why);
    let of = |pairs: [(&str, &str); 2]| {
        let pairs = pairs.map(|(source, system)| (source.to_owned(), system.to_owned()));
        let catalogue = Catalogue::shipped().clone().with_systems(pairs);
        bind(
            &ward.0,
            &catalogue,
            &need("potassium"),
            at(NOW),
            &TimeZone::UTC,
        )
        .state
    };
    assert_eq!(of([("WARD", "north"), ("EPIC", "north")]), State::None);
    assert_eq!(of([("WARD", "north"), ("EPIC", "south")]), State::Unknown);
    // The page goes by the same catalogue.
    let pairs = ["WARD", "EPIC"].map(|source| (source.to_owned(), String::from("north")));
    let catalogue = Catalogue::shipped().clone().with_systems(pairs);
    let chart = crate::chart::build_with(&ward.0, &catalogue, None, at(NOW), &TimeZone::UTC);
    assert_eq!(chart.facts.labs.says, "none");
}

#[test]
fn p06_what_is_stored_and_cannot_be_read_forbids_none() {
    let mut ward = Ward::new();
    ward.asked("WARD", "Observation", Coverage::Complete);
    ward.add_text("WARD", "Observation", "{\"code\": \"2823-3\"");
    let fact = bound(&ward, &need("potassium"));
    assert_eq!(
        (fact.state, fact.gap),
        (State::Unknown, Some(Gap::Unreadable))
    );
    assert_eq!(bound(&ward, &need("sodium")).state, State::None);
}

#[test]
fn p06_what_is_held_back_forbids_none() {
    let mut ward = Ward::new();
    ward.asked("WARD", "Observation", Coverage::Complete);
    ward.0.waiting = 2;
    let fact = bound(&ward, &need("potassium"));
    assert_eq!(
        (fact.state, fact.gap),
        (State::Unknown, Some(Gap::HeldBack))
    );
    assert!(
        fact.why
            .starts_with("2 messages about this patient are held back"),
        "{}",
        fact.why
    );
}

#[test]
fn p06_a_withdrawn_result_alone_is_no_value_and_is_told() {
    let mut ward = Ward::new();
    ward.asked("WARD", "Observation", Coverage::Complete);
    ward.add(
        "WARD",
        potassium("o1", json!({"status": "entered-in-error"})),
    );
    let fact = bound(&ward, &need("potassium"));
    assert_eq!(fact.state, State::None);
    assert!(fact.data.is_empty());
    assert_eq!(fact.withdrawn.len(), 1);
    assert_eq!(fact.withdrawn[0].identity, "potassium|29922240");
}

#[test]
fn p06_a_value_stays_when_another_source_failed_and_the_gap_is_told() {
    let mut ward = Ward::new();
    ward.add("LAB", potassium("o1", json!({})));
    ward.asked("ORACLE", "Observation", Coverage::Failed);
    let fact = bound(&ward, &need("potassium"));
    assert_eq!((fact.state, fact.gap), (State::Present, Some(Gap::Failed)));
    assert_eq!(
        fact.why,
        "from LAB, 60 min ago; there may be more: ORACLE did not answer (60 min ago)"
    );
}

#[test]
fn p06_beside_the_list_of_one_source_that_of_another_is_missing_until_it_was_asked_in_full_and_lately()
 {
    let order = json!({
        "resourceType": "MedicationRequest", "id": "m1", "status": "active", "intent": "order",
        "medicationCodeableConcept": {"text": "metoprolol"}, "authoredOn": "2026-11-20",
    });
    let with_epic = || {
        let mut ward = Ward::new();
        ward.add("EPIC", order.clone());
        ward.asked("EPIC", "MedicationRequest", Coverage::Complete);
        ward
    };
    let gap = |ward: &Ward| {
        let fact = bound(ward, &all("active medications"));
        assert_eq!(fact.state, State::Present, "{}", fact.why);
        assert_eq!(
            fact.gap.is_some(),
            fact.why.contains("there may be more"),
            "{}",
            fact.why
        );
        fact.gap
    };
    // WARD has sent the patient and can't be asked: it misses nothing.
    assert_eq!(gap(&with_epic()), None);
    // ORACLE was asked about this person, and never for medications.
    let mut ward = with_epic();
    ward.asked("ORACLE", "Patient", Coverage::Complete);
    assert_eq!(gap(&ward), Some(Gap::NeverAsked));
    // For those that were reported only, which is not where orders are.
    ward.asked("ORACLE", "MedicationStatement", Coverage::Complete);
    assert_eq!(gap(&ward), Some(Gap::NeverAsked));
    // For orders too, but three days ago.
    ward.asked("ORACLE", "MedicationRequest", Coverage::Complete);
    ward.last_asked().asked_at = hours_ago(72);
    assert_eq!(gap(&ward), Some(Gap::AskedTooLongAgo));
    ward.asked("ORACLE", "MedicationRequest", Coverage::Complete);
    assert_eq!(gap(&ward), None);
}
