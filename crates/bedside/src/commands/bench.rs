//! `bedside bench ingest`: what this machine does, beside what its disk can do, measured in the same run.
//!
//! The floor is the disk: appending a block and waiting until it is durable, one at a time and sixty-four together. Above it:
//! messages acknowledged (each durable and in the audit log first), messages applied to charts, and FHIR
//! resources imported.

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bedside_core::ctx::OpCtx;
use bedside_gateway::ingest::{Ingest, Progress};
use bedside_gateway::mllp::ListenerOptions;
use bedside_sim::hl7_sender::Sender;
use bedside_store::SessionLimits;
use serde_json::json;
use tokio::task::JoinSet;

use crate::boot::{App, Parts, Place};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::fault::Fault;
use crate::out::Out;

/// The block of the floor: about a message.
const BLOCK: usize = 2_048;

/// Blocks made durable together for the second floor.
const GROUP: u32 = 64;

/// Patients that the messages are about.
const PATIENTS: u32 = 2_000;

/// Resources of the import.
const RESOURCES: u32 = 20_000;

pub(super) async fn run(
    dir: &Path,
    seconds: u32,
    connections: u32,
    out: &Out,
) -> Result<u8, Fault> {
    let scratch = dir.join(format!("bedside-bench-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).map_err(|error| {
        Fault::environment(format!(
            "can't make the scratch folder {}: {error}",
            scratch.display()
        ))
    })?;
    let result = measure(
        &scratch,
        Duration::from_secs(u64::from(seconds.max(1))),
        connections.max(1),
        out,
    )
    .await;
    std::fs::remove_dir_all(&scratch).map_err(|error| {
        Fault::environment(format!("can't remove {}: {error}", scratch.display()))
    })?;
    result.map(|()| 0)
}

async fn measure(scratch: &Path, time: Duration, connections: u32, out: &Out) -> Result<(), Fault> {
    let failed = |error: std::io::Error| {
        Fault::environment(format!(
            "the floor could not be measured in {}: {error}",
            scratch.display()
        ))
    };
    out.note("raw sync and group commit of this disk …").await;
    let sync = floor(&scratch.join("floor"), time, 1).map_err(failed)?;
    let group = floor(&scratch.join("floor"), time, GROUP).map_err(failed)?;

    out.note("messages over MLLP …").await;
    let app = open(scratch).await?;
    let feed = app
        .gateway
        .feeds()
        .first()
        .map(|feed| feed.address)
        .ok_or_else(|| Fault::environment("no listener"))?;
    let started = Instant::now();
    let acknowledged = load(feed, time, connections).await?;
    let ack_time = started.elapsed();
    app.gateway.lanes().drained().await;
    let applied_time = started.elapsed();

    out.note("FHIR import …").await;
    let file = scratch.join("import.ndjson");
    import_file(&file).map_err(failed)?;
    let ctx = OpCtx::service(
        app.store.tenant().clone(),
        "bench",
        Arc::clone(app.store.clock()),
    );
    let source = app
        .store
        .ensure_source(&ctx, "import", "generic", None, "UTC")
        .await?;
    let ingest = Ingest {
        store: app.store.clone(),
        lanes: app.gateway.lanes().clone(),
        ctx,
        source,
        own: Vec::new(),
    };
    let tally = ingest.run(vec![file], Arc::new(Quiet)).await?;
    app.stop().await?;

    let per = |count: f64, time: Duration| count / time.as_secs_f64();
    let count = f64::from(u32::try_from(acknowledged).unwrap_or(u32::MAX));
    let resources = f64::from(u32::try_from(tally.resources).unwrap_or(u32::MAX));
    let acks = per(count, ack_time);
    let applied = per(count, applied_time);
    let imported = resources / tally.seconds;
    if out.json() {
        out.document(&json!({
            "connections": connections,
            "disk": { "syncs_per_second": sync.round(), "group_commit_rows_per_second": group.round() },
            "acknowledged_per_second": acks.round(),
            "applied_per_second": applied.round(),
            "resources_per_second": imported.round(),
            "acknowledged_to_group_commit": acks / group,
            "resources_to_group_commit": imported / group,
        }))
        .await;
        return Ok(());
    }
    out.line(format!(
        "raw sync, one block of {BLOCK} bytes        {sync:>10.0} /s"
    ))
    .await;
    out.line(format!(
        "group commit, {GROUP} blocks a sync         {group:>10.0} /s"
    ))
    .await;
    out.line(format!(
        "messages acknowledged, {connections} connections {acks:>14.0} /s   {:.2} of group commit",
        acks / group
    ))
    .await;
    out.line(format!(
        "messages applied end to end             {applied:>10.0} /s   {:.2} of group commit",
        applied / group
    ))
    .await;
    out.line(format!(
        "FHIR resources imported                 {imported:>10.0} /s   {:.2} of group commit",
        imported / group
    ))
    .await;
    Ok(())
}

/// Appends groups of blocks, each group made durable, and gives blocks per second.
fn floor(path: &Path, time: Duration, group: u32) -> std::io::Result<f64> {
    let mut file = File::create(path)?;
    let block = vec![0x5a; BLOCK * usize::try_from(group).unwrap_or(1)];
    let started = Instant::now();
    let mut groups = 0_u32;
    while started.elapsed() < time {
        file.write_all(&block)?;
        file.sync_data()?;
        groups += 1;
    }
    Ok(f64::from(groups) * f64::from(group) / started.elapsed().as_secs_f64())
}

async fn open(scratch: &Path) -> Result<App, Fault> {
    let place = Place {
        config: Arc::new(Config::default()),
        data: scratch.join("data"),
        sessions: SessionLimits::default(),
    };
    let store = place.store(Arc::new(SystemClock)).await?;
    let ctx = OpCtx::service(store.tenant().clone(), "bench", Arc::clone(store.clock()));
    let source = store
        .ensure_source(&ctx, "bench", "generic", None, "UTC")
        .await?;
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    place
        .start(
            store,
            Parts {
                listeners: vec![ListenerOptions {
                    source,
                    address,
                    max_frame: 1024 * 1024,
                }],
                connections: Vec::new(),
                running: crate::site::running(&place.config)?,
                drive: bedside_gateway::Drive::by_itself(),
                serve: true,
            },
        )
        .await
}

/// Sends from all connections, each with one message in flight, until the time is up. Gives the positive answers.
async fn load(address: SocketAddr, time: Duration, connections: u32) -> Result<u64, Fault> {
    let mut senders: JoinSet<Result<u64, Fault>> = JoinSet::new();
    for connection in 0..connections {
        senders.spawn(async move {
            let mut sender = Sender::new(address);
            let started = Instant::now();
            let mut count = 0_u64;
            while started.elapsed() < time {
                let message = update(connection, count);
                let answer = sender.send(message.as_bytes()).await.map_err(|error| {
                    Fault::environment(format!("a bench connection failed: {error}"))
                })?;
                if !answer.is_positive() {
                    return Err(Fault::environment(format!(
                        "the gateway answered {}",
                        answer.code
                    )));
                }
                count += 1;
            }
            Ok(count)
        });
    }
    let mut all = 0;
    while let Some(ended) = senders.join_next().await {
        all +=
            ended.map_err(|_| Fault::environment("a bench connection stopped unexpectedly"))??;
    }
    Ok(all)
}

/// An A08 about one of the bench's invented patients.
fn update(connection: u32, count: u64) -> String {
    let number = count
        .wrapping_mul(31)
        .wrapping_add(u64::from(connection) * 7_919)
        % u64::from(PATIENTS);
    let phone = count % 10_000;
    format!(
        "MSH|^~\\&|ADT|BENCH|BEDSIDE|BENCH|20261122083000+0000||ADT^A08^ADT_A01|B{connection}-{count}|P|2.5.1\r\
         EVN|A08|20261122083000+0000\r\
         PID|1||{number:06}^^^BENCH^MR||Sample{number}^Pat^Q||19{:02}0203|F|||{number} Bench Street^^Springfield^IL^62701||555-01{:02}^PRN^PH^^^217^555{phone:04}\r\
         PV1|1|I|4W^{:02}^1^BENCH||||1001^Lee^Sam|||MED||||||||V{number:06}^^^BENCH^VN\r",
        number % 80 + 10,
        phone % 100,
        number % 40,
    )
}

fn import_file(path: &Path) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::new(File::create(path)?);
    let patients = RESOURCES / 100;
    for patient in 0..patients {
        writeln!(
            file,
            r#"{{"resourceType":"Patient","id":"p{patient}","identifier":[{{"system":"urn:bench","value":"{patient}"}}],"name":[{{"family":"Sample{patient}","given":["Pat"]}}],"birthDate":"19{:02}-02-03"}}"#,
            patient % 80 + 10
        )?;
    }
    for n in 0..RESOURCES - patients {
        writeln!(
            file,
            r#"{{"resourceType":"Observation","id":"o{n}","status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}}]}}],"code":{{"coding":[{{"system":"http://loinc.org","code":"2823-3","display":"Potassium"}}]}},"subject":{{"reference":"Patient/p{}"}},"effectiveDateTime":"2026-11-{:02}T08:{:02}:00Z","valueQuantity":{{"value":4.{},"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"}}}}"#,
            n % patients,
            n % 22 + 1,
            n % 60,
            n % 10
        )?;
    }
    file.flush()
}

struct Quiet;

impl Progress for Quiet {
    fn at(&self, _files: u64, _of: u64, _units: u64) {}
}
