//! Simulated clinicians: they see an item some minutes after it opened, acknowledge it, and say later what they did.
//!
//! Who answers how fast follows from the finding alone (ids are keyed hashes and differ between two stores), so that the same seed plays the
//! same shift. One in eight is too busy to answer:
//! their items climb the ladder.

use std::collections::BTreeMap;
use std::sync::Arc;

use bedside_core::ctx::{OpCtx, Purpose, Role, Via};
use bedside_fact::clock::Timestamp;
use bedside_fact::id::ActorId;
use bedside_gateway::workflow::ActError;
use bedside_store::CaseFilter;
use bedside_workflow::case::{Case, CaseState, Input};
use jiff::SignedDuration;

use crate::boot::App;
use crate::fault::Fault;

/// Items that are looked at together.
const LIST: usize = 500;

/// What is done in the end, in the words of the definition.
const ANSWERS: [&str; 3] = ["treated", "patient reached and plan made", "treated"];

/// Who is on shift. No patient of the region is called so: account names are in clear.
const STAFF: [&str; 3] = ["dr.quist", "dr.yarwood", "nurse.ebbing"];

/// The shift.
pub(crate) struct Clinicians {
    /// What each open item waits for.
    plans: BTreeMap<String, Plan>,
    /// The counts of items when the list was last read.
    seen: Option<u64>,
}

struct Plan {
    acknowledge: Timestamp,
    done: Timestamp,
    acknowledged: bool,
    answer: &'static str,
    who: &'static str,
}

impl Clinicians {
    pub(crate) const fn new() -> Self {
        Self {
            plans: BTreeMap::new(),
            seen: None,
        }
    }

    /// When somebody does something next.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.plans
            .values()
            .map(|plan| {
                if plan.acknowledged {
                    plan.done
                } else {
                    plan.acknowledge
                }
            })
            .min()
    }

    /// Looks at the worklist when it changed, and does what is due.
    pub(crate) async fn act(&mut self, app: &App) -> Result<(), Fault> {
        let Some(engine) = app.gateway.engine() else {
            return Ok(());
        };
        let mark = engine.mark();
        if self.seen != Some(mark) {
            self.seen = Some(mark);
            self.look(app).await?;
        }
        let now = app.store.clock().now();
        let due: Vec<String> = self
            .plans
            .iter()
            .filter(|(_, plan)| {
                (if plan.acknowledged {
                    plan.done
                } else {
                    plan.acknowledge
                }) <= now
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in due {
            let Some(plan) = self.plans.get_mut(&id) else {
                continue;
            };
            let who = plan.who.to_owned();
            let (input, over) = if plan.acknowledged {
                let how = plan.answer.to_owned();
                (Input::Done { who, how }, true)
            } else {
                (Input::Acknowledge { who }, false)
            };
            plan.acknowledged = true;
            let ctx = ctx(app, plan.who);
            match engine.act(&ctx, &id, input).await {
                Ok(_) if over => {
                    self.plans.remove(&id);
                }
                Ok(_) => {}
                // It was withdrawn or closed by a later result meanwhile.
                Err(ActError::Refused(_)) => {
                    self.plans.remove(&id);
                }
                Err(error) => return Err(Fault::environment(error.to_string())),
            }
        }
        Ok(())
    }

    async fn look(&mut self, app: &App) -> Result<(), Fault> {
        let filter = CaseFilter {
            open: Some(true),
            limit: LIST,
            ..CaseFilter::default()
        };
        let rows = app.store.cases(&ctx(app, "dr.demo"), &filter).await?;
        let mut open = BTreeMap::new();
        for row in rows {
            let Ok(case) = serde_json::from_slice::<Case>(&row.body) else {
                continue;
            };
            match self.plans.remove(&row.id) {
                Some(plan) => {
                    open.insert(row.id, plan);
                }
                None => {
                    if let Some(plan) = plan(&case) {
                        open.insert(row.id, plan);
                    }
                }
            }
        }
        self.plans = open;
        Ok(())
    }
}

fn plan(case: &Case) -> Option<Plan> {
    let taken = case.finding.taken_at.map_or(0, Timestamp::as_second);
    let dice = format!("{} {taken}", case.finding.said)
        .bytes()
        .fold(17_u64, |dice, byte| {
            dice.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
    if dice % 8 == 0 || case.state == CaseState::WaitingForData {
        return None;
    }
    let minutes = |n: u64| SignedDuration::from_mins(i64::try_from(n).unwrap_or(0));
    let acknowledge = case.opened_at.saturating_add(minutes(2 + dice % 23)).ok()?;
    let done = acknowledge
        .saturating_add(minutes(20 + (dice / 23) % 70))
        .ok()?;
    let of = |list: [&'static str; 3], n: u64| {
        let at = usize::try_from(n % 3).unwrap_or(0);
        list.get(at).copied().unwrap_or_default()
    };
    Some(Plan {
        acknowledge,
        done,
        acknowledged: false,
        answer: of(ANSWERS, dice),
        who: of(STAFF, dice / 3),
    })
}

fn ctx(app: &App, who: &str) -> OpCtx {
    OpCtx {
        actor: ActorId::new(who),
        role: Role::Clinician,
        purpose: Purpose::Treatment,
        via: Via::Console,
        ..OpCtx::service(
            app.store.tenant().clone(),
            "demo",
            Arc::clone(app.store.clock()),
        )
    }
}
