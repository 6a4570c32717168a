//! Resources as an EHR sends them.

use serde_json::{Value, json};

pub(crate) fn patient(id: &str, family: &str, given: &str) -> Value {
    json!({"resourceType":"Patient","id":id,"identifier":[{"system":"urn:mrn","value":format!("M-{id}")}],
        "name":[{"family":family,"given":[given]}],"birthDate":"1957-03-02","gender":"female"})
}

pub(crate) fn potassium(id: &str, patient: &str, value: &str) -> Value {
    let value: Value = serde_json::from_str(value).unwrap();
    json!({"resourceType":"Observation","id":id,"status":"final",
        "category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],
        "code":{"coding":[{"system":"http://loinc.org","code":"2823-3"}]},
        "subject":{"reference":format!("Patient/{patient}")},"effectiveDateTime":"2026-11-22T09:30:00-06:00",
        "valueQuantity":{"value":value,"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"}})
}
