//! The context of an item: each part with its age, its source, its state and what is missing of it.

use bedside_fact::clock::Timestamp;
use bedside_fact::known::Datum;
use bedside_fact::logic::Truth;
use bedside_fact::quantity::Decimal;
use bedside_fact::state::State;
use bedside_fact::time;

use super::Scene;
use super::resolve::{Resolved, amount};
use super::words;
use crate::definition::{Action, Show};
use crate::evaluation::{Shown, ShownLine};
use crate::groups::Group;

impl Scene<'_> {
    pub(super) fn show(&self, action: &Action) -> Vec<Shown> {
        action
            .show
            .iter()
            .filter_map(|show| {
                let resolved = self
                    .resolved
                    .iter()
                    .find(|resolved| resolved.needed.name == show.need)?;
                Some(self.part(show, resolved))
            })
            .collect()
    }

    fn part(&self, show: &Show, resolved: &Resolved<'_>) -> Shown {
        let fact = &resolved.fact;
        let group = show.group.as_deref().and_then(|name| self.groups.get(name));
        let mut title = words::capitalised(&show.need);
        if let Some((_, time)) = &show.trend {
            title = format!("{title}, {time}");
        }
        let (lines, trend) = match &show.trend {
            Some((seconds, _)) => {
                let series = self.recent(resolved, *seconds);
                let points = series
                    .iter()
                    .rev()
                    .filter_map(|datum| {
                        // A number beyond what can be drawn would not come back from JSON, and with it the whole case.
                        let value = amount(resolved.needed, datum)
                            .map(Decimal::approximate)
                            .filter(|value| value.is_finite())?;
                        Some((datum.taken_at?, value, datum.said.clone()))
                    })
                    .collect();
                let lines = series.iter().map(|datum| self.line(datum, None, false));
                (lines.collect(), points)
            }
            None => (self.lines(resolved, group), Vec::new()),
        };
        let mut gaps = Vec::new();
        let complete = fact.state == State::Present && fact.gap.is_none();
        if !complete && !fact.why.is_empty() {
            gaps.push(fact.why.clone());
        }
        Shown {
            title,
            state: fact.state,
            words: words::state(fact),
            as_of: fact.as_of,
            lines,
            gaps,
            trend,
        }
    }

    fn lines(&self, resolved: &Resolved<'_>, group: Option<&Group>) -> Vec<ShownLine> {
        let fact = &resolved.fact;
        // A quantity brings as many values as its window holds; shown are those that the definition asked for.
        let count = match resolved.needed.latest {
            0 => usize::MAX,
            latest => latest,
        };
        let mine = fact
            .data
            .iter()
            .take(count)
            .map(|datum| self.line(datum, group, false));
        let theirs = fact
            .against
            .iter()
            .take(count)
            .map(|datum| self.line(datum, group, true));
        let mut lines: Vec<ShownLine> = mine.chain(theirs).collect();
        // What the definition points out comes first; the order is otherwise as it was.
        lines.sort_by_key(|line| !line.marked);
        lines
    }

    fn recent(&self, resolved: &Resolved<'_>, seconds: i64) -> Vec<&Datum> {
        let recent = |at: Timestamp| self.now.as_second() - at.as_second() <= seconds;
        self.series(resolved.needed)
            .into_iter()
            .filter(|datum| datum.taken_at.is_some_and(recent))
            .collect()
    }

    fn line(&self, datum: &Datum, group: Option<&Group>, other_side: bool) -> ShownLine {
        let text = if datum.said.is_empty() {
            datum.label.clone()
        } else if datum.label.is_empty() {
            datum.said.clone()
        } else {
            format!("{} {}", datum.label, datum.said)
        };
        let doubts = [
            datum.doubt.clone(),
            datum.corrected.clone(),
            other_side.then(|| String::from("the other side of the conflict")),
        ];
        let doubts: Vec<String> = doubts.into_iter().flatten().collect();
        let at = datum.taken_at;
        ShownLine {
            text,
            detail: datum.detail.clone(),
            at,
            age: at.map_or_else(
                || String::from("time not known"),
                |at| time::age_words(at, self.now),
            ),
            source: datum.sources.join(", "),
            doubt: (!doubts.is_empty()).then(|| doubts.join("; ")),
            marked: group.is_some_and(|group| self.groups.holds(group, datum) == Truth::True),
        }
    }
}
