//! What an evaluation does to the cases of a person: those that have ended hear what changed in their results, of several that are open one goes
//! on, and where none is, one is opened when there is something that nobody has dealt with.

use bedside_core::journal::InputState;
use bedside_core::record::PersonRecord;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{ResourceId, Seq, SourceId};
use bedside_fact::known::Verification;
use bedside_fact::quantity::Decimal;
use bedside_store::{CaseCommit, CaseFilter, Error};
use bedside_workflow::case::{Case, CaseState, Event, Input, Step, open, step};
use bedside_workflow::{Decision, Definition, Evaluation, Finding};
use jiff::SignedDuration;

use super::commit::snapshot;
use super::engine::Shared;
use super::person::{Seen, read};

/// A value that was true so long before its source was connected is history: it opens nothing (promise P8). What was taken shortly before may
/// have been reported after, and nobody has acted on it.
const HISTORY: SignedDuration = SignedDuration::from_hours(6);

/// As many cases of one person and workflow as are looked back at, open ones first, then the latest.
const LOOK_BACK: usize = 200;

/// As many inputs that wait are looked through.
const WAITING: u32 = 1_000;

/// What became of a person's cases.
pub(super) struct Followed {
    /// An item is open.
    pub(super) open: bool,
    /// Nothing was left undecided: else the person is looked at again soon.
    pub(super) settled: bool,
}

/// A case as it was read.
struct Known {
    version: i64,
    case: Case,
}

impl Shared {
    /// Commits what an evaluation does.
    pub(super) async fn follow(&self, seen: &Seen<'_>, attempt: usize) -> Result<Followed, Error> {
        let filter = CaseFilter {
            workflow: Some(seen.definition.name().to_owned()),
            patients: seen.record.patients.clone(),
            limit: LOOK_BACK,
            ..CaseFilter::default()
        };
        let (mut open_ones, mut closed) = (Vec::new(), Vec::new());
        for row in self.store.cases(&self.ctx, &filter).await? {
            let known = Known {
                version: row.version,
                case: read(&row)?,
            };
            if row.open {
                open_ones.push(known);
            } else {
                closed.push(known);
            }
        }
        let settled = self
            .is_settled(seen, open_ones.iter().chain(&closed))
            .await?;
        let mut commit = CaseCommit::default();
        for known in &closed {
            let step = evaluated(seen, &known.case, settled);
            if step.changed {
                self.add(
                    &mut commit,
                    seen.definition,
                    known.version,
                    step,
                    None,
                    seen.now,
                )
                .await?;
            }
        }
        let goes_on = if open_ones.is_empty() {
            let cases: Vec<&Case> = closed.iter().map(|known| &known.case).collect();
            self.begin_case(seen, &cases, attempt, &mut commit).await?
        } else {
            self.go_on(seen, open_ones, settled, &mut commit).await?
        };
        if !commit.cases.is_empty() {
            self.commit(&self.ctx, commit).await?;
        }
        Ok(Followed {
            open: goes_on,
            settled,
        })
    }

    /// Whether a result that is missing from the record is gone for good. While inputs wait, after a link was undone for one, it may
    /// be among them.
    async fn is_settled<'k>(
        &self,
        seen: &Seen<'_>,
        mut cases: impl Iterator<Item = &'k Known>,
    ) -> Result<bool, Error> {
        let misses = |known: &Known| {
            std::iter::once(&known.case.finding)
                .chain(&known.case.earlier)
                .filter(|finding| finding.verification != Verification::Withdrawn)
                .any(|finding| is_missing(seen, finding))
        };
        if !cases.any(misses) {
            return Ok(true);
        }
        if seen.record.waiting > 0 {
            return Ok(false);
        }
        let waiting = self.store.waiting(&self.ctx, Seq(0), WAITING).await?;
        Ok(!waiting.iter().any(|one| one.state == InputState::Pending))
    }

    /// The same evaluation for each open case until one stays open: the others say which that is.
    async fn go_on(
        &self,
        seen: &Seen<'_>,
        mut open_ones: Vec<Known>,
        settled: bool,
        commit: &mut CaseCommit,
    ) -> Result<bool, Error> {
        // The most urgent first, then one that somebody has taken on, then the oldest.
        let levels = seen.definition.levels();
        open_ones.sort_by_key(|known| {
            let case = &known.case;
            let rank = levels.iter().position(|level| *level == case.climbs);
            (
                rank.unwrap_or(levels.len()),
                case.acknowledged.is_none(),
                case.opened_at,
                case.id.clone(),
            )
        });
        let mut goes_on: Option<String> = None;
        for known in open_ones {
            let step = match &goes_on {
                Some(by) => {
                    let input = Input::Superseded { by: by.clone() };
                    match step(seen.definition, &known.case, &input, seen.now) {
                        Ok(step) => step,
                        // Machines are never refused; what could not be done leaves the case as it was.
                        Err(_) => continue,
                    }
                }
                None => evaluated(seen, &known.case, settled),
            };
            if goes_on.is_none() && step.case.state.is_open() {
                goes_on = Some(step.case.id.clone());
            }
            if step.changed {
                let kept = snapshot(seen.record, seen.inputs, seen.evaluation)?;
                self.add(
                    commit,
                    seen.definition,
                    known.version,
                    step,
                    Some(kept),
                    seen.now,
                )
                .await?;
            }
        }
        Ok(goes_on.is_some())
    }

    /// Opens a case, where there is something that calls for one.
    async fn begin_case(
        &self,
        seen: &Seen<'_>,
        closed: &[&Case],
        attempt: usize,
        commit: &mut CaseCommit,
    ) -> Result<bool, Error> {
        // Nothing is opened for the dead.
        if seen.inputs.situation.died == Some(true) {
            return Ok(false);
        }
        for candidate in seen.evaluation.candidates() {
            let calls = match &candidate.decision {
                Decision::Act(_) | Decision::Ask { .. } => true,
                Decision::Nothing | Decision::NotApplicable(_) => false,
            };
            let Some(finding) = candidate.finding.as_ref().filter(|_| calls) else {
                continue;
            };
            if is_dealt_with(closed, seen.evaluation, finding)
                || self.is_history(seen.record, finding).await?
            {
                continue;
            }
            let mut candidate = candidate.clone();
            let Some(patient) = own(seen.record, &finding.patient) else {
                return Ok(false);
            };
            let id = self.case_id(seen.definition, &patient, finding, closed, attempt);
            if let Some(finding) = &mut candidate.finding {
                finding.patient = patient;
            }
            let step = open(
                seen.definition,
                id,
                &candidate,
                &seen.inputs.situation,
                seen.now,
            );
            let kept = snapshot(seen.record, seen.inputs, &candidate)?;
            self.add(commit, seen.definition, 0, step, Some(kept), seen.now)
                .await?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Whether a result was true so long before any of its sources was connected that others have dealt with it.
    async fn is_history(&self, record: &PersonRecord, finding: &Finding) -> Result<bool, Error> {
        let mut connected: Option<Timestamp> = None;
        for stored in record.resources.iter().filter(|stored| {
            finding
                .resources
                .iter()
                .any(|resource| *resource == format!("{}/{}", stored.resource_type, stored.id))
        }) {
            let since = self.store.source_since(&self.ctx, &stored.source).await?;
            connected = Some(connected.map_or(since, |earlier| earlier.min(since)));
        }
        Ok(connected
            .zip(finding.taken_at)
            .is_some_and(|(since, taken)| {
                since
                    .saturating_sub(HISTORY)
                    .is_ok_and(|begin| taken < begin)
            }))
    }

    /// The same patient, finding and number of earlier cases on it always give the same id, so that two nodes can't open two. `attempt` passes
    /// over one that is taken by a case which we don't see here.
    fn case_id(
        &self,
        definition: &Definition,
        patient: &ResourceId,
        finding: &Finding,
        closed: &[&Case],
        attempt: usize,
    ) -> String {
        let source = SourceId::new("bedside");
        let ids = self.store.public_ids();
        (0_usize..)
            .map(|n| {
                let of = format!(
                    "{}\u{1f}{patient}\u{1f}{}\u{1f}{}\u{1f}{n}",
                    definition.name(),
                    finding.identity,
                    finding.said
                );
                ids.public_id(&source, "Case", &of).as_str().to_owned()
            })
            .filter(|id| !closed.iter().any(|case| case.id == *id))
            .nth(attempt)
            .unwrap_or_default()
    }
}

/// One case under this evaluation, by the definition as it reads now.
fn evaluated(seen: &Seen<'_>, case: &Case, settled: bool) -> Step {
    let definition = seen.definition;
    let mut case = case.clone();
    let rewritten = case.state.is_open() && case.hash != definition.hash();
    if rewritten {
        case.version = definition.version();
        definition.hash().clone_into(&mut case.hash);
        // What it stood on was looked at by another text.
        case.basis.clear();
    }
    let input = Input::Evaluated {
        evaluation: Box::new(without_gone(seen, &case, settled)),
        situation: seen.inputs.situation.clone(),
    };
    let mut step = step(definition, &case, &input, seen.now).unwrap_or_else(|_| unchanged(case));
    if rewritten {
        let event = Event {
            at: seen.now,
            kind: String::from("updated"),
            actor: String::from("Bedside"),
            words: format!(
                "Goes on by version {} of the workflow.",
                definition.version()
            ),
        };
        step.events.insert(0, event);
        step.case.changed_at = seen.now;
        step.changed = true;
    }
    step
}

fn unchanged(case: Case) -> Step {
    Step {
        case,
        events: Vec::new(),
        effects: Vec::new(),
        timers: Vec::new(),
        changed: false,
    }
}

/// The patient that a case is filed under: the finding's, when that is one of this person's records.
fn own(record: &PersonRecord, patient: &ResourceId) -> Option<ResourceId> {
    record
        .patients
        .iter()
        .find(|one| *one == patient)
        .or_else(|| record.patients.first())
        .cloned()
}

/// The evaluation as it is for a case whose results may not be this person's any more, since a link was undone: those are gone for it, as if
/// they had been withdrawn (promise P5).
fn without_gone(seen: &Seen<'_>, case: &Case, settled: bool) -> Evaluation {
    let mut evaluation = seen.evaluation.clone();
    let known = std::iter::once(&case.finding).chain(&case.earlier);
    for finding in known.filter(|finding| finding.verification != Verification::Withdrawn) {
        if is_strange(seen, finding) || (settled && is_missing(seen, finding)) {
            evaluation.withdrawn.push(finding.clone());
            if evaluation.finding.is_none() && matches!(evaluation.decision, Decision::Ask { .. }) {
                // There is no result to be asked for when the only one was another person's.
                evaluation.decision = Decision::Nothing;
            }
        }
    }
    evaluation
}

/// Whether a result is filed under a patient that is not this person, and this person has no such result of their own.
fn is_strange(seen: &Seen<'_>, finding: &Finding) -> bool {
    finding.is_present()
        && !seen.record.patients.contains(&finding.patient)
        && !stands(seen, finding)
}

/// Whether nothing in this person's record says a result any more.
fn is_missing(seen: &Seen<'_>, finding: &Finding) -> bool {
    let is_there = |name: &String| {
        seen.record.resources.iter().any(|stored| {
            name.split_once('/').is_some_and(|(of_type, id)| {
                stored.resource_type == of_type && stored.id.as_str() == id
            })
        })
    };
    finding.is_present() && !finding.resources.iter().any(is_there) && !stands(seen, finding)
}

/// Whether this person's facts still hold a result: what was held back has other resources once it is released.
fn stands(seen: &Seen<'_>, finding: &Finding) -> bool {
    let of_result = |name: &&String| finding.resources.contains(*name);
    seen.inputs
        .facts
        .values()
        .flat_map(|fact| fact.data.iter().chain(&fact.against).chain(&fact.withdrawn))
        .any(|datum| {
            datum.identity == finding.identity
                || datum.resources.iter().any(|name| of_result(&name))
        })
}

/// Whether somebody has ended a case on this very result. What says something else since, what was withdrawn and stands again, and what another
/// person's item had taken over before a link was undone was dealt with by nobody.
fn is_dealt_with(closed: &[&Case], evaluation: &Evaluation, finding: &Finding) -> bool {
    closed.iter().any(|case| {
        let ended = match case.state {
            CaseState::Done | CaseState::Declined => true,
            CaseState::WaitingForData
            | CaseState::Open
            | CaseState::Acknowledged
            | CaseState::Withdrawn
            | CaseState::Superseded
            | CaseState::Expired
            | CaseState::Parked => false,
        };
        let gone = case.finding.verification == Verification::Withdrawn
            || evaluation
                .withdrawn
                .iter()
                .any(|gone| gone.is_same(&case.finding));
        // The evidence that ended it may be what was withdrawn; what a person ended stays ended.
        let by_evidence = case
            .closed
            .as_ref()
            .is_some_and(|closed| closed.who == "Bedside");
        ended
            && !(gone && by_evidence)
            && std::iter::once(&case.finding)
                .chain(&case.earlier)
                .any(|known| known.is_same(finding) && says_the_same(&known.said, &finding.said))
    })
}

/// Two routes may write one number differently.
fn says_the_same(one: &str, other: &str) -> bool {
    let number = |text: &str| text.split_whitespace().next().and_then(Decimal::parse);
    match (number(one), number(other)) {
        (Some(one), Some(other)) => one.compare(&other).is_eq(),
        (Some(_), None) | (None, Some(_)) => false,
        (None, None) => one.trim() == other.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::says_the_same;

    #[test]
    fn two_routes_may_write_one_number_differently_and_another_number_is_another_result() {
        assert!(says_the_same("6.90 mEq/L", "6.9 mmol/L"));
        assert!(says_the_same(">8.0 mmol/L", ">8.0 mmol/L"));
        assert!(!says_the_same("6.9 mmol/L", "7.2 mmol/L"));
        assert!(!says_the_same("6.9 mmol/L", "haemolysed"));
    }
}
