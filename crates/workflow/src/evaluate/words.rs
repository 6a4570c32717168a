//! The sentences: the blanks that a definition leaves, ages, trends and states in words.

use bedside_fact::clock::Timestamp;
use bedside_fact::known::{Datum, Fact};
use bedside_fact::state::State;
use bedside_fact::time;
use jiff::tz::TimeZone;

use super::Scene;
use super::resolve::amount;
use crate::definition::Needed;
use crate::vocabulary::FactKind;

/// What a what-if sentence may speak of, in braces.
pub(crate) const SENTENCE_BLANKS: [&str; 3] = ["age", "taken_at", "why unverified"];

/// What a headline may speak of besides the names of needs.
pub(crate) const HEADLINE_BLANKS: [&str; 2] = ["trend", "caveats"];

/// Fills in a what-if sentence.
pub(super) fn sentence(
    text: &str,
    kind: FactKind,
    fact: &Fact,
    now: Timestamp,
    zone: &TimeZone,
) -> String {
    let newest = fact.newest();
    let value = newest.and_then(|datum| datum.taken_at);
    // A list is as old as the last time that a source gave it, however long ago its entries were made.
    let taken = match kind {
        FactKind::Quantity | FactKind::Statement => value.or(fact.as_of),
        FactKind::List | FactKind::Flag => fact.as_of.or(value),
    };
    let filled = replace(text, |name| match name {
        "age" => taken.map_or_else(
            || String::from("an unknown time"),
            |at| duration(now.as_second() - at.as_second()),
        ),
        "taken_at" => taken.map_or_else(
            || String::from("an unknown time"),
            |at| time::words(at, zone),
        ),
        "why unverified" => {
            let doubt = newest.and_then(|datum| datum.doubt.as_deref());
            doubt.unwrap_or(&fact.why).trim_end_matches('.').to_owned()
        }
        other => format!("{{{other}}}"),
    });
    capitalised(&filled)
}

/// The state of a fact: `current`, `stale`, `unknown (refused)`.
pub(crate) fn state(fact: &Fact) -> String {
    let reason = fact
        .gap
        .map(|gap| format!(" ({})", gap.words()))
        .unwrap_or_default();
    match fact.state {
        State::Present => String::from("current"),
        State::Stale => String::from("stale"),
        State::None => String::from("none"),
        State::Unknown => format!("unknown{reason}"),
        State::Conflict => String::from("sources disagree"),
        State::Unverified => String::from("unconfirmed"),
    }
}

/// `40 min`, `20 h`, `3 days`.
pub(crate) fn duration(seconds: i64) -> String {
    match seconds {
        i64::MIN..=7_199 => format!("{} min", seconds.max(0) / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        172_800.. => format!("{} days", seconds / 86_400),
    }
}

pub(crate) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// Replaces each `{name}`.
fn replace(text: &str, value: impl Fn(&str) -> String) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        filled.push_str(&value(name));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// The names in braces.
pub(crate) fn blanks(text: &str) -> Vec<&str> {
    text.split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| name)
        .collect()
}

impl Scene<'_> {
    /// Fills in a headline.
    pub(super) fn fill(&self, text: &str, caveats: &[String]) -> String {
        let filled = replace(text, |name| match name {
            "trend" => self.trend(),
            "caveats" => caveats.join(" "),
            need => match self
                .resolved
                .iter()
                .find(|resolved| resolved.needed.name == need)
            {
                Some(resolved) => match resolved.chosen {
                    Some(datum) if !datum.said.is_empty() => datum.said.clone(),
                    Some(datum) => datum.label.clone(),
                    None => state(&resolved.fact),
                },
                None => format!("{{{need}}}"),
            },
        });
        filled.trim().to_owned()
    }

    /// The headline of an item that asks for what is missing.
    pub(super) fn question(&self, need: &str) -> String {
        let resolved = self
            .resolved
            .iter()
            .find(|resolved| resolved.needed.name == need);
        let title = capitalised(need);
        match resolved {
            Some(resolved) => match resolved.chosen {
                Some(datum) => format!(
                    "{title} {} does not decide: ask for an exact value",
                    datum.said
                ),
                None => format!("{title}: {}. Ask for it", state(&resolved.fact)),
            },
            None => format!("{title} is not known. Ask for it"),
        }
    }

    /// How the fact that the workflow is about has moved: `up 1.5 in 20 h`.
    fn trend(&self) -> String {
        let none = || String::from("no earlier value");
        let Some(trigger) = self.trigger() else {
            return none();
        };
        let needed = trigger.needed;
        let Some(newest) = trigger.chosen else {
            return none();
        };
        let (Some(at), Some(value)) = (newest.taken_at, amount(needed, newest)) else {
            return none();
        };
        let series = self.series(needed);
        let earlier = series
            .iter()
            .filter_map(|datum| Some((datum.taken_at?, amount(needed, datum)?)))
            .find(|(taken, _)| *taken < at);
        let Some((before, was)) = earlier else {
            return none();
        };
        let change = value.sub(was);
        let word = match (
            change.is_negative(),
            change.abs().compare(&change.sub(&change)),
        ) {
            (_, std::cmp::Ordering::Equal) => "",
            (true, _) => "down",
            (false, _) => "up",
        };
        let time = duration(at.as_second() - before.as_second());
        if word.is_empty() {
            format!("unchanged in {time}")
        } else {
            format!("{word} {} in {time}", change.abs().as_str())
        }
    }

    /// All readable values of the same fact that any need brought, each once, the newest first.
    pub(super) fn series(&self, needed: &Needed) -> Vec<&Datum> {
        let mut series: Vec<&Datum> = Vec::new();
        let same = self
            .resolved
            .iter()
            .filter(|resolved| resolved.needed.fact == needed.fact);
        for datum in same.flat_map(|resolved| &resolved.fact.data) {
            let known = series.iter().any(|known| known.identity == datum.identity);
            if !known && amount(needed, datum).is_some() {
                series.push(datum);
            }
        }
        series.sort_by_key(|datum| std::cmp::Reverse((datum.taken_at, datum.seq)));
        series
    }
}
