//! What somebody has to act on: mine, everybody's, and what nobody has. In the order of the deadlines; where there is a script, the list
//! reads itself again when an item changes.

use std::collections::HashMap;

use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use bedside_core::ctx::OpCtx;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::ResourceId;
use bedside_store::CaseFilter;
use maud::{Markup, html};
use serde::Deserialize;

use crate::app::Console;
use crate::console::case::{self, Entry};
use crate::console::page::{self, Place};
use crate::console::person_line::PersonLine;
use crate::console::{news, outage, part};
use crate::failure::Failure;
use crate::guard::Caller;
use crate::when;

/// Items on a page. A site that has more open ones at once has another problem, and the page says that there are more.
const MOST: usize = 100;

#[derive(Deserialize)]
pub(crate) struct Choice {
    #[serde(default)]
    tab: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tab {
    Mine,
    Team,
    Unowned,
    Closed,
}

impl Tab {
    const ALL: [Self; 4] = [Self::Mine, Self::Team, Self::Unowned, Self::Closed];

    /// Without a choice the whole team's: what nobody has acknowledged must not hide behind a tab.
    fn of(word: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|tab| tab.word() == word)
            .unwrap_or(Self::Team)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Mine => "mine",
            Self::Team => "team",
            Self::Unowned => "unowned",
            Self::Closed => "closed",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Mine => "Mine",
            Self::Team => "Team",
            Self::Unowned => "Unowned",
            Self::Closed => "Closed today",
        }
    }

    fn filter(self, account: &str) -> CaseFilter {
        CaseFilter {
            open: Some(self != Self::Closed),
            workflow: None,
            holder: (self == Self::Mine).then(|| account.to_owned()),
            owned: (self == Self::Unowned).then_some(false),
            patients: Vec::new(),
            limit: MOST,
        }
    }
}

/// The page.
pub(crate) async fn page(
    State(console): State<Console>,
    caller: Caller,
    Query(choice): Query<Choice>,
) -> Result<Response, Failure> {
    let list = content(&console, &caller, Tab::of(&choice.tab)).await?;
    let main = html! {
        h1 { "Worklist" }
        (list)
    };
    Ok(page::page(&console, &caller, Place::Worklist, "Worklist", main).await)
}

/// The part that reads itself again.
pub(crate) async fn panel(
    State(console): State<Console>,
    caller: Caller,
    Query(choice): Query<Choice>,
) -> Result<Response, Failure> {
    let list = content(&console, &caller, Tab::of(&choice.tab)).await?;
    Ok(Html(list.into_string()).into_response())
}

async fn content(console: &Console, caller: &Caller, tab: Tab) -> Result<Markup, Failure> {
    let rows = console
        .store()
        .cases(&caller.ctx, &tab.filter(caller.account()))
        .await?;
    let more = rows.len() >= MOST;
    let now = console.now();
    let mut entries: Vec<Entry> = rows.into_iter().map(Entry::of).collect();
    if tab == Tab::Closed {
        let today = |at: Timestamp| at.to_zoned(console.zone().clone()).date();
        entries.retain(|entry| today(entry.row.changed_at) == today(now));
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.row.changed_at));
    } else {
        // What has climbed its ladder to the end has no deadline left, and waits for longest.
        entries.sort_by_key(|entry| (entry.due(), entry.row.opened_at));
    }
    let names = case::names(console, &entries).await;
    // Counts hold nothing of a patient, and the number of unowned items has to be seen whichever tab is open.
    let service = OpCtx::service(
        console.store().tenant().clone(),
        "console",
        console.store().clock().clone(),
    );
    let counts = console.store().case_counts(&service).await.ok();
    let (open, unowned, overdue) = counts.map_or((None, None, 0), |counts| {
        (Some(counts.open), Some(counts.unowned), counts.overdue)
    });
    let for_you = news::section(console, caller).await;
    let path = format!("/worklist/panel?tab={}", tab.word());
    Ok(html! {
        div #worklist hx-get=(path) hx-trigger="items from:body, sources from:body" hx-target="this" {
            nav.tabs aria-label="Worklist" {
                ul {
                    @for one in Tab::ALL {
                        li {
                            a #{ "tab-" (one.word()) } href={ "/worklist?tab=" (one.word()) } aria-current=[(one == tab).then_some("page")] {
                                (one.label())
                                @let number = match one { Tab::Team => open, Tab::Unowned => unowned, Tab::Mine | Tab::Closed => None };
                                @if let Some(number) = number {
                                    span.number-of.some[one == Tab::Unowned && number > 0] { (number) span.unseen { " open" } }
                                }
                            }
                        }
                    }
                }
                p.quiet role="status" {
                    @match open { Some(open) => (part::count(open, "open item", "open items")), None => "how many are open can't be counted now" }
                    @if overdue > 0 { ", " strong.late { (overdue) " past a deadline" } }
                    " · as of " (when::zoned(now, console.zone()))
                }
            }
            (for_you)
            @if entries.is_empty() { (empty(console, tab)) } @else {
                ol.items { @for entry in &entries { (row(console, caller, entry, &names)) } }
                @if more { p.quiet { "There are more than " (MOST) "; those with the nearest deadlines are shown." } }
            }
        }
    })
}

/// Nothing on the list, and what that is worth: *none* only while every source answers.
fn empty(console: &Console, tab: Tab) -> Markup {
    html! {
        div.empty role="status" {
            @match tab {
                Tab::Mine => h2 { "You hold no open items." },
                Tab::Team => h2 { "No open items." },
                Tab::Unowned => h2 { "Every open item has an owner." },
                Tab::Closed => h2 { "Nothing was closed today." },
            }
            @if tab != Tab::Closed { (outage::assurance(console)) }
        }
    }
}

fn row(
    console: &Console,
    caller: &Caller,
    entry: &Entry,
    names: &HashMap<ResourceId, PersonLine>,
) -> Markup {
    let row = &entry.row;
    let class = case::level_class(&row.level);
    html! {
        li.entry.(class).over[!row.open] {
            div.what {
                p.marks {
                    (case::level(&row.level))
                    @match &entry.case {
                        Some(case) => { " " (case::state(case.state)) @if row.open && !row.owned { " " (part::chip_of("conflict", "○", "no owner")) } @if news::is_news(case, caller.account()) { " " (part::chip_of("unverified", "↺", "changed since you saw it")) } },
                        None => { " " (part::chip_of("conflict", "■", "can't be read")) },
                    }
                }
                h2 {
                    a #{ "item-" (row.id) } href={ "/item/" (row.id) } {
                        @match &entry.case { Some(case) => (case.say), None => "This item can't be read" }
                    }
                }
                (patient(names.get(&row.patient), entry))
                @match &entry.case {
                    Some(case) => {
                        @let caveats = case::caveats(case);
                        @if !caveats.is_empty() { ul.caveat-list { @for words in caveats { li { (words) } } } }
                    },
                    None => p { "Its stored text is damaged. It stays on the list; tell whoever runs Bedside." },
                }
            }
            div.when { (deadline(console, entry)) }
            @if let Some(case) = &entry.case {
                div.who-has {
                    p { (case::held(case, caller.account(), console)) }
                    @if let (Some(closed), false) = (&case.closed, row.open) {
                        p { "Closed by " strong { (closed.who) } " " (when::shown(closed.at, console.now(), console.zone())) ": " (closed.how) }
                    }
                    @for write in &case.writes { p { (case::write(write)) } }
                }
            }
        }
    }
}

fn patient(line: Option<&PersonLine>, entry: &Entry) -> Markup {
    let place = entry.case.as_ref().and_then(|case| case.place.as_deref());
    html! {
        p.person {
            @match line {
                Some(line) => {
                    strong { (line.name) }
                    span { "born " (line.born) }
                    @match line.identifiers.first() {
                        Some((label, value)) => span { span.quiet { (short(label)) } " " (value) },
                        None => span { "number not known" },
                    }
                },
                None => strong { "Name can't be read" },
            }
            @match place { Some(place) => span.place { (place) }, None => span.quiet { "place not known" } }
        }
    }
}

/// A label without the part of it that only a machine reads; the chart has it whole.
fn short(label: &str) -> String {
    label
        .split_whitespace()
        .filter(|word| !word.starts_with("urn:") && !word.starts_with("http"))
        .collect::<Vec<_>>()
        .join(" ")
}

fn deadline(console: &Console, entry: &Entry) -> Markup {
    let now = console.now();
    html! {
        @match (entry.row.open, entry.due()) {
            (true, Some(due)) => {
                p.left.late[due < now] { (when::remaining(due, now)) }
                @if let Some(rung) = entry.case.as_ref().and_then(|case| case.next.as_ref()) { p.quiet { "Then " (case::next(rung, console)) "." } }
            },
            (true, None) => p.left.late { "no deadline left" },
            (false, _) => {},
        }
        @if let Some(case) = &entry.case {
            p.quiet {
                @match case.finding.taken_at {
                    Some(at) => { "Taken " (when::near(at, now, console.zone())) },
                    None => { "Received " (when::near(case.finding.received_at, now, console.zone())) "; when it was taken is not known" },
                }
            }
        }
    }
}
