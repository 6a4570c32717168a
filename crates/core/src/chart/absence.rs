//! Coded statements that there is nothing: the only ground on which a section of allergies, problems or medications is *none*.

use bedside_fhir::resource::CodeableConcept;

use super::section::Kind;

/// What a statement says is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absence {
    /// Nothing of this kind at all.
    All,
    /// No allergy to a drug; food and the rest are not spoken of.
    Drug,
    /// Nothing of a narrower sort, in words.
    Narrow(&'static str),
    /// No information: the statement that nobody knows.
    NoInformation,
}

const SNOMED: &str = "http://snomed.info/sct";
/// International Patient Summary, code system "Absent and Unknown Data".
const IPS: &str = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips";

/// Code system (empty for any), code, and what it says.
type Coded = (&'static str, &'static str, Absence);
/// A whole text in lower case, and what it says.
type Worded = (&'static str, Absence);

const ALLERGY_CODES: [Coded; 15] = [
    (SNOMED, "716186003", Absence::All),
    // Retired in favour of 716186003 and still sent.
    (SNOMED, "160244002", Absence::All),
    (SNOMED, "409137002", Absence::Drug),
    (
        SNOMED,
        "429625007",
        Absence::Narrow("no known food allergies"),
    ),
    (
        SNOMED,
        "428607008",
        Absence::Narrow("no known environmental allergies"),
    ),
    (
        SNOMED,
        "716220001",
        Absence::Narrow("no known animal allergies"),
    ),
    (
        SNOMED,
        "716184000",
        Absence::Narrow("no known latex allergy"),
    ),
    (IPS, "no-known-allergies", Absence::All),
    (IPS, "no-known-medication-allergies", Absence::Drug),
    (
        IPS,
        "no-known-food-allergies",
        Absence::Narrow("no known food allergies"),
    ),
    (
        IPS,
        "no-known-environmental-allergies",
        Absence::Narrow("no known environmental allergies"),
    ),
    (IPS, "no-allergy-info", Absence::NoInformation),
    ("", "NKA", Absence::All),
    ("", "NKDA", Absence::Drug),
    ("", "NKFA", Absence::Narrow("no known food allergies")),
];

const PROBLEM_CODES: [Coded; 3] = [
    (SNOMED, "160245001", Absence::All),
    (IPS, "no-known-problems", Absence::All),
    (IPS, "no-problem-info", Absence::NoInformation),
];

const MEDICATION_CODES: [Coded; 2] = [
    (IPS, "no-known-medications", Absence::All),
    (IPS, "no-medication-info", Absence::NoInformation),
];

/// Whole texts that mean the same, for senders that code nothing.
const ALLERGY_WORDS: [Worded; 9] = [
    ("nka", Absence::All),
    ("no known allergies", Absence::All),
    ("no known allergy", Absence::All),
    ("nkda", Absence::Drug),
    ("no known drug allergies", Absence::Drug),
    ("no known drug allergy", Absence::Drug),
    ("no known medication allergies", Absence::Drug),
    ("nkfa", Absence::Narrow("no known food allergies")),
    (
        "no known food allergies",
        Absence::Narrow("no known food allergies"),
    ),
];

/// Whether a concept states an absence, and of what.
pub(crate) fn absence(concept: &CodeableConcept, kind: Kind) -> Option<Absence> {
    let (codes, words): (&[Coded], &[Worded]) = match kind {
        Kind::Allergies => (&ALLERGY_CODES, &ALLERGY_WORDS),
        Kind::Problems => (&PROBLEM_CODES, &[("no known problems", Absence::All)]),
        Kind::Medications => (&MEDICATION_CODES, &[("no known medications", Absence::All)]),
        Kind::Labs | Kind::Vitals | Kind::Encounters => return None,
    };
    let coded = concept.codings.iter().find_map(|coding| {
        let code = coding.code.as_deref()?;
        let found = codes.iter().find(|(system, known, _)| {
            // An abbreviation is a local code of every second hospital, whatever it calls its code system.
            *known == code && (system.is_empty() || coding.system.as_deref() == Some(system))
        })?;
        Some(found.2)
    });
    // A text beside a code of a substance is a remark on the substance: only a text that stands alone states an absence.
    let uncoded = !concept.codings.iter().any(|coding| coding.code.is_some());
    let stated = || {
        let text = concept
            .text
            .as_deref()?
            .trim()
            .trim_end_matches('.')
            .to_lowercase();
        words
            .iter()
            .find(|(known, _)| *known == text)
            .map(|(_, said)| *said)
    };
    coded.or_else(|| if uncoded { stated() } else { None })
}

impl Absence {
    /// The statement in a clinician's words.
    pub(crate) const fn words(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::All, Kind::Allergies) => "no known allergies",
            (Self::All, Kind::Problems) => "no known problems",
            (Self::All, Kind::Medications) => "no known medications",
            (Self::All, Kind::Labs | Kind::Vitals | Kind::Encounters) => "none",
            (Self::Drug, _) => "no known drug allergies",
            (Self::Narrow(words), _) => words,
            (Self::NoInformation, _) => "no information available",
        }
    }
}
