//! Group commit: one thread takes every unit of work that waits and makes them durable with one sync.
//!
//! The sync costs the same for one as for hundreds, so under load a hundred callers share it. One bad unit does not
//! spoil the others: it is taken out, and the rest is run again without it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot, watch};

use crate::backend::{Backend, Tx};
use crate::error::Error;

/// Units of work in one transaction.
const BATCH: usize = 512;

/// Bytes in one transaction, counted roughly: a long sync makes everybody wait.
const BATCH_BYTES: usize = 1 << 20;

/// Units of [`Turn::Later`] in one transaction while a sender waits for its answer in the same one. The charts follow at this pace at
/// least; when no sender waits they have the transaction to themselves.
const LATER: usize = 4;

/// Units that may wait. When it is full, callers wait before they may wait.
const QUEUE: usize = 4_096;

const WAITING: u8 = 0;
const TAKEN: u8 = 1;
const CANCELLED: u8 = 2;

/// The handle of a writer. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Writer {
    sender: mpsc::Sender<Message>,
    fatal: Fatal,
    thread: Arc<Mutex<Option<std::thread::JoinHandle<()>>>>,
}

/// Tells everybody that durability can't be promised any more.
pub(crate) type Fatal = watch::Sender<Option<Error>>;

enum Message {
    Work(Command),
    Stop,
}

/// Who waits for a unit of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Somebody outside: a sender for its acknowledgement, a person for a page.
    Now,
    /// Nobody outside: what is durable already is being applied.
    Later,
}

type Run = Box<dyn FnMut(&mut dyn Tx) -> Result<(), Error> + Send>;

struct Command {
    run: Run,
    finish: Box<dyn FnOnce(Result<(), Error>) + Send>,
    claim: Arc<AtomicU8>,
    bytes: usize,
    turn: Turn,
}

impl Writer {
    /// Starts the thread. `keep` lives as long as it (the lock of the data directory); `committed` is called after each batch.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(
        name: &str,
        backend: Arc<dyn Backend>,
        fatal: Fatal,
        keep: Arc<dyn Send + Sync>,
        committed: Box<dyn Fn() + Send>,
    ) -> Result<Self, Error> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let own = fatal.clone();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                work_through(receiver, backend.as_ref(), &own, committed.as_ref());
                drop(backend);
                drop(keep);
            })
            .map_err(|_| Error::Unavailable)?;
        Ok(Self {
            sender,
            fatal,
            thread: Arc::new(Mutex::new(Some(thread))),
        })
    }

    /// Runs `work` in a transaction, together with what else waits, and returns once it is durable. `work` may run more than once.
    /// When the caller gives up before it began, it does not run.
    ///
    /// # Errors
    /// What the work or the database said.
    pub(crate) async fn write<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnMut(&mut dyn Tx) -> Result<T, Error> + Send + 'static,
    {
        self.write_then(0, Turn::Now, work, |_| ()).await
    }

    /// As [`Writer::write`], and calls `after` on the writer's thread with what came of it, whether or not the caller still waits.
    ///
    /// # Errors
    /// What the work or the database said.
    pub(crate) async fn write_then<T, W, A>(
        &self,
        bytes: usize,
        turn: Turn,
        mut work: W,
        after: A,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnMut(&mut dyn Tx) -> Result<T, Error> + Send + 'static,
        A: FnOnce(&Result<T, Error>) + Send + 'static,
    {
        if let Some(error) = self.fatal.borrow().clone() {
            return Err(error);
        }
        let (answer, result) = oneshot::channel();
        let slot = Arc::new(Mutex::new(None));
        let filled = Arc::clone(&slot);
        let claim = Arc::new(AtomicU8::new(WAITING));
        let command = Command {
            run: Box::new(move |tx| {
                let value = work(tx)?;
                *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
                Ok(())
            }),
            finish: Box::new(move |done| {
                let value = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
                let result = done.and_then(|()| value.ok_or(Error::Unavailable));
                after(&result);
                // The caller may have gone.
                let _ = answer.send(result);
            }),
            claim: Arc::clone(&claim),
            bytes,
            turn,
        };
        let _given_up = GiveUp(claim);
        self.sender
            .send(Message::Work(command))
            .await
            .map_err(|_| Error::Unavailable)?;
        result.await.unwrap_or(Err(Error::Unavailable))
    }

    /// Finishes what waits and ends the thread.
    pub(crate) async fn stop(&self) {
        // Stopped already when nobody listens.
        let _ = self.sender.send(Message::Stop).await;
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // A panic of the thread has been reported by the panic hook.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

/// Takes a unit back that has not begun, when its caller is dropped.
struct GiveUp(Arc<AtomicU8>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        // Too late when it was taken: then it will be done.
        let _ = self
            .0
            .compare_exchange(WAITING, CANCELLED, Ordering::SeqCst, Ordering::SeqCst);
    }
}

fn work_through(
    mut receiver: mpsc::Receiver<Message>,
    backend: &dyn Backend,
    fatal: &Fatal,
    committed: &dyn Fn(),
) {
    let mut waiting = Waiting::default();
    let mut stop = false;
    while !stop || !waiting.is_empty() {
        if waiting.is_empty() {
            match receiver.blocking_recv() {
                Some(message) => {
                    if waiting.take(message) {
                        stop = true;
                        receiver.close();
                    }
                }
                None => return,
            }
        }
        // What came in before the channel was closed is still done.
        while waiting.len() < QUEUE
            && let Ok(message) = receiver.try_recv()
        {
            if waiting.take(message) {
                stop = true;
                receiver.close();
            }
        }
        run_batch(waiting.batch(), backend, fatal, committed);
    }
}

/// Units of work in the order in which they came, by who waits for them.
#[derive(Default)]
struct Waiting {
    now: VecDeque<Command>,
    later: VecDeque<Command>,
}

impl Waiting {
    /// Takes a message in; says whether it is the last one.
    fn take(&mut self, message: Message) -> bool {
        match message {
            Message::Work(command) => {
                match command.turn {
                    Turn::Now => self.now.push_back(command),
                    Turn::Later => self.later.push_back(command),
                }
                false
            }
            Message::Stop => true,
        }
    }

    fn len(&self) -> usize {
        self.now.len() + self.later.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next transaction.
    fn batch(&mut self) -> Vec<Command> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        let later = if self.now.is_empty() { BATCH } else { LATER };
        for (queue, most) in [(&mut self.later, later), (&mut self.now, BATCH)] {
            let mut count = 0;
            while count < most && batch.len() < BATCH && bytes < BATCH_BYTES {
                let Some(command) = queue.pop_front() else {
                    break;
                };
                bytes += command.bytes;
                batch.push(command);
                count += 1;
            }
        }
        batch
    }
}

fn run_batch(mut batch: Vec<Command>, backend: &dyn Backend, fatal: &Fatal, committed: &dyn Fn()) {
    batch = batch.into_iter().filter_map(taken).collect();
    while !batch.is_empty() {
        if let Some(error) = fatal.borrow().clone() {
            finish_all(batch, &Err(error));
            return;
        }
        let mut at = None;
        let result = backend.write(&mut |tx| {
            for (place, command) in batch.iter_mut().enumerate() {
                at = Some(place);
                (command.run)(tx)?;
            }
            at = None;
            Ok(())
        });
        match (result, at) {
            (Ok(()), _) => {
                committed();
                finish_all(batch, &Ok(()));
                return;
            }
            (Err(Error::Sync), _) => {
                // A sync that failed may have dropped the pages: to repeat it could report success for what is lost.
                tracing::error!("the disk did not confirm a write; the store is closed");
                fatal.send_replace(Some(Error::Sync));
                finish_all(batch, &Err(Error::Sync));
                return;
            }
            // One unit said no. It has failed as it would have alone; the others are run again without it.
            (Err(error), Some(place)) if error_of_one(&error) => {
                let command = batch.remove(place);
                (command.finish)(Err(error));
            }
            // The database said no to all of them: alone, perhaps some of them fit.
            (Err(error), _) => {
                if batch.len() == 1 || !worth_repeating(&error) {
                    finish_all(batch, &Err(error));
                    return;
                }
                for command in batch {
                    run_batch_of_one(command, backend, fatal, committed);
                }
                return;
            }
        }
    }
}

fn run_batch_of_one(
    mut command: Command,
    backend: &dyn Backend,
    fatal: &Fatal,
    committed: &dyn Fn(),
) {
    let result = backend.write(&mut |tx| (command.run)(tx));
    match &result {
        Ok(()) => committed(),
        Err(Error::Sync) => {
            fatal.send_replace(Some(Error::Sync));
        }
        Err(_) => {}
    }
    (command.finish)(result);
}

fn taken(command: Command) -> Option<Command> {
    match command
        .claim
        .compare_exchange(WAITING, TAKEN, Ordering::SeqCst, Ordering::SeqCst)
    {
        Ok(_) => Some(command),
        Err(_) => {
            (command.finish)(Err(Error::Unavailable));
            None
        }
    }
}

fn finish_all(batch: Vec<Command>, result: &Result<(), Error>) {
    for command in batch {
        (command.finish)(result.clone());
    }
}

/// Whether an error is about what one unit of work wanted, not about the database as a whole.
fn error_of_one(error: &Error) -> bool {
    match error {
        Error::Conflict
        | Error::NotFound(_)
        | Error::Denied(_)
        | Error::Invalid(_)
        | Error::SignIn
        | Error::LockedOut { .. }
        | Error::Corrupt(_)
        | Error::Database(_) => true,
        Error::Locked { .. }
        | Error::KeyFile { .. }
        | Error::KeyMissing { .. }
        | Error::KeyWrong { .. }
        | Error::Schema(_)
        | Error::Unreachable(_)
        | Error::Full
        | Error::Sync
        | Error::Unavailable
        | Error::File { .. } => false,
    }
}

/// A full disk may have room for one where it has none for many; an absent server has not.
fn worth_repeating(error: &Error) -> bool {
    !matches!(
        error,
        Error::Unreachable(_) | Error::Unavailable | Error::Sync
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(turn: Turn, bytes: usize) -> Message {
        Message::Work(Command {
            run: Box::new(|_| Ok(())),
            finish: Box::new(|_| ()),
            claim: Arc::new(AtomicU8::new(WAITING)),
            bytes,
            turn,
        })
    }

    fn turns(batch: &[Command]) -> (usize, usize) {
        let now = batch
            .iter()
            .filter(|command| command.turn == Turn::Now)
            .count();
        (now, batch.len() - now)
    }

    #[test]
    fn a_sender_waits_for_a_few_charts_at_most_and_the_charts_still_move() {
        let mut waiting = Waiting::default();
        for _ in 0..20 {
            waiting.take(unit(Turn::Later, 1));
        }
        waiting.take(unit(Turn::Now, 1));
        assert_eq!(turns(&waiting.batch()), (1, LATER));
        assert_eq!(turns(&waiting.batch()), (0, 20 - LATER));
        assert!(waiting.is_empty());
    }

    #[test]
    fn a_transaction_stays_small_in_bytes() {
        let mut waiting = Waiting::default();
        for _ in 0..3 {
            waiting.take(unit(Turn::Now, BATCH_BYTES));
        }
        assert_eq!(waiting.batch().len(), 1);
        assert_eq!(waiting.len(), 2);
    }
}
