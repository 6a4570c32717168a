//! What the ward measures: analytes with their ranges, and the panels in which they are ordered and reported.
//!
//! The codes are those of LOINC, the units those of UCUM. The values themselves come from `physiology`.

/// One thing that is measured.
#[derive(Debug)]
pub(crate) struct Analyte {
    pub(crate) loinc: &'static str,
    pub(crate) name: &'static str,
    /// The code of the local system, which travels as the alternate coding.
    pub(crate) local: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) decimals: usize,
    /// What the reports call normal.
    pub(crate) normal: (f64, f64),
    /// Outside this the report is flagged as critical.
    pub(crate) critical: (f64, f64),
    /// Values never leave this, however sick the patient.
    pub(crate) possible: (f64, f64),
}

const fn analyte(
    code: (&'static str, &'static str, &'static str),
    unit: &'static str,
    decimals: usize,
    normal: (f64, f64),
    critical: (f64, f64),
    possible: (f64, f64),
) -> Analyte {
    Analyte {
        loinc: code.0,
        name: code.1,
        local: code.2,
        unit,
        decimals,
        normal,
        critical,
        possible,
    }
}

/// Positions in [`ANALYTES`] that stories and tests name.
pub(crate) const SYSTOLIC: usize = 1;
pub(crate) const DIASTOLIC: usize = 2;
pub(crate) const WEIGHT: usize = 7;
pub(crate) const POTASSIUM: usize = 9;
pub(crate) const CREATININE: usize = 13;
pub(crate) const UREA_NITROGEN: usize = 12;
pub(crate) const HEMOGLOBIN: usize = 17;
pub(crate) const HEMATOCRIT: usize = 18;
pub(crate) const PROTHROMBIN_TIME: usize = 20;
pub(crate) const INR: usize = 21;

pub(crate) const ANALYTES: [Analyte; 23] = [
    analyte(
        ("8867-4", "Heart rate", "HR"),
        "/min",
        0,
        (60.0, 100.0),
        (40.0, 140.0),
        (35.0, 180.0),
    ),
    analyte(
        ("8480-6", "Systolic blood pressure", "SBP"),
        "mm[Hg]",
        0,
        (100.0, 140.0),
        (80.0, 200.0),
        (70.0, 230.0),
    ),
    analyte(
        ("8462-4", "Diastolic blood pressure", "DBP"),
        "mm[Hg]",
        0,
        (60.0, 88.0),
        (40.0, 120.0),
        (38.0, 125.0),
    ),
    analyte(
        ("8310-5", "Body temperature", "TEMP"),
        "Cel",
        1,
        (36.2, 37.6),
        (35.0, 40.0),
        (34.5, 41.0),
    ),
    analyte(
        ("9279-1", "Respiratory rate", "RR"),
        "/min",
        0,
        (12.0, 20.0),
        (8.0, 30.0),
        (7.0, 40.0),
    ),
    analyte(
        (
            "59408-5",
            "Oxygen saturation in Arterial blood by Pulse oximetry",
            "SPO2",
        ),
        "%",
        0,
        (94.0, 100.0),
        (88.0, 101.0),
        (80.0, 100.0),
    ),
    analyte(
        ("2708-6", "Oxygen saturation in Arterial blood", "SAO2"),
        "%",
        0,
        (94.0, 100.0),
        (88.0, 101.0),
        (80.0, 100.0),
    ),
    analyte(
        ("29463-7", "Body weight", "WT"),
        "kg",
        1,
        (48.0, 105.0),
        (30.0, 220.0),
        (40.0, 160.0),
    ),
    analyte(
        ("2951-2", "Sodium [Moles/volume] in Serum or Plasma", "NA"),
        "mmol/L",
        0,
        (136.0, 145.0),
        (120.0, 160.0),
        (115.0, 165.0),
    ),
    analyte(
        ("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "K"),
        "mmol/L",
        1,
        (3.5, 5.1),
        (2.8, 6.0),
        (2.4, 7.2),
    ),
    analyte(
        ("2075-0", "Chloride [Moles/volume] in Serum or Plasma", "CL"),
        "mmol/L",
        0,
        (98.0, 107.0),
        (80.0, 120.0),
        (78.0, 125.0),
    ),
    analyte(
        (
            "2028-9",
            "Carbon dioxide, total [Moles/volume] in Serum or Plasma",
            "CO2",
        ),
        "mmol/L",
        0,
        (22.0, 29.0),
        (12.0, 40.0),
        (9.0, 42.0),
    ),
    analyte(
        (
            "3094-0",
            "Urea nitrogen [Mass/volume] in Serum or Plasma",
            "BUN",
        ),
        "mg/dL",
        0,
        (7.0, 20.0),
        (2.0, 100.0),
        (3.0, 120.0),
    ),
    analyte(
        (
            "2160-0",
            "Creatinine [Mass/volume] in Serum or Plasma",
            "CREA",
        ),
        "mg/dL",
        2,
        (0.6, 1.3),
        (0.2, 6.0),
        (0.4, 8.0),
    ),
    analyte(
        ("2345-7", "Glucose [Mass/volume] in Serum or Plasma", "GLU"),
        "mg/dL",
        0,
        (70.0, 110.0),
        (50.0, 400.0),
        (40.0, 480.0),
    ),
    analyte(
        ("17861-6", "Calcium [Mass/volume] in Serum or Plasma", "CA"),
        "mg/dL",
        1,
        (8.6, 10.3),
        (6.5, 13.0),
        (6.0, 14.0),
    ),
    analyte(
        (
            "6690-2",
            "Leukocytes [#/volume] in Blood by Automated count",
            "WBC",
        ),
        "10*3/uL",
        1,
        (4.0, 11.0),
        (1.0, 30.0),
        (0.8, 42.0),
    ),
    analyte(
        ("718-7", "Hemoglobin [Mass/volume] in Blood", "HGB"),
        "g/dL",
        1,
        (11.8, 16.8),
        (7.0, 20.0),
        (5.5, 21.0),
    ),
    analyte(
        (
            "4544-3",
            "Hematocrit [Volume Fraction] of Blood by Automated count",
            "HCT",
        ),
        "%",
        1,
        (36.0, 50.0),
        (21.0, 60.0),
        (18.0, 62.0),
    ),
    analyte(
        (
            "777-3",
            "Platelets [#/volume] in Blood by Automated count",
            "PLT",
        ),
        "10*3/uL",
        0,
        (150.0, 400.0),
        (30.0, 1000.0),
        (15.0, 900.0),
    ),
    analyte(
        ("5902-2", "Prothrombin time (PT)", "PT"),
        "s",
        1,
        (11.0, 13.5),
        (8.0, 40.0),
        (9.0, 60.0),
    ),
    analyte(
        (
            "6301-6",
            "INR in Platelet poor plasma by Coagulation assay",
            "INR",
        ),
        "{INR}",
        1,
        (0.9, 1.2),
        (0.5, 5.0),
        (0.8, 7.0),
    ),
    analyte(
        (
            "10839-9",
            "Troponin I.cardiac [Mass/volume] in Serum or Plasma",
            "TROPI",
        ),
        "ng/mL",
        3,
        (0.0, 0.04),
        (-1.0, 0.4),
        (0.003, 12.0),
    ),
];

/// What is ordered and reported together.
#[derive(Debug)]
pub(crate) struct Panel {
    pub(crate) loinc: &'static str,
    pub(crate) name: &'static str,
    pub(crate) local: &'static str,
    /// HL7 table 0074: the section that answers.
    pub(crate) section: &'static str,
    /// Positions in [`ANALYTES`].
    pub(crate) analytes: &'static [usize],
}

pub(crate) const VITALS: Panel = Panel {
    loinc: "85353-1",
    name: "Vital signs panel",
    local: "VS",
    section: "NRS",
    analytes: &[0, 1, 2, 3, 4, 5],
};
/// The same with the weight, taken once at admission.
pub(crate) const VITALS_AND_WEIGHT: Panel = Panel {
    loinc: "85353-1",
    name: "Vital signs panel",
    local: "VS",
    section: "NRS",
    analytes: &[0, 1, 2, 3, 4, 5, 7],
};
pub(crate) const CHEMISTRY: Panel = Panel {
    loinc: "24321-2",
    name: "Basic metabolic 2000 panel - Serum or Plasma",
    local: "BMP",
    section: "CH",
    analytes: &[8, 9, 10, 11, 12, 13, 14, 15],
};
pub(crate) const BLOOD_COUNT: Panel = Panel {
    loinc: "58410-2",
    name: "CBC panel - Blood by Automated count",
    local: "CBC",
    section: "HM",
    analytes: &[16, 17, 18, 19],
};
pub(crate) const COAGULATION: Panel = Panel {
    loinc: "34528-0",
    name: "PT panel in Platelet poor plasma by Coagulation assay",
    local: "PTINR",
    section: "HM",
    analytes: &[20, 21],
};
pub(crate) const TROPONIN: Panel = Panel {
    loinc: "10839-9",
    name: "Troponin I.cardiac [Mass/volume] in Serum or Plasma",
    local: "TROPI",
    section: "CH",
    analytes: &[22],
};
pub(crate) const OXYGEN: Panel = Panel {
    loinc: "2708-6",
    name: "Oxygen saturation in Arterial blood",
    local: "SAO2",
    section: "BG",
    analytes: &[6],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_positions_hold_what_they_say() {
        assert_eq!(ANALYTES[WEIGHT].local, "WT");
        assert_eq!(ANALYTES[POTASSIUM].local, "K");
        assert_eq!(ANALYTES[CREATININE].local, "CREA");
        assert_eq!(ANALYTES[UREA_NITROGEN].local, "BUN");
        assert_eq!(ANALYTES[SYSTOLIC].local, "SBP");
        assert_eq!(ANALYTES[DIASTOLIC].local, "DBP");
        assert_eq!(ANALYTES[HEMOGLOBIN].local, "HGB");
        assert_eq!(ANALYTES[HEMATOCRIT].local, "HCT");
        assert_eq!(ANALYTES[PROTHROMBIN_TIME].local, "PT");
        assert_eq!(ANALYTES[INR].local, "INR");
    }

    #[test]
    fn every_loinc_code_has_a_right_check_digit() {
        let panels = [
            &VITALS,
            &CHEMISTRY,
            &BLOOD_COUNT,
            &COAGULATION,
            &TROPONIN,
            &OXYGEN,
        ];
        for code in ANALYTES
            .iter()
            .map(|a| a.loinc)
            .chain(panels.iter().map(|p| p.loinc))
        {
            let (number, check) = code.split_once('-').unwrap();
            // LOINC check digits are Mod 10 (Luhn) over the number.
            let sum: u32 = number
                .chars()
                .rev()
                .enumerate()
                .map(|(at, c)| {
                    let digit = c.to_digit(10).unwrap();
                    if at % 2 == 0 {
                        digit * 2 / 10 + digit * 2 % 10
                    } else {
                        digit
                    }
                })
                .sum();
            assert_eq!(((10 - sum % 10) % 10).to_string(), check, "{code}");
        }
    }
}
