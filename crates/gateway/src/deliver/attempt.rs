//! One item: sent and read back, or, when nobody knows whether it arrived, looked for at the other side.
//!
//! What is found is settled at once. What isn't found proves nothing at first: the other side may still be at it, or its index may lag. Only
//! when so much time has passed since it left as the profile says, and it was missed by two searches, it goes out again; and after a few
//! rounds of that it is left to a person, since a server that takes nothing and says nothing is not mended by more of it.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bedside_core::ctx::OpCtx;
use bedside_core::incident::Kind;
use bedside_fact::clock::Timestamp;
use bedside_store::{Error, OutboxItem, Settlement, Store};
use bedside_workflow::case::WriteState;
use jiff::SignedDuration;
use serde_json::Value;

use super::compare::differences;
use super::find;
use super::sender::{CLAIM, Outlet};
use crate::connection::Written;
use crate::workflow::{Letter, Readiness};

/// The first pause before the next attempt or look; each further one is twice as long.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// The longest of these pauses.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// A note that waits for a parked message is asked for again after this.
const HELD_PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// The first look after an answer that did not come.
const FIRST_LOOK: SignedDuration = SignedDuration::from_secs(2);

/// As often a write goes out that is not answered and not found; then a person looks.
const MOST_SENT: i64 = 5;

/// The EHR has it and did not say where: it is never sent again, whatever a search shows.
const TAKEN: &str = "the EHR took it and did not say under which id";

/// The same, with an id that could not be read.
const TAKEN_UNREAD: &str = "the EHR took it, and it could not be read back";

/// The same, with an id under which there is nothing.
const TAKEN_ABSENT: &str =
    "the EHR took it, and says that nothing stands under the id that it gave";

/// Not knowing, in the words of the item.
const UNKNOWN: &str =
    "the EHR did not answer, so nobody knows whether it has it; it is looked for there";

/// Not knowing, where looking shows nothing.
const ASK: &str = "nobody knows whether the EHR has it, and no search shows it; look there, then `bedside outbox resolve`";

/// How an attempt or a look ended, for the outbox and for the case.
pub(super) struct Outcome {
    pub(super) settlement: Settlement,
    pub(super) state: WriteState,
    pub(super) words: String,
}

/// Attempts of items that a whole search has missed once. It is kept by the process alone: after a restart one more search is due.
#[derive(Debug, Default)]
pub(super) struct Absent(Mutex<BTreeSet<(i64, i64)>>);

impl Absent {
    fn locked(&self) -> MutexGuard<'_, BTreeSet<(i64, i64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes it; yields whether it was noted before.
    fn again(&self, item: &OutboxItem) -> bool {
        !self.locked().insert((item.id, item.attempt))
    }

    fn forget(&self, item: &OutboxItem) {
        self.locked().retain(|(id, _)| *id != item.id);
    }
}

/// What an attempt needs.
pub(super) struct Attempt<'a> {
    pub(super) store: &'a Store,
    pub(super) ctx: &'a OpCtx,
    pub(super) outlet: &'a Outlet,
    pub(super) engine: &'a crate::workflow::Engine,
    pub(super) absent: &'a Absent,
}

impl Attempt<'_> {
    /// Sends an item, unless what it stands on has changed. Yields it as it is now.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is another's by now, or the store could not be read or written: then nothing was sent.
    pub(super) async fn send(&self, item: OutboxItem) -> Result<(OutboxItem, Outcome), Error> {
        let Some((letter, resource_type)) = read(&item) else {
            let outcome = refused(String::from("what is to be written can't be read"));
            return Ok((item, outcome));
        };
        if let Some(case) = &item.case {
            match self.engine.readiness(case, &item.route, &letter).await? {
                Readiness::Ready => {}
                Readiness::NotYet(words) => {
                    let outcome = self.later(HELD_PAUSE, words);
                    return Ok((item, outcome));
                }
                Readiness::Never(words) => {
                    let outcome = Outcome {
                        settlement: Settlement::Refused(words.clone()),
                        state: WriteState::Blocked,
                        words,
                    };
                    return Ok((item, outcome));
                }
            }
        }
        let item = self.store.outbox_send(self.ctx, item, CLAIM).await?;
        let body = letter.body.to_string();
        let outcome = match self.outlet.client.create(&resource_type, &body).await {
            Written::Created { id: Some(id) } => self.read_back(&letter, &resource_type, &id).await,
            Written::Created { id: None } => self.unanswered(TAKEN).await,
            Written::Refused {
                status,
                retry: Some(wait),
            } => self.later(
                wait,
                format!("the EHR puts it off ({status}); it is sent when it may be"),
            ),
            Written::Refused {
                status,
                retry: None,
            } => {
                self.note(Kind::WriteRefused, &format!("{resource_type}: {status}"))
                    .await;
                refused(format!("the EHR refused it ({status})"))
            }
            Written::NotSent { why } => {
                let now = self.now();
                let rest = self
                    .outlet
                    .client
                    .rests_until()
                    .map(|until| until.duration_since(now));
                self.later(
                    rest.unwrap_or(FIRST_PAUSE),
                    format!("not sent yet: the EHR {why}"),
                )
            }
            Written::Unanswered => self.unanswered(UNKNOWN).await,
        };
        Ok((item, outcome))
    }

    /// What was created is read again, and compared with what was sent.
    async fn read_back(&self, letter: &Letter, resource_type: &str, id: &str) -> Outcome {
        match self.outlet.client.read(resource_type, id).await {
            Ok(held) => self.compared(letter, resource_type, &held).await,
            Err(failure) if failure.absent => self.unanswered(TAKEN_ABSENT).await,
            Err(_) => self.unanswered(TAKEN_UNREAD).await,
        }
    }

    async fn compared(&self, letter: &Letter, resource_type: &str, held: &Value) -> Outcome {
        let client = &self.outlet.client;
        let differences = differences(&letter.body, held, &|reference| {
            client.own_reference(reference)
        });
        if differences.is_empty() {
            let remote = held.get("id").and_then(Value::as_str).map(str::to_owned);
            return Outcome {
                settlement: Settlement::Done { remote },
                state: WriteState::Confirmed,
                words: String::from("confirmed: read back from the EHR and compared"),
            };
        }
        let what = differences.join(", ");
        self.note(Kind::ReadBackDiffers, &format!("{resource_type}: {what}"))
            .await;
        person(format!(
            "the EHR holds something else than was written ({what}); look at it there"
        ))
    }

    /// An item of which nobody knows whether it was taken: looked for at the other side by our key.
    pub(super) async fn find(&self, item: &OutboxItem) -> Outcome {
        let Some((letter, resource_type)) = read(item) else {
            return person(String::from(ASK));
        };
        let Some(query) = find::query(&self.outlet.find_by, &letter.body) else {
            return person(String::from(ASK));
        };
        let found = match self.outlet.client.search(&resource_type, &query).await {
            Ok(found) => found,
            Err(_) => return self.not_seen(item, LONGEST_PAUSE),
        };
        let ours = find::ours(&found.entries, &item.key);
        match ours.as_slice() {
            [held] => {
                self.absent.forget(item);
                self.compared(&letter, &resource_type, held).await
            }
            [] if found.is_whole() => self.missed(item),
            [] => self.not_seen(item, LONGEST_PAUSE),
            [..] => {
                let what = format!("{resource_type}: {} of one write", ours.len());
                self.note(Kind::ReadBackDiffers, &what).await;
                person(String::from(
                    "the EHR holds it more than once; look at it there, then `bedside outbox resolve`",
                ))
            }
        }
    }

    /// A whole search did not show it.
    fn missed(&self, item: &OutboxItem) -> Outcome {
        let before = self.absent.again(item);
        if self.now().duration_since(item.due) < self.outlet.visible_after || !before {
            return self.not_seen(item, FIRST_PAUSE);
        }
        self.absent.forget(item);
        if was_taken(item) || item.attempt >= MOST_SENT {
            return person(String::from(ASK));
        }
        let words = String::from("the EHR was searched and does not have it; it is sent again");
        Outcome {
            settlement: Settlement::Again(self.at(pause(item.attempt)), words.clone()),
            state: WriteState::Queued,
            words,
        }
    }

    /// It is looked for again: after as long as it has been away already, but as soon as its absence says something, and from then on
    /// after `longest` at most.
    fn not_seen(&self, item: &OutboxItem, longest: SignedDuration) -> Outcome {
        let away = self.now().duration_since(item.due);
        let left = self.outlet.visible_after - away;
        let most = if left > SignedDuration::ZERO {
            left
        } else {
            longest
        };
        let wait = away.max(FIRST_LOOK).min(most);
        let words = match &item.reason {
            Some(reason) if was_taken(item) => reason.clone(),
            Some(_) | None => String::from(UNKNOWN),
        };
        unknown(words, Some(self.at(wait)))
    }

    async fn unanswered(&self, words: &str) -> Outcome {
        self.note(Kind::WriteUnanswered, &self.outlet.route).await;
        unknown(words.to_owned(), Some(self.at(FIRST_LOOK)))
    }

    fn later(&self, wait: SignedDuration, words: String) -> Outcome {
        Outcome {
            settlement: Settlement::Later(
                self.at(wait.max(SignedDuration::from_secs(1))),
                words.clone(),
            ),
            state: WriteState::Queued,
            words,
        }
    }

    fn now(&self) -> Timestamp {
        self.store.clock().now()
    }

    fn at(&self, wait: SignedDuration) -> Timestamp {
        let now = self.now();
        now.saturating_add(wait).unwrap_or(now)
    }

    /// An incident is news beside the write; when it can't be noted the write goes on.
    async fn note(&self, kind: Kind, detail: &str) {
        if let Err(error) = self
            .store
            .incident(self.ctx, &self.outlet.source, kind, detail)
            .await
        {
            tracing::warn!(
                code = error.code(),
                "an incident could not be noted: {error}"
            );
        }
    }
}

fn refused(words: String) -> Outcome {
    Outcome {
        settlement: Settlement::Refused(words.clone()),
        state: WriteState::Refused,
        words,
    }
}

fn unknown(words: String, check_at: Option<Timestamp>) -> Outcome {
    Outcome {
        settlement: Settlement::Unknown {
            reason: words.clone(),
            check_at,
        },
        state: WriteState::Unknown,
        words,
    }
}

/// Only a person can say what became of it.
fn person(words: String) -> Outcome {
    unknown(words, None)
}

fn was_taken(item: &OutboxItem) -> bool {
    let reason = item.reason.as_deref();
    matches!(reason, Some(TAKEN | TAKEN_UNREAD | TAKEN_ABSENT))
}

/// The pause after so many attempts.
fn pause(attempts: i64) -> SignedDuration {
    let doubled = u32::try_from(attempts.clamp(1, 12) - 1).unwrap_or(0);
    (FIRST_PAUSE * (1 << doubled)).min(LONGEST_PAUSE)
}

fn read(item: &OutboxItem) -> Option<(Letter, String)> {
    let letter: Letter = serde_json::from_slice(&item.payload).ok()?;
    let kind = letter.body.get("resourceType")?.as_str()?.to_owned();
    Some((letter, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_is_twice_the_one_before_up_to_a_quarter_of_an_hour() {
        let seconds: Vec<i64> = [1, 2, 3, 8, 9, 100].map(|n| pause(n).as_secs()).to_vec();
        assert_eq!(seconds, [5, 10, 20, 640, 900, 900]);
    }
}
