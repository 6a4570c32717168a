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
const LARGE: [&str; 19] = [
    "journal",
    "journal_raw",
    "version",
    "alias",
    "member",
    "link",
    "key_token",
    "audit_entry",
    "completeness",
    "completeness_now",
    "change_feed",
    "workflow_case",
    "case_event",
    "case_snapshot",
    "case_timer",
    "workflow_look",
    "outbox",
    "poll",
    "job",
];

/// Statements that are allowed to look at all of a table: they count, over an index, for a page of figures, or verify the whole log.
const WHOLE: [&str; 8] = [
    "SELECT count(",
    "SELECT COUNT(",
    "SELECT source, count(",
    "SELECT m.person FROM member m",
    "SELECT state, count(",
    "SELECT state, acknowledged, count(",
    // Patients whose time to be looked at again is known are those with an open item, and all troubles are asked for.
    "SELECT patient, trouble, since, due FROM workflow_look WHERE tenant = $1",
    // All of one's gaps are asked for: a line for each patient and question.
    "SELECT source, patient, resource_type, category, coverage, asked_at FROM completeness_now WHERE tenant = $1",
];

#[test]
fn no_statement_scans_a_large_table() {
    let folder = tempfile::tempdir().unwrap();
    let database = tables(folder.path());
    let data = folder.path().join("data");
    let keys = rusqlite::Connection::open(data.join("keys.db")).unwrap();

    let (mut explained, mut bad) = (0, Vec::new());
    for sql in statements(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let Some(plan) = plan(&database, &sql) else {
            assert!(
                plan(&keys, &sql).is_some()
                    || sql.contains("pg_")
                    || sql.contains("FOR UPDATE")
                    || sql.contains("FOR SHARE")
                    || sql.contains("clock_timestamp"),
                "not a statement of SQLite: {sql}"
            );
            continue;
        };
        explained += 1;
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

/// Statements that run for each poll, case, message or page, and the index that each must go by.
const HOT: [(&str, &str); 18] = [
    (
        "FROM change_feed WHERE tenant = $1 AND seq > $2",
        "PRIMARY KEY (tenant=? AND seq>?)",
    ),
    (
        "FROM version WHERE tenant = $1 AND patient = $2 AND from_seq = $3",
        "version_compartment",
    ),
    (
        "FROM workflow_case c LEFT JOIN member m ON m.tenant = c.tenant AND m.patient = c.patient AND m.to_seq IS NULL WHERE c.tenant = $1 AND c.open = 1",
        "workflow_case_due",
    ),
    (
        "FROM workflow_case c LEFT JOIN member m ON m.tenant = c.tenant AND m.patient = c.patient AND m.to_seq IS NULL WHERE c.tenant = $1 AND c.open = 0",
        "workflow_case_closed",
    ),
    ("AND workflow = $3 AND open = 1", "workflow_case_patient"),
    (
        "FROM case_timer WHERE tenant = $1 AND due <= $2",
        "case_timer_due",
    ),
    (
        "FROM case_timer WHERE tenant = $1 AND rests_until = 0 ORDER BY due",
        "case_timer_due",
    ),
    (
        "FROM case_timer WHERE tenant = $1 AND rests_until > 0",
        "case_timer_rests",
    ),
    (
        "FROM workflow_look WHERE tenant = $1 AND due <= $2",
        "workflow_look_due",
    ),
    (
        "FROM workflow_look WHERE tenant = $1 ORDER BY due",
        "workflow_look_due",
    ),
    ("FROM outbox WHERE tenant = $1 AND id > $2", "outbox_untold"),
    (
        "FROM poll WHERE tenant = $1 AND source = $2 AND due <= $3",
        "poll_due",
    ),
    (
        "FROM poll WHERE tenant = $1 AND source = $2 ORDER BY due",
        "poll_due",
    ),
    (
        "AND route = $2 AND state = 'due' AND due <= $5",
        "outbox_due",
    ),
    (
        "AND route = $2 AND state = 'unknown' AND check_at <= $5",
        "outbox_check",
    ),
    ("SELECT due FROM outbox", "outbox_state"),
    ("SELECT check_at FROM outbox", "outbox_check"),
    (
        "FROM completeness_now q CROSS JOIN completeness c",
        "(tenant=? AND patient=? AND source=? AND resource_type=? AND category=? AND persona=? AND seq=?)",
    ),
];

#[test]
fn hot_statements_go_by_their_index() {
    let folder = tempfile::tempdir().unwrap();
    let database = tables(folder.path());
    let all = statements(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let mut bad = Vec::new();
    for (fragment, index) in HOT {
        let mut explained = 0;
        for sql in all
            .iter()
            .filter(|sql| sql.contains(fragment) && !sql.contains("SKIP LOCKED"))
        {
            let plan = plan(&database, sql).unwrap();
            explained += 1;
            let by_index = plan.iter().any(|line| line.contains(index));
            let sorts = plan
                .iter()
                .any(|line| line.contains("TEMP B-TREE FOR ORDER BY"));
            if !by_index || sorts {
                bad.push(format!("{index}: {}: {sql}", plan.join("; ")));
            }
        }
        assert!(explained > 0, "no such statement: {fragment}");
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// The tables of the data as the migrations make them.
fn tables(folder: &Path) -> rusqlite::Connection {
    let data = folder.join("data");
    let clock = Arc::new(VirtualClock::new(Timestamp::UNIX_EPOCH));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = Store::open(Options::beside(&data, clock)).await.unwrap();
        store.close().await.unwrap();
    });
    rusqlite::Connection::open(data.join("bedside.db")).unwrap()
}

/// How SQLite goes about a statement; none when it is no statement of these tables.
fn plan(database: &rusqlite::Connection, sql: &str) -> Option<Vec<String>> {
    let mut statement = database
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .ok()?;
    let lines = statement
        .raw_query()
        .mapped(|row| row.get(3))
        .collect::<Result<_, _>>()
        .unwrap();
    Some(lines)
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
