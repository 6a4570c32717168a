//! The chart of a person, now or as it was known at an earlier moment.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use bedside_core::chart::{self, Chart, Ident, Section};
use bedside_core::ctx::Role;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::ResourceId;
use bedside_fact::state::State as Known;
use bedside_fact::time::words;
use bedside_store::CaseFilter;
use maud::{Markup, html};
use serde::Deserialize;

use crate::app::Console;
use crate::console::case::{self, Entry};
use crate::console::fact::{self, View};
use crate::console::page::{self, Place};
use crate::console::part;
use crate::failure::Failure;
use crate::guard::Caller;
use crate::when;

/// The moment that is asked for: a time, or a step of the slider.
#[derive(Deserialize)]
pub(crate) struct Moment {
    /// RFC 3339, a local date and time, or a date.
    #[serde(default)]
    at: String,
    /// Position in the person's history, from 0; one past the last is the present.
    #[serde(default)]
    step: Option<usize>,
}

/// The chart.
pub(crate) async fn show(
    State(console): State<Console>,
    caller: Caller,
    Path(id): Path<String>,
    Query(moment): Query<Moment>,
) -> Result<Response, Failure> {
    let mut history = console.store().history(&caller.ctx, &id).await?;
    history.sort_unstable();
    history.dedup();
    let now = console.now();
    let as_of = match (moment.step, moment.at.as_str()) {
        (Some(step), _) => history.get(step).copied(),
        (None, "") => None,
        (None, text) => Some(moment_typed(&console, text, now)?),
    };
    let record = console.store().person(&caller.ctx, &id, as_of).await?;
    let chart = chart::build_with(&record, &console.app.catalogue, as_of, now, console.zone());
    let view = View {
        now: as_of.unwrap_or(now),
        zone: console.zone(),
    };
    // Items are of the present: a page about the past must not tell what is to be done now.
    let open = if as_of.is_none() {
        items(&console, &caller, &chart).await?
    } else {
        Vec::new()
    };
    let main = html! {
        // The banner stays in sight while the page scrolls, and so does the mark that this is the past.
        div #who.who-is {
            (mark(as_of, &view))
            (banner(&chart, Rank::First))
        }
        (open_items(&open))
        (time_form(&id, &history, as_of, &view))
        div #facts {
            (caveats(&caller, &chart))
            nav.jump aria-label="Sections of the chart" {
                ul {
                    @for (name, _) in sections(&chart) { li { a href={ "#" (name.id) } { (name.title) } } }
                }
            }
            @for (name, section) in sections(&chart) { (fact::section(name, section, &view)) }
            (sources(&chart, &view))
        }
    };
    Ok(page::page(&console, &caller, Place::Patients, "Chart", main).await)
}

/// The open items of this person, for those who may see a worklist.
async fn items(console: &Console, caller: &Caller, chart: &Chart) -> Result<Vec<Entry>, Failure> {
    let filter = CaseFilter {
        open: Some(true),
        patients: chart.patients.iter().map(ResourceId::new).collect(),
        limit: 20,
        ..CaseFilter::default()
    };
    if filter.patients.is_empty() {
        return Ok(Vec::new());
    }
    let rows = console.store().cases(&caller.ctx, &filter).await?;
    Ok(rows.into_iter().map(Entry::of).collect())
}

fn open_items(open: &[Entry]) -> Markup {
    html! {
        @if !open.is_empty() {
            section.open-items aria-labelledby="items-title" {
                h2 #items-title { "Open items of this person" }
                ul {
                    @for entry in open {
                        li {
                            (case::level(&entry.row.level)) " "
                            a href={ "/item/" (entry.row.id) } {
                                @match &entry.case { Some(case) => (case.say), None => "This item can't be read" }
                            }
                            @if let Some(case) = &entry.case { " " (case::state(case.state)) }
                        }
                    }
                }
            }
        }
    }
}

fn moment_typed(console: &Console, text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let at = when::typed(text, console.zone()).ok_or_else(|| {
        Failure::invalid("This is no time. Write a date and a time, for example 2026-11-22T09:00.")
    })?;
    if at > now {
        return Err(Failure::invalid(
            "That time has not come yet, so nobody can say what was known then.",
        ));
    }
    Ok(at)
}

fn sections(chart: &Chart) -> [(fact::Name, &Section); 6] {
    let facts = &chart.facts;
    [
        (fact::ALLERGIES, &facts.allergies),
        (fact::PROBLEMS, &facts.problems),
        (fact::MEDICATIONS, &facts.medications),
        (fact::LABS, &facts.labs),
        (fact::VITALS, &facts.vitals),
        (fact::ENCOUNTERS, &facts.encounters),
    ]
}

/// Two ways to another moment, and both work without a script: a time, and a slider with a button.
fn time_form(id: &str, history: &[Timestamp], as_of: Option<Timestamp>, view: &View<'_>) -> Markup {
    let path = format!("/patient/{id}");
    let step = as_of.map_or(history.len(), |at| {
        history
            .partition_point(|moment| *moment <= at)
            .saturating_sub(1)
    });
    html! {
        section.time aria-labelledby="time-title" {
            h2 #time-title { "What was known when" }
            form method="get" action=(path) {
                label for="at" { "At" }
                input #at name="at" type="datetime-local" value=(when::field(as_of.unwrap_or(view.now), view.zone));
                button type="submit" { "Show" }
            }
            @if history.len() > 1 {
                form.slide method="get" action=(path) {
                    label for="step" { "Through " (history.len()) " moments" }
                    input #step name="step" type="range" min="0" max=(history.len()) value=(step) list="moments"
                        hx-get=(path) hx-trigger="change" hx-target="#facts" hx-select="#facts" hx-select-oob="#who,#steps"
                        hx-sync="this:replace";
                    datalist #moments {
                        @for (n, at) in history.iter().enumerate() { option value=(n) label=(words(*at, view.zone)) {} }
                        option value=(history.len()) label="now" {}
                    }
                    output #moment-words for="step" {}
                    button type="submit" { "Go" }
                }
            }
            (steps(id, history, as_of, view))
        }
    }
}

/// That this is not the present can't be overlooked.
fn mark(as_of: Option<Timestamp>, view: &View<'_>) -> Markup {
    html! {
        @match as_of {
            Some(at) => p.past role="status" { strong { "As of " (when::zoned(at, view.zone)) } " — not the present" },
            None => p.present role="status" { "As of now, " (when::zoned(view.now, view.zone)) },
        }
    }
}

/// The ways to the neighbouring moments, and back.
fn steps(id: &str, history: &[Timestamp], as_of: Option<Timestamp>, view: &View<'_>) -> Markup {
    let before = as_of.map_or(history.len(), |at| {
        history.partition_point(|moment| *moment < at)
    });
    let earlier = before.checked_sub(1).and_then(|n| history.get(n));
    let later = as_of.and_then(|at| history.get(history.partition_point(|moment| *moment <= at)));
    html! {
        ul #steps.steps {
            @if let Some(at) = earlier { li { a href={ "/patient/" (id) "?at=" (at) } { "Earlier, " (words(*at, view.zone)) } } }
            @if let Some(at) = later { li { a href={ "/patient/" (id) "?at=" (at) } { "Later, " (words(*at, view.zone)) } } }
            @if as_of.is_some() { li { a href={ "/patient/" (id) } { "Back to now" } } }
        }
    }
}

/// Whether the name in the banner is the headline of its page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rank {
    /// It is: the page is about the person.
    First,
    /// The page is about something else of this person.
    Second,
}

/// The patient banner: who this is and what must not be given, with an explicit state.
pub(crate) fn banner(chart: &Chart, rank: Rank) -> Markup {
    let who = &chart.demographics;
    html! {
        section.banner aria-label="Patient" {
            div.identity {
                @let name = if who.name.is_empty() { "Name not known" } else { who.name.as_str() };
                @match rank { Rank::First => h1 { (name) }, Rank::Second => p.name-line { (name) } }
                dl {
                    div { dt { "Born" } dd {
                        @match &who.birth_date { Some(date) => (when::day(date)), None => "not known" }
                        @if let Some(age) = &who.age { " (" (age) ")" }
                    } }
                    div { dt { "Sex" } dd { (who.gender.as_deref().unwrap_or("not known")) } }
                    @for (label, value) in spoken(&who.identifiers) { div { dt { (label) } dd { (value) } } }
                    @if who.identifiers.is_empty() { div { dt { "Number" } dd { "not known" } } }
                    @if let Some(died) = &who.deceased { div.died { dt { "Died" } dd { (died) } } }
                }
            }
            div.warning {
                h2 { "Allergies" }
                (fact::state(fact::ALLERGIES, &chart.facts.allergies))
                @if chart.facts.allergies.items.is_empty() {
                    span { (chart.facts.allergies.why) }
                } @else {
                    ul {
                        @for item in &chart.facts.allergies.items {
                            li {
                                strong { (item.label) }
                                @if let Some(detail) = &item.detail { ", " (detail) }
                                @if item.state != Known::Present { " " (part::chip(item.state)) }
                            }
                        }
                    }
                }
            }
            details.more {
                summary { "More about this person" }
                dl {
                    (several("Other names", &who.other_names))
                    (several("Telephone", &who.phones))
                    (several("Address", &who.addresses))
                    div { dt { "Records" } dd { (chart.patients.len()) } }
                    div.wide {
                        dt { "All numbers" }
                        @if who.identifiers.is_empty() { dd { "not known" } }
                        @for identifier in &who.identifiers {
                            dd { (identifier.label) " " (identifier.value) @if !identifier.authority.is_empty() { " " span.quiet { (authority_words(&identifier.authority)) } } }
                        }
                    }
                }
            }
        }
    }
}

/// The numbers by which people call a patient, each once: those whose authority has a name, then record numbers that none of these says
/// already. All of them stand under the banner, with the object identifiers that tell a reader nothing.
fn spoken(all: &[Ident]) -> Vec<(String, &str)> {
    let mut spoken: Vec<(String, &str)> = Vec::new();
    let named = |one: &&Ident| !authority_words(&one.authority).contains(':');
    let rest = |one: &&Ident| one.label == "MRN";
    for one in all.iter().filter(named).chain(all.iter().filter(rest)) {
        if spoken.iter().any(|(_, value)| *value == one.value) {
            continue;
        }
        let authority = authority_words(&one.authority);
        let label = if authority.contains(':') || authority.is_empty() {
            one.label.clone()
        } else {
            format!("{} {authority}", one.label)
        };
        spoken.push((label, &one.value));
    }
    if spoken.is_empty() {
        let pairs = all
            .iter()
            .map(|one| (one.label.clone(), one.value.as_str()));
        spoken.extend(pairs);
    }
    spoken
}

/// The name of an HL7 v2 authority without the prefix that makes a URI of it; any other URI as it is.
fn authority_words(authority: &str) -> &str {
    authority.strip_prefix("urn:id:").unwrap_or(authority)
}

fn several(label: &str, values: &[String]) -> Markup {
    html! {
        div {
            dt { (label) }
            @if values.is_empty() { dd { "not known" } }
            @for value in values { dd { (value) } }
        }
    }
}

/// What limits this chart: held messages, sources that differ, doubts about who it is.
fn caveats(caller: &Caller, chart: &Chart) -> Markup {
    let doubts = !chart.possible_same.is_empty();
    let differ = &chart.demographics.disagreements;
    if chart.caveats.is_empty()
        && differ.is_empty()
        && !doubts
        && chart.merged.is_empty()
        && chart.linked.is_empty()
    {
        return html! {};
    }
    html! {
        section.caveats aria-labelledby="caveats-title" {
            h2 #caveats-title { "Take care" }
            ul {
                @for words in &chart.caveats { li { (words) } }
                @for words in differ.iter().filter(|words| !chart.caveats.contains(words)) { li { (part::chip_of("conflict", "≠", "sources disagree")) " " (words) } }
                @for link in &chart.possible_same {
                    @let other = if chart.patients.contains(&link.a) { &link.b } else { &link.a };
                    li {
                        (part::chip_of("conflict", "≠", "possibly the same person")) " " a href={ "/patient/" (other) } { "Open the other chart" }
                    }
                }
                @if !chart.linked.is_empty() {
                    li { (part::count(u64::try_from(chart.linked.len()).unwrap_or(u64::MAX), "record is", "records are")) " joined here by a shared number." }
                }
                @if !chart.merged.is_empty() {
                    li { (part::count(u64::try_from(chart.merged.len()).unwrap_or(u64::MAX), "record was", "records were")) " merged into this person." }
                }
            }
            @if caller.role() == Role::Engineer {
                p { a href={ "/patient/" (chart.id) "/links" } { "Links of this person, side by side" } }
            }
        }
    }
}

/// `name+birth_date+phone` in words.
pub(crate) fn basis_words(basis: &str) -> String {
    basis
        .split('+')
        .map(|part| part.replace('_', " "))
        .collect::<Vec<_>>()
        .join(", ")
}

fn sources(chart: &Chart, view: &View<'_>) -> Markup {
    let rows = html! {
        @for source in &chart.sources {
            tr role="row" {
                (part::row_head("Source", &html! { (source.name) }))
                (part::cell("Last heard of this patient", &when::shown(source.last_known, view.now, view.zone)))
                (part::cell("Facts and documents", &html! { (source.resources) }))
            }
        }
    };
    html! {
        section.fact #sources aria-labelledby="sources-title" {
            header { h2 #sources-title { "Sources" } }
            @if chart.sources.is_empty() { p { "No source told anything about this person by then." } } @else {
                (part::table("Sources of this chart", &["Source", "Last heard of this patient", "Facts and documents"], &rows))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_said_once_and_by_the_authority_that_has_a_name() {
        let ident = |label: &str, authority: &str, value: &str| Ident {
            label: label.to_owned(),
            authority: authority.to_owned(),
            value: value.to_owned(),
        };
        let all = [
            ident("MRN", "urn:oid:1.2.840", "100200"),
            ident("SSN", "http://hl7.org/fhir/sid/us-ssn", "502000168"),
            ident("MRN", "urn:id:WARD", "100200"),
            ident("MRN", "urn:oid:2.16.840", "204117"),
        ];
        let said = spoken(&all);
        assert_eq!(
            said,
            [
                (String::from("MRN WARD"), "100200"),
                (String::from("MRN"), "204117")
            ]
        );
        // What has no better name is still said: a patient without a number can't be found again.
        assert_eq!(spoken(&all[1..2]), [(String::from("SSN"), "502000168")]);
        assert!(spoken(&[]).is_empty());
    }
}
