//! What somebody has not read yet: items that they saw, held or were named in and that have changed, been corrected or been taken back since.
//!
//! Whoever looked at a result that is withdrawn an hour later does not go back to its page by themselves, so the worklist brings it to them.
//! Notices to a role or a name stand on the item alone, since no account answers for those.

use std::collections::{BTreeMap, BTreeSet};

use bedside_core::ctx::{OpCtx, Role};
use bedside_store::CaseFilter;
use bedside_workflow::case::{Case, Notice};
use maud::{Markup, html};
use tokio::sync::Mutex;

use crate::app::Console;
use crate::console::case::{self, Entry};
use crate::console::part;
use crate::guard::Caller;
use crate::when;

/// Open items that are looked through.
const OPEN: usize = 500;

/// Closed ones, the latest first. What is older is known from the looks before, as long as the process runs.
const CLOSED: usize = 200;

/// Items that are listed for one person at once.
const MOST: usize = 20;

/// Which accounts have something unread in which item. Read when an item has changed and not with every page, since each reading is an entry
/// in the audit log for each patient; it holds ids and account names only.
#[derive(Default)]
pub(crate) struct News(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// The desk's mark at the last look; None before the first.
    mark: Option<u64>,
    /// By item.
    unread: BTreeMap<String, BTreeSet<String>>,
}

impl News {
    /// The items in which `account` has something to read.
    async fn of(
        &self,
        console: &Console,
        account: &str,
    ) -> Result<Vec<String>, bedside_store::Error> {
        // The mark first: what changes during the look is looked at again.
        let mark = console.app.desk.mark();
        let mut known = self.0.lock().await;
        if mark.is_none() || known.mark != mark {
            known.look(console).await?;
            known.mark = mark;
        }
        let mine = known.unread.iter().filter(|(_, who)| who.contains(account));
        Ok(mine.map(|(id, _)| id.clone()).collect())
    }
}

impl Known {
    async fn look(&mut self, console: &Console) -> Result<(), bedside_store::Error> {
        let store = console.store();
        let service = OpCtx::service(store.tenant().clone(), "console", store.clock().clone());
        for (open, limit) in [(true, OPEN), (false, CLOSED)] {
            let filter = CaseFilter {
                open: Some(open),
                limit,
                ..CaseFilter::default()
            };
            for row in store.cases(&service, &filter).await? {
                let entry = Entry::of(row);
                let who = entry.case.as_ref().map(readers).unwrap_or_default();
                if who.is_empty() {
                    self.unread.remove(&entry.row.id);
                } else {
                    self.unread.insert(entry.row.id, who);
                }
            }
        }
        Ok(())
    }
}

/// Everybody to whom something in this case is news.
fn readers(case: &Case) -> BTreeSet<String> {
    let unread = case.notices.iter().filter(|notice| !notice.read);
    unread
        .map(|notice| &notice.to)
        .chain(&case.changed_since_seen)
        .cloned()
        .collect()
}

/// The notices that `account` has not read.
pub(crate) fn unread<'a>(case: &'a Case, account: &str) -> Vec<&'a Notice> {
    let is_mine = |notice: &&Notice| notice.to == account && !notice.read;
    case.notices.iter().filter(is_mine).collect()
}

/// Whether this item is not any more what `account` saw.
pub(crate) fn is_news(case: &Case, account: &str) -> bool {
    case.changed_since_seen.iter().any(|who| who == account) || !unread(case, account).is_empty()
}

/// The notices to those who were named by role or by name.
pub(crate) fn to_roles(case: &Case) -> Vec<&Notice> {
    let is_named = |to: &str| {
        let mut named = case.told.iter().map(|told| &told.who).chain([&case.owner]);
        named.any(|who| who.role == to || who.name.as_deref() == Some(to))
    };
    let notices = case.notices.iter();
    notices.filter(|notice| is_named(&notice.to)).collect()
}

/// What the worklist brings to the one who is signed in; nothing when there is nothing.
pub(crate) async fn section(console: &Console, caller: &Caller) -> Markup {
    // Only a look of somebody who treats is noted, so only for them something can be read or unread.
    if caller.role() != Role::Clinician {
        return html! {};
    }
    let Ok(ids) = console.news.of(console, caller.account()).await else {
        return html! { p.notice role="status" { "Whether something changed that you saw before can't be read now. Look at your items again." } };
    };
    let mut entries = Vec::new();
    for id in ids.iter().rev().take(MOST) {
        // What is shown is read in the reader's own name. An item whose patient's key was destroyed is no news any more.
        if let Ok(row) = console.store().case(&caller.ctx, id).await {
            entries.push(Entry::of(row));
        }
    }
    entries.retain(|entry| {
        let case = entry.case.as_ref();
        case.is_some_and(|case| is_news(case, caller.account()))
    });
    if entries.is_empty() {
        return html! {};
    }
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.row.changed_at));
    let names = case::names(console, &entries).await;
    let count = u64::try_from(ids.len()).unwrap_or(u64::MAX);
    html! {
        section.for-you aria-labelledby="for-you-title" {
            h2 #for-you-title { "For you: " (part::count(count, "item has", "items have")) " changed since you saw " @if count == 1 { "it" } @else { "them" } }
            ul {
                @for entry in &entries { @if let Some(case) = &entry.case {
                    li {
                        p.marks { (case::level(&entry.row.level)) " " (case::state(case.state)) }
                        p {
                            a href={ "/item/" (entry.row.id) } { (case.say) }
                            @if let Some(line) = names.get(&entry.row.patient) { " · " strong { (line.name) } ", born " (line.born) }
                        }
                        @for notice in unread(case, caller.account()) {
                            p { (notice.text) " " span.quiet { (when::near(notice.at, console.now(), console.zone())) } }
                        }
                    }
                } }
            }
            @if ids.len() > MOST { p.quiet { "The rest follows when these are read." } }
        }
    }
}
