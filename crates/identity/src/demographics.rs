//! What linkage and search look at in a patient record, as the source sent it: normalising happens where a value is used.
//!
//! Sex is not here on purpose: it never counts as evidence. `Debug` prints counts only, because every field identifies somebody.

use std::fmt;

/// One patient record of one source.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Demographics {
    /// Official and usual names, maiden names too.
    pub names: Vec<PersonName>,
    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    /// Social security numbers.
    pub ssn: Vec<String>,
    /// Telephone numbers.
    pub phones: Vec<String>,
    /// Street lines, each with its postal code.
    pub streets: Vec<(String, Option<String>)>,
    /// Identifiers with their assigning authorities.
    pub identifiers: Vec<PatientIdentifier>,
    /// The source says that this person is one of twins or more.
    pub multiple_birth: bool,
}

/// A name in its parts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PersonName {
    /// Family name.
    pub family: String,
    /// Given names, the first one first.
    pub given: Vec<String>,
    /// Jr, Sr, II and the like.
    pub suffix: Option<String>,
}

/// An identifier as one authority assigned it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PatientIdentifier {
    /// Who assigned it: a FHIR system or an HL7 v2 assigning authority in the caller's one spelling. Empty when nobody said.
    pub authority: String,
    /// The value. Letter case counts.
    pub value: String,
    /// HL7 table 0203 code: `MR`, `PI`, `SS` and so on.
    pub kind: Option<String>,
}

impl fmt::Debug for Demographics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Demographics")
            .field("names", &self.names.len())
            .field("birth_date", &self.birth_date.is_some())
            .field("ssn", &self.ssn.len())
            .field("phones", &self.phones.len())
            .field("streets", &self.streets.len())
            .field("identifiers", &self.identifiers.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonName")
            .field("given", &self.given.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PatientIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PatientIdentifier")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
