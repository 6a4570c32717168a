//! What a mapper is given and what it answers.

use bedside_fact::clock::Timestamp;
use bedside_fact::id::{ResourceId, Seq};

use crate::record::{Alias, Draft, Merge, PublicIds};
use crate::source::Source;

/// What a mapper may know beside the message.
pub struct MapCtx<'a> {
    /// Where the message came from.
    pub source: &'a Source,
    /// Turns source ids into public ones.
    pub ids: &'a dyn PublicIds,
    /// The position of the input.
    pub seq: Seq,
    /// When we had it. Never a clinical time.
    pub received_at: Timestamp,
    /// The patient that authority and number mean at this system by now. It was looked up beforehand for all that
    /// [`super::hl7::identifiers`] or [`super::fhir::identifiers`] listed.
    pub patient_of: &'a dyn Fn(&str, &str) -> Option<ResourceId>,
}

/// What a message says.
pub struct Mapped {
    /// Resources as it states them.
    pub drafts: Vec<Draft>,
    /// Numbers and the patients that they mean.
    pub aliases: Vec<Alias>,
    /// Merges.
    pub merges: Vec<Merge>,
    /// The patients that it is about.
    pub patients: Vec<ResourceId>,
    /// What was odd: stable words and positions, no values.
    pub issues: Vec<String>,
    /// How mapping ended.
    pub ending: MapEnding,
}

/// How mapping ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapEnding {
    /// Mapped.
    Map,
    /// Well formed and of a type that is not mapped.
    NotMapped,
    /// It can't be applied; the reason as a code or a few words, without values.
    Park(String),
}

impl Mapped {
    /// Nothing but an ending.
    #[must_use]
    pub fn ending(ending: MapEnding) -> Self {
        Self {
            drafts: Vec::new(),
            aliases: Vec::new(),
            merges: Vec::new(),
            patients: Vec::new(),
            issues: Vec::new(),
            ending,
        }
    }
}
