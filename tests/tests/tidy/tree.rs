//! What cargo says about the workspace and everything it depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::source;

/// A package of the tree.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) licence: String,
    pub(crate) rust_version: Option<String>,
    /// Ours.
    pub(crate) member: bool,
    /// Built into the program, and not only into tests.
    pub(crate) shipped: bool,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A line of a manifest.
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) requirement: String,
    pub(crate) local: bool,
    /// `normal`, `dev` or `build`.
    pub(crate) kind: String,
}

/// The names of all crates that are built, tests included.
pub(crate) fn built() -> BTreeSet<String> {
    let output = cargo(&[
        "tree",
        "--workspace",
        "--offline",
        "--locked",
        "--edges",
        "all",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    String::from_utf8(output)
        .unwrap()
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

/// All packages, as they are locked, for this platform: those of others need not have been fetched.
pub(crate) fn packages() -> Vec<Package> {
    let version = String::from_utf8(cargo(&["--version", "--verbose"])).unwrap();
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("cargo names its host");
    let output = cargo(&[
        "metadata",
        "--offline",
        "--locked",
        "--format-version",
        "1",
        "--filter-platform",
        host,
    ]);
    let metadata: Value = serde_json::from_slice(&output).unwrap();
    let members: BTreeSet<&str> = list(&metadata["workspace_members"])
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let shipped = shipped(&metadata, &members);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    list(&metadata["packages"])
        .iter()
        .map(|package| Package {
            name: text(&package["name"]),
            version: text(&package["version"]),
            licence: text(&package["license"]),
            rust_version: package["rust_version"].as_str().map(str::to_owned),
            member: members.contains(package["id"].as_str().unwrap_or_default()),
            shipped: shipped.contains(package["id"].as_str().unwrap_or_default()),
            dependencies: list(&package["dependencies"])
                .iter()
                .map(|dependency| Dependency {
                    name: text(&dependency["name"]),
                    requirement: text(&dependency["req"]),
                    local: dependency["source"].is_null(),
                    kind: dependency["kind"].as_str().unwrap_or("normal").to_owned(),
                })
                .collect(),
        })
        .collect()
}

fn cargo(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(source::root())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "cargo {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// What a member reaches without its dependencies for tests.
fn shipped<'a>(metadata: &'a Value, members: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let nodes: BTreeMap<&str, &Value> = list(&metadata["resolve"]["nodes"])
        .iter()
        .filter_map(|node| Some((node["id"].as_str()?, node)))
        .collect();
    let mut reached = members.clone();
    let mut open: Vec<&str> = members.iter().copied().collect();
    while let Some(id) = open.pop() {
        for dependency in list(&nodes[id]["deps"]) {
            let kinds = list(&dependency["dep_kinds"]);
            let only_tests = kinds.iter().all(|kind| kind["kind"] == "dev");
            if let Some(package) = dependency["pkg"].as_str()
                && !only_tests
                && reached.insert(package)
            {
                open.push(package);
            }
        }
    }
    reached
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
