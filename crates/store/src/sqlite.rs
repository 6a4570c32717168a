//! SQLite: one writing connection, a few reading ones, write-ahead log, a sync at each commit.
//!
//! `synchronous=FULL`, because `NORMAL` may lose the last commits at power loss, and we have acknowledged them. It does not batch:
//! the writer does, by handing over many units of work as one.

use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql, ffi};

use crate::backend::{Backend, Cell, Dialect, Row, Tx, Val, Work};
use crate::error::Error;

/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 256;

/// A database file.
pub struct Sqlite {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    free: Condvar,
}

impl Sqlite {
    /// Opens or creates the file, with `readers` reading connections.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn open(path: &Path, readers: usize) -> Result<Self, Error> {
        // Created here and not by SQLite, so that there is no moment at which others may read it.
        std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .and_then(|file| file.set_permissions(std::fs::Permissions::from_mode(0o600)))
            .map_err(|error| Error::file(path, &error))?;
        let writer = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(|error| failed(&error))?;
        writer
            .execute_batch(
                "PRAGMA busy_timeout = 400; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                 PRAGMA wal_autocheckpoint = 4000; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = FAST; PRAGMA cache_size = -16000;",
            )
            .map_err(|error| failed(&error))?;
        writer.set_prepared_statement_cache_capacity(STATEMENTS);
        let readers = (0..readers.max(1))
            .map(|_| {
                let reader =
                    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
                reader.execute_batch(
                    "PRAGMA busy_timeout = 400; PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8000;",
                )?;
                reader.set_prepared_statement_cache_capacity(STATEMENTS);
                Ok(reader)
            })
            .collect::<Result<Vec<_>, rusqlite::Error>>()
            .map_err(|error| failed(&error))?;
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            readers: Mutex::new(readers),
            free: Condvar::new(),
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_reader(&self) -> Connection {
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

    fn give_back(&self, reader: Connection) {
        self.readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(reader);
        self.free.notify_one();
    }
}

impl Backend for Sqlite {
    fn write(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let connection = self.writer();
        connection
            .execute_batch("BEGIN IMMEDIATE")
            .map_err(|error| failed(&error))?;
        match work(&mut Open {
            connection: &connection,
        }) {
            Ok(()) => match connection.execute_batch("COMMIT") {
                Ok(()) => Ok(()),
                Err(error) => {
                    roll_back(&connection);
                    Err(commit_failed(&error))
                }
            },
            Err(error) => {
                roll_back(&connection);
                Err(error)
            }
        }
    }

    fn read(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let connection = self.take_reader();
        let result = connection
            .execute_batch("BEGIN")
            .map_err(|error| failed(&error))
            .and_then(|()| {
                work(&mut Open {
                    connection: &connection,
                })
            });
        roll_back(&connection);
        self.give_back(connection);
        result
    }

    fn script(&self, sql: &str) -> Result<(), Error> {
        self.writer()
            .execute_batch(sql)
            .map_err(|error| failed(&error))
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }
}

fn roll_back(connection: &Connection) {
    // After some errors SQLite has rolled back by itself; then there is nothing to roll back.
    if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
        tracing::error!("a transaction could not be rolled back");
    }
}

struct Open<'a> {
    connection: &'a Connection,
}

impl Tx for Open<'_> {
    fn execute(&mut self, sql: &'static str, params: &[Val<'_>]) -> Result<u64, Error> {
        let mut statement = self
            .connection
            .prepare_cached(sql)
            .map_err(|error| failed(&error))?;
        bind(&mut statement, params)?;
        let count = statement.raw_execute().map_err(|error| failed(&error))?;
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    fn query(&mut self, sql: &'static str, params: &[Val<'_>]) -> Result<Vec<Row>, Error> {
        let mut statement = self
            .connection
            .prepare_cached(sql)
            .map_err(|error| failed(&error))?;
        bind(&mut statement, params)?;
        rows(&mut statement)
    }

    fn query_built(&mut self, sql: &str, params: &[Val<'_>]) -> Result<Vec<Row>, Error> {
        let mut statement = self
            .connection
            .prepare(sql)
            .map_err(|error| failed(&error))?;
        bind(&mut statement, params)?;
        rows(&mut statement)
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }
}

/// In SQLite `$3` is a name, and its position is that of its first use. So parameters are bound by name.
fn bind(statement: &mut rusqlite::Statement<'_>, params: &[Val<'_>]) -> Result<(), Error> {
    let count = statement.parameter_count();
    for position in 1..=count {
        let number = statement
            .parameter_name(position)
            .and_then(|name| name.strip_prefix('$'))
            .and_then(|digits| digits.parse::<usize>().ok());
        let value = number
            .and_then(|number| params.get(number.checked_sub(1)?))
            .ok_or_else(|| Error::Database(String::from("parameter")))?;
        statement
            .raw_bind_parameter(position, Bound(*value))
            .map_err(|error| failed(&error))?;
    }
    Ok(())
}

struct Bound<'a>(Val<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Val::Null => ValueRef::Null,
            Val::Int(value) => ValueRef::Integer(value),
            Val::Text(text) => ValueRef::Text(text.as_bytes()),
            Val::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn rows(statement: &mut rusqlite::Statement<'_>) -> Result<Vec<Row>, Error> {
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let mut out = Vec::new();
    while let Some(row) = rows.next().map_err(|error| failed(&error))? {
        let cells = (0..columns)
            .map(|at| {
                Ok(match row.get_ref(at).map_err(|error| failed(&error))? {
                    ValueRef::Null => Cell::Null,
                    ValueRef::Integer(value) => Cell::Int(value),
                    ValueRef::Real(_) => {
                        return Err(Error::Corrupt(String::from("a number with a fraction")));
                    }
                    ValueRef::Text(bytes) => Cell::Text(
                        String::from_utf8(bytes.to_vec())
                            .map_err(|_| Error::Corrupt(String::from("text is not UTF-8")))?,
                    ),
                    ValueRef::Blob(bytes) => Cell::Blob(bytes.to_vec()),
                })
            })
            .collect::<Result<Row, Error>>()?;
        out.push(cells);
    }
    Ok(out)
}

/// An input or output error at commit leaves open what reached the disk.
fn commit_failed(error: &rusqlite::Error) -> Error {
    match extended(error) {
        Some(code) if code & 0xff == ffi::SQLITE_IOERR => Error::Sync,
        Some(_) | None => failed(error),
    }
}

fn failed(error: &rusqlite::Error) -> Error {
    let Some(code) = extended(error) else {
        return Error::Database(String::from("SQLITE_API"));
    };
    match code & 0xff {
        ffi::SQLITE_FULL => Error::Full,
        _ if code == ffi::SQLITE_IOERR_FSYNC || code == ffi::SQLITE_IOERR_DIR_FSYNC => Error::Sync,
        ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => Error::Corrupt(format!("SQLite code {code}")),
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED | ffi::SQLITE_READONLY | ffi::SQLITE_CANTOPEN => {
            tracing::warn!(code, "the database can't be used at the moment");
            Error::Unavailable
        }
        ffi::SQLITE_CONSTRAINT
            if code == ffi::SQLITE_CONSTRAINT_UNIQUE
                || code == ffi::SQLITE_CONSTRAINT_PRIMARYKEY =>
        {
            Error::Conflict
        }
        _ => Error::Database(format!("SQLITE-{code}")),
    }
}

/// Only the code: the text may quote values.
fn extended(error: &rusqlite::Error) -> Option<i32> {
    if let rusqlite::Error::SqlInputError { error, .. } = error {
        return Some(error.extended_code);
    }
    error.sqlite_error().map(|error| error.extended_code)
}
