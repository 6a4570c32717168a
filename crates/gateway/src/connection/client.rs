//! Reading, searching and creating at one EHR, for whoever writes to it.
//!
//! A create is sent once. What is not answered is said to be unanswered: nobody knows whether it was taken (promise P8).

use std::sync::Arc;

use bedside_core::completeness::Coverage;
use bedside_core::incident::Kind;
use bedside_fact::clock::{SharedClock, Timestamp};
use bedside_fhir::json::{ScanLimits, parse};
use bedside_fhir::page::{Content, Entry, Trouble, judge};
use bedside_fhir::poll::{Cursor, Extent, Mark, Rules, Step};
use jiff::SignedDuration;
use serde_json::Value;

use super::breaker::BreakerState;
use super::pulse::Busy;
use super::wire::{Ask, Lost, Wire};

/// A server that puts a write off without saying how long is tried again after this.
const PUT_OFF: SignedDuration = SignedDuration::from_secs(60);

/// One EHR. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    wire: Arc<Wire>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.wire.name)
    }
}

/// How a create ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The EHR took it.
    Created {
        /// Its id there, when the EHR said it.
        id: Option<String>,
    },
    /// The EHR did not take it.
    Refused {
        /// HTTP status.
        status: u16,
        /// After how long it may take it; none when it never will.
        retry: Option<SignedDuration>,
    },
    /// It left, and nobody knows whether it was taken.
    Unanswered,
    /// It never left.
    NotSent {
        /// Why, without patient data.
        why: String,
    },
}

/// Why a read or a search gave nothing to rely on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the EHR {words}")]
pub struct Failure {
    /// In kinds that an operator knows.
    pub kind: Kind,
    /// In words, without patient data.
    pub words: String,
    /// Whether the EHR says that there is no such resource.
    pub absent: bool,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The matches.
    pub entries: Vec<Value>,
    /// How much of what was asked for that is.
    pub coverage: Coverage,
    /// What was odd, in kinds that an operator knows.
    pub issues: Vec<Kind>,
}

impl Found {
    /// Whether what is not among the entries is not there.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.coverage == Coverage::Complete
    }
}

/// The search by the first identifier of what is created; its separators are escaped as in a query.
fn condition(body: &str) -> Option<String> {
    let body = parse(body.as_bytes(), &ScanLimits::default()).ok()?;
    let identifier = body.pointer("/identifier/0")?;
    let part = |name: &str| identifier.get(name).and_then(Value::as_str);
    let of = format!("{}|{}", part("system")?, part("value")?);
    let escaped: String = url::form_urlencoded::byte_serialize(of.as_bytes()).collect();
    Some(format!("identifier={escaped}"))
}

impl Client {
    pub(super) const fn new(wire: Arc<Wire>) -> Self {
        Self { wire }
    }

    /// Reads one resource.
    ///
    /// # Errors
    /// It is not there, or the EHR did not give it.
    pub async fn read(&self, resource_type: &str, id: &str) -> Result<Value, Failure> {
        let busy = self.wire.pulse.busy();
        match fetch(&self.wire, &busy, resource_type, id).await {
            Ok(entry) if entry.id == id => parse(entry.text.as_bytes(), &ScanLimits::default())
                .map_err(|_| failure(Kind::NotFhir, "answered with something that is no FHIR")),
            Ok(_) => Err(failure(
                Kind::Refused,
                "answered with another record than was asked for",
            )),
            Err(missed) => Err(missed.failure()),
        }
    }

    /// Searches, to the last page.
    ///
    /// # Errors
    /// Nothing came back at all. What came back in part is [`Found::coverage`].
    pub async fn search(
        &self,
        resource_type: &str,
        parameters: &[(String, String)],
    ) -> Result<Found, Failure> {
        let busy = self.wire.pulse.busy();
        let mut parameters = parameters.to_vec();
        for (name, value) in &self.wire.profile.request.parameters {
            parameters.push((name.clone(), value.clone()));
        }
        let url = self.wire.base.url(&[resource_type], &parameters);
        let searched = search(&self.wire, &busy, url).await;
        let mut entries = Vec::new();
        for entry in searched.entries.iter().filter(|entry| !entry.included) {
            entries.extend(parse(entry.text.as_bytes(), &ScanLimits::default()));
        }
        let issues: Vec<Kind> = searched.kinds.clone();
        match (searched.extent, issues.first()) {
            (Extent::Failed, Some(kind)) if entries.is_empty() => {
                Err(failure(*kind, "could not be searched"))
            }
            (extent, _) => Ok(Found {
                entries,
                coverage: coverage(extent),
                issues,
            }),
        }
    }

    /// Creates a resource. It is sent once.
    pub async fn create(&self, resource_type: &str, body: &str) -> Written {
        let busy = self.wire.pulse.busy();
        let wire = &self.wire;
        let Some(rule) = wire.profile.write(resource_type) else {
            return Written::NotSent {
                why: String::from("this EHR takes no such resource by FHIR"),
            };
        };
        let ask = Ask {
            url: wire.base.url(&[resource_type], &[]),
            body: Some(body),
            if_none_exist: rule.if_none_exist.then(|| condition(body)).flatten(),
            signed: true,
        };
        let raw = match wire.send(&busy, ask).await {
            Ok(raw) => raw,
            Err(Lost::Silent | Lost::HalfBody) => return Written::Unanswered,
            Err(lost) => {
                return Written::NotSent { why: lost.words() };
            }
        };
        let asked = wire.asked_to_wait(&raw);
        match raw.status {
            status if rule.success.contains(&status) => Written::Created {
                id: self.created_id(resource_type, &raw.reply()),
            },
            status if status == 429 || (status == 503 && asked.is_some()) => Written::Refused {
                status,
                retry: Some(asked.unwrap_or(PUT_OFF)),
            },
            // The precondition: more than one is there already, and which is ours is for the caller to find out.
            412 if rule.if_none_exist => Written::Unanswered,
            // A failing server may have taken it before it failed; a success of another kind than the profile knows is no proof.
            200..=299 | 500..=599 => Written::Unanswered,
            status => Written::Refused {
                status,
                retry: None,
            },
        }
    }

    /// Until when the server is left alone after failures; none when it may be asked now.
    #[must_use]
    pub fn rests_until(&self) -> Option<Timestamp> {
        match self.wire.breaker() {
            BreakerState::Open { until } => {
                Some(until).filter(|until| *until > self.wire.clock.now())
            }
            BreakerState::Closed | BreakerState::HalfOpen => None,
        }
    }

    /// What a reference of that server is relative to; absolute where it stands under the registered base.
    #[must_use]
    pub fn own_reference(&self, reference: &str) -> Option<String> {
        let base = &self.wire.base;
        let (kind, id) = base.local(base.resolve(reference)?.as_str())?;
        Some(format!("{kind}/{id}"))
    }

    pub(crate) fn clock(&self) -> &SharedClock {
        &self.wire.clock
    }

    /// The id in `Location`, relative or absolute, else the one in the body.
    fn created_id(
        &self,
        resource_type: &str,
        reply: &bedside_fhir::page::Reply<'_>,
    ) -> Option<String> {
        let base = &self.wire.base;
        let located = reply
            .header("location")
            .and_then(|location| base.resolve(location))
            .and_then(|url| base.local(url.as_str()))
            .filter(|(kind, _)| kind == resource_type)
            .map(|(_, id)| id);
        located.or_else(|| {
            let value = parse(reply.body, &ScanLimits::default()).ok()?;
            let own = value.get("resourceType").and_then(Value::as_str) == Some(resource_type);
            let id = value.get("id").and_then(Value::as_str)?;
            own.then(|| id.to_owned())
        })
    }
}

/// Why a read gave nothing.
#[derive(Debug)]
pub(super) enum Missed {
    Lost(Lost),
    Trouble(Trouble),
}

impl Missed {
    pub(super) fn failure(&self) -> Failure {
        match self {
            Self::Lost(lost) => failure(lost.kind(), &lost.words()),
            Self::Trouble(trouble) => Failure {
                absent: *trouble == Trouble::Gone,
                ..failure(kind(trouble), kind(trouble).words())
            },
        }
    }
}

/// Reads one resource's text; the id may be another than was asked for, and that is for the caller to see.
pub(super) async fn fetch(
    wire: &Wire,
    busy: &Busy,
    resource_type: &str,
    id: &str,
) -> Result<Entry, Missed> {
    let parameters: Vec<(String, String)> = wire
        .profile
        .request
        .parameters
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let url = wire.base.url(&[resource_type, id], &parameters);
    let raw = wire.send(busy, Ask::get(url)).await.map_err(Missed::Lost)?;
    let judged = judge(&raw.reply(), &wire.profile.outcome, wire.clock.now());
    let trouble = match judged {
        Ok(Content::Resource(entry)) if entry.resource_type == resource_type => return Ok(entry),
        Ok(Content::Resource(_) | Content::Page(_) | Content::Nothing) => Trouble::NotFhir,
        Err(trouble) => trouble,
    };
    Err(Missed::Trouble(trouble))
}

/// What one search came to.
pub(super) struct Searched {
    pub(super) entries: Vec<Entry>,
    pub(super) extent: Extent,
    pub(super) kinds: Vec<Kind>,
    pub(super) lost: Option<Lost>,
    pub(super) wait_until: Option<Timestamp>,
}

/// The longest that a search is held open because the server said "later".
const HOLD: SignedDuration = SignedDuration::from_secs(30);

/// Follows one search to its end.
pub(super) async fn search(wire: &Wire, busy: &Busy, first: url::Url) -> Searched {
    let rules = Rules {
        base: wire.base.clone(),
        max_pages: wire.profile.paging.max_pages,
        trust_total: wire.profile.paging.trust_total,
        outcomes: wire.profile.outcome.clone(),
    };
    let mut cursor = Cursor::new(first, rules);
    let mut searched = Searched {
        entries: Vec::new(),
        extent: Extent::Complete,
        kinds: Vec::new(),
        lost: None,
        wait_until: None,
    };
    while let Some(url) = cursor.request().cloned() {
        let now = wire.clock.now();
        let step = match wire.send(busy, Ask::get(url)).await {
            Ok(raw) => {
                if raw.token_died && !searched.kinds.contains(&Kind::TokenDied) {
                    searched.kinds.push(Kind::TokenDied);
                }
                cursor.on_response(&raw.reply(), now)
            }
            Err(lost) => {
                let mark = match lost {
                    Lost::HalfBody => Mark::HalfBody,
                    Lost::Foreign => Mark::ForeignLink,
                    Lost::NoToken(_) => Mark::Unauthorised,
                    Lost::Unreachable | Lost::Silent | Lost::Resting(_) => Mark::ServerError,
                };
                searched.kinds.push(lost.kind());
                searched.lost = Some(lost);
                cursor.on_failure(mark)
            }
        };
        match step {
            Step::Page(entries) => searched.entries.extend(entries),
            Step::Request | Step::Stop => {}
            Step::Wait(until) => {
                if until.duration_since(wire.clock.now()) > HOLD {
                    searched.wait_until = Some(until);
                    cursor.on_failure(Mark::RateLimited);
                } else {
                    busy.wait_until(until).await;
                }
            }
        }
    }
    searched.extent = cursor.extent();
    if searched.lost.is_none() {
        for mark in cursor.marks() {
            let kind = mark_kind(*mark);
            if !searched.kinds.contains(&kind) {
                searched.kinds.push(kind);
            }
        }
    }
    searched
}

/// How much is known, as the ledger of completeness says it.
pub(super) const fn coverage(extent: Extent) -> Coverage {
    match extent {
        Extent::Complete => Coverage::Complete,
        Extent::Truncated => Coverage::Truncated,
        Extent::Unlicensed => Coverage::Unlicensed,
        Extent::Denied => Coverage::Denied,
        Extent::Failed => Coverage::Failed,
    }
}

const fn mark_kind(mark: Mark) -> Kind {
    match mark {
        Mark::NotFhir => Kind::NotFhir,
        Mark::HalfBody => Kind::HalfBody,
        Mark::ServerError => Kind::ServerError,
        Mark::RateLimited => Kind::RateLimited,
        Mark::Unauthorised => Kind::TokenDied,
        Mark::Denied | Mark::Moved => Kind::Refused,
        Mark::Query | Mark::Endless => Kind::BadQuery,
        Mark::ForeignLink => Kind::ForeignLink,
        Mark::Expired => Kind::PageExpired,
        Mark::Unlisted => Kind::UnlistedOutcome,
        Mark::Short => Kind::ShortAnswer,
    }
}

/// The kind of incident that a trouble is.
pub(super) const fn kind(trouble: &Trouble) -> Kind {
    match trouble {
        Trouble::NotFhir => Kind::NotFhir,
        Trouble::HalfBody => Kind::HalfBody,
        Trouble::ServerError => Kind::ServerError,
        Trouble::RateLimited(_) => Kind::RateLimited,
        Trouble::Unauthorised => Kind::TokenDied,
        Trouble::Denied | Trouble::Unlicensed | Trouble::Gone | Trouble::Moved(_) => Kind::Refused,
        Trouble::Another => Kind::ForeignSubject,
        Trouble::Query => Kind::BadQuery,
        Trouble::Expired => Kind::PageExpired,
        Trouble::Unlisted => Kind::UnlistedOutcome,
    }
}

fn failure(kind: Kind, words: &str) -> Failure {
    Failure {
        kind,
        words: words.to_owned(),
        absent: false,
    }
}
