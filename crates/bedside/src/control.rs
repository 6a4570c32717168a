//! A running `serve` owns the store; other commands speak to it through a socket in the data directory (design D17).
//!
//! The socket is for its owner alone (mode 0600), and the operating system says who is at the other end. One line of JSON
//! asks, lines of JSON answer.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::boot::App;
use crate::commands::{StoreCommand, execute};
use crate::fault::Fault;
use crate::out::{Out, Piece};
use crate::user;

/// The longest question.
const MAX_REQUEST: u64 = 1024 * 1024;

/// A pause after the system could not give a connection.
const PAUSE: Duration = Duration::from_millis(500);

/// Pieces of an answer on their way; when the asking terminal is slow the command waits.
const PIECES: usize = 256;

#[derive(Serialize, Deserialize)]
struct Request {
    json: bool,
    command: StoreCommand,
}

/// Answers commands until `shutdown`.
pub(crate) async fn serve(path: &Path, app: App, shutdown: CancellationToken) -> Result<(), Fault> {
    let failed = |error: std::io::Error| {
        Fault::environment(format!(
            "can't open the control socket {}: {error}",
            path.display()
        ))
    };
    // The lock of the data directory is ours, so a socket that is there is of a process that is gone.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    let tracker = TaskTracker::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!("a control connection could not be accepted: {}", error.kind());
                    // Out of file descriptors and the like. This is about the machine, so it is not on the store's clock.
                    let _ = tokio::time::timeout(PAUSE, shutdown.cancelled()).await;
                    continue;
                }
            },
            () = shutdown.cancelled() => break,
        };
        let app = app.clone();
        tracker.spawn(async move {
            if let Err(error) = answer(stream, app).await {
                tracing::warn!("a control connection ended early: {}", error.kind());
            }
        });
    }
    drop(listener);
    tracker.close();
    tracker.wait().await;
    std::fs::remove_file(path).map_err(failed)
}

async fn answer(stream: UnixStream, app: App) -> std::io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    // The file's mode keeps others out; the superuser may act as itself.
    if peer != user::uid() && peer != 0 {
        return Ok(());
    }
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(MAX_REQUEST))
        .read_line(&mut line)
        .await?;
    let Ok(request) = serde_json::from_str::<Request>(&line) else {
        return Ok(());
    };
    let (pieces, mut answers) = mpsc::channel(PIECES);
    let out = Out::remote(request.json, pieces);
    let name = user::name(peer);
    let run = async move {
        let status = execute(&app, &name, request.command, &out).await;
        out.piece(Piece::End(status)).await;
    };
    let send = async move {
        while let Some(piece) = answers.recv().await {
            let mut text = serde_json::to_vec(&piece)?;
            text.push(b'\n');
            write.write_all(&text).await?;
        }
        Ok(())
    };
    let ((), sent) = tokio::join!(run, send);
    sent
}

/// Asks a running `serve`. `None` when there is none.
pub(crate) async fn ask(path: &Path, command: &StoreCommand, out: &Out) -> Option<u8> {
    let stream = UnixStream::connect(path).await.ok()?;
    let request = Request {
        json: out.json(),
        command: command.clone(),
    };
    let mut text = serde_json::to_vec(&request).ok()?;
    text.push(b'\n');
    let (read, mut write) = stream.into_split();
    write.write_all(&text).await.ok()?;
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(piece) = serde_json::from_str::<Piece>(&line) else {
            continue;
        };
        let end = if let Piece::End(status) = piece {
            Some(status)
        } else {
            None
        };
        out.piece(piece).await;
        if end.is_some() {
            return end;
        }
    }
    out.note("the running bedside stopped before it had answered; ask again")
        .await;
    Some(4)
}
