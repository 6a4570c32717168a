//! A record in memory under the mappers: what the store does with their answers, as far as these tests look at it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use bedside_core::admit::{self, UnitFor};
use bedside_core::map::{self, MapCtx, MapEnding, Mapped};
use bedside_core::record::{Current, Merge, PublicIds, Write, writes};
use bedside_core::source::Source;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{ResourceId, Seq, SourceId, SystemId};
use serde_json::Value;

/// Public ids of 26 letters, as the store makes them, without a key.
pub(crate) struct Ids;

impl PublicIds for Ids {
    fn public_id(&self, source: &SourceId, resource_type: &str, source_id: &str) -> ResourceId {
        let alphabet = b"abcdefghijklmnopqrstuvwxyz234567";
        let mut text = String::new();
        for round in 0..3_u8 {
            let mut hasher = DefaultHasher::new();
            (round, source.as_str(), resource_type, source_id).hash(&mut hasher);
            let mut bits = hasher.finish();
            for _ in 0..9 {
                text.push(char::from(alphabet[usize::try_from(bits & 31).unwrap()]));
                bits >>= 5;
            }
        }
        text.truncate(26);
        ResourceId::new(text)
    }
}

/// What one message came to.
pub(crate) struct Step {
    pub(crate) ending: MapEnding,
    pub(crate) issues: Vec<String>,
    pub(crate) merges: Vec<Merge>,
    /// Types that got a new version.
    pub(crate) written: Vec<String>,
}

/// The record of one source.
pub(crate) struct Ward {
    pub(crate) source: Source,
    pub(crate) resources: BTreeMap<(String, String), Write>,
    pub(crate) aliases: HashMap<(String, String), ResourceId>,
    seq: i64,
}

impl Ward {
    pub(crate) fn new() -> Self {
        Self {
            source: Source {
                id: SourceId::new("north"),
                system: SystemId::new("north"),
                vendor: String::from("generic"),
                zone: String::from("America/Chicago"),
            },
            resources: BTreeMap::new(),
            aliases: HashMap::new(),
            seq: 0,
        }
    }

    /// Takes a fixture of `tests/messages`.
    pub(crate) fn takes(&mut self, name: &str) -> Step {
        let path = format!("{}/tests/messages/{name}.hl7", env!("CARGO_MANIFEST_DIR"));
        self.takes_bytes(&std::fs::read(path).unwrap())
    }

    pub(crate) fn takes_bytes(&mut self, bytes: &[u8]) -> Step {
        let (input, message) = admit::hl7(bytes, &self.source, UnitFor::Feed);
        let Some(message) = message else {
            return Step {
                ending: MapEnding::Park(input.reject.unwrap()),
                issues: Vec::new(),
                merges: Vec::new(),
                written: Vec::new(),
            };
        };
        assert_eq!(input.reject, None);
        let listed = map::hl7::identifiers(&message, &self.source);
        let asked = RefCell::new(Vec::new());
        let aliases = &self.aliases;
        let patient_of = |authority: &str, value: &str| {
            asked
                .borrow_mut()
                .push((authority.to_owned(), value.to_owned()));
            aliases
                .get(&(authority.to_owned(), value.to_owned()))
                .cloned()
        };
        self.seq += 1;
        let ctx = MapCtx {
            source: &self.source,
            ids: &Ids,
            seq: Seq(self.seq),
            received_at: received(self.seq),
            patient_of: &patient_of,
        };
        let mapped = map::hl7::map(&message, &ctx);
        for (authority, value) in asked.into_inner() {
            let listed = listed
                .iter()
                .any(|key| key.authority == authority && key.value == value);
            assert!(
                listed,
                "the mapper looked up a number that it had not listed"
            );
        }
        self.applies(mapped)
    }

    pub(crate) fn takes_fhir(
        &mut self,
        unit: &str,
        refs: &dyn Fn(&str) -> Option<(String, String)>,
    ) -> Step {
        self.seq += 1;
        let ctx = MapCtx {
            source: &self.source,
            ids: &Ids,
            seq: Seq(self.seq),
            received_at: received(self.seq),
            patient_of: &|_, _| None,
        };
        let mapped = map::fhir::map(unit, &ctx, refs);
        self.applies(mapped)
    }

    fn applies(&mut self, mapped: Mapped) -> Step {
        for issue in &mapped.issues {
            for name in ["OKONKWO", "ADAEZE", "HARBOR", "4471"] {
                assert!(
                    !issue.contains(name),
                    "an issue holds patient data: {issue}"
                );
            }
        }
        let current: Vec<Option<Current>> = mapped
            .drafts
            .iter()
            .map(|draft| {
                let key = (draft.resource_type.clone(), draft.id.to_string());
                self.resources.get(&key).map(|write| Current {
                    version: write.version,
                    body: write.body.clone(),
                    fingerprint: write.fingerprint,
                    source_time: write.source_time,
                })
            })
            .collect();
        let written = writes(
            mapped.drafts,
            &current,
            received(self.seq),
            &self.source.id,
            &Ids,
        );
        let names = written
            .iter()
            .map(|write| write.resource_type.clone())
            .collect();
        for write in written {
            self.resources
                .insert((write.resource_type.clone(), write.id.to_string()), write);
        }
        for alias in mapped.aliases {
            self.aliases
                .insert((alias.authority, alias.value), alias.patient);
        }
        // A merge takes along the numbers that led to the record that went.
        for merge in &mapped.merges {
            for patient in self
                .aliases
                .values_mut()
                .filter(|patient| **patient == merge.prior)
            {
                *patient = merge.survivor.clone();
            }
        }
        Step {
            ending: mapped.ending,
            issues: mapped.issues,
            merges: mapped.merges,
            written: names,
        }
    }

    /// All current resources of a type.
    pub(crate) fn all(&self, resource_type: &str) -> Vec<Value> {
        let of_type = self
            .resources
            .iter()
            .filter(|((kind, _), _)| kind == resource_type);
        of_type
            .map(|(_, write)| serde_json::from_str(&write.body).unwrap())
            .collect()
    }

    /// The only one of its type.
    pub(crate) fn the(&self, resource_type: &str) -> Value {
        let mut all = self.all(resource_type);
        assert_eq!(all.len(), 1, "{resource_type}");
        all.remove(0)
    }

    /// The observation of that code.
    pub(crate) fn observation(&self, code: &str) -> Value {
        let of_code =
            |one: &Value| one.pointer("/code/coding/0/code").and_then(Value::as_str) == Some(code);
        let found: Vec<Value> = self
            .all("Observation")
            .into_iter()
            .filter(of_code)
            .collect();
        assert_eq!(found.len(), 1, "{code}");
        found.into_iter().next().unwrap()
    }

    /// The patient of that number at NORTH.
    pub(crate) fn patient(&self, number: &str) -> Value {
        let id = self.own(number);
        serde_json::from_str(&self.resources[&(String::from("Patient"), id)].body).unwrap()
    }

    /// The public id of the record kept under that number.
    pub(crate) fn own(&self, number: &str) -> String {
        Ids.public_id(&self.source.id, "Patient", &format!("NORTH\u{1f}{number}"))
            .to_string()
    }
}

fn received(seq: i64) -> Timestamp {
    Timestamp::from_second(1_900_000_000 + seq).unwrap()
}

/// Text at a JSON pointer.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// Number at a JSON pointer, digit for digit.
pub(crate) fn digits(value: &Value, pointer: &str) -> Option<String> {
    value
        .pointer(pointer)
        .filter(|value| value.is_number())
        .map(Value::to_string)
}
