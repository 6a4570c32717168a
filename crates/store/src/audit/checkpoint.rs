//! Signed checkpoints in a directory outside the data: what the log must still contain, whatever happens to the data.
//!
//! One file per checkpoint, `checkpoint-SIZE`, and `latest`, a copy of the newest; `public-key` for whoever verifies without
//! the store. A file of a size is never overwritten. Once the log no longer extends what the newest file says, nothing more is written here:
//! the old files are the proof of what was changed.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bedside_ledger::checkpoint::{Checkpoint, verify};

use crate::error::Error;

/// How many checkpoint files are kept, the newest ones.
const KEPT: usize = 1_000;

/// The name of the copy of the newest checkpoint.
const LATEST: &str = "latest";

/// The name of the file with the key that verifies the notes.
const PUBLIC_KEY: &str = "public-key";

/// The directory of checkpoints.
pub(crate) struct Folder {
    path: PathBuf,
    origin: String,
    public_key: Vec<u8>,
    /// How many are kept, here and in the database.
    pub(super) kept: usize,
    sizes: Mutex<BTreeSet<u64>>,
}

/// A checkpoint file as it was found.
pub(crate) struct Found {
    /// Its name.
    pub(crate) name: String,
    /// What it says, or why it can't be believed.
    pub(crate) content: Result<Checkpoint, String>,
}

impl Folder {
    /// Opens the directory, and makes it when it is not there.
    ///
    /// # Errors
    /// [`Error::File`] with the path.
    pub(crate) fn open(path: &Path, origin: &str, public_key: Vec<u8>) -> Result<Self, Error> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| Error::file(path, &error))?;
        let folder = Self {
            path: path.to_owned(),
            origin: origin.to_owned(),
            public_key,
            kept: KEPT,
            sizes: Mutex::default(),
        };
        let sizes = folder
            .names()?
            .iter()
            .filter_map(|name| size_of(name))
            .collect();
        *folder.sizes.lock().unwrap_or_else(PoisonError::into_inner) = sizes;
        let key = folder.path.join(PUBLIC_KEY);
        if !key.exists() {
            folder.write_whole(PUBLIC_KEY, folder.key_text().as_bytes())?;
            folder.sync()?;
        }
        Ok(folder)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What the newest file says. `None` when there is none yet; an error text when it can't be believed.
    pub(crate) fn latest(&self) -> Option<Result<Checkpoint, String>> {
        let sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = sizes.last().copied()?;
        drop(sizes);
        Some(self.read(&file_name(newest)))
    }

    /// Writes a checkpoint: the file, its directory entry and the copy are durable when this returns.
    ///
    /// # Errors
    /// [`Error::File`], also when a file of this size says something else.
    pub(crate) fn write(&self, size: u64, note: &str) -> Result<(), Error> {
        let name = file_name(size);
        let path = self.path.join(&name);
        match std::fs::read(&path) {
            Ok(there) if there == note.as_bytes() => {}
            Ok(_) => {
                return Err(Error::Corrupt(format!(
                    "{} says something else about the log's first {size} entries",
                    path.display()
                )));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.write_whole(&name, note.as_bytes())?
            }
            Err(error) => return Err(Error::file(&path, &error)),
        }
        // A copy, not a second link: whoever changes one has not changed the other.
        self.write_whole(LATEST, note.as_bytes())?;
        self.sync()?;
        let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.insert(size);
        while sizes.len() > self.kept {
            let Some(oldest) = sizes.pop_first() else {
                break;
            };
            // One file too many does no harm, and the next write tries to remove others.
            let _ = std::fs::remove_file(self.path.join(file_name(oldest)));
        }
        Ok(())
    }

    /// Every file there is, by size; `latest` and `public-key` after them.
    ///
    /// # Errors
    /// [`Error::File`] when the directory can't be read.
    pub(crate) fn all(&self) -> Result<Vec<Found>, Error> {
        let mut names: Vec<(u64, String)> = Vec::new();
        for name in self.names()? {
            if name == LATEST {
                names.push((u64::MAX, name));
            } else if name.starts_with("checkpoint-") {
                names.push((size_of(&name).unwrap_or(u64::MAX), name));
            }
        }
        names.sort();
        Ok(names
            .into_iter()
            .map(|(size, name)| {
                let content = self.read(&name).and_then(|checkpoint| {
                    if name == LATEST || checkpoint.size == size {
                        Ok(checkpoint)
                    } else {
                        Err("the file is about another size than its name says".to_owned())
                    }
                });
                Found { name, content }
            })
            .collect())
    }

    /// Whether the file with the public key says what the key file says.
    pub(crate) fn key_is_ours(&self) -> bool {
        std::fs::read(self.path.join(PUBLIC_KEY))
            .is_ok_and(|text| text == self.key_text().as_bytes())
    }

    /// The key that verifies the notes.
    pub(crate) fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// The log's name.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    fn read(&self, name: &str) -> Result<Checkpoint, String> {
        let text = std::fs::read_to_string(self.path.join(name))
            .map_err(|error| format!("the file can't be read: {error}"))?;
        verify(&text, &self.origin, &self.public_key).map_err(|error| error.to_string())
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        let failed = |error: std::io::Error| Error::file(&self.path, &error);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            if let Ok(name) = entry.map_err(failed)?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn write_whole(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path.join(name);
        let failed = |error: std::io::Error| Error::file(&path, &error);
        // Written under another name first, so that a crash half-way never leaves half a note under its own name.
        let draft = self.path.join(format!("{name}.draft"));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)
            .map_err(failed)?;
        file.write_all(bytes)
            .and_then(|()| file.sync_all())
            .map_err(failed)?;
        std::fs::rename(&draft, &path).map_err(failed)
    }

    fn sync(&self) -> Result<(), Error> {
        File::open(&self.path)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| Error::file(&self.path, &error))
    }

    fn key_text(&self) -> String {
        format!("{} {}\n", self.origin, STANDARD.encode(&self.public_key))
    }
}

fn file_name(size: u64) -> String {
    format!("checkpoint-{size}")
}

fn size_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("checkpoint-")?;
    let size = digits.parse().ok()?;
    (file_name(size) == name).then_some(size)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use bedside_ledger::checkpoint::Signer;

    use super::*;

    fn note(signer: &Signer, size: u64, root: u8) -> String {
        signer.sign(&Checkpoint {
            origin: "bedside/test".into(),
            size,
            root: [root; 32],
        })
    }

    #[test]
    fn the_newest_notes_are_kept_and_latest_is_the_newest() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("checkpoints");
        let (signer, _) = Signer::generate().unwrap();
        let mut folder = Folder::open(&path, "bedside/test", signer.public_key()).unwrap();
        folder.kept = 3;
        assert!(folder.latest().is_none());
        for size in [1, 2, 10, 11, 100] {
            folder.write(size, &note(&signer, size, 7)).unwrap();
            folder.write(size, &note(&signer, size, 7)).unwrap();
        }
        assert_eq!(folder.latest().unwrap().unwrap().size, 100);
        let mut names = folder.names().unwrap();
        names.sort();
        assert_eq!(
            names,
            [
                "checkpoint-10",
                "checkpoint-100",
                "checkpoint-11",
                "latest",
                "public-key"
            ]
        );
        for (name, mode) in [("", 0o700), ("latest", 0o600), ("public-key", 0o600)] {
            assert_eq!(
                std::fs::metadata(path.join(name))
                    .unwrap()
                    .permissions()
                    .mode()
                    & 0o777,
                mode,
                "{name}"
            );
        }
        // Opened again, it knows what is there.
        let folder = Folder::open(&path, "bedside/test", signer.public_key()).unwrap();
        assert_eq!(folder.latest().unwrap().unwrap().size, 100);
        assert!(folder.key_is_ours());
        assert!(
            folder
                .all()
                .unwrap()
                .iter()
                .all(|found| found.content.is_ok())
        );
    }

    #[test]
    fn p09_a_note_is_never_overwritten_by_another() {
        let place = tempfile::tempdir().unwrap();
        let (signer, _) = Signer::generate().unwrap();
        let folder = Folder::open(place.path(), "bedside/test", signer.public_key()).unwrap();
        folder.write(5, &note(&signer, 5, 1)).unwrap();
        assert!(matches!(
            folder.write(5, &note(&signer, 5, 2)),
            Err(Error::Corrupt(_))
        ));
        assert_eq!(folder.latest().unwrap().unwrap().root, [1; 32]);
    }

    #[test]
    fn p09_a_note_of_another_signer_or_another_size_is_not_believed() {
        let place = tempfile::tempdir().unwrap();
        let ((signer, _), (stranger, _)) =
            (Signer::generate().unwrap(), Signer::generate().unwrap());
        let folder = Folder::open(place.path(), "bedside/test", signer.public_key()).unwrap();
        std::fs::write(place.path().join("checkpoint-3"), note(&stranger, 3, 1)).unwrap();
        std::fs::write(place.path().join("checkpoint-4"), note(&signer, 5, 1)).unwrap();
        assert!(
            folder
                .all()
                .unwrap()
                .iter()
                .all(|found| found.content.is_err())
        );
    }
}
