//! Taking a merge back, with all that it caused (promise P5: what a link caused is undone with it).
//!
//! After a wrong merge the inputs of one patient were laid into the record of another. They can't be told apart in the versions that
//! came of it. So the record of all patients concerned is set back to how it stood just before the merge, as new versions on top of the
//! old ones, and the inputs received since are given to the lanes again, in their order: each ends with the patient that its number
//! means now. What was known in between stays to be seen as of then.
//!
//! Three kinds of input are not given to the lanes again: the merge itself and merges that were undone before; a merge that asks for
//! the same once more, which ends as a no-op; and another input that names both patients, which is parked for somebody to decide.
//! Later merges that stand on this one are taken back with it and come again with their own input.

use std::collections::{BTreeMap, BTreeSet};

use bedside_core::audit::Entry;
use bedside_core::record::Write;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{ResourceId, Seq, SourceId, TenantId, Token};
use bedside_fact::time::Span;
use serde_json::Value;

use crate::alias::{self, Merged};
use crate::audit::append_in;
use crate::backend::{Row, Tx, Val};
use crate::changed::Learned;
use crate::error::Error;
use crate::journal::{OWNER, REUSED, lanes_of};
use crate::member;
use crate::quarantine;
use crate::row;
use crate::seal::Sealer;
use crate::sequence;
use crate::version::{self, Origin, Sealed};

/// The mapping of versions that an undoing writes.
const MAPPING: &str = "undo/1";

/// Lines of the journal that are looked at together.
const PAGE: i64 = 10_000;

/// Why an input that names both patients is parked.
const BOTH: &str = "names both patients of a merge that was undone";

/// Why a merge that was asked for twice is not made.
const UNDONE: &str = "the merge that it asks for was undone";

/// Takes a link back and yields the position of that.
pub(crate) fn undo(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    link: i64,
    why: &[u8],
    entry: &Entry,
    now: Timestamp,
) -> Result<i64, Error> {
    let rows = tx.query(
        "SELECT kind, a, b, from_seq, journal_seq FROM link WHERE tenant = $1 AND seq = $2 AND to_seq IS NULL",
        &[Val::Text(tenant.as_str()), Val::Int(link)],
    )?;
    let found = rows.first().ok_or(Error::NotFound("link"))?;
    let (kind, a, b) = (
        row::text(found, 0)?,
        row::text(found, 1)?,
        row::text(found, 2)?,
    );
    if kind != "merge" && kind != "identifier" {
        return Err(Error::NotFound("link"));
    }
    let seq = sequence::take(tx, tenant, 1)?;
    let known_at = sequence::tick(tx, tenant, seq, now)?;
    member::end(tx, tenant, link, seq)?;
    tx.execute(
        "UPDATE link SET why = $3 WHERE tenant = $1 AND seq = $2",
        &[Val::Text(tenant.as_str()), Val::Int(link), Val::Blob(why)],
    )?;
    // A key that they share would join them again at once; that a person said no outweighs it.
    member::add(tx, tenant, "never", a, b, "decision", seq, None)?;
    let mut patients = BTreeSet::from([a.to_owned(), b.to_owned()]);
    if kind == "merge" {
        let message = row::int_or_null(found, 4)?.unwrap_or(link);
        let undoing = Undoing {
            sealer,
            tenant,
            link,
            survivor: a,
            prior: b,
            message,
            at: row::int(found, 3)?,
            seq,
            known_at,
            now,
        };
        undoing.run(tx, &mut patients)?;
    }
    let mut learned = Learned::default();
    for patient in member::recluster(tx, sealer, tenant, &patients, seq)?
        .iter()
        .chain(&patients)
    {
        learned.whole(patient);
    }
    learned.write(tx, tenant, seq)?;
    let entries: Vec<Entry> = patients
        .iter()
        .map(|patient| entry.clone().patient(patient))
        .collect();
    append_in(tx, sealer, tenant, &entries, now)?;
    Ok(seq)
}

struct Undoing<'a> {
    sealer: &'a Sealer,
    tenant: &'a TenantId,
    link: i64,
    survivor: &'a str,
    prior: &'a str,
    /// The input that asked for the merge.
    message: i64,
    /// The position at which the merge was committed.
    at: i64,
    /// The position of the undoing.
    seq: i64,
    known_at: i64,
    now: Timestamp,
}

impl Undoing<'_> {
    fn run(&self, tx: &mut dyn Tx, patients: &mut BTreeSet<String>) -> Result<(), Error> {
        self.later_merges(tx, patients)?;
        let numbers = alias::numbers(tx, self.tenant, patients)?;
        let merge = Merged {
            link: self.link,
            at: self.at,
            prior: self.prior,
        };
        for number in numbers.keys() {
            alias::take_back(tx, self.tenant, number, &merge, self.seq)?;
        }
        let stay = self.of_other_merges(tx)?;
        let mut brought = BTreeSet::new();
        for (resource_type, id) in self.changed(tx, patients)? {
            self.set_back(tx, (&resource_type, &id), &stay, &mut brought)?;
        }
        for patient in &*patients {
            self.tokens(tx, patient, stay.contains(patient))?;
        }
        self.again(tx, &numbers, &brought)
    }

    fn key(&self) -> Val<'_> {
        Val::Text(self.tenant.as_str())
    }

    /// Ends the merges of these patients that came after this one, and takes their patients in: their inputs bring them again.
    fn later_merges(&self, tx: &mut dyn Tx, patients: &mut BTreeSet<String>) -> Result<(), Error> {
        let rows = tx.query(
            "SELECT l.seq, l.a, l.b, j.system, j.lanes FROM link l JOIN journal j ON j.tenant = l.tenant AND j.seq = l.journal_seq \
             WHERE l.tenant = $1 AND l.kind = 'merge' AND l.to_seq IS NULL AND l.seq > $2 AND l.from_seq > $2 ORDER BY l.seq",
            &[self.key(), Val::Int(self.at)],
        )?;
        let mut ended = BTreeSet::new();
        loop {
            let before = ended.len();
            let numbers = alias::numbers(tx, self.tenant, patients)?;
            for found in &rows {
                let (later, a, b) = (
                    row::int(found, 0)?,
                    row::text(found, 1)?,
                    row::text(found, 2)?,
                );
                let touches = patients.contains(a)
                    || patients.contains(b)
                    || lanes_of(row::blob(found, 4)?).into_iter().any(|lane| {
                        row::text(found, 3)
                            .is_ok_and(|system| numbers.contains_key(&(system.to_owned(), lane)))
                    });
                if touches && ended.insert(later) {
                    member::end(tx, self.tenant, later, self.seq)?;
                    patients.extend([a.to_owned(), b.to_owned()]);
                }
            }
            if ended.len() == before {
                return Ok(());
            }
        }
    }

    /// The patients of other merges of the same message: those stand, so what the message made of these patients stays.
    fn of_other_merges(&self, tx: &mut dyn Tx) -> Result<BTreeSet<String>, Error> {
        let rows = tx.query(
            "SELECT a, b FROM link WHERE tenant = $1 AND seq > $2 AND from_seq = $2 AND kind = 'merge' AND to_seq IS NULL",
            &[self.key(), Val::Int(self.at)],
        )?;
        let mut others = BTreeSet::new();
        for found in &rows {
            others.insert(row::text(found, 0)?.to_owned());
            others.insert(row::text(found, 1)?.to_owned());
        }
        Ok(others)
    }

    /// The resources of these patients that have a version since the merge.
    fn changed(
        &self,
        tx: &mut dyn Tx,
        patients: &BTreeSet<String>,
    ) -> Result<BTreeSet<(String, String)>, Error> {
        let mut changed = BTreeSet::new();
        for patient in patients {
            let rows = tx.query(
                "SELECT DISTINCT resource_type, id FROM version WHERE tenant = $1 AND patient = $2 AND from_seq >= $3",
                &[self.key(), Val::Text(patient), Val::Int(self.at)],
            )?;
            for found in &rows {
                changed.insert((
                    row::text(found, 0)?.to_owned(),
                    row::text(found, 1)?.to_owned(),
                ));
            }
        }
        Ok(changed)
    }

    /// Makes a resource what it was just before the merge. What the merge's own message brought stays; what came later goes.
    fn set_back(
        &self,
        tx: &mut dyn Tx,
        (resource_type, id): (&str, &str),
        stay: &BTreeSet<String>,
        brought: &mut BTreeSet<i64>,
    ) -> Result<(), Error> {
        let rows = tx.query(
            "SELECT version, key_of, sealed, sealed_source_id, source, fingerprint, source_time, when_lo, when_hi, to_seq, from_seq, \
             journal_seq, patient, mapping FROM version WHERE tenant = $1 AND resource_type = $2 AND id = $3 ORDER BY version",
            &[self.key(), Val::Text(resource_type), Val::Text(id)],
        )?;
        let as_merged = resource_type == "Patient" && stay.contains(id);
        let (mut base, mut last) = (None, 0);
        for found in &rows {
            last = row::int(found, 0)?;
            let (to, from) = (row::int_or_null(found, 9)?, row::int(found, 10)?);
            let stood = from < self.at && to.is_none_or(|to| to >= self.at);
            if stood || (from == self.at && (base.is_none() || as_merged)) {
                base = Some((found, stood, to.is_none()));
            }
            // What an earlier undoing wrote again was brought before.
            if from >= self.at && row::text(found, 13)? != MAPPING {
                brought.insert(row::int(found, 11)?);
            }
        }
        let keep = base
            .map(|(found, stood, stands)| {
                Ok::<_, Error>((found, self.body(resource_type, id, found, stood)?, stands))
            })
            .transpose()?;
        match keep {
            Some((_, (_, false), true)) => Ok(()),
            Some((found, (body, _), _)) => {
                self.write_again(tx, resource_type, id, found, &body, last + 1)
            }
            None => {
                tx.execute(
                    "UPDATE version SET to_seq = $4 WHERE tenant = $1 AND resource_type = $2 AND id = $3 AND to_seq IS NULL",
                    &[self.key(), Val::Text(resource_type), Val::Text(id), Val::Int(self.seq)],
                )?;
                Ok(())
            }
        }
    }

    /// The body of a version, and whether it had to be changed: a Patient that came with the merge loses what the merge put there.
    fn body(
        &self,
        resource_type: &str,
        id: &str,
        found: &Row,
        before_merge: bool,
    ) -> Result<(String, bool), Error> {
        let text = version::open(
            self.sealer,
            resource_type,
            id,
            row::int(found, 0)?,
            row::text(found, 1)?,
            row::blob(found, 2)?,
        )?;
        let other = match id {
            _ if before_merge || resource_type != "Patient" => return Ok((text, false)),
            id if id == self.survivor => self.prior,
            id if id == self.prior => self.survivor,
            _ => return Ok((text, false)),
        };
        let mut body: Value = serde_json::from_str(&text)
            .map_err(|_| Error::Corrupt(String::from("a stored Patient is not JSON")))?;
        take_back(&mut body, other);
        Ok((body.to_string(), true))
    }

    fn write_again(
        &self,
        tx: &mut dyn Tx,
        resource_type: &str,
        id: &str,
        found: &Row,
        body: &str,
        number: i64,
    ) -> Result<(), Error> {
        let key_of = row::text(found, 1)?;
        let source_id = version::open_source_id(
            self.sealer,
            resource_type,
            id,
            row::int(found, 0)?,
            key_of,
            row::blob(found, 3)?,
        )?;
        let write = Write {
            resource_type: resource_type.to_owned(),
            id: ResourceId::new(id),
            source_id,
            patient: row::text_or_null(found, 12)?.map(ResourceId::new),
            version: number,
            body: version::identify(body, id, number, &self.now.to_string())?,
            fingerprint: row::blob(found, 5)?.try_into().map_err(|_| {
                Error::Corrupt(String::from(
                    "version.fingerprint has another length than expected",
                ))
            })?,
            when: match (row::int_or_null(found, 7)?, row::int_or_null(found, 8)?) {
                (Some(lo), Some(hi)) => Some(Span { lo, hi }),
                (None, _) | (_, None) => None,
            },
            source_time: row::int_or_null(found, 6)?,
            demographics: None,
        };
        let source = SourceId::new(row::text(found, 4)?);
        let key = self.sealer.key_of(key_of)?;
        // Whose chart it was in until now is among the patients that the undoing is about.
        Sealed::new(self.sealer, &key, write)?
            .insert(
                tx,
                self.sealer,
                self.tenant,
                &Origin {
                    source: &source,
                    journal_seq: row::int(found, 11)?,
                    from_seq: self.seq,
                    known_at: self.known_at,
                    mapping: MAPPING,
                },
            )
            .map(|_| ())
    }

    /// What a patient is found and compared by, as it was just before the merge; of one that came with the merge, as it came.
    fn tokens(&self, tx: &mut dyn Tx, patient: &str, as_merged: bool) -> Result<(), Error> {
        let params = [self.key(), Val::Text(patient)];
        let since = tx.query(
            "SELECT since_seq FROM patient WHERE tenant = $1 AND id = $2",
            &params,
        )?;
        let Some(since) = since.first().map(|found| row::int(found, 0)).transpose()? else {
            return Ok(());
        };
        let cut = if since == self.at || as_merged {
            self.at + 1
        } else {
            self.at
        };
        let rows = tx.query(
            "SELECT kind, token, from_seq, to_seq FROM key_token WHERE tenant = $1 AND patient = $2",
            &params,
        )?;
        let (mut before, mut now) = (BTreeSet::new(), BTreeSet::new());
        for found in &rows {
            let (from, to) = (row::int(found, 2)?, row::int_or_null(found, 3)?);
            let token = (row::text(found, 0)?, row::blob(found, 1)?);
            if from < cut && to.is_none_or(|to| to >= cut) {
                before.insert(token);
            }
            if to.is_none() {
                now.insert(token);
            }
        }
        for (kind, token) in now.difference(&before) {
            tx.execute(
                "UPDATE key_token SET to_seq = $5 WHERE tenant = $1 AND kind = $2 AND token = $3 AND patient = $4 AND to_seq IS NULL",
                &[self.key(), Val::Text(kind), Val::Blob(token), Val::Text(patient), Val::Int(self.seq)],
            )?;
        }
        for (kind, token) in before.difference(&now) {
            tx.execute(
                "INSERT INTO key_token (tenant, kind, token, patient, from_seq) VALUES ($1, $2, $3, $4, $5)",
                &[self.key(), Val::Text(kind), Val::Blob(token), Val::Text(patient), Val::Int(self.seq)],
            )?;
        }
        // No digest: the next version is compared key by key.
        tx.execute(
            "UPDATE patient SET tokens = $3 WHERE tenant = $1 AND id = $2",
            &[self.key(), Val::Text(patient), Val::Blob(&[])],
        )?;
        Ok(())
    }

    /// Gives what was received since to the lanes again. `brought` are the inputs whose versions were taken back.
    fn again(
        &self,
        tx: &mut dyn Tx,
        numbers: &BTreeMap<(String, Token), String>,
        brought: &BTreeSet<i64>,
    ) -> Result<(), Error> {
        // An input that was parked before the merge may have been applied after it.
        let mut from = brought
            .first()
            .copied()
            .unwrap_or(self.message)
            .min(self.message);
        loop {
            let rows = tx.query(
                "SELECT seq, system, lanes, reason, raw_key, raw_key_of, message_type FROM journal \
                 WHERE tenant = $1 AND seq >= $2 AND state IN ('applied', 'noop', 'held') ORDER BY seq LIMIT $3",
                &[self.key(), Val::Int(from), Val::Int(PAGE)],
            )?;
            for found in &rows {
                let seq = row::int(found, 0)?;
                if seq != self.message && row::text(found, 3)? != "discarded" {
                    self.one_again(tx, numbers, brought, found)?;
                }
                from = seq + 1;
            }
            if rows.is_empty() {
                return Ok(());
            }
        }
    }

    fn one_again(
        &self,
        tx: &mut dyn Tx,
        numbers: &BTreeMap<(String, Token), String>,
        brought: &BTreeSet<i64>,
        found: &Row,
    ) -> Result<(), Error> {
        let (seq, system) = (row::int(found, 0)?, row::text(found, 1)?);
        let (mut ours, mut both) = (false, BTreeSet::new());
        let mut elsewhere = false;
        for lane in lanes_of(row::blob(found, 2)?) {
            let number = (system.to_owned(), lane);
            let concerned = numbers.contains_key(&number);
            if !concerned && !brought.contains(&seq) {
                continue;
            }
            let meant = alias::meaning(
                tx,
                self.tenant,
                &bedside_fact::id::SystemId::new(system),
                lane,
            )?;
            if concerned {
                ours = true;
                both.extend(meant.filter(|meant| meant == self.survivor || meant == self.prior));
            } else {
                elsewhere |= meant.is_some();
            }
        }
        let wanted =
            (ours && seq > self.message) || (brought.contains(&seq) && (ours || !elsewhere));
        if !wanted || self.is_undone(tx, seq)? {
            return Ok(());
        }
        let (state, reason) = match (both.len() > 1, row::text(found, 6)?) {
            (true, kind) if kind.starts_with("ADT^A40") => ("noop", UNDONE),
            (true, _) => ("parked", BOTH),
            (false, _) if row::text(found, 3)?.starts_with(REUSED) => ("pending", REUSED),
            (false, _) => ("pending", ""),
        };
        // Until it is known again whose it is, its key is the tenant's.
        let place = seq.to_string();
        let place = self.sealer.place("journal", &place, "raw_key");
        let owner = row::text(found, 5)?;
        let raw_key = if owner.is_empty() {
            row::blob(found, 4)?.to_vec()
        } else {
            let raw = self
                .sealer
                .key_of(owner)?
                .unwrap_key(place, "raw", row::blob(found, 4)?)?;
            self.sealer.data().wrap(place, &raw)?
        };
        tx.execute(
            "UPDATE journal SET state = $3, reason = $4, raw_key = $5, raw_key_of = '' WHERE tenant = $1 AND seq = $2",
            &[self.key(), Val::Int(seq), Val::Text(state), Val::Text(reason), Val::Blob(&raw_key)],
        )?;
        if state == "parked" {
            quarantine::open(tx, self.tenant, Seq(seq).0, reason, OWNER, self.now)?;
        }
        Ok(())
    }

    /// Whether this input asked for a merge that somebody took back before.
    fn is_undone(&self, tx: &mut dyn Tx, seq: i64) -> Result<bool, Error> {
        let rows = tx.query(
            "SELECT seq FROM link WHERE tenant = $1 AND journal_seq = $2 AND why IS NOT NULL LIMIT 1",
            &[self.key(), Val::Int(seq)],
        )?;
        Ok(!rows.is_empty())
    }
}

/// Takes out of a Patient what a merge with `other` puts there. A record is active unless it says otherwise (FHIR R4 Patient.active).
fn take_back(body: &mut Value, other: &str) {
    let Some(members) = body.as_object_mut() else {
        return;
    };
    members.shift_remove("active");
    let target = format!("Patient/{other}");
    let of_merge = |link: &Value| {
        let is_target =
            link.pointer("/other/reference").and_then(Value::as_str) == Some(target.as_str());
        let kind = link.get("type").and_then(Value::as_str);
        is_target && matches!(kind, Some("replaces" | "replaced-by"))
    };
    let mut empty = false;
    if let Some(links) = members.get_mut("link").and_then(Value::as_array_mut) {
        links.retain(|link| !of_merge(link));
        empty = links.is_empty();
    }
    if empty {
        members.shift_remove("link");
    }
}
