//! What was received of a person and is not in the record: parked inputs and those held behind them (design D12, promise P4).
//!
//! Now, the journal's states say it. For a moment in the past the quarantine says what was parked then, and the record says what came
//! of an input only later.

use std::collections::{BTreeMap, BTreeSet};

use bedside_core::journal::InputKind;
use bedside_core::record::Held;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{Seq, TenantId, Token};

use crate::backend::{Row, Tx, Val};
use crate::error::Error;
use crate::input::read_input;
use crate::journal::lanes_of;
use crate::row;
use crate::seal::Sealer;
use crate::source;

/// Held inputs that are opened for one chart, the latest; all are counted.
const OPENED: usize = 500;

/// What waits.
pub(crate) struct Waits {
    /// How many, parked ones too.
    pub(crate) count: u64,
    /// Those that are held.
    pub(crate) held: Vec<Held>,
}

/// What waits in the lanes of these patients, or waited at a position.
pub(crate) fn waits(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    patients: &[String],
    seq: i64,
    as_of: Option<Timestamp>,
) -> Result<Waits, Error> {
    let lanes = Lanes::read(tx, tenant, patients, seq)?;
    let (mut parked, mut held) = (BTreeSet::new(), BTreeSet::new());
    let rows = tx.query(
        "SELECT seq, system, lanes, state FROM journal \
         WHERE tenant = $1 AND state IN ('pending', 'parked', 'held') AND state <> 'pending' AND seq <= $2",
        &[Val::Text(tenant.as_str()), Val::Int(seq)],
    )?;
    for found in &rows {
        if lanes.have(found)? {
            let which = if row::text(found, 3)? == "held" {
                &mut held
            } else {
                &mut parked
            };
            which.insert(row::int(found, 0)?);
        }
    }
    if let Some(as_of) = as_of {
        then(
            tx,
            tenant,
            patients,
            &lanes,
            (seq, as_of),
            &mut parked,
            &mut held,
        )?;
    }
    let count = u64::try_from(parked.len() + held.len()).unwrap_or(u64::MAX);
    let mut opened = Vec::new();
    for seq in held.iter().rev().take(OPENED).rev() {
        match open(tx, sealer, tenant, *seq) {
            Ok(input) => opened.push(input),
            // Its key was shredded with its patient: it waits, and nobody can read it.
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Waits {
        count,
        held: opened,
    })
}

/// Adds what waited at a moment and does not any more; takes out what had been applied by then and waits again.
fn then(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    patients: &[String],
    lanes: &Lanes,
    (seq, as_of): (i64, Timestamp),
    parked: &mut BTreeSet<i64>,
    held: &mut BTreeSet<i64>,
) -> Result<(), Error> {
    let mut applied: BTreeMap<i64, i64> = BTreeMap::new();
    for patient in patients {
        let rows = tx.query(
            "SELECT journal_seq, min(from_seq) FROM version WHERE tenant = $1 AND patient = $2 AND journal_seq <= $3 GROUP BY journal_seq",
            &[Val::Text(tenant.as_str()), Val::Text(patient), Val::Int(seq)],
        )?;
        for found in &rows {
            let first = row::int(found, 1)?;
            let known = applied.entry(row::int(found, 0)?).or_insert(first);
            *known = first.min(*known);
        }
    }
    let was_in = |input: &i64| applied.get(input).is_some_and(|from| *from <= seq);
    parked.retain(|input| !was_in(input));
    held.retain(|input| !was_in(input));
    let rows = tx.query(
        "SELECT q.seq, j.system, j.lanes FROM quarantine q JOIN journal j ON j.tenant = q.tenant AND j.seq = q.seq \
         WHERE q.tenant = $1 AND q.seq <= $2 AND q.since <= $3 AND (q.ended IS NULL OR q.ended > $3)",
        &[
            Val::Text(tenant.as_str()),
            Val::Int(seq),
            Val::Int(as_of.as_microsecond()),
        ],
    )?;
    let mut first = None;
    for found in &rows {
        if lanes.have(found)? {
            let case = row::int(found, 0)?;
            held.remove(&case);
            parked.insert(case);
            first = Some(first.map_or(case, |before: i64| before.min(case)));
        }
    }
    let Some(first) = first else {
        return Ok(());
    };
    for (input, from) in applied {
        if input > first && from > seq && !parked.contains(&input) {
            held.insert(input);
        }
    }
    Ok(())
}

fn open(tx: &mut dyn Tx, sealer: &Sealer, tenant: &TenantId, seq: i64) -> Result<Held, Error> {
    let (input, _) = read_input(tx, sealer, tenant, Seq(seq))?;
    Ok(Held {
        seq: input.row.seq,
        source: source::of_input(tx, tenant, &input.source)?,
        kind: InputKind::parse(&input.row.kind).unwrap_or(InputKind::Unrecognised),
        raw: input.raw,
        context: input.context,
        received_at: input.row.received_at,
    })
}

/// The numbers of patients at a position.
struct Lanes(BTreeSet<(String, Token)>);

impl Lanes {
    fn read(
        tx: &mut dyn Tx,
        tenant: &TenantId,
        patients: &[String],
        seq: i64,
    ) -> Result<Self, Error> {
        let mut lanes = BTreeSet::new();
        for patient in patients {
            let params = [
                Val::Text(tenant.as_str()),
                Val::Text(patient),
                Val::Int(seq),
            ];
            let mut numbers = tx.query(
                "SELECT system, token FROM alias WHERE tenant = $1 AND patient = $2 AND to_seq IS NULL AND from_seq <= $3",
                &params,
            )?;
            numbers.extend(tx.query(
                "SELECT system, token FROM alias WHERE tenant = $1 AND patient = $2 AND to_seq IS NOT NULL AND to_seq > $3 \
                 AND from_seq <= $3",
                &params,
            )?);
            for found in &numbers {
                for token in lanes_of(row::blob(found, 1)?) {
                    lanes.insert((row::text(found, 0)?.to_owned(), token));
                }
            }
        }
        Ok(Self(lanes))
    }

    /// Whether an input with its system and lanes in the second and third column is in one of them.
    fn have(&self, found: &Row) -> Result<bool, Error> {
        let system = row::text(found, 1)?;
        Ok(lanes_of(row::blob(found, 2)?)
            .into_iter()
            .any(|token| self.0.contains(&(system.to_owned(), token))))
    }
}
