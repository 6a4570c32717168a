//! Reading a map of YAML member by member, and telling all that is wrong with it at once.
//!
//! Used for `facts.yaml` and `scope.yaml`. A key that nobody asked for is an error: a misspelt rule would otherwise be a rule that
//! silently does not hold.

use bedside_fact::yaml::{Kind, Mark, Node, Problem};

/// A map that is being read.
pub(crate) struct Sheet<'n> {
    node: &'n Node,
    /// What this map is, for a sentence: `A fact`.
    what: &'static str,
}

/// All that is wrong so far.
#[derive(Default)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl Problems {
    /// Notes one.
    pub(crate) fn add(
        &mut self,
        at: Mark,
        rule: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.0.push(Problem::new(at, rule, message, hint));
    }

    /// The value when nothing is wrong, else everything that is, in the order of the file.
    pub(crate) fn or<T>(mut self, value: T) -> Result<T, Vec<Problem>> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0.sort_by_key(|problem| problem.at);
        Err(self.0)
    }
}

impl<'n> Sheet<'n> {
    /// Takes a map with these keys and no others.
    pub(crate) fn new(
        node: &'n Node,
        what: &'static str,
        keys: &[&str],
        problems: &mut Problems,
    ) -> Option<Self> {
        let Some(members) = node.map() else {
            problems.add(
                node.at,
                "type",
                format!("{what} is keys with values, and this is none."),
                "",
            );
            return None;
        };
        for (key, _) in members {
            if !keys.contains(&key.text.as_str()) {
                problems.add(
                    key.at,
                    "unknown_key",
                    format!("{what} has no key `{}`.", key.text),
                    format!("The keys are: {}.", keys.join(", ")),
                );
            }
        }
        Some(Self { node, what })
    }

    /// Where the map begins.
    pub(crate) fn at(&self) -> Mark {
        self.node.at
    }

    /// Where a member stands; where it is missing, the map.
    pub(crate) fn place(&self, key: &str) -> Mark {
        self.get(key).map_or_else(|| self.at(), |node| node.at)
    }

    /// A member, when it is there and not empty.
    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        self.node.get(key).filter(|node| node.kind != Kind::Empty)
    }

    /// Text that must be there.
    pub(crate) fn text(&self, key: &str, problems: &mut Problems) -> Option<&'n str> {
        if self.get(key).is_none() {
            problems.add(
                self.at(),
                "missing",
                format!("{} needs `{key}`.", self.what),
                "",
            );
        }
        self.text_if(key, problems)
    }

    /// Text that may be there.
    pub(crate) fn text_if(&self, key: &str, problems: &mut Problems) -> Option<&'n str> {
        let node = self.get(key)?;
        let text = node.text().filter(|text| !text.trim().is_empty());
        if text.is_none() {
            problems.add(
                node.at,
                "type",
                format!("`{key}` is a text, and this is none."),
                "",
            );
        }
        text
    }

    /// A list, empty when it is not there.
    pub(crate) fn list(&self, key: &str, problems: &mut Problems) -> &'n [Node] {
        let Some(node) = self.get(key) else {
            return &[];
        };
        node.list().unwrap_or_else(|| {
            problems.add(
                node.at,
                "type",
                format!("`{key}` is a list, and this is none."),
                "Write it as [ one, two ] or on lines that begin with `- `.",
            );
            &[]
        })
    }

    /// A list of texts with their places.
    pub(crate) fn texts(&self, key: &str, problems: &mut Problems) -> Vec<(Mark, &'n str)> {
        let mut found = Vec::new();
        for node in self.list(key, problems) {
            match node.text().filter(|text| !text.trim().is_empty()) {
                Some(text) => found.push((node.at, text)),
                None => problems.add(
                    node.at,
                    "type",
                    format!("`{key}` holds texts, and this is none."),
                    "",
                ),
            }
        }
        found
    }

    /// One of several words; `None` when it is not there or none of them.
    pub(crate) fn word<T: Copy>(
        &self,
        key: &str,
        words: &[(&str, T)],
        problems: &mut Problems,
    ) -> Option<T> {
        let said = self.text_if(key, problems)?;
        let found = words.iter().find(|(word, _)| *word == said);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            problems.add(
                self.place(key),
                "word",
                format!("`{key}` can't be `{said}`."),
                format!("It is one of: {}.", known.join(", ")),
            );
        }
        found.map(|(_, value)| *value)
    }
}
