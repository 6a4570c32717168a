//! Records made by hand.

use bedside_fact::clock::Timestamp;
use bedside_fact::id::{PersonId, ResourceId, Seq, SourceId, SystemId};
use bedside_fact::phi::Phi;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::chart::{Chart, Item, Section, build};
use crate::completeness::{Asked, Coverage};
use crate::journal::InputKind;
use crate::record::{Held, Link, PersonRecord, Stored};
use crate::source::Source;

/// Sunday morning on the ward.
pub(crate) const NOW: &str = "2026-11-22T09:00:00Z";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) struct Ward(pub(crate) PersonRecord);

impl Ward {
    /// A person with one patient at source `WARD` of whom nothing clinical is known.
    pub(crate) fn new() -> Self {
        let mut ward = Self(PersonRecord {
            person: PersonId::new("person1"),
            patients: vec![ResourceId::new("pat1")],
            resources: Vec::new(),
            completeness: Vec::new(),
            links: Vec::new(),
            waiting: 0,
            held: Vec::new(),
            seq: Seq(0),
        });
        ward.add(
            "WARD",
            json!({
                "resourceType": "Patient", "id": "pat1",
                "name": [{"family": "Lindqvist", "given": ["Tove", "Maria"]}],
                "birthDate": "1955-03-02", "gender": "female",
            }),
        );
        ward
    }

    /// Adds a resource that was received five minutes ago.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a literal is written at each call"
    )]
    pub(crate) fn add(&mut self, source: &str, body: Value) -> &mut Self {
        let resource_type = body["resourceType"].as_str().unwrap_or("Basic").to_owned();
        self.add_text(source, &resource_type, &body.to_string())
    }

    pub(crate) fn add_text(&mut self, source: &str, resource_type: &str, text: &str) -> &mut Self {
        let n = i64::try_from(self.0.resources.len()).unwrap() + 1;
        let id = serde_json::from_str::<Value>(text)
            .ok()
            .and_then(|value| value["id"].as_str().map(str::to_owned))
            .unwrap_or_else(|| format!("r{n}"));
        let patient = if resource_type == "Patient" {
            id.clone()
        } else {
            String::from("pat1")
        };
        self.0.resources.push(Stored {
            resource_type: resource_type.to_owned(),
            id: ResourceId::new(id),
            patient: Some(ResourceId::new(patient)),
            version: 1,
            body: text.to_owned(),
            source: SourceId::new(source),
            journal_seq: Seq(n),
            from_seq: Seq(n),
            known_at: at("2026-11-22T08:55:00Z").as_microsecond(),
            source_time: Some(at("2026-11-22T08:10:00Z").as_microsecond()),
            when: None,
            mapping: String::from("hl7/1"),
        });
        self.0.seq = Seq(n);
        self
    }

    /// Notes that a source was asked an hour ago.
    pub(crate) fn asked(
        &mut self,
        source: &str,
        resource_type: &str,
        coverage: Coverage,
    ) -> &mut Self {
        self.0.completeness.push(Asked {
            source: source.to_owned(),
            patient: String::from("pat1"),
            resource_type: resource_type.to_owned(),
            category: String::new(),
            coverage,
            asked_at: at("2026-11-22T08:00:00Z").as_microsecond(),
            window_lo: None,
            window_hi: None,
            persona: String::new(),
            basis: String::from("q1"),
        });
        self
    }

    pub(crate) fn last_asked(&mut self) -> &mut Asked {
        self.0.completeness.last_mut().unwrap()
    }

    pub(crate) fn last(&mut self) -> &mut Stored {
        self.0.resources.last_mut().unwrap()
    }

    pub(crate) fn link(&mut self, kind: &str, basis: &str) -> &mut Self {
        self.0.links.push(Link {
            seq: Seq(9),
            kind: kind.to_owned(),
            a: String::from("pat1"),
            b: String::from("pat9"),
            basis: basis.to_owned(),
        });
        self
    }

    /// Adds an input that waits behind a parked one, with its position.
    pub(crate) fn held(&mut self, seq: i64, kind: InputKind, raw: &str) -> &mut Self {
        self.0.waiting = self.0.waiting.max(1) + 1;
        self.0.held.push(Held {
            seq: Seq(seq),
            source: Source {
                id: SourceId::new("LAB"),
                system: SystemId::new("north"),
                vendor: String::from("generic"),
                zone: String::from("UTC"),
            },
            kind,
            raw: Phi::new(raw.as_bytes().to_vec()),
            context: Phi::new(Vec::new()),
            received_at: at("2026-11-22T08:58:00Z"),
        });
        self
    }

    pub(crate) fn chart(&self) -> Chart {
        build(&self.0, None, at(NOW), &TimeZone::UTC)
    }
}

/// A potassium of 5.1 mmol/L taken at 08:00, final; `change` overrides members.
pub(crate) fn potassium(id: &str, change: Value) -> Value {
    let mut body = json!({
        "resourceType": "Observation", "id": id, "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3", "display": "Potassium"}]},
        "effectiveDateTime": "2026-11-22T08:00:00Z",
        "identifier": [{"system": "urn:bedside:authority:LAB", "value": "L-1001"}],
        "valueQuantity": {"value": 5.1, "unit": "mmol/L"},
    });
    lay(&mut body, change);
    body
}

/// A quantity in mmol/L with its digits as written here.
pub(crate) fn amount(digits: &str) -> Value {
    serde_json::from_str(&format!(r#"{{"value":{digits},"unit":"mmol/L"}}"#)).unwrap()
}

pub(crate) fn only(section: &Section) -> &Item {
    assert_eq!(section.items.len(), 1, "one item expected");
    &section.items[0]
}

/// Lays the members of `change` over a body.
pub(crate) fn lay(body: &mut Value, change: Value) {
    if let (Some(members), Value::Object(changes)) = (body.as_object_mut(), change) {
        members.extend(changes);
    }
}
