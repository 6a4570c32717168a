//! Connections to the simulated EHRs, each with its vendor's habits, on one virtual clock.

use std::sync::Arc;

use bedside_core::completeness::Coverage;
use bedside_core::ctx::OpCtx;
use bedside_core::incident::Kind;
use bedside_core::profile::{self, Layer};
use bedside_fact::clock::{Clock as _, SharedClock, VirtualClock};
use bedside_fact::id::{SourceId, TenantId};
use bedside_gateway::connection::{
    ConnectionOptions, Connections, Pace, Roster, SigningKey, State, Written,
};
use bedside_gateway::lanes::Lanes;
use bedside_gateway::normalise::Rules;
use bedside_sim::ehr::{self, Ehr, Fault, Keys, Matching, Vendor};
use bedside_sim::region::{self, Region, What};
use bedside_store::{Options, Store};
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const CLIENT: &str = "bedside";

/// Three simulated EHRs, and Bedside's connections to them.
struct Lake {
    clock: VirtualClock,
    region: Region,
    next: Option<region::Event>,
    ehrs: Vec<Ehr>,
    store: Store,
    ctx: OpCtx,
    connections: Connections,
    stop: CancellationToken,
    tracker: TaskTracker,
    _folder: tempfile::TempDir,
}

impl Lake {
    async fn open(patients: usize) -> Self {
        let start = "2026-03-02T06:00:00Z".parse().unwrap();
        let clock = VirtualClock::new(start);
        let shared: SharedClock = Arc::new(clock.clone());
        let folder = tempfile::tempdir().unwrap();
        let options = Options::beside(&folder.path().join("data"), Arc::clone(&shared));
        let store = Store::open(options).await.unwrap();
        let ctx = OpCtx::service(TenantId::default_tenant(), "test", Arc::clone(&shared));
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let (lanes, run) = Lanes::start(store.clone(), ctx.clone(), Rules::default(), stop.clone());
        tracker.spawn(run);

        let (ec, rsa) = (
            SigningKey::generate_ec().unwrap(),
            SigningKey::generate_rsa().unwrap(),
        );
        let key = SigningKey::new(&ec, Some(&rsa)).unwrap();
        let mut region = Region::new(region::Options {
            patients,
            ..region::Options::new(7, start)
        });
        let opening = region.opening();
        let (mut ehrs, mut list) = (Vec::new(), Vec::new());
        for vendor in Vendor::ALL {
            let mut options = ehr::Options::new(vendor, Arc::clone(&shared));
            options.clients.push(ehr::Client {
                id: String::from(CLIENT),
                keys: Keys::Set(key.jwks()),
            });
            let ehr = Ehr::new(options);
            for charted in &opening {
                ehr.apply(charted.clone());
            }
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (serving, until) = (ehr.clone(), stop.clone());
            tracker.spawn(async move { serving.serve(listener, until).await.unwrap() });
            // What a site's own file says of its EHR.
            let mut site = String::from("[limits]\nper_minute = 60000\nburst = 2000\n");
            match vendor {
                // A key set that is handed over holds RSA keys there (vendor catalogue EPIC-02).
                Vendor::Epic => site.push_str("[auth]\nalgorithm = 'RS384'\n"),
                Vendor::Oracle => {}
                Vendor::Athena => {
                    let practice = ehr.tenant().unwrap();
                    site.push_str(&format!(
                        "[request.parameters]\nah-practice = '{practice}'\n"
                    ));
                }
            }
            let layer = Layer {
                file: "site.toml",
                text: &site,
            };
            let name = vendor.as_str();
            list.push(ConnectionOptions {
                source: store
                    .ensure_source(&ctx, name, name, None, "UTC")
                    .await
                    .unwrap(),
                base: ehr.base(address),
                token_url: None,
                client_id: String::from(CLIENT),
                scopes: None,
                profile: Arc::new(profile::shipped(name, Some(layer)).unwrap()),
                roster: Roster::Group(ehr.roster_id()),
                pace: Pace {
                    labs: SignedDuration::from_mins(15),
                    rest: SignedDuration::from_hours(2),
                    roster: SignedDuration::from_hours(1),
                },
                jitter_seed: 7,
            });
            ehrs.push(ehr);
        }
        let connections = Connections::start(
            store.clone(),
            lanes,
            Arc::new(key),
            list,
            stop.clone(),
            &tracker,
        )
        .unwrap();
        connections.settled().await;
        Self {
            clock,
            region,
            next: None,
            ehrs,
            store,
            ctx,
            connections,
            stop,
            tracker,
            _folder: folder,
        }
    }

    /// Lets hours pass: the region lives, the EHRs show it, the connections ask.
    async fn pass(&mut self, hours: i64) {
        let end = self.clock.now() + SignedDuration::from_hours(hours);
        loop {
            self.connections.settled().await;
            let due = self.connections.next_due().unwrap_or(end).min(end);
            loop {
                let event = match self.next.take() {
                    Some(event) => event,
                    None => self.region.next_event(),
                };
                if event.at > due {
                    self.next = Some(event);
                    break;
                }
                match event.what {
                    What::Charted(charted) => {
                        for ehr in &self.ehrs {
                            ehr.apply(charted.clone());
                        }
                    }
                    What::Message(_) => {}
                }
            }
            self.clock.advance_to(due);
            if due >= end {
                break;
            }
        }
        self.connections.settled().await;
    }

    fn ehr(&self, vendor: Vendor) -> &Ehr {
        self.ehrs.iter().find(|ehr| ehr.vendor() == vendor).unwrap()
    }

    async fn open_incidents(&self) -> Vec<(String, Kind)> {
        let rows = self.store.incidents(&self.ctx, true).await.unwrap();
        rows.into_iter()
            .map(|row| (row.source.as_str().to_owned(), row.kind))
            .filter(|(_, kind)| kind.ends_by_itself())
            .collect()
    }

    async fn coverage(&self, source: &str) -> Vec<(String, String, Coverage)> {
        let source = SourceId::new(source);
        let rows = self
            .store
            .completeness_overview(&self.ctx, Some(&source))
            .await
            .unwrap();
        rows.into_iter()
            .map(|row| (row.resource_type, row.category, row.coverage))
            .collect()
    }

    async fn close(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_vendors_are_crawled_whole_and_followed_for_some_hours() {
    let mut lake = Lake::open(6).await;
    for _ in 0..2 {
        for status in lake.connections.status() {
            assert_eq!(status.state, State::Up, "{status:?}");
            assert!(status.crawled_once && status.patients >= 5, "{status:?}");
            let coverage = lake.coverage(&status.name).await;
            assert!(!coverage.is_empty());
            let short: Vec<_> = coverage
                .into_iter()
                .filter(|(_, _, coverage)| *coverage != Coverage::Complete)
                .collect();
            assert!(short.is_empty(), "{}: {short:?}", status.name);
        }
        assert!(
            lake.open_incidents().await.is_empty(),
            "{:?}",
            lake.open_incidents().await
        );
        lake.pass(6).await;
    }
    let counts = lake.store.counts(&lake.ctx).await.unwrap();
    assert_eq!(counts.parked, 0);
    lake.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_filed_once_at_epic_and_oracle_and_is_no_matter_of_fhir_at_athena() {
    let lake = Lake::open(5).await;
    for vendor in [Vendor::Epic, Vendor::Oracle] {
        let client = lake.connections.client(vendor.as_str()).unwrap();
        let patient = patient(&lake, vendor).await;
        let note = serde_json::json!({"resourceType": "Communication", "status": "completed",
            "identifier": [{"system": "urn:bedside:write", "value": "k1"}],
            "subject": {"reference": format!("Patient/{patient}")},
            "payload": [{"contentString": "seen"}]});
        let written = client.create("Communication", &note.to_string()).await;
        let Written::Created { id: Some(id) } = written else {
            panic!("{vendor:?}: {written:?}");
        };
        let held = client.read("Communication", &id).await.unwrap();
        assert_eq!(held["payload"][0]["contentString"], "seen");
        assert_eq!(lake.ehr(vendor).created().len(), 1);

        // The server files it and says nothing.
        let matching = Matching {
            method: Some("POST"),
            resource_type: Some(String::from("Communication")),
            patient: None,
        };
        lake.ehr(vendor)
            .faults()
            .arm(Fault::DropAnswer, Some(1), matching);
        let written = client.create("Communication", &note.to_string()).await;
        assert_eq!(written, Written::Unanswered);
        assert_eq!(
            lake.ehr(vendor).created().len(),
            2,
            "it is not sent again by itself"
        );
    }
    let athena = lake.connections.client("athena").unwrap();
    let written = athena.create("Communication", "{}").await;
    assert!(matches!(written, Written::NotSent { .. }), "{written:?}");
    lake.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p12_one_ehr_in_a_bad_hour_delays_no_other_and_comes_back_without_hands() {
    let mut lake = Lake::open(5).await;
    let faults = lake.ehr(Vendor::Oracle).faults();
    faults.arm(Fault::HtmlPage, None, Matching::default());
    lake.pass(2).await;
    let state = |lake: &Lake, name: &str| {
        let all = lake.connections.status();
        all.into_iter().find(|one| one.name == name).unwrap().state
    };
    assert_eq!(state(&lake, "oracle"), State::Down);
    assert_eq!(state(&lake, "epic"), State::Up);
    assert_eq!(state(&lake, "athena"), State::Up);
    let open = lake.open_incidents().await;
    assert!(
        open.contains(&(String::from("oracle"), Kind::NotFhir)),
        "{open:?}"
    );
    assert!(
        open.iter().all(|(source, _)| source == "oracle"),
        "{open:?}"
    );
    faults.clear();
    lake.pass(3).await;
    assert_eq!(state(&lake, "oracle"), State::Up);
    assert!(
        lake.open_incidents().await.is_empty(),
        "{:?}",
        lake.open_incidents().await
    );
    lake.close().await;
}

/// A patient's id at an EHR: the first one on its roster.
async fn patient(lake: &Lake, vendor: Vendor) -> String {
    let client = lake.connections.client(vendor.as_str()).unwrap();
    let group = client
        .read("Group", &lake.ehr(vendor).roster_id())
        .await
        .unwrap();
    let reference = group["member"][0]["entity"]["reference"].as_str().unwrap();
    reference.rsplit('/').next().unwrap().to_owned()
}
