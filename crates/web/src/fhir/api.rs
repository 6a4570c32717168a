//! What the program gives to the API: the registered applications, where it is reached, and the two things that this crate can't do
//! itself: pass an input through the lanes, and fetch a key set.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bedside_core::ctx::OpCtx;
use bedside_core::journal::NewInput;
use bedside_core::record::Ending;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::Seq;
use serde_json::Value;

use crate::auth::Application;
use crate::desk::Later;

/// Seconds that an access token is good for, when the site does not say otherwise.
const TOKEN_SECONDS: i64 = 300;

/// How an input that an application sent ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its position.
    pub seq: Seq,
    /// The same unit was taken before: `seq` is that one's.
    pub again: bool,
    /// How it ended.
    pub ending: Ending,
}

/// The way into the journal and through the lanes. The program joins it to the gateway.
pub trait Intake: Send + Sync {
    /// Makes the inputs durable and waits until each has ended; the answers are in the order of the inputs. The error is a stable word:
    /// then none of them was taken.
    fn submit<'a>(
        &'a self,
        ctx: &'a OpCtx,
        inputs: Vec<NewInput>,
    ) -> Later<'a, Result<Vec<Taken>, String>>;
}

/// The way to an application's key set. The program has the HTTP client: `https`, or `http` on loopback; no redirects, a short
/// time-out, at most 256 KiB.
pub trait Fetch: Send + Sync {
    /// The body of a GET on `url`. The error is a sentence without secrets.
    fn get<'a>(&'a self, url: &'a str) -> Later<'a, Result<Vec<u8>, String>>;
}

/// The API's own settings.
pub struct Api {
    /// Who may ask for a token.
    pub applications: Vec<Application>,
    /// Where clients reach us, without a slash at the end. Without it the address that they used counts, on loopback only.
    pub public_url: Option<String>,
    /// Seconds that an access token is good for: 300 to 3600.
    pub token_seconds: i64,
    /// The way into the record.
    pub intake: Box<dyn Intake>,
    /// The way to key sets.
    pub fetch: Box<dyn Fetch>,
    fetched: Mutex<HashMap<String, (Timestamp, Value)>>,
}

impl Api {
    /// An API for these applications.
    #[must_use]
    pub fn new(
        applications: Vec<Application>,
        public_url: Option<String>,
        token_seconds: Option<i64>,
        intake: Box<dyn Intake>,
        fetch: Box<dyn Fetch>,
    ) -> Self {
        Self {
            applications,
            public_url: public_url.map(|url| url.trim_end_matches('/').to_owned()),
            token_seconds: token_seconds.unwrap_or(TOKEN_SECONDS).clamp(300, 3_600),
            intake,
            fetch,
            fetched: Mutex::new(HashMap::new()),
        }
    }

    /// An API that nobody is registered with.
    #[must_use]
    pub fn closed() -> Self {
        Self::new(Vec::new(), None, None, Box::new(Nothing), Box::new(Nothing))
    }

    /// The application of that id.
    pub(crate) fn application(&self, id: &str) -> Option<&Application> {
        self.applications
            .iter()
            .find(|application| application.id == id)
    }

    /// The key sets that were fetched, by address, and when.
    pub(crate) fn fetched(&self) -> MutexGuard<'_, HashMap<String, (Timestamp, Value)>> {
        // A panic elsewhere can't leave the map half changed.
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes nothing and fetches nothing.
struct Nothing;

impl Intake for Nothing {
    fn submit<'a>(
        &'a self,
        _: &'a OpCtx,
        _: Vec<NewInput>,
    ) -> Later<'a, Result<Vec<Taken>, String>> {
        Box::pin(async { Err(String::from("closed")) })
    }
}

impl Fetch for Nothing {
    fn get<'a>(&'a self, _: &'a str) -> Later<'a, Result<Vec<u8>, String>> {
        Box::pin(async { Err(String::from("nothing is fetched here")) })
    }
}
