//! Allergies: what is listed, what is stated to be absent, and the two against each other.

use bedside_fact::known::Gap;
use bedside_fact::state::State;
use bedside_fhir::resource::{CodeableConcept, allergy_intolerance as allergy};

use super::absence::{Absence, absence};
use super::item::{add_detail, base, because, code_key, doubt, doubt_future, label, withdrawn};
use super::section::{Found, Kind, Verdict, empty, of_items, section};
use super::seen::{Moment, Seen};
use super::view::{Item, Section};
use crate::record::PersonRecord;

/// A coded statement of absence with what it rests on.
pub(super) struct Statement {
    pub(super) absence: Absence,
    /// Source and time, in words.
    pub(super) stated: String,
    pub(super) at: jiff::Timestamp,
}

/// The section of allergies.
pub(super) fn allergies(record: &PersonRecord, seen: &[Seen<'_>], moment: &Moment<'_>) -> Section {
    let mut found = Found::default();
    let mut statements: Vec<Statement> = Vec::new();
    // Whether each item that counts may be a drug: only those contradict "no known drug allergies".
    let mut drugs = false;
    let mut ended: Vec<Ended> = Vec::new();
    for one in seen
        .iter()
        .filter(|one| one.stored.resource_type == "AllergyIntolerance")
    {
        found.learned(one);
        let value = &one.value;
        let code = allergy::code(value);
        let clinical = allergy::clinical_status(value).unwrap_or_default();
        let verification = allergy::verification_status(value).unwrap_or_default();
        let taken = allergy::onset(value).or_else(|| allergy::recorded(value));
        if matches!(verification.as_str(), "entered-in-error" | "refuted") {
            found
                .withdrawn
                .push(withdrawn(one, moment, label(&code), &verification, taken));
            // An entry made in error says nothing about the patient; a refuted one does.
            if verification == "refuted" {
                ended.push(Ended::new(one, &code, "refuted"));
            }
            continue;
        }
        if let Some(absence) = absence(&code, Kind::Allergies) {
            if is_active(&clinical) {
                statements.push(statement(
                    one,
                    moment,
                    absence,
                    allergy::recorded(value),
                    &verification,
                ));
            }
            continue;
        }
        if !is_active(&clinical) {
            ended.push(Ended::new(one, &code, &clinical));
        }
        let status = if clinical.is_empty() {
            "active"
        } else {
            clinical.as_str()
        };
        let mut item = base(one, moment, &code, status, taken);
        if code.label().is_none() {
            doubt(&mut item, "the substance is not named");
        }
        if matches!(verification.as_str(), "unconfirmed" | "presumed") {
            doubt(&mut item, "not confirmed by the source");
        }
        doubt_future(&mut item, moment);
        describe(&mut item, value);
        if is_active(&clinical) {
            let categories = allergy::categories(value);
            drugs |= categories.is_empty() || categories.iter().any(|name| name == "medication");
        }
        found.items.push(item);
    }
    contradict(&mut found.items, &ended);
    // What is active and dangerous is read first.
    found.items.sort_by_key(|item| {
        let high = item
            .detail
            .as_deref()
            .is_some_and(|words| words.contains("high criticality"));
        (!is_active(&item.status), !high, item.label.to_lowercase())
    });
    let verdict = verdict(&found.items, &statements, drugs, record, moment);
    section(Kind::Allergies, found, Some(verdict), record, moment)
}

/// An allergy that a source says is over or never was.
struct Ended {
    code: String,
    source: String,
    verdict: String,
}

impl Ended {
    fn new(seen: &Seen<'_>, code: &CodeableConcept, verdict: &str) -> Self {
        Self {
            code: code_key(code),
            source: seen.stored.source.to_string(),
            verdict: verdict.to_owned(),
        }
    }
}

/// One source's active allergy that another source has ended is a conflict: the other can't overrule it (design D12).
fn contradict(items: &mut [Item], ended: &[Ended]) {
    for item in items
        .iter_mut()
        .filter(|item| is_active(&item.status) && !item.code.is_empty())
    {
        if let Some(other) = ended
            .iter()
            .find(|other| other.code == item.code && other.source != item.source)
        {
            item.state = State::Conflict;
            because(item, &format!("{} says {}", other.source, other.verdict));
        }
    }
}

fn verdict(
    items: &[Item],
    statements: &[Statement],
    drugs: bool,
    record: &PersonRecord,
    moment: &Moment<'_>,
) -> Verdict {
    let newest = statements.iter().max_by_key(|statement| statement.at);
    let listed = of_items(
        Kind::Allergies,
        items.iter().filter(|item| is_active(&item.status)),
    );
    let said = |statement: &Statement| {
        format!(
            "{}, {}",
            statement.absence.words(Kind::Allergies),
            statement.stated
        )
    };
    // The widest statement decides: one that speaks of drugs only can't take back one that speaks of everything.
    let widest = |absence: Absence| {
        statements
            .iter()
            .filter(|one| one.absence == absence)
            .max_by_key(|one| one.at)
    };
    let none = widest(Absence::All).or_else(|| widest(Absence::Drug));
    match (listed, none) {
        (Some(listed), Some(stated)) if stated.absence == Absence::All || drugs => {
            Verdict::conflict(format!("{}, but also {}", listed.why, said(stated)))
        }
        (Some(listed), Some(stated)) => Verdict {
            why: format!("{}; {}", listed.why, said(stated)),
            ..listed
        },
        (Some(listed), None) => listed,
        (None, Some(stated)) if stated.absence == Absence::Drug => Verdict::none(
            Gap::StatedNone,
            format!("{}; other allergies were not spoken of", said(stated)),
        ),
        (None, Some(stated)) => Verdict::none(Gap::StatedNone, said(stated)),
        (None, None) => match newest {
            Some(stated) => Verdict::unknown(
                Gap::NoneRecorded,
                format!("not known: only this was stated: {}", said(stated)),
            ),
            None if !items.is_empty() => Verdict::unknown(
                Gap::NoneRecorded,
                format!(
                    "no active allergy recorded, which is not the same as none; {} no longer active",
                    items.len()
                ),
            ),
            None => empty(Kind::Allergies, record, moment),
        },
    }
}

/// Takes a statement of absence with its source and time.
pub(super) fn statement(
    seen: &Seen<'_>,
    moment: &Moment<'_>,
    absence: Absence,
    recorded: Option<&str>,
    verification: &str,
) -> Statement {
    let at = recorded
        .and_then(|text| moment.instant(text))
        .or_else(|| seen.recorded())
        .unwrap_or_else(|| seen.known());
    let time = recorded.map_or_else(|| moment.words(at), |text| moment.said(text));
    let doubt = if verification == "unconfirmed" {
        " (unconfirmed)"
    } else {
        ""
    };
    Statement {
        absence,
        stated: format!("stated by {} {time}{doubt}", seen.stored.source),
        at,
    }
}

fn is_active(clinical: &str) -> bool {
    // An allergy without a status counts: leaving it out would be the dangerous mistake.
    !matches!(clinical, "inactive" | "resolved")
}

fn describe(item: &mut Item, value: &serde_json::Value) {
    if let Some(criticality) = allergy::criticality(value) {
        match criticality {
            "high" => add_detail(item, "high criticality"),
            "low" => add_detail(item, "low criticality"),
            other => add_detail(item, &format!("criticality {other}")),
        }
    }
    if allergy::kind(value) == Some("intolerance") {
        add_detail(item, "intolerance");
    }
    for reaction in allergy::reactions(value) {
        let mut words: Vec<String> = reaction
            .manifestations
            .iter()
            .filter_map(CodeableConcept::label)
            .collect();
        words.extend(
            reaction
                .description
                .filter(|_| reaction.manifestations.is_empty()),
        );
        let mut told = words.join(", ");
        if let Some(severity) = reaction.severity {
            told.push_str(if told.is_empty() { "reaction" } else { "" });
            told.push_str(&format!(" ({severity})"));
        }
        add_detail(item, &told);
    }
}
