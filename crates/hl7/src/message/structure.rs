//! The message structure that belongs to a message code and a trigger event (HL7 table 0354).

/// Derives the structure. The trigger decides; what MSH-9.3 says counts only for events the table does not have.
pub(crate) fn derive(code: &str, trigger: &str, sent: &str) -> String {
    if let Some(known) = lookup(code, trigger) {
        return known.to_owned();
    }
    match (code, trigger, sent) {
        (_, _, sent) if !sent.is_empty() => sent.to_owned(),
        ("ACK", _, _) => "ACK".to_owned(),
        (code, trigger, _) if !code.is_empty() && !trigger.is_empty() => {
            format!("{code}_{trigger}")
        }
        _ => String::new(),
    }
}

/// Whether the table has the event.
pub(crate) fn is_mapped(code: &str, trigger: &str) -> bool {
    lookup(code, trigger).is_some()
}

fn lookup(code: &str, trigger: &str) -> Option<&'static str> {
    TABLE
        .iter()
        .find(|(of, events, _)| *of == code && events.split(' ').any(|event| event == trigger))
        .map(|row| row.2)
}

/// Message code, the events that share a structure, the structure.
const TABLE: &[(&str, &str, &str)] = &[
    ("ADR", "A19", "ADR_A19"),
    ("ADT", "A01 A04 A08 A13", "ADT_A01"),
    ("ADT", "A02", "ADT_A02"),
    ("ADT", "A03", "ADT_A03"),
    ("ADT", "A05 A14 A28 A31", "ADT_A05"),
    ("ADT", "A06 A07", "ADT_A06"),
    ("ADT", "A09 A10 A11", "ADT_A09"),
    ("ADT", "A12", "ADT_A12"),
    ("ADT", "A15", "ADT_A15"),
    ("ADT", "A16", "ADT_A16"),
    ("ADT", "A17", "ADT_A17"),
    ("ADT", "A18", "ADT_A18"),
    ("ADT", "A20", "ADT_A20"),
    ("ADT", "A21 A22 A23 A25 A26 A27 A29 A32 A33", "ADT_A21"),
    ("ADT", "A24", "ADT_A24"),
    ("ADT", "A30 A34 A35 A36 A46 A47 A48 A49", "ADT_A30"),
    ("ADT", "A37", "ADT_A37"),
    ("ADT", "A38", "ADT_A38"),
    ("ADT", "A39 A40 A41 A42", "ADT_A39"),
    ("ADT", "A43 A44", "ADT_A43"),
    ("ADT", "A45", "ADT_A45"),
    ("ADT", "A50 A51", "ADT_A50"),
    ("ADT", "A52 A53", "ADT_A52"),
    ("ADT", "A54 A55", "ADT_A54"),
    ("ADT", "A60", "ADT_A60"),
    ("ADT", "A61 A62", "ADT_A61"),
    ("BAR", "P01", "BAR_P01"),
    ("BAR", "P02", "BAR_P02"),
    ("BAR", "P05", "BAR_P05"),
    ("BAR", "P06", "BAR_P06"),
    ("BAR", "P10", "BAR_P10"),
    ("BAR", "P12", "BAR_P12"),
    ("BPS", "O29", "BPS_O29"),
    ("BTS", "O31", "BTS_O31"),
    ("CRM", "C01 C02 C03 C04 C05 C06 C07 C08", "CRM_C01"),
    ("CSU", "C09 C10 C11 C12", "CSU_C09"),
    ("DFT", "P03", "DFT_P03"),
    ("DFT", "P11", "DFT_P11"),
    ("MDM", "T01 T03 T05 T07 T09 T11", "MDM_T01"),
    ("MDM", "T02 T04 T06 T08 T10", "MDM_T02"),
    ("MFN", "M02", "MFN_M02"),
    ("MFN", "M05", "MFN_M05"),
    ("OMG", "O19", "OMG_O19"),
    ("OML", "O21", "OML_O21"),
    ("OML", "O33", "OML_O33"),
    ("OML", "O35", "OML_O35"),
    ("OMP", "O09", "OMP_O09"),
    ("ORL", "O22", "ORL_O22"),
    ("ORM", "O01", "ORM_O01"),
    ("ORR", "O02", "ORR_O02"),
    ("ORU", "R01", "ORU_R01"),
    ("ORU", "R30 R31 R32", "ORU_R30"),
    ("OUL", "R21", "OUL_R21"),
    ("OUL", "R22", "OUL_R22"),
    ("OUL", "R23", "OUL_R23"),
    ("OUL", "R24", "OUL_R24"),
    ("PEX", "P07 P08", "PEX_P07"),
    ("PGL", "PC6 PC7 PC8", "PGL_PC6"),
    ("PMU", "B01 B02", "PMU_B01"),
    ("PPG", "PCG PCH PCJ", "PPG_PCG"),
    ("PPP", "PCB PCC PCD", "PPP_PCB"),
    ("PPR", "PC1 PC2 PC3", "PPR_PC1"),
    ("QRY", "A19", "QRY_A19"),
    ("RAS", "O17", "RAS_O17"),
    ("RDE", "O11 O25", "RDE_O11"),
    ("RDS", "O13", "RDS_O13"),
    ("REF", "I12 I13 I14 I15", "REF_I12"),
    ("RGV", "O15", "RGV_O15"),
    ("RPA", "I08 I09 I10 I11", "RPA_I08"),
    ("RQA", "I08 I09 I10 I11", "RQA_I08"),
    ("RRI", "I12 I13 I14 I15", "RRI_I12"),
    (
        "SIU",
        "S12 S13 S14 S15 S16 S17 S18 S19 S20 S21 S22 S23 S24 S26 S27",
        "SIU_S12",
    ),
    (
        "SRM",
        "S01 S02 S03 S04 S05 S06 S07 S08 S09 S10 S11",
        "SRM_S01",
    ),
    (
        "SRR",
        "S01 S02 S03 S04 S05 S06 S07 S08 S09 S10 S11",
        "SRR_S01",
    ),
    ("VXQ", "V01", "VXQ_V01"),
    ("VXR", "V03", "VXR_V03"),
    ("VXU", "V04", "VXU_V04"),
    ("VXX", "V02", "VXX_V02"),
];
