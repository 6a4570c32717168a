//! Which files there are. A folder is walked in name order; a loop of links is found and named, not followed.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Every regular file below `paths`, each once and in order, and what could not be looked at.
pub(super) fn files(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<(PathBuf, io::Error)>) {
    let mut walk = Walk::default();
    for path in paths {
        walk.visit(path);
    }
    (walk.files, walk.failures)
}

#[derive(Default)]
struct Walk {
    files: Vec<PathBuf>,
    failures: Vec<(PathBuf, io::Error)>,
    folders: HashSet<PathBuf>,
}

impl Walk {
    fn visit(&mut self, path: &Path) {
        if let Err(error) = self.try_visit(path) {
            self.failures.push((path.to_path_buf(), error));
        }
    }

    fn try_visit(&mut self, path: &Path) -> io::Result<()> {
        // Follows links; a link to itself is an error of the system's ("too many levels of symbolic links").
        let kind = fs::metadata(path)?;
        if kind.is_file() {
            self.files.push(path.to_path_buf());
            return Ok(());
        }
        if !kind.is_dir() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "neither a file nor a folder",
            ));
        }
        if !self.folders.insert(fs::canonicalize(path)?) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a link leads back to a folder that was read already",
            ));
        }
        let mut entries: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(path)? {
            entries.push(entry?.path());
        }
        entries.sort();
        for entry in entries {
            self.visit(&entry);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_loop_of_links_is_named_and_the_rest_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("a")).unwrap();
        fs::write(root.join("a/one.hl7"), b"MSH").unwrap();
        symlink("..", root.join("a/up")).unwrap();
        symlink("self", root.join("self")).unwrap();
        let (files, failures) = files(&[root.to_path_buf()]);
        assert_eq!(files, [root.join("a/one.hl7")]);
        let named: Vec<PathBuf> = failures.into_iter().map(|(path, _)| path).collect();
        assert_eq!(named, [root.join("a/up"), root.join("self")]);
    }
}
