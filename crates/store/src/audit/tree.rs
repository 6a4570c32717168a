//! The thread that follows the log: takes late entries over from the second sink, hangs new entries into the Merkle tree, signs
//! checkpoints.
//!
//! It looks twice a second, whatever the clock of the store shows, so an entry is in the tree within a second of being durable
//! (design D8). A pass that fails changes nothing and is repeated by the next one. It is not on the path of any acknowledgement.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bedside_fact::clock::SharedClock;
use bedside_fact::id::TenantId;
use bedside_ledger::checkpoint::{Checkpoint, Signer, verify};
use bedside_ledger::tree::{Frontier, Hash, Node, leaf_hash, root_at};

use super::door::AuditState;
use crate::backend::{Backend, Tx, Val};
use crate::error::Error;
use crate::row;
use crate::seal::Sealer;
use crate::writer::Fatal;

/// How long the thread rests between two looks.
const REST: Duration = Duration::from_millis(500);

/// How many entries one transaction hangs into the tree: few enough that it does not hold up the writer for long.
const BATCH: i64 = 4_096;

/// How many batches another node may be faster with before a pass gives up; the next one goes on.
const RACES: u32 = 16;

/// What a pass works with.
pub(crate) struct Builder {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) sealer: Sealer,
    pub(crate) signer: Signer,
    pub(crate) tenant: TenantId,
    pub(crate) clock: SharedClock,
    pub(crate) state: Arc<AuditState>,
    /// Tells everybody when a sync of ours failed.
    pub(crate) fatal: Fatal,
    /// What is known of the tree between passes, and the lock that keeps two passes apart.
    pub(crate) known: Mutex<Known>,
}

/// The tree as of the last pass.
#[derive(Default)]
pub(crate) struct Known {
    frontier: Option<Frontier>,
    /// The newest checkpoint outside was compared with the log.
    compared: bool,
}

impl Builder {
    /// One pass: everything durable by now is in the tree when it returns, and the newest note is outside. Yields that note,
    /// `None` while the log is empty.
    ///
    /// # Errors
    /// What the database or the directory of checkpoints said.
    pub(crate) fn pass(&self) -> Result<Option<String>, Error> {
        if let Some(error) = self.fatal.borrow().clone() {
            return Err(error);
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let result = self.advance(&mut known);
        if result == Err(Error::Sync) {
            self.fatal.send_replace(Some(Error::Sync));
        }
        result
    }

    fn advance(&self, known: &mut Known) -> Result<Option<String>, Error> {
        self.state
            .drain(&*self.backend, &self.sealer, &self.tenant, &self.clock)?;
        let mut lost = 0;
        loop {
            match self.grow(known) {
                Ok(true) => {}
                Ok(false) => break,
                // Another node hung these entries in first: go on behind them.
                Err(Error::Conflict) if lost < RACES => lost += 1,
                Err(error) => return Err(error),
            }
        }
        let newest = self.newest()?;
        if let Some((size, note)) = &newest {
            self.publish(known, *size, note)?;
        }
        Ok(newest.map(|(_, note)| note))
    }

    /// Hangs the next batch of entries in. `false` when there was none.
    fn grow(&self, known: &mut Known) -> Result<bool, Error> {
        let mut size = 0;
        let mut hashes: Vec<Hash> = Vec::new();
        let mut frontier = known.frontier.take();
        self.backend.read(&mut |tx| {
            hashes.clear();
            size = tree_size(tx, &self.tenant)?;
            if frontier.as_ref().map(Frontier::size) != Some(size) {
                frontier = Some(self.proven_frontier(tx, size)?);
            }
            for found in tx.query(
                "SELECT idx, leaf, hash FROM audit_entry WHERE tenant = $1 AND idx >= $2 ORDER BY idx LIMIT $3",
                &[Val::Text(self.tenant.as_str()), Val::Int(signed(size)?), Val::Int(BATCH)],
            )? {
                let at = signed(size)? + i64::try_from(hashes.len()).unwrap_or(i64::MAX);
                if row::int(&found, 0)? != at {
                    return Err(Error::Corrupt(format!("entry {at} of the audit log is missing")));
                }
                // What was changed before the tree reached it must not be signed.
                let computed = leaf_hash(row::blob(&found, 1)?);
                if computed.as_slice() != row::blob(&found, 2)? {
                    return Err(Error::Corrupt(format!("entry {at} of the audit log was changed")));
                }
                hashes.push(computed);
            }
            Ok(())
        })?;
        let mut frontier = frontier.unwrap_or_default();
        if hashes.is_empty() {
            known.frontier = Some(frontier);
            return Ok(false);
        }
        let nodes: Vec<Node> = hashes
            .iter()
            .flat_map(|leaf| frontier.append(*leaf))
            .collect();
        let checkpoint = Checkpoint {
            origin: self.state.folder.origin().to_owned(),
            size: frontier.size(),
            root: frontier.root(),
        };
        let note = self.signer.sign(&checkpoint);
        let at = self.clock.now().as_microsecond();
        let at = seal_time(&self.sealer, checkpoint.size, at)?;
        self.backend.write(&mut |tx| {
            store(tx, &self.tenant, size, &nodes, &checkpoint, &note, &at)?;
            forget(tx, &self.tenant, self.state.folder.kept)
        })?;
        known.frontier = Some(frontier);
        Ok(true)
    }

    /// The frontier of the stored tree, once it gives the root that was signed for it: a changed node must not be signed.
    fn proven_frontier(&self, tx: &mut dyn Tx, size: u64) -> Result<Frontier, Error> {
        let frontier = stored_frontier(tx, &self.tenant, size)?;
        if size == 0 {
            return Ok(frontier);
        }
        let rows = tx.query(
            "SELECT note FROM audit_checkpoint WHERE tenant = $1 AND size = $2",
            &[Val::Text(self.tenant.as_str()), Val::Int(signed(size)?)],
        )?;
        let signed_for = rows
            .first()
            .map(|found| self.believed(row::text(found, 0)?))
            .transpose()?;
        if signed_for
            .is_some_and(|checkpoint| checkpoint.size == size && checkpoint.root == frontier.root())
        {
            Ok(frontier)
        } else {
            Err(Error::Corrupt(format!(
                "the audit log's tree of {size} entries is not the one that was signed"
            )))
        }
    }

    /// What a stored note says, when it is ours.
    fn believed(&self, note: &str) -> Result<Checkpoint, Error> {
        let folder = &self.state.folder;
        verify(note, folder.origin(), folder.public_key()).map_err(|error| {
            Error::Corrupt(format!("a stored checkpoint of the audit log: {error}"))
        })
    }

    fn newest(&self) -> Result<Option<(u64, String)>, Error> {
        let mut newest = None;
        self.backend.read(&mut |tx| {
            let rows = tx.query(
                "SELECT size, note FROM audit_checkpoint WHERE tenant = $1 ORDER BY size DESC LIMIT 1",
                &[Val::Text(self.tenant.as_str())],
            )?;
            newest = match rows.first() {
                Some(found) => Some((unsigned(row::int(found, 0)?)?, row::text(found, 1)?.to_owned())),
                None => None,
            };
            Ok(())
        })?;
        Ok(newest)
    }

    /// Writes the note outside, unless the log no longer extends what stands there.
    fn publish(&self, known: &mut Known, size: u64, note: &str) -> Result<(), Error> {
        let folder = &self.state.folder;
        if self.believed(note)?.size != size {
            return Err(Error::Corrupt(format!(
                "checkpoint {size} of the audit log is about another size"
            )));
        }
        let outside = folder.latest();
        if !known.compared {
            if let Some(outside) = &outside {
                self.compare(size, outside)?;
            }
            known.compared = true;
        }
        match outside {
            Some(Ok(checkpoint)) if checkpoint.size == size => Ok(()),
            Some(_) | None => folder.write(size, note),
        }
    }

    /// The log must still contain what the newest checkpoint outside says.
    fn compare(&self, size: u64, outside: &Result<Checkpoint, String>) -> Result<(), Error> {
        let path = self.state.folder.path();
        let old = outside.as_ref().map_err(|reason| {
            Error::Corrupt(format!(
                "the newest checkpoint in {}: {reason}",
                path.display()
            ))
        })?;
        let mut root = None;
        if old.size <= size {
            self.backend.read(&mut |tx| {
                root = Some(stored_root(tx, &self.tenant, old.size)?);
                Ok(())
            })?;
        }
        if root == Some(old.root) {
            Ok(())
        } else {
            Err(Error::Corrupt(format!(
                "the audit log does not contain what checkpoint {} in {} says",
                old.size,
                path.display()
            )))
        }
    }
}

/// The running thread. Dropping it stops it without a last pass.
pub(crate) struct Follower {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts the thread.
///
/// # Errors
/// [`Error::File`] when the operating system gives no thread.
pub(crate) fn follow(builder: Arc<Builder>) -> Result<Follower, Error> {
    let (stop, stopped) = sync_channel(1);
    let thread = std::thread::Builder::new()
        .name("audit-tree".into())
        .spawn(move || run(&builder, &stopped))
        .map_err(|error| Error::file(std::path::Path::new("a thread for the audit log"), &error))?;
    Ok(Follower {
        stop: Some(stop),
        thread: Some(thread),
    })
}

impl Follower {
    /// Stops the thread and waits for it.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was already reported on standard error; the log itself is not harmed by it.
            let _ = thread.join();
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(builder: &Builder, stopped: &Receiver<()>) {
    let mut last: Option<Error> = None;
    loop {
        match stopped.recv_timeout(REST) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let failure = builder.pass().err();
        // Said once, not twice a second.
        if let Some(error) = failure
            .as_ref()
            .filter(|error| last.as_ref() != Some(*error))
        {
            tracing::error!(
                code = error.code(),
                "the audit log's tree can't follow: {error}"
            );
        }
        last = failure;
    }
}

/// How many entries the tree holds.
pub(super) fn tree_size(tx: &mut dyn Tx, tenant: &TenantId) -> Result<u64, Error> {
    let rows = tx.query(
        "SELECT next FROM counter WHERE tenant = $1 AND name = 'tree'",
        &[Val::Text(tenant.as_str())],
    )?;
    rows.first()
        .map_or(Ok(0), |found| unsigned(row::int(found, 0)?))
}

/// How many checkpoints were made.
pub(super) fn checkpoints_made(tx: &mut dyn Tx, tenant: &TenantId) -> Result<u64, Error> {
    let rows = tx.query(
        "SELECT next FROM counter WHERE tenant = $1 AND name = 'checkpoint'",
        &[Val::Text(tenant.as_str())],
    )?;
    rows.first()
        .map_or(Ok(0), |found| unsigned(row::int(found, 0)?))
}

/// The time of a checkpoint, sealed for its row.
fn seal_time(sealer: &Sealer, size: u64, at: i64) -> Result<Vec<u8>, Error> {
    sealer.seal(
        "audit",
        "audit_checkpoint",
        &size.to_string(),
        "at",
        &at.to_be_bytes(),
    )
}

/// Whether the sealed time of a checkpoint's row opens.
pub(super) fn time_opens(sealer: &Sealer, size: u64, sealed: &[u8]) -> bool {
    sealer
        .open("audit", "audit_checkpoint", &size.to_string(), "at", sealed)
        .is_ok_and(|plain| plain.len() == 8)
}

fn store(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    old: u64,
    nodes: &[Node],
    checkpoint: &Checkpoint,
    note: &str,
    at: &[u8],
) -> Result<(), Error> {
    // Another node of the same database may have been faster: then this changes no row.
    let moved = tx.query(
        "INSERT INTO counter (tenant, name, next) VALUES ($1, 'tree', $2) \
         ON CONFLICT (tenant, name) DO UPDATE SET next = $2 WHERE counter.next = $3 RETURNING next",
        &[
            Val::Text(tenant.as_str()),
            Val::Int(signed(checkpoint.size)?),
            Val::Int(signed(old)?),
        ],
    )?;
    if moved.is_empty() {
        return Err(Error::Conflict);
    }
    for node in nodes {
        tx.execute(
            "INSERT INTO audit_node (tenant, level, idx, hash) VALUES ($1, $2, $3, $4)",
            &[
                Val::Text(tenant.as_str()),
                Val::Int(i64::from(node.level)),
                Val::Int(signed(node.index)?),
                Val::Blob(&node.hash),
            ],
        )?;
    }
    tx.execute(
        "INSERT INTO counter (tenant, name, next) VALUES ($1, 'checkpoint', 1) \
         ON CONFLICT (tenant, name) DO UPDATE SET next = counter.next + 1",
        &[Val::Text(tenant.as_str())],
    )?;
    tx.execute(
        "INSERT INTO audit_checkpoint (tenant, size, root, note, at) VALUES ($1, $2, $3, $4, $5)",
        &[
            Val::Text(tenant.as_str()),
            Val::Int(signed(checkpoint.size)?),
            Val::Blob(&checkpoint.root),
            Val::Text(note),
            Val::Blob(at),
        ],
    )?;
    Ok(())
}

/// Keeps the newest checkpoints only: each newer one covers what an older one did.
fn forget(tx: &mut dyn Tx, tenant: &TenantId, kept: usize) -> Result<(), Error> {
    let kept = i64::try_from(kept).unwrap_or(i64::MAX);
    tx.execute(
        "DELETE FROM audit_checkpoint WHERE tenant = $1 AND size <= \
         (SELECT size FROM audit_checkpoint WHERE tenant = $1 ORDER BY size DESC LIMIT 1 OFFSET $2)",
        &[Val::Text(tenant.as_str()), Val::Int(kept)],
    )?;
    Ok(())
}

/// The frontier of the stored tree: the roots of its perfect subtrees.
fn stored_frontier(tx: &mut dyn Tx, tenant: &TenantId, size: u64) -> Result<Frontier, Error> {
    let mut peaks = Vec::new();
    let mut at = 0;
    while at < size {
        let height = (size - at).ilog2();
        let level = u8::try_from(height).unwrap_or(u8::MAX);
        let index = at >> height;
        let peak = stored_node(tx, tenant, level, index)?.ok_or_else(|| {
            Error::Corrupt(format!("node {level}/{index} of the audit log is missing"))
        })?;
        peaks.push(peak);
        at += 1 << height;
    }
    Frontier::from_parts(size, peaks).map_err(|error| Error::Corrupt(error.to_string()))
}

/// The root of the tree's first `size` entries, from stored nodes.
fn stored_root(tx: &mut dyn Tx, tenant: &TenantId, size: u64) -> Result<Hash, Error> {
    let mut failure = None;
    let root = root_at(
        size,
        &mut |level, index| match stored_node(tx, tenant, level, index) {
            Ok(node) => node,
            Err(error) => {
                failure = Some(error);
                None
            }
        },
    );
    match failure {
        Some(error) => Err(error),
        None => root.map_err(|error| Error::Corrupt(error.to_string())),
    }
}

fn stored_node(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    level: u8,
    index: u64,
) -> Result<Option<Hash>, Error> {
    let rows = if level == 0 {
        tx.query(
            "SELECT hash FROM audit_entry WHERE tenant = $1 AND idx = $2",
            &[Val::Text(tenant.as_str()), Val::Int(signed(index)?)],
        )?
    } else {
        tx.query(
            "SELECT hash FROM audit_node WHERE tenant = $1 AND level = $2 AND idx = $3",
            &[
                Val::Text(tenant.as_str()),
                Val::Int(i64::from(level)),
                Val::Int(signed(index)?),
            ],
        )?
    };
    rows.first()
        .map(|found| hash(row::blob(found, 0)?))
        .transpose()
}

/// A stored hash.
pub(super) fn hash(bytes: &[u8]) -> Result<Hash, Error> {
    Hash::try_from(bytes)
        .map_err(|_| Error::Corrupt("a hash of the audit log is not 32 bytes".into()))
}

/// A size as the database takes it.
pub(super) fn signed(value: u64) -> Result<i64, Error> {
    i64::try_from(value)
        .map_err(|_| Error::Corrupt("a position in the audit log is too large".into()))
}

/// A size as the ledger takes it.
pub(super) fn unsigned(value: i64) -> Result<u64, Error> {
    u64::try_from(value)
        .map_err(|_| Error::Corrupt("a position in the audit log is negative".into()))
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
