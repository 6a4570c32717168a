//! Reads the cells of a row. A cell of another type than the schema says means that the database is not ours any more.

use crate::backend::{Cell, Row};
use crate::error::Error;

/// The whole number in column `at`.
pub(crate) fn int(row: &[Cell], at: usize) -> Result<i64, Error> {
    match row.get(at) {
        Some(Cell::Int(value)) => Ok(*value),
        Some(Cell::Null | Cell::Text(_) | Cell::Blob(_)) | None => {
            Err(unexpected(at, "a whole number"))
        }
    }
}

/// The whole number in column `at`, or null.
pub(crate) fn int_or_null(row: &[Cell], at: usize) -> Result<Option<i64>, Error> {
    match row.get(at) {
        Some(Cell::Null) => Ok(None),
        Some(Cell::Int(_) | Cell::Text(_) | Cell::Blob(_)) | None => int(row, at).map(Some),
    }
}

/// The text in column `at`.
pub(crate) fn text(row: &[Cell], at: usize) -> Result<&str, Error> {
    match row.get(at) {
        Some(Cell::Text(value)) => Ok(value),
        Some(Cell::Null | Cell::Int(_) | Cell::Blob(_)) | None => Err(unexpected(at, "text")),
    }
}

/// The text in column `at`, or null.
pub(crate) fn text_or_null(row: &[Cell], at: usize) -> Result<Option<&str>, Error> {
    match row.get(at) {
        Some(Cell::Null) => Ok(None),
        Some(Cell::Int(_) | Cell::Text(_) | Cell::Blob(_)) | None => text(row, at).map(Some),
    }
}

/// The bytes in column `at`.
pub(crate) fn blob(row: &[Cell], at: usize) -> Result<&[u8], Error> {
    match row.get(at) {
        Some(Cell::Blob(value)) => Ok(value),
        Some(Cell::Null | Cell::Int(_) | Cell::Text(_)) | None => Err(unexpected(at, "bytes")),
    }
}

/// The bytes in column `at`, or null.
pub(crate) fn blob_or_null(row: &[Cell], at: usize) -> Result<Option<&[u8]>, Error> {
    match row.get(at) {
        Some(Cell::Null) => Ok(None),
        Some(Cell::Int(_) | Cell::Text(_) | Cell::Blob(_)) | None => blob(row, at).map(Some),
    }
}

/// The count in column `at`.
pub(crate) fn count(row: &[Cell], at: usize) -> Result<u64, Error> {
    u64::try_from(int(row, at)?).map_err(|_| unexpected(at, "a count"))
}

/// The first row of a query that always yields one.
pub(crate) fn only(rows: &[Row]) -> Result<&Row, Error> {
    rows.first()
        .ok_or_else(|| Error::Corrupt("a query that always yields a row yielded none".into()))
}

fn unexpected(at: usize, wanted: &str) -> Error {
    Error::Corrupt(format!("column {at} of a row is not {wanted}"))
}
