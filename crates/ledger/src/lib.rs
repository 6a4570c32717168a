//! The arithmetic of a tamper-evident log: what to hash, what to sign and how to prove it to somebody who trusts neither us nor our disk.
//!
//! [`entry`] is the leaf's frozen bytes, [`tree`] the RFC 6962 hashes and proofs over them, [`checkpoint`] the signed statement
//! "this log has so many entries and this root". Nothing here reads a disk or a clock: the store keeps the leaves and the nodes, and
//! decides when to sign.

pub mod checkpoint;
pub mod entry;
mod error;
pub mod tree;

pub use error::Error;
