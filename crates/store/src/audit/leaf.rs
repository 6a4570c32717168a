//! An entry as the leaf of the log, and back. The format is frozen in `bedside_ledger::entry`; what is sealed inside it is the
//! entry as JSON.

use std::fmt::Display;

use bedside_core::audit::Entry;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::Token;
use bedside_ledger::entry::Leaf;

use crate::error::Error;
use crate::seal::Sealer;

/// The longest reason or detail that is kept, in bytes. A leaf has 65,535 for everything.
const LONGEST_TEXT: usize = 8 * 1024;

/// The actor's name in clear is cut at this many bytes; the whole is inside the sealed entry.
const LONGEST_ACTOR: usize = 256;

/// The leaf of an entry at its place in the log.
pub(super) fn seal(
    sealer: &Sealer,
    entry: &Entry,
    index: i64,
    sequence: i64,
    at: Timestamp,
) -> Result<Vec<u8>, Error> {
    let mut kept = entry.clone();
    for text in [&mut kept.reason, &mut kept.detail].into_iter().flatten() {
        *text = cut(text, LONGEST_TEXT).to_owned();
    }
    let plain = serde_json::to_vec(&kept)
        .map_err(|_| Error::Corrupt("an audit entry can't be written as JSON".into()))?;
    let leaf = Leaf {
        index: number(index)?,
        sequence: number(sequence)?,
        at_micros: at.as_microsecond(),
        actor: cut(&entry.actor, LONGEST_ACTOR).to_owned(),
        patient: entry
            .patient
            .as_deref()
            .map(|id| patient_token(sealer, id).0),
        key_id: sealer.key_id("audit"),
        ciphertext: sealer.seal(
            "audit",
            "audit_entry",
            &place(index, sequence, at.as_microsecond()),
            "leaf",
            &plain,
        )?,
    };
    leaf.encode()
        .map_err(|error| Error::Corrupt(error.to_string()))
}

/// Decodes a leaf without its sealed part.
pub(super) fn decode(bytes: &[u8]) -> Result<Leaf, String> {
    Leaf::decode(bytes).map_err(|error| error.to_string())
}

/// Opens the sealed part of a leaf, and checks what stands in clear beside it.
pub(super) fn open(sealer: &Sealer, leaf: &Leaf) -> Result<Entry, String> {
    if leaf.key_id != sealer.key_id("audit") {
        return Err("sealed with a key that this store does not have".into());
    }
    let plain = sealer
        .open(
            "audit",
            "audit_entry",
            &place(leaf.index, leaf.sequence, leaf.at_micros),
            "leaf",
            &leaf.ciphertext,
        )
        .map_err(|_| "the sealed part does not open: its bytes were changed or moved".to_owned())?;
    let entry: Entry =
        serde_json::from_slice(&plain).map_err(|_| "the sealed part is not an entry".to_owned())?;
    if leaf.actor != cut(&entry.actor, LONGEST_ACTOR) {
        return Err("the actor in clear is not the sealed one".into());
    }
    if leaf.patient
        != entry
            .patient
            .as_deref()
            .map(|id| patient_token(sealer, id).0)
    {
        return Err("the patient token is not that of the sealed patient".into());
    }
    Ok(entry)
}

/// What stands for a patient in the clear part of a leaf.
pub(super) fn patient_token(sealer: &Sealer, id: &str) -> Token {
    sealer.token("audit.patient", id.as_bytes())
}

/// The row in the associated data: it binds the numbers in clear to the sealed part, also before the tree reaches the entry.
fn place(index: impl Display, sequence: impl Display, at_micros: i64) -> String {
    format!("{index}/{sequence}/{at_micros}")
}

fn number(value: i64) -> Result<u64, Error> {
    u64::try_from(value).map_err(|_| Error::Corrupt("a negative position in the audit log".into()))
}

fn cut(text: &str, longest: usize) -> &str {
    let mut end = text.len().min(longest);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
