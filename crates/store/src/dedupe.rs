//! The window of control ids seen lately: tells a message from its repeat without a read on the path of the acknowledgement.
//!
//! In memory, because a sender repeats within minutes; rebuilt from the tail of the journal when the store is opened. A key that is on
//! its way to the disk is held, and whoever brings the same key meanwhile waits: an acknowledgement of a repeat must not come before the
//! first is durable (promise P1).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bedside_fact::id::TenantId;
use tokio::sync::Notify;

use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::row;
use crate::sequence;

/// Keys remembered.
const KEYS: usize = 65_536;

/// A token of source and control id.
pub(crate) type Key = [u8; 16];

/// What is known of a key.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    /// Token of the bytes.
    pub(crate) digest: [u8; 16],
    /// Where it is.
    pub(crate) seq: i64,
}

/// The window.
#[derive(Default)]
pub(crate) struct Window {
    state: Mutex<State>,
    pub(crate) settled: Notify,
}

#[derive(Default)]
struct State {
    keys: HashMap<Key, Option<Known>>,
    order: VecDeque<(Key, i64)>,
}

/// The answer to a question for a key.
pub(crate) enum Asked {
    /// Not seen, or seen with other bytes: ours until it is settled. `reused` is the position of those other bytes.
    Free {
        /// Holds the key.
        claim: Claim,
        /// The control id was used before for something else.
        reused: Option<i64>,
    },
    /// The same bytes are there.
    Again(i64),
    /// Somebody else brings it at this moment: ask again when something was settled.
    Busy,
}

/// A key that is on its way to the disk. Dropped unsettled, all is as before.
pub(crate) struct Claim {
    window: Arc<Window>,
    key: Key,
    before: Option<Known>,
    now: Option<Known>,
}

impl Window {
    /// Reads the window from the tail of the journal.
    pub(crate) fn rebuild(tx: &mut dyn Tx, tenant: &TenantId) -> Result<Self, Error> {
        let most = i64::try_from(KEYS).unwrap_or(i64::MAX);
        // A store that was filled from files has no messages; it must not be read whole to find that out.
        let from = sequence::last(tx, tenant)?.saturating_sub(most.saturating_mul(8));
        let rows = tx.query(
            "SELECT seq, message FROM journal WHERE tenant = $1 AND seq > $3 AND message IS NOT NULL ORDER BY seq DESC LIMIT $2",
            &[Val::Text(tenant.as_str()), Val::Int(most), Val::Int(from)],
        )?;
        let mut state = State::default();
        for found in rows.iter().rev() {
            let seq = row::int(found, 0)?;
            let (Some(key), Some(digest)) = (
                row::blob(found, 1)?.first_chunk::<16>().copied(),
                row::blob(found, 1)?.last_chunk::<16>().copied(),
            ) else {
                return Err(Error::Corrupt(String::from(
                    "journal.message has another length than expected",
                )));
            };
            state.keys.insert(key, Some(Known { digest, seq }));
            state.order.push_back((key, seq));
        }
        Ok(Self {
            state: Mutex::new(state),
            settled: Notify::new(),
        })
    }

    /// Asks for a key with the token of the bytes that came with it.
    pub(crate) fn ask(self: &Arc<Self>, key: Key, digest: [u8; 16]) -> Asked {
        let mut state = self.lock();
        let before = match state.keys.get(&key) {
            Some(None) => return Asked::Busy,
            Some(Some(known)) if known.digest == digest => return Asked::Again(known.seq),
            Some(Some(known)) => Some(*known),
            None => None,
        };
        state.keys.insert(key, None);
        Asked::Free {
            claim: Claim {
                window: Arc::clone(self),
                key,
                before,
                now: None,
            },
            reused: before.map(|known| known.seq),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere can't leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// It is durable there.
    pub(crate) fn settle(mut self, digest: [u8; 16], seq: i64) {
        self.now = Some(Known { digest, seq });
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut state = self.window.lock();
        match self.now.or(self.before) {
            Some(known) => {
                state.keys.insert(self.key, Some(known));
            }
            None => {
                state.keys.remove(&self.key);
            }
        }
        if let Some(known) = self.now {
            state.order.push_back((self.key, known.seq));
            while state.order.len() > KEYS {
                let Some((oldest, seq)) = state.order.pop_front() else {
                    break;
                };
                // A key that was used again since has a later place in the order.
                if state
                    .keys
                    .get(&oldest)
                    .is_some_and(|known| known.is_some_and(|known| known.seq == seq))
                {
                    state.keys.remove(&oldest);
                }
            }
        }
        drop(state);
        self.window.settled.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p02_a_key_on_its_way_is_held_and_given_back_when_it_fails() {
        let window = Arc::new(Window::default());
        let Asked::Free {
            claim,
            reused: None,
        } = window.ask([1; 16], [9; 16])
        else {
            panic!("a new key is free");
        };
        assert!(matches!(window.ask([1; 16], [9; 16]), Asked::Busy));
        drop(claim);
        let Asked::Free { claim, .. } = window.ask([1; 16], [9; 16]) else {
            panic!("a failed key is free again");
        };
        claim.settle([9; 16], 7);
        assert!(matches!(window.ask([1; 16], [9; 16]), Asked::Again(7)));
        let Asked::Free {
            claim,
            reused: Some(7),
        } = window.ask([1; 16], [8; 16])
        else {
            panic!("the same control id with other bytes is no repeat");
        };
        drop(claim);
        assert!(matches!(window.ask([1; 16], [9; 16]), Asked::Again(7)));
    }

    #[test]
    fn the_window_forgets_the_oldest() {
        let window = Arc::new(Window::default());
        let key = |n: usize| {
            let mut key = [0; 16];
            key[..8].copy_from_slice(&n.to_be_bytes());
            key
        };
        for n in 0..=KEYS {
            let Asked::Free { claim, .. } = window.ask(key(n), [0; 16]) else {
                panic!("new");
            };
            claim.settle([0; 16], i64::try_from(n).unwrap());
        }
        assert!(matches!(window.ask(key(KEYS), [0; 16]), Asked::Again(_)));
        assert!(matches!(window.ask(key(0), [0; 16]), Asked::Free { .. }));
    }
}
