//! One result that came by two routes is one result (design D10), and two results that disagree are not silently one of them.
//!
//! Two observations of different sources are the same result when code and minute are equal and either the filler's number or the
//! value is too. Filler numbers are given out again, so the number alone proves nothing. What one source sends under two ids stays
//! two: it knows.

use std::cmp::Reverse;

use bedside_fact::clock::Timestamp;

use super::seen::Seen;
use super::value::Reading;

/// An observation with what the join looks at.
pub(super) struct Finding<'a> {
    pub(super) seen: &'a Seen<'a>,
    /// `system|code`, or the label where there is no code.
    pub(super) key: String,
    pub(super) label: String,
    pub(super) code: String,
    pub(super) status: String,
    pub(super) taken: Option<String>,
    pub(super) at: Option<Timestamp>,
    pub(super) reading: Reading,
    /// Identifiers as `system|value`: the filler's number among them.
    pub(super) numbers: Vec<String>,
}

/// One result with the routes that it came by.
pub(super) struct Joined<'a> {
    /// The version that is believed.
    pub(super) lead: Finding<'a>,
    /// The others of equal rank that say something else: then it is a conflict.
    pub(super) against: Vec<Finding<'a>>,
    /// Those of lower rank that said something else: what was corrected.
    pub(super) before: Vec<Finding<'a>>,
    /// All sources, in order of name.
    pub(super) sources: Vec<String>,
}

/// How far a status goes: a withdrawal beats a correction beats a final result beats a preliminary one (design D12).
fn rank(status: &str) -> u8 {
    match status {
        "entered-in-error" | "cancelled" => 4,
        "corrected" | "amended" | "appended" => 3,
        "final" => 2,
        "preliminary" | "registered" => 1,
        _ => 0,
    }
}

/// Whether a result was taken back.
pub(super) fn is_withdrawn(status: &str) -> bool {
    rank(status) == 4
}

/// Whether a result replaced another.
pub(super) fn is_correction(status: &str) -> bool {
    rank(status) == 3
}

/// Joins results that are one.
pub(super) fn join(findings: Vec<Finding<'_>>) -> Vec<Joined<'_>> {
    let mut groups: Vec<Vec<Finding<'_>>> = Vec::new();
    // Results of one code and minute are few; they are found by sorting, and only those are compared with each other.
    let mut sorted = findings;
    sorted.sort_by(|a, b| {
        (&a.key, minute(a), a.seen.stored.from_seq).cmp(&(
            &b.key,
            minute(b),
            b.seen.stored.from_seq,
        ))
    });
    // Where the present code and minute begin among the groups.
    let mut begin = 0;
    let mut last: Option<(String, Option<i64>)> = None;
    for finding in sorted {
        let here = (finding.key.clone(), minute(&finding));
        if last.as_ref() != Some(&here) {
            begin = groups.len();
            last = Some(here);
        }
        let fit = groups
            .iter_mut()
            .skip(begin)
            .find(|group| group.iter().all(|other| is_same(other, &finding)));
        match fit {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups.into_iter().filter_map(decide).collect()
}

fn minute(finding: &Finding<'_>) -> Option<i64> {
    finding.at.map(|at| at.as_second().div_euclid(60))
}

/// Whether two findings of one code and minute are one result.
fn is_same(a: &Finding<'_>, b: &Finding<'_>) -> bool {
    if a.at.is_none() || a.seen.stored.source == b.seen.stored.source {
        return false;
    }
    let shared = a.numbers.iter().any(|number| b.numbers.contains(number));
    if shared || a.reading.agrees(&b.reading) {
        return true;
    }
    // Without numbers on one side nothing tells two specimens apart, and two sources that name one minute and two values
    // contradict each other. A withdrawal takes back only what is surely the same.
    let comparable = !a.numbers.is_empty() && !b.numbers.is_empty();
    !comparable && !is_withdrawn(&a.status) && !is_withdrawn(&b.status)
}

fn decide(mut group: Vec<Finding<'_>>) -> Option<Joined<'_>> {
    group.sort_by_key(|finding| {
        let stored = finding.seen.stored;
        Reverse((rank(&finding.status), stored.source_time, stored.from_seq))
    });
    let mut sources: Vec<String> = group
        .iter()
        .map(|finding| finding.seen.stored.source.to_string())
        .collect();
    sources.sort();
    sources.dedup();
    let mut rest = group.into_iter();
    let lead = rest.next()?;
    let (mut against, mut before) = (Vec::new(), Vec::new());
    for other in rest {
        if lead.reading.agrees(&other.reading) {
            continue;
        }
        if rank(&other.status) == rank(&lead.status) {
            against.push(other);
        } else {
            before.push(other);
        }
    }
    Some(Joined {
        lead,
        against,
        before,
        sources,
    })
}
