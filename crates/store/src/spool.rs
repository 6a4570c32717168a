//! The second sink of the audit log: where the entries of clinicians' reads go while the log itself can't be written (promise P9).
//!
//! Append-only files `NNN.log` in a directory of their own, one sync before each append returns. They need no database: each file
//! begins with its own key, wrapped by the key-encryption key, and each entry is sealed with it for its file and position. When the
//! log can be written again, [`Spool::drain`] hands the entries over and removes the files.
//!
//! It does not decide what may go here: [`crate::audit`] does.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bedside_core::audit::Entry;
use bedside_fact::clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::seal::{Sealer, SecretKey};

/// The first bytes of each file.
const MAGIC: &[u8] = b"BEDSIDE SPOOL 1\n";

/// One entry as it is kept here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Late {
    /// Random; what makes taking it over twice enter it once.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub entry: Entry,
}

/// What a file held when it was read back.
pub struct Batch {
    /// The file's name without its folder.
    pub file: String,
    /// The entries that open, in order.
    pub entries: Vec<Late>,
    /// The position of the first record that does not open, if any. An incomplete last record is none: nothing was released on it.
    pub damaged: Option<usize>,
}

/// The second sink.
pub struct Spool {
    path: PathBuf,
    sealer: Sealer,
    open: Mutex<Option<Current>>,
    waiting: AtomicU64,
    /// An earlier process left files, perhaps without a readable entry in them.
    left: AtomicBool,
}

struct Current {
    file: File,
    name: String,
    key: SecretKey,
    next: usize,
}

impl Spool {
    /// Opens the directory, makes it when it is not there, and counts what an earlier process left.
    ///
    /// # Errors
    /// [`Error::File`] with the path.
    pub fn open(path: &Path, sealer: &Sealer) -> Result<Self, Error> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| Error::file(path, &error))?;
        let spool = Self {
            path: path.to_owned(),
            sealer: sealer.clone(),
            open: Mutex::new(None),
            waiting: AtomicU64::new(0),
            left: AtomicBool::new(false),
        };
        for name in spool.names()? {
            spool.left.store(true, Ordering::SeqCst);
            spool.count(spool.read(&name)?.entries.len());
        }
        Ok(spool)
    }

    /// How many entries wait to be taken over.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Keeps entries: they are on disk when this returns. Blocking.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Full`]; then none of them counts as kept.
    pub fn append(&self, entries: &[Entry], at: Timestamp) -> Result<(), Error> {
        let mut open = self.lock();
        let mut current = match open.take() {
            Some(current) => current,
            None => self.begin()?,
        };
        let mut bytes = Vec::new();
        for entry in entries {
            let late = Late {
                id: random_id()?,
                at,
                entry: entry.clone(),
            };
            let plain = serde_json::to_vec(&late)
                .map_err(|_| Error::Corrupt("an audit entry can't be written as JSON".into()))?;
            let row = format!("{}/{}", current.name, current.next);
            let sealed = current
                .key
                .seal(self.sealer.place("spool", &row, "entry"), &plain)?;
            put(&mut bytes, &sealed)?;
            current.next += 1;
        }
        // After a failure the file is left as it is and the next append begins another: what follows half a record can't be read.
        current
            .file
            .write_all(&bytes)
            .and_then(|()| current.file.sync_data())
            .map_err(|error| Error::file(&self.path.join(&current.name), &error))?;
        self.count(entries.len());
        *open = Some(current);
        Ok(())
    }

    /// Hands over what is kept, file by file, and removes a file once `take` has accepted it. Appending goes on meanwhile, into
    /// another file. Blocking.
    ///
    /// # Errors
    /// What `take` or the directory said; what was not accepted stays.
    pub fn drain(&self, take: &mut dyn FnMut(&Batch) -> Result<(), Error>) -> Result<(), Error> {
        if self.waiting() == 0 && !self.left.load(Ordering::SeqCst) {
            return Ok(());
        }
        let names = {
            let mut open = self.lock();
            *open = None;
            self.names()?
        };
        for name in names {
            let batch = self.read(&name)?;
            take(&batch)?;
            let path = self.path.join(&name);
            if batch.damaged.is_some() {
                // Evidence of tampering or of a broken disk is kept for a person to look at.
                std::fs::rename(&path, path.with_extension("damaged"))
            } else {
                std::fs::remove_file(&path)
            }
            .map_err(|error| Error::file(&path, &error))?;
            self.sync()?;
            let taken = u64::try_from(batch.entries.len()).unwrap_or(u64::MAX);
            self.waiting
                .fetch_sub(taken.min(self.waiting()), Ordering::SeqCst);
        }
        self.left.store(false, Ordering::SeqCst);
        Ok(())
    }

    fn begin(&self) -> Result<Current, Error> {
        let next = self
            .names()?
            .iter()
            .filter_map(|name| number(name))
            .max()
            .unwrap_or(0)
            + 1;
        let name = format!("{next:03}.log");
        let path = self.path.join(&name);
        let failed = |error: std::io::Error| Error::file(&path, &error);
        let key = SecretKey::generate(format!("spool/{name}"))?;
        let wrapped = self
            .sealer
            .master()
            .wrap(self.sealer.place("spool", &name, "key"), &key)?;
        let mut bytes = MAGIC.to_vec();
        put(&mut bytes, &wrapped)?;
        let mut file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        file.write_all(&bytes)
            .and_then(|()| file.sync_all())
            .map_err(failed)?;
        self.sync()?;
        Ok(Current {
            file,
            name,
            key,
            next: 0,
        })
    }

    fn read(&self, name: &str) -> Result<Batch, Error> {
        let path = self.path.join(name);
        let bytes = std::fs::read(&path).map_err(|error| Error::file(&path, &error))?;
        let mut batch = Batch {
            file: name.to_owned(),
            entries: Vec::new(),
            damaged: None,
        };
        // A file without a whole beginning was never appended to.
        let Some((wrapped, mut rest)) = bytes.strip_prefix(MAGIC).and_then(split_record) else {
            return Ok(batch);
        };
        let id = format!("spool/{name}");
        let Ok(key) =
            self.sealer
                .master()
                .unwrap_key(self.sealer.place("spool", name, "key"), &id, wrapped)
        else {
            batch.damaged = Some(0);
            return Ok(batch);
        };
        let mut position = 0;
        while let Some((sealed, after)) = split_record(rest) {
            let row = format!("{name}/{position}");
            let late = key
                .open(self.sealer.place("spool", &row, "entry"), sealed)
                .ok()
                .and_then(|plain| serde_json::from_slice::<Late>(&plain).ok());
            match late {
                Some(late) => batch.entries.push(late),
                None => batch.damaged = batch.damaged.or(Some(position)),
            }
            position += 1;
            rest = after;
        }
        Ok(batch)
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        let failed = |error: std::io::Error| Error::file(&self.path, &error);
        let mut names: Vec<String> = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            if let Ok(name) = entry.map_err(failed)?.file_name().into_string()
                && number(&name).is_some()
            {
                names.push(name);
            }
        }
        names.sort_by_key(|name| number(name));
        Ok(names)
    }

    fn sync(&self) -> Result<(), Error> {
        File::open(&self.path)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| Error::file(&self.path, &error))
    }

    fn count(&self, more: usize) {
        self.waiting
            .fetch_add(u64::try_from(more).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Current>> {
        // A panic elsewhere leaves no current file at worst, and then a new one is begun.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn number(name: &str) -> Option<u64> {
    name.strip_suffix(".log")?.parse().ok()
}

fn random_id() -> Result<String, Error> {
    let mut bytes = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::Corrupt("no random bytes".into()))?;
    Ok(bedside_fact::id::Token(bytes).to_hex())
}

fn put(bytes: &mut Vec<u8>, record: &[u8]) -> Result<(), Error> {
    let length = u32::try_from(record.len())
        .map_err(|_| Error::Invalid("an audit entry is too long".into()))?;
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(record);
    Ok(())
}

fn split_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}
