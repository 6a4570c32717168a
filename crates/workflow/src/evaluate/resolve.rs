//! The what-ifs: what each need comes to once its state has met the sentence that the definition has for it.

use std::borrow::Cow;

use bedside_fact::clock::Timestamp;
use bedside_fact::known::{Datum, Fact, Gap};
use bedside_fact::quantity::Decimal;
use bedside_fact::state::State;
use jiff::tz::TimeZone;

use super::words;
use crate::definition::{Amount, Definition, Needed, Verb};
use crate::evaluation::Inputs;
use crate::vocabulary::FactKind;

/// A need and what may be done with it.
pub(crate) struct Resolved<'a> {
    pub(crate) needed: &'a Needed,
    pub(crate) fact: Cow<'a, Fact>,
    pub(crate) standing: Standing,
    /// The value that conditions look at, of a quantity that is usable.
    pub(crate) chosen: Option<&'a Datum>,
    /// The sentences of the what-ifs.
    pub(crate) caveats: Vec<String>,
    /// Nothing goes on before somebody has answered.
    pub(crate) asks: bool,
}

/// What conditions may make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Usable,
    None,
    Unknown,
}

pub(super) fn all<'a>(
    definition: &'a Definition,
    inputs: &'a Inputs,
    now: Timestamp,
    zone: &TimeZone,
) -> Vec<Resolved<'a>> {
    definition
        .needs
        .iter()
        .map(|needed| one(needed, inputs.facts.get(&needed.name), now, zone))
        .collect()
}

fn one<'a>(
    needed: &'a Needed,
    fact: Option<&'a Fact>,
    now: Timestamp,
    zone: &TimeZone,
) -> Resolved<'a> {
    let Some(fact) = fact else {
        let unknown = Fact::unknown(&needed.fact, Gap::NeverAsked, "Nobody asked.");
        return missing(needed, Cow::Owned(unknown), State::Unknown, now, zone);
    };
    let readable =
        |datum: &Datum| needed.kind != FactKind::Quantity || amount(needed, datum).is_some();
    let has_value = fact.newest().is_some_and(readable);
    let (verb, standing, chosen) = match fact.state {
        State::None => return missing(needed, Cow::Borrowed(fact), State::None, now, zone),
        State::Unknown => return missing(needed, Cow::Borrowed(fact), State::Unknown, now, zone),
        // A value of which nobody can say how much it is, is not known.
        State::Present | State::Stale | State::Unverified if !has_value => {
            return missing(needed, Cow::Borrowed(fact), State::Unknown, now, zone);
        }
        State::Present => (None, Standing::Usable, fact.newest()),
        State::Stale => (Some(&needed.stale), Standing::Usable, fact.newest()),
        State::Unverified => (Some(&needed.unverified), Standing::Usable, fact.newest()),
        State::Conflict => match &needed.conflict {
            Verb::UseSafest(from) => match safest(needed, fact, from) {
                Some(datum) => (Some(&needed.conflict), Standing::Usable, Some(datum)),
                None => return missing(needed, Cow::Borrowed(fact), State::Unknown, now, zone),
            },
            Verb::StopAndAsk | Verb::ContinueAndSay(_) | Verb::ShowBoth => {
                (Some(&needed.conflict), Standing::Unknown, None)
            }
        },
    };
    let mut resolved = Resolved {
        needed,
        fact: Cow::Borrowed(fact),
        standing,
        chosen,
        caveats: Vec::new(),
        asks: false,
    };
    if let Some(verb) = verb {
        resolved.apply(verb, now, zone);
    }
    resolved
}

fn missing<'a>(
    needed: &'a Needed,
    fact: Cow<'a, Fact>,
    state: State,
    now: Timestamp,
    zone: &TimeZone,
) -> Resolved<'a> {
    let none = state == State::None;
    let mut resolved = Resolved {
        needed,
        fact,
        standing: if none {
            Standing::None
        } else {
            Standing::Unknown
        },
        chosen: None,
        caveats: Vec::new(),
        asks: false,
    };
    let verb = match &needed.none {
        Some(verb) if none => verb,
        Some(_) | None => &needed.missing,
    };
    resolved.apply(verb, now, zone);
    resolved
}

impl Resolved<'_> {
    fn apply(&mut self, verb: &Verb, now: Timestamp, zone: &TimeZone) {
        let title = words::capitalised(&self.needed.name);
        match verb {
            Verb::StopAndAsk => {
                self.asks = true;
                self.standing = Standing::Unknown;
                let state = words::state(&self.fact);
                // The reason in full: what is asked for depends on what is wrong with it.
                self.caveats
                    .push(match self.fact.why.trim_end_matches('.') {
                        "" => format!("{title}: {state}."),
                        why => format!("{title}: {state}, {why}."),
                    });
            }
            Verb::ContinueAndSay(sentence) => {
                self.caveats.push(words::sentence(
                    sentence,
                    self.needed.kind,
                    &self.fact,
                    now,
                    zone,
                ));
            }
            Verb::ShowBoth => {
                let both = both(&self.fact);
                self.caveats
                    .push(format!("{title}: sources disagree ({both})."));
            }
            Verb::UseSafest(from) => {
                let both = both(&self.fact);
                let used = self.chosen.map_or("none", |datum| datum.said.as_str());
                self.caveats.push(format!(
                    "{title}: sources disagree ({both}); judged by {used}, which is farthest from {}.",
                    from.words()
                ));
            }
        }
    }
}

/// The two sides of a conflict, each by its newest value or by how many entries it has.
fn both(fact: &Fact) -> String {
    let side = |data: &[Datum]| {
        let source = data
            .first()
            .map(|datum| datum.sources.join(", "))
            .unwrap_or_default();
        let said = match data {
            [] => String::from("nothing"),
            [one] if !one.said.is_empty() => one.said.clone(),
            [newest, ..] if !newest.said.is_empty() => newest.said.clone(),
            [one] => one.label.clone(),
            many => format!("{} entries", many.len()),
        };
        if source.is_empty() {
            said
        } else {
            format!("{said} by {source}")
        }
    };
    format!("{}; {}", side(&fact.data), side(&fact.against))
}

/// The number of a value, when it is in the unit that the workflow speaks of.
pub(crate) fn amount<'a>(needed: &Needed, datum: &'a Datum) -> Option<&'a Decimal> {
    let quantity = datum.quantity.as_ref()?;
    let same = needed
        .unit
        .as_ref()
        .is_none_or(|unit| *unit == quantity.unit);
    same.then_some(&quantity.value)
}

/// Of both sides' newest values the one that is farthest from the harmless one.
fn safest<'a>(needed: &Needed, fact: &'a Fact, from: &Amount) -> Option<&'a Datum> {
    let far = |datum: &Datum| amount(needed, datum).map(|value| value.sub(&from.value).abs());
    let mine = fact.data.first();
    let theirs = fact.against.first();
    match (mine.and_then(far), theirs.and_then(far)) {
        (Some(a), Some(b)) if b.compare(&a).is_gt() => theirs,
        (Some(_), _) => mine,
        (None, Some(_)) => theirs,
        (None, None) => None,
    }
}
