//! What the ward may say of allergies, illness, drugs and imaging.
//!
//! The codes are those of RxNorm, SNOMED CT, UNII and ICD-10-CM. What is measured is in `analytes`; the text of the
//! messages in `messages`.

/// A substance somebody is allergic to, and how it shows.
#[derive(Debug)]
pub(crate) struct Allergen {
    pub(crate) code: &'static str,
    pub(crate) text: &'static str,
    /// HL7 table 0396 name of the code system.
    pub(crate) system: &'static str,
    /// HL7 table 0127: DA drug, FA food, EA environment.
    pub(crate) kind: &'static str,
    /// HL7 table 0128: SV severe, MO moderate, MI mild, U unknown.
    pub(crate) severity: &'static str,
    pub(crate) reaction: &'static str,
}

const fn allergen(
    code: &'static str,
    text: &'static str,
    system: &'static str,
    kind: &'static str,
    severity: &'static str,
    reaction: &'static str,
) -> Allergen {
    Allergen {
        code,
        text,
        system,
        kind,
        severity,
        reaction,
    }
}

pub(crate) const ALLERGENS: [Allergen; 18] = [
    allergen("7980", "penicillin G", "RXNORM", "DA", "SV", "Anaphylaxis"),
    allergen("723", "amoxicillin", "RXNORM", "DA", "MO", "Hives"),
    allergen("10180", "sulfamethoxazole", "RXNORM", "DA", "MO", "Rash"),
    allergen("2670", "codeine", "RXNORM", "DA", "MI", "Nausea & vomiting"),
    allergen("7052", "morphine", "RXNORM", "DA", "MI", "Itching"),
    allergen("1191", "aspirin", "RXNORM", "DA", "MO", "Wheezing"),
    allergen("5640", "ibuprofen", "RXNORM", "DA", "MO", "Facial swelling"),
    allergen("2551", "ciprofloxacin", "RXNORM", "DA", "MI", "Rash"),
    allergen("11124", "vancomycin", "RXNORM", "DA", "MO", "Flushing"),
    allergen("29046", "lisinopril", "RXNORM", "DA", "SV", "Angioedema"),
    allergen("91936005", "Allergy to penicillin", "SCT", "DA", "U", ""),
    allergen(
        "91935009",
        "Allergy to peanut",
        "SCT",
        "FA",
        "SV",
        "Anaphylaxis",
    ),
    allergen(
        "300913006",
        "Allergy to shellfish",
        "SCT",
        "FA",
        "MO",
        "Hives",
    ),
    allergen(
        "91930004",
        "Allergy to egg",
        "SCT",
        "FA",
        "MI",
        "Stomach cramps",
    ),
    allergen(
        "424213003",
        "Allergy to bee venom",
        "SCT",
        "EA",
        "SV",
        "Anaphylaxis",
    ),
    allergen(
        "2LQ0UUW8IN",
        "Natural latex rubber",
        "UNII",
        "EA",
        "MO",
        "Contact dermatitis",
    ),
    allergen("QE1QX6B99R", "Peanut", "UNII", "FA", "MO", "Lip swelling"),
    allergen("Q42T66VG0C", "Penicillin G", "UNII", "DA", "U", "Rash"),
];

/// ICD-10-CM code and text.
pub(crate) const DIAGNOSES: [(&str, &str); 26] = [
    ("J18.9", "Pneumonia, unspecified organism"),
    ("I50.9", "Heart failure, unspecified"),
    (
        "J44.1",
        "Chronic obstructive pulmonary disease with (acute) exacerbation",
    ),
    ("N39.0", "Urinary tract infection, site not specified"),
    ("A41.9", "Sepsis, unspecified organism"),
    ("L03.115", "Cellulitis of right lower limb"),
    ("K92.2", "Gastrointestinal hemorrhage, unspecified"),
    ("I48.91", "Unspecified atrial fibrillation"),
    ("E87.1", "Hypo-osmolality and hyponatremia"),
    (
        "K85.90",
        "Acute pancreatitis without necrosis or infection, unspecified",
    ),
    (
        "I26.99",
        "Other pulmonary embolism without acute cor pulmonale",
    ),
    ("R07.9", "Chest pain, unspecified"),
    ("R55", "Syncope and collapse"),
    ("K70.30", "Alcoholic cirrhosis of liver without ascites"),
    ("E11.9", "Type 2 diabetes mellitus without complications"),
    ("E11.65", "Type 2 diabetes mellitus with hyperglycemia"),
    ("I10", "Essential (primary) hypertension"),
    ("E78.5", "Hyperlipidemia, unspecified"),
    (
        "I25.10",
        "Atherosclerotic heart disease of native coronary artery without angina pectoris",
    ),
    ("N18.30", "Chronic kidney disease, stage 3 unspecified"),
    ("F32.A", "Depression, unspecified"),
    ("M17.9", "Osteoarthritis of knee, unspecified"),
    ("J45.909", "Unspecified asthma, uncomplicated"),
    ("E03.9", "Hypothyroidism, unspecified"),
    (
        "K21.9",
        "Gastro-esophageal reflux disease without esophagitis",
    ),
    ("G47.33", "Obstructive sleep apnea (adult) (pediatric)"),
];

/// Acute kidney failure, which the deteriorating patient is in for.
pub(crate) const KIDNEY_FAILURE: (&str, &str) = ("N17.9", "Acute kidney failure, unspecified");

/// Chronic kidney disease stage 5, behind the patient whose potassium rises.
pub(crate) const KIDNEY_DISEASE: (&str, &str) = ("N18.5", "Chronic kidney disease, stage 5");

/// RxNorm code, text, amount, unit, HL7 table 0162 route and the repeat pattern of an order to the pharmacy.
pub(crate) const DRUGS: [(&str, &str, &str, &str, &str, &str); 10] = [
    (
        "314076",
        "lisinopril 10 MG Oral Tablet",
        "10",
        "mg",
        "PO",
        "QD",
    ),
    (
        "860975",
        "metformin hydrochloride 500 MG Extended Release Oral Tablet",
        "500",
        "mg",
        "PO",
        "BID",
    ),
    (
        "617311",
        "atorvastatin 40 MG Oral Tablet",
        "40",
        "mg",
        "PO",
        "QHS",
    ),
    (
        "310429",
        "furosemide 20 MG Oral Tablet",
        "20",
        "mg",
        "PO",
        "BID",
    ),
    (
        "198440",
        "acetaminophen 500 MG Oral Tablet",
        "1000",
        "mg",
        "PO",
        "Q6H",
    ),
    (
        "197361",
        "amlodipine 5 MG Oral Tablet",
        "5",
        "mg",
        "PO",
        "QD",
    ),
    (
        "314200",
        "pantoprazole 40 MG Delayed Release Oral Tablet",
        "40",
        "mg",
        "PO",
        "QD",
    ),
    (
        "866924",
        "metoprolol tartrate 25 MG Oral Tablet",
        "25",
        "mg",
        "PO",
        "BID",
    ),
    (
        "309090",
        "ceftriaxone 1000 MG Injection",
        "1000",
        "mg",
        "IV",
        "Q24H",
    ),
    (
        "854228",
        "0.3 ML enoxaparin sodium 100 MG/ML Prefilled Syringe",
        "30",
        "mg",
        "SC",
        "Q12H",
    ),
];

/// Imaging a ward orders: a local code and its text.
pub(crate) const IMAGING: [(&str, &str); 5] = [
    ("XCHP", "XR Chest AP & Lateral"),
    ("CTHD", "CT Head without contrast"),
    ("USREN", "US Kidneys & Bladder"),
    ("ECHO", "Echocardiogram transthoracic"),
    ("CTAC", "CT Angiogram Chest"),
];
