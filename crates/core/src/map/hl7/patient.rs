//! PID and PD1 into Patient (v2-to-FHIR `PID[Patient]`).
//!
//! Empty says nothing and `""` removes (HL7 v2.5.1 §2.5.3), at every field that is mapped here.

use std::collections::HashSet;

use bedside_fact::id::ResourceId;
use bedside_hl7::message::{Presence, Rep, Segment};
use serde_json::{Map, Value};

use super::code::concept;
use super::identifier::{Number, identifier, known, numbers, source_id};
use super::json::{list, object, word};
use super::person::{address, contact, human_name, staff};
use super::reader::Reader;
use crate::journal::LaneKey;
use crate::record::{Draft, Join};

/// A patient of the message.
pub(super) struct Subject {
    pub(super) key: LaneKey,
    pub(super) id: ResourceId,
}

/// What the list of identifiers is: all there are, or some of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    /// An ADT message states the whole list.
    Whole,
    /// A result or a merge names the patient by some of the numbers.
    Part,
}

/// Who the PID means by now. A number in `except` is not looked at: it names somebody else.
///
/// Any of the numbers that is known leads to the patient, so that their order in PID-3 does not make two of one. The others don't
/// lead there from now on: a number mistyped once would for ever. What shares a number is linked, which can be undone.
pub(super) fn subject(rd: &Reader<'_>, pid: &Segment<'_>, except: &[LaneKey]) -> Option<Subject> {
    let numbers: Vec<Number> = numbers(pid, rd.source())
        .into_iter()
        .filter(|number| !except.contains(&number.key))
        .collect();
    let first = numbers.first()?;
    let mut known: Vec<(u8, ResourceId)> = numbers
        .iter()
        .filter_map(|number| {
            let LaneKey { authority, value } = &number.key;
            Some((number.rank, (rd.ctx.patient_of)(authority, value)?))
        })
        .collect();
    known.sort_by(|a, b| (a.0, a.1.as_str()).cmp(&(b.0, b.1.as_str())));
    if known
        .iter()
        .any(|(_, id)| known.first().is_some_and(|(_, first)| first != id))
    {
        rd.note(pid, 3, "the numbers lead to more than one record");
    }
    let Some((_, id)) = known.into_iter().next() else {
        return Some(Subject {
            key: first.key.clone(),
            id: own(rd, &first.key),
        });
    };
    let leads = |number: &&Number| {
        let LaneKey { authority, value } = &number.key;
        (rd.ctx.patient_of)(authority, value).as_ref() == Some(&id)
    };
    let key = numbers
        .iter()
        .find(|number| own(rd, &number.key) == id)
        .or_else(|| numbers.iter().find(leads))
        .unwrap_or(first)
        .key
        .clone();
    Some(Subject { key, id })
}

/// The id of the record that this source itself keeps under the number.
pub(super) fn own(rd: &Reader<'_>, key: &LaneKey) -> ResourceId {
    rd.public("Patient", &source_id(key))
}

/// The Patient as the message states it.
pub(super) fn draft(
    rd: &Reader<'_>,
    pid: &Segment<'_>,
    pd1: Option<&Segment<'_>>,
    subject: &Subject,
    listing: Listing,
) -> Draft {
    let mut sheet = Sheet {
        rd,
        body: Map::new(),
        remove: Vec::new(),
    };
    sheet
        .body
        .insert(String::from("resourceType"), Value::from("Patient"));
    // Under another number than its own record's the list is not that record's whole list.
    let whole = listing == Listing::Whole && own(rd, &subject.key) == subject.id;
    sheet.identifiers(pid, whole);
    sheet.many(pid, 5, "name", human_name);
    sheet.aliases(pid);
    sheet.telecoms(pid);
    sheet.gender(pid);
    sheet.birth(pid);
    sheet.deceased(pid);
    sheet.many(pid, 11, "address", address);
    sheet.marital(pid);
    sheet.multiple_birth(pid);
    sheet.language(pid);
    if let Some(pd1) = pd1 {
        let source = rd.source();
        sheet.many(pd1, 4, "generalPractitioner", |rep| staff(rep, source));
    }
    sheet.put("active", Some(Value::Bool(true)));
    Draft {
        resource_type: String::from("Patient"),
        source_id: source_id(&subject.key),
        id: subject.id.clone(),
        patient: Some(subject.id.clone()),
        body: Value::Object(sheet.body),
        text: None,
        join: Join::Overlay {
            remove: sheet.remove,
            // A record that a merge made inactive is not revived by a later message.
            initial: vec![String::from("active")],
        },
        when: None,
        source_time: rd.source_time(None),
    }
}

struct Sheet<'a> {
    rd: &'a Reader<'a>,
    body: Map<String, Value>,
    remove: Vec<String>,
}

impl Sheet<'_> {
    fn put(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.body.insert(name.to_owned(), value);
        }
    }

    fn gone(&mut self, name: &str) {
        self.remove.push(name.to_owned());
    }

    /// A repeating field that fills a member alone.
    fn many(
        &mut self,
        segment: &Segment<'_>,
        field: usize,
        name: &str,
        map: impl Fn(&Rep<'_>) -> Option<Value>,
    ) {
        match segment.field(field).presence() {
            Presence::Absent => {}
            Presence::Null => self.gone(name),
            Presence::Value => {
                let values: Vec<Value> = segment
                    .field(field)
                    .reps()
                    .filter_map(|rep| map(&rep))
                    .collect();
                if values.is_empty() && removal(segment, field) {
                    self.gone(name);
                }
                self.put(name, list(values));
            }
        }
    }

    fn identifiers(&mut self, pid: &Segment<'_>, whole: bool) {
        let source = self.rd.source();
        let mut identifiers: Vec<Value> = [3, 2, 4]
            .into_iter()
            .flat_map(|field| {
                pid.field(field)
                    .reps()
                    .filter_map(|rep| identifier(&rep, source))
                    .collect::<Vec<_>>()
            })
            .collect();
        if whole && pid.field(3).presence() == Presence::Value {
            self.gone("identifier[listed]");
        }
        match pid.field(19).presence() {
            Presence::Absent => {}
            Presence::Null => self.gone("identifier[us-ssn]"),
            Presence::Value => {
                let number = pid
                    .field(19)
                    .component(1)
                    .text()
                    .map(|text| text.replace('-', ""));
                self.gone("identifier[us-ssn]");
                identifiers.extend(known("http://hl7.org/fhir/sid/us-ssn", "SS", number));
            }
        }
        let mut seen = HashSet::new();
        let part = |identifier: &Value, name: &str| {
            identifier
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        identifiers.retain(|identifier| {
            seen.insert((part(identifier, "system"), part(identifier, "value")))
        });
        self.put("identifier", list(identifiers));
    }

    /// PID-9, other names, is withdrawn since v2.4 and still sent; without PID-5 there is nothing to add it to.
    fn aliases(&mut self, pid: &Segment<'_>) {
        let others: Vec<Value> = pid
            .field(9)
            .reps()
            .filter_map(|rep| human_name(&rep))
            .collect();
        if let Some(Value::Array(names)) = self.body.get_mut("name") {
            names.extend(others);
            let mut seen = HashSet::new();
            names.retain(|name| seen.insert(name.to_string()));
        }
    }

    /// PID-13, PID-14 and PID-40 fill one list. Each says something about its own part of it only.
    fn telecoms(&mut self, pid: &Segment<'_>) {
        let mut telecoms = Vec::new();
        for (field, work, part) in [
            (13, false, "telecom[home]"),
            (14, true, "telecom[work]"),
            (40, false, "telecom[home]"),
        ] {
            if pid.field(field).presence() == Presence::Absent {
                continue;
            }
            self.gone(part);
            telecoms.extend(
                pid.field(field)
                    .reps()
                    .filter_map(|rep| contact(&rep, work)),
            );
        }
        let mut seen = HashSet::new();
        telecoms.retain(|telecom: &Value| seen.insert(telecom.to_string()));
        self.put("telecom", list(telecoms));
    }

    fn gender(&mut self, pid: &Segment<'_>) {
        match pid.field(8).presence() {
            Presence::Absent => {}
            Presence::Null => self.gone("gender"),
            Presence::Value => {
                let code = pid
                    .field(8)
                    .component(1)
                    .text()
                    .unwrap_or_default()
                    .trim()
                    .to_uppercase();
                let gender = match code.as_str() {
                    "F" => "female",
                    "M" => "male",
                    "O" | "A" | "N" => "other",
                    "U" => "unknown",
                    _ => {
                        self.rd.note(pid, 8, "not in table 0001");
                        "unknown"
                    }
                };
                self.put("gender", word(gender));
            }
        }
    }

    fn birth(&mut self, pid: &Segment<'_>) {
        match pid.field(7).presence() {
            Presence::Absent => {}
            Presence::Null => {
                self.gone("birthDate");
                self.gone("_birthDate");
            }
            Presence::Value => {
                let date = self.rd.date(pid, 7);
                let time = self.rd.instant(pid, 7);
                // Midnight in a birth date is how systems without a time of birth fill the field.
                let midnight = |time: &String| time.contains("T00:00:00");
                if date.is_some() {
                    self.gone("_birthDate");
                }
                let born = time.filter(|time| !midnight(time)).and_then(|time| {
                    object([
                        (
                            "url",
                            word("http://hl7.org/fhir/StructureDefinition/patient-birthTime"),
                        ),
                        ("valueDateTime", word(&time)),
                    ])
                });
                self.put("birthDate", date.map(Value::String));
                self.put(
                    "_birthDate",
                    born.and_then(|born| object([("extension", list(vec![born]))])),
                );
            }
        }
    }

    /// PID-29 says when, PID-30 whether.
    fn deceased(&mut self, pid: &Segment<'_>) {
        let indicator = pid
            .field(30)
            .component(1)
            .text()
            .unwrap_or_default()
            .trim()
            .to_uppercase();
        let time = self.rd.time(pid, 29);
        if pid.field(29).presence() == Presence::Null {
            self.gone("deceasedDateTime");
        }
        if pid.field(30).presence() == Presence::Null {
            self.gone("deceasedBoolean");
        }
        match (time, indicator.as_str()) {
            (Some(time), indicator) => {
                // A time of death beside "not dead" is shown as a death: the error that hides nothing.
                if indicator == "N" {
                    self.rd.note(pid, 30, "contradicts PID-29");
                }
                self.gone("deceasedBoolean");
                self.put("deceasedDateTime", Some(Value::String(time)));
            }
            // A death already known with its time is not made vaguer by a bare "yes": the record sees to that.
            (None, "Y") => self.put("deceasedBoolean", Some(Value::Bool(true))),
            (None, "N") => {
                self.gone("deceasedDateTime");
                self.put("deceasedBoolean", Some(Value::Bool(false)));
            }
            (None, "") => {}
            (None, _) => self.rd.note(pid, 30, "not in table 0136"),
        }
    }

    fn marital(&mut self, pid: &Segment<'_>) {
        match pid.field(16).presence() {
            Presence::Absent => {}
            Presence::Null => self.gone("maritalStatus"),
            Presence::Value => self.put(
                "maritalStatus",
                concept(&pid.field(16).rep(1), Some("0002"), self.rd.source()),
            ),
        }
    }

    fn multiple_birth(&mut self, pid: &Segment<'_>) {
        let order = pid
            .field(25)
            .component(1)
            .text()
            .and_then(|text| text.trim().parse::<u32>().ok());
        let indicator = pid
            .field(24)
            .component(1)
            .text()
            .unwrap_or_default()
            .trim()
            .to_uppercase();
        let said = match (indicator.as_str(), order.filter(|&order| order > 0)) {
            ("Y" | "", Some(order)) => Some(("multipleBirthInteger", Value::from(order))),
            ("Y", None) => Some(("multipleBirthBoolean", Value::Bool(true))),
            ("N", _) => Some(("multipleBirthBoolean", Value::Bool(false))),
            _ => None,
        };
        if said.is_some() || pid.field(24).presence() == Presence::Null {
            self.gone("multipleBirthInteger");
            self.gone("multipleBirthBoolean");
        }
        if let Some((name, value)) = said {
            self.put(name, Some(value));
        }
    }

    fn language(&mut self, pid: &Segment<'_>) {
        match pid.field(15).presence() {
            Presence::Absent => {}
            Presence::Null => self.gone("communication"),
            Presence::Value => {
                let language = concept(&pid.field(15).rep(1), Some("0296"), self.rd.source());
                let one = language.and_then(|language| {
                    object([
                        ("language", Some(language)),
                        ("preferred", Some(Value::Bool(true))),
                    ])
                });
                self.put("communication", one.map(|one| Value::Array(vec![one])));
            }
        }
    }
}

/// The repetitions that were sent say "remove" and nothing else.
fn removal(segment: &Segment<'_>, field: usize) -> bool {
    segment.field(field).reps().all(|rep| {
        rep.presence() == Presence::Null
            || (1..=rep.component_count()).all(|n| rep.component(n).presence() != Presence::Value)
    })
}
