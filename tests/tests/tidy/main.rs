//! The repository's rules, each as a test: who may import whom, how long a file may be, which licences and crates are let in,
//! that every error has its page and every link its target.
//!
//! Nothing here looks at behaviour. A rule reports every place that breaks it as `file:line: what`, so that one run is enough
//! to mend them all. `source` reads files, `tree` asks cargo about dependencies; the other modules hold the rules.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test says what it misses by panicking"
)]

mod crates;
mod documents;
mod floors;
mod licence;
mod source;
mod text;
mod tree;

/// Fails with all the places that break a rule.
fn none(broken: &[String]) {
    assert!(
        broken.is_empty(),
        "{} place(s):\n{}",
        broken.len(),
        broken.join("\n")
    );
}
