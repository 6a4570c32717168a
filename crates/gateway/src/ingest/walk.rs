//! Which files there are. A folder is walked in name order. What is not read is named: a loop of links, a link that leads out of
//! the folder, and Bedside's own files, the key among them.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Every regular file below `paths`, each once and in order, and what could not be looked at. `own` is never looked into.
pub(super) fn files(
    paths: &[PathBuf],
    own: &[PathBuf],
) -> (Vec<PathBuf>, Vec<(PathBuf, io::Error)>) {
    let mut walk = Walk {
        own: own
            .iter()
            .filter_map(|path| fs::canonicalize(path).ok())
            .collect(),
        ..Walk::default()
    };
    for path in paths {
        // What is named is meant, wherever a link leads; what a folder holds is not.
        walk.root = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        walk.visit(path);
    }
    (walk.files, walk.failures)
}

#[derive(Default)]
struct Walk {
    files: Vec<PathBuf>,
    failures: Vec<(PathBuf, io::Error)>,
    folders: HashSet<PathBuf>,
    own: Vec<PathBuf>,
    root: PathBuf,
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
        let place = fs::canonicalize(path)?;
        if self.own.iter().any(|own| place.starts_with(own)) {
            return Err(refused("it is Bedside's own, it is not taken in"));
        }
        if !place.starts_with(&self.root) {
            return Err(refused(
                "a link leads out of the folder; name its target to take it in",
            ));
        }
        if kind.is_file() {
            self.files.push(path.to_path_buf());
            return Ok(());
        }
        if !kind.is_dir() {
            return Err(refused("neither a file nor a folder"));
        }
        if !self.folders.insert(place) {
            return Err(refused(
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

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
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
        let (files, failures) = files(&[root.to_path_buf()], &[]);
        assert_eq!(files, [root.join("a/one.hl7")]);
        let named: Vec<PathBuf> = failures.into_iter().map(|(path, _)| path).collect();
        assert_eq!(named, [root.join("a/up"), root.join("self")]);
    }

    #[test]
    fn p10_bedsides_own_key_and_data_are_not_taken_in_nor_what_a_link_fetches_from_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("other.hl7"), b"MSH").unwrap();
        fs::create_dir(root.join("data")).unwrap();
        fs::write(root.join("data/bedside.db"), b"db").unwrap();
        fs::write(root.join("data.key"), b"key").unwrap();
        fs::write(root.join("feed.hl7"), b"MSH").unwrap();
        symlink(elsewhere.path(), root.join("out")).unwrap();
        let own = [root.join("data"), root.join("data.key")];
        let (found, failures) = files(&[root.to_path_buf()], &own);
        assert_eq!(found, [root.join("feed.hl7")]);
        let named: Vec<PathBuf> = failures.into_iter().map(|(path, _)| path).collect();
        assert_eq!(
            named,
            [root.join("data"), root.join("data.key"), root.join("out")]
        );
        // Named itself, the target of a link is meant.
        let (found, _) = files(&[root.join("out")], &own);
        assert_eq!(found, [root.join("out/other.hl7")]);
    }
}
