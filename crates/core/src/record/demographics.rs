//! What linking and search look at, out of a Patient: the same for both formats, because both end as a Patient.

use std::collections::BTreeSet;

use bedside_fhir::resource::patient::{addresses, birth_date, identifiers, names, telecoms};
use bedside_identity::{Demographics, PatientIdentifier, PersonName};
use serde_json::Value;

/// HL7 table 0203: a person's number within one authority.
const SHARED_KIND: &str = "PI";

const SSN: &str = "http://hl7.org/fhir/sid/us-ssn";

/// Identifiers of the `shared` systems name one person, whatever type the source gives them: the site has said so. Some EHRs give their
/// identifiers no coded type at all (vendor catalogue EPIC-37).
pub fn name_shared(demographics: &mut Demographics, shared: &BTreeSet<String>) {
    for identifier in &mut demographics.identifiers {
        if shared.contains(&identifier.authority) {
            identifier.kind = Some(String::from(SHARED_KIND));
        }
    }
}

/// The demographics of a Patient.
pub(super) fn demographics(patient: &Value) -> Demographics {
    let mut out = Demographics {
        birth_date: birth_date(patient).map(str::to_owned),
        multiple_birth: patient
            .get("multipleBirthBoolean")
            .and_then(Value::as_bool)
            .unwrap_or_default()
            || patient.get("multipleBirthInteger").is_some(),
        ..Demographics::default()
    };
    for identifier in identifiers(patient) {
        let Some(value) = identifier.value else {
            continue;
        };
        let authority = identifier.system.unwrap_or_default();
        if authority == SSN || identifier.type_code.as_deref() == Some("SS") {
            out.ssn.push(value.clone());
        }
        out.identifiers.push(PatientIdentifier {
            authority,
            value,
            kind: identifier.type_code,
        });
    }
    for name in names(patient) {
        if let Some(family) = name.family {
            out.names.push(PersonName {
                family,
                given: name.given,
                suffix: name.suffix.into_iter().next(),
            });
        }
    }
    for telecom in telecoms(patient) {
        if let (Some("phone"), Some(number)) = (telecom.system.as_deref(), telecom.value) {
            out.phones.push(number);
        }
    }
    for address in addresses(patient) {
        if let Some(line) = address.line.into_iter().next() {
            out.streets.push((line, address.postal_code));
        }
    }
    out
}
