//! The simulated region on its stage: three EHRs that answer on loopback, and the ward's messages over a real socket.

use std::net::SocketAddr;

use bedside_fact::clock::{SharedClock, Timestamp};
use bedside_sim::ehr::{self, Client, Ehr, Keys};
use bedside_sim::hl7_sender::Sender;
use bedside_sim::region::{self, Change, Charted, Event, Region, What};
use bedside_sim::vendor::Vendor;
use bedside_sim::ward::WardEvent;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::fault::Fault;

/// Our client id at each simulated EHR.
pub(crate) const CLIENT: &str = "bedside";

/// One simulated EHR that answers.
#[derive(Clone)]
pub(crate) struct Stand {
    pub(crate) vendor: Vendor,
    pub(crate) ehr: Ehr,
    pub(crate) address: SocketAddr,
    /// The Group that lists its patients.
    pub(crate) group: String,
    /// A patient whom nobody treats.
    pub(crate) test_patient: String,
}

impl Stand {
    /// The FHIR base.
    pub(crate) fn base(&self) -> String {
        self.ehr.base(self.address)
    }
}

/// The region and its EHRs.
pub(crate) struct Stage {
    region: Region,
    pub(crate) stands: Vec<Stand>,
    next: Event,
    vitals: Option<WardEvent>,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Stage {
    /// Opens the region and binds its EHRs; `jwks` is where our public keys will be found.
    pub(crate) async fn open(
        options: region::Options,
        clock: SharedClock,
        jwks: &str,
        listeners: Vec<TcpListener>,
    ) -> Result<Self, Fault> {
        let (seed, start) = (options.seed, options.start);
        let mut region = Region::new(options);
        let stop = CancellationToken::new();
        let tracker = TaskTracker::new();
        let mut stands = Vec::new();
        for (vendor, listener) in Vendor::ALL.into_iter().zip(listeners) {
            let address = listener.local_addr().map_err(unbound)?;
            let mut options = ehr::Options::new(vendor, clock.clone());
            options.seed = seed;
            options.clients = vec![Client {
                id: CLIENT.to_owned(),
                keys: Keys::Url(jwks.to_owned()),
            }];
            let ehr = Ehr::new(options);
            let test_patient = test_patient(vendor);
            ehr.put(
                start,
                json!({
                    "resourceType": "Patient", "id": test_patient, "active": true,
                    "name": [{ "use": "official", "family": "Zztest", "given": ["Bedside"] }], "birthDate": "1900-01-01",
                }),
            );
            let (serving, ending) = (ehr.clone(), stop.clone());
            tracker.spawn(async move {
                if let Err(error) = serving.serve(listener, ending).await {
                    tracing::error!("a simulated EHR stopped: {}", error.kind());
                }
            });
            stands.push(Stand {
                group: region.population(vendor),
                vendor,
                ehr,
                address,
                test_patient,
            });
        }
        tracker.close();
        let opening = region.opening();
        let next = region.next_event();
        let stage = Self {
            region,
            stands,
            next,
            vitals: None,
            stop,
            tracker,
        };
        for charted in opening {
            stage.chart(charted);
        }
        Ok(stage)
    }

    /// When the next thing happens.
    pub(crate) const fn next_at(&self) -> Timestamp {
        self.next.at
    }

    /// Lets everything happen that is due by `now`. Yields how many messages were sent.
    pub(crate) async fn play(
        &mut self,
        now: Timestamp,
        sender: Option<&mut Sender>,
    ) -> Result<u64, Fault> {
        let mut sender = sender;
        let mut sent = 0;
        while self.next.at <= now {
            let event = std::mem::replace(&mut self.next, self.region.next_event());
            match event.what {
                What::Charted(charted) => self.chart(charted),
                What::Message(message) => {
                    if let Some(sender) = sender.as_deref_mut() {
                        send(sender, &message.message).await?;
                        sent += 1;
                    }
                    if message.kind == "vitals" {
                        self.vitals = Some(message);
                    }
                }
            }
        }
        Ok(sent)
    }

    /// The last vital signs that the ward sent: somebody of whom nothing dangerous is expected.
    pub(crate) fn last_vitals(&self) -> Option<WardEvent> {
        self.vitals.clone()
    }

    fn chart(&self, charted: Charted) {
        let Some(stand) = self
            .stands
            .iter()
            .find(|stand| stand.vendor == charted.vendor)
        else {
            return;
        };
        match charted.change {
            Change::Put(resource) => stand.ehr.put(charted.at, resource),
            Change::Remove { resource_type, id } => {
                stand.ehr.remove(charted.at, &resource_type, &id);
            }
            Change::Merge { gone, survivor } => stand.ehr.merge(charted.at, &gone, &survivor),
        }
    }

    /// Stops the EHRs.
    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.tracker.wait().await;
    }
}

/// Sends one message and wants it accepted.
pub(crate) async fn send(sender: &mut Sender, message: &[u8]) -> Result<(), Fault> {
    let answer = sender
        .send(message)
        .await
        .map_err(|error| Fault::environment(format!("the ward could not send: {error}")))?;
    if answer.is_positive() {
        return Ok(());
    }
    Err(Fault::environment(format!(
        "the gateway answered {} to the ward",
        answer.code
    )))
}

/// Listeners on loopback, one for each EHR.
pub(crate) async fn listeners() -> Result<Vec<TcpListener>, Fault> {
    let mut listeners = Vec::new();
    for _ in Vendor::ALL {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        listeners.push(TcpListener::bind(any).await.map_err(unbound)?);
    }
    Ok(listeners)
}

fn test_patient(vendor: Vendor) -> String {
    let id = match vendor {
        Vendor::Epic => "eZZtest.Bedside-Nobody3",
        Vendor::Oracle => "99000001",
        Vendor::Athena => "a-195900.E-990001",
    };
    id.to_owned()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that `map_err` wants"
)]
fn unbound(error: std::io::Error) -> Fault {
    Fault::environment(format!("a simulated EHR can't listen: {error}"))
}
