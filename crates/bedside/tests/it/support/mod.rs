//! What every test here needs: a site, the two kinds of client, invented people, and a search through bytes.

mod dice;
pub(crate) mod ehr;
pub(crate) mod http;
pub(crate) mod messages;
pub(crate) mod mllp;
pub(crate) mod needles;
pub(crate) mod site;
mod skip;

pub(crate) use dice::Dice;
pub(crate) use skip::{corpus, skipped};
