//! What can go wrong with the store. Every message says what happened, where, and what to do next; none holds a value of a row.
//!
//! Each code has a page under `docs/errors/`.

use std::path::PathBuf;

use bedside_core::access::Denial;
use bedside_core::error::Kind;

/// An error of the store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another process has the data open.
    #[error(
        "{what} is in use by another process: stop that one, or speak to it instead of opening the store"
    )]
    Locked {
        /// The data directory, or the database.
        what: String,
    },
    /// The key file can't be used as it is.
    #[error("the key file {path} {what}")]
    KeyFile {
        /// The key file.
        path: PathBuf,
        /// What is wrong and what to do.
        what: String,
    },
    /// There is data but no key.
    #[error(
        "the store has data but its key file {path} is missing: put the key back from where it was kept; without it the data can't be read"
    )]
    KeyMissing {
        /// Where the key should be.
        path: PathBuf,
    },
    /// The key is not the one that the data was sealed with.
    #[error(
        "the key file {path} does not belong to this store: use the key that was made together with this data"
    )]
    KeyWrong {
        /// The key file.
        path: PathBuf,
    },
    /// The tables are not those of this program.
    #[error("{0}")]
    Schema(String),
    /// The database server does not answer.
    #[error(
        "the database server does not answer ({0}): check the URL, that the server runs and that it lets this user in"
    )]
    Unreachable(String),
    /// No room left.
    #[error(
        "no room left for the store: free some disk space; nothing that was acknowledged is lost"
    )]
    Full,
    /// It is not known whether the last write reached the disk.
    #[error(
        "the disk did not confirm a write: stop, check the disk, start again; what was acknowledged before is safe"
    )]
    Sync,
    /// Writing is not possible at the moment.
    #[error(
        "the store can't write at the moment, so this was refused: see the alarm for the cause and try again after it is mended"
    )]
    Unavailable,
    /// Somebody else was first.
    #[error("this changed in the meantime: read it again and repeat")]
    Conflict,
    /// There is no such thing.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// A rule says no.
    #[error("{}", .0.words())]
    Denied(Denial),
    /// The input makes no sense to the store.
    #[error("{0}")]
    Invalid(String),
    /// Wrong name or password; which of the two is not said.
    #[error("this name and password do not belong together")]
    SignIn,
    /// Too many wrong passwords.
    #[error("too many wrong passwords: try again in {seconds} s")]
    LockedOut {
        /// How long to wait.
        seconds: i64,
    },
    /// What is stored does not fit its key, its place or its format.
    #[error("stored data is damaged ({0}): run `bedside audit verify` and restore a backup")]
    Corrupt(String),
    /// A file operation failed.
    #[error("{path}: {what}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's words.
        what: String,
    },
    /// The database refused, in its own code.
    #[error("the database refused with code {0}: look the code up, check the disk and the log")]
    Database(String),
}

impl Error {
    /// The stable code; its page is `docs/errors/CODE.md`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "BED-STORE-001",
            Self::KeyFile { .. } => "BED-STORE-002",
            Self::KeyMissing { .. } => "BED-STORE-003",
            Self::KeyWrong { .. } => "BED-STORE-004",
            Self::Schema(_) => "BED-STORE-005",
            Self::Unreachable(_) => "BED-STORE-006",
            Self::Full => "BED-STORE-007",
            Self::Sync => "BED-STORE-008",
            Self::Unavailable => "BED-STORE-009",
            Self::Conflict => "BED-STORE-010",
            Self::NotFound(_) => "BED-STORE-011",
            Self::Denied(_) => "BED-STORE-012",
            Self::Invalid(_) => "BED-STORE-013",
            Self::SignIn => "BED-STORE-014",
            Self::LockedOut { .. } => "BED-STORE-015",
            Self::Corrupt(_) => "BED-STORE-016",
            Self::File { .. } => "BED-STORE-017",
            Self::Database(_) => "BED-STORE-018",
        }
    }

    /// What a caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Denied(_) | Self::SignIn => Kind::Denied,
            Self::Conflict | Self::NotFound(_) => Kind::Conflict,
            Self::Invalid(_) => Kind::Invalid,
            Self::LockedOut { .. } | Self::Unavailable | Self::Unreachable(_) | Self::Full => {
                Kind::Busy
            }
            Self::Locked { .. }
            | Self::KeyFile { .. }
            | Self::KeyMissing { .. }
            | Self::KeyWrong { .. }
            | Self::Schema(_)
            | Self::Sync
            | Self::Corrupt(_)
            | Self::File { .. }
            | Self::Database(_) => Kind::Broken,
        }
    }

    /// A file operation that failed, with its path.
    pub(crate) fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::StorageFull {
            return Self::Full;
        }
        Self::File {
            path: path.to_owned(),
            what: error.to_string(),
        }
    }
}
