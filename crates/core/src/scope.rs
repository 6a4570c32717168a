//! The scope of a project: the smallest integration that makes one workflow work, and what is left out on purpose.
//!
//! [`Scope::read`] takes `scope.yaml`, which stands in version control beside the configuration. [`TEMPLATE`] is what `init` writes. A
//! scope decides nothing while the program runs; it is what people agreed on, and the project audit reads its history. What tells of
//! danger can't be put out of it (promise P12): see `boundary.rs`.

mod boundary;
mod read;

use jiff::civil::Date;

pub use boundary::{EVENTS, NEVER_OUT};

/// What `init` writes: no workflow yet, and every key explained.
pub const TEMPLATE: &str = include_str!("../scope.yaml");

/// What was agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// What the project is called.
    pub project: String,
    /// When it began.
    pub started: Option<Date>,
    /// Who decides on the scope.
    pub owner: Option<String>,
    /// The connections that it may use, by the names of the configuration.
    pub connections: Vec<String>,
    /// What is being built.
    pub workflows: Vec<Planned>,
    /// What is not.
    pub out: Vec<LeftOut>,
}

/// One workflow of the scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Its name, as in its definition.
    pub workflow: String,
    /// Who answers for it: a person or a role, clinical.
    pub owner: String,
    /// When it was taken in.
    pub added: Date,
    /// When it is to be in use.
    pub wanted_by: Option<Date>,
    /// The facts that it needs, by their names in `facts.yaml`.
    pub needs: Vec<String>,
    /// The connections that it runs over.
    pub connections: Vec<String>,
    /// An example that shows when it is done.
    pub accepted_when: String,
    /// What was given up for it, when it was taken in later.
    pub traded_for: Option<String>,
}

/// Something that is out of scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// What.
    pub what: Out,
    /// Since when.
    pub since: Date,
    /// Why.
    pub because: String,
    /// When it was asked for and turned down.
    pub refused: Vec<Date>,
}

/// What can be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out {
    /// A workflow.
    Workflow(String),
    /// A fact.
    Fact(String),
    /// A clinical event.
    Event(String),
    /// A connection.
    Connection(String),
    /// Anything else, in words.
    Other(String),
}

#[cfg(test)]
mod tests;
