//! Opening a store: lock, databases, migrations, keys, threads, in this order, so that a refusal leaves nothing half made.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use crate::audit::AuditState;
use crate::audit::checkpoint::Folder;
use crate::audit::tree::{Builder, Known, follow};
use crate::backend::{Backend, Val};
use crate::db::{Db, READERS};
use crate::dedupe::Window;
use crate::error::Error;
use crate::lease::LaneFence;
use crate::migrate;
use crate::outbox;
use crate::postgres::Postgres;
use crate::row;
use crate::seal::{KeyFile, Sealer};
use crate::sequence;
use crate::spool::Spool;
use crate::sqlite::Sqlite;
use crate::store::{BackendOptions, Inner, Options, Store};

/// What the canary opens to.
const CANARY: &[u8] = b"bedside";

/// Puts something between the store and its databases: [`crate::fault`].
pub type Wrap = Box<dyn Fn(Arc<dyn Backend>) -> Arc<dyn Backend> + Send>;

impl Store {
    /// Opens the store, or makes it when there is none.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::KeyMissing`], [`Error::KeyWrong`], [`Error::Schema`], [`Error::Unreachable`] and what the
    /// operating system says: each a sentence that says what to do.
    pub async fn open(options: Options) -> Result<Self, Error> {
        Self::open_wrapped(options, Box::new(|backend| backend)).await
    }

    /// As [`Store::open`], with something between the store and its data.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_wrapped(options: Options, wrap: Wrap) -> Result<Self, Error> {
        tokio::task::spawn_blocking(move || open(&options, &wrap))
            .await
            .map_err(|_| Error::Unavailable)?
    }
}

fn open(options: &Options, wrap: &Wrap) -> Result<Store, Error> {
    let dir = options.backend.dir();
    make_dir(dir)?;
    let folder = lock(&dir.join("lock"))?;
    let mut database = None;
    let (data, keys): (Arc<dyn Backend>, Arc<dyn Backend>) = match &options.backend {
        BackendOptions::Sqlite { dir } => (
            Arc::new(Sqlite::open(&dir.join("bedside.db"), READERS)?),
            Arc::new(Sqlite::open(&dir.join("keys.db"), READERS)?),
        ),
        BackendOptions::Postgres { url, .. } => {
            // The folder's lock keeps out a second process of this machine, the database's one of any machine.
            let data =
                Arc::new(Postgres::open(url, "bedside", READERS)?.alone(options.tenant.as_str())?);
            database = Some(DatabaseLock(Arc::clone(&data)));
            let keys = Arc::new(Postgres::open(url, "bedside_keys", READERS)?);
            (data, keys)
        }
    };
    let lock: Arc<dyn Send + Sync> = Arc::new((database, folder));
    migrate::apply(data.as_ref(), migrate::DATA)?;
    migrate::apply(keys.as_ref(), migrate::KEYS)?;
    let now = options.clock.now();
    let sealer = open_keys(options, data.as_ref(), &keys, now.as_microsecond())?;
    let data = wrap(data);

    let (fatal, _) = watch::channel(None);
    let (last, window) = state_of(options, data.as_ref())?;
    let (changes, _) = watch::channel(last);
    let signer = sealer.signer()?;
    let audit = Arc::new(AuditState::new(
        Spool::open(&options.spool, &sealer)?,
        Folder::open(&options.checkpoints, &options.origin, signer.public_key())?,
    ));
    let builder = Arc::new(Builder {
        backend: Arc::clone(&data),
        sealer: sealer.clone(),
        signer,
        tenant: options.tenant.clone(),
        clock: Arc::clone(&options.clock),
        state: Arc::clone(&audit),
        fatal: fatal.clone(),
        known: Mutex::new(Known::default()),
    });
    let follower = follow(Arc::clone(&builder))?;
    let data = Db::start(
        "store",
        &data,
        fatal.clone(),
        Arc::clone(&lock),
        Box::new(|| ()),
    )?;
    let keys = Db::start(
        "keys",
        &keys,
        fatal.clone(),
        Arc::clone(&lock),
        Box::new(|| ()),
    )?;
    Ok(Store {
        inner: Arc::new(Inner {
            tenant: options.tenant.clone(),
            clock: Arc::clone(&options.clock),
            data,
            keys,
            sealer,
            fatal,
            changes,
            window: Arc::new(window),
            audit,
            builder,
            follower: Mutex::new(Some(follower)),
            lane_fence: LaneFence::default(),
            engine_fence: LaneFence::default(),
            sessions: options.sessions,
            lock: Mutex::new(Some(lock)),
        }),
    })
}

fn make_dir(dir: &Path) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| Error::file(dir, &error))
}

/// The lock of a data directory. Given back in words, because closing the file is not enough while a child process that is just
/// being started still has a copy of it.
struct DirLock(File);

impl Drop for DirLock {
    fn drop(&mut self) {
        // When this fails, the end of the process gives it back.
        let _ = self.0.unlock();
    }
}

/// The lock of a database, given back when the store is closed, even if somebody still has a handle to it.
struct DatabaseLock(Arc<Postgres>);

impl Drop for DatabaseLock {
    fn drop(&mut self) {
        Arc::clone(&self.0).let_go();
    }
}

/// One process at a time: a second would not see what the first keeps in memory.
fn lock(path: &Path) -> Result<DirLock, Error> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| Error::file(path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(DirLock(file)),
        Err(TryLockError::WouldBlock) => Err(Error::Locked {
            what: format!("the data directory {}", path.display()),
        }),
        Err(TryLockError::Error(error)) => Err(Error::file(path, &error)),
    }
}

/// The key file must be there when there is data, and must be the one that the data was sealed with.
fn open_keys(
    options: &Options,
    data: &dyn Backend,
    keys: &Arc<dyn Backend>,
    now: i64,
) -> Result<Sealer, Error> {
    let tenant = options.tenant.as_str();
    let (mut canary, mut has_keys) = (None, false);
    data.read(&mut |tx| {
        let rows = tx.query(
            "SELECT value FROM about WHERE tenant = $1 AND name = 'canary'",
            &[Val::Text(tenant)],
        )?;
        canary = rows
            .first()
            .map(|found| row::blob(found, 0).map(<[u8]>::to_vec))
            .transpose()?;
        Ok(())
    })?;
    keys.read(&mut |tx| {
        has_keys = !tx
            .query(
                "SELECT name FROM tenant_key WHERE tenant = $1 LIMIT 1",
                &[Val::Text(tenant)],
            )?
            .is_empty();
        Ok(())
    })?;
    let file = match KeyFile::load(&options.key_file)? {
        Some(file) => file,
        None if has_keys || canary.is_some() => {
            return Err(Error::KeyMissing {
                path: options.key_file.clone(),
            });
        }
        None => KeyFile::create(&options.key_file)?,
    };
    if canary.is_some() && !has_keys {
        return Err(Error::Corrupt(String::from(
            "the wrapped keys are gone: restore keys.db from where it was kept",
        )));
    }
    let sealer = Sealer::open_tenant(file, &options.tenant, Arc::clone(keys), now)?;
    match canary {
        Some(sealed) => {
            sealer
                .open("data", "about", "canary", "value", &sealed)
                .map_err(|_| Error::KeyWrong {
                    path: options.key_file.clone(),
                })?;
        }
        None => {
            let sealed = sealer.seal("data", "about", "canary", "value", CANARY)?;
            data.write(&mut |tx| {
                tx.execute(
                    "INSERT INTO about (tenant, name, value) VALUES ($1, 'canary', $2) ON CONFLICT (tenant, name) DO NOTHING",
                    &[Val::Text(tenant), Val::Blob(&sealed)],
                )?;
                Ok(())
            })?;
        }
    }
    Ok(sealer)
}

fn state_of(options: &Options, data: &dyn Backend) -> Result<(i64, Window), Error> {
    let (mut last, mut window) = (0, Window::default());
    let now = options.clock.now();
    data.write(&mut |tx| {
        sequence::prepare(tx, &options.tenant)?;
        outbox::orphans(tx, &options.tenant, now)
    })?;
    data.read(&mut |tx| {
        last = sequence::last(tx, &options.tenant)?;
        window = Window::rebuild(tx, &options.tenant)?;
        Ok(())
    })?;
    Ok((last, window))
}
