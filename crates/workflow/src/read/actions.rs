//! The blocks `do` and `escalate`: what each level says and shows, and who is told when nobody answers.

use bedside_fact::yaml::{Mark, Node};

use super::Reader;
use crate::definition::{Action, Confirm, Record, RungDefinition, Show};
use crate::evaluate::words::{HEADLINE_BLANKS, blanks};
use crate::vocabulary::FactKind;

impl Reader<'_> {
    /// The levels in the order of the file, and what is written into the EHR.
    pub(super) fn actions(&mut self, root: &Node) -> Option<(Vec<Action>, Option<Record>)> {
        let node = self.child(root, "do", "The workflow")?;
        let members = self.map(node, "do")?;
        let mut actions = Vec::new();
        let mut record = None;
        let mut whole = true;
        for (key, node) in members {
            self.place(format!("do/{}", key.text), key.at);
            if node.get("when").is_some() || node.get("write back").is_some() {
                record = self.record(&key.text, node);
                whole &= record.is_some();
                continue;
            }
            match self.action(&key.text, node, key.at) {
                Some(action) => actions.push(action),
                None => whole = false,
            }
        }
        whole.then_some((actions, record))
    }

    fn action(&mut self, name: &str, node: &Node, at: Mark) -> Option<Action> {
        self.map(node, name)?;
        let later = ["card", "webhook", "start", "snooze"];
        self.keys(node, &["item", "message"], &later, "an action");
        let Some(item) = node.get("item") else {
            self.problem(
                at,
                "missing_key",
                format!("The action `{name}` has no `item`."),
                "",
            );
            return None;
        };
        self.map(item, "item")?;
        self.keys(item, &["say", "show", "offer"], &[], "an item");
        let (say, at) = self.text(item, "say", "The item")?;
        for blank in blanks(say) {
            let known =
                HEADLINE_BLANKS.contains(&blank) || self.declared.iter().any(|name| name == blank);
            if !known {
                self.problem(
                    at,
                    "check_1",
                    format!(
                        "`{{{blank}}}` is neither a fact of `needs` nor one of trend and caveats."
                    ),
                    "",
                );
            }
        }
        let page_owner = match node.get("message") {
            None => false,
            Some(child) => match self.as_text(child, "message")? {
                "page owner" => true,
                other => {
                    self.unsupported(child.at, other);
                    return None;
                }
            },
        };
        let mut show = Vec::new();
        if let Some(child) = item.get("show") {
            for part in self.list(child, "show")? {
                let text = self.as_text(part, "show")?;
                show.push(self.show(text.trim(), part.at)?);
            }
        }
        Some(Action {
            name: name.to_owned(),
            say: say.to_owned(),
            show,
            offer: self.texts(item, "offer")?,
            page_owner,
            not_acknowledged: Vec::new(),
            not_done: Vec::new(),
        })
    }

    /// `creatinine`, `potassium trend 7 days`, `active medications raising potassium`.
    fn show(&mut self, text: &str, at: Mark) -> Option<Show> {
        let found = self
            .needs
            .iter()
            .filter(|needed| {
                let rest = text.strip_prefix(needed.name.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            })
            .max_by_key(|needed| needed.name.len())
            .map(|needed| (needed.name.clone(), needed.kind));
        let Some((need, kind)) = found else {
            if !self.begins_unread(text) {
                self.problem(
                    at,
                    "check_1",
                    format!("`{text}` is shown and is not in `needs`."),
                    "Declare it there, with what happens when it is missing, stale, in conflict or unverified.",
                );
            }
            return None;
        };
        let rest = text.get(need.len()..).unwrap_or_default().trim();
        let mut show = Show {
            need,
            trend: None,
            group: None,
        };
        if rest.is_empty() {
            return Some(show);
        }
        if let Some(time) = rest.strip_prefix("trend ") {
            if kind != FactKind::Quantity {
                self.problem(
                    at,
                    "show",
                    format!("`{}` is {} and has no trend.", show.need, kind.words()),
                    "",
                );
                return None;
            }
            show.trend = Some((self.duration(time, at)?, time.trim().to_owned()));
            return Some(show);
        }
        if self.groups.get(rest).is_none() || kind != FactKind::List {
            self.problem(
                at,
                "show",
                format!("`{rest}` is neither a trend nor a group that a list can be marked by."),
                format!("The groups are {}.", self.groups.names().join(", ")),
            );
            return None;
        }
        show.group = Some(rest.to_owned());
        Some(show)
    }

    fn record(&mut self, name: &str, node: &Node) -> Option<Record> {
        self.keys(node, &["when", "write back", "confirm"], &[], "a record");
        let (when, at) = self.text(node, "when", "The record")?;
        if when != "acknowledged" {
            self.unsupported(at, when);
            return None;
        }
        let (what, at) = self.text(node, "write back", "The record")?;
        if what != "communication" {
            self.unsupported(at, what);
            return None;
        }
        let Some(child) = node.get("confirm") else {
            self.problem(
                node.at,
                "check_8",
                format!("`{name}` writes into the EHR and has no `confirm`."),
                "Write `confirm: by owner`, or `confirm: not needed` for a record of our own act.",
            );
            return None;
        };
        let confirm = match self.as_text(child, "confirm")? {
            "by owner" => Confirm::ByOwner,
            "not needed" => Confirm::NotNeeded,
            other => {
                self.problem(
                    child.at,
                    "check_8",
                    format!("`{other}` confirms nothing."),
                    "Write `by owner` or `not needed`.",
                );
                return None;
            }
        };
        Some(Record {
            name: name.to_owned(),
            confirm,
        })
    }

    /// Puts the ladders to their levels.
    pub(super) fn escalate(
        &mut self,
        root: &Node,
        actions: &mut [Action],
        pool: &str,
    ) -> Option<()> {
        let node = self.child(root, "escalate", "The workflow")?;
        let members = self.map(node, "escalate")?;
        let mut whole = true;
        for (key, node) in members {
            let Some(action) = actions.iter_mut().find(|action| action.name == key.text) else {
                self.problem(
                    key.at,
                    "check_3",
                    format!("`{}` is no action of `do`.", key.text),
                    "",
                );
                whole = false;
                continue;
            };
            self.keys(
                node,
                &["if not acknowledged", "if not done"],
                &[],
                "a ladder",
            );
            for (ladder, name) in ["if not acknowledged", "if not done"]
                .into_iter()
                .enumerate()
            {
                let Some(child) = node.get(name) else {
                    continue;
                };
                let prefix = format!("escalate/{}/{ladder}", key.text);
                let Some(rungs) = self.rungs(child, name, &prefix, pool) else {
                    whole = false;
                    continue;
                };
                if ladder == 0 {
                    action.not_acknowledged = rungs;
                } else {
                    action.not_done = rungs;
                }
            }
        }
        whole.then_some(())
    }

    fn rungs(
        &mut self,
        node: &Node,
        name: &str,
        prefix: &str,
        pool: &str,
    ) -> Option<Vec<RungDefinition>> {
        let list = self.list(node, name)?;
        let mut rungs = Vec::new();
        for (n, item) in list.iter().enumerate() {
            let (key, to) = match item.map() {
                Some([(key, to)]) => (key, to),
                Some(_) | None => {
                    self.problem(
                        item.at,
                        "shape",
                        "A rung is a time and somebody.",
                        "Write `15 minutes: covering clinician`.",
                    );
                    return None;
                }
            };
            self.place(format!("{prefix}/{n}"), key.at);
            let after = self.duration(&key.text, key.at)?;
            let to = self.as_text(to, "rung")?;
            let to = to
                .split(" and ")
                .map(str::trim)
                .map(|role| if role == "pool" { pool } else { role })
                .map(str::to_owned)
                .collect();
            rungs.push(RungDefinition {
                after,
                words: key.text.clone(),
                to,
            });
        }
        Some(rungs)
    }
}
