//! A console over a store in a folder of its own, with two patients, one parked input and one account in three roles.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Request, Response, StatusCode};
use bedside_core::audit::AuditOutcome;
use bedside_core::completeness::Asked;
use bedside_core::ctx::{OpCtx, Purpose, Role, Via};
use bedside_core::evidence::Seen;
use bedside_core::journal::{Admitted, InputKind, LaneKey, NewInput, UnitKey};
use bedside_core::record::{Ending, Merge, Outcome, Write};
use bedside_fact::clock::{SharedClock, Timestamp, VirtualClock};
use bedside_fact::id::{ActorId, ResourceId, Seq, SourceId, SystemId, TenantId};
use bedside_fact::phi::Phi;
use bedside_identity::{Demographics, PatientIdentifier, PersonName};
use bedside_store::audit::{AuditFilter, AuditRow};
use bedside_store::fault::Faults;
use bedside_store::{Options, Store};
use bedside_web::{
    Act, Acted, Answers, Api, App, ConnectionStatus, Connections, Desk, FeedStatus, Feeds, Later,
    Refused, router,
};
use tower::ServiceExt as _;

/// A family name that would run as a script if it were not escaped.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>";

/// Counts the nudges.
#[derive(Default)]
pub(crate) struct Nudged(pub(crate) AtomicU64);

impl Feeds for Nudged {
    fn status(&self) -> Vec<FeedStatus> {
        Vec::new()
    }

    fn nudge(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn queue_depth(&self) -> u64 {
        0
    }
}

/// A desk that writes down what it was asked for and answers as it was told to.
#[derive(Default)]
pub(crate) struct ToldDesk {
    pub(crate) acts: Mutex<Vec<(String, Act)>>,
    pub(crate) answer: Mutex<Option<Result<Acted, Refused>>>,
    pub(crate) mark: AtomicU64,
}

impl Desk for ToldDesk {
    fn act<'a>(
        &'a self,
        _: &'a OpCtx,
        item: &'a str,
        act: Act,
    ) -> Later<'a, Result<Acted, Refused>> {
        self.acts.lock().unwrap().push((item.to_owned(), act));
        let told = self.answer.lock().unwrap().clone();
        let answer = told.unwrap_or_else(|| {
            Ok(Acted {
                changed: true,
                words: String::from("so it is"),
            })
        });
        Box::pin(std::future::ready(answer))
    }

    fn answers(&self, workflow: &str) -> Answers {
        if workflow != "critical-potassium" {
            return Answers::default();
        }
        Answers {
            done: vec![String::from("treated"), String::from("transferred")],
            close_reasons: vec![String::from("specimen error confirmed")],
        }
    }

    fn mark(&self) -> Option<u64> {
        Some(self.mark.load(Ordering::SeqCst))
    }
}

/// Connections in the states that a test gives them.
#[derive(Default)]
pub(crate) struct ToldConnections {
    pub(crate) status: Mutex<Vec<ConnectionStatus>>,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl ToldConnections {
    /// `oracle` and the like, in `state`, last heard of at `last`.
    pub(crate) fn set(&self, name: &str, state: &str, last: Option<&str>) {
        let mut all = self.status.lock().unwrap();
        all.retain(|one| one.name != name);
        all.push(ConnectionStatus {
            name: name.to_owned(),
            vendor: name.to_owned(),
            origin: format!("https://{name}.example"),
            state: state.to_owned(),
            breaker: String::from("closed"),
            rate_per_minute: 600,
            requests: 42,
            last_success: last.map(|at| at.parse().unwrap()),
            last_failure: None,
            next_due: None,
            patients: 3,
        });
    }
}

impl Connections for ToldConnections {
    fn status(&self) -> Vec<ConnectionStatus> {
        self.status.lock().unwrap().clone()
    }

    fn pause(&self, name: &str, paused: bool) {
        let verb = if paused { "pause" } else { "resume" };
        self.asked.lock().unwrap().push(format!("{verb} {name}"));
    }

    fn resync(&self, name: &str) {
        self.asked.lock().unwrap().push(format!("resync {name}"));
    }
}

pub(crate) struct Hospital {
    pub(crate) store: Store,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) nudged: Arc<Nudged>,
    pub(crate) desk: Arc<ToldDesk>,
    pub(crate) connections: Arc<ToldConnections>,
    pub(crate) patients: Vec<ResourceId>,
    pub(crate) parked: Seq,
    router: Router,
    _folder: tempfile::TempDir,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn location(&self) -> &str {
        self.headers
            .get(LOCATION)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// A browser that is signed in.
pub(crate) struct Browser<'a> {
    hospital: &'a Hospital,
    cookie: String,
    pub(crate) csrf: String,
}

impl Hospital {
    pub(crate) async fn open() -> Self {
        Self::open_with(&Faults::new()).await
    }

    /// With a database that fails on demand.
    pub(crate) async fn open_with(faults: &Faults) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let start: Timestamp = "2026-11-22T15:00:00Z".parse().unwrap();
        let virtual_clock = Arc::new(VirtualClock::new(start));
        let clock: SharedClock = virtual_clock.clone();
        let options = Options::beside(&folder.path().join("data"), clock.clone());
        let faults = faults.clone();
        let store = Store::open_wrapped(options, Box::new(move |backend| faults.wrap(backend)))
            .await
            .unwrap();
        let service = OpCtx::service(TenantId::default_tenant(), "test", clock);
        store
            .ensure_source(&service, "WARD", "ward", Some("ward"), "America/Chicago")
            .await
            .unwrap();
        let roles = [Role::Clinician, Role::Engineer, Role::Compliance];
        store
            .put_account(&service, "alex", &roles, Some("correct horse battery"))
            .await
            .unwrap();
        let mut patients = Vec::new();
        for (n, (family, given)) in [("Okonkwo", "Ada"), (HOSTILE, "Eve")]
            .into_iter()
            .enumerate()
        {
            patients.push(admit_patient(&store, &service, n, family, given).await);
        }
        let mut unreadable = input("unreadable", b"this is no message".to_vec());
        unreadable.reject = Some(String::from("unrecognised"));
        let (Admitted::Taken(parked) | Admitted::Again(parked)) =
            store.append(&service, unreadable).await.unwrap();
        let nudged = Arc::new(Nudged::default());
        let desk = Arc::new(ToldDesk::default());
        let connections = Arc::new(ToldConnections::default());
        let router = router(App {
            store: store.clone(),
            feeds: nudged.clone(),
            desk: desk.clone(),
            connections: connections.clone(),
            catalogue: Arc::new(bedside_core::facts::Catalogue::shipped().clone()),
            api: Arc::new(Api::closed()),
            zone: jiff::tz::TimeZone::get("America/Chicago").unwrap(),
            site: String::from("Test ward"),
            tls: true,
        });
        Self {
            store,
            clock: virtual_clock,
            nudged,
            desk,
            connections,
            patients,
            parked,
            router,
            _folder: folder,
        }
    }

    /// An answer whose body is still to be read.
    pub(crate) async fn open_response(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.open_response(request).await;
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// A stranger's request, as a browser sends it.
    pub(crate) async fn stranger(&self, method: &str, path: &str, body: Body) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(ACCEPT, "text/html")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(body).unwrap()).await
    }

    pub(crate) async fn link(&self, role: Role) -> String {
        let service = OpCtx::service(
            TenantId::default_tenant(),
            "test",
            self.store.clock().clone(),
        );
        self.store
            .signin_link(&service, "alex", role, 900)
            .await
            .unwrap()
    }

    pub(crate) async fn sign_in(&self, role: Role) -> Browser<'_> {
        let link = self.link(role).await;
        let answer = self
            .stranger("POST", &format!("/signin/link/{link}"), Body::empty())
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let given = answer.headers.get(SET_COOKIE).unwrap().to_str().unwrap();
        let cookie = given.split(';').next().unwrap().to_owned();
        let mut browser = Browser {
            hospital: self,
            cookie,
            csrf: String::new(),
        };
        let page = browser.get("/reason").await.text;
        let after = page.split("name=\"csrf\" value=\"").nth(1).unwrap();
        browser.csrf = after.split('"').next().unwrap().to_owned();
        browser
    }

    /// Takes in resources of the first patient, as one message.
    pub(crate) async fn tell(&self, control: &str, resources: &[(&str, &str, serde_json::Value)]) {
        let patient = &self.patients[0];
        let mut told = outcome(self.received(control).await, patient);
        for (resource_type, id, body) in resources {
            told.writes
                .push(write(resource_type, &ResourceId::new(*id), patient, body));
        }
        self.store.commit(&self.service(), told).await.unwrap();
    }

    /// Time passes.
    pub(crate) fn pass(&self, length: jiff::SignedDuration) {
        self.clock.advance_to(self.store.clock().now() + length);
    }

    /// A message that says how questions ended and what was seen.
    pub(crate) async fn tell_asked(&self, control: &str, asked: Vec<Asked>, seen: Vec<Seen>) {
        let mut told = outcome(self.received(control).await, &self.patients[0]);
        told.patients = self.patients.clone();
        told.completeness = asked;
        told.evidence = seen;
        self.store.commit(&self.service(), told).await.unwrap();
    }

    /// A source says that the second patient is the first one.
    pub(crate) async fn merge(&self) {
        let mut told = outcome(self.received("merge").await, &self.patients[0]);
        told.merges.push(Merge {
            survivor: self.patients[0].clone(),
            prior: self.patients[1].clone(),
        });
        told.patients = self.patients.clone();
        self.store.commit(&self.service(), told).await.unwrap();
    }

    async fn received(&self, control: &str) -> Seq {
        let mut new = input(control, control.as_bytes().to_vec());
        new.lanes = vec![LaneKey {
            authority: String::from("WARD"),
            value: String::from("100200"),
        }];
        let (Admitted::Taken(seq) | Admitted::Again(seq)) =
            self.store.append(&self.service(), new).await.unwrap();
        seq
    }

    pub(crate) fn service(&self) -> OpCtx {
        OpCtx::service(
            TenantId::default_tenant(),
            "test",
            self.store.clock().clone(),
        )
    }

    /// What the audit log says, newest first.
    pub(crate) async fn log(&self, outcome: AuditOutcome) -> Vec<AuditRow> {
        let ctx = OpCtx {
            tenant: TenantId::default_tenant(),
            actor: ActorId::new("carol"),
            role: Role::Compliance,
            purpose: Purpose::Compliance,
            reason: None,
            via: Via::Internal,
            grant: None,
            clock: self.store.clock().clone(),
        };
        let filter = AuditFilter {
            outcome: Some(outcome),
            limit: 500,
            ..AuditFilter::default()
        };
        self.store.audit_search(&ctx, filter).await.unwrap()
    }
}

impl Browser<'_> {
    pub(crate) fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(ACCEPT, "text/html")
            .header(COOKIE, &self.cookie)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.hospital
            .send(self.request("GET", path).body(Body::empty()).unwrap())
            .await
    }

    /// Sends a form with the session's token.
    pub(crate) async fn post(&self, path: &str, fields: &str) -> Answer {
        self.post_raw(path, &[], format!("csrf={}&{fields}", self.csrf))
            .await
    }

    /// Sends a form as it is.
    pub(crate) async fn post_raw(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let mut request = self
            .request("POST", path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.hospital
            .send(request.body(Body::from(body)).unwrap())
            .await
    }
}

fn input(control: &str, raw: Vec<u8>) -> NewInput {
    NewInput {
        source: SourceId::new("WARD"),
        system: SystemId::new("ward"),
        kind: InputKind::Hl7v2,
        message_type: String::from("ADT^A01"),
        control_id: control.to_owned(),
        raw: Phi::new(raw),
        context: Phi::default(),
        unit: UnitKey::Message {
            control: control.to_owned(),
        },
        lanes: Vec::new(),
        reject: None,
        ack: None,
    }
}

async fn admit_patient(
    store: &Store,
    service: &OpCtx,
    n: usize,
    family: &str,
    given: &str,
) -> ResourceId {
    let number = format!("10020{n}");
    let mut new = input(
        &format!("C{n}"),
        format!("MSH|^~\\&|WARD|||||ADT^A01|C{n}|P|2.5\rPID|1||{number}").into_bytes(),
    );
    new.lanes = vec![LaneKey {
        authority: String::from("WARD"),
        value: number.clone(),
    }];
    let (Admitted::Taken(seq) | Admitted::Again(seq)) = store.append(service, new).await.unwrap();
    let id = ResourceId::new(format!("aaaaaaaaaaaaaaaaaaaaaaaaa{}", ["b", "c"][n]));
    let body = serde_json::json!({
        "resourceType": "Patient",
        "id": id.as_str(),
        "identifier": [{ "type": { "coding": [{ "code": "MR" }] }, "system": "urn:id:WARD", "value": number }],
        "name": [{ "use": "official", "family": family, "given": [given] }],
        "gender": "female",
        "birthDate": "1955-03-09",
    });
    let mut told = outcome(seq, &id);
    let mut patient = write("Patient", &id, &id, &body);
    patient.demographics = Some(Demographics {
        names: vec![PersonName {
            family: family.to_owned(),
            given: vec![given.to_owned()],
            suffix: None,
        }],
        birth_date: Some(String::from("1955-03-09")),
        identifiers: vec![PatientIdentifier {
            authority: String::from("WARD"),
            value: number,
            kind: Some(String::from("MR")),
        }],
        ..Demographics::default()
    });
    told.writes.push(patient);
    store.commit(service, told).await.unwrap();
    id
}

fn write(
    resource_type: &str,
    id: &ResourceId,
    patient: &ResourceId,
    body: &serde_json::Value,
) -> Write {
    Write {
        resource_type: resource_type.to_owned(),
        id: id.clone(),
        source_id: id.to_string(),
        patient: Some(patient.clone()),
        version: 1,
        body: body.to_string(),
        fingerprint: [0; 16],
        when: None,
        source_time: None,
        demographics: None,
    }
}

fn outcome(seq: Seq, patient: &ResourceId) -> Outcome {
    Outcome {
        seq,
        source: SourceId::new("WARD"),
        system: SystemId::new("ward"),
        ending: Ending::Applied,
        writes: Vec::new(),
        aliases: Vec::new(),
        merges: Vec::new(),
        completeness: Vec::new(),
        patients: vec![patient.clone()],
        mapping: "test/1",
        issues: Vec::new(),
        evidence: Vec::new(),
        incidents: Vec::new(),
    }
}
