//! Makes a round durable: journal first, then the lanes, then the cursors with the lines of completeness. A crash in between repeats a
//! round or does not; it never skips one, and what was taken already equals the current version.

use std::collections::{HashMap, HashSet};

use bedside_core::incident::Kind;
use bedside_core::journal::Admitted;
use bedside_fact::id::ResourceId;
use bedside_store::Polled;

use super::breaker::later;
use super::poller::Poller;
use super::unit::{Gathered, Prepared};
use crate::error::Error;

/// Inputs of one append.
const BATCH: usize = 256;

impl Poller {
    /// Takes in what a round gathered.
    pub(super) async fn take(&mut self, mut gathered: Vec<Gathered>) -> Result<(), Error> {
        let mut prepared = Vec::new();
        for (n, one) in gathered.iter_mut().enumerate() {
            prepared.extend(one.prepared.drain(..).map(|prepared| (n, prepared)));
        }
        for (n, hash) in self.append(prepared).await? {
            if let Some(one) = gathered.get_mut(n) {
                one.memory.stuck.push(hash);
            }
        }
        let Some(held) = self.held.clone() else {
            return Ok(());
        };
        let now = self.ctx.now();
        let mut polled = Vec::with_capacity(gathered.len());
        let (mut wrong, mut well) = (Vec::new(), Vec::new());
        for one in gathered {
            let pace = self.pace(one.pace);
            let due = if one.failed {
                let rest = self.shared.wire.rest(one.failures).min(pace);
                later(now, rest).max(one.wait_until.unwrap_or(now))
            } else {
                let next = later(one.due, pace);
                if next > now { next } else { later(now, pace) }
            };
            polled.push(Polled {
                held: held.clone(),
                source: self.shared.source.id.clone(),
                key: one.key,
                due,
                cursor: one.memory.write(),
                ok: !one.failed,
                asked: one.asked,
            });
            wrong.extend(one.wrong);
            well.extend(one.well);
        }
        self.store.polled_many(&self.ctx, polled).await?;
        self.tell(&wrong, &well).await
    }

    /// Appends what differs from the current versions and waits until the lanes have it. Yields, by place, the hashes of what did not become
    /// current: parked, older than what is there, or not mapped.
    pub(super) async fn append(
        &self,
        prepared: Vec<(usize, Prepared)>,
    ) -> Result<Vec<(usize, String)>, Error> {
        let known = self.prints(prepared.iter().map(|(_, one)| one)).await?;
        let mut again = HashSet::new();
        let mut fresh: Vec<(usize, Prepared)> = prepared
            .into_iter()
            .filter(|(_, one)| {
                let current = one
                    .version
                    .as_ref()
                    .is_some_and(|(key, print)| known.get(key) == Some(print));
                !current && again.insert(one.hash.clone())
            })
            .collect();
        if fresh.is_empty() {
            return Ok(Vec::new());
        }
        // A patient before what is in its compartment.
        fresh.sort_by_key(|(_, one)| one.input.message_type != "Patient");
        let mut seqs = Vec::with_capacity(fresh.len());
        for batch in fresh.chunks(BATCH) {
            let inputs = batch.iter().map(|(_, one)| one.input.clone()).collect();
            let admitted = self.store.append_many(&self.ctx, inputs).await?;
            seqs.extend(admitted.into_iter().map(|admitted| match admitted {
                Admitted::Taken(seq) | Admitted::Again(seq) => seq,
            }));
        }
        self.lanes.settled_for(&seqs).await?;
        let now = self.prints(fresh.iter().map(|(_, one)| one)).await?;
        let stuck = fresh.into_iter().filter(|(_, one)| {
            one.version
                .as_ref()
                .is_none_or(|(key, print)| now.get(key) != Some(print))
        });
        Ok(stuck.map(|(n, one)| (n, one.hash)).collect())
    }

    async fn prints(
        &self,
        prepared: impl Iterator<Item = &Prepared>,
    ) -> Result<HashMap<(String, ResourceId), [u8; 16]>, Error> {
        let keys: Vec<(String, ResourceId)> = prepared
            .filter_map(|one| one.version.as_ref().map(|(key, _)| key.clone()))
            .collect();
        let prints = self.store.fingerprints(&self.ctx, &keys).await?;
        let pairs = keys.into_iter().zip(prints);
        Ok(pairs
            .filter_map(|(key, print)| Some((key, print?)))
            .collect())
    }

    /// Writes down what went wrong and what is over.
    pub(super) async fn tell(
        &mut self,
        wrong: &[(Kind, String)],
        well: &[String],
    ) -> Result<(), Error> {
        let news = self.incidents.round(wrong, well);
        let source = &self.shared.source.id;
        for (kind, question) in &news.happened {
            match kind {
                // About one question, and on the sources page.
                Kind::BadQuery | Kind::Refused | Kind::PageExpired => tracing::info!(
                    source = source.as_str(),
                    kind = kind.as_str(),
                    question,
                    "the source {}",
                    kind.words()
                ),
                Kind::Unreachable
                | Kind::NotFhir
                | Kind::ServerError
                | Kind::HalfBody
                | Kind::ForeignLink
                | Kind::TokenDied
                | Kind::NoToken
                | Kind::RateLimited
                | Kind::UnlistedOutcome
                | Kind::ForeignSubject
                | Kind::ShortAnswer
                | Kind::UnreadableValue
                | Kind::FutureTime
                | Kind::WriteUnanswered
                | Kind::WriteRefused
                | Kind::ReadBackDiffers => tracing::warn!(
                    source = source.as_str(),
                    kind = kind.as_str(),
                    question,
                    "the source {}",
                    kind.words()
                ),
            }
            self.store
                .incident(&self.ctx, source, *kind, question)
                .await?;
        }
        if !news.over.is_empty() {
            self.store
                .incident_over(&self.ctx, source, &news.over)
                .await?;
        }
        self.control.trouble(self.incidents.any());
        Ok(())
    }
}
