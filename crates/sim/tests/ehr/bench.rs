//! A running EHR and a small client for it.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use bedside_fact::clock::{Clock as _, Timestamp, VirtualClock};
use bedside_sim::ehr::{Client, Ehr, Keys, Options, Vendor};
use jiff::SignedDuration;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The registered client.
pub(crate) const CLIENT: &str = "bedside-client";

/// Everything that the tests need at the vendors that want to be asked.
const SCOPES: &str = "system/Patient.read system/Observation.read system/Observation.write system/Condition.read system/Encounter.read system/AllergyIntolerance.read system/MedicationRequest.read system/Communication.read system/Communication.write system/Group.read system/Practitioner.read";

/// Where the virtual clock starts.
pub(crate) fn start() -> Timestamp {
    "2026-11-22T14:30:00Z".parse().unwrap()
}

/// A signing key, with the public half as a JSON Web Key.
#[derive(Clone)]
pub(crate) struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
    pub(crate) public: Value,
}

impl Signer {
    /// Of the kind that the vendor takes when it is handed in: Epic has no elliptic curves then.
    pub(crate) fn for_vendor(vendor: Vendor) -> Self {
        match vendor {
            Vendor::Epic => Self::rsa(),
            Vendor::Oracle | Vendor::Athena => Self::curve(),
        }
    }

    pub(crate) fn rsa() -> Self {
        static KEY: OnceLock<Vec<u8>> = OnceLock::new();
        let der = KEY.get_or_init(|| {
            let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
            let wrapped: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
            // The library wants the key without its PKCS#8 wrapping, which is 26 bytes for this size.
            wrapped.as_ref()[26..].to_vec()
        });
        Self::new(EncodingKey::from_rsa_der(der), Algorithm::RS384)
    }

    pub(crate) fn curve() -> Self {
        let der =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new())
                .unwrap();
        Self::new(EncodingKey::from_ec_der(der.as_ref()), Algorithm::ES384)
    }

    fn new(key: EncodingKey, algorithm: Algorithm) -> Self {
        let mut public =
            serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).unwrap()).unwrap();
        public["kid"] = json!("k1");
        Self {
            key,
            algorithm,
            public,
        }
    }

    pub(crate) fn set(&self) -> Value {
        json!({"keys": [self.public]})
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = Some("k1".to_owned());
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {} {}", self.status, self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(have, _)| have == name)
            .map(|(_, value)| value.as_str())
    }

    /// The ids of the matches of a searchset.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.entries("id")
            .into_iter()
            .map(|id| id.as_str().unwrap().to_owned())
            .collect()
    }

    /// The outcome inside a searchset.
    pub(crate) fn outcomes(&self) -> Vec<Value> {
        self.entries("issue")
            .into_iter()
            .map(|issues| issues[0].clone())
            .collect()
    }

    /// The URL of a link of a searchset.
    pub(crate) fn link(&self, relation: &str) -> Option<String> {
        self.json()["link"]
            .as_array()
            .unwrap()
            .iter()
            .find(|link| link["relation"] == relation)
            .map(|link| link["url"].as_str().unwrap().to_owned())
    }

    /// The code of an Epic outcome.
    pub(crate) fn epic_code(&self) -> String {
        self.json()["issue"][0]["details"]["coding"][0]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    fn entries(&self, element: &str) -> Vec<Value> {
        self.json()["entry"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|entry| entry["resource"].get(element))
            .cloned()
            .collect()
    }
}

/// A running EHR.
pub(crate) struct Bench {
    pub(crate) ehr: Ehr,
    pub(crate) clock: VirtualClock,
    pub(crate) address: SocketAddr,
    pub(crate) signer: Signer,
    token: String,
    shutdown: CancellationToken,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Bench {
    /// An EHR with one client that has signed in.
    pub(crate) async fn new(vendor: Vendor) -> Self {
        Self::with(vendor, |_| ()).await
    }

    pub(crate) async fn with(vendor: Vendor, change: impl FnOnce(&mut Options)) -> Self {
        let mut bench = Self::stranger(vendor, change).await;
        bench.token = bench.sign_in(SCOPES).await;
        bench
    }

    /// An EHR whose client has not signed in yet.
    pub(crate) async fn stranger(vendor: Vendor, change: impl FnOnce(&mut Options)) -> Self {
        let clock = VirtualClock::new(start());
        let signer = Signer::for_vendor(vendor);
        let mut options = Options::new(vendor, Arc::new(clock.clone()));
        options.clients = vec![Client {
            id: CLIENT.to_owned(),
            keys: Keys::Set(signer.set()),
        }];
        change(&mut options);
        let ehr = Ehr::new(options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let (server, stop) = (ehr.clone(), shutdown.clone());
        TaskTracker::new().spawn(async move { server.serve(listener, stop).await.unwrap() });
        Self {
            ehr,
            clock,
            address,
            signer,
            token: String::new(),
            shutdown,
        }
    }

    pub(crate) fn later(&self, seconds: i64) {
        let to = self.clock.now() + SignedDuration::from_secs(seconds);
        self.clock.advance_to(to);
    }

    /// The claims of a good assertion.
    pub(crate) fn claims(&self, jti: &str) -> Value {
        let now = self.clock.now().as_second();
        json!({
            "iss": CLIENT, "sub": CLIENT, "aud": self.ehr.token_url(self.address),
            "iat": now, "exp": now + 240, "jti": jti,
        })
    }

    /// Asks for a token with these claims.
    pub(crate) async fn ask_token(&self, claims: &Value, scope: &str) -> Reply {
        let scope = scope.replace(' ', "+");
        let form = format!(
            "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={}&scope={scope}",
            self.signer.sign(claims)
        );
        let url = self.ehr.token_url(self.address);
        let path = url.split_once("//").unwrap().1.split_once('/').unwrap().1;
        let form_type = "application/x-www-form-urlencoded";
        self.send(
            "POST",
            &format!("/{path}"),
            &[("content-type", form_type)],
            &form,
        )
        .await
        .unwrap()
    }

    pub(crate) async fn sign_in(&self, scope: &str) -> String {
        let jti = format!("jti-{}-{}", self.clock.now(), self.ehr.requests());
        let reply = self.ask_token(&self.claims(&jti), scope).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn renew(&mut self) {
        self.token = self.sign_in(SCOPES).await;
    }

    /// A GET below the FHIR base, signed in, wanting JSON.
    pub(crate) async fn get(&self, rest: &str) -> Reply {
        self.try_get(rest).await.unwrap()
    }

    /// The same when the answer may not come.
    pub(crate) async fn try_get(&self, rest: &str) -> Result<Reply, std::io::Error> {
        let path = format!("{}{rest}", self.base_path());
        self.send("GET", &path, &self.usual(), "").await
    }

    /// A GET of an absolute URL of this EHR.
    pub(crate) async fn follow(&self, url: &str) -> Reply {
        let rest = url
            .strip_prefix(&format!("http://{}", self.address))
            .unwrap();
        self.send("GET", rest, &self.usual(), "").await.unwrap()
    }

    /// A POST below the FHIR base.
    pub(crate) async fn post(&self, rest: &str, body: &Value) -> Reply {
        self.try_post(rest, body).await.unwrap()
    }

    pub(crate) async fn try_post(&self, rest: &str, body: &Value) -> Result<Reply, std::io::Error> {
        let path = format!("{}{rest}", self.base_path());
        let mut headers = self.usual();
        headers.push(("content-type", "application/fhir+json"));
        self.send("POST", &path, &headers, &body.to_string()).await
    }

    pub(crate) fn base_path(&self) -> String {
        let base = self.ehr.base(self.address);
        base.strip_prefix(&format!("http://{}", self.address))
            .unwrap()
            .to_owned()
    }

    /// Headers of a request that is signed in.
    pub(crate) fn usual(&self) -> Vec<(&'static str, &str)> {
        vec![
            ("accept", "application/fhir+json"),
            ("authorization", &self.token),
        ]
    }

    /// One request on a connection of its own. An error when the connection ends without an answer.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Reply, std::io::Error> {
        let mut text = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.address,
            body.len()
        );
        for (name, value) in headers {
            let prefix = if *name == "authorization" {
                "Bearer "
            } else {
                ""
            };
            text.push_str(&format!("{name}: {prefix}{value}\r\n"));
        }
        text.push_str("\r\n");
        text.push_str(body);
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(text.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let answer = String::from_utf8(answer).unwrap();
        let Some((head, body)) = answer.split_once("\r\n\r\n") else {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
        };
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        Ok(Reply {
            status: status.parse().unwrap(),
            headers: lines
                .map(|line| line.split_once(": ").unwrap())
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect(),
            body: body.to_owned(),
        })
    }

    /// Puts resources into the charts, visible now.
    pub(crate) fn fill(&self, resources: impl IntoIterator<Item = Value>) {
        for resource in resources {
            self.ehr.put(start(), resource);
        }
    }
}

pub(crate) fn patient(id: &str) -> Value {
    json!({
        "resourceType": "Patient", "id": id,
        "identifier": [{"type": {"text": "EXTERNAL"}, "system": "urn:oid:2.16.840.1.113883.3.9621.1", "value": format!("R-{id}")}],
        "name": [{"family": "Muñoz", "given": ["Ana", "María"]}],
        "gender": "female", "birthDate": "1961-04-02",
    })
}

/// A potassium of so many minutes after midnight.
pub(crate) fn potassium(id: &str, patient: &str, minute: u32, status: &str) -> Value {
    json!({
        "resourceType": "Observation", "id": id, "status": status,
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
        "subject": {"reference": format!("Patient/{patient}")},
        "effectiveDateTime": format!("2026-11-22T{:02}:{:02}:00Z", minute / 60, minute % 60),
        "valueQuantity": {"value": exact("6.30"), "unit": "mmol/L"},
    })
}

/// A number with the digits that were written.
fn exact(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}
