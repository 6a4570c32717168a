//! `kill -9` at random moments between the receipt of a critical result and the confirmed write: one item, one Communication, every time.
//!
//! A few kills by default; `BEDSIDE_KILLS=200 cargo test -p bedside --test it one_item_one_communication` plays two hundred. The simulated
//! EHR lives in this process and is never killed, so what it was told is what the other side has.

use std::thread;
use std::time::Duration;

use bedside_sim::vendor::Vendor;

use crate::support::Dice;
use crate::support::ehr::{Desk, connected, send, until};
use crate::support::http::sign_in;
use crate::support::messages::{MUNOZ, OKONKWO, QUILL, critical};
use crate::support::site::Serve;

#[expect(
    clippy::disallowed_methods,
    reason = "how long to play is for whoever runs the test"
)]
fn kills_wanted() -> u64 {
    std::env::var("BEDSIDE_KILLS").map_or(6, |text| text.parse().unwrap())
}

#[test]
fn p02_p08_kill_9_between_receive_and_confirmed_write_leaves_one_item_one_communication() {
    let (other, site) = connected(Vendor::Oracle);
    let mut dice = Dice(97);
    let wanted = kills_wanted();
    let (mut kills, mut round) = (0, 0);
    let mut serve = site.serve();
    until("the roster", || {
        let found = site.json(&["patient", "find", MUNOZ.family]).expect(0);
        (!found.out.is_empty()).then_some(())
    });
    site.run(&["connect", "prove", "ehr"]).expect(0);
    site.run(&["account", "add", "dr.lee", "--role", "clinician"]).expect(0);
    let cookie = sign_in(&site, &serve, "dr.lee");
    let people = [QUILL, OKONKWO, MUNOZ];
    while kills < wanted {
        let person = &people[usize::try_from(round % 3).unwrap()];
        let message = critical(&format!("K{round:05}"), person, round);
        assert!(send(serve.mllp, &message), "round {round}");
        let mut again = |serve: Serve, kills: &mut u64| {
            let pause = Duration::from_millis(dice.between(0, 120));
            thread::park_timeout(pause);
            serve.kill();
            *kills += 1;
            site.serve()
        };
        serve = again(serve, &mut kills);
        // The sender did not see that its acknowledged message was dealt with; a repeat changes nothing.
        assert!(send(serve.mllp, &message), "round {round}");
        let desk = Desk { serve: &serve, cookie: &cookie };
        let item = until("the item", || {
            let open = desk.items("team");
            assert!(open.len() <= 1, "round {round}: {open:?}");
            open.into_iter().next()
        });
        let status = desk.act(&item, "acknowledge", "");
        assert_eq!(status, 303, "round {round}");
        serve = again(serve, &mut kills);
        let desk = Desk { serve: &serve, cookie: &cookie };
        until("the confirmed write", || desk.page(&item).contains("confirmed").then_some(()));
        assert_eq!(desk.items("team"), [item.as_str()], "round {round}");
        let status = desk.act(&item, "done", "how=treated");
        assert_eq!(status, 303, "round {round}");
        until("the end", || desk.items("team").is_empty().then_some(()));
        round += 1;
        let notes = other.notes();
        assert_eq!(notes.len(), usize::try_from(round).unwrap(), "{notes:?}");
        assert!(notes.values().all(|count| *count == 1), "{notes:?}");
    }
    serve.stop();
    site.verify().expect(0);
    println!("{kills} kills, {round} results, {} items, {} Communications", round, other.notes().len());
}
