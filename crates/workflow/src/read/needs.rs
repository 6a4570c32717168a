//! The block `needs`: each fact, how much of it, how fresh, and what if it is not as it should be. All of it is written out: a silent default
//! is a decision that nobody signed.

use bedside_fact::yaml::{Key, Mark, Node};

use super::Reader;
use crate::definition::{Ages, Needed, Verb};
use crate::evaluate::words::{SENTENCE_BLANKS, blanks};
use crate::vocabulary::FactKind;

const KEYS: [&str; 7] = [
    "latest",
    "max_age",
    "if missing",
    "if none",
    "if stale",
    "if conflict",
    "if unverified",
];

/// Verbs that the language has and this version does not.
const LATER: [&str; 4] = ["fetch", "wait", "prefer", "treat as"];

impl Reader<'_> {
    pub(super) fn needs(&mut self, root: &Node) -> Option<()> {
        let node = self.child(root, "needs", "The workflow")?;
        let members = self.map(node, "needs")?;
        for (key, node) in members {
            self.declared.push(key.text.clone());
            self.place(format!("need/{}", key.text), key.at);
            if let Some(needed) = self.need(key, node) {
                self.needs.push(needed);
            }
        }
        Some(())
    }

    fn need(&mut self, key: &Key, node: &Node) -> Option<Needed> {
        let name = key.text.as_str();
        let earlier = name.strip_prefix("earlier ");
        let known = self.vocabulary.get(name).map(|found| (name, found));
        let found = known.or_else(|| {
            let fact = earlier?;
            self.vocabulary.get(fact).map(|found| (fact, found))
        });
        let Some((fact, (kind, unit))) = found else {
            let names: Vec<&str> = self
                .vocabulary
                .facts
                .iter()
                .map(|(name, _, _)| name.as_str())
                .collect();
            let hint = format!("The facts of this site are {}.", names.join(", "));
            self.problem(
                key.at,
                "check_1",
                format!("`{name}` is no fact of this site."),
                hint,
            );
            return None;
        };
        let (fact, unit) = (fact.to_owned(), unit.map(str::to_owned));
        let members = self.map(node, name)?;
        // The node of a map begins at its first key; what is missing from it is said of the need itself.
        let at = key.at;
        self.keys(node, &KEYS, &["fetch"], "a need");
        let latest = self.latest(node, kind);
        let max_age = self.max_age(node, name, at);
        let mut needed = Needed {
            name: name.to_owned(),
            fact,
            kind,
            unit,
            latest: 0,
            skip: 0,
            max_age: Ages {
                inpatient: 0,
                outpatient: 0,
            },
            missing: Verb::StopAndAsk,
            none: None,
            stale: Verb::StopAndAsk,
            conflict: Verb::StopAndAsk,
            unverified: Verb::StopAndAsk,
        };
        let missing = self.what_if(
            node,
            "if missing",
            "there is no value, or none that could be had",
            &needed,
            at,
        );
        let none = match members.iter().any(|(key, _)| key.text == "if none") {
            true => Some(self.what_if(node, "if none", "", &needed, at)?),
            false => None,
        };
        let stale = self.what_if(
            node,
            "if stale",
            "the newest value is older than `max_age`",
            &needed,
            at,
        );
        let conflict = self.what_if(node, "if conflict", "two sources disagree", &needed, at);
        let unverified = self.what_if(
            node,
            "if unverified",
            "the value is preliminary, self-reported or doubtful",
            &needed,
            at,
        );
        (needed.latest, needed.skip) = latest?;
        if earlier.is_some() && known.is_none() && needed.skip == 0 {
            self.problem(
                at,
                "needs",
                format!("`{name}` has no `latest: 1 before this one`."),
                "What is called earlier leaves the newest out.",
            );
            return None;
        }
        needed.max_age = max_age?;
        needed.missing = missing?;
        needed.none = none;
        needed.stale = stale?;
        needed.conflict = conflict?;
        needed.unverified = unverified?;
        Some(needed)
    }

    /// How many values, and how many of the newest are passed over.
    fn latest(&mut self, node: &Node, kind: FactKind) -> Option<(usize, usize)> {
        let Some(child) = node.get("latest") else {
            let all = match kind {
                FactKind::List => 0,
                FactKind::Quantity | FactKind::Flag | FactKind::Statement => 1,
            };
            return Some((all, 0));
        };
        let text = self.as_text(child, "latest")?;
        let (count, skip) = match text.strip_suffix(" before this one") {
            Some(count) => (count, 1),
            None => (text, 0),
        };
        match count.trim().parse::<usize>() {
            Ok(count) if (1..=100).contains(&count) => Some((count, skip)),
            Ok(_) | Err(_) => {
                self.problem(
                    child.at,
                    "needs",
                    format!("`{text}` does not say how many values."),
                    "Write `1`, `2` or `1 before this one`.",
                );
                None
            }
        }
    }

    fn max_age(&mut self, node: &Node, name: &str, at: Mark) -> Option<Ages> {
        let Some(child) = node.get("max_age") else {
            self.problem(
                at,
                "check_1",
                format!("`{name}` has no `max_age`: say how old it may be."),
                "Write `max_age: 7 days`, or one for inpatients and one for outpatients.",
            );
            return None;
        };
        if let Some(text) = child.text() {
            let age = self.duration(text, child.at)?;
            return Some(Ages {
                inpatient: age,
                outpatient: age,
            });
        }
        self.map(child, "max_age")?;
        self.keys(child, &["inpatient", "outpatient"], &[], "`max_age`");
        let (inpatient, place) = self.text(child, "inpatient", "`max_age`")?;
        let inpatient = self.duration(inpatient, place);
        let (outpatient, place) = self.text(child, "outpatient", "`max_age`")?;
        let outpatient = self.duration(outpatient, place);
        Some(Ages {
            inpatient: inpatient?,
            outpatient: outpatient?,
        })
    }

    fn what_if(
        &mut self,
        node: &Node,
        key: &str,
        when: &str,
        needed: &Needed,
        at: Mark,
    ) -> Option<Verb> {
        let Some(child) = node.get(key) else {
            self.problem(
                at,
                "check_1",
                format!(
                    "`{}` has no `{key}`: say what happens when {when}.",
                    needed.name
                ),
                format!("For example `{key}: continue and say \"…\"`, or `{key}: stop and ask`."),
            );
            return None;
        };
        let text = self.as_text(child, key)?.trim();
        if text == "stop and ask" {
            return Some(Verb::StopAndAsk);
        }
        if let Some(sentence) = text.strip_prefix("continue and say ") {
            return self.sentence(sentence, child.at);
        }
        let conflict = key == "if conflict";
        if conflict && text == "show both" {
            return Some(Verb::ShowBoth);
        }
        let safest = text
            .strip_prefix("use safest (farthest from ")
            .and_then(|rest| rest.strip_suffix(')'));
        if let (true, Some(from)) = (conflict, safest) {
            return self.amount(from, needed, child.at).map(Verb::UseSafest);
        }
        if let Some(verb) = LATER.iter().find(|verb| text.starts_with(**verb)) {
            self.unsupported(child.at, verb);
            return None;
        }
        let verbs = if conflict {
            "`stop and ask`, `continue and say \"…\"`, `show both` or `use safest (farthest from …)`"
        } else {
            "`stop and ask` or `continue and say \"…\"`"
        };
        self.problem(
            child.at,
            "what_if",
            format!("`{text}` is nothing that `{key}` can do."),
            format!("Write {verbs}."),
        );
        None
    }

    fn sentence(&mut self, text: &str, at: Mark) -> Option<Verb> {
        let inner = text
            .trim()
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        let Some(sentence) = inner.filter(|sentence| !sentence.trim().is_empty()) else {
            self.problem(
                at,
                "what_if",
                "`continue and say` has no sentence in quotes.",
                "Write `continue and say \"Kidney function unknown.\"`.",
            );
            return None;
        };
        for name in blanks(sentence) {
            if !SENTENCE_BLANKS.contains(&name) {
                self.problem(
                    at,
                    "blank",
                    format!("`{{{name}}}` can't be filled in here."),
                    format!("What can is {{{}}}.", SENTENCE_BLANKS.join("}, {")),
                );
                return None;
            }
        }
        Some(Verb::ContinueAndSay(sentence.to_owned()))
    }
}
