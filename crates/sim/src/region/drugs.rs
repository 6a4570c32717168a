//! Drugs that people of the region take at home or are given in hospital.
//!
//! The codes are those of RxNorm. Who takes what is decided in `people` and `clinic`.

use crate::ward::codes::DRUGS;

/// A drug as it is prescribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drug {
    pub(crate) rxnorm: &'static str,
    pub(crate) text: &'static str,
    /// What the label says.
    pub(crate) label: &'static str,
}

const fn drug(rxnorm: &'static str, text: &'static str, label: &'static str) -> Drug {
    Drug {
        rxnorm,
        text,
        label,
    }
}

pub(crate) const LISINOPRIL: Drug = drug(
    "314076",
    "lisinopril 10 MG Oral Tablet",
    "Take 1 tablet by mouth once daily",
);
pub(crate) const SPIRONOLACTONE: Drug = drug(
    "313096",
    "spironolactone 25 MG Oral Tablet",
    "Take 1 tablet by mouth once daily",
);
pub(crate) const POTASSIUM_CHLORIDE: Drug = drug(
    "1801294",
    "potassium chloride 20 MEQ Extended Release Oral Tablet",
    "Take 1 tablet by mouth twice daily with food",
);

/// What people take at home.
pub(crate) const HOME: [Drug; 14] = [
    LISINOPRIL,
    SPIRONOLACTONE,
    drug(
        "979492",
        "losartan potassium 50 MG Oral Tablet",
        "Take 1 tablet by mouth once daily",
    ),
    drug(
        "861007",
        "metformin hydrochloride 500 MG Oral Tablet",
        "Take 1 tablet by mouth twice daily with meals",
    ),
    drug(
        "617311",
        "atorvastatin 40 MG Oral Tablet",
        "Take 1 tablet by mouth at bedtime",
    ),
    drug(
        "313988",
        "furosemide 40 MG Oral Tablet",
        "Take 1 tablet by mouth every morning",
    ),
    drug(
        "197361",
        "amlodipine 5 MG Oral Tablet",
        "Take 1 tablet by mouth once daily",
    ),
    drug(
        "866924",
        "metoprolol tartrate 25 MG Oral Tablet",
        "Take 1 tablet by mouth twice daily",
    ),
    drug(
        "198051",
        "omeprazole 20 MG Delayed Release Oral Capsule",
        "Take 1 capsule by mouth before breakfast",
    ),
    drug(
        "197604",
        "digoxin 0.125 MG Oral Tablet",
        "Take 1 tablet by mouth once daily",
    ),
    drug(
        "855332",
        "warfarin sodium 5 MG Oral Tablet",
        "Take as directed by the anticoagulation clinic",
    ),
    drug(
        "197806",
        "ibuprofen 600 MG Oral Tablet",
        "Take 1 tablet by mouth every 8 hours as needed for pain",
    ),
    drug(
        "312941",
        "sertraline 50 MG Oral Tablet",
        "Take 1 tablet by mouth once daily",
    ),
    drug(
        "310431",
        "gabapentin 300 MG Oral Capsule",
        "Take 1 capsule by mouth three times daily",
    ),
];

/// A drug that the ward orders, by its position in the ward's table.
pub(crate) fn of_ward(position: usize) -> Drug {
    DRUGS
        .get(position)
        .map_or(LISINOPRIL, |&(rxnorm, text, _, _, _, pattern)| Drug {
            rxnorm,
            text,
            label: pattern,
        })
}

/// Every drug of the region, each once.
pub(crate) fn all() -> Vec<Drug> {
    let mut list: Vec<Drug> = HOME.to_vec();
    list.push(POTASSIUM_CHLORIDE);
    for position in 0..DRUGS.len() {
        let drug = of_ward(position);
        if !list.iter().any(|known| known.rxnorm == drug.rxnorm) {
            list.push(drug);
        }
    }
    list
}
