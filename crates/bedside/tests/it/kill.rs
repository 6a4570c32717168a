//! `kill -9` at random moments under load: what was acknowledged is there, once.
//!
//! Five rounds by default; `BEDSIDE_KILLS=200 cargo test -p bedside --test it kill` plays two hundred.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use crate::support::Dice;
use crate::support::messages::{MUNOZ, OKONKWO, Person, QUILL, adt, oru};
use crate::support::mllp::Line;
use crate::support::site::Site;

/// One sending connection. As an interface engine does, it keeps a message until that is acknowledged, and sends the same
/// bytes again after a reconnect.
struct Hand {
    name: char,
    person: Person,
    made: u64,
    unanswered: Option<(String, Vec<u8>)>,
    results: u64,
}

impl Hand {
    fn next(&mut self) -> (String, Vec<u8>) {
        if let Some(unanswered) = self.unanswered.take() {
            return unanswered;
        }
        let control = format!("{}{:06}", self.name, self.made);
        let message = match self.made {
            0 => adt("A01", &control, &self.person),
            n if n % 3 == 0 => adt("A08", &control, &self.person),
            n => {
                self.results += 1;
                oru(&control, &self.person, n)
            }
        };
        self.made += 1;
        (control, message)
    }

    /// Sends one message. `false` when the other side is gone.
    fn step(&mut self, line: &mut Line, acknowledged: &Sender<String>) -> bool {
        let (control, message) = self.next();
        match line.send(&message) {
            Ok(answer) => {
                assert_eq!(
                    (answer.code.as_str(), &answer.control_id),
                    ("AA", &control),
                    "{}",
                    answer.text
                );
                acknowledged.send(control).is_ok()
            }
            Err(_) => {
                self.unanswered = Some((control, message));
                false
            }
        }
    }

    fn send_until_it_dies(mut self, address: SocketAddr, acknowledged: &Sender<String>) -> Self {
        if let Ok(mut line) = Line::connect(address) {
            while self.step(&mut line, acknowledged) {}
        }
        self
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long to play is for whoever runs the test"
)]
fn rounds() -> u64 {
    std::env::var("BEDSIDE_KILLS").map_or(5, |text| text.parse().unwrap())
}

#[test]
fn p01_p02_kill_9_loses_nothing_that_was_acknowledged_and_doubles_nothing() {
    let site = Site::new();
    let mut dice = Dice(4_711);
    let mut hands: Vec<Hand> = ['A', 'B', 'C', 'D']
        .into_iter()
        .zip([QUILL, OKONKWO, MUNOZ, QUILL])
        .map(|(name, person)| Hand {
            name,
            person,
            made: 0,
            unanswered: None,
            results: 0,
        })
        .collect();
    let mut acknowledged: BTreeSet<String> = BTreeSet::new();
    let rounds = rounds();
    for round in 0..rounds {
        let serve = site.serve();
        let aim = dice.between(1, 150);
        let (tell, told) = mpsc::channel();
        let running: Vec<_> = hands
            .drain(..)
            .map(|hand| {
                let (address, tell) = (serve.mllp, tell.clone());
                thread::spawn(move || hand.send_until_it_dies(address, &tell))
            })
            .collect();
        drop(tell);
        for _ in 0..aim {
            let control = told
                .recv_timeout(Duration::from_secs(60))
                .unwrap_or_else(|_| panic!("round {round} stands still"));
            assert!(
                acknowledged.insert(control.clone()),
                "{control} was acknowledged already"
            );
        }
        serve.kill();
        hands.extend(running.into_iter().map(|hand| hand.join().unwrap()));
        acknowledged.extend(told);
    }

    // What a killed program leaves lying around, its control socket too, is in nobody's way.
    assert!(!site.journal().is_empty());

    // A last start: each hand gets rid of what was not answered, and what is held open is applied.
    let serve = site.serve();
    let (tell, told) = mpsc::channel();
    for hand in &mut hands {
        let mut line = Line::connect(serve.mllp).unwrap();
        if hand.unanswered.is_some() {
            assert!(hand.step(&mut line, &tell));
        }
    }
    drop(tell);
    acknowledged.extend(told);
    site.settle();

    let mut stored: BTreeMap<String, u64> = BTreeMap::new();
    for line in site.journal() {
        let state = line["state"].as_str().unwrap().to_owned();
        assert!(state == "applied" || state == "noop", "{line}");
        *stored
            .entry(line["control_id"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    println!(
        "{rounds} kills, {} acknowledged, {} stored",
        acknowledged.len(),
        stored.len()
    );
    let lost: Vec<&String> = acknowledged
        .iter()
        .filter(|control| !stored.contains_key(*control))
        .collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let doubled: Vec<_> = stored.iter().filter(|(_, count)| **count != 1).collect();
    assert!(doubled.is_empty(), "stored more than once: {doubled:?}");
    assert_eq!(stored.len(), acknowledged.len());
    // Effects happened once too: as many observations as different results were sent.
    for person in [OKONKWO, MUNOZ] {
        let sent: u64 = hands
            .iter()
            .filter(|hand| hand.person.mrn == person.mrn)
            .map(|hand| hand.results)
            .sum();
        let id = site.find(person.mrn);
        let bundle = site
            .run(&["patient", "show", &id, "--format", "fhir"])
            .expect(0)
            .document();
        let entries = bundle["entry"].as_array().unwrap();
        let observations = entries
            .iter()
            .filter(|entry| entry["resource"]["resourceType"] == "Observation")
            .count();
        assert_eq!(u64::try_from(observations).unwrap(), sent);
    }
    assert_eq!(site.verify().expect(0).document()["ok"], true);
    assert_eq!(serve.stop().0, Some(0));
    site.verify().expect(0);
}
