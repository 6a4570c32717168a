//! Inputs and outcomes as a feed of a made-up hospital would bring them.

use bedside_core::journal::{Admitted, InputKind, LaneKey, NewInput, UnitKey};
use bedside_core::record::{Alias, Ending, Merge, Outcome, Write};
use bedside_fact::id::{ResourceId, Seq, SourceId, SystemId};
use bedside_fact::phi::Phi;
use bedside_identity::{Demographics, PatientIdentifier, PersonName};
use bedside_store::Store;

use crate::support::service;

pub(crate) const AUTHORITY: &str = "NORTHSIDE";

/// A message of a patient at the source `ward`.
pub(crate) fn message(control: &str, text: &str, mrn: &str) -> NewInput {
    NewInput {
        source: SourceId::new("ward"),
        system: SystemId::new("ward"),
        kind: InputKind::Hl7v2,
        message_type: "ADT^A08".into(),
        control_id: control.into(),
        raw: Phi::new(text.as_bytes().to_vec()),
        context: Phi::default(),
        unit: UnitKey::Message {
            control: control.into(),
        },
        lanes: vec![LaneKey {
            authority: AUTHORITY.into(),
            value: mrn.into(),
        }],
        reject: None,
        ack: Some("AA".into()),
    }
}

/// Takes a message in that was not there before.
pub(crate) async fn take(store: &Store, input: NewInput) -> Seq {
    match store.append(&service(store), input).await.unwrap() {
        Admitted::Taken(seq) => seq,
        Admitted::Again(seq) => panic!("known already at {seq}"),
    }
}

/// Somebody.
#[derive(Clone)]
pub(crate) struct Somebody {
    pub(crate) source: &'static str,
    pub(crate) mrn: &'static str,
    pub(crate) family: &'static str,
    pub(crate) given: &'static str,
    pub(crate) born: &'static str,
    pub(crate) phone: Option<&'static str>,
    /// An identifier of another authority.
    pub(crate) other: Option<(&'static str, &'static str)>,
}

impl Somebody {
    pub(crate) fn new(mrn: &'static str, family: &'static str, given: &'static str) -> Self {
        Self {
            source: "ward",
            mrn,
            family,
            given,
            born: "1951-04-17",
            phone: None,
            other: None,
        }
    }

    pub(crate) fn id(&self, store: &Store) -> ResourceId {
        store
            .public_ids()
            .public_id(&SourceId::new(self.source), "Patient", self.mrn)
    }

    pub(crate) fn demographics(&self) -> Demographics {
        let identifier = |(authority, value): (&str, &str)| PatientIdentifier {
            authority: authority.into(),
            value: value.into(),
            kind: Some("MR".into()),
        };
        Demographics {
            names: vec![PersonName {
                family: self.family.into(),
                given: vec![self.given.into()],
                suffix: None,
            }],
            birth_date: Some(self.born.into()),
            phones: self.phone.into_iter().map(str::to_owned).collect(),
            identifiers: [(AUTHORITY, self.mrn)]
                .into_iter()
                .chain(self.other)
                .map(identifier)
                .collect(),
            ..Demographics::default()
        }
    }

    pub(crate) fn write(&self, store: &Store, version: i64, more: &str) -> Write {
        let id = self.id(store);
        Write {
            resource_type: "Patient".into(),
            body: format!(
                r#"{{"resourceType":"Patient","id":"{id}","meta":{{"versionId":"{version}"}},"name":[{{"family":"{}","given":["{}"]}}]{more}}}"#,
                self.family, self.given
            ),
            patient: Some(id.clone()),
            id,
            source_id: self.mrn.into(),
            version,
            fingerprint: [7; 16],
            when: None,
            source_time: None,
            demographics: Some(self.demographics()),
        }
    }

    pub(crate) fn alias(&self, patient: &ResourceId) -> Alias {
        Alias {
            authority: AUTHORITY.into(),
            value: self.mrn.into(),
            patient: patient.clone(),
        }
    }
}

/// An observation of somebody.
pub(crate) fn observation(
    store: &Store,
    of: &Somebody,
    name: &str,
    version: i64,
    value: &str,
) -> Write {
    let id = store
        .public_ids()
        .public_id(&SourceId::new(of.source), "Observation", name);
    Write {
        resource_type: "Observation".into(),
        body: format!(r#"{{"resourceType":"Observation","id":"{id}","valueString":"{value}"}}"#),
        patient: Some(of.id(store)),
        id,
        source_id: name.into(),
        version,
        fingerprint: [8; 16],
        when: None,
        source_time: None,
        demographics: None,
    }
}

/// An outcome that applies writes.
pub(crate) fn applied(seq: Seq, writes: Vec<Write>) -> Outcome {
    let mut patients: Vec<ResourceId> = writes
        .iter()
        .filter_map(|write| write.patient.clone())
        .collect();
    patients.sort();
    patients.dedup();
    Outcome {
        seq,
        source: SourceId::new("ward"),
        system: SystemId::new("ward"),
        ending: Ending::Applied,
        writes,
        aliases: Vec::new(),
        merges: Vec::new(),
        completeness: Vec::new(),
        patients,
        mapping: "hl7/1",
        issues: Vec::new(),
        evidence: Vec::new(),
        incidents: Vec::new(),
    }
}

/// A new patient record, taken in and applied.
pub(crate) async fn admit(store: &Store, control: &str, who: &Somebody) -> ResourceId {
    let mut input = message(control, control, who.mrn);
    input.source = SourceId::new(who.source);
    input.system = SystemId::new(who.source);
    let seq = take(store, input).await;
    let id = who.id(store);
    let mut outcome = applied(seq, vec![who.write(store, 1, "")]);
    outcome.source = SourceId::new(who.source);
    outcome.system = SystemId::new(who.source);
    outcome.aliases.push(who.alias(&id));
    assert!(
        store
            .commit(&service(store), outcome)
            .await
            .unwrap()
            .changed
    );
    id
}

/// A merge of two known records, taken in and applied, as an A40 brings it.
pub(crate) async fn merge(store: &Store, control: &str, survivor: &Somebody, prior: &Somebody) {
    let seq = take(store, message(control, control, survivor.mrn)).await;
    let (keep, go) = (survivor.id(store), prior.id(store));
    let replaces =
        format!(r#","link":[{{"other":{{"reference":"Patient/{go}"}},"type":"replaces"}}]"#);
    let replaced = format!(
        r#","active":false,"link":[{{"other":{{"reference":"Patient/{keep}"}},"type":"replaced-by"}}]"#
    );
    let mut outcome = applied(
        seq,
        vec![
            survivor.write(store, 2, &replaces),
            prior.write(store, 2, &replaced),
        ],
    );
    outcome.aliases.push(prior.alias(&keep));
    outcome.merges.push(Merge {
        survivor: keep,
        prior: go,
    });
    assert!(
        store
            .commit(&service(store), outcome)
            .await
            .unwrap()
            .changed
    );
}
