//! Takes one answer apart: what it holds, or what is wrong with it.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::outcomes::{Meaning, Outcomes};
use crate::json::{ScanErrorKind, ScanLimits, parse, scan};
use crate::outcome::{Issue, issues};

/// The longest wait that a server may ask for. Some ask for hours (vendor catalogue X-04); a feed is not silent that long on a
/// server's word.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(15);

/// One answer, as it came.
#[derive(Clone, Copy)]
pub struct Reply<'a> {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

impl Reply<'_> {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What a good answer holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A page of a search.
    Page(Page),
    /// One resource.
    Resource(Entry),
    /// Nothing, as after a create.
    Nothing,
}

/// A page of a search.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The resources.
    pub entries: Vec<Entry>,
    /// What the server says about the search itself. These are no data, whatever entry they stand in.
    pub issues: Vec<Issue>,
    /// Where the next page is, as the server wrote it.
    pub next: Option<String>,
    /// How many matches there are on all pages together, when the server says so.
    pub total: Option<u64>,
}

/// One resource exactly as it was sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its type.
    pub resource_type: String,
    /// Its id; empty when it has none.
    pub id: String,
    /// Its text.
    pub text: String,
    /// Whether it came along with a match and is none itself.
    pub included: bool,
}

impl std::fmt::Debug for Entry {
    /// Only the type: a log is no place for a record.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({})", self.resource_type)
    }
}

/// What is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Something that is no FHIR.
    NotFhir,
    /// It broke off.
    HalfBody,
    /// The server failed.
    ServerError,
    /// The server wants to be left alone until then.
    RateLimited(Option<SignedDuration>),
    /// The token is not good.
    Unauthorised,
    /// A policy refuses.
    Denied,
    /// The client has no licence for it.
    Unlicensed,
    /// The query is refused as it stands.
    Query,
    /// The page is no longer there.
    Expired,
    /// There is no such resource, or no longer.
    Gone,
    /// It is elsewhere now: a merged patient, or a gateway's doing.
    Moved(Option<String>),
    /// It answered with another resource than the one that was asked for.
    Another,
    /// An outcome whose code the profile does not list.
    Unlisted,
}

/// Judges an answer by its status, its body and the profile's table.
///
/// # Errors
/// What is wrong with it.
pub fn judge(reply: &Reply<'_>, outcomes: &Outcomes, now: Timestamp) -> Result<Content, Trouble> {
    let wait = || retry_after(reply.header("retry-after"), now);
    if let Some(meaning) = outcomes.body(reply.status, reply.headers, reply.body) {
        return match meaning {
            Meaning::Empty => Ok(Content::Page(Page::default())),
            Meaning::Ignore => content(reply),
            Meaning::Retry => Err(Trouble::RateLimited(wait())),
            Meaning::Incomplete
            | Meaning::Denied
            | Meaning::Unlicensed
            | Meaning::Expired
            | Meaning::Query
            | Meaning::Fatal => Err(meaning.trouble()),
        };
    }
    match reply.status {
        200..=299 => good(reply, outcomes),
        300..=399 => Err(Trouble::Moved(reply.header("location").map(str::to_owned))),
        401 => Err(Trouble::Unauthorised),
        404 | 410 => Err(said(reply, outcomes)
            .and_then(Result::err)
            .filter(|trouble| matches!(trouble, Trouble::Expired))
            .unwrap_or(Trouble::Gone)),
        429 => Err(Trouble::RateLimited(wait())),
        503 if reply.header("retry-after").is_some() => Err(Trouble::RateLimited(wait())),
        500..=599 => Err(said(reply, outcomes)
            .and_then(Result::err)
            .filter(|trouble| matches!(trouble, Trouble::Expired))
            .unwrap_or(Trouble::ServerError)),
        403 => match said(reply, outcomes) {
            Some(Err(trouble @ (Trouble::Unlicensed | Trouble::ServerError | Trouble::Query))) => {
                Err(trouble)
            }
            Some(Ok(_) | Err(_)) | None => Err(Trouble::Denied),
        },
        _ => said(reply, outcomes).unwrap_or(Err(Trouble::Query)),
    }
}

/// How long a server asks to be left alone: seconds or a date, capped.
pub fn retry_after(header: Option<&str>, now: Timestamp) -> Option<SignedDuration> {
    let text = header?.trim();
    let wait = match text.parse::<i64>() {
        Ok(seconds) => SignedDuration::from_secs(seconds),
        Err(_) => {
            let due = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            due.duration_since(now)
        }
    };
    Some(wait.clamp(SignedDuration::ZERO, LONGEST_WAIT))
}

/// A foreign code as it may stand in a log: codes have few letters and no spaces, so words that stand in a code's place are left out.
pub fn word(code: &str) -> &str {
    let plain = (1..=32).contains(&code.len())
        && code
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if plain { code } else { "?" }
}

impl Meaning {
    fn trouble(self) -> Trouble {
        match self {
            Self::Denied => Trouble::Denied,
            Self::Unlicensed => Trouble::Unlicensed,
            Self::Retry => Trouble::ServerError,
            Self::Expired => Trouble::Expired,
            Self::Query | Self::Fatal => Trouble::Query,
            // What is no error by itself is one where nothing else came.
            Self::Empty | Self::Incomplete | Self::Ignore => Trouble::NotFhir,
        }
    }
}

fn good(reply: &Reply<'_>, outcomes: &Outcomes) -> Result<Content, Trouble> {
    let content = content(reply)?;
    if let Content::Resource(entry) = &content
        && entry.resource_type == "OperationOutcome"
    {
        // An outcome in place of the answer: what it means goes by its codes alone.
        return said(reply, outcomes).unwrap_or(Err(Trouble::Unlisted));
    }
    Ok(content)
}

/// What the outcome in a body says: an empty page, or a trouble. None when the body is no outcome.
fn said(reply: &Reply<'_>, outcomes: &Outcomes) -> Option<Result<Content, Trouble>> {
    let value = parse(reply.body, &ScanLimits::default()).ok()?;
    let issues = issues(&value);
    if issues.is_empty() {
        return None;
    }
    let mut empty = false;
    let mut found = None;
    for issue in &issues {
        match outcomes.meaning(issue) {
            Some(Meaning::Empty) => empty = true,
            Some(Meaning::Ignore) => {}
            Some(meaning) => return Some(Err(meaning.trouble())),
            None => found = Some(Trouble::Unlisted),
        }
    }
    match (found, empty) {
        (Some(trouble), _) => Some(Err(trouble)),
        (None, true) => Some(Ok(Content::Page(Page::default()))),
        (None, false) => None,
    }
}

fn content(reply: &Reply<'_>) -> Result<Content, Trouble> {
    let start = reply.body.trim_ascii_start();
    if start.is_empty() {
        return if matches!(reply.status, 201 | 204) {
            Ok(Content::Nothing)
        } else {
            Err(Trouble::HalfBody)
        };
    }
    if let Err(error) = scan(reply.body, &ScanLimits::default()) {
        let broke_off = error.kind() == ScanErrorKind::Truncated;
        let json = start.starts_with(b"{");
        return Err(if broke_off && json {
            Trouble::HalfBody
        } else {
            Trouble::NotFhir
        });
    }
    let text = std::str::from_utf8(reply.body).map_err(|_| Trouble::NotFhir)?;
    let named: Named<'_> = serde_json::from_str(text).map_err(|_| Trouble::NotFhir)?;
    match named.resource_type.as_deref() {
        Some("Bundle") => {
            let bundle: Bundle<'_> = serde_json::from_str(text).map_err(|_| Trouble::NotFhir)?;
            bundle.page().map(Content::Page)
        }
        Some(kind) if !kind.is_empty() => Ok(Content::Resource(Entry {
            resource_type: kind.to_owned(),
            id: named.id.map(Cow::into_owned).unwrap_or_default(),
            text: text.trim().to_owned(),
            included: false,
        })),
        Some(_) | None => Err(Trouble::NotFhir),
    }
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow, default, rename = "resourceType")]
    resource_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Bundle<'a> {
    #[serde(borrow, default)]
    entry: Vec<BundleEntry<'a>>,
    #[serde(borrow, default)]
    link: Vec<Link<'a>>,
    #[serde(default)]
    total: Option<u64>,
}

#[derive(Deserialize)]
struct BundleEntry<'a> {
    #[serde(borrow, default)]
    resource: Option<&'a RawValue>,
    #[serde(borrow, default)]
    search: Option<Mode<'a>>,
}

#[derive(Deserialize)]
struct Mode<'a> {
    #[serde(borrow, default)]
    mode: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Link<'a> {
    #[serde(borrow, default)]
    relation: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    url: Option<Cow<'a, str>>,
}

impl Bundle<'_> {
    fn page(self) -> Result<Page, Trouble> {
        let mut page = Page::default();
        for entry in self.entry {
            let Some(raw) = entry.resource else {
                continue;
            };
            let named: Named<'_> = serde_json::from_str(raw.get()).map_err(|_| Trouble::NotFhir)?;
            let mode = entry.search.and_then(|search| search.mode);
            let kind = named.resource_type.unwrap_or_default();
            // An outcome is no data, in whatever kind of entry (vendor catalogue EPIC-19).
            if kind == "OperationOutcome" {
                let value = parse(raw.get().as_bytes(), &ScanLimits::default())
                    .map_err(|_| Trouble::NotFhir)?;
                page.issues.extend(issues(&value));
                continue;
            }
            if mode.as_deref() == Some("outcome") {
                continue;
            }
            page.entries.push(Entry {
                resource_type: kind.into_owned(),
                id: named.id.map(Cow::into_owned).unwrap_or_default(),
                text: raw.get().to_owned(),
                included: mode.as_deref() == Some("include"),
            });
        }
        page.total = self.total;
        page.next = self
            .link
            .into_iter()
            .find(|link| link.relation.as_deref() == Some("next"))
            .and_then(|link| link.url)
            .map(Cow::into_owned);
        Ok(page)
    }
}
