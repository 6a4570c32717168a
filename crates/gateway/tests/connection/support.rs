//! A scripted FHIR server on loopback, and a gateway that asks it, on one virtual clock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use bedside_core::completeness::Coverage;
use bedside_core::ctx::OpCtx;
use bedside_core::incident::Kind;
use bedside_core::profile::{self, Layer};
use bedside_fact::clock::{SharedClock, VirtualClock};
use bedside_fact::id::{Seq, SourceId, TenantId};
use bedside_gateway::connection::{ConnectionOptions, Connections, Pace, Roster, SigningKey};
use bedside_gateway::lanes::Lanes;
use bedside_gateway::normalise::Rules;
use bedside_store::{IncidentRow, JournalFilter, Options, Store};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The code system of the scripted server's own codes.
pub(crate) const OID: &str = "urn:oid:1.2.840.114350.1.13.7.3.7.2.657369";

/// An answer.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: vec![("content-type", String::from("application/fhir+json"))],
            body: body.into(),
        }
    }

    pub(crate) fn json(value: &Value) -> Self {
        Self::new(200, value.to_string())
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What a client sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) token: Option<String>,
    pub(crate) if_none_exist: Option<String>,
    pub(crate) body: String,
}

/// A server with two patients and one result each.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: String,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    sent: Vec<Sent>,
    faults: Vec<Fault>,
    resources: BTreeMap<(String, String), Value>,
    roster: Vec<String>,
    tokens: u64,
    life: i64,
}

struct Fault {
    matching: &'static str,
    left: usize,
    answer: Answer,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script {
            life: 3600,
            ..Script::default()
        }));
        let server = Self { address, script };
        for (n, patient) in ["p.1", "p.2"].iter().enumerate() {
            server.put(
                &json!({"resourceType": "Patient", "id": patient, "birthDate": "1970-01-01",
                "name": [{"family": format!("Rossi{n}"), "given": ["Anna"]}]}),
            );
            server.put(&result(&format!("o-{patient}"), patient, "5.1"));
        }
        server.roster(&["p.1", "p.2"]);
        let app = Router::new().fallback(serve).with_state(server.clone());
        let running = async move {
            axum::serve(listener, app).await.unwrap();
        };
        TaskTracker::new().spawn(running);
        server
    }

    pub(crate) fn base(&self) -> String {
        format!("{}/fhir/R4", self.address)
    }

    pub(crate) fn put(&self, resource: &Value) {
        let text = |name: &str| resource[name].as_str().unwrap().to_owned();
        let key = (text("resourceType"), text("id"));
        self.script
            .lock()
            .unwrap()
            .resources
            .insert(key, resource.clone());
    }

    pub(crate) fn roster(&self, patients: &[&str]) {
        self.script.lock().unwrap().roster = patients.iter().map(|&id| id.to_owned()).collect();
    }

    /// The next `times` requests whose method and path hold `matching` are answered so.
    pub(crate) fn fail(&self, matching: &'static str, times: usize, answer: Answer) {
        self.script.lock().unwrap().faults.push(Fault {
            matching,
            left: times,
            answer,
        });
    }

    pub(crate) fn mend(&self) {
        self.script.lock().unwrap().faults.clear();
    }

    pub(crate) fn token_life(&self, seconds: i64) {
        self.script.lock().unwrap().life = seconds;
    }

    /// What was sent whose method and path hold `matching`.
    pub(crate) fn sent(&self, matching: &str) -> Vec<Sent> {
        let script = self.script.lock().unwrap();
        let hit = |sent: &&Sent| format!("{} {}", sent.method, sent.path).contains(matching);
        script.sent.iter().filter(hit).cloned().collect()
    }
}

impl Script {
    fn answer(&mut self, sent: &Sent, base: &str) -> Answer {
        let line = format!("{} {}", sent.method, sent.path);
        let fault = self
            .faults
            .iter_mut()
            .find(|fault| fault.left > 0 && line.contains(fault.matching));
        if let Some(fault) = fault {
            fault.left -= 1;
            return fault.answer.clone();
        }
        let (path, query) = sent.path.split_once('?').unwrap_or((&sent.path, ""));
        let Some(path) = path.strip_prefix("/fhir/R4/") else {
            if path == "/token" {
                self.tokens += 1;
                let token = format!("t{}", self.tokens);
                return Answer::json(
                    &json!({"access_token": token, "token_type": "bearer", "expires_in": self.life.to_string()}),
                );
            }
            return Answer::new(404, "");
        };
        if path == ".well-known/smart-configuration" {
            let root = base.strip_suffix("/fhir/R4").unwrap();
            return Answer::json(&json!({"token_endpoint": format!("{root}/token")}));
        }
        if path == "metadata" {
            return Answer::json(
                &json!({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1",
                "software": {"name": "script", "version": "1"}}),
            );
        }
        if sent.token.as_deref() != Some(&format!("t{}", self.tokens)) {
            return Answer::new(401, "");
        }
        if let Some((kind, id)) = path.split_once('/') {
            if kind == "Group" {
                let member: Vec<_> = self
                    .roster
                    .iter()
                    .map(|id| json!({"entity": {"reference": format!("Patient/{id}")}}))
                    .collect();
                return Answer::json(&json!({"resourceType": "Group", "id": id, "member": member}));
            }
            let found = self.resources.get(&(kind.to_owned(), id.to_owned()));
            return found.map_or_else(|| Answer::new(404, ""), Answer::json);
        }
        if sent.method == "POST" {
            return Answer::new(201, "").with("location", format!("{path}/created-1"));
        }
        let of = |resource: &&Value| {
            let subject = format!("Patient/{}", parameter(query, "patient"));
            let reference = ["subject", "patient"]
                .iter()
                .find_map(|name| resource[*name]["reference"].as_str());
            let category = parameter(query, "category");
            let own = resource
                .pointer("/category/0/coding/0/code")
                .and_then(Value::as_str);
            resource["resourceType"] == path
                && reference.is_some_and(|reference| reference.ends_with(&subject))
                && (category.is_empty() || own == Some(category.as_str()))
        };
        let found: Vec<&Value> = self.resources.values().filter(of).collect();
        Answer::json(&bundle(&found, None, found.is_empty().then_some("4101")))
    }
}

async fn serve(State(server): State<Server>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let token = parts
        .headers
        .get("authorization")
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let sent = Sent {
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        token: token.map(str::to_owned),
        if_none_exist: parts
            .headers
            .get("if-none-exist")
            .map(|value| value.to_str().unwrap().to_owned()),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let answer = {
        let mut script = server.script.lock().unwrap();
        script.sent.push(sent.clone());
        script.answer(&sent, &server.base())
    };
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap();
    for (name, value) in answer.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

fn parameter(query: &str, name: &str) -> String {
    let pair = query
        .split('&')
        .find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    pair.unwrap_or_default().to_owned()
}

pub(crate) fn bundle(resources: &[&Value], next: Option<&str>, code: Option<&str>) -> Value {
    let mut entry: Vec<Value> = resources
        .iter()
        .map(|one| json!({"resource": one, "search": {"mode": "match"}}))
        .collect();
    entry.extend(code.map(|code| json!({"search": {"mode": "outcome"}, "resource": {"resourceType": "OperationOutcome",
        "issue": [{"severity": "warning", "code": "processing", "details": {"coding": [{"system": OID, "code": code}]}}]}})));
    let link: Vec<Value> = next
        .iter()
        .map(|next| json!({"relation": "next", "url": next}))
        .collect();
    json!({"resourceType": "Bundle", "type": "searchset", "link": link, "entry": entry})
}

pub(crate) fn result(id: &str, patient: &str, value: &str) -> Value {
    let number: Value = serde_json::from_str(value).unwrap();
    json!({"resourceType": "Observation", "id": id, "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
        "subject": {"reference": format!("Patient/{patient}")}, "effectiveDateTime": "2026-03-01T07:00:00Z",
        "valueQuantity": {"value": number, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}})
}

/// A store, its lanes and connections to scripted servers.
pub(crate) struct Place {
    pub(crate) store: Store,
    pub(crate) ctx: OpCtx,
    pub(crate) clock: VirtualClock,
    pub(crate) connections: Connections,
    stop: CancellationToken,
    tracker: TaskTracker,
    _folder: tempfile::TempDir,
}

impl Place {
    /// Connects to each server under the names `one`, `two` and so on, as to an Epic server.
    pub(crate) async fn connect(servers: &[&Server]) -> Self {
        Self::with(servers, "").await
    }

    /// The same, with a site's layer over the vendor's profile.
    pub(crate) async fn with(servers: &[&Server], site: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = VirtualClock::new("2026-03-01T08:00:00Z".parse().unwrap());
        let shared: SharedClock = Arc::new(clock.clone());
        let options = Options::beside(&folder.path().join("data"), Arc::clone(&shared));
        let store = Store::open(options).await.unwrap();
        let ctx = OpCtx::service(TenantId::default_tenant(), "test", shared);
        let stop = CancellationToken::new();
        let tracker = TaskTracker::new();
        let (lanes, run) = Lanes::start(store.clone(), ctx.clone(), Rules::default(), stop.clone());
        tracker.spawn(run);
        let key = SigningKey::new(&SigningKey::generate_ec().unwrap(), None).unwrap();
        let layer = Layer {
            file: "site.toml",
            text: site,
        };
        let profile = Arc::new(profile::shipped("epic", Some(layer)).unwrap());
        let mut list = Vec::new();
        for (name, server) in ["one", "two", "three"].iter().zip(servers) {
            let source = store
                .ensure_source(&ctx, name, "epic", None, "UTC")
                .await
                .unwrap();
            list.push(ConnectionOptions {
                source,
                base: server.base(),
                token_url: None,
                client_id: String::from("us"),
                scopes: None,
                profile: Arc::clone(&profile),
                roster: Roster::Group(String::from("g")),
                pace: Pace {
                    labs: SignedDuration::from_mins(10),
                    rest: SignedDuration::from_hours(1),
                    roster: SignedDuration::from_mins(30),
                },
                jitter_seed: 7,
            });
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
        let place = Self {
            store,
            ctx,
            clock,
            connections,
            stop,
            tracker,
            _folder: folder,
        };
        place.connections.settled().await;
        place
    }

    /// Lets `minutes` pass.
    pub(crate) async fn pass(&self, minutes: i64) {
        use bedside_fact::clock::Clock as _;
        let end = self.clock.now() + SignedDuration::from_mins(minutes);
        loop {
            self.connections.settled().await;
            let due = self.connections.next_due().filter(|due| *due <= end);
            let Some(due) = due else { break };
            self.clock.advance_to(due);
        }
        self.clock.advance_to(end);
        self.connections.settled().await;
    }

    /// How the newest questions of `kind` at `source` ended.
    pub(crate) async fn coverage(&self, source: &str, kind: &str, category: &str) -> Vec<Coverage> {
        let rows = self
            .store
            .completeness_overview(&self.ctx, Some(&SourceId::new(source)))
            .await
            .unwrap();
        rows.into_iter()
            .filter(|row| row.resource_type == kind && row.category == category)
            .map(|row| row.coverage)
            .collect()
    }

    pub(crate) async fn incidents(&self, source: &str, open_only: bool) -> Vec<Kind> {
        let rows: Vec<IncidentRow> = self.store.incidents(&self.ctx, open_only).await.unwrap();
        rows.into_iter()
            .filter(|row| row.source.as_str() == source)
            .map(|row| row.kind)
            .collect()
    }

    /// Inputs taken from `source`: type and state.
    pub(crate) async fn taken(&self, source: &str) -> Vec<(String, String)> {
        let filter = JournalFilter {
            after: Some(Seq(0)),
            ..JournalFilter::default()
        };
        let rows = self.store.journal(&self.ctx, filter).await.unwrap();
        rows.into_iter()
            .filter(|row| row.source == source)
            .map(|row| (row.message_type.clone(), row.state.as_str().to_owned()))
            .collect()
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}
