//! One search, followed from its first page to its end, without a socket.
//!
//! [`Cursor::request`] says what to ask next, [`Cursor::on_response`] takes the answer. A page link is followed to the same origin
//! under the same base only; an empty page in the middle is followed, a page that was seen before is not; a search whose pages
//! expired begins anew once and yields nothing twice. Sending, waiting and counting failures is the caller's.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::page::{Base, Content, Entry, Meaning, Outcomes, Page, Reply, Trouble, judge};

/// A server that says "later" more often than this in one search is left for the next time.
const MOST_WAITS: u32 = 2;

/// The wait when a server says "later" and not when.
const UNSAID_WAIT: SignedDuration = SignedDuration::from_secs(30);

/// What a server's profile says about searches.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Where the server lives.
    pub base: Base,
    /// Pages of one search that are read at most.
    pub max_pages: u32,
    /// What its codes mean.
    pub outcomes: Outcomes,
    /// Whether `Bundle.total` counts what can be read: some servers count before they filter (vendor catalogue EPIC-27).
    pub trust_total: bool,
}

/// How much of what was asked for is known now, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// All of it.
    Complete,
    /// Some of it; there may be more.
    Truncated,
    /// The client has no licence for it.
    Unlicensed,
    /// It was refused.
    Denied,
    /// The attempt failed.
    Failed,
}

/// What an operator should know of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// It answered with something that is no FHIR.
    NotFhir,
    /// It broke off.
    HalfBody,
    /// It failed.
    ServerError,
    /// It asked to be left alone.
    RateLimited,
    /// It refused the token.
    Unauthorised,
    /// A policy refused.
    Denied,
    /// It refused the query as it stands.
    Query,
    /// A page link leads elsewhere.
    ForeignLink,
    /// Pages expired.
    Expired,
    /// Page links lead in a circle, or there are more pages than are read.
    Endless,
    /// An outcome's code is not listed.
    Unlisted,
    /// It sent the client elsewhere.
    Moved,
    /// It counted more matches than it gave.
    Short,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Ask [`Cursor::request`].
    Request,
    /// These were found; then ask [`Cursor::request`], if it says anything.
    Page(Vec<Entry>),
    /// Ask again, not before this.
    Wait(Timestamp),
    /// It is over before its end; [`Cursor::extent`] says how.
    Stop,
}

/// One search on its way.
#[derive(Debug)]
pub struct Cursor {
    rules: Rules,
    first: Url,
    next: Option<Url>,
    visited: HashSet<String>,
    seen: HashMap<(String, String), u64>,
    pages: u32,
    /// Matches so far, each once, and how many the server says there are.
    matches: u64,
    total: Option<u64>,
    waits: u32,
    restarted: bool,
    extent: Extent,
    marks: Vec<Mark>,
}

impl Cursor {
    /// A search that begins at `first`.
    pub fn new(first: Url, rules: Rules) -> Cursor {
        Cursor {
            next: Some(first.clone()),
            visited: HashSet::from([first.as_str().to_owned()]),
            first,
            rules,
            seen: HashMap::new(),
            pages: 0,
            matches: 0,
            total: None,
            waits: 0,
            restarted: false,
            extent: Extent::Complete,
            marks: Vec::new(),
        }
    }

    /// What to ask next; none when it is over.
    pub fn request(&self) -> Option<&Url> {
        self.next.as_ref()
    }

    /// How much is known. The answer counts once [`Cursor::request`] says nothing any more.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// What an operator should know, each once.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// Takes the answer to [`Cursor::request`].
    pub fn on_response(&mut self, reply: &Reply<'_>, now: Timestamp) -> Step {
        match judge(reply, &self.rules.outcomes, now) {
            Ok(Content::Page(page)) => self.page(page),
            Ok(Content::Resource(_) | Content::Nothing) => self.fail(Mark::NotFhir),
            Err(trouble) => self.trouble(&trouble, now),
        }
    }

    /// Nothing came back at all, or not to its end.
    pub fn on_failure(&mut self, mark: Mark) -> Step {
        self.fail(mark)
    }

    fn page(&mut self, page: Page) -> Step {
        for issue in &page.issues {
            match self.rules.outcomes.meaning(issue) {
                Some(Meaning::Empty | Meaning::Ignore) => {}
                Some(Meaning::Incomplete) => self.worsen(Extent::Truncated),
                Some(Meaning::Unlicensed) => self.worsen(Extent::Unlicensed),
                Some(Meaning::Denied) => {
                    self.worsen(Extent::Denied);
                    self.mark(Mark::Denied);
                }
                Some(Meaning::Expired) => return self.expired(),
                Some(Meaning::Retry | Meaning::Fatal) => {
                    self.worsen(Extent::Failed);
                    self.mark(Mark::ServerError);
                }
                Some(Meaning::Query) => {
                    self.worsen(Extent::Failed);
                    self.mark(Mark::Query);
                }
                None => {
                    self.worsen(Extent::Failed);
                    self.mark(Mark::Unlisted);
                }
            }
        }
        self.pages = self.pages.saturating_add(1);
        self.next = None;
        if let Some(link) = page.next {
            self.follow(&link);
        }
        let mut fresh = Vec::with_capacity(page.entries.len());
        for entry in page.entries {
            if entry.id.is_empty() || entry.resource_type.is_empty() {
                // What has no name can't be told from itself the next time; that there was more is said.
                self.worsen(Extent::Truncated);
                self.mark(Mark::NotFhir);
                continue;
            }
            let mut hasher = DefaultHasher::new();
            entry.text.hash(&mut hasher);
            let print = hasher.finish();
            let key = (entry.resource_type.clone(), entry.id.clone());
            let known = self.seen.insert(key, print);
            if known.is_none() && !entry.included {
                self.matches = self.matches.saturating_add(1);
            }
            if known != Some(print) {
                fresh.push(entry);
            }
        }
        self.total = page.total.or(self.total);
        // A count that is not to be relied on still contradicts an answer with nothing in it.
        let short = self.total.is_some_and(|total| {
            total > self.matches && (self.rules.trust_total || self.matches == 0)
        });
        if self.next.is_none() && short {
            self.worsen(Extent::Truncated);
            self.mark(Mark::Short);
        }
        Step::Page(fresh)
    }

    fn follow(&mut self, link: &str) {
        let Some(url) = self
            .rules
            .base
            .resolve(link)
            .filter(|url| self.rules.base.admits(url))
        else {
            self.worsen(Extent::Truncated);
            self.mark(Mark::ForeignLink);
            return;
        };
        if self.pages >= self.rules.max_pages || !self.visited.insert(url.as_str().to_owned()) {
            self.worsen(Extent::Truncated);
            self.mark(Mark::Endless);
            return;
        }
        self.next = Some(url);
    }

    fn trouble(&mut self, trouble: &Trouble, now: Timestamp) -> Step {
        match trouble {
            Trouble::Expired => self.expired(),
            Trouble::RateLimited(wait) => {
                self.mark(Mark::RateLimited);
                self.waits = self.waits.saturating_add(1);
                if self.waits > MOST_WAITS {
                    return self.fail(Mark::RateLimited);
                }
                let wait = wait.unwrap_or(UNSAID_WAIT);
                Step::Wait(now.saturating_add(wait).unwrap_or(now))
            }
            Trouble::NotFhir => self.fail(Mark::NotFhir),
            Trouble::HalfBody => self.fail(Mark::HalfBody),
            Trouble::ServerError => self.fail(Mark::ServerError),
            Trouble::Unauthorised => self.fail(Mark::Unauthorised),
            Trouble::Query | Trouble::Gone => self.fail(Mark::Query),
            Trouble::Moved(_) | Trouble::Another => self.fail(Mark::Moved),
            Trouble::Unlisted => self.fail(Mark::Unlisted),
            Trouble::Denied => {
                self.mark(Mark::Denied);
                self.stop(Extent::Denied)
            }
            Trouble::Unlicensed => self.stop(Extent::Unlicensed),
        }
    }

    /// Pages of a search live as long as the server likes (vendor catalogue EPIC-28): it begins anew, once.
    fn expired(&mut self) -> Step {
        self.mark(Mark::Expired);
        if self.restarted {
            return self.stop(Extent::Failed);
        }
        self.restarted = true;
        self.pages = 0;
        self.visited = HashSet::from([self.first.as_str().to_owned()]);
        self.next = Some(self.first.clone());
        self.extent = Extent::Complete;
        Step::Request
    }

    fn fail(&mut self, mark: Mark) -> Step {
        self.mark(mark);
        self.stop(Extent::Failed)
    }

    fn stop(&mut self, extent: Extent) -> Step {
        self.next = None;
        self.worsen(extent);
        Step::Stop
    }

    fn worsen(&mut self, extent: Extent) {
        self.extent = self.extent.max(extent);
    }

    fn mark(&mut self, mark: Mark) {
        if !self.marks.contains(&mark) {
            self.marks.push(mark);
        }
    }
}

#[cfg(test)]
#[path = "poll_tests.rs"]
mod tests;
