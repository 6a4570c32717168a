//! Which patients are which person (design D11): recomputed from links and decisions for the part that a change touches.
//!
//! The rule itself is `bedside_identity::cluster`; this reads its input and writes its answer as versioned rows. Two people are never
//! mixed by what is written here alone: a proposal is a row for a person to look at and joins nothing (promise P5).

use std::collections::{BTreeMap, BTreeSet};

use bedside_core::record::Merge;
use bedside_fact::id::TenantId;
use bedside_identity::cluster::{Node, Tie, cluster};
use bedside_identity::contradicts;

use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::names::names;
use crate::row;
use crate::seal::Sealer;
use crate::sequence;
use crate::token::{LINK, POSSIBLE};
use crate::version;

/// Patients looked at in one change. More connected records than this is a fault of the identifiers, not a person.
const MOST: usize = 5_000;

/// Records a merge and yields its link. A merge that stands already stays as it is.
pub(crate) fn merge(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    merge: &Merge,
    seq: i64,
    journal_seq: i64,
) -> Result<i64, Error> {
    let (survivor, prior) = (merge.survivor.as_str(), merge.prior.as_str());
    let rows = tx.query(
        "SELECT seq FROM link WHERE tenant = $1 AND a = $2 AND b = $3 AND kind = 'merge' AND to_seq IS NULL",
        &[Val::Text(tenant.as_str()), Val::Text(survivor), Val::Text(prior)],
    )?;
    if let Some(found) = rows.first() {
        return row::int(found, 0);
    }
    // The later decision counts: a merge takes back that somebody said they were two.
    for (a, b) in [(survivor, prior), (prior, survivor)] {
        tx.execute(
            "UPDATE link SET to_seq = $4 WHERE tenant = $1 AND a = $2 AND b = $3 AND kind = 'never' AND to_seq IS NULL",
            &[Val::Text(tenant.as_str()), Val::Text(a), Val::Text(b), Val::Int(seq)],
        )?;
    }
    add(
        tx,
        tenant,
        "merge",
        survivor,
        prior,
        "merge",
        seq,
        Some(journal_seq),
    )
}

/// Adds a link; its position is its id.
#[expect(clippy::too_many_arguments, reason = "each is a column")]
pub(crate) fn add(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    kind: &str,
    a: &str,
    b: &str,
    basis: &str,
    from_seq: i64,
    journal_seq: Option<i64>,
) -> Result<i64, Error> {
    let id = sequence::take(tx, tenant, 1)?;
    tx.execute(
        "INSERT INTO link (tenant, seq, kind, a, b, basis, from_seq, journal_seq) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            Val::Text(tenant.as_str()),
            Val::Int(id),
            Val::Text(kind),
            Val::Text(a),
            Val::Text(b),
            Val::Text(basis),
            Val::Int(from_seq),
            journal_seq.map_or(Val::Null, Val::Int),
        ],
    )?;
    Ok(id)
}

/// Ends a link.
pub(crate) fn end(tx: &mut dyn Tx, tenant: &TenantId, link: i64, seq: i64) -> Result<(), Error> {
    tx.execute(
        "UPDATE link SET to_seq = $3 WHERE tenant = $1 AND seq = $2 AND to_seq IS NULL",
        &[Val::Text(tenant.as_str()), Val::Int(link), Val::Int(seq)],
    )?;
    Ok(())
}

/// A link that stands.
pub(crate) struct Standing {
    pub(crate) seq: i64,
    pub(crate) kind: String,
    pub(crate) a: String,
    pub(crate) b: String,
}

/// Recomputes the persons of all records connected to `touched`. Yields those whose person, or whose doubt about it, is another now.
pub(crate) fn recluster(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    touched: &BTreeSet<String>,
    seq: i64,
) -> Result<BTreeSet<String>, Error> {
    let part = Part::read(tx, tenant, touched)?;
    let nodes: Vec<Node> = part.nodes.values().cloned().collect();
    let ties: Vec<Tie<'_>> = part
        .links
        .values()
        .filter_map(|link| match link.kind.as_str() {
            "merge" => Some(Tie::Merge(&link.a, &link.b)),
            "never" => Some(Tie::Never(&link.a, &link.b)),
            _ => None,
        })
        .collect();
    let clusters = cluster(&nodes, &ties);
    let mut person_of: BTreeMap<&str, String> = BTreeMap::new();
    for group in &clusters.groups {
        let Some(first) = group.members.first() else {
            continue;
        };
        let person = match &group.person {
            Some(person) => person.clone(),
            None => sealer.ids().id(&["person", first, &seq.to_string()]),
        };
        for member in &group.members {
            person_of.insert(member, person.clone());
        }
    }
    let mut changed = regrouped(&nodes, &person_of);
    for node in &nodes {
        let Some(person) = person_of.get(node.id.as_str()) else {
            continue;
        };
        if node.person.as_ref() != Some(person) {
            belong(tx, tenant, &node.id, person, seq)?;
        }
    }
    let mut wanted: BTreeMap<(String, String, &'static str), String> = BTreeMap::new();
    by_identifier(&nodes, &person_of, &mut wanted);
    for (a, b) in &clusters.doubts {
        wanted.insert(
            pair(a, b, "possible"),
            String::from("identifier, kept apart by a decision"),
        );
    }
    for patient in touched {
        propose(tx, sealer, tenant, patient, &part, &person_of, &mut wanted)?;
    }
    changed.extend(write_links(
        tx, tenant, &part, touched, &person_of, wanted, seq,
    )?);
    Ok(changed)
}

/// The records whose person has other records now than before. A new record that is a person of its own is none of them: there was
/// nothing before that it changes.
fn regrouped(nodes: &[Node], person_of: &BTreeMap<&str, String>) -> BTreeSet<String> {
    let mut after: BTreeMap<&str, usize> = BTreeMap::new();
    for node in nodes {
        if let Some(person) = person_of.get(node.id.as_str()) {
            *after.entry(person).or_default() += 1;
        }
    }
    let mut persons: BTreeSet<&str> = BTreeSet::new();
    for node in nodes {
        let (was, is) = (
            node.person.as_deref(),
            person_of.get(node.id.as_str()).map(String::as_str),
        );
        let alone = was.is_none() && is.is_some_and(|person| after.get(person) == Some(&1));
        if was != is && is.is_some() && !alone {
            persons.extend(was.into_iter().chain(is));
        }
    }
    let concerned = |person: Option<&str>| person.is_some_and(|one| persons.contains(one));
    nodes
        .iter()
        .filter(|node| {
            concerned(node.person.as_deref())
                || concerned(person_of.get(node.id.as_str()).map(String::as_str))
        })
        .map(|node| node.id.clone())
        .collect()
}

/// The records connected to a change, and the links that stand between them.
struct Part {
    nodes: BTreeMap<String, Node>,
    links: BTreeMap<i64, Standing>,
}

impl Part {
    fn read(tx: &mut dyn Tx, tenant: &TenantId, touched: &BTreeSet<String>) -> Result<Self, Error> {
        let mut part = Self {
            nodes: BTreeMap::new(),
            links: BTreeMap::new(),
        };
        let mut waiting: Vec<String> = touched.iter().cloned().collect();
        while let Some(patient) = waiting.pop() {
            if part.nodes.contains_key(&patient) {
                continue;
            }
            if part.nodes.len() >= MOST {
                tracing::warn!(
                    patients = MOST,
                    "more records are connected by identifiers than one person can have"
                );
                break;
            }
            let (node, near) = Self::node(tx, tenant, &patient)?;
            waiting.extend(near);
            for link in standing(tx, tenant, &patient)? {
                if link.kind != "possible" && link.kind != "identifier" {
                    waiting.extend([link.a.clone(), link.b.clone()]);
                }
                part.links.insert(link.seq, link);
            }
            part.nodes.insert(patient, node);
        }
        Ok(part)
    }

    /// A record, and those that share a key or a person with it.
    fn node(
        tx: &mut dyn Tx,
        tenant: &TenantId,
        patient: &str,
    ) -> Result<(Node, Vec<String>), Error> {
        let (tenant, id) = (Val::Text(tenant.as_str()), Val::Text(patient));
        let rows = tx.query(
            "SELECT since_seq FROM patient WHERE tenant = $1 AND id = $2",
            &[tenant, id],
        )?;
        let since = rows
            .first()
            .map(|found| row::int(found, 0))
            .transpose()?
            .unwrap_or(i64::MAX);
        let rows = tx.query(
            "SELECT person FROM member WHERE tenant = $1 AND patient = $2 AND to_seq IS NULL",
            &[tenant, id],
        )?;
        let person = rows
            .first()
            .map(|found| row::text(found, 0).map(str::to_owned))
            .transpose()?;
        let mut near = Vec::new();
        if let Some(person) = &person {
            let rows = tx.query(
                "SELECT patient FROM member WHERE tenant = $1 AND person = $2 AND to_seq IS NULL",
                &[tenant, Val::Text(person)],
            )?;
            for found in &rows {
                near.push(row::text(found, 0)?.to_owned());
            }
        }
        let mut keys = Vec::new();
        let rows = tx.query(
            "SELECT kind, token FROM key_token WHERE tenant = $1 AND patient = $2 AND to_seq IS NULL",
            &[tenant, id],
        )?;
        for found in rows
            .iter()
            .filter(|found| row::text(found, 0).is_ok_and(|kind| kind == LINK))
        {
            let token = row::blob(found, 1)?;
            keys.push(token.iter().fold(String::new(), |mut text, byte| {
                use std::fmt::Write as _;
                // Writing to a String can't fail.
                let _ = write!(text, "{byte:02x}");
                text
            }));
            let sharing = tx.query(
                "SELECT patient FROM key_token WHERE tenant = $1 AND kind = 'link' AND token = $2 AND to_seq IS NULL",
                &[tenant, Val::Blob(token)],
            )?;
            for found in &sharing {
                near.push(row::text(found, 0)?.to_owned());
            }
        }
        let node = Node {
            id: patient.to_owned(),
            keys,
            person,
            since,
        };
        Ok((node, near))
    }
}

/// The links of a patient that stand.
pub(crate) fn standing(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    patient: &str,
) -> Result<Vec<Standing>, Error> {
    let params = [Val::Text(tenant.as_str()), Val::Text(patient)];
    let mut rows = tx.query(
        "SELECT seq, kind, a, b FROM link WHERE tenant = $1 AND a = $2 AND to_seq IS NULL",
        &params,
    )?;
    rows.extend(tx.query(
        "SELECT seq, kind, a, b FROM link WHERE tenant = $1 AND b = $2 AND to_seq IS NULL",
        &params,
    )?);
    rows.iter()
        .map(|found| {
            Ok(Standing {
                seq: row::int(found, 0)?,
                kind: row::text(found, 1)?.to_owned(),
                a: row::text(found, 2)?.to_owned(),
                b: row::text(found, 3)?.to_owned(),
            })
        })
        .collect()
}

fn belong(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    patient: &str,
    person: &str,
    seq: i64,
) -> Result<(), Error> {
    let (tenant, patient, seq) = (
        Val::Text(tenant.as_str()),
        Val::Text(patient),
        Val::Int(seq),
    );
    tx.execute(
        "UPDATE member SET to_seq = $3 WHERE tenant = $1 AND patient = $2 AND to_seq IS NULL",
        &[tenant, patient, seq],
    )?;
    tx.execute(
        "INSERT INTO member (tenant, person, patient, from_seq) VALUES ($1, $2, $3, $4)",
        &[tenant, Val::Text(person), patient, seq],
    )?;
    Ok(())
}

type Wanted = BTreeMap<(String, String, &'static str), String>;

/// For each shared key the earliest record of the person with each other one.
fn by_identifier(nodes: &[Node], person_of: &BTreeMap<&str, String>, wanted: &mut Wanted) {
    let mut holders: BTreeMap<(&str, &String), Vec<&Node>> = BTreeMap::new();
    for node in nodes {
        if let Some(person) = person_of.get(node.id.as_str()) {
            for key in &node.keys {
                holders.entry((key, person)).or_default().push(node);
            }
        }
    }
    for mut group in holders.into_values() {
        group.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
        if let Some((first, others)) = group.split_first() {
            for other in others {
                wanted.insert(
                    (first.id.clone(), other.id.clone(), "identifier"),
                    String::from("identifier"),
                );
            }
        }
    }
}

/// Records that agree with `patient` in name, birth date and a strong third field, and are not the same person already.
fn propose(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    patient: &str,
    part: &Part,
    person_of: &BTreeMap<&str, String>,
    wanted: &mut Wanted,
) -> Result<(), Error> {
    let key = Val::Text(tenant.as_str());
    let rows = tx.query(
        "SELECT kind, token FROM key_token WHERE tenant = $1 AND patient = $2 AND to_seq IS NULL",
        &[key, Val::Text(patient)],
    )?;
    let apart = |other: &str| {
        part.links.values().any(|link| {
            link.kind == "never"
                && ((link.a == patient && link.b == other)
                    || (link.b == patient && link.a == other))
        })
    };
    let mut refused: BTreeSet<String> = BTreeSet::new();
    for found in &rows {
        let kind = row::text(found, 0)?;
        let Some(reason) = kind.strip_prefix(POSSIBLE) else {
            continue;
        };
        let sharing = tx.query(
            "SELECT patient FROM key_token WHERE tenant = $1 AND kind = $2 AND token = $3 AND to_seq IS NULL ORDER BY patient LIMIT 50",
            &[key, Val::Text(kind), Val::Blob(row::blob(found, 1)?)],
        )?;
        for found in &sharing {
            let other = row::text(found, 0)?;
            let same_person =
                person_of.contains_key(other) && person_of.get(other) == person_of.get(patient);
            if other == patient || same_person || apart(other) || refused.contains(other) {
                continue;
            }
            let key = pair(patient, other, "possible");
            if !wanted.contains_key(&key) && contradict(tx, sealer, tenant, patient, other)? {
                refused.insert(other.to_owned());
                continue;
            }
            wanted.entry(key).or_insert_with(|| reason.to_owned());
        }
    }
    Ok(())
}

/// Whether what the two records say of their names makes them two people after all: twins share everything else.
fn contradict(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    a: &str,
    b: &str,
) -> Result<bool, Error> {
    let mut read = |id: &str| -> Result<Option<String>, Error> {
        let rows = tx.query(
            "SELECT version, key_of, sealed FROM version WHERE tenant = $1 AND resource_type = 'Patient' AND id = $2 AND to_seq IS NULL",
            &[Val::Text(tenant.as_str()), Val::Text(id)],
        )?;
        rows.first()
            .map(|found| {
                version::open(
                    sealer,
                    "Patient",
                    id,
                    row::int(found, 0)?,
                    row::text(found, 1)?,
                    row::blob(found, 2)?,
                )
            })
            .transpose()
    };
    Ok(match (read(a)?, read(b)?) {
        (Some(a), Some(b)) => contradicts(&names(&a), &names(&b)),
        (None, _) | (_, None) => false,
    })
}

/// Writes what is wanted and does not stand, ends what stands and is not wanted any more. Yields the records at either end.
fn write_links(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    part: &Part,
    touched: &BTreeSet<String>,
    person_of: &BTreeMap<&str, String>,
    mut wanted: Wanted,
    seq: i64,
) -> Result<BTreeSet<String>, Error> {
    let mut changed = BTreeSet::new();
    for link in part.links.values() {
        let kind = match link.kind.as_str() {
            "identifier" => "identifier",
            "possible" => "possible",
            _ => continue,
        };
        let stands = wanted
            .remove(&(link.a.clone(), link.b.clone(), kind))
            .is_some();
        let decided = person_of.contains_key(link.a.as_str())
            && person_of.get(link.a.as_str()) == person_of.get(link.b.as_str());
        // Proposals were looked for from the touched records only; others stand until they are one person.
        let judged = kind == "identifier"
            || touched.contains(&link.a)
            || touched.contains(&link.b)
            || decided;
        if !stands && judged {
            end(tx, tenant, link.seq, seq)?;
            changed.extend([link.a.clone(), link.b.clone()]);
        }
    }
    for ((a, b, kind), basis) in wanted {
        add(tx, tenant, kind, &a, &b, &basis, seq, None)?;
        changed.extend([a, b]);
    }
    Ok(changed)
}

/// A pair without an order.
fn pair(a: &str, b: &str, kind: &'static str) -> (String, String, &'static str) {
    if a <= b {
        (a.to_owned(), b.to_owned(), kind)
    } else {
        (b.to_owned(), a.to_owned(), kind)
    }
}
