//! What can't be tested everywhere says so in a line, so that nobody takes silence for success.

use std::path::{Path, PathBuf};

/// A corpus that lies beside the repository.
pub(crate) fn corpus(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(name);
    if path.exists() {
        Some(path)
    } else {
        println!("corpus not present: skipped {name}");
        None
    }
}

/// Says why a part of a test did not run here.
pub(crate) fn skipped(why: &str) {
    println!("skipped: {why}");
}
