//! Who may import whom, and what may stand where (ARCHITECTURE.md, "Floors").

use std::collections::BTreeMap;

use crate::source::{self, is_test, line, parts, places, read, rust, without_tests};
use crate::{none, tree};

/// Each crate and its floor. A crate imports crates of lower floors only, so two of one floor never know each other.
const FLOORS: [(&str, u8); 15] = [
    ("bedside-fact", 0),
    ("bedside-hl7", 0),
    ("bedside-fhir", 0),
    ("bedside-identity", 0),
    ("bedside-ledger", 0),
    ("bedside-core", 1),
    ("bedside-workflow", 1),
    ("bedside-diagnosis", 1),
    ("bedside-store", 2),
    ("bedside-gateway", 3),
    ("bedside-web", 3),
    ("bedside-sim", 3),
    ("bedside", 4),
    ("bedside-tests", 5),
    ("bedside-fuzz", 5),
];

/// Who alone may depend on these.
const KEPT_TO: [(&str, &[&str]); 5] = [
    ("rusqlite", &["bedside-store"]),
    ("postgres", &["bedside-store"]),
    ("maud", &["bedside-web"]),
    ("clap", &["bedside"]),
    // Profiles of vendors and faults of simulated EHRs are data in files; everything else that is TOML is the configuration.
    (
        "toml",
        &["bedside", "bedside-core", "bedside-sim", "bedside-tests"],
    ),
];

/// Crates that do I/O or wait, which floors 0 and 1 do without.
const OUTWARD: [&str; 8] = [
    "tokio",
    "tokio-util",
    "hyper",
    "axum",
    "reqwest",
    "rusqlite",
    "postgres",
    "tracing",
];

/// Beginnings of SQL statements, as they stand in string literals.
const SQL: [&str; 8] = [
    "SELECT ",
    "INSERT INTO ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "CREATE INDEX ",
    "ALTER TABLE ",
    "DROP TABLE ",
    "PRAGMA ",
];

fn floors() -> BTreeMap<&'static str, u8> {
    FLOORS.into_iter().collect()
}

/// The non-test Rust files of a crate, with their code alone.
fn code_of(name: &str) -> Vec<(String, String)> {
    let folder = format!(
        "crates/{}/src",
        name.strip_prefix("bedside-").unwrap_or("bedside")
    );
    let text = |path: &String| without_tests(&parts(&read(path).unwrap_or_default()).code);
    rust(&folder)
        .into_iter()
        .filter(|path| !is_test(path))
        .map(|path| (path.clone(), text(&path)))
        .collect()
}

fn members_of(floor: impl Fn(u8) -> bool) -> Vec<&'static str> {
    FLOORS
        .iter()
        .filter(|(_, own)| floor(*own))
        .map(|(name, _)| *name)
        .collect()
}

#[test]
fn floors_import_downwards_only() {
    let floors = floors();
    let mut broken = Vec::new();
    for package in tree::packages().iter().filter(|package| package.member) {
        let Some(own) = floors.get(package.name.as_str()) else {
            broken.push(format!(
                "{}: has no floor yet; give it one in this test and in ARCHITECTURE.md",
                package.name
            ));
            continue;
        };
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| dependency.local)
        {
            if floors
                .get(dependency.name.as_str())
                .is_none_or(|other| other >= own)
            {
                broken.push(format!(
                    "{} (floor {own}) imports {} ({})",
                    package.name, dependency.name, dependency.kind
                ));
            }
        }
    }
    none(&broken);
}

#[test]
fn floors_0_and_1_do_no_io_and_do_not_wait() {
    let low = members_of(|floor| floor <= 1);
    let mut broken = Vec::new();
    for package in tree::packages()
        .iter()
        .filter(|package| low.contains(&package.name.as_str()))
    {
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind == "normal")
        {
            if OUTWARD.contains(&dependency.name.as_str()) {
                broken.push(format!("{} depends on {}", package.name, dependency.name));
            }
        }
    }
    for name in low {
        for (path, code) in code_of(name) {
            for (at, module) in std_modules(&code) {
                if ["fs", "net", "time", "env", "process", "thread"].contains(&module.as_str()) {
                    broken.push(format!("{path}:{}: std::{module}", line(&code, at)));
                }
            }
            for word in ["async fn", ".await", "Timestamp::now()", "Zoned::now()"] {
                broken.extend(places(&path, &code, word, word));
            }
        }
    }
    none(&broken);
}

/// What stands behind `std::`, in braces too, with its place.
fn std_modules(code: &str) -> Vec<(usize, String)> {
    let word = |text: &str| {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    let mut found = Vec::new();
    for (at, found_text) in code.match_indices("std::") {
        let rest = &code[at + found_text.len()..];
        let Some(inside) = rest.strip_prefix('{') else {
            found.push((at, word(rest)));
            continue;
        };
        let mut depth = 1_u32;
        let mut first = true;
        for (n, c) in inside.char_indices() {
            if first && depth == 1 && !c.is_whitespace() {
                found.push((at, word(&inside[n..])));
                first = false;
            }
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' => first = depth == 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

#[test]
fn modules_of_std_are_found_behind_braces_too() {
    let names = |code: &str| {
        std_modules(code)
            .into_iter()
            .map(|(_, name)| name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names("use std::fs;"), ["fs"]);
    assert_eq!(
        names("use std::{fmt::{self, Write}, fs, net::{IpAddr}};"),
        ["fmt", "fs", "net"]
    );
}

#[test]
fn a_simulator_shares_the_grammars_and_nothing_of_our_understanding() {
    let mut broken = Vec::new();
    for package in tree::packages()
        .iter()
        .filter(|package| package.name == "bedside-sim")
    {
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| dependency.local)
        {
            if !["bedside-fact", "bedside-hl7", "bedside-fhir"].contains(&dependency.name.as_str())
            {
                broken.push(format!("bedside-sim imports {}", dependency.name));
            }
        }
    }
    for path in rust("crates/sim") {
        let code = parts(&read(&path).unwrap_or_default()).code;
        for (name, allowed) in [
            ("bedside_hl7::", &["frame", "message"][..]),
            ("bedside_fhir::", &["json"][..]),
        ] {
            for (at, _) in code.match_indices(name) {
                let rest = &code[at + name.len()..];
                let module: String = rest
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                if !allowed.contains(&module.as_str()) {
                    broken.push(format!("{path}:{}: {name}{module}", line(&code, at)));
                }
            }
        }
    }
    none(&broken);
}

#[test]
fn databases_pages_and_configuration_are_kept_to_one_crate_each() {
    let mut broken = Vec::new();
    for package in tree::packages().iter().filter(|package| package.member) {
        // A test may look into a database past the store, to see what lies there.
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != "dev")
        {
            for (name, allowed) in KEPT_TO {
                if dependency.name == name && !allowed.contains(&package.name.as_str()) {
                    broken.push(format!(
                        "{} depends on {name}, which is for {} alone",
                        package.name,
                        allowed.join(", ")
                    ));
                }
            }
        }
    }
    none(&broken);
}

#[test]
fn sql_stands_in_the_store_only() {
    let mut broken = Vec::new();
    for path in rust("crates")
        .iter()
        .filter(|path| !path.starts_with("crates/store/") && !is_test(path))
    {
        let strings = parts(&read(path).unwrap_or_default()).strings;
        for statement in SQL {
            broken.extend(places(
                path,
                &strings,
                &format!("\"{statement}"),
                "SQL outside the store",
            ));
        }
    }
    none(&broken);
}

#[test]
fn only_the_binary_reads_the_environment() {
    let mut broken = Vec::new();
    for name in members_of(|floor| floor <= 3) {
        for (path, code) in code_of(name) {
            for word in ["env::var", "env::args", "env::temp_dir"] {
                broken.extend(places(&path, &code, word, word));
            }
        }
    }
    none(&broken);
}

#[test]
fn every_crate_has_content_and_its_front_page_holds_only_the_way_in() {
    let mut broken = Vec::new();
    for path in rust("crates")
        .iter()
        .filter(|path| path.ends_with("/src/lib.rs") || path.ends_with("/mod.rs"))
    {
        if is_test(path) {
            continue;
        }
        let text = read(path).unwrap_or_default();
        if !text.trim_start().starts_with("//!") {
            broken.push(format!("{path}:1: no module comment"));
        }
        for word in ["fn ", "struct ", "enum ", "impl "] {
            broken.extend(
                without_tests(&parts(&text).code)
                    .lines()
                    .enumerate()
                    .filter(|(_, line)| {
                        line.trim_start()
                            .trim_start_matches("pub ")
                            .starts_with(word)
                    })
                    .map(|(n, _)| {
                        format!(
                            "{path}:{}: `{}` belongs in a file of its own",
                            n + 1,
                            word.trim()
                        )
                    }),
            );
        }
    }
    assert!(!source::rust("crates").is_empty());
    none(&broken);
}
