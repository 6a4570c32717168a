//! One section of a chart: its state in words and shape, then each value with where it came from and how old it is.

use bedside_core::chart::{Item, Section};
use bedside_fact::clock::Timestamp;
use bedside_fact::known::Gap;
use bedside_fact::state::State;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::console::trend::sparkline;
use crate::console::{part, unit};
use crate::when;

/// What a section is called, and what its *none* is called.
#[derive(Clone, Copy)]
pub(crate) struct Name {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// The words for a positive *none*.
    pub(crate) none: &'static str,
    /// Whether its items have values with a course.
    pub(crate) measured: bool,
}

pub(crate) const ALLERGIES: Name = Name {
    id: "allergies",
    title: "Allergies",
    none: "no known allergies",
    measured: false,
};
pub(crate) const PROBLEMS: Name = Name {
    id: "problems",
    title: "Problems",
    none: "no known problems",
    measured: false,
};
pub(crate) const MEDICATIONS: Name = Name {
    id: "medications",
    title: "Medications",
    none: "no known medications",
    measured: false,
};
pub(crate) const LABS: Name = Name {
    id: "labs",
    title: "Laboratory results",
    none: "no results",
    measured: true,
};
pub(crate) const VITALS: Name = Name {
    id: "vitals",
    title: "Vital signs",
    none: "no vital signs",
    measured: true,
};
pub(crate) const ENCOUNTERS: Name = Name {
    id: "encounters",
    title: "Encounters",
    none: "no encounters",
    measured: false,
};

/// When and where the chart is looked at.
pub(crate) struct View<'a> {
    pub(crate) now: Timestamp,
    pub(crate) zone: &'a TimeZone,
}

/// The section with all its items.
pub(crate) fn section(name: Name, section: &Section, view: &View<'_>) -> Markup {
    html! {
        section.fact id=(name.id) aria-labelledby={ (name.id) "-title" } {
            header {
                h2 id={ (name.id) "-title" } { (name.title) }
                (state(name, section))
            }
            p.asof-line {
                @if let Some(at) = section.as_of { "As of " (when::shown(at, view.now, view.zone)) " · " }
                (section.why)
            }
            @if !section.items.is_empty() {
                @if name.measured { (measured(name, &section.items, view)) } @else { (listed(name, &section.items, view)) }
            }
            (withdrawn(section, view))
        }
    }
}

/// The state of a section. *None recorded* (somebody asked), a question that nobody asked, that was refused or that failed, and a positive
/// *none* are different things (promise P6), so each has its own words, and the last its own shape too.
pub(crate) fn state(name: Name, section: &Section) -> Markup {
    match section.state {
        State::None => part::chip_of("none", "∅", name.none),
        State::Unknown if section.gap == Some(Gap::NoneRecorded) => {
            part::chip_of("recorded", "▢", &section.says)
        }
        State::Unknown => part::chip_of("unknown", "◌", &section.says),
        state @ (State::Present | State::Stale | State::Conflict | State::Unverified) => {
            part::chip(state)
        }
    }
}

fn listed(name: Name, items: &[Item], view: &View<'_>) -> Markup {
    let rows = html! {
        @for item in items {
            tr role="row" {
                (part::row_head("What", &html! { (label(item)) }))
                (part::cell("Details", &html! {
                    @if let Some(value) = &item.value { (value) @if let Some(code) = &item.unit { " " (unit::words(code)) } " " }
                    @if let Some(detail) = &item.detail { (detail) } @else if item.value.is_none() { span.quiet { "no details" } }
                    (corrected(item))
                }))
                (part::cell("State", &html! { (item_state(item)) }))
                (part::cell("When", &taken(item, view)))
                (part::cell("Source", &source(item, view)))
            }
        }
    };
    part::table(
        name.title,
        &["What", "Details", "State", "When", "Source"],
        &rows,
    )
}

fn measured(name: Name, items: &[Item], view: &View<'_>) -> Markup {
    let rows = html! {
        @for item in items {
            tr role="row" {
                (part::row_head("Test", &html! { (label(item)) }))
                (part::cell("Value", &html! {
                    (value(item))
                    @if let Some(range) = &item.range { span.range { "normal " (range) } }
                    (corrected(item))
                }))
                (part::cell("State", &html! { (item_state(item)) }))
                (part::cell("Course", &course(item, view)))
                (part::cell("When", &taken(item, view)))
                (part::cell("Source", &source(item, view)))
            }
        }
    };
    part::table(
        name.title,
        &["Test", "Value", "State", "Course", "When", "Source"],
        &rows,
    )
}

/// How sure a value is, and why when it is not simply present.
fn item_state(item: &Item) -> Markup {
    html! {
        (part::chip(item.state)) " " span.quiet { (item.status) }
        @if let Some(why) = item.why.as_ref().filter(|why| **why != item.status) { span.range { (why) } }
    }
}

fn label(item: &Item) -> Markup {
    let code = item.code.rsplit_once('|').map_or("", |(_, code)| code);
    html! {
        span.label { (item.label) }
        @if !code.is_empty() { " " span.code { (code) } }
    }
}

fn value(item: &Item) -> Markup {
    html! {
        @match &item.value {
            Some(value) => span.value {
                @if let Some(comparator) = &item.comparator { (comparator) " " }
                strong { (value) }
                @if let Some(code) = &item.unit { " " (unit::words(code)) }
            },
            None => span.value { "no value" },
        }
        @if let Some(flag) = &item.abnormal { " " span class={ "flag " (direction(flag)) } { (flag_words(flag)) } }
    }
}

/// Which way a flag points; the words beside it say so too.
fn direction(flag: &str) -> &'static str {
    match flag {
        "H" | "HH" | "HU" | ">" => "high",
        "L" | "LL" | "LU" | "<" => "low",
        _ => "",
    }
}

/// HL7 table 0078 and the FHIR interpretation codes made of it, in words.
fn flag_words(flag: &str) -> String {
    let words = match flag {
        "H" => "high",
        "HH" => "critically high",
        "L" => "low",
        "LL" => "critically low",
        "A" => "abnormal",
        "AA" => "critical",
        other => return other.to_owned(),
    };
    format!("{flag} {words}")
}

fn course(item: &Item, view: &View<'_>) -> Markup {
    html! {
        @if item.trend.len() < 2 { span.quiet { "one value" } } @else {
            details.course {
                summary { (sparkline(&item.trend)) span { (item.trend.len()) " values" } }
                table {
                    caption { "Course of " (item.label) }
                    thead { tr { th scope="col" { "Taken" } th scope="col" { "Value" } } }
                    tbody {
                        @for point in &item.trend {
                            tr {
                                td { (when::plain(point.at, view.zone)) }
                                td { (unit::in_text(&point.text)) @if let Some(flag) = &point.abnormal { " " (flag_words(flag)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn corrected(item: &Item) -> Markup {
    html! { @if let Some(words) = &item.corrected { p.corrected { span aria-hidden="true" { "↺ " } (words) } } }
}

/// When it was true of the patient, as exactly as the source said, and its age.
fn taken(item: &Item, view: &View<'_>) -> Markup {
    // A bare month stays a month: an instant made of it would claim a precision that nobody stated.
    let rough = item.taken_at.as_deref().filter(|text| !text.contains('T'));
    html! {
        @match (rough, &item.at) {
            (Some(text), _) => (when::day(text)),
            (None, Some(at)) => (when::plain(*at, view.zone)),
            (None, None) if item.age.is_empty() => "time not known",
            (None, None) => "",
        }
        @if !item.age.is_empty() { span.age { (item.age) } }
    }
}

fn source(item: &Item, view: &View<'_>) -> Markup {
    html! {
        span.source { (item.source) }
        span.quiet.received { "received " (when::plain(item.received_at, view.zone)) ", input " (item.seq) }
    }
}

fn withdrawn(section: &Section, view: &View<'_>) -> Markup {
    html! {
        @if !section.withdrawn.is_empty() {
            details.withdrawn {
                summary { "Withdrawn (" (section.withdrawn.len()) ")" }
                ul { @for item in &section.withdrawn {
                    li { (item.label) ": " (item.words) " " span.quiet { (item.source) ", " (when::plain(item.received_at, view.zone)) ", input " (item.seq) } }
                } }
            }
        }
    }
}
