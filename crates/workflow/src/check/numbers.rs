//! Goes through all the values that tell the rows apart: which rows can be reached, which values nothing is said of, which rows lie across each
//! other, and whether what closes an item could open one.
//!
//! Between two neighbouring limits every value decides alike, so one value for each limit and one for each gap between limits is all there is.
//! What is no comparison (a group, a rise) is taken as true and as false.

use std::collections::BTreeMap;

use bedside_fact::quantity::Decimal;

use crate::definition::{Amount, Condition, Definition, Relation, Row};
use crate::problem::Problems;
use crate::read::Places;

/// More combinations than this are no longer a file that a person can read either.
const MOST: usize = 200_000;

/// The values to try for one need, from the smallest, with the limit that each is at or beside.
struct Axis<'a> {
    limits: Vec<&'a Amount>,
    /// Below the first limit, at it, between it and the second, at that, …, above the last.
    samples: Vec<Decimal>,
}

/// One way in which all could be.
struct World<'a> {
    values: BTreeMap<&'a str, &'a Decimal>,
    free: BTreeMap<String, bool>,
}

pub(super) fn check(definition: &Definition, places: &Places, problems: &mut Problems) {
    let axes = axes(definition);
    for row in &definition.rows {
        across(definition, row, &axes, places, problems);
    }
    for (need, axis) in &axes {
        gaps(definition, need, axis, places, problems);
    }
    let free = free(definition);
    let worlds = axes
        .values()
        .map(|axis| axis.samples.len())
        .chain(free.iter().map(|_| 2))
        .try_fold(1_usize, usize::checked_mul);
    if worlds.is_none_or(|worlds| worlds > MOST) {
        problems.add(
            places.at("otherwise"),
            "check_2",
            "There are too many different conditions to go through.",
            "Split the workflow, or use the same limits.",
        );
        return;
    }
    let rows = &definition.rows;
    let mut reached = vec![false; rows.len()];
    let mut opens: Vec<Option<(usize, String)>> = vec![None; definition.closing.later.len()];
    each_world(&axes, &free, &mut |world| {
        let first = rows.iter().position(|row| world.holds(&row.when));
        if let Some(row) = first.and_then(|first| reached.get_mut(first)) {
            *row = true;
        }
        for (found, later) in opens.iter_mut().zip(&definition.closing.later) {
            if let (Some(first), None, true) = (first, found.as_ref(), world.holds(later)) {
                let need = later.need().unwrap_or_default();
                let value = world.values.get(need).map_or("", |value| value.as_str());
                *found = Some((first, value.to_owned()));
            }
        }
    });
    for (row, reached) in rows.iter().zip(reached) {
        if !reached {
            problems.add(
                places.at(&format!("row/{}", row.name)),
                "check_2",
                format!(
                    "The row `{}` is never reached: the rows before it take all that it would.",
                    row.name
                ),
                "Move it up, or leave it out.",
            );
        }
    }
    for (n, found) in opens.iter().enumerate() {
        let Some((row, value)) = found else {
            continue;
        };
        let name = rows.get(*row).map_or("", |row| row.name.as_str());
        problems.add(
            places.at(&format!("later/{n}")),
            "check_13",
            format!("A value of {value} closes an item here and opens one by the row `{name}`."),
            "What closes an item must not open one.",
        );
    }
}

impl World<'_> {
    fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::All(parts) => parts.iter().all(|part| self.holds(part)),
            Condition::Any(parts) => parts.iter().any(|part| self.holds(part)),
            Condition::Not(part) => !self.holds(part),
            Condition::Compare { need, .. } | Condition::Between { need, .. } => self
                .values
                .get(need.as_str())
                .is_some_and(|value| compares(condition, value)),
            Condition::Change { .. }
            | Condition::Includes { .. }
            | Condition::IsNone(_)
            | Condition::IsUnknown(_) => {
                self.free.get(&condition.words()).copied().unwrap_or(false)
            }
        }
    }
}

fn compares(condition: &Condition, value: &Decimal) -> bool {
    match condition {
        Condition::Compare {
            relation, limit, ..
        } => {
            let order = value.compare(&limit.value);
            match relation {
                Relation::AtOrAbove => order.is_ge(),
                Relation::Above => order.is_gt(),
                Relation::AtOrBelow => order.is_le(),
                Relation::Below => order.is_lt(),
            }
        }
        Condition::Between { low, high, .. } => {
            value.compare(&low.value).is_ge() && value.compare(&high.value).is_le()
        }
        Condition::All(_)
        | Condition::Any(_)
        | Condition::Not(_)
        | Condition::Change { .. }
        | Condition::Includes { .. }
        | Condition::IsNone(_)
        | Condition::IsUnknown(_) => false,
    }
}

/// Calls with every combination.
fn each_world<'a>(
    axes: &'a BTreeMap<&'a str, Axis<'a>>,
    free: &[String],
    visit: &mut impl FnMut(&World<'a>),
) {
    let sizes: Vec<usize> = axes
        .values()
        .map(|axis| axis.samples.len())
        .chain(free.iter().map(|_| 2))
        .collect();
    let mut digits = vec![0_usize; sizes.len()];
    loop {
        let mut chosen = digits.iter();
        let mut world = World {
            values: BTreeMap::new(),
            free: BTreeMap::new(),
        };
        for (need, axis) in axes {
            if let Some(value) = chosen.next().and_then(|n| axis.samples.get(*n)) {
                world.values.insert(*need, value);
            }
        }
        for name in free {
            let holds = chosen.next().is_some_and(|n| *n == 1);
            world.free.insert(name.clone(), holds);
        }
        visit(&world);
        let next = digits.iter_mut().zip(&sizes).find_map(|(digit, size)| {
            *digit += 1;
            if *digit < *size {
                return Some(());
            }
            *digit = 0;
            None
        });
        if next.is_none() {
            return;
        }
    }
}

fn axes(definition: &Definition) -> BTreeMap<&str, Axis<'_>> {
    let mut limits: BTreeMap<&str, Vec<&Amount>> = BTreeMap::new();
    let conditions = definition.rows.iter().map(|row| &row.when);
    for condition in conditions.chain(&definition.closing.later) {
        condition.each(&mut |part| match part {
            Condition::Compare { need, limit, .. } => {
                limits.entry(need).or_default().push(limit);
            }
            Condition::Between { need, low, high } => {
                limits.entry(need).or_default().extend([low, high]);
            }
            Condition::All(_)
            | Condition::Any(_)
            | Condition::Not(_)
            | Condition::Change { .. }
            | Condition::Includes { .. }
            | Condition::IsNone(_)
            | Condition::IsUnknown(_) => {}
        });
    }
    limits
        .into_iter()
        .map(|(need, mut limits)| {
            limits.sort_by(|a, b| a.value.compare(&b.value));
            limits.dedup_by(|a, b| a.value.compare(&b.value).is_eq());
            let samples = samples(&limits);
            (need, Axis { limits, samples })
        })
        .collect()
}

fn samples(limits: &[&Amount]) -> Vec<Decimal> {
    let (Some(one), Some(half)) = (Decimal::parse("1"), Decimal::parse("0.5")) else {
        return Vec::new();
    };
    let mut samples = Vec::new();
    let mut before: Option<&Decimal> = None;
    for limit in limits {
        samples.push(match before {
            None => limit.value.sub(&one),
            Some(before) => before.add(&limit.value).mul(&half),
        });
        samples.push(limit.value.clone());
        before = Some(&limit.value);
    }
    samples.extend(before.map(|last| last.add(&one)));
    samples
}

/// The conditions that are no comparison, each once.
fn free(definition: &Definition) -> Vec<String> {
    let mut free = Vec::new();
    for row in &definition.rows {
        row.when.each(&mut |part| match part {
            Condition::Change { .. }
            | Condition::Includes { .. }
            | Condition::IsNone(_)
            | Condition::IsUnknown(_) => free.push(part.words()),
            Condition::All(_)
            | Condition::Any(_)
            | Condition::Not(_)
            | Condition::Compare { .. }
            | Condition::Between { .. } => {}
        });
    }
    free.sort();
    free.dedup();
    free
}

/// The runs of samples, first and last, for which a row made of comparisons of one need alone holds.
fn runs(row: &Row, need: &str, axis: &Axis<'_>) -> Vec<(usize, usize)> {
    let mut alone = true;
    row.when.each(&mut |part| {
        alone &= match part {
            Condition::All(_) | Condition::Any(_) | Condition::Not(_) => true,
            Condition::Compare { need: of, .. } | Condition::Between { need: of, .. } => of == need,
            Condition::Change { .. }
            | Condition::Includes { .. }
            | Condition::IsNone(_)
            | Condition::IsUnknown(_) => false,
        };
    });
    let mut runs: Vec<(usize, usize)> = Vec::new();
    if !alone {
        return runs;
    }
    for (n, value) in axis.samples.iter().enumerate() {
        let world = World {
            values: BTreeMap::from([(need, value)]),
            free: BTreeMap::new(),
        };
        if !world.holds(&row.when) {
            continue;
        }
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == n => *last = n,
            Some(_) | None => runs.push((n, n)),
        }
    }
    runs
}

/// Two rows of which each has values that the other has not, and some that both have: which of them was meant?
fn across(
    definition: &Definition,
    row: &Row,
    axes: &BTreeMap<&str, Axis<'_>>,
    places: &Places,
    problems: &mut Problems,
) {
    let before = definition
        .rows
        .iter()
        .take_while(|other| other.name != row.name);
    for other in before.filter(|other| other.then != row.then) {
        for (need, axis) in axes {
            for (a, b) in runs(other, need, axis) {
                for (c, d) in runs(row, need, axis) {
                    let (low, high) = (a.max(c), b.min(d));
                    let inside = (a <= c && d <= b) || (c <= a && b <= d);
                    if low <= high && !inside {
                        problems.add(
                            places.at(&format!("row/{}", row.name)),
                            "check_2",
                            format!(
                                "The rows `{}` and `{}` both take {need} {}.",
                                other.name,
                                row.name,
                                interval(axis, low, high)
                            ),
                            "Let one end where the other begins.",
                        );
                    }
                }
            }
        }
    }
}

/// Values between rows of which nothing is said: neither a row nor what closes an item speaks of them.
fn gaps(
    definition: &Definition,
    need: &str,
    axis: &Axis<'_>,
    places: &Places,
    problems: &mut Problems,
) {
    let mut taken = vec![false; axis.samples.len()];
    for (first, last) in definition.rows.iter().flat_map(|row| runs(row, need, axis)) {
        for place in taken.iter_mut().take(last + 1).skip(first) {
            *place = true;
        }
    }
    let Some(first) = taken.iter().position(|taken| *taken) else {
        return;
    };
    let last = taken.iter().rposition(|taken| *taken).unwrap_or(first);
    let fine = |n: usize| {
        let value = axis.samples.get(n);
        definition.closing.later.iter().any(|later| {
            later.need() == Some(need) && value.is_some_and(|value| compares(later, value))
        })
    };
    let mut start = None;
    for n in first..=last {
        let open = !taken.get(n).copied().unwrap_or(true);
        match (open, start) {
            (true, None) => start = Some(n),
            (false, Some(from)) => {
                if !(from..n).any(fine) {
                    problems.add(
                        places.at("otherwise"),
                        "check_2",
                        format!(
                            "No row says anything of {need} {}.",
                            interval(axis, from, n - 1)
                        ),
                        "Let a row take it, or say in `done_when` that it is well.",
                    );
                }
                start = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
}

/// A run of samples in words: `from 6.0 to 6.4 mmol/L`, `between 6.4 and 6.5 mmol/L`.
fn interval(axis: &Axis<'_>, first: usize, last: usize) -> String {
    // Odd places are limits, even ones lie between them.
    let limit = |n: usize| axis.limits.get(n).copied();
    let low = if first % 2 == 1 {
        limit(first / 2).map(|limit| (limit, true))
    } else {
        first
            .checked_sub(1)
            .and_then(|n| limit(n / 2))
            .map(|limit| (limit, false))
    };
    let high = if last % 2 == 1 {
        limit(last / 2).map(|limit| (limit, true))
    } else {
        limit(last.div_ceil(2)).map(|limit| (limit, false))
    };
    match (low, high) {
        (Some((low, true)), Some((high, true))) if low == high => format!("of {}", low.words()),
        (Some((low, true)), Some((high, true))) => {
            format!("from {} to {}", low.value.as_str(), high.words())
        }
        (Some((low, true)), Some((high, false))) => {
            format!("from {} to below {}", low.value.as_str(), high.words())
        }
        (Some((low, false)), Some((high, true))) => {
            format!("above {} to {}", low.value.as_str(), high.words())
        }
        (Some((low, false)), Some((high, false))) => {
            format!("between {} and {}", low.value.as_str(), high.words())
        }
        (Some((low, true)), None) => format!("at or above {}", low.words()),
        (Some((low, false)), None) => format!("above {}", low.words()),
        (None, Some((high, true))) => format!("at or below {}", high.words()),
        (None, Some((high, false))) => format!("below {}", high.words()),
        (None, None) => String::from("of any value"),
    }
}
