//! A result that comes twice, by two routes, corrected or withdrawn: one item, which changes with it and tells those who saw it.

use bedside_sim::vendor::Vendor;
use serde_json::json;

use crate::support::ehr::{Desk, connected, send, until};
use crate::support::http::{get, sign_in};
use crate::support::messages::{OKONKWO, QUILL, just_now, potassium};

#[test]
fn p02_the_same_result_by_message_and_by_api_is_one_item_with_both_sources() {
    let (other, site) = connected(Vendor::Oracle);
    let serve = site.serve();
    site.run(&["account", "add", "dr.lee", "--role", "clinician"])
        .expect(0);
    let cookie = sign_in(&site, &serve, "dr.lee");
    let desk = Desk {
        serve: &serve,
        cookie: &cookie,
    };
    until("the roster", || {
        let found = site.json(&["patient", "find", QUILL.family]).expect(0);
        (!found.out.is_empty()).then_some(())
    });
    let taken = just_now();
    assert!(send(
        serve.mllp,
        &potassium("S1", "F881", &QUILL, &taken, "6.8", "F")
    ));
    let item = until("the item", || desk.items("team").into_iter().next());
    let (day, clock) = taken.split_at(8);
    let effective = format!(
        "{}-{}-{}T{}:{}:{}Z",
        &day[..4],
        &day[4..6],
        &day[6..],
        &clock[..2],
        &clock[2..4],
        &clock[4..6]
    );
    other.ehr.put(
        "2026-01-01T00:00:00Z".parse().unwrap(),
        json!({
            "resourceType": "Observation", "id": "5001", "status": "final",
            "identifier": [{ "system": "urn:bedside:authority:main:LAB", "value": "F881" }],
            "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory" }] }],
            "code": { "coding": [{ "system": "http://loinc.org", "code": "2823-3" }], "text": "Potassium" },
            "subject": { "reference": "Patient/101" }, "effectiveDateTime": effective, "issued": effective,
            "valueQuantity": { "value": 6.8, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L" },
        }),
    );
    site.run(&["connect", "resync", "ehr"]).expect(0);
    until("both sources", || {
        let page = desk.page(&item);
        (page.contains("adt") && page.contains("ehr")).then_some(())
    });
    assert_eq!(desk.items("team"), [item]);
}

#[test]
fn a_corrected_result_changes_its_item_and_a_withdrawn_one_withdraws_it_and_those_who_saw_it_are_told()
 {
    let (_other, site) = connected(Vendor::Oracle);
    let serve = site.serve();
    site.run(&["account", "add", "dr.lee", "--role", "clinician"])
        .expect(0);
    let cookie = sign_in(&site, &serve, "dr.lee");
    let desk = Desk {
        serve: &serve,
        cookie: &cookie,
    };
    let taken = just_now();
    assert!(send(
        serve.mllp,
        &potassium("C1", "F882", &OKONKWO, &taken, "6.9", "F")
    ));
    let item = until("the item", || desk.items("team").into_iter().next());
    assert_eq!(desk.act(&item, "acknowledge", ""), 303);

    assert!(send(
        serve.mllp,
        &potassium("C2", "F882", &OKONKWO, &taken, "6.1", "C")
    ));
    until("the corrected value", || {
        let page = desk.page(&item);
        (page.contains("6.1 mmol/L") && page.contains("6.9")).then_some(())
    });
    assert_eq!(
        desk.items("team"),
        [item.as_str()],
        "a correction is no second item"
    );

    assert!(send(
        serve.mllp,
        &potassium("C3", "F882", &OKONKWO, &taken, "", "W")
    ));
    // Who saw it is told on the worklist, until they have looked.
    until("the withdrawal", || {
        let list = get(serve.http, "/worklist?tab=team", &cookie).body;
        list.contains("ithdrawn").then_some(())
    });
    assert!(desk.page(&item).contains("ithdrawn"));
    until("an empty list", || {
        desk.items("team").is_empty().then_some(())
    });
}
