//! A site: a folder with a configuration, a key and data, and the program run on it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A command that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(240);

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_bedside");

/// How a command ended.
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) took: Duration,
}

impl Ran {
    fn of(output: &Output, took: Duration) -> Self {
        Self {
            // A signal is no exit status: that is a crash.
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            took,
        }
    }

    /// Asserts the exit status.
    #[track_caller]
    pub(crate) fn expect(self, status: i32) -> Self {
        assert_eq!(
            self.status, status,
            "\nstdout: {}\nstderr: {}",
            self.out, self.err
        );
        self
    }

    /// Asserts one sentence on standard error that holds all of `parts`.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "`{part}` is not in: {}", self.err);
        }
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    /// The one JSON document on standard output.
    #[track_caller]
    pub(crate) fn document(&self) -> Value {
        let lines = self.lines();
        assert_eq!(
            lines.len(),
            1,
            "not one document: {}\nstderr: {}",
            self.out,
            self.err
        );
        lines.into_iter().next().unwrap()
    }

    /// The JSON objects on standard output, one a line.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| {
                serde_json::from_str(line)
                    .unwrap_or_else(|error| panic!("{error}: {line}\nstderr: {}", self.err))
            })
            .collect()
    }
}

/// Runs the program in `folder`.
pub(crate) fn bedside(folder: &Path, args: &[&str]) -> Ran {
    bedside_with(folder, args, Stdio::null(), "")
}

fn bedside_with(folder: &Path, args: &[&str], stdin: Stdio, typed: &str) -> Ran {
    let started = Instant::now();
    let mut child = Command::new(PROGRAM)
        .args(args)
        .current_dir(folder)
        .env_remove("BEDSIDE_CONFIG")
        .env_remove("BEDSIDE_DATA")
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id();
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read it may have ended.
        let _ = stdin.write_all(typed.as_bytes());
    }
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(child.wait_with_output().unwrap()));
    match told.recv_timeout(PATIENCE) {
        Ok(output) => Ran::of(&output, started.elapsed()),
        Err(_) => {
            signal("KILL", pid);
            panic!("bedside {args:?} did not end within {PATIENCE:?}");
        }
    }
}

/// Sends a signal with the system's `kill`.
pub(crate) fn signal(name: &str, pid: u32) {
    Command::new("kill")
        .args([format!("-{name}"), pid.to_string()])
        .status()
        .unwrap();
}

/// Whether the permissions of files bind us: they don't bind the superuser.
pub(crate) fn permissions_bind() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim() != "0"
}

/// A folder with a configuration on free ports.
pub(crate) struct Site {
    folder: TempDir,
}

impl Site {
    /// As `bedside init` makes it, on free ports.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        bedside(folder.path(), &["init", "."]).expect(0);
        let site = Self { folder };
        site.edit(|text| {
            text.replace(":8080", ":0")
                .replace(":2575", ":0")
                .replace("# max_message = 16777216", "max_message = 1048576")
        });
        site
    }

    /// A copy of everything that is kept, as somebody makes who stops the program first.
    pub(crate) fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(self.path(), folder.path());
        Self { folder }
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path().join("bedside.toml")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("bedside-data")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.path().join("bedside-data.key")
    }

    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.path().join("bedside-data.checkpoints")
    }

    pub(crate) fn spool(&self) -> PathBuf {
        self.path().join("bedside-data.spool")
    }

    /// Where the running program's log is kept.
    pub(crate) fn log(&self) -> PathBuf {
        self.path().join("serve.log")
    }

    /// Changes the configuration.
    pub(crate) fn edit(&self, change: impl FnOnce(String) -> String) {
        let text = fs::read_to_string(self.config()).unwrap();
        fs::write(self.config(), change(text)).unwrap();
    }

    /// Runs a command on this site.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let config = self.config();
        let mut all = vec!["--config", config.to_str().unwrap()];
        all.extend_from_slice(args);
        bedside(self.path(), &all)
    }

    /// Runs a command with `typed` on its standard input.
    pub(crate) fn type_in(&self, args: &[&str], typed: &str) -> Ran {
        let config = self.config();
        let mut all = vec!["--config", config.to_str().unwrap()];
        all.extend_from_slice(args);
        bedside_with(self.path(), &all, Stdio::piped(), typed)
    }

    /// Runs a command that prints JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Ran {
        let mut all = vec!["--json"];
        all.extend_from_slice(args);
        self.run(&all)
    }

    /// `ingest --json`.
    pub(crate) fn ingest(&self, path: &Path, source: &str) -> Ran {
        self.json(&["ingest", path.to_str().unwrap(), "--source", source])
    }

    /// Every line of the journal.
    #[track_caller]
    pub(crate) fn journal(&self) -> Vec<Value> {
        self.json(&["journal", "list"]).expect(0).lines()
    }

    /// Waits until nothing is pending. Each question is an event of its own: a process that asks the running one.
    #[track_caller]
    pub(crate) fn settle(&self) {
        let (mut fewest, mut moved) = (usize::MAX, Instant::now());
        loop {
            let pending = self
                .json(&["journal", "list", "--state", "pending"])
                .expect(0)
                .lines();
            if pending.is_empty() {
                return;
            }
            if pending.len() < fewest {
                (fewest, moved) = (pending.len(), Instant::now());
            }
            assert!(
                moved.elapsed() < Duration::from_secs(60),
                "{fewest} stay pending, the first is {}",
                pending[0]
            );
        }
    }

    /// The public id of the only person that `query` finds.
    #[track_caller]
    pub(crate) fn find(&self, query: &str) -> String {
        let found = self.json(&["patient", "find", query]).expect(0).lines();
        assert_eq!(found.len(), 1, "{query}: {found:?}");
        found[0]["id"].as_str().unwrap().to_owned()
    }

    /// `audit verify --json`.
    pub(crate) fn verify(&self) -> Ran {
        self.json(&["audit", "verify"])
    }

    /// Starts `serve` and waits until it is ready.
    pub(crate) fn serve(&self) -> Serve {
        self.serve_logging("warn")
    }

    /// As [`Site::serve`], with a level of logging.
    pub(crate) fn serve_logging(&self, level: &str) -> Serve {
        self.launch(&["--log", level, "serve"])
    }

    /// Starts a command that runs until it is stopped, and waits for its first line.
    pub(crate) fn launch(&self, args: &[&str]) -> Serve {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .unwrap();
        let mut child = Command::new(PROGRAM)
            .arg("--config")
            .arg(self.config())
            .args(args)
            .current_dir(self.path())
            .env_remove("BEDSIDE_CONFIG")
            .env_remove("BEDSIDE_DATA")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let (tell, told) = mpsc::channel();
        let out = child.stdout.take().unwrap();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                // Only the first line is waited for; the rest is read so that the pipe never fills.
                let _ = tell.send(line);
            }
        });
        let Ok(line) = told.recv_timeout(Duration::from_secs(60)) else {
            let _ = child.kill();
            panic!(
                "{args:?} was not ready: {}",
                fs::read_to_string(self.log()).unwrap_or_default()
            );
        };
        let ready: Value = serde_json::from_str(&line).unwrap();
        let address = |value: &Value| value.as_str().unwrap().parse::<SocketAddr>().unwrap();
        let http = address(&ready["http"]);
        // The demo has one feed and says so.
        let mllp = address(
            ready
                .get("mllp")
                .unwrap_or_else(|| &ready["sources"][0]["mllp"]),
        );
        Serve {
            child: Some(child),
            ready,
            http,
            mllp,
        }
    }
}

/// A running `serve`. Dropping it kills it.
pub(crate) struct Serve {
    child: Option<Child>,
    /// The line that it printed.
    pub(crate) ready: Value,
    /// Where the console is.
    pub(crate) http: SocketAddr,
    /// Where the feed is.
    pub(crate) mllp: SocketAddr,
}

impl Serve {
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// SIGKILL, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM; gives back the exit status and how long it took.
    pub(crate) fn stop(mut self) -> (Option<i32>, Duration) {
        let mut child = self.child.take().unwrap();
        let pid = child.id();
        let started = Instant::now();
        signal("TERM", pid);
        let (tell, told) = mpsc::channel();
        thread::spawn(move || tell.send(child.wait().unwrap()));
        match told.recv_timeout(Duration::from_secs(30)) {
            Ok(status) => (status.code(), started.elapsed()),
            Err(_) => {
                signal("KILL", pid);
                panic!("serve did not stop within 30 s of SIGTERM");
            }
        }
    }

    /// The most memory that it ever held, in KiB.
    pub(crate) fn peak_kib(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Copies files and folders; sockets are of a running process and are left out.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy_folder(&entry.path(), &target);
        } else if kind.is_file() {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}
