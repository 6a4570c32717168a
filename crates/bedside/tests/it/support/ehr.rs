//! The other side for tests of connections and workflows: a simulated EHR in this process, a site that is connected to it, and the console as
//! a clinician uses it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bedside_fact::clock::{Clock, SharedClock, Timestamp, Wait};
use bedside_sim::ehr::{Client, Ehr, Keys, Options};
use bedside_sim::vendor::Vendor;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::http::{get, request};
use super::messages::{PEOPLE, Person};
use super::mllp::Line;
use super::site::{Serve, Site};

/// The wall clock, for the simulated EHR.
struct Wall;

impl Clock for Wall {
    #[expect(
        clippy::disallowed_methods,
        reason = "the other side of a real process lives in real time"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn wait_until(&self, _: Timestamp) -> Wait<'_> {
        // Only slow answers wait, and none is played here.
        Box::pin(std::future::pending())
    }
}

/// The other side.
pub(crate) struct Other {
    pub(crate) ehr: Ehr,
    pub(crate) base: String,
    _runtime: tokio::runtime::Runtime,
}

impl Other {
    pub(crate) fn new(vendor: Vendor, jwks: Value) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let clock: SharedClock = Arc::new(Wall);
        let mut options = Options::new(vendor, Arc::clone(&clock));
        options.clients = vec![Client {
            id: String::from("bedside"),
            keys: Keys::Set(jwks),
        }];
        let ehr = Ehr::new(options);
        let long_ago = "2026-01-01T00:00:00Z".parse().unwrap();
        for (person, id) in PEOPLE.iter().zip(["101", "102", "103"]) {
            ehr.put(long_ago, patient(id, person));
        }
        ehr.put(long_ago, json!({ "resourceType": "Patient", "id": "999", "name": [{ "family": "Zztest", "given": ["Nobody"] }], "birthDate": "1900-01-01" }));
        let members: Vec<Value> = ["101", "102", "103"]
            .iter()
            .map(|id| json!({ "entity": { "reference": format!("Patient/{id}") } }))
            .collect();
        ehr.put(long_ago, json!({ "resourceType": "Group", "id": "7", "type": "person", "actual": true, "member": members }));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let base = ehr.base(listener.local_addr().unwrap());
        let serving = ehr.clone();
        runtime.spawn(async move { serving.serve(listener, CancellationToken::new()).await });
        Self {
            ehr,
            base,
            _runtime: runtime,
        }
    }

    /// Says where our keys are published.
    pub(crate) fn publish(&self, url: &str) {
        self.ehr.register(Client {
            id: String::from("bedside"),
            keys: Keys::Url(url.to_owned()),
        });
    }

    /// The keys of the notes that it holds, each with how often.
    pub(crate) fn notes(&self) -> BTreeMap<String, usize> {
        let mut notes = BTreeMap::new();
        for created in self.ehr.created() {
            let key = created.body["identifier"][0]["value"]
                .as_str()
                .unwrap()
                .to_owned();
            if !key.starts_with("proof/") {
                *notes.entry(key).or_default() += 1;
            }
        }
        notes
    }
}

pub(crate) fn patient(id: &str, person: &Person) -> Value {
    let born = person.born;
    json!({
        "resourceType": "Patient", "id": id, "active": true,
        "identifier": [{
            "type": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR" }] },
            "system": "urn:bedside:authority:main:HARBOUR", "value": person.mrn,
        }],
        "name": [{ "use": "official", "family": person.family, "given": [person.given] }],
        "birthDate": format!("{}-{}-{}", &born[..4], &born[4..6], &born[6..]),
    })
}

pub(crate) fn site_for(vendor: Vendor, base: &str) -> Site {
    let site = Site::new();
    site.edit(|text| {
        format!(
            "{}\n[[source]]\nname = \"ehr\"\nvendor = \"{}\"\nsystem = \"main\"\n[source.fhir]\nbase = \"{base}\"\nclient_id = \"bedside\"\ngroup = \"7\"\ntest_patient = \"999\"\n",
            text.replace("files = []", "files = [\"critical-potassium.yaml\"]"),
            vendor.as_str()
        )
    });
    let shipped = site
        .run(&["workflow", "print", "critical-potassium"])
        .expect(0)
        .out;
    std::fs::write(site.path().join("critical-potassium.yaml"), shipped).unwrap();
    site
}

/// Lays `profile` over the vendor's, as a site's file does; nothing for none.
pub(crate) fn over_the_profile(site: &Site, profile: &str) {
    if profile.is_empty() {
        return;
    }
    std::fs::write(site.path().join("ehr.toml"), profile).unwrap();
    site.edit(|text| {
        text.replace(
            "\ntest_patient = \"999\"",
            "\ntest_patient = \"999\"\nprofile = \"ehr.toml\"",
        )
    });
}

/// Our public keys, before there is anybody to fetch them.
pub(crate) fn jwks() -> (tempfile::TempDir, Value) {
    let folder = tempfile::tempdir().unwrap();
    let printed = super::site::bedside(folder.path(), &["connect", "keys"]).expect(0);
    (folder, serde_json::from_str(&printed.out).unwrap())
}

/// Waits until `found` finds something.
pub(crate) fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "{what} did not come"
        );
        // The other process says nothing when it is ready, so it is asked again.
        thread::park_timeout(Duration::from_millis(20));
    }
}

/// The console as a clinician uses it.
pub(crate) struct Desk<'a> {
    pub(crate) serve: &'a Serve,
    pub(crate) cookie: &'a str,
}

impl Desk<'_> {
    /// The ids of the items on a tab.
    pub(crate) fn items(&self, tab: &str) -> Vec<String> {
        let page = get(
            self.serve.http,
            &format!("/worklist?tab={tab}"),
            self.cookie,
        )
        .body;
        let mut items: Vec<String> = page
            .split("href=\"/item/")
            .skip(1)
            .map(|rest| rest.split(['"', '?', '#']).next().unwrap().to_owned())
            .collect();
        items.sort();
        items.dedup();
        items
    }

    pub(crate) fn page(&self, item: &str) -> String {
        get(self.serve.http, &format!("/item/{item}"), self.cookie).body
    }

    pub(crate) fn act(&self, item: &str, act: &str, answer: &str) -> u16 {
        let page = self.page(item);
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap();
        let csrf = csrf.split('"').next().unwrap();
        let form = format!("csrf={csrf}&{answer}");
        request(
            self.serve.http,
            "POST",
            &format!("/item/{item}/{act}"),
            self.cookie,
            &form,
        )
        .status
    }
}

pub(crate) fn send(address: SocketAddr, message: &[u8]) -> bool {
    Line::connect(address)
        .and_then(|mut line| line.send(message))
        .is_ok_and(|ack| ack.code == "AA")
}

/// Puts the data that the keys were made in where the site expects it.
pub(crate) fn adopt(from: &Path, site: &Site) {
    super::site::copy_folder(&from.join("bedside-data"), &site.data());
    std::fs::copy(from.join("bedside-data.key"), site.key()).unwrap();
    super::site::copy_folder(&from.join("bedside-data.checkpoints"), &site.checkpoints());
}

/// A site that is connected to a simulated EHR of `vendor`, with the keys registered there and the write route not proven.
pub(crate) fn connected(vendor: Vendor) -> (Other, Site) {
    // The keys are made by the first command on the store, so that the EHR can be told them before anything is asked of it.
    let (keys, set) = jwks();
    let other = Other::new(vendor, set);
    let site = site_for(vendor, &other.base);
    adopt(keys.path(), &site);
    (other, site)
}
