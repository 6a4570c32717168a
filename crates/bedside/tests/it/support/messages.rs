//! Invented people and what an EHR says of them in HL7 v2. The names are rare on purpose: a search for them in bytes must
//! not find anything by chance.

/// Somebody who does not exist.
#[derive(Clone, Copy)]
pub(crate) struct Person {
    pub(crate) mrn: &'static str,
    pub(crate) family: &'static str,
    pub(crate) given: &'static str,
    /// `YYYYMMDD`.
    pub(crate) born: &'static str,
    pub(crate) sex: &'static str,
    pub(crate) ssn: &'static str,
    pub(crate) street: &'static str,
    pub(crate) phone: &'static str,
}

pub(crate) const QUILL: Person = Person {
    mrn: "7741903862",
    family: "Quillfeather",
    given: "Zebediah",
    born: "19371104",
    sex: "M",
    ssn: "541-22-9083",
    street: "4417 Vermilion Hollow",
    phone: "(312)555-0147",
};

pub(crate) const OKONKWO: Person = Person {
    mrn: "7741903975",
    family: "Okonkwo-Brandt",
    given: "Ngoziella",
    born: "19610823",
    sex: "F",
    ssn: "532-41-7716",
    street: "902 Thistledown Terrace",
    phone: "(312)555-0162",
};

pub(crate) const MUNOZ: Person = Person {
    mrn: "7741904118",
    family: "Muñozueta",
    given: "Anselmira",
    born: "19840229",
    sex: "F",
    ssn: "518-63-2290",
    street: "15 Larkspur Causeway",
    phone: "(312)555-0188",
};

/// All three.
pub(crate) const PEOPLE: [Person; 3] = [QUILL, OKONKWO, MUNOZ];

impl Person {
    /// What must not be found in clear anywhere.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let born = self.born;
        vec![
            self.mrn.to_owned(),
            self.family.to_owned(),
            self.given.to_owned(),
            born.to_owned(),
            format!("{}-{}-{}", &born[..4], &born[4..6], &born[6..]),
            self.ssn.to_owned(),
            self.ssn.replace('-', ""),
            self.street.to_owned(),
        ]
    }

    fn pid(&self) -> String {
        format!(
            "PID|1||{}^^^HARBOUR^MR||{}^{}||{}|{}|||{}^^Chicago^IL^60601||{}||||||{}",
            self.mrn,
            self.family,
            self.given,
            self.born,
            self.sex,
            self.street,
            self.phone,
            self.ssn
        )
    }
}

fn header(kind: &str, control_id: &str) -> String {
    format!(
        "MSH|^~\\&|EHR|HARBOUR|BEDSIDE|SITE|20260302081500-0600||{kind}|{control_id}|P|2.5.1|||||USA|UNICODE UTF-8"
    )
}

fn message(segments: &[String]) -> Vec<u8> {
    segments
        .iter()
        .flat_map(|segment| [segment.as_bytes(), b"\r"].concat())
        .collect()
}

/// ADT of any trigger about one stay: `ADT^A01`, `ADT^A08` …
pub(crate) fn adt(trigger: &str, control_id: &str, person: &Person) -> Vec<u8> {
    message(&[
        header(&format!("ADT^{trigger}^ADT_{trigger}"), control_id),
        format!("EVN|{trigger}|20260302081500-0600"),
        person.pid(),
        format!(
            "PV1|1|I|4W^401^A||||1122^Abernathy^Iolanthe|||||||||||V{}|||||||||||||||||||||||||20260302080000-0600",
            person.mrn
        ),
    ])
}

/// A result that is not the same twice: its filler number and value follow `n`.
pub(crate) fn oru(control_id: &str, person: &Person, n: u64) -> Vec<u8> {
    let minute = format!("20260302{:02}{:02}00-0600", 9 + n / 60 % 12, n % 60);
    let filler = format!("F{control_id}");
    message(&[
        header("ORU^R01^ORU_R01", control_id),
        person.pid(),
        format!(
            "OBR|1||{filler}^LAB|24321-2^Basic metabolic panel^LN|||{minute}|||||||||||||||{minute}||CH|F"
        ),
        format!(
            "OBX|1|NM|2823-3^Potassium^LN||{}.{}|mmol/L|3.5-5.1||||F|||{minute}",
            3 + n % 3,
            n % 10
        ),
    ])
}

/// A critical potassium, collected a moment ago and different each time.
pub(crate) fn critical(control_id: &str, person: &Person, n: u64) -> Vec<u8> {
    let value = format!("{}.{}", 6 + n % 2, 5 + n % 5);
    potassium(
        control_id,
        &format!("F{control_id}"),
        person,
        &just_now(),
        &value,
        "F",
    )
}

/// The present, as HL7 v2 writes it.
#[expect(
    clippy::disallowed_methods,
    reason = "the program under test lives in real time, and an old result is history"
)]
pub(crate) fn just_now() -> String {
    jiff::Timestamp::now()
        .strftime("%Y%m%d%H%M%S+0000")
        .to_string()
}

/// One potassium: `minute` is when it was collected, `status` is OBX-11.
pub(crate) fn potassium(
    control_id: &str,
    filler: &str,
    person: &Person,
    minute: &str,
    value: &str,
    status: &str,
) -> Vec<u8> {
    message(&[
        header("ORU^R01^ORU_R01", control_id),
        person.pid(),
        String::from("PV1|1|I|4W^12^A^HARBOUR||||1234^Ames^Ruth^^^Dr||||||||||||HV1"),
        format!(
            "OBR|1||{filler}^LAB|24321-2^Basic metabolic panel^LN|||{minute}|||||||||||||||{minute}||CH|{status}"
        ),
        format!("OBX|1|NM|2823-3^Potassium^LN||{value}|mmol/L|3.5-5.1|HH|||{status}|||{minute}"),
    ])
}

/// A merge into `person`: MRG names `prior`, unless there is none.
pub(crate) fn merge(control_id: &str, person: &Person, prior: Option<&str>) -> Vec<u8> {
    let mut segments = vec![
        header("ADT^A40^ADT_A39", control_id),
        String::from("EVN|A40|20260302101500-0600"),
        person.pid(),
    ];
    segments.extend(prior.map(|prior| format!("MRG|{prior}^^^HARBOUR^MR")));
    message(&segments)
}

/// A well-formed message of a type that is not mapped.
pub(crate) fn unmapped(control_id: &str, person: &Person) -> Vec<u8> {
    message(&[
        header("SIU^S12^SIU_S12", control_id),
        String::from("SCH|1|2||||^Check-up"),
        person.pid(),
    ])
}

/// A FHIR Patient.
pub(crate) fn fhir_patient(id: &str, person: &Person) -> String {
    let born = person.secrets()[4].clone();
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"system":"urn:oid:2.16.840.1.113883.19.5","value":"{}"}},{{"system":"http://hl7.org/fhir/sid/us-ssn","value":"{}"}}],"name":[{{"family":"{}","given":["{}"]}}],"birthDate":"{born}","address":[{{"line":["{}"],"city":"Chicago"}}]}}"#,
        person.mrn, person.ssn, person.family, person.given, person.street
    )
}

/// A FHIR Observation with a decimal that must keep its zeros and a field that nobody knows.
pub(crate) fn fhir_observation(id: &str, subject: &str, value: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"2823-3"}}]}},"subject":{{"reference":"Patient/{subject}"}},"effectiveDateTime":"2026-03-02T09:00:00-06:00","valueQuantity":{{"value":{value},"unit":"mmol/L"}},"unheardOf":{{"z":1.10,"a":[]}}}}"#
    )
}
