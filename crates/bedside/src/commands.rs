//! One file for each command. Commands on the store run here when nobody owns it, else in the running `serve`.

mod account;
mod audit;
mod bench;
mod connect;
mod demo;
mod hl7;
mod ingest;
mod init;
mod journal;
mod outbox;
mod patient;
mod quarantine;
mod serve;
mod sim;
mod time;
mod workflow;

use std::path::PathBuf;
use std::sync::Arc;

use bedside_fact::clock::SharedClock;
use serde::{Deserialize, Serialize};

use crate::boot::{App, Place};
use crate::cli::{
    AccountCommand, Args, AuditCommand, BenchCommand, Command, ConfigCommand, ConnectCommand,
    Ingest, JournalCommand, OutboxCommand, PatientCommand, QuarantineCommand,
};
use crate::clock::SystemClock;
use crate::control;
use crate::fault::Fault;
use crate::out::Out;
use crate::user;

/// A command that needs the store.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum StoreCommand {
    Ingest(Ingest),
    Patient(PatientCommand),
    Journal(JournalCommand),
    Quarantine(QuarantineCommand),
    Audit(AuditCommand),
    Account(AccountCommand),
    Connect(ConnectCommand),
    Outbox(OutboxCommand),
}

/// Runs and gives the exit status.
pub(crate) async fn run(args: Args) -> u8 {
    let out = Out::terminal(args.json);
    let place = || Place::find(args.config.as_deref(), args.data.as_deref());
    let result = match args.command {
        Command::Demo(demo) => match place() {
            Ok(place) => demo::run(place, demo, args.data.is_some(), &out).await,
            Err(fault) => Err(fault),
        },
        Command::Init { dir } => init::run(&dir, &out).await,
        Command::Serve => match place() {
            Ok(place) => serve::run(place, &out).await,
            Err(fault) => Err(fault),
        },
        Command::Config(ConfigCommand::Check) => check(args.config, &out).await,
        Command::Hl7(command) => hl7::run(command, &out).await,
        Command::Bench(BenchCommand::Ingest {
            seconds,
            connections,
            dir,
        }) => bench::run(&dir, seconds, connections, &out).await,
        Command::Completions { shell } => completions(shell, &out).await,
        Command::Ingest(mut ingest) => {
            // The running `serve` may stand elsewhere.
            ingest.paths = ingest
                .paths
                .iter()
                .map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()))
                .collect();
            on_store(place(), StoreCommand::Ingest(ingest), &out).await
        }
        Command::Patient(command) => on_store(place(), StoreCommand::Patient(command), &out).await,
        Command::Journal(command) => on_store(place(), StoreCommand::Journal(command), &out).await,
        Command::Quarantine(command) => {
            on_store(place(), StoreCommand::Quarantine(command), &out).await
        }
        Command::Connect(command) => on_store(place(), StoreCommand::Connect(command), &out).await,
        Command::Outbox(command) => on_store(place(), StoreCommand::Outbox(command), &out).await,
        Command::Workflow(command) => workflow::run(command, &out).await,
        Command::Sim(command) => sim::run(command, &out).await,
        Command::Audit(command) => on_store(place(), StoreCommand::Audit(command), &out).await,
        Command::Account(command) => match account::complete(command) {
            Ok(command) => on_store(place(), StoreCommand::Account(command), &out).await,
            Err(fault) => Err(fault),
        },
    };
    match result {
        Ok(status) => status,
        Err(fault) => {
            out.note(format!("bedside: {}", fault.message)).await;
            fault.status
        }
    }
}

async fn on_store(
    place: Result<Place, Fault>,
    command: StoreCommand,
    out: &Out,
) -> Result<u8, Fault> {
    let place = place?;
    if let Some(status) = control::ask(&place.socket(), &command, out).await {
        return Ok(status);
    }
    let clock: SharedClock = Arc::new(SystemClock);
    let empty = !place.data.exists() && place.config.store.postgres.is_none();
    let app = place.app(clock, false).await?;
    if empty && !matches!(command, StoreCommand::Ingest(_)) {
        let at = place.data.display();
        out.note(format!("bedside: there was no store at {at}, so an empty one was made; --data or --config names another")).await;
    }
    let name = user::name(user::uid());
    let status = tokio::select! {
        status = execute(&app, &name, command, out) => status,
        error = app.store.fatal() => return Err(error.into()),
    };
    out.piece(crate::out::Piece::End(status)).await;
    let stopped = app.stop().await;
    // What the command found comes first; a failure to stop is news only when all went well.
    if status == 0 {
        stopped?;
    }
    Ok(status)
}

/// Runs a command on an open store, for `user`. Never fails: what goes wrong is said and becomes the status.
pub(crate) async fn execute(app: &App, user: &str, command: StoreCommand, out: &Out) -> u8 {
    let result = match command {
        StoreCommand::Ingest(command) => ingest::run(app, user, command, out).await,
        StoreCommand::Patient(command) => patient::run(app, user, command, out).await,
        StoreCommand::Journal(command) => journal::run(app, user, command, out).await,
        StoreCommand::Quarantine(command) => quarantine::run(app, user, command, out).await,
        StoreCommand::Audit(command) => audit::run(app, user, command, out).await,
        StoreCommand::Account(command) => account::run(app, user, command, out).await,
        StoreCommand::Connect(command) => connect::run(app, user, command, out).await,
        StoreCommand::Outbox(command) => outbox::run(app, user, command, out).await,
    };
    match result {
        Ok(status) => status,
        Err(fault) => {
            out.note(format!("bedside: {}", fault.message)).await;
            fault.status
        }
    }
}

async fn check(config: Option<PathBuf>, out: &Out) -> Result<u8, Fault> {
    let Some(path) = config else {
        return Err(Fault::input("name the file with --config FILE"));
    };
    let config = crate::config::Config::read(&path)?;
    // What it names is read too: a workflow that does not load is told now and not when `serve` starts.
    let running = crate::site::running(&config)?;
    let scope = crate::site::scope(&config, &running)?;
    if out.json() {
        out.document(&serde_json::json!({
            "ok": true, "sources": config.source.len(), "workflows": running.definitions.len(), "scope": scope,
        }))
        .await;
    } else {
        out.line(format!(
            "{} is in order: {} source(s), {} workflow(s), {}, console on {}",
            path.display(),
            config.source.len(),
            running.definitions.len(),
            if scope {
                "a scope"
            } else {
                "no scope.yaml beside it"
            },
            config.http.address
        ))
        .await;
    }
    Ok(0)
}

async fn completions(shell: clap_complete::Shell, out: &Out) -> Result<u8, Fault> {
    let mut text = Vec::new();
    clap_complete::generate(
        shell,
        &mut <Args as clap::CommandFactory>::command(),
        "bedside",
        &mut text,
    );
    out.data(String::from_utf8_lossy(&text).into_owned()).await;
    Ok(0)
}
