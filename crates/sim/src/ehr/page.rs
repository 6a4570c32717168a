//! Page links that lead on: what was found is kept for a while, under a word that the next link carries.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bedside_fact::clock::Timestamp;

use super::chart::Row;
use super::habits::Resource;
use super::params::Params;

/// Links at once. Past it the oldest end early; a client that leaves so many behind has lost them anyway.
const LINKS: usize = 20_000;

/// What one search found, with what is needed to write its pages.
pub(crate) struct Found {
    pub(crate) resource: &'static Resource,
    pub(crate) params: Params,
    pub(crate) rows: Vec<Arc<Row>>,
    /// Parameters that are applied to a page after it was cut.
    pub(crate) after: Vec<&'static str>,
    pub(crate) count: usize,
    /// Outcome entries of the first page.
    pub(crate) remarks: Vec<serde_json::Value>,
}

/// A place in a result.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) found: Arc<Found>,
    pub(crate) offset: usize,
    /// How many matches the pages before have given.
    pub(crate) given: usize,
}

/// The links that can still be followed.
#[derive(Default)]
pub(crate) struct Pages {
    places: HashMap<String, (Timestamp, Place)>,
    by_age: VecDeque<(Timestamp, String)>,
}

impl Pages {
    /// Keeps a place under a word until `expires`.
    pub(crate) fn keep(&mut self, now: Timestamp, word: String, expires: Timestamp, place: Place) {
        while let Some((expired, _)) = self.by_age.front() {
            if *expired > now && self.by_age.len() < LINKS {
                break;
            }
            if let Some((expired, word)) = self.by_age.pop_front()
                && self.places.get(&word).is_some_and(|(at, _)| *at == expired)
            {
                self.places.remove(&word);
            }
        }
        self.by_age.push_back((expires, word.clone()));
        self.places.insert(word, (expires, place));
    }

    /// The place under a word; none when there was none or it has expired.
    pub(crate) fn at(&self, now: Timestamp, word: &str) -> Option<Place> {
        self.places
            .get(word)
            .filter(|(expires, _)| *expires > now)
            .map(|(_, place)| place.clone())
    }
}
