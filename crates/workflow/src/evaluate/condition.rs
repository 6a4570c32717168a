//! Conditions in three-valued logic. A value that is only a limit (`> 6.0`) is an interval, and decides only what all of it decides.

use std::cmp::Ordering;

use bedside_fact::known::{Datum, Verification};
use bedside_fact::logic::Truth;
use bedside_fact::quantity::{Comparator, Decimal};
use bedside_fact::state::State;
use bedside_fact::time;

use super::Scene;
use super::resolve::{Resolved, Standing, amount};
use super::words;
use crate::definition::{Amount, Condition, Direction, Relation, Row};
use crate::evaluation::TraceLine;

/// The values that a datum may stand for; both ends with whether they belong to it.
struct Interval<'a> {
    low: Option<(&'a Decimal, bool)>,
    high: Option<(&'a Decimal, bool)>,
}

impl<'a> Interval<'a> {
    fn of(value: &'a Decimal, comparator: Option<Comparator>) -> Self {
        let (low, high) = match comparator {
            None => (Some((value, true)), Some((value, true))),
            Some(Comparator::Less) => (None, Some((value, false))),
            Some(Comparator::LessOrEqual) => (None, Some((value, true))),
            Some(Comparator::GreaterOrEqual) => (Some((value, true)), None),
            Some(Comparator::Greater) => (Some((value, false)), None),
        };
        Self { low, high }
    }

    /// Whether all, none or some of it is at or above the limit (above it, when `strict`).
    fn reaches(&self, limit: &Decimal, strict: bool) -> Truth {
        if let Some((low, closed)) = self.low {
            match low.compare(limit) {
                Ordering::Greater => return Truth::True,
                Ordering::Equal if !strict || !closed => return Truth::True,
                Ordering::Equal | Ordering::Less => {}
            }
        }
        if let Some((high, closed)) = self.high {
            match high.compare(limit) {
                Ordering::Less => return Truth::False,
                Ordering::Equal if strict || !closed => return Truth::False,
                Ordering::Equal | Ordering::Greater => {}
            }
        }
        Truth::Unknown
    }
}

impl Scene<'_> {
    /// How a row comes out; each of its conditions leaves a line.
    pub(super) fn look(&self, row: &Row, trace: &mut Vec<TraceLine>) -> Truth {
        row.when.each(&mut |condition| {
            let (truth, words) = self.truth(condition);
            trace.push(TraceLine {
                row: row.name.clone(),
                condition: condition.words(),
                truth,
                words,
            });
        });
        self.truth(&row.when).0
    }

    /// How a condition comes out, and on what.
    pub(super) fn truth(&self, condition: &Condition) -> (Truth, String) {
        match condition {
            Condition::All(parts) => {
                let all = parts
                    .iter()
                    .fold(Truth::True, |truth, part| truth.and(self.truth(part).0));
                (all, String::new())
            }
            Condition::Any(parts) => {
                let any = parts
                    .iter()
                    .fold(Truth::False, |truth, part| truth.or(self.truth(part).0));
                (any, String::new())
            }
            Condition::Not(part) => {
                let (truth, words) = self.truth(part);
                (!truth, words)
            }
            Condition::Compare {
                need,
                relation,
                limit,
            } => self.compared(need, |interval| relate(interval, *relation, limit)),
            Condition::Between { need, low, high } => self.compared(need, |interval| {
                relate(interval, Relation::AtOrAbove, low).and(relate(
                    interval,
                    Relation::AtOrBelow,
                    high,
                ))
            }),
            Condition::Change {
                need,
                direction,
                inclusive,
                by,
                within,
                ..
            } => self.moved(need, *direction, *inclusive, by, *within),
            Condition::Includes { need, group } => self.includes(need, group),
            Condition::IsNone(need) => {
                let none = self
                    .known(need)
                    .is_some_and(|resolved| resolved.standing == Standing::None);
                (Truth::from(none), self.state_words(need))
            }
            Condition::IsUnknown(need) => {
                let unknown = self
                    .known(need)
                    .is_none_or(|resolved| resolved.standing == Standing::Unknown);
                (Truth::from(unknown), self.state_words(need))
            }
        }
    }

    fn known(&self, need: &str) -> Option<&Resolved<'_>> {
        self.resolved
            .iter()
            .find(|resolved| resolved.needed.name == need)
    }

    fn state_words(&self, need: &str) -> String {
        self.known(need).map_or_else(
            || String::from("unknown"),
            |resolved| words::state(&resolved.fact),
        )
    }

    fn compared(&self, need: &str, decide: impl Fn(&Interval<'_>) -> Truth) -> (Truth, String) {
        let value = self.known(need).and_then(|resolved| {
            let datum = resolved.chosen?;
            Some((datum, amount(resolved.needed, datum)?))
        });
        let Some((datum, value)) = value else {
            return (Truth::Unknown, self.state_words(need));
        };
        let comparator = datum
            .quantity
            .as_ref()
            .and_then(|quantity| quantity.comparator);
        let interval = Interval::of(value, comparator);
        (decide(&interval), datum.said.clone())
    }

    /// Whether the newest value lies so much above (below) any within the time before it. No value there is no answer, and a doubtful one
    /// can show a change but not the absence of one.
    fn moved(
        &self,
        need: &str,
        direction: Direction,
        inclusive: bool,
        by: &Amount,
        within: i64,
    ) -> (Truth, String) {
        let unknown = |words: String| (Truth::Unknown, words);
        let Some(resolved) = self.known(need) else {
            return unknown(String::from("unknown"));
        };
        let needed = resolved.needed;
        let exact = |datum: &Datum| {
            datum
                .quantity
                .as_ref()
                .is_some_and(|quantity| quantity.comparator.is_none())
        };
        let Some((newest, at, value)) = resolved
            .chosen
            .filter(|datum| exact(datum))
            .and_then(|datum| Some((datum, datum.taken_at?, amount(needed, datum)?)))
        else {
            return unknown(self.state_words(need));
        };
        let mut relied_on = false;
        for datum in self.series(needed) {
            let (Some(taken), Some(was)) = (datum.taken_at, amount(needed, datum)) else {
                continue;
            };
            let age = at.as_second() - taken.as_second();
            if taken >= at || age > within || !exact(datum) {
                continue;
            }
            let change = match direction {
                Direction::Rose => value.sub(was),
                Direction::Fell => was.sub(value),
            };
            let enough = match change.compare(&by.value) {
                Ordering::Greater => true,
                Ordering::Equal => inclusive,
                Ordering::Less => false,
            };
            if enough {
                let words = format!(
                    "{} from {} in {}",
                    newest.said,
                    datum.said,
                    words::duration(age)
                );
                return (Truth::True, words);
            }
            relied_on |= is_reliable(datum);
        }
        // Where a source is missing, so may be the value that shows the change.
        if relied_on && resolved.fact.gap.is_none() {
            (Truth::False, newest.said.clone())
        } else {
            unknown(String::from("no earlier value in that time"))
        }
    }

    fn includes(&self, need: &str, group: &str) -> (Truth, String) {
        let (Some(resolved), Some(group)) = (self.known(need), self.groups.get(group)) else {
            return (Truth::Unknown, self.state_words(need));
        };
        match resolved.standing {
            Standing::None => (Truth::False, words::state(&resolved.fact)),
            Standing::Unknown => (Truth::Unknown, words::state(&resolved.fact)),
            Standing::Usable => {
                // A list of which a source is missing can show that something is on it, and not that it is not.
                let mut truth = match resolved.fact.gap {
                    None => Truth::False,
                    Some(_) => Truth::Unknown,
                };
                for datum in &resolved.fact.data {
                    let holds = self.groups.holds(group, datum);
                    if holds == Truth::True {
                        return (Truth::True, datum.label.clone());
                    }
                    truth = truth.or(holds);
                }
                let words = format!("{} entries", resolved.fact.data.len());
                (truth, words)
            }
        }
    }

    /// The evidence that would close an item on an older result: only a value that nobody doubts.
    pub(super) fn done(&self) -> Option<String> {
        self.definition.closing.later.iter().find_map(|condition| {
            let resolved = self.known(condition.need()?)?;
            let datum = resolved.chosen.filter(|datum| is_reliable(datum))?;
            if resolved.fact.state != State::Present || self.truth(condition).0 != Truth::True {
                return None;
            }
            let taken = datum
                .taken_at
                .map(|at| format!(", taken {}", time::words(at, self.zone)))
                .unwrap_or_default();
            Some(format!(
                "A later {}: {}{taken}.",
                condition.words(),
                datum.said
            ))
        })
    }
}

/// Whether somebody answers for a value and nothing speaks against it.
pub(super) fn is_reliable(datum: &Datum) -> bool {
    let verified = match datum.verification {
        Verification::Final | Verification::Corrected => true,
        Verification::Preliminary
        | Verification::Withdrawn
        | Verification::PatientReported
        | Verification::Device => false,
    };
    verified && datum.doubt.is_none()
}

fn relate(interval: &Interval<'_>, relation: Relation, limit: &Amount) -> Truth {
    match relation {
        Relation::AtOrAbove => interval.reaches(&limit.value, false),
        Relation::Above => interval.reaches(&limit.value, true),
        Relation::AtOrBelow => !interval.reaches(&limit.value, true),
        Relation::Below => !interval.reaches(&limit.value, false),
    }
}
