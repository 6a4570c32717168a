//! One result that came by two routes is one result (design D10), and two results that disagree are not silently one of them.
//!
//! Two observations of different sources are the same result when code and minute are equal and either the filler's number or the
//! value is too. Filler numbers are given out again, so the number alone proves nothing. What one source sends under two ids stays
//! two: it knows.

use std::cmp::Reverse;

use bedside_fact::clock::Timestamp;
use bedside_fact::quantity::Decimal;

use super::seen::Seen;
use super::value::Reading;

/// An observation with what the join looks at.
pub(crate) struct Finding<'a> {
    pub(crate) seen: &'a Seen<'a>,
    /// `system|code`, or the label where there is no code.
    pub(crate) key: String,
    pub(crate) label: String,
    pub(crate) code: String,
    pub(crate) status: String,
    pub(crate) taken: Option<String>,
    pub(crate) at: Option<Timestamp>,
    pub(crate) reading: Reading,
    /// Identifiers as `system|value`: the filler's number among them. Empty where results are not joined by them.
    pub(crate) numbers: Vec<String>,
    /// The amount in the unit that all sources' values are brought into, where it can be.
    pub(crate) canonical: Option<Decimal>,
}

impl Finding<'_> {
    /// Whether both say the same: in the canonical unit where both can be brought into it, else as they were sent.
    fn agrees(&self, other: &Self) -> bool {
        match (&self.canonical, &other.canonical) {
            (Some(a), Some(b)) if !self.reading.same_unit(&other.reading) => {
                // Each source rounds in its own unit: 1.2 mg/dL is sent as 106 umol/L.
                let (a, b) = (a.approximate(), b.approximate());
                (a - b).abs() <= 0.005 * a.abs().max(b.abs())
                    && self.reading.comparator == other.reading.comparator
            }
            _ => self.reading.agrees(&other.reading),
        }
    }

    /// Whether both bear one filler's number. Sources name its authority in their own ways, and an equal number of an equal code in one
    /// minute of one person is that number.
    fn shares_number(&self, other: &Self) -> bool {
        let value = |number: &str| number.rsplit_once('|').map(|(_, value)| value.to_owned());
        self.numbers.iter().any(|number| {
            other.numbers.contains(number)
                || value(number).is_some_and(|value| {
                    value.len() >= 4
                        && other.numbers.iter().any(|theirs| {
                            theirs
                                .rsplit_once('|')
                                .is_some_and(|(_, theirs)| theirs == value)
                        })
                })
        })
    }
}

/// One result with the routes that it came by.
pub(crate) struct Joined<'a> {
    /// The version that is believed.
    pub(crate) lead: Finding<'a>,
    /// The others of equal rank that say something else: then it is a conflict.
    pub(crate) against: Vec<Finding<'a>>,
    /// Those of lower rank that said something else: what was corrected.
    pub(crate) before: Vec<Finding<'a>>,
    /// Those that say the same.
    pub(crate) same: Vec<Finding<'a>>,
    /// All sources, in order of name.
    pub(crate) sources: Vec<String>,
}

/// How far a status goes: a withdrawal beats a correction beats a final result beats a preliminary one (design D12).
pub(crate) fn rank(status: &str) -> u8 {
    match status {
        "entered-in-error" | "cancelled" => 4,
        "corrected" | "amended" | "appended" => 3,
        "final" => 2,
        "preliminary" | "registered" => 1,
        _ => 0,
    }
}

/// Whether a result was taken back.
pub(crate) fn is_withdrawn(status: &str) -> bool {
    rank(status) == 4
}

/// Whether a result replaced another.
pub(crate) fn is_correction(status: &str) -> bool {
    rank(status) == 3
}

/// Joins results that are one.
pub(crate) fn join(findings: Vec<Finding<'_>>) -> Vec<Joined<'_>> {
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
    if a.agrees(b) {
        return true;
    }
    if a.code != b.code {
        // Two codes of one fact, such as serum and arterial, may be two specimens of one minute.
        return false;
    }
    if a.shares_number(b) {
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
    let (mut against, mut before, mut same) = (Vec::new(), Vec::new(), Vec::new());
    for other in rest {
        if lead.agrees(&other) {
            same.push(other);
        } else if rank(&other.status) == rank(&lead.status) {
            against.push(other);
        } else {
            before.push(other);
        }
    }
    Some(Joined {
        lead,
        against,
        before,
        same,
        sources,
    })
}
