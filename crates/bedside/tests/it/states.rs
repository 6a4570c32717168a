//! Empty, refused and failed are three answers (promise P6): on screen, in `patient show` and in what a workflow shows.

use bedside_sim::ehr::{Fault, Matching};
use bedside_sim::vendor::Vendor;
use serde_json::Value;

use crate::support::ehr::{Desk, connected, send, until};
use crate::support::http::{get, sign_in};
use crate::support::messages::{MUNOZ, OKONKWO, Person, QUILL, critical};
use crate::support::site::Site;

fn chart(site: &Site, person: &Person) -> Option<Value> {
    let found = site
        .json(&["patient", "find", person.family])
        .expect(0)
        .lines();
    let id = found.first()?["id"].as_str()?.to_owned();
    Some(site.json(&["patient", "show", &id]).expect(0).document())
}

/// What a section says, once it says anything but that nobody asked.
fn says(site: &Site, person: &Person, section: &str) -> (String, String) {
    until(
        &format!("an answer on {section} of {}", person.family),
        || {
            let chart = chart(site, person)?;
            let says = chart["facts"][section]["says"].as_str()?.to_owned();
            let id = chart["id"].as_str()?.to_owned();
            (!says.contains("not asked")).then_some((says, id))
        },
    )
}

#[test]
fn p06_empty_refused_and_failed_are_told_apart_everywhere() {
    let (other, site) = connected(Vendor::Oracle);
    let about = |patient: &str| Matching {
        resource_type: Some(String::from("Observation")),
        patient: Some(patient.to_owned()),
        ..Matching::default()
    };
    let faults = other.ehr.faults();
    faults.arm(
        Fault::RefuseType(String::from("Observation")),
        None,
        about("102"),
    );
    faults.arm(Fault::Status(500), None, about("103"));
    let serve = site.serve();
    site.run(&["account", "add", "dr.lee", "--role", "clinician"])
        .expect(0);
    let cookie = sign_in(&site, &serve, "dr.lee");
    for (person, labs) in [
        (&QUILL, "none"),
        (&OKONKWO, "unknown (refused)"),
        (&MUNOZ, "unknown (failed)"),
    ] {
        let (said, id) = says(&site, person, "labs");
        assert_eq!(said, labs, "{}", person.family);
        for section in ["allergies", "problems", "medications"] {
            assert_eq!(
                says(&site, person, section).0,
                "unknown (none recorded)",
                "{section}"
            );
        }
        let shown = site.run(&["patient", "show", &id]).expect(0).out;
        let page = get(serve.http, &format!("/patient/{id}"), &cookie).body;
        for words in [labs, "unknown (none recorded)"] {
            assert!(shown.contains(words), "`{words}` is not in:\n{shown}");
            assert!(page.contains(words), "`{words}` is not on the page");
        }
    }

    // The same in a workflow: what the item could not find out it says.
    for (person, creatinine) in [
        (&OKONKWO, "unknown (refused)"),
        (&MUNOZ, "unknown (failed)"),
    ] {
        assert!(send(serve.mllp, &critical(person.family, person, 3)));
        let desk = Desk {
            serve: &serve,
            cookie: &cookie,
        };
        let item = until("the item", || desk.items("team").into_iter().next());
        let page = desk.page(&item);
        for words in [
            creatinine,
            "unknown (none recorded)",
            "Kidney function not known",
        ] {
            assert!(
                page.contains(words),
                "`{words}` is not on the item of {}",
                person.family
            );
        }
        assert_eq!(desk.act(&item, "acknowledge", ""), 303);
        assert_eq!(desk.act(&item, "done", "how=treated"), 303);
        until("the end", || desk.items("team").is_empty().then_some(()));
    }
}
