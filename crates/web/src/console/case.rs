//! An item of the worklist as the pages need it: the store's row, the case in it, and its words. What a case may become is the workflow
//! crate's to say; nothing is decided here.

use std::collections::HashMap;

use bedside_core::ctx::OpCtx;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::ResourceId;
use bedside_fact::known::Verification;
use bedside_store::CaseRow;
use bedside_workflow::case::{Case, CaseState, Holder, Ladder, Rung, Write, WriteState};
use maud::{Markup, html};

use crate::app::Console;
use crate::console::part;
use crate::console::person_line::PersonLine;
use crate::when;

/// A row and what it says.
pub(crate) struct Entry {
    pub(crate) row: CaseRow,
    /// None when the stored text can't be read. The row is shown all the same: an item never vanishes.
    pub(crate) case: Option<Case>,
}

impl Entry {
    pub(crate) fn of(row: CaseRow) -> Self {
        let case = serde_json::from_slice(&row.body)
            .inspect_err(|error| tracing::error!(line = error.line(), "a case can't be read"))
            .ok();
        Self { row, case }
    }

    /// The next rung of the ladder, when one stands.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        let rung = self.case.as_ref().and_then(|case| case.next.as_ref());
        rung.map(|rung| rung.at).or(self.row.due)
    }
}

/// Who the patients of these rows are. The store wrote an entry for each of them into the log, in the reader's name, when it gave the rows;
/// only the names are fetched here.
pub(crate) async fn names(console: &Console, rows: &[Entry]) -> HashMap<ResourceId, PersonLine> {
    let mut keys: Vec<(String, ResourceId)> = rows
        .iter()
        .map(|entry| (String::from("Patient"), entry.row.patient.clone()))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let service = OpCtx::service(
        console.store().tenant().clone(),
        "console",
        console.store().clock().clone(),
    );
    // Without a name an item is still one: clinicians' lists go on when half of the store does not (promise P9).
    let bodies = console
        .store()
        .resource_bodies(&service, &keys)
        .await
        .inspect_err(|error| {
            tracing::warn!(code = error.code(), "names of a worklist can't be read")
        })
        .unwrap_or_default();
    keys.into_iter()
        .zip(bodies)
        .filter_map(|((_, patient), body)| {
            Some((
                patient,
                PersonLine::read(&body?, console.now(), console.zone()),
            ))
        })
        .collect()
}

/// The class of a level. A workflow may name levels of its own; those look like the mildest and keep their word.
pub(crate) fn level_class(level: &str) -> &'static str {
    match level {
        "emergency" => "emergency",
        "urgent" => "urgent",
        _ => "routine",
    }
}

/// The level: a word and a shape besides the colour.
pub(crate) fn level(level: &str) -> Markup {
    let class = level_class(level);
    let shape = match class {
        "emergency" => "▲▲",
        "urgent" => "▲",
        _ => "●",
    };
    html! { span class={ "level " (class) } { span aria-hidden="true" { (shape) } " " (level) } }
}

/// Where an item stands.
pub(crate) fn state(state: CaseState) -> Markup {
    let (class, shape) = match state {
        CaseState::WaitingForData => ("unknown", "◌"),
        CaseState::Open => ("stale", "○"),
        CaseState::Acknowledged => ("present", "◐"),
        CaseState::Done => ("present", "●"),
        CaseState::Declined => ("none", "∅"),
        CaseState::Withdrawn => ("unverified", "✕"),
        CaseState::Superseded => ("none", "→"),
        CaseState::Expired | CaseState::Parked => ("conflict", "■"),
    };
    part::chip_of(class, shape, state.words())
}

/// What became of what Bedside writes into the EHR.
pub(crate) fn write(write: &Write) -> Markup {
    let (class, shape, words) = match write.state {
        WriteState::Queued => ("stale", "◔", "recorded, not yet in the EHR"),
        WriteState::Confirmed => ("present", "●", "confirmed by the EHR"),
        WriteState::Unknown => (
            "conflict",
            "?",
            "UNKNOWN: nobody knows whether the EHR has it",
        ),
        WriteState::Refused => ("conflict", "✕", "refused by the EHR"),
        WriteState::Blocked => ("unknown", "◌", "not sent to the EHR"),
    };
    part::chip_of(class, shape, words)
}

/// `responsible clinician Dr Amara`, or the role alone.
pub(crate) fn holder(who: &Holder) -> Markup {
    html! {
        (who.role)
        @if let Some(name) = &who.name { " " strong { (name) } }
    }
}

/// Who has it now.
pub(crate) fn held(case: &Case, account: &str, console: &Console) -> Markup {
    html! {
        @match (&case.holder, &case.acknowledged) {
            (Some(who), Some(act)) => {
                "Held by " strong { (who) @if who == account { " (you)" } }
                span.quiet { ", since " (when::near(act.at, console.now(), console.zone())) }
            },
            (Some(who), None) => { "Held by " strong { (who) @if who == account { " (you)" } } },
            (None, _) => {
                strong { "Nobody has taken it on." }
                " Owner: " (holder(&case.owner))
                @if case.owner.name.is_none() { span.quiet { " (no source names the person)" } }
            },
        }
    }
}

/// Who is next, and on what condition. Escalating moves an item on under another name; nothing rings for anybody.
pub(crate) fn next(rung: &Rung, console: &Console) -> Markup {
    html! {
        strong { (rung.who) } " is next, at " (when::clock(rung.at, console.now(), console.zone())) ","
        @match rung.ladder {
            Ladder::NotAcknowledged => " unless it is acknowledged",
            Ladder::NotDone => " unless it is done",
        }
    }
}

/// How far the value that started it can be relied on; nothing for a final one.
pub(crate) fn verification(verification: Verification) -> Markup {
    match verification {
        Verification::Final => html! {},
        Verification::Preliminary => part::chip_of("unverified", "△", "preliminary"),
        Verification::Corrected => part::chip_of("unverified", "↺", "corrected"),
        Verification::Withdrawn => part::chip_of("conflict", "✕", "withdrawn by the source"),
        Verification::PatientReported => {
            part::chip_of("unverified", "△", "reported by the patient")
        }
        Verification::Device => part::chip_of("unverified", "△", "from a device, unreviewed"),
    }
}

/// The caveats that the headline does not hold already.
pub(crate) fn caveats(case: &Case) -> Vec<&str> {
    case.caveats
        .iter()
        .map(String::as_str)
        .filter(|words| !words.is_empty() && !case.say.contains(words))
        .collect()
}
