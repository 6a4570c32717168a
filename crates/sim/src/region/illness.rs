//! SNOMED CT for the illnesses that the ward knows by ICD-10-CM.
//!
//! Problem lists in FHIR carry SNOMED CT, or both (US Core), where HL7 v2 carries ICD-10-CM. Some illnesses stay without:
//! a problem list that maps everything does not exist.

/// The SNOMED CT concept of an ICD-10-CM code.
pub(crate) fn snomed(icd: &str) -> Option<(&'static str, &'static str)> {
    MAP.iter()
        .find(|(code, _, _)| *code == icd)
        .map(|&(_, concept, words)| (concept, words))
}

/// Illnesses whose records are restricted (behavioural health).
pub(crate) fn is_sensitive(icd: &str) -> bool {
    icd.starts_with('F')
}

const MAP: [(&str, &str, &str); 17] = [
    ("I10", "38341003", "Hypertensive disorder"),
    ("E11.9", "44054006", "Type 2 diabetes mellitus"),
    ("E78.5", "55822004", "Hyperlipidemia"),
    ("N18.30", "433144002", "Chronic kidney disease stage 3"),
    ("N18.5", "433146000", "Chronic kidney disease stage 5"),
    ("N17.9", "14669001", "Acute renal failure syndrome"),
    ("I48.91", "49436004", "Atrial fibrillation"),
    ("I50.9", "84114007", "Heart failure"),
    (
        "J44.1",
        "195951007",
        "Acute exacerbation of chronic obstructive airways disease",
    ),
    ("F32.A", "35489007", "Depressive disorder"),
    ("M17.9", "239873007", "Osteoarthritis of knee"),
    ("J45.909", "195967001", "Asthma"),
    ("E03.9", "40930008", "Hypothyroidism"),
    ("K21.9", "235595009", "Gastroesophageal reflux disease"),
    ("G47.33", "78275009", "Obstructive sleep apnea syndrome"),
    ("I25.10", "53741008", "Coronary arteriosclerosis"),
    ("J18.9", "233604007", "Pneumonia"),
];
