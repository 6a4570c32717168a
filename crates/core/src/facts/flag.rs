//! Something that is so, or not known to be so. That no source says it is never a *no*.

use bedside_fact::known::{Fact, Gap};
use bedside_fact::state::State;

use super::bind::Asking;
use super::list::{Entry, Standing, as_of, conditions, procedures};

/// The state of a flag: present with its ground, none when it was stated not to be so, else unknown.
pub(super) fn flag(asked: &Asking<'_>) -> Fact {
    let (types, _) = asked.fact.asked_for();
    let seen = asked.seen(&types);
    let entries: Vec<Entry> = conditions(&seen, &asked.moment)
        .into_iter()
        .chain(procedures(&seen, &asked.moment))
        .filter(|entry| {
            asked
                .fact
                .codes
                .iter()
                .any(|code| entry.datum.codes.contains(code))
        })
        .collect();
    let of = |standing: Standing| -> Vec<Entry> {
        let mut found: Vec<Entry> = entries
            .iter()
            .filter(|entry| entry.standing == standing)
            .cloned()
            .collect();
        found.sort_by_key(Entry::order);
        found
    };
    let (active, refuted) = (of(Standing::Active), of(Standing::Refuted));
    let source = |entries: &[Entry]| {
        let mut names: Vec<String> = entries
            .iter()
            .flat_map(|entry| entry.datum.sources.clone())
            .collect();
        names.sort();
        names.dedup();
        names.join(", ")
    };
    let data = |entries: Vec<Entry>| entries.into_iter().map(|entry| entry.datum).collect();
    let mut fact = match (active.is_empty(), refuted.is_empty()) {
        (false, false) => {
            let why = format!("{} says so, {} says not", source(&active), source(&refuted));
            let mut fact = asked.fact(State::Conflict, None, why);
            fact.against = data(refuted);
            fact.data = data(active);
            fact
        }
        (false, true) => {
            let heard = as_of(asked, &active, &types);
            let all_doubtful = active.iter().all(|entry| entry.datum.doubt.is_some());
            let state = match heard {
                Some(at) if asked.is_stale(at) => State::Stale,
                _ if all_doubtful => State::Unverified,
                _ => State::Present,
            };
            let mut why = format!("recorded by {}", source(&active));
            if let Some(missing) = asked.missing() {
                why.push_str(&format!("; {missing}"));
            }
            let mut fact = asked.fact(state, asked.missing_gap(), why);
            fact.as_of = heard;
            fact.data = data(active);
            fact
        }
        (true, false) => {
            let why = format!("stated not to be so by {}", source(&refuted));
            let mut fact = asked.fact(State::None, Some(Gap::StatedNone), why);
            fact.as_of = as_of(asked, &refuted, &types);
            fact
        }
        (true, true) => {
            let nothing = asked.nothing();
            asked.fact(nothing.state, Some(nothing.gap), nothing.why)
        }
    };
    fact.withdrawn = data(of(Standing::Withdrawn));
    fact
}
