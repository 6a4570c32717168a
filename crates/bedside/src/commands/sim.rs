//! `bedside sim`: one simulated EHR alone, for any client.

use std::sync::Arc;

use bedside_fact::clock::{Clock, Timestamp};
use bedside_sim::ehr::{self, Client, Ehr, Faults, Keys};
use bedside_sim::hl7_sender::Sender;
use bedside_sim::region::{self, Change, Region, What};
use bedside_sim::vendor::Vendor;
use jiff::SignedDuration;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::serve;
use crate::cli::Sim;
use crate::clock::SystemClock;
use crate::fault::Fault;
use crate::out::Out;
use crate::site;

/// The region is played this far ahead: what comes later is put into the charts when it is near.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);

pub(super) async fn run(sim: Sim, out: &Out) -> Result<u8, Fault> {
    let vendor = Vendor::parse(&sim.vendor)
        .ok_or_else(|| Fault::input("the vendor is epic, oracle or athena"))?;
    let clock = Arc::new(SystemClock);
    let mut options = ehr::Options::new(vendor, clock.clone());
    options.seed = sim.seed;
    options.clients = sim
        .clients
        .iter()
        .map(|text| client(text))
        .collect::<Result<_, _>>()?;
    if let Some(path) = &sim.faults {
        options.faults = Faults::from_toml(&site::text(path)?)
            .map_err(|what| Fault::input(format!("{}: {what}", path.display())))?;
    }
    let listener = serve::bind(sim.http).await?;
    let address = serve::local(&listener, sim.http);
    let ehr = Ehr::new(options);

    // A day has passed in the region when it opens.
    let now = clock.now();
    let start = now
        .saturating_sub(SignedDuration::from_hours(24))
        .unwrap_or(now);
    let mut region = Region::new(region::Options {
        patients: usize::try_from(sim.patients).unwrap_or(20),
        oids: true,
        ..region::Options::new(sim.seed, start)
    });
    for charted in region.opening() {
        if charted.vendor == vendor {
            chart(&ehr, charted.at, charted.change);
        }
    }
    let test_patient = json!({
        "resourceType": "Patient", "id": "bedside-test-patient", "active": true,
        "name": [{ "use": "official", "family": "Zztest", "given": ["Bedside"] }], "birthDate": "1900-01-01",
    });
    ehr.put(start, test_patient);
    let mut sender = sim.mllp.map(Sender::new);
    let mut next = region.next_event();
    while next.at <= now {
        if let What::Charted(charted) = next.what
            && charted.vendor == vendor
        {
            chart(&ehr, charted.at, charted.change);
        }
        next = region.next_event();
    }

    out.document(&json!({
        "ready": true, "vendor": vendor.as_str(), "base": ehr.base(address), "token_url": ehr.token_url(address),
        "group": region.population(vendor), "test_patient": "bedside-test-patient", "in_basket": format!("http://{address}/"),
    }))
    .await;
    let stop = CancellationToken::new();
    let serving = ehr.serve(listener, stop.clone());
    let living = async {
        loop {
            let due = match next.what {
                What::Charted(_) => next.at.saturating_sub(AHEAD).unwrap_or(next.at),
                What::Message(_) => next.at,
            };
            clock.wait_until(due).await;
            let event = std::mem::replace(&mut next, region.next_event());
            match event.what {
                What::Charted(charted) if charted.vendor == vendor => {
                    chart(&ehr, charted.at, charted.change);
                }
                What::Charted(_) => {}
                What::Message(message) => {
                    if let Some(sender) = sender.as_mut().filter(|_| vendor == Vendor::Epic)
                        && let Err(fault) = super::demo::send(sender, &message.message).await
                    {
                        out.note(fault.message).await;
                    }
                }
            }
        }
    };
    let failed =
        |error: std::io::Error| Fault::environment(format!("can't listen for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    tokio::select! {
        served = serving => served.map_err(|error| Fault::environment(format!("the simulated EHR stopped: {error}")))?,
        () = living => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.cancel();
    Ok(0)
}

fn chart(ehr: &Ehr, at: Timestamp, change: Change) {
    match change {
        Change::Put(resource) => ehr.put(at, resource),
        Change::Remove { resource_type, id } => ehr.remove(at, &resource_type, &id),
        Change::Merge { gone, survivor } => ehr.merge(at, &gone, &survivor),
    }
}

/// `id=file` or `id=http://127.0.0.1:8080/.well-known/jwks.json`.
fn client(text: &str) -> Result<Client, Fault> {
    let (id, keys) = text.split_once('=').ok_or_else(|| {
        Fault::input(format!(
            "--client {text}: write ID=FILE or ID=URL, the client's public keys"
        ))
    })?;
    let keys = if keys.starts_with("http://") {
        Keys::Url(keys.to_owned())
    } else {
        let read = site::text(std::path::Path::new(keys))?;
        Keys::Set(
            serde_json::from_str(&read)
                .map_err(|error| Fault::input(format!("{keys} is no JSON Web Key Set: {error}")))?,
        )
    };
    Ok(Client {
        id: id.to_owned(),
        keys,
    })
}
