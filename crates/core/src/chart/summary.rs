//! The chart on a terminal page of 80 columns: states and ages in words, no colour, so that it can be piped and printed.

use bedside_fact::state::State;
use bedside_fact::time::{age_words, words};

use super::view::{Chart, Item, Section};

const WIDTH: usize = 80;
/// As many items of a section as fit a page; the rest is counted.
const ITEMS: usize = 12;

/// The page of `patient show`.
#[must_use]
pub fn summary(chart: &Chart) -> String {
    let mut page = Page(String::new());
    head(&mut page, chart);
    for caveat in &chart.caveats {
        page.wrap("! ", "  ", caveat);
    }
    let facts = &chart.facts;
    for (title, section) in [
        ("ALLERGIES", &facts.allergies),
        ("PROBLEMS", &facts.problems),
        ("MEDICATIONS", &facts.medications),
        ("RESULTS", &facts.labs),
        ("VITAL SIGNS", &facts.vitals),
        ("ENCOUNTERS", &facts.encounters),
    ] {
        page.line("");
        body(&mut page, title, section);
    }
    page.line("");
    page.line("SOURCES");
    let moment = chart.as_of.unwrap_or(chart.now);
    for source in &chart.sources {
        let count = if source.resources == 1 {
            "resource"
        } else {
            "resources"
        };
        page.wrap(
            "  ",
            "    ",
            &format!(
                "{}: {} {count}, last heard {} ({})",
                source.name,
                source.resources,
                words(source.last_known, &chart.zone),
                age_words(source.last_known, moment)
            ),
        );
    }
    page.0
}

fn head(page: &mut Page, chart: &Chart) {
    let who = &chart.demographics;
    let name = if who.name.is_empty() {
        "Name not known"
    } else {
        &who.name
    };
    let mut line = vec![name.to_owned()];
    line.push(match (&who.birth_date, &who.age) {
        (Some(date), Some(age)) => format!("born {date} ({age})"),
        (Some(date), None) => format!("born {date}"),
        (None, _) => String::from("birth date not known"),
    });
    line.extend(who.gender.clone());
    line.extend(who.deceased.as_ref().map(|words| words.to_uppercase()));
    page.wrap("", "  ", &line.join("  ·  "));
    for ident in &who.identifiers {
        page.wrap(
            "  ",
            "    ",
            &format!("{} {} ({})", ident.label, ident.value, ident.authority),
        );
    }
    if !who.other_names.is_empty() {
        page.wrap(
            "  ",
            "    ",
            &format!("also known as {}", who.other_names.join("; ")),
        );
    }
    for contact in who.phones.iter().chain(&who.addresses) {
        page.wrap("  ", "    ", contact);
    }
    page.wrap("  ", "    ", &format!("Bedside id {}", chart.id));
    match chart.as_of {
        Some(at) => page.wrap(
            "",
            "",
            &format!(
                "AS OF {} — NOT THE PRESENT ({})",
                words(at, &chart.zone),
                age_words(at, chart.now)
            ),
        ),
        None => page.wrap(
            "",
            "",
            &format!("As known {}", words(chart.now, &chart.zone)),
        ),
    }
}

fn body(page: &mut Page, title: &str, section: &Section) {
    let state = match section.state {
        State::None | State::Unknown => section.says.clone(),
        state @ (State::Present | State::Stale | State::Conflict | State::Unverified) => {
            state.words().to_uppercase()
        }
    };
    // The reason of an empty section begins with its state; said twice it reads like a slip.
    let why = section
        .why
        .strip_prefix("not known: ")
        .or_else(|| section.why.strip_prefix("none: "))
        .or_else(|| section.why.strip_prefix("none recorded: "))
        .unwrap_or(&section.why);
    page.wrap("", "  ", &format!("{title} — {state}: {why}"));
    for item in section.items.iter().take(ITEMS) {
        row(page, item);
    }
    let more = section.items.len().saturating_sub(ITEMS);
    if more > 0 {
        page.line(&format!("  … and {more} more"));
    }
    for gone in section.withdrawn.iter().take(ITEMS) {
        page.wrap("  x ", "    ", &format!("{}: {}", gone.label, gone.words));
    }
    let more = section.withdrawn.len().saturating_sub(ITEMS);
    if more > 0 {
        page.line(&format!("  x … and {more} more withdrawn"));
    }
}

fn row(page: &mut Page, item: &Item) {
    let mut words = item.label.clone();
    if let Some(value) = &item.value {
        words.push_str(&format!(
            " {}{value}",
            item.comparator.as_deref().unwrap_or_default()
        ));
        if let Some(unit) = &item.unit {
            words.push_str(&format!(" {unit}"));
        }
    }
    if let Some(flag) = &item.abnormal {
        words.push_str(&format!(" [{flag}]"));
    }
    if let Some(range) = &item.range {
        words.push_str(&format!(" (range {range})"));
    }
    words.push_str(&format!(
        " · {} · {} · {}",
        item.status, item.age, item.source
    ));
    match (&item.why, item.state) {
        (Some(why), State::Present) => words.push_str(&format!(" · {why}")),
        (Some(why), state) => {
            words.push_str(&format!(" · {}: {why}", state.words().to_uppercase()))
        }
        (None, State::Present) => {}
        (None, state) => words.push_str(&format!(" · {}", state.words().to_uppercase())),
    }
    for extra in item.corrected.iter().chain(&item.detail) {
        words.push_str(&format!(" · {extra}"));
    }
    page.wrap("  ", "    ", &words);
}

/// Lines of at most so many columns. What a sender put in can't move the cursor or turn the line around: such characters become
/// blanks.
struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn wrap(&mut self, first: &str, next: &str, text: &str) {
        let steers = |c: char| {
            c.is_control()
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        let clean: String = text
            .chars()
            .map(|c| if steers(c) { ' ' } else { c })
            .collect();
        let mut line = first.to_owned();
        let mut width = first.chars().count();
        let mut begun = false;
        for word in clean.split(' ').filter(|word| !word.is_empty()) {
            let length = word.chars().count();
            if begun && width + 1 + length > WIDTH {
                self.line(&line);
                next.clone_into(&mut line);
                width = next.chars().count();
                begun = false;
            }
            if begun {
                line.push(' ');
                width += 1;
            }
            // A word that is longer than a line is broken where the line ends.
            for c in word.chars() {
                if width == WIDTH {
                    self.line(&line);
                    next.clone_into(&mut line);
                    width = next.chars().count();
                }
                line.push(c);
                width += 1;
            }
            begun = true;
        }
        self.line(&line);
    }
}
