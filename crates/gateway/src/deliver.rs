//! What we owe the EHRs: sent once, read back, compared (promise P8).
//!
//! Each route has one sender. A write that was answered is read back and compared before it counts as confirmed. One that was not answered
//! is *unknown*: it is looked for at the other side by our key, and where the other side can't be searched a person says what became of it.
//! It is never sent again blindly. The engine of workflows hears how each ended.
//!
//! * `sender` takes what is due on a route; `attempt` is what is done with one item, `find` how it is looked for, `compare` what counts as the
//!   same.
//! * `stranded` ends what no route takes any more.
//! * `prove` writes to a test patient before a route is on.

mod attempt;
mod compare;
mod find;
mod prove;
mod sender;
mod stranded;

pub use prove::{ProveError, prove};
pub use sender::{Deliveries, Options, Outlet, Running};
