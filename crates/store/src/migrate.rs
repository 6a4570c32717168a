//! Migrations: numbered SQL files per concern, applied once, each with a checksum.
//!
//! One file serves both databases; words in braces stand for what they name differently (`docs/decisions/0001-one-sql.md`).

use aws_lc_rs::digest::{SHA256, digest};

use crate::backend::{Backend, Dialect, Tx, Val};
use crate::error::Error;
use crate::row;

/// One file.
pub(crate) struct Migration {
    number: i64,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migration {
    ($number:literal, $file:literal) => {
        Migration {
            number: $number,
            name: $file,
            sql: include_str!(concat!("../migrations/", $file)),
        }
    };
}

/// The data.
pub(crate) const DATA: &[Migration] = &[
    migration!(1, "001_sequence.sql"),
    migration!(2, "002_source.sql"),
    migration!(3, "003_journal.sql"),
    migration!(4, "004_record.sql"),
    migration!(5, "005_identity.sql"),
    migration!(6, "006_completeness.sql"),
    migration!(10, "010_audit.sql"),
    migration!(11, "011_account.sql"),
    migration!(12, "012_lease_job_outbox.sql"),
    migration!(13, "013_undo.sql"),
    migration!(14, "014_workflow.sql"),
    migration!(15, "015_connection.sql"),
    migration!(16, "016_application.sql"),
    migration!(17, "017_look_again.sql"),
];

/// The wrapped keys, which lie outside the data's backups.
pub(crate) const KEYS: &[Migration] = &[migration!(1, "keys/001_keys.sql")];

/// Brings the tables up to this program. Blocking.
///
/// # Errors
/// [`Error::Schema`] when an applied file was changed since, or when the database is newer than the program.
pub(crate) fn apply(backend: &dyn Backend, migrations: &[Migration]) -> Result<(), Error> {
    backend.write(&mut |tx| {
        if tx.dialect() == Dialect::Postgres {
            tx.query_built("SELECT pg_advisory_xact_lock(4230012)", &[])?;
        }
        run(tx, "CREATE TABLE IF NOT EXISTS migration (number {int} PRIMARY KEY, name TEXT NOT NULL, sha256 {blob} NOT NULL) {strict};")?;
        let applied = tx.query("SELECT number, name, sha256 FROM migration ORDER BY number", &[])?;
        for found in &applied {
            let (number, name) = (row::int(found, 0)?, row::text(found, 1)?);
            match migrations.iter().find(|migration| migration.number == number) {
                None => {
                    return Err(Error::Schema(format!(
                        "the store was written by a newer Bedside (it knows {name}): use that version or a later one"
                    )));
                }
                Some(migration) if checksum(migration) != row::blob(found, 2)? => {
                    return Err(Error::Schema(format!(
                        "the tables of the store do not come from this program: its {} differs; use the version that made the store, or a later release",
                        migration.name
                    )));
                }
                Some(_) => {}
            }
        }
        let last = applied.len();
        for migration in migrations.get(last..).unwrap_or_default() {
            run(tx, migration.sql)?;
            tx.execute(
                "INSERT INTO migration (number, name, sha256) VALUES ($1, $2, $3)",
                &[Val::Int(migration.number), Val::Text(migration.name), Val::Blob(&checksum(migration))],
            )?;
            tracing::debug!(migration = migration.name, "migration applied");
        }
        Ok(())
    })
}

fn checksum(migration: &Migration) -> Vec<u8> {
    digest(&SHA256, migration.sql.as_bytes()).as_ref().to_vec()
}

fn run(tx: &mut dyn Tx, sql: &str) -> Result<(), Error> {
    let words: [(&str, &str); 4] = match tx.dialect() {
        Dialect::Sqlite => [
            ("{blob}", "BLOB"),
            ("{int}", "INTEGER"),
            ("{strict}", "STRICT"),
            ("{keyed}", "STRICT, WITHOUT ROWID"),
        ],
        Dialect::Postgres => [
            ("{blob}", "BYTEA"),
            ("{int}", "BIGINT"),
            ("{strict}", ""),
            ("{keyed}", ""),
        ],
    };
    let mut text: String = sql
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .flat_map(|line| [line, "\n"])
        .collect();
    for (word, meaning) in words {
        text = text.replace(word, meaning);
    }
    for statement in text
        .split(";\n")
        .map(|part| part.trim().trim_end_matches(';'))
    {
        if !statement.is_empty() {
            tx.query_built(statement, &[])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::Sqlite;

    const FIRST: Migration = Migration {
        number: 1,
        name: "one",
        sql: "CREATE TABLE one (a {int}) {strict};\n",
    };

    #[test]
    fn p06_what_was_known_of_completeness_before_is_known_after_the_ledger_got_its_newest_lines() {
        let folder = tempfile::tempdir().unwrap();
        let backend = Sqlite::open(&folder.path().join("a.db"), 1).unwrap();
        let old: usize = DATA
            .iter()
            .position(|migration| migration.number == 15)
            .unwrap();
        apply(&backend, &DATA[..old]).unwrap();
        backend
            .write(&mut |tx| {
                for (seq, n, patient, coverage) in [
                    (1, 1, "a", "complete"),
                    (2, 1, "a", "denied"),
                    (2, 2, "a", "failed"),
                    (1, 2, "b", "complete"),
                ] {
                    tx.execute(
                        "INSERT INTO completeness (tenant, seq, n, source, patient, resource_type, category, coverage, asked_at, \
                         persona, basis) VALUES ('t', $1, $2, 'ward', $3, 'Observation', '', $4, $1, '', '')",
                        &[Val::Int(seq), Val::Int(n), Val::Text(patient), Val::Text(coverage)],
                    )?;
                }
                Ok(())
            })
            .unwrap();
        apply(&backend, DATA).unwrap();
        backend
            .read(&mut |tx| {
                // Put together here, since it looks at all of a table as no statement of the store may.
                let rows = tx.query_built(
                    "SELECT patient, coverage FROM completeness_now ORDER BY patient",
                    &[],
                )?;
                let lines: Vec<(&str, &str)> = rows
                    .iter()
                    .map(|found| (row::text(found, 0).unwrap(), row::text(found, 1).unwrap()))
                    .collect();
                assert_eq!(lines, [("a", "failed"), ("b", "complete")]);
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn a_changed_or_newer_migration_is_refused_with_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let backend = Sqlite::open(&folder.path().join("a.db"), 1).unwrap();
        apply(&backend, &[FIRST]).unwrap();
        apply(&backend, &[FIRST]).unwrap();

        let changed = Migration {
            sql: "CREATE TABLE one (b {int}) {strict};\n",
            ..FIRST
        };
        let error = apply(&backend, &[changed]).unwrap_err();
        assert!(
            matches!(&error, Error::Schema(text) if text.contains("one differs")),
            "{error}"
        );

        let error = apply(&backend, &[]).unwrap_err();
        assert!(
            matches!(&error, Error::Schema(text) if text.contains("newer")),
            "{error}"
        );
    }
}
