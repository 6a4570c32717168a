//! What is owed to the outside (promises P2 and P8).
//!
//! Each item has an idempotency key: the same key is the same item, however often it is put (`put`). An item is claimed, sent and settled
//! (`claim`). One whose sender vanished while it was being sent is not sent again: it becomes `unknown`, until somebody looked at the other side, or, where
//! that shows nothing, until a person says what became of it (`resolve`). How an item is sent is `gateway`'s affair.

mod claim;
mod list;
mod put;
mod resolve;

pub use claim::{OutboxItem, Settlement};
pub use list::{OutboxCounts, OutboxFilter, OutboxRow};
pub use resolve::Resolution;

pub(crate) use claim::orphans;
pub(crate) use put::{Put, put_in};
