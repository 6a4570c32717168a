//! What a region is made from and what comes out of it.

use jiff::Timestamp;
use serde_json::Value;

use crate::vendor::Vendor;
use crate::ward::WardEvent;

/// The authority of the numbers that the region's exchange gives to people, as FHIR names it. In HL7 v2 the ward writes
/// `LAKESIDE&2.16.840.1.113883.3.9621.1&ISO`.
pub const REGIONAL_SYSTEM: &str = "urn:oid:2.16.840.1.113883.3.9621.1";

/// What a region is made from.
#[derive(Debug, Clone)]
pub struct Options {
    /// The same seed gives the same region.
    pub seed: u64,
    /// How many patients each EHR has at the start.
    pub patients: usize,
    /// The first instant of the simulation.
    pub start: Timestamp,
    /// Whether the ward's messages name the authorities of record and order numbers by OID too, the OIDs that its FHIR API
    /// has for them. Many hospitals' do not; then the two routes share the numbers and not the names of their authorities.
    pub oids: bool,
}

impl Options {
    /// Twenty patients at each EHR.
    #[must_use]
    pub fn new(seed: u64, start: Timestamp) -> Self {
        Self {
            seed,
            patients: 20,
            start,
            oids: false,
        }
    }
}

/// Something that happens in the region.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// The two ways in which something shows.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The ward's interface engine sends an HL7 v2 message.
    Message(WardEvent),
    /// An EHR's FHIR API shows something new.
    Charted(Charted),
}

/// A change of what an EHR's FHIR API shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Charted {
    /// Whose.
    pub vendor: Vendor,
    /// From when on it is seen.
    pub at: Timestamp,
    /// What changes.
    pub change: Change,
}

/// How it changes.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A resource appears, or another version of it.
    Put(Value),
    /// A resource is gone.
    Remove {
        /// `Observation` and so on.
        resource_type: String,
        /// Its id.
        id: String,
    },
    /// One patient's record took another one over; both are ids of `Patient` resources.
    Merge {
        /// The record that goes.
        gone: String,
        /// The record that stays.
        survivor: String,
    },
}
