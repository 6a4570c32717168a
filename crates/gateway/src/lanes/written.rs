//! How many versions came of somebody's own inputs, while other inputs of the same lanes are applied beside them.
//!
//! A count begins before its inputs are durable, and their positions are known only afterwards. So it notes each input of its source,
//! and is asked at the end for those that are its own.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use bedside_fact::id::{Seq, SourceId};

/// The versions written for inputs of one source, since the count began. It ends when it is dropped.
pub struct Written {
    source: SourceId,
    inputs: Mutex<Vec<(Seq, u64)>>,
}

impl Written {
    /// How many were written for `inputs`, which are in order.
    #[must_use]
    pub fn of(&self, inputs: &[Seq]) -> u64 {
        self.inputs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .filter(|(seq, _)| inputs.binary_search(seq).is_ok())
            .map(|(_, versions)| versions)
            .sum()
    }
}

/// Every count that goes on.
#[derive(Default)]
pub(super) struct Counts(Mutex<Vec<Weak<Written>>>);

impl Counts {
    pub(super) fn begin(&self, source: &SourceId) -> Arc<Written> {
        let written = Arc::new(Written {
            source: source.clone(),
            inputs: Mutex::default(),
        });
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::downgrade(&written));
        written
    }

    pub(super) fn add(&self, source: &SourceId, seq: Seq, versions: u64) {
        if versions == 0 {
            return;
        }
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|count| {
                let Some(count) = count.upgrade() else {
                    return false;
                };
                if count.source == *source {
                    count
                        .inputs
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((seq, versions));
                }
                true
            });
    }
}
