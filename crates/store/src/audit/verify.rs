//! Proves that the log is what it was: recomputes every leaf, node and root, opens every entry, and compares with the checkpoints in
//! the database and outside it.
//!
//! It stops at the first thing that does not fit and names it. It mends nothing.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_fact::id::TenantId;
use bedside_ledger::checkpoint::{Checkpoint, verify};
use bedside_ledger::tree::{Frontier, Hash, Node, leaf_hash};

use super::checkpoint::Folder;
use super::leaf;
use super::tree::{Builder, checkpoints_made, hash, signed, time_opens, tree_size, unsigned};
use crate::Store;
use crate::backend::{Cell, Tx, Val};
use crate::error::Error;
use crate::row;
use crate::seal::Sealer;

/// How many rows are read at a time.
const CHUNK: i64 = 1_000;

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Everything fits.
    pub ok: bool,
    /// How many entries the log holds.
    pub entries: u64,
    /// The root over the entries that were read, in base64.
    pub root: String,
    /// The first thing that does not fit: `entry 17`, `node 3/5`, `checkpoint 120 in DIRECTORY`.
    pub first_bad: Option<String>,
    /// Why it does not fit.
    pub reason: Option<String>,
}

/// What does not fit, and why. Anything else that goes wrong is an [`Error`].
enum Stop {
    Bad(String, String),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

fn bad(what: impl Into<String>, why: impl Into<String>) -> Stop {
    Stop::Bad(what.into(), why.into())
}

impl Store {
    /// Verifies the whole log. The verification is itself an entry, written before.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said when the log can't be read at all.
    pub async fn audit_verify(&self, ctx: &OpCtx) -> Result<Verification, Error> {
        self.guard(ctx, Action::ReadAudit).await?;
        self.audit(ctx, Entry::new(ctx, "audit.verify", AuditOutcome::Success))
            .await?;
        let builder = self.audit_builder();
        tokio::task::spawn_blocking(move || builder.verify())
            .await
            .map_err(|_| Error::Unavailable)?
    }
}

impl Builder {
    /// Verifies the log as it is at this moment. Blocking.
    pub(super) fn verify(&self) -> Result<Verification, Error> {
        // No pass of the tree may come between the reading of the database and that of the directory.
        let _still = self
            .known
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut outcome = None;
        self.backend.read(&mut |tx| {
            let mut walk = Walk {
                sealer: &self.sealer,
                tenant: &self.tenant,
                folder: &self.state.folder,
                frontier: Frontier::new(),
                wanted: BTreeMap::new(),
                removed: BTreeMap::new(),
                reading: Reading::Checkpoints(0),
            };
            let (first_bad, reason) = match walk.run(tx) {
                Ok(()) => (None, None),
                Err(Stop::Bad(what, why)) => (Some(what), Some(why)),
                // A cell that is not even of its type is as bad as one with other content.
                Err(Stop::Failed(Error::Corrupt(why))) => (Some(walk.place()), Some(why)),
                Err(Stop::Failed(error)) => return Err(error),
            };
            outcome = Some(Verification {
                ok: first_bad.is_none(),
                entries: walk.count(tx)?,
                root: STANDARD.encode(walk.frontier.root()),
                first_bad,
                reason,
            });
            Ok(())
        })?;
        outcome.ok_or(Error::Unavailable)
    }
}

struct Walk<'a> {
    sealer: &'a Sealer,
    tenant: &'a TenantId,
    folder: &'a Folder,
    frontier: Frontier,
    /// The roots that somebody signed, by size, with the names of what says so.
    wanted: BTreeMap<u64, Vec<(Hash, String)>>,
    /// Checkpoints that are outside and not in the database.
    removed: BTreeMap<u64, String>,
    reading: Reading,
}

/// What is being read, to name it when it can't be.
enum Reading {
    Checkpoints(i64),
    Entries,
    Nodes,
}

impl Walk<'_> {
    fn place(&self) -> String {
        match self.reading {
            Reading::Checkpoints(size) => format!("checkpoint {size}"),
            Reading::Entries => format!("entry {}", self.frontier.size()),
            Reading::Nodes => "node".to_owned(),
        }
    }

    fn run(&mut self, tx: &mut dyn Tx) -> Result<(), Stop> {
        let in_tree = tree_size(tx, self.tenant)?;
        let inside = self.read_rows(tx)?;
        let made = checkpoints_made(tx, self.tenant)?;
        let kept = made.min(u64::try_from(self.folder.kept).unwrap_or(u64::MAX));
        // What is older than the oldest inside was let go there, once there were too many.
        let oldest = inside.first().copied().filter(|_| made > kept).unwrap_or(0);
        let newest_outside = self.read_files(&inside, oldest)?;
        self.compare_at_this_size()?;
        self.reading = Reading::Entries;
        let written = self.walk_entries(tx, in_tree)?;
        let entries = self.frontier.size();
        if let Some((size, names)) = self.wanted.first_key_value() {
            let name = names
                .first()
                .map_or_else(|| format!("checkpoint {size}"), |(_, name)| name.clone());
            return Err(bad(
                format!("entry {entries}"),
                format!(
                    "it is missing: {name} was signed for {size} entries, so the end of the log was cut off or the data is an older copy"
                ),
            ));
        }
        if written != entries {
            return Err(bad(
                format!("entry {entries}"),
                format!("it is missing: {written} entries were written"),
            ));
        }
        if inside.last().copied().unwrap_or(0) != in_tree {
            return Err(bad(
                format!("checkpoint {in_tree}"),
                format!("it is missing: the tree holds {in_tree} entries"),
            ));
        }
        if let Some((size, name)) = self.removed.first_key_value() {
            return Err(bad(
                format!("checkpoint {size}"),
                format!("it is missing in the database, and {name} is there"),
            ));
        }
        if u64::try_from(inside.len()) != Ok(kept) {
            return Err(bad(
                format!("checkpoint {in_tree}"),
                format!(
                    "of the {kept} newest checkpoints up to it, {} are there",
                    inside.len()
                ),
            ));
        }
        if in_tree > 0 && newest_outside.is_none() {
            return Err(bad(
                format!("checkpoint {in_tree} in {}", self.folder.path().display()),
                "there is no checkpoint outside the data, so nothing proves that the log is whole",
            ));
        }
        self.reading = Reading::Nodes;
        self.no_node_beyond(tx, in_tree)
    }

    fn count(&self, tx: &mut dyn Tx) -> Result<u64, Error> {
        let rows = tx.query(
            "SELECT COUNT(*) FROM audit_entry WHERE tenant = $1",
            &[Val::Text(self.tenant.as_str())],
        )?;
        unsigned(row::int(row::only(&rows)?, 0)?)
    }

    /// The checkpoints in the database: each signed, each row saying what its note says. Yields their sizes.
    fn read_rows(&mut self, tx: &mut dyn Tx) -> Result<BTreeSet<u64>, Stop> {
        let mut sizes = BTreeSet::new();
        let mut after = i64::MIN;
        loop {
            let rows = tx.query(
                "SELECT size, root, note, at FROM audit_checkpoint WHERE tenant = $1 AND size > $2 ORDER BY size LIMIT $3",
                &[Val::Text(self.tenant.as_str()), Val::Int(after), Val::Int(CHUNK)],
            )?;
            if rows.is_empty() {
                return Ok(sizes);
            }
            for stored in &rows {
                after = row::int(stored, 0)?;
                self.reading = Reading::Checkpoints(after);
                let name = format!("checkpoint {after}");
                let size = u64::try_from(after)
                    .map_err(|_| bad(name.as_str(), "no checkpoint has a negative size"))?;
                let root = row::blob(stored, 1)?;
                let note = row::text(stored, 2)?;
                let checkpoint = verify(note, self.folder.origin(), self.folder.public_key())
                    .map_err(|error| bad(name.as_str(), error.to_string()))?;
                if checkpoint.size != size || checkpoint.root.as_slice() != root {
                    return Err(bad(
                        name,
                        "its row says something else than its signed note",
                    ));
                }
                if !time_opens(self.sealer, size, row::blob(stored, 3)?) {
                    return Err(bad(name, "its time was changed"));
                }
                sizes.insert(size);
                self.want(&checkpoint, name);
            }
        }
    }

    /// The checkpoints outside: each signed by our key. Yields the newest.
    ///
    /// A size that is outside and not inside is wanted all the same: if the log is whole, its row was removed.
    fn read_files(&mut self, inside: &BTreeSet<u64>, oldest: u64) -> Result<Option<u64>, Stop> {
        let directory = self.folder.path().display().to_string();
        if !self.folder.key_is_ours() {
            return Err(bad(
                format!("public-key in {directory}"),
                "it is not the key that signs this log",
            ));
        }
        let mut newest = None;
        for found in self.folder.all()? {
            let name = match found.name.strip_prefix("checkpoint-") {
                Some(size) => format!("checkpoint {size} in {directory}"),
                None => format!("{} in {directory}", found.name),
            };
            match found.content {
                Ok(checkpoint) => {
                    newest = newest.max(Some(checkpoint.size));
                    if checkpoint.size >= oldest && !inside.contains(&checkpoint.size) {
                        self.removed
                            .entry(checkpoint.size)
                            .or_insert_with(|| name.clone());
                    }
                    self.want(&checkpoint, name);
                }
                // What a crash left half-written never had its own name yet.
                Err(_) if found.name.ends_with(".draft") => {}
                Err(reason) => return Err(bad(name, reason)),
            }
        }
        Ok(newest)
    }

    fn want(&mut self, checkpoint: &Checkpoint, name: String) {
        self.wanted
            .entry(checkpoint.size)
            .or_default()
            .push((checkpoint.root, name));
    }

    fn walk_entries(&mut self, tx: &mut dyn Tx, in_tree: u64) -> Result<u64, Stop> {
        let rows = tx.query(
            "SELECT next FROM counter WHERE tenant = $1 AND name = 'audit'",
            &[Val::Text(self.tenant.as_str())],
        )?;
        let written = rows
            .first()
            .map_or(Ok(0), |found| unsigned(row::int(found, 0)?))?;
        loop {
            let start = self.frontier.size();
            let rows = tx.query(
                "SELECT idx, leaf, hash FROM audit_entry WHERE tenant = $1 AND idx >= $2 ORDER BY idx LIMIT $3",
                &[Val::Text(self.tenant.as_str()), Val::Int(signed(start)?), Val::Int(CHUNK)],
            )?;
            if rows.is_empty() {
                return self.no_entry_before_the_first(tx).map(|()| written);
            }
            let end = start + u64::try_from(rows.len()).unwrap_or(u64::MAX);
            let stored = Nodes::read(tx, self.tenant, start, end)?;
            for found in &rows {
                self.one_entry(found, in_tree, &stored)?;
            }
        }
    }

    fn one_entry(&mut self, found: &[Cell], in_tree: u64, stored: &Nodes) -> Result<(), Stop> {
        let index = self.frontier.size();
        let name = format!("entry {index}");
        if row::int(found, 0)? != signed(index)? {
            return Err(bad(name, "it is missing, and later ones are there"));
        }
        let bytes = row::blob(found, 1)?;
        let computed = leaf_hash(bytes);
        if computed.as_slice() != row::blob(found, 2)? {
            return Err(bad(name, "its bytes do not give its hash"));
        }
        let decoded = leaf::decode(bytes).map_err(|reason| bad(name.as_str(), reason))?;
        if decoded.index != index {
            return Err(bad(name, "it was written for another place in the log"));
        }
        leaf::open(self.sealer, &decoded).map_err(|reason| bad(name.as_str(), reason))?;
        for node in self.frontier.append(computed) {
            // A node belongs to the stored tree when the tree reaches the last entry under it, which is this one.
            if index < in_tree {
                stored.check(&node)?;
            }
        }
        self.compare_at_this_size()
    }

    /// Compares the root over what was read so far with what was signed for this size.
    fn compare_at_this_size(&mut self) -> Result<(), Stop> {
        let Some(wanted) = self.wanted.remove(&self.frontier.size()) else {
            return Ok(());
        };
        let root = self.frontier.root();
        match wanted.into_iter().find(|(signed, _)| *signed != root) {
            Some((_, name)) => Err(bad(
                name,
                "the entries that it was signed for are not those of the log any more",
            )),
            None => Ok(()),
        }
    }

    fn no_entry_before_the_first(&self, tx: &mut dyn Tx) -> Result<(), Stop> {
        let rows = tx.query(
            "SELECT idx FROM audit_entry WHERE tenant = $1 AND idx < 0 LIMIT 1",
            &[Val::Text(self.tenant.as_str())],
        )?;
        match rows.first() {
            Some(found) => Err(bad(
                format!("entry {}", row::int(found, 0)?),
                "no entry has a negative place",
            )),
            None => Ok(()),
        }
    }

    /// All nodes that should be there were compared on the way; there must be no others.
    fn no_node_beyond(&self, tx: &mut dyn Tx, in_tree: u64) -> Result<(), Stop> {
        for level in 0..=64_u8 {
            // Leaves are no nodes here, and a tree of 64-bit size has none above level 63.
            let complete = if level == 0 {
                0
            } else {
                in_tree.checked_shr(u32::from(level)).unwrap_or(0)
            };
            let rows = tx.query(
                "SELECT level, idx FROM audit_node WHERE tenant = $1 AND (level = $2 OR ($2 = 64 AND level > 64) OR ($2 = 0 AND level < 0)) \
                 AND (idx >= $3 OR idx < 0) ORDER BY level, idx LIMIT 1",
                &[Val::Text(self.tenant.as_str()), Val::Int(i64::from(level)), Val::Int(signed(complete)?)],
            )?;
            if let Some(found) = rows.first() {
                return Err(bad(
                    format!("node {}/{}", row::int(found, 0)?, row::int(found, 1)?),
                    format!("there is nothing under it in a tree of {in_tree} entries"),
                ));
            }
        }
        Ok(())
    }
}

/// The stored nodes whose last entry lies in a range.
struct Nodes {
    by_place: BTreeMap<(u8, u64), Hash>,
}

impl Nodes {
    fn read(tx: &mut dyn Tx, tenant: &TenantId, start: u64, end: u64) -> Result<Self, Stop> {
        let mut by_place = BTreeMap::new();
        for level in 1..63_u8 {
            // The node (level, index) is complete with entry ((index + 1) << level) - 1.
            let (from, to) = (start >> level, end >> level);
            if to == 0 {
                break;
            }
            for found in tx.query(
                "SELECT idx, hash FROM audit_node WHERE tenant = $1 AND level = $2 AND idx >= $3 AND idx < $4",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Int(i64::from(level)),
                    Val::Int(signed(from)?),
                    Val::Int(signed(to)?),
                ],
            )? {
                let index = unsigned(row::int(&found, 0)?)?;
                let stored = hash(row::blob(&found, 1)?)
                    .map_err(|_| bad(format!("node {level}/{index}"), "it is not a hash of 32 bytes"))?;
                by_place.insert((level, index), stored);
            }
        }
        Ok(Self { by_place })
    }

    fn check(&self, node: &Node) -> Result<(), Stop> {
        let name = format!("node {}/{}", node.level, node.index);
        match self.by_place.get(&(node.level, node.index)) {
            Some(stored) if *stored == node.hash => Ok(()),
            Some(_) => Err(bad(name, "it is not the hash of what lies under it")),
            None => Err(bad(name, "it is missing")),
        }
    }
}
