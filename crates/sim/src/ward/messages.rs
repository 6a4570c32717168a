//! The ward's messages as HL7 v2.5.1 text: header, patient, visit, allergies, diagnoses, orders, results.
//!
//! A [`Writer`] holds what every message of one moment shares. It decides nothing about what happens; that is
//! `stays` and `laboratory`. The characters and numbers of fields are in `text`.

use jiff::Timestamp;

use super::analytes::{ANALYTES, Panel};
use super::hospital::Options;
use super::patient::{Allergies, Patient, Physician, REGIONAL_HD, Visit};
use super::person::{Address, Person};
use super::physiology::Measured;
use super::text::{self, Segment};

/// Where below the hospital's OID the systems of its numbers lie: records, orders placed and orders filled.
pub(crate) const RECORDS: &str = "5.737384.0";
pub(crate) const PLACERS: &str = "2.798267";
pub(crate) const FILLERS: &str = "2.695071";

/// Which message: code, trigger, structure (HL7 v2.5.1 table 0354) and the application that sends it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) code: &'static str,
    pub(crate) trigger: &'static str,
    pub(crate) structure: &'static str,
    pub(crate) application: &'static str,
}

/// A registration message.
pub(crate) const fn adt(trigger: &'static str, structure: &'static str) -> Kind {
    Kind {
        code: "ADT",
        trigger,
        structure,
        application: "ADT",
    }
}

pub(crate) const RESULT: Kind = Kind {
    code: "ORU",
    trigger: "R01",
    structure: "ORU_R01",
    application: "LAB",
};
pub(crate) const CHARTING: Kind = Kind {
    code: "ORU",
    trigger: "R01",
    structure: "ORU_R01",
    application: "NURSING",
};
pub(crate) const ORDER: Kind = Kind {
    code: "ORM",
    trigger: "O01",
    structure: "ORM_O01",
    application: "CPOE",
};
pub(crate) const LAB_ORDER: Kind = Kind {
    code: "OML",
    trigger: "O21",
    structure: "OML_O21",
    application: "CPOE",
};
pub(crate) const DRUG_ORDER: Kind = Kind {
    code: "RDE",
    trigger: "O11",
    structure: "RDE_O11",
    application: "CPOE",
};

/// The two numbers of an order: who placed it and who fills it.
#[derive(Debug, Clone)]
pub(crate) struct OrderNumbers {
    /// Empty when nobody placed an order, as with vital signs.
    pub(crate) placer: String,
    pub(crate) filler: String,
    /// The department whose number the filler's is.
    pub(crate) department: &'static str,
}

/// What a report says beside its values.
#[derive(Debug, Clone)]
pub(crate) struct Report<'a> {
    pub(crate) numbers: &'a OrderNumbers,
    pub(crate) panel: &'static Panel,
    pub(crate) collected: Timestamp,
    /// HL7 table 0123.
    pub(crate) status: &'static str,
    /// Each value with its HL7 table 0085 status and a remark.
    pub(crate) values: Vec<(&'a Measured, &'static str, String)>,
    /// The laboratory's clock has no offset.
    pub(crate) bare_times: bool,
    pub(crate) stat: bool,
}

/// Writes messages of one moment.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) options: &'a Options,
    pub(crate) now: Timestamp,
    pub(crate) physicians: &'a [Physician],
    pub(crate) out: String,
}

impl Writer<'_> {
    pub(crate) fn header(&mut self, kind: Kind, control_id: &str) {
        Segment::msh()
            .text(3, kind.application)
            .text(4, &self.options.facility)
            .text(5, "BEDSIDE")
            .text(6, &self.options.facility)
            .raw(7, text::second(self.now, &self.options.zone))
            .components(9, &[kind.code, kind.trigger, kind.structure])
            .text(10, control_id)
            .raw(11, "P")
            .raw(12, "2.5.1")
            .raw(18, "UNICODE UTF-8")
            .write(&mut self.out);
    }

    /// EVN: when it was recorded and when it happened.
    pub(crate) fn event(&mut self, trigger: &str, occurred: Timestamp) {
        Segment::new("EVN")
            .raw(1, trigger)
            .raw(2, text::second(self.now, &self.options.zone))
            .raw(6, text::second(occurred, &self.options.zone))
            .write(&mut self.out);
    }

    /// PID with everything that is known.
    pub(crate) fn patient(&mut self, patient: &Patient) {
        let person = &patient.person;
        let twin = person
            .birth_order
            .map(|order| order.to_string())
            .unwrap_or_default();
        let death = if patient.died {
            patient.visit.discharged
        } else {
            None
        };
        self.patient_start(patient)
            .raw(7, text::day(person.born))
            .raw(8, person.sex)
            .components(10, &[person.race.0, person.race.1, "CDCREC"])
            .raw(11, address(&person.address))
            .raw(13, person.phone.as_ref().map(phone).unwrap_or_default())
            .components(15, &[person.language.0, person.language.1, "ISO639"])
            .raw(16, person.marital)
            .raw(18, self.account(&patient.visit))
            .text(19, person.ssn.as_deref().unwrap_or_default())
            .raw(24, if twin.is_empty() { "" } else { "Y" })
            .raw(25, twin)
            .raw(
                29,
                death
                    .map(|at| text::minute(at, &self.options.zone))
                    .unwrap_or_default(),
            )
            .raw(30, if patient.died { "Y" } else { "" })
            .write(&mut self.out);
    }

    /// PID with the number and the name alone, as results and orders carry it.
    pub(crate) fn patient_brief(&mut self, patient: &Patient) {
        self.patient_start(patient)
            .raw(7, text::day(patient.person.born))
            .raw(8, patient.person.sex)
            .raw(18, self.account(&patient.visit))
            .write(&mut self.out);
    }

    /// PID that says one thing: the fields left empty mean no change (HL7 v2.5.1 §2.5.3).
    pub(crate) fn patient_change(&mut self, patient: &Patient, field: usize, encoded: String) {
        self.patient_start(patient)
            .raw(field, encoded)
            .write(&mut self.out);
    }

    fn patient_start(&self, patient: &Patient) -> Segment {
        Segment::new("PID")
            .raw(1, "1")
            .raw(3, self.patient_numbers(patient))
            .raw(5, name(&patient.person))
    }

    /// The record number, and behind it the number of the region's exchange.
    fn patient_numbers(&self, patient: &Patient) -> String {
        let own = self.record_number(&patient.mrn);
        match &patient.regional {
            Some(number) => format!("{own}~{}^^^{REGIONAL_HD}^PI", text::escape(number)),
            None => own,
        }
    }

    /// MRG: the record that goes.
    pub(crate) fn merged(&mut self, gone: &Patient) {
        Segment::new("MRG")
            .raw(1, self.record_number(&gone.mrn))
            .raw(7, name(&gone.person))
            .write(&mut self.out);
    }

    /// PV1; `prior` is the place the patient comes from.
    pub(crate) fn visit(&mut self, visit: &Visit, prior: Option<&super::patient::Location>) {
        let zone = &self.options.zone;
        let (admission, source, service) = match visit.class {
            super::patient::Class::Inpatient => ("U", "7", "MED"),
            super::patient::Class::Outpatient => ("R", "1", "INF"),
            super::patient::Class::Emergency => ("E", "7", "EM"),
        };
        Segment::new("PV1")
            .raw(1, "1")
            .raw(2, visit.class.code())
            .raw(3, self.place(&visit.location))
            .raw(4, admission)
            .raw(6, prior.map(|place| self.place(place)).unwrap_or_default())
            .raw(7, self.physician(visit.attending))
            .raw(10, service)
            .raw(14, source)
            .components(
                19,
                &[&visit_number(visit), "", "", &self.options.authority, "VN"],
            )
            .raw(
                36,
                if visit.discharged.is_some() {
                    visit.disposition
                } else {
                    ""
                },
            )
            .raw(44, text::minute(visit.admitted, zone))
            .raw(
                45,
                visit
                    .discharged
                    .map(|at| text::minute(at, zone))
                    .unwrap_or_default(),
            )
            .write(&mut self.out);
    }

    /// AL1, one for each allergy; one that says none is known; or no segment when nobody asked.
    pub(crate) fn allergies(&mut self, patient: &Patient) {
        match &patient.allergies {
            Allergies::NotAsked => {}
            Allergies::NoneKnown => {
                Segment::new("AL1")
                    .raw(1, "1")
                    .components(3, &["716186003", "No known allergy", "SCT"])
                    .write(&mut self.out);
            }
            Allergies::Known(list) => {
                for (position, allergen) in list.iter().enumerate() {
                    Segment::new("AL1")
                        .raw(1, position.saturating_add(1).to_string())
                        .raw(2, allergen.kind)
                        .components(3, &[allergen.code, allergen.text, allergen.system])
                        .raw(4, allergen.severity)
                        .text(5, allergen.reaction)
                        .write(&mut self.out);
                }
            }
        }
    }

    /// DG1: the first is the admitting diagnosis, the others are working ones.
    pub(crate) fn diagnoses(&mut self, patient: &Patient) {
        for (position, (code, words)) in patient.diagnoses.iter().enumerate() {
            Segment::new("DG1")
                .raw(1, position.saturating_add(1).to_string())
                .components(3, &[code, words, "I10C"])
                .raw(5, text::minute(patient.visit.admitted, &self.options.zone))
                .raw(6, if position == 0 { "A" } else { "W" })
                .write(&mut self.out);
        }
    }

    /// ORC for an order control code of HL7 table 0119.
    pub(crate) fn common_order(&mut self, control: &str, numbers: &OrderNumbers, attending: usize) {
        Segment::new("ORC")
            .raw(1, control)
            .raw(2, self.placer(&numbers.placer))
            .raw(3, self.filler(numbers))
            .raw(9, text::second(self.now, &self.options.zone))
            .raw(12, self.physician(attending))
            .write(&mut self.out);
    }

    /// OBR of an order that has no result yet.
    pub(crate) fn request(&mut self, numbers: &OrderNumbers, service: &[&str], attending: usize) {
        Segment::new("OBR")
            .raw(1, "1")
            .raw(2, self.placer(&numbers.placer))
            .components(4, service)
            .raw(6, text::minute(self.now, &self.options.zone))
            .raw(16, self.physician(attending))
            .write(&mut self.out);
    }

    /// RXE, TQ1 and RXR of an order to the pharmacy.
    pub(crate) fn drug(&mut self, drug: (&str, &str, &str, &str, &str, &str)) {
        let (code, words, amount, unit, route, pattern) = drug;
        Segment::new("RXE")
            .components(2, &[code, words, "RXNORM"])
            .raw(3, amount)
            .raw(5, unit)
            .write(&mut self.out);
        Segment::new("TQ1")
            .raw(1, "1")
            .raw(3, pattern)
            .raw(7, text::minute(self.now, &self.options.zone))
            .write(&mut self.out);
        Segment::new("RXR")
            .components(1, &[route, "", "HL70162"])
            .write(&mut self.out);
    }

    /// OBR, then OBX for each value, each with its remark behind it.
    pub(crate) fn report(&mut self, report: &Report<'_>, attending: usize) {
        let zone = &self.options.zone;
        let observed = if report.bare_times {
            text::minute_bare(report.collected, zone)
        } else {
            text::minute(report.collected, zone)
        };
        let panel = report.panel;
        Segment::new("OBR")
            .raw(1, "1")
            .raw(2, self.placer(&report.numbers.placer))
            .raw(3, self.filler(report.numbers))
            .components(
                4,
                &[panel.loinc, panel.name, "LN", panel.local, panel.name, "L"],
            )
            .raw(5, if report.stat { "S" } else { "R" })
            .raw(7, observed.clone())
            .raw(16, self.physician(attending))
            .raw(22, text::second(self.now, zone))
            .raw(24, panel.section)
            .raw(25, report.status)
            .write(&mut self.out);
        for (position, (measured, status, remark)) in report.values.iter().enumerate() {
            let analyte = &ANALYTES[measured.analyte];
            Segment::new("OBX")
                .raw(1, position.saturating_add(1).to_string())
                .raw(2, "NM")
                .components(
                    3,
                    &[
                        analyte.loinc,
                        analyte.name,
                        "LN",
                        analyte.local,
                        analyte.name,
                        "L",
                    ],
                )
                .raw(5, measured.text())
                .components(6, &[analyte.unit, "", "UCUM"])
                .raw(7, measured.range())
                .raw(8, measured.flag())
                .raw(11, *status)
                .raw(14, observed.clone())
                .raw(19, text::second(self.now, zone))
                .write(&mut self.out);
            if !remark.is_empty() {
                Segment::new("NTE")
                    .raw(1, "1")
                    .raw(2, "L")
                    .text(3, remark)
                    .write(&mut self.out);
            }
        }
    }

    fn record_number(&self, mrn: &str) -> String {
        match &self.options.arc {
            Some(arc) => {
                let authority = text::escape(&self.options.authority);
                format!("{}^^^{authority}&{arc}.{RECORDS}&ISO^MR", text::escape(mrn))
            }
            None => text::composite(&[mrn, "", "", &self.options.authority, "MR"]),
        }
    }

    fn account(&self, visit: &Visit) -> String {
        text::composite(&[
            &format!("A{:08}", visit.serial),
            "",
            "",
            &self.options.authority,
            "AN",
        ])
    }

    fn place(&self, location: &super::patient::Location) -> String {
        let (unit, room, bed) = location.names();
        text::composite(&[&unit, &room, &bed, &self.options.facility])
    }

    fn physician(&self, position: usize) -> String {
        self.physicians
            .get(position)
            .map_or_else(String::new, |doctor| {
                text::composite(&[
                    &doctor.number,
                    &doctor.family,
                    &doctor.given,
                    "",
                    "",
                    "Dr",
                    "",
                    "",
                    &self.options.authority,
                ])
            })
    }

    fn placer(&self, number: &str) -> String {
        self.order_number(number, "CPOE", PLACERS)
    }

    fn filler(&self, numbers: &OrderNumbers) -> String {
        self.order_number(&numbers.filler, numbers.department, FILLERS)
    }

    /// EI: the number, the department and, where the hospital has one, the OID of its numbers.
    fn order_number(&self, number: &str, department: &str, system: &str) -> String {
        if number.is_empty() {
            return String::new();
        }
        let namespace = format!("{}-{department}", self.options.authority);
        match &self.options.arc {
            Some(arc) => text::composite(&[number, &namespace, &format!("{arc}.{system}"), "ISO"]),
            None => text::composite(&[number, &namespace]),
        }
    }
}

/// XPN, the legal name.
pub(crate) fn name(person: &Person) -> String {
    text::composite(&[
        &person.family,
        &person.given,
        &person.middle,
        person.suffix,
        "",
        "",
        "L",
    ])
}

/// XAD, home.
pub(crate) fn address(address: &Address) -> String {
    text::composite(&[
        &address.street,
        "",
        address.city,
        address.state,
        &address.postal,
        "USA",
        "H",
    ])
}

/// XTN, in the old form and in parts, as most systems send it.
pub(crate) fn phone((area, local): &(String, String)) -> String {
    let (exchange, line) = local.split_at_checked(3).unwrap_or((local, ""));
    text::composite(&[
        &format!("({area}){exchange}-{line}"),
        "PRN",
        "PH",
        "",
        "1",
        area,
        local,
    ])
}

fn visit_number(visit: &Visit) -> String {
    format!("V{:08}", visit.serial)
}
