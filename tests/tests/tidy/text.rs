//! Rules on text: how long a file may be, and words that have no place in the repository.

use crate::none;
use crate::source::{files, is_test, parts, places, read, rust};

/// The longest Rust file, in lines.
const LONGEST: usize = 600;

/// The rules themselves must be able to name what they look for.
const RULES: &str = "tests/tests/tidy/";

/// Our Rust files.
fn ours() -> Vec<String> {
    let all = rust("crates")
        .into_iter()
        .chain(rust("tests"))
        .chain(rust("fuzz"));
    all.filter(|path| !path.starts_with(RULES)).collect()
}

/// All files that are text and ours. Corpus files may hold what they like, and the lock file names where crates come from.
fn texts() -> Vec<(String, String)> {
    let kept = |path: &String| {
        !path.starts_with(RULES)
            && !path.contains("/corpus/")
            && !path.ends_with("Cargo.lock")
            && !path.contains(".min.")
    };
    files("")
        .into_iter()
        .filter(kept)
        .filter_map(|path| read(&path).map(|text| (path, text)))
        .collect()
}

#[test]
fn no_rust_file_is_longer_than_600_lines() {
    let length = |path: &String| read(path).unwrap_or_default().lines().count();
    let all = ours().into_iter().chain(rust(RULES));
    let broken: Vec<String> = all
        .map(|path| (length(&path), path))
        .filter(|(lines, _)| *lines > LONGEST)
        .map(|(lines, path)| format!("{path}:{}: {lines} lines, split it", LONGEST + 1))
        .collect();
    none(&broken);
}

#[test]
fn nothing_is_left_undone_or_switched_off() {
    let mut broken = Vec::new();
    for path in ours() {
        let parts = parts(&read(&path).unwrap_or_default());
        for word in ["todo!", "unimplemented!", concat!("#[", "ignore"), "dbg!("] {
            broken.extend(places(&path, &parts.code, word, word));
        }
        // A test that sleeps is slow on a good day and wrong on a bad one.
        for word in ["thread::sleep(", "time::sleep("]
            .into_iter()
            .filter(|_| is_test(&path))
        {
            broken.extend(places(&path, &parts.code, word, word));
        }
        let comments = parts.comments.to_lowercase();
        for word in [
            "todo",
            "fixme",
            "xxx:",
            "hack:",
            "for now",
            "placeholder",
            "in a real",
            "simplified",
            "not yet implemented",
        ] {
            broken.extend(places(&path, &comments, word, word));
        }
    }
    none(&broken);
}

#[test]
fn lints_are_expected_with_a_reason_and_never_silenced() {
    let mut broken = Vec::new();
    for path in ours() {
        let code = parts(&read(&path).unwrap_or_default()).code;
        broken.extend(places(
            &path,
            &code,
            "allow(clippy::",
            "use #[expect(…, reason = \"…\")]",
        ));
        for (at, _) in code.match_indices("[expect(") {
            let end = code[at..].find(']').map_or(code.len(), |n| at + n);
            if !code[at..end].contains("reason") {
                broken.push(format!(
                    "{path}:{}: #[expect] without a reason",
                    crate::source::line(&code, at)
                ));
            }
        }
    }
    none(&broken);
}

#[test]
fn nothing_names_a_machine_an_issue_or_a_registry() {
    let needles = [
        (concat!("/wo", "rk/"), "a path of one machine"),
        (concat!("/ro", "ot/"), "a path of one machine"),
        ("/home/", "a path of one machine"),
        ("crates.io", "a registry"),
        ("npmjs", "a registry"),
        ("pypi.org", "a registry"),
        ("index.docker", "a registry"),
        ("issue #", "a number of a tracker"),
    ];
    let mut broken = Vec::new();
    for (path, text) in texts() {
        for (needle, what) in needles {
            broken.extend(places(&path, &text, needle, what));
        }
        let lower = text.to_lowercase();
        for (n, line) in lower.lines().enumerate() {
            if numbered(line) {
                broken.push(format!("{path}:{}: a number of a tracker", n + 1));
            }
        }
    }
    none(&broken);
}

/// The word `issue` with a number behind it.
fn numbered(line: &str) -> bool {
    let whole = |at: usize| !line[..at].ends_with(char::is_alphabetic);
    line.match_indices("issue ").any(|(at, word)| {
        whole(at) && line[at + word.len()..].starts_with(|c: char| c.is_ascii_digit())
    })
}

#[test]
fn a_tracker_number_is_known_from_other_numbers() {
    assert!(numbered("as in issue 12"));
    assert!(!numbered("an issue with 3 parts"));
    assert!(!numbered("tissue 4a"));
}

#[test]
fn text_files_end_with_a_newline_and_have_no_blanks_at_the_end_of_a_line() {
    let kinds = [
        ".rs", ".md", ".toml", ".sql", ".yml", ".json", ".ts", ".css",
    ];
    let mut broken = Vec::new();
    for (path, text) in texts() {
        if !kinds.iter().any(|kind| path.ends_with(kind)) || path.contains("/tests/") {
            continue;
        }
        if !text.is_empty() && !text.ends_with('\n') {
            broken.push(format!(
                "{path}:{}: no newline at the end",
                text.lines().count()
            ));
        }
        let blank = |(_, line): &(usize, &str)| line.ends_with([' ', '\t']);
        broken.extend(
            text.lines()
                .enumerate()
                .filter(blank)
                .map(|(n, _)| format!("{path}:{}: blanks at the end", n + 1)),
        );
    }
    none(&broken);
}
