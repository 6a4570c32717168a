//! What all block readers share: keys, texts and lists, and the places of things for the checks that come after.

use std::collections::BTreeMap;

use bedside_fact::yaml::{Key, Mark, Node};

use crate::definition::Needed;
use crate::groups::Groups;
use crate::problem::Problems;
use crate::vocabulary::Vocabulary;

/// Where things stand: `need/creatinine`, `row/emergency`, `escalate/urgent/0/1`.
pub(crate) struct Places(BTreeMap<String, Mark>);

impl Places {
    pub(crate) fn at(&self, what: &str) -> Mark {
        self.0
            .get(what)
            .copied()
            .unwrap_or(Mark { line: 1, column: 1 })
    }
}

pub(crate) struct Reader<'a> {
    problems: Problems,
    pub(super) vocabulary: &'a Vocabulary,
    pub(super) groups: &'a Groups,
    /// What `needs` declares; read before whatever speaks of it.
    pub(super) needs: Vec<Needed>,
    /// The names under `needs`, also of those that could not be read: one mistake is one problem.
    pub(super) declared: Vec<String>,
    places: Places,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(problems: Problems, vocabulary: &'a Vocabulary, groups: &'a Groups) -> Self {
        Self {
            problems,
            vocabulary,
            groups,
            needs: Vec::new(),
            declared: Vec::new(),
            places: Places(BTreeMap::new()),
        }
    }

    pub(crate) fn finish(self) -> (Problems, Places) {
        (self.problems, self.places)
    }

    /// Whether a text begins with a need that is declared and could not be read: that has its problem already.
    pub(super) fn begins_unread(&self, text: &str) -> bool {
        self.declared.iter().any(|name| {
            let rest = text.strip_prefix(name.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
                && !self.needs.iter().any(|needed| needed.name == *name)
        })
    }

    pub(super) fn place(&mut self, what: String, at: Mark) {
        self.places.0.insert(what, at);
    }

    pub(super) fn problem(
        &mut self,
        at: Mark,
        rule: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.problems.add(at, rule, message, hint);
    }

    /// Refuses what the language has and this version has not.
    pub(super) fn unsupported(&mut self, at: Mark, what: &str) {
        self.problem(
            at,
            "not_supported",
            format!("`{what}` is not supported yet by this version."),
            "Leave it out; nothing that is accepted changes its meaning later.",
        );
    }

    /// Reports every key that is not known, and those that are known and not supported.
    pub(crate) fn keys(&mut self, node: &Node, known: &[&str], later: &[&str], what: &str) {
        for (key, _) in node.map().unwrap_or_default() {
            if later.contains(&key.text.as_str()) {
                self.unsupported(key.at, &key.text);
            } else if !known.contains(&key.text.as_str()) {
                self.problem(
                    key.at,
                    "unknown_key",
                    format!("`{}` is no key of {what}.", key.text),
                    format!("The keys are {}.", known.join(", ")),
                );
            }
        }
    }

    pub(super) fn child<'n>(&mut self, node: &'n Node, key: &str, what: &str) -> Option<&'n Node> {
        let child = node.get(key);
        if child.is_none() {
            self.problem(
                node.at,
                "missing_key",
                format!("{what} has no `{key}`."),
                "",
            );
        }
        child
    }

    pub(super) fn text<'n>(
        &mut self,
        node: &'n Node,
        key: &str,
        what: &str,
    ) -> Option<(&'n str, Mark)> {
        let child = self.child(node, key, what)?;
        let text = self.as_text(child, key)?;
        Some((text, child.at))
    }

    pub(super) fn as_text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        let text = node.text().filter(|text| !text.trim().is_empty());
        if text.is_none() {
            self.problem(node.at, "shape", format!("`{what}` is a text."), "");
        }
        text
    }

    pub(super) fn map<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [(Key, Node)]> {
        let map = node.map();
        if map.is_none() {
            self.problem(
                node.at,
                "shape",
                format!("`{what}` is a set of keys with values."),
                "",
            );
        }
        map
    }

    pub(super) fn list<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        let list = node.list();
        if list.is_none() {
            self.problem(
                node.at,
                "shape",
                format!("`{what}` is a list."),
                "Write it as `[ one, two ]` or with a dash before each.",
            );
        }
        list
    }

    /// A list of texts; without the key, an empty one.
    pub(super) fn texts(&mut self, node: &Node, key: &str) -> Option<Vec<String>> {
        let Some(child) = node.get(key) else {
            return Some(Vec::new());
        };
        let list = self.list(child, key)?;
        list.iter()
            .map(|item| self.as_text(item, key).map(str::to_owned))
            .collect()
    }
}
