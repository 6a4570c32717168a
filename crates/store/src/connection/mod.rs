//! What the store keeps of connections: when each source is asked what next (`poll`), how completely it has answered (`completeness`),
//! what goes wrong (`incident`), what it was seen to show (`evidence`), and by which proven routes may be written to it (`route`).
//!
//! How a source is asked is `gateway`'s affair; nothing here knows a vendor.

mod completeness;
mod evidence;
mod incident;
mod poll;
mod route;

pub use completeness::CompletenessRow;
pub use evidence::EvidenceRow;
pub use incident::IncidentRow;
pub use poll::{Poll, Polled};
pub use route::RouteRow;

pub(crate) use evidence::saw;
pub(crate) use incident::count;
