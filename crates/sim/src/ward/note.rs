//! What a message of the ward means, for the hospital's other systems in this simulation.
//!
//! The FHIR side of the same hospital is made from these notes and not from the messages: two ways of writing one
//! event down must not share a reader. `laboratory` and `stays` write them, `region` reads them.

use jiff::Timestamp;

use super::analytes::Panel;

/// What happened, by position in the ward's list of patients.
#[derive(Debug, Clone)]
pub(crate) enum Note {
    /// The record of a patient, or the stay, changed or was sent again.
    Record(usize),
    /// Values were reported, or reported again.
    Report(Reported),
    /// A drug was ordered.
    Drug {
        patient: usize,
        order: u64,
        /// Position in the table of drugs.
        drug: usize,
    },
    /// One record took another one over.
    Merge { gone: usize, survivor: usize },
    /// Nothing that is charted.
    Nothing,
}

/// A report of values.
#[derive(Debug, Clone)]
pub(crate) struct Reported {
    /// Whose record it was sent to.
    pub(crate) patient: usize,
    pub(crate) attending: usize,
    /// The order's number in the ward, unique over laboratory and charting.
    pub(crate) order: u64,
    pub(crate) filler: String,
    pub(crate) placer: String,
    pub(crate) panel: &'static Panel,
    pub(crate) collected: Timestamp,
    pub(crate) values: Vec<Value>,
}

/// One value as it was printed.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    /// Position in the table of analytes.
    pub(crate) analyte: usize,
    pub(crate) text: String,
    /// HL7 table 0078.
    pub(crate) flag: &'static str,
    /// HL7 table 0085.
    pub(crate) status: &'static str,
    pub(crate) remark: String,
}
