//! Whoever changes the audit log, or cuts it, or brings back an older one, is found out.

use std::fs;

use rusqlite::Connection;

use crate::support::messages::{PEOPLE, QUILL, adt, oru};
use crate::support::site::{Ran, Site, copy_folder};

fn filled() -> Site {
    let site = Site::new();
    take_in(&site, "first", 0).expect(0);
    site.find(QUILL.mrn);
    site.verify().expect(0);
    site
}

fn take_in(site: &Site, name: &str, from: u64) -> Ran {
    let inputs = tempfile::tempdir().unwrap();
    let mut bytes = Vec::new();
    for (n, person) in (from..).zip(PEOPLE.iter().cycle().take(9)) {
        bytes.extend(adt("A01", &format!("{name}A{n}"), person));
        bytes.extend(oru(&format!("{name}R{n}"), person, n));
    }
    let file = inputs.path().join("in.hl7");
    fs::write(&file, bytes).unwrap();
    site.ingest(&file, "archive")
}

fn database(site: &Site) -> Connection {
    Connection::open(site.data().join("bedside.db")).unwrap()
}

/// Which bytes of a value are flipped, one at a time: the first, the middle one and the last.
const PLACES: [fn(usize) -> usize; 3] = [|_| 0, |length| length / 2, |length| length - 1];

/// Flips one byte of a stored value.
fn flip(site: &Site, table: &str, column: &str, place: &str, which: fn(usize) -> usize) {
    let database = database(site);
    let mut bytes: Vec<u8> = database
        .query_row(
            &format!("SELECT CAST({column} AS BLOB) FROM {table} WHERE {place}"),
            [],
            |row| row.get(0),
        )
        .unwrap();
    let at = which(bytes.len());
    bytes[at] ^= 1;
    let text = String::from_utf8(bytes.clone());
    let change = format!("UPDATE {table} SET {column} = ?1 WHERE {place}");
    let changed = match (column, text) {
        ("note", Ok(text)) => database.execute(&change, [text]),
        _ => database.execute(&change, [bytes]),
    };
    assert_eq!(changed.unwrap(), 1);
}

#[track_caller]
fn found(site: &Site, names: &str) {
    let ran = site.verify().expect(1);
    let verified = ran.document();
    assert_eq!(verified["ok"], false);
    let first = verified["first_bad"].as_str().unwrap_or_default();
    assert!(
        first.contains(names),
        "`{first}` does not name `{names}`; {}",
        ran.err
    );
    assert!(
        ran.err.contains(first) && ran.err.contains("compliance officer"),
        "{}",
        ran.err
    );
}

#[test]
fn p09_one_changed_byte_anywhere_in_the_log_is_found_and_named() {
    let site = filled();
    let last: i64 = database(&site)
        .query_row("SELECT MAX(idx) FROM audit_entry", [], |row| row.get(0))
        .unwrap();
    assert!(last > 20, "{last}");
    let oldest: i64 = database(&site)
        .query_row("SELECT MIN(size) FROM audit_checkpoint", [], |row| {
            row.get(0)
        })
        .unwrap();
    let newest: i64 = database(&site)
        .query_row("SELECT MAX(size) FROM audit_checkpoint", [], |row| {
            row.get(0)
        })
        .unwrap();
    let checkpoint = |size: i64| format!("checkpoint {size}");
    for (table, column, place, names) in [
        (
            "audit_entry",
            "leaf",
            String::from("idx = 7"),
            String::from("entry 7"),
        ),
        (
            "audit_entry",
            "hash",
            String::from("idx = 9"),
            String::from("entry 9"),
        ),
        (
            "audit_entry",
            "leaf",
            String::from("idx = 0"),
            String::from("entry 0"),
        ),
        (
            "audit_entry",
            "leaf",
            format!("idx = {last}"),
            format!("entry {last}"),
        ),
        (
            "audit_node",
            "hash",
            String::from("level = 1 AND idx = 2"),
            String::from("node 1/2"),
        ),
        (
            "audit_node",
            "hash",
            String::from("level = 3 AND idx = 0"),
            String::from("node 3/0"),
        ),
        (
            "audit_checkpoint",
            "root",
            format!("size = {oldest}"),
            checkpoint(oldest),
        ),
        (
            "audit_checkpoint",
            "note",
            format!("size = {newest}"),
            checkpoint(newest),
        ),
        (
            "audit_checkpoint",
            "at",
            format!("size = {oldest}"),
            checkpoint(oldest),
        ),
    ] {
        for which in PLACES {
            let copy = site.copy();
            flip(&copy, table, column, &place, which);
            found(&copy, &names);
        }
    }
    files_outside(&site);
    // The original is as it was.
    site.verify().expect(0);
}

fn files_outside(site: &Site) {
    let outside: Vec<String> = fs::read_dir(site.checkpoints())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("checkpoint-"))
        .collect();
    assert!(!outside.is_empty());
    for name in outside.iter().take(2) {
        for which in PLACES {
            let copy = site.copy();
            flip_file(&copy, name, which);
            found(&copy, &name.replace("checkpoint-", "checkpoint "));
        }
    }
    for which in PLACES {
        let copy = site.copy();
        flip_file(&copy, "public-key", which);
        found(&copy, "public-key");
    }
}

/// The file is made anew, since its owner may not write into it either. The end of its line is no part of what it says.
fn flip_file(site: &Site, name: &str, which: fn(usize) -> usize) {
    let path = site.checkpoints().join(name);
    let mut bytes = fs::read(&path).unwrap();
    let at = which(bytes.trim_ascii_end().len());
    bytes[at] ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
}

#[test]
fn p09_a_removed_entry_and_a_cut_tail_are_found() {
    let site = filled();
    let copy = site.copy();
    database(&copy)
        .execute("DELETE FROM audit_entry WHERE idx = 5", [])
        .unwrap();
    found(&copy, "entry 5");

    // A tail that is cut carefully: entries, nodes, checkpoints and the counter agree with each other.
    let copy = site.copy();
    let data = database(&copy);
    let kept = 12;
    data.execute("DELETE FROM audit_entry WHERE idx >= ?1", [kept])
        .unwrap();
    data.execute(
        "DELETE FROM audit_node WHERE ((idx + 1) << level) > ?1",
        [kept],
    )
    .unwrap();
    data.execute("DELETE FROM audit_checkpoint WHERE size > ?1", [kept])
        .unwrap();
    data.execute("UPDATE counter SET next = ?1 WHERE name = 'audit'", [kept])
        .unwrap();
    drop(data);
    let ran = copy.verify().expect(1);
    assert_eq!(ran.document()["ok"], false);
    assert!(ran.document()["first_bad"].is_string(), "{}", ran.out);
}

#[test]
fn p09_an_older_copy_of_the_data_is_found_against_the_checkpoints_outside() {
    let site = filled();
    let older = site.copy();
    take_in(&site, "second", 100).expect(0);
    site.verify().expect(0);
    fs::remove_dir_all(site.data()).unwrap();
    copy_folder(&older.data(), &site.data());
    let ran = site.verify().expect(1);
    assert!(ran.document()["first_bad"].is_string(), "{}", ran.out);
    // Writing on over the gap does not hide it, and says each time that something is wrong.
    for (name, from) in [("third", 200), ("fourth", 300)] {
        take_in(&site, name, from)
            .expect(4)
            .says(&["bedside audit verify"]);
    }
    let ran = site.verify().expect(1);
    assert!(ran.document()["first_bad"].is_string(), "{}", ran.out);
}
