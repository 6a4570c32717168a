//! `kill -9` at random moments between the receipt of a critical result and the confirmed write: one item, one Communication, every time.
//!
//! A few kills by default; `BEDSIDE_KILLS=200 cargo test -p bedside --test it one_item_one_communication` plays two hundred. Each result is
//! killed three times: after it was received, after it was acknowledged, and while its note is under way, which the other side then
//! files late, files without saying so, or never gets. The simulated EHR lives in this process and is never killed, so what it was told is
//! what the other side has.

use std::thread;
use std::time::Duration;

use bedside_sim::ehr::{Fault, Matching};
use bedside_sim::vendor::Vendor;

use crate::support::Dice;
use crate::support::ehr::{Desk, Other, connected, over_the_profile, send, until};
use crate::support::http::sign_in;
use crate::support::messages::{MUNOZ, OKONKWO, QUILL, critical};
use crate::support::site::{Serve, Site};

#[expect(
    clippy::disallowed_methods,
    reason = "how long to play is for whoever runs the test"
)]
fn kills_wanted() -> u64 {
    std::env::var("BEDSIDE_KILLS").map_or(9, |text| text.parse().unwrap())
}

/// How the other side takes a note whose sender is killed.
const MOMENTS: [Fault; 3] = [
    Fault::CommitsLate { seconds: 1 },
    // Its clock never gets there: the request hangs until the connection ends, and is not carried out.
    Fault::Slow { seconds: 600 },
    Fault::DropAnswer,
];

/// One site, killed and started again.
struct Night {
    other: Other,
    site: Site,
    serve: Option<Serve>,
    dice: Dice,
    kills: u64,
}

impl Night {
    fn kill(&mut self) {
        if let Some(serve) = self.serve.take() {
            serve.kill();
        }
        self.kills += 1;
        self.serve = Some(self.site.serve());
    }

    fn kill_soon(&mut self) {
        thread::park_timeout(Duration::from_millis(self.dice.between(0, 120)));
        self.kill();
    }

    fn serve(&self) -> &Serve {
        self.serve.as_ref().unwrap()
    }
}

#[test]
fn p02_p08_kill_9_between_receive_and_confirmed_write_leaves_one_item_one_communication() {
    let (other, site) = connected(Vendor::Oracle);
    // What the other side files late comes within a second here, so absence says something after two.
    over_the_profile(&site, "[write.Communication]\nvisible_after_seconds = 2\n");
    let wanted = kills_wanted();
    let serve = site.serve();
    until("the roster", || {
        let found = site.json(&["patient", "find", MUNOZ.family]).expect(0);
        (!found.out.is_empty()).then_some(())
    });
    site.run(&["connect", "prove", "ehr"]).expect(0);
    site.run(&["account", "add", "dr.lee", "--role", "clinician"])
        .expect(0);
    let cookie = sign_in(&site, &serve, "dr.lee");
    let people = [QUILL, OKONKWO, MUNOZ];
    let mut night = Night {
        other,
        site,
        serve: Some(serve),
        dice: Dice(97),
        kills: 0,
    };
    let mut round = 0;
    while night.kills < wanted {
        let person = &people[usize::try_from(round % 3).unwrap()];
        let message = critical(&format!("K{round:05}"), person, round);
        assert!(send(night.serve().mllp, &message), "round {round}");
        night.kill_soon();
        // The sender did not see that its acknowledged message was dealt with; a repeat changes nothing.
        assert!(send(night.serve().mllp, &message), "round {round}");
        let desk = Desk {
            serve: night.serve(),
            cookie: &cookie,
        };
        let item = until("the item", || {
            let open = desk.items("team");
            assert!(open.len() <= 1, "round {round}: {open:?}");
            open.into_iter().next()
        });
        // One result in four has nothing armed, so that the second kill meets the whole way of a note that goes well.
        let moment = MOMENTS.get(usize::try_from(round % 4).unwrap());
        if let Some(moment) = moment {
            let note = Matching {
                method: Some("POST"),
                resource_type: Some(String::from("Communication")),
                ..Matching::default()
            };
            night.other.ehr.faults().arm(moment.clone(), Some(1), note);
        }
        assert_eq!(desk.act(&item, "acknowledge", ""), 303, "round {round}");
        if moment.is_some() {
            until("the request", || {
                (night.other.ehr.faults().armed() == 0).then_some(())
            });
            night.kill();
        }
        night.kill_soon();
        let desk = Desk {
            serve: night.serve(),
            cookie: &cookie,
        };
        until("the confirmed write", || {
            desk.page(&item)
                .contains("confirmed by the EHR")
                .then_some(())
        });
        assert_eq!(desk.items("team"), [item.as_str()], "round {round}");
        assert_eq!(desk.act(&item, "done", "how=treated"), 303, "round {round}");
        until("the end", || desk.items("team").is_empty().then_some(()));
        round += 1;
        let notes = night.other.notes();
        assert_eq!(
            notes.len(),
            usize::try_from(round).unwrap(),
            "{moment:?}: {notes:?}"
        );
        assert!(
            notes.values().all(|count| *count == 1),
            "{moment:?}: {notes:?}"
        );
    }
    let Night {
        other,
        site,
        serve,
        kills,
        ..
    } = night;
    serve.unwrap().stop();
    site.verify().expect(0);
    println!(
        "{kills} kills, {round} results, {} items, {} Communications",
        round,
        other.notes().len()
    );
}
