//! What becomes of a note that the EHR did not answer, filed late, refused, or was never to get (promise P8).

use bedside_sim::ehr::{Fault, Matching};
use bedside_sim::vendor::Vendor;
use serde_json::{Value, json};

use crate::support::ehr::{Desk, Other, connected, over_the_profile, patient, send, until};
use crate::support::http::sign_in;
use crate::support::messages::{OKONKWO, QUILL, adt, critical, just_now, merge, potassium};
use crate::support::site::{Serve, Site};

/// A site with a critical result on the worklist of `dr.lee`, who has not acknowledged it yet.
struct Shift {
    other: Other,
    site: Site,
    serve: Serve,
    cookie: String,
    item: String,
    taken: String,
}

impl Shift {
    fn begin(vendor: Vendor, proven: bool) -> Self {
        Self::begin_where(vendor, proven, "")
    }

    /// The same, with `profile` over the vendor's.
    fn begin_where(vendor: Vendor, proven: bool, profile: &str) -> Self {
        let (other, site) = connected(vendor);
        over_the_profile(&site, profile);
        let serve = site.serve();
        if vendor == Vendor::Epic {
            // It takes elliptic-curve keys from an address only (vendor catalogue EPIC-02).
            other.publish(&format!("http://{}/.well-known/jwks.json", serve.http));
            site.run(&["connect", "resync", "ehr"]).expect(0);
        }
        site.run(&["account", "add", "dr.lee", "--role", "clinician"])
            .expect(0);
        let cookie = sign_in(&site, &serve, "dr.lee");
        until("the roster", || {
            let found = site.json(&["patient", "find", QUILL.family]).expect(0);
            (!found.out.is_empty()).then_some(())
        });
        if proven {
            site.run(&["connect", "prove", "ehr"]).expect(0);
        }
        let taken = just_now();
        assert!(send(
            serve.mllp,
            &potassium("W1", "FW1", &QUILL, &taken, "6.9", "F")
        ));
        let desk = Desk {
            serve: &serve,
            cookie: &cookie,
        };
        let item = until("the item", || desk.items("team").into_iter().next());
        Self {
            other,
            site,
            serve,
            cookie,
            item,
            taken,
        }
    }

    /// Killed as by a power cut, and started again.
    fn killed(self) -> Self {
        self.serve.kill();
        let serve = self.site.serve();
        Self { serve, ..self }
    }

    fn desk(&self) -> Desk<'_> {
        Desk {
            serve: &self.serve,
            cookie: &self.cookie,
        }
    }

    fn acknowledge(&self) {
        assert_eq!(self.desk().act(&self.item, "acknowledge", ""), 303);
    }

    fn waits_for(&self, words: &str) {
        until(words, || {
            self.desk().page(&self.item).contains(words).then_some(())
        });
    }

    fn arm(&self, fault: Fault, times: Option<u32>) {
        self.other.ehr.faults().arm(fault, times, on("POST"));
    }

    fn drop_the_answer(&self) {
        self.arm(Fault::DropAnswer, Some(1));
    }
}

/// Notes alone.
fn on(method: &'static str) -> Matching {
    Matching {
        method: Some(method),
        resource_type: Some(String::from("Communication")),
        ..Matching::default()
    }
}

#[test]
fn p08_an_unanswered_write_is_looked_for_at_the_other_side_and_never_sent_again_blindly() {
    let shift = Shift::begin(Vendor::Oracle, true);
    shift.drop_the_answer();
    shift.acknowledge();
    shift.waits_for("confirmed by the EHR");
    let notes = shift.other.notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes.values().all(|count| *count == 1), "{notes:?}");
}

#[test]
fn p08_a_note_that_the_ehr_files_after_the_process_was_killed_is_there_once() {
    let shift = Shift::begin(Vendor::Oracle, true);
    shift.arm(Fault::CommitsLate { seconds: 4 }, Some(1));
    shift.acknowledge();
    until("the request", || {
        (shift.other.ehr.faults().armed() == 0).then_some(())
    });
    // Back before the other side has filed it: a search shows nothing yet.
    let shift = shift.killed();
    shift.waits_for("confirmed by the EHR");
    assert_eq!(
        shift.other.notes().values().copied().collect::<Vec<_>>(),
        [1]
    );
}

#[test]
fn p08_a_note_that_never_arrived_goes_out_again_once_it_was_looked_for_long_enough() {
    let quick = "[write.Communication]\nvisible_after_seconds = 3\n";
    let shift = Shift::begin_where(Vendor::Oracle, true, quick);
    shift.arm(Fault::Status(500), Some(1));
    shift.acknowledge();
    shift.waits_for("nobody knows");
    assert!(shift.other.notes().is_empty());
    shift.waits_for("confirmed by the EHR");
    assert_eq!(
        shift.other.notes().values().copied().collect::<Vec<_>>(),
        [1]
    );
    let owed = shift
        .site
        .run(&["outbox", "list", "--all", "--json"])
        .expect(0)
        .lines();
    assert_eq!(owed[0]["attempts"], 2);
}

#[test]
fn p08_a_result_that_is_withdrawn_while_its_note_waits_is_not_written() {
    let shift = Shift::begin(Vendor::Oracle, true);
    let busy = Fault::RetryAfter {
        status: 429,
        seconds: 2,
    };
    shift.arm(busy, None);
    shift.acknowledge();
    shift.waits_for("puts it off");
    let withdrawn = potassium("W2", "FW1", &QUILL, &shift.taken, "", "W");
    assert!(send(shift.serve.mllp, &withdrawn));
    shift.waits_for("was withdrawn before it could be");
    shift.other.ehr.faults().clear();
    let owed = shift
        .site
        .run(&["outbox", "list", "--all", "--json"])
        .expect(0)
        .lines();
    assert_eq!(
        (&owed[0]["state"], &owed[0]["attempts"]),
        (&"refused".into(), &0.into())
    );
    assert!(shift.other.notes().is_empty());
}

#[test]
fn p08_a_result_that_stands_in_a_parked_message_is_not_written_before_that_is_released() {
    let shift = Shift::begin(Vendor::Oracle, true);
    // A merge that does not say what goes stops the lane, so what comes behind it is held.
    assert!(send(shift.serve.mllp, &adt("A01", "W1A", &OKONKWO)));
    assert!(send(shift.serve.mllp, &merge("W2", &OKONKWO, None)));
    assert!(send(shift.serve.mllp, &critical("W3", &OKONKWO, 1)));
    let first = shift.item.clone();
    let item = until("the held item", || {
        shift
            .desk()
            .items("team")
            .into_iter()
            .find(|item| *item != first)
    });
    assert_eq!(shift.desk().act(&item, "acknowledge", ""), 303);
    until("what it waits for", || {
        shift.desk().page(&item).contains("held back").then_some(())
    });
    let owed = shift
        .site
        .run(&["outbox", "list", "--json"])
        .expect(0)
        .lines();
    assert_eq!(
        (owed.len(), &owed[0]["attempts"]),
        (1, &0.into()),
        "{owed:?}"
    );
    assert!(shift.other.notes().is_empty());
}

#[test]
fn p08_which_of_two_charts_of_a_person_a_note_belongs_into_is_not_guessed() {
    let shift = Shift::begin(Vendor::Oracle, true);
    // The same number once more, under another id of the EHR's.
    let long_ago = "2026-01-01T00:00:00Z".parse().unwrap();
    shift.other.ehr.put(long_ago, patient("104", &QUILL));
    let members: Vec<Value> = ["101", "102", "103", "104"]
        .iter()
        .map(|id| json!({ "entity": { "reference": format!("Patient/{id}") } }))
        .collect();
    shift.other.ehr.put(long_ago, json!({ "resourceType": "Group", "id": "7", "type": "person", "actual": true, "member": members }));
    shift.site.run(&["connect", "resync", "ehr"]).expect(0);
    until("the second chart", || {
        let text = shift.site.json(&["journal", "list"]).expect(0).out;
        (text.matches("\"ehr\"").count() > 3).then_some(())
    });
    shift.site.settle();
    shift.acknowledge();
    shift.waits_for("not written to the EHR");
    assert!(shift.other.notes().is_empty());
}

#[test]
fn p12_being_put_off_again_and_again_is_never_a_refusal() {
    let shift = Shift::begin(Vendor::Oracle, true);
    shift.arm(
        Fault::RetryAfter {
            status: 503,
            seconds: 1,
        },
        Some(4),
    );
    shift.acknowledge();
    shift.waits_for("confirmed by the EHR");
    assert_eq!(shift.other.ehr.faults().armed(), 0);
    let owed = shift
        .site
        .run(&["outbox", "list", "--all", "--json"])
        .expect(0)
        .lines();
    assert_eq!(owed[0]["attempts"], 1, "only what was answered counts");
}

#[test]
fn p08_a_route_whose_search_does_not_show_what_it_took_stays_off() {
    let quick = "[write.Communication]\nvisible_after_seconds = 2\n";
    let shift = Shift::begin_where(Vendor::Oracle, false, quick);
    let blind = Fault::OutcomeInside {
        code: String::from("processing"),
    };
    shift.other.ehr.faults().arm(blind, None, on("GET"));
    let refused = shift.site.run(&["connect", "prove", "ehr"]);
    assert_eq!(refused.status, 1, "{}", refused.err);
    assert!(
        refused.err.contains("no search by patient"),
        "{}",
        refused.err
    );
    shift.acknowledge();
    shift.waits_for("not proven");
}

#[test]
fn p08_a_test_note_goes_to_nobody_who_is_treated() {
    let shift = Shift::begin(Vendor::Oracle, false);
    // Typed wrong; and then written wrong into the configuration.
    shift
        .site
        .run(&["connect", "prove", "ehr", "--patient", "103"])
        .expect(3);
    let quill = "101";
    shift.site.edit(|text| {
        text.replace(
            "test_patient = \"999\"",
            &format!("test_patient = \"{quill}\""),
        )
    });
    let shift = shift.killed();
    let refused = shift.site.run(&["connect", "prove", "ehr"]);
    assert_eq!(refused.status, 1, "{}", refused.err);
    assert!(refused.err.contains("no test patient"), "{}", refused.err);
    assert!(shift.other.ehr.created().is_empty());
}

#[test]
fn p08_where_the_other_side_cant_be_searched_a_person_says_what_became_of_it() {
    let shift = Shift::begin(Vendor::Epic, true);
    shift.drop_the_answer();
    shift.acknowledge();
    shift.waits_for("nobody knows");
    let owed = shift.site.run(&["outbox", "list", "--json"]);
    assert_eq!(owed.status, 1, "{}", owed.out);
    let owed = owed.lines();
    assert_eq!(owed.len(), 1);
    assert_eq!(owed[0]["state"], "unknown");
    let id = owed[0]["id"].to_string();
    shift
        .site
        .run(&["outbox", "resolve", &id, "--as", "there", "--reason", ""])
        .expect(3);
    shift
        .site
        .run(&[
            "outbox",
            "resolve",
            &id,
            "--as",
            "there",
            "--reason",
            "seen in the chart",
        ])
        .expect(0);
    shift.waits_for("confirmed by the EHR");
    assert_eq!(
        shift.other.notes().values().copied().collect::<Vec<_>>(),
        [1]
    );
}

#[test]
fn p08_nothing_is_written_on_a_route_that_was_not_proven_and_the_item_says_so() {
    let shift = Shift::begin(Vendor::Oracle, false);
    shift.acknowledge();
    shift.waits_for("not proven");
    assert!(shift.other.notes().is_empty());
    assert!(
        shift
            .site
            .run(&["outbox", "list", "--all", "--json"])
            .expect(0)
            .out
            .is_empty()
    );
}

#[test]
fn a_refused_write_is_told_on_the_item_and_on_the_sources_page() {
    let shift = Shift::begin(Vendor::Oracle, true);
    shift.arm(Fault::Status(422), None);
    shift.acknowledge();
    shift.waits_for("refused by the EHR");
    assert!(shift.other.notes().is_empty());
    let owed = shift
        .site
        .run(&["outbox", "list", "--all", "--json"])
        .expect(0)
        .lines();
    assert_eq!(owed[0]["state"], "refused");
}

#[test]
fn a_site_without_a_connection_has_nothing_that_is_well() {
    let site = Site::new();
    let checked = site
        .run(&["connect", "check", "--all", "--json"])
        .expect(1)
        .document();
    assert_eq!(checked, json!({ "ok": false, "connections": [] }));
}
