//! What a new evaluation changes in a case: the same result twice changes nothing, a correction is told to whoever saw the old value, a worse
//! one starts the ladder again, a better one never silences, a withdrawn one withdraws.

use std::borrow::Cow;

use bedside_fact::known::{Situation, Verification};

use super::work::{MACHINE, Work};
use super::{CaseState, QUESTION};
use crate::definition::Stop;
use crate::evaluation::{Decision, Evaluation, Finding};

impl Work<'_> {
    pub(super) fn evaluated(&mut self, evaluation: &Evaluation, situation: &Situation) {
        if !self.case.state.is_open() {
            self.hear_after_the_end(evaluation);
            return;
        }
        let evaluation = &*self.concerning(evaluation);
        if self.case.situation != *situation {
            self.case.situation = situation.clone();
            self.case.place.clone_from(&situation.place);
            self.event("updated", MACHINE, "The patient's circumstances changed.");
            self.owner_again();
        }
        if situation.died == Some(true) && self.definition.stops_on(Stop::Died) {
            self.died();
            return;
        }
        self.hear_of_earlier(evaluation);
        if self.is_withdrawn(evaluation) && !falls_back(evaluation) {
            let how = format!(
                "The result was withdrawn: {} is no longer true of this patient.",
                self.case.finding.said
            );
            self.case.finding.verification = Verification::Withdrawn;
            self.tell_all(&how);
            self.close(CaseState::Withdrawn, "withdrawn", MACHINE, how);
            return;
        }
        if let Decision::NotApplicable(why) = &evaluation.decision {
            let how = format!("No longer applies: {why}.");
            self.tell_all(&how);
            self.close(CaseState::Withdrawn, "closed", MACHINE, how);
            return;
        }
        if self.case.basis == evaluation.basis {
            return;
        }
        if let Some(evidence) = self.evidence(evaluation) {
            self.adopt(evaluation);
            self.show(evaluation);
            self.tell_all(&evidence);
            self.close(CaseState::Done, "done", MACHINE, evidence);
            return;
        }
        if let Decision::Ask { fact, .. } = &evaluation.decision
            && self.case.asking.is_none()
        {
            self.missing(fact, evaluation);
            return;
        }
        self.adopt(evaluation);
        self.show(evaluation);
        self.level(evaluation);
    }

    /// What a newer result that nobody can rely on would hide: the result that the item stands on, or one that came to be known since it was
    /// opened, so that no other item was about it.
    fn concerning<'e>(&self, evaluation: &'e Evaluation) -> Cow<'e, Evaluation> {
        let case = &self.case;
        let is_gone = |finding: &Finding| {
            let mut withdrawn = evaluation.withdrawn.iter();
            withdrawn.any(|gone| gone.is_same(finding))
        };
        // Without its own result the item goes on with whatever is left.
        let lost = is_gone(&case.finding);
        let counts = |finding: &Finding| {
            let own = || {
                let mut known = std::iter::once(&case.finding).chain(&case.earlier);
                known.any(|known| known.is_same(finding))
            };
            !is_gone(finding) && (lost || finding.received_at > case.opened_at || own())
        };
        let behind = evaluation
            .behind
            .iter()
            .find(|behind| behind.finding.as_ref().is_some_and(counts));
        match behind {
            None => Cow::Borrowed(evaluation),
            // Whoever passes an evaluation on may know more of what is gone than the one who made it.
            Some(behind) => Cow::Owned(Evaluation {
                withdrawn: evaluation.withdrawn.clone(),
                ..behind.clone()
            }),
        }
    }

    /// Something is missing now that an item stands on, or a newer result can't be read. The item keeps its headline and its ladder, and asks
    /// besides. Only where nothing is left of its result it becomes a question itself.
    fn missing(&mut self, fact: &str, evaluation: &Evaluation) {
        let old = self.case.finding.clone();
        let gone = self.is_withdrawn(evaluation);
        let corrected = evaluation
            .finding
            .as_ref()
            .is_some_and(|finding| finding.is_same(&old) && finding.said != old.said);
        if gone || corrected {
            self.adopt(evaluation);
            self.show(evaluation);
            self.event(
                "asked",
                MACHINE,
                format!("Asks for {fact}: the result that this stood on is no more."),
            );
            let worst = self
                .definition
                .levels()
                .first()
                .copied()
                .unwrap_or_default();
            self.restart(worst);
            QUESTION.clone_into(&mut self.case.level);
            self.case.state = CaseState::WaitingForData;
            self.case.asking = Some(fact.to_owned());
            return;
        }
        let text = format!("{}.", evaluation.say.trim_end_matches('.'));
        if !self.case.caveats.contains(&text) {
            self.tell_all(&text);
            self.event("asked", MACHINE, text.clone());
        }
        let (say, offer) = (self.case.say.clone(), self.case.offer.clone());
        self.show(evaluation);
        let case = &mut self.case;
        case.say = say;
        case.offer = offer;
        case.caveats.insert(0, text);
    }

    /// The evidence that closes the case: a later result than the one that it stands on.
    fn evidence(&self, evaluation: &Evaluation) -> Option<String> {
        let evidence = evaluation.done.as_ref()?;
        let finding = evaluation.finding.as_ref()?;
        let later =
            !finding.is_same(&self.case.finding) && finding.is_later_than(&self.case.finding);
        later.then(|| evidence.clone())
    }

    /// Takes the result of the evaluation for the case's own, and tells what that changes.
    fn adopt(&mut self, evaluation: &Evaluation) {
        let Some(finding) = &evaluation.finding else {
            return;
        };
        let old = self.case.finding.clone();
        if old == *finding {
            return;
        }
        if old.is_same(finding) {
            let said = old.said != finding.said;
            let verified = old.verification != finding.verification;
            self.case.finding = finding.clone();
            if said {
                let text = changed_words(&old, finding);
                self.tell_all(&text);
                self.event("corrected", MACHINE, text);
            } else if verified {
                self.event(
                    "updated",
                    MACHINE,
                    "The result was confirmed or changed its standing.",
                );
            } else {
                self.event("updated", MACHINE, "The result came by a further route.");
            }
            return;
        }
        let withdrawn = evaluation.withdrawn.iter().any(|gone| gone.is_same(&old));
        let later = finding.is_later_than(&old);
        // An older result takes over only when the newer one is gone, or when nobody can rely on that and this one is more urgent.
        if !later && !withdrawn && !evaluation.stands_on_older {
            return;
        }
        if old.is_present() {
            let text = if withdrawn {
                format!(
                    "The result {} was withdrawn; the item now stands on {}.",
                    old.said, finding.said
                )
            } else if !later {
                format!(
                    "The item now stands on {}, which was taken before {}: that is not relied on.",
                    finding.said, old.said
                )
            } else {
                format!("A newer result: was {}, now {}.", old.said, finding.said)
            };
            self.tell_all(&text);
            self.event("updated", MACHINE, text);
            self.case
                .earlier
                .retain(|earlier| !earlier.is_same(finding));
            let mut old = old;
            if withdrawn {
                old.verification = Verification::Withdrawn;
            }
            self.case.earlier.push(old);
        } else {
            self.event("updated", MACHINE, "The result can be read now.");
        }
        self.case.finding = finding.clone();
    }

    fn show(&mut self, evaluation: &Evaluation) {
        let case = &mut self.case;
        case.say.clone_from(&evaluation.say);
        case.caveats.clone_from(&evaluation.caveats);
        case.show.clone_from(&evaluation.show);
        case.trace.clone_from(&evaluation.trace);
        case.basis.clone_from(&evaluation.basis);
        if !evaluation.offer.is_empty() {
            case.offer.clone_from(&evaluation.offer);
        }
        if self.events.is_empty() {
            self.event("updated", MACHINE, "The context changed.");
        }
    }

    fn level(&mut self, evaluation: &Evaluation) {
        match &evaluation.decision {
            Decision::Act(level) if self.case.asking.is_some() => {
                self.event(
                    "opened",
                    MACHINE,
                    format!("What was missing is known: {level}."),
                );
                self.restart(level);
            }
            Decision::Act(level)
                if self.definition.rank(level) < self.definition.rank(&self.case.level) =>
            {
                let text = format!("Became worse: {} instead of {}.", level, self.case.level);
                self.tell_all(&text);
                self.event("worse", MACHINE, text);
                self.restart(level);
            }
            Decision::Act(level) if self.case.level != *level => {
                // The ladder that runs goes on: what became better is never silenced by it.
                let text = format!(
                    "Became less urgent: {} instead of {}.",
                    level, self.case.level
                );
                self.case.level.clone_from(level);
                self.event("better", MACHINE, text);
            }
            Decision::Nothing if self.case.asking.is_some() => {
                let how = "What was missing is known, and no row applies.";
                self.tell_all(how);
                self.close(CaseState::Done, "done", MACHINE, how);
            }
            Decision::Act(_)
            | Decision::Nothing
            | Decision::Ask { .. }
            | Decision::NotApplicable(_) => {}
        }
    }

    /// Becoming worse begins anew: another acknowledgement is owed, and another record of it.
    fn restart(&mut self, level: &str) {
        let case = &mut self.case;
        case.generation += 1;
        level.clone_into(&mut case.level);
        level.clone_into(&mut case.climbs);
        case.state = CaseState::Open;
        case.asking = None;
        case.acknowledged = None;
        self.start();
    }

    fn is_withdrawn(&self, evaluation: &Evaluation) -> bool {
        let finding = &self.case.finding;
        evaluation
            .withdrawn
            .iter()
            .any(|gone| gone.is_same(finding))
    }

    /// A case that has ended still owes a word to those who saw it.
    fn hear_after_the_end(&mut self, evaluation: &Evaluation) {
        self.hear_of_earlier(evaluation);
        if self.case.finding.verification == Verification::Withdrawn {
            return;
        }
        let old = self.case.finding.clone();
        if self.is_withdrawn(evaluation) {
            self.case.finding.verification = Verification::Withdrawn;
            let text = format!(
                "After this item had ended, its result {} was withdrawn.",
                old.said
            );
            self.tell_all(&text);
            self.event("heard_later", MACHINE, text);
            return;
        }
        let known = evaluation.finding.iter().chain(&evaluation.standing);
        let now = known.into_iter().find(|finding| old.is_same(finding));
        if let Some(finding) = now.filter(|finding| old.said != finding.said) {
            let text = format!(
                "After this item had ended: {}",
                changed_words(&old, finding)
            );
            self.case.finding = finding.clone();
            self.tell_all(&text);
            self.event("heard_later", MACHINE, text);
        }
    }

    fn hear_of_earlier(&mut self, evaluation: &Evaluation) {
        let mut texts = Vec::new();
        for earlier in &mut self.case.earlier {
            let gone = evaluation
                .withdrawn
                .iter()
                .any(|gone| gone.is_same(earlier));
            if gone && earlier.verification != Verification::Withdrawn {
                earlier.verification = Verification::Withdrawn;
                texts.push(format!(
                    "The earlier result {} was withdrawn.",
                    earlier.said
                ));
            }
        }
        for text in texts {
            self.tell_all(&text);
            self.event("heard_later", MACHINE, text);
        }
    }
}

/// Whether the item goes on without the result that was withdrawn, because a row applies to what is left or what is left can't be read. Better
/// an item that somebody closes than a dangerous value that went with a wrong one.
fn falls_back(evaluation: &Evaluation) -> bool {
    match evaluation.decision {
        Decision::Act(_) | Decision::Ask { .. } => true,
        Decision::Nothing | Decision::NotApplicable(_) => false,
    }
}

fn changed_words(old: &Finding, new: &Finding) -> String {
    format!(
        "The result was corrected: was {}, now {}.",
        old.said, new.said
    )
}
