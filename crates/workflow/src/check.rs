//! What has to hold between the blocks of a definition before it may decide anything. Each problem carries the number of its check.
//!
//! Checks that need evidence of a site (that a pool has staff, that a route is proven, that a withdrawal is seen) are not made here. `numbers`
//! goes through the values that tell rows apart, `words` through everything that is written.

mod numbers;
mod words;

use bedside_fact::yaml::Node;
use jiff::civil::Date;

use crate::case::is_pool;
use crate::definition::{
    Branch, Condition, Definition, Row, RungDefinition, StartEvent, Stop, Verb,
};
use crate::problem::Problems;
use crate::read::Places;
use crate::vocabulary::Vocabulary;

/// Looks at every word of the file.
pub(crate) fn words(root: &Node, vocabulary: &Vocabulary, problems: &mut Problems) {
    words::check(root, vocabulary, problems);
}

/// Looks at a whole definition.
pub(crate) fn definition(
    definition: &Definition,
    places: &Places,
    today: Option<Date>,
    problems: &mut Problems,
) {
    let mut check = Check {
        definition,
        places,
        problems,
    };
    check.unknown_branches();
    check.actions();
    check.owners();
    check.ladders();
    check.ends();
    check.withdrawals();
    check.sources(today);
    numbers::check(definition, places, check.problems);
}

struct Check<'a> {
    definition: &'a Definition,
    places: &'a Places,
    problems: &'a mut Problems,
}

impl Check<'_> {
    fn add(&mut self, place: &str, rule: &str, message: impl Into<String>, hint: &str) {
        self.problems
            .add(self.places.at(place), rule, message, hint);
    }

    /// A row that can be unknown after the what-ifs says what follows then.
    fn unknown_branches(&mut self) {
        let rows = &self.definition.rows;
        for row in rows {
            if row.if_unknown.is_some() {
                continue;
            }
            if let Some((need, why)) = self.open_need(row) {
                self.add(
                    &format!("row/{}", row.name),
                    "unknown_branch",
                    format!(
                        "The row `{}` can be unknown ({why} `{need}`) and has no `if unknown`.",
                        row.name
                    ),
                    "Write `if unknown: next`, or the action to take when it can't be known.",
                );
            }
        }
    }

    /// A need by which the row can come out unknown, and why.
    fn open_need<'r>(&self, row: &'r Row) -> Option<(&'r str, &'static str)> {
        let mut open = None;
        row.when.each(&mut |condition| {
            let Some(need) = condition.need() else {
                return;
            };
            let why = match condition {
                Condition::IsNone(_) | Condition::IsUnknown(_) => None,
                Condition::Change { .. } => Some("there may be no earlier"),
                Condition::All(_)
                | Condition::Any(_)
                | Condition::Not(_)
                | Condition::Compare { .. }
                | Condition::Between { .. }
                | Condition::Includes { .. } => self.definition.need(need).and_then(|needed| {
                    let goes_on = |verb: &Verb| match verb {
                        Verb::ContinueAndSay(_) | Verb::ShowBoth => true,
                        Verb::StopAndAsk | Verb::UseSafest(_) => false,
                    };
                    if goes_on(&needed.missing) || needed.none.as_ref().is_some_and(goes_on) {
                        Some("it goes on without")
                    } else if goes_on(&needed.conflict) {
                        Some("sources may disagree on")
                    } else {
                        None
                    }
                }),
            };
            if open.is_none() {
                open = why.map(|why| (need, why));
            }
        });
        open
    }

    /// Every `then` names an action, and every action is reached by a row.
    fn actions(&mut self) {
        let definition = self.definition;
        let mut used: Vec<&str> = Vec::new();
        for row in &definition.rows {
            let mut named = vec![(format!("then/{}", row.name), row.then.as_str())];
            if let Some(Branch::Act(action)) = &row.if_unknown {
                named.push((format!("if unknown/{}", row.name), action));
            }
            for (place, action) in named {
                used.push(action);
                self.action_exists(&place, action);
            }
        }
        if let Some(action) = &definition.otherwise {
            used.push(action);
            self.action_exists("otherwise", action);
        }
        for action in &definition.actions {
            if !used.contains(&action.name.as_str()) {
                self.add(
                    &format!("do/{}", action.name),
                    "check_3",
                    format!("No row leads to the action `{}`.", action.name),
                    "",
                );
            }
        }
    }

    fn action_exists(&mut self, place: &str, action: &str) {
        if self.definition.action(action).is_none() {
            self.add(
                place,
                "check_3",
                format!("`{action}` is no action of `do`."),
                "",
            );
        }
    }

    /// The chain of owners ends in a pool.
    fn owners(&mut self) {
        if !self
            .definition
            .who
            .then
            .last()
            .is_some_and(|last| is_pool(last))
        {
            self.add(
                "owner",
                "check_3",
                "The chain of owners does not end in a pool: an item could be nobody's.",
                "End `then` with a staffed pool, such as `critical results pool`.",
            );
        }
    }

    /// Both ladders stand, go up in time, and tell nobody who holds it already.
    fn ladders(&mut self) {
        let definition = self.definition;
        for action in &definition.actions {
            let ladders = [
                ("if not acknowledged", &action.not_acknowledged),
                ("if not done", &action.not_done),
            ];
            for (n, (name, rungs)) in ladders.into_iter().enumerate() {
                if rungs.is_empty() {
                    self.add(
                        &format!("do/{}", action.name),
                        "check_4",
                        format!(
                            "`{}` has no ladder `{name}`: an item could wait for ever.",
                            action.name
                        ),
                        "Give it one in `escalate`.",
                    );
                }
                self.ladder(&format!("escalate/{}/{n}", action.name), rungs);
            }
        }
    }

    fn ladder(&mut self, place: &str, rungs: &[RungDefinition]) {
        let who = &self.definition.who;
        let mut told: Vec<&str> = vec![&who.inpatient, &who.outpatient];
        let mut before = 0;
        for (n, rung) in rungs.iter().enumerate() {
            let place = format!("{place}/{n}");
            if rung.after <= before {
                self.add(
                    &place,
                    "check_4",
                    format!("`{}` is not later than the rung before it.", rung.words),
                    "Each rung comes later than the one before.",
                );
            }
            before = rung.after;
            for role in &rung.to {
                if told.contains(&role.as_str()) {
                    self.add(
                        &place,
                        "check_4",
                        format!("`{role}` holds the item or was told already."),
                        "A rung adds somebody.",
                    );
                }
            }
            told.extend(rung.to.iter().map(String::as_str));
        }
    }

    /// There is a way to close an item.
    fn ends(&mut self) {
        let closing = &self.definition.closing;
        if closing.answers.is_empty() {
            self.add(
                "done_when",
                "check_5",
                "The owner has no answer that ends an item.",
                "Add `owner records one of [ …, … ]`.",
            );
        }
    }

    /// What can be corrected or withdrawn at the source can be here.
    fn withdrawals(&mut self) {
        let definition = self.definition;
        let starts = |event| definition.starts.iter().any(|start| start.event == event);
        if !definition.stops_on(Stop::Withdrawn) {
            self.add(
                "stops",
                "check_7",
                "A result can be withdrawn, and nothing here stops on it.",
                "Add `event: lab result withdrawn` with `then: withdraw`.",
            );
        }
        if !starts(StartEvent::Finalised) || !starts(StartEvent::Corrected) {
            self.add(
                "starts",
                "check_7",
                "A result is finalised and can be corrected: the workflow has to start on both.",
                "Add `lab result finalised` and `lab result corrected`.",
            );
        }
        for (stop, event) in [
            (Stop::Died, "patient died"),
            (Stop::Merged, "patients merged"),
        ] {
            if !definition.stops_on(stop) {
                self.add(
                    "stops",
                    "check_7",
                    format!("Nothing here says what happens when {event}."),
                    "Add the event to `stops`.",
                );
            }
        }
    }

    fn sources(&mut self, today: Option<Date>) {
        if self.definition.sources.is_empty() {
            self.add(
                "sources",
                "check_12",
                "The workflow names no source.",
                "Name the guideline and the local list that its numbers come from.",
            );
        }
        if today.is_some_and(|today| self.definition.is_overdue(today)) {
            self.add(
                "review_by",
                "check_12",
                "The review date has passed.",
                "Review the workflow, then set the next date.",
            );
        }
    }
}
