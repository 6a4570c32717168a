//! Timers of cases.

use bedside_fact::clock::Timestamp;
use bedside_store::{CaseCommit, Error};
use bedside_workflow::case::{Input, step};
use jiff::SignedDuration;

use super::engine::Shared;
use super::person::read;

/// A step is tried again when somebody else stepped meanwhile.
const ATTEMPTS: usize = 5;

/// A timer of a workflow that does not run here rests so long. Definitions are read at start, when all that rest are woken.
const REST: SignedDuration = SignedDuration::from_hours(24);

impl Shared {
    /// A timer that is due.
    pub(super) async fn play_timer(&self, id: &str, timer: &str) -> Result<(), Error> {
        let input = Input::Due {
            timer: timer.to_owned(),
        };
        for _ in 0..ATTEMPTS {
            let row = self.store.case(&self.ctx, id).await?;
            let case = read(&row)?;
            let now = self.store.clock().now();
            let next = self.definition(&case.workflow).and_then(|definition| {
                Some((definition, step(definition, &case, &input, now).ok()?))
            });
            let Some((definition, mut next)) = next else {
                let until = now.saturating_add(REST).unwrap_or(Timestamp::MAX);
                return self.store.rest_timer(&self.ctx, id, timer, until).await;
            };
            if !next.changed {
                // The case has no use for it any more; written once more without it, it rings no more.
                next.timers.retain(|one| one.name != timer || one.due > now);
            }
            let mut commit = CaseCommit::default();
            self.add(&mut commit, definition, row.version, next, None, now)
                .await?;
            match self.commit(&self.ctx, commit).await {
                Err(Error::Conflict) => {}
                other => return other,
            }
        }
        Err(Error::Conflict)
    }
}
