//! From a file that clinicians write to a [`Definition`], or to sentences that say what is wrong with it and where.
//!
//! This is a first version of the language and a true subset of it: what is accepted here stays valid and keeps its meaning. A block, verb
//! or condition that is not there yet is refused by name, never passed over. `blocks` and its neighbours read; what has to hold between the
//! blocks is in `check`.

mod actions;
mod blocks;
mod condition;
mod decide;
mod needs;
mod reader;
#[cfg(test)]
mod tests;
mod text;

use bedside_fact::yaml;
use jiff::civil::Date;

use crate::check;
use crate::definition::Definition;
use crate::groups::Groups;
use crate::problem::{Problem, Problems};
use crate::vocabulary::Vocabulary;

pub(crate) use reader::{Places, Reader};

/// The blocks that this version reads, in the order in which the language has them.
pub(crate) const BLOCKS: [&str; 19] = [
    "workflow",
    "title",
    "purpose",
    "version",
    "clinical_owner",
    "safety",
    "review_by",
    "sources",
    "starts",
    "same_event",
    "same_case",
    "stops",
    "applies_to",
    "needs",
    "decide",
    "do",
    "who",
    "escalate",
    "done_when",
];

/// The last block, and those that the language has and this version does not.
pub(crate) const REPEAT: &str = "repeat";
const LATER: [&str; 3] = ["downtime", "watch", "examples"];

/// Reads and checks a definition that is to run.
///
/// That its review date has passed is no reason not to run it; each of its items says so then.
///
/// # Errors
/// Everything that is wrong in the file, in its order. Checks that need a whole definition run only on one.
pub fn load(
    file: &str,
    text: &str,
    vocabulary: &Vocabulary,
    groups: &Groups,
) -> Result<Definition, Vec<Problem>> {
    read(file, text, vocabulary, groups, None)
}

/// Reads and checks a definition as whoever answers for it does: a review date that has passed is a problem too.
///
/// # Errors
/// As [`load`], and the review date.
pub fn review(
    file: &str,
    text: &str,
    vocabulary: &Vocabulary,
    groups: &Groups,
    today: Date,
) -> Result<Definition, Vec<Problem>> {
    read(file, text, vocabulary, groups, Some(today))
}

fn read(
    file: &str,
    text: &str,
    vocabulary: &Vocabulary,
    groups: &Groups,
    today: Option<Date>,
) -> Result<Definition, Vec<Problem>> {
    let mut problems = Problems::new(file);
    let root = match yaml::parse(text) {
        Ok(root) => root,
        Err(problem) => {
            problems.take(problem);
            return Err(problems.sorted());
        }
    };
    check::words(&root, vocabulary, &mut problems);
    let mut reader = Reader::new(problems, vocabulary, groups);
    let mut known: Vec<&str> = BLOCKS.to_vec();
    known.push(REPEAT);
    reader.keys(&root, &known, &LATER, "a workflow");
    let definition = reader.definition(&root);
    let (mut problems, places) = reader.finish();
    match definition {
        Some(definition) if problems.is_empty() => {
            check::definition(&definition, &places, today, &mut problems);
            if problems.is_empty() {
                Ok(definition.seal())
            } else {
                Err(problems.sorted())
            }
        }
        Some(_) | None => {
            // A refusal always says something.
            if problems.is_empty() {
                problems.add(root.at, "shape", "This can't be read as a workflow.", "");
            }
            Err(problems.sorted())
        }
    }
}
