//! What a database must be able to do for the store: run a batch of units of work in one durable transaction, and read a
//! consistent snapshot.
//!
//! Two real implementations, [`crate::sqlite`] and [`crate::postgres`], and a wrapper that fails on demand,
//! [`crate::fault`]. They are blocking: they run on the store's own threads. The statements are the portable subset of SQL
//! (`$1` parameters, `ON CONFLICT`, `RETURNING`), written once in the units of work; what differs per database (types, locks,
//! claiming) is asked of [`Tx::dialect`]. Why: `docs/decisions/0001-one-sql.md`.

use crate::error::Error;

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub enum Val<'a> {
    /// SQL null.
    Null,
    /// A whole number.
    Int(i64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

/// A value that was read.
#[derive(Clone, PartialEq, Eq)]
pub enum Cell {
    /// SQL null.
    Null,
    /// A whole number.
    Int(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// A row that was read; columns by position, from 0.
pub type Row = Vec<Cell>;

/// Which SQL is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// An open transaction.
pub trait Tx {
    /// Runs a statement and says how many rows it touched.
    ///
    /// # Errors
    /// What the database said, without any value of a row.
    fn execute(&mut self, sql: &'static str, params: &[Val<'_>]) -> Result<u64, Error>;

    /// Runs a query (also `INSERT … RETURNING`).
    ///
    /// # Errors
    /// What the database said, without any value of a row.
    fn query(&mut self, sql: &'static str, params: &[Val<'_>]) -> Result<Vec<Row>, Error>;

    /// As [`Tx::query`], for a statement whose text is made at run time (a list of varying length). Not cached.
    ///
    /// # Errors
    /// What the database said, without any value of a row.
    fn query_built(&mut self, sql: &str, params: &[Val<'_>]) -> Result<Vec<Row>, Error>;

    /// Which SQL is spoken.
    fn dialect(&self) -> Dialect;
}

/// A unit of work: run inside a transaction, perhaps more than once when its batch has to be repeated.
pub type Work<'a> = dyn FnMut(&mut dyn Tx) -> Result<(), Error> + Send + 'a;

/// A database. Each method is one transaction.
pub trait Backend: Send + Sync {
    /// Runs `work` in one transaction and returns once it is durable. Any error rolls all of it back.
    ///
    /// # Errors
    /// What the work or the database said. [`Error::Sync`] means that durability is unknown: the process must stop.
    fn write(&self, work: &mut Work<'_>) -> Result<(), Error>;

    /// Runs `work` on a consistent snapshot that can't write. Several may run at once.
    ///
    /// # Errors
    /// What the work or the database said.
    fn read(&self, work: &mut Work<'_>) -> Result<(), Error>;

    /// Runs a script of several statements, as migrations are.
    ///
    /// # Errors
    /// What the database said.
    fn script(&self, sql: &str) -> Result<(), Error>;

    /// Which SQL is spoken.
    fn dialect(&self) -> Dialect;
}
