//! Concepts of a resource as codes of a fact.

use bedside_fact::known::Code;
use bedside_fhir::resource::CodeableConcept;

/// All codes, as they were sent.
pub(crate) fn codes(concept: &CodeableConcept) -> Vec<Code> {
    concept
        .codings
        .iter()
        .filter_map(|coding| {
            Some(Code {
                system: coding.system.clone().unwrap_or_default(),
                code: coding.code.clone()?,
            })
        })
        .collect()
}

/// Whether both name one thing: by a code of one system, or by the same words.
pub(super) fn is_same(a: (&[Code], &str), b: (&[Code], &str)) -> bool {
    let coded =
        a.0.iter()
            .any(|code| !code.system.is_empty() && b.0.contains(code));
    coded || (!a.1.is_empty() && a.1.trim().to_lowercase() == b.1.trim().to_lowercase())
}
