//! Where a version came from, as a FHIR Provenance: made when it is read, from what is stored beside the version.

use serde_json::{Value, json};

use super::Stored;

/// The Provenance (FHIR R4 §6.3) of a stored version. Its id is the version's own, so that it can be referred to.
///
/// `recorded` is when we knew. The raw input is named by its position in the journal: the bytes are kept there.
#[must_use]
pub fn provenance(stored: &Stored) -> Value {
    let recorded = jiff::Timestamp::from_microsecond(stored.known_at)
        .unwrap_or_default()
        .to_string();
    let mut body = json!({
        "resourceType": "Provenance",
        "id": format!("{}-{}", stored.id, stored.version),
        "target": [{"reference": format!("{}/{}/_history/{}", stored.resource_type, stored.id, stored.version)}],
        "recorded": recorded,
        "activity": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-DataOperation",
            "code": if stored.version == 1 { "CREATE" } else { "UPDATE" },
        }]},
        "agent": [
            {
                "type": {"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
                    "code": "transmitter",
                }]},
                "who": {"identifier": {"system": "urn:bedside:source", "value": stored.source.as_str()}, "display": stored.source.as_str()},
            },
            {
                "type": {"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
                    "code": "assembler",
                }]},
                "who": {"display": format!("Bedside, mapping {}", stored.mapping)},
            },
        ],
        "entity": [{
            "role": "source",
            "what": {"identifier": {"system": "urn:bedside:journal", "value": stored.journal_seq.to_string()}},
        }],
    });
    if let Some(known) = stored
        .source_time
        .and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok())
        && let Some(members) = body.as_object_mut()
    {
        members.insert(
            String::from("occurredDateTime"),
            Value::from(known.to_string()),
        );
    }
    body
}

#[cfg(test)]
mod tests {
    use bedside_fact::id::{ResourceId, Seq, SourceId};

    use super::*;

    #[test]
    fn p07_a_version_tells_its_source_its_message_and_its_times() {
        let stored = Stored {
            resource_type: String::from("Observation"),
            id: ResourceId::new("abc"),
            patient: None,
            version: 2,
            body: String::new(),
            source: SourceId::new("north"),
            journal_seq: Seq(17),
            from_seq: Seq(18),
            known_at: 1_900_000_000_000_000,
            source_time: Some(1_899_999_000_000_000),
            when: None,
            mapping: String::from("hl7/1"),
        };
        let provenance = provenance(&stored);
        assert_eq!(
            provenance["target"][0]["reference"],
            "Observation/abc/_history/2"
        );
        assert_eq!(provenance["recorded"], "2030-03-17T17:46:40Z");
        assert_eq!(provenance["occurredDateTime"], "2030-03-17T17:30:00Z");
        assert_eq!(provenance["agent"][0]["who"]["display"], "north");
        assert_eq!(provenance["entity"][0]["what"]["identifier"]["value"], "17");
        assert_eq!(provenance["activity"]["coding"][0]["code"], "UPDATE");
    }
}
