//! A private PostgreSQL server: started from the installed programs on a free port and in a temporary directory, as an ordinary user
//! (it refuses root), removed when the last test that uses it is done.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Set where the tests of PostgreSQL must not be skipped.
const REQUIRED: &str = "BEDSIDE_TEST_REQUIRE_PG";

/// Ports to try: another program may take one between our choice and the server's start.
const ATTEMPTS: usize = 5;

static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());

/// A running server.
pub(crate) struct Server {
    programs: Programs,
    folder: tempfile::TempDir,
    port: u16,
    databases: AtomicU32,
}

/// The server of this test run, started when there is none. `None` when PostgreSQL is not installed.
pub(crate) fn server() -> Option<Arc<Server>> {
    let Some(programs) = Programs::find() else {
        assert!(
            std::env::var_os(REQUIRED).is_none(),
            "{REQUIRED} is set and PostgreSQL is not installed"
        );
        return None;
    };
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = running.upgrade() {
        return Some(server);
    }
    let server = Arc::new(Server::start(programs));
    *running = Arc::downgrade(&server);
    Some(server)
}

/// Connects past the store. Blocking.
pub(crate) fn connect(url: &str) -> postgres::Client {
    postgres::Client::connect(url, postgres::NoTls).unwrap()
}

impl Server {
    fn start(programs: Programs) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("bedside-pg")
            .tempdir()
            .unwrap();
        if let Some((uid, gid)) = programs.user {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let data = text(&folder.path().join("data"));
        let made = programs
            .command("initdb")
            .args([
                "-D",
                &data,
                "-A",
                "trust",
                "-U",
                "bedside",
                "-E",
                "UTF8",
                "--no-locale",
                "--no-sync",
            ])
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        for _ in 0..ATTEMPTS {
            let port = TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port();
            // `fsync` stays on: what the store promises is tested with what it promises on.
            let settings = format!(
                "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' -c fsync=on -c max_connections=200 \
                 -c shared_buffers=16MB"
            );
            let log = text(&folder.path().join("log"));
            let started = programs
                .command("pg_ctl")
                .args([
                    "-D", &data, "-l", &log, "-o", &settings, "-w", "-t", "60", "start",
                ])
                // What the server inherits must not keep the test's output open.
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            if started.success() {
                return Self {
                    programs,
                    folder,
                    port,
                    databases: AtomicU32::new(0),
                };
            }
        }
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        panic!("the private PostgreSQL server does not start: {log}");
    }

    /// A new empty database.
    pub(crate) fn new_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::SeqCst));
        connect(&self.url("postgres"))
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .unwrap();
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://bedside@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = text(&self.folder.path().join("data"));
        // The directory is removed next, so nothing is worth saving.
        let stopped = self
            .programs
            .command("pg_ctl")
            .args(["-D", &data, "-m", "immediate", "-w", "stop"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !stopped.is_ok_and(|status| status.success()) {
            println!("the private PostgreSQL server in {data} did not stop");
        }
    }
}

/// Where the programs are and as whom they run.
struct Programs {
    folder: PathBuf,
    user: Option<(u32, u32)>,
}

impl Programs {
    fn find() -> Option<Self> {
        let debian = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path().join("bin"));
        let mut folders: Vec<PathBuf> = debian.collect();
        folders.sort();
        folders.reverse();
        let path = std::env::var_os("PATH").unwrap_or_default();
        folders.extend(std::env::split_paths(&path));
        let complete = |folder: &PathBuf| {
            ["initdb", "pg_ctl", "postgres"]
                .iter()
                .all(|name| folder.join(name).is_file())
        };
        folders.into_iter().find(complete).map(|folder| Self {
            folder,
            user: ordinary_user(),
        })
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.folder.join(name));
        command
            .current_dir("/")
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }
}

/// Whom to run as when we are root: `postgres`, else `nobody`.
fn ordinary_user() -> Option<(u32, u32)> {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    ["postgres", "nobody"].into_iter().find_map(|wanted| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            (name == wanted).then_some((uid, gid))
        })
    })
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
