//! The one place that sends: limiter, breaker, token, timeouts, and the origin that the token never leaves.
//!
//! A request goes out only to the registered base; a redirect is an answer and is not followed. A `GET` is tried again after a failure that
//! time may mend; nothing else is ever sent twice, except after a 401, which says that nothing was done.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use bedside_core::incident::Kind;
use bedside_core::profile::Profile;
use bedside_fact::clock::{SharedClock, Timestamp};
use bedside_fhir::page::{Base, Reply, retry_after};
use jiff::SignedDuration;
use url::Url;

use super::breaker::{Breaker, BreakerState, later};
use super::error::Error;
use super::key::SigningKey;
use super::limit::Limit;
use super::options::ConnectionOptions;
use super::pulse::{Busy, Pulse};
use super::token::Tokens;

/// The largest body that is read.
const MAX_BODY: usize = 64 << 20;

/// How long a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a server may be silent.
const SILENCE: Duration = Duration::from_secs(30);

/// Times that a `GET` is tried again at once.
const TRIES: usize = 2;

/// A minute, over which requests are counted.
const MINUTE: SignedDuration = SignedDuration::from_secs(60);

/// One connection's way out.
pub(super) struct Wire {
    pub(super) name: String,
    pub(super) clock: SharedClock,
    pub(super) base: Base,
    pub(super) profile: Arc<Profile>,
    pub(super) pulse: Pulse,
    pub(super) tokens: Tokens,
    http: reqwest::Client,
    limit: Limit,
    breaker: Mutex<Breaker>,
    figures: Mutex<Figures>,
    seed: AtomicU64,
}

/// What is counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    pub(super) requests: u64,
    pub(super) last_success: Option<Timestamp>,
    pub(super) last_failure: Option<(Timestamp, Kind)>,
    recent: VecDeque<Timestamp>,
}

/// One request.
pub(super) struct Ask<'a> {
    pub(super) url: Url,
    /// A body makes it a `POST`.
    pub(super) body: Option<&'a str>,
    /// A search: where the server has a match already, nothing is made.
    pub(super) if_none_exist: Option<String>,
    /// Whether the token goes along.
    pub(super) signed: bool,
}

impl Ask<'_> {
    /// A `GET` with the token.
    pub(super) const fn get(url: Url) -> Self {
        Self {
            url,
            body: None,
            if_none_exist: None,
            signed: true,
        }
    }
}

/// An answer, whole.
pub(super) struct Raw {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// Whether a token was refused on the way to it.
    pub(super) token_died: bool,
}

impl Raw {
    /// Whether it is a success that holds a page of a web site or plain words: a proxy answers, or a maintenance page.
    fn is_page(&self) -> bool {
        let first = self.body.trim_ascii_start().first();
        (200..=299).contains(&self.status)
            && first.is_some_and(|first| !matches!(first, b'{' | b'['))
    }

    pub(super) fn reply(&self) -> Reply<'_> {
        Reply {
            status: self.status,
            headers: &self.headers,
            body: &self.body,
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The server can't be reached: the request never left.
    Unreachable,
    /// The request left, and no answer came in time.
    Silent,
    /// The answer broke off, or is too large.
    HalfBody,
    /// No token could be had; why, in codes.
    NoToken(String),
    /// The breaker is open until then; nothing was sent.
    Resting(Timestamp),
    /// The address is not under the registered base; nothing was sent.
    Foreign,
}

impl Lost {
    /// The kind of incident.
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Unreachable | Self::Silent | Self::Resting(_) => Kind::Unreachable,
            Self::HalfBody => Kind::HalfBody,
            Self::NoToken(_) => Kind::NoToken,
            Self::Foreign => Kind::ForeignLink,
        }
    }

    /// In words, without an address.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Unreachable => String::from("can't be reached"),
            Self::Silent => String::from("did not answer"),
            Self::HalfBody => String::from("broke off in the middle of its answer"),
            Self::NoToken(why) => format!("gave no token ({why})"),
            Self::Resting(until) => format!("is left alone until {until} after failures"),
            Self::Foreign => String::from("was not asked: the address is not its own"),
        }
    }
}

impl Wire {
    pub(super) fn new(
        options: &ConnectionOptions,
        key: Arc<SigningKey>,
        clock: SharedClock,
    ) -> Result<Self, Error> {
        let name = options.source.id.as_str().to_owned();
        let base = address(&name, "base", &options.base)?;
        let token_url = options
            .token_url
            .as_deref()
            .map(|url| address(&name, "token_url", url).map(|_| url.to_owned()))
            .transpose()?;
        let limits = &options.profile.limits;
        Ok(Self {
            http: client().map_err(|_| Error::Http { name: name.clone() })?,
            tokens: Tokens::new(options, token_url, key),
            limit: Limit::new(limits.per_minute, limits.burst, Arc::clone(&clock)),
            pulse: Pulse::new(Arc::clone(&clock)),
            breaker: Mutex::new(Breaker::new()),
            figures: Mutex::default(),
            seed: AtomicU64::new(options.jitter_seed),
            profile: Arc::clone(&options.profile),
            name,
            clock,
            base,
        })
    }

    /// Sends, and reads the answer to its end.
    pub(super) async fn send(&self, busy: &Busy, ask: Ask<'_>) -> Result<Raw, Lost> {
        if !self.base.admits(&ask.url) {
            return Err(Lost::Foreign);
        }
        let mut delays = self.delays();
        loop {
            let answer = self.once(busy, &ask).await;
            let passing = match &answer {
                Ok(raw) => {
                    matches!(raw.status, 502..=504) && raw.reply().header("retry-after").is_none()
                }
                Err(lost) => matches!(lost, Lost::Unreachable | Lost::Silent),
            };
            let again = (passing && ask.body.is_none()).then(|| delays.next());
            let Some(delay) = again.flatten() else {
                return answer;
            };
            busy.wait_until(self.after(delay)).await;
        }
    }

    async fn once(&self, busy: &Busy, ask: &Ask<'_>) -> Result<Raw, Lost> {
        let now = self.clock.now();
        self.locked().may(now).map_err(Lost::Resting)?;
        let answer = self.with_token(busy, ask).await;
        let now = self.clock.now();
        let bad = match &answer {
            Ok(raw) if raw.status >= 500 => Some(Kind::ServerError),
            Ok(raw) if raw.is_page() => Some(Kind::NotFhir),
            Ok(_) => None,
            Err(Lost::Resting(_) | Lost::Foreign) => {
                self.locked().withdrawn(now);
                return answer;
            }
            Err(lost) => Some(lost.kind()),
        };
        match bad {
            None => {
                self.locked().good();
                self.figures().last_success = Some(now);
            }
            Some(kind) => self.spoilt(kind),
        }
        answer
    }

    async fn with_token(&self, busy: &Busy, ask: &Ask<'_>) -> Result<Raw, Lost> {
        if !ask.signed {
            return self.bare(busy, ask, None).await;
        }
        let token = self.tokens.get(self, busy, None).await?;
        let first = self.bare(busy, ask, Some(&token.text)).await?;
        if first.status != 401 {
            return Ok(first);
        }
        // A token that died early is replaced once; a second refusal is the answer.
        let token = self.tokens.get(self, busy, Some(token.number)).await?;
        let mut second = self.bare(busy, ask, Some(&token.text)).await?;
        second.token_died = true;
        Ok(second)
    }

    /// One request on the wire.
    async fn bare(&self, busy: &Busy, ask: &Ask<'_>, token: Option<&str>) -> Result<Raw, Lost> {
        while let Err(due) = self.limit.take() {
            busy.wait_until(due).await;
        }
        let rules = &self.profile.request;
        let mut request = match ask.body {
            None => self.http.get(ask.url.clone()),
            Some(body) => self
                .http
                .post(ask.url.clone())
                .header("content-type", &rules.content_type)
                .body(body.to_owned()),
        };
        if let Some(search) = &ask.if_none_exist {
            request = request.header("if-none-exist", search);
        }
        request = request.header("accept", &rules.accept);
        for (name, value) in &rules.headers {
            request = request.header(name, value);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        self.exchange(request).await
    }

    /// Asks for a token, or for a discovery document: without a bearer token, and to whatever address the caller has checked.
    pub(super) async fn exchange(&self, request: reqwest::RequestBuilder) -> Result<Raw, Lost> {
        self.count();
        let mut response = request.send().await.map_err(|error| {
            if error.is_connect() {
                Lost::Unreachable
            } else {
                Lost::Silent
            }
        })?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .filter_map(|(name, value)| {
                Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
            })
            .collect();
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_BODY => {
                    body.extend_from_slice(&chunk);
                }
                Ok(None) => break,
                Ok(Some(_)) | Err(_) => return Err(Lost::HalfBody),
            }
        }
        Ok(Raw {
            status,
            headers,
            body,
            token_died: false,
        })
    }

    pub(super) const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The server failed, as the answer showed.
    fn spoilt(&self, kind: Kind) {
        let now = self.clock.now();
        self.figures().last_failure = Some((now, kind));
        if self.locked().bad(now) {
            tracing::warn!(
                source = self.name,
                kind = kind.as_str(),
                "the server failed too often and is left alone for a while"
            );
        }
    }

    pub(super) fn breaker(&self) -> BreakerState {
        self.locked().state()
    }

    pub(super) fn figures(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests within the last minute.
    pub(super) fn rate(&self) -> u32 {
        let from = self.clock.now().saturating_sub(MINUTE);
        let figures = self.figures();
        let recent = figures.recent.iter().rev();
        let count = recent
            .take_while(|at| from.as_ref().is_ok_and(|from| *at > from))
            .count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// How long the server asks to be left alone, by its headers.
    pub(super) fn asked_to_wait(&self, raw: &Raw) -> Option<SignedDuration> {
        retry_after(raw.reply().header("retry-after"), self.clock.now())
    }

    /// Rests after failures: twice as long each, with jitter, so that many clients of one server don't come back together.
    pub(super) fn rest(&self, failures: i64) -> SignedDuration {
        let longest = Duration::from_secs(900);
        let nth = usize::try_from(failures.clamp(0, 12)).unwrap_or(0);
        let rest = ExponentialBuilder::default()
            .with_min_delay(Duration::from_secs(15))
            .with_max_delay(longest)
            .with_max_times(nth + 1)
            .with_jitter()
            .with_jitter_seed(self.seed())
            .build()
            .nth(nth);
        SignedDuration::try_from(rest.unwrap_or(longest)).unwrap_or(SignedDuration::from_mins(15))
    }

    fn delays(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        ExponentialBuilder::default()
            .with_min_delay(Duration::from_secs(1))
            .with_max_delay(Duration::from_secs(8))
            .with_max_times(TRIES)
            .with_jitter()
            .with_jitter_seed(self.seed())
            .build()
    }

    fn seed(&self) -> u64 {
        self.seed.fetch_add(1, Ordering::Relaxed)
    }

    fn after(&self, delay: Duration) -> Timestamp {
        let delay = SignedDuration::try_from(delay).unwrap_or(SignedDuration::from_secs(8));
        later(self.clock.now(), delay)
    }

    fn count(&self) {
        let now = self.clock.now();
        let mut figures = self.figures();
        figures.requests += 1;
        figures.recent.push_back(now);
        let old = now.saturating_sub(MINUTE);
        while figures
            .recent
            .front()
            .is_some_and(|at| old.as_ref().is_ok_and(|old| at <= old))
        {
            figures.recent.pop_front();
        }
    }

    fn locked(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An address that may be asked: encrypted, or this machine.
pub(super) fn address(name: &str, what: &'static str, text: &str) -> Result<Base, Error> {
    let base = Base::parse(text).map_err(|why| Error::Address {
        name: name.to_owned(),
        what,
        why,
    })?;
    if base.is_encrypted() || base.is_loopback() {
        Ok(base)
    } else {
        Err(Error::Plain {
            name: name.to_owned(),
            what,
        })
    }
}

/// The only place that makes HTTP clients.
fn client() -> Result<reqwest::Client, reqwest::Error> {
    // Another part of the program may have chosen the same library before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .user_agent(concat!("bedside/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .tcp_nodelay(true)
        .build()
}
