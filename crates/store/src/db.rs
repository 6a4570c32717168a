//! One database with its two doors: writes are batched by the writer, reads run on a few threads of their own.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use crate::backend::{Backend, Tx};
use crate::error::Error;
use crate::writer::{Fatal, Writer};

/// Threads that read, and connections for them.
pub(crate) const READERS: usize = 4;

/// Reads that may wait. When it is full, callers wait before they may wait.
const QUEUE: usize = 256;

type Read = Box<dyn FnOnce(&dyn Backend) + Send>;

/// A database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Db {
    pub(crate) writer: Writer,
    readers: mpsc::Sender<Read>,
}

impl Db {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub(crate) fn start(
        name: &str,
        backend: &Arc<dyn Backend>,
        fatal: Fatal,
        keep: Arc<dyn Send + Sync>,
        committed: Box<dyn Fn() + Send>,
    ) -> Result<Self, Error> {
        let writer = Writer::start(
            &format!("{name}-write"),
            Arc::clone(backend),
            fatal,
            keep,
            committed,
        )?;
        let (readers, receiver) = mpsc::channel::<Read>(QUEUE);
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..READERS {
            let (receiver, backend) = (Arc::clone(&receiver), Arc::clone(backend));
            std::thread::Builder::new()
                .name(format!("{name}-read-{number}"))
                .spawn(move || {
                    loop {
                        // One thread waits with the lock held, the others wait for the lock: each read wakes exactly one.
                        let next = receiver
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .blocking_recv();
                        let Some(read) = next else {
                            return;
                        };
                        read(backend.as_ref());
                    }
                })
                .map_err(|_| Error::Unavailable)?;
        }
        Ok(Self { writer, readers })
    }

    /// Runs `work` on a consistent snapshot.
    ///
    /// # Errors
    /// What the work or the database said.
    pub(crate) async fn read<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&mut dyn Tx) -> Result<T, Error> + Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        let read: Read = Box::new(move |backend| {
            let mut work = Some(work);
            let mut value = None;
            let done = backend.read(&mut |tx| {
                if let Some(work) = work.take() {
                    value = Some(work(tx)?);
                }
                Ok(())
            });
            // The caller may have gone.
            let _ = answer.send(done.and_then(|()| value.ok_or(Error::Unavailable)));
        });
        self.readers
            .send(read)
            .await
            .map_err(|_| Error::Unavailable)?;
        result.await.unwrap_or(Err(Error::Unavailable))
    }
}
