//! Where a command's output goes: to this terminal, or back through the control socket to the terminal that asked.
//!
//! The result goes to standard output; notes, errors and progress go to standard error.

#![expect(clippy::print_stderr, reason = "this is the one module that prints")]

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use bedside_gateway::ingest::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// One piece of output.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Piece {
    /// A line of the result.
    Line(String),
    /// A line for the person.
    Note(String),
    /// How far it is: files read, files in all, units.
    Progress(u64, u64, u64),
    /// The progress display is done with.
    Done,
    /// The end, with the exit status.
    End(u8),
}

/// A way out. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Out {
    json: bool,
    way: Way,
}

#[derive(Clone)]
enum Way {
    Terminal(Arc<Terminal>),
    Remote(mpsc::Sender<Piece>),
}

impl Out {
    pub(crate) fn terminal(json: bool) -> Self {
        Self {
            json,
            way: Way::Terminal(Arc::new(Terminal::new())),
        }
    }

    pub(crate) const fn remote(json: bool, pieces: mpsc::Sender<Piece>) -> Self {
        Self {
            json,
            way: Way::Remote(pieces),
        }
    }

    /// Whether JSON was asked for.
    pub(crate) const fn json(&self) -> bool {
        self.json
    }

    /// Prints a line of the result for a person. What a source sent must not steer a terminal: control characters and those that
    /// turn the direction of text are shown as replacements.
    pub(crate) async fn line(&self, text: impl Into<String>) {
        let text: String = text
            .into()
            .chars()
            .map(|c| if steers(c) { '\u{fffd}' } else { c })
            .collect();
        self.piece(Piece::Line(text)).await;
    }

    /// Prints a result as it is: it goes into a file or another program.
    pub(crate) async fn data(&self, text: impl Into<String>) {
        self.piece(Piece::Line(text.into())).await;
    }

    /// Prints a JSON document as a line of the result.
    pub(crate) async fn document(&self, value: &impl Serialize) {
        // Our own values always serialise.
        self.data(serde_json::to_string(value).unwrap_or_default())
            .await;
    }

    /// Says something to the person.
    pub(crate) async fn note(&self, text: impl Into<String>) {
        self.piece(Piece::Note(text.into())).await;
    }

    /// Hands a piece on.
    pub(crate) async fn piece(&self, piece: Piece) {
        match &self.way {
            Way::Terminal(terminal) => terminal.print(piece),
            // The asking terminal may have gone; the command goes on.
            Way::Remote(pieces) => drop(pieces.send(piece).await),
        }
    }

    /// A progress display that ends with the returned value.
    pub(crate) fn progress(&self) -> Arc<dyn Progress> {
        Arc::new(self.clone())
    }
}

impl Progress for Out {
    fn at(&self, files: u64, of: u64, units: u64) {
        let piece = Piece::Progress(files, of, units);
        match &self.way {
            Way::Terminal(terminal) => terminal.print(piece),
            // A display may miss a step.
            Way::Remote(pieces) => drop(pieces.try_send(piece)),
        }
    }
}

fn steers(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && c != '\n' && c != '\t')
}

struct Terminal {
    bar: ProgressBar,
}

impl Terminal {
    fn new() -> Self {
        // Nothing is drawn until there is progress to show.
        let bar = ProgressBar::hidden();
        if let Ok(style) = ProgressStyle::with_template(
            "{spinner} {bar:30} {pos}/{len} files, {msg} units, {elapsed}",
        ) {
            bar.set_style(style);
        }
        Self { bar }
    }

    fn print(&self, piece: Piece) {
        match piece {
            Piece::Line(text) => self.bar.suspend(|| {
                let mut out = std::io::stdout().lock();
                // A closed pipe (`| head`) is the reader's way of saying enough.
                let _ = writeln!(out, "{text}");
            }),
            Piece::Note(text) => self.bar.suspend(|| complain(&text)),
            Piece::Progress(files, of, units) => {
                if self.bar.is_hidden() && std::io::stderr().is_terminal() {
                    self.bar.set_draw_target(ProgressDrawTarget::stderr());
                }
                self.bar.set_length(of);
                self.bar.set_position(files);
                self.bar.set_message(units.to_string());
            }
            Piece::Done | Piece::End(_) => self.bar.finish_and_clear(),
        }
    }
}

/// Says something on standard error.
pub(crate) fn complain(text: &str) {
    eprintln!("{text}");
}
