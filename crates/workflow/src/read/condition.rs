//! Conditions: sentences of a closed vocabulary, and `all`, `any`, `not` of them.

use bedside_fact::yaml::{Mark, Node};

use super::Reader;
use crate::definition::{Condition, Direction, Needed, Relation};
use crate::vocabulary::FactKind;

/// Beginnings of sentences that the language has and this version does not.
const LATER_FIRST: [&str; 5] = ["average of", "count of", "days with", "answer to", "no "];

/// What may follow a fact in the language, and not yet here.
const LATER_REST: [&str; 6] = [
    "rose to at least",
    "include more than one of group",
    "includes more than one of group",
    "before ",
    "after ",
    "fell to",
];

const HINT: &str = "A condition is a fact and one of: at or above, above, at or below, below, between … and …, rose by more than … within …, \
     fell by at least … within …, include group …, is none, is unknown.";

impl Reader<'_> {
    /// A condition, or several under `all`, `any` or `not`.
    pub(super) fn condition(&mut self, node: &Node) -> Option<Condition> {
        if let Some(text) = node.text() {
            return self.sentence_of(text, node.at);
        }
        let (key, inner) = match node.map() {
            Some([(key, inner)]) => (key, inner),
            Some(_) | None => {
                self.problem(
                    node.at,
                    "condition",
                    "A condition is a sentence, or one of `all`, `any` and `not`.",
                    "Put several of them under one `all:` or `any:`.",
                );
                return None;
            }
        };
        match key.text.as_str() {
            "not" => self
                .condition(inner)
                .map(|part| Condition::Not(Box::new(part))),
            "all" | "any" => {
                let list = self.list(inner, &key.text)?;
                if list.is_empty() {
                    self.problem(
                        inner.at,
                        "condition",
                        format!("`{}` of nothing.", key.text),
                        "",
                    );
                    return None;
                }
                let parts: Vec<Option<Condition>> =
                    list.iter().map(|part| self.condition(part)).collect();
                let parts: Option<Vec<Condition>> = parts.into_iter().collect();
                if key.text == "all" {
                    parts.map(Condition::All)
                } else {
                    parts.map(Condition::Any)
                }
            }
            other => {
                self.problem(
                    key.at,
                    "condition",
                    format!("`{other}` combines no conditions."),
                    "Use `all`, `any` or `not`.",
                );
                None
            }
        }
    }

    pub(super) fn sentence_of(&mut self, text: &str, at: Mark) -> Option<Condition> {
        let text = text.trim();
        let (needed, rest) = self.need_of(text, at)?;
        let unread = |reader: &mut Self| {
            reader.problem(
                at,
                "condition",
                format!("`{text}` is no condition that can be read."),
                HINT,
            );
            None
        };
        if let Some(phrase) = LATER_REST.iter().find(|phrase| rest.starts_with(**phrase)) {
            self.unsupported(at, phrase.trim());
            return None;
        }
        let name = needed.name.clone();
        match rest {
            "is none" => return Some(Condition::IsNone(name)),
            "is unknown" => return Some(Condition::IsUnknown(name)),
            _ => {}
        }
        let group = rest
            .strip_prefix("include group ")
            .or_else(|| rest.strip_prefix("includes group "));
        if let Some(group) = group {
            return self.includes(&needed, group.trim(), at);
        }
        if let Some(range) = rest
            .strip_prefix("between ")
            .or_else(|| rest.strip_prefix("is between "))
        {
            return self.between(&needed, range, at);
        }
        for (phrase, relation) in [
            ("at or above ", Relation::AtOrAbove),
            ("above ", Relation::Above),
            ("at or below ", Relation::AtOrBelow),
            ("below ", Relation::Below),
        ] {
            if let Some(limit) = rest.strip_prefix(phrase) {
                let limit = self.amount(limit, &needed, at)?;
                return Some(Condition::Compare {
                    need: name,
                    relation,
                    limit,
                });
            }
        }
        for (word, direction) in [("rose by ", Direction::Rose), ("fell by ", Direction::Fell)] {
            let Some(rest) = rest.strip_prefix(word) else {
                continue;
            };
            let (inclusive, rest) = match (
                rest.strip_prefix("at least "),
                rest.strip_prefix("more than "),
            ) {
                (Some(rest), _) => (true, rest),
                (None, Some(rest)) => (false, rest),
                (None, None) => return unread(self),
            };
            let Some((by, time)) = rest.split_once(" within ") else {
                return unread(self);
            };
            let by = self.amount(by, &needed, at);
            let within = self.duration(time, at);
            return Some(Condition::Change {
                need: name,
                direction,
                inclusive,
                by: by?,
                within: within?,
                within_words: time.trim().to_owned(),
            });
        }
        unread(self)
    }

    /// The need that a sentence begins with, the longest that fits, and the rest of the sentence.
    fn need_of<'t>(&mut self, text: &'t str, at: Mark) -> Option<(Needed, &'t str)> {
        fn after<'t>(text: &'t str, name: &str) -> Option<&'t str> {
            text.strip_prefix(name)
                .filter(|rest| rest.starts_with(' '))
                .map(str::trim_start)
        }
        let found = self
            .needs
            .iter()
            .filter_map(|needed| Some((needed, after(text, &needed.name)?)))
            .max_by_key(|(needed, _)| needed.name.len())
            .map(|(needed, rest)| (needed.clone(), rest));
        if found.is_some() {
            return found;
        }
        // What is declared and could not be read has its problem already.
        if self.begins_unread(text) {
            return None;
        }
        if let Some(phrase) = LATER_FIRST.iter().find(|phrase| text.starts_with(**phrase)) {
            self.unsupported(at, phrase.trim());
            return None;
        }
        let fact = self
            .vocabulary
            .facts
            .iter()
            .map(|(name, _, _)| name)
            .filter(|name| after(text, name).is_some())
            .max_by_key(|name| name.len())
            .cloned();
        match fact {
            Some(fact) => self.problem(
                at,
                "check_1",
                format!("`{fact}` is read here and is not in `needs`."),
                "Declare it there, with what happens when it is missing, stale, in conflict or unverified.",
            ),
            None => self.problem(
                at,
                "condition",
                format!("`{text}` begins with none of the facts in `needs`."),
                HINT,
            ),
        }
        None
    }

    fn includes(&mut self, needed: &Needed, group: &str, at: Mark) -> Option<Condition> {
        if needed.kind != FactKind::List {
            self.problem(
                at,
                "condition",
                format!(
                    "`{}` is {} and includes nothing.",
                    needed.name,
                    needed.kind.words()
                ),
                "",
            );
            return None;
        }
        if self.groups.get(group).is_none() {
            self.problem(
                at,
                "group",
                format!("There is no group `{group}`."),
                format!("The groups are {}.", self.groups.names().join(", ")),
            );
            return None;
        }
        Some(Condition::Includes {
            need: needed.name.clone(),
            group: group.to_owned(),
        })
    }

    fn between(&mut self, needed: &Needed, range: &str, at: Mark) -> Option<Condition> {
        let Some((low, high)) = range.split_once(" and ") else {
            self.problem(
                at,
                "condition",
                "`between` has no `and`.",
                "Write `between 3.5 and 5.4 mmol/L`.",
            );
            return None;
        };
        let high_unit = high.trim().split_once(' ').map_or("", |(_, unit)| unit);
        // The unit stands once, after the second number.
        let low = if low.trim().contains(' ') {
            low.trim().to_owned()
        } else {
            format!("{} {high_unit}", low.trim())
        };
        let high = self.amount(high, needed, at)?;
        let low = self.amount(&low, needed, at)?;
        if low.value.compare(&high.value).is_gt() {
            self.problem(
                at,
                "condition",
                format!(
                    "Nothing is between {} and {}.",
                    low.value.as_str(),
                    high.words()
                ),
                "The smaller number comes first.",
            );
            return None;
        }
        Some(Condition::Between {
            need: needed.name.clone(),
            low,
            high,
        })
    }
}
