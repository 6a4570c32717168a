//! What becomes of a note that the EHR did not answer, refused, or was never to get (promise P8).

use bedside_sim::ehr::{Fault, Matching};
use bedside_sim::vendor::Vendor;

use crate::support::ehr::{Desk, Other, connected, send, until};
use crate::support::http::sign_in;
use crate::support::messages::{QUILL, critical};
use crate::support::site::{Serve, Site};

/// A site with a critical result on the worklist of `dr.lee`, who has not acknowledged it yet.
struct Shift {
    other: Other,
    site: Site,
    serve: Serve,
    cookie: String,
    item: String,
}

impl Shift {
    fn begin(vendor: Vendor, proven: bool) -> Self {
        let (other, site) = connected(vendor);
        let serve = site.serve();
        if vendor == Vendor::Epic {
            // It takes elliptic-curve keys from an address only (vendor catalogue EPIC-02).
            other.publish(&format!("http://{}/.well-known/jwks.json", serve.http));
            site.run(&["connect", "resync", "ehr"]).expect(0);
        }
        site.run(&["account", "add", "dr.lee", "--role", "clinician"]).expect(0);
        let cookie = sign_in(&site, &serve, "dr.lee");
        until("the roster", || {
            let found = site.json(&["patient", "find", QUILL.family]).expect(0);
            (!found.out.is_empty()).then_some(())
        });
        if proven {
            site.run(&["connect", "prove", "ehr"]).expect(0);
        }
        assert!(send(serve.mllp, &critical("W1", &QUILL, 1)));
        let desk = Desk { serve: &serve, cookie: &cookie };
        let item = until("the item", || desk.items("team").into_iter().next());
        Self { other, site, serve, cookie, item }
    }

    fn desk(&self) -> Desk<'_> {
        Desk { serve: &self.serve, cookie: &self.cookie }
    }

    fn acknowledge(&self) {
        assert_eq!(self.desk().act(&self.item, "acknowledge", ""), 303);
    }

    fn waits_for(&self, words: &str) {
        until(words, || self.desk().page(&self.item).contains(words).then_some(()));
    }

    fn drop_the_answer(&self) {
        let matching = Matching {
            method: Some("POST"),
            resource_type: Some(String::from("Communication")),
            ..Matching::default()
        };
        self.other.ehr.faults().arm(Fault::DropAnswer, Some(1), matching);
    }
}

#[test]
fn p08_an_unanswered_write_is_looked_for_at_the_other_side_and_never_sent_again_blindly() {
    let shift = Shift::begin(Vendor::Oracle, true);
    shift.drop_the_answer();
    shift.acknowledge();
    shift.waits_for("confirmed");
    let notes = shift.other.notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes.values().all(|count| *count == 1), "{notes:?}");
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
    shift.site.run(&["outbox", "resolve", &id, "--as", "there", "--reason", ""]).expect(3);
    shift
        .site
        .run(&["outbox", "resolve", &id, "--as", "there", "--reason", "seen in the chart"])
        .expect(0);
    shift.waits_for("confirmed");
    assert_eq!(shift.other.notes().values().copied().collect::<Vec<_>>(), [1]);
}

#[test]
fn p08_nothing_is_written_on_a_route_that_was_not_proven_and_the_item_says_so() {
    let shift = Shift::begin(Vendor::Oracle, false);
    shift.acknowledge();
    shift.waits_for("not proven");
    assert!(shift.other.notes().is_empty());
    assert!(shift.site.run(&["outbox", "list", "--all", "--json"]).expect(0).out.is_empty());
}

#[test]
fn a_refused_write_is_told_on_the_item_and_on_the_sources_page() {
    let shift = Shift::begin(Vendor::Oracle, true);
    let matching = Matching {
        method: Some("POST"),
        resource_type: Some(String::from("Communication")),
        ..Matching::default()
    };
    shift.other.ehr.faults().arm(Fault::Status(422), None, matching);
    shift.acknowledge();
    shift.waits_for("refused");
    assert!(shift.other.notes().is_empty());
    let owed = shift.site.run(&["outbox", "list", "--all", "--json"]).expect(0).lines();
    assert_eq!(owed[0]["state"], "refused");
}
