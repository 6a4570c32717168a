//! Rules on manifests: which crates are kept out, how versions are written, which lints apply.

use crate::source;
use crate::{none, tree};

/// The newest language version that a dependency may ask for: ours.
const RUST: (u32, u32) = (1, 95);

/// Crates that must not get into the tree, and why.
const BANNED: [(&str, &str); 5] = [
    ("ring", "aws-lc-rs is the one crypto library"),
    ("openssl", "aws-lc-rs is the one crypto library"),
    ("openssl-sys", "aws-lc-rs is the one crypto library"),
    ("native-tls", "rustls is the one TLS library"),
    (
        "sqlx",
        "it pins an old SQLite; the store speaks rusqlite and postgres",
    ),
];

#[test]
fn banned_crates_are_not_in_the_tree() {
    // What is built, with the features that are on: the lock file also names what a feature could bring that nobody switches on.
    let built = tree::built();
    assert!(built.contains("aws-lc-rs"), "the tree is not read");
    let mut broken = Vec::new();
    for (name, why) in BANNED {
        if built.contains(name) {
            broken.push(format!("`{name}` is built and banned: {why}"));
        }
    }
    none(&broken);
}

#[test]
fn what_deny_toml_bans_and_allows_is_what_the_tests_ban() {
    let deny: toml::Table = toml::from_str(&source::read("deny.toml").unwrap()).unwrap();
    let banned: Vec<&str> = deny["bans"]["deny"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["crate"].as_str())
        .collect();
    let ours: Vec<&str> = BANNED.iter().map(|(name, _)| *name).collect();
    assert_eq!(banned, ours);
}

#[test]
fn no_manifest_takes_any_version_of_a_crate() {
    let mut broken = Vec::new();
    for package in tree::packages().iter().filter(|package| package.member) {
        for dependency in &package.dependencies {
            if !dependency.local && dependency.requirement.contains('*') {
                broken.push(format!(
                    "{}: `{}` takes version `{}`",
                    package.name, dependency.name, dependency.requirement
                ));
            }
        }
    }
    none(&broken);
}

#[test]
fn no_dependency_asks_for_a_newer_rust_than_ours() {
    let mut broken = Vec::new();
    for package in tree::packages() {
        let Some(wanted) = &package.rust_version else {
            continue;
        };
        let mut numbers = wanted
            .split('.')
            .map(|number| number.parse::<u32>().unwrap());
        let version = (numbers.next().unwrap(), numbers.next().unwrap_or(0));
        if version > RUST {
            broken.push(format!(
                "{} {} asks for Rust {wanted}",
                package.name, package.version
            ));
        }
    }
    none(&broken);
}

#[test]
fn every_crate_inherits_the_lints_of_the_workspace() {
    let mut broken = Vec::new();
    for path in manifests() {
        let manifest: toml::Table = toml::from_str(&source::read(&path).unwrap()).unwrap();
        if manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"))
            .and_then(toml::Value::as_bool)
            != Some(true)
        {
            broken.push(format!("{path}: `[lints] workspace = true` is missing"));
        }
    }
    none(&broken);
}

#[test]
fn every_crate_takes_versions_from_the_workspace() {
    let mut broken = Vec::new();
    for path in manifests() {
        let manifest: toml::Table = toml::from_str(&source::read(&path).unwrap()).unwrap();
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, entry) in manifest
                .get(table)
                .and_then(toml::Value::as_table)
                .into_iter()
                .flatten()
            {
                if entry.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                    broken.push(format!("{path}: `{name}` names a version of its own"));
                }
            }
        }
    }
    none(&broken);
}

/// The manifests of all crates.
fn manifests() -> Vec<String> {
    let all = source::files("crates")
        .into_iter()
        .chain(source::files("tests"));
    all.filter(|path| path.ends_with("/Cargo.toml")).collect()
}
