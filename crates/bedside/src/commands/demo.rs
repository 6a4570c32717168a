//! `bedside demo`: three simulated EHRs, the gateway and the console, all live on loopback.
//!
//! First a whole day is played as fast as the machine can, over real sockets; with `--once` that is all, and simulated clinicians answer the
//! items. Then the clock runs by itself and the region lives on.

mod clinicians;
mod play;
mod stage;
mod summary;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bedside_core::ctx::{OpCtx, Role};
use bedside_fact::clock::{Clock, Timestamp};
use bedside_gateway::Drive;
use bedside_gateway::mllp::ListenerOptions;
use bedside_sim::hl7_sender::Sender;
use bedside_sim::region;
use bedside_sim::vendor::Vendor;
use bedside_sim::ward::WardEvent;
use bedside_store::SessionLimits;
use jiff::{SignedDuration, ToSpan};
use serde_json::json;

use self::clinicians::Clinicians;
use self::stage::{CLIENT, Stage, listeners};
use super::serve::{self, Up};
use crate::boot::{App, Parts, Place};
use crate::cli::Demo;
use crate::clock::{DemoClock, whole_micros};
use crate::config::FhirConfig;
use crate::fault::Fault;
use crate::out::Out;
use crate::{site, user};

pub(super) use self::stage::send;

/// The ward's feed as a source. It belongs to the same hospital as the API called `epic`.
const WARD: &str = "epic-adt";

/// The region's zone.
const ZONE: &str = "America/Chicago";

/// After the first day the demo's clock runs so many times faster than the wall clock, so that something happens
/// every few seconds.
const SPEED: u32 = 10;

/// A sign-in link of the demo is good for a simulated week.
const LINK_SECONDS: i64 = 7 * 86_400;

/// Marks a data directory that the demo made and may replace.
const MARK: &str = "made-by-demo";

/// Seconds between two looks for results, and at the rest, in the demo.
const LABS_EVERY: u32 = 20 * 60;
const REST_EVERY: u32 = 4 * 60 * 60;

pub(super) async fn run(place: Place, demo: Demo, named: bool, out: &Out) -> Result<u8, Fault> {
    let started = Instant::now();
    let mut place = place;
    let mut config = (*place.config).clone();
    config.site = String::from("Lakeside region (simulated)");
    config.zone = String::from(ZONE);
    config.http.address = demo.http;
    config.identity.shared = vec![String::from(region::REGIONAL_SYSTEM)];
    place.config = Arc::new(config);
    // A session lasts as long as anywhere, by the clock on the wall.
    let limits = SessionLimits::default();
    let speed = i64::from(SPEED);
    place.sessions = SessionLimits {
        idle: limits.idle * speed,
        longest: limits.longest * speed,
    };

    // A day that is over needs nobody's port; our public keys are fetched from it all the same.
    let http = if demo.once {
        SocketAddr::from(([127, 0, 0, 1], 0))
    } else {
        demo.http
    };
    let listener = serve::bind(http).await?;
    let http = serve::local(&listener, http);
    clear(&place, named)?;
    let start = midnight(demo.once);
    let clock = DemoClock::new(start);
    let store = place.store(Arc::new(clock.clone())).await?;
    std::fs::write(place.data.join(MARK), "").map_err(|error| {
        Fault::environment(format!(
            "can't write into {}: {error}",
            place.data.display()
        ))
    })?;
    let mut stage = Stage::open(
        region::Options {
            patients: usize::try_from(demo.patients).unwrap_or(20),
            // Both routes of one hospital name its authorities alike, as a site arranges when it connects both.
            oids: true,
            ..region::Options::new(demo.seed, start)
        },
        Arc::new(clock.clone()),
        &format!("http://{http}/.well-known/jwks.json"),
        listeners().await?,
    )
    .await?;
    let drive = Drive::told();
    let app = start_app(&place, store, &stage, &demo, &drive).await?;
    let up = Up::start(&place, &app, listener).await?;
    let address = app
        .gateway
        .feeds()
        .first()
        .map_or(demo.mllp, |feed| feed.address);
    let mut sender = Sender::new(address);
    prove(&app, &stage).await?;

    let mut clinicians = Clinicians::new();
    let until = if demo.once { end_of_day(start) } else { now() };
    if !demo.once {
        out.note("A simulated day is played first, over real HL7 v2 and FHIR sockets …")
            .await;
    }
    let played = play::play(
        &app,
        &clock,
        &mut stage,
        &mut clinicians,
        &mut sender,
        until,
    )
    .await?;
    let last_vitals = stage.last_vitals();
    if demo.once {
        summary::print(&app, &stage, out, started, played).await?;
        up.stop().await;
        app.stop().await?;
        stage.close().await;
        return Ok(0);
    }
    if let Some(message) = last_vitals.as_ref().and_then(unfinished_merge) {
        // Something for the quarantine: what this patient's results say from here on waits behind it, shown as unconfirmed.
        let refused = sender.send(&message).await;
        refused.map_err(|error| Fault::environment(format!("the ward could not send: {error}")))?;
    }
    clock.run(SPEED);
    drive.release();

    let link = sign_in_link(&app, http).await?;
    let ehrs: Vec<serde_json::Value> = stage
        .stands
        .iter()
        .map(|stand| json!({ "name": stand.vendor.as_str(), "base": stand.base(), "in_basket": format!("http://{}/", stand.address) }))
        .collect();
    if out.json() {
        out.document(&json!({ "ready": true, "http": http, "sign_in": link, "mllp": address, "ehrs": ehrs, "data": place.data })).await;
    } else {
        out.line(format!("Three simulated EHRs are live: {played} messages and a day of FHIR in {:.1} s. All people in them are invented.", started.elapsed().as_secs_f64())).await;
        out.line(format!("Sign in: {link}")).await;
        for stand in &stage.stands {
            out.line(format!(
                "What {} was told: http://{}/",
                stand.vendor.as_str(),
                stand.address
            ))
            .await;
        }
        out.line(format!("From here on the region's clock runs {SPEED} times as fast as yours. The link works once. Ctrl-C stops the demo."))
            .await;
    }
    let live = async {
        tokio::select! {
            () = clock.drive() => Ok(()),
            result = go_on(&clock, &mut stage, &mut sender) => result,
        }
    };
    let ended = tokio::select! {
        result = live => result.map_err(|fault| Fault::environment(format!("the region stopped: {}", fault.message))),
        stopped = serve::stop_signal(&app) => stopped,
    };
    up.stop().await;
    app.stop().await?;
    stage.close().await;
    ended.map(|()| 0)
}

/// The gateway over the three EHRs and the ward's feed.
async fn start_app(
    place: &Place,
    store: bedside_store::Store,
    stage: &Stage,
    demo: &Demo,
    drive: &Drive,
) -> Result<App, Fault> {
    let ctx = OpCtx::service(store.tenant().clone(), "demo", Arc::clone(store.clock()));
    let mut connections = Vec::new();
    for stand in &stage.stands {
        let name = stand.vendor.as_str();
        let source = store
            .ensure_source(&ctx, name, name, Some(name), ZONE)
            .await?;
        let fhir = FhirConfig {
            base: stand.base(),
            client_id: CLIENT.to_owned(),
            token_url: None,
            scopes: None,
            group: stand.group.clone(),
            algorithm: None,
            profile: None,
            test_patient: Some(stand.test_patient.clone()),
            labs_every: LABS_EVERY,
            rest_every: REST_EVERY,
        };
        connections.push(site::connection(
            &place.config,
            source,
            &fhir,
            Some(&layer(stand)),
        )?);
    }
    let ward = store
        .ensure_source(&ctx, WARD, "epic", Some("epic"), ZONE)
        .await?;
    let mllp = if demo.once {
        SocketAddr::from(([127, 0, 0, 1], 0))
    } else {
        demo.mllp
    };
    let parts = Parts {
        listeners: vec![ListenerOptions {
            source: ward,
            address: mllp,
            max_frame: 16 * 1024 * 1024,
        }],
        connections,
        running: site::critical_potassium()?,
        drive: drive.clone(),
        serve: true,
    };
    place.start(store, parts).await
}

/// What a site would write into the profile of each simulated EHR: its tenant, and that it bears any load, since a day passes in seconds.
fn layer(stand: &stage::Stand) -> String {
    let mut text = String::from("[limits]\nper_minute = 600000\nburst = 600000\nconcurrency = 4\n");
    if let Some(tenant) = stand
        .ehr
        .tenant()
        .filter(|_| stand.vendor == Vendor::Athena)
    {
        text.push_str(&format!(
            "[request.parameters]\n\"ah-practice\" = \"{tenant}\"\n"
        ));
    }
    text
}

/// Proves the write routes with each EHR's test patient, as a site does before anything is written (promise P8). An EHR that takes no
/// notes stays without.
async fn prove(app: &App, stage: &Stage) -> Result<(), Fault> {
    let name = user::name(user::uid());
    app.store.operator_account(&name).await?;
    let ctx = app.operator(&name, Role::Engineer, None).await?;
    for outlet in app.gateway.outlets() {
        let Some(stand) = stage
            .stands
            .iter()
            .find(|stand| stand.vendor.as_str() == outlet.source.as_str())
        else {
            continue;
        };
        bedside_gateway::deliver::prove(
            &app.store,
            &ctx,
            outlet,
            &stand.test_patient,
            app.store.clock().now(),
        )
        .await
        .map_err(|error| {
            Fault::environment(format!(
                "the write route {} could not be proven: {error}",
                outlet.route
            ))
        })?;
    }
    Ok(())
}

/// A directory that the demo made before is replaced; any other that holds something is left alone.
fn clear(place: &Place, named: bool) -> Result<(), Fault> {
    let data = &place.data;
    let occupied = std::fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_some());
    if occupied && !data.join(MARK).exists() {
        let hint = if named {
            "name another with --data"
        } else {
            "name another with --data DIR"
        };
        return Err(Fault::input(format!(
            "{} holds data that is not a demo's, it is left alone; {hint}",
            data.display()
        )));
    }
    if occupied {
        let lock = std::fs::File::open(data.join("lock"));
        if lock.is_ok_and(|file| file.try_lock().is_err()) {
            return Err(Fault::environment(format!(
                "another demo is running on {}: stop it, or name another directory with --data",
                data.display()
            )));
        }
    }
    let gone = |path: &Path, result: std::io::Result<()>| match result {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Fault::environment(
            format!("can't remove {}: {error}", path.display()),
        )),
        Ok(()) | Err(_) => Ok(()),
    };
    if occupied || !data.exists() {
        gone(data, std::fs::remove_dir_all(data))?;
    }
    if occupied {
        gone(&place.key(), std::fs::remove_file(place.key()))?;
        for ending in ["checkpoints", "spool"] {
            let path = place.beside(ending);
            gone(&path, std::fs::remove_dir_all(&path))?;
        }
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the demo's day is placed before the wall clock's now"
)]
fn now() -> Timestamp {
    whole_micros(Timestamp::now())
}

/// `--once` plays a calendar day, so that the same seed always plays the same; live, the played day ends now.
fn midnight(once: bool) -> Timestamp {
    let zone = jiff::tz::TimeZone::get(ZONE).unwrap_or(jiff::tz::TimeZone::UTC);
    let day_ago = now()
        .saturating_sub(SignedDuration::from_hours(24))
        .unwrap_or_else(|_| now());
    if !once {
        return day_ago;
    }
    day_ago
        .to_zoned(zone)
        .start_of_day()
        .map_or(day_ago, |day| day.timestamp())
}

fn end_of_day(start: Timestamp) -> Timestamp {
    start.checked_add(24.hours()).unwrap_or(start)
}

/// A merge that names no record to merge, about the patient of `event`: real feeds send such things, and a person must look.
fn unfinished_merge(event: &WardEvent) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(&event.message).ok()?;
    let patient = text
        .split('\r')
        .find(|segment| segment.starts_with("PID|"))?;
    let header = text.split('\r').next()?;
    let mut fields: Vec<&str> = header.split('|').collect();
    let control_id = format!("{}M", event.control_id);
    *fields.get_mut(8)? = "ADT^A40^ADT_A39";
    *fields.get_mut(9)? = &control_id;
    Some(format!("{}\rEVN|A40\r{patient}\r", fields.join("|")).into_bytes())
}

async fn go_on(clock: &DemoClock, stage: &mut Stage, sender: &mut Sender) -> Result<(), Fault> {
    loop {
        clock.wait_until(stage.next_at()).await;
        stage.play(clock.now(), Some(&mut *sender)).await?;
    }
}

async fn sign_in_link(app: &App, http: SocketAddr) -> Result<String, Fault> {
    let name = user::name(user::uid());
    app.store.operator_account(&name).await?;
    let ctx = OpCtx::service(
        app.store.tenant().clone(),
        "demo",
        Arc::clone(app.store.clock()),
    );
    let token = app
        .store
        .signin_link(&ctx, &name, Role::Clinician, LINK_SECONDS)
        .await?;
    Ok(format!("http://{http}/signin/link/{token}"))
}
