//! Why an item is there, condition by condition, and all that happened with it.

use bedside_fact::logic::Truth;
use bedside_store::case::CaseEvent;
use bedside_workflow::case::Case;
use maud::{Markup, html};
use serde::Deserialize;

use crate::app::Console;
use crate::console::part;
use crate::when;

/// The rows of the definition that were tried, with what each condition came to.
pub(crate) fn why(case: &Case) -> Markup {
    let rows = html! {
        @for line in &case.trace {
            tr role="row" {
                (part::row_head("Row", &html! { (line.row) }))
                (part::cell("Condition", &html! { (line.condition) }))
                (part::cell("Came to", &truth(line.truth)))
                (part::cell("Because", &html! { @if line.words.is_empty() { span.quiet { "nothing to add" } } @else { (line.words) } }))
            }
        }
    };
    html! {
        section.fact aria-labelledby="why-title" {
            header { h2 #why-title { "Why this item" } }
            p.asof-line { (case.title) ", version " (case.version) ". The first row that is true decides; a condition that is unknown never counts as false." }
            @if case.trace.is_empty() { p { "No condition was written down." } } @else {
                (part::table("Conditions and what they came to", &["Row", "Condition", "Came to", "Because"], &rows))
            }
        }
    }
}

fn truth(truth: Truth) -> Markup {
    match truth {
        Truth::True => part::chip_of("present", "●", "true"),
        Truth::False => part::chip_of("none", "∅", "false"),
        Truth::Unknown => part::chip_of("unknown", "◌", "unknown"),
    }
}

/// What an event says of itself.
#[derive(Deserialize, Default)]
struct Said {
    #[serde(default)]
    words: String,
}

/// Everything that happened, newest first.
pub(crate) fn line(console: &Console, events: &[CaseEvent]) -> Markup {
    html! {
        section.fact aria-labelledby="story-title" {
            header { h2 #story-title { "What happened" } }
            @if events.is_empty() { p { "Nothing is written down yet." } } @else {
                ol.story {
                    @for event in events.iter().rev() {
                        @let said: Said = serde_json::from_slice(&event.body).unwrap_or_default();
                        li {
                            span.at { (when::plain(event.at, console.zone())) }
                            span.did {
                                strong { (event.kind.replace('_', " ")) }
                                @if !said.words.is_empty() { " " (said.words) }
                                @if !event.actor.is_empty() { span.quiet { " by " (event.actor) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
