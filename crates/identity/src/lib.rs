//! Record linkage by rule: which patient records are one person, which are only possibly so, and how a patient is found by typing.
//!
//! Two records are linked by an identifier of one authority, where family name or birth date agrees too, and by nothing else
//! ([`link_keys`]). Equal name, birth date and one strong third field, or the identifier alone, make a proposal that a person decides
//! on ([`proposal_keys`]). [`cluster`] turns links and decisions into persons, from
//! scratch each time, so that a decision taken back leaves no trace. [`search_terms`] and [`parse_query`] are the two ends of the
//! sealed index: what is stored and what is asked.
//!
//! All texts returned here are plain. They are made to be compared for equality only, so the caller stores their HMAC, never them.
//! Nothing here scores or guesses; a statistical matcher can stand behind the same functions without a caller noticing.

pub mod cluster;
mod demographics;
mod fold;
mod link;
pub mod normalise;
mod proposal;
mod query;
mod search;

pub use demographics::{Demographics, PatientIdentifier, PersonName};
pub use link::{identifies_person, is_stand_in, link_keys, names_no_patient};
pub use proposal::{ProposalKey, contradicts, proposal_keys};
pub use query::{QueryTerm, parse_query, query_matches};
pub use search::{SearchTerm, identifier_text, search_terms};
