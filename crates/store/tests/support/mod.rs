//! A place for a store on either back end, ways to open it, and a door past the store to change what it wrote.

pub(crate) mod pg;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use bedside_core::ctx::{OpCtx, Purpose, Role, Via};
use bedside_fact::clock::{SharedClock, Timestamp, VirtualClock};
use bedside_fact::id::{ActorId, TenantId};
use bedside_store::fault::Faults;
use bedside_store::{BackendOptions, Options, Store};

/// What a statement is, once it has its place.
pub(crate) type Statement = Pin<Box<dyn Future<Output = ()>>>;

/// A place for one store. Removed when it is dropped.
pub(crate) struct Place {
    pub(crate) clock: VirtualClock,
    folder: tempfile::TempDir,
    url: Option<String>,
    // Keeps the server running.
    _server: Option<Arc<pg::Server>>,
}

/// Runs a statement on SQLite.
pub(crate) fn on_sqlite(statement: impl FnOnce(Place) -> Statement) {
    run(statement, None);
}

/// Runs a statement on PostgreSQL, where it is installed.
pub(crate) fn on_postgres(statement: impl FnOnce(Place) -> Statement) {
    match pg::server() {
        Some(server) => run(statement, Some(server)),
        None => println!("PostgreSQL not installed: skipped"),
    }
}

fn run(statement: impl FnOnce(Place) -> Statement, server: Option<Arc<pg::Server>>) {
    let url = server.as_ref().map(|server| server.new_database());
    let start: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
    let place = Place {
        clock: VirtualClock::new(start),
        folder: tempfile::tempdir().unwrap(),
        url,
        _server: server,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(statement(place));
}

impl Place {
    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where checkpoints go.
    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.folder.path().join("data.checkpoints")
    }

    /// Where the second sink is.
    pub(crate) fn spool(&self) -> PathBuf {
        self.folder.path().join("data.spool")
    }

    /// How to open the store here.
    pub(crate) fn options(&self) -> Options {
        let clock: SharedClock = Arc::new(self.clock.clone());
        let mut options = Options::beside(&self.data(), clock);
        if let Some(url) = &self.url {
            options.backend = BackendOptions::Postgres {
                url: url.clone(),
                dir: self.data(),
            };
        }
        options
    }

    /// Opens the store.
    pub(crate) async fn open(&self) -> Store {
        Store::open(self.options()).await.unwrap()
    }

    /// Opens the store with switches for faults.
    pub(crate) async fn open_with_faults(&self) -> (Store, Faults) {
        let faults = Faults::new();
        let switches = faults.clone();
        let store = Store::open_wrapped(
            self.options(),
            Box::new(move |backend| switches.wrap(backend)),
        )
        .await
        .unwrap();
        (store, faults)
    }

    /// Moves the clock.
    pub(crate) fn after_seconds(&self, seconds: i64) {
        use bedside_fact::clock::Clock as _;
        self.clock
            .advance_to(self.clock.now() + jiff::SignedDuration::from_secs(seconds));
    }

    /// Past the store: changes one byte of a cell of bytes.
    pub(crate) async fn flip(
        &self,
        table: &'static str,
        column: &'static str,
        condition: &str,
        at: usize,
    ) {
        let (old, condition) = (
            self.bytes(table, column, condition).await,
            condition.to_owned(),
        );
        let mut new = old;
        let at = at.min(new.len() - 1);
        new[at] ^= 1;
        let table = self.table(table);
        self.change(
            format!("UPDATE {table} SET {column} = $1 WHERE {condition}"),
            new,
        )
        .await;
    }

    /// Past the store: the bytes of one cell of bytes or text.
    pub(crate) async fn bytes(
        &self,
        table: &'static str,
        column: &'static str,
        condition: &str,
    ) -> Vec<u8> {
        let sql = format!(
            "SELECT {column} FROM {} WHERE {condition}",
            self.table(table)
        );
        let (url, path) = (self.url.clone(), self.data().join("bedside.db"));
        tokio::task::spawn_blocking(move || match url {
            None => sqlite(&path)
                .query_row(&sql, [], |row| Ok(row.get_ref(0)?.as_bytes()?.to_vec()))
                .unwrap(),
            Some(url) => {
                let found = pg::connect(&url).query_one(&sql, &[]).unwrap();
                found
                    .try_get::<_, Vec<u8>>(0)
                    .unwrap_or_else(|_| found.get::<_, String>(0).into_bytes())
            }
        })
        .await
        .unwrap()
    }

    /// Past the store: a statement without parameters. Tables are named as `{name}`.
    pub(crate) async fn execute(&self, sql: &str) {
        let mut sql = sql.to_owned();
        for table in [
            "migration",
            "version",
            "audit_entry",
            "audit_node",
            "audit_checkpoint",
            "counter",
            "session",
            "account",
            "outbox",
            "job",
            "workflow_case",
            "about",
        ] {
            sql = sql.replace(&format!("{{{table}}}"), &self.table(table));
        }
        let (url, path) = (self.url.clone(), self.data().join("bedside.db"));
        tokio::task::spawn_blocking(move || match url {
            None => sqlite(&path).execute_batch(&sql).unwrap(),
            Some(url) => pg::connect(&url).batch_execute(&sql).unwrap(),
        })
        .await
        .unwrap();
    }

    async fn change(&self, sql: String, value: Vec<u8>) {
        let (url, path) = (self.url.clone(), self.data().join("bedside.db"));
        let changed = tokio::task::spawn_blocking(move || match url {
            None => u64::try_from(sqlite(&path).execute(&sql, [value]).unwrap()).unwrap(),
            Some(url) => pg::connect(&url).execute(&sql, &[&value]).unwrap(),
        })
        .await
        .unwrap();
        assert_eq!(changed, 1);
    }

    fn table(&self, name: &str) -> String {
        if self.url.is_some() {
            format!("bedside.{name}")
        } else {
            name.to_owned()
        }
    }

    /// Whether the data lies in files here, so that they can be copied.
    pub(crate) fn is_files(&self) -> bool {
        self.url.is_none()
    }
}

fn sqlite(path: &Path) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .busy_timeout(std::time::Duration::from_secs(10))
        .unwrap();
    connection
}

/// Somebody in a role, without a reason.
pub(crate) fn somebody(store: &Store, name: &str, role: Role) -> OpCtx {
    OpCtx {
        tenant: TenantId::default_tenant(),
        actor: ActorId::new(name),
        role,
        purpose: if role == Role::Clinician {
            Purpose::Treatment
        } else {
            Purpose::Operations
        },
        reason: None,
        via: Via::Console,
        grant: None,
        clock: store.clock().clone(),
    }
}

/// Bedside itself.
pub(crate) fn service(store: &Store) -> OpCtx {
    OpCtx::service(TenantId::default_tenant(), "test", store.clock().clone())
}

/// Copies a folder.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
