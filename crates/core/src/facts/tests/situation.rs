//! Where the patient is and who answers for them.

use bedside_fact::known::Situation;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::chart::tests::fixture::{NOW, Ward, at, lay, potassium};
use crate::completeness::Coverage;
use crate::facts::situation;

fn of(ward: &Ward) -> Situation {
    situation(&ward.0, at(NOW), &TimeZone::UTC)
}

fn visit(id: &str, class: &str, change: Value) -> Value {
    let who = |kind: &str, name: &str| json!({"type": [{"coding": [{"code": kind}]}], "individual": {"display": name}});
    let mut body = json!({
        "resourceType": "Encounter", "id": id, "status": "in-progress", "class": {"code": class},
        "period": {"start": "2026-11-20T10:00:00Z"},
        "participant": [who("ADM", "Ada Admit"), who("ATND", "Ansel Attend")],
        "location": [{"location": {"display": "5 West, 512-A"}, "status": "active"}],
    });
    lay(&mut body, change);
    body
}

#[test]
fn p06_where_nobody_spoke_of_a_visit_nothing_is_known() {
    let mut ward = Ward::new();
    assert_eq!(of(&ward).inpatient, None);
    ward.asked("WARD", "Encounter", Coverage::Failed);
    assert_eq!(of(&ward).inpatient, None);
    ward.last_asked().coverage = Coverage::Complete;
    assert_eq!(of(&ward).inpatient, Some(false));
}

#[test]
fn an_open_stay_in_hospital_counts_before_an_open_visit_to_a_clinic() {
    let mut ward = Ward::new();
    ward.add(
        "EPIC",
        visit(
            "a",
            "AMB",
            json!({"period": {"start": "2026-11-22T08:00:00Z"}}),
        ),
    );
    assert_eq!(of(&ward).inpatient, Some(false));
    ward.add("WARD", visit("i", "IMP", json!({})));
    let found = of(&ward);
    assert_eq!(found.inpatient, Some(true));
    assert_eq!(found.place.as_deref(), Some("5 West, 512-A"));
    let people: Vec<(&str, &str)> = found
        .people
        .iter()
        .map(|(role, name)| (role.as_str(), name.as_str()))
        .collect();
    assert_eq!(
        people,
        [
            ("responsible clinician", "Ansel Attend"),
            ("admitting clinician", "Ada Admit")
        ]
    );
    assert_eq!((found.adult, found.died), (Some(true), None));
}

#[test]
fn p06_a_class_that_nobody_can_read_is_neither_in_hospital_nor_out_of_it() {
    let of_class = |class: Value| {
        let mut ward = Ward::new();
        ward.add("EPIC", visit("i", "", json!({"class": class})));
        of(&ward).inpatient
    };
    assert_eq!(of_class(json!({"code": "104"})), None);
    assert_eq!(of_class(json!({"code": "U"})), None);
    assert_eq!(of_class(Value::Null), None);
    assert_eq!(
        of_class(json!({"code": "4", "display": "Hospital Outpatient Visit"})),
        Some(false)
    );
    assert_eq!(
        of_class(json!({"code": "101", "display": "Inpatient"})),
        Some(true)
    );
    // It may be a stay, so an open visit to a clinic does not decide.
    let mut ward = Ward::new();
    ward.add("EPIC", visit("u", "104", json!({})));
    ward.add(
        "ORACLE",
        visit(
            "a",
            "AMB",
            json!({"period": {"start": "2026-11-22T08:00:00Z"}}),
        ),
    );
    assert_eq!(of(&ward).inpatient, None);
}

#[test]
fn a_stay_that_is_over_planned_or_cancelled_is_none() {
    for change in [
        json!({"status": "finished"}),
        json!({"period": {"start": "2026-11-20T10:00:00Z", "end": "2026-11-21T10:00:00Z"}}),
    ] {
        let mut ward = Ward::new();
        ward.add("WARD", visit("i", "IMP", change));
        let found = of(&ward);
        assert_eq!((found.inpatient, found.place), (Some(false), None));
    }
    for status in ["planned", "cancelled", "entered-in-error"] {
        let mut ward = Ward::new();
        ward.add("WARD", visit("i", "IMP", json!({"status": status})));
        assert_eq!(of(&ward).inpatient, None, "{status}");
    }
}

#[test]
fn p06_an_age_that_the_birth_date_leaves_open_is_not_known() {
    let adult = |dates: &[&str]| {
        let mut ward = Ward::new();
        ward.0.resources.clear();
        for (n, date) in dates.iter().enumerate() {
            ward.add(
                "WARD",
                json!({"resourceType": "Patient", "id": format!("p{n}"), "birthDate": date}),
            );
        }
        of(&ward).adult
    };
    assert_eq!(adult(&[]), None);
    assert_eq!(adult(&["2008-11-22"]), Some(true), "on the birthday");
    assert_eq!(adult(&["2008-11-23"]), Some(false), "on the day before");
    assert_eq!(adult(&["2008"]), None);
    assert_eq!(adult(&["2007"]), Some(true));
    assert_eq!(adult(&["2008-11-22", "1970-01-01"]), Some(true));
    assert_eq!(
        adult(&["2018-11-22", "1970-01-01"]),
        None,
        "two sources, two people or a mistake"
    );
    assert_eq!(adult(&["soon"]), None);
}

#[test]
fn one_source_that_tells_of_the_death_is_enough() {
    let mut ward = Ward::new();
    ward.add(
        "EPIC",
        json!({"resourceType": "Patient", "id": "p2", "deceasedBoolean": false}),
    );
    assert_eq!(of(&ward).died, Some(false));
    ward.add(
        "ORACLE",
        json!({"resourceType": "Patient", "id": "p3", "deceasedDateTime": "2026-11-21"}),
    );
    assert_eq!(of(&ward).died, Some(true));
}

#[test]
fn who_ordered_the_newest_result_is_taken_from_its_order() {
    let mut ward = Ward::new();
    ward.add("EPIC", potassium("o1", json!({"performer": [{"display": "Laboratory"}, {"reference": "Practitioner/9", "display": "Pia Perform"}]})));
    let orderer = |ward: &Ward| {
        of(ward)
            .people
            .into_iter()
            .find(|(role, _)| role == "ordering clinician")
            .map(|(_, name)| name)
    };
    assert_eq!(orderer(&ward).as_deref(), Some("Pia Perform"));
    ward.add("EPIC", json!({"resourceType": "ServiceRequest", "id": "s1", "requester": {"display": "Olga Order"}}));
    ward.add("EPIC", potassium("o2", json!({"effectiveDateTime": "2026-11-22T08:30:00Z", "basedOn": [{"reference": "ServiceRequest/s1"}]})));
    assert_eq!(orderer(&ward).as_deref(), Some("Olga Order"));
    // The other route of that result names the order in words only.
    ward.add(
        "ORACLE",
        potassium("o5", json!({"effectiveDateTime": "2026-11-22T08:45:00Z"})),
    );
    assert_eq!(orderer(&ward), None);
    ward.add("LAB", potassium("o6", json!({"effectiveDateTime": "2026-11-22T08:45:20Z", "basedOn": [{"display": "Renal panel, ordered by Dr. Ruth Route"}]})));
    assert_eq!(orderer(&ward).as_deref(), Some("Dr. Ruth Route"));
    ward.0.resources.truncate(ward.0.resources.len() - 2);
    // A result dated in the future is not the newest.
    ward.add(
        "EPIC",
        potassium("o3", json!({"effectiveDateTime": "2027-11-22T08:30:00Z"})),
    );
    assert_eq!(orderer(&ward).as_deref(), Some("Olga Order"));
}

#[test]
fn p06_a_visit_that_nobody_says_is_over_leaves_open_whether_the_patient_is_there() {
    let mut ward = Ward::new();
    ward.add("WARD", visit("i", "IMP", json!({"status": "unknown"})));
    assert_eq!(of(&ward).inpatient, None);
    let ended = json!({"status": "unknown", "period": {"start": "2026-11-20T10:00:00Z", "end": "2026-11-21T10:00:00Z"}});
    let mut ward = Ward::new();
    ward.add("WARD", visit("i", "IMP", ended));
    assert_eq!(of(&ward).inpatient, Some(false));
}

#[test]
fn p06_an_old_visit_shows_nothing_while_the_source_of_newer_ones_does_not_answer() {
    let mut ward = Ward::new();
    ward.add("EPIC", visit("i", "IMP", json!({"status": "finished"})));
    ward.asked("EPIC", "Encounter", Coverage::Denied);
    assert_eq!(of(&ward).inpatient, None);
    ward.last_asked().coverage = Coverage::Failed;
    assert_eq!(of(&ward).inpatient, None);
    ward.last_asked().coverage = Coverage::Complete;
    assert_eq!(of(&ward).inpatient, Some(false));
    // Asked, but too long ago.
    ward.last_asked().asked_at -= 48 * 3_600_000_000;
    assert_eq!(of(&ward).inpatient, None);
}
