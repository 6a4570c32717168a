//! Access tokens for the customer's programs: SMART Backend Services (SMART App Launch 2.0, "Backend Services").
//!
//! A program proves with a signed assertion who it is and gets a short-lived token with no more than the scopes it was registered for.
//! A refusal says which check failed, and is in the audit log. People sign in elsewhere ([`crate::guard`]).

mod application;
mod assertion;
mod bearer;
mod keys;
mod token;

pub use application::{Application, Jwks};
pub(crate) use bearer::{Unknown, caller, nobody};
pub(crate) use token::issue;
