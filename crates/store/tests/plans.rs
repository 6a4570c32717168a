//! No statement of the store goes through a large table row by row: each is explained by SQLite, on the tables as the migrations make
//! them. The statements are read from the sources, so a new one can't be forgotten.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may take the shortcuts that tests may take"
)]

use std::path::Path;
use std::sync::Arc;

use bedside_fact::clock::{Timestamp, VirtualClock};
use bedside_store::{Options, Store};

/// Tables that grow with use.
const LARGE: [&str; 9] = [
    "journal",
    "journal_raw",
    "version",
    "alias",
    "member",
    "link",
    "key_token",
    "audit_entry",
    "completeness",
];

/// Statements that are allowed to look at all of a table: they count, over an index, for a page of figures, or verify the whole log.
const WHOLE: [&str; 4] = [
    "SELECT count(",
    "SELECT COUNT(",
    "SELECT source, count(",
    "SELECT m.person FROM member m",
];

#[test]
fn no_statement_scans_a_large_table() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let clock = Arc::new(VirtualClock::new(Timestamp::UNIX_EPOCH));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = Store::open(Options::beside(&data, clock)).await.unwrap();
        store.close().await.unwrap();
    });
    let database = rusqlite::Connection::open(data.join("bedside.db")).unwrap();
    let keys = rusqlite::Connection::open(data.join("keys.db")).unwrap();

    let (mut explained, mut bad) = (0, Vec::new());
    for sql in statements(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let explain = format!("EXPLAIN QUERY PLAN {sql}");
        let Ok(mut statement) = database.prepare(&explain) else {
            assert!(
                keys.prepare(&explain).is_ok()
                    || sql.contains("pg_")
                    || sql.contains("FOR UPDATE")
                    || sql.contains("FOR SHARE")
                    || sql.contains("clock_timestamp"),
                "not a statement of SQLite: {sql}"
            );
            continue;
        };
        explained += 1;
        let plan: Vec<String> = statement
            .raw_query()
            .mapped(|row| row.get(3))
            .collect::<Result<_, _>>()
            .unwrap();
        let limited = sql.contains("LIMIT")
            && !plan
                .iter()
                .any(|line| line.contains("TEMP B-TREE FOR ORDER BY"));
        if limited || WHOLE.iter().any(|start| sql.starts_with(start)) {
            continue;
        }
        for line in plan {
            let words: Vec<&str> = line.split_whitespace().collect();
            let table = words.get(1).copied().unwrap_or_default();
            let alias = sql
                .split(&format!(" {table} "))
                .next()
                .and_then(|before| before.split_whitespace().last());
            let large = LARGE
                .iter()
                .any(|name| *name == table || alias == Some(name));
            // All of a tenant is all of the table; the partial indexes hold what waits or stands only.
            let whole = words.first() == Some(&"SCAN") || line.ends_with("(tenant=?)");
            let partial = line.contains("journal_waiting") || line.contains("link_open");
            if large && whole && !partial {
                bad.push(format!("{line}: {sql}"));
            }
        }
    }
    assert!(explained > 60, "{explained}");
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// The string literals of the sources that are statements.
fn statements(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(statements(&path));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for (at, _) in text.match_indices('"') {
            let rest = &text[at + 1..];
            if !["SELECT ", "UPDATE ", "INSERT INTO", "DELETE "]
                .iter()
                .any(|start| rest.starts_with(start))
            {
                continue;
            }
            let literal = &rest[..rest.find('"').unwrap()];
            // Statements that are put together at run time are explained with their parts in the contract suite's use of them.
            if literal.contains('{') || !literal.contains('$') {
                continue;
            }
            let joined: Vec<&str> = literal.split("\\\n").map(str::trim_start).collect();
            found.push(joined.concat());
        }
    }
    found
}
