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
//! | `application`, `fhir_api` | programs: their tokens, and what they read and create |
//! | [`account`], [`lease`], [`job`], [`outbox`] | who, and who does what next |
//! | `changed`, `evaluate`, [`case`] | what workflows read, decided and owe |
//! | [`connection`], `completeness`, `secret` | sources that are asked: polls, gaps, incidents, evidence, routes |

pub mod account;
mod alias;
mod application;
pub mod audit;
pub mod backend;
pub mod case;
mod changed;
mod commit;
mod completeness;
pub mod connection;
mod db;
mod dedupe;
pub mod error;
mod evaluate;
pub mod fault;
mod fhir_api;
mod home;
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
mod secret;
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
pub use application::TokenWanted;
pub use audit::{AuditFilter, AuditHealth, AuditRow, Verification};
pub use case::{
    CaseCommit, CaseCounts, CaseEvent, CaseFilter, CaseRow, CaseWrite, OutboxPut, Trouble, Untold,
};
pub use changed::{Changed, Changes};
pub use commit::Committed;
pub use connection::{CompletenessRow, EvidenceRow, IncidentRow, Poll, Polled, RouteRow};
pub use error::Error;
pub use fhir_api::{Attempt, Cursor, FhirFound, FhirRead, FhirResource, FhirSearch, Gap, Searched};
pub use home::{Home, Homes};
pub use input::JournalFilter;
pub use job::Job;
pub use lease::{Fence, Held};
pub use open::Wrap;
pub use outbox::{OutboxCounts, OutboxFilter, OutboxItem, OutboxRow, Resolution, Settlement};
pub use quarantine::Parked;
pub use read::{Counts, PatientHit};
pub use source::SourceStatus;
pub use store::{BackendOptions, Options, SessionLimits, Store};
