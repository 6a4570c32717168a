//! The key file: the key-encryption key and, on the second line, the key that signs checkpoints.
//!
//! It lies beside the data directory, not in it: whoever copies the data has no key, and whoever rewrites the log can't
//! sign a checkpoint for it. First line: 32 bytes in base64. Second line: `checkpoint: ` and the Ed25519 key in PKCS#8,
//! base64.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bedside_ledger::checkpoint::Signer;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::seal::key::SecretKey;

/// What the key file holds.
pub struct KeyFile {
    path: PathBuf,
    master: SecretKey,
    checkpoint: Zeroizing<Vec<u8>>,
}

impl KeyFile {
    /// Makes a new key file, readable by its owner alone. The file must not be there yet.
    ///
    /// # Errors
    /// [`Error::KeyFile`] when it can't be made.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let master = SecretKey::generate("master")?;
        let (_, pkcs8) = Signer::generate().map_err(|error| wrong(path, &error.to_string()))?;
        let checkpoint = Zeroizing::new(pkcs8);
        let text = Zeroizing::new(format!(
            "{}\ncheckpoint: {}\n",
            STANDARD.encode(master.bytes()),
            STANDARD.encode(checkpoint.as_slice())
        ));
        let failed = |error: std::io::Error| wrong(path, &format!("can't be written: {error}"));
        if let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        if let Some(parent) = path.parent() {
            let parent = if parent.as_os_str().is_empty() {
                Path::new(".")
            } else {
                parent
            };
            File::open(parent)
                .and_then(|folder| folder.sync_all())
                .map_err(failed)?;
        }
        Ok(Self {
            path: path.to_owned(),
            master,
            checkpoint,
        })
    }

    /// Reads the key file; none when it is not there.
    ///
    /// # Errors
    /// [`Error::KeyFile`] when others may read it or when it is no key file.
    pub fn load(path: &Path) -> Result<Option<Self>, Error> {
        // To open a pipe would wait for somebody to write into it.
        if std::fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
            return Err(wrong(
                path,
                "is no file: put the key back from where it was kept",
            ));
        }
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(path, &format!("can't be read: {error}"))),
        };
        let mode = file
            .metadata()
            .map_err(|error| wrong(path, &format!("can't be read: {error}")))?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            return Err(wrong(
                path,
                &format!("is readable by others: chmod 600 {}", path.display()),
            ));
        }
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text)
            .map_err(|error| wrong(path, &format!("can't be read: {error}")))?;
        let no_key = || {
            wrong(
                path,
                "is no key file: put the key back from where it was kept",
            )
        };
        let mut lines = text.lines();
        let first = Zeroizing::new(
            STANDARD
                .decode(lines.next().unwrap_or_default().trim())
                .map_err(|_| no_key())?,
        );
        let mut bytes = Zeroizing::new([0_u8; 32]);
        if first.len() != bytes.len() {
            return Err(no_key());
        }
        bytes.copy_from_slice(&first);
        let second = lines
            .next()
            .and_then(|line| line.strip_prefix("checkpoint:"))
            .ok_or_else(no_key)?;
        let checkpoint = Zeroizing::new(STANDARD.decode(second.trim()).map_err(|_| no_key())?);
        Ok(Some(Self {
            path: path.to_owned(),
            master: SecretKey::new("master", bytes)?,
            checkpoint,
        }))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) const fn master(&self) -> &SecretKey {
        &self.master
    }

    /// The key that signs checkpoints.
    pub(crate) fn signer(&self) -> Result<Signer, Error> {
        Signer::from_pkcs8(&self.checkpoint).map_err(|_| {
            wrong(
                &self.path,
                "holds no checkpoint key: put the key back from where it was kept",
            )
        })
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyFile({})", self.path.display())
    }
}

fn wrong(path: &Path, what: &str) -> Error {
    Error::KeyFile {
        path: path.to_owned(),
        what: what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_that_others_can_read_is_refused_with_the_command_to_mend_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.key");
        let made = KeyFile::create(&path).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let read = KeyFile::load(&path).unwrap().unwrap();
        assert_eq!(read.master().bytes(), made.master().bytes());
        assert_eq!(
            read.signer().unwrap().public_key(),
            made.signer().unwrap().public_key()
        );

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = KeyFile::load(&path).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
        assert_eq!(error.kind().exit_status(), 4);
    }

    #[test]
    fn what_is_no_key_file_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.key");
        assert!(KeyFile::load(&path).unwrap().is_none());
        for text in ["", "hello", "QUJD\ncheckpoint: QUJD\n"] {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            assert!(
                matches!(KeyFile::load(&path), Err(Error::KeyFile { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn a_key_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.key");
        KeyFile::create(&path).unwrap();
        assert!(matches!(KeyFile::create(&path), Err(Error::KeyFile { .. })));
    }
}
