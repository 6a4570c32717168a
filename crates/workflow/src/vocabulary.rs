//! The words that a workflow may use and the connection layer answers: the names of facts, and what sort of thing each is.

use serde::{Deserialize, Serialize};

/// What sort of thing a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// A measured amount with a unit.
    Quantity,
    /// Entries, each coded: medications, allergies, diagnoses.
    List,
    /// Something that is so or is not.
    Flag,
    /// A text or an answer.
    Statement,
}

impl FactKind {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Quantity => "a measured amount",
            Self::List => "a list",
            Self::Flag => "a yes or no",
            Self::Statement => "a statement",
        }
    }
}

/// The facts of a site, and the words that belong to the connection layer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vocabulary {
    /// Name, kind and canonical unit of each fact of `facts.yaml`.
    pub facts: Vec<(String, FactKind, Option<String>)>,
    /// Words that a workflow must not contain (promise P11): the names of vendors, products and sources.
    pub connection_words: Vec<String>,
}

impl Vocabulary {
    pub(crate) fn get(&self, name: &str) -> Option<(FactKind, Option<&str>)> {
        self.facts
            .iter()
            .find(|(known, _, _)| known == name)
            .map(|(_, kind, unit)| (*kind, unit.as_deref()))
    }
}
