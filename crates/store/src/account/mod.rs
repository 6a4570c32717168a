//! Local accounts, one-time sign-in links and sessions.
//!
//! A session is a random token in the browser; the store keeps its hash. What the session may do is decided by
//! `bedside_core::access` from its role. Single sign-on is another door to the same sessions and is not here.

mod manage;
mod password;
mod session;
mod sign_in;
pub(crate) mod token;

pub use manage::Account;
pub use session::Session;
pub use sign_in::NewSession;
