//! A definition, what is known of one patient, and an instant: what follows. Pure, so the same arguments give the same bytes.
//!
//! `resolve` applies the what-ifs, `condition` the three-valued logic, `show` gathers the context. Unknown is never false here (promise P6):
//! a row that can't be decided takes the branch that the definition has for it, and where it has none somebody is asked.

mod behind;
mod condition;
mod resolve;
mod show;
#[cfg(test)]
mod tests;
pub(crate) mod words;

use aws_lc_rs::digest;
use bedside_fact::clock::Timestamp;
use bedside_fact::known::Situation;
use bedside_fact::logic::Truth;
use jiff::tz::TimeZone;

use crate::definition::{Action, Branch, Definition, IfUnknown, Row, Trait};
use crate::evaluation::{Decision, Evaluation, Finding, Inputs, TraceLine};
use crate::groups::Groups;
use resolve::Resolved;

/// Evaluates a definition.
#[must_use]
pub fn evaluate(
    definition: &Definition,
    inputs: &Inputs,
    groups: &Groups,
    now: Timestamp,
    zone: &TimeZone,
) -> Evaluation {
    let scene = Scene::new(definition, inputs, groups, now, zone);
    let mut evaluation = scene.judged();
    evaluation.behind = scene.behind(inputs, &evaluation);
    evaluation
}

/// All that an evaluation looks at.
pub(crate) struct Scene<'a> {
    pub(crate) definition: &'a Definition,
    pub(crate) situation: &'a Situation,
    pub(crate) groups: &'a Groups,
    pub(crate) now: Timestamp,
    pub(crate) zone: &'a TimeZone,
    pub(crate) resolved: Vec<Resolved<'a>>,
}

/// What the rows came to.
struct Verdict {
    decision: Decision,
    row: Option<String>,
    caveats: Vec<String>,
    trace: Vec<TraceLine>,
}

impl<'a> Scene<'a> {
    fn new(
        definition: &'a Definition,
        inputs: &'a Inputs,
        groups: &'a Groups,
        now: Timestamp,
        zone: &'a TimeZone,
    ) -> Self {
        Self {
            definition,
            situation: &inputs.situation,
            groups,
            now,
            zone,
            resolved: resolve::all(definition, inputs, now, zone),
        }
    }
}

impl Scene<'_> {
    /// What follows from the newest result.
    fn judged(&self) -> Evaluation {
        let trigger = self.trigger();
        let finding = trigger
            .and_then(|resolved| resolved.chosen.or_else(|| resolved.fact.newest()))
            .map(Finding::of);
        let withdrawn = trigger.map(withdrawn).unwrap_or_default();
        let mut verdict = self.verdict(finding.is_none() && !withdrawn.is_empty());
        let mut caveats = std::mem::take(&mut verdict.caveats);
        if let Some(before) = finding
            .as_ref()
            .and_then(|finding| finding.corrected.as_ref())
        {
            caveats.push(format!("Corrected: {before}."));
        }
        for resolved in &self.resolved {
            caveats.extend(resolved.caveats.iter().cloned());
        }
        let action = self.action(&verdict.decision);
        caveats.extend(self.old_groups(action, &verdict.row));
        caveats.extend(self.overdue());
        let mut seen: Vec<String> = Vec::new();
        caveats.retain(|caveat| {
            let new = !seen.contains(caveat);
            seen.push(caveat.clone());
            new
        });
        let say = match (&verdict.decision, action) {
            (Decision::Ask { fact, .. }, _) => self.question(fact),
            (Decision::Nothing | Decision::Act(_) | Decision::NotApplicable(_), Some(action)) => {
                self.fill(&action.say, &caveats)
            }
            (Decision::Nothing | Decision::Act(_) | Decision::NotApplicable(_), None) => {
                self.definition.title.clone()
            }
        };
        let basis = self.basis(&verdict, &withdrawn);
        Evaluation {
            decision: verdict.decision,
            row: verdict.row,
            say,
            caveats,
            show: action.map(|action| self.show(action)).unwrap_or_default(),
            offer: action
                .map(|action| action.offer.clone())
                .unwrap_or_default(),
            trace: verdict.trace,
            finding,
            standing: trigger
                .map(|trigger| trigger.fact.data.iter().map(Finding::of).collect())
                .unwrap_or_default(),
            withdrawn,
            done: self.done(),
            basis,
            behind: Vec::new(),
            stands_on_older: false,
        }
    }

    /// The fact that the workflow is about.
    fn trigger(&self) -> Option<&Resolved<'_>> {
        let facts = self.definition.trigger_facts();
        self.resolved.iter().find(|resolved| {
            resolved.needed.skip == 0 && facts.contains(&resolved.needed.fact.as_str())
        })
    }

    fn verdict(&self, only_withdrawn: bool) -> Verdict {
        let mut verdict = Verdict {
            decision: Decision::Nothing,
            row: None,
            caveats: Vec::new(),
            trace: Vec::new(),
        };
        if let Some(why) = self.not_for_this_patient(&mut verdict.caveats) {
            verdict.decision = Decision::NotApplicable(why);
            return verdict;
        }
        // The only result is gone: there is nothing to ask for, and nothing to act on.
        if only_withdrawn {
            return verdict;
        }
        if let Some(missing) = self.resolved.iter().find(|resolved| resolved.asks) {
            verdict.decision = self.ask(&missing.needed.name);
            return verdict;
        }
        for row in &self.definition.rows {
            let truth = self.look(row, &mut verdict.trace);
            match (truth, &row.if_unknown) {
                (Truth::True, _) => {
                    verdict.decision = Decision::Act(row.then.clone());
                    verdict.row = Some(row.name.clone());
                    return verdict;
                }
                (Truth::False, _) | (Truth::Unknown, Some(Branch::Next)) => {}
                (Truth::Unknown, Some(Branch::Act(action))) => {
                    verdict.decision = Decision::Act(action.clone());
                    verdict.row = Some(row.name.clone());
                    verdict
                        .caveats
                        .push(format!("Not known whether the row “{}” applies.", row.name));
                    return verdict;
                }
                // What-ifs leave nothing open here except a value that is only a limit, such as `> 6.0`.
                (Truth::Unknown, None) => {
                    let need = self.undecided(row);
                    verdict.decision = self.ask(&need);
                    verdict.row = Some(row.name.clone());
                    verdict.caveats.push(format!(
                        "The value does not decide whether the row “{}” applies.",
                        row.name
                    ));
                    return verdict;
                }
            }
        }
        if let Some(action) = &self.definition.otherwise {
            verdict.decision = Decision::Act(action.clone());
        }
        verdict
    }

    fn ask(&self, need: &str) -> Decision {
        let who = &self.definition.who;
        let role = match self.situation.inpatient {
            Some(false) => &who.outpatient,
            Some(true) | None => &who.inpatient,
        };
        Decision::Ask {
            fact: need.to_owned(),
            role: role.clone(),
        }
    }

    fn undecided(&self, row: &Row) -> String {
        let mut open = None;
        row.when.each(&mut |condition| {
            if open.is_none() && self.truth(condition).0 == Truth::Unknown {
                open = condition.need();
            }
        });
        open.unwrap_or(&row.name).to_owned()
    }

    /// Why the workflow is not for this patient, if it is not.
    fn not_for_this_patient(&self, caveats: &mut Vec<String>) -> Option<String> {
        let applies = &self.definition.applies_to;
        let is = |of| match of {
            Trait::Adult => self.situation.adult,
            Trait::Child => self.situation.adult.map(|adult| !adult),
            Trait::Inpatient => self.situation.inpatient,
            Trait::Outpatient => self.situation.inpatient.map(|inpatient| !inpatient),
        };
        let wanted = applies.include.iter().map(|of| (*of, true));
        let unwanted = applies.exclude.iter().map(|of| (*of, false));
        for (of, want) in wanted.chain(unwanted) {
            match is(of) {
                Some(is) if is == want => {}
                Some(_) => {
                    let not = if want { "not " } else { "" };
                    return Some(format!("the patient is {not}{}", of.words()));
                }
                None => match applies.if_unknown {
                    IfUnknown::Include => {
                        caveats.push(format!("Not known whether the patient is {}.", of.words()));
                    }
                    IfUnknown::Exclude => {
                        return Some(format!(
                            "it is not known whether the patient is {}",
                            of.words()
                        ));
                    }
                },
            }
        }
        None
    }

    /// The action whose words and context are shown: that of the level, else the least urgent (what became better still has words).
    fn action(&self, decision: &Decision) -> Option<&Action> {
        match decision {
            Decision::Act(level) => self.definition.action(level),
            Decision::Ask { .. } => self.definition.actions.first(),
            Decision::Nothing | Decision::NotApplicable(_) => self.definition.actions.last(),
        }
    }

    /// The groups that this item stands on and that are past their review date.
    fn old_groups(&self, action: Option<&Action>, row: &Option<String>) -> Vec<String> {
        let today = self.now.to_zoned(self.zone.clone()).date();
        let mut names: Vec<&str> = Vec::new();
        let shown = action.into_iter().flat_map(|action| &action.show);
        names.extend(shown.filter_map(|show| show.group.as_deref()));
        for of in &self.definition.rows {
            of.when.each(&mut |condition| {
                if let crate::definition::Condition::Includes { group, .. } = condition {
                    names.push(group);
                }
            });
            if Some(&of.name) == row.as_ref() {
                break;
            }
        }
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .filter_map(|name| self.groups.get(name))
            .filter(|group| group.review_by < today)
            .map(|group| {
                format!(
                    "The list “{}” was due for review on {}.",
                    group.name,
                    group.review_by.strftime("%d-%b-%Y")
                )
            })
            .collect()
    }

    /// That the workflow itself is past its review date: it goes on, and each item says so.
    fn overdue(&self) -> Option<String> {
        let today = self.now.to_zoned(self.zone.clone()).date();
        self.definition.is_overdue(today).then(|| {
            format!(
                "This workflow was due for review on {}.",
                self.definition.review_by.strftime("%d-%b-%Y")
            )
        })
    }

    /// One text that stands for all that was looked at, without the age of things.
    fn basis(&self, verdict: &Verdict, withdrawn: &[Finding]) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        let mut add = |text: &str| {
            context.update(text.as_bytes());
            context.update(&[0]);
        };
        add(&self.definition.hash);
        add(&self.overdue().unwrap_or_default());
        add(&format!("{:?} {:?}", verdict.decision, verdict.row));
        let circumstances = self.situation;
        add(&format!(
            "{:?} {:?}",
            circumstances.inpatient, circumstances.adult
        ));
        for resolved in &self.resolved {
            let fact = &resolved.fact;
            add(&format!("{} {:?} {:?}", fact.name, fact.state, fact.gap));
            for datum in fact.data.iter().chain(&fact.against) {
                add(&format!(
                    "{} {} {} {:?} {:?} {:?} {:?}",
                    datum.identity,
                    datum.label,
                    datum.said,
                    datum.verification,
                    datum.doubt,
                    datum.corrected,
                    datum.sources
                ));
            }
            add("");
        }
        for gone in withdrawn {
            add(&gone.identity);
        }
        crate::definition::hex(context.finish().as_ref())
    }
}

/// The results that were taken back. One that still stands among the values, because it was sent again, was not.
fn withdrawn(resolved: &Resolved<'_>) -> Vec<Finding> {
    let fact = &resolved.fact;
    let standing: Vec<Finding> = fact
        .data
        .iter()
        .chain(&fact.against)
        .map(Finding::of)
        .collect();
    let mut gone: Vec<Finding> = fact.withdrawn.iter().map(Finding::of).collect();
    gone.retain(|gone| !standing.iter().any(|finding| finding.is_same(gone)));
    gone
}

impl Trait {
    const fn words(self) -> &'static str {
        match self {
            Self::Adult => "an adult",
            Self::Child => "a child",
            Self::Inpatient => "an inpatient",
            Self::Outpatient => "an outpatient",
        }
    }
}
