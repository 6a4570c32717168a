//! What things mean and what follows from them.
//!
//! Floor 1: pure. Nothing here reads a socket, a disk or a clock; a function takes what it needs and yields what
//! should become true. `store` makes it true, `gateway` and `web` carry it in and out.
//!
//! | Module | Question it answers |
//! |---|---|
//! | [`ctx`] | Who is doing this, for whom and why? |
//! | [`access`] | May they? |
//! | [`admit`] | May we take this input, and which patient's lane does it join? |
//! | [`map`] | What does a foreign message say in FHIR terms? |
//! | [`record`] | What changes in the record because of it? |
//! | [`facts`] | What is known of one fact, in one of six states, for one use? |
//! | [`chart`] | What does a clinician see of a patient, and how sure is it? |
//! | [`profile`] | What is one vendor's server like? |
//! | [`scope`] | What is being built, for whom, and what is not? |
//! | [`audit`] | What is written down about all this? |

pub mod access;
pub mod admit;
pub mod audit;
pub mod chart;
pub mod completeness;
pub mod ctx;
pub mod error;
pub mod evidence;
pub mod facts;
pub mod incident;
pub mod journal;
pub mod map;
pub mod profile;
pub mod record;
pub mod scope;
pub mod source;
