//! What is wrong in a file that clinicians wrote: a sentence, with the place where it stands.
//!
//! It holds words of the file, which speaks of no patient, and never a value of one.

use bedside_fact::yaml::{self, Mark};
use serde::Serialize;

/// Something that is wrong, for a person to read and for `workflow check --json`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// The file, as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Which rule, as a stable word: `yaml`, `unknown_key`, `not_supported`, `check_1`.
    pub rule: String,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to do about it; empty when the sentence says it.
    pub hint: String,
}

/// Collects the problems of one file.
pub(crate) struct Problems {
    file: String,
    list: Vec<Problem>,
}

impl Problems {
    pub(crate) fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            list: Vec::new(),
        }
    }

    pub(crate) fn add(
        &mut self,
        at: Mark,
        rule: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.list.push(Problem {
            file: self.file.clone(),
            line: at.line,
            column: at.column,
            rule: rule.to_owned(),
            message: message.into(),
            hint: hint.into(),
        });
    }

    pub(crate) fn take(&mut self, problem: yaml::Problem) {
        self.add(problem.at, &problem.rule, problem.message, problem.hint);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// In the order of the file, each once.
    pub(crate) fn sorted(mut self) -> Vec<Problem> {
        self.list.sort();
        self.list.dedup();
        self.list
    }
}
