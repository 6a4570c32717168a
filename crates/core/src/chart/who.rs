//! Who one Patient resource is about: for a line of a list, where no chart is built.

use bedside_fact::clock::Timestamp;
use bedside_fact::id::{ResourceId, Seq, SourceId};
use jiff::tz::TimeZone;

use super::demographics::demographics;
use super::seen::{Moment, Seen};
use super::view::Demographics;
use crate::facts::Catalogue;
use crate::record::Stored;

/// Reads the Patient resource `body` as it is at `at`.
#[must_use]
pub fn who(body: &str, at: Timestamp, zone: &TimeZone) -> Demographics {
    let stored = Stored {
        resource_type: String::from("Patient"),
        id: ResourceId::new(""),
        patient: None,
        version: 1,
        body: String::new(),
        source: SourceId::new(""),
        journal_seq: Seq(0),
        from_seq: Seq(0),
        known_at: at.as_microsecond(),
        source_time: None,
        when: None,
        mapping: String::new(),
    };
    // A body that can't be read names nobody; the list says so in words.
    let value = serde_json::from_str(body).unwrap_or_default();
    demographics(
        &[Seen {
            held: false,
            stored: &stored,
            value,
        }],
        &Moment {
            at,
            zone,
            catalogue: Catalogue::shipped(),
        },
    )
}
