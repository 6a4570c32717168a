//! Small pieces that several pages share.

use bedside_core::ctx::Role;
use bedside_core::journal::InputState;
use bedside_fact::state::State;
use maud::{Markup, html};

use crate::guard::Caller;
use crate::posted::FIELD;

/// The hidden field with the session's token.
pub(crate) fn token(caller: &Caller) -> Markup {
    html! { input type="hidden" name=(FIELD) value=(caller.csrf); }
}

/// A role in words.
pub(crate) const fn role_words(role: Role) -> &'static str {
    match role {
        Role::Clinician => "Clinician",
        Role::Engineer => "Integration engineer",
        Role::Compliance => "Compliance officer",
        Role::Application => "Application",
        Role::Service => "Bedside itself",
        Role::Anonymous => "Nobody",
    }
}

/// The state of a fact: told apart by word and by shape, never by colour alone.
pub(crate) fn chip(state: State) -> Markup {
    let shape = match state {
        State::Present => "●",
        State::Stale => "◔",
        State::None => "∅",
        State::Unknown => "◌",
        State::Conflict => "≠",
        State::Unverified => "△",
    };
    chip_of(state.as_str(), shape, state.words())
}

/// A mark with its own words.
pub(crate) fn chip_of(class: &str, shape: &str, words: &str) -> Markup {
    html! { span class={ "chip " (class) } { span aria-hidden="true" { (shape) } " " (words) } }
}

/// Where an input stands.
pub(crate) fn input_chip(state: InputState) -> Markup {
    match state {
        InputState::Pending => chip_of("unverified", "…", "pending"),
        InputState::Applied => chip_of("present", "●", "applied"),
        InputState::Noop => chip_of("none", "∅", "no change"),
        InputState::Parked => chip_of("conflict", "■", "parked"),
        InputState::Held => chip_of("stale", "◔", "held"),
    }
}

/// A table that becomes a list of cards on a phone. The roles are repeated because a changed `display` takes them away in
/// some browsers.
pub(crate) fn table(caption: &str, heads: &[&str], rows: &Markup) -> Markup {
    html! {
        table.cards role="table" {
            caption { (caption) }
            thead role="rowgroup" {
                tr role="row" { @for head in heads { th scope="col" role="columnheader" { (head) } } }
            }
            tbody role="rowgroup" { (rows) }
        }
    }
}

/// The first cell of a row, which names it.
pub(crate) fn row_head(label: &str, content: &Markup) -> Markup {
    html! { th scope="row" role="rowheader" data-label=(label) { div { (content) } } }
}

/// A cell. The label stands beside it when the row is a card.
pub(crate) fn cell(label: &str, content: &Markup) -> Markup {
    html! { td role="cell" data-label=(label) { div { (content) } } }
}

/// Plural of a count: `1 patient`, `2 patients`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    let word = if number == 1 { one } else { many };
    format!("{number} {word}")
}
