//! A case as it is stored, written and listed.

use std::collections::BTreeMap;

use bedside_fact::clock::Timestamp;
use bedside_fact::id::{PersonId, ResourceId, Seq};

use crate::backend::Cell;
use crate::error::Error;
use crate::row;
use crate::seal::Sealer;
use crate::source::moment;

/// A case.
#[derive(Clone, PartialEq, Eq)]
pub struct CaseRow {
    /// What tells it from all others.
    pub id: String,
    /// The workflow that opened it.
    pub workflow: String,
    /// The source patient it is about.
    pub patient: ResourceId,
    /// The person which that patient belongs to now.
    pub person: PersonId,
    /// The workflow's word for where it stands.
    pub state: String,
    /// Somebody has something to do.
    pub open: bool,
    /// How urgent: the workflow's word.
    pub level: String,
    /// The account that holds it; empty when nobody does.
    pub holder: String,
    /// Somebody is answerable for it.
    pub owned: bool,
    /// When the next step is due.
    pub due: Option<Timestamp>,
    /// Since when.
    pub opened_at: Timestamp,
    /// When it was written last.
    pub changed_at: Timestamp,
    /// Its number of writes, from 1.
    pub version: i64,
    /// The workflow's own JSON. Patient data.
    pub body: Vec<u8>,
}

/// Patient data is not shown.
impl std::fmt::Debug for CaseRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CaseRow")
            .field("id", &self.id)
            .field("workflow", &self.workflow)
            .field("state", &self.state)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// A case to be written.
#[derive(Clone)]
pub struct CaseWrite {
    /// Which case.
    pub id: String,
    /// The version it was decided on; 0 for a new one.
    pub expected: i64,
    /// The workflow.
    pub workflow: String,
    /// The source patient it is about. A person's records may move under it; the case stays with this one.
    pub patient: ResourceId,
    /// The workflow's word for where it stands.
    pub state: String,
    /// Somebody has something to do.
    pub open: bool,
    /// How urgent.
    pub level: String,
    /// The account that holds it, or empty.
    pub holder: String,
    /// Somebody is answerable for it.
    pub owned: bool,
    /// When the next step is due.
    pub due: Option<Timestamp>,
    /// Since when.
    pub opened_at: Timestamp,
    /// The workflow's own JSON; sealed here.
    pub body: Vec<u8>,
    /// What happened: appended, and sealed.
    pub events: Vec<CaseEvent>,
    /// All timers that stand from now on, by name.
    pub timers: Vec<(String, Timestamp)>,
    /// The facts it stands on as they were shown; sealed.
    pub snapshot: Option<Vec<u8>>,
}

/// One thing that happened to a case.
#[derive(Clone, PartialEq, Eq)]
pub struct CaseEvent {
    /// When.
    pub at: Timestamp,
    /// What: the workflow's word. `acknowledged` is counted.
    pub kind: String,
    /// Who: an account or a part of Bedside.
    pub actor: String,
    /// The workflow's own JSON. Patient data.
    pub body: Vec<u8>,
}

/// Something that is owed to the outside because of a case.
#[derive(Clone)]
pub struct OutboxPut {
    /// The idempotency key: the same key is the same item.
    pub key: String,
    /// Where to.
    pub route: String,
    /// From when on.
    pub due: Timestamp,
    /// What to send; sealed with the key of the case's patient.
    pub payload: Vec<u8>,
    /// The case.
    pub case: Option<String>,
}

/// What becomes true in one transaction.
#[derive(Clone, Default)]
pub struct CaseCommit {
    /// Cases, in the order in which they are written.
    pub cases: Vec<CaseWrite>,
    /// What is owed to the outside.
    pub outbox: Vec<OutboxPut>,
    /// How far the named engine has read; never moved back.
    pub cursor: Option<(String, Seq)>,
}

/// Which cases to list. Nothing said means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseFilter {
    /// Open or closed ones only.
    pub open: Option<bool>,
    /// Of one workflow.
    pub workflow: Option<String>,
    /// Held by this account; the empty name lists those that nobody holds.
    pub holder: Option<String>,
    /// With or without somebody answerable.
    pub owned: Option<bool>,
    /// Of these source patients; empty for all.
    pub patients: Vec<ResourceId>,
    /// How many at most.
    pub limit: usize,
}

/// How many cases there are. No clinical content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseCounts {
    /// Open ones.
    pub open: u64,
    /// Open ones for which nobody is answerable.
    pub unowned: u64,
    /// All, by the workflow's word for where they stand.
    pub by_state: BTreeMap<String, u64>,
    /// All that ever were.
    pub opened_ever: u64,
    /// All that somebody acknowledged once.
    pub acknowledged_ever: u64,
    /// Open ones whose next step is past due.
    pub overdue: u64,
    /// Patients who could not be judged; they are tried again ([`crate::Store::troubles`]).
    pub troubled: u64,
}

/// What stands for "nothing is due": later than every time.
pub(super) const NEVER: i64 = i64::MAX;

/// Reads a row of the columns id, workflow, patient, person, state, open, level, holder, owned, `due_at`, `opened_at`, `changed_at`,
/// version, body.
pub(super) fn case(sealer: &Sealer, found: &[Cell]) -> Result<CaseRow, Error> {
    let id = row::text(found, 0)?.to_owned();
    let patient = row::text(found, 2)?;
    let version = row::int(found, 12)?;
    let due = row::int(found, 9)?;
    let place = place(&id, version);
    let body = sealer.key_of(patient)?.open(
        sealer.place("workflow_case", &place, "body"),
        row::blob(found, 13)?,
    )?;
    Ok(CaseRow {
        workflow: row::text(found, 1)?.to_owned(),
        // A patient that is no person yet stands for itself.
        person: PersonId::new(row::text_or_null(found, 3)?.unwrap_or(patient)),
        patient: ResourceId::new(patient),
        state: row::text(found, 4)?.to_owned(),
        open: row::int(found, 5)? == 1,
        level: row::text(found, 6)?.to_owned(),
        holder: row::text(found, 7)?.to_owned(),
        owned: row::int(found, 8)? == 1,
        due: (due != NEVER).then(|| moment(due)).transpose()?,
        opened_at: moment(row::int(found, 10)?)?,
        changed_at: moment(row::int(found, 11)?)?,
        version,
        body: body.to_vec(),
        id,
    })
}

/// What binds a sealed cell to one version of one case.
pub(super) fn place(id: &str, version: i64) -> String {
    format!("{id}/{version}")
}

/// What binds an event to its place in the history of a case.
pub(super) fn event_place(id: &str, version: i64, n: i64) -> String {
    format!("{id}/{version}/{n}")
}
