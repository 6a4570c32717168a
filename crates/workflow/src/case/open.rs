//! The beginning of a case.

use bedside_fact::clock::Timestamp;
use bedside_fact::id::ResourceId;
use bedside_fact::known::Situation;

use super::work::{MACHINE, Work};
use super::{Case, CaseState, QUESTION, Step, ladder};
use crate::definition::Definition;
use crate::evaluation::{Decision, Evaluation, Finding};

/// Begins a case for an evaluation that asks for one ([`Decision::Act`] or [`Decision::Ask`]).
///
/// An evaluation without any finding has no patient either: put [`Finding::absent`] into it first. An evaluation that asks for nothing makes
/// a case that is closed at once and changes nothing.
#[must_use]
pub fn open(
    definition: &Definition,
    id: String,
    evaluation: &Evaluation,
    situation: &Situation,
    now: Timestamp,
) -> Step {
    // A question that can't be answered may hide the worst: it climbs the strictest ladder.
    let worst = definition
        .levels()
        .first()
        .copied()
        .unwrap_or_default()
        .to_owned();
    let (state, level) = match &evaluation.decision {
        Decision::Act(level) => (CaseState::Open, level.clone()),
        Decision::Ask { .. } => (CaseState::WaitingForData, QUESTION.to_owned()),
        Decision::Nothing | Decision::NotApplicable(_) => (CaseState::Withdrawn, worst.clone()),
    };
    let finding = evaluation
        .finding
        .clone()
        .unwrap_or_else(|| Finding::absent(ResourceId::new(""), now));
    let (owner, _) = ladder::owner(definition, situation);
    let case = Case {
        id,
        workflow: definition.name.clone(),
        title: definition.title.clone(),
        version: definition.version,
        hash: definition.hash.clone(),
        patient: finding.patient.clone(),
        state,
        climbs: if state == CaseState::WaitingForData {
            worst
        } else {
            level.clone()
        },
        level,
        opened_at: now,
        changed_at: now,
        finding,
        earlier: Vec::new(),
        say: evaluation.say.clone(),
        caveats: evaluation.caveats.clone(),
        show: evaluation.show.clone(),
        offer: evaluation.offer.clone(),
        trace: evaluation.trace.clone(),
        place: situation.place.clone(),
        owner,
        holder: None,
        told: Vec::new(),
        next: None,
        acknowledged: None,
        closed: None,
        seen_by: Vec::new(),
        notices: Vec::new(),
        changed_since_seen: Vec::new(),
        generation: 1,
        writes: Vec::new(),
        asking: match &evaluation.decision {
            Decision::Ask { fact, .. } => Some(fact.clone()),
            Decision::Nothing | Decision::Act(_) | Decision::NotApplicable(_) => None,
        },
        ladder_from: now,
        situation: situation.clone(),
        basis: evaluation.basis.clone(),
    };
    let mut work = Work::new(definition, case, now);
    match &evaluation.decision {
        Decision::Act(level) => {
            let row = evaluation.row.as_deref().unwrap_or("otherwise");
            work.event(
                "opened",
                MACHINE,
                format!("Opened as {level} by the row “{row}”."),
            );
            work.start();
        }
        Decision::Ask { fact, role } => {
            work.event(
                "asked",
                MACHINE,
                format!("Opened because {fact} is not known: {role} is asked."),
            );
            work.start();
        }
        Decision::Nothing | Decision::NotApplicable(_) => {}
    }
    work.finish()
}
