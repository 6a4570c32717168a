//! PV1 into Encounter (v2-to-FHIR `PV1[Encounter]`), and what each ADT trigger does to it.
//!
//! An admission, a discharge and their cancels set the status; every other message leaves it as it is.

use bedside_fact::id::ResourceId;
use bedside_hl7::message::{Presence, Segment};
use serde_json::{Map, Value};

use super::code::{concept, v2_table};
use super::identifier::{identifier, key, source_id};
use super::json::{clean, coding, list, members, object, one, reference, text, word};
use super::person::staff;
use super::reader::Reader;
use crate::record::{Draft, Join};

/// What a message does to the visit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A01, A04.
    Admit,
    /// A02.
    Transfer,
    /// A03.
    Discharge,
    /// A08.
    Update,
    /// A11.
    CancelAdmit,
    /// A13.
    CancelDischarge,
    /// ORU and others name the visit only.
    Mention,
}

/// The Encounter as the message states it; none when nothing says which visit it is.
pub(super) fn draft(
    rd: &Reader<'_>,
    step: Step,
    pv1: &Segment<'_>,
    patient: &ResourceId,
) -> Option<Draft> {
    let evn = rd.msg.segment("EVN");
    let happened = evn.and_then(|evn| rd.time(&evn, 6).or_else(|| rd.time(&evn, 2)));
    let admitted = rd.time(pv1, 44);
    let source_id = visit(
        rd,
        step,
        pv1,
        patient,
        admitted.as_deref().or(happened.as_deref()),
    )?;
    let mut sheet = Sheet {
        rd,
        pv1,
        body: Map::new(),
        remove: Vec::new(),
        initial: Vec::new(),
    };
    sheet
        .body
        .insert(String::from("resourceType"), Value::from("Encounter"));
    sheet.put("identifier", identifiers(rd, pv1));
    let ended = rd.time(pv1, 45);
    sheet.status(step, ended.is_some());
    sheet.class();
    sheet.coded(4, "type", "0007", true);
    sheet.coded(10, "serviceType", "0069", false);
    sheet.put("subject", reference("Patient", patient));
    sheet.participants();
    let start = admitted.or_else(|| (step == Step::Admit).then(|| happened.clone()).flatten());
    // The discharge has its own field, else it happened when the event did (EVN-6, EVN-2): never when we heard of it.
    let end = match step {
        Step::Discharge => {
            let end = ended.or_else(|| happened.clone());
            if end.is_none() {
                rd.note(pv1, 45, "no time of discharge");
            }
            end
        }
        Step::Admit | Step::CancelDischarge => {
            sheet.remove.push(String::from("period.end"));
            ended
        }
        Step::Transfer | Step::Update | Step::CancelAdmit | Step::Mention => {
            if pv1.field(45).presence() == Presence::Null {
                sheet.remove.push(String::from("period.end"));
            }
            ended
        }
    };
    sheet.put(
        "period",
        object([("start", text(start.clone())), ("end", text(end.clone()))]),
    );
    sheet.hospitalization(step);
    sheet.locations(step, happened.as_deref(), start.as_deref(), end.as_deref());
    if step == Step::Mention {
        // A result names the visit as its laboratory knew it; what registration said stands.
        sheet.initial = sheet
            .body
            .keys()
            .filter(|name| *name != "resourceType")
            .cloned()
            .collect();
        sheet.remove.clear();
    }
    let when = start.or(end).and_then(|time| rd.span(&time));
    Some(Draft {
        resource_type: String::from("Encounter"),
        id: rd.public("Encounter", &source_id),
        source_id,
        patient: Some(patient.clone()),
        body: Value::Object(sheet.body),
        text: None,
        join: Join::Overlay {
            remove: sheet.remove,
            initial: sheet.initial,
        },
        when,
        source_time: rd.source_time(happened.as_deref()),
    })
}

/// What the visit is called: its number, else the patient and the time of admission.
fn visit(
    rd: &Reader<'_>,
    step: Step,
    pv1: &Segment<'_>,
    patient: &ResourceId,
    admitted: Option<&str>,
) -> Option<String> {
    let number = pv1.field(19).rep(1);
    if number.component(1).presence() == Presence::Value {
        return Some(source_id(&key(&number, rd.source())));
    }
    let known = pv1.field(44).presence() == Presence::Value || step == Step::Admit;
    match admitted.filter(|_| known) {
        Some(time) => Some(format!("{patient}\u{1f}{time}")),
        None => {
            if step != Step::Mention {
                rd.note(
                    pv1,
                    19,
                    "no visit number and no time of admission: the visit is not recorded",
                );
            }
            None
        }
    }
}

fn identifiers(rd: &Reader<'_>, pv1: &Segment<'_>) -> Option<Value> {
    let numbers = [19, 50].into_iter().filter_map(|field| {
        let mut map = members(identifier(&pv1.field(field).rep(1), rd.source()));
        if map.is_empty() {
            return None;
        }
        let kind = object([("coding", one(coding(&v2_table("0203"), "VN", None)))]);
        if field == 19
            && let Some(kind) = kind
        {
            map.insert(String::from("type"), kind);
        }
        Some(Value::Object(map))
    });
    list(numbers.collect())
}

struct Sheet<'a> {
    rd: &'a Reader<'a>,
    pv1: &'a Segment<'a>,
    body: Map<String, Value>,
    remove: Vec<String>,
    initial: Vec<String>,
}

impl Sheet<'_> {
    fn put(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.body.insert(name.to_owned(), value);
        }
    }

    fn status(&mut self, step: Step, ended: bool) {
        let planned = self
            .pv1
            .field(2)
            .component(1)
            .text()
            .is_some_and(|class| class.trim() == "P");
        let status = match step {
            Step::Admit if ended => "finished",
            Step::Admit if planned => "planned",
            Step::Admit | Step::CancelDischarge => "in-progress",
            Step::Discharge => "finished",
            Step::CancelAdmit => "cancelled",
            // The guide derives the status from the class or a discharge time; an update of a cancelled or finished visit
            // must not reopen it, so this holds for a visit that is not known yet.
            Step::Transfer | Step::Update if ended => "finished",
            Step::Transfer | Step::Update => {
                self.initial.push(String::from("status"));
                "in-progress"
            }
            Step::Mention => {
                if ended {
                    "finished"
                } else {
                    "unknown"
                }
            }
        };
        self.put("status", word(status));
    }

    fn class(&mut self) {
        let code = self.pv1.field(2).component(1).text().and_then(clean);
        let act = |code| {
            coding(
                "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                code,
                None,
            )
        };
        let class = match code.as_deref() {
            Some("E") => act("EMER"),
            Some("I") => act("IMP"),
            Some("O") => act("AMB"),
            Some("P") => act("PRENC"),
            Some(other) => coding(&v2_table("0004"), other, None),
            None => {
                self.initial.push(String::from("class"));
                coding(
                    "http://terminology.hl7.org/CodeSystem/v3-NullFlavor",
                    "UNK",
                    None,
                )
            }
        };
        self.put("class", class);
    }

    fn coded(&mut self, field: usize, name: &str, table: &str, many: bool) {
        match self.pv1.field(field).presence() {
            Presence::Absent => {}
            Presence::Null => self.remove.push(name.to_owned()),
            Presence::Value => {
                let value = concept(&self.pv1.field(field).rep(1), Some(table), self.rd.source());
                self.put(name, if many { one(value) } else { value });
            }
        }
    }

    fn participants(&mut self) {
        let mut participants = Vec::new();
        for (field, kind) in [(7, "ATND"), (8, "REF"), (9, "CON"), (17, "ADM")] {
            if self.pv1.field(field).presence() == Presence::Null {
                self.remove.push(format!("participant[{kind}]"));
            }
            for rep in self.pv1.field(field).reps() {
                let kind = coding(
                    "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                    kind,
                    None,
                );
                let kind = object([("coding", one(kind))]);
                if let Some(who) = staff(&rep, self.rd.source()) {
                    participants.extend(object([("type", one(kind)), ("individual", Some(who))]));
                }
            }
        }
        self.put("participant", list(participants));
    }

    fn hospitalization(&mut self, step: Step) {
        let pv1 = self.pv1;
        let source = self.rd.source();
        let mut part = |field: usize, name: &str, table: &str| match pv1.field(field).presence() {
            Presence::Absent => None,
            Presence::Null => {
                self.remove.push(format!("hospitalization.{name}"));
                None
            }
            Presence::Value => concept(&pv1.field(field).rep(1), Some(table), source),
        };
        let admit_source = part(14, "admitSource", "0023");
        let disposition = part(36, "dischargeDisposition", "0112");
        if step == Step::CancelDischarge {
            self.remove
                .push(String::from("hospitalization.dischargeDisposition"));
        }
        let disposition = disposition.filter(|_| step != Step::CancelDischarge);
        self.put(
            "hospitalization",
            object([
                ("admitSource", admit_source),
                ("dischargeDisposition", disposition),
            ]),
        );
    }

    /// Where the patient is, with where they came from before it: the record keeps the history.
    fn locations(
        &mut self,
        step: Step,
        happened: Option<&str>,
        start: Option<&str>,
        end: Option<&str>,
    ) {
        let began = match step {
            Step::Transfer => happened,
            Step::Admit => start,
            Step::Discharge
            | Step::Update
            | Step::CancelAdmit
            | Step::CancelDischarge
            | Step::Mention => None,
        };
        let ended = end.filter(|_| step == Step::Discharge);
        let status = if step == Step::Discharge {
            "completed"
        } else {
            "active"
        };
        let mut locations = Vec::new();
        if step == Step::Transfer {
            locations.extend(stay(self.pv1, 6, "completed", None, happened));
        }
        locations.extend(stay(self.pv1, 3, status, began, ended));
        self.put("location", list(locations));
    }
}

/// A PL as one stay: point of care, room, bed, facility in words. Places get no record of their own here.
fn stay(
    pv1: &Segment<'_>,
    field: usize,
    status: &str,
    began: Option<&str>,
    ended: Option<&str>,
) -> Option<Value> {
    let place = pv1.field(field).rep(1);
    let part = |n: usize| place.component(n).text().and_then(clean);
    let mut words: Vec<String> = Vec::new();
    words.extend(part(1));
    words.extend(part(2).map(|room| format!("room {room}")));
    words.extend(part(3).map(|bed| format!("bed {bed}")));
    words.extend(part(4));
    if words.is_empty() {
        words.extend(part(9));
    }
    let display = text(Some(words.join(", ")))?;
    object([
        ("location", object([("display", Some(display))])),
        ("status", word(status)),
        (
            "period",
            object([
                ("start", began.and_then(word)),
                ("end", ended.and_then(word)),
            ]),
        ),
    ])
}
