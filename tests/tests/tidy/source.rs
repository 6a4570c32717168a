//! Files of the repository, and Rust text taken apart into code, comments and string literals.
//!
//! The reader of Rust text knows comments, strings and characters and nothing else: enough to look for a word in the code without
//! finding it in a sentence.

use std::path::{Path, PathBuf};

/// Folders that hold nothing of ours: what is built, fetched or left behind by a run.
const SKIPPED: [&str; 6] = [
    "target",
    ".git",
    "node_modules",
    "e2e/results",
    "e2e/test-results",
    "e2e/screenshots",
];

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .expect("the tests lie in a folder of the repository")
        .to_owned()
}

/// All files under `folder` of the repository, sorted, with their paths from the root.
pub(crate) fn files(folder: &str) -> Vec<String> {
    let root = root();
    let mut found = Vec::new();
    let mut open = vec![root.join(folder)];
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let Ok(entry) = entry else { continue };
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = entry
                .path()
                .strip_prefix(&root)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            // Others may be building or testing here at the same time: what is gone by now is not ours.
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let skipped = SKIPPED.contains(&name.as_str())
                || SKIPPED.contains(&path.as_str())
                || name.starts_with("bedside-data");
            if kind.is_dir() && !skipped {
                open.push(entry.path());
            } else if kind.is_file() && !skipped {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The Rust files under `folder`.
pub(crate) fn rust(folder: &str) -> Vec<String> {
    files(folder)
        .into_iter()
        .filter(|path| path.ends_with(".rs"))
        .collect()
}

/// The text of a file, if it is there and is text.
pub(crate) fn read(path: &str) -> Option<String> {
    String::from_utf8(std::fs::read(root().join(path)).ok()?).ok()
}

/// Whether a file holds tests only: by its folder, or by its name.
pub(crate) fn is_test(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    name == "tests.rs" || name.ends_with("_tests.rs") || format!("/{folder}/").contains("/tests/")
}

/// Rust text taken apart. Each part keeps its place: what belongs to another part is blank.
pub(crate) struct Parts {
    pub(crate) code: String,
    pub(crate) comments: String,
    pub(crate) strings: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Code,
    Comment,
    Text,
}

/// Takes Rust text apart.
pub(crate) fn parts(text: &str) -> Parts {
    let chars: Vec<char> = text.chars().collect();
    let mut part = vec![Part::Code; chars.len()];
    let mut at = 0;
    while at < chars.len() {
        let (end, kind) = token(&chars, at);
        part[at..end].fill(kind);
        at = end;
    }
    let only = |wanted: Part| -> String {
        let kept = |(c, p): (&char, &Part)| if *p == wanted || *c == '\n' { *c } else { ' ' };
        chars.iter().zip(&part).map(kept).collect()
    };
    Parts {
        code: only(Part::Code),
        comments: only(Part::Comment),
        strings: only(Part::Text),
    }
}

fn token(chars: &[char], at: usize) -> (usize, Part) {
    let get = |place: usize| chars.get(place).copied().unwrap_or('\0');
    let from = |place: usize, wanted: &dyn Fn(usize) -> bool| {
        (place..chars.len())
            .find(|n| wanted(*n))
            .unwrap_or(chars.len())
    };
    match (get(at), get(at + 1)) {
        ('/', '/') => (from(at, &|n| get(n) == '\n'), Part::Comment),
        ('/', '*') => {
            let (mut end, mut depth) = (at + 2, 1);
            while depth > 0 && end < chars.len() {
                match (get(end), get(end + 1)) {
                    ('/', '*') => (end, depth) = (end + 2, depth + 1),
                    ('*', '/') => (end, depth) = (end + 2, depth - 1),
                    _ => end += 1,
                }
            }
            (end.min(chars.len()), Part::Comment)
        }
        ('"', _) => (string_end(chars, at + 1), Part::Text),
        ('r', '"' | '#') if !in_word(chars, at) => {
            let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
            if get(at + 1 + hashes) != '"' {
                return (at + 1, Part::Code);
            }
            let close = |n: usize| get(n) == '"' && (1..=hashes).all(|more| get(n + more) == '#');
            (
                (from(at + 2 + hashes, &close) + 1 + hashes).min(chars.len()),
                Part::Text,
            )
        }
        ('\'', '\\') => (
            from(at + 3, &|n| get(n) == '\'')
                .saturating_add(1)
                .min(chars.len()),
            Part::Text,
        ),
        ('\'', _) if get(at + 2) == '\'' => (at + 3, Part::Text),
        _ => (at + 1, Part::Code),
    }
}

fn string_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// `r` and `br` begin a raw string unless they end a word.
fn in_word(chars: &[char], at: usize) -> bool {
    let before = |back: usize| {
        at.checked_sub(back)
            .and_then(|n| chars.get(n))
            .copied()
            .unwrap_or(' ')
    };
    let word = |c: char| c.is_alphanumeric() || c == '_';
    if before(1) == 'b' {
        word(before(2))
    } else {
        word(before(1))
    }
}

/// Blanks the modules and functions that stand behind `#[cfg(test)]`.
pub(crate) fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    while let Some(start) = out.find("#[cfg(test)]") {
        let end = block_end(&out, start);
        let blank: String = out[start..end]
            .chars()
            .map(|c| if c == '\n' { '\n' } else { ' ' })
            .collect();
        out.replace_range(start..end, &blank);
    }
    out
}

fn block_end(code: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    for (n, c) in code[start..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return start + n + 1;
                }
            }
            ';' if depth == 0 => return start + n + 1,
            _ => {}
        }
    }
    code.len()
}

/// The lines with `wanted`, as `path:line: what`.
pub(crate) fn places(path: &str, text: &str, wanted: &str, what: &str) -> Vec<String> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| line.contains(wanted))
        .map(|(n, _)| format!("{path}:{}: {what}", n + 1))
        .collect()
}

/// The line of a byte position, from 1.
pub(crate) fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[test]
fn rust_text_comes_apart_into_code_comments_and_strings() {
    let text = "let a = \"x // y\"; // why \"z\"\nlet b = 'q'; /* one /* two */ */ fn f<'a>() {}\nlet c = r#\"s\"t\"#; var\"u\"";
    let parts = parts(text);
    assert!(
        parts.code.contains("let a =")
            && parts.code.contains("fn f<'a>() {}")
            && parts.code.contains("let c =")
    );
    assert!(!parts.code.contains('y') && !parts.code.contains('q') && !parts.code.contains("two"));
    assert!(parts.comments.contains("why \"z\"") && parts.comments.contains("one /* two */ */"));
    assert!(parts.strings.contains("x // y") && parts.strings.contains("s\"t"));
    assert_eq!(parts.code.lines().count(), text.lines().count());
}

#[test]
fn what_stands_behind_cfg_test_is_blanked() {
    let code = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { if x { y } }\n}\n#[cfg(test)]\nmod more;\nfn c() {}\n";
    let kept = without_tests(code);
    assert!(kept.contains("fn a()") && kept.contains("fn c()"));
    assert!(!kept.contains("fn b()") && !kept.contains("mod more"));
}
