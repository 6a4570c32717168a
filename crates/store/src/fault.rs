//! A database that fails on demand: for the tests of what happens when the disk is full, a sync fails or nothing answers.
//!
//! It stands between the store and a real back end and changes nothing until one of its switches is thrown.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::backend::{Backend, Dialect, Work};
use crate::error::Error;

/// The switches. Cloning gives another handle to the same ones.
#[derive(Clone, Default)]
pub struct Faults {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    writes: AtomicBool,
    reads: AtomicBool,
    sync: AtomicBool,
    stalled: Mutex<bool>,
    released: Condvar,
}

impl Faults {
    /// No fault yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes fail, as on a full disk, until it is switched off.
    pub fn fail_writes(&self, on: bool) {
        self.inner.writes.store(on, Ordering::SeqCst);
    }

    /// Reads fail until it is switched off.
    pub fn fail_reads(&self, on: bool) {
        self.inner.reads.store(on, Ordering::SeqCst);
    }

    /// The next commit ends as a failed sync does: nobody knows what is durable.
    pub fn fail_sync(&self, on: bool) {
        self.inner.sync.store(on, Ordering::SeqCst);
    }

    /// Writes neither succeed nor fail, as on a disk that hangs, until it is switched off.
    pub fn stall_writes(&self, on: bool) {
        *self
            .inner
            .stalled
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = on;
        self.inner.released.notify_all();
    }

    /// A back end whose faults these switches make.
    #[must_use]
    pub fn wrap(&self, backend: Arc<dyn Backend>) -> Arc<dyn Backend> {
        Arc::new(Faulty {
            backend,
            faults: self.clone(),
        })
    }

    fn wait_while_stalled(&self) {
        let mut stalled = self
            .inner
            .stalled
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while *stalled {
            stalled = self
                .inner
                .released
                .wait(stalled)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

struct Faulty {
    backend: Arc<dyn Backend>,
    faults: Faults,
}

impl Backend for Faulty {
    fn write(&self, work: &mut Work<'_>) -> Result<(), Error> {
        self.faults.wait_while_stalled();
        let inner = &self.faults.inner;
        if inner.writes.load(Ordering::SeqCst) {
            return Err(Error::Full);
        }
        self.backend.write(work)?;
        // The commit went through underneath, which a failed sync can't tell from one that did not.
        if inner.sync.load(Ordering::SeqCst) {
            Err(Error::Sync)
        } else {
            Ok(())
        }
    }

    fn read(&self, work: &mut Work<'_>) -> Result<(), Error> {
        if self.faults.inner.reads.load(Ordering::SeqCst) {
            return Err(Error::Full);
        }
        self.backend.read(work)
    }

    fn script(&self, sql: &str) -> Result<(), Error> {
        self.backend.script(sql)
    }

    fn dialect(&self) -> Dialect {
        self.backend.dialect()
    }
}
