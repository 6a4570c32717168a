//! The blocks `decide` and `done_when`: what applies, and what ends it.

use bedside_fact::yaml::Node;

use super::Reader;
use crate::definition::{Branch, Closing, Row};

impl Reader<'_> {
    /// The rows, and the action of `otherwise`.
    pub(super) fn decide(&mut self, root: &Node) -> Option<(Vec<Row>, Option<String>)> {
        let node = self.child(root, "decide", "The workflow")?;
        let list = self.list(node, "decide")?;
        let mut rows: Vec<Row> = Vec::new();
        let mut otherwise = None;
        let mut whole = true;
        for (n, item) in list.iter().enumerate() {
            if let Some(last) = item.get("otherwise") {
                self.keys(item, &["otherwise"], &[], "the last row");
                let action = self.as_text(last, "otherwise")?;
                self.place(String::from("otherwise"), last.at);
                otherwise = Some((action != "nothing").then(|| action.to_owned()));
                if n + 1 != list.len() {
                    self.problem(
                        item.at,
                        "check_2",
                        "Rows after `otherwise` are never reached.",
                        "Put `otherwise` last.",
                    );
                }
                continue;
            }
            match self.row(item) {
                Some(row) if rows.iter().any(|known| known.name == row.name) => {
                    self.problem(
                        item.at,
                        "decide",
                        format!("There is a row `{}` already.", row.name),
                        "",
                    );
                }
                Some(row) => rows.push(row),
                None => whole = false,
            }
        }
        let Some(otherwise) = otherwise else {
            self.problem(
                node.at,
                "check_2",
                "`decide` does not end in `otherwise`: say what happens when no row applies.",
                "End it with `- otherwise: nothing`.",
            );
            return None;
        };
        whole.then_some((rows, otherwise))
    }

    fn row(&mut self, node: &Node) -> Option<Row> {
        self.map(node, "row")?;
        self.keys(node, &["row", "when", "if unknown", "then"], &[], "a row");
        let (name, at) = self.text(node, "row", "The row")?;
        let name = name.to_owned();
        self.place(format!("row/{name}"), at);
        let what = format!("The row `{name}`");
        let when = self.child(node, "when", &what);
        let when = when.and_then(|when| self.condition(when));
        let then = self.text(node, "then", &what);
        if let Some((_, at)) = then {
            self.place(format!("then/{name}"), at);
        }
        let if_unknown = match node.get("if unknown") {
            None => None,
            Some(child) => {
                self.place(format!("if unknown/{name}"), child.at);
                match self.as_text(child, "if unknown")? {
                    "next" => Some(Branch::Next),
                    action => Some(Branch::Act(action.to_owned())),
                }
            }
        };
        Some(Row {
            name,
            when: when?,
            if_unknown,
            then: then?.0.to_owned(),
        })
    }

    pub(super) fn done_when(&mut self, root: &Node) -> Option<Closing> {
        let node = self.child(root, "done_when", "The workflow")?;
        self.map(node, "done_when")?;
        self.place(String::from("done_when"), node.at);
        self.keys(
            node,
            &["any", "may close with reason"],
            &["all"],
            "`done_when`",
        );
        let any = self.child(node, "any", "`done_when`")?;
        let list = self.list(any, "any")?;
        let mut closing = Closing {
            later: Vec::new(),
            answers: Vec::new(),
            reasons: self.texts(node, "may close with reason")?,
        };
        for item in list {
            let text = self.as_text(item, "done_when")?.trim();
            if let Some(sentence) = text.strip_prefix("a later ") {
                // `is` stands before a comparison here, as one says it.
                let sentence = sentence
                    .replacen(" is at or", " at or", 1)
                    .replacen(" is above", " above", 1)
                    .replacen(" is below", " below", 1);
                self.place(format!("later/{}", closing.later.len()), item.at);
                closing.later.push(self.sentence_of(&sentence, item.at)?);
                continue;
            }
            let answers = text
                .strip_prefix("owner records one of [")
                .and_then(|rest| rest.strip_suffix(']'));
            let Some(answers) = answers else {
                self.problem(
                    item.at,
                    "done_when",
                    format!("`{text}` ends nothing that can be read."),
                    "Write `a later … is between … and …` or `owner records one of [ …, … ]`.",
                );
                return None;
            };
            let answers = answers
                .split(',')
                .map(str::trim)
                .filter(|answer| !answer.is_empty());
            closing.answers.extend(answers.map(str::to_owned));
        }
        Some(closing)
    }
}
