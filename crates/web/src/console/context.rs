//! The facts on which an item stands, as the workflow read them: each with its state, its age, its source and its gaps.

use bedside_fact::state::State;
use bedside_fact::time::age_words;
use bedside_workflow::Shown;
use bedside_workflow::case::Case;
use maud::{Markup, html};

use crate::app::Console;
use crate::console::{part, plot, unit};
use crate::when;

/// All of them.
pub(crate) fn sections(console: &Console, case: &Case) -> Markup {
    html! {
        @if case.show.is_empty() { p.quiet { "This item shows no further facts." } }
        @for (n, shown) in case.show.iter().enumerate() { (section(console, n, shown)) }
    }
}

fn section(console: &Console, n: usize, shown: &Shown) -> Markup {
    let now = console.now();
    html! {
        section.fact aria-labelledby={ "shown-" (n) } {
            header { h2 #{ "shown-" (n) } { (shown.title) } (state(shown)) }
            p.asof-line {
                @match shown.as_of {
                    Some(at) => { "As of " (when::shown(at, now, console.zone())) },
                    None => "When this was last heard of is not known",
                }
            }
            @if !shown.gaps.is_empty() {
                ul.gaps { @for words in &shown.gaps { li { (words) } } }
            }
            (plot::plot(&shown.title, &shown.trend, now, console.zone()))
            @if !shown.lines.is_empty() { (lines(console, shown)) }
        }
    }
}

/// The state in the workflow's words, which say why it is unknown: `unknown (refused)`.
fn state(shown: &Shown) -> Markup {
    if shown.words.is_empty() {
        return part::chip(shown.state);
    }
    let shape = match shown.state {
        State::Present => "●",
        State::Stale => "◔",
        State::None => "∅",
        State::Unknown => "◌",
        State::Conflict => "≠",
        State::Unverified => "△",
    };
    part::chip_of(shown.state.as_str(), shape, &shown.words)
}

fn lines(console: &Console, shown: &Shown) -> Markup {
    let now = console.now();
    let rows = html! {
        @for line in &shown.lines {
            tr role="row" class=[line.marked.then_some("marked")] {
                (part::row_head("What", &html! {
                    span.label { (unit::in_text(&line.text)) }
                    @if line.marked { " " span.mark-word { span aria-hidden="true" { "▲ " } "matters here" } }
                }))
                (part::cell("Details", &html! {
                    @match &line.detail { Some(detail) => (unit::in_text(detail)), None => span.quiet { "no details" } }
                    @if let Some(doubt) = &line.doubt { " " (part::chip_of("unverified", "△", doubt)) }
                }))
                (part::cell("When", &html! {
                    // The age is counted from now: the one in the case is that of the moment at which it was evaluated.
                    @match line.at { Some(at) => { (when::plain(at, console.zone())) span.age { (age_words(at, now)) } }, None => "time not known" }
                }))
                (part::cell("Source", &html! { span.source { (line.source) } }))
            }
        }
    };
    part::table(&shown.title, &["What", "Details", "When", "Source"], &rows)
}
