//! `bedside demo`: a simulated ward, the gateway and the console, all live on loopback.
//!
//! First a whole day is played as fast as the machine can, over a real socket; with `--once` that is all. Then the
//! clock runs by itself and the ward lives on.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bedside_core::ctx::{OpCtx, Role};
use bedside_core::source::Source;
use bedside_fact::clock::{Clock, Timestamp};
use bedside_gateway::mllp::ListenerOptions;
use bedside_sim::hl7_sender::Sender;
use bedside_sim::ward::{self, Ward, WardEvent};
use bedside_store::{SessionLimits, Store};
use jiff::{SignedDuration, ToSpan};
use serde_json::json;

use super::serve::{self, Up};
use crate::boot::{App, Place};
use crate::cli::Demo;
use crate::clock::DemoClock;
use crate::fault::Fault;
use crate::out::Out;
use crate::user;

/// The ward's name as a source.
const WARD: &str = "ward";

/// The ward's zone.
const ZONE: &str = "America/Chicago";

/// After the first day the demo's clock runs so many times faster than the wall clock, so that something happens
/// every few seconds.
const SPEED: u32 = 10;

/// A sign-in link of the demo is good for a simulated week.
const LINK_SECONDS: i64 = 7 * 86_400;

/// Marks a data directory that the demo made and may replace.
const MARK: &str = "made-by-demo";

pub(super) async fn run(place: Place, demo: Demo, named: bool, out: &Out) -> Result<u8, Fault> {
    let started = Instant::now();
    let mut place = place;
    let mut config = (*place.config).clone();
    config.site = String::from("Riverside General (simulated)");
    config.zone = String::from(ZONE);
    config.http.address = demo.http;
    place.config = Arc::new(config);
    // A session lasts as long as anywhere, by the clock on the wall.
    let limits = SessionLimits::default();
    let speed = i64::from(SPEED);
    place.sessions = SessionLimits {
        idle: limits.idle * speed,
        longest: limits.longest * speed,
    };

    // A day that is over is played without a console, so nobody's port is needed.
    let listener = if demo.once {
        None
    } else {
        Some(serve::bind(demo.http).await?)
    };
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
    let source = ward_source(&store).await?;
    let mllp = if demo.once {
        SocketAddr::from(([127, 0, 0, 1], 0))
    } else {
        demo.mllp
    };
    let app = place
        .start(
            store,
            vec![ListenerOptions {
                source,
                address: mllp,
                max_frame: 16 * 1024 * 1024,
            }],
        )
        .await?;
    let mut ward = Ward::new(ward::Options {
        patients: usize::try_from(demo.patients).unwrap_or(20),
        ..ward::Options::new(demo.seed, start)
    });
    let address = app
        .gateway
        .feeds()
        .first()
        .map_or(mllp, |feed| feed.address);
    let mut sender = Sender::new(address);

    let Some(listener) = listener else {
        let (_, played) = play(&app, &clock, &mut ward, &mut sender, end_of_day(start)).await?;
        summary(&app, out, started, played).await?;
        app.stop().await?;
        return Ok(0);
    };
    out.note("A simulated day is played first, over a real HL7 v2 socket …")
        .await;
    let (next, played) = play(&app, &clock, &mut ward, &mut sender, now()).await?;
    if let Some(message) = unfinished_merge(&next) {
        // Something for the quarantine: what this patient's results say from here on waits behind it, shown as unconfirmed.
        let refused = sender.send(&message).await;
        refused.map_err(|error| Fault::environment(format!("the ward could not send: {error}")))?;
    }
    clock.run(SPEED);

    let http = serve::local(&listener, demo.http);
    let up = Up::start(&place, &app, listener).await?;
    let link = sign_in_link(&app, http).await?;
    if out.json() {
        out.document(&json!({ "ready": true, "http": http, "sign_in": link, "mllp": address, "data": place.data })).await;
    } else {
        out.line(format!("A simulated ward is live: {played} messages in {:.1} s. All people in it are invented.", started.elapsed().as_secs_f64())).await;
        out.line(format!("Sign in: {link}")).await;
        out.line(format!("From here on the ward's clock runs {SPEED} times as fast as yours. The link works once. Ctrl-C stops the demo."))
            .await;
    }
    let live = async {
        tokio::select! {
            () = clock.drive() => Ok(()),
            result = go_on(&app, &clock, &mut ward, &mut sender, next) => result,
        }
    };
    let ended = tokio::select! {
        result = live => result.map_err(|fault| Fault::environment(format!("the ward stopped: {}", fault.message))),
        stopped = serve::stop_signal(&app) => stopped,
    };
    up.stop().await;
    app.stop().await?;
    ended.map(|()| 0)
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
    Timestamp::now()
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

async fn ward_source(store: &Store) -> Result<Source, Fault> {
    let ctx = OpCtx::service(store.tenant().clone(), "demo", Arc::clone(store.clock()));
    Ok(store.ensure_source(&ctx, WARD, "ward", None, ZONE).await?)
}

/// Sends everything that happens before `until`. The clock moves to an event when the one before has been applied.
/// Gives back the first event after that, and how many were sent.
async fn play(
    app: &App,
    clock: &DemoClock,
    ward: &mut Ward,
    sender: &mut Sender,
    until: Timestamp,
) -> Result<(WardEvent, u64), Fault> {
    let mut sent = 0;
    loop {
        let event = ward.next_event();
        if event.at >= until {
            clock.advance_to(until);
            return Ok((event, sent));
        }
        clock.advance_to(event.at);
        send(app, sender, &event).await?;
        app.gateway.lanes().drained().await;
        sent += 1;
    }
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

async fn go_on(
    app: &App,
    clock: &DemoClock,
    ward: &mut Ward,
    sender: &mut Sender,
    first: WardEvent,
) -> Result<(), Fault> {
    let mut event = first;
    loop {
        clock.wait_until(event.at).await;
        send(app, sender, &event).await?;
        event = ward.next_event();
    }
}

async fn send(app: &App, sender: &mut Sender, event: &WardEvent) -> Result<(), Fault> {
    let answer = sender
        .send(&event.message)
        .await
        .map_err(|error| Fault::environment(format!("the ward could not send: {error}")))?;
    if answer.is_positive() {
        return Ok(());
    }
    let depth = app.gateway.lanes().depth();
    Err(Fault::environment(format!(
        "the gateway answered {} to the ward ({} open)",
        answer.code, depth.open
    )))
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

async fn summary(app: &App, out: &Out, started: Instant, played: u64) -> Result<(), Fault> {
    let ctx = OpCtx::service(
        app.store.tenant().clone(),
        "demo",
        Arc::clone(app.store.clock()),
    );
    let sources = app.store.sources(&ctx).await?;
    let counts = app.store.counts(&ctx).await?;
    let name = user::name(user::uid());
    app.store.operator_account(&name).await?;
    let compliance = app.operator(&name, Role::Compliance, None).await?;
    let audit = app.store.audit_verify(&compliance).await?;
    let seconds = started.elapsed().as_secs_f64();
    if out.json() {
        let sources: Vec<serde_json::Value> = sources
            .iter()
            .map(|s| {
                json!({
                    "name": s.source.id, "vendor": s.source.vendor, "patients": s.patients, "resources": s.resources,
                    "messages": s.messages, "quarantined": s.parked + s.held,
                })
            })
            .collect();
        out.document(&json!({
            "sources": sources, "persons": counts.persons, "links": counts.links,
            "audit": { "entries": audit.entries, "root": audit.root }, "seconds": seconds,
        }))
        .await;
        return Ok(());
    }
    out.line(format!(
        "One simulated day, {played} messages, in {seconds:.1} s."
    ))
    .await;
    for s in &sources {
        out.line(format!(
            "  {:<10} {} patients, {} resources from {} messages, {} quarantined",
            s.source.id,
            s.patients,
            s.resources,
            s.messages,
            s.parked + s.held
        ))
        .await;
    }
    out.line(format!(
        "  {} persons, {} links, {} possibly the same; audit log of {} entries, {}",
        counts.persons,
        counts.links,
        counts.possible,
        audit.entries,
        if audit.ok { "intact" } else { "NOT INTACT" }
    ))
    .await;
    Ok(())
}
