//! Where the console and the gateway meet: neither knows the other, so the program implements the console's traits over the gateway's handles.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bedside_core::ctx::OpCtx;
use bedside_core::error::Kind;
use bedside_core::journal::{Admitted, InputState, NewInput};
use bedside_core::record::Ending;
use bedside_gateway::Handle;
use bedside_gateway::connection::{BreakerState, SigningKey};
use bedside_gateway::workflow::ActError;
use bedside_store::Store;
use bedside_web::{
    Act, Acted, Answers, ConnectionStatus, Connections, Desk, FeedStatus, Feeds, Fetch, Intake,
    Later, Refused, Taken,
};
use bedside_workflow::case::{Input, Refusal};

/// The listeners and lanes.
pub(crate) struct GatewayFeeds(pub(crate) Handle);

impl Feeds for GatewayFeeds {
    fn status(&self) -> Vec<FeedStatus> {
        self.0
            .feeds()
            .iter()
            .map(|feed| FeedStatus {
                name: feed.source.as_str().to_owned(),
                address: feed.address.to_string(),
                connections: feed.traffic.connections.load(Relaxed),
                messages: feed.traffic.messages.load(Relaxed),
                errors: feed.traffic.errors.load(Relaxed),
                last: feed.traffic.last(),
            })
            .collect()
    }

    fn nudge(&self) {
        self.0.lanes().reload();
    }

    fn queue_depth(&self) -> u64 {
        u64::try_from(self.0.lanes().depth().open).unwrap_or(u64::MAX)
    }
}

/// What people do with items.
pub(crate) struct GatewayDesk(pub(crate) Handle);

impl Desk for GatewayDesk {
    fn act<'a>(
        &'a self,
        ctx: &'a OpCtx,
        item: &'a str,
        act: Act,
    ) -> Later<'a, Result<Acted, Refused>> {
        Box::pin(async move {
            let Some(engine) = self.0.engine() else {
                return Err(Refused::Unavailable);
            };
            let who = ctx.actor.as_str().to_owned();
            let input = match act {
                Act::Viewed => Input::Viewed { who },
                Act::Acknowledge => Input::Acknowledge { who },
                Act::Done { how } => Input::Done { who, how },
                Act::Decline { reason } => Input::Decline { who, reason },
                Act::TakeOver => Input::TakeOver { who },
            };
            match engine.act(ctx, item, input).await {
                Ok(acted) => Ok(Acted {
                    changed: acted.changed,
                    words: acted.words,
                }),
                Err(ActError::NoDefinition) => {
                    Err(Refused::Conflict(ActError::NoDefinition.to_string()))
                }
                Err(ActError::Refused(refusal)) => Err(match &refusal {
                    Refusal::ReasonNeeded | Refusal::NotAnAnswer => {
                        Refused::Invalid(refusal.words())
                    }
                    Refusal::AlreadyAcknowledged { .. } | Refusal::Closed { .. } => {
                        Refused::Conflict(refusal.words())
                    }
                }),
                Err(ActError::Store(error)) => Err(match (&error, error.kind()) {
                    (bedside_store::Error::NotFound(_), _) => Refused::NotFound,
                    (_, Kind::Denied) => Refused::Denied,
                    (_, Kind::Conflict) => Refused::Conflict(String::from(
                        "somebody else changed it at the same moment; this is how it stands now",
                    )),
                    (_, Kind::Invalid | Kind::Busy | Kind::Broken) => Refused::Unavailable,
                }),
            }
        })
    }

    fn answers(&self, workflow: &str) -> Answers {
        let definition = self.0.engine().and_then(|engine| {
            engine
                .definitions()
                .iter()
                .find(|definition| definition.name() == workflow)
        });
        definition.map_or_else(Answers::default, |definition| Answers {
            done: definition.answers().to_vec(),
            close_reasons: definition.close_reasons().to_vec(),
        })
    }

    fn mark(&self) -> Option<u64> {
        self.0.engine().map(bedside_gateway::workflow::Engine::mark)
    }
}

/// The connections to EHRs.
pub(crate) struct GatewayConnections {
    pub(crate) gateway: Handle,
    pub(crate) key: Arc<SigningKey>,
}

impl Connections for GatewayConnections {
    fn status(&self) -> Vec<ConnectionStatus> {
        let Some(connections) = self.gateway.connections() else {
            return Vec::new();
        };
        connections
            .status()
            .into_iter()
            .map(|status| ConnectionStatus {
                name: status.name,
                vendor: status.vendor,
                origin: status.origin,
                state: status.state.as_str().to_owned(),
                breaker: match status.breaker {
                    BreakerState::Closed => String::from("closed"),
                    BreakerState::Open { .. } => String::from("open"),
                    BreakerState::HalfOpen => String::from("half open"),
                },
                rate_per_minute: status.rate_per_minute,
                requests: status.requests,
                last_success: status.last_success,
                last_failure: status
                    .last_failure
                    .map(|(at, kind)| (at, kind.words().to_owned())),
                next_due: status.next_due,
                patients: status.patients,
            })
            .collect()
    }

    fn pause(&self, name: &str, paused: bool) {
        if let Some(connections) = self.gateway.connections() {
            if paused {
                connections.pause(name);
            } else {
                connections.resume(name);
            }
        }
    }

    fn resync(&self, name: &str) {
        if let Some(connections) = self.gateway.connections() {
            connections.resync(name);
        }
    }

    fn keys(&self) -> String {
        self.key.jwks().to_string()
    }
}

/// The way of a program's writes into the record: durable first, then through the lanes like everything else.
pub(crate) struct GatewayIntake {
    pub(crate) store: Store,
    pub(crate) gateway: Handle,
}

impl Intake for GatewayIntake {
    fn submit<'a>(
        &'a self,
        ctx: &'a OpCtx,
        inputs: Vec<NewInput>,
    ) -> Later<'a, Result<Vec<Taken>, String>> {
        Box::pin(async move {
            let service = OpCtx {
                actor: ctx.actor.clone(),
                ..OpCtx::service(ctx.tenant.clone(), "api", Arc::clone(&ctx.clock))
            };
            let words = |error: bedside_store::Error| error.code().to_owned();
            let admitted = self
                .store
                .append_many(&service, inputs)
                .await
                .map_err(words)?;
            let seqs: Vec<_> = admitted
                .iter()
                .map(|one| match one {
                    Admitted::Taken(seq) | Admitted::Again(seq) => *seq,
                })
                .collect();
            self.gateway
                .lanes()
                .settled_for(&seqs)
                .await
                .map_err(|error| error.code().to_owned())?;
            let mut taken = Vec::with_capacity(admitted.len());
            for one in admitted {
                let (seq, again) = match one {
                    Admitted::Taken(seq) => (seq, false),
                    Admitted::Again(seq) => (seq, true),
                };
                let row = self.store.input(&service, seq).await.map_err(words)?.row;
                let ending = match row.state {
                    InputState::Applied => Ending::Applied,
                    InputState::Noop => Ending::Noop(row.reason),
                    InputState::Parked | InputState::Held | InputState::Pending => {
                        Ending::Parked(row.reason)
                    }
                };
                taken.push(Taken { seq, again, ending });
            }
            Ok(taken)
        })
    }
}

/// How long a key set may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The largest key set.
const LARGEST: usize = 256 * 1024;

/// The way to key sets of applications.
pub(crate) struct KeySets(pub(crate) reqwest::Client);

impl KeySets {
    /// A client that follows nowhere and waits not long.
    pub(crate) fn new() -> Result<Self, crate::fault::Fault> {
        // Set once for the process; a second time it is set already.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .map(Self)
            .map_err(|_| {
                crate::fault::Fault::environment("the system gives no TLS for fetching key sets")
            })
    }
}

impl Fetch for KeySets {
    fn get<'a>(&'a self, url: &'a str) -> Later<'a, Result<Vec<u8>, String>> {
        Box::pin(async move {
            let failed = |_| String::from("the key set could not be fetched");
            let mut answer = self.0.get(url).send().await.map_err(failed)?;
            if !answer.status().is_success() {
                return Err(format!(
                    "the key set's address answered {}",
                    answer.status().as_u16()
                ));
            }
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(failed)? {
                body.extend_from_slice(&chunk);
                if body.len() > LARGEST {
                    return Err(String::from("the key set is larger than 256 KiB"));
                }
            }
            Ok(body)
        })
    }
}
