//! A site with three applications and an EHR whose resources come in through the journal.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, Request, StatusCode};
use bedside_core::access::Grant;
use bedside_core::admit;
use bedside_core::audit::AuditOutcome;
use bedside_core::completeness::{Asked, Coverage};
use bedside_core::ctx::{OpCtx, Purpose, Role, Via};
use bedside_core::journal::{Admitted, NewInput, UnitKey};
use bedside_core::map::{self, MapCtx};
use bedside_core::record::{self, Ending, Merge, Outcome};
use bedside_core::source::Source;
use bedside_fact::clock::{Clock as _, SharedClock, Timestamp, VirtualClock};
use bedside_fact::id::{ActorId, ResourceId, Seq, TenantId};
use bedside_store::audit::{AuditFilter, AuditRow};
use bedside_store::{Options, Store};
use bedside_web::{
    Api, App, Application, Fetch, Intake, Jwks, Later, NoConnections, NoDesk, NoFeeds, Taken,
    router,
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub(crate) use crate::fixture::{patient, potassium};
pub(crate) use crate::key::Key;

pub(crate) const BASE: &str = "http://127.0.0.1:8080/fhir";
pub(crate) const TOKEN_URL: &str = "http://127.0.0.1:8080/auth/token";

/// What the gateway does with an input, without its queues.
#[derive(Clone)]
pub(crate) struct Through {
    store: Store,
    sources: Arc<Mutex<HashMap<String, Source>>>,
    pub(crate) submitted: Arc<AtomicU64>,
    // One after the other: whoever hears of another's input hears of it when it is applied.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Through {
    async fn take(&self, inputs: Vec<NewInput>) -> Vec<Taken> {
        let _turn = self.turn.lock().await;
        let ctx = OpCtx::service(
            TenantId::default_tenant(),
            "test",
            self.store.clock().clone(),
        );
        let admitted = self.store.append_many(&ctx, inputs.clone()).await.unwrap();
        let mut taken = Vec::new();
        for (input, admitted) in inputs.into_iter().zip(admitted) {
            let (seq, again) = match admitted {
                Admitted::Taken(seq) => (seq, false),
                Admitted::Again(seq) => (seq, true),
            };
            let ending = if again {
                Ending::Applied
            } else {
                self.apply(&ctx, seq, &input).await
            };
            self.submitted.fetch_add(1, Ordering::SeqCst);
            taken.push(Taken { seq, again, ending });
        }
        taken
    }

    async fn apply(&self, ctx: &OpCtx, seq: Seq, input: &NewInput) -> Ending {
        let source = self.sources.lock().unwrap()[input.source.as_str()].clone();
        let text = String::from_utf8(input.raw.expose().clone()).unwrap();
        let refs = map::fhir::references(input.context.expose());
        let refs = |reference: &str| refs.get(reference).cloned();
        let ids = self.store.public_ids();
        let mapped = map::fhir::map(
            &text,
            &MapCtx {
                source: &source,
                ids: ids.as_ref(),
                seq,
                received_at: ctx.now(),
                patient_of: &|_, _| None,
            },
            &refs,
        );
        let keys: Vec<_> = mapped
            .drafts
            .iter()
            .map(|draft| (draft.resource_type.clone(), draft.id.clone()))
            .collect();
        let current = self.store.current(ctx, &keys).await.unwrap();
        let mut outcome = outcome(seq, &source);
        outcome.writes =
            record::writes(mapped.drafts, &current, ctx.now(), &source.id, ids.as_ref());
        outcome.aliases = mapped.aliases;
        outcome.merges = mapped.merges;
        outcome.patients = mapped.patients;
        self.store.commit(ctx, outcome).await.unwrap();
        Ending::Applied
    }
}

impl Intake for Through {
    fn submit<'a>(
        &'a self,
        _: &'a OpCtx,
        inputs: Vec<NewInput>,
    ) -> Later<'a, Result<Vec<Taken>, String>> {
        Box::pin(async move { Ok(self.take(inputs).await) })
    }
}

/// A web of one page, which counts its readers.
#[derive(Clone, Default)]
pub(crate) struct Web {
    pub(crate) page: Arc<Mutex<String>>,
    pub(crate) read: Arc<AtomicU64>,
}

impl Fetch for Web {
    fn get<'a>(&'a self, _: &'a str) -> Later<'a, Result<Vec<u8>, String>> {
        self.read.fetch_add(1, Ordering::SeqCst);
        let page = self.page.lock().unwrap().clone();
        Box::pin(async move { Ok(page.into_bytes()) })
    }
}

pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) clock: VirtualClock,
    pub(crate) keys: HashMap<&'static str, Key>,
    pub(crate) through: Through,
    pub(crate) web: Web,
    pub(crate) ehr: Source,
    router: Router,
    folder: tempfile::TempDir,
    jti: AtomicU64,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The code of the first issue.
    pub(crate) fn issue(&self) -> String {
        let outcome = self.json();
        assert_eq!(outcome["resourceType"], "OperationOutcome", "{}", self.text);
        outcome["issue"][0]["code"].as_str().unwrap().to_owned()
    }

    /// The ids of the entries of this mode.
    pub(crate) fn ids(&self, mode: &str) -> Vec<String> {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        let bundle = self.json();
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        entries
            .iter()
            .filter(|entry| entry["search"]["mode"] == mode)
            .map(|entry| {
                entry["resource"]["id"]
                    .as_str()
                    .unwrap_or("outcome")
                    .to_owned()
            })
            .collect()
    }

    /// The words of the outcome in a searchset, as `code: words`.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let bundle = self.json();
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        entries
            .iter()
            .filter(|entry| entry["search"]["mode"] == "outcome")
            .flat_map(|entry| {
                entry["resource"]["issue"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default()
            })
            .map(|issue| {
                format!(
                    "{}: {}",
                    issue["code"].as_str().unwrap(),
                    issue["diagnostics"].as_str().unwrap()
                )
            })
            .collect()
    }

    pub(crate) fn link(&self, relation: &str) -> Option<String> {
        let bundle = self.json();
        let links = bundle["link"].as_array()?.clone();
        let link = links.iter().find(|link| link["relation"] == relation)?;
        Some(link["url"].as_str().unwrap().to_owned())
    }
}

const APPLICATIONS: [(&str, &str); 5] = [
    (
        "reader",
        "system/Patient.rs system/Observation.crs system/Condition.rs system/AllergyIntolerance.rs system/MedicationRequest.rs system/Encounter.rs",
    ),
    ("observer", "system/Observation.rs"),
    ("device", "system/Observation.c"),
    (
        "wide",
        "system/Patient.rs system/Observation.crs system/Device.rs",
    ),
    ("remote", "system/Observation.rs"),
];

impl Site {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let start: Timestamp = "2026-11-22T15:00:00Z".parse().unwrap();
        let clock = VirtualClock::new(start);
        let shared: SharedClock = Arc::new(clock.clone());
        let store = Store::open(Options::beside(&folder.path().join("data"), shared))
            .await
            .unwrap();
        let service = OpCtx::service(TenantId::default_tenant(), "test", store.clock().clone());
        let mut sources = HashMap::new();
        let mut keys = HashMap::new();
        for (name, vendor) in [("epic", "epic"), ("oracle", "oracle")]
            .into_iter()
            .chain(APPLICATIONS.map(|(name, _)| (name, map::fhir::APPLICATION)))
        {
            let source = store
                .ensure_source(&service, name, vendor, None, "America/Chicago")
                .await
                .unwrap();
            sources.insert(name.to_owned(), source);
        }
        for (name, _) in APPLICATIONS {
            keys.insert(name, Key::new(&format!("{name}-1")));
        }
        let ehr = sources["epic"].clone();
        let through = Through {
            store: store.clone(),
            sources: Arc::new(Mutex::new(sources)),
            submitted: Arc::default(),
            turn: Arc::default(),
        };
        let web = Web::default();
        *web.page.lock().unwrap() = keys["remote"].jwks().to_string();
        let mut site = Self {
            router: Router::new(),
            store,
            clock,
            keys,
            through,
            web,
            ehr,
            folder,
            jti: AtomicU64::new(0),
        };
        site.register(&APPLICATIONS);
        site
    }

    /// The applications that are registered from now on.
    pub(crate) fn register(&mut self, registered: &[(&str, &str)]) {
        let sources = self.through.sources.lock().unwrap().clone();
        let applications = registered
            .iter()
            .map(|(name, scopes)| Application {
                id: (*name).to_owned(),
                jwks: if *name == "remote" {
                    Jwks::Url(String::from("https://remote.example/jwks"))
                } else {
                    Jwks::Set(self.keys[name].jwks())
                },
                scopes: Grant::parse(scopes),
                source: sources[*name].clone(),
            })
            .collect();
        self.router = router(App {
            store: self.store.clone(),
            feeds: Arc::new(NoFeeds),
            desk: Arc::new(NoDesk),
            connections: Arc::new(NoConnections),
            catalogue: Arc::new(bedside_core::facts::Catalogue::shipped().clone()),
            api: Arc::new(Api::new(
                applications,
                None,
                None,
                Box::new(self.through.clone()),
                Box::new(self.web.clone()),
            )),
            zone: jiff::tz::TimeZone::get("America/Chicago").unwrap(),
            site: String::from("Test site"),
            tls: false,
        });
    }

    /// The program ends and starts again.
    pub(crate) async fn restart(&mut self) {
        self.router = Router::new();
        self.store.close().await.unwrap();
        let shared: SharedClock = Arc::new(self.clock.clone());
        self.store = Store::open(Options::beside(&self.folder.path().join("data"), shared))
            .await
            .unwrap();
        self.through.store = self.store.clone();
        self.register(&APPLICATIONS);
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock
            .advance_to(self.clock.now() + jiff::SignedDuration::from_secs(seconds));
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// Claims that hold.
    pub(crate) fn claims(&self, client: &str) -> Value {
        let n = self.jti.fetch_add(1, Ordering::SeqCst);
        json!({"iss": client, "sub": client, "aud": TOKEN_URL, "jti": format!("{client}-{n}"),
            "exp": self.clock.now().as_second() + 240})
    }

    pub(crate) async fn ask_token(&self, assertion: &str, scope: &str) -> Answer {
        let scope = scope.replace(' ', "%20");
        let form = format!(
            "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer\
             &client_assertion={assertion}&scope={scope}"
        );
        self.send(
            Request::post("/auth/token")
                .header(HOST, "127.0.0.1:8080")
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(form))
                .unwrap(),
        )
        .await
    }

    /// An access token with all scopes of this application.
    pub(crate) async fn token(&self, client: &str) -> String {
        let assertion = self.keys[client].sign(&self.claims(client));
        let answer = self.ask_token(&assertion, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn request(token: &str, method: &str, path: &str) -> axum::http::request::Builder {
        let path = path.strip_prefix("http://127.0.0.1:8080").unwrap_or(path);
        Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "127.0.0.1:8080")
            .header(AUTHORIZATION, format!("Bearer {token}"))
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.send(
            Self::request(token, "GET", path)
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn get_with(
        &self,
        token: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Self::request(token, "GET", path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(
        &self,
        token: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Self::request(token, "POST", path);
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header(CONTENT_TYPE, "application/fhir+json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    /// The EHR says so.
    pub(crate) async fn tell(&self, resource: &Value) -> ResourceId {
        self.tell_as("epic", &resource.to_string()).await
    }

    pub(crate) async fn tell_as(&self, source: &str, text: &str) -> ResourceId {
        let source = self.through.sources.lock().unwrap()[source].clone();
        let mut input = admit::fhir(text.as_bytes(), &source, [0; 32], 0, &|_| None);
        assert_eq!(input.reject, None);
        input.unit = UnitKey::Message {
            control: String::new(),
        };
        self.through.take(vec![input]).await;
        let resource: Value = serde_json::from_str(text).unwrap();
        self.store.public_ids().public_id(
            &source.id,
            resource["resourceType"].as_str().unwrap(),
            resource["id"].as_str().unwrap(),
        )
    }

    /// A source was asked for something.
    pub(crate) async fn asked(
        &self,
        patient: &ResourceId,
        kind: &str,
        category: &str,
        coverage: Coverage,
    ) {
        let ctx = OpCtx::service(
            TenantId::default_tenant(),
            "test",
            self.store.clock().clone(),
        );
        let mut outcome = self.nothing(&ctx, patient).await;
        outcome.completeness.push(Asked {
            source: String::from("epic"),
            patient: patient.as_str().to_owned(),
            resource_type: kind.to_owned(),
            category: category.to_owned(),
            coverage,
            asked_at: ctx.now().as_microsecond(),
            window_lo: None,
            window_hi: None,
            persona: String::new(),
            basis: String::from("test"),
        });
        self.store.commit(&ctx, outcome).await.unwrap();
    }

    /// A source says that one patient is another.
    pub(crate) async fn merge(&self, survivor: &ResourceId, prior: &ResourceId) {
        let ctx = OpCtx::service(
            TenantId::default_tenant(),
            "test",
            self.store.clock().clone(),
        );
        let mut outcome = self.nothing(&ctx, survivor).await;
        outcome.patients.push(prior.clone());
        outcome.merges.push(Merge {
            survivor: survivor.clone(),
            prior: prior.clone(),
        });
        self.store.commit(&ctx, outcome).await.unwrap();
    }

    async fn nothing(&self, ctx: &OpCtx, patient: &ResourceId) -> Outcome {
        let mut input = admit::fhir(
            b"{\"resourceType\":\"Basic\"}",
            &self.ehr,
            [0; 32],
            0,
            &|_| None,
        );
        input.unit = UnitKey::Message {
            control: String::new(),
        };
        let (Admitted::Taken(seq) | Admitted::Again(seq)) =
            self.store.append(ctx, input).await.unwrap();
        let mut outcome = outcome(seq, &self.ehr);
        outcome.patients.push(patient.clone());
        outcome
    }

    /// What the audit log says of this actor, oldest first.
    pub(crate) async fn log(&self, actor: &str) -> Vec<AuditRow> {
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
            limit: 500,
            ..AuditFilter::default()
        };
        let mut rows = self.store.audit_search(&ctx, filter).await.unwrap();
        rows.reverse();
        rows.retain(|row| row.entry.actor == actor);
        rows
    }

    /// How many entries of this actor were granted and denied.
    pub(crate) async fn counted(&self, actor: &str) -> (usize, usize) {
        let rows = self.log(actor).await;
        let of = |outcome| {
            rows.iter()
                .filter(|row| row.entry.outcome == outcome)
                .count()
        };
        (of(AuditOutcome::Success), of(AuditOutcome::Denied))
    }
}

fn outcome(seq: Seq, source: &Source) -> Outcome {
    Outcome {
        seq,
        source: source.id.clone(),
        system: source.system.clone(),
        ending: Ending::Applied,
        writes: Vec::new(),
        aliases: Vec::new(),
        merges: Vec::new(),
        completeness: Vec::new(),
        patients: Vec::new(),
        mapping: map::fhir::VERSION,
        issues: Vec::new(),
        evidence: Vec::new(),
        incidents: Vec::new(),
    }
}
