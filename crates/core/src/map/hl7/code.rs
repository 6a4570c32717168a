//! Coded values: CE, CWE, CNE, CF, IS and ID (v2-to-FHIR `CWE[CodeableConcept]`), and the names of code systems.
//!
//! A code keeps the system it came with. What a site made up is in that source's own system, never in a shared one.

use bedside_hl7::message::Rep;
use serde_json::Value;

use super::identifier::escape;
use super::json::{clean, list, object, text, word};
use crate::source::Source;

/// SNOMED CT.
pub(super) const SNOMED: &str = "http://snomed.info/sct";
/// LOINC.
pub(super) const LOINC: &str = "http://loinc.org";

/// A code in the order in which a source states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) system: String,
    pub(super) code: String,
    pub(super) display: Option<String>,
}

/// The codings of a repetition: the identifier and its alternates.
///
/// `table` is the HL7 table of the field, where a bare code belongs to one.
pub(super) fn codes(rep: &Rep<'_>, table: Option<&str>, source: &Source) -> Vec<Code> {
    let part = |n: usize| rep.component(n).text().and_then(clean);
    [(1, 2, 3), (4, 5, 6), (10, 11, 12)]
        .into_iter()
        .filter_map(|(code, display, system)| {
            let code = part(code)?;
            let system = match (part(system), table) {
                (Some(name), _) => system_uri(&name, source),
                (None, Some(table)) => v2_table(table),
                (None, None) => local(source),
            };
            Some(Code {
                system,
                code,
                display: part(display),
            })
        })
        .collect()
}

/// A repetition as a `CodeableConcept`; the text is what a person reads: CWE.9, else the display, else the bare code.
pub(super) fn concept(rep: &Rep<'_>, table: Option<&str>, source: &Source) -> Option<Value> {
    let codes = codes(rep, table, source);
    let said = [9, 2, 5]
        .into_iter()
        .find_map(|n| rep.component(n).text().and_then(clean));
    let label = said.or_else(|| codes.first().map(|code| code.code.clone()));
    let codings = codes.iter().filter_map(Code::coding).collect();
    object([("coding", list(codings)), ("text", text(label))])
}

/// The URI of a code system by its name in HL7 table 0396.
pub(super) fn system_uri(name: &str, source: &Source) -> String {
    let upper = name.trim().to_uppercase();
    if let Some(number) = upper
        .strip_prefix("HL7")
        .map(|rest| rest.trim_start_matches(['-', ' ', 'T']))
        && number.len() == 4
        && number.bytes().all(|byte| byte.is_ascii_digit())
    {
        return v2_table(number);
    }
    let known = match upper.as_str() {
        "LN" | "LOINC" => LOINC,
        "SCT" | "SCT2" | "SNOMED" | "SNOMEDCT" | "SNOMED-CT" => SNOMED,
        "I10" | "I10C" | "I10CM" | "ICD10" | "ICD10CM" | "ICD-10-CM" | "ICD-10" => {
            "http://hl7.org/fhir/sid/icd-10-cm"
        }
        "I9" | "I9C" | "I9CDX" | "I9CD" | "ICD9" | "ICD9CM" | "ICD-9-CM" => {
            "http://hl7.org/fhir/sid/icd-9-cm"
        }
        "RXNORM" | "RXN" => "http://www.nlm.nih.gov/research/umls/rxnorm",
        "NDC" => "http://hl7.org/fhir/sid/ndc",
        "CVX" => "http://hl7.org/fhir/sid/cvx",
        "MVX" => "http://hl7.org/fhir/sid/mvx",
        "C4" | "CPT" | "CPT4" | "CPT-4" => "http://www.ama-assn.org/go/cpt",
        "UCUM" => "http://unitsofmeasure.org",
        "UNII" => "http://fdasis.nlm.nih.gov",
        "CDCREC" => "urn:oid:2.16.840.1.113883.6.238",
        "L" | "LOCAL" | "" => return local(source),
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    let plain = name.trim();
    if plain.starts_with("http://") || plain.starts_with("https://") || plain.starts_with("urn:") {
        return plain.replace(char::is_whitespace, "");
    }
    if plain.contains('.')
        && plain
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return format!("urn:oid:{plain}");
    }
    // `99ABC` and unknown names are a site's own (HL7 table 0396, `99zzz`).
    format!("{}:{}", local(source), escape(plain))
}

/// The URI of an HL7 v2 table.
pub(super) fn v2_table(number: &str) -> String {
    format!("http://terminology.hl7.org/CodeSystem/v2-{number}")
}

/// The system of what a source made up.
pub(super) fn local(source: &Source) -> String {
    format!("urn:bedside:local:{}", source.id)
}

impl Code {
    /// As a FHIR Coding.
    pub(super) fn coding(&self) -> Option<Value> {
        object([
            ("system", word(&self.system)),
            ("code", word(&self.code)),
            ("display", self.display.as_deref().and_then(word)),
        ])
    }

    /// As part of an id.
    pub(super) fn key(&self) -> String {
        format!("{}\u{1e}{}", self.system, self.code)
    }
}
