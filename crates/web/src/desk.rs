//! What the console can have done with an item of a workflow. `web` knows neither the engine nor the gateway: the binary joins them
//! through this, as it does with [`Feeds`](crate::Feeds). What an item *is* the console reads from the store.

use std::future::Future;
use std::pin::Pin;

use bedside_core::ctx::OpCtx;

/// What somebody does with an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Has opened it and seen what it says now.
    Viewed,
    /// Takes note of it and takes it on.
    Acknowledge,
    /// Says what was done.
    Done {
        /// One of [`Answers::done`].
        how: String,
    },
    /// Closes it without anything done.
    Decline {
        /// One of [`Answers::close_reasons`].
        reason: String,
    },
    /// Takes it over from whoever holds it.
    TakeOver,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acted {
    /// Whether anything changed: the same button pressed twice changes nothing.
    pub changed: bool,
    /// What happened, as a sentence for the one who did it.
    pub words: String,
}

/// Why it could not be done. The words never hold a value of the patient's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such item.
    NotFound,
    /// The role may not.
    Denied,
    /// Somebody else was first, or the item has moved on; says who and what.
    Conflict(String),
    /// The answer is none that this workflow knows.
    Invalid(String),
    /// It could not be written down. Nothing was changed.
    Unavailable,
}

/// The answers that a workflow's definition allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// What an owner can record as done.
    pub done: Vec<String>,
    /// The reasons for which it may be closed without.
    pub close_reasons: Vec<String>,
}

/// A result that comes later, of a trait that is used behind a pointer.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The engine of the workflows, as far as the console needs it.
pub trait Desk: Send + Sync {
    /// Does it, in one commit, or says why not.
    fn act<'a>(
        &'a self,
        ctx: &'a OpCtx,
        item: &'a str,
        act: Act,
    ) -> Later<'a, Result<Acted, Refused>>;

    /// What may be answered in items of `workflow`. Empty for a workflow that is not loaded.
    fn answers(&self, workflow: &str) -> Answers;

    /// A number that grows with each change of any item, so that worklists are read again then and not with every message that comes in:
    /// each reading is an entry in the audit log for each patient on the list. None when the desk does not count.
    fn mark(&self) -> Option<u64> {
        None
    }
}

/// A console without an engine: items can be read, and nothing can be done with them.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDesk;

impl Desk for NoDesk {
    fn act<'a>(&'a self, _: &'a OpCtx, _: &'a str, _: Act) -> Later<'a, Result<Acted, Refused>> {
        Box::pin(std::future::ready(Err(Refused::Unavailable)))
    }

    fn answers(&self, _: &str) -> Answers {
        Answers::default()
    }
}
