//! Taking inputs in: the bytes, the audit entry and the repeat's refusal are durable together, and only then is there an answer (P1).
//!
//! The body is sealed on the caller's thread, under a key of its own; the writer only wraps that key for its row. What happens to an
//! input afterwards is in `commit`; how inputs are listed and read in `input`.

use std::collections::HashMap;

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_core::journal::{Admitted, InputState, NewInput, UnitKey};
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{Seq, SystemId, TenantId, Token};

use crate::audit::append_in;
use crate::backend::{Tx, Val};
use crate::dedupe::{Asked, Claim, Key};
use crate::error::Error;
use crate::quarantine;
use crate::row;
use crate::seal::{Sealer, SecretKey};
use crate::sequence;
use crate::store::Store;
use crate::writer::Turn;

/// Who mends what can't be applied.
pub(crate) const OWNER: &str = "integration engineer";

/// What is noted of an input whose control id was used before.
pub(crate) const REUSED: &str = "control id used before with other content";

impl Store {
    /// Makes an input durable. When this returns it may be acknowledged.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said: then nothing may be acknowledged.
    pub async fn append(&self, ctx: &OpCtx, input: NewInput) -> Result<Admitted, Error> {
        let admitted = self.append_many(ctx, vec![input]).await?;
        admitted.first().copied().ok_or(Error::Unavailable)
    }

    /// Makes inputs durable together. The answers are in the order of the inputs.
    ///
    /// # Errors
    /// As [`Store::append`]; then none of them was taken.
    pub async fn append_many(
        &self,
        ctx: &OpCtx,
        inputs: Vec<NewInput>,
    ) -> Result<Vec<Admitted>, Error> {
        self.guard(ctx, Action::Receive).await?;
        let sealer = self.sealer();
        let mut prepared = inputs
            .into_iter()
            .map(|input| Prepared::new(sealer, input))
            .collect::<Result<Vec<_>, _>>()?;
        let claims = self.claim_keys(&mut prepared).await;
        let settle: Vec<_> = claims
            .into_iter()
            .filter_map(|(at, claim)| Some((at, prepared.get(at)?.message?.1, claim)))
            .collect();

        let bytes = prepared.iter().map(|input| input.sealed.len()).sum();
        let (sealer, tenant, now) = (sealer.clone(), self.tenant().clone(), ctx.now());
        let entry = Entry::new(ctx, Action::Receive.as_str(), AuditOutcome::Success);
        let changes = self.inner.changes.clone();
        self.inner
            .data
            .writer
            .write_then(
                bytes,
                Turn::Now,
                move |tx| write(tx, &sealer, &tenant, &prepared, &entry, now),
                move |result: &Result<Vec<Admitted>, Error>| {
                    let Ok(admitted) = result else {
                        return;
                    };
                    for (at, digest, claim) in settle {
                        if let Some(Admitted::Taken(seq)) = admitted.get(at) {
                            claim.settle(digest, seq.0);
                        }
                    }
                    let last = admitted.iter().filter_map(|one| match one {
                        Admitted::Taken(seq) => Some(seq.0),
                        Admitted::Again(_) => None,
                    });
                    if let Some(last) = last.max() {
                        Self::moved_to(&changes, last);
                    }
                },
            )
            .await
    }

    /// Asks the window for all keys. While one is busy none is held, so that two callers can't wait for each other.
    async fn claim_keys(&self, prepared: &mut [Prepared]) -> Vec<(usize, Claim)> {
        let window = &self.inner.window;
        loop {
            let settled = window.settled.notified();
            let mut claims = Vec::new();
            let mut ours: HashMap<Key, (usize, [u8; 16])> = HashMap::new();
            let mut busy = false;
            for (at, input) in prepared.iter_mut().enumerate() {
                let Some((key, digest)) = input.message else {
                    continue;
                };
                input.fate = match ours.get(&key) {
                    Some((first, same)) if *same == digest => Fate::SameAs(*first),
                    Some(_) => Fate::New { reused: true },
                    None => match window.ask(key, digest) {
                        Asked::Again(seq) => Fate::Again(seq),
                        Asked::Free { claim, reused } => {
                            claims.push((at, claim));
                            ours.insert(key, (at, digest));
                            Fate::New {
                                reused: reused.is_some(),
                            }
                        }
                        Asked::Busy => {
                            busy = true;
                            break;
                        }
                    },
                };
            }
            if !busy {
                return claims;
            }
            drop(claims);
            settled.await;
        }
    }
}

/// Bytes of lanes as they are stored.
pub(crate) fn lanes_of(bytes: &[u8]) -> Vec<Token> {
    bytes
        .as_chunks::<16>()
        .0
        .iter()
        .map(|token| Token(*token))
        .collect()
}

/// The token of a patient's number at a system: the key of a lane and of an alias (design D2).
pub(crate) fn lane_token(
    sealer: &Sealer,
    system: &SystemId,
    authority: &str,
    value: &str,
) -> Token {
    sealer.token_of(&[
        b"lane",
        system.as_str().as_bytes(),
        authority.as_bytes(),
        value.as_bytes(),
    ])
}

struct Prepared {
    input: NewInput,
    lanes: Vec<u8>,
    key: SecretKey,
    sealed: Vec<u8>,
    context: Option<Vec<u8>>,
    unit: Option<Token>,
    message: Option<(Key, [u8; 16])>,
    fate: Fate,
}

#[derive(Clone, Copy)]
enum Fate {
    New { reused: bool },
    Again(i64),
    SameAs(usize),
}

impl Prepared {
    fn new(sealer: &Sealer, input: NewInput) -> Result<Self, Error> {
        let raw = input.raw.expose();
        let source = input.source.as_str().as_bytes();
        let key = SecretKey::generate("raw")?;
        // The key is used for this cell alone, and the key itself is bound to the row: so the row need not be named here.
        let sealed = key.seal(sealer.place("journal_raw", "", "sealed"), raw)?;
        let context = match input.context.expose().as_slice() {
            [] => None,
            some => Some(key.seal(sealer.place("journal_raw", "", "context"), some)?),
        };
        let (unit, message) = match &input.unit {
            UnitKey::Message { control } if control.is_empty() => (None, None),
            UnitKey::Message { control } => {
                let key = sealer.token_of(&[b"message", source, control.as_bytes()]);
                let digest = sealer.token_of(&[b"bytes", raw]);
                (None, Some((key.0, digest.0)))
            }
            UnitKey::File { hash, position } => (
                Some(sealer.token_of(&[b"unit", source, hash, &position.to_be_bytes()])),
                None,
            ),
        };
        let mut lanes = Vec::with_capacity(16 * input.lanes.len());
        for lane in &input.lanes {
            let token = lane_token(sealer, &input.system, &lane.authority, &lane.value);
            if !lanes_of(&lanes).contains(&token) {
                lanes.extend_from_slice(&token.0);
            }
        }
        Ok(Self {
            lanes,
            key,
            sealed,
            context,
            unit,
            message,
            fate: Fate::New { reused: false },
            input,
        })
    }
}

fn write(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    prepared: &[Prepared],
    entry: &Entry,
    now: Timestamp,
) -> Result<Vec<Admitted>, Error> {
    let mut units: HashMap<Token, usize> = HashMap::new();
    let mut fates = Vec::with_capacity(prepared.len());
    for (at, input) in prepared.iter().enumerate() {
        let mut fate = input.fate;
        if let Some(unit) = input.unit {
            fate = match units.get(&unit) {
                Some(first) => Fate::SameAs(*first),
                None => {
                    units.insert(unit, at);
                    known_unit(tx, tenant, unit)?.map_or(fate, Fate::Again)
                }
            };
        }
        fates.push(fate);
    }
    let new = fates
        .iter()
        .filter(|fate| matches!(fate, Fate::New { .. }))
        .count();
    let mut next = if new == 0 {
        0
    } else {
        sequence::take(tx, tenant, i64::try_from(new).unwrap_or(i64::MAX))?
    };
    let mut admitted: Vec<Admitted> = Vec::with_capacity(prepared.len());
    let mut entries = Vec::with_capacity(prepared.len());
    for (input, fate) in prepared.iter().zip(fates) {
        let answer = match fate {
            Fate::New { reused } => {
                insert(tx, sealer, tenant, input, next, reused, now)?;
                next += 1;
                Admitted::Taken(Seq(next - 1))
            }
            Fate::Again(seq) => Admitted::Again(Seq(seq)),
            Fate::SameAs(first) => match admitted.get(first) {
                Some(Admitted::Taken(seq) | Admitted::Again(seq)) => Admitted::Again(*seq),
                None => return Err(Error::Conflict),
            },
        };
        let ack = input
            .input
            .ack
            .as_deref()
            .map_or_else(String::new, |ack| format!(" ack {ack}"));
        entries.push(entry.clone().detail(match answer {
            Admitted::Taken(seq) => format!("seq {seq}{ack}"),
            Admitted::Again(seq) => format!("duplicate of {seq}{ack}"),
        }));
        admitted.push(answer);
    }
    append_in(tx, sealer, tenant, &entries, now)?;
    Ok(admitted)
}

fn known_unit(tx: &mut dyn Tx, tenant: &TenantId, unit: Token) -> Result<Option<i64>, Error> {
    let rows = tx.query(
        "SELECT seq FROM journal WHERE tenant = $1 AND unit = $2",
        &[Val::Text(tenant.as_str()), Val::Blob(&unit.0)],
    )?;
    rows.first().map(|found| row::int(found, 0)).transpose()
}

fn insert(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    prepared: &Prepared,
    seq: i64,
    reused: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let input = &prepared.input;
    let place = seq.to_string();
    let raw_key = sealer
        .data()
        .wrap(sealer.place("journal", &place, "raw_key"), &prepared.key)?;
    let message = prepared.message.map(|(key, digest)| [key, digest].concat());
    let (state, reason) = match &input.reject {
        Some(reason) => (InputState::Parked, reason.as_str()),
        None if reused => (InputState::Pending, REUSED),
        None => (InputState::Pending, ""),
    };
    let bytes = i64::try_from(input.raw.expose().len()).unwrap_or(i64::MAX);
    tx.execute(
        "INSERT INTO journal (tenant, seq, source, system, kind, message_type, control_id, received_at, bytes, state, reason, \
         lanes, raw_key, raw_key_of, unit, message, ack) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '', $14, $15, $16)",
        &[
            Val::Text(tenant.as_str()),
            Val::Int(seq),
            Val::Text(input.source.as_str()),
            Val::Text(input.system.as_str()),
            Val::Text(input.kind.as_str()),
            Val::Text(&clean(&input.message_type)),
            Val::Text(&clean(&input.control_id)),
            Val::Int(now.as_microsecond()),
            Val::Int(bytes),
            Val::Text(state.as_str()),
            Val::Text(reason),
            Val::Blob(&prepared.lanes),
            Val::Blob(&raw_key),
            prepared.unit.as_ref().map_or(Val::Null, |unit| Val::Blob(&unit.0)),
            message.as_deref().map_or(Val::Null, Val::Blob),
            Val::Text(input.ack.as_deref().unwrap_or_default()),
        ],
    )?;
    tx.execute(
        "INSERT INTO journal_raw (tenant, seq, sealed, context) VALUES ($1, $2, $3, $4)",
        &[
            Val::Text(tenant.as_str()),
            Val::Int(seq),
            Val::Blob(&prepared.sealed),
            prepared.context.as_deref().map_or(Val::Null, Val::Blob),
        ],
    )?;
    if let Some(reason) = &input.reject {
        quarantine::open(tx, tenant, seq, reason, OWNER, now)?;
    }
    Ok(())
}

/// What a sender calls its message goes into clear columns: cut, and without what no text column takes (PostgreSQL refuses NUL).
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(199).collect()
}
