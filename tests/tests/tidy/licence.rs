//! Licences: SPDX expressions read and judged.

use crate::none;
use crate::tree;

/// Licences that anything may have.
const ALLOWED: [&str; 13] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
    "0BSD",
    "CC0-1.0",
    "MIT-0",
];

/// Licences that a crate may have that is built into tests only.
const IN_TESTS: [&str; 1] = ["MPL-2.0"];

#[test]
fn every_dependency_has_a_licence_that_is_allowed() {
    let broken: Vec<String> = tree::packages()
        .iter()
        .filter(|package| !allowed(&package.licence, !package.shipped))
        .map(|package| {
            format!(
                "{} {}: licence `{}` is not allowed",
                package.name, package.version, package.licence
            )
        })
        .collect();
    none(&broken);
}

/// Whether an expression can be satisfied with licences that are allowed. `/` is the old way to write OR.
fn allowed(expression: &str, in_tests: bool) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let result = any(&words, &mut at, in_tests);
    result && at == words.len()
}

fn any(words: &[&str], at: &mut usize, in_tests: bool) -> bool {
    let mut result = all(words, at, in_tests);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        result |= all(words, at, in_tests);
    }
    result
}

fn all(words: &[&str], at: &mut usize, in_tests: bool) -> bool {
    let mut result = one(words, at, in_tests);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        result &= one(words, at, in_tests);
    }
    result
}

fn one(words: &[&str], at: &mut usize, in_tests: bool) -> bool {
    let Some(word) = words.get(*at) else {
        return false;
    };
    *at += 1;
    if *word == "(" {
        let result = any(words, at, in_tests);
        let closed = words.get(*at) == Some(&")");
        *at += 1;
        return result && closed;
    }
    let mut name = (*word).to_owned();
    if words.get(*at) == Some(&"WITH") {
        name = format!(
            "{name} WITH {}",
            words.get(*at + 1).copied().unwrap_or_default()
        );
        *at += 2;
    }
    ALLOWED.contains(&name.as_str()) || (in_tests && IN_TESTS.contains(&name.as_str()))
}

#[test]
fn a_licence_expression_is_allowed_when_one_choice_of_it_is() {
    for expression in [
        "MIT",
        "MIT OR GPL-3.0",
        "MIT/Unlicense",
        "(GPL-2.0 OR ISC) AND BSD-3-Clause",
        "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
    ] {
        assert!(allowed(expression, false), "{expression}");
    }
    for expression in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "MPL-2.0",
        "(MIT",
        "Unlicense",
        "MIT ISC",
    ] {
        assert!(!allowed(expression, false), "{expression}");
    }
    assert!(allowed("MPL-2.0", true));
}
