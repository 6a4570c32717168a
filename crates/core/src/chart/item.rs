//! What every item has in common: code, times, source, and the reasons for doubt that don't depend on its kind.

use bedside_fact::state::State;
use bedside_fhir::resource::CodeableConcept;

use super::seen::{Moment, Seen};
use super::view::{Item, Withdrawn};

/// An item with no value yet.
pub(super) fn base(
    seen: &Seen<'_>,
    moment: &Moment<'_>,
    concept: &CodeableConcept,
    status: &str,
    taken: Option<&str>,
) -> Item {
    let mut item = Item {
        code: code_key(concept),
        label: label(concept),
        value: None,
        unit: None,
        comparator: None,
        abnormal: None,
        range: None,
        status: status.to_owned(),
        state: State::Present,
        why: None,
        taken_at: taken.map(str::to_owned),
        at: taken.and_then(|text| moment.instant(text)),
        recorded_at: seen.recorded(),
        received_at: seen.known(),
        source: seen.stored.source.to_string(),
        seq: seen.stored.journal_seq,
        age: moment.age(taken),
        corrected: None,
        trend: Vec::new(),
        detail: None,
    };
    if let Some(why) = seen.waits() {
        doubt(&mut item, &why);
    }
    if seen.has_modifier() {
        doubt(
            &mut item,
            "it carries a modifier that is not understood here",
        );
    }
    item
}

/// Makes an item unconfirmed and says why; several reasons add up.
pub(super) fn doubt(item: &mut Item, why: &str) {
    match item.state {
        State::Present | State::Stale | State::Unverified => item.state = State::Unverified,
        // These already say that the value can't be relied on, and more exactly.
        State::None | State::Unknown | State::Conflict => {}
    }
    because(item, why);
}

/// Adds a reason.
pub(super) fn because(item: &mut Item, why: &str) {
    item.why = Some(match item.why.take() {
        Some(before) => format!("{before}; {why}"),
        None => why.to_owned(),
    });
}

/// Adds to the detail.
pub(super) fn add_detail(item: &mut Item, words: &str) {
    if words.trim().is_empty() {
        return;
    }
    item.detail = Some(match item.detail.take() {
        Some(before) => format!("{before}; {words}"),
        None => words.to_owned(),
    });
}

/// An unconfirmed future: only what is planned may lie ahead.
pub(super) fn doubt_future(item: &mut Item, moment: &Moment<'_>) {
    if item.at.is_some_and(|at| moment.is_ahead(at)) {
        doubt(item, "its time is in the future");
    }
}

/// Something that was taken back, in words and without its value.
pub(super) fn withdrawn(
    seen: &Seen<'_>,
    moment: &Moment<'_>,
    label: String,
    status: &str,
    taken: Option<&str>,
) -> Withdrawn {
    let verdict = match status {
        "entered-in-error" => "entered in error",
        other => other,
    };
    let mut words = format!("{verdict}, said {}", seen.stored.source);
    match seen.recorded() {
        Some(at) => words.push_str(&format!(" {}", moment.words(at))),
        None => words.push_str(&format!(", received {}", moment.words(seen.known()))),
    }
    if let Some(taken) = taken {
        words.push_str(&format!("; it was dated {}", moment.said(taken)));
    }
    if let Some(why) = seen.waits() {
        words.push_str(&format!("; {why}"));
    }
    Withdrawn {
        label,
        words,
        taken_at: taken.map(str::to_owned),
        source: seen.stored.source.to_string(),
        seq: seen.stored.journal_seq,
        received_at: seen.known(),
    }
}

/// What to show for a concept.
pub(super) fn label(concept: &CodeableConcept) -> String {
    concept
        .label()
        .unwrap_or_else(|| String::from("not named by the source"))
}

/// `system|code` of the coding that other sources would use too, else of the first; empty when there is none.
pub(super) fn code_key(concept: &CodeableConcept) -> String {
    const COMMON: [&str; 4] = [
        "http://loinc.org",
        "http://snomed.info/sct",
        "http://www.nlm.nih.gov/research/umls/rxnorm",
        "http://hl7.org/fhir/sid/icd-10-cm",
    ];
    let common = COMMON.iter().find_map(|system| {
        concept
            .code_of(system)
            .map(|code| format!("{system}|{code}"))
    });
    let first = || {
        concept.codings.iter().find_map(|coding| {
            let code = coding.code.as_deref()?;
            Some(format!(
                "{}|{code}",
                coding.system.as_deref().unwrap_or_default()
            ))
        })
    };
    common.or_else(first).unwrap_or_default()
}
