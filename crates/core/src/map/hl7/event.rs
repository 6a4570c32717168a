//! What each trigger means (HL7 v2.5.1 chapters 3 and 7).

use std::collections::{HashMap, HashSet};

use bedside_fact::id::ResourceId;
use bedside_hl7::message::{Message, Segment};

use super::encounter::Step;
use super::identifier::lanes;
use super::patient::{Listing, Subject};
use super::reader::Reader;
use super::{allergy, condition, encounter, merge, patient, result};
use crate::journal::LaneKey;
use crate::map::{MapCtx, MapEnding, Mapped};
use crate::record::{Alias, Draft};
use crate::source::Source;

/// The mapping's version, kept with each resource version.
pub const VERSION: &str = "hl7/1";

/// As many kinds of problems are told of one message.
const MAX_PROBLEMS: usize = 10;

/// The numbers that must be looked up before mapping: those of the lanes.
#[must_use]
pub fn identifiers(msg: &Message, source: &Source) -> Vec<LaneKey> {
    lanes(msg, source)
}

/// What the message says in FHIR terms.
#[must_use]
pub fn map(msg: &Message, ctx: &MapCtx<'_>) -> Mapped {
    let rd = Reader::new(msg, ctx);
    let mut mapped = match (msg.code().as_str(), msg.trigger().as_str()) {
        ("ADT", "A01" | "A04") => visit(&rd, Step::Admit),
        ("ADT", "A02") => visit(&rd, Step::Transfer),
        ("ADT", "A03") => visit(&rd, Step::Discharge),
        ("ADT", "A08") => visit(&rd, Step::Update),
        ("ADT", "A11") => visit(&rd, Step::CancelAdmit),
        ("ADT", "A13") => visit(&rd, Step::CancelDischarge),
        ("ADT", "A40") => merge::map(&rd),
        ("ORU", "R01") => results(&rd),
        _ => Mapped::ending(MapEnding::NotMapped),
    };
    // A NUL byte can't be kept in FHIR (R4 §2.24.0.1), and what it stands for is not known: a name without it is another name.
    if mapped.ending == MapEnding::Map && holds_nul(msg) {
        mapped = Mapped::ending(MapEnding::Park(String::from("nul_character")));
    }
    mapped.issues = rd.into_issues();
    mapped.issues.extend(problems(msg));
    dedupe(&mut mapped.patients);
    mapped
}

fn holds_nul(msg: &Message) -> bool {
    msg.segments().any(|segment| segment.raw().contains(&0))
}

/// What the parser found odd: the kinds, each once.
fn problems(msg: &Message) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for problem in msg.problems() {
        if kinds.len() == MAX_PROBLEMS {
            break;
        }
        if !kinds.iter().any(|kind| kind == problem.kind) {
            kinds.push(problem.kind.to_owned());
        }
    }
    kinds
}

fn visit(rd: &Reader<'_>, step: Step) -> Mapped {
    let Some(pid) = rd.msg.segment("PID") else {
        return Mapped::ending(MapEnding::Park(String::from("no patient identifier")));
    };
    let Some(subject) = patient::subject(rd, &pid, &[]) else {
        return Mapped::ending(MapEnding::Park(String::from("no patient identifier")));
    };
    let pd1 = rd.msg.segment("PD1");
    let mut drafts = vec![patient::draft(
        rd,
        &pid,
        pd1.as_ref(),
        &subject,
        Listing::Whole,
    )];
    let encounter = rd
        .msg
        .segment("PV1")
        .and_then(|pv1| encounter::draft(rd, step, &pv1, &subject.id));
    let id = encounter.as_ref().map(|draft| draft.id.clone());
    drafts.extend(encounter);
    let allergies: Vec<Segment<'_>> = rd.msg.all("AL1").collect();
    drafts.extend(allergy::drafts(rd, &allergies, &subject.id));
    for dg1 in rd.msg.all("DG1") {
        drafts.extend(condition::draft(rd, &dg1, &subject.id, id.as_ref()));
    }
    let mut mapped = Mapped::ending(MapEnding::Map);
    mapped.aliases.extend(new_alias(rd, &subject));
    mapped.drafts = together(drafts);
    mapped.patients = vec![subject.id];
    mapped
}

fn results(rd: &Reader<'_>) -> Mapped {
    let parts = match result::drafts(rd) {
        Some(parts) if !parts.is_empty() => parts,
        Some(_) | None => {
            return Mapped::ending(MapEnding::Park(String::from("no patient identifier")));
        }
    };
    let mut mapped = Mapped::ending(MapEnding::Map);
    let mut drafts = Vec::new();
    for (subject, part) in parts {
        mapped.aliases.extend(new_alias(rd, &subject));
        drafts.extend(part);
        mapped.patients.push(subject.id);
    }
    mapped.drafts = together(drafts);
    mapped
}

/// A number that is seen for the first time means the source's own record of it.
fn new_alias(rd: &Reader<'_>, subject: &Subject) -> Option<Alias> {
    let LaneKey { authority, value } = &subject.key;
    let known = (rd.ctx.patient_of)(authority, value).is_some();
    (!known).then(|| Alias {
        authority: authority.clone(),
        value: value.clone(),
        patient: subject.id.clone(),
    })
}

/// A resource is written once for a message: of two drafts of it the later one speaks.
fn together(drafts: Vec<Draft>) -> Vec<Draft> {
    let mut last: HashMap<(String, ResourceId), usize> = HashMap::with_capacity(drafts.len());
    for (n, draft) in drafts.iter().enumerate() {
        last.insert((draft.resource_type.clone(), draft.id.clone()), n);
    }
    let mut n = 0..drafts.len();
    let mut kept = drafts;
    kept.retain(|draft| {
        let key = (draft.resource_type.clone(), draft.id.clone());
        n.next().is_some_and(|n| last.get(&key) == Some(&n))
    });
    kept
}

fn dedupe(ids: &mut Vec<ResourceId>) {
    let mut seen: HashSet<ResourceId> = HashSet::with_capacity(ids.len());
    ids.retain(|id| seen.insert(id.clone()));
}
