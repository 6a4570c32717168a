//! The clients' public keys: handed in, or fetched from where the client publishes them.
//!
//! Fetched keys are kept for up to 29 hours, shorter when the client's `Cache-Control` says so, and fetched once more
//! when an assertion does not verify (vendor catalogue EPIC-06). Only plain HTTP on loopback is fetched.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use bedside_fact::clock::Timestamp;
use jiff::SignedDuration;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::options::{Client, Keys};
use crate::vendor::Vendor;

/// The longest that keys are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(29);

/// A host that does not answer by then is taken as unreachable.
const PATIENCE: Duration = Duration::from_secs(5);

/// A key set is some kilobytes; what is longer is none.
const LARGEST: u64 = 256 * 1024;

/// The keys of all clients.
pub(crate) struct Keychain {
    vendor: Vendor,
    clients: RwLock<Vec<Client>>,
    fetched: Mutex<HashMap<String, (Timestamp, Vec<Jwk>)>>,
}

impl Keychain {
    pub(crate) fn new(vendor: Vendor, clients: Vec<Client>) -> Self {
        Self {
            vendor,
            clients: RwLock::new(clients),
            fetched: Mutex::new(HashMap::new()),
        }
    }

    /// Registers a client; one of the same id is replaced, and its keys are forgotten.
    pub(crate) fn register(&self, client: Client) {
        self.lock().remove(&client.id);
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        clients.retain(|known| known.id != client.id);
        clients.push(client);
    }

    pub(crate) fn knows(&self, client: &str) -> bool {
        self.client(client).is_some()
    }

    /// The client's keys, and whether they may be older than what the client publishes now.
    pub(crate) async fn keys(&self, client: &str, now: Timestamp) -> (Vec<Jwk>, bool) {
        match self.client(client) {
            None => (Vec::new(), false),
            Some(Keys::Set(set)) => (handed_in(self.vendor, &set), false),
            Some(Keys::Url(url)) => {
                let kept = self
                    .lock()
                    .get(client)
                    .filter(|(until, _)| *until > now)
                    .map(|(_, keys)| keys.clone());
                match kept {
                    Some(keys) => (keys, true),
                    None => (self.fetch(client, &url, now).await, false),
                }
            }
        }
    }

    /// The client's keys as they are published now.
    pub(crate) async fn fresh(&self, client: &str, now: Timestamp) -> Vec<Jwk> {
        match self.client(client) {
            Some(Keys::Url(url)) => self.fetch(client, &url, now).await,
            Some(Keys::Set(_)) | None => Vec::new(),
        }
    }

    async fn fetch(&self, client: &str, url: &str, now: Timestamp) -> Vec<Jwk> {
        let Ok(Some((body, age))) = timeout(PATIENCE, get(url)).await else {
            tracing::warn!("the key set of a client could not be fetched");
            return Vec::new();
        };
        let Ok(set) = serde_json::from_slice::<JwkSet>(&body) else {
            tracing::warn!("what a client publishes is no key set");
            return Vec::new();
        };
        let life = age.map_or(KEPT, |age| age.min(KEPT));
        let until = now.checked_add(life).unwrap_or(now);
        self.lock()
            .insert(client.to_owned(), (until, set.keys.clone()));
        set.keys
    }

    fn client(&self, id: &str) -> Option<Keys> {
        self.clients
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .find(|client| client.id == id)
            .map(|client| client.keys.clone())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Timestamp, Vec<Jwk>)>> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keys that were handed in. Epic keeps of them what an RSA key is made of: no name, and no elliptic curves (vendor
/// catalogue EPIC-02).
fn handed_in(vendor: Vendor, set: &Value) -> Vec<Jwk> {
    let Ok(set) = serde_json::from_value::<JwkSet>(set.clone()) else {
        tracing::warn!("the key set that was handed in for a client is none");
        return Vec::new();
    };
    match vendor {
        Vendor::Oracle | Vendor::Athena => set.keys,
        Vendor::Epic => set
            .keys
            .into_iter()
            .filter(|key| matches!(key.algorithm, AlgorithmParameters::RSA(_)))
            .map(|mut key| {
                key.common.key_id = None;
                key
            })
            .collect(),
    }
}

/// Body and `max-age` of a document on loopback; none when it can't be had.
async fn get(url: &str) -> Option<(Vec<u8>, Option<SignedDuration>)> {
    let (host, path) = url.strip_prefix("http://")?.split_once('/')?;
    let mut stream = TcpStream::connect(loopback(host)?).await.ok()?;
    // HTTP/1.0: the answer is not cut into chunks and ends with the connection.
    let request =
        format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\nAccept: application/json\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.take(LARGEST).read_to_end(&mut answer).await.ok()?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?;
    if status != "200" {
        return None;
    }
    let age = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("cache-control"))
        .and_then(|(_, value)| max_age(value));
    Some((answer.get(end.saturating_add(4)..)?.to_vec(), age))
}

fn max_age(value: &str) -> Option<SignedDuration> {
    value
        .split(',')
        .find_map(|part| part.trim().strip_prefix("max-age="))?
        .parse()
        .ok()
        .map(SignedDuration::from_secs)
}

fn loopback(host: &str) -> Option<SocketAddr> {
    let (name, port) = host.rsplit_once(':').unwrap_or((host, "80"));
    let port = port.parse().ok()?;
    let address = match name {
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        "[::1]" => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other.parse().ok()?,
    };
    address
        .is_loopback()
        .then(|| SocketAddr::new(address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_fetched_from() {
        for host in [
            "127.0.0.1:9000",
            "localhost:9000",
            "[::1]:9000",
            "127.0.0.1",
        ] {
            assert!(loopback(host).is_some(), "{host}");
        }
        for host in [
            "10.0.0.1:80",
            "example.org",
            "127.0.0.1:x",
            "localhost.example.org:80",
        ] {
            assert!(loopback(host).is_none(), "{host}");
        }
        assert_eq!(
            max_age("public, max-age=60"),
            Some(SignedDuration::from_mins(1))
        );
        assert_eq!(max_age("no-store"), None);
    }
}
