//! Rules on documents: every error code has its page, every link leads somewhere, every crate is described.

use std::collections::{BTreeMap, BTreeSet};

use crate::none;
use crate::source::{self, files, is_test, parts, read, rust};

/// The folder of the pages, one for each error code.
const PAGES: &str = "docs/errors/";

/// Every error code in string literals of the program, with the place where it was found first.
fn codes() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for path in rust("crates")
        .iter()
        .filter(|path| path.contains("/src/") && !is_test(path))
    {
        let strings = parts(&read(path).unwrap_or_default()).strings;
        for (n, line) in strings.lines().enumerate() {
            for code in codes_in(line) {
                found
                    .entry(code)
                    .or_insert_with(|| format!("{path}:{}", n + 1));
            }
        }
    }
    found
}

/// `BED-`, capitals, `-`, three digits.
fn codes_in(line: &str) -> Vec<String> {
    line.match_indices("BED-")
        .filter_map(|(at, _)| {
            let rest = &line[at + 4..];
            let (part, rest) = rest.split_once('-')?;
            let number = rest.get(..3)?;
            let whole = !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
                && number.chars().all(|c| c.is_ascii_digit());
            whole.then(|| format!("BED-{part}-{number}"))
        })
        .collect()
}

#[test]
fn every_error_code_has_a_page_and_every_page_a_code() {
    let codes = codes();
    assert!(
        !codes.is_empty(),
        "no code was found, so the search is wrong"
    );
    let pages: BTreeSet<String> = files(PAGES)
        .iter()
        .filter_map(|path| Some(path.strip_prefix(PAGES)?.strip_suffix(".md")?.to_owned()))
        .collect();
    let mut broken: Vec<String> = codes
        .iter()
        .filter(|(code, _)| !pages.contains(*code))
        .map(|(code, place)| format!("{place}: {code} has no page {PAGES}{code}.md"))
        .collect();
    for page in pages
        .iter()
        .filter(|page| *page != "README" && !codes.contains_key(*page))
    {
        broken.push(format!("{PAGES}{page}.md:1: no such code in the program"));
    }
    none(&broken);
}

#[test]
fn every_page_of_an_error_says_what_happened_why_and_what_to_do() {
    let mut broken = Vec::new();
    let index = read(&format!("{PAGES}README.md")).unwrap_or_default();
    for path in files(PAGES)
        .iter()
        .filter(|path| !path.ends_with("README.md"))
    {
        let text = read(path).unwrap_or_default();
        let name = path.strip_prefix(PAGES).unwrap_or(path);
        let code = name.strip_suffix(".md").unwrap_or(name);
        if !text.starts_with(&format!("# {code}")) {
            broken.push(format!("{path}:1: the heading is not the code"));
        }
        for heading in ["## What happened", "## Why", "## What to do"] {
            if !text.contains(heading) {
                broken.push(format!("{path}:1: no `{heading}`"));
            }
        }
        if !index.contains(&format!("({name})")) {
            broken.push(format!("{path}:1: not in {PAGES}README.md"));
        }
    }
    none(&broken);
}

#[test]
fn every_relative_link_leads_to_a_file() {
    let mut broken = Vec::new();
    for path in files("").iter().filter(|path| path.ends_with(".md")) {
        let text = read(path).unwrap_or_default();
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (n, line) in text.lines().enumerate() {
            for target in links(line) {
                if target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
                let whole = if file.is_empty() {
                    path.clone()
                } else {
                    format!("{folder}/{file}")
                };
                let place = source::root().join(whole.trim_start_matches('/'));
                if !place.exists() {
                    broken.push(format!("{path}:{}: `{target}` leads nowhere", n + 1));
                } else if !anchor.is_empty()
                    && !anchors(&std::fs::read_to_string(&place).unwrap_or_default())
                        .contains(anchor)
                {
                    broken.push(format!("{path}:{}: `{target}` has no such heading", n + 1));
                }
            }
        }
    }
    none(&broken);
}

/// Targets of `[text](target)` in a line, outside code.
fn links(line: &str) -> Vec<&str> {
    let mut code = false;
    let mut found = Vec::new();
    for (at, c) in line.char_indices() {
        code ^= c == '`';
        if !code && line[at..].starts_with("](") {
            let rest = &line[at + 2..];
            found.extend(
                rest.split_once(')')
                    .map(|(target, _)| target.split(' ').next().unwrap_or_default()),
            );
        }
    }
    found
}

/// What headings are called in links: lower case, blanks as hyphens, other marks gone.
fn anchors(text: &str) -> BTreeSet<String> {
    let name = |heading: &str| -> String {
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        heading
            .trim()
            .to_lowercase()
            .chars()
            .filter(kept)
            .map(|c| if c == ' ' { '-' } else { c })
            .collect()
    };
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| name(line.trim_start_matches('#')))
        .collect()
}

#[test]
fn links_and_headings_are_read_as_they_are_shown() {
    assert_eq!(
        links("see [a](b.md#c) and ![d](e.png \"f\"), not `[g](h)`"),
        ["b.md#c", "e.png"]
    );
    assert!(anchors("## What's *kept* in clear\n").contains("whats-kept-in-clear"));
    assert_eq!(
        codes_in("\"BED-STORE-001\" BED-X BED-a-001"),
        ["BED-STORE-001"]
    );
}

#[test]
fn every_crate_is_described_in_the_architecture() {
    let text = read("ARCHITECTURE.md").unwrap_or_default();
    let mut broken = Vec::new();
    for path in files("crates")
        .iter()
        .filter(|path| path.ends_with("/Cargo.toml"))
    {
        let folder = path.trim_end_matches("/Cargo.toml");
        if !text.contains(&format!("`{folder}`")) {
            broken.push(format!(
                "{path}:1: ARCHITECTURE.md has no paragraph on `{folder}`"
            ));
        }
    }
    none(&broken);
}

#[test]
fn every_migration_is_told_apart_by_its_number() {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut broken = Vec::new();
    for path in files("crates/store/migrations")
        .iter()
        .filter(|path| path.ends_with(".sql"))
    {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let number = name.split('_').next().unwrap_or_default();
        if let Some(other) = seen.insert(format!("{folder}/{number}"), path.clone()) {
            broken.push(format!("{path}:1: has the number of {other}"));
        }
    }
    none(&broken);
}
