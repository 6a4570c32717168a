//! PostgreSQL: one writing connection, a few reading ones, the blocking client on the store's own threads.
//!
//! A lost connection before the commit is an error that a later attempt may not meet; a lost connection at the commit leaves open
//! whether it happened, and is treated as a failed sync.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, IsolationLevel, NoTls, Statement, Transaction};

use crate::backend::{Backend, Cell, Dialect, Row, Tx, Val, Work};
use crate::error::Error;

/// How long to wait for a server that does not answer.
const CONNECT: Duration = Duration::from_secs(5);

/// A schema of a database on a server.
pub struct Postgres {
    config: Config,
    writer: Mutex<Option<Connection>>,
    readers: Mutex<Vec<Option<Connection>>>,
    free: Condvar,
    /// Whose data this process alone works on.
    sole: Option<String>,
}

struct Connection {
    client: Client,
    statements: HashMap<&'static str, Statement>,
}

impl Postgres {
    /// Connects. `schema` is where the tables lie; it is made when it is missing. Blocking: not for an async thread.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when nobody answers or the server does not let us in.
    pub fn open(url: &str, schema: &'static str, readers: usize) -> Result<Self, Error> {
        let mut config: Config = url
            .parse()
            .map_err(|_| Error::Unreachable(String::from("the URL can't be read")))?;
        config.connect_timeout(CONNECT);
        config.application_name("bedside");
        config.options(&format!(
            "-c search_path={schema} -c synchronous_commit=on -c lock_timeout=5000 -c client_min_messages=warning"
        ));
        let mut writer = connect(&config)?;
        // Two nodes that start together would both try; the lock lets one do it.
        writer
            .client
            .batch_execute(&format!(
                "BEGIN; SELECT pg_advisory_xact_lock(4230011); CREATE SCHEMA IF NOT EXISTS {schema}; COMMIT"
            ))
            .map_err(|error| failed(&error))?;
        Ok(Self {
            config,
            writer: Mutex::new(Some(writer)),
            readers: Mutex::new((0..readers.max(1)).map(|_| None).collect()),
            free: Condvar::new(),
            sole: None,
        })
    }

    /// Makes this process the only one that writes a tenant's data, for as long as its writing connection lives: what a node keeps in
    /// memory (repeats, the order of lanes) is known to no other. Waits five seconds for one that is just stopping. Blocking.
    ///
    /// # Errors
    /// [`Error::Locked`] when another process has it.
    pub fn alone(mut self, tenant: &str) -> Result<Self, Error> {
        if let Some(writer) = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
        {
            let taken = Error::Locked {
                what: String::from("the database"),
            };
            lock(writer, tenant, taken)?;
        }
        self.sole = Some(tenant.to_owned());
        Ok(self)
    }

    /// Ends the writing connection, and with it what [`Postgres::alone`] took. Not waited for: the connection has a small runtime of its
    /// own, which must not be used on a thread of another.
    pub(crate) fn let_go(self: Arc<Self>) {
        std::thread::spawn(move || {
            let writer = self
                .writer
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            // Here, and not as the thread's result: that would be dropped by whoever asked.
            drop(writer);
        });
    }

    /// The writing connection. A new one holds the lock before anything is written through it.
    fn writing<'a>(&self, slot: &'a mut Option<Connection>) -> Result<&'a mut Connection, Error> {
        let lost = slot
            .as_ref()
            .is_none_or(|connection| connection.client.is_closed());
        if lost {
            let mut connection = connect(&self.config)?;
            if let Some(tenant) = &self.sole {
                let taken = String::from("another process took the database over");
                lock(&mut connection, tenant, Error::Unreachable(taken))?;
            }
            *slot = Some(connection);
        }
        open(slot, &self.config)
    }

    fn take_reader(&self) -> Option<Connection> {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(reader) = readers.pop() {
                return reader;
            }
            readers = self
                .free
                .wait(readers)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give_back(&self, reader: Option<Connection>) {
        self.readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(reader);
        self.free.notify_one();
    }

    fn read_on(&self, slot: &mut Option<Connection>, work: &mut Work<'_>) -> Result<(), Error> {
        let connection = open(slot, &self.config)?;
        let transaction = connection
            .client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .map_err(|error| failed(&error))?;
        let mut tx = Open {
            transaction,
            statements: &mut connection.statements,
        };
        work(&mut tx)?;
        tx.transaction.rollback().map_err(|error| failed(&error))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A client owns a small runtime of its own, which must not end on a thread of another runtime.
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let readers =
            std::mem::take(&mut *self.readers.lock().unwrap_or_else(PoisonError::into_inner));
        std::thread::spawn(move || drop((writer, readers)));
    }
}

impl Backend for Postgres {
    fn write(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let mut slot = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = self.writing(&mut slot)?;
        let transaction = connection
            .client
            .transaction()
            .map_err(|error| failed(&error))?;
        let mut tx = Open {
            transaction,
            statements: &mut connection.statements,
        };
        // Dropping the transaction rolls it back.
        work(&mut tx)?;
        tx.transaction.commit().map_err(|error| {
            if error.is_closed() || error.as_db_error().is_none() {
                Error::Sync
            } else {
                failed(&error)
            }
        })
    }

    fn read(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let mut slot = self.take_reader();
        let result = self.read_on(&mut slot, work);
        self.give_back(slot);
        result
    }

    fn script(&self, sql: &str) -> Result<(), Error> {
        let mut slot = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.writing(&mut slot)?
            .client
            .batch_execute(sql)
            .map_err(|error| failed(&error))
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }
}

fn connect(config: &Config) -> Result<Connection, Error> {
    let client = config
        .connect(NoTls)
        .map_err(|error| match error.as_db_error() {
            Some(said) => Error::Unreachable(format!("code {}", said.code().code())),
            None => Error::Unreachable(String::from("no connection")),
        })?;
    Ok(Connection {
        client,
        statements: HashMap::new(),
    })
}

/// Takes the tenant's lock for the session; `taken` when another session has it and keeps it (`lock_timeout`).
fn lock(connection: &mut Connection, tenant: &str, taken: Error) -> Result<(), Error> {
    let locked = connection.client.execute(
        "SELECT pg_advisory_lock(hashtextextended('bedside/' || $1, 0))",
        &[&tenant],
    );
    match locked {
        Ok(_) => Ok(()),
        Err(error) => {
            let error = failed(&error);
            Err(if error == Error::Conflict {
                taken
            } else {
                error
            })
        }
    }
}

fn open<'a>(
    slot: &'a mut Option<Connection>,
    config: &Config,
) -> Result<&'a mut Connection, Error> {
    if slot
        .as_ref()
        .is_some_and(|connection| connection.client.is_closed())
    {
        *slot = None;
    }
    match slot {
        Some(connection) => Ok(connection),
        None => Ok(slot.insert(connect(config)?)),
    }
}

struct Open<'a> {
    transaction: Transaction<'a>,
    statements: &'a mut HashMap<&'static str, Statement>,
}

impl Open<'_> {
    fn prepared(&mut self, sql: &'static str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self
            .transaction
            .prepare(sql)
            .map_err(|error| failed(&error))?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }
}

impl Tx for Open<'_> {
    fn execute(&mut self, sql: &'static str, params: &[Val<'_>]) -> Result<u64, Error> {
        let statement = self.prepared(sql)?;
        let bound = bound(params);
        self.transaction
            .execute(&statement, &references(&bound))
            .map_err(|error| failed(&error))
    }

    fn query(&mut self, sql: &'static str, params: &[Val<'_>]) -> Result<Vec<Row>, Error> {
        let statement = self.prepared(sql)?;
        let bound = bound(params);
        let rows = self
            .transaction
            .query(&statement, &references(&bound))
            .map_err(|error| failed(&error))?;
        rows.iter().map(cells).collect()
    }

    fn query_built(&mut self, sql: &str, params: &[Val<'_>]) -> Result<Vec<Row>, Error> {
        let bound = bound(params);
        let rows = self
            .transaction
            .query(sql, &references(&bound))
            .map_err(|error| failed(&error))?;
        rows.iter().map(cells).collect()
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }
}

fn bound<'a>(params: &[Val<'a>]) -> Vec<Bound<'a>> {
    params.iter().map(|value| Bound(*value)).collect()
}

fn references<'a>(bound: &'a [Bound<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    bound
        .iter()
        .map(|value| -> &(dyn ToSql + Sync) { value })
        .collect()
}

#[derive(Debug)]
struct Bound<'a>(Val<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut postgres::types::private::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self.0 {
            Val::Null => Ok(IsNull::Yes),
            // `LIMIT $1` and the like are 8 bytes; a comparison with a literal may be inferred as 4.
            Val::Int(value) if *kind == Type::INT4 => i32::try_from(value)?.to_sql(kind, out),
            Val::Int(value) => value.to_sql(kind, out),
            Val::Text(text) => text.to_sql(kind, out),
            Val::Blob(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [
            Type::INT8,
            Type::INT4,
            Type::TEXT,
            Type::VARCHAR,
            Type::BYTEA,
        ]
        .contains(kind)
    }

    to_sql_checked!();
}

fn cells(row: &postgres::Row) -> Result<Row, Error> {
    let foreign = |_| Error::Corrupt(String::from("a column has a type that is not ours"));
    row.columns()
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let kind = column.type_();
            let cell = if *kind == Type::INT8 {
                row.try_get::<_, Option<i64>>(at)
                    .map_err(foreign)?
                    .map(Cell::Int)
            } else if *kind == Type::INT4 {
                row.try_get::<_, Option<i32>>(at)
                    .map_err(foreign)?
                    .map(|value| Cell::Int(value.into()))
            } else if *kind == Type::BOOL {
                row.try_get::<_, Option<bool>>(at)
                    .map_err(foreign)?
                    .map(|value| Cell::Int(value.into()))
            } else if *kind == Type::BYTEA {
                row.try_get::<_, Option<Vec<u8>>>(at)
                    .map_err(foreign)?
                    .map(Cell::Blob)
            } else if *kind == Type::VOID {
                None
            } else {
                row.try_get::<_, Option<String>>(at)
                    .map_err(foreign)?
                    .map(Cell::Text)
            };
            Ok(cell.unwrap_or(Cell::Null))
        })
        .collect()
}

/// Only the code: the server's text may quote values.
fn failed(error: &postgres::Error) -> Error {
    let Some(said) = error.as_db_error() else {
        return if error.is_closed() || error.code().is_none() {
            Error::Unreachable(String::from("the connection was lost"))
        } else {
            Error::Database(String::from("client"))
        };
    };
    let code = said.code().code();
    match code {
        // Serialisation failure, deadlock, unique violation, lock not available.
        "40001" | "40P01" | "23505" | "55P03" => Error::Conflict,
        "53100" => Error::Full,
        // Input or output error at the server: a failed sync is reported as this or as a shutdown of the server.
        "58030" => Error::Sync,
        "57P01" | "57P02" | "57P03" | "53300" => Error::Unreachable(format!("code {code}")),
        "25006" => Error::Unavailable,
        _ => Error::Database(code.to_owned()),
    }
}
