//! What is true: one trait of units of work, SQLite and PostgreSQL behind it, everything sealed, every access logged.
//!
//! Floor 2. [`Store`] is the only door: each of its methods takes the operation context, asks whether the actor may, writes the audit
//! entry and only then answers. Nothing here knows HL7 or a vendor, and nothing here decides what a message means.
//!
//! | Module | What it holds |
//! |---|---|
//! | [`backend`] | what a database must be able to do; [`sqlite`], [`postgres`], and [`fault`] for tests |
//! | `writer` | group commit |
//! | [`seal`] | keys, sealing, tokens |
//! | `journal`, `quarantine` | inputs in order of receipt |
//! | `commit`, `links`, `undo`, `read` | the record: versions, persons, reading it as of a moment |
//! | [`audit`], [`spool`] | the log of every access |
//! | [`account`], [`lease`], [`job`], [`outbox`] | who, and who does what next |

pub mod account;
mod alias;
pub mod audit;
pub mod backend;
mod commit;
mod db;
mod dedupe;
pub mod error;
pub mod fault;
mod input;
pub mod job;
mod journal;
pub mod lease;
mod links;
mod member;
mod migrate;
mod names;
mod open;
pub mod outbox;
mod person;
pub mod postgres;
mod quarantine;
mod read;
mod row;
pub mod seal;
mod sequence;
mod source;
pub mod spool;
pub mod sqlite;
mod store;
mod token;
mod undo;
mod version;
mod waiting;
mod writer;

pub use account::{Account, NewSession, Session};
pub use audit::{AuditFilter, AuditHealth, AuditRow, Verification};
pub use commit::Committed;
pub use error::Error;
pub use input::JournalFilter;
pub use job::Job;
pub use lease::{Fence, Held};
pub use open::Wrap;
pub use outbox::{OutboxItem, Settlement};
pub use quarantine::Parked;
pub use read::{Counts, PatientHit};
pub use source::SourceStatus;
pub use store::{BackendOptions, Options, SessionLimits, Store};
